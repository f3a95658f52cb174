# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""A user's own robot: an MJCF or URDF file, or any `MjSpec`, dressed so that it fits wherever ours do.

The file's bodies are hung under a base body "robot", its visible geoms are renamed `robot/...` (group 2) and its
collision geoms `robot/.../collision` (group 3), a site "tool" is put at the end effector, gravity is compensated, and
every joint on the way to the tool gets a position actuator of its name. Floors and lights of the file are left out.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from eyehand.errors import FileFormatError, UnknownNameError
from eyehand.world.chain import BASE
from eyehand.world.reaching import JointLimits
from eyehand.world.robots.actuation import add_servos
from eyehand.world.robots.assembly import COLLISION_GROUP, VISUAL_GROUP
from eyehand.world.robots.robot import TOOL, Robot, Shell

SUFFIXES = (".xml", ".mjcf", ".urdf")
TOOL_SITES = ("tool", "attachment_site", "end_effector", "ee_site", "eef", "tcp", "grip_site", "pinch")
TOOL_BODIES = ("tool0", "tool", "tcp", "ee_link", "end_effector", "ee", "flange", "hand", "gripper", "link_ee")
_SPEED, _SLIDE_SPEED, _ACCELERATION = 2.0, 0.25, 10.0  # ours, where a file says nothing: rad/s, m/s, rad/s^2
_STIFFNESS, _STIFFNESS_PER_TORQUE = 1000.0, 20.0  # ours, of servos that a file does not have
_HINGE, _SLIDE = mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE
_OF_JOINT = int(mujoco.mjtTrn.mjTRN_JOINT)


@dataclass(frozen=True)
class Source:
    """Where a robot's specification comes from.

    Attributes:
        where: the file or name, for messages.
        read: makes a new `MjSpec`.
        speeds: greatest speeds by joint name, where the source states them.
    """

    where: str
    read: Callable[[], Any]
    speeds: Mapping[str, float]


def file_source(path: Path) -> Source:
    """A robot file as a source.

    Raises:
        FileFormatError: the file is missing, of an unknown kind, not readable, or lacks meshes.
    """
    if not path.is_file():
        raise FileFormatError(path, "there is no such file", "Give the path of an MJCF (.xml) or URDF (.urdf) file.")
    if path.suffix.lower() not in SUFFIXES:
        raise FileFormatError(path, f"{path.suffix or 'no suffix'} is no robot file", f"Give {', '.join(SUFFIXES)}.")

    def read() -> Any:
        try:
            return _read(path)
        except (ValueError, ET.ParseError) as error:
            remedy = "Give an MJCF or URDF file that MuJoCo reads."
            raise FileFormatError(path, f"MuJoCo cannot read it: {_one_line(error)}", remedy) from error

    read()
    return Source(str(path), read, _speeds(path))


def _read(path: Path) -> Any:
    """The specification of a file; covers and massless links of a URDF are kept."""
    if path.suffix.lower() == ".urdf":
        root = ET.parse(path).getroot()
        section = root.find("mujoco")
        section = ET.SubElement(root, "mujoco") if section is None else section
        compiler = section.find("compiler")
        compiler = ET.SubElement(section, "compiler") if compiler is None else compiler
        compiler.set("discardvisual", "false")
        compiler.set("fusestatic", "false")
        spec = mujoco.MjSpec.from_string(ET.tostring(root, encoding="unicode"))
        spec.modelfiledir = str(path.parent)
    else:
        spec = mujoco.MjSpec.from_file(str(path))
    _find_meshes(path, spec)
    return spec


def _find_meshes(path: Path, spec: Any) -> None:
    """Make the places of mesh files absolute, and name every one that is not there."""
    folder = path.parent.resolve() / spec.meshdir
    missing: list[str] = []
    files = [mesh for mesh in spec.meshes if mesh.file]
    for mesh in files:
        places = [folder / mesh.file, path.parent.resolve() / mesh.file, folder / Path(mesh.file).name]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            missing.append(mesh.file)
        else:
            mesh.name, mesh.file = mesh.name or Path(mesh.file).stem, str(found)
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        remedy = f"Put them into {folder}, or set meshdir in the file."
        raise FileFormatError(path, f"{len(missing)} of {len(files)} mesh files are missing: {shown}", remedy)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _speeds(path: Path) -> dict[str, float]:
    """Joint speeds of a URDF, which MuJoCo does not keep."""
    found: dict[str, float] = {}
    for joint in ET.parse(path).getroot().iter("joint") if path.suffix.lower() == ".urdf" else ():
        limit = joint.find("limit")
        text = limit.get("velocity") if limit is not None else None
        if text and float(text) > 0:
            found[joint.get("name", "")] = float(text)
    return found


def own_robot(source: Source, name: str, tool: str = "") -> Robot:
    """A robot out of any specification.

    Args:
        source: of the specification.
        name: what to call it.
        tool: name of the site or body at the end effector; "" to look for the usual names.

    Raises:
        FileFormatError: no end effector, no joints on the way to it, or MuJoCo refuses the model.
        UnknownNameError: there is no site or body called `tool`.
    """
    spec = source.read()
    place = _find_tool(spec, source.where, tool)
    joints = _joints(source.where, place)
    model = _compiled(spec, source.where)
    limits = _limits(source, model, joints)
    text = _rebased(spec.to_xml(), source.where)
    assets = dict(spec.assets)

    def build(shell: Shell) -> Any:
        del shell  # a user's robot has one look
        return _dressed(mujoco.MjSpec.from_string(text, assets=assets), source.where, tool, limits, joints)

    home = _home(model, joints, limits)
    cameras = tuple(c.name for c in spec.cameras if c.name and c.parent.name != "world")
    robot = Robot(name, joints, home, limits, build, None, cameras, source.where)
    _compiled(robot.spec(), source.where)
    return robot


def _compiled(spec: Any, where: str) -> Any:
    try:
        return spec.compile()
    except ValueError as error:
        remedy = "Mend the file so that MuJoCo compiles it."
        raise FileFormatError(where, f"MuJoCo refuses the model: {_one_line(error)}", remedy) from error


def _rebased(text: str, where: str) -> str:
    """The MJCF with everything of its world under one body "robot"; floors, lights and free things are left out."""
    root = ET.fromstring(text)
    for part in root.findall("keyframe"):
        root.remove(part)
    for world in root.findall("worldbody"):
        for part in list(world):
            free = part.find("freejoint") is not None or any(j.get("type") == "free" for j in part.findall("joint"))
            if part.tag in ("light", "camera") or part.get("type") == "plane" or (part.tag == "body" and free):
                world.remove(part)
        parts = list(world)
        if [part.get("name") for part in parts] == [BASE]:
            continue
        if any(body.get("name") == BASE for body in world.iter("body")):
            raise FileFormatError(where, f"a body inside it is called {BASE!r}", "Keep that name for the base.")
        base = ET.Element("body", name=BASE)
        for part in parts:
            world.remove(part)
            base.append(part)
        world.append(base)
    return ET.tostring(root, encoding="unicode")


def _find_tool(spec: Any, where: str, tool: str) -> Any:
    """The site or body of the end effector."""
    sites = {site.name: site for site in spec.sites if site.name}
    bodies = {body.name: body for body in spec.bodies if body.name and body.name != "world"}
    if tool:
        if tool not in sites and tool not in bodies:
            raise UnknownNameError("end effector", tool, [*sites, *bodies], where)
        return sites.get(tool) or bodies[tool]
    for wanted, things in ((TOOL_SITES, sites), (TOOL_BODIES, bodies)):
        for name in wanted:
            if name in things:
                return things[name]
    known = f"sites {', '.join(sites) or 'none'}; bodies {', '.join(bodies) or 'none'}"
    remedy = f"Add a site named {TOOL!r}, or name one of its own: load_robot(path, tool=...)."
    raise FileFormatError(where, f"it has no end effector that we know ({known})", remedy)


def _joints(where: str, place: Any) -> tuple[str, ...]:
    """Names of the joints from the base to the tool."""
    body = place if isinstance(place, mujoco.MjsBody) else place.parent
    names: list[str] = []
    while body is not None and body.name != "world":
        for joint in reversed(list(body.joints)):
            if joint.type not in (_HINGE, _SLIDE):
                remedy = "The base must be fixed and every joint a hinge or a slide."
                raise FileFormatError(where, f"joint {joint.name!r} is free or a ball", remedy)
            names.insert(0, joint.name)
        body = body.parent
    if not names:
        remedy = "A robot needs at least one hinge or slide between its base and its tool."
        raise FileFormatError(where, f"there are no joints on the way to {place.name!r}", remedy)
    if "" in names:
        raise FileFormatError(where, "a joint on the way to the tool has no name", "Give every joint a name.")
    return tuple(names)


def _limits(source: Source, model: Any, joints: Sequence[str]) -> JointLimits:
    """What the file says of the joints, and our own guesses where it says nothing."""
    rows: list[tuple[float, float, float, float]] = []
    for name in joints:
        joint = int(model.joint(name).id)
        low, high = model.jnt_range[joint] if model.jnt_limited[joint] else (-np.inf, np.inf)
        torque = float(model.jnt_actfrcrange[joint, 1]) if model.jnt_actfrclimited[joint] else np.inf
        for servo in np.flatnonzero((model.actuator_trnid[:, 0] == joint) & (model.actuator_trntype == _OF_JOINT)):
            if model.actuator_forcelimited[servo]:
                torque = min(torque, float(model.actuator_forcerange[servo, 1]))
        speed = _SLIDE_SPEED if int(model.jnt_type[joint]) == int(_SLIDE) else _SPEED
        rows.append((float(low), float(high), source.speeds.get(name, speed), torque))
    low, high, speed, torque = np.array(rows, dtype=np.float64).T
    return JointLimits(low, high, speed, np.full(len(rows), _ACCELERATION), torque)


def _home(model: Any, joints: Sequence[str], limits: JointLimits) -> Any:
    """The keyframe "home" or the first one, else zero, or the middle of a range that zero is outside of."""
    values = np.zeros(len(joints))
    outside = (limits.low > 0) | (limits.high < 0)
    values[outside] = (limits.low[outside] + limits.high[outside]) / 2
    names = [model.key(k).name for k in range(model.nkey)]
    if names:
        pose = model.key_qpos[names.index("home") if "home" in names else 0]
        values = np.array([pose[model.joint(name).qposadr[0]] for name in joints])
    return limits.clip(values)


def _dressed(spec: Any, where: str, tool: str, limits: JointLimits, joints: Sequence[str]) -> Any:
    """The specification with our names, tool, servos and gravity compensation."""
    _mark_tool(_find_tool(spec, where, tool))
    _name_geoms(spec)
    for body in spec.bodies:
        if body.name != "world":
            body.gravcomp = 1.0
    _keep_servos(spec, joints, limits)
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    return spec


def _mark_tool(place: Any) -> None:
    """Put the site "tool" where the end effector is."""
    if isinstance(place, mujoco.MjsBody):
        place.add_site(name=TOOL, size=[0.005, 0.005, 0.005], group=4)
    elif place.name != TOOL:
        place.parent.add_site(name=TOOL, pos=place.pos, quat=place.quat, size=[0.005, 0.005, 0.005], group=4)


def _name_geoms(spec: Any) -> None:
    """Rename geoms by their roles; where a body has geoms for the eye alone, its others are hidden."""
    for number, body in enumerate(spec.bodies):
        geoms = list(body.geoms)
        plain = [geom for geom in geoms if not geom.contype and not geom.conaffinity and geom.group < COLLISION_GROUP]
        label = "root" if body.name == BASE else body.name or f"body{number}"
        for k, geom in enumerate(geoms):
            hidden = geom.group >= COLLISION_GROUP or (bool(plain) and geom not in plain)
            old, geom.name = geom.name, f"{BASE}/{label}/{k}" + ("/collision" if hidden else "")
            geom.group = COLLISION_GROUP if hidden else VISUAL_GROUP
            for pair in spec.pairs if old else ():
                pair.geomname1 = geom.name if pair.geomname1 == old else pair.geomname1
                pair.geomname2 = geom.name if pair.geomname2 == old else pair.geomname2


def _keep_servos(spec: Any, joints: Sequence[str], limits: JointLimits) -> None:
    """Position actuators of the file keep their gains and take their joint's name; other joints get ours."""
    served: set[str] = set()
    for actuator in list(spec.actuators):
        if actuator.target not in joints:
            continue
        position = actuator.gainprm[0] > 0 and actuator.gainprm[0] == -actuator.biasprm[1]
        if position and actuator.target not in served:
            actuator.name = actuator.target
            served.add(actuator.target)
        else:
            spec.delete(actuator)
    rest = [i for i, name in enumerate(joints) if name not in served]
    torque = limits.torque[rest]
    stiffness = np.where(np.isfinite(torque), _STIFFNESS_PER_TORQUE * torque, _STIFFNESS)
    some = JointLimits(limits.low[rest], limits.high[rest], limits.velocity[rest], limits.acceleration[rest], torque)
    add_servos(spec, [joints[i] for i in rest], some, stiffness.tolist())

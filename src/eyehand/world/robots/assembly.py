# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Puts a robot together: from a table of links to an `mujoco.MjSpec`.

Each link's mesh is split by colour into visual geoms named `robot/<link>/<colour>` (group 2); its hulls become
collision geoms named `robot/<link>/<i>/collision` (group 3). Everything a renderer colours is one geom of one colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import mujoco
import numpy as np

from eyehand.types import Floats
from eyehand.world.chain import BASE
from eyehand.world.meshes import Mesh

VISUAL_GROUP, COLLISION_GROUP = 2, 3
_NO_TURN = (1.0, 0.0, 0.0, 0.0)
_LEAST_AREA_M2 = 1e-10


@dataclass(frozen=True)
class Paint:
    """A colour of a robot.

    Attributes:
        name: what it is called in geom names.
        rgba: in [0, 1].
        specular: strength of highlights in [0, 1].
        shininess: sharpness of highlights in [0, 1].
    """

    name: str
    rgba: tuple[float, float, float, float]
    specular: float = 0.4
    shininess: float = 0.4


@dataclass(frozen=True)
class Capsule:
    """A collision hull: all points within `radius_m` of the line between two points (3,), in the link's frame."""

    start_m: tuple[float, float, float]
    end_m: tuple[float, float, float]
    radius_m: float


@dataclass(frozen=True)
class Block:
    """A collision hull: a box of half sizes (3,) about a centre (3,), in the link's frame."""

    centre_m: tuple[float, float, float]
    half_m: tuple[float, float, float]


@dataclass(frozen=True)
class Joint:
    """How a link moves on the one before it.

    Attributes:
        name: of the joint.
        axis: (3,) unit axis in the link's frame.
        low: lower limit, radians or metres.
        high: upper limit.
        slides: True for a sliding joint.
        damping: in N m s/rad (N s/m).
        armature: inertia of the motor as the joint feels it, kg m^2 (kg).
    """

    name: str
    axis: tuple[float, float, float]
    low: float
    high: float
    slides: bool = False
    damping: float = 1.0
    armature: float = 0.1


@dataclass(frozen=True)
class Link:
    """A rigid body.

    Attributes:
        name: of the body.
        parent: name of the link that carries it; "" for the world.
        position_m: (3,) of its frame in its parent's.
        quaternion: (4,) turn of its frame, scalar part first.
        joint: how it moves; None if it is fixed.
        mass_kg: its mass.
        centre_m: (3,) centre of mass in its frame.
        inertia: (6,) xx, yy, zz, xy, xz, yz about the centre of mass along the frame's axes, kg m^2.
        hulls: what it collides with.
    """

    name: str
    parent: str
    position_m: tuple[float, float, float]
    mass_kg: float
    centre_m: tuple[float, float, float]
    inertia: tuple[float, float, float, float, float, float]
    joint: Joint | None = None
    quaternion: tuple[float, float, float, float] = _NO_TURN
    hulls: tuple[Capsule | Block, ...] = field(default=())


def assemble(name: str, links: Sequence[Link], shells: Mapping[str, Mesh], palette: Sequence[Paint]) -> Any:
    """An `MjSpec` of the bodies, joints and geoms; actuators, sites and cameras are the caller's.

    Args:
        name: of the model.
        links: parents before their children; the first is the base.
        shells: the visual mesh of each link by name, in the link's frame; its materials are rows of the palette.
        palette: the robot's colours.
    """
    spec = mujoco.MjSpec()
    spec.modelname = name
    spec.compiler.degree = False
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    for paint in palette:
        spec.add_material(
            name=f"{BASE}/{paint.name}", rgba=paint.rgba, specular=paint.specular, shininess=paint.shininess
        )
    for link in links:
        body = _body(spec, link)
        if link.name in shells:
            _dress(spec, body, link.name, shells[link.name], palette)
    _let_neighbours_touch(spec, links)
    return spec


def _body(spec: Any, link: Link) -> Any:
    parent = spec.body(link.parent) if link.parent else spec.worldbody
    body = parent.add_body(name=link.name, pos=link.position_m, quat=link.quaternion, gravcomp=1.0)
    body.mass, body.ipos, body.fullinertia = link.mass_kg, link.centre_m, link.inertia
    body.explicitinertial = True
    if link.joint is not None:
        kind = mujoco.mjtJoint.mjJNT_SLIDE if link.joint.slides else mujoco.mjtJoint.mjJNT_HINGE
        joint = body.add_joint(name=link.joint.name, type=kind, axis=link.joint.axis)
        joint.range, joint.limited = [link.joint.low, link.joint.high], mujoco.mjtLimited.mjLIMITED_TRUE
        joint.armature, joint.damping[0] = link.joint.armature, link.joint.damping
    for i, hull in enumerate(link.hulls):
        _collide(body, hull, f"{_label(link.name)}/{i}/collision")
    return body


def _label(link: str) -> str:
    return f"{BASE}/base" if link == BASE else f"{BASE}/{link}"


def _collide(body: Any, hull: Capsule | Block, name: str) -> None:
    common: dict[str, Any] = {"name": name, "group": COLLISION_GROUP, "rgba": [0.5, 0.5, 0.5, 0.3], "mass": 0.0}
    if isinstance(hull, Block):
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, pos=hull.centre_m, size=hull.half_m, **common)
        return
    ends = [*hull.start_m, *hull.end_m]
    if hull.start_m == hull.end_m:
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, pos=hull.start_m, size=[hull.radius_m, 0, 0], **common)
    else:
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=ends, size=[hull.radius_m, 0, 0], **common)


def _dress(spec: Any, body: Any, link: str, mesh: Mesh, palette: Sequence[Paint]) -> None:
    """One mesh and one visual geom for every colour of a link."""
    corners, normals = mesh.vertices[mesh.faces], mesh.corner_normals()
    for row in np.unique(mesh.material):
        paint = palette[int(row)]
        name = f"{_label(link)}/{paint.name}"
        add_mesh(spec, name, corners[mesh.material == row], normals[mesh.material == row])
        body.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            material=f"{BASE}/{paint.name}",
            rgba=paint.rgba,
            group=VISUAL_GROUP,
            contype=0,
            conaffinity=0,
            mass=0.0,
        )


def add_mesh(spec: Any, name: str, corners_m: Floats, normals: Floats) -> None:
    """Add triangles as a mesh asset that keeps their shading normals, sharp creases and smooth curves alike.

    A vertex is repeated for each of its normals, and triangles without an area are left out.

    Args:
        spec: the `MjSpec`.
        name: of the asset.
        corners_m: (F, 3, 3) corners of the triangles.
        normals: (F, 3, 3) unit normals at the corners.
    """
    doubled = np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0])
    seen = np.linalg.norm(doubled, axis=1) > _LEAST_AREA_M2
    table = np.concatenate([corners_m[seen], normals[seen]], axis=2).reshape(-1, 6)
    unique, vertex = np.unique(np.round(table, 6), axis=0, return_inverse=True)
    asset = spec.add_mesh(name=name)
    asset.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL  # thin and open parts have no volume
    asset.uservert = unique[:, :3].reshape(-1)
    asset.usernormal = unique[:, 3:].reshape(-1)
    asset.userface = vertex.reshape(-1)


def _let_neighbours_touch(spec: Any, links: Sequence[Link]) -> None:
    """Links up to two joints apart overlap inside their covers, so they are not checked against each other.

    Nor are the two fingers of a hand, which their joints keep apart.
    """
    parents = {link.name: link.parent for link in links}
    for link in links:
        above = parents[link.name]
        for _ in range(2):
            if above:
                spec.add_exclude(bodyname1=above, bodyname2=link.name)
                above = parents[above]
    for first, second in combinations(links, 2):
        if first.parent == second.parent:
            spec.add_exclude(bodyname1=first.name, bodyname2=second.name)


def turned_inertia(R: Floats, inertia: Sequence[float]) -> tuple[float, float, float, float, float, float]:
    """An inertia (xx, yy, zz, xy, xz, yz) given in a frame that is turned by `R` (3, 3), in the frame itself."""
    xx, yy, zz, xy, xz, yz = inertia
    turned = R @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ R.T
    xx, yy, zz, xy, xz, yz = (float(turned[i, k]) for i, k in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)))
    return xx, yy, zz, xy, xz, yz

# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""A table with a robot at its edge and objects on it, in a room: the scene of every manipulation task.

The robot's base stands at the origin on the table's plane z = 0 and looks along x. Which objects lie on the table, and
where, is state; how things look is the domain's matter (`eyehand.world.looks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import mujoco
import numpy as np

from eyehand.types import Array, Flags, Floats, Integers
from eyehand.world.chain import Chain
from eyehand.world.clutter import add_clutter
from eyehand.world.objects.household import HouseholdObject
from eyehand.world.physics.engine import Engine
from eyehand.world.physics.slots import Slots, add_slots
from eyehand.world.robots.robot import TOOL, Gripper, Robot, Shell

TABLE_SIZE_M = (1.3, 1.5, 0.04)  # along x and y, and its thickness
TABLE_CENTRE_M = (0.45, 0.0)
TABLE_HEIGHT_M = 0.75  # of its top above the floor
ROOM_M = 2.6  # from the table's centre to each wall
WALL_HEIGHT_M = 2.6
REACH_SENSED_M = 3.0  # distances beyond are told as this
_BOX, _PLANE = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_PLANE
_EMPTY_M = np.array([0.0, 0.0, -5.0])  # where the bodies of empty slots float, under the floor


@dataclass(frozen=True)
class Hand:
    """What a robot with a gripper and a camera in the hand adds to a scene.

    Attributes:
        gripper: widths and force.
        fingers: (2,) places of the finger joints among the positions.
        servo: the gripper's actuator.
        T_tool_camera: (4, 4) camera to tool.
    """

    gripper: Gripper
    fingers: Integers
    servo: int
    T_tool_camera: Floats


@final
class Tabletop:
    """The compiled scene, its physics, and what a task needs to know of it."""

    def __init__(
        self,
        robot: Robot,
        objects: Sequence[HouseholdObject],
        slots: int,
        timestep_s: float,
        shell: Shell = "plain",
        *,
        balls: int = 0,
        rulers: bool = True,
    ) -> None:
        """Compose and compile the scene.

        Args:
            robot: the arm.
            objects: what can lie on the table.
            slots: how many objects there can be at once.
            timestep_s: of a physics step.
            shell: which visual meshes the robot wears, "plain" or "twin".
            balls: how many of the first slots hold nothing but small balls: they touch as true spheres, stiffly, and
                rolling has friction.
            rulers: whether distances between the hand and the objects are measured, which costs time.
        """
        spec = robot.spec(shell=shell)
        spec.option.timestep = timestep_s
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE  # its boxes are those of the first objects
        _add_room(spec)
        add_clutter(spec)
        if slots:
            add_slots(spec, objects, slots)
        for k in range(balls):
            _make_ball(spec.geom(f"object{k}/part0"))
        if rulers:
            _add_rulers(spec, _hand_geoms(spec), slots)
        self.model = spec.compile()
        self.robot = robot
        self.slots = Slots(self.model, objects, slots)
        self.engine = Engine(self.model)
        self.chain = Chain.from_model(self.model, robot.joints, TOOL)
        self.tool: int = self.model.site(TOOL).id
        self.hand_body: int = self.model.site_bodyid[self.tool]
        self.arm_geoms = _arm_geoms(self.model)
        self.dofs = np.array([self.model.joint(name).dofadr[0] for name in robot.joints])
        self.servos = np.array([self.model.actuator(name).id for name in robot.joints])
        self._qpos = np.array([self.model.joint(name).qposadr[0] for name in robot.joints])
        self._free = np.array([self.model.joint(f"object{k}").qposadr[0] for k in range(slots)], np.int64)
        self._free_dofs = np.array([self.model.joint(f"object{k}").dofadr[0] for k in range(slots)], np.int64)
        self.hand = _hand(self.model, robot)
        sizes_m = np.array([thing.size_m for thing in objects]).reshape(-1, 3)
        self._heights_m = sizes_m[:, 2]
        self.radii_m = 0.5 * np.hypot(sizes_m[:, 0], sizes_m[:, 1])  # of the objects' footprints
        self._memo: tuple[bytes, dict[str, Array]] | None = None

    def place(self, q_rad: Floats, held: Integers, position_m: Floats, yaw_rad: Floats) -> Floats:
        """Physics rows with the arm at rest and the objects standing on the table.

        Args:
            q_rad: (B, J) joint angles.
            held: (B, K) object of every slot, -1 for none.
            position_m: (B, K, 2) of the objects on the table.
            yaw_rad: (B, K) their turn about the vertical.

        Returns:
            (B, n) rows for `engine`.
        """
        states = self.engine.rows(len(q_rad))
        qpos = self.engine.part(states, "qpos")
        qpos[:, self._qpos] = q_rad
        self.engine.part(states, "ctrl")[:, self.servos] = q_rad
        for k, start in enumerate(self._free):
            there = held[:, k] >= 0
            standing = np.concatenate([position_m[:, k], np.zeros((len(q_rad), 1))], axis=1)
            qpos[:, start : start + 3] = np.where(there[:, None], standing, _EMPTY_M + np.array([k, 0.0, 0.0]))
            half = 0.5 * yaw_rad[:, k]
            qpos[:, start + 3 : start + 7] = np.stack([np.cos(half), 0 * half, 0 * half, np.sin(half)], axis=1)
        return states

    def fields(self, held: Integers) -> dict[str, Array]:
        """Model fields of simulations whose slots hold these objects (B, K); not to be written to."""
        key = held.tobytes()
        if self._memo is None or self._memo[0] != key:
            self._memo = (key, self.slots.fields(held))
        return self._memo[1]

    def joints(self, states: Floats) -> Floats:
        """Joint angles (B, J) in physics rows (B, n)."""
        return self.engine.part(states, "qpos")[:, self._qpos]

    def controls(self, states: Floats) -> Floats:
        """All actuator commands (B, m) in physics rows (B, n), a copy."""
        return self.engine.part(states, "ctrl").copy()

    def joint_commands(self, controls: Floats) -> Floats:
        """The joints' part (B, J) of actuator commands (B, m)."""
        return controls[:, self.servos]

    def posed(self, states: Floats, q_rad: Floats) -> Floats:
        """Physics rows (B, n) with the arm at rest at other joint angles (B, J)."""
        out = states.copy()
        self.engine.part(out, "qpos")[:, self._qpos] = q_rad
        self.engine.part(out, "qvel")[:, self.dofs] = 0.0
        self.engine.part(out, "ctrl")[:, self.servos] = q_rad
        return out

    def with_joint_commands(self, controls: Floats, q_rad: Floats) -> Floats:
        """Actuator commands (B, m) that send the joints to `q_rad` (B, J) and leave a gripper as it is."""
        out = controls.copy()
        out[:, self.servos] = q_rad
        return out

    def opened(self, states: Floats, width_m: Floats) -> Floats:
        """Physics rows (B, n) with the gripper at rest at widths (B,) in metres."""
        out, hand = states.copy(), self.hand
        each = (width_m - hand.gripper.closed_m) / len(hand.fingers)
        self.engine.part(out, "qpos")[:, hand.fingers] = each[:, None]
        self.engine.part(out, "ctrl")[:, hand.servo] = hand.gripper.control(width_m)
        return out

    def width_m(self, states: Floats) -> Floats:
        """Width (B,) between the fingers in physics rows (B, n)."""
        return self.hand.gripper.closed_m + self.engine.part(states, "qpos")[:, self.hand.fingers].sum(axis=1)

    def commanded_width_m(self, controls: Floats) -> Floats:
        """Width (B,) that the gripper is sent to by actuator commands (B, m)."""
        return self.hand.gripper.closed_m + 2 * controls[:, self.hand.servo]

    def with_width(self, controls: Floats, width_m: Floats) -> Floats:
        """Actuator commands (B, m) that send the gripper to widths (B,)."""
        out = controls.copy()
        out[:, self.hand.servo] = self.hand.gripper.control(width_m)
        return out

    def hand_camera(self, states: Floats) -> Floats:
        """Poses (B, 4, 4), camera to world, of the camera in the hand in physics rows (B, n)."""
        return np.einsum("bij,jk->bik", self.chain.forward(self.joints(states)), self.hand.T_tool_camera)

    def shoved(self, states: Floats, slot: int, velocity_m_s: Floats, which: Flags) -> Floats:
        """Physics rows (B, n) in which a slot's object slides off with a velocity (B, 3), in some rows (B,)."""
        out, first = states.copy(), self._free_dofs[slot]
        speeds = self.engine.part(out, "qvel")
        speeds[which, first : first + 3] = velocity_m_s[which]
        speeds[which, first + 3 : first + 6] = 0.0
        return out

    def middles_m(self, states: Floats, held: Integers) -> Floats:
        """Middles (B, K, 3) of the objects in physics rows (B, n): half-way up above the middle of the footprint."""
        qpos = self.engine.part(states, "qpos")
        height = self._heights_m[np.maximum(held, 0)]  # (B, K)
        middles = np.empty((*held.shape, 3))
        for k, start in enumerate(self._free):
            w, x, y, z = qpos[:, start + 3 : start + 7].T
            up = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], axis=1)
            middles[:, k] = qpos[:, start : start + 3] + 0.5 * height[:, k, None] * up
        return middles

    def distances_m(self, sensors: Floats) -> Floats:
        """Distance (B, K) between the hand and the object of every slot, 0 where they touch, read off the sensors."""
        readings = sensors.reshape(len(sensors), self.slots.count, -1)
        return np.maximum(readings.min(axis=2), 0.0)


def _add_room(spec: mujoco.MjSpec) -> None:
    world, (x, y) = spec.worldbody, TABLE_CENTRE_M
    length, width, thickness = TABLE_SIZE_M
    top = [length / 2, width / 2, thickness / 2]
    _add_scenery(world, "table", top, [x, y, -thickness / 2], [0.62, 0.47, 0.33, 1])
    # Things rest on a plane, whose contacts cost half of a box's; it goes on beyond the table's edge.
    world.add_geom(name="table/collision", type=_PLANE, size=[length, width, 0.1], pos=[x, y, 0.0], group=3)
    for i, (side, end) in enumerate([(-1, -1), (-1, 1), (1, -1), (1, 1)]):
        place = [x + side * (length / 2 - 0.06), y + end * (width / 2 - 0.06), -(TABLE_HEIGHT_M + thickness) / 2]
        leg = [0.03, 0.03, (TABLE_HEIGHT_M - thickness) / 2]
        _add_scenery(world, f"table/leg{i}", leg, place, [0.35, 0.35, 0.37, 1])
    _add_scenery(world, "floor", [ROOM_M, ROOM_M, 0.02], [x, y, -TABLE_HEIGHT_M - 0.02], [0.55, 0.53, 0.50, 1])
    height = WALL_HEIGHT_M / 2
    for i, (dx, dy) in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
        size = [0.02, ROOM_M, height] if dx else [ROOM_M, 0.02, height]
        place = [x + dx * (ROOM_M + 0.02), y + dy * (ROOM_M + 0.02), height - TABLE_HEIGHT_M]
        _add_scenery(world, f"wall/{i}", size, place, [0.80, 0.80, 0.77, 1])


def _add_scenery(world: mujoco.MjsBody, name: str, size: list[float], pos: list[float], rgba: list[float]) -> None:
    """A box that is seen and touched by nothing."""
    world.add_geom(name=name, type=_BOX, size=size, pos=pos, rgba=rgba, group=2, contype=0, conaffinity=0)


def _arm_geoms(model: mujoco.MjModel) -> Integers:
    """Collision geoms of the robot."""
    of_robot = [model.geom(geom).name.startswith("robot/") for geom in range(model.ngeom)]
    return np.flatnonzero(of_robot & ((model.geom_contype != 0) | (model.geom_conaffinity != 0)))


def _make_ball(part: mujoco.MjsGeom) -> None:
    """Let a part of a slot touch as the sphere about its mesh, the same way whatever it touches.

    MuJoCo's contacts give way in proportion to mass: those of things that weigh grams must be stiff to be held, and
    spheres roll for ever unless six directions of a contact have friction.
    """
    part.type = mujoco.mjtGeom.mjGEOM_SPHERE
    part.condim, part.priority = 6, 1
    part.solref, part.solimp[:3] = [0.004, 1.0], [0.95, 0.99, 0.0005]


def _hand(model: mujoco.MjModel, robot: Robot) -> Hand:
    """The hand in a compiled model; without a gripper or a camera, one that nobody may ask."""
    gripper = robot.gripper or Gripper((), "", 0.0, 0.0, 0.0)
    fingers = np.array([model.joint(name).qposadr[0] for name in gripper.joints], np.int64)
    servo = model.actuator(gripper.actuator).id if robot.gripper else -1
    T_tool_camera = np.full((4, 4), np.nan)
    if robot.cameras:
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        camera, tool = data.camera(robot.cameras[0]), data.site(TOOL)
        R_tool = tool.xmat.reshape(3, 3)
        T_tool_camera = np.eye(4)
        T_tool_camera[:3, :3] = R_tool.T @ camera.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])  # to OpenCV's axes
        T_tool_camera[:3, 3] = R_tool.T @ (camera.xpos - tool.xpos)
    return Hand(gripper, fingers, servo, T_tool_camera)


def _hand_geoms(spec: mujoco.MjSpec) -> list[str]:
    """Collision geoms of the bodies about the tool: its own, its parent and grandparent, and all that hangs on them."""
    body = spec.site("tool").parent
    first = body.parent.parent
    found = [first, *first.find_all(mujoco.mjtObj.mjOBJ_BODY)]
    return [geom.name for part in found for geom in part.geoms if geom.contype or geom.conaffinity]


def _add_rulers(spec: mujoco.MjSpec, hand: Sequence[str], slots: int) -> None:
    """Sensors of the distance between every geom of the hand and every part of every slot."""
    for k in range(slots):
        parts = [geom.name for geom in spec.body(f"object{k}").geoms if geom.group == 3]
        for part in parts:
            for geom in hand:
                spec.add_sensor(
                    name=f"{geom}|{part}",
                    type=mujoco.mjtSensor.mjSENS_GEOMDIST,
                    objtype=mujoco.mjtObj.mjOBJ_GEOM,
                    objname=geom,
                    reftype=mujoco.mjtObj.mjOBJ_GEOM,
                    refname=part,
                    cutoff=REACH_SENSED_M,
                )

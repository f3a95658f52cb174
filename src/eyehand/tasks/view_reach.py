"""Reaching a shown object from an unknown viewpoint (Sadeghi et al. 2018, Sections 3 and 5).

Task:
    Move the tool of an arm to the query object among one to three objects on a table, seen by a camera that stands
    anywhere and that nobody has calibrated. Ten steps of the tool in the robot's frame, each at most `STEP_M` long.
    What to reach is told by a small picture of the object alone (`Observation.goal`), taken from another side.
Randomisation:
    Which objects, how many, where and how they are turned; the tool's start above the table; the camera: anywhere on
    a dome about the workspace, or one of a finite pool of viewpoints, with the query object in sight at the start.
Reward:
    1 while the hand is at the query object, less its distance in metres. (The paper's return counts the 1 alone.)
Success:
    The hand comes within 2 cm of the query object, closest points of both, at any time.
Privileged information:
    Places of all objects and of the camera, and which object is meant.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, final

import numpy as np

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.interfaces.query_map import QueryMap
from eyehand.types import CommandSpec, Decision, Flags, Floats, Integers, Memory
from eyehand.world import counter, viewpoints
from eyehand.world.domain import Domain
from eyehand.world.objects.catalogue import household_objects
from eyehand.world.reaching import reach
from eyehand.world.robots.loading import load_robot
from eyehand.world.robots.robot import Shell
from eyehand.world.tabletop import Tabletop
from eyehand.world.tabletop_motion import KinematicTool, MujocoArm
from eyehand.world.tabletop_view import Portrait, TabletopImaging
from eyehand.world.task import Imaging, Motion, Verdict

HORIZON = 10
SLOTS = 3
STEP_M = 0.06
AT_TARGET_M = 0.02
WORKSPACE_LOW_M = np.array([0.40, -0.30, 0.0])  # of the objects on the table
WORKSPACE_HIGH_M = np.array([0.75, 0.30, 0.0])
START_LOW_M = np.array([0.35, -0.30, 0.25])  # of the tool
START_HIGH_M = np.array([0.65, 0.30, 0.45])
DOWNWARD = np.diag([1.0, -1.0, -1.0])  # the tool's z axis points at the table
CLEARANCE_M = 0.03
CAMERAS = ("camera", "second")
CAMERA_SIZE = (128, 128)
QUERY_SIZE = (32, 32)
Viewpoints = Literal["anywhere", "seen", "novel"]


@dataclass(frozen=True)
class ViewReachState:
    """State of the task, every array with leading dimension B; slots that hold nothing are at the origin.

    Attributes:
        physics: (B, n) MuJoCo's integration state.
        seen: (B, n) the same at the time that the latest frame shows.
        held: (B, K) object of every slot, a row of the task's objects; -1 for none.
        query: (B,) slot of the query object.
        T_world_camera: (B, 4, 4) where the camera stands.
        q_rad: (B, J) true joint angles.
        tool_m: (B, 3) the tool in the world.
        object_m: (B, K, 3) middles of the objects in the world.
        distance_m: (B,) between hand and query object, closest points; 0 where they touch.
        succeeded: (B,) the hand was at the query object at some time.
        diverged: (B,) the physics of this row failed, which ends its episode.
    """

    physics: Floats
    seen: Floats
    held: Integers
    query: Integers
    T_world_camera: Floats
    q_rad: Floats
    tool_m: Floats
    object_m: Floats
    distance_m: Floats
    succeeded: Flags
    diverged: Flags

    @property
    def query_m(self) -> Floats:
        """Middle (B, 3) of the query object in the world."""
        return self.object_m[np.arange(len(self.query)), self.query]


@final
class StraightLine:
    """The expert: the tool goes straight to the middle of the query object, at full speed until it is there."""

    def label(self, state: ViewReachState, sent: Floats | None, memory: Memory) -> Decision:
        """Displacement (B, 3); `aux["valid"]` is False within a step of the target, where no direction is defined."""
        del sent
        way = state.query_m - state.tool_m
        length = np.linalg.norm(way, axis=1, keepdims=True)
        step = way * np.minimum(1.0, STEP_M / np.maximum(length, 1e-9))
        return Decision(np.zeros(len(way), np.int64), step, memory, {"valid": length[:, 0] > STEP_M})


@lru_cache(maxsize=4)
def _scene(robot: str, objects: str, timestep_s: float, shell: Shell) -> Tabletop:
    """The composed scene; a second to make, so that the last few are kept."""
    return Tabletop(load_robot(robot), household_objects(objects), SLOTS, timestep_s, shell)


@final
class ViewReach:
    """The task object, see the module's text."""

    name = "view_reach"
    summary = "reach the object of a shown picture with an arm on a table, seen from anywhere"
    horizon = HORIZON

    def __init__(
        self,
        robot: str = "iiwa14",
        objects: int = 0,
        viewpoints: Viewpoints = "anywhere",
        pool: int = 64,
        rate_hz: float = 4.0,
        substeps: int = 50,
        cameras: int = 1,
        depth: bool = False,
    ) -> None:
        """Make the task.

        Args:
            robot: "iiwa14", "panda", or whatever `eyehand.world.robots.load_robot` knows.
            objects: how many lie on the table, 1 to 3; 0 for any of these.
            viewpoints: "anywhere" on the dome, one of `pool` viewpoints that are "seen" in training, or a "novel" one.
            pool: how many seen viewpoints there are.
            rate_hz: control steps per second.
            substeps: physics steps in a control step.
            cameras: 1, or 2 for a second one a quarter turn around the table.
            depth: whether the cameras give depth too.
        """
        if objects not in range(SLOTS + 1) or type(objects) is not int:
            raise InvalidValueError("view_reach objects", objects, f"0 (any number) to {SLOTS}")
        if viewpoints not in ("anywhere", "seen", "novel"):
            raise UnknownNameError("viewpoints", viewpoints, ("anywhere", "seen", "novel"), "view_reach")
        if pool < 1 or substeps < 1 or not rate_hz > 0:
            raise InvalidValueError("pool, substeps, rate_hz", (pool, substeps, rate_hz), "numbers above 0")
        self.viewpoints: Viewpoints = viewpoints
        self.robot, self.objects, self.pool = robot, objects, pool
        if cameras not in (1, 2):
            raise InvalidValueError("view_reach cameras", cameras, "1 or 2")
        self.rate_hz, self.substeps, self.depth = rate_hz, substeps, depth
        self.family = "train"  # of the objects; `within` takes the domain's
        self.camera_size = dict.fromkeys(CAMERAS[:cameras], CAMERA_SIZE)
        self.dt_s = 1.0 / rate_hz
        self.interface = QueryMap(viewpoints_K(), CAMERA_SIZE)
        self.calibration = {"K": viewpoints_K().tolist()}
        limit = (STEP_M,) * 3
        self.commands = (CommandSpec("ee_delta", tuple(-v for v in limit), limit, frame="robot", unit="m"),)

    @property
    def scene(self) -> Tabletop:
        """The scene in its plain look."""
        return _scene(self.robot, self.family, self.dt_s / self.substeps, "plain")

    def within(self, domain: Domain) -> ViewReach:
        """With the family of objects that lie in the domain."""
        if domain.appearance.objects == self.family:
            return self
        task = copy.copy(self)
        task.family = domain.appearance.objects
        return task

    def sample(self, seeds: Integers) -> ViewReachState:
        """Objects, start and viewpoint of every episode."""
        scene, batch = self.scene, len(seeds)
        number = self.objects or 1 + (counter.uniform(seeds, "reset/number") * SLOTS).astype(np.int64)
        slots = np.arange(SLOTS)
        kinds = (counter.uniform(seeds[:, None], "reset/kind", index=slots) * len(scene.slots.objects)).astype(np.int64)
        held = np.where(slots < np.reshape(number, (-1, 1)), kinds, -1)
        query = (counter.uniform(seeds, "reset/query") * number).astype(np.int64)
        radii = scene.radii_m[np.maximum(held, 0)]
        place = viewpoints.scatter(seeds, radii + CLEARANCE_M / 2, WORKSPACE_LOW_M[:2], WORKSPACE_HIGH_M[:2])
        yaw = 2 * np.pi * counter.uniform(seeds[:, None], "reset/yaw", index=slots)
        physics = scene.place(self._start(seeds), held, place, yaw)
        zeros, never = np.zeros(batch), np.zeros(batch, bool)
        eyes = np.tile(np.eye(4), (batch, 1, 1))
        empty = np.zeros((batch, SLOTS, 3))
        state = ViewReachState(
            physics, physics, held, query, eyes, empty[:, 0], empty[:, 0], empty, zeros, never, never
        )
        state = self.settle(state)
        parts_m = scene.engine.geometry(physics, scene.fields(held)).position_m[:, scene.arm_geoms]
        eyes = viewpoints.look(seeds, state.query_m, parts_m, self.viewpoints, self.pool)
        return dataclasses.replace(state, T_world_camera=eyes, succeeded=never)

    def _start(self, seeds: Integers) -> Floats:
        """Joint angles (B, J) with the tool pointing down above the table."""
        scene = self.scene
        target = np.tile(np.eye(4), (len(seeds), 1, 1))
        target[:, :3, :3] = DOWNWARD
        share = counter.uniform(seeds[:, None], "reset/tool", index=np.arange(3))
        target[:, :3, 3] = START_LOW_M + share * (START_HIGH_M - START_LOW_M)
        home = np.tile(scene.robot.home_rad, (len(seeds), 1))
        return reach(scene.chain, target, home, scene.robot.limits).q

    def settle(self, state: ViewReachState) -> ViewReachState:
        """Read places and distances off the physics."""
        scene = self.scene
        geometry = scene.engine.geometry(state.physics, scene.fields(state.held))
        there = (state.held >= 0)[..., None]
        rows = np.arange(len(state.query))
        distance_m = scene.distances_m(geometry.sensors)[rows, state.query]
        return dataclasses.replace(
            state,
            q_rad=scene.joints(state.physics),
            tool_m=geometry.site_m[:, scene.tool],
            object_m=np.where(there, scene.middles_m(state.physics, state.held), 0.0),
            distance_m=distance_m,
            succeeded=state.succeeded | (distance_m <= AT_TARGET_M),
        )

    def judge(self, state: ViewReachState) -> Verdict:
        """Reward, and the end where physics failed; otherwise an episode lasts ten steps."""
        near = state.distance_m <= AT_TARGET_M
        reward = np.where(near, 1.0, 0.0) - state.distance_m
        success = state.succeeded & ~state.diverged
        return Verdict(reward, state.diverged, success, {"distance_m": state.distance_m})

    def encoders(self, state: ViewReachState, domain: Domain, seeds: Integers) -> Floats:
        """Joint angles (B, J) with the domain's encoder bias."""
        joints = state.q_rad.shape[1]
        return state.q_rad + domain.numbers("calibration.encoder_bias_rad", seeds, count=joints)

    def environment(self, state: ViewReachState) -> Floats:
        """The tool and the query object (B, 6) in the robot's frame, metres."""
        return np.concatenate([state.tool_m, state.query_m], axis=1)

    def expert(self) -> StraightLine:
        """Straight to the query object."""
        return StraightLine()

    def goal(self, domain: Domain) -> Portrait:
        """A picture of the query object alone."""
        return Portrait(self, self._shown_scene(domain), domain, QUERY_SIZE)

    def motion(self, domain: Domain) -> Motion[ViewReachState]:
        """`kinematic` (exact, the objects stay) or `mujoco` (servos, contact)."""
        match domain.dynamics.motion:
            case "kinematic":
                return KinematicTool(self.scene, self.dt_s)
            case "mujoco":
                return MujocoArm(self.scene, domain, self.dt_s, self.substeps)
            case name:
                raise UnknownNameError("motion back end", name, ("kinematic", "mujoco"), f"domain {domain.name}")

    def imaging(self, domain: Domain) -> Mapping[str, Imaging[ViewReachState]]:
        """`raster` (the simulator) or `traced` (path traced, through a camera)."""
        if domain.appearance.image not in ("raster", "traced"):
            where = f"domain {domain.name}"
            raise UnknownNameError("image back end", domain.appearance.image, ("raster", "traced"), where)
        scene = self._shown_scene(domain)
        return {
            name: TabletopImaging(scene, domain, viewpoints_K(), CAMERA_SIZE, self.depth, i * np.pi / 2)
            for i, name in enumerate(self.camera_size)
        }

    def _shown_scene(self, domain: Domain) -> Tabletop:
        return _scene(self.robot, self.family, self.dt_s / self.substeps, cast("Shell", domain.appearance.shell))


def viewpoints_K() -> Floats:
    """Intrinsics (3, 3) of the camera, 60 degrees wide."""
    return viewpoints.intrinsics(CAMERA_SIZE, np.pi / 3)

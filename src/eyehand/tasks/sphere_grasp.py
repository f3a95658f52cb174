"""Grasping a small sphere with a camera in the hand (Yan, Frosio, Tyree, Kautz 2017, Sections 2 and 3).

Task:
    Pick a yellow sphere of 1.37 cm off a table with Baxter's left arm and its electric gripper, seen by nothing but
    the camera in the hand, 80 degrees wide. Ten steps a second, each of the seven joints by at most `MOST_RAD`, and
    the width of the gripper from -1 (closed) to 1 (open); 150 steps, more in domains whose robot is slower.
Randomisation:
    Where the sphere lies, anywhere in a rectangle or on one of 50 places of a regular grid; where above the table the
    hand starts; on request, up to three yellow or orange things about the sphere, and nudges that send it rolling.
Reward:
    1 when the sphere is lifted, before that less the distance between it and the tool in metres. (The paper has none.)
Success:
    The sphere is `LIFTED_M` above where it lay, between the fingers. This ends the episode.
Privileged information:
    Where the sphere is.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast, final

import numpy as np

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.interfaces import mask
from eyehand.interfaces.mask import Mask
from eyehand.types import CommandSpec, Flags, Floats, Integers
from eyehand.world import viewpoints
from eyehand.world.domain import Domain, mean
from eyehand.world.grasp_places import GraspPlaces, Positions, Starts
from eyehand.world.grasping import GraspMachine
from eyehand.world.looks import displaced, draw_cameras
from eyehand.world.nudging import Nudged
from eyehand.world.objects.household import Split
from eyehand.world.objects.look_alikes import SPHERE_RADIUS_M, look_alikes, yellow_sphere
from eyehand.world.robots.loading import load_robot
from eyehand.world.robots.robot import Shell
from eyehand.world.silhouettes import Silhouettes, scaled
from eyehand.world.tabletop import Tabletop
from eyehand.world.tabletop_motion import JointSteering, MujocoArm
from eyehand.world.tabletop_view import TabletopImaging, Unoccupied
from eyehand.world.task import Imaging, Motion, Verdict

HORIZON, RATE_HZ = 150, 10.0
MOST_RAD = 0.02  # of every joint in a step
LIFTED_M = 0.04
HELD_M = 0.02  # from the tool to the middle of a sphere that is between the fingers
FIELD_OF_VIEW_RAD = np.deg2rad(80.0)
CAMERA = "hand"


@dataclass(frozen=True)
class SphereGraspState:
    """State of the task, every array with leading dimension B.

    Attributes:
        physics: (B, n) MuJoCo's integration state.
        seen: (B, n) the same at the time that the latest frame shows.
        held: (B, K) what is in every slot: the sphere in the first, a look-alike or nothing (-1) in the others.
        T_world_camera: (B, 4, 4) where the camera really was when it took the latest frame.
        T_camera_error: (B, 4, 4) how it sits in the hand against where it is believed to: turned in its own frame,
            shifted in the world's.
        K: (B, 3, 3) its true intrinsics in pixels of the picture.
        lens_k1: (B,) its radial distortion.
        q_rad: (B, 7) true joint angles.
        width_m: (B,) between the fingers.
        tool_m: (B, 3) the point between the finger tips in the world.
        sphere_m: (B, 3) middle of the sphere in the world.
        succeeded: (B,) the sphere was lifted at some time.
        diverged: (B,) the physics of this row failed, which ends its episode.
    """

    physics: Floats
    seen: Floats
    held: Integers
    T_world_camera: Floats
    T_camera_error: Floats
    K: Floats
    lens_k1: Floats
    q_rad: Floats
    width_m: Floats
    tool_m: Floats
    sphere_m: Floats
    succeeded: Flags
    diverged: Flags


@lru_cache(maxsize=4)
def _scene(split: Split, clutter: int, timestep_s: float, shell: Shell) -> Tabletop:
    """The composed scene; a second to make, so that the last few are kept."""
    objects = (yellow_sphere(split), *(look_alikes(split) if clutter else ()))
    return Tabletop(load_robot("baxter_left"), objects, 1 + clutter, timestep_s, shell, balls=1, rulers=False)


@lru_cache(maxsize=4)
def _silhouettes(scene: Tabletop) -> Silhouettes:
    return Silhouettes(scene, mask.SIZE)


@final
class SphereGrasp:
    """The task object, see the module's text."""

    name = "sphere_grasp"
    summary = "pick a small yellow sphere off a table with a camera in the hand"

    def __init__(
        self,
        positions: Positions = "random",
        clutter: int = 0,
        moving: bool = False,
        starts: Starts = "high",
        picture_px: int = 200,
        substeps: int = 50,
    ) -> None:
        """Make the task.

        Args:
            positions: of the sphere: "random", or "grid", where episodes 0 to 49, 50 to 99 and so on go over the grid;
                in a domain of 8 draws, each draw goes over it in 400.
            clutter: how many yellow and orange things lie about the sphere, 0 to 3.
            moving: whether the sphere is nudged now and then in the first seconds.
            starts: of the hand: "high" above the table and open, with the sphere in sight, or "anywhere" above the
                region and opened by any width, for pictures as they are met on the way.
            picture_px: height and width of the camera's pictures; masks are 100 x 100 whatever it is.
            substeps: physics steps in a control step.
        """
        if positions not in ("random", "grid"):
            raise UnknownNameError("positions", positions, ("random", "grid"), "sphere_grasp")
        if starts not in ("high", "anywhere"):
            raise UnknownNameError("starts", starts, ("high", "anywhere"), "sphere_grasp")
        if clutter not in range(4) or type(clutter) is not int:
            raise InvalidValueError("sphere_grasp clutter", clutter, "0 to 3")
        if picture_px < mask.SIZE[0] or substeps < 1:
            allowed = f"at least {mask.SIZE[0]} pixels and one physics step"
            raise InvalidValueError("sphere_grasp picture_px, substeps", (picture_px, substeps), allowed)
        self.positions: Positions = positions
        self.starts: Starts = starts
        self.clutter, self.moving, self.substeps = clutter, moving, substeps
        self.horizon, self.dt_s = HORIZON, 1.0 / RATE_HZ
        self._domain = Domain()  # `within` takes another
        self.camera_size = {CAMERA: (picture_px, picture_px)}
        self.K = viewpoints.intrinsics((picture_px, picture_px), FIELD_OF_VIEW_RAD)
        self.calibration = {"K": self.K.tolist()}
        self.interface = Mask(self.silhouettes)
        most = (*(MOST_RAD,) * 7, 1.0)
        self.commands = (CommandSpec("joint_delta", tuple(-v for v in most), most),)

    @property
    def _starts(self) -> Starts:
        return "anywhere" if self._domain.appearance.target == "none" else self.starts

    @property
    def scene(self) -> Tabletop:
        """The scene in its plain look."""
        return self._shown("plain")

    def silhouettes(self, state: SphereGraspState) -> Flags:
        """True masks (B, 100, 100) of the sphere in the latest frame."""
        K = scaled(state.K, mask.SIZE[0] / self.camera_size[CAMERA][0])
        scene = self._shown(cast("Shell", self._domain.appearance.shell))
        return _silhouettes(scene).show(state.seen, state.held, state.T_world_camera, K, state.lens_k1)

    def within(self, domain: Domain) -> SphereGrasp:
        """With the things that lie there, the camera that is used there, and the time that its robot needs.

        Where no sphere is shown, pictures are backgrounds: there the hand starts anywhere.

        Raises:
            InvalidValueError: the camera shakes, which true masks do not follow.
        """
        if domain.calibration.shake_rad != 0.0:
            allowed = "0: the masks of sphere_grasp are those of a camera that sits still in the hand"
            raise InvalidValueError("calibration.shake_rad", domain.calibration.shake_rad, allowed, domain.name)
        if _facts(domain) == _facts(self._domain):
            return self
        task = copy.copy(self)
        task._domain, task.horizon = domain, round(HORIZON * mean(domain.dynamics.patience))
        task.interface = Mask(task.silhouettes)
        return task

    def sample(self, seeds: Integers) -> SphereGraspState:
        """Places of the sphere, of what lies about it, and of the hand."""
        scene, batch = self.scene, len(seeds)
        places = GraspPlaces(self.positions, self.clutter, self._starts)
        held, place, yaw = places.on_table(seeds)
        physics = scene.opened(scene.place(places.q_rad(scene, seeds), held, place, yaw), places.width_m(scene, seeds))
        believed = np.tile(np.eye(4), (batch, 1, 1)), np.tile(self.K, (batch, 1, 1))
        size, first = self.camera_size[CAMERA], np.zeros(batch, np.int64)
        error = draw_cameras(self._domain, believed[1], believed[0], seeds, first, size)
        zeros, never = np.zeros((batch, 3)), np.zeros(batch, bool)
        state = SphereGraspState(
            physics=physics,
            seen=physics,
            held=held,
            T_world_camera=believed[0],
            T_camera_error=error.T_world_camera,
            K=error.K,
            lens_k1=self._domain.numbers("sensor.lens_k1", seeds),
            q_rad=np.zeros((batch, 7)),
            width_m=zeros[:, 0],
            tool_m=zeros,
            sphere_m=zeros,
            succeeded=never,
            diverged=never,
        )
        return self.settle(state)

    def settle(self, state: SphereGraspState) -> SphereGraspState:
        """Read places off the physics."""
        scene = self.scene
        q_rad = scene.joints(state.physics)
        tool_m = scene.chain.forward(q_rad)[:, :3, 3]
        sphere_m = scene.middles_m(state.physics, state.held)[:, 0]
        lifted = (sphere_m[:, 2] >= SPHERE_RADIUS_M + LIFTED_M) & (_length(sphere_m - tool_m) <= HELD_M)
        return dataclasses.replace(
            state,
            T_world_camera=displaced(scene.hand_camera(state.seen), state.T_camera_error),
            q_rad=q_rad,
            width_m=scene.width_m(state.physics),
            tool_m=tool_m,
            sphere_m=sphere_m,
            succeeded=state.succeeded | lifted,
        )

    def judge(self, state: SphereGraspState) -> Verdict:
        """Over where the sphere is lifted, or where physics failed."""
        success, distance_m = state.succeeded & ~state.diverged, _length(state.sphere_m - state.tool_m)
        measures = {"distance_m": distance_m, "height_m": state.sphere_m[:, 2] - SPHERE_RADIUS_M}
        return Verdict(np.where(success, 1.0, -distance_m), success | state.diverged, success, measures)

    def encoders(self, state: SphereGraspState, domain: Domain, seeds: Integers) -> Floats:
        """Joint angles with the domain's encoder bias, and the gripper from -1 (closed) to 1 (open): (B, 8)."""
        bias = domain.numbers("calibration.encoder_bias_rad", seeds, count=7)
        gripper = self.scene.hand.gripper
        opening = 2.0 * (state.width_m - gripper.closed_m) / (gripper.open_m - gripper.closed_m) - 1.0
        return np.concatenate([state.q_rad + bias, opening[:, None]], axis=1)

    def environment(self, state: SphereGraspState) -> Floats:
        """The tool and the sphere (B, 6) in the robot's frame, metres."""
        return np.concatenate([state.tool_m, state.sphere_m], axis=1)

    def expert(self) -> GraspMachine:
        """The finite state machine."""
        return GraspMachine(self.scene, self.dt_s, MOST_RAD, 2 * SPHERE_RADIUS_M, 0.5 * FIELD_OF_VIEW_RAD)

    def goal(self, domain: Domain) -> None:
        """The sphere is the goal, always."""
        del domain

    def motion(self, domain: Domain) -> Motion[SphereGraspState]:
        """`mujoco` (servos, contact)."""
        if domain.dynamics.motion != "mujoco":
            raise UnknownNameError("motion back end", domain.dynamics.motion, ("mujoco",), f"domain {domain.name}")
        scene = self.scene
        arm = MujocoArm(scene, domain, self.dt_s, self.substeps, JointSteering(scene))
        return Nudged(arm, scene, 2 * HELD_M) if self.moving else arm

    def imaging(self, domain: Domain) -> Mapping[str, Imaging[SphereGraspState]]:
        """`raster` (the simulator) or `traced` (path traced, through a camera); target "none" hides the sphere."""
        if domain.appearance.image not in ("raster", "traced"):
            where = f"domain {domain.name}"
            raise UnknownNameError("image back end", domain.appearance.image, ("raster", "traced"), where)
        scene = self._shown(cast("Shell", domain.appearance.shell))
        pictures = TabletopImaging(scene, domain, self.K, self.camera_size[CAMERA], in_hand=True)
        return {CAMERA: Unoccupied(pictures) if domain.appearance.target == "none" else pictures}

    def _shown(self, shell: Shell) -> Tabletop:
        split = cast("Split", self._domain.appearance.objects)
        return _scene(split, self.clutter, self.dt_s / self.substeps, shell)


def _facts(domain: Domain) -> tuple[object, ...]:
    """What of a domain makes another task of it."""
    looks, patience = domain.appearance, domain.dynamics.patience
    shown = looks.target != "none"
    return looks.objects, looks.shell, shown, domain.sensor.lens_k1, domain.calibration, domain.population, patience


def _length(vectors: Floats) -> Floats:
    """Euclidean lengths (B,) of vectors (B, n)."""
    return np.sqrt((vectors**2).sum(axis=1))

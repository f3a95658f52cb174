"""Planar reaching with one, two or three joints of Baxter's left arm (Zhang et al. 2017, Section 4).

Task:
    Move the gripper tip to a target in a vertical plane. Each action moves one joint by +0.04 or -0.04 rad or holds:
    3, 6 or 9 actions for 1, 2 or 3 joints, with a "hold" for every joint as in the paper.
Randomisation:
    Start angles and goal angles q* uniform within the joint limits; the target is x* = K(q*), so it is reachable.
    With one joint only e1 moves, with two e1 and w1; the others stay in Baxter's neutral pose.
Reward:
    Equation 5 with delta = 0.05 m, lambda = 0.001, N = 4; the episode ends at the +1.
Success:
    The tip stays within 16 cm (7 px) of the target for four consecutive steps, at any time.
Privileged information:
    q*, which the expert (K-GPS, Equation 6) steers to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.interfaces.scene_configuration import SceneConfiguration
from eyehand.types import CommandSpec, Decision, Flags, Floats, Integers, Memory
from eyehand.world import baxter, counter, plane_camera
from eyehand.world.domain import Domain
from eyehand.world.drawing import DrawingImaging
from eyehand.world.laboratory import LaboratoryImaging
from eyehand.world.motion import KinematicMotion, ServoMotion
from eyehand.world.task import Imaging, Motion, Verdict

STEP_RAD = 0.04
HORIZON = 250  # a goal is 79 steps away on average and 238 at most, one joint moving at a time
REWARD_RADIUS_M = 0.05  # delta of Equation 5
REWARD_SCALE = 1e-3  # lambda of Equation 5
SUCCESS_RADIUS_M = 0.16
CONSECUTIVE = 4  # N of Equation 5, and of the success criterion
CAMERA = "webcam"
ACTIVE_JOINTS: Mapping[int, tuple[int, ...]] = {1: (1,), 2: (1, 2), 3: (0, 1, 2)}


@dataclass(frozen=True)
class PlanarState:
    """State of the task, every array with leading dimension B.

    Attributes:
        q_rad: (B, 3) true joint angles.
        x_target_m: (B, 2) target in the plane, (x, z).
        q_goal_rad: (B, 3) joint angles that reach the target.
        steps_close: (B,) consecutive steps within the success radius.
        steps_inside: (B,) consecutive steps within the reward radius.
        succeeded: (B,) the success criterion was met at some time.
    """

    q_rad: Floats
    x_target_m: Floats
    q_goal_rad: Floats
    steps_close: Integers
    steps_inside: Integers
    succeeded: Flags


def distance_m(state: PlanarState) -> Floats:
    """Distance (B,) from gripper tip to target, metres."""
    return np.linalg.norm(baxter.forward_kinematics(state.q_rad) - state.x_target_m, axis=1)


def action_table(joints: int) -> Floats:
    """Joint steps (3 * joints, 3) in radians of every action: plus, minus and hold for each active joint."""
    table = np.zeros((3 * joints, 3))
    for i, joint in enumerate(ACTIVE_JOINTS[joints]):
        table[3 * i, joint] = STEP_RAD
        table[3 * i + 1, joint] = -STEP_RAD
    return table


def _move(state: PlanarState, dq_rad: Floats) -> PlanarState:
    q_rad = np.clip(state.q_rad + dq_rad, baxter.JOINT_LOW_RAD, baxter.JOINT_HIGH_RAD)
    return dataclasses.replace(state, q_rad=q_rad)


@final
class JointSpaceExpert:
    """K-GPS: the action whose outcome is closest to q* in joint space, argmin_a ||a[q] - q*|| (Equation 6)."""

    def __init__(self, joints: int) -> None:
        """Take the number of active joints."""
        self._table = action_table(joints)

    def label(self, state: PlanarState, sent: Floats | None, memory: Memory) -> Decision:
        """The expert's action index for every row."""
        del sent
        outcome = state.q_rad[:, None] + self._table - state.q_goal_rad[:, None]  # (B, A, 3)
        choice = np.argmin(np.einsum("baj,baj->ba", outcome, outcome), axis=1)
        return Decision(kind=np.zeros(len(choice), np.int64), value=choice, memory=memory)


@final
class PlanarReach:
    """The task object, see the module's text."""

    name = "planar_reach"
    summary = "reach a disc in a vertical plane with 1-3 joints of Baxter's left arm, seen by a webcam"
    horizon = HORIZON
    dt_s = 0.2
    camera_size: Mapping[str, tuple[int, int]] = {CAMERA: plane_camera.FRAME_SIZE}

    def __init__(self, joints: int = 3) -> None:
        """Make the task with 1, 2 or 3 active joints."""
        if joints not in (1, 2, 3) or type(joints) is not int:
            raise InvalidValueError("planar_reach joints", joints, "1, 2 or 3")
        self.joints = joints
        self.interface = SceneConfiguration()
        self.calibration = {"plane_to_image": plane_camera.believed_homography().tolist()}
        table = action_table(joints)
        limit = (STEP_RAD,) * 3
        rows = tuple(tuple(row) for row in table.tolist())
        self.commands = (CommandSpec("joint_delta", tuple(-v for v in limit), limit, table=rows),)

    def within(self, domain: Domain) -> PlanarReach:
        """The same in every domain."""
        del domain
        return self

    def sample(self, seeds: Integers) -> PlanarState:
        """Start and goal angles uniform within the limits of the active joints."""
        batch = len(seeds)
        active = np.isin(np.arange(3), ACTIVE_JOINTS[self.joints])
        span = baxter.JOINT_HIGH_RAD - baxter.JOINT_LOW_RAD

        def angles(name: str) -> Floats:
            drawn = baxter.JOINT_LOW_RAD + span * counter.uniform(seeds[:, None], name, index=np.arange(3))
            return np.where(active, drawn, baxter.NEUTRAL_RAD)

        q_goal_rad = angles("reset/q_goal")
        zeros = np.zeros(batch, np.int64)
        x_target_m = baxter.forward_kinematics(q_goal_rad)
        return PlanarState(angles("reset/q"), x_target_m, q_goal_rad, zeros, zeros, np.zeros(batch, bool))

    def settle(self, state: PlanarState) -> PlanarState:
        """Count consecutive steps within both radii."""
        d = distance_m(state)
        close = np.where(d <= SUCCESS_RADIUS_M, state.steps_close + 1, 0)
        inside = np.where(d <= REWARD_RADIUS_M, state.steps_inside + 1, 0)
        succeeded = state.succeeded | (close >= CONSECUTIVE)
        return dataclasses.replace(state, steps_close=close, steps_inside=inside, succeeded=succeeded)

    def judge(self, state: PlanarState) -> Verdict:
        """The reward of Equation 5, the end at the +1, and the success criterion of Section 4."""
        d = distance_m(state)
        done = state.steps_inside >= CONSECUTIVE
        far = d > REWARD_RADIUS_M
        reward = np.where(far, REWARD_SCALE * (REWARD_RADIUS_M / np.maximum(d, REWARD_RADIUS_M) - 1.0), 0.0)
        return Verdict(np.where(done, 1.0, reward), done, state.succeeded, {"distance_m": d})

    def encoders(self, state: PlanarState, domain: Domain, seeds: Integers) -> Floats:
        """Joint angles (B, 3) with the domain's encoder bias."""
        return state.q_rad + domain.numbers("calibration.encoder_bias_rad", seeds, count=3)

    def environment(self, state: PlanarState) -> Floats:
        """The target's position (B, 2) in the plane, metres."""
        return state.x_target_m

    def expert(self) -> JointSpaceExpert:
        """The kinematic guide of K-GPS."""
        return JointSpaceExpert(self.joints)

    def goal(self, domain: Domain) -> None:
        """The camera shows the target."""
        del domain

    def motion(self, domain: Domain) -> Motion[PlanarState]:
        """`kinematic` (exact) or `servo` (gain, dead band, lag)."""
        match domain.dynamics.motion:
            case "kinematic":
                return KinematicMotion(_move)
            case "servo":
                return ServoMotion(domain, _move, joints=3)
            case name:
                raise UnknownNameError("motion back end", name, ("kinematic", "servo"), f"domain {domain.name}")

    def imaging(self, domain: Domain) -> Mapping[str, Imaging[PlanarState]]:
        """`drawing` (the paper's simulator) or `traced` (a laboratory seen by a webcam)."""
        match domain.appearance.image:
            case "drawing":
                return {CAMERA: DrawingImaging(domain)}
            case "traced":
                return {CAMERA: LaboratoryImaging(domain)}
            case name:
                raise UnknownNameError("image back end", name, ("drawing", "traced"), f"domain {domain.name}")

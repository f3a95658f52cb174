"""A finite state machine that picks a small thing off a table with a hand that points down, and tries again.

Reconstructed after Yan et al. 2017, whose appendix with the machine is not public: the hand rises until it sees the
thing, goes above it, comes down while keeping it in the middle, closes, and lifts. Wherever that fails, it opens and
rises again. All thresholds are ours.

The phase follows from the state alone, namely from where the thing is in the hand, from the joints and from the width
between the fingers, because a learner without memory can imitate nothing else: the fingers' own width tells whether
they have begun to close, hold something, or have missed. Goals change steadily with the state wherever they can.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, final

import numpy as np

from eyehand.types import Decision, Flags, Floats, Integers, Memory
from eyehand.world.reaching import JointLimits, Nullspace, differential_ik
from eyehand.world.tabletop import Tabletop

LOOK_FROM_M = np.array([0.68, 0.015, 0.24])  # of the tool, where it sees the whole workspace past its fingers
RAISED_M, ABOVE_M = 0.10, 0.06  # of the tool above the table when it looks for the thing, and above a thing beside it
CENTRED_M, FUNNEL = 0.004, 4.0  # sideways, where it may be all the way down, and how steeply it comes down to there
KEEPS_SIGHT = 1.3  # height for each metre sideways at which the thing stays in the picture
DEPTH_M = 0.0085  # of the finger tips below the middle of the thing: into the table, which stops them before
THERE_M, ABOUT_M = (0.005, 0.006), (0.009, 0.010)  # sideways and in height: to begin to close, and to go on with it
LOST_M = 0.016  # from the tool to a thing that is no longer between the fingers
UPRIGHT_RAD = 0.08
BEGUN_SHARE, OPEN_SHARE = 0.9, 0.6  # of the widest: below the first it is closing, above the second it may come down
SQUEEZED_M = 0.003  # what the width about a thing may differ from the thing's
GAIN, MOST_M = 0.5, 0.02  # share of the way in a step, and the longest step
SIGHT = 0.92  # share of the half field of view, which the thing must be in
_UPRIGHT = np.diag([-1.0, 1.0, -1.0])  # the hand points down, the camera is on the robot's side


class Phase(IntEnum):
    """What the hand is at."""

    RAISE = 0
    ALIGN = 1
    DESCEND = 2
    CLOSE = 3
    LIFT = 4


class Graspable(Protocol):
    """What the machine reads of a task's state."""

    @property
    def q_rad(self) -> Floats:
        """(B, J) true joint angles."""
        ...

    @property
    def width_m(self) -> Floats:
        """(B,) between the fingers."""
        ...

    @property
    def tool_m(self) -> Floats:
        """(B, 3) the point between the finger tips in the world."""
        ...

    @property
    def sphere_m(self) -> Floats:
        """(B, 3) middle of the thing in the world."""
        ...

    @property
    def T_world_camera(self) -> Floats:
        """(B, 4, 4) where the camera is."""
        ...


@final
class GraspMachine:
    """The expert of grasping tasks; it has no memory, so that every state has one label, whoever led to it."""

    def __init__(self, scene: Tabletop, dt_s: float, most_rad: float, thing_m: float, half_view_rad: float) -> None:
        """Make the machine.

        Args:
            scene: the scene.
            dt_s: length of a control step.
            most_rad: largest step of every joint.
            thing_m: width of the thing.
            half_view_rad: half the camera's field of view.
        """
        self._scene, self._dt_s, self._most_rad, self._thing_m = scene, dt_s, most_rad, thing_m
        self._half = np.tan(half_view_rad) * SIGHT
        given = scene.robot.limits
        speed = np.minimum(given.velocity, most_rad / dt_s)
        self._limits = JointLimits(given.low, given.high, speed, given.acceleration, given.torque)
        self._posture = Nullspace(scene.robot.home_rad, rate=0.5)

    def label(self, state: Graspable, sent: Floats | None, memory: Memory) -> Decision:
        """Joint steps and gripper (B, J + 1); `aux["stage"]` is the phase."""
        del sent, memory
        phase = self._phase(state)
        steps = self._steps(state, self._goal(state, phase))
        grip = np.where(phase >= Phase.CLOSE, -1.0, 1.0)
        value = np.concatenate([steps, grip[:, None]], axis=1)
        return Decision(np.zeros(len(value), np.int64), value, None, {"stage": phase})

    def _phase(self, state: Graspable) -> Integers:
        """The phase (B,); the first that applies."""
        offset = state.sphere_m - state.tool_m
        aside, above = np.hypot(offset[:, 0], offset[:, 1]), DEPTH_M - offset[:, 2]  # of the place to close at
        open_m, width_m = self._scene.hand.gripper.open_m, state.width_m
        reach_m = np.where((width_m < BEGUN_SHARE * open_m)[:, None], ABOUT_M, THERE_M)
        about = (aside < reach_m[:, 0]) & (np.abs(above) < reach_m[:, 1])
        near = np.sqrt((offset**2).sum(axis=1)) < LOST_M
        tight, empty = width_m < self._thing_m + SQUEEZED_M, width_m < self._thing_m - SQUEEZED_M
        phases = {
            Phase.LIFT: near & tight & ~empty,
            Phase.CLOSE: about & ~empty,
            Phase.RAISE: ~self._in_sight(state) | (width_m < OPEN_SHARE * open_m),
            Phase.DESCEND: aside < CENTRED_M + ABOVE_M / FUNNEL,
        }
        return np.select(list(phases.values()), [int(phase) for phase in phases], int(Phase.ALIGN))

    def _goal(self, state: Graspable, phase: Integers) -> Floats:
        """Where the tool should be, (B, 3)."""
        tool = state.tool_m
        up = tool + np.array([0.0, 0.0, 0.05])
        look = np.where((tool[:, 2] < RAISED_M)[:, None], up, np.broadcast_to(LOOK_FROM_M, tool.shape))
        over = state.sphere_m.copy()
        over[:, 2] += self._height(state, phase) - DEPTH_M
        out = np.where((self._in_sight(state) | (phase == Phase.CLOSE))[:, None], over, look)
        return np.where((phase == Phase.LIFT)[:, None], up, out)

    def _height(self, state: Graspable, phase: Integers) -> Floats:
        """How far (B,) above the place to close at the tool should be: 0 once it is centred, upright and open."""
        aside = np.hypot(*(state.sphere_m - state.tool_m)[:, :2].T)
        shut_m = (OPEN_SHARE * self._scene.hand.gripper.open_m - state.width_m) * (phase < Phase.CLOSE)
        whys = (FUNNEL * (aside - CENTRED_M), 2.0 * shut_m, self._tilt(state) - UPRIGHT_RAD)
        near = np.max([np.clip(why, 0.0, ABOVE_M) for why in whys], axis=0)
        return np.maximum(near, np.clip(KEEPS_SIGHT * aside - 0.04, 0.0, 0.2))

    def _steps(self, state: Graspable, goal_m: Floats) -> Floats:
        """Joint steps (B, J) towards the goal, the hand kept upright."""
        T = self._scene.chain.forward(state.q_rad)
        way = GAIN * (goal_m - state.tool_m)
        way *= np.minimum(1.0, MOST_M / np.maximum(np.sqrt((way**2).sum(axis=1)), 1e-9))[:, None]
        turn = sum(0.5 * np.cross(T[:, :3, i], _UPRIGHT[:, i]) for i in range(3))
        twist = np.concatenate([way, GAIN * turn], axis=1) / self._dt_s
        steps = differential_ik(self._scene.chain, state.q_rad, twist, self._dt_s, self._limits, None, self._posture)
        return np.clip(steps, -self._most_rad, self._most_rad)

    def _in_sight(self, state: Graspable) -> Flags:
        """(B,) whether the thing is in the picture."""
        R, t = state.T_world_camera[:, :3, :3], state.T_world_camera[:, :3, 3]
        camera = np.einsum("bij,bi->bj", R, state.sphere_m - t)
        return (np.abs(camera[:, :2]) < self._half * camera[:, 2:]).all(axis=1)

    def _tilt(self, state: Graspable) -> Floats:
        """(B,) angle between the tool's axis and the vertical."""
        return np.arccos(np.clip(-self._scene.chain.forward(state.q_rad)[:, 2, 2], -1.0, 1.0))

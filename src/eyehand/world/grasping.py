"""A finite state machine that picks a small thing off a table with a hand that points down, and tries again.

Reconstructed after Yan et al. 2017, whose appendix with the machine is not public: the hand rises until it sees the
thing, goes above it, comes down while keeping it in the middle, closes, and lifts. Wherever that fails, it rises
again. All thresholds are ours. Phases depend on what is seen wherever that tells enough, because learners without
memory can only imitate what does: open fingers above the thing come down, fingers about the thing close, whatever was
before.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, final

import numpy as np

from eyehand.types import Decision, Flags, Floats, Integers, Memory
from eyehand.world.reaching import JointLimits, Nullspace, differential_ik
from eyehand.world.tabletop import Tabletop

LOOK_FROM_M = np.array([0.68, 0.015, 0.24])  # of the tool, where it sees the whole workspace past its fingers
RAISED_M, ABOVE_M = 0.10, 0.06  # of the tool above the table when it looks again, and above the thing
CENTRED_M, ASTRAY_M = 0.004, 0.02  # sideways, to come down and to give up coming down
DEPTH_M, AT_HEIGHT_M = 0.004, 0.004  # of the finger tips below the thing's middle, and how exact that must be
ADRIFT_M = 0.008  # from the place to close at, where open fingers come down again before they close
LOST_M = 0.016  # from the tool to a thing that is no longer between the fingers
UPRIGHT_RAD = 0.08
CLOSING_STEPS = 6
OPEN_SHARE = 0.85
SQUEEZED_M = 0.003  # what a closed gripper's width may lack of the thing's
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
    """The expert of grasping tasks.

    Its memory is the phase and the steps spent in it that count, (B,) each. Phases follow what the arm is seen to do
    and what was sent to it, whoever decided that: a gripper that was not sent to close does not get lifted, one that
    has closed in the wrong place is raised and opened. A row whose last command is all zeros has just begun.
    """

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
        phase, count = self._follow(state, sent, memory)
        steps = self._steps(state, self._goal(state, phase))
        grip = np.where(phase >= Phase.CLOSE, -1.0, 1.0)
        value = np.concatenate([steps, grip[:, None]], axis=1)
        return Decision(np.zeros(len(value), np.int64), value, (phase, count), {"stage": phase})

    def _follow(self, state: Graspable, sent: Floats | None, memory: Memory) -> tuple[Integers, Integers]:
        """The phase that follows, and the steps that count in it."""
        batch = len(state.width_m)
        begun = (np.full(batch, int(Phase.RAISE)), np.zeros(batch, np.int64))
        phase, count = begun if memory is None else memory
        closing = phase >= Phase.CLOSE
        if sent is not None:
            fresh = (sent == 0).all(axis=1)
            phase, count = np.where(fresh, begun[0], phase), np.where(fresh, begun[1], count)
            closing = sent[:, -1] < 0.0
        after = self._after(state, phase, count, closing)
        count = np.where(after == phase, count + (closing | (phase != Phase.CLOSE)), 0)
        return after, count

    def _after(self, state: Graspable, phase: Integers, count: Integers, closing: Flags) -> Integers:
        offset = state.sphere_m - state.tool_m
        aside, above = np.hypot(offset[:, 0], offset[:, 1]), DEPTH_M - offset[:, 2]  # of the place to close at
        gripper = self._scene.hand.gripper
        opened = state.width_m > OPEN_SHARE * gripper.open_m
        seen, level = self._in_sight(state), self._tilt(state) < UPRIGHT_RAD
        away = np.sqrt((offset**2).sum(axis=1)) > LOST_M
        empty = state.width_m < self._thing_m - SQUEEZED_M
        raised = state.tool_m[:, 2] > RAISED_M - 0.01
        held = self._thing_m + SQUEEZED_M
        there = (aside < CENTRED_M) & (np.abs(above) < AT_HEIGHT_M)
        ready = opened & seen & level & (aside < CENTRED_M) & (above < ABOVE_M + 0.02)
        adrift = opened & (np.maximum(aside, np.abs(above)) > ADRIFT_M)
        go = [
            (phase == Phase.RAISE) & raised & seen & opened,
            (phase == Phase.ALIGN) & ready,
            (phase == Phase.DESCEND) & there,
            (phase == Phase.CLOSE) & (count >= CLOSING_STEPS) & ~empty & ~away,
        ]
        fail = [
            (phase == Phase.ALIGN) & ~seen,
            (phase == Phase.DESCEND) & ((aside > ASTRAY_M) | ~seen | ((count > 3) & ~opened & ~there)),
            (phase == Phase.CLOSE) & (away | ((count >= CLOSING_STEPS) & empty)),
            (phase == Phase.LIFT) & (away | empty),
        ]
        out = np.where(np.logical_or.reduce(go), phase + 1, phase)
        out = np.where(np.logical_or.reduce(fail), int(Phase.RAISE), out)
        out = np.where(((out == Phase.RAISE) & ready) | ((phase == Phase.CLOSE) & adrift), int(Phase.DESCEND), out)
        loose = (phase == Phase.LIFT) & ~closing & (state.width_m > held)
        return np.where(((out == Phase.RAISE) | loose) & there & ~empty, int(Phase.CLOSE), out)

    def _goal(self, state: Graspable, phase: Integers) -> Floats:
        """Where the tool should be, (B, 3)."""
        tool, thing = state.tool_m, state.sphere_m
        aside = np.hypot(*(thing - tool)[:, :2].T)
        straight_up = np.stack([tool[:, 0], tool[:, 1], np.full(len(tool), RAISED_M + 0.02)], axis=1)
        look = np.broadcast_to(LOOK_FROM_M, tool.shape)
        rise = np.where((self._in_sight(state) | (tool[:, 2] < RAISED_M))[:, None], straight_up, look)
        down = thing - np.array([0.0, 0.0, DEPTH_M])
        down[:, 2] += np.clip(2.0 * (aside - CENTRED_M), 0.0, ABOVE_M)  # not lower than it is centred
        goals = {
            Phase.RAISE: rise,
            Phase.ALIGN: thing + np.array([0.0, 0.0, ABOVE_M]),
            Phase.DESCEND: down,
            Phase.CLOSE: tool,
            Phase.LIFT: tool + np.array([0.0, 0.0, 0.05]),
        }
        return np.select([(phase == one)[:, None] for one in goals], list(goals.values()))

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

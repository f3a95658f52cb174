"""Servos: falling short, sticking, lagging, and stopping at the joint limits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyehand.tasks.planar_reach import PlanarReach
from eyehand.world import baxter
from eyehand.world.domain import Domain, Dynamics, Timing, Uniform

STEP = 0.04


def carried_out(commands: list[float], *, gain: float = 1.0, dead_band: float = 0.0, lag: float = 0.0) -> list[float]:
    """What the first joint of a servo moves in each step when it is told to move by the commands."""
    domain = Domain(dynamics=Dynamics(motion="servo", step_gain=gain, dead_band_rad=dead_band), timing=Timing(lag=lag))
    task, seeds = PlanarReach(), np.array([0])
    motion, state = task.motion(domain), dataclasses.replace(task.sample(seeds), q_rad=np.zeros((1, 3)))
    hidden, moved = motion.start(state, seeds), []
    for command in commands:
        before = state.q_rad[0, 0]
        state, hidden = motion.advance(state, hidden, np.array([[command, 0, 0]]), seeds, np.array([0]))
        moved.append(state.q_rad[0, 0] - before)
    return moved


def test_a_kinematic_arm_does_what_it_is_told() -> None:
    task = PlanarReach()
    state = task.sample(np.arange(8))
    command = np.where(state.q_rad > 0, -STEP, STEP)
    moved, hidden = task.motion(Domain()).advance(state, None, command, np.arange(8), np.zeros(8, np.int64))
    np.testing.assert_array_equal(moved.q_rad, state.q_rad + command)
    assert hidden is None


def test_a_servo_without_faults_does_what_it_is_told() -> None:
    assert carried_out([STEP, -STEP, 0.0]) == pytest.approx([STEP, -STEP, 0.0])


def test_every_step_falls_short_by_the_gain() -> None:
    assert carried_out([STEP, STEP], gain=0.85) == pytest.approx([0.034, 0.034])


def test_a_joint_sticks_until_the_pending_motion_leaves_the_dead_band() -> None:
    moved = carried_out([0.003, 0.003, 0.0, -0.004, 0.002, -0.004], dead_band=0.005)
    assert moved == pytest.approx([0.0, 0.006, 0.0, 0.0, 0.0, -0.006])


def test_the_lagging_share_comes_in_later_steps() -> None:
    moved = carried_out([STEP, 0.0, 0.0], lag=0.25)
    assert moved == pytest.approx([0.75 * STEP, 0.75 * 0.25 * STEP, 0.75 * 0.0625 * STEP])


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([STEP, -STEP, 0.0]), min_size=1, max_size=12),
    st.floats(0.5, 1.0),
    st.floats(0.0, 0.01),
    st.floats(0.0, 0.6),
)
def test_in_the_end_all_but_the_dead_band_is_carried_out(
    commands: list[float], gain: float, dead_band: float, lag: float
) -> None:
    moved = carried_out([*commands, *[0.0] * 40], gain=gain, dead_band=dead_band, lag=lag)
    assert abs(sum(moved) - gain * sum(commands)) <= dead_band + 1e-9
    assert moved[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_joint_at_its_limit_stays_there_and_turns_back_at_once() -> None:
    moved = carried_out([STEP] * 60 + [-STEP], lag=0.3)
    assert sum(moved[:60]) == pytest.approx(baxter.JOINT_HIGH_RAD[0])
    assert moved[59] == 0.0
    # Only 0.3 / 0.7 of a step is pending, as anywhere on the way: nothing was wound up against the limit.
    assert moved[60] == pytest.approx(0.7 * (0.3 / 0.7 - 1) * STEP)


def test_every_episode_has_faults_of_its_own() -> None:
    domain = Domain(dynamics=Dynamics(motion="servo", step_gain=Uniform(0.8, 1.0)))
    task, seeds = PlanarReach(), np.arange(16)
    motion, state = task.motion(domain), task.sample(seeds)
    command = np.where(state.q_rad > 0, -STEP, STEP)
    moved, _ = motion.advance(state, motion.start(state, seeds), command, seeds, np.zeros(16, np.int64))
    gains = (moved.q_rad - state.q_rad) / command
    np.testing.assert_allclose(gains, np.repeat(domain.numbers("dynamics.step_gain", seeds)[:, None], 3, axis=1))
    assert len(np.unique(gains.round(6))) == 16

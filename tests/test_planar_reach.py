"""Planar reaching: kinematics, reward, success, actions, expert, each against numbers worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.tasks import planar_reach
from eyehand.tasks.planar_reach import PlanarReach, PlanarState
from eyehand.types import Decision
from eyehand.world import baxter
from eyehand.world.domain import Appearance, Calibration, Domain, Dynamics
from eyehand.world.simulation import SimulatedWorld

BLIND = frozenset({"privileged", "proprio"})
HOLD = 2  # row of the action table that moves nothing
angle = st.floats(-math.pi, math.pi)
pose = st.tuples(angle, angle, angle)


def points(*q_rad: float) -> np.ndarray:
    """Shoulder, elbow, wrist and tip (4, 2) of one pose."""
    return baxter.joint_points(np.array([q_rad]))[0]


def test_the_level_arm_has_the_published_lengths() -> None:
    np.testing.assert_allclose(
        points(0, 0, 0), [[0, 0], [0.36435, -0.069], [0.36435 + 0.37429, -0.079], [1.10694, -0.079]], atol=1e-12
    )


def test_a_positive_angle_pitches_the_rest_of_the_arm_down() -> None:
    quarter = math.pi / 2
    np.testing.assert_allclose(points(quarter, 0, 0)[3], [-0.079, -1.10694], atol=1e-12)
    np.testing.assert_allclose(points(0, quarter, 0)[3], [0.36435 - 0.010, -0.069 - 0.37429 - 0.36830], atol=1e-12)
    np.testing.assert_allclose(points(0, 0, quarter)[3], [0.36435 + 0.37429, -0.079 - 0.36830], atol=1e-12)


@given(pose)
def test_links_keep_their_lengths(q: tuple[float, float, float]) -> None:
    lengths = np.linalg.norm(np.diff(points(*q), axis=0), axis=1)
    np.testing.assert_allclose(lengths, np.hypot(baxter.LINK_LENGTH_M, baxter.LINK_DROP_M), rtol=1e-12)


@given(pose, angle)
def test_the_shoulder_turns_the_whole_arm_about_the_origin(q: tuple[float, float, float], turn: float) -> None:
    down = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    np.testing.assert_allclose(points(q[0] + turn, *q[1:]), points(*q) @ down.T, atol=1e-12)


def test_the_tip_is_the_last_point() -> None:
    q = np.random.default_rng(0).uniform(-2, 2, (5, 3))
    np.testing.assert_array_equal(baxter.forward_kinematics(q), baxter.joint_points(q)[:, 3])


def at_distance(d_m: float, batch: int = 1) -> PlanarState:
    """A neutral arm whose target lies this far above its tip."""
    q = np.tile(baxter.NEUTRAL_RAD, (batch, 1))
    zeros = np.zeros(batch, np.int64)
    target = baxter.forward_kinematics(q) + np.array([0.0, d_m])
    return PlanarState(q, target, q, zeros, zeros, np.zeros(batch, bool))


def stay(task: PlanarReach, distances_m: list[float]) -> tuple[list[float], list[bool], list[bool]]:
    """Rewards, ends and successes of being this far from the target, one step after the other."""
    state, rewards, ends, successes = at_distance(0.0), [], [], []
    for d in distances_m:
        state = task.settle(dataclasses.replace(state, x_target_m=at_distance(d).x_target_m))
        verdict = task.judge(state)
        rewards.append(float(verdict.reward[0]))
        ends.append(bool(verdict.terminated[0]))
        successes.append(bool(verdict.success[0]))
    return rewards, ends, successes


@pytest.mark.parametrize(
    ("d_m", "reward"),
    [(0.06, 1e-3 * (0.05 / 0.06 - 1)), (0.1, -0.0005), (0.5, -0.0009), (1.0, -0.00095), (0.04, 0.0), (0.0, 0.0)],
)
def test_the_reward_of_a_single_step_is_that_of_equation_5(d_m: float, reward: float) -> None:
    assert stay(PlanarReach(), [d_m])[0] == [pytest.approx(reward, abs=1e-15)]


def test_the_fourth_step_in_a_row_inside_five_centimetres_gives_one_and_ends() -> None:
    rewards, ends, _ = stay(PlanarReach(), [0.049, 0.0, 0.03, 0.049])
    assert rewards == [0, 0, 0, 1]
    assert ends == [False, False, False, True]


def test_a_step_outside_starts_the_count_again() -> None:
    rewards, ends, _ = stay(PlanarReach(), [0.01, 0.01, 0.01, 0.051, 0.01, 0.01, 0.01, 0.01])
    assert rewards[3] == pytest.approx(1e-3 * (0.05 / 0.051 - 1))
    assert rewards[4:] == [0, 0, 0, 1]
    assert ends == [False] * 7 + [True]


def test_success_takes_four_steps_in_a_row_within_sixteen_centimetres_and_stays() -> None:
    task = PlanarReach()
    assert stay(task, [0.159] * 3 + [0.161] + [0.159] * 3)[2] == [False] * 7
    assert stay(task, [0.159] * 4 + [0.5])[2] == [False, False, False, True, True]
    assert not any(stay(task, [0.159] * 6)[1])  # success alone does not end the episode


def test_the_distance_is_reported() -> None:
    measures = PlanarReach().judge(at_distance(0.25)).measures
    assert measures["distance_m"].tolist() == [pytest.approx(0.25)]


@pytest.mark.parametrize("joints", [1, 2, 3])
def test_targets_are_reachable_and_the_other_joints_rest(joints: int) -> None:
    state = PlanarReach(joints).sample(np.arange(500))
    np.testing.assert_allclose(baxter.forward_kinematics(state.q_goal_rad), state.x_target_m)
    active = planar_reach.ACTIVE_JOINTS[joints]
    for q in (state.q_rad, state.q_goal_rad):
        assert ((q >= baxter.JOINT_LOW_RAD) & (q <= baxter.JOINT_HIGH_RAD)).all()
        for joint in range(3):
            if joint not in active:
                assert (q[:, joint] == baxter.NEUTRAL_RAD[joint]).all()
            else:  # evenly over the whole range: the mean of 500 lies within 4 standard errors of the middle
                span = baxter.JOINT_HIGH_RAD[joint] - baxter.JOINT_LOW_RAD[joint]
                middle = (baxter.JOINT_HIGH_RAD[joint] + baxter.JOINT_LOW_RAD[joint]) / 2
                assert abs(q[:, joint].mean() - middle) < 4 * span / math.sqrt(12 * 500)
                assert np.ptp(q[:, joint]) > 0.98 * span
    assert (state.q_rad != state.q_goal_rad)[:, list(active)].all()


@pytest.mark.parametrize("joints", [1, 2, 3])
def test_each_joint_steps_up_down_or_holds(joints: int) -> None:
    table = planar_reach.action_table(joints)
    assert table.shape == (3 * joints, 3)
    assert np.array(PlanarReach(joints).commands[0].table) == pytest.approx(table)
    for number, joint in enumerate(planar_reach.ACTIVE_JOINTS[joints]):
        up, down, hold = table[3 * number : 3 * number + 3]
        assert up[joint] == 0.04
        assert down[joint] == -0.04
        assert not hold.any()
        assert np.count_nonzero(up) == np.count_nonzero(down) == 1
    assert np.count_nonzero(~table.any(axis=1)) == joints  # as many holds as joints, as in the paper


def test_four_joints_are_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"planar_reach joints: got 4, allowed is 1, 2 or 3"):
        PlanarReach(4)


def test_an_arm_that_holds_is_stopped_by_the_time_limit_at_step_250() -> None:
    world = SimulatedWorld(PlanarReach(), Domain(), BLIND)
    world.reset(np.arange(3))
    hold = Decision(np.zeros(3, np.int64), np.full(3, HOLD))
    stopped = [world.step(hold).truncated.any() for _ in range(250)]
    assert not any(stopped[:-1])
    assert stopped[-1]


def test_joints_stop_at_their_limits() -> None:
    world = SimulatedWorld(PlanarReach(), Domain(), BLIND)
    world.reset(np.arange(2))
    for _ in range(100):
        world.step(Decision(np.zeros(2, np.int64), np.array([0, 4])))
    q = world.privileged().q_rad
    assert q[0, 0] == baxter.JOINT_HIGH_RAD[0]
    assert q[1, 1] == baxter.JOINT_LOW_RAD[1]


@pytest.mark.parametrize("joints", [1, 2, 3])
def test_the_guide_takes_each_joint_to_its_goal_in_as_many_steps_as_it_is_away(joints: int) -> None:
    """K-GPS moves one joint by 0.04 rad a step, so q* is sum |dq| / 0.04 steps away, each joint rounded."""
    task = PlanarReach(joints)
    expert, state, table = task.expert(), task.sample(np.arange(64)), planar_reach.action_table(joints)
    away = np.abs(state.q_goal_rad - state.q_rad) / 0.04
    expected = np.floor(away + 0.5).sum(axis=1)
    taken, motion = np.zeros(64), task.motion(Domain())
    for _ in range(250):
        command = table[expert.label(state, None, None).value]
        taken += command.any(axis=1)
        state, _ = motion.advance(state, None, command, np.arange(64), np.zeros(64, np.int64))
    np.testing.assert_allclose(taken, expected, atol=1)
    assert expected.max() < 239
    assert np.abs(state.q_rad - state.q_goal_rad).max() <= 0.02 + 1e-9


def test_the_guide_takes_the_longest_way_first() -> None:
    state = dataclasses.replace(at_distance(0.0), q_goal_rad=baxter.NEUTRAL_RAD[None] + [[0.1, -0.5, 0.3]])
    expert = PlanarReach().expert()
    assert expert.label(state, None, None).value.tolist() == [4]  # the second joint down
    close = dataclasses.replace(state, q_goal_rad=baxter.NEUTRAL_RAD[None] + 0.01)
    assert expert.label(close, None, None).value.tolist() == [HOLD]


def test_guided_episodes_end_at_the_plus_one_with_a_reward_close_to_it() -> None:
    task = PlanarReach()
    world = SimulatedWorld(task, Domain(), BLIND)
    world.reset(np.arange(32))
    total, running = np.zeros(32), np.ones(32, bool)
    for _ in range(task.horizon):
        transition = world.step(task.expert().label(world.privileged(), None, None))
        total += np.where(running, transition.reward, 0)
        running &= ~transition.terminated
    assert not running.any()
    assert ((total > 0.8) & (total < 1.0)).all()


def test_encoders_read_the_joints_with_the_bias_of_the_episode() -> None:
    task, seeds = PlanarReach(), np.arange(200)
    state = task.sample(seeds)
    np.testing.assert_array_equal(task.encoders(state, Domain(), seeds), state.q_rad)
    biased = Domain(calibration=Calibration(encoder_bias_rad=0.01))
    np.testing.assert_allclose(task.encoders(state, biased, seeds) - state.q_rad, 0.01)


def test_a_recording_is_told_where_the_target_is_and_how_the_camera_stands() -> None:
    task = PlanarReach()
    state = task.sample(np.arange(4))
    np.testing.assert_array_equal(task.environment(state), state.x_target_m)
    assert np.shape(task.calibration["plane_to_image"]) == (3, 3)


def test_back_ends_that_the_task_does_not_have_are_refused_by_name() -> None:
    task = PlanarReach()
    with pytest.raises(UnknownNameError, match=r"motion back end 'servos' in domain odd. Did you mean 'servo'"):
        task.motion(Domain(name="odd", dynamics=Dynamics(motion="servos")))
    with pytest.raises(UnknownNameError, match=r"image back end 'photo' in domain odd.*Allowed: drawing, traced"):
        task.imaging(Domain(name="odd", appearance=Appearance(image="photo")))

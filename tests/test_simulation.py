"""Simulated worlds: episodes, commands, snapshots, forks and what is handed over; bytes are the contract suite's."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from eyehand.errors import InvalidValueError, PairingError
from eyehand.tasks.planar_reach import PlanarReach
from eyehand.types import Decision
from eyehand.world import counter, rows
from eyehand.world.domain import Domain, Dynamics, Uniform
from eyehand.world.simulation import SimulatedWorld

BLIND = frozenset({"privileged", "proprio", "previous_action"})
SERVO = Domain(dynamics=Dynamics(motion="servo", step_gain=Uniform(0.8, 1.0), dead_band_rad=0.005))


def world(reads: Any = BLIND, domain: Domain | None = None, **options: Any) -> SimulatedWorld[Any]:
    return SimulatedWorld(PlanarReach(), domain or Domain(), reads, **options)


def do(*actions: int) -> Decision:
    return Decision(np.zeros(len(actions), np.int64), np.array(actions))


class Continuous:
    """Planar reaching with joint steps of any size up to 0.04 rad."""

    def __init__(self) -> None:
        self._task = PlanarReach()
        self.commands = (dataclasses.replace(self._task.commands[0], table=None),)

    def within(self, _domain: Domain) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)


def test_a_world_that_was_not_reset_says_what_to_do() -> None:
    for action in (lambda w: w.step(do(0)), lambda w: w.privileged(), lambda w: w.observe()):
        with pytest.raises(PairingError, match=r"not reset: call reset\(seeds\)"):
            action(world())


def test_the_first_observation_is_marked_and_time_runs() -> None:
    w = world()
    obs = w.reset(np.arange(3))
    assert obs.is_first.all()
    assert obs.time_s.tolist() == [0, 0, 0]
    assert not obs.sent.any()
    after = w.step(do(0, 1, 2)).obs
    assert not after.is_first.any()
    assert after.time_s.tolist() == [0.2, 0.2, 0.2]
    assert after.sent.tolist() == [[0.04, 0, 0], [-0.04, 0, 0], [0, 0, 0]]
    partly = w.reset(np.array([7]), rows=np.array([1]))
    assert partly.is_first.tolist() == [False, True, False]
    assert partly.time_s.tolist() == [0.2, 0, 0.2]


@pytest.mark.parametrize("actions", [[0, 9], [-1, 0], [0.5, 1.0], [0], [0, 1, 2], [[0], [1]], [True, False]])
def test_actions_that_the_table_does_not_have_are_refused(actions: Any) -> None:
    w = world()
    w.reset(np.arange(2))
    before = w.now
    with pytest.raises(
        InvalidValueError, match=r"(action|decision): got .*allowed is (whole numbers from 0 to 8|one )"
    ):
        w.step(Decision(np.zeros(2, np.int64), np.array(actions)))
    assert w.now is before


@pytest.mark.parametrize("kind", [[0, 1], [-1, 0], [0]])
def test_kinds_of_command_that_the_task_does_not_have_are_refused(kind: list[int]) -> None:
    w = world()
    w.reset(np.arange(2))
    with pytest.raises(InvalidValueError, match=r"kind.*allowed is 0 \(joint_delta\) in each of 2 rows"):
        w.step(Decision(np.array(kind), np.array([0, 0])))


@pytest.mark.parametrize(
    "values", [np.full((2, 3), np.nan), [[0, 0, np.inf], [0, 0, 0]], np.zeros((2, 2)), np.zeros(2), np.zeros((3, 3))]
)
def test_continuous_commands_that_are_no_commands_are_refused(values: Any) -> None:
    w: SimulatedWorld[Any] = SimulatedWorld(Continuous(), Domain(), BLIND)  # type: ignore[arg-type]
    w.reset(np.arange(2))
    with pytest.raises(InvalidValueError, match=r"(action|decision): got .*allowed is (3 finite|one)"):
        w.step(Decision(np.zeros(2, np.int64), np.asarray(values)))


def test_continuous_commands_are_cut_to_their_limits_and_what_was_sent_says_so() -> None:
    w: SimulatedWorld[Any] = SimulatedWorld(Continuous(), Domain(), BLIND)  # type: ignore[arg-type]
    w.reset(np.arange(2))
    before = w.privileged().q_rad
    obs = w.step(Decision(np.zeros(2, np.int64), np.array([[1.0, -1.0, 0.01], [0.0, 0.02, -0.02]]))).obs
    assert obs.sent.tolist() == [[0.04, -0.04, 0.01], [0.0, 0.02, -0.02]]
    np.testing.assert_allclose(w.privileged().q_rad - before, obs.sent, atol=1e-12)


def test_a_snapshot_is_gone_back_to_and_goes_on_the_same() -> None:
    w = world(domain=SERVO)
    w.reset(np.arange(4))
    w.step(do(0, 1, 3, 4))
    snapshot = w.now
    first = [w.step(do(0, 1, 3, 4)).obs.proprio for _ in range(3)]
    obs = w.restore(snapshot)
    assert obs.time_s.tolist() == [0.2] * 4
    again = [w.step(do(0, 1, 3, 4)).obs.proprio for _ in range(3)]
    np.testing.assert_array_equal(first, again)


def test_a_fork_copies_rows_with_their_hidden_motion_and_goes_its_own_way() -> None:
    w = world(domain=SERVO)
    w.reset(np.arange(3))
    w.step(do(0, 3, 6))
    fork = w.fork(np.array([2, 0]), 2)
    assert fork.now.seeds.tolist() == [2, 2, 0, 0]
    kept = w.privileged().q_rad.copy()
    fork.step(do(6, 7, 0, 1))
    np.testing.assert_array_equal(w.privileged().q_rad, kept)
    w.step(do(0, 3, 6))
    np.testing.assert_array_equal(fork.privileged().q_rad[[0, 2]], w.privileged().q_rad[[2, 0]])
    assert (fork.privileged().q_rad[1] != fork.privileged().q_rad[0]).any()


def test_rows_start_anew_by_themselves_with_the_seed_that_follows() -> None:
    w = world(auto_reset=True)
    seeds = np.array([counter.episode_seed(3, 5), counter.episode_seed(4, 6)])
    w.reset(seeds)
    hold = do(2, 2)
    for _ in range(249):
        transition = w.step(hold)
        assert transition.final_obs is None
    transition = w.step(hold)
    assert transition.truncated.all()
    assert transition.obs.is_first.all()
    assert transition.final_obs is not None
    assert transition.final_obs.time_s.tolist() == pytest.approx([50.0, 50.0])
    assert w.now.seeds.tolist() == counter.next_seeds(seeds).tolist()
    assert counter.draw_of(w.now.seeds).tolist() == [3, 4]  # the same draw of the domain
    assert (w.now.seeds != seeds).all()


def test_without_it_a_row_that_ended_stays_where_it_is() -> None:
    w = world()
    w.reset(np.arange(1))
    for _ in range(251):
        transition = w.step(do(2))
    assert transition.truncated.all()
    assert transition.final_obs is None
    assert not transition.obs.is_first.any()


def test_only_asked_for_groups_are_handed_over_and_images_only_drawn_then() -> None:
    obs = world(frozenset({"proprio"})).reset(np.arange(2))
    assert (len(obs.cameras), obs.sent, obs.privileged, obs.goal) == (0, None, None, None)
    assert obs.proprio.shape == (2, 3)
    seeing = world(frozenset({"camera"})).reset(np.arange(2))
    assert seeing.proprio is None
    assert seeing.cameras["webcam"].rgb.shape == (2, 210, 160, 3)


def test_a_bad_command_costs_the_other_rows_nothing() -> None:
    w = world()
    w.reset(np.arange(2))
    with pytest.raises(InvalidValueError):
        w.step(do(0, 99))
    moved = w.step(do(0, 0)).obs.proprio
    fresh = world()
    fresh.reset(np.arange(2))
    np.testing.assert_array_equal(moved, fresh.step(do(0, 0)).obs.proprio)


def test_rows_of_trees_are_taken_and_put_without_touching_the_original() -> None:
    tree = (np.arange(4), (np.arange(8).reshape(4, 2), None))
    taken = rows.take(tree, np.array([2, 0]))
    assert taken[0].tolist() == [2, 0]
    assert taken[1][0].tolist() == [[4, 5], [0, 1]]
    assert taken[1][1] is None
    changed = rows.put(tree, np.array([1]), (np.array([9]), (np.array([[8, 8]]), None)))
    assert changed[0].tolist() == [0, 9, 2, 3]
    assert tree[0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("batch", "threads", "parts"), [(16, 4, 1), (64, 2, 2), (64, 9, 4), (1, 2, 1), (0, 2, 1)])
def test_work_is_split_into_parts_that_cover_every_row_once(batch: int, threads: int, parts: int) -> None:
    covered, calls = np.zeros(batch, int), []

    def work(part: slice) -> None:
        covered[part] += 1
        calls.append(part)

    rows.in_parallel(work, batch, threads, least=16)
    assert (covered == 1).all()
    assert len(calls) == parts


def test_an_error_in_a_part_is_not_lost() -> None:
    def work(part: slice) -> None:
        if part.start:
            raise InvalidValueError("part", part.start, "none")

    with pytest.raises(InvalidValueError):
        rows.in_parallel(work, 32, 2, least=16)

"""Episodes run once each, counted right, whatever the batch; interface errors on first scenes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyehand.errors import NotDefinedError
from eyehand.learning.policy import Corrupted, ExpertController, ModularPolicy, Truth
from eyehand.learning.rollout import interface_errors, mean_errors, mean_outcomes, run_episodes
from eyehand.tasks.planar_reach import PlanarReach
from eyehand.types import Decision
from eyehand.world.domain import Domain, Dynamics
from eyehand.world.simulation import SimulatedWorld

TASK, SIM = PlanarReach(), Domain()
SEEDS = np.arange(10)


def guide() -> ModularPolicy[Any]:
    """The oracle with the expert for a hand."""
    return ModularPolicy(Truth(TASK.interface), ExpertController(TASK.expert()), TASK.interface)


class Idle:
    """A policy that holds."""

    reads = frozenset({"camera"})

    def initial_memory(self, batch: int) -> Any:
        return np.zeros(batch)

    def looks(self, memory: Any, batch: int) -> Any:
        del memory, batch
        return {}

    def act(self, obs: Any, memory: Any, generator: Any = None) -> Decision:
        del generator
        return Decision(np.zeros(obs.batch, np.int64), np.full(obs.batch, 2), memory + 1)


def by_hand(seed: int) -> tuple[int, float, bool, float]:
    """Steps, summed reward, success and final distance of one guided episode."""
    world = SimulatedWorld(TASK, SIM, frozenset({"privileged"}))
    world.reset(np.array([seed]))
    total, steps, success = 0.0, 0, False
    while True:
        transition = world.step(TASK.expert().label(world.privileged(), None, None))
        steps, total = steps + 1, total + float(transition.reward[0])
        success |= bool(world.verdict().success[0])
        if transition.terminated[0] or transition.truncated[0]:
            return steps, total, success, float(world.verdict().measures["distance_m"][0])


def test_every_episode_is_counted_as_it_would_be_alone() -> None:
    found = run_episodes(guide(), TASK, SIM, SEEDS)
    for row, seed in enumerate(SEEDS):
        steps, total, success, distance = by_hand(int(seed))
        assert found.steps[row] == steps
        assert found.total_reward[row] == pytest.approx(total, abs=1e-12)
        assert found.success[row] == success
        assert found.measures["distance_m"][row] == pytest.approx(distance, abs=1e-12)
    assert not found.truncated.any()
    np.testing.assert_array_equal(found.seeds, SEEDS)


@pytest.mark.parametrize("batch", [1, 4, 10, 64])
def test_the_batch_does_not_matter(batch: int) -> None:
    whole, parts = run_episodes(guide(), TASK, SIM, SEEDS), run_episodes(guide(), TASK, SIM, SEEDS, batch)
    for name in ("success", "truncated", "steps", "total_reward"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_array_equal(parts.measures["distance_m"], whole.measures["distance_m"])


def test_domains_change_what_happens_in_the_same_episodes() -> None:
    weak = Domain(dynamics=Dynamics(motion="servo", step_gain=0.7))
    exact, slow = (run_episodes(guide(), TASK, domain, SEEDS) for domain in (SIM, weak))
    assert (slow.steps > exact.steps).all()
    np.testing.assert_array_equal(slow.seeds, exact.seeds)


def test_pictures_are_drawn_of_running_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlanarReach, "horizon", 4)
    task, drawn = PlanarReach(), list[int]()
    (imaging,) = task.imaging(SIM).values()

    class Counted:
        def capture(self, state: Any, seeds: Any, step: Any) -> Any:
            drawn.append(len(seeds))
            return imaging.capture(state, seeds, step)

    monkeypatch.setattr(PlanarReach, "imaging", lambda *_: {"webcam": Counted()})
    found = run_episodes(Idle(), task, SIM, np.arange(3), batch=8)
    assert found.truncated.all()
    assert found.steps.tolist() == [4, 4, 4]
    assert drawn[1:4] == [3, 3, 3]  # of the 8 rows 5 are padding; the first frame shows them all
    assert drawn[0] == 8


def test_whoever_watches_sees_every_step_and_who_still_runs() -> None:
    seen: list[tuple[int, int]] = []
    found = run_episodes(guide(), TASK, SIM, SEEDS, 16, lambda obs, _, running: seen.append((obs.batch, running.sum())))
    assert len(seen) == found.steps.max()
    assert {batch for batch, _ in seen} == {16}
    expected = [(found.steps > step).sum() for step in range(len(seen))]
    assert [running for _, running in seen] == expected


def test_an_idle_arm_runs_into_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlanarReach, "horizon", 6)
    found = run_episodes(Idle(), PlanarReach(), SIM, np.arange(4), batch=4)
    assert found.truncated.all()
    assert (found.total_reward < 0).all()
    start = TASK.judge(TASK.sample(np.arange(4))).measures["distance_m"]
    np.testing.assert_array_equal(found.measures["distance_m"], start)


def world(domain: Domain = SIM) -> SimulatedWorld[Any]:
    return SimulatedWorld(TASK, domain, frozenset({"privileged"}))


def test_the_truth_errs_by_nothing_and_damage_by_its_level() -> None:
    truth = Truth(TASK.interface)
    assert {unit: values.max() for unit, values in interface_errors(truth, world(), np.arange(8)).items()} == {
        "theta": 0,
        "cm": 0,
        "deg": 0,
    }
    errors = interface_errors(Corrupted(truth, TASK.interface, 0.1), world(), np.arange(400))
    assert errors["theta"].shape == (400,)
    assert np.sqrt((errors["theta"] ** 2).mean()) == pytest.approx(0.1 * np.sqrt(5), rel=0.1)
    assert errors["cm"].mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2) * 203, rel=0.1)  # window 176 x 231 cm


def test_errors_of_a_latent_interface_are_not_defined(monkeypatch: pytest.MonkeyPatch) -> None:
    w = world()
    latent: Any = SimpleNamespace(name="features", truth=lambda _: None)
    monkeypatch.setattr(
        w, "task", SimpleNamespace(interface=latent, sample=TASK.sample, encoders=TASK.encoders, dt_s=1)
    )
    with pytest.raises(NotDefinedError, match="interface features is latent: its error is not defined"):
        interface_errors(Truth(TASK.interface), w, np.arange(2))


def test_means_are_named_for_the_metrics_file() -> None:
    assert mean_errors(Truth(TASK.interface), world(Domain(name="elsewhere")), 4) == {
        "eval/elsewhere/error_theta": 0,
        "eval/elsewhere/error_cm": 0,
        "eval/elsewhere/error_deg": 0,
    }
    outcomes = mean_outcomes(guide(), TASK, SIM, 16)
    assert outcomes["eval/sim/success"] == 1.0
    assert 0 < outcomes["eval/sim/median_distance_m"] < 0.05

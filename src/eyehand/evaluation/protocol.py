"""The protocol: which arms run which episodes in which domain, and what is read off them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyehand.data.ledger import Ledger
from eyehand.evaluation.gap import GapInput, GapReport, Outcomes, Subset, measure_gap
from eyehand.evaluation.results import DISTANCE
from eyehand.evaluation.statistics import rate
from eyehand.evaluation.trained import Trained
from eyehand.learning.policy import Corrupted, ExpertController, ModularPolicy, Truth, as_modular
from eyehand.learning.rollout import Episodes, interface_errors, run_episodes
from eyehand.types import Flags, Floats, Integers, Policy
from eyehand.world.domain import GROUPS, Domain, mix
from eyehand.world.domain_files import split_of
from eyehand.world.simulation import SimulatedWorld

BATCH = 32
CORRUPTION = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)  # levels for the curve of success against interface error


@dataclass(frozen=True)
class Summary:
    """What one policy did in one domain, the answer of `eyehand evaluate`.

    Attributes:
        success: success rate.
        low: lower end of its Wilson 95 % interval.
        high: upper end.
        n: episodes.
        median_distance_m: median distance at the end of the episode; None for a task without one.
        q3_distance_m: third quartile of it.
        mean_reward: mean sum of rewards.
        mean_steps: mean number of steps.
        domain: the domain with its split.
        domain_digest: identity of the domain's numbers.
        interface_error: mean error of the perception by unit; empty where it is not defined.
        eyes: the eyes from elsewhere that looked, as `--eyes` named them; "" for the policy's own.
    """

    success: float
    low: float
    high: float
    n: int
    median_distance_m: float | None
    q3_distance_m: float | None
    mean_reward: float
    mean_steps: float
    domain: str
    domain_digest: str
    interface_error: Mapping[str, float]
    eyes: str = ""


def oracles(trained: Trained, domain: Domain) -> dict[str, ModularPolicy[Any]]:
    """The policy with perception or control replaced by the domain's truth or expert, where that is defined."""
    policy, task = as_modular(trained.policy), trained.task.within(domain)
    if policy is None:
        return {}
    return {
        "perception": policy.swap(perception=Truth(task.interface)),
        "control": policy.swap(controller=ExpertController(task.expert())),
    }


def count_test_reads(trained: Trained, domain: Domain, trials: int) -> None:
    """Enter a scoring of a test split into the run's ledger before it is made, and say how many there were."""
    if split_of(domain) != "test":
        return
    ledger = Ledger.open(trained.run.folder / "ledger.json", trained.method.budget)
    eyes = f" with the eyes {trained.eyes.name}" if trained.eyes else ""
    ledger.spend("trials", trials, f"episodes of {domain.name}{eyes}")
    trained.run.warn(f"{domain.name} is a test split: {ledger.spent('trials'):,} of its episodes were scored so far.")


def run_arm(trained: Trained, policy: Policy, domain: Domain, episodes: Integers) -> Episodes:
    """Run a policy over numbered episodes of a domain."""
    return run_episodes(policy, trained.task, domain, domain.seeds(episodes), BATCH)


def perception_errors(trained: Trained, domain: Domain, frames: int) -> dict[str, Floats]:
    """Errors (frames,) of the policy's perception by unit; empty for a policy without one."""
    policy = as_modular(trained.policy)
    if policy is None:
        return {}
    world = SimulatedWorld(trained.task, domain, frozenset({"camera", "privileged", "proprio"}))
    return dict(interface_errors(policy.perception, world, np.arange(frames)))


def summarise(trained: Trained, domain: Domain, episodes: Episodes, frames: int = 200) -> Summary:
    """Sum up episodes that the trained policy ran in a domain."""
    wilson = rate(episodes.success)
    distance = episodes.measures.get(DISTANCE)
    return Summary(
        success=wilson.value,
        low=wilson.low,
        high=wilson.high,
        n=len(episodes.success),
        median_distance_m=None if distance is None else float(np.median(distance)),
        q3_distance_m=None if distance is None else float(np.quantile(distance, 0.75)),
        mean_reward=float(episodes.total_reward.mean()),
        mean_steps=float(episodes.steps.mean()),
        domain=domain.name,
        domain_digest=domain.digest(),
        interface_error={k: float(v.mean()) for k, v in perception_errors(trained, domain, frames).items()},
        eyes=trained.eyes.name if trained.eyes else "",
    )


def gap_report(trained: Trained, nominal: Domain, target: Domain, trials: int) -> GapReport:
    """The 8 cells between two domains, oracle arms on the target, and success against injected interface error."""
    numbers = np.arange(trials)
    seeds = target.seeds(numbers)
    policy = trained.policy

    def outcomes(arm: Policy, domain: Domain) -> Outcomes:
        episodes = run_episodes(arm, trained.task, domain, seeds, BATCH)
        return Outcomes(episodes.success, episodes.measures.get(DISTANCE))

    def cell(subset: Subset) -> Outcomes:
        return outcomes(policy, mix(nominal, target, tuple(group for group in GROUPS if group in subset)))

    modules = {name: outcomes(arm, target) for name, arm in oracles(trained, target).items()}
    unit, curve, error = _curve(trained, nominal, target, seeds)
    given = GapInput(
        policy=trained.subject.method,
        nominal=nominal.name,
        target=target.name,
        episode_seeds=seeds,
        training_seeds=np.full(trials, trained.subject.seed),
        modules=modules,
        curve=curve,
        curve_unit=unit,
        target_error=error,
    )
    return measure_gap(cell, given)


def _curve(
    trained: Trained, nominal: Domain, target: Domain, seeds: Integers
) -> tuple[str, list[tuple[float, Flags]], float | None]:
    """Success with a damaged truth in the nominal domain, and the policy's own error on the target in the same unit."""
    oracle = oracles(trained, nominal).get("perception")
    if oracle is None:
        return "", [], None
    errors = perception_errors(trained, target, 200)
    unit = next(iter(errors))
    world = SimulatedWorld(trained.task, nominal, frozenset({"privileged"}))
    curve: list[tuple[float, Flags]] = []
    for level in CORRUPTION:
        eyes = Corrupted(oracle.perception, oracle.interface, level)
        error = float(interface_errors(eyes, world, np.arange(200))[unit].mean())
        damaged = oracle.swap(perception=eyes)
        curve.append((error, run_episodes(damaged, trained.task, nominal, seeds, BATCH).success))
    return unit, curve, float(errors[unit].mean())

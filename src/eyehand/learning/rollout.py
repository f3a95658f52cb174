"""Running a policy in a world: paired episodes at a fixed batch, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from eyehand.errors import NotDefinedError
from eyehand.types import Decision, Flags, Floats, Integers, Observation, Perception, Policy, S
from eyehand.world.domain import Domain
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task

Watch = Callable[[Observation, Decision, Flags], None]


@dataclass(frozen=True)
class Episodes:
    """Outcomes of one policy in one domain, one entry per episode.

    Attributes:
        seeds: (N,) episode seeds, `draw << 32 | episode`.
        success: (N,) the task counted as done at some time.
        truncated: (N,) the time limit ended the episode.
        steps: (N,) steps until the end.
        total_reward: (N,) sum of rewards.
        measures: (N,) the task's numbers at the end, such as `distance_m`.
    """

    seeds: Integers
    success: Flags
    truncated: Flags
    steps: Integers
    total_reward: Floats
    measures: Mapping[str, Floats]


@dataclass
class _Tally:
    """Outcomes of the rows of one batch while it runs."""

    success: Flags
    truncated: Flags
    steps: Integers
    total_reward: Floats
    measures: dict[str, Floats]


def run_episodes(
    policy: Policy, task: Task[S], domain: Domain, seeds: Integers, batch: int = 32, watch: Watch | None = None
) -> Episodes:
    """Run the episodes of the given seeds once each.

    The batch is padded to a fixed size, because networks are not bit-equal across batch shapes; rows whose episode
    is over are not rendered any more.

    Args:
        policy: the policy; it may read privileged state (oracle arms).
        task: the task.
        domain: the domain.
        seeds: (N,) episode seeds.
        batch: rows stepped together.
        watch: called with every observation, decision and (B,) the rows whose episode still runs.
    """
    world = SimulatedWorld(task, domain, policy.reads)
    tallies: list[_Tally] = []
    for start in range(0, len(seeds), batch):
        part = seeds[start : start + batch]
        padded = np.concatenate([part, np.repeat(part[-1:], batch - len(part))])
        tally = _run_batch(policy, world, padded, len(part), watch)
        tallies.append(tally)
    names = tallies[0].measures

    def join(pick: Callable[[_Tally], Any]) -> Any:
        return np.concatenate([pick(tally) for tally in tallies])[: len(seeds)]

    return Episodes(
        seeds=np.asarray(seeds),
        success=join(lambda t: t.success),
        truncated=join(lambda t: t.truncated),
        steps=join(lambda t: t.steps),
        total_reward=join(lambda t: t.total_reward),
        measures={name: join(lambda t, name=name: t.measures[name]) for name in names},
    )


def _run_batch(policy: Policy, world: SimulatedWorld[Any], seeds: Integers, real: int, watch: Watch | None) -> _Tally:
    """One padded batch, of which the first `real` rows count; returns their outcomes."""
    batch = len(seeds)
    running = np.arange(batch) < real
    looks = dict.fromkeys(world.task.camera_size, running)
    obs = world.reset(seeds)
    memory = policy.initial_memory(batch)
    verdict = world.verdict()
    success, truncated = np.zeros(batch, bool), np.zeros(batch, bool)
    steps, total = np.zeros(batch, np.int64), np.zeros(batch)
    measures = {name: values.copy() for name, values in verdict.measures.items()}
    while running.any():
        decision = policy.act(obs, memory)
        memory = decision.memory
        if watch is not None:
            watch(obs, decision, running)
        transition = world.step(decision, dict.fromkeys(looks, running))
        verdict = world.verdict()
        reward = verdict.reward if transition.reward is None else transition.reward
        total += np.where(running, reward, 0.0)
        steps += running
        success |= running & verdict.success
        truncated |= running & transition.truncated
        for name, values in verdict.measures.items():
            measures[name] = np.where(running, values, measures[name])
        running = running & ~(transition.terminated | transition.truncated)
        obs = transition.obs
    return _Tally(
        success[:real], truncated[:real], steps[:real], total[:real], {n: v[:real] for n, v in measures.items()}
    )


def interface_errors(perception: Perception[Any], world: SimulatedWorld[Any], episodes: Integers) -> dict[str, Floats]:
    """How far a perception is off on the first scenes of episodes, in the interface's own units.

    Args:
        perception: the perception.
        world: a world that hands over what the perception reads.
        episodes: (N,) episode numbers.

    Returns:
        (N,) errors by unit.

    Raises:
        NotDefinedError: the task's interface is latent and has no truth.
    """
    obs = world.reset(world.domain.seeds(episodes))
    interface = world.task.interface
    with torch.inference_mode():
        truth = interface.truth(world.privileged())
        if truth is None:
            raise NotDefinedError(f"The interface {interface.name} is latent: its error is not defined.")
        errors = interface.distance(perception.perceive(obs).cpu(), truth)
    return {unit: values.numpy().astype(np.float64) for unit, values in errors.items()}


def mean_errors(perception: Perception[Any], world: SimulatedWorld[Any], count: int) -> dict[str, float]:
    """Mean interface errors over the first scenes of `count` episodes, as metrics "eval/DOMAIN/error_UNIT"."""
    errors = interface_errors(perception, world, np.arange(count))
    return {f"eval/{world.domain.name}/error_{unit}": float(values.mean()) for unit, values in errors.items()}


def mean_outcomes(policy: Policy, task: Task[Any], domain: Domain, count: int) -> dict[str, float]:
    """Success rate and median measures over `count` episodes, as metrics "eval/DOMAIN/success" and so on."""
    episodes = run_episodes(policy, task, domain, domain.seeds(np.arange(count)), batch=count)
    medians = {f"median_{name}": float(np.median(values)) for name, values in episodes.measures.items()}
    outcomes = {"success": float(episodes.success.mean()), **medians}
    return {f"eval/{domain.name}/{name}": value for name, value in outcomes.items()}

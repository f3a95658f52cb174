"""What the expert does: a few episodes of a task in a domain side by side, as a short video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyehand.evaluation.axes import picture
from eyehand.evaluation.contact_sheet import own_draws, with_goals
from eyehand.evaluation.videos import Panel, encode_mp4, side_by_side
from eyehand.types import Group, Images, Integers
from eyehand.world.domain import Domain
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task

SHORTEST_S, LONGEST_S = 3.0, 10.0  # of the video: episodes that take less or more are shown slower or faster
MOST_FRAMES = 150
WIDEST_PX = 1280
_READS: frozenset[Group] = frozenset({"camera", "goal", "previous_action"})


@dataclass(frozen=True)
class Outcome:
    """How one episode of the expert went.

    Attributes:
        episode_seed: its seed.
        success: the task counted as done at some time.
        steps: control steps until the end, or until the film ended.
        measures: the task's numbers at the end.
    """

    episode_seed: int
    success: bool
    steps: int
    measures: Mapping[str, float]


def film_expert(task: Task[Any], domain: Domain, episodes: int, camera: str) -> tuple[bytes, list[Outcome]]:
    """Let the expert play and film it.

    Args:
        task: the task.
        domain: the domain.
        episodes: how many episodes, next to each other.
        camera: the camera to look through.

    Returns:
        An H.264 video, and what came of every episode.
    """
    panels, outcomes = expert_panels(task, domain, np.arange(episodes), camera)
    width = sum(panel.frames.shape[2] for panel in panels)
    scale = max(1, min(440 // max(panels[0].frames.shape[1:3]), WIDEST_PX // width))
    joined = side_by_side(panels, scale)
    fps = np.clip(1.0 / task.dt_s, len(joined) / LONGEST_S, len(joined) / SHORTEST_S)
    return encode_mp4(joined, float(fps)), outcomes


def expert_panels(
    task: Task[Any], domain: Domain, episodes: Integers, camera: str
) -> tuple[list[Panel], list[Outcome]]:
    """The expert's films of episodes (N,), each with its caption, and what came of every episode; see `film_expert`."""
    domain = own_draws(domain, int(episodes.max()) + 1)
    world = SimulatedWorld(task, domain, _READS)
    frames, outcomes = _play(world, domain.seeds(episodes), camera)
    panels = [
        Panel(film, f"{domain.name}, episode {number + 1}", _note(outcome), outcome.success)
        for number, film, outcome in zip(episodes, frames, outcomes, strict=True)
    ]
    return panels, outcomes


def _play(world: SimulatedWorld[Any], seeds: Integers, camera: str) -> tuple[list[Images], list[Outcome]]:
    """The films (T, H, W, 3) of all episodes, each with its last frame, and what came of them."""
    goals = world.reset(seeds).goal
    expert, memory, sent = world.expert(), None, None
    nobody = dict.fromkeys(world.task.camera_size, np.zeros(len(seeds), bool))
    steps = np.zeros(len(seeds), np.int64)
    running, success = np.ones(len(seeds), bool), np.zeros(len(seeds), bool)
    seen = [with_goals(picture(world, camera), goals)]
    measures = world.verdict().measures
    while running.any() and len(seen) < MOST_FRAMES:
        decision = expert.label(world.privileged(), sent, memory)
        transition = world.step(decision, nobody)
        memory, sent, verdict = decision.memory, transition.obs.sent, world.verdict()
        seen.append(with_goals(picture(world, camera, np.flatnonzero(running)), goals))
        success |= running & verdict.success
        steps += running
        measures = {name: np.where(running, values, measures[name]) for name, values in verdict.measures.items()}
        running &= ~(transition.terminated | transition.truncated)
    films = [np.stack([frame[i] for frame in seen[: steps[i] + 1]]) for i in range(len(seeds))]
    outcomes = [
        Outcome(int(seeds[i]), bool(success[i]), int(steps[i]), {name: float(m[i]) for name, m in measures.items()})
        for i in range(len(seeds))
    ]
    return films, outcomes


def _note(outcome: Outcome) -> str:
    """The outcome in a few words; lengths in centimetres."""
    said = [f"{'success' if outcome.success else 'no success'} in {outcome.steps} steps"]
    said += [f"{100 * value:.1f} cm" for name, value in outcome.measures.items() if name == "distance_m"]
    return ", ".join(said)

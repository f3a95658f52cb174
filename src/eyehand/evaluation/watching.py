"""Watching one episode: its frames with the interface drawn over them, as a video and as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from eyehand.evaluation.videos import encode_mp4
from eyehand.types import Decision, Group, Images, Observation, Policy
from eyehand.world.domain import Domain
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task


@dataclass(frozen=True, eq=False)
class Film:
    """One episode as it was seen.

    Attributes:
        frames: (T, H, W, 3) what the camera saw, with the interface as perceived drawn over it.
        success: the task counted as done at some time.
        steps: control steps until the end.
        measures: the task's numbers at the end.
    """

    frames: Images
    success: bool
    steps: int
    measures: Mapping[str, float]


def film(task: Task[Any], policy: Policy, domain: Domain, seed: int, longest: int | None = None) -> Film:
    """Run one episode, or its first `longest` steps; an oracle that needs no camera is filmed all the same."""
    reads: frozenset[Group] = policy.reads | frozenset[Group]({"camera"})
    world = SimulatedWorld(task, domain, reads)
    obs = world.reset(np.array([seed], np.int64))
    memory = policy.initial_memory(1)
    frames: list[Images] = []
    succeeded = False
    while True:
        decision = policy.act(obs, memory)
        memory = decision.memory
        frames.append(_drawn(task, obs, decision))
        transition = world.step(decision)
        obs = transition.obs
        verdict = world.verdict()
        succeeded |= bool(verdict.success[0])
        if transition.terminated[0] or transition.truncated[0] or len(frames) == longest:
            break
    measures = {name: float(values[0]) for name, values in verdict.measures.items()}
    return Film(np.stack(frames), succeeded, len(frames), measures)


def save_episode(
    task: Task[Any], policy: Policy, domain: Domain, seed: int, folder: Path | None
) -> tuple[dict[str, object], list[Path]]:
    """Run one episode; into a folder go its video and its first, middle and last frame.

    Returns:
        What came of it (`success`, `steps`, the task's measures), and the files written.
    """
    seen = film(task, policy, domain, seed)
    outcome: dict[str, object] = {"success": seen.success, "steps": seen.steps, **seen.measures}
    if folder is None:
        return outcome, []
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{domain.name.replace('/', '-')}-{seed}"
    files = [folder / f"{name}.mp4"]
    files[0].write_bytes(encode_mp4(seen.frames))
    for step in sorted({0, len(seen.frames) // 2, len(seen.frames) - 1}):
        files.append(folder / f"{name}-step{step:03d}.png")
        height, width = seen.frames.shape[1:3]
        Image.fromarray(seen.frames[step]).resize((3 * width, 3 * height)).save(files[-1])
    return outcome, files


def _drawn(task: Task[Any], obs: Observation, decision: Decision) -> Images:
    """The first camera's frame (H, W, 3) of a batch of one, with what the policy perceived drawn over it."""
    rgb = next(iter(obs.cameras.values())).rgb
    frame = np.zeros((1, 2, 2, 3), np.uint8) if rgb is None else rgb
    seen = decision.aux.get("interface")
    return (frame if seen is None else task.interface.draw(frame, torch.as_tensor(seen)))[0]

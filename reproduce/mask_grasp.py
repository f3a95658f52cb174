"""The reproduction of mask_grasp: its claims, the counterparts of Figures 4, 5 and 8, and the grasps on the twin.

Every training is the `laptop` preset with nothing changed but what the cell's name says. Arms, domains and columns are
those that `evaluation/claims/mask_grasp.py` reads; `cells.py` explains the command line.

A picture of the twin takes a third of a second of one core. The arms that look at it therefore run 8 episodes in each
of its 8 draws and not 50; arms with true masks, which need no pictures, run 50 in each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from cells import Cell, main
from measuring import Measured, Trainings

from eyehand.evaluation.protocol import oracles
from eyehand.evaluation.results import Results
from eyehand.evaluation.trained import Trained, load_trained
from eyehand.learning.policy import as_modular, unrolled
from eyehand.learning.rollout import Episodes, run_episodes
from eyehand.methods import load_method
from eyehand.methods.mask_grasp import Config
from eyehand.tasks import load_task
from eyehand.types import Decision, Flags, Floats, Group, Integers, Memory, Observation, Perception, Policy
from eyehand.world.domain import Domain, mix
from eyehand.world.simulation import SimulatedWorld

RUNS = Trainings("mask_grasp", "sphere_grasp")
LAPTOP: Config = load_method(RUNS.method).preset(RUNS.preset)
SEEDS = (0, 1, 2)
PLACES = 150  # three times the 50 places of the grid
BLIND_TRIALS = 400  # of arms that need no pictures of the twin: 50 of each draw
TRIALS, PART = 64, 16  # of arms that do, and how many of them are one cell
TRAJECTORIES, EVERY = 40, 9  # episodes along which eyes are compared, and steps between frames
SIM, TEST = "sim", "twin/test"
RECIPES = ("composited", "primitives", "plain_on_backgrounds", "plain")
MET = -0.9  # of the gripper from -1 (closed) to 1: the sphere is not between fingers that are closer
SUCCESS = ("eval/sim/success",)


def domain(name: str) -> Domain:
    """A shipped domain, or "motion": the simulator with the motion of the twin's test draws."""
    if name == "motion":
        return mix(RUNS.domain(SIM), RUNS.domain(TEST), ("motion",))
    return RUNS.domain(name)


def other_task(one: Trained, **options: object) -> Trained:
    """The same policy for the task with other options."""
    return dataclasses.replace(one, task=load_task(RUNS.task, **options))


def hand(runs: Path, name: str, arm: str, seed: int, config: Config) -> Results:
    """A hand with true masks: on the grid in simulation (Fig. 5) and under the twin's motion (Fig. 4)."""
    one = other_task(RUNS.trained(runs / name, seed, config), positions="grid")
    found = Measured(one)
    if arm == "dagger":
        found.oracle("expert", "control", [domain(SIM)], np.arange(PLACES))
    watch, policy = _Fingers(), oracles(one, domain(SIM))["perception"]
    seeds = domain(SIM).seeds(np.arange(PLACES))
    episodes = run_episodes(policy, one.task, domain(SIM), seeds, PLACES, watch)
    found.ran(arm, domain(SIM), episodes)
    if arm == "dagger":
        found.oracle(arm, "perception", [domain("motion")], np.arange(BLIND_TRIALS))
        found.ran("recovery", domain(SIM), _those(episodes, watch.met))
    return found.results()


def open_loop(runs: Path, seed: int) -> Results:
    """What the hand did in simulation where it succeeded, replayed under the twin's motion from the same starts."""
    one, moved = load_trained(runs / f"dagger-{seed}"), domain("motion")
    seeds = moved.seeds(np.arange(BLIND_TRIALS // 4))
    watch = _Commands()
    there = run_episodes(oracles(one, domain(SIM))["perception"], one.task, domain(SIM), seeds, len(seeds), watch)
    kept = np.flatnonzero(there.success)
    replay = Replay(np.stack(watch.values)[:, kept])
    found = Measured(one)
    found.ran("open_loop", moved, run_episodes(replay, one.task, moved, seeds[kept], len(kept)))
    return found.results()


def eyes(runs: Path, recipe: str) -> Results:
    """Eyes by one recipe, on frames along trajectories of the expert in the twin's test draws (Fig. 8)."""
    one, test = _eyes(runs, recipe), domain(TEST)
    found, perception = Measured(one), _perception(one)
    world = SimulatedWorld(one.task, test, frozenset({"camera", "privileged", "proprio"}))
    seeds, measured = _along(world, test.seeds(np.arange(TRAJECTORIES)), perception)
    found.saw(recipe, test, seeds, measured)
    return found.results()


def _along(
    world: SimulatedWorld[Any], seeds: Integers, perception: Perception[Any]
) -> tuple[Integers, dict[str, Floats]]:
    """Errors of a perception by unit on every `EVERY`th frame of the expert's episodes, and seeds for the frames."""
    obs, expert, memory = world.reset(seeds), world.expert(), None
    running, step = np.ones(len(seeds), bool), 0
    found: dict[str, list[Floats]] = {}
    frames: list[Integers] = []
    while running.any():
        if step % EVERY == 0:
            with torch.inference_mode():
                off = world.task.interface.distance(
                    perception.perceive(obs).cpu(), world.task.interface.truth(world.privileged())
                )
            for unit, values in off.items():
                found.setdefault(unit, []).append(values.numpy()[running].astype(np.float64))
            frames.append(seeds[running] + (step << 16))  # the draw stays in the upper half
        decision = expert.label(world.privileged(), obs.sent, memory)
        memory, step = decision.memory, step + 1
        shown = running if step % EVERY == 0 else np.zeros_like(running)
        transition = world.step(decision, dict.fromkeys(world.task.camera_size, shown))
        obs, running = transition.obs, running & ~(transition.terminated | transition.truncated)
    return np.concatenate(frames), {unit: np.concatenate(parts) for unit, parts in found.items()}


def grasp(runs: Path, arm: str, first: int, clutter: int) -> Results:
    """Some of the episodes on the twin with its pictures."""
    options = {"clutter": clutter} if clutter else {}
    if arm == "end_to_end":
        one = other_task(load_trained(runs / "end_to_end"), **options)
        policy: Policy = one.policy
    else:
        one = other_task(load_trained(runs / "dagger-0"), **options)
        modular = as_modular(one.policy)
        assert modular is not None, "mask_grasp makes modular policies unless it is end to end"
        policy = modular.swap(perception=_perception(_eyes(runs, arm)))
    found = Measured(one)
    name = f"{arm}/clutter" if clutter else arm
    found.episodes(name, policy, [domain(TEST)], np.arange(first, first + PART))
    return found.results()


def end_to_end(runs: Path) -> Results:
    """A hand that learns from small pictures in place of masks, in simulation."""
    one = other_task(RUNS.trained(runs / "end_to_end", 0, replace(LAPTOP, end_to_end=True)), positions="grid")
    found = Measured(one)
    found.episodes("end_to_end", one.policy, [domain(SIM)], np.arange(50))
    return found.results()


def _eyes(runs: Path, recipe: str) -> Trained:
    """The run of eyes by a recipe; its hand has learnt next to nothing and is not used."""
    dagger = replace(LAPTOP.control.dagger, iterations=1, frames=400, epochs=1, validation=0)
    config = replace(
        LAPTOP, control=replace(LAPTOP.control, dagger=dagger, evaluations=0), eyes=replace(LAPTOP.eyes, recipe=recipe)
    )
    one = RUNS.trained(runs / f"hand-of-{recipe}", 0, config)
    if recipe in ("plain", "primitives"):
        return one
    recording = RUNS.recorded(runs / "recordings/backgrounds", domain("twin"), LAPTOP.frames)
    return RUNS.adapted(runs / recipe, one.run.folder, config, recording)


def _perception(one: Trained) -> Perception[Any]:
    policy = as_modular(one.policy)
    assert policy is not None, "mask_grasp makes modular policies unless it is end to end"
    return policy.perception


def _those(episodes: Episodes, rows: Flags) -> Episodes:
    """Some of the episodes."""
    measures = {name: values[rows] for name, values in episodes.measures.items()}
    columns = ("seeds", "success", "truncated", "steps", "total_reward")
    return Episodes(**{name: getattr(episodes, name)[rows] for name in columns}, measures=measures)


class _Fingers:
    """Watches a batch for fingers that meet before the sphere is lifted."""

    def __init__(self) -> None:
        self.met = np.zeros(0, bool)

    def __call__(self, obs: Observation, decision: Decision, running: Flags) -> None:
        del decision
        assert obs.proprio is not None, "the hand reads the robot's state"
        met = running & (obs.proprio[:, -1] < MET)
        self.met = met if not len(self.met) else self.met | met


class _Commands:
    """Keeps what a batch did, step by step."""

    def __init__(self) -> None:
        self.values: list[Floats] = []

    def __call__(self, obs: Observation, decision: Decision, running: Flags) -> None:
        del obs, running
        self.values.append(decision.value.copy())


@final
class Replay:
    """A policy that repeats commands (T, B, D) without looking, and then stays where it is."""

    reads: frozenset[Group] = frozenset()

    def __init__(self, values: Floats) -> None:
        """Take the commands."""
        self._values = values

    def initial_memory(self, batch: int) -> Integers:
        """The step that every row is at."""
        return np.zeros(batch, np.int64)

    def looks(self, memory: Memory, batch: int) -> Mapping[str, Flags]:
        """No camera."""
        del memory, batch
        return {}

    def act(self, obs: Observation, memory: Any, generator: torch.Generator | None = None) -> Decision:
        """The next command."""
        del obs, generator
        value = self._values[np.minimum(memory, len(self._values) - 1), np.arange(len(memory))].copy()
        value[memory >= len(self._values), :-1] = 0.0
        return Decision(np.zeros(len(value), np.int64), value, memory + 1)

    def unroll(self, obs: Sequence[Observation], memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """The commands of T observations in a row."""
        return unrolled(self, obs, memory, generator)


def _cells() -> list[Cell]:
    """Every cell, those that others read first."""
    cloning = replace(LAPTOP, control=replace(LAPTOP.control, imitation="behaviour_cloning"))
    cells: list[Cell] = []
    for arm, config in (("dagger", LAPTOP), ("behaviour_cloning", cloning)):
        for seed in SEEDS:
            make = partial(hand, name=f"{arm}-{seed}", arm=arm, seed=seed, config=config)
            cells.append(Cell(f"{arm}-{seed}", make, (), SUCCESS))
    cells += [Cell(f"open_loop-{seed}", partial(open_loop, seed=seed), (f"dagger-{seed}",)) for seed in SEEDS]
    cells += [Cell(recipe, partial(eyes, recipe=recipe)) for recipe in RECIPES]
    cells.append(Cell("end_to_end", end_to_end, (), SUCCESS))
    for arm, clutter in (*((recipe, c) for recipe in RECIPES[:2] for c in (0, 3)), ("end_to_end", 0)):
        for first in range(0, TRIALS, PART):
            name = f"grasp-{arm}{'-clutter' * (clutter > 0)}-{first // PART}"
            cells.append(Cell(name, partial(grasp, arm=arm, first=first, clutter=clutter), ("dagger-0", arm)))
    return cells


if __name__ == "__main__":
    main(RUNS.method, _cells())

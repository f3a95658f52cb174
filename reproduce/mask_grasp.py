"""The reproduction of mask_grasp: its claims, the counterparts of Figures 4, 5 and 8, and the grasps on the twin.

Every training is the `laptop` preset with nothing changed but what the cell's name says; eyes learn with the weight
that their recipe's trials chose. Arms, domains and columns are those that `evaluation/claims/mask_grasp.py` reads;
`cells.py` explains the command line.

A picture of the twin takes a third of a second of one core. The arms that look at it therefore run 8 episodes in each
of its 8 draws and not 50; the hand with true masks, which needs no pictures, runs 50 in each.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, cast, final

import numpy as np
import torch
from cells import Cell, main
from measuring import Measured, Trainings, loaded

from eyehand.data.durable import replace_text
from eyehand.errors import EyehandError
from eyehand.evaluation.protocol import oracles, run_arm
from eyehand.evaluation.results import SEPARATOR, Results
from eyehand.evaluation.trained import Trained
from eyehand.learning.configuration import config_digest
from eyehand.learning.mask_pictures import NEEDS_BACKGROUNDS, Recipe
from eyehand.learning.policy import ExpertController, ModularPolicy, Truth, as_modular, unrolled
from eyehand.learning.rollout import Episodes, Watch, run_episodes
from eyehand.methods import load_method
from eyehand.methods.mask_grasp import Config, EyesConfig
from eyehand.tasks import load_task
from eyehand.tasks.sphere_grasp import SphereGrasp
from eyehand.types import Decision, Flags, Floats, Group, Integers, Memory, Observation, Perception, Policy
from eyehand.world.domain import Domain, mean, mix, scale_severity
from eyehand.world.grasping import SQUEEZED_M
from eyehand.world.objects.look_alikes import SPHERE_RADIUS_M
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task

RUNS = Trainings("mask_grasp", "sphere_grasp")
LAPTOP: Config = load_method(RUNS.method).preset(RUNS.preset)
SEEDS = (0, 1, 2)
PLACES = 150  # three times the 50 places of the grid
BLIND_TRIALS = 400  # of arms that need no pictures of the twin: 50 of each draw
TRIALS = 64  # of arms that do
PART, LONG_PART = 16, 8  # how many of them are one cell, and where most episodes last to the end
TRAJECTORIES, EVERY = 40, 9  # episodes along which eyes are compared, and steps between frames
SIM, TEST = "sim", "twin/test"
SEVERITIES = (0.0, 0.5, 1.5)  # beside the twin itself
EPOCHS, POINTS = 50, 10  # checkpoints of eyes that stay at most, and those on which they are compared while they learn
RECIPES: tuple[Recipe, ...] = ("composited", "primitives", "plain_on_backgrounds", "plain")
TRIAL_UPDATES, TRIAL_WEIGHTS = 1_000, (1.0, 2.0, 5.0)
WEIGHTS: dict[Recipe, float] = {  # what the trials say
    "composited": 1.0,
    "primitives": 2.0,
    "plain_on_backgrounds": 1.0,
    "plain": 5.0,
}
ONCE = "composited_once"  # as the paper: every target on one background in its own colours
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
    found.oracle(arm, "perception", [domain(SIM)], np.arange(PLACES))
    if arm == "dagger":
        found.oracle(arm, "perception", [domain("motion")], np.arange(BLIND_TRIALS))
        again = missed(other_task(one, moving=True))
        if len(again.seeds):
            found.ran("recovery", domain(SIM), again)
    return found.results()


def missed(one: Trained) -> Episodes:
    """Of the episodes with a sphere that is nudged, those in which the fingers once met without it."""
    watch = Fingers(cast(SphereGrasp, one.task))
    return _those(_simulated(one, watch), watch.met_at >= 0)


def nudged(runs: Path, seed: int) -> Results:
    """All episodes with a sphere that is nudged, apart by whether it was ever out of the camera's sight."""
    one = other_task(loaded(runs / f"dagger-{seed}"), moving=True)
    watch, found = _Sight(cast(SphereGrasp, one.task)), Measured(one)
    episodes = _simulated(one, watch)
    for name, rows in (("in_sight", ~watch.lost), ("lost", watch.lost)):
        found.ran(f"nudged/{name}", domain(SIM), _those(episodes, rows))
    return found.results()


def _simulated(one: Trained, watch: Watch) -> Episodes:
    """The hand with true masks in the simulator, watched."""
    seeds, policy = domain(SIM).seeds(np.arange(BLIND_TRIALS)), oracles(one, domain(SIM))["perception"]
    return run_episodes(policy, one.task, domain(SIM), seeds, BLIND_TRIALS, watch)


def open_loop(runs: Path, seed: int) -> Results:
    """What the hand did in simulation where it succeeded, replayed under the twin's motion from the same starts.

    The twin's robot carries out a part of every step. So the commands are also replayed at the pace that this part, on
    average, asks for, which leaves to chance no more than what differs from draw to draw.
    """
    one, moved = loaded(runs / f"dagger-{seed}"), domain("motion")
    seeds = moved.seeds(np.arange(BLIND_TRIALS // 4))
    watch = _Joints()
    there = run_episodes(oracles(one, domain(SIM))["perception"], one.task, domain(SIM), seeds, len(seeds), watch)
    kept = np.flatnonzero(there.success)
    if not len(kept):
        raise EyehandError(f"dagger-{seed} succeeds in none of {len(seeds)} episodes: there is nothing to replay.")
    commands, blind, seeing = np.stack(watch.values)[:, kept], _Joints(), _Joints()
    slow, found = Replay(commands, mean(moved.dynamics.step_gain)), Measured(one)
    found.ran("open_loop", moved, run_episodes(Replay(commands), one.task, moved, seeds[kept], len(kept), blind))
    found.ran("open_loop/slow", moved, run_episodes(slow, one.task, moved, seeds[kept], len(kept)))
    looked = oracles(one, moved)["perception"]
    run_episodes(looked, one.task, moved, seeds[kept][:1], 1, seeing)
    traces = {"simulated": watch.joints, "open loop": blind.joints, "closed loop": seeing.joints}
    first = {"simulated": int(kept[0]), "open loop": 0, "closed loop": 0}
    document = {name: np.stack(rows)[:, first[name]].round(4).tolist() for name, rows in traces.items()}
    replace_text(runs / f"joints-{seed}.json", json.dumps({"q_rad": document}) + "\n")
    return found.results()


def trial(runs: Path, recipe: Recipe, weight: float) -> Results:
    """A short training of eyes, judged where numbers may be chosen; every recipe gets the same few."""
    config = replace(LAPTOP.eyes, recipe=recipe, positive_weight=weight, updates=TRIAL_UPDATES)
    one = _seeing(runs, f"trial-{recipe}-{weight:g}", config)
    found = Measured(one)
    for where in map(domain, (SIM, "randomized", "twin")):
        frames = frames_along(one.task, where, LAPTOP.frames + np.arange(TRAJECTORIES // 4))
        found.saw(f"trial/{recipe}/{weight:g}", where, *errors_on(frames, modular(one).perception))
    return found.results()


def eyes(runs: Path, recipe: str) -> Results:
    """Eyes by one recipe, on frames along trajectories of the expert in the twin's test draws (Fig. 8)."""
    one = _eyes(runs, recipe)
    _keep_epochs(runs, recipe, one)
    found, test = Measured(one), domain(TEST)
    seeds, measured = errors_on(frames_along(one.task, test, np.arange(TRAJECTORIES)), modular(one).perception)
    found.saw(recipe, test, seeds, measured)
    return found.results()


def _keep_epochs(runs: Path, recipe: str, one: Trained) -> None:
    """Precision and recall while the eyes learn, on frames of the twin that may be looked at: twin/val."""
    frames = frames_along(one.task, domain("twin"), LAPTOP.frames + np.arange(TRAJECTORIES // 4))
    lines: list[dict[str, float]] = []
    before = 0 if one.subject.parent else 1  # `train` begins with the hand
    for step in one.run.checkpoints.steps():
        if (step - before) % (LAPTOP.eyes.updates // POINTS):
            continue  # saved by the clock, which no two machines share
        _, measured = errors_on(frames, modular(loaded(one.run.folder, step)).perception)
        lines.append({"step": step, **{unit: float(values.mean()) for unit, values in measured.items()}})
    document = {"domain": "twin/val", "before": before, "lines": lines}
    replace_text(runs / f"{recipe}-epochs.json", json.dumps(document) + "\n")


@dataclass(frozen=True)
class Frame:
    """What the camera saw at one step of several episodes.

    Attributes:
        obs: the observation.
        shown: (B,) rows whose episode still runs.
        truth: (B, 100, 100) true masks.
        seeds: (B,) numbers that tell the episodes apart; their frames are no independent trials.
    """

    obs: Observation
    shown: Flags
    truth: torch.Tensor
    seeds: Integers


def frames_along(task: Task[Any], where: Domain, episodes: Integers) -> list[Frame]:
    """Every `EVERY`th frame of the expert's episodes."""
    world = SimulatedWorld(task, where, frozenset({"camera", "privileged", "proprio"}))
    seeds = where.seeds(episodes)
    obs, expert, memory = world.reset(seeds), world.expert(), None
    running, step = np.ones(len(seeds), bool), 0
    found: list[Frame] = []
    while running.any():
        if step % EVERY == 0:
            truth = world.task.interface.truth(world.privileged())
            found.append(Frame(replace(obs, privileged=None), running, truth, seeds))
        decision = expert.label(world.privileged(), obs.sent, memory)
        memory, step = decision.memory, step + 1
        looking = running if step % EVERY == 0 else np.zeros_like(running)
        transition = world.step(decision, dict.fromkeys(world.task.camera_size, looking))
        obs, running = transition.obs, running & ~(transition.terminated | transition.truncated)
    return found


def errors_on(frames: Sequence[Frame], perception: Perception[Any]) -> tuple[Integers, dict[str, Floats]]:
    """Errors of a perception by unit on the frames that were shown, and their seeds."""
    distance, parts = load_task(RUNS.task).interface.distance, dict[str, list[Floats]]()
    for frame in frames:
        with torch.inference_mode():
            off = distance(perception.perceive(frame.obs).cpu(), frame.truth)
        for unit, values in off.items():
            parts.setdefault(unit, []).append(values.numpy()[frame.shown].astype(np.float64))
    seeds = np.concatenate([frame.seeds[frame.shown] for frame in frames])
    return seeds, {unit: np.concatenate(values) for unit, values in parts.items()}


def grasp(runs: Path, arm: str, episodes: range, clutter: int) -> Results:
    """Some of the episodes on the twin with its pictures."""
    options = {"clutter": clutter} if clutter else {}
    if arm == "end_to_end":
        one = other_task(loaded(runs / "end_to_end"), **options)
        policy: Policy = one.policy
        found = Measured(one)
    else:
        one, seeing = other_task(loaded(runs / "dagger-0"), **options), loaded(runs / arm)
        policy = modular(one).swap(perception=modular(seeing).perception)
        found = Measured(seeing, one)
    name = f"{arm}/clutter" if clutter else arm
    found.episodes(name, policy, [domain(TEST)], np.array(episodes))
    return found.results() if arm == "end_to_end" else _of_both(found)


def true_masks(runs: Path, seed: int) -> Results:
    """The hand with true masks in the episodes of the arms that look: what the eyes are not to blame for."""
    found = Measured(loaded(runs / f"dagger-{seed}"))
    found.oracle("dagger", "perception", [domain(TEST)], np.arange(TRIALS))
    return found.results()


def severe_hand(runs: Path) -> Results:
    """True masks, the twin moved towards simulation and beyond itself, and its setup alone; the expert on the twin."""
    one = loaded(runs / "dagger-0")
    found, task = Measured(one), one.task
    expert = ModularPolicy(Truth(task.interface), ExpertController(task.expert()), task.interface)
    found.episodes("expert", expert, [domain(TEST)], np.arange(TRIALS))
    found.oracle("dagger", "perception", [*_severe(), mix(domain(SIM), domain(TEST), ("setup",))], np.arange(TRIALS))
    return found.results()


def severe_eyes(runs: Path, recipe: str) -> Results:
    """Eyes by one recipe on frames of the twin moved towards simulation and beyond itself."""
    one = loaded(runs / recipe)
    found = Measured(one)
    for where in _severe():
        frames = frames_along(one.task, where, np.arange(TRAJECTORIES))
        found.saw(recipe, where, *errors_on(frames, modular(one).perception))
    return found.results()


def _severe() -> list[Domain]:
    return [scale_severity(domain(TEST), domain(SIM), severity) for severity in SEVERITIES]


def among(runs: Path, recipe: str) -> Results:
    """The hand and eyes by one recipe among no to three look-alikes, where pictures are cheap."""
    hand_of, seeing = loaded(runs / "dagger-0"), loaded(runs / recipe)
    policy, found = modular(hand_of).swap(perception=modular(seeing).perception), Measured(seeing, hand_of)
    for number in range(4):
        one = other_task(hand_of, clutter=number)
        for where in map(domain, (SIM, "randomized")):
            found.ran(f"{recipe}/clutter-{number}", where, run_arm(one, policy, where, np.arange(TRIALS)))
    return _of_both(found)


def _of_both(found: Measured) -> Results:
    """The results of a policy from two runs, with the names and configurations of both."""
    results = found.results()
    name = SEPARATOR.join(one.run.folder.name for one in found.runs)
    cells = tuple(replace(one, run=name) for one in results.cells)
    return replace(results, config_hash=SEPARATOR.join(config_digest(one.config) for one in found.runs), cells=cells)


def end_to_end(runs: Path) -> Results:
    """A hand that learns from small pictures in place of masks, in simulation with random looks."""
    one = other_task(RUNS.trained(runs / "end_to_end", 0, replace(LAPTOP, end_to_end=True)), positions="grid")
    found = Measured(one)
    found.episodes("end_to_end", one.policy, [domain(SIM)], np.arange(50))
    return found.results()


def _eyes(runs: Path, recipe: str) -> Trained:
    """The run of eyes by a recipe."""
    kind: Recipe = "composited" if recipe == ONCE else cast(Recipe, recipe)
    config = replace(LAPTOP.eyes, recipe=kind, positive_weight=WEIGHTS[kind])
    return _seeing(runs, recipe, replace(config, composed_once=True, recoloured=0.0) if recipe == ONCE else config)


def _seeing(runs: Path, name: str, config: EyesConfig) -> Trained:
    """The run of some eyes."""
    whole = beside_eyes(config)
    if config.recipe not in NEEDS_BACKGROUNDS:
        return RUNS.trained(runs / name, 0, whole, keep=EPOCHS)
    one = RUNS.trained(runs / _hand_of(name), 0, whole)
    recording = RUNS.recorded(runs / "recordings/twin", domain("twin"), LAPTOP.frames)
    return RUNS.adapted(runs / name, one.run.folder, whole, recording, keep=EPOCHS)


def beside_eyes(eyes: EyesConfig) -> Config:
    """A configuration for some eyes alone: its hand learns next to nothing and is not used."""
    dagger = replace(LAPTOP.control.dagger, iterations=1, frames=400, epochs=1, validation=0)
    return replace(LAPTOP, control=replace(LAPTOP.control, dagger=dagger, evaluations=0), eyes=eyes)


def _hand_of(name: str) -> str:
    """The run whose hand some eyes were trained beside."""
    return f"hand-of-{name}"


def modular(one: Trained) -> ModularPolicy[Any]:
    """The policy of a run as eyes, mask and hand."""
    policy = as_modular(one.policy)
    assert policy is not None, "mask_grasp makes modular policies unless it is end to end"
    return policy


def _those(episodes: Episodes, rows: Flags) -> Episodes:
    """Some of the episodes."""
    measures = {name: values[rows] for name, values in episodes.measures.items()}
    columns = ("seeds", "success", "truncated", "steps", "total_reward")
    return Episodes(**{name: getattr(episodes, name)[rows] for name in columns}, measures=measures)


class Fingers:
    """Watches a batch for fingers closer than about the sphere: `met_at` (B,) is the first step so, or -1."""

    def __init__(self, task: SphereGrasp) -> None:
        """Nothing has been seen yet; the width is that at which the expert takes its fingers for empty."""
        gripper = task.scene.hand.gripper
        closed, span = gripper.closed_m, gripper.open_m - gripper.closed_m
        self._empty = 2.0 * (2.0 * SPHERE_RADIUS_M - SQUEEZED_M - closed) / span - 1.0
        self.met_at, self._step = np.zeros(0, np.int64), 0

    def __call__(self, obs: Observation, decision: Decision, running: Flags) -> None:
        """Look at one step of the batch."""
        del decision
        assert obs.proprio is not None, "the hand reads the robot's state"
        before = self.met_at if self._step else np.full(len(running), -1)
        met = running & (obs.proprio[:, -1] < self._empty)
        self.met_at = np.where(met & (before < 0), self._step, before)
        self._step += 1


class _Sight:
    """Watches a batch for empty masks: `lost` (B,) tells whose camera has not seen the sphere at some step."""

    def __init__(self, task: SphereGrasp) -> None:
        self._truth, self.lost = task.interface.truth, np.zeros(0, bool)

    def __call__(self, obs: Observation, decision: Decision, running: Flags) -> None:
        del decision
        empty = running & ~self._truth(obs.privileged).flatten(1).any(dim=1).numpy()
        self.lost = empty | (self.lost if len(self.lost) else False)


class _Joints:
    """Keeps the joints that a batch's robots reported, and what it did, step by step."""

    def __init__(self) -> None:
        self.joints: list[Floats] = []
        self.values: list[Floats] = []

    def __call__(self, obs: Observation, decision: Decision, running: Flags) -> None:
        del running
        assert obs.proprio is not None, "the policy asks for the robot's state"
        self.joints.append(obs.proprio[:, :7].copy())
        self.values.append(decision.value.copy())


@final
class Replay:
    """A policy that repeats commands (T, B, D) without looking, and then stays where it is.

    At a pace of 0.5 every command is given in two steps.

    It reads the joints only for those who watch it; nothing it does depends on them.
    """

    reads: frozenset[Group] = frozenset({"proprio"})

    def __init__(self, values: Floats, pace: float = 1.0) -> None:
        """Take the commands, and how many of them are given in a step."""
        self._values, self._pace = values, pace

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
        at = (memory * self._pace).astype(np.int64)
        value = self._values[np.minimum(at, len(self._values) - 1), np.arange(len(memory))].copy()
        value[at >= len(self._values), :-1] = 0.0
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
    for seed in SEEDS:
        make = partial(open_loop, seed=seed)
        cells.append(Cell(f"open_loop-{seed}", make, (f"dagger-{seed}",), (), (f"joints-{seed}.json",)))
        cells.append(Cell(f"true_masks-{seed}", partial(true_masks, seed=seed), (f"dagger-{seed}",)))
        cells.append(Cell(f"nudged-{seed}", partial(nudged, seed=seed), (f"dagger-{seed}",)))
    for recipe, weight in product(RECIPES, TRIAL_WEIGHTS):
        name, make = f"trial-{recipe}-{weight:g}", partial(trial, recipe=recipe, weight=weight)
        cells.append(Cell(name, make, runs=(_hand_of(name),)))
    for recipe in (*RECIPES, ONCE):
        make, files = partial(eyes, recipe=recipe), (f"{recipe}-epochs.json",)
        cells.append(Cell(recipe, make, (), (), files, (_hand_of(recipe),)))
    cells.append(Cell("severity-hand", severe_hand, ("dagger-0",)))
    cells += [Cell(f"severity-{recipe}", partial(severe_eyes, recipe=recipe), (recipe,)) for recipe in RECIPES]
    cells.append(Cell("end_to_end", end_to_end, (), SUCCESS))
    cells += [Cell(f"clutter-{recipe}", partial(among, recipe=recipe), ("dagger-0", recipe)) for recipe in RECIPES[:2]]
    for arm, clutter in (*((recipe, c) for recipe in RECIPES[:2] for c in (0, 3)), ("end_to_end", 0)):
        part = LONG_PART if clutter or arm == "end_to_end" else PART
        for first in range(0, TRIALS, part):
            name = f"grasp-{arm}{'-clutter' * (clutter > 0)}-{first // part}"
            make = partial(grasp, arm=arm, episodes=range(first, first + part), clutter=clutter)
            cells.append(Cell(name, make, (arm,) if arm == "end_to_end" else ("dagger-0", arm)))
    return cells


if __name__ == "__main__":
    main(RUNS.method, _cells())

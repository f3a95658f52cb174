"""Why mask_grasp fails where it does: trainings that differ from the reproduction's in one thing each.

    python reproduce/mask_grasp_causes.py

It needs the runs of `make reproduce METHOD=mask_grasp`, which are judged beside these, and was written after the claims
were decided: no claim reads its numbers, and it looks at no frame of `twin/test`. What differs is no option of the
method, so that constants are put in place for one training.

- "alone": eyes of primitives without other things in their pictures (claim 4a).
- "whole": hands whose masks are damaged, but never emptied (claim 5c).
- "aside": a hand that learns with cameras up to 6 mm off (what true masks lose on the twin).
- "nominal": the end-to-end policy in the simulator's own looks, without wear (claim 6).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import tyro
from mask_grasp import (
    LAPTOP,
    RUNS,
    SEEDS,
    SIM,
    TRAJECTORIES,
    TRIALS,
    WEIGHTS,
    Fingers,
    beside_eyes,
    errors_on,
    frames_along,
    modular,
    other_task,
)
from measuring import loaded

from eyehand.data.durable import replace_text
from eyehand.evaluation.protocol import oracles, run_arm
from eyehand.evaluation.trained import Trained
from eyehand.interfaces import mask
from eyehand.learning import mask_primitives
from eyehand.learning.method import Source
from eyehand.learning.rollout import run_episodes
from eyehand.learning.tensors import use_threads
from eyehand.tasks.sphere_grasp import SphereGrasp
from eyehand.types import Decision, Flags, Floats, Group, Observation
from eyehand.world.domain import Domain, Uniform
from eyehand.world.simulation import SimulatedWorld

Measures = dict[str, Any]
OFFSETS_M = (0.0, 0.0015, 0.003, 0.0045, 0.006)
NUDGED, PLACED, ASIDE, TRACED = 400, 50, 128, 16  # episodes of each kind of judgement
LOW_M, OPEN = 0.05, 0.6  # the tool above the table, and the fingers' width over the widest, where hands may sink
FROM = 5000  # number of the first of 40 trajectories along which eyes are compared, which no other cell uses


@dataclass(frozen=True)
class Options:
    """Where things are."""

    reproduction: Path = Path("runs/reproduce/mask_grasp")
    runs: Path = Path("runs/reproduce/mask_grasp_causes")
    out: Path = Path("results/negative/mask_grasp_causes.json")


def main(options: Options) -> None:
    """Train what is not trained and measure what is not in the file yet, each part written down at once."""
    use_threads()
    parts = {"aside": _aside, "whole": _whole, "alone": _alone, "nominal": _nominal}
    for name, measure in parts.items():
        found = json.loads(options.out.read_text()) if options.out.exists() else {}
        if name not in found:
            replace_text(options.out, json.dumps({**found, name: measure(options)}, indent=1) + "\n")
    print(options.out.read_text())


def _aside(options: Options) -> Measures:
    """Success in simulation by the offset of the camera, true masks."""
    hands = _hands(options)
    with patch.object(Source, "domain", _with_cameras_aside(Source.domain)):
        hands["aside, seed 0"] = RUNS.trained(options.runs / "aside-0", 0, LAPTOP)
    there = {offset_m: _offset(RUNS.domain(SIM), offset_m) for offset_m in OFFSETS_M}
    lifted = {name: {str(m): _lifted(one, where) for m, where in there.items()} for name, one in hands.items()}
    return {"episodes": ASIDE, "lifted by offset [m]": lifted}


def _hands(options: Options) -> dict[str, Trained]:
    return {f"reproduction, seed {seed}": loaded(options.reproduction / f"dagger-{seed}") for seed in SEEDS}


def _offset(domain: Domain, offset_m: float | Uniform) -> Domain:
    return replace(domain, calibration=replace(domain.calibration, camera_offset_m=offset_m))


def _with_cameras_aside(known: Callable[[Source, str], Domain]) -> Callable[[Source, str], Domain]:
    def domain(self: Source, name: str) -> Domain:
        found = known(self, name)
        return _offset(found, Uniform(0.0, OFFSETS_M[-1])) if name == SIM else found

    return domain


def _lifted(one: Trained, domain: Domain) -> int:
    """How many spheres a hand lifts with true masks."""
    return int(run_arm(one, oracles(one, domain)["perception"], domain, np.arange(ASIDE)).success.sum())


def _whole(options: Options) -> Measures:
    """Nudged spheres in simulation, true masks."""
    hands = _hands(options)
    for seed in (0, 1):
        with patch.object(mask, "MASK_LOST", 0.0):
            hands[f"whole, seed {seed}"] = RUNS.trained(options.runs / f"whole-{seed}", seed, LAPTOP)
    return {name: _nudged(one) for name, one in hands.items()}


def _nudged(hand: Trained) -> Measures:
    """How often fingers meet without the sphere, how often it is lifted then, and how the hand moves out of sight."""
    one, sim = other_task(hand, moving=True), RUNS.domain(SIM)
    watch = _Watch(cast(SphereGrasp, one.task))
    found = run_episodes(oracles(one, sim)["perception"], one.task, sim, sim.seeds(np.arange(NUDGED)), NUDGED, watch)
    missed, lost, lifted = watch.fingers.met_at >= 0, watch.lost(), found.success
    rise_m, steps = watch.rise()
    parts = {"missed, always in sight": missed & ~lost, "missed, once out of sight": missed & lost}
    counted = {name: [int(lifted[rows].sum()), int(rows.sum())] for name, rows in parts.items()}
    return {
        "lifted, of": [int(lifted.sum()), NUDGED],
        **{f"{name}: lifted, of": pair for name, pair in counted.items()},
        "rise with nothing in sight [mm a step]": round(1e3 * rise_m, 2),
        "such steps": steps,
    }


class _Watch:
    """Watches a batch for misses, for empty masks, and for the tool's rise where open fingers low see nothing."""

    def __init__(self, task: SphereGrasp) -> None:
        self.fingers, self._truth = Fingers(task), task.interface.truth
        self._rows: list[tuple[Floats, Floats, Flags, Flags]] = []

    def __call__(self, obs: Observation, decision: Decision, running: Flags) -> None:
        self.fingers(obs, decision, running)
        state = cast(Any, obs.privileged)
        empty = ~self._truth(state).flatten(1).any(dim=1).numpy()
        self._rows.append((state.tool_m[:, 2].copy(), state.width_m.copy(), empty, running.copy()))

    def lost(self) -> Flags:
        """(B,) whose camera has not seen the sphere at some step."""
        return np.any([empty & running for _, _, empty, running in self._rows], axis=0)

    def rise(self) -> tuple[float, int]:
        """Mean rise of the tool in metres a step, and of how many steps."""
        height, width, empty, running = (np.stack(one) for one in zip(*self._rows, strict=True))
        rows = running[1:] & running[:-1] & empty[:-1] & (width[:-1] > OPEN * width.max()) & (height[:-1] < LOW_M)
        return float((height[1:] - height[:-1])[rows].mean()), int(rows.sum())


def _alone(options: Options) -> Measures:
    """Eyes among look-alikes, and what the first hand lifts with them."""
    hand, eyes = loaded(options.reproduction / "dagger-0"), dict[str, Trained]()
    for recipe in ("composited", "primitives"):
        eyes[recipe] = loaded(options.reproduction / recipe)
    chosen = replace(LAPTOP.eyes, recipe="primitives", positive_weight=WEIGHTS["primitives"])
    with patch.object(mask_primitives, "THINGS", 0):
        eyes["alone"] = RUNS.trained(options.runs / "alone", 0, beside_eyes(chosen))
    sim, found = RUNS.domain(SIM), Measures({"episodes": TRIALS, "trajectories": TRAJECTORIES})
    for number in (0, 3):
        one = other_task(hand, clutter=number)
        policy = modular(hand).swap(perception=modular(eyes["alone"]).perception)
        lifted = int(run_arm(one, policy, sim, np.arange(TRIALS)).success.sum())
        found[f"{number} look-alikes"] = {"lifted with alone": lifted, **_seen(one, sim, eyes)}
    return found


def _seen(one: Trained, where: Domain, eyes: Mapping[str, Trained]) -> Measures:
    """What eyes see along the expert's trajectories."""
    frames = frames_along(one.task, where, FROM + np.arange(TRAJECTORIES))
    off = {name: errors_on(frames, modular(seeing).perception)[1] for name, seeing in eyes.items()}
    return {
        name: {
            "F1 lost": round(float(error["f1_lost"].mean()), 3),
            "false sightings a frame": round(float(error["false_blobs"].mean()), 3),
            "frames with one": round(float((error["false_blobs"] > 0).mean()), 3),
        }
        for name, error in off.items()
    }


def _nominal(options: Options) -> Measures:
    """The end-to-end policy where it learnt, in random looks, and in the twin's rooms that may be looked at."""
    config = replace(LAPTOP, end_to_end=True, control=replace(LAPTOP.control, corruption=0.0))
    with patch.object(Source, "world", _only_nominal(Source.world)):
        one = RUNS.trained(options.runs / "nominal", 0, config)
    placed, found = other_task(one, positions="grid"), Measures()
    for name, task, count in ((SIM, placed, PLACED), ("randomized", placed, PLACED), ("twin", one, TRACED)):
        episodes = run_arm(task, one.policy, RUNS.domain(name), np.arange(count))
        found[f"{name}: lifted, of"] = [int(episodes.success.sum()), count]
    return found


def _only_nominal(known: Callable[..., SimulatedWorld[Any]]) -> Callable[..., SimulatedWorld[Any]]:
    def world(self: Source, domain: str, reads: frozenset[Group], *, auto_reset: bool = False) -> SimulatedWorld[Any]:
        del domain
        return known(self, SIM, reads, auto_reset=auto_reset)

    return world


if __name__ == "__main__":
    main(tyro.cli(Options))

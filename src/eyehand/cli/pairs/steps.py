"""Control steps of a Panda at a table, 20 a second with 25 physics steps in each, beside robosuite's Lift."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eyehand.cli.pairs.pair import Pair, Work
from eyehand.tasks import load_task
from eyehand.types import Decision, Group
from eyehand.world import counter
from eyehand.world.domain_files import load_domain
from eyehand.world.rows import default_threads
from eyehand.world.simulation import SimulatedWorld

SIMULATIONS, RATE_HZ, SUBSTEPS = 64, 20, 25
STEPS = {True: 10, False: 20}  # of every simulation in a repetition, with and without camera
PEER_STEPS = {True: 12, False: 100}
_ABOUT = (
    "{threads} threads, {simulations} simulations, a Panda and one to three objects, {substeps} physics steps of 2 ms "
    "per control step, displacements of the tool turned into joint targets by damped least squares five times in it, "
    "resets included{camera}"
)


def prepare(folder: Path, camera: bool) -> Work:
    """The world of `view_reach` with a Panda and physics; a fresh random command in every step."""
    del folder
    task = load_task("view_reach", robot="panda", rate_hz=float(RATE_HZ), substeps=SUBSTEPS)
    domain = load_domain("sim", task.name)
    domain = dataclasses.replace(domain, dynamics=dataclasses.replace(domain.dynamics, motion="mujoco"))
    reads: frozenset[Group] = frozenset({"proprio", "camera"} if camera else {"proprio"})
    world = SimulatedWorld(task, domain, reads, auto_reset=True)
    world.reset(np.arange(SIMULATIONS))
    setup = {
        "camera": camera,
        "size": next(iter(task.camera_size.values())),
        "control_hz": RATE_HZ,
        "steps": PEER_STEPS[camera],
    }
    picture = ", one 128x128 picture per step in colour, depth and ids" if camera else ""
    about = _ABOUT.format(threads=default_threads(), simulations=SIMULATIONS, substeps=SUBSTEPS, camera=picture)
    return Work(setup, {"": _steps(world, STEPS[camera])}, about)


def _steps(world: SimulatedWorld[object], steps: int) -> Callable[[], int]:
    low, high = np.array(world.commands[0].low), np.array(world.commands[0].high)
    done = [0]

    def work() -> int:
        for _ in range(steps):
            share = counter.uniform(np.arange(SIMULATIONS)[:, None], "bench/command", done[0], np.arange(len(low)))
            world.step(Decision(np.zeros(SIMULATIONS, np.int64), low + share * (high - low), None, {}))
            done[0] += 1
        return steps * SIMULATIONS

    return work


def _seeing(folder: Path) -> Work:
    return prepare(folder, camera=True)


def _blind(folder: Path) -> Work:
    return prepare(folder, camera=False)


STEPS_SEEING = Pair("steps", "robosuite Lift", "control steps/s", 50.0, "ratio", "all", "steps", _seeing)
STEPS_BLIND = Pair("steps_blind", "robosuite Lift", "control steps/s", 10.0, "ratio", "all", "steps", _blind)

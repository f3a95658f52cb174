"""Control steps of a Panda at a table, 20 a second with 25 physics steps in each, beside robosuite's Lift."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eyehand.cli.pairs.pair import Pair, Work, threads
from eyehand.tasks import load_task
from eyehand.types import Decision, Group
from eyehand.world import counter
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

SIMULATIONS, RATE_HZ, SUBSTEPS = 64, 20, 25
STEPS = {True: 10, False: 20}  # of every simulation in a repetition, with and without camera
PEER_STEPS = {True: 12, False: 100}


def prepare(folder: Path, camera: bool) -> Work:
    """Episodes of many simulations; a fresh random command in every step."""
    del folder
    world = make_world(SIMULATIONS, camera)
    setup = {
        "camera": camera,
        "size": next(iter(world.task.camera_size.values())),
        "control_hz": RATE_HZ,
        "steps": PEER_STEPS[camera],
    }
    return Work(setup, {"": stepping(world, STEPS[camera])}, f"{about(camera)}, {SIMULATIONS} simulations")


def make_world(simulations: int, camera: bool) -> SimulatedWorld[Any]:
    """`view_reach` with a Panda, one object (as Lift has) and physics, at the start of its episodes.

    Args:
        simulations: how many are stepped together.
        camera: whether every observation has a picture.
    """
    task = load_task("view_reach", robot="panda", objects=1, depth=camera, rate_hz=float(RATE_HZ), substeps=SUBSTEPS)
    domain = load_domain("sim", task.name)
    domain = dataclasses.replace(domain, dynamics=dataclasses.replace(domain.dynamics, motion="mujoco"))
    reads: frozenset[Group] = frozenset({"proprio", "camera"} if camera else {"proprio"})
    world = SimulatedWorld(task, domain, reads, auto_reset=True)
    world.reset(np.arange(simulations))
    return world


def about(camera: bool) -> str:
    """Threads and physics of that world."""
    picture = ", and a 128x128 picture in colour, depth and ids" if camera else ""
    return (
        f"{threads()}, a Panda and one household object, {SUBSTEPS} physics steps of "
        f"{1e3 / RATE_HZ / SUBSTEPS:g} ms per control step, displacements of the tool turned into joint targets by "
        f"damped least squares five times in it, resets included{picture}"
    )


def stepping(world: SimulatedWorld[Any], steps: int) -> Callable[[], int]:
    """A function that steps a world so often and returns how many control steps that made, all rows together."""
    low, high = np.array(world.commands[0].low), np.array(world.commands[0].high)
    rows = np.arange(len(world.now.seeds))
    done = itertools.count()

    def work() -> int:
        for step in itertools.islice(done, steps):
            share = counter.uniform(rows[:, None], "bench/command", step, np.arange(len(low)))
            world.step(Decision(np.zeros(len(rows), np.int64), low + share * (high - low), None, {}))
        return steps * len(rows)

    return work


def _seeing(folder: Path) -> Work:
    return prepare(folder, camera=True)


def _blind(folder: Path) -> Work:
    return prepare(folder, camera=False)


STEPS_SEEING = Pair("steps", "robosuite Lift", "control steps/s", 50.0, "ratio", "all", "steps", _seeing)
STEPS_BLIND = Pair("steps_blind", "robosuite Lift", "control steps/s", 10.0, "ratio", "all", "steps", _blind)

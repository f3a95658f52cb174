# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Physics of a tabletop with three objects, beside a bare loop over `mujoco.batch` that writes the same controls."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from eyehand.cli.pairs.pair import Agreement, Pair, Work, threads
from eyehand.types import Floats
from eyehand.world import counter
from eyehand.world.objects.catalogue import household_objects
from eyehand.world.physics.engine import Fields
from eyehand.world.robots.loading import load_robot
from eyehand.world.rows import default_threads
from eyehand.world.tabletop import Tabletop

SIMULATIONS, CONTROL_STEPS, TIMESTEP_S = 64, 20, 0.002
PIECES, SUBSTEPS = 5, 5  # commands in a control step, and physics steps under each of them
_PLACES_M = np.array([[0.45, -0.3], [0.7, 0.0], [0.45, 0.3]])
_SWING_RAD = 0.3


def prepare(folder: Path) -> Work:
    """64 simulations whose arms swing for a second of simulated time; every slot holds an object of its own."""
    seeds = np.arange(SIMULATIONS)
    robot = load_robot("iiwa14")
    train = household_objects("train")
    chosen = [train[i * len(train) // len(_PLACES_M)] for i in range(len(_PLACES_M))]  # of different kinds
    tabletop = Tabletop(robot, chosen, len(chosen), TIMESTEP_S)
    held = np.tile(np.arange(len(_PLACES_M)), (SIMULATIONS, 1))
    q_rad = robot.home_rad + 0.2 * counter.uniform(seeds[:, None], "bench/q", index=np.arange(len(robot.joints)))
    yaw_rad = np.pi * counter.uniform(seeds[:, None], "bench/yaw", index=np.arange(len(_PLACES_M)))
    start = tabletop.place(q_rad, held, np.tile(_PLACES_M, (SIMULATIONS, 1, 1)), yaw_rad)
    fields = tabletop.fields(held)
    controls = _controls(tabletop, start, q_rad)
    model_path, run = folder / "scene.mjb", folder / "run.npz"
    mujoco.mj_saveModel(_as_one_model(tabletop.model, fields), str(model_path))
    qpos, qvel = (tabletop.engine.part(start, name) for name in ("qpos", "qvel"))
    np.savez(run, qpos=qpos, qvel=qvel, ctrl=controls.swapaxes(1, 2).reshape(-1, *controls.shape[1::2]))
    setup = {
        "model": str(model_path),
        "run": str(run),
        "count": SIMULATIONS * CONTROL_STEPS,
        "substeps": SUBSTEPS,
        "threads": default_threads(),
    }

    def advance() -> Floats:
        states = start
        for control in controls:
            states, _ = tabletop.engine.advance(states, control, SUBSTEPS, fields)
        return states

    def work() -> int:
        return len(advance()) * CONTROL_STEPS

    def check(path: Path) -> dict[str, Agreement]:
        with np.load(path, allow_pickle=False) as file:
            error = float(np.abs(tabletop.engine.part(advance(), "qpos") - file["qpos"]).max())
        return {
            "": Agreement(error < 1e-6, f"positions after {CONTROL_STEPS} control steps differ by at most {error:g}")
        }

    about = (
        f"{threads()}, {SIMULATIONS} simulations, iiwa 14, three objects, {PIECES * SUBSTEPS} physics "
        f"steps of {1e3 * TIMESTEP_S:g} ms and {PIECES} commands per control step, states handed in and out at each"
    )
    return Work(setup, {"": work}, about, check)


def _controls(tabletop: Tabletop, start: Floats, q_rad: Floats) -> Floats:
    """(T, B, C, m) actuator commands that swing every joint about where it began."""
    at_rest, found = tabletop.controls(start), []
    for number in range(CONTROL_STEPS * PIECES):
        phase = 2.0 * np.pi * number / (CONTROL_STEPS * PIECES) * (1 + np.arange(q_rad.shape[1]) % 3)
        found.append(tabletop.with_joint_commands(at_rest, q_rad + _SWING_RAD * np.sin(phase)))
    return np.stack(found).reshape(CONTROL_STEPS, PIECES, *at_rest.shape).swapaxes(1, 2)


def _as_one_model(model: Any, fields: Fields) -> Any:
    """The model with the first simulation's fields in it, and without the sensors, which are not physics."""
    one = copy.copy(model)
    for name, values in fields.items():
        getattr(one, name)[:] = values[0]
    mujoco.mj_setConst(one, mujoco.MjData(one))
    one.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_SENSOR
    return one


PHYSICS = Pair("physics", "bare mujoco.batch", "control steps/s", 1 / 1.1, "ratio", "all", "physics", prepare)

"""Physics by a bare loop over `mujoco.batch`: write the controls, step, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch
from serving import Peer, serve


def prepare(setup: Mapping[str, Any]) -> Peer:
    """A batch in its first state.

    Args:
        setup: `model` (an MJB file), `run` (an NPZ file with `qpos` (N, nq) and `qvel` (N, nv) of the first state and
            `ctrl` (T, N, nu), one command after the other), `substeps` of physics under each command, `threads`,
            `count` of control steps, all simulations together.
    """
    model = mujoco.MjModel.from_binary_path(setup["model"])
    run = dict(np.load(setup["run"]))
    batch = Batch(model, len(run["qpos"]), setup["threads"])
    qpos, qvel, ctrl = batch.bind("qpos"), batch.bind("qvel"), batch.bind("ctrl")

    def work() -> int:
        batch.reset(stage=0)
        qpos[:], qvel[:] = run["qpos"], run["qvel"]
        for control in run["ctrl"]:
            ctrl[:] = control
            batch.step(nstep=setup["substeps"])
        return int(setup["count"])

    def show(path: Path) -> None:
        work()
        np.savez(path, qpos=qpos, qvel=qvel)

    threads = "1 thread" if batch.nthread == 1 else f"{batch.nthread} threads"
    return Peer(work, show, f"MuJoCo {mujoco.__version__}, mujoco.batch on {threads}")


if __name__ == "__main__":
    serve(prepare)

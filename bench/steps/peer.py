"""Control steps of robosuite's Lift with a Panda, one environment in one process, as the library is used."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import robosuite
from serving import Peer, serve

CAMERA = {"camera_names": "agentview", "camera_depths": True, "camera_segmentations": "element"}


def prepare(setup: Mapping[str, Any]) -> Peer:
    """An environment that was reset; random actions are drawn beforehand.

    Args:
        setup: `camera` (whether every observation has a picture), `size` (height, width) in pixels, `control_hz`,
            `steps` in a repetition.
    """
    height, width = setup["size"]
    camera = {**CAMERA, "camera_heights": height, "camera_widths": width} if setup["camera"] else {}
    environment = robosuite.make(
        "Lift",
        robots="Panda",
        has_renderer=False,
        has_offscreen_renderer=setup["camera"],
        use_camera_obs=setup["camera"],
        control_freq=setup["control_hz"],
        ignore_done=True,  # a reset rebuilds the model, which would only slow this side down
        **camera,
    )
    environment.reset()
    low, high = environment.action_spec
    actions = itertools.cycle(np.random.default_rng(0).uniform(low, high, (1024, len(low))))

    def work() -> int:
        for action in itertools.islice(actions, setup["steps"]):
            environment.step(action)
        return int(setup["steps"])

    substeps = round(1 / setup["control_hz"] / environment.sim.model.opt.timestep)
    arm = type(environment.robots[0].part_controllers["right"]).__name__
    about = (
        f"robosuite {version('robosuite')}, MuJoCo {version('mujoco')}, one process, {substeps} physics steps of "
        f"{1e3 * environment.sim.model.opt.timestep:g} ms per control step, {arm} computed in each of them"
    )
    return Peer(work, None, about)


if __name__ == "__main__":
    serve(prepare)

"""Pictures of a scene by `mujoco.Renderer`, one after the other: colour, depth and geom ids are three passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from OpenGL import GL
from serving import Peer, serve

Picture = tuple[np.ndarray, np.ndarray, np.ndarray]
OFF = (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION)


def pictures(
    model: mujoco.MjModel, data: mujoco.MjData, renderer: mujoco.Renderer, states: Mapping[str, np.ndarray]
) -> Iterator[Picture]:
    """Colour (H, W, 3), depth in metres (H, W) and (id, type) (H, W, 2) of every state."""
    camera = model.camera("view").id
    # Poses are handed over instead of joint angles, so that no kinematics is counted.
    for position, rotation, place, turn in zip(
        states["position_m"], states["rotation"], states["camera_position_m"], states["camera_rotation"], strict=True
    ):
        data.geom_xpos[:] = position
        data.geom_xmat[:] = rotation
        data.cam_xpos[camera] = place
        data.cam_xmat[camera] = turn
        renderer.update_scene(data, camera=camera)
        rgb = renderer.render()
        renderer.enable_depth_rendering()
        depth = renderer.render()
        renderer.disable_depth_rendering()
        renderer.enable_segmentation_rendering()
        ids = renderer.render()
        renderer.disable_segmentation_rendering()
        yield rgb, depth, ids


def prepare(setup: Mapping[str, Any]) -> Peer:
    """A renderer without shadows and smoothing of edges.

    Args:
        setup: `model` (an MJB file with a camera "view"), `states` (an NPZ file with the N states' `position_m`
            (N, G, 3) and `rotation` (N, G, 9) of all geoms, `camera_position_m` (N, 3) and `camera_rotation` (N, 9) in
            MuJoCo's camera axes), `size` (height, width) in pixels.
    """
    model = mujoco.MjModel.from_binary_path(setup["model"])
    model.vis.quality.shadowsize = 0
    model.vis.quality.offsamples = 0
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    renderer = mujoco.Renderer(model, *setup["size"])
    for flag in OFF:
        renderer.scene.flags[flag] = 0
    states = dict(np.load(setup["states"]))

    def work() -> int:
        return sum(1 for _ in pictures(model, data, renderer, states))

    def show(path: Path) -> None:
        rgb, depth, ids = (np.stack(part) for part in zip(*pictures(model, data, renderer, states), strict=True))
        shown = np.where(ids[..., 1] == mujoco.mjtObj.mjOBJ_GEOM, ids[..., 0], -1).astype(np.int32)
        np.savez(path, rgb=rgb, depth_m=np.where(shown >= 0, depth, np.inf).astype(np.float32), ids=shown)

    driver = GL.glGetString(GL.GL_RENDERER).decode()
    return Peer(work, show, f"MuJoCo {mujoco.__version__}, one process, OpenGL by {driver}, no shadows, no MSAA")


if __name__ == "__main__":
    serve(prepare)

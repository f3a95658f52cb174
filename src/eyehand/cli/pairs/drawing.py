"""The simulator's picture of `planar_reach` with three joints, from joint angles to the grey network input."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eyehand.cli.pairs.pair import Pair, Work
from eyehand.tasks import load_task
from eyehand.world import baxter, drawing, plane_camera
from eyehand.world.compositing import grey84
from eyehand.world.domain import Domain, mean


def prepare(_folder: Path) -> Work:
    """256 scenes, drawn as the simulator does."""
    seeds, step = np.arange(256), np.zeros(256, np.int64)
    state = load_task("planar_reach").sample(seeds)
    domain = Domain()
    imaging = drawing.DrawingImaging(domain, threads=1)

    def work() -> int:
        return len(grey84(imaging.capture(state, seeds, step)))

    H = plane_camera.believed_homography()
    setup = {
        "links": list(zip(baxter.LINK_LENGTH_M, baxter.LINK_DROP_M, drawing.LINK_RADIUS_M, strict=True)),
        "size": plane_camera.FRAME_SIZE[::-1],
        "px_per_m": plane_camera.PIXELS_PER_M,
        "origin_px": H[:2, 2].tolist(),
        "arm": round(255 * mean(domain.appearance.arm_albedo)),
        "ground": round(255 * mean(domain.appearance.background_albedo)),
        "disc_m": drawing.DISC_RADIUS_M,
        "scenes": np.concatenate([state.q_rad, state.x_target_m], axis=1).tolist(),
    }
    return Work(setup, {"": work}, "one thread")


DRAWING = Pair("drawing", "Pillow", "images/s", 5000.0, "rate", "one", "drawing", prepare)

"""Whether two renderers draw the same: geom ids, depth and colour."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyehand.cli.pairs.pair import Agreement
from eyehand.types import Flags
from eyehand.world.rendering import NOTHING, Rendering

LEAST_PX = 400  # smaller geoms are mostly edge
LEAST_IOU, MOST_DEPTH_ERROR_M, LEAST_PSNR_DB = 0.99, 0.001, 28.0
MOST_STRAY = (
    1e-4  # share of pixels: two surfaces that touch, such as a cup's foot and the table, are a draw of rounding
)


def agreement(ours: Rendering, path: Path) -> Agreement:
    """Compare our pictures with those that a peer wrote.

    The mean IoU over geoms of at least 400 pixels is at least 0.99, other differences of ids lie within a pixel of an
    edge but for one pixel in ten thousand, the median depth error is at most 1 mm, and the PSNR of the colours is at
    least 28 dB.

    Args:
        ours: our pictures.
        path: the peer's, an NPZ file with the fields of a `Rendering`.
    """
    with np.load(path, allow_pickle=False) as file:
        theirs = Rendering(file["rgb"], file["depth_m"], file["ids"])
    iou, stray = mean_iou(ours.ids, theirs.ids), stray_share(ours.ids, theirs.ids)
    same = (ours.ids == theirs.ids) & (ours.ids != NOTHING)
    error_m = float(np.median(np.abs(ours.depth_m[same] - theirs.depth_m[same])))
    decibels = psnr_db(ours, theirs)
    found = (
        f"{len(ours.ids)} pictures, mean IoU {iou:.4f}, other id errors {100 * stray:.4f} % of pixels, "
        f"median depth error {1e3 * error_m:.2f} mm, PSNR {decibels:.1f} dB"
    )
    close = error_m <= MOST_DEPTH_ERROR_M and decibels >= LEAST_PSNR_DB
    return Agreement(iou >= LEAST_IOU and stray <= MOST_STRAY and close, found)


def mean_iou(ours: NDArray[np.int32], theirs: NDArray[np.int32]) -> float:
    """Mean intersection over union of the geoms of at least 400 pixels in either of two id pictures (B, H, W)."""
    found: list[float] = []
    for mine, other in zip(ours, theirs, strict=True):
        for geom in np.union1d(mine, other):
            a, b = mine == geom, other == geom
            if geom != NOTHING and max(a.sum(), b.sum()) >= LEAST_PX:
                found.append(float((a & b).sum() / (a | b).sum()))
    return float(np.mean(found))


def stray_share(ours: NDArray[np.int32], theirs: NDArray[np.int32]) -> float:
    """Share of pixels whose ids differ and that lie farther than a pixel from any edge in both pictures."""
    return float(((ours != theirs) & ~_near_edge(ours) & ~_near_edge(theirs)).mean())


def psnr_db(ours: Rendering, theirs: Rendering) -> float:
    """Peak signal over the noise that the difference of all colours is."""
    mean_square = float(np.mean((ours.rgb.astype(float) - theirs.rgb) ** 2))
    return float(10.0 * np.log10(255.0**2 / max(mean_square, 1e-6)))


def _near_edge(ids: NDArray[np.int32]) -> Flags:
    """Pixels among whose eight neighbours and themselves there are two ids."""
    height, width = ids.shape[1:]
    padded = np.pad(ids, ((0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = itertools.product(range(3), range(3))
    return np.logical_or.reduce([padded[:, y : y + height, x : x + width] != ids for y, x in shifts])

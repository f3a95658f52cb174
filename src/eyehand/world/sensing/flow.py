# pyright: basic
# (numba kernels are untyped)
"""How far what every pixel shows has moved in the picture between two moments, from poses, depth and geom ids."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats32
from eyehand.world import rows
from eyehand.world.rendering import Cameras, Poses


def pixel_flow(
    before: Poses,
    now: Poses,
    cameras_before: Cameras,
    cameras: Cameras,
    depth_m: Floats32,
    ids: NDArray[np.int32],
    threads: int | None = None,
) -> Floats32:
    """Displacements (B, H, W, 2) in pixels (columns, rows) since an earlier moment; 0 where no geom is.

    Args:
        before: where the geoms were.
        now: where they are in the picture.
        cameras_before: where the cameras were.
        cameras: the cameras of the picture.
        depth_m: (B, H, W) its depth along the optical axis.
        ids: (B, H, W) its geom ids.
        threads: threads to work on; None for all cores.
    """
    out = np.zeros((*ids.shape, 2), np.float32)
    depth = np.ascontiguousarray(depth_m, dtype=np.float32)
    geoms = np.ascontiguousarray(ids, dtype=np.int32)
    T_before_now = _geom_motions(before, now)

    def work(part: slice) -> None:
        for b in range(part.start, part.stop):
            H = _to_picture_before(cameras_before, b)
            _flow(depth[b], geoms[b], cameras.K[b], cameras.T_world_camera[b], T_before_now[b], H, out[b])

    rows.in_parallel(work, len(ids), threads or rows.default_threads(), least=4)
    return out


def _geom_motions(before: Poses, now: Poses) -> NDArray[np.float64]:
    """(B, G, 3, 4) where a point of the world was before, when it sits on a geom."""
    R = np.einsum("bgij,bgkj->bgik", before.rotation, now.rotation)
    t = before.position_m - np.einsum("bgij,bgj->bgi", R, now.position_m)
    return np.concatenate([R, t[..., None]], axis=-1)


def _to_picture_before(cameras: Cameras, row: int) -> NDArray[np.float64]:
    """(3, 4) projection of world points into the earlier picture."""
    T = cameras.T_world_camera[row]
    R = T[:3, :3].T
    return cameras.K[row] @ np.concatenate([R, -(R @ T[:3, 3])[:, None]], axis=1)


@numba.njit(cache=True, nogil=True)
def _flow(depth, ids, K, T, motions, H, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    for row in range(ids.shape[0]):
        for column in range(ids.shape[1]):
            g, z = ids[row, column], depth[row, column]
            if g < 0 or not np.isfinite(z):
                continue
            x, y = (column - K[0, 2]) / K[0, 0] * z, (row - K[1, 2]) / K[1, 1] * z
            wx = T[0, 0] * x + T[0, 1] * y + T[0, 2] * z + T[0, 3]
            wy = T[1, 0] * x + T[1, 1] * y + T[1, 2] * z + T[1, 3]
            wz = T[2, 0] * x + T[2, 1] * y + T[2, 2] * z + T[2, 3]
            M = motions[g]
            px = M[0, 0] * wx + M[0, 1] * wy + M[0, 2] * wz + M[0, 3]
            py = M[1, 0] * wx + M[1, 1] * wy + M[1, 2] * wz + M[1, 3]
            pz = M[2, 0] * wx + M[2, 1] * wy + M[2, 2] * wz + M[2, 3]
            w = H[2, 0] * px + H[2, 1] * py + H[2, 2] * pz + H[2, 3]
            if w > 1e-3:
                u = (H[0, 0] * px + H[0, 1] * py + H[0, 2] * pz + H[0, 3]) / w
                v = (H[1, 0] * px + H[1, 1] * py + H[1, 2] * pz + H[1, 3]) / w
                out[row, column, 0], out[row, column, 1] = column - u, row - v

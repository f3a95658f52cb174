# pyright: basic
# (numba kernels are untyped)
"""Which geoms a view shows, and at which level of detail; then they are filled."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats, Floats32
from eyehand.world.raster import filling
from eyehand.world.raster.points import Placed
from eyehand.world.raster.pool import Pool

_FAR_RADII = 1e3  # geoms larger than so many times their distance are drawn with double precision
_Z = 2  # axes before this one can be without an end


class Batch(NamedTuple):
    """What is drawn in B simulations; arrays marked (R, ...) have one row for all or one for each.

    Attributes:
        position_m: (B, G, 3) of every geom in the world.
        rotation: (B, G, 3, 3) geom to world.
        K: (B, 3, 3) intrinsics.
        T_world_camera: (B, 4, 4) camera to world.
        near_m: depth of the near plane.
        far_m: half the side of planes without an end.
        tolerance_px: how far a coarser level may depart from the shape in the picture.
        shape: (R, G) row of the pool that a geom shows, -1 for nothing.
        scale: (R, G, 4) see `Placed`; a plane without an end has zeros for its sides.
        colour: (R, G, 4) see `Appearance`.
        gloss: (R, G, 2) see `Appearance`.
        texture: (R, G) see `Appearance`.
        repeat: (R, G, 5) see `Placed`.
        lights: (B, L, LIGHT_COLUMNS) see `Appearance`.
        ambient: (B, 3) RGB.
        background: (R, 3) RGB in [0, 1].
        photograph: (R,) see `Appearance`.
    """

    position_m: Floats
    rotation: Floats
    K: Floats
    T_world_camera: Floats
    near_m: float
    far_m: float
    tolerance_px: float
    shape: NDArray[np.int32]
    scale: Floats
    colour: Floats32
    gloss: Floats32
    texture: NDArray[np.int32]
    repeat: Floats32
    lights: Floats32
    ambient: Floats32
    background: Floats32
    photograph: NDArray[np.int32]


class View(NamedTuple):
    """One camera: intrinsics (3, 3), camera to world (4, 4), and the depth of its near plane."""

    K: Floats
    T: Floats
    near_m: float


@numba.njit(cache=True, nogil=True)
def room(geoms: int) -> Placed:
    """Room for the places of so many geoms."""
    return Placed(
        np.empty((geoms, 3, 3), np.float32),
        np.empty((geoms, 3), np.float32),
        np.empty((geoms, 4), np.float32),
        np.empty((geoms, 5), np.float32),
        np.empty(geoms, np.int32),
        np.empty(geoms, np.int32),
        np.empty((3, 3), np.float32),
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def place(batch: Batch, b: int, view: View, placed: Placed) -> None:
    """Say where the geoms of a simulation are as seen from a view; levels are left to `draw_geom`."""
    T, K = view.T, view.K
    row, repeats = b % len(batch.scale), b % len(batch.repeat)
    for geom in range(placed.R.shape[0]):
        for i in range(3):
            placed.offset_m[geom, i] = batch.position_m[b, geom, i] - T[i, 3]
            for j in range(3):
                placed.R[geom, i, j] = batch.rotation[b, geom, i, j]
        for i in range(4):
            scale = batch.scale[row, geom, i]
            placed.scale[geom, i] = 1.0 if i < _Z and scale == 0.0 else scale
        for i in range(5):
            placed.repeat[geom, i] = batch.repeat[repeats, geom, i]
        placed.shape[geom] = batch.shape[b % len(batch.shape), geom]
    for i in range(3):
        across = T[i, 0] / K[0, 0]
        down = (T[i, 1] - across * K[0, 1]) / K[1, 1]
        placed.ray[i, 0], placed.ray[i, 1] = across, down
        placed.ray[i, 2] = T[i, 2] - across * K[0, 2] - down * K[1, 2]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw_geom(pool: Pool, batch: Batch, which, view: View, level: NDArray[np.int32], drawing) -> None:  # noqa: ANN001
    """Draw one geom into a picture where it is nearer than what is there.

    Args:
        pool: the shapes.
        batch: the simulations.
        which: the simulation and the geom.
        view: from where.
        level: (G,) the geom's place is filled with the level that was drawn, -1 for none.
        drawing: `Corners` to work in, and the `Picture`.
    """
    b, geom = which
    corners, picture = drawing
    shape = batch.shape[b % len(batch.shape), geom]
    level[geom] = -1
    if shape < 0:
        return
    M, t, P, scale = np.empty((3, 3)), np.empty(3), np.empty((3, 4)), np.empty(4)
    for i in range(4):
        scale[i] = batch.scale[b % len(batch.scale), geom, i]
    _to_camera(view.T, batch.rotation[b, geom], batch.position_m[b, geom], (M, t))
    if scale[0] == 0.0 or scale[1] == 0.0:
        # A plane without an end is drawn as a large one whose middle is below the eye.
        for axis in range(2):
            below = -(M[0, axis] * t[0] + M[1, axis] * t[1] + M[2, axis] * t[2])
            if scale[axis] == 0.0:
                scale[axis] = batch.far_m
                for i in range(3):
                    t[i] += M[i, axis] * below
    x, y, z = pool.ball[shape, 0] * scale[0], pool.ball[shape, 1] * scale[1], pool.ball[shape, 2] * scale[2]
    u = M[0, 0] * x + M[0, 1] * y + M[0, 2] * z + t[0]
    v = M[1, 0] * x + M[1, 1] * y + M[1, 2] * z + t[1]
    depth = M[2, 0] * x + M[2, 1] * y + M[2, 2] * z + t[2]
    largest = max(scale[0], scale[1], scale[2])
    radius = pool.ball[shape, 3] * largest + scale[3]
    if _outside((u, v, depth), radius, view, picture.geom.shape):
        return
    K, nearest = view.K, depth - radius
    chosen = int(pool.level_start[shape])
    pixels = max(K[0, 0], K[1, 1]) / max(nearest, view.near_m) * largest
    while chosen + 1 < pool.level_start[shape + 1] and pool.error_m[chosen + 1] * pixels <= batch.tolerance_px:
        chosen += 1
    level[geom] = chosen
    for i in range(3):
        for j in range(3):
            P[i, j] = (K[i, 0] * M[0, j] + K[i, 1] * M[1, j] + K[i, 2] * M[2, j]) * scale[j]
        P[i, 3] = K[i, 0] * t[0] + K[i, 1] * t[1] + K[i, 2] * t[2]
    cap_m = scale[3] / scale[2]
    if nearest >= view.near_m and radius < _FAR_RADII * nearest:
        filling.project(pool, chosen, P, cap_m, corners)
        filling.fill_level(pool, chosen, corners, geom, picture)
    else:
        filling.fill_clipped(pool, chosen, (P, cap_m, view.near_m), geom, picture)


@numba.njit(cache=True, nogil=True)
def _to_camera(T, R, position, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    M, t = out
    x, y, z = position[0] - T[0, 3], position[1] - T[1, 3], position[2] - T[2, 3]
    for i in range(3):
        t[i] = T[0, i] * x + T[1, i] * y + T[2, i] * z
        for j in range(3):
            M[i, j] = T[0, i] * R[0, j] + T[1, i] * R[1, j] + T[2, i] * R[2, j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _outside(middle, radius, view, size):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Whether no part of a ball can be seen."""
    height, width = size
    if middle[2] + radius < view.near_m:
        return True
    K = view.K
    for axis in range(2):
        end = (width if axis == 0 else height) - 0.5
        f, c = K[axis, axis], K[axis, 2]
        across = f * middle[axis] + (K[0, 1] * middle[1] if axis == 0 else 0.0)
        slack = radius * (1.0 + abs(K[0, 1]) / f)
        if across + (c + 0.5) * middle[2] < -slack * np.sqrt(f * f + (c + 0.5) ** 2):
            return True
        if across + (c - end) * middle[2] > slack * np.sqrt(f * f + (c - end) ** 2):
            return True
    return False

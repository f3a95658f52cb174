# pyright: basic
# (numba kernels are untyped)
"""One frame after another: which geoms to draw at which level of detail, filling, shading, and the finished arrays."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats, Floats32, Images
from eyehand.world.raster import filling, shading
from eyehand.world.raster.filling import Corners, Picture
from eyehand.world.raster.points import Placed
from eyehand.world.raster.pool import Pool
from eyehand.world.raster.shading import Appearance
from eyehand.world.raster.textures import Textures


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


class Output(NamedTuple):
    """The finished arrays of B simulations: (B, H, W, 3), (B, H, W), (B, H, W)."""

    rgb: Images
    depth_m: Floats32
    ids: NDArray[np.int32]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw(pool: Pool, papers: Textures, batch: Batch, output: Output, first: int, last: int) -> None:
    """Draw the simulations from `first` to before `last`."""
    height, width = output.ids.shape[1:]
    geoms = batch.position_m.shape[1]
    most = np.max(pool.vertex_start[1:] - pool.vertex_start[:-1])
    corners = Corners(np.empty(most, np.float32), np.empty(most, np.float32), np.empty(most, np.float32))
    picture = Picture(
        np.empty((height, width), np.float32), np.empty((height, width), np.int32), np.empty((height, width), np.int32)
    )
    placed = Placed(
        np.empty((geoms, 3, 3), np.float32),
        np.empty((geoms, 3), np.float32),
        np.empty((geoms, 4), np.float32),
        np.empty((geoms, 5), np.float32),
        np.empty(geoms, np.int32),
        np.empty(geoms, np.int32),
        np.empty((3, 3)),
    )
    for b in range(first, last):
        picture.inverse_depth[:] = 0.0
        picture.geom[:] = -1
        _place(batch, b, placed)
        for geom in range(geoms):
            _draw_geom(pool, batch, (b, geom), placed, corners, picture)
        appearance = Appearance(
            batch.colour[b % len(batch.colour)],
            batch.gloss[b % len(batch.gloss)],
            batch.texture[b % len(batch.texture)],
            batch.lights[b],
            batch.ambient[b],
            batch.background[b % len(batch.background)],
            batch.photograph[b % len(batch.photograph)],
        )
        shading.shade(pool, papers, placed, appearance, picture, output.rgb[b])
        for row in range(height):
            for column in range(width):
                output.ids[b, row, column] = picture.geom[row, column]
                output.depth_m[b, row, column] = np.float32(1.0) / picture.inverse_depth[row, column]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _place(batch, b, placed):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    T, K = batch.T_world_camera[b], batch.K[b]
    for geom in range(placed.R.shape[0]):
        for i in range(3):
            placed.offset_m[geom, i] = batch.position_m[b, geom, i] - T[i, 3]
            for j in range(3):
                placed.R[geom, i, j] = batch.rotation[b, geom, i, j]
    placed.scale[:] = batch.scale[b % len(batch.scale)]
    placed.scale[:, :2] = np.where(placed.scale[:, :2] == 0.0, np.float32(1.0), placed.scale[:, :2])
    placed.repeat[:] = batch.repeat[b % len(batch.repeat)]
    placed.shape[:] = batch.shape[b % len(batch.shape)]
    for i in range(3):
        placed.ray[i, 0] = T[i, 0] / K[0, 0]
        placed.ray[i, 1] = (T[i, 1] - T[i, 0] * K[0, 1] / K[0, 0]) / K[1, 1]
        placed.ray[i, 2] = T[i, 2] - placed.ray[i, 0] * K[0, 2] - placed.ray[i, 1] * K[1, 2]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw_geom(pool, batch, which, placed, corners, picture):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    b, geom = which
    shape = batch.shape[b % len(batch.shape), geom]
    placed.level[geom] = -1
    if shape < 0:
        return
    P, scale = np.empty((3, 4)), batch.scale[b % len(batch.scale), geom].copy()
    M, t = np.empty((3, 3)), np.empty(3)
    _to_camera(batch.T_world_camera[b], batch.rotation[b, geom], batch.position_m[b, geom], (M, t))
    if scale[0] == 0.0 or scale[1] == 0.0:
        # A plane without an end is drawn as a large one whose middle is below the eye.
        for axis in range(2):
            below = -(M[0, axis] * t[0] + M[1, axis] * t[1] + M[2, axis] * t[2])
            if scale[axis] == 0.0:
                t += M[:, axis] * below
                scale[axis] = batch.far_m
    ball = pool.ball[shape]
    middle = t.copy()
    for axis in range(3):
        middle += M[:, axis] * (ball[axis] * scale[axis])
    largest = max(scale[0], scale[1], scale[2])
    radius = ball[3] * largest + scale[3]
    if _outside(middle, radius, batch.K[b], batch.near_m, picture.geom.shape):
        return
    nearest = middle[2] - radius
    level = pool.level_start[shape]
    pixels = max(batch.K[b, 0, 0], batch.K[b, 1, 1]) / max(nearest, batch.near_m) * largest
    while level + 1 < pool.level_start[shape + 1] and pool.error_m[level + 1] * pixels <= batch.tolerance_px:
        level += 1
    placed.level[geom] = level
    K = batch.K[b]
    for i in range(3):
        for j in range(3):
            P[i, j] = (K[i, 0] * M[0, j] + K[i, 1] * M[1, j] + K[i, 2] * M[2, j]) * scale[j]
        P[i, 3] = K[i, 0] * t[0] + K[i, 1] * t[1] + K[i, 2] * t[2]
    cap_m = scale[3] / scale[2]
    if nearest >= batch.near_m and radius < 1e3 * nearest:
        filling.project(pool, level, P, cap_m, corners)
        filling.fill_level(pool, level, corners, geom, picture)
    else:
        filling.fill_clipped(pool, level, (P, cap_m, batch.near_m), geom, picture)


@numba.njit(cache=True, nogil=True)
def _to_camera(T, R, position, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    M, t = out
    offset = position - T[:3, 3]
    for i in range(3):
        t[i] = T[0, i] * offset[0] + T[1, i] * offset[1] + T[2, i] * offset[2]
        for j in range(3):
            M[i, j] = T[0, i] * R[0, j] + T[1, i] * R[1, j] + T[2, i] * R[2, j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _outside(middle, radius, K, near_m, size):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Whether no part of a ball can be seen."""
    height, width = size
    if middle[2] + radius < near_m:
        return True
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

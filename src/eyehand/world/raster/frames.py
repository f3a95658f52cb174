# pyright: basic
# (numba kernels are untyped)
"""One frame after another: filling, shading, averaging, and remembering what does not move."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Flags, Floats, Floats32, Images, Integers
from eyehand.world.raster import placing, shading, shadows
from eyehand.world.raster.filling import Corners, Picture
from eyehand.world.raster.placing import Batch, View
from eyehand.world.raster.points import Placed
from eyehand.world.raster.pool import Pool
from eyehand.world.raster.shading import Appearance
from eyehand.world.raster.shadows import Shadows
from eyehand.world.raster.textures import Textures


class Plan(NamedTuple):
    """How frames are drawn.

    Attributes:
        order: (G,) geoms, those that never move first.
        fixed: how many of them never move.
        factor: samples along each side of a pixel.
        shadow_px: side of the lights' views, 1 for no shadows.
        scene: (4,) centre and radius of the part of the world that shadows are drawn for.
    """

    order: Integers
    fixed: int
    factor: int
    shadow_px: int
    scene: Floats


class Memory(NamedTuple):
    """Pictures of what never moves, for cameras that stand still.

    Attributes:
        still: (B,) camera, lights and everything that never moves are those of the call before.
        filled: (B,) the picture is there.
        inverse_depth: (B, H, W), see `Picture`, as `face` and `geom`; (0, 1, 1) where no camera stands still.
        face: (B, H, W).
        geom: (B, H, W).
        rgb: (B, H, W, 3).
    """

    still: Flags
    filled: Flags
    inverse_depth: Floats32
    face: NDArray[np.int32]
    geom: NDArray[np.int32]
    rgb: Images


class Output(NamedTuple):
    """The finished arrays of B simulations: (B, H, W, 3), (B, H, W), (B, H, W)."""

    rgb: Images
    depth_m: Floats32
    ids: NDArray[np.int32]


class _Canvas(NamedTuple):
    """Room for one frame."""

    picture: Picture
    rgb: Images
    corners: Corners
    placed: Placed
    shadows: Shadows


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw(pool: Pool, papers: Textures, batch: Batch, plan: Plan, memory: Memory, output: Output, part) -> None:  # noqa: ANN001
    """Draw some of the simulations.

    Args:
        pool: the shapes.
        papers: textures and photographs.
        batch: the simulations.
        plan: how to draw them.
        memory: read and filled.
        output: filled.
        part: the first simulation and the one after the last.
    """
    height, width = output.ids.shape[1] * plan.factor, output.ids.shape[2] * plan.factor
    most = np.max(pool.vertex_start[1:] - pool.vertex_start[:-1])
    canvas = _Canvas(
        Picture(
            np.empty((height, width), np.float32),
            np.empty((height, width), np.int32),
            np.empty((height, width), np.int32),
        ),
        np.empty((height, width, 3), np.uint8),
        Corners(np.empty(most, np.float32), np.empty(most, np.float32), np.empty(most, np.float32)),
        placing.room(batch.position_m.shape[1]),
        shadows.dark(batch.lights.shape[1], plan.shadow_px),
    )
    for b in range(part[0], part[1]):
        _draw_frame(pool, papers, batch, plan, memory, canvas, b)
        if plan.factor == 1:
            _copy(canvas, output, b)
        else:
            _average(canvas, plan.factor, output, b)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw_frame(pool, papers, batch, plan, memory, canvas, b):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    picture, rgb, corners, placed, _ = canvas
    view = View(batch.K[b], batch.T_world_camera[b], batch.near_m)
    placing.place(batch, b, view, placed)
    appearance = Appearance(
        batch.colour[b % len(batch.colour)],
        batch.gloss[b % len(batch.gloss)],
        batch.texture[b % len(batch.texture)],
        batch.lights[b],
        batch.ambient[b],
        batch.background[b % len(batch.background)],
        batch.photograph[b % len(batch.photograph)],
        canvas.shadows,
    )
    if plan.shadow_px > 1:
        shadows.look_from_lights(pool, batch, b, plan.scene, corners, canvas.shadows)
    done = np.zeros(len(plan.order), np.bool_)
    remembers = len(memory.filled) > 0 and memory.still[b]
    recalls = remembers and memory.filled[b]
    if recalls:
        for k in range(plan.fixed):
            done[plan.order[k]] = True
        _transfer(picture, rgb, memory, b, False)
    else:
        for row in range(picture.geom.shape[0]):
            for column in range(picture.geom.shape[1]):
                picture.inverse_depth[row, column] = 0.0
                picture.geom[row, column] = -1
    for moving in range(1 if recalls else 0, 2):
        for k in range(plan.fixed if moving else 0, len(plan.order) if moving else plan.fixed):
            placing.draw_geom(pool, batch, (b, plan.order[k]), view, placed.level, (corners, picture))
        if moving or remembers:
            first = not (moving and remembers)
            shading.shade(pool, papers, (placed, appearance), picture, (done, first), rgb)
        if remembers and not moving:
            _transfer(picture, rgb, memory, b, True)
            memory.filled[b] = True
            for k in range(plan.fixed):
                done[plan.order[k]] = True


@numba.njit(cache=True, nogil=True)
def _transfer(picture, rgb, memory, b, keeps):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Keep the picture in the memory, or take it from there."""
    for row in range(picture.geom.shape[0]):
        for column in range(picture.geom.shape[1]):
            if keeps:
                memory.inverse_depth[b, row, column] = picture.inverse_depth[row, column]
                memory.face[b, row, column] = picture.face[row, column]
                memory.geom[b, row, column] = picture.geom[row, column]
            else:
                picture.inverse_depth[row, column] = memory.inverse_depth[b, row, column]
                picture.face[row, column] = memory.face[b, row, column]
                picture.geom[row, column] = memory.geom[b, row, column]
            for channel in range(3):
                if keeps:
                    memory.rgb[b, row, column, channel] = rgb[row, column, channel]
                else:
                    rgb[row, column, channel] = memory.rgb[b, row, column, channel]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _copy(canvas, output, b):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    inverse_depth, geoms = canvas.picture.inverse_depth, canvas.picture.geom
    height, width = geoms.shape
    for row in range(height):
        for column in range(width):
            output.depth_m[b, row, column] = np.float32(1.0) / inverse_depth[row, column]
            output.ids[b, row, column] = geoms[row, column]
            for channel in range(3):
                output.rgb[b, row, column, channel] = canvas.rgb[row, column, channel]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _average(canvas, factor, output, b):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Mean colour, the geom that most samples show (the nearest one of equals), and the mean depth of its samples."""
    height, width = output.ids.shape[1:]
    geoms, inverse_depth, rgb = canvas.picture.geom, canvas.picture.inverse_depth, canvas.rgb
    samples = factor * factor
    for row in range(height):
        for column in range(width):
            best, votes, best_depth = -1, 0, np.float32(0.0)
            y, x = row * factor, column * factor
            for i in range(samples):
                y, x = row * factor + i // factor, column * factor + i % factor
                count, total = 0, np.float32(0.0)
                for j in range(samples):
                    y2, x2 = row * factor + j // factor, column * factor + j % factor
                    if geoms[y2, x2] == geoms[y, x]:
                        count += 1
                        total += np.float32(1.0) / inverse_depth[y2, x2]
                depth = total / np.float32(count)
                if count > votes or (count == votes and depth < best_depth):
                    best, votes, best_depth = geoms[y, x], count, depth
            output.ids[b, row, column], output.depth_m[b, row, column] = best, best_depth
            for channel in range(3):
                colour = samples // 2
                for i in range(samples):
                    colour += int(rgb[row * factor + i // factor, column * factor + i % factor, channel])
                output.rgb[b, row, column, channel] = colour // samples

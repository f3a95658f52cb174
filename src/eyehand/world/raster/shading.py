# pyright: basic
# (numba kernels are untyped)
"""From what is seen at a pixel to its colour: place, normal, texture, light.

Only visible pixels are shaded. The point is found from the pixel's depth and its weights among the face's corners in
the shape's own frame, so nothing but the face number needs to be kept from the filling.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats, Floats32, Images
from eyehand.world.raster import lighting
from eyehand.world.raster.filling import Picture
from eyehand.world.raster.lighting import LANES
from eyehand.world.raster.pool import Pool


class Appearance(NamedTuple):
    """How the geoms of one simulation look.

    Attributes:
        colour: (G, 4) red, green, blue and emission.
        gloss: (G, 2) specular strength and exponent.
        lights: (L, LIGHT_COLUMNS) relative to the eye.
        ambient: (3,) RGB.
    """

    colour: Floats32
    gloss: Floats32
    lights: Floats32
    ambient: Floats32


class Placed(NamedTuple):
    """Where the geoms of one simulation are, and which level of which shape each one shows.

    Attributes:
        R: (G, 3, 3) geom to world.
        offset_m: (G, 3) from the eye to the geom's origin, world axes.
        scale: (G, 4) stretch along x, y, z and shift of caps, see `Surface`.
        level: (G,) level drawn, -1 for none.
        ray: (3, 3) maps (column, row, 1) to the point at depth 1 relative to the eye, world axes.
    """

    R: Floats
    offset_m: Floats
    scale: Floats
    level: NDArray[np.int32]
    ray: Floats


@numba.njit(cache=True, nogil=True, error_model="numpy")
def shade(pool: Pool, placed: Placed, appearance: Appearance, picture: Picture, rgb: Images) -> None:
    """Colour every pixel that shows a geom.

    Args:
        pool: the shapes.
        placed: where the geoms are.
        appearance: colours and lights.
        picture: what is seen.
        rgb: (H, W, 3) changed where a geom is seen.
    """
    height, width = picture.geom.shape
    block = np.zeros(lighting.CHANNELS * LANES, np.float32)
    pixels = np.zeros(LANES, np.int32)
    count = 0
    for row in range(height):
        for column in range(width):
            if picture.geom[row, column] < 0:
                continue
            gather(pool, placed, appearance, picture, (row, column), (block, count))
            pixels[count] = row * width + column
            count += 1
            if count == LANES:
                _light(block, appearance)
                _write(block, pixels, count, rgb)
                count = 0
    if count:
        _light(block, appearance)
        _write(block, pixels, count, rgb)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def gather(pool: Pool, placed: Placed, appearance: Appearance, picture: Picture, pixel, lane) -> None:  # noqa: ANN001
    """Put place, normal and material of one pixel into a lane of a block."""
    row, column = pixel
    s, i = lane
    face, geom = picture.face[row, column], picture.geom[row, column]
    depth = 1.0 / picture.inverse_depth[row, column]
    ray, R, offset = placed.ray, placed.R[geom], placed.offset_m[geom]
    x = depth * (ray[0, 0] * column + ray[0, 1] * row + ray[0, 2])
    y = depth * (ray[1, 0] * column + ray[1, 1] * row + ray[1, 2])
    z = depth * (ray[2, 0] * column + ray[2, 1] * row + ray[2, 2])
    s[lighting.X + i], s[lighting.Y + i], s[lighting.Z + i] = x, y, z
    nx, ny, nz = pool.normals[face, 0, 0], pool.normals[face, 0, 1], pool.normals[face, 0, 2]
    if not pool.flat[face]:
        x, y, z = x - offset[0], y - offset[1], z - offset[2]
        a = R[0, 0] * x + R[1, 0] * y + R[2, 0] * z
        b = R[0, 1] * x + R[1, 1] * y + R[2, 1] * z
        c = R[0, 2] * x + R[1, 2] * y + R[2, 2] * z
        scale = placed.scale[geom]
        wq, wr = weights(pool, int(placed.level[geom]), int(face), scale, (a, b, c))
        wp = 1.0 - wq - wr
        n = pool.normals[face]
        nx = (wp * n[0, 0] + wq * n[1, 0] + wr * n[2, 0]) / scale[0]
        ny = (wp * n[0, 1] + wq * n[1, 1] + wr * n[2, 1]) / scale[1]
        nz = (wp * n[0, 2] + wq * n[1, 2] + wr * n[2, 2]) / scale[2]
    s[lighting.NX + i] = R[0, 0] * nx + R[0, 1] * ny + R[0, 2] * nz
    s[lighting.NY + i] = R[1, 0] * nx + R[1, 1] * ny + R[1, 2] * nz
    s[lighting.NZ + i] = R[2, 0] * nx + R[2, 1] * ny + R[2, 2] * nz
    colour = appearance.colour[geom]
    s[lighting.RED + i], s[lighting.GREEN + i], s[lighting.BLUE + i] = colour[0], colour[1], colour[2]
    s[lighting.EMISSION + i] = colour[3]
    s[lighting.SPECULAR + i], s[lighting.EXPONENT + i] = appearance.gloss[geom, 0], appearance.gloss[geom, 1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def weights(pool: Pool, level: int, face: int, scale: Floats, point):  # noqa: ANN001, ANN201 - typed by numba
    """Weights of the second and the third corner of a face at a point (x, y, z) in the geom's frame."""
    start = pool.vertex_start[level]
    p, q, r = start + pool.faces[face, 0], start + pool.faces[face, 1], start + pool.faces[face, 2]
    sx, sy, sz, h = scale[0], scale[1], scale[2], scale[3]
    px, py, pz = pool.x[p] * sx, pool.y[p] * sy, pool.z[p] * sz + pool.cap[p] * h
    ex, ey, ez = pool.x[q] * sx - px, pool.y[q] * sy - py, pool.z[q] * sz + pool.cap[q] * h - pz
    fx, fy, fz = pool.x[r] * sx - px, pool.y[r] * sy - py, pool.z[r] * sz + pool.cap[r] * h - pz
    gx, gy, gz = point[0] - px, point[1] - py, point[2] - pz
    ee, ef, ff = ex * ex + ey * ey + ez * ez, ex * fx + ey * fy + ez * fz, fx * fx + fy * fy + fz * fz
    ge, gf = gx * ex + gy * ey + gz * ez, gx * fx + gy * fy + gz * fz
    inverse = 1.0 / max(ee * ff - ef * ef, 1e-30)
    wq = min(max((ff * ge - ef * gf) * inverse, 0.0), 1.0)
    wr = min(max((ee * gf - ef * ge) * inverse, 0.0), 1.0)
    return wq, wr


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _light(block, appearance):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    shiny = False
    for i in range(LANES):
        shiny = shiny or block[lighting.SPECULAR + i] > 0.0
    lighting.prepare(block, appearance.ambient)
    for light in range(len(appearance.lights)):
        lighting.add_light(block, appearance.lights[light], shiny)
    lighting.finish(block)


@numba.njit(cache=True, nogil=True)
def _write(block, pixels, count, rgb):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    width = rgb.shape[1]
    for i in range(count):
        row, column = pixels[i] // width, pixels[i] % width
        rgb[row, column, 0] = np.uint8(block[lighting.RED + i])
        rgb[row, column, 1] = np.uint8(block[lighting.GREEN + i])
        rgb[row, column, 2] = np.uint8(block[lighting.BLUE + i])

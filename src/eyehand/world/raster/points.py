# pyright: basic
# (numba kernels are untyped)
"""Places, normals and texture coordinates of visible points, block by block."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats32
from eyehand.world.raster.blocks import LANES, NX, NY, NZ, SPACING, S, T, X, Y, Z
from eyehand.world.raster.filling import Picture
from eyehand.world.raster.pool import BY_CORNERS, ON_SIDES, Pool


class Placed(NamedTuple):
    """Where the geoms of one simulation are, and which level of which shape each one shows.

    Attributes:
        R: (G, 3, 3) geom to world.
        offset_m: (G, 3) from the eye to the geom's origin, world axes.
        scale: (G, 4) stretch along x, y, z and shift of caps, see `Surface`; 1 along the sides of endless planes.
        repeat: (G, 5) how often the texture repeats along s and t, its shift along s and t, and 1 where the number of
            repeats is per unit of size.
        shape: (G,) row of the pool.
        level: (G,) level drawn, -1 for none.
        ray: (3, 3) maps (column, row, 1) to the point at depth 1 relative to the eye, world axes.
    """

    R: Floats32
    offset_m: Floats32
    scale: Floats32
    repeat: Floats32
    shape: NDArray[np.int32]
    level: NDArray[np.int32]
    ray: Floats32


@numba.njit(cache=True, nogil=True, error_model="numpy")
def find(ray: Floats32, picture: Picture, pixels: NDArray[np.int32], count: int, s: Floats32) -> None:
    """Where the points are, relative to the eye."""
    width = picture.geom.shape[1]
    inverse_depth = picture.inverse_depth.reshape(-1)
    for i in range(count):
        pixel = pixels[i]
        row = pixel // width
        s[X + i] = inverse_depth[pixel]
        s[Y + i] = row
        s[Z + i] = pixel - row * width
    a00, a01, a02 = ray[0, 0], ray[0, 1], ray[0, 2]
    a10, a11, a12 = ray[1, 0], ray[1, 1], ray[1, 2]
    a20, a21, a22 = ray[2, 0], ray[2, 1], ray[2, 2]
    for i in range(LANES):
        depth = np.float32(1.0) / s[X + i]
        row, column = s[Y + i], s[Z + i]
        s[X + i] = depth * (a00 * column + a01 * row + a02)
        s[Y + i] = depth * (a10 * column + a11 * row + a12)
        s[Z + i] = depth * (a20 * column + a21 * row + a22)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def interpolate(pool: Pool, placed: Placed, picture: Picture, chosen, s: Floats32) -> None:  # noqa: ANN001
    """Normals in world axes and texture coordinates of corners, interpolated in the geom's own frame.

    Args:
        pool: the shapes.
        placed: where the geoms are.
        picture: what is seen.
        chosen: (LANES,) pixels, how many they are, and (LANES,) texture rows.
        s: the block; places are there already.
    """
    pixels, count, rows = chosen
    faces, geoms = picture.face.reshape(-1), picture.geom.reshape(-1)
    flat, normals, corners, uv, kinds = pool.flat, pool.normals, pool.faces, pool.uv, pool.mapping
    xs, ys, zs, caps, starts = pool.x, pool.y, pool.z, pool.cap, pool.vertex_start
    _, offset, scale, _, shapes, levels, _ = placed
    one = np.float32(1.0)
    last_face, last_geom = np.int32(-1), np.int32(-1)
    for i in range(count):
        face, geom = faces[pixels[i]], geoms[pixels[i]]
        if face == last_face and geom == last_geom:
            s[NX + i], s[NY + i], s[NZ + i] = s[NX + i - 1], s[NY + i - 1], s[NZ + i - 1]
            continue
        last_face = np.int32(-1)
        nx, ny, nz = normals[face, 0, 0], normals[face, 0, 1], normals[face, 0, 2]
        sx, sy, sz, h = scale[geom, 0], scale[geom, 1], scale[geom, 2], scale[geom, 3]
        r00, r01, r02 = placed.R[geom, 0, 0], placed.R[geom, 0, 1], placed.R[geom, 0, 2]
        r10, r11, r12 = placed.R[geom, 1, 0], placed.R[geom, 1, 1], placed.R[geom, 1, 2]
        r20, r21, r22 = placed.R[geom, 2, 0], placed.R[geom, 2, 1], placed.R[geom, 2, 2]
        textured = rows[i] >= 0 and kinds[shapes[geom]] == BY_CORNERS
        if textured or not flat[face]:
            x, y, z = s[X + i] - offset[geom, 0], s[Y + i] - offset[geom, 1], s[Z + i] - offset[geom, 2]
            start = starts[levels[geom]]
            p, q, r = start + corners[face, 0], start + corners[face, 1], start + corners[face, 2]
            px, py, pz = xs[p] * sx, ys[p] * sy, zs[p] * sz + caps[p] * h
            ex, ey, ez = xs[q] * sx - px, ys[q] * sy - py, zs[q] * sz + caps[q] * h - pz
            fx, fy, fz = xs[r] * sx - px, ys[r] * sy - py, zs[r] * sz + caps[r] * h - pz
            gx = r00 * x + r10 * y + r20 * z - px
            gy = r01 * x + r11 * y + r21 * z - py
            gz = r02 * x + r12 * y + r22 * z - pz
            ee, ef, ff = ex * ex + ey * ey + ez * ez, ex * fx + ey * fy + ez * fz, fx * fx + fy * fy + fz * fz
            ge, gf = gx * ex + gy * ey + gz * ez, gx * fx + gy * fy + gz * fz
            square = max(ee * ff - ef * ef, np.float32(1e-30))
            wq = min(max((ff * ge - ef * gf) / square, np.float32(0.0)), one)
            wr = min(max((ee * gf - ef * ge) / square, np.float32(0.0)), one)
            nx += wq * (normals[face, 1, 0] - nx) + wr * (normals[face, 2, 0] - nx)
            ny += wq * (normals[face, 1, 1] - ny) + wr * (normals[face, 2, 1] - ny)
            nz += wq * (normals[face, 1, 2] - nz) + wr * (normals[face, 2, 2] - nz)
            if textured:
                u, v = uv[face, 0, 0], uv[face, 0, 1]
                uq, ur, vq, vr = uv[face, 1, 0] - u, uv[face, 2, 0] - u, uv[face, 1, 1] - v, uv[face, 2, 1] - v
                s[S + i], s[T + i] = u + wq * uq + wr * ur, v + wq * vq + wr * vr
                s[SPACING + i] = np.sqrt(abs(uq * vr - ur * vq) / np.sqrt(square))  # per metre
        else:
            last_face, last_geom = face, geom
        nx, ny, nz = nx / sx, ny / sy, nz / sz
        s[NX + i] = r00 * nx + r01 * ny + r02 * nz
        s[NY + i] = r10 * nx + r11 * ny + r12 * nz
        s[NZ + i] = r20 * nx + r21 * ny + r22 * nz


@numba.njit(cache=True, nogil=True, error_model="numpy")
def project(pool: Pool, placed: Placed, picture: Picture, chosen, s: Floats32) -> None:  # noqa: ANN001
    """Texture coordinates of surfaces whose corners carry none, then repeats and the distance between pixels.

    Args:
        pool: the shapes.
        placed: where the geoms are.
        picture: what is seen.
        chosen: (LANES,) pixels, how many they are, and (LANES,) texture rows.
        s: the block; `S`, `T` and `SPACING` are filled.
    """
    pixels, count, rows = chosen
    faces, geoms, inverse_depth = picture.face.reshape(-1), picture.geom.reshape(-1), picture.inverse_depth.reshape(-1)
    normals, extent, kinds = pool.normals, pool.extent_m, pool.mapping
    R, offset, scale, repeat, shapes, _, ray = placed
    half = np.float32(0.5)
    # At depth 1 a pixel is as wide as the ray moves from one column to the next.
    pixel_m = np.sqrt(ray[0, 0] ** 2 + ray[1, 0] ** 2 + ray[2, 0] ** 2)
    for i in range(count):
        if rows[i] < 0:
            continue
        face, geom = faces[pixels[i]], geoms[pixels[i]]
        shape, across, down = shapes[geom], 0, 1
        if kinds[shape] != BY_CORNERS:
            x, y, z = s[X + i] - offset[geom, 0], s[Y + i] - offset[geom, 1], s[Z + i] - offset[geom, 2]
            if kinds[shape] == ON_SIDES and abs(normals[face, 0, 2]) < half:
                down = 2
                across = 1 if abs(normals[face, 0, 0]) > half else 0
            sa, sd = scale[geom, across] * extent[shape, across], scale[geom, down] * extent[shape, down]
            s[S + i] = half + half * (R[geom, 0, across] * x + R[geom, 1, across] * y + R[geom, 2, across] * z) / sa
            s[T + i] = half - half * (R[geom, 0, down] * x + R[geom, 1, down] * y + R[geom, 2, down] * z) / sd
            s[SPACING + i] = half / np.sqrt(sa * sd)
        times_s, times_t = repeat[geom, 0], repeat[geom, 1]
        if repeat[geom, 4] > np.float32(0.0):
            times_s *= scale[geom, across] * extent[shape, across]
            times_t *= scale[geom, down] * extent[shape, down]
        s[S + i] = s[S + i] * times_s + repeat[geom, 2]
        s[T + i] = s[T + i] * times_t + repeat[geom, 3]
        facing = s[NX + i] * s[X + i] + s[NY + i] * s[Y + i] + s[NZ + i] * s[Z + i]
        length = np.sqrt(
            (s[NX + i] ** 2 + s[NY + i] ** 2 + s[NZ + i] ** 2) * (s[X + i] ** 2 + s[Y + i] ** 2 + s[Z + i] ** 2)
        )
        slant = np.sqrt(min(length / max(abs(facing), np.float32(1e-6)), np.float32(100.0)))
        s[SPACING + i] *= np.sqrt(abs(times_s * times_t)) * pixel_m / inverse_depth[pixels[i]] * slant

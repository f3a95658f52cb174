# pyright: basic
# (numba kernels are untyped)
"""From the light of many spots to a picture.

Where all rays of a pixel met one geom, the light that falls on it is averaged with that of its neighbours on the same
geom that look the same way, while the colours stay sharp: with few rays for each pixel, soft shadows and bounced light
would be grainy else. A shadow's edge is blurred by a pixel, less than the lens does.
"""

from __future__ import annotations

import numba
import numpy as np

from eyehand.world.pathtrace.kernels import FAST, ONE, TINY

_UNSEEN, _MIXED = -1, -2
_ALIKE = np.float32(0.96)  # cosine between normals that share their light


@numba.njit(**FAST)
def expose(spots, count, light, behind, rays, picture):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Make a picture of spots.

    Args:
        spots: a `Spots`, its first `count` are used.
        count: how many.
        light: a `Leaving`.
        behind: (H, W, 3) seen where no spot lies.
        rays: number of rays for each pixel, and pixels to each side whose light is shared, 0 for none.
        picture: (H, W, 3) filled.
    """
    samples, reach = rays
    height, width = picture.shape[:2]
    geom, hits = np.full((height, width), _UNSEEN, np.int32), np.zeros((height, width), np.int32)
    albedo, normal, falling, exact, mirrored = np.zeros((5, height, width, 3), np.float32)
    for k in range(count):
        pixel = spots.ray[k] % (height * width)
        row, column = pixel // width, pixel % width
        hits[row, column] += 1
        if geom[row, column] == _UNSEEN:
            geom[row, column] = spots.geom[k]
        elif geom[row, column] != spots.geom[k]:
            geom[row, column] = _MIXED
        for c in range(3):
            albedo[row, column, c] += spots.albedo[k, c]
            normal[row, column, c] += spots.normal[k, c]
            falling[row, column, c] += light.scattered[k, c]
            exact[row, column, c] += spots.albedo[k, c] * light.scattered[k, c]
            mirrored[row, column, c] += light.mirrored[k, c]
    share = ONE / np.float32(samples)
    for row in range(height):
        for column in range(width):
            if hits[row, column] < samples:
                geom[row, column] = _MIXED
            n = normal[row, column]
            inverse = ONE / max(np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]), TINY)
            for c in range(3):
                normal[row, column, c] *= inverse
                missed = np.float32(samples - hits[row, column]) * behind[row, column, c]
                picture[row, column, c] = share * (exact[row, column, c] + mirrored[row, column, c] + missed)
    if reach > 0:
        share_light((geom, normal, falling), albedo, mirrored, (share, reach), picture)


@numba.njit(**FAST)
def share_light(around, albedo, mirrored, rays, picture):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Average the light that falls on pixels of one geom over their neighbours.

    Args:
        around: (H, W) geom of each pixel, negative where it shows several; (H, W, 3) unit normals; (H, W, 3) sums over
            the rays of the light that falls there.
        albedo: (H, W, 3) sums over the rays.
        mirrored: (H, W, 3) sums over the rays of mirrored light.
        rays: weight of each ray in a pixel; pixels to each side whose light is shared.
        picture: (H, W, 3) changed where a pixel shows one geom.
    """
    geom, normal, falling = around
    share, reach = rays
    height, width = geom.shape
    light = np.empty(3, np.float32)
    for row in range(height):
        for column in range(width):
            here = geom[row, column]
            if here < 0:
                continue
            n, sharing = normal[row, column], 0
            light[:] = 0
            for i in range(max(row - reach, 0), min(row + reach + 1, height)):
                for j in range(max(column - reach, 0), min(column + reach + 1, width)):
                    if geom[i, j] != here:
                        continue
                    m = normal[i, j]
                    if n[0] * m[0] + n[1] * m[1] + n[2] * m[2] < _ALIKE:
                        continue
                    sharing += 1
                    for c in range(3):
                        light[c] += falling[i, j, c]
            weight = share * share / np.float32(sharing)
            for c in range(3):
                scattered = weight * albedo[row, column, c] * light[c]
                picture[row, column, c] = scattered + share * mirrored[row, column, c]

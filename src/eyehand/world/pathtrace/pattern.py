# pyright: basic
# (numba kernels are untyped)
"""The dots that the projector of a stereo depth sensor throws on a scene.

The pattern is fixed to the projector, as a diffractive element is to its laser: one dot at a random place in each cell
of a grid on the projector's picture plane, some of them missing. It repeats after 128 cells.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np

from eyehand.types import Floats32
from eyehand.world import counter
from eyehand.world.pathtrace.kernels import FAST

CELL_PX = 2.4  # one dot, or none, in a square of this side on the camera's pixels
_CELLS, _FINE = 128, 6  # cells after which the pattern repeats; places in a cell where its light is tabulated
_LIT = 0.7  # share of the cells with a dot
_WIDTH = 0.22  # standard deviation of a dot's light, in cells
_DIM = 0.08  # light between the dots
_SEED = 1  # every sensor throws the same dots


@lru_cache(maxsize=1)
def dots() -> Floats32:
    """(N, N) light of the pattern from 0 to 1, `N = 128 * 6`; not to be written to."""
    row, column = np.mgrid[:_CELLS, :_CELLS]
    number = row * _CELLS + column
    lit = counter.uniform(_SEED, "pattern/lit", index=number) < _LIT
    down, right = (counter.uniform(_SEED, f"pattern/{axis}", index=number) for axis in ("down", "right"))
    centre = (np.arange(_FINE) + 0.5) / _FINE
    light = np.full((_CELLS, _FINE, _CELLS, _FINE), _DIM)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            near = (np.roll(values, (i, j), (0, 1))[:, None, :, None] for values in (lit, down, right))
            shown, y, x = near
            # `np.roll` by i brings the dot of the cell i rows above, which lies i cells further up.
            square = (centre[:, None, None] - y + i) ** 2 + (centre - x + j) ** 2
            light += shown * np.exp(-square / (2 * _WIDTH**2))
    return light.reshape(_CELLS * _FINE, _CELLS * _FINE).clip(0.0, 1.0).astype(np.float32)


@numba.njit(**FAST)
def throw(spots, count, projector, light, out):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Ways from spots to a projector, with the share of its strength at 1 m that arrives; returns how many.

    Args:
        spots: a `Spots`, its first `count` are used.
        count: how many.
        projector: (3,) its place; (3, 3) rotation to the world, looking along z; cells for each unit of x / z.
        light: see `dots`.
        out: a `Segments` to fill.
    """
    place, R, cells = projector
    fine = cells * np.float32(_FINE)
    period, half = len(light), np.float32(len(light) * 64)
    kept = 0
    for k in range(count):
        x, y, z = place[0] - spots.start[k, 0], place[1] - spots.start[k, 1], place[2] - spots.start[k, 2]
        squared = x * x + y * y + z * z
        facing = (x * spots.normal[k, 0] + y * spots.normal[k, 1] + z * spots.normal[k, 2]) / np.sqrt(squared)
        depth = -(R[0, 2] * x + R[1, 2] * y + R[2, 2] * z)
        if facing <= 0 or depth <= 0:
            continue
        right = -(R[0, 0] * x + R[1, 0] * y + R[2, 0] * z) / depth * fine + half
        down = -(R[0, 1] * x + R[1, 1] * y + R[2, 1] * z) / depth * fine + half
        if min(right, down) < 0 or max(right, down) >= 2 * half:
            continue
        out.spot[kept], out.lamp[kept] = k, 0
        out.share[kept] = light[np.int32(down) % period, np.int32(right) % period] * facing / squared
        out.span[kept, 0], out.span[kept, 1], out.span[kept, 2] = x, y, z
        for axis in range(3):
            out.start[kept, axis] = spots.start[k, axis]
        kept += 1
    return kept

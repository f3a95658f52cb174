# pyright: basic
# (numba kernels are untyped)
"""A block matcher for rectified stereo pairs: census transform, sums over blocks, best match, checks, sub-pixels.

The census transform (Zabih and Woodfill, Non-parametric local transforms, ECCV 1994) tells of every pixel which of its
neighbours are darker; two pixels differ by the number of neighbours on which they disagree. Where the best match is not
clearly the best, or the right picture matches back to elsewhere, there is no disparity: dark, flat, shiny and hidden
places become holes, and edges grow fat by half a block, without being told to.
"""

from __future__ import annotations

import numba
import numpy as np

from eyehand.types import Array, Floats32

REACH_PX = 2  # of the census transform: 5 x 5 pixels, 24 neighbours


def disparities(left: Array, right: Array, most_px: int, block_px: int, uniqueness: float) -> Floats32:
    """How far what each pixel of the left picture shows lies further left in the right picture.

    Args:
        left: (H, W) grey levels of a rectified pair.
        right: (H, W) of the right camera.
        most_px: largest disparity searched.
        block_px: side of the block that is matched, odd.
        uniqueness: how much worse, relative, every match but the best and its neighbours must be.

    Returns:
        (H, W) float32 pixels; 0 where there is no match.
    """
    out = np.zeros(left.shape, np.float32)
    codes = [np.zeros(left.shape, np.uint32) for _ in range(2)]
    for picture, code in zip((left, right), codes, strict=True):
        _census(np.ascontiguousarray(picture, dtype=np.float32), code)
    _match(codes[0], codes[1], most_px + 1, block_px // 2, np.float32(1.0 + uniqueness), out)
    return out


@numba.njit(cache=True, nogil=True)
def _census(picture, code):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    height, width = picture.shape
    for row in range(height):
        for column in range(width):
            here, bits = picture[row, column], np.uint32(0)
            for i in range(-REACH_PX, REACH_PX + 1):
                for j in range(-REACH_PX, REACH_PX + 1):
                    if i != 0 or j != 0:
                        there = picture[min(max(row + i, 0), height - 1), min(max(column + j, 0), width - 1)]
                        bits = (bits << np.uint32(1)) | np.uint32(there < here)
            code[row, column] = bits


@numba.njit(cache=True, nogil=True)
def _differing(a, b):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Number of bits in which two codes differ."""
    x = a ^ b
    x = x - ((x >> np.uint32(1)) & np.uint32(0x55555555))
    x = (x & np.uint32(0x33333333)) + ((x >> np.uint32(2)) & np.uint32(0x33333333))
    x = (x + (x >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    return np.int32((x * np.uint32(0x01010101)) >> np.uint32(24))


@numba.njit(cache=True, nogil=True)
def _add_row(left, right, row, sign, columns):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Add a row's differences at every disparity to the sums of its columns (W, D); the right border repeats."""
    row = min(max(row, 0), left.shape[0] - 1)
    for x in range(columns.shape[0]):
        here = left[row, x]
        inside = min(columns.shape[1], x + 1)
        for d in range(inside):
            columns[x, d] += sign * _differing(here, right[row, x - d])
        for d in range(inside, columns.shape[1]):
            columns[x, d] += sign * _differing(here, right[row, 0])


@numba.njit(cache=True, nogil=True)
def _sum_blocks(columns, half, costs):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Sums (W, D) over blocks from the sums over their columns; the outermost columns repeat."""
    width, count = columns.shape
    for d in range(count):
        costs[0, d] = 0
    for k in range(-half, half + 1):
        for d in range(count):
            costs[0, d] += columns[min(max(k, 0), width - 1), d]
    for x in range(1, width):
        ahead, behind = min(x + half, width - 1), max(x - half - 1, 0)
        for d in range(count):
            costs[x, d] = costs[x - 1, d] + columns[ahead, d] - columns[behind, d]


@numba.njit(cache=True, nogil=True)
def _match(left, right, count, half, ratio, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    height, width = left.shape
    count = min(count, width - 1)
    columns, costs = np.zeros((width, count), np.int32), np.zeros((width, count), np.int32)
    back, least = np.zeros(width, np.int32), np.zeros(width, np.int32)  # what the right picture finds, and its cost
    for row in range(-half, half):
        _add_row(left, right, row, 1, columns)
    for row in range(height):
        _add_row(left, right, row + half, 1, columns)
        _sum_blocks(columns, half, costs)
        least[:] = 2147483647
        for x in range(width):
            for d in range(min(count, x + 1)):
                if costs[x, d] < least[x - d]:
                    least[x - d], back[x - d] = costs[x, d], d
        for x in range(1, width):
            out[row, x] = _best(costs[x], x, min(count, x + 1), ratio, back)
        _add_row(left, right, row - half, -1, columns)


@numba.njit(cache=True, nogil=True)
def _best(costs, x, count, ratio, back):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """The disparity of one pixel to a fraction of a pixel; 0 where no match is clearly the best."""
    best, least = 0, costs[0]
    for d in range(1, count):
        if costs[d] < least:
            best, least = d, costs[d]
    if best < 1 or best + 1 >= count or abs(back[x - best] - best) > 1:
        return np.float32(0.0)
    for d in range(count):
        if abs(d - best) > 1 and np.float32(costs[d]) < ratio * np.float32(least):
            return np.float32(0.0)
    before, after = costs[best - 1], costs[best + 1]
    bend = before + after - 2 * least
    shift = np.float32(0.5) * np.float32(before - after) / np.float32(bend) if bend > 0 else np.float32(0.0)
    return np.float32(best) + shift

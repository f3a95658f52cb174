# pyright: basic
# (numba kernels are untyped)
"""The inner loop of counting blobs, which on the noise of untrained eyes is too slow in Python."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def untouched_blobs(told, true, count):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Fill in how many blobs of each mask, diagonals included, have no pixel of the other mask.

    Every blob is flooded from its first pixel; a pixel waits at most once, so that time is linear in pixels.

    Args:
        told: (B, H, W) bool masks whose blobs are counted.
        true: (B, H, W) bool masks that they may touch.
        count: (B,) filled.
    """
    batch, height, width = told.shape
    waiting = np.empty(height * width, np.int64)
    left = np.empty((height, width), np.bool_)
    for b in range(batch):
        left[:] = told[b]
        count[b] = 0
        for start in range(height * width):
            if not left[start // width, start % width]:
                continue
            touched, size = False, 1
            waiting[0] = start
            left[start // width, start % width] = False
            while size:
                size -= 1
                row, column = waiting[size] // width, waiting[size] % width
                touched = touched or true[b, row, column]
                for r in range(max(row - 1, 0), min(row + 2, height)):
                    for c in range(max(column - 1, 0), min(column + 2, width)):
                        if left[r, c]:
                            left[r, c] = False
                            waiting[size] = r * width + c
                            size += 1
            if not touched:
                count[b] += 1

# pyright: basic
# (numba kernels are untyped)
"""The webcam of tasks in a plane: its electronics, then crop and area scaling to 160 x 210.

Motion blur is left out: frames are taken when the arm holds still between its steps.
"""

from __future__ import annotations

import numba
import numpy as np

from eyehand.types import Floats, Floats32, Images
from eyehand.world import lens, plane_camera
from eyehand.world.sensing.electronics import Settings, expose

_CORNER_PX2 = (plane_camera.STREAM_SIZE[0] ** 2 + plane_camera.STREAM_SIZE[1] ** 2) / 4.0


def develop(radiance: Floats32, camera: Settings) -> Images:
    """One frame (210, 160, 3) uint8 of linear light (H, W, 3) on the crop of `eyehand.world.lens`."""
    stream = expose(radiance, camera, _CORNER_PX2)
    frame = np.empty((*plane_camera.FRAME_SIZE, 3), np.uint8)
    _scale(stream, _COLUMNS, _ROWS, frame)
    return frame


def _area_weights(out: int, scale: float, offset: float) -> Floats32:
    """(out, 4) first input pixel and three weights of area scaling: output pixel j covers j / scale + offset on."""
    table = np.zeros((out, 4))
    for j in range(out):
        low, high = j / scale + offset, (j + 1) / scale + offset
        first = int(np.floor(low))
        cover = [max(min(high, first + k + 1) - max(low, first + k), 0.0) for k in range(3)]
        table[j] = [first, *(np.array(cover) / sum(cover))]
    return table.astype(np.float32)


def _weights() -> tuple[Floats32, Floats32]:
    """Area weights of columns and rows from the crop to the frame, as `plane_camera.frame_from_stream` has it."""
    H: Floats = plane_camera.frame_from_stream()
    height, width = plane_camera.FRAME_SIZE
    left = (-0.5 - H[0, 2]) / H[0, 0] + 0.5 - lens.CROP_LEFT  # the frame's left edge in the crop, edges at integers
    top = (-0.5 - H[1, 2]) / H[1, 1] + 0.5
    return _area_weights(width, H[0, 0], left), _area_weights(height, H[1, 1], top)


_COLUMNS, _ROWS = _weights()


@numba.njit(cache=True, nogil=True)
def _scale(stream, columns, rows, frame):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Area scaling by tables of first pixel and three weights."""
    height, width = frame.shape[:2]
    last_row, last_column = stream.shape[0] - 1, stream.shape[1] - 1
    line = np.empty((stream.shape[1], 3), np.float32)
    flat, packed = line.reshape(-1), stream.reshape(stream.shape[0], -1)
    for row in range(height):
        first = int(rows[row, 0])
        above, here, below = packed[max(first, 0)], packed[min(first + 1, last_row)], packed[min(first + 2, last_row)]
        for i in range(len(flat)):
            flat[i] = rows[row, 1] * above[i] + rows[row, 2] * here[i] + rows[row, 3] * below[i]
        for column in range(width):
            start = int(columns[column, 0])
            middle, end = min(start + 1, last_column), min(start + 2, last_column)
            for c in range(3):
                value = columns[column, 1] * line[start, c] + columns[column, 2] * line[middle, c]
                frame[row, column, c] = np.uint8(value + columns[column, 3] * line[end, c] + np.float32(0.5))

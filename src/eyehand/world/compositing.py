# pyright: basic
# (numba kernels are untyped)
"""What happens to a finished frame: the virtual target disc drawn into it, and the grey 84 x 84 image of the networks.

Zhang et al. 2017, Section 4: the target is a blue disc of radius 9 cm that is drawn into the webcam's frame, then the
frame is turned grey and scaled from 160 x 210 to 84 x 84. Both are closed forms of each frame alone.
"""

from __future__ import annotations

import numba
import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Floats, Images
from eyehand.world.drawing import DISC_RADIUS_M, DISC_RGB
from eyehand.world.plane_camera import FRAME_SIZE

GREY_SIZE = 84


def draw_disc(frames: Images, x_target_m: Floats, homography: Floats) -> Images:
    """Draw a blue disc of radius 9 cm around a point of the arm's plane.

    Args:
        frames: (B, H, W, 3) uint8 RGB; left as they are.
        x_target_m: (B, 2) centre of the disc in the plane, (x, z) in metres.
        homography: (3, 3) or (B, 3, 3) plane point (x, z, 1) to frame pixel (column, row, 1).

    Returns:
        (B, H, W, 3) uint8 frames with the disc over whatever was there, its edge one pixel wide.
    """
    drawn = np.array(frames, order="C")  # a copy in the layout that the kernel was compiled for
    forward = np.ascontiguousarray(np.broadcast_to(homography, (len(drawn), 3, 3)), dtype=np.float64)
    colour = np.array(DISC_RGB, dtype=np.float64)
    _discs(drawn, np.ascontiguousarray(x_target_m, dtype=np.float64), forward, np.linalg.inv(forward), colour)
    return drawn


def grey84(frames: Images) -> Images:
    """Grey images of 84 x 84 pixels: BT.601 luma, then exact area scaling, rounded half up.

    Args:
        frames: (B, 210, 160, 3) uint8 RGB.

    Returns:
        (B, 84, 84) uint8.

    Raises:
        InvalidValueError: frames of another size or type.
    """
    if frames.shape[1:] != (*FRAME_SIZE, 3) or frames.dtype != np.uint8:
        raise InvalidValueError(
            "frames", f"{frames.dtype} {frames.shape}", f"uint8 (B, {FRAME_SIZE[0]}, {FRAME_SIZE[1]}, 3)"
        )
    grey = np.empty((len(frames), GREY_SIZE, GREY_SIZE), np.uint8)
    _grey_rows(np.ascontiguousarray(frames), grey)
    return grey


@numba.njit(cache=True, nogil=True)
def _discs(frames, centres, forward, backward, colour):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Blend a disc into every frame, by the distance of each pixel's plane point from the centre."""
    batch, height, width = frames.shape[:3]
    for b in range(batch):
        H, G = forward[b], backward[b]
        x, z = centres[b, 0], centres[b, 1]
        w = H[2, 0] * x + H[2, 1] * z + H[2, 2]
        u = (H[0, 0] * x + H[0, 1] * z + H[0, 2]) / w
        v = (H[1, 0] * x + H[1, 1] * z + H[1, 2]) / w
        ux, uz = (H[0, 0] - u * H[2, 0]) / w, (H[0, 1] - u * H[2, 1]) / w  # Jacobian of the projection at the centre
        vx, vz = (H[1, 0] - v * H[2, 0]) / w, (H[1, 1] - v * H[2, 1]) / w
        px_per_m = np.sqrt(abs(ux * vz - uz * vx))
        reach_u = DISC_RADIUS_M * np.sqrt(ux * ux + uz * uz) * 1.1 + 2.0
        reach_v = DISC_RADIUS_M * np.sqrt(vx * vx + vz * vz) * 1.1 + 2.0
        if not (abs(u) < 1e6 and abs(v) < 1e6):
            continue
        for row in range(max(0, int(v - reach_v)), min(height, int(v + reach_v) + 1)):
            for column in range(max(0, int(u - reach_u)), min(width, int(u + reach_u) + 1)):
                s = G[2, 0] * column + G[2, 1] * row + G[2, 2]
                dx = (G[0, 0] * column + G[0, 1] * row + G[0, 2]) / s - x
                dz = (G[1, 0] * column + G[1, 1] * row + G[1, 2]) / s - z
                coverage = 0.5 + (DISC_RADIUS_M - np.sqrt(dx * dx + dz * dz)) * px_per_m
                if coverage > 0.0:
                    coverage = min(coverage, 1.0)
                    for c in range(3):
                        old = frames[b, row, column, c]
                        frames[b, row, column, c] = np.uint8(old + coverage * (colour[c] - old) + 0.5)


@numba.njit(cache=True, nogil=True)
def _grey_rows(frames, grey):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Area scaling in whole numbers: 2.5 input rows and 40/21 input columns to one output pixel."""
    rows = np.empty(480, np.uint16)
    luma = np.zeros(162, np.uint32)
    first = np.empty(84, np.uint32)
    weights = np.zeros((3, 84), np.uint32)  # in parts of 1/21 input pixel
    for column in range(84):
        start = 40 * column
        first[column] = start // 21
        for k in range(3):
            low, high = max(start, 21 * (start // 21 + k)), min(start + 40, 21 * (start // 21 + k + 1))
            weights[k, column] = max(high - low, 0)
    for b in range(len(frames)):
        frame = frames[b].reshape(210, 480)
        for row in range(84):
            top = (5 * row) // 2
            above, below = np.uint16(2 - row % 2), np.uint16(1 + row % 2)  # 2, 2, 1 fifths or 1, 2, 2 fifths
            for i in range(480):
                rows[i] = above * frame[top, i] + (frame[top + 1, i] << 1) + below * frame[top + 2, i]
            for column in range(160):
                luma[column] = 299 * rows[3 * column] + 587 * rows[3 * column + 1] + 114 * rows[3 * column + 2]
            for column in range(84):
                i = first[column]
                total = (
                    weights[0, column] * luma[i] + weights[1, column] * luma[i + 1] + weights[2, column] * luma[i + 2]
                )
                grey[b, row, column] = ((total + 100_000) * 87_960_931) >> 44  # the quotient by 200,000, exactly

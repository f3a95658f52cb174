"""The webcam's geometry: the part of its stream that reaches a frame, radial distortion, and the ray of every pixel.

Only the columns of the stream that map into the 160 x 210 frame are traced and compressed, cut at whole JPEG blocks so
that compression sees the same blocks as in the full stream. Distortion is applied to the rays, not to the pixels: a
pixel at radius r (in units of half the image height) sees the point whose undistorted radius s has r = s (1 + k1 s^2).
"""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats, Floats32
from eyehand.world import plane_camera

CROP_LEFT, CROP_RIGHT = 64, 256  # columns of the stream, multiples of 16 px: one chroma-subsampled JPEG block
CROP_SIZE = (plane_camera.STREAM_SIZE[0], CROP_RIGHT - CROP_LEFT)  # (height, width)


def directions(R_world_camera: Floats, k1: float, offsets_px: Floats) -> Floats32:
    """Unit vectors (S, H, W, 3), float32, in the world along which the pixels of the crop look.

    Args:
        R_world_camera: (3, 3) rotation of the camera.
        k1: radial distortion.
        offsets_px: (S, 2) places inside the pixel, (right, down) from its centre.
    """
    K = plane_camera.nominal_K()
    height = CROP_SIZE[0]
    rows, columns = np.mgrid[:height, CROP_LEFT:CROP_RIGHT].astype(float)
    pixels = np.stack([columns, rows], -1) + offsets_px[:, None, None]  # (S, H, W, 2)
    straight = _undistort((pixels - K[:2, 2]) / (height / 2), k1) * (height / 2) / K[0, 0]
    rays = np.concatenate([straight, np.ones((*straight.shape[:-1], 1))], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    return np.ascontiguousarray(rays @ R_world_camera.T, dtype=np.float32)


def _undistort(radial: Floats, k1: float) -> Floats:
    """Undistorted places (..., 2) in units of half the image height, by Newton's method on the radius."""
    r = np.linalg.norm(radial, axis=-1)
    s = r.copy()
    for _ in range(6 if k1 else 0):
        s -= (s * (1 + k1 * s * s) - r) / np.maximum(1 + 3 * k1 * s * s, 0.2)
    return radial * (s / np.maximum(r, 1e-12))[..., None]


def pixels(R_world_camera: Floats, t_world_camera: Floats, k1: float, points_m: Floats) -> Floats:
    """Where points (N, 3) of the world appear: (N, 2) (column, row) in the crop."""
    K = plane_camera.nominal_K()
    half = CROP_SIZE[0] / 2
    camera = (points_m - t_world_camera) @ R_world_camera
    straight = camera[:, :2] / camera[:, 2:] * K[0, 0] / half
    bent = straight * (1 + k1 * (straight**2).sum(-1, keepdims=True))
    return bent * half + K[:2, 2] - np.array([CROP_LEFT, 0.0])

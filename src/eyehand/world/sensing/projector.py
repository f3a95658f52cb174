# pyright: basic
# (numba kernels are untyped)
"""What the views of a depth sensor show: a second view made of the first, and a projector's dots."""

from __future__ import annotations

import numba
import numpy as np

from eyehand.types import Floats, Floats32

_DOT_RAD = 0.0045  # spacing of the projector's dots, a few pixels of a depth camera
_DOT_SHARE = 0.45  # of the pattern's places that hold a dot


def from_the_right(light: Floats32, depth_m: Floats32, scale_px_m: float) -> tuple[Floats32, Floats32, Floats32]:
    """The view of a camera to the right, made of the left one; what the left one cannot see repeats what lies behind.

    Args:
        light: (H, W, 2) two channels of the left view.
        depth_m: (H, W) its depth.
        scale_px_m: baseline in metres times focal length in pixels.

    Returns:
        Both channels (H, W) and the depth (H, W) of the right view.
    """
    out, far = np.zeros_like(light), np.full(depth_m.shape, np.inf, np.float32)
    _shift(light, depth_m, np.float32(scale_px_m), out, far)
    return np.ascontiguousarray(out[..., 0]), np.ascontiguousarray(out[..., 1]), far


def with_dots(
    grey: Floats32, reflectance: Floats32, depth_m: Floats32, K: Floats, projector_x_m: float, strength: float
) -> Floats32:
    """Light (H, W) of a view with the projector's pattern on it.

    Args:
        grey: (H, W) light of the scene.
        reflectance: (H, W) share of the projector's light that is sent back.
        depth_m: (H, W) depth of the view.
        K: (3, 3) its intrinsics in pixels.
        projector_x_m: where the projector is, to the right of the camera.
        strength: light of a dot on white at 1 m.
    """
    out = np.empty(grey.shape, np.float32)
    arguments = (np.asarray(K, np.float64), np.float64(projector_x_m), np.float32(strength))
    _project(grey, reflectance, depth_m, *arguments, out)
    return out


@numba.njit(cache=True, nogil=True)
def _shift(light, depth, scale, out, far):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Move every pixel left by its disparity, nearer ones before farther ones; then fill gaps from the farther side."""
    height, width = depth.shape
    for row in range(height):
        for x in range(width):
            z = depth[row, x]
            target = x - scale / z if z > 0 else np.float32(x)
            for u in (int(np.floor(target)), int(np.floor(target)) + 1):
                if 0 <= u < width and z < far[row, u]:
                    far[row, u] = z
                    other = min(max(u + (x - target), np.float32(0.0)), np.float32(width - 1))
                    j = min(int(other), width - 2)
                    f = other - np.float32(j)
                    same = abs(depth[row, j + 1] - depth[row, j]) < np.float32(0.02) * z
                    for c in range(2):
                        mixed = light[row, j, c] + f * (light[row, j + 1, c] - light[row, j, c])
                        out[row, u, c] = mixed if same else light[row, x, c]
        for u in range(width):
            if not np.isfinite(far[row, u]):
                a, b = u, u
                while a >= 0 and not np.isfinite(far[row, a]):
                    a -= 1
                while b < width and not np.isfinite(far[row, b]):
                    b += 1
                take = a if b >= width or (a >= 0 and far[row, a] > far[row, b]) else b
                if 0 <= take < width:
                    out[row, u, 0], out[row, u, 1] = out[row, take, 0], out[row, take, 1]


@numba.njit(cache=True, nogil=True)
def _project(grey, reflectance, depth, K, projector_x, strength, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            z = depth[row, column]
            out[row, column] = grey[row, column]
            if not np.isfinite(z) or z <= 0:
                continue
            x = (column - K[0, 2]) / K[0, 0] - projector_x / z
            y = (row - K[1, 2]) / K[1, 1]
            u, v = x / _DOT_RAD + 4096.0, y / _DOT_RAD + 4096.0
            glow = np.float32(0.0)
            for i in range(int(v) - 1, int(v) + 2):
                for j in range(int(u) - 1, int(u) + 2):
                    bits = np.uint64(i * 8192 + j) * np.uint64(0x9E3779B97F4A7C15)
                    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                    bits = bits ^ (bits >> np.uint64(27))
                    if np.float64(bits & np.uint64(1023)) < 1024.0 * _DOT_SHARE:
                        du = u - (j + np.float64((bits >> np.uint64(16)) & np.uint64(1023)) / 1024.0)
                        dv = v - (i + np.float64((bits >> np.uint64(32)) & np.uint64(1023)) / 1024.0)
                        glow += np.float32(np.exp(-4.0 * (du * du + dv * dv)))
            out[row, column] += strength * reflectance[row, column] * glow / np.float32(max(z * z, 0.01))

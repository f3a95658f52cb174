# pyright: basic
# (numba kernels are untyped)
"""Before the sensor: a lens that bends, an aperture that blurs, a shutter that smears; pixels split and averaged.

All kernels take one picture of linear light (H, W, 3) and fill another. Coordinates are (column, row), pixel centres
at whole numbers. The lens is that of `eyehand.world.lens`: a pixel at radius r, in units of half the picture's height,
sees the point whose undistorted radius s has r = s (1 + k1 s^2).
"""

from __future__ import annotations

import numba
import numpy as np

from eyehand.types import Floats32, Images

_SMEAR_SAMPLES = 24  # of the longest smear, which is one a pixel up to there
_LEAST_BLUR_PX = 0.05


def linear(picture: Images, gamma: float) -> Floats32:
    """Light (H, W, 3) of an encoded picture (H, W, 3) uint8 whose tone curve is linear ** (1 / gamma)."""
    table = (np.linspace(0.0, 1.0, 256) ** max(gamma, 0.1)).astype(np.float32)
    return table[picture]


def bend(light: Floats32, k1: float, margin_px: int) -> Floats32:
    """The picture inside a margin as a lens with radial distortion shows it; beyond the margin the border repeats.

    Args:
        light: (H + 2 m, W + 2 m, 3) of a camera without distortion.
        k1: radial distortion; positive moves the corners outwards, negative (a barrel) needs a margin.
        margin_px: m.

    Returns:
        (H, W, 3).
    """
    height, width = light.shape[0] - 2 * margin_px, light.shape[1] - 2 * margin_px
    if k1 == 0:
        return np.ascontiguousarray(light[margin_px : margin_px + height, margin_px : margin_px + width])
    out = np.empty((height, width, 3), np.float32)
    _bend(light, np.float32(k1), margin_px, out)
    return out


def margin(k1: float, size: tuple[int, int]) -> int:
    """How many pixels a picture (height, width) must be wider on each side for `bend` to find light everywhere."""
    reach = np.hypot(*size) / size[0]  # the corner's radius in units of half the height
    s = reach
    for _ in range(8):
        s -= (s * (1 + k1 * s * s) - reach) / max(1 + 3 * k1 * s * s, 0.2)
    return max(int(np.ceil((s - reach) * size[0] / 2)), 0)


def blur(light: Floats32, sigma_px: float) -> Floats32:
    """A Gaussian of any width over a picture (H, W, 3)."""
    if sigma_px < _LEAST_BLUR_PX:
        return light
    reach = int(np.ceil(3 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    line, out = np.empty_like(light), np.empty_like(light)
    _blur((taps / taps.sum()).astype(np.float32), light, line, out)
    return out


def smear(light: Floats32, path_px: Floats32) -> Floats32:
    """What moves while the shutter is open.

    Args:
        light: (H, W, 3).
        path_px: (H, W, 2) how far what each pixel shows moves in the picture while the shutter is open.
    """
    out = np.empty_like(light)
    _smear(light, path_px, out)
    return out


def split(light: Floats32, parts: int) -> Floats32:
    """Every pixel as `parts` x `parts` pixels of the same light, which adds no blur to what a renderer averaged."""
    return light if parts == 1 else np.repeat(np.repeat(light, parts, axis=0), parts, axis=1)


def average(picture: Images, parts: int) -> Images:
    """Every `parts` x `parts` pixels as one, rounded."""
    if parts == 1:
        return picture
    out = np.empty((picture.shape[0] // parts, picture.shape[1] // parts, 3), np.uint8)
    _average(np.ascontiguousarray(picture), parts, out)
    return out


@numba.njit(cache=True, nogil=True)
def sample(light, x, y, c):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Bilinear light of one channel at a place, the border repeated."""
    height, width = light.shape[:2]
    x = min(max(x, np.float32(0.0)), np.float32(width - 1))
    y = min(max(y, np.float32(0.0)), np.float32(height - 1))
    j, i = min(int(x), width - 2), min(int(y), height - 2)
    fx, fy = x - np.float32(j), y - np.float32(i)
    top = light[i, j, c] + (light[i, j + 1, c] - light[i, j, c]) * fx
    below = light[i + 1, j, c] + (light[i + 1, j + 1, c] - light[i + 1, j, c]) * fx
    return top + (below - top) * fy


@numba.njit(cache=True, nogil=True)
def _bend(light, k1, margin_px, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    height, width = out.shape[:2]
    half = np.float32(height / 2.0)
    middle_x, middle_y = np.float32((width - 1) / 2.0), np.float32((height - 1) / 2.0)
    for row in range(height):
        for column in range(width):
            x, y = np.float32(column) - middle_x, np.float32(row) - middle_y
            r = np.sqrt(x * x + y * y) / half
            s = r
            for _ in range(6):
                slope = max(np.float32(1.0) + np.float32(3.0) * k1 * s * s, np.float32(0.2))
                s -= (s * (np.float32(1.0) + k1 * s * s) - r) / slope
            ratio = s / r if r > 0 else np.float32(1.0)
            u, v = x * ratio + middle_x + margin_px, y * ratio + middle_y + margin_px
            for c in range(3):
                out[row, column, c] = _sharp_sample(light, np.float32(u), np.float32(v), c)


@numba.njit(cache=True, nogil=True)
def _cubic(a, b, c, d, t):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Catmull-Rom interpolation between b and c."""
    half = np.float32(0.5)
    bend = (np.float32(2.0) * a - np.float32(5.0) * b + np.float32(4.0) * c - d) * half
    twist = (np.float32(3.0) * (b - c) + d - a) * half
    return b + t * (half * (c - a) + t * (bend + t * twist))


@numba.njit(cache=True, nogil=True)
def _sharp_sample(light, x, y, c):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Cubic light of one channel at a place, which blurs less than a bilinear one; never below 0."""
    height, width = light.shape[:2]
    x = min(max(x, np.float32(0.0)), np.float32(width - 1))
    y = min(max(y, np.float32(0.0)), np.float32(height - 1))
    j, i = min(int(x), width - 2), min(int(y), height - 2)
    fx, fy = x - np.float32(j), y - np.float32(i)
    before, after = max(j - 1, 0), min(j + 2, width - 1)
    above, under = max(i - 1, 0), min(i + 2, height - 1)
    top = _cubic(light[above, before, c], light[above, j, c], light[above, j + 1, c], light[above, after, c], fx)
    upper = _cubic(light[i, before, c], light[i, j, c], light[i, j + 1, c], light[i, after, c], fx)
    lower = _cubic(light[i + 1, before, c], light[i + 1, j, c], light[i + 1, j + 1, c], light[i + 1, after, c], fx)
    base = _cubic(light[under, before, c], light[under, j, c], light[under, j + 1, c], light[under, after, c], fx)
    return max(_cubic(top, upper, lower, base, fy), np.float32(0.0))


@numba.njit(cache=True, nogil=True)
def _blur(taps, light, line, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    height, width = light.shape[:2]
    reach = len(taps) // 2
    for row in range(height):
        for column in range(width):
            for c in range(3):
                total = np.float32(0.0)
                for k in range(len(taps)):
                    total += taps[k] * light[min(max(row + k - reach, 0), height - 1), column, c]
                line[row, column, c] = total
    for row in range(height):
        for column in range(width):
            for c in range(3):
                total = np.float32(0.0)
                for k in range(len(taps)):
                    total += taps[k] * line[row, min(max(column + k - reach, 0), width - 1), c]
                out[row, column, c] = total


@numba.njit(cache=True, nogil=True)
def _smear(light, path_px, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    height, width = light.shape[:2]
    for row in range(height):
        for column in range(width):
            dx, dy = path_px[row, column, 0], path_px[row, column, 1]
            count = min(int(np.sqrt(dx * dx + dy * dy)) + 1, _SMEAR_SAMPLES)
            for c in range(3):
                if count == 1:
                    out[row, column, c] = light[row, column, c]
                    continue
                total = np.float32(0.0)
                for k in range(count):
                    t = (np.float32(k) + np.float32(0.5)) / np.float32(count) - np.float32(0.5)
                    total += sample(light, np.float32(column) + t * dx, np.float32(row) + t * dy, c)
                out[row, column, c] = total / np.float32(count)


@numba.njit(cache=True, nogil=True)
def _average(picture, parts, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    area = parts * parts
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            for c in range(3):
                total = area // 2
                for i in range(parts):
                    for j in range(parts):
                        total += picture[row * parts + i, column * parts + j, c]
                out[row, column, c] = np.uint8(total // area)

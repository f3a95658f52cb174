# pyright: basic
# (numba kernels are untyped)
"""Augmentation of recorded frames: rotation, translation, noise and brightness (Zhang et al. 2017, Section 5.1).

Frames are turned and shifted BEFORE the virtual target is drawn in, as in the paper ("to the original images"): that
is what a camera which has moved since the recording sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
import torch

from eyehand.errors import InvalidValueError
from eyehand.types import Images, Integers
from eyehand.world import rows

_MOST = {"rotation_rad": math.pi, "translation_px": 210.0, "brightness": 1.0, "offset": 255.0, "noise": 255.0}


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the augmentation, each drawn evenly from minus to plus its value; zeros leave frames as they are.

    Attributes:
        rotation_rad: turn about the middle of the frame.
        translation_px: shift along both axes, in pixels of the 160 x 210 frame.
        brightness: relative gain of the grey levels.
        offset: shift of the grey levels, in grey levels.
        noise: largest standard deviation of pixel noise in the scaled picture, in grey levels; from 0, not from minus.
    """

    rotation_rad: float = 0.02
    translation_px: float = 4.0
    brightness: float = 0.25
    offset: float = 15.0
    noise: float = 3.0

    def __post_init__(self) -> None:
        """Refuse what is negative, no number, or more than a whole frame or all grey levels."""
        for name, most in _MOST.items():
            value = getattr(self, name)
            if not 0.0 <= value <= most:  # NaN lies in no range
                raise InvalidValueError(name, value, f"from 0 to {most:g}", "Augmentation")


def luma(frames: Images) -> Images:
    """Grey copies (B, H, W) uint8 of RGB frames (B, H, W, 3), by BT.601."""
    return ((frames.astype(np.uint32) @ np.array([299, 587, 114], np.uint32) + 500) // 1000).astype(np.uint8)


def augment(grey: Images, chosen: Integers, ranges: Augmentation, generator: torch.Generator) -> Images:
    """Augmented copies of chosen grey frames, without noise.

    Args:
        grey: (N, H, W) uint8 frames.
        chosen: (B,) indices of the frames to copy.
        ranges: how far each transformation may go.
        generator: where the random numbers come from.

    Returns:
        (B, H, W, 3) uint8 frames with three equal channels.
    """
    batch = len(chosen)
    unit = 2.0 * torch.rand((batch, 5), generator=generator, dtype=torch.float64).numpy() - 1.0
    scale = (ranges.rotation_rad, ranges.translation_px, ranges.translation_px, ranges.brightness, ranges.offset)
    parameters = (unit * np.array(scale)).astype(np.float32)
    out = np.empty((batch, *grey.shape[1:], 3), np.uint8)

    def work(part: slice) -> None:
        _warp(grey, np.asarray(chosen[part], np.int64), parameters[part], out[part])

    rows.in_parallel(work, batch, rows.default_threads(), least=64)
    return out


def add_noise(pictures: Images, ranges: Augmentation, generator: torch.Generator) -> Images:
    """Pictures (B, H, W) uint8 with normal pixel noise, its strength drawn for every picture."""
    batch = len(pictures)
    strength = ranges.noise * torch.rand(batch, generator=generator).numpy()
    salts = 1 + torch.randint(1 << 62, (batch,), generator=generator).numpy().astype(np.uint64)
    out = np.empty_like(pictures)
    _noise(pictures, strength, salts, out)
    return out


@numba.njit(cache=True, nogil=True, fastmath=True)
def _warp(grey, chosen, parameters, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Bilinear rotation and shift with the border repeated, then gain and offset."""
    height, width = grey.shape[1:]
    middle_x, middle_y = np.float32((width - 1) / 2.0), np.float32((height - 1) / 2.0)
    right, bottom = np.float32(width - 1.001), np.float32(height - 1.001)
    zero, half, top_level = np.float32(0.0), np.float32(0.5), np.float32(255.0)
    for b in range(len(chosen)):
        frame = grey[chosen[b]]
        angle, shift_x, shift_y, gain, offset = parameters[b]
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        factor = np.float32(1.0) + gain
        for row in range(height):
            dy = np.float32(row) - middle_y - shift_y
            start_x = sin * dy + middle_x - cos * (middle_x + shift_x)
            start_y = cos * dy + middle_y + sin * (middle_x + shift_x)
            for column in range(width):
                x = min(max(start_x + cos * np.float32(column), zero), right)
                y = min(max(start_y - sin * np.float32(column), zero), bottom)
                i, j = np.int32(y), np.int32(x)
                fx, fy = x - np.float32(j), y - np.float32(i)
                a, c = np.float32(frame[i, j]), np.float32(frame[i + 1, j])
                top = a + (np.float32(frame[i, j + 1]) - a) * fx
                below = c + (np.float32(frame[i + 1, j + 1]) - c) * fx
                level = factor * (top + (below - top) * fy) + offset
                value = np.uint8(min(max(level + half, zero), top_level))
                out[b, row, column, 0] = value
                out[b, row, column, 1] = value
                out[b, row, column, 2] = value


@numba.njit(cache=True, nogil=True)
def _noise(pictures, strength, salts, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Add noise from a xorshift generator per picture."""
    for b in range(len(pictures)):
        state = salts[b]
        for row in range(pictures.shape[1]):
            for column in range(pictures.shape[2]):
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                # The sum of four uniform bytes is close to normal: mean 510, standard deviation 147.8.
                total = (state & np.uint64(255)) + ((state >> np.uint64(8)) & np.uint64(255))
                total += ((state >> np.uint64(16)) & np.uint64(255)) + ((state >> np.uint64(24)) & np.uint64(255))
                level = pictures[b, row, column] + strength[b] * (float(total) - 510.0) / 147.8
                out[b, row, column] = np.uint8(min(max(level + 0.5, 0.0), 255.0))

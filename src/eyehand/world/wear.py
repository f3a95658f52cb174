# pyright: basic
# (numba kernels are untyped)
"""What cameras do to clean pictures, in cheap: soft edges, another brightness, tint and tone curve, noise.

A few numbers stand for optics and electronics, drawn anew for every picture of a mini-batch. The camera of the
held-out domains (`eyehand.world.sensing`) is another model and far more detailed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Floats, Images, Integers
from eyehand.world import counter, rows

_LEVELS = np.arange(256) / 255.0


@dataclass(frozen=True)
class Wear:
    """How much may happen to a picture; zeros leave it as it is.

    Attributes:
        blur: largest weight of a pixel's neighbour on either side, up to 0.3; the blur's variance in pixels squared
            is twice the weight.
        brightness: gain between 1 / (1 + it) and 1 + it.
        tint: gain of each channel, likewise.
        gamma: exponent of the tone curve, likewise.
        noise: largest standard deviation of pixel noise, in grey levels.
    """

    blur: float = 0.25
    brightness: float = 0.35
    tint: float = 0.08
    gamma: float = 0.35
    noise: float = 6.0

    def __post_init__(self) -> None:
        """Refuse what is negative, not finite, or blurs more than three taps can."""
        numbers = (self.blur, self.brightness, self.tint, self.gamma, self.noise)
        if not np.isfinite(numbers).all() or min(numbers) < 0 or self.blur > 0.3:
            raise InvalidValueError("wear", numbers, "finite numbers from 0, blur up to 0.3")


def worn(pictures: Images, wear: Wear, seed: int, number: int) -> Images:
    """Pictures (B, H, W, 3) as cameras of many kinds might give them: a function of the arguments alone.

    Args:
        pictures: uint8, left as they are.
        wear: how much may happen.
        seed: of the training.
        number: of the mini-batch.
    """
    batch = len(pictures)
    blur = (wear.blur * _drawn(seed, "blur", number, batch)).astype(np.float32)
    curves = _curves(wear, seed, number, batch)
    noise = (wear.noise * _drawn(seed, "noise", number, batch)).astype(np.float32)
    salts = counter.bits(seed, "wear/salt", number, np.arange(batch)) | np.uint64(1)
    source, out = np.ascontiguousarray(pictures), np.empty(pictures.shape, np.uint8)

    def work(part: slice) -> None:
        _wear(source[part], blur[part], curves[part], noise[part], salts[part], out[part])

    rows.in_parallel(work, batch, rows.default_threads(), least=16)
    return out


def _drawn(seed: int, use: str, number: int, batch: int) -> Floats:
    """(batch,) numbers in [0, 1)."""
    return counter.uniform(seed, f"wear/{use}", number, np.arange(batch))


def _curves(wear: Wear, seed: int, number: int, batch: int) -> Array:
    """(batch, 3, 256) float32 level that every level of every channel becomes."""

    def gains(use: str, most: float, index: Integers) -> Floats:
        return (1.0 + most) ** (2.0 * counter.uniform(seed, f"wear/{use}", number, index) - 1.0)

    one = np.arange(batch)[:, None]
    gain = gains("brightness", wear.brightness, one) * gains("tint", wear.tint, 3 * one + np.arange(3))  # (B, 3)
    power = gains("gamma", wear.gamma, one)[..., None]
    return (255.0 * gain[..., None] * _LEVELS**power).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _wear(pictures, blur, curves, noise, salts, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Blur by three taps along each axis with the border repeated, then the curves, then noise."""
    height, width = pictures.shape[1:3]
    for b in range(len(pictures)):
        side, state = blur[b], salts[b]
        middle = np.float32(1.0) - np.float32(2.0) * side
        for row in range(height):
            up, down = max(row - 1, 0), min(row + 1, height - 1)
            for column in range(width):
                left, right = max(column - 1, 0), min(column + 1, width - 1)
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                for c in range(3):
                    here = np.float32(0.0)
                    for k in range(3):
                        y = up if k == 0 else (row if k == 1 else down)
                        taps = middle * pictures[b, y, column, c]
                        taps += side * (np.float32(pictures[b, y, left, c]) + np.float32(pictures[b, y, right, c]))
                        here += (middle if k == 1 else side) * taps
                    # A sum of four bytes, each channel with its own, is close to normal: mean 510, deviation 147.8.
                    total = np.uint64(0)
                    mixed = state * np.uint64(0x9E3779B97F4A7C15 + 2 * c)
                    for k in range(4):
                        total += (mixed >> np.uint64(32 + 8 * k)) & np.uint64(255)
                    level = curves[b, c, int(here + np.float32(0.5))]
                    level += noise[b] * (np.float32(total) - np.float32(510.0)) / np.float32(147.8)
                    out[b, row, column, c] = np.uint8(min(max(level + np.float32(0.5), np.float32(0.0)), 255.0))

# pyright: basic
# (numba kernels are untyped)
"""A camera's electronics: linear light to encoded pixels.

In order: exposure loop, vignetting, lens blur, residual of the white balance, photon noise (Gaussian approximation of
the Poisson law) and read noise, saturation, Bayer mosaic, bilinear demosaicing, tone curve, JPEG with chroma
subsampling. The model is EMVA 1288's linear camera (release 4.0, Section 2) followed by what a consumer camera's
processor does. Every number is a function of the row's seed and step.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from PIL import Image

from eyehand.types import Floats32, Images, Integers
from eyehand.world import counter
from eyehand.world.domain import Domain

_CURVE_STEPS = 4096
_FIELDS = ("exposure", "white_balance_red", "white_balance_blue", "vignetting", "blur_px", "full_well_e")
_MORE_FIELDS = ("read_noise_e", "tone_gamma", "jpeg_quality", "exposure_jitter")


@dataclass(frozen=True)
class Settings:
    """One frame's numbers; the fields of `eyehand.world.domain.Sensor` that concern a single frame, and its noise.

    Attributes:
        exposure: mean encoded level the loop steers to, 0 for none.
        exposure_error: relative error of the exposure loop in this frame.
        noise_key: 64 bits from which every pixel's noise is made.
    """

    exposure: float
    white_balance_red: float
    white_balance_blue: float
    vignetting: float
    blur_px: float
    full_well_e: float
    read_noise_e: float
    tone_gamma: float
    jpeg_quality: float
    exposure_error: float
    noise_key: int


def settings(domain: Domain, seeds: Integers, step: Integers) -> list[Settings]:
    """The numbers of each row's next frame.

    Args:
        domain: whose sensor is used.
        seeds: (B,) episode seeds.
        step: (B,) control steps.
    """
    numbers = {name: domain.numbers(f"sensor.{name}", seeds).tolist() for name in (*_FIELDS, *_MORE_FIELDS)}
    error = np.array(numbers.pop("exposure_jitter")) * counter.normal(seeds, "webcam/exposure", step)
    keys = counter.bits(seeds, "webcam/noise", step)
    return [
        Settings(
            **{name: values[row] for name, values in numbers.items()},
            exposure_error=float(error[row]),
            noise_key=int(keys[row]),
        )
        for row in range(len(seeds))
    ]


def expose(radiance: Floats32, camera: Settings, corner_px2: float, curve_steps: int = _CURVE_STEPS) -> Images:
    """The encoded picture (H, W, 3) uint8 of linear light (H, W, 3).

    Args:
        radiance: linear light, 1 saturates the sensor before the exposure loop.
        camera: the frame's numbers.
        corner_px2: squared distance in pixels from the middle at which the whole vignetting is reached.
        curve_steps: levels of light that the tone curve tells apart.
    """
    gamma = max(camera.tone_gamma, 0.1)
    curve = _tone_curve(gamma, curve_steps)
    gain = _exposure_gain(radiance, camera.exposure, gamma) * max(1.0 + camera.exposure_error, 0.1)
    gains = np.array([camera.white_balance_red, 1.0, camera.white_balance_blue]).clip(0.1) * gain
    encoded = np.empty(radiance.shape, np.uint8)
    corner = np.float32(1.0) / np.float32(corner_px2)
    sensor = np.array([camera.vignetting, max(camera.blur_px, 0.0), camera.full_well_e, camera.read_noise_e, corner])
    _sense(radiance, gains.astype(np.float32), sensor.astype(np.float32), curve, np.uint64(camera.noise_key), encoded)
    quality = round(camera.jpeg_quality)
    return _through_jpeg(encoded, min(quality, 100)) if quality > 0 else encoded


@lru_cache(maxsize=64)
def _tone_curve(gamma: float, steps: int) -> Floats32:
    return (255.0 * np.linspace(0.0, 1.0, steps) ** (1.0 / gamma)).astype(np.float32)


def _exposure_gain(radiance: Floats32, level: float, gamma: float) -> float:
    """The gain that brings the mean encoded green of every fourth pixel to `level`; 1 where there is no loop."""
    if level <= 0:
        return 1.0
    green = radiance[::4, ::4, 1].astype(np.float64)
    gain = level**gamma / max(float(green.mean()), 1e-9)
    for _ in range(4):
        encoded = float((np.clip(gain * green, 0.0, 1.0) ** (1.0 / gamma)).mean())
        gain *= (level / max(encoded, 1e-6)) ** gamma
    return gain


def _through_jpeg(stream: Images, quality: int) -> Images:
    """Compress and read back with 4:2:0 chroma subsampling, in memory."""
    file = io.BytesIO()
    Image.fromarray(stream).save(file, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(file))


@numba.njit(cache=True, nogil=True)
def normal(state):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """A standard normal number of a counter: the sum of four 16-bit numbers, which ends at 3.4 standard deviations."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state = state ^ (state >> np.uint64(31))
    low = np.uint64(0xFFFF)
    total = (
        (state & low) + ((state >> np.uint64(16)) & low) + ((state >> np.uint64(32)) & low) + (state >> np.uint64(48))
    )
    return (np.float32(total) * np.float32(1.0 / 65536.0) - np.float32(1.99997)) * np.float32(1.7320508)


@numba.njit(cache=True, nogil=True)
def _sense(radiance, gains, sensor, curve, key, stream):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Light (H, W, 3) to encoded pixels (H, W, 3).

    `sensor` holds vignetting, blur, full well, read noise and one over the squared radius of the corner.
    """
    height, width = radiance.shape[:2]
    vignetting, blur, full_well, read_noise, corner = sensor
    side = np.exp(-0.5 / max(blur * blur, np.float32(1e-3))) if blur > 0 else 0.0
    side = np.float32(side / (1.0 + 2.0 * side))
    middle = np.float32(1.0) - 2 * side
    raw = np.zeros((height + 2, width + 2), np.float32)
    line = np.empty((width + 2, 3), np.float32)
    for row in range(height):
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        for column in range(width):
            for c in range(3):
                line[column + 1, c] = middle * radiance[row, column, c] + side * (
                    radiance[above, column, c] + radiance[below, column, c]
                )
        for c in range(3):
            line[0, c], line[width + 1, c] = line[1, c], line[width, c]
        for column in range(width):
            c = (row % 2) + (column % 2)  # RGGB: red on even rows and columns, blue on odd ones
            light = middle * line[column + 1, c] + side * (line[column, c] + line[column + 2, c])
            x, y = column - (width - 1) * np.float32(0.5), row - (height - 1) * np.float32(0.5)
            light *= gains[c] * (1 - vignetting * (x * x + y * y) * corner)
            light = min(max(light, np.float32(0.0)), np.float32(1.0))
            if full_well > 0:
                noise = normal(key + np.uint64(row * width + column + 1) * np.uint64(0x9E3779B97F4A7C15))
                light += noise * np.sqrt(light * full_well + read_noise * read_noise) / full_well
            raw[row + 1, column + 1] = min(max(light, np.float32(0.0)), np.float32(1.0))
    for column in range(width + 2):  # mirror the border so that every neighbour has its own colour
        raw[0, column], raw[height + 1, column] = raw[2, column], raw[height - 1, column]
    for row in range(height + 2):
        raw[row, 0], raw[row, width + 1] = raw[row, 2], raw[row, width - 1]
    steps = np.float32(len(curve) - 1)
    for row in range(1, height + 1):
        for column in range(1, width + 1):
            here = raw[row, column]
            sides = raw[row, column - 1] + raw[row, column + 1]
            ends = raw[row - 1, column] + raw[row + 1, column]
            if (row + column) % 2 == 0:
                corners = raw[row - 1, column - 1] + raw[row - 1, column + 1]
                corners += raw[row + 1, column - 1] + raw[row + 1, column + 1]
                green = np.float32(0.25) * (sides + ends)
                other = np.float32(0.25) * corners
                red, blue = (here, other) if row % 2 == 1 else (other, here)
            else:
                green = here
                red, blue = (sides, ends) if row % 2 == 1 else (ends, sides)
                red, blue = red * np.float32(0.5), blue * np.float32(0.5)
            out = stream[row - 1, column - 1]
            out[0] = np.uint8(curve[int(red * steps + np.float32(0.5))] + np.float32(0.5))
            out[1] = np.uint8(curve[int(green * steps + np.float32(0.5))] + np.float32(0.5))
            out[2] = np.uint8(curve[int(blue * steps + np.float32(0.5))] + np.float32(0.5))

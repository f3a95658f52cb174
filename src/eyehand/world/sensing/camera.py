"""A camera of three-dimensional scenes: light or clean pictures to what a program receives, in batches.

In order: lens distortion, motion blur, lens blur, then the electronics of `eyehand.world.sensing.electronics` on a
sensor that may have more pixels than the picture. A row is a function of its light, episode seed and step alone.
"""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Floats32, Images, Integers
from eyehand.world import rows
from eyehand.world.domain import Domain, Sensor, bounds
from eyehand.world.rendering import Cameras
from eyehand.world.sensing import optics
from eyehand.world.sensing.electronics import Settings, expose, settings

_MOST_BINNING = 4
_CURVE_STEPS = 1 << 16  # so that dark levels of uint8 pictures come back as they were
_KERNEL_BLUR_PX = 0.7  # what the electronics' three taps can blur; the rest is done before


def margin_px(domain: Domain, size: tuple[int, int]) -> int:
    """How many pixels wider on each side a renderer should draw pictures of a size for this domain's lens."""
    return optics.margin(min(bounds(domain.sensor.lens_k1)[0], 0.0), size)


def widened(cameras: Cameras, margin: int) -> Cameras:
    """The same cameras with pictures that are `margin` pixels wider on each side."""
    K = np.array(cameras.K, dtype=np.float64)
    K[:, :2, 2] += margin
    height, width = cameras.size
    return dataclasses.replace(cameras, K=K, size=(height + 2 * margin, width + 2 * margin))


def is_perfect(sensor: Sensor) -> bool:
    """Whether pictures pass unchanged: every number that concerns colour pictures is nominal."""
    nominal = Sensor()
    same = {field.name for field in dataclasses.fields(sensor)}
    same -= {name for name in same if name.startswith(("stereo", "depth", "projector"))}
    return all(getattr(sensor, name) == getattr(nominal, name) for name in same)


def capture(
    domain: Domain,
    pictures: Images | Floats32,
    seeds: Integers,
    step: Integers,
    path_px: Floats32 | None = None,
    margin: int = 0,
    threads: int | None = None,
) -> Images:
    """What the domain's camera makes of a renderer's pictures.

    Args:
        domain: whose sensor is used.
        pictures: (B, H + 2 m, W + 2 m, 3): float32 linear light, or uint8 pictures whose light is recovered by the
            tone curve, so that a sensor with nothing but a tone curve returns them as they are.
        seeds: (B,) episode seeds.
        step: (B,) control steps, which choose the noise.
        path_px: (B, H, W, 2) how far what each pixel shows moves while the shutter is open; see
            `eyehand.world.sensing.flow`.
        margin: m, see `margin_px`.
        threads: threads to work on; None for all cores.

    Returns:
        (B, H, W, 3) uint8.

    Raises:
        InvalidValueError: pictures of another type or number.
    """
    _check(pictures, seeds)
    size = (pictures.shape[1] - 2 * margin, pictures.shape[2] - 2 * margin)
    inside = (slice(None), slice(margin, margin + size[0]), slice(margin, margin + size[1]))
    if is_perfect(domain.sensor) and pictures.dtype == np.uint8:
        return np.ascontiguousarray(cast("Images", pictures[inside]))
    seeds, step = np.asarray(seeds, dtype=np.int64), np.asarray(step, dtype=np.int64)
    numbers = settings(domain, seeds, step)
    k1 = domain.numbers("sensor.lens_k1", seeds)
    binning = np.clip(np.rint(domain.numbers("sensor.binning", seeds)), 1, _MOST_BINNING).astype(int)
    out = np.empty((len(seeds), *size, 3), np.uint8)

    def work(part: slice) -> None:
        for row in range(part.start, part.stop):
            camera = numbers[row]
            light = optics.bend(_light(pictures[row], camera), float(k1[row]), margin)
            if path_px is not None:
                light = optics.smear(light, path_px[row])
            out[row] = _through_sensor(light, camera, int(binning[row]))

    rows.in_parallel(work, len(seeds), threads or rows.default_threads(), least=2)
    return out


def _check(pictures: Images | Floats32, seeds: Integers) -> None:
    if pictures.ndim != 4 or pictures.shape[3] != 3 or str(pictures.dtype) not in ("uint8", "float32"):
        got = f"{pictures.dtype} {pictures.shape}"
        raise InvalidValueError("pictures", got, "uint8 or float32 of shape (B, H, W, 3)")
    if len(pictures) != len(seeds):
        raise InvalidValueError("pictures", f"{len(pictures)} rows", f"one for each of {len(seeds)} episode seeds")


def _light(picture: Images | Floats32, camera: Settings) -> Floats32:
    if picture.dtype == np.uint8:
        return optics.linear(cast("Images", picture), camera.tone_gamma)
    return np.ascontiguousarray(cast("Floats32", picture))


def _through_sensor(light: Floats32, camera: Settings, binning: int) -> Images:
    """Linear light (H, W, 3) to a picture (H, W, 3), through a sensor of `binning` times as many pixels a side."""
    fine = optics.split(light, binning)
    if camera.blur_px > _KERNEL_BLUR_PX:
        fine = optics.blur(fine, float(np.sqrt(camera.blur_px**2 - _KERNEL_BLUR_PX**2)))
        camera = dataclasses.replace(camera, blur_px=_KERNEL_BLUR_PX)
    corner_px2 = (fine.shape[0] ** 2 + fine.shape[1] ** 2) / 4.0
    return optics.average(expose(fine, camera, corner_px2, _CURVE_STEPS), binning)

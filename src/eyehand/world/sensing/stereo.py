# pyright: basic
# (numba kernels are untyped)
"""Depth as a stereo camera with a dot projector makes it: two noisy views, a pattern of light, a block matcher.

The cameras are rectified: the right one stands `baseline_m` to the right of the left one, whose view the depth belongs
to. The projector stands between them. A place without depth holds 0, as in the files of depth cameras.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Floats, Floats32, Integers
from eyehand.world import counter, rows
from eyehand.world.domain import Domain
from eyehand.world.sensing.electronics import normal
from eyehand.world.sensing.matching import disparities
from eyehand.world.sensing.projector import from_the_right, with_dots

_LEVEL = 0.35  # mean level that the cameras' exposure loop steers to
_MOST_BINNING = 8
_LEAST_BASELINE_M = 1e-3
_FIELDS = (
    "stereo_baseline_m",
    "stereo_block_px",
    "stereo_nearest_m",
    "stereo_uniqueness",
    "stereo_binning",
    "projector_strength",
    "full_well_e",
    "read_noise_e",
)
_FARTHEST_M = 1e6  # stands for infinity


@dataclass(frozen=True)
class Views:
    """What a pair of cameras is given to see.

    Attributes:
        grey: (B, H, W) float32 linear light of the scene in the left view.
        depth_m: (B, H, W) exact depth of the left view along the optical axis; infinite where nothing is.
        right_grey: (B, H, W) the same of the right view; None to derive it from the left one.
        right_depth_m: (B, H, W) likewise.
        reflectance: (B, H, W) how much of the projector's light the left view sends back, 0 to 1; None for the scene's
            light itself, which suits lamps of strength 1. A rendering in ambient light of 1 shows it.
    """

    grey: Floats32
    depth_m: Floats32
    right_grey: Floats32 | None = None
    right_depth_m: Floats32 | None = None
    reflectance: Floats32 | None = None


def stereo_depth(
    left: Array,
    right: Array,
    baseline_m: float,
    focal_px: float,
    nearest_m: float = 0.3,
    block_px: int = 7,
    uniqueness: float = 0.1,
    threads: int | None = None,
) -> Floats32:
    """Depth (B, H, W) in metres of rectified pairs; 0 where the matcher finds none.

    Args:
        left: (B, H, W) grey levels.
        right: (B, H, W) grey levels of the camera `baseline_m` to the right.
        baseline_m: distance between the cameras.
        focal_px: their focal length.
        nearest_m: nothing nearer is searched for.
        block_px: side of the block that is matched, odd.
        uniqueness: how much worse, relative, the second best match must be.
        threads: threads to work on; None for all cores.

    Raises:
        InvalidValueError: pictures that do not fit each other, or a number outside its range.
    """
    if left.shape != right.shape or left.ndim != 3:
        raise InvalidValueError("stereo pair", (left.shape, right.shape), "two arrays of one shape (B, H, W)")
    if min(baseline_m, focal_px, nearest_m) <= 0 or block_px < 1 or uniqueness < 0:
        got = (baseline_m, focal_px, nearest_m, block_px, uniqueness)
        raise InvalidValueError("baseline_m, focal_px, nearest_m, block_px, uniqueness", got, "numbers above 0")
    most_px = int(np.ceil(baseline_m * focal_px / nearest_m))
    out = np.empty(left.shape, np.float32)

    def work(part: slice) -> None:
        for b in range(part.start, part.stop):
            shift = disparities(left[b], right[b], most_px, block_px, uniqueness)
            out[b] = np.where(shift > 0, np.float32(baseline_m * focal_px) / np.maximum(shift, 1e-3), 0.0)

    rows.in_parallel(work, len(left), threads or rows.default_threads(), least=1)
    return out


def sense_depth(domain: Domain, views: Views, K: Floats, seeds: Integers, step: Integers) -> Floats32:
    """Depth (B, H, W) as the domain's depth sensor gives it, in the left view; 0 where it gives none.

    Args:
        domain: whose sensor is used; with `sensor.depth` "exact" the true depth.
        views: what the cameras see.
        K: (B, 3, 3) intrinsics of the left view in pixels.
        seeds: (B,) episode seeds.
        step: (B,) control steps, which choose the noise.

    Raises:
        InvalidValueError: `sensor.depth` is neither "exact" nor "stereo".
    """
    kind = domain.sensor.depth
    if kind not in ("exact", "stereo"):
        raise InvalidValueError("sensor.depth", kind, '"exact" or "stereo"', f"domain {domain.name}")
    if kind == "exact":
        return np.where(np.isfinite(views.depth_m), views.depth_m, 0.0).astype(np.float32)
    numbers, keys = _numbers(domain, np.asarray(seeds, dtype=np.int64), np.asarray(step, dtype=np.int64))
    out = np.empty(views.depth_m.shape, np.float32)

    def work(part: slice) -> None:
        for b in range(part.start, part.stop):
            out[b] = _sensed(views, b, K[b], numbers[b], keys[b])

    rows.in_parallel(work, len(seeds), rows.default_threads(), least=1)
    return out


def depth_of_pair(
    domain: Domain, left: Floats32, right: Floats32, K: Floats, seeds: Integers, step: Integers, parts: int = 1
) -> Floats32:
    """Depth of two views that a renderer drew with the projector's dots in them; 0 where there is none.

    Args:
        domain: whose sensor is used; the views must have been drawn with its `stereo_baseline_m` and
            `projector_strength`.
        left: (B, parts H, parts W) linear light of the left camera.
        right: (B, parts H, parts W) of the right camera.
        K: (B, 3, 3) intrinsics of the views in pixels.
        seeds: (B,) episode seeds.
        step: (B,) control steps, which choose the noise.
        parts: pixels of the views, along each side, for one pixel of depth.

    Returns:
        (B, H, W) float32 metres along the left camera's axis.
    """
    numbers, keys = _numbers(domain, np.asarray(seeds, dtype=np.int64), np.asarray(step, dtype=np.int64))
    out = np.empty((len(left), left.shape[1] // parts, left.shape[2] // parts), np.float32)

    def work(part: slice) -> None:
        for b in range(part.start, part.stop):
            baseline_m = max(numbers[b]["stereo_baseline_m"], _LEAST_BASELINE_M)
            out[b] = _matched((left[b], right[b]), float(K[b, 0, 0]), baseline_m, numbers[b], keys[b], parts)

    rows.in_parallel(work, len(left), rows.default_threads(), least=1)
    return out


def _numbers(domain: Domain, seeds: Integers, step: Integers) -> tuple[list[dict[str, float]], list[tuple[int, int]]]:
    """What every row's depth sensor is like, and 64 bits for the noise of each of its cameras."""
    values = {name: domain.numbers(f"sensor.{name}", seeds) for name in _FIELDS}
    noise = [counter.bits(seeds, f"stereo/{side}", step) for side in ("left", "right")]
    each = [{name: float(numbers[b]) for name, numbers in values.items()} for b in range(len(seeds))]
    return each, [(int(a), int(b)) for a, b in zip(*noise, strict=True)]


def _sensed(views: Views, row: int, K: Floats, sensor: Mapping[str, float], keys: tuple[int, int]) -> Floats32:
    """One depth picture, on a sensor that may have more pixels than it."""
    parts = int(np.clip(round(sensor["stereo_binning"]), 1, _MOST_BINNING))
    baseline_m = max(sensor["stereo_baseline_m"], _LEAST_BASELINE_M)
    fine_K = K.copy()
    fine_K[:2] *= parts
    fine_K[:2, 2] += 0.5 * (parts - 1)
    left, depth = _fine(views.grey[row], parts), _fine(np.minimum(views.depth_m[row], _FARTHEST_M), parts)
    back = left if views.reflectance is None else _fine(views.reflectance[row], parts)
    if views.right_grey is None or views.right_depth_m is None:
        right, right_back, right_depth = from_the_right(np.stack([left, back], -1), depth, baseline_m * fine_K[0, 0])
    else:
        right, right_depth = (
            _fine(views.right_grey[row], parts),
            _fine(np.minimum(views.right_depth_m[row], _FARTHEST_M), parts),
        )
        right_back = right
    strength = sensor["projector_strength"]
    lit = (
        with_dots(left, back, depth, fine_K, 0.5 * baseline_m, strength),
        with_dots(right, right_back, right_depth, fine_K, -0.5 * baseline_m, strength),
    )
    return _matched(lit, float(fine_K[0, 0]), baseline_m, sensor, keys, parts)


def _matched(
    lit: tuple[Floats32, Floats32],
    focal_px: float,
    baseline_m: float,
    sensor: Mapping[str, float],
    keys: tuple[int, int],
    parts: int,
) -> Floats32:
    """Expose a pair of views (H, W) of linear light, match them, and average `parts` x `parts` pixels."""
    left, right = (
        _exposed(light, sensor["full_well_e"], sensor["read_noise_e"], key)[None]
        for light, key in zip(lit, keys, strict=True)
    )
    block, nearest = 2 * (round(sensor["stereo_block_px"]) // 2) + 1, max(sensor["stereo_nearest_m"], 0.05)
    return _coarse(
        stereo_depth(left, right, baseline_m, focal_px, nearest, block, sensor["stereo_uniqueness"], 1)[0], parts
    )


def _fine(picture: Array, parts: int) -> Array:
    return np.ascontiguousarray(np.repeat(np.repeat(picture, parts, 0), parts, 1), dtype=np.float32)


def _coarse(depth_m: Floats32, parts: int) -> Floats32:
    """The median of the depths in `parts` x `parts` pixels where at least half of them have one, else 0."""
    if parts == 1:
        return depth_m
    height, width = depth_m.shape[0] // parts, depth_m.shape[1] // parts
    cells = depth_m.reshape(height, parts, width, parts).swapaxes(1, 2).reshape(height, width, -1)
    ordered, holes = np.sort(cells, axis=-1), (cells == 0).sum(-1)
    count = cells.shape[-1]
    middle = np.take_along_axis(ordered, np.minimum((holes + count) // 2, count - 1)[..., None], axis=-1)[..., 0]
    return np.where(2 * holes <= count, middle, 0.0).astype(np.float32)


def _exposed(light: Floats32, full_well_e: float, read_noise_e: float, key: int) -> Array:
    """An 8-bit grey picture (H, W) of linear light, with photon and read noise."""
    gain = _LEVEL / max(float(light.mean()), 1e-6)
    out = np.empty(light.shape, np.float32)
    _expose(light, np.float32(gain), np.float32(full_well_e), np.float32(read_noise_e), np.uint64(key), out)
    return out


@numba.njit(cache=True, nogil=True)
def _expose(light, gain, full_well, read_noise, key, out):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            level = min(max(light[row, column] * gain, np.float32(0.0)), np.float32(1.0))
            if full_well > 0:
                index = np.uint64(row * light.shape[1] + column + 1)
                noise = normal(key + index * np.uint64(0x9E3779B97F4A7C15))
                level += noise * np.sqrt(level * full_well + read_noise * read_noise) / full_well
            out[row, column] = np.float32(
                int(min(max(level, np.float32(0.0)), np.float32(1.0)) * 255 + np.float32(0.5))
            )

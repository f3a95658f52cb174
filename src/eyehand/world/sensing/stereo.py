# pyright: basic
# (numba kernels are untyped)
"""Depth as a stereo camera with a dot projector makes it: two noisy views, a pattern of light, a block matcher.

The cameras are rectified: the right one stands `baseline_m` to the right of the left one, whose view the depth belongs
to. The projector stands between them. A place without depth holds 0, as in the files of depth cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Floats, Floats32, Integers
from eyehand.world import counter, rows
from eyehand.world.domain import Domain
from eyehand.world.sensing.electronics import normal
from eyehand.world.sensing.matching import disparities

_DOT_RAD = 0.0045  # spacing of the projector's dots, a few pixels of a depth camera
_DOT_SHARE = 0.45  # of the pattern's places that hold a dot
_LEVEL = 0.35  # mean level that the cameras' exposure loop steers to
_MOST_BINNING = 4
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
    seeds, step = np.asarray(seeds, dtype=np.int64), np.asarray(step, dtype=np.int64)
    names = ("stereo_baseline_m", "stereo_block_px", "stereo_nearest_m", "stereo_uniqueness", "projector_strength")
    names += ("full_well_e", "read_noise_e", "binning")
    numbers = {name: domain.numbers(f"sensor.{name}", seeds) for name in names}
    keys = [counter.bits(seeds, f"stereo/{side}", step) for side in ("left", "right")]
    out = np.empty(views.depth_m.shape, np.float32)

    def work(part: slice) -> None:
        for b in range(part.start, part.stop):
            sensor = {name: float(values[b]) for name, values in numbers.items()}
            out[b] = _sensed(views, b, K[b], sensor, (int(keys[0][b]), int(keys[1][b])))

    rows.in_parallel(work, len(seeds), rows.default_threads(), least=1)
    return out


def _sensed(views: Views, row: int, K: Floats, sensor: dict[str, float], keys: tuple[int, int]) -> Floats32:
    """One depth picture, on a sensor that may have more pixels than it."""
    parts = int(np.clip(round(sensor["binning"]), 1, _MOST_BINNING))
    baseline_m = max(sensor["stereo_baseline_m"], 1e-3)
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
    pair: list[Array] = []
    for grey, sent, far, x_m, key in (
        (left, back, depth, 0.0, keys[0]),
        (right, right_back, right_depth, baseline_m, keys[1]),
    ):
        lit = with_dots(grey, sent, far, fine_K, 0.5 * baseline_m - x_m, sensor["projector_strength"])
        pair.append(_exposed(lit, sensor["full_well_e"], sensor["read_noise_e"], key))
    block, nearest = 2 * (round(sensor["stereo_block_px"]) // 2) + 1, max(sensor["stereo_nearest_m"], 0.05)
    found = stereo_depth(
        pair[0][None], pair[1][None], baseline_m, float(fine_K[0, 0]), nearest, block, sensor["stereo_uniqueness"], 1
    )
    return _coarse(found[0], parts)


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

"""Where cameras stand about a table, and where things stand on it: drawn by the counter, row by row."""

from __future__ import annotations

from typing import Literal

import numpy as np

from eyehand.types import Flags, Floats, Integers
from eyehand.world import counter

RADIUS_M = (0.9, 1.3)  # from the point looked at
ELEVATION_RAD = (np.deg2rad(25.0), np.deg2rad(60.0))
LOOK_AT_M = np.array([0.52, 0.0, 0.08])
JITTER_M = 0.06  # of the point looked at
MARGIN = 0.85  # share of the picture, about its middle, that the query object must be in
PART_RADIUS_M = 0.11  # of a part of the robot, about its middle
NEAREST_PART_M = 0.45  # from the camera to a part of the robot, which would fill the picture
TRIES = 24


def intrinsics(size: tuple[int, int], width_rad: float) -> Floats:
    """Intrinsics (3, 3) in pixels of a centred camera.

    Args:
        size: (height, width) of the picture in pixels.
        width_rad: horizontal field of view.
    """
    focal = 0.5 * size[1] / np.tan(0.5 * width_rad)
    return np.array([[focal, 0.0, (size[1] - 1) / 2], [0.0, focal, (size[0] - 1) / 2], [0.0, 0.0, 1.0]])


def facing(eye_m: Floats, target_m: Floats) -> Floats:
    """Poses (..., 4, 4), camera to world, of upright cameras at `eye_m` (..., 3) that look at `target_m` (..., 3)."""
    z = target_m - eye_m
    z = z / np.linalg.norm(z, axis=-1, keepdims=True)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x = x / np.linalg.norm(x, axis=-1, keepdims=True)
    T = np.zeros((*z.shape[:-1], 4, 4))
    T[..., :3, 0], T[..., :3, 1], T[..., :3, 2] = x, np.cross(z, x), z
    T[..., :3, 3], T[..., 3, 3] = eye_m, 1.0
    return T


def around(T_world_camera: Floats, azimuth_rad: float) -> Floats:
    """The same cameras (B, 4, 4), moved and turned about the vertical through the point that they look at."""
    if azimuth_rad == 0.0:
        return T_world_camera
    cos, sin = np.cos(azimuth_rad), np.sin(azimuth_rad)
    turn = np.eye(4)
    turn[:2, :2] = [[cos, -sin], [sin, cos]]
    turn[:3, 3] = LOOK_AT_M - turn[:3, :3] @ LOOK_AT_M
    return np.einsum("ij,bjk->bik", turn, T_world_camera)


def look(
    seeds: Integers, query_m: Floats, robot_m: Floats, kind: Literal["anywhere", "seen", "novel"], pool: int
) -> Floats:
    """A viewpoint for every episode from which its query object is in sight.

    Args:
        seeds: (B,) episode seeds.
        query_m: (B, 3) middle of the query object.
        robot_m: (B, P, 3) middles of the robot's parts, which hide what is behind them.
        kind: "anywhere" on the dome, one of a pool of "seen" viewpoints, or one of as many "novel" ones.
        pool: size of the pool.

    Returns:
        (B, 4, 4) camera to world. Where no try has the object in sight, the last one.
    """
    tries = np.arange(TRIES)
    chosen = (counter.uniform(seeds[:, None], "viewpoint/which", index=tries) * pool).astype(np.int64)
    numbered = (chosen + (1 << 20 if kind == "novel" else 1 << 21), np.zeros(1, np.int64))
    T = _dome(*((seeds[:, None], tries) if kind == "anywhere" else numbered))  # (B, TRIES, 4, 4)
    seen = _in_sight(T, query_m[:, None], robot_m)
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), TRIES - 1)
    return T[np.arange(len(seeds)), first]


def _dome(seeds: Integers, index: Integers) -> Floats:
    """Viewpoints on the dome, (..., 4, 4)."""

    def drawn(use: str, low: float, high: float) -> Floats:
        return low + (high - low) * counter.uniform(seeds, f"viewpoint/{use}", index=index)

    azimuth, elevation = drawn("azimuth", -np.pi, np.pi), drawn("elevation", *ELEVATION_RAD)
    radius = drawn("radius", *RADIUS_M)
    shift = np.stack([drawn(axis, -JITTER_M, JITTER_M) for axis in "xy"] + [0.0 * radius], axis=-1)
    level = np.cos(elevation)
    away = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=-1)
    return facing(LOOK_AT_M + shift + radius[..., None] * away, LOOK_AT_M + shift)


def _in_sight(T: Floats, query_m: Floats, robot_m: Floats) -> Flags:
    """(B, TRIES) whether the query object is in the picture, and no part of the robot hides it or fills the picture."""
    eye_m = T[..., :3, 3]
    way = query_m - eye_m
    camera = np.einsum("...ij,...i->...j", T[..., :3, :3], way)
    half = np.tan(np.pi / 6) * MARGIN
    inside = (np.abs(camera[..., :2]) < half * camera[..., 2:]).all(axis=-1)
    part = robot_m[:, None] - eye_m[:, :, None]  # (B, TRIES, P, 3)
    along = (part * way[:, :, None]).sum(-1) / (way**2).sum(-1)[..., None]  # share of the way to the object
    aside = np.linalg.norm(part - along[..., None] * way[:, :, None], axis=-1)
    hidden = (along > 0) & (along < 0.97) & (aside < PART_RADIUS_M)
    near = np.linalg.norm(part, axis=-1) < NEAREST_PART_M
    return inside & ~(hidden | near).any(axis=-1)


def scatter(seeds: Integers, radii_m: Floats, low_m: Floats, high_m: Floats) -> Floats:
    """Places (B, K, 2) in a rectangle where discs of the given radii (B, K) keep apart.

    Every place is the first of `TRIES` that keeps clear of those before it, or, where none does, the clearest.
    """
    batch, count = radii_m.shape
    tries = np.arange(TRIES)
    placed = np.zeros((batch, count, 2))
    for k in range(count):
        names = [f"scatter/{k}/{axis}" for axis in "xy"]
        share = np.stack([counter.uniform(seeds[:, None], name, index=tries) for name in names], axis=-1)
        candidates = low_m + share * (high_m - low_m)  # (B, TRIES, 2)
        gap = np.full((batch, TRIES), np.inf)
        for j in range(k):
            apart = np.linalg.norm(candidates - placed[:, None, j], axis=-1)
            gap = np.minimum(gap, apart - (radii_m[:, k] + radii_m[:, j])[:, None])
        clear = gap > 0
        rank = np.where(clear.any(axis=1, keepdims=True), clear.astype(np.float64), gap)
        placed[:, k] = candidates[np.arange(batch), rank.argmax(axis=1)]
    return placed

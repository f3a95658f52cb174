"""Convex collision parts: each is a cloud of points whose convex hull is meant."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from eyehand.types import Array, Floats
from eyehand.world.objects.solids import Vessel

MOST_PARTS = 8


def ring_hull(stations_m: ArrayLike, sides: int = 24) -> Floats:
    """Rings (N, 2) of (radius, z) about the z axis: (N * sides, 3)."""
    stations = np.asarray(stations_m, dtype=float)
    angle = 2 * np.pi * np.arange(sides) / sides
    radius, z = stations[:, :1], stations[:, 1:]
    rings = np.stack([radius * np.cos(angle), radius * np.sin(angle), z + 0 * angle], -1)
    return rings.reshape(-1, 3)


def stacked(profile_m: ArrayLike, cuts_m: Sequence[float], sides: int = 24) -> tuple[Floats, ...]:
    """Hulls of the layers of a solid of revolution.

    Args:
        profile_m: (N, 2) outline (radius, z) with z increasing.
        cuts_m: heights at which one layer ends and the next begins, increasing.
        sides: corners of the rings.
    """
    profile = np.asarray(profile_m, dtype=float)
    edges = [float(profile[0, 1]), *cuts_m, float(profile[-1, 1])]
    layers: list[Floats] = []
    for low, high in pairwise(edges):
        between = profile[(profile[:, 1] > low) & (profile[:, 1] < high)]
        ends = np.array([[radius_at(profile, z), z] for z in (low, high)])
        chosen = np.concatenate([ends[:1], thinned(between, 8), ends[1:]])
        layers.append(ring_hull(chosen, sides))
    return tuple(layers)


def radius_at(outline_m: Floats, z_m: float) -> float:
    """Radius of an outline (N, 2) of (radius, z), z increasing, at a height."""
    return float(np.interp(z_m, outline_m[:, 1], outline_m[:, 0]))


def thinned(points: Array, most: int) -> Array:
    """At most `most` of the rows, evenly chosen, ends kept."""
    if len(points) <= most:
        return points
    return points[np.round(np.linspace(0, len(points) - 1, most)).astype(int)]


def vessel_parts(hollow: Vessel, sectors: int) -> tuple[Floats, ...]:
    """The floor and the wall of a vessel as 1 + `sectors` hulls that leave its inside open."""
    floor = float(hollow.inside[-1, 1])
    low = hollow.outside[hollow.outside[:, 1] <= floor + 1e-9]
    edge = np.array([[radius_at(hollow.outside, floor), floor]])
    base = ring_hull(np.concatenate([thinned(low, 5), edge]))
    outer, inner = thinned(hollow.outside, 8), thinned(hollow.inside, 6)
    parts = [base]
    for i in range(sectors):
        arc = 2 * np.pi * (i + np.linspace(0.0, 1.0, 5)) / sectors
        parts.append(np.concatenate([_at_angle(wall, angle) for wall in (outer, inner) for angle in arc]))
    return tuple(parts)


def _at_angle(stations: Floats, angle: float) -> Floats:
    radius, z = stations[:, 0], stations[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1)


def tube_parts(path_m: ArrayLike, radius_m: ArrayLike, pieces: int, flat: float = 1.0) -> tuple[Floats, ...]:
    """A tube along a path (N, 3) that bends in the x-z plane, as `pieces` hulls of boxes around its stations."""
    path = np.asarray(path_m, dtype=float)
    radius = np.broadcast_to(np.asarray(radius_m, dtype=float), len(path))
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    up = np.cross(tangent, np.array([0.0, 1.0, 0.0]))
    side = np.array([0.0, flat, 0.0])
    angle = 2 * np.pi * np.arange(8) / 8
    ring = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * up[:, None]  # (N, 8, 3)
    cloud = path[:, None] + radius[:, None, None] * ring
    bounds = [round(share * (len(path) - 1) / pieces) for share in range(pieces + 1)]
    spans = [np.arange(low, high + 1) for low, high in pairwise(bounds)]
    return tuple(cloud[thinned(span, 8)].reshape(-1, 3) for span in spans)


def box_hull(size_m: ArrayLike, chamfer_m: float = 0.0) -> Floats:
    """The corners of a box that stands on z = 0, cut off by `chamfer_m`: (8, 3) or (24, 3)."""
    half = np.asarray(size_m, dtype=float) / 2
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    cuts = np.eye(3) * chamfer_m if chamfer_m > 0 else np.zeros((1, 3))
    corners = np.concatenate([signs * (half - cut) for cut in cuts])
    return corners + np.array([0.0, 0.0, half[2]])


def ellipsoid_hull(radii_m: ArrayLike, foot: float = 0.0, sides: int = 14) -> Floats:
    """An ellipsoid about the origin; with `foot` > 0 its lowest point becomes a small plane that it can stand on.

    Args:
        radii_m: (3,) radii.
        foot: angle of the plane's edge seen from the centre, radians.
        sides: corners of a ring.
    """
    latitude = np.radians(np.linspace(-90.0, 90.0, sides // 2 + 1))
    rings = np.stack([np.cos(latitude), np.sin(latitude)], 1)
    rings[0] = (np.sin(foot), -1.0)
    return ring_hull(rings, sides) * np.asarray(radii_m, dtype=float)

"""Shapes of robot links: lofts with superelliptic sections, rounded boxes, discs, turned along any axis.

They add to `eyehand.world.meshes`, whose materials are here rows of a robot's own palette.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eyehand.types import Floats
from eyehand.world.meshes import Mesh, between, turned

Axis = Literal["x", "y", "z"]
_ALONG = {  # columns: the directions of a section's two axes and of the loft
    "x": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "y": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
    "z": np.eye(3),
}


def loft(stations: ArrayLike, material: int, axis: Axis = "z", sides: int = 20, smooth: int = 2) -> Mesh:
    """A closed tube through superelliptic sections, rounded where its first and last sections are small.

    Args:
        stations: (N, 6) rows (along, centre_a, centre_b, half_a, half_b, power): where the section lies along the
            axis, its centre and half sizes along the next two axes in cyclic order, and the power of its outline,
            2 for an ellipse, more for a rounder and rounder rectangle.
        material: row of the palette.
        axis: the direction of the tube.
        sides: corners of a section.
        smooth: pieces between two stations, along monotone cubics.
    """
    rows = _refined(np.asarray(stations, dtype=float), smooth)
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    cos, sin = np.cos(angle), np.sin(angle)
    power = 2.0 / rows[:, 5:6]
    a = rows[:, 1:2] + rows[:, 3:4] * np.sign(cos) * np.abs(cos) ** power
    b = rows[:, 2:3] + rows[:, 4:5] * np.sign(sin) * np.abs(sin) ** power
    rings = np.stack([a, b, np.broadcast_to(rows[:, :1], a.shape)], axis=2)  # (N, sides, 3)
    return skin(rings @ _ALONG[axis].T, material)


def skin(rings: Floats, material: int) -> Mesh:
    """Closed mesh through rings (N, S, 3) of equally many points, anticlockwise as seen against their direction."""
    count, sides = len(rings), int(rings.shape[1])
    here = np.arange(sides)
    there = (here + 1) % sides
    faces: list[NDArray[np.int64]] = []
    for station in range(count - 1):
        a, b = station * sides, (station + 1) * sides
        faces += [np.stack([a + here, a + there, b + there], 1), np.stack([a + here, b + there, b + here], 1)]
    bottom, top = count * sides, count * sides + 1
    last = (count - 1) * sides
    faces += [np.stack([np.full(sides, bottom), there, here], 1)]
    faces += [np.stack([np.full(sides, top), last + here, last + there], 1)]
    vertices = np.concatenate([rings.reshape(-1, 3), rings[:1].mean(1), rings[-1:].mean(1)])
    joined = np.concatenate(faces).astype(np.int32)
    return Mesh(vertices, joined, np.full(len(joined), material, np.int32))


def _refined(rows: Floats, pieces: int) -> Floats:
    """Rows between the given ones, on monotone cubics over the polyline's length, so that nothing overshoots."""
    steps = np.linalg.norm(np.diff(rows[:, :5], axis=0), axis=1)
    knots = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-9))])
    slopes = np.diff(rows, axis=0) / np.diff(knots)[:, None]
    tangents = np.zeros_like(rows)
    before, after = slopes[:-1], slopes[1:]
    mean = np.where(before * after > 0, 2 * before * after / np.where(before + after == 0, 1.0, before + after), 0.0)
    tangents[1:-1] = mean  # harmonic mean (Fritsch and Butland, 1984)
    tangents[0], tangents[-1] = slopes[0], slopes[-1]
    fine = [rows[:1]]
    for i, width in enumerate(np.diff(knots)):
        t = (np.arange(1, pieces + 1) / pieces)[:, None]
        fine.append(
            (1 + 2 * t) * (1 - t) ** 2 * rows[i]
            + t * (1 - t) ** 2 * width * tangents[i]
            + t**2 * (3 - 2 * t) * rows[i + 1]
            + t**2 * (t - 1) * width * tangents[i + 1]
        )
    return np.concatenate(fine)


def rounded_box(low_m: ArrayLike, high_m: ArrayLike, radius_m: float, material: int, corner: int = 2) -> Mesh:
    """A box between two opposite corners (3,) with round edges; `corner` pieces to a quarter circle."""
    low, high = np.asarray(low_m, dtype=float), np.asarray(high_m, dtype=float)
    half, centre = (high - low) / 2, (high + low) / 2
    radius = min(radius_m, float(half.min()))
    turn = np.linspace(0.0, np.pi / 2, corner + 1)
    along = np.concatenate([-half[2] + radius * (1 - np.sin(turn[::-1])[::-1]), half[2] - radius * (1 - np.sin(turn))])
    along[: corner + 1] = -half[2] + radius * (1 - np.cos(turn))
    along[corner + 1 :] = half[2] - radius * (1 - np.cos(turn[::-1]))
    out = radius * np.concatenate([np.sin(turn), np.sin(turn[::-1])])
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (half[:2] - radius)
    arcs = (np.arange(4)[:, None] * np.pi / 2 + turn[None]).reshape(-1)
    direction = np.stack([np.cos(arcs), np.sin(arcs)], 1)
    outline = np.repeat(corners, corner + 1, axis=0)[None] + out[:, None, None] * direction[None]
    rings = np.concatenate([outline, np.broadcast_to(along[:, None, None], (*outline.shape[:2], 1))], axis=2)
    return skin(rings + centre, material)


def spun(
    profile_m: ArrayLike,
    material: int | Sequence[int],
    axis: Axis = "z",
    centre_m: ArrayLike = (0.0, 0.0, 0.0),
    sides: int = 20,
) -> Mesh:
    """A solid of revolution, see `eyehand.world.meshes.turned`, about an axis through `centre_m` (3,)."""
    centre = np.asarray(centre_m, dtype=float)
    return between(turned(profile_m, material, sides), centre, centre + _ALONG[axis][:, 2])


def disc(
    centre_m: ArrayLike,
    radius_m: float,
    half_m: float,
    material: int,
    axis: Axis = "z",
    bevel_m: float = 0.008,
    sides: int = 20,
) -> Mesh:
    """A cylinder with round rims about an axis through its centre (3,)."""
    turn = np.linspace(0.0, np.pi / 2, 3)
    bevel = min(bevel_m, half_m, radius_m)
    rim = np.stack([-half_m + bevel * (1 - np.sin(turn)), radius_m - bevel * (1 - np.cos(turn))], 1)[::-1]
    profile = np.concatenate([rim, rim[::-1] * np.array([-1.0, 1.0])])
    return spun(profile, material, axis, centre_m, sides)

"""The solids that household objects are made of: turned solids, vessels with a wall, tubes, rounded boxes, ellipsoids.

Every solid is closed and its faces look outwards; `fineness` scales the number of triangles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eyehand.types import Floats, Integers
from eyehand.world.objects.surface import Shape


def sides_of(fineness: float, usual: int = 40) -> int:
    """Corners of a round section: `usual` ones at fineness 1, a multiple of four."""
    return max(8, 4 * round(usual * fineness / 4))


def pieces_of(fineness: float, usual: int = 4) -> int:
    """Pieces of a curve: `usual` ones at fineness 1, never none."""
    return max(1, round(usual * fineness))


def spline(points: ArrayLike, pieces: int = 6) -> Floats:
    """A Catmull-Rom curve through points (N, D): ((N - 1) * pieces + 1, D)."""
    p = np.asarray(points, dtype=float)
    padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.arange(pieces)[:, None] / pieces
    a, b, c, d = (padded[i : i + len(p) - 1, None] for i in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([curve.reshape(-1, p.shape[1]), p[-1:]])


def arc(centre: ArrayLike, radius: float, start_deg: float, end_deg: float, pieces: int = 4) -> Floats:
    """(pieces + 1, 2) points on a circle in the plane of a profile, angles from the radial axis upwards."""
    angle = np.radians(np.linspace(start_deg, end_deg, pieces + 1))
    return np.asarray(centre, dtype=float) + radius * np.stack([np.cos(angle), np.sin(angle)], 1)


def _grid_faces(rows: int, columns: int) -> Integers:
    """Triangles of a (rows, columns) grid of vertices whose rows run anticlockwise and go up along the outside."""
    here = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    right, up = here + 1, here + columns
    return np.concatenate([np.stack([here, right, up + 1], 1), np.stack([here, up + 1, up], 1)])


def turned(profile_m: ArrayLike, sides: int, v: ArrayLike | None = None) -> Shape:
    """A solid of revolution about z.

    Args:
        profile_m: (N, 2) (radius, z) from the axis at the bottom, up along the outside, back to the axis.
        sides: corners of the cross section.
        v: (N,) texture row of every station; by default it goes along the profile, 1 at the bottom.
    """
    profile = np.asarray(profile_m, dtype=float)
    steps = np.linalg.norm(np.diff(profile, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)]) / max(steps.sum(), 1e-12)
    rows = 1.0 - along if v is None else np.asarray(v, dtype=float)
    angle = 2 * np.pi * (np.arange(sides + 1) % sides) / sides  # the last column lies exactly on the first
    radius, z = profile[:, :1], profile[:, 1:]
    vertices = np.stack([radius * np.cos(angle), radius * np.sin(angle), z + 0 * angle], axis=-1)
    u = np.broadcast_to(np.arange(sides + 1) / sides, vertices.shape[:2])
    uv = np.stack([u, np.broadcast_to(rows[:, None], u.shape)], axis=-1)
    return Shape(vertices.reshape(-1, 3), _grid_faces(len(profile), sides + 1), uv.reshape(-1, 2))


def ellipsoid(radii_m: ArrayLike, sides: int = 24) -> Shape:
    """An ellipsoid about the origin, poles along z."""
    latitude = np.radians(np.linspace(-90.0, 90.0, sides // 2 + 1))
    profile = np.stack([np.cos(latitude), np.sin(latitude)], 1)
    profile[[0, -1], 0] = 0.0
    return turned(profile, sides).scaled(radii_m)


_ALL_OVER = ("dots", "speckle", "stripes")


@dataclass(frozen=True)
class Vessel:
    """The wall of a hollow turned thing.

    Attributes:
        outside: (N, 2) (radius, z) from the foot's edge at z = 0 up to the rim.
        inside: (M, 2) from the rim down to the edge of the inner floor.
        profile: the whole closed profile, axis to axis.
    """

    outside: Floats
    inside: Floats
    profile: Floats

    def shape(self, sides: int, kind: str = "") -> Shape:
        """The solid; its outside shows the upper three quarters of the texture, its inside the rest.

        The texture repeats around it as often as keeps it from being stretched. A texture of a `kind` that has no
        other pattern for the inside goes on there as on the outside.
        """
        count = len(self.outside)
        radius, height = float(self.outside[:, 0].max()), float(self.outside[-1, 1])
        steps = np.linalg.norm(np.diff(self.profile[count:], axis=0), axis=1)
        along = np.cumsum(steps) / steps.sum()
        inner = 0.74 * along if kind in _ALL_OVER else 0.76 + 0.23 * along
        v = np.concatenate([[0.74], 0.74 * (1.0 - self.outside[:, 1] / height), inner])
        solid = turned(self.profile, sides, v)
        around = min(max(round(2 * np.pi * radius * 0.74 / height), 1), 4)
        return Shape(solid.vertices, solid.faces, solid.uv * np.array([around, 1.0]))


def vessel(outside_m: ArrayLike, wall_m: float, floor_m: float) -> Vessel:
    """A vessel of even thickness with a round rim.

    Args:
        outside_m: (N, 2) (radius, z) from the foot's edge at z = 0 up to the rim.
        wall_m: thickness of the wall.
        floor_m: height of the inner floor above the table.
    """
    outside = np.asarray(outside_m, dtype=float)
    along = np.gradient(outside, axis=0)
    inward = np.stack([-along[:, 1], along[:, 0]], 1) / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    offset = (outside + wall_m * inward)[::-1]
    keep = (offset[:, 1] > floor_m + 1e-4) & (offset[:, 0] > wall_m)
    inside = offset[: np.argmin(keep)] if not keep.all() else offset
    middle = 0.5 * (outside[-1] + offset[0])
    out = 0.5 * (outside[-1] - offset[0])
    up = np.array([-out[1], out[0]])
    turn = np.radians([36.0, 72.0, 108.0, 144.0])
    rim = middle + np.cos(turn)[:, None] * out + np.sin(turn)[:, None] * up
    edge = np.array([[max(inside[-1, 0] - 0.5 * wall_m, 0.3 * inside[-1, 0]), floor_m]])
    profile = np.concatenate([[[0.0, 0.0]], outside, rim, inside, edge, [[0.0, floor_m]]])
    return Vessel(outside, np.concatenate([inside, edge]), profile)


def tube(
    path_m: ArrayLike, radius_m: ArrayLike, sides: int = 10, flat: float = 1.0, across: ArrayLike = (0.0, 1.0, 0.0)
) -> Shape:
    """A closed tube along a path; rings stand square to it.

    Args:
        path_m: (N, 3) centres of the rings.
        radius_m: one radius or (N,).
        sides: corners of the cross section.
        flat: width of the section along `across` over its width within the plane of the path, for handles.
        across: (3,) a direction that the path never takes, best the one square to its plane.
    """
    path = np.asarray(path_m, dtype=float)
    radius = np.broadcast_to(np.asarray(radius_m, dtype=float), len(path))
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    away = np.asarray(across, dtype=float)
    side = away - (tangent @ away)[:, None] * tangent
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(tangent, side)
    angle = 2 * np.pi * (np.arange(sides + 1) % sides) / sides
    ring = flat * np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * up[:, None]
    return loft(path[:, None] + radius[:, None, None] * ring)


def loft(rings_m: Floats) -> Shape:
    """A solid through closed rings (N, S + 1, 3), last corner on the first, both ends closed flat.

    Along the solid's direction the rings turn clockwise when looked at from behind, as the faces then look outwards.
    """
    count, corners = rings_m.shape[:2]
    ends = [np.broadcast_to(rings_m[i, :-1].mean(0), (1, corners, 3)) for i in (0, -1)]
    vertices = np.concatenate([ends[0], rings_m, ends[1]])
    uv = np.empty((count + 2, corners, 2))
    uv[..., 0] = np.arange(corners) / (corners - 1)
    uv[..., 1] = np.linspace(1.0, 0.0, count + 2)[:, None]
    return Shape(vertices.reshape(-1, 3), _grid_faces(count + 2, corners), uv.reshape(-1, 2))


def rounded_prism(outline_m: ArrayLike, depth_m: float, radius_m: float, pieces: int = 3) -> Shape:
    """A prism along y over a convex outline, with round edges.

    Args:
        outline_m: (N, 2) corners (x, z), anticlockwise as seen from -y.
        depth_m: length along y.
        radius_m: radius of the edges.
        pieces: facets of an edge's quarter circle.
    """
    corners = np.asarray(outline_m, dtype=float)
    edge = np.roll(corners, -1, axis=0) - corners
    out = np.stack([edge[:, 1], -edge[:, 0]], 1) / np.linalg.norm(edge, axis=1, keepdims=True)  # of each edge
    before = np.roll(out, 1, axis=0)
    core = corners - radius_m * (before + out) / (1.0 + (before * out).sum(1, keepdims=True))
    start = np.arctan2(before[:, 1], before[:, 0])
    sweep = np.arctan2(before[:, 0] * out[:, 1] - before[:, 1] * out[:, 0], (before * out).sum(1))
    angle = start[:, None] + sweep[:, None] * np.linspace(0.0, 1.0, 2 * pieces + 1)  # (N, 2 pieces + 1)
    arcs = np.stack([np.cos(angle), np.sin(angle)], -1)
    turn = np.linspace(0.0, np.pi / 2, pieces + 1)
    rings: list[Floats] = []
    for reach, back in zip(np.sin(turn), np.cos(turn), strict=True):
        flat = (core[:, None] + radius_m * reach * arcs).reshape(-1, 2)[::-1]
        flat = np.concatenate([flat, flat[:1]])
        y = np.full(len(flat), -0.5 * depth_m + radius_m * (1.0 - back))
        rings.append(np.stack([flat[:, 0], y, flat[:, 1]], 1))
    rings += [ring * np.array([1.0, -1.0, 1.0]) for ring in reversed(rings)]
    return loft(np.stack(rings))


def rounded_box(size_m: ArrayLike, radius_m: float, pieces: int = 3) -> Shape:
    """A box with round edges, standing on z = 0; its six sides share an image of 3 x 2 cells.

    The cells show, in reading order: front (-y), right (+x), back (+y), left (-x), top, bottom.

    Args:
        size_m: (3,) length, depth, height.
        radius_m: radius of the edges.
        pieces: facets of an edge's quarter circle.
    """
    half = np.asarray(size_m, dtype=float) / 2
    radius = min(radius_m, 0.98 * float(half.min()))
    turn = np.tan(np.radians(np.linspace(-45.0, 45.0, 2 * pieces + 1)))
    looks = ((0, 2, 1, -1), (1, 2, 0, 1), (0, 2, 1, 1), (1, 2, 0, -1), (0, 1, 2, 1), (0, 1, 2, -1))
    shapes: list[Floats] = []
    coordinates: list[Floats] = []
    for cell, (across, up, out, sign) in enumerate(looks):
        cube = np.empty((len(turn) + 1, len(turn) + 1, 3))
        knots = np.insert(turn, pieces, 0.0)  # doubled in the middle: the flat part lies between
        core = np.where(np.arange(len(knots)) <= pieces, -1.0, 1.0)
        direction = np.empty_like(cube)
        direction[..., across], direction[..., up], direction[..., out] = knots[None, :], knots[:, None], sign
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        flat = half - radius
        cube[..., across] = core[None, :] * flat[across]
        cube[..., up] = core[:, None] * flat[up]
        cube[..., out] = sign * flat[out]
        cube += radius * direction
        mirrored = (across + 1) % 3 == up  # which way round (across, up, out) turn
        right = 1.0 if mirrored == (sign > 0) else -1.0
        u = 0.5 + 0.5 * right * cube[..., across] / half[across]
        v = 0.5 - 0.5 * cube[..., up] / half[up]
        row, column = divmod(cell, 3)
        shapes.append(cube if right > 0 else cube[:, ::-1])
        uv = np.stack([(0.02 + 0.96 * u + column) / 3, (0.02 + 0.96 * v + row) / 2], -1)
        coordinates.append(uv if right > 0 else uv[:, ::-1])
    count = len(turn) + 1
    faces = np.concatenate([_grid_faces(count, count) + i * count * count for i in range(6)])
    vertices = np.concatenate([part.reshape(-1, 3) for part in shapes]) + np.array([0.0, 0.0, half[2]])
    return Shape(vertices, faces, np.concatenate([part.reshape(-1, 2) for part in coordinates]))

"""Closed triangle surfaces with texture coordinates, smooth normals and mass properties.

A `Shape` is what the generators build with; a `Surface` is a finished one, with one normal and one texture coordinate
for every vertex, as renderers and MuJoCo take them. Where two faces meet at a sharp angle, or where the texture has a
seam, vertices are doubled: the geometry stays closed, as welding equal positions shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eyehand.types import Floats, Integers

_WELD_M = 1e-7  # vertices nearer than this are one
_CREASE_COS = 0.75  # faces that meet at more than 41 degrees show an edge
_THIN_M2 = 1e-13  # triangles smaller than this, at the poles of turned shapes, are left out


@dataclass(frozen=True)
class Shape:
    """Triangles under construction, in metres, z up.

    Attributes:
        vertices: (V, 3) positions.
        faces: (F, 3) vertex numbers, anticlockwise as seen from outside.
        uv: (V, 2) texture coordinates: u to the right along an image row, v down from its first row, in shares of
            the image.
    """

    vertices: Floats
    faces: Integers
    uv: Floats

    def moved(self, t_m: ArrayLike, R: Floats | None = None) -> Shape:
        """The shape turned by `R` (3, 3) about the origin, then shifted by `t_m` (3,)."""
        turned = self.vertices if R is None else self.vertices @ R.T
        return Shape(turned + np.asarray(t_m, dtype=float), self.faces, self.uv)

    def scaled(self, factors: ArrayLike) -> Shape:
        """The shape stretched by positive factors, one or (3,), about the origin."""
        return Shape(self.vertices * np.asarray(factors, dtype=float), self.faces, self.uv)

    def in_cell(self, cell: int, cells: int = 4) -> Shape:
        """The shape painted with one cell of an image that is a grid of `cells` x `cells`, a margin inside."""
        row, column = divmod(cell, cells)
        inner = 0.1 + 0.8 * np.clip(self.uv, 0.0, 1.0)
        return Shape(self.vertices, self.faces, (inner + np.array([column, row])) / cells)


@dataclass(frozen=True, eq=False)
class Surface:
    """A finished mesh, in metres.

    Attributes:
        vertices: (V, 3) positions.
        normals: (V, 3) unit shading normals.
        uv: (V, 2) texture coordinates as in `Shape`.
        faces: (F, 3) int32 vertex numbers, anticlockwise as seen from outside.
    """

    vertices: Floats
    normals: Floats
    uv: Floats
    faces: NDArray[np.int32]

    def moved(self, t_m: ArrayLike) -> Surface:
        """The surface shifted by `t_m` (3,)."""
        return Surface(self.vertices + np.asarray(t_m, dtype=float), self.normals, self.uv, self.faces)


@dataclass(frozen=True)
class MassProperties:
    """Mass, where it sits, and how it resists turning.

    Attributes:
        mass_kg: the mass.
        centre_m: (3,) centre of mass in the object's frame.
        inertia_kg_m2: (3, 3) inertia about the centre of mass, axes of the object's frame.
    """

    mass_kg: float
    centre_m: Floats
    inertia_kg_m2: Floats


def join(shapes: Sequence[Shape]) -> Shape:
    """All triangles in one shape; parts may run into each other."""
    starts = np.cumsum([0, *(len(shape.vertices) for shape in shapes)])
    return Shape(
        np.concatenate([shape.vertices for shape in shapes]),
        np.concatenate([shape.faces + start for shape, start in zip(shapes, starts, strict=False)]),
        np.concatenate([shape.uv for shape in shapes]),
    )


def welded(vertices: Floats) -> Integers:
    """(V,) the same number for vertices (V, 3) at the same place."""
    return _row_numbers(np.round(vertices / _WELD_M).astype(np.int64))


def _areas(shape: Shape) -> Floats:
    """(F, 3) normals of the triangles, as long as twice their areas."""
    corners = shape.vertices[shape.faces]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def has_area(shape: Shape) -> bool:
    """Whether any triangle is more than a line."""
    return bool((np.linalg.norm(_areas(shape), axis=1) > _THIN_M2).any())


def shaded(shape: Shape) -> Surface:
    """A finished surface: normals smooth over shallow edges only, vertices doubled along sharp ones."""
    area = _areas(shape)
    real = np.linalg.norm(area, axis=1) > _THIN_M2
    faces = shape.faces[real]
    smooth = _corner_normals(welded(shape.vertices)[faces], area[real])
    vertex = faces.reshape(-1)
    keys = np.round(smooth * 1e4).astype(np.int64)
    _, first, corner = np.unique(_row_numbers(np.column_stack([vertex, keys])), return_index=True, return_inverse=True)
    return Surface(
        shape.vertices[vertex[first]],
        smooth[first],
        shape.uv[vertex[first]],
        corner.reshape(-1, 3).astype(np.int32),
    )


def _row_numbers(rows: Integers) -> Integers:
    """(N,) equal numbers for equal rows (N, K) of whole numbers."""
    number = np.zeros(len(rows), np.int64)
    for column in rows.T:
        _, code = np.unique(column, return_inverse=True)
        _, number = np.unique(number * (int(code.max()) + 1) + code, return_inverse=True)
    return number


def _corner_normals(places: Integers, area: Floats) -> Floats:
    """Unit shading normals (F * 3, 3): the sum over those faces around a corner that meet its own face smoothly.

    Args:
        places: (F, 3) welded vertex numbers.
        area: (F, 3) normals as long as twice the faces' areas.
    """
    place = places.reshape(-1)
    order = np.argsort(place, kind="stable")  # corners, those of one vertex side by side
    count = np.bincount(place)
    start = np.cumsum(count) - count
    around = count[place]  # how many corners share a corner's vertex
    mine = np.repeat(np.arange(len(place)), around)
    offset = np.arange(len(mine)) - np.repeat(np.cumsum(around) - around, around)
    other = order[np.repeat(start[place], around) + offset] // 3
    unit = area / np.linalg.norm(area, axis=1, keepdims=True)
    alike = (unit[other] * unit[mine // 3]).sum(1) > _CREASE_COS
    mine, other = mine[alike], other[alike]
    total = np.stack([np.bincount(mine, area[other, axis], len(place)) for axis in range(3)], 1)
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def volume_m3(vertices: Floats, faces: NDArray[np.integer]) -> float:
    """Volume that closed faces (F, 3) over vertices (V, 3) enclose: the sum of signed tetrahedra."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


def mass_properties(vertices: Floats, faces: NDArray[np.integer], mass_kg: float) -> MassProperties:
    """Mass properties of a closed surface that is filled evenly; of its bounds where it is not closed.

    The second moments are integrated over signed tetrahedra with one corner in the origin: for a tetrahedron with
    corners 0, a, b, c and volume V, int x x^T = V / 20 (s s^T + a a^T + b b^T + c c^T) with s = a + b + c.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3) anticlockwise from outside.
        mass_kg: the whole mass.
    """
    corners = vertices[faces]  # (F, 3, 3)
    volume = np.linalg.det(corners) / 6.0
    total = float(volume.sum()) or 1e-300
    s = corners.sum(1)
    centre = (volume[:, None] * s).sum(0) / (4.0 * total)
    squares = np.einsum("fi,fj->fij", s, s) + np.einsum("fki,fkj->fij", corners, corners)
    second = (volume[:, None, None] * squares).sum(0) / 20.0 / total - np.outer(centre, centre)
    low, size = vertices.min(0), np.maximum(np.ptp(vertices, axis=0), 1e-3)
    spread = np.diag(size**2) / 12.0
    if not (total > 0.01 * size.prod() and np.linalg.eigvalsh(second)[0] > 1e-3 * spread.min()):
        centre, second = low + 0.5 * size, spread  # an open mesh of a user's
    return MassProperties(mass_kg, centre, mass_kg * (np.trace(second) * np.eye(3) - second))

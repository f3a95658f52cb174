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
from eyehand.world.meshes import Mesh

_WELD_M = 1e-7  # vertices nearer than this are one
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
    _, same = np.unique(np.round(vertices / _WELD_M).astype(np.int64), axis=0, return_inverse=True)
    return same.reshape(-1)


def shaded(shape: Shape) -> Surface:
    """A finished surface: normals smooth over shallow edges only, vertices doubled along sharp ones."""
    corners = shape.vertices[shape.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    faces = shape.faces[area > _THIN_M2]
    same = welded(shape.vertices)
    places = np.zeros((same.max() + 1, 3))
    places[same] = shape.vertices
    smooth = Mesh(places, same[faces].astype(np.int32), np.zeros(len(faces), np.int32)).corner_normals()  # (F, 3, 3)
    keys = np.concatenate([faces.reshape(-1, 1), np.round(smooth.reshape(-1, 3) * 1e4).astype(np.int64)], axis=1)
    _, first, corner = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    vertex = faces.reshape(-1)[first]
    return Surface(
        shape.vertices[vertex],
        smooth.reshape(-1, 3)[first],
        shape.uv[vertex],
        corner.reshape(-1, 3).astype(np.int32),
    )


def volume_m3(vertices: Floats, faces: NDArray[np.integer]) -> float:
    """Volume that closed faces (F, 3) over vertices (V, 3) enclose: the sum of signed tetrahedra."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


def mass_properties(vertices: Floats, faces: NDArray[np.integer], mass_kg: float) -> MassProperties:
    """Mass properties of a closed surface that is filled evenly.

    The second moments are integrated over signed tetrahedra with one corner in the origin: for a tetrahedron with
    corners 0, a, b, c and volume V, int x x^T = V / 20 (s s^T + a a^T + b b^T + c c^T) with s = a + b + c.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3) anticlockwise from outside.
        mass_kg: the whole mass.
    """
    corners = vertices[faces]  # (F, 3, 3)
    volume = np.linalg.det(corners) / 6.0
    total = volume.sum()
    s = corners.sum(1)
    centre = (volume[:, None] * s).sum(0) / (4.0 * total)
    squares = np.einsum("fi,fj->fij", s, s) + np.einsum("fki,fkj->fij", corners, corners)
    second = (volume[:, None, None] * squares).sum(0) / 20.0 / total - np.outer(centre, centre)
    return MassProperties(mass_kg, centre, mass_kg * (np.trace(second) * np.eye(3) - second))

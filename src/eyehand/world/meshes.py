"""Triangle meshes made of boxes, turned solids and tubes, each triangle with a material.

Nothing is loaded from disk: a scene is a list of primitives joined into one mesh. Shading normals are smooth across
an edge only where its two sides meet at a shallow angle, so that drums have round sides and sharp rims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eyehand.types import Floats

_CREASE_COS = 0.75  # faces that meet at more than 41 degrees show an edge


@dataclass(frozen=True)
class Mesh:
    """Triangles in one frame.

    Attributes:
        vertices: (V, 3) positions in metres.
        faces: (F, 3) int32 vertex numbers, anticlockwise as seen from outside.
        material: (F,) int32 row of each triangle in a table of materials.
    """

    vertices: Floats
    faces: NDArray[np.int32]
    material: NDArray[np.int32]

    def moved(self, R: Floats, t_m: ArrayLike) -> Mesh:
        """The mesh turned by `R` (3, 3), then shifted by `t_m` (3,)."""
        return Mesh(self.vertices @ R.T + np.asarray(t_m), self.faces, self.material)

    def scaled(self, factors: ArrayLike) -> Mesh:
        """The mesh stretched along the axes by positive factors (3,) about the origin."""
        return Mesh(self.vertices * np.asarray(factors), self.faces, self.material)

    def corner_normals(self) -> Floats:
        """Unit shading normals (F, 3, 3) at the three corners of every face."""
        corners = self.vertices[self.faces]  # (F, 3, 3)
        face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # length: twice the area
        around = self._faces_around_vertices()[self.faces]  # (F, 3, D)
        alike = (_unit(face)[around] * _unit(face)[:, None, None]).sum(-1) > _CREASE_COS
        return _unit((face[around] * (alike & (around >= 0))[..., None]).sum(2))

    def _faces_around_vertices(self) -> NDArray[np.int64]:
        """(V, D) numbers of the faces at each vertex, filled up with -1."""
        vertex = self.faces.reshape(-1)
        order = np.argsort(vertex, kind="stable")
        count = np.bincount(vertex, minlength=len(self.vertices))
        slot = np.arange(len(vertex)) - (np.cumsum(count) - count)[vertex[order]]
        table = np.full((len(self.vertices), int(count.max())), -1)
        table[vertex[order], slot] = order // 3
        return table


def _unit(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def join(meshes: Sequence[Mesh]) -> Mesh:
    """All triangles in one mesh; vertices of different parts stay apart."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]).astype(np.int32),
        np.concatenate([mesh.material for mesh in meshes]),
    )


def box(low_m: ArrayLike, high_m: ArrayLike, material: int) -> Mesh:
    """A box between two opposite corners (3,)."""
    low, high = np.asarray(low_m, dtype=float), np.asarray(high_m, dtype=float)
    vertices: list[Floats] = []
    faces: list[list[int]] = []
    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        for side in range(2):
            square = np.empty((4, 3))
            square[:, axis] = (low, high)[side][axis]
            square[:, a] = np.array([low[a], high[a], high[a], low[a]])
            square[:, b] = np.array([low[b], low[b], high[b], high[b]])
            start = 4 * len(vertices)
            order = (0, 1, 2, 3) if side else (3, 2, 1, 0)
            faces += [[start + order[0], start + order[1], start + order[2]]]
            faces += [[start + order[0], start + order[2], start + order[3]]]
            vertices.append(square)
    return Mesh(np.concatenate(vertices), np.array(faces, np.int32), np.full(12, material, np.int32))


def quad(corner_m: ArrayLike, edge_u_m: ArrayLike, edge_v_m: ArrayLike, material: int) -> Mesh:
    """A parallelogram (corner, corner + u, corner + u + v, corner + v) that faces along u x v."""
    corner, u, v = (np.asarray(value, dtype=float) for value in (corner_m, edge_u_m, edge_v_m))
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return Mesh(np.stack([corner, corner + u, corner + u + v, corner + v]), faces, np.full(2, material, np.int32))


def turned(profile_m: ArrayLike, material: int | Sequence[int], sides: int = 28) -> Mesh:
    """A solid of revolution about the x axis, closed at both ends.

    Args:
        profile_m: (N, 2) stations (position along x, radius), x not decreasing.
        material: one material, or one for each of the N - 1 bands (the ends take their neighbour's).
        sides: corners of the cross section.
    """
    profile = np.asarray(profile_m, dtype=float)
    closed = np.concatenate([[[profile[0, 0], 0.0]], profile, [[profile[-1, 0], 0.0]]])
    bands = [material] * (len(profile) - 1) if isinstance(material, int) else list(material)
    bands = [bands[0], *bands, bands[-1]]
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.zeros(sides), np.cos(angle), np.sin(angle)], 1)
    vertices = closed[:, None, 1:] * ring + closed[:, None, :1] * np.array([1.0, 0.0, 0.0])  # (N + 2, sides, 3)
    here = np.arange(sides)
    there = (here + 1) % sides
    faces: list[NDArray[np.int64]] = []
    for station in range(len(closed) - 1):
        a, b = station * sides, (station + 1) * sides
        faces += [np.stack([a + here, a + there, b + there], 1), np.stack([a + here, b + there, b + here], 1)]
    materials = np.repeat(np.array(bands, np.int32), 2 * sides)
    return Mesh(vertices.reshape(-1, 3), np.concatenate(faces).astype(np.int32), materials)


def between(mesh: Mesh, start_m: ArrayLike, end_m: ArrayLike) -> Mesh:
    """A mesh made along the x axis, turned to point from `start_m` to `end_m` and shifted to start there."""
    start, end = np.asarray(start_m, dtype=float), np.asarray(end_m, dtype=float)
    x = _unit(end - start)
    helper = np.array([0.0, 1.0, 0.0]) if abs(x[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    z = _unit(np.cross(x, helper))
    return mesh.moved(np.stack([x, np.cross(z, x), z], axis=1), start)


def rod(start_m: ArrayLike, end_m: ArrayLike, radius_m: float, material: int, sides: int = 10) -> Mesh:
    """A straight round rod."""
    length = float(np.linalg.norm(np.asarray(end_m, dtype=float) - np.asarray(start_m, dtype=float)))
    return between(turned([[0.0, radius_m], [length, radius_m]], material, sides), start_m, end_m)


def cable(points_m: ArrayLike, radius_m: float, material: int, pieces: int = 24) -> Mesh:
    """A round cable along a Bezier curve with the control points (N, 3)."""
    points = np.asarray(points_m, dtype=float)
    share = np.linspace(0.0, 1.0, pieces + 1)[:, None, None]
    curve = np.broadcast_to(points, (pieces + 1, *points.shape))
    while curve.shape[1] > 1:
        curve = (1 - share) * curve[:, :-1] + share * curve[:, 1:]
    path = curve[:, 0]
    return join([rod(a, b, radius_m, material, 8) for a, b in pairwise(path)])


def drum(
    centre_m: ArrayLike, radius_m: float, half_m: float, materials: tuple[int, int], bevel_m: float = 0.012
) -> Mesh:
    """A round-edged cylinder along y: a joint's motor with an end cap of another material on either side.

    Args:
        centre_m: (3,) centre.
        radius_m: radius of the body.
        half_m: half its length.
        materials: of the body and of the caps.
        bevel_m: radius of the rounded edges.
    """
    turn = np.linspace(0.0, np.pi / 2, 4)
    edge = np.stack([-half_m + bevel_m * (1 - np.cos(turn)), radius_m - bevel_m * (1 - np.sin(turn))], 1)
    cap = np.array([[-half_m - 0.004, 0.55 * radius_m], [-half_m, 0.58 * radius_m]])
    half = np.concatenate([cap, edge])
    profile = np.concatenate([half, half[::-1] * np.array([-1.0, 1.0])])
    body, end = materials
    bands = [end] + [body] * (len(profile) - 3) + [end]
    centre = np.asarray(centre_m, dtype=float)
    reach = np.array([0.0, 1.0, 0.0])
    return between(turned(profile, bands), centre, centre + reach)

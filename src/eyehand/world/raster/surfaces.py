"""Triangle surfaces as the rasteriser takes them in: corners with their own normals and texture coordinates."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyehand.types import Floats32, Integers


@dataclass(frozen=True)
class Surface:
    """Triangles whose corners carry what is interpolated over them.

    Attributes:
        vertices: (V, 4) x, y, z and the cap sign c of each vertex; a geom draws it at (x sx, y sy, z sz + c h), which
            lets one capsule stand for capsules of every length.
        faces: (F, 3) vertex rows, anticlockwise as seen from outside.
        normals: (F, 3, 3) unit normals at the corners.
        uv: (F, 3, 2) texture coordinates at the corners.
        has_uv: the coordinates mean something; else textures are projected along z.
    """

    vertices: Floats32
    faces: Integers
    normals: Floats32
    uv: Floats32
    has_uv: bool = False


_CREASE_COS = 0.8  # measured on `mujoco.Renderer`: normals that lean more are not smoothed


def of_mesh(model: Any, mesh: int) -> Surface:
    """The surface of a mesh of a compiled model, with the normals that `mujoco.Renderer` draws it with.

    Args:
        model: a `mujoco.MjModel`.
        mesh: row of the mesh.
    """
    faces = slice(int(model.mesh_faceadr[mesh]), int(model.mesh_faceadr[mesh] + model.mesh_facenum[mesh]))
    vertices = slice(int(model.mesh_vertadr[mesh]), int(model.mesh_vertadr[mesh] + model.mesh_vertnum[mesh]))
    normals = slice(int(model.mesh_normaladr[mesh]), int(model.mesh_normaladr[mesh] + model.mesh_normalnum[mesh]))
    triangles = np.array(model.mesh_face[faces], np.int64)
    has_uv = int(model.mesh_texcoordadr[mesh]) >= 0
    uv = np.zeros((len(triangles), 3, 2), np.float32)
    if has_uv:
        start, count = int(model.mesh_texcoordadr[mesh]), int(model.mesh_texcoordnum[mesh])
        uv = np.array(model.mesh_texcoord[start : start + count], np.float32)[model.mesh_facetexcoord[faces]]
    points = np.array(model.mesh_vert[vertices], np.float32)
    smooth = np.array(model.mesh_normal[normals], np.float32)[model.mesh_facenormal[faces]]
    face = _face_normals(points[triangles])[:, None]
    creased = (smooth * face).sum(axis=-1, keepdims=True) < _CREASE_COS
    vertices = np.concatenate([points, np.zeros((len(points), 1), np.float32)], axis=1)
    return Surface(vertices, triangles, np.where(creased, face, smooth).astype(np.float32), uv, has_uv)


def plane() -> Surface:
    """The square from -1 to 1 in x and y that faces along z."""
    vertices = np.array([[-1, -1, 0, 0], [1, -1, 0, 0], [1, 1, 0, 0], [-1, 1, 0, 0]], np.float32)
    return _flat(vertices, np.array([[0, 1, 2], [0, 2, 3]]))


def box() -> Surface:
    """The cube from -1 to 1; every side shows the whole texture."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    vertices: list[Floats32] = []
    faces: list[list[int]] = []
    for axis in range(3):
        for side in (-1.0, 1.0):
            square = np.zeros((4, 4), np.float32)
            square[:, axis] = side
            square[:, (axis + 1) % 3], square[:, (axis + 2) % 3] = signs.T
            a = 4 * len(vertices)
            corners = [a, a + 1, a + 2, a + 3] if side > 0 else [a + 3, a + 2, a + 1, a]
            faces += [[corners[0], corners[1], corners[2]], [corners[0], corners[2], corners[3]]]
            vertices.append(square)
    return _flat(np.concatenate(vertices), np.array(faces))


def sphere(slices: int, stacks: int) -> Surface:
    """The unit ball in `slices` around z and `stacks` from pole to pole."""
    return _turned(_arc(stacks), slices, _falling(stacks))


def capsule(slices: int, stacks: int) -> Surface:
    """Unit half balls with cap signs -1 and 1, joined by a tube; each of the three shows the whole texture."""
    arc = _arc(stacks)
    low, high = arc[: stacks // 2 + 1].copy(), arc[stacks // 2 :].copy()
    low[:, 2], high[:, 2] = -1.0, 1.0
    down = np.concatenate([_falling(stacks // 2), _falling(1), _falling(stacks - stacks // 2)])
    return _turned(np.concatenate([low, high]), slices, down)


def cylinder(slices: int) -> Surface:
    """The unit cylinder from z = -1 to 1 with flat ends."""
    tube = _turned(np.array([[-1, 1, 0, 0, 1], [1, 1, 0, 0, 1]], np.float32), slices, _falling(1))
    floor = _turned(np.array([[-1, 0, 0, -1, 0], [-1, 1, 0, -1, 0]], np.float32), slices, _falling(1))
    lid = _turned(np.array([[1, 1, 0, 1, 0], [1, 0, 0, 1, 0]], np.float32), slices, _falling(1))
    ends = [dataclasses.replace(end, uv=0.5 + 0.5 * end.vertices[end.faces][..., :2]) for end in (floor, lid)]
    return join([tube, *ends])


def join(surfaces: list[Surface]) -> Surface:
    """All triangles in one surface."""
    starts = np.cumsum([0, *(len(part.vertices) for part in surfaces)])
    return Surface(
        np.concatenate([part.vertices for part in surfaces]),
        np.concatenate([part.faces + start for part, start in zip(surfaces, starts, strict=False)]),
        np.concatenate([part.normals for part in surfaces]),
        np.concatenate([part.uv for part in surfaces]),
        all(part.has_uv for part in surfaces),
    )


def _arc(stacks: int) -> Floats32:
    """Profile of the unit ball: rows (z, radius, cap, normal z, normal radius)."""
    turn = np.pi * np.arange(stacks + 1) / stacks - np.pi / 2
    z, radius = np.sin(turn), np.cos(turn)
    radius[[0, -1]] = 0.0
    return np.stack([z, radius, np.zeros_like(z), z, radius], axis=1).astype(np.float32)


def _falling(bands: int) -> Floats32:
    """(bands, 2) texture coordinate t at both edges of bands that follow each other upwards, 1 at the bottom."""
    edges = np.linspace(1.0, 0.0, bands + 1, dtype=np.float32)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _turned(profile: Floats32, slices: int, down: Floats32) -> Surface:
    """A profile of rows (z, radius, cap, normal z, normal radius) turned about z.

    Args:
        profile: (N, 5) from the bottom to the top.
        slices: how many around.
        down: (N - 1, 2) texture coordinate t at the lower and at the upper edge of each band.
    """
    angle = 2 * np.pi * np.arange(slices) / slices
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    z, radius, cap, normal_z, normal_radius = (column[:, None] + 0 * cos for column in profile.T)
    vertices = np.stack([radius * cos, radius * sin, z, cap], axis=-1).reshape(-1, 4)
    normals = np.stack([normal_radius * cos, normal_radius * sin, normal_z], axis=-1).reshape(-1, 3)
    here = np.arange(slices)
    there = (here + 1) % slices
    left, right = here / slices, (here + 1) / slices
    faces: list[Integers] = []
    uv: list[Floats32] = []
    for ring, (below, above) in enumerate(down):
        a, b = ring * slices, (ring + 1) * slices
        low, high = np.full(slices, below), np.full(slices, above)
        if profile[ring, 1] > 0:
            faces.append(np.stack([a + here, a + there, b + there], axis=1))
            uv.append(np.stack([left, low, right, low, right, high], axis=1))
        if profile[ring + 1, 1] > 0:
            faces.append(np.stack([a + here, b + there, b + here], axis=1))
            uv.append(np.stack([left, low, right, high, left, high], axis=1))
    triangles = np.concatenate(faces)
    coordinates = np.concatenate(uv).reshape(-1, 3, 2).astype(np.float32)
    return Surface(vertices, triangles, normals[triangles], coordinates, has_uv=True)


def _flat(vertices: Floats32, faces: Integers) -> Surface:
    normals = np.repeat(_face_normals(vertices[faces][..., :3])[:, None], 3, axis=1)
    return Surface(vertices, faces, normals, np.zeros((len(faces), 3, 2), np.float32))


def _face_normals(corners: Floats32) -> Floats32:
    """(F, 3) unit normals of faces with corners (F, 3, 3)."""
    edges = corners[:, 1:] - corners[:, :1]
    normal = np.cross(edges[:, 0].astype(np.float64), edges[:, 1].astype(np.float64))
    return (normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)).astype(np.float32)

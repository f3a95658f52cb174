"""Triangle surfaces as the rasteriser takes them in: corners with their own normals and texture coordinates."""

from __future__ import annotations

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


def of_mesh(model: Any, mesh: int) -> Surface:
    """The surface of a mesh of a compiled model.

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
    return Surface(
        np.concatenate([points, np.zeros((len(points), 1), np.float32)], axis=1),
        triangles,
        np.array(model.mesh_normal[normals], np.float32)[model.mesh_facenormal[faces]],
        uv,
        has_uv,
    )


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
    return _turned(_arc(stacks), slices)


def capsule(slices: int, stacks: int) -> Surface:
    """Unit half balls with cap signs -1 and 1, joined by a tube."""
    arc = _arc(stacks)
    low, high = arc[: stacks // 2 + 1].copy(), arc[stacks // 2 :].copy()
    low[:, 2], high[:, 2] = -1.0, 1.0
    return _turned(np.concatenate([low, high]), slices)


def cylinder(slices: int) -> Surface:
    """The unit cylinder from z = -1 to 1 with flat ends."""
    tube = _turned(np.array([[-1, 1, 0, 0, 1], [1, 1, 0, 0, 1]], np.float32), slices)
    floor = _turned(np.array([[-1, 0, 0, -1, 0], [-1, 1, 0, -1, 0]], np.float32), slices)
    lid = _turned(np.array([[1, 1, 0, 1, 0], [1, 0, 0, 1, 0]], np.float32), slices)
    return join([tube, floor, lid])


def join(surfaces: list[Surface]) -> Surface:
    """All triangles in one surface."""
    starts = np.cumsum([0, *(len(part.vertices) for part in surfaces)])
    return Surface(
        np.concatenate([part.vertices for part in surfaces]),
        np.concatenate([part.faces + start for part, start in zip(surfaces, starts, strict=False)]),
        np.concatenate([part.normals for part in surfaces]),
        np.concatenate([part.uv for part in surfaces]),
    )


def _arc(stacks: int) -> Floats32:
    """Profile of the unit ball: rows (z, radius, cap, normal z, normal radius)."""
    turn = np.pi * np.arange(stacks + 1) / stacks - np.pi / 2
    z, radius = np.sin(turn), np.cos(turn)
    radius[[0, -1]] = 0.0
    return np.stack([z, radius, np.zeros_like(z), z, radius], axis=1).astype(np.float32)


def _turned(profile: Floats32, slices: int) -> Surface:
    """A profile of rows (z, radius, cap, normal z, normal radius) turned about z."""
    angle = 2 * np.pi * np.arange(slices) / slices
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    z, radius, cap, normal_z, normal_radius = (column[:, None] + 0 * cos for column in profile.T)
    vertices = np.stack([radius * cos, radius * sin, z, cap], axis=-1).reshape(-1, 4)
    normals = np.stack([normal_radius * cos, normal_radius * sin, normal_z], axis=-1).reshape(-1, 3)
    here = np.arange(slices)
    there = (here + 1) % slices
    faces: list[Integers] = []
    for ring in range(len(profile) - 1):
        a, b = ring * slices, (ring + 1) * slices
        if profile[ring, 1] > 0:
            faces.append(np.stack([a + here, a + there, b + there], axis=1))
        if profile[ring + 1, 1] > 0:
            faces.append(np.stack([a + here, b + there, b + here], axis=1))
    triangles = np.concatenate(faces)
    return Surface(vertices, triangles, normals[triangles], np.zeros((len(triangles), 3, 2), np.float32))


def _flat(vertices: Floats32, faces: Integers) -> Surface:
    corners = vertices[faces][..., :3]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    normals = np.repeat(normal[:, None], 3, axis=1).astype(np.float32)
    return Surface(vertices, faces, normals, np.zeros((len(faces), 3, 2), np.float32))

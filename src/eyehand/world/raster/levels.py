"""Versions of a surface with fewer triangles, for when it is seen from afar."""

from __future__ import annotations

import numpy as np

from eyehand.types import Array, Integers
from eyehand.world.raster import collapsing
from eyehand.world.raster.collapsing import Shrinking
from eyehand.world.raster.surfaces import Surface

_FINEST, _LEVELS = 8192, 9  # the first version may depart by this part of the diameter, each next one twice as far
_FEWEST = 24  # faces
_WORTH = 0.8  # a version has at most this share of the faces of the version before
_ROUNDING = 1e-4  # normals and texture coordinates that differ by less are the same


def levels_of(surface: Surface) -> list[tuple[Surface, float]]:
    """The surface and its coarser versions, each with its error in the surface's units.

    Args:
        surface: a mesh, without caps.
    """
    found = [(surface, 0.0)]
    points, place = np.unique(surface.vertices[:, :3], axis=0, return_inverse=True)
    carried = np.concatenate([surface.normals, surface.uv], axis=2).reshape(-1, 5)
    _, first, corner = np.unique(np.round(carried / _ROUNDING), axis=0, return_index=True, return_inverse=True)
    mesh = _start(points, place.reshape(-1)[surface.faces], corner.reshape(-1, 3))
    collapsing.begin(mesh)
    diameter = float(np.linalg.norm(np.ptp(points, axis=0)))
    for level in range(_LEVELS):
        if len(found[-1][0].faces) <= _FEWEST:
            break
        collapsing.shrink(mesh, diameter / _FINEST * 2**level)
        if mesh.alive.sum() <= _WORTH * len(found[-1][0].faces):
            version = _surface(mesh, carried[first].astype(np.float32), surface.has_uv)
            found.append((version, max(float(collapsing.departure(mesh)), found[-1][1])))
    return found


def _start(points: Array, faces: Integers, corners: Integers) -> Shrinking:
    places, count = len(points), len(faces)
    sound = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces, corners, count = faces[sound], corners[sound], int(sound.sum())
    return Shrinking(
        points=np.ascontiguousarray(points, np.float64),
        faces=np.ascontiguousarray(faces, np.int64),
        corners=np.ascontiguousarray(corners, np.int64),
        alive=np.ones(count, np.bool_),
        owner=np.arange(places),
        quadric=np.zeros((places, 10)),
        rim=np.zeros(places, np.bool_),
        ring_start=np.full(places, -1),
        ring_end=np.full(places, -1),
        ring_next=np.full(3 * count, -1),
        target=np.full(places, collapsing.UNKNOWN),
        cost=np.zeros(places),
    )


def _surface(mesh: Shrinking, carried: Array, has_uv: bool) -> Surface:
    """The faces that are left, with only the places that they use."""
    used, rows = np.unique(mesh.faces[mesh.alive], return_inverse=True)
    corners = carried[mesh.corners[mesh.alive]]  # (F, 3, 5)
    vertices = np.zeros((len(used), 4), np.float32)
    vertices[:, :3] = mesh.points[used]
    normals, uv = np.ascontiguousarray(corners[..., :3]), np.ascontiguousarray(corners[..., 3:])
    return Surface(vertices, rows.reshape(-1, 3), normals, uv, has_uv)

"""Every surface of a scene, at every level of detail, in a few flat arrays that the kernels index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats32
from eyehand.world.raster.surfaces import Surface

BY_CORNERS, ALONG_Z, ON_SIDES = 0, 1, 2  # how textures lie on a shape, see `Pool.mapping`


class Pool(NamedTuple):
    """S shapes with L levels in all; level 0 of a shape is the shape itself.

    Attributes:
        level_start: (S + 1,) first level of each shape.
        error_m: (L,) how far a level departs from the shape, in the shape's units.
        vertex_start: (L + 1,) first vertex of each level.
        face_start: (L + 1,) first face of each level.
        x: (V,) of all vertices.
        y: (V,) of all vertices.
        z: (V,) of all vertices.
        cap: (V,) cap signs, see `Surface`.
        faces: (F, 3) rows counted from the level's first vertex.
        normals: (F, 3, 3) at the corners.
        uv: (F, 3, 2) at the corners.
        flat: (F,) 1 where the three corner normals are one.
        mapping: (S,) how textures lie on a shape: `BY_CORNERS`, by the corners' coordinates; `ALONG_Z`, projected
            along z; `ON_SIDES`, one copy on each side of a box.
        extent_m: (S, 3) largest distance from the origin along each axis.
        ball: (S, 4) centre and radius of a ball around each shape.
    """

    level_start: NDArray[np.int32]
    error_m: Floats32
    vertex_start: NDArray[np.int32]
    face_start: NDArray[np.int32]
    x: Floats32
    y: Floats32
    z: Floats32
    cap: Floats32
    faces: NDArray[np.int32]
    normals: Floats32
    uv: Floats32
    flat: NDArray[np.uint8]
    mapping: NDArray[np.uint8]
    extent_m: Floats32
    ball: Floats32


def pooled(shapes: Sequence[Sequence[tuple[Surface, float]]], mappings: Sequence[int]) -> Pool:
    """The pool of some shapes.

    Args:
        shapes: for each shape its levels, finest first, each with its error in the shape's units.
        mappings: how textures lie on each shape.
    """
    levels = [level for shape in shapes for level in shape]
    surfaces = [surface for surface, _ in levels]
    vertices = np.concatenate([surface.vertices for surface in surfaces])
    normals = np.concatenate([surface.normals for surface in surfaces])
    spread = np.abs(normals - normals[:, :1]).max(axis=(1, 2))
    return Pool(
        level_start=_starts([len(shape) for shape in shapes]),
        error_m=np.array([error for _, error in levels], np.float32),
        vertex_start=_starts([len(surface.vertices) for surface in surfaces]),
        face_start=_starts([len(surface.faces) for surface in surfaces]),
        x=vertices[:, 0].copy(),
        y=vertices[:, 1].copy(),
        z=vertices[:, 2].copy(),
        cap=vertices[:, 3].copy(),
        faces=np.concatenate([surface.faces for surface in surfaces]).astype(np.int32),
        normals=normals,
        uv=np.concatenate([surface.uv for surface in surfaces]),
        flat=(spread < 1e-5).astype(np.uint8),
        mapping=np.array(mappings, np.uint8),
        extent_m=np.array([_extent(shape[0][0]) for shape in shapes], np.float32),
        ball=np.array([_ball(shape[0][0]) for shape in shapes], np.float32),
    )


def _starts(counts: Sequence[int]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def _ball(surface: Surface) -> Floats32:
    points = surface.vertices[:, :3]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    return np.append(centre, np.linalg.norm(points - centre, axis=1).max())


def _extent(surface: Surface) -> Floats32:
    return np.maximum(np.abs(surface.vertices[:, :3]).max(axis=0), np.float32(1e-6))

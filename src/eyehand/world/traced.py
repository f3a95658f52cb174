# pyright: basic
# (embreex is untyped)
"""Ray casting: solids that answer which face a ray meets first, and whether anything stands between two points.

Each solid holds its triangles in its own frame in one Embree scene that is built once; a moving solid is traced by
moving the rays into its frame. Embree follows every ray by itself, so an answer does not depend on its batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from eyehand.types import Array, Flags
from eyehand.world.meshes import Mesh

MISS = -1


@dataclass(frozen=True)
class Hits:
    """What N rays met first.

    Attributes:
        face: (N,) int32 face of the solid's mesh, -1 for none.
        distance: (N,) in units of the ray's direction.
        u: (N,) barycentric weight of the face's second corner.
        v: (N,) barycentric weight of the face's third corner.
    """

    face: NDArray[np.int32]
    distance: Array
    u: Array
    v: Array


@final
class Solid:
    """A mesh that can be traced, in its own frame."""

    def __init__(self, mesh: Mesh) -> None:
        """Build the scene.

        Args:
            mesh: the triangles, metres.
        """
        self.normals = mesh.corner_normals().astype(np.float32)  # (F, 3, 3)
        self.material = mesh.material
        margin = 1e-3
        self.box = np.stack([mesh.vertices.min(0) - margin, mesh.vertices.max(0) + margin]).astype(np.float32)  # (2, 3)
        self._scene = EmbreeScene()
        self._geometry = TriangleMesh(self._scene, mesh.vertices.astype(np.float32), mesh.faces)
        origin = np.zeros((1, 3), np.float32)
        self._scene.run(origin, origin + np.float32(1.0))  # builds the tree now, before threads share it

    def nearest(self, origins: Array, directions: Array) -> Hits:
        """The first face on each ray from `origins` (N, 3) along `directions` (N, 3)."""
        found = self._scene.run(origins, directions, output=1)
        return Hits(found["primID"], found["tfar"], found["u"], found["v"])

    def blocked(self, origins: Array, spans: Array) -> Flags:
        """Whether the solid cuts each segment from `origins` (N, 3) to `origins + spans` (N, 3)."""
        reach = np.full(len(origins), 0.999, np.float32)
        return self._scene.run(origins, spans, dists=reach, query="OCCLUDED") != MISS

    def shading_normals(self, hits: Hits) -> Array:
        """Unit normals (N, 3) between the corners' normals; rubbish for rays that missed."""
        corners = self.normals[hits.face]
        u, v = hits.u[:, None], hits.v[:, None]
        normals = (1 - u - v) * corners[:, 0] + u * corners[:, 1] + v * corners[:, 2]
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-6))

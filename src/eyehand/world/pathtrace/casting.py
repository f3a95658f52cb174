# pyright: basic
# (embreex is untyped)
"""Ray casting with Embree: which triangle a ray meets first, and whether anything stands between two points.

A scene is built anew for each simulation and step (about a millisecond for a thousand triangles), which costs less
than tracing every ray against every moving geom in its own frame. Embree follows every ray by itself and builds the
same tree from the same triangles, so an answer does not depend on its batch.
"""

from __future__ import annotations

from typing import final

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from eyehand.types import Flags, Floats32
from eyehand.world.pathtrace.tables import Triangles

_MISS = -1
_SHORT_OF_THE_LIGHT = np.float32(0.999)


@final
class Caster:
    """One simulation's triangles, ready to be traced."""

    def __init__(self, triangles: Triangles) -> None:
        """Build the tree.

        Args:
            triangles: in the world; there may be none.
        """
        self.triangles = triangles
        self._scene = None
        if len(triangles.faces):
            self._scene = EmbreeScene()
            self._mesh = TriangleMesh(self._scene, triangles.vertices, triangles.faces)

    def nearest(self, starts: Floats32, rays: Floats32) -> tuple[NDArray[np.int32], Floats32, Floats32, Floats32]:
        """What rays from `starts` (N, 3) along `rays` (N, 3) meet first.

        Returns:
            (N,) faces, -1 for none; (N,) distances in units of the rays, infinite for none; (N,) and (N,) barycentric
            weights of the second and third corner.
        """
        if self._scene is None:
            none = np.zeros(len(rays), np.float32)
            return np.full(len(rays), _MISS, np.int32), none + np.float32(np.inf), none, none
        found = self._scene.run(starts, rays, output=1)
        distance = np.where(found["primID"] < 0, np.float32(np.inf), found["tfar"])
        return found["primID"], distance, found["u"], found["v"]

    def blocked(self, starts: Floats32, spans: Floats32) -> Flags:
        """(N,) whether anything cuts the segments from `starts` (N, 3) to just before `starts + spans` (N, 3)."""
        if self._scene is None or not len(starts):
            return np.zeros(len(starts), bool)
        reach = np.full(len(starts), _SHORT_OF_THE_LIGHT, np.float32)
        return self._scene.run(starts, spans, dists=reach, query="OCCLUDED") != _MISS

# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Exact masks: which pixels of a camera show the object of a slot, and nothing in front of it.

The rasteriser draws geom ids of the robot and of what lies on the table; the room is left out, because it never hides
what is on the table from above. A lens bends masks as it bends pictures.
"""

from __future__ import annotations

import threading
from typing import final

import numpy as np

from eyehand.types import Flags, Floats, Integers
from eyehand.world.looks import own_rgba, roles
from eyehand.world.raster.rasteriser import Rasteriser, RasterOptions
from eyehand.world.rendering import Cameras, Look, Poses
from eyehand.world.sensing import optics
from eyehand.world.sensing.camera import widened
from eyehand.world.tabletop import Tabletop

_FINER = 2  # pixels for one of the mask, along each side, where a lens bends
_STRONGEST_K1 = -0.05  # barrel distortion that there is a margin for


@final
class Silhouettes:
    """Draws the mask of one slot of a scene. Safe to call from several threads; calls wait for each other."""

    def __init__(self, scene: Tabletop, size: tuple[int, int], slot: int = 0) -> None:
        """Prepare the drawing.

        Args:
            scene: the scene.
            size: (height, width) of the masks.
            slot: whose object is told.
        """
        self._scene, self._size = scene, size
        self._geom = int(scene.slots.geoms[slot, 0])
        parts = roles(scene.model)
        self._rgba = own_rgba(scene.model)
        self._rgba[~(parts.mask("robot") | parts.mask("object")), 3] = 0.0
        self._rasteriser = Rasteriser(scene.model, options=RasterOptions(remember=False))
        self._drawing = threading.Lock()

    def show(self, physics: Floats, held: Integers, T_world_camera: Floats, K: Floats, lens_k1: Floats) -> Flags:
        """Masks (B, H, W).

        Args:
            physics: (B, n) physics rows.
            held: (B, K) objects in the slots.
            T_world_camera: (B, 4, 4) camera to world.
            K: (B, 3, 3) intrinsics in pixels of the mask.
            lens_k1: (B,) radial distortion, see `eyehand.world.sensing.optics`.
        """
        geometry = self._scene.engine.geometry(physics, self._scene.fields(held))
        out = np.zeros((len(physics), *self._size), bool)
        for rows, draw in ((np.flatnonzero(lens_k1 == 0), self._drawn), (np.flatnonzero(lens_k1 != 0), self._bent)):
            if len(rows):
                some = Poses(geometry.position_m[rows], geometry.rotation[rows])
                cameras = Cameras(np.ascontiguousarray(K[rows]), T_world_camera[rows], self._size)
                out[rows] = draw(some, held[rows], cameras, lens_k1[rows])
        return out

    def _drawn(self, poses: Poses, held: Integers, cameras: Cameras, lens_k1: Floats) -> Flags:
        """Masks as a lens without distortion shows them."""
        del lens_k1
        slots, batch = self._scene.slots, len(held)
        mesh = np.repeat(self._scene.model.geom_dataid.astype(np.int32)[None], batch, axis=0)
        mesh[:, slots.geoms[:, 0]] = slots.meshes(held)
        look = Look(rgba=np.repeat(self._rgba[None], batch, axis=0), mesh=mesh)
        with self._drawing:
            return self._rasteriser.render(poses, cameras, look).ids == self._geom

    def _bent(self, poses: Poses, held: Integers, cameras: Cameras, lens_k1: Floats) -> Flags:
        """Masks as a lens with distortion shows them: drawn finer and wider, bent, and averaged."""
        height, width = self._size
        size = (_FINER * height, _FINER * width)
        margin = optics.margin(_STRONGEST_K1, size)
        fine = Cameras(scaled(cameras.K, _FINER), cameras.T_world_camera, size)
        drawn = self._drawn(poses, held, widened(fine, margin), lens_k1).astype(np.float32)
        out = np.empty((len(held), height, width), bool)
        for row, picture in enumerate(drawn):
            bent = optics.bend(np.repeat(picture[..., None], 3, axis=2), float(lens_k1[row]), margin)[..., 0]
            out[row] = bent.reshape(height, _FINER, width, _FINER).mean(axis=(1, 3)) > 0.5
        return out


def scaled(K: Floats, factor: float) -> Floats:
    """Intrinsics (B, 3, 3) of the same cameras with `factor` times as many pixels along each side."""
    out = factor * np.asarray(K, dtype=np.float64)
    out[:, :2, 2] += 0.5 * (factor - 1.0)  # pixel centres are at whole numbers
    out[:, 2, 2] = 1.0
    return out

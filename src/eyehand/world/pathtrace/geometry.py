# pyright: basic, reportAttributeAccessIssue=false
# (MuJoCo's bindings are untyped)
"""From a model and the poses of one simulation to the triangles that are traced."""

from __future__ import annotations

from typing import final

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError
from eyehand.types import Floats, Floats32
from eyehand.world.pathtrace import kernels, tables
from eyehand.world.pathtrace.looks import INFINITE_M
from eyehand.world.pathtrace.tables import Shapes, Triangles
from eyehand.world.raster import surfaces
from eyehand.world.raster.surfaces import Surface
from eyehand.world.rendering import NOTHING, Look, Poses

LAST_GROUP = 2  # geoms of higher groups are for collision and are not drawn
_TYPES = mujoco.mjtGeom
_PRIMITIVES = (
    _TYPES.mjGEOM_PLANE,
    _TYPES.mjGEOM_SPHERE,
    _TYPES.mjGEOM_CAPSULE,
    _TYPES.mjGEOM_ELLIPSOID,
    _TYPES.mjGEOM_CYLINDER,
    _TYPES.mjGEOM_BOX,
)


@final
class Geometry:
    """The shapes of a model's geoms, and where each simulation puts them."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Read the model's meshes and make its primitives.

        Args:
            model: the scene.
        """
        self.model = model
        ball = surfaces.sphere(48, 24)
        turned = (surfaces.capsule(48, 24), ball, surfaces.cylinder(64))
        primitives = [surfaces.plane(), ball, *turned, surfaces.box()]
        self.shapes = _pool([surfaces.of_mesh(model, mesh) for mesh in range(model.nmesh)] + primitives)
        kinds = np.asarray(model.geom_type)
        self.is_mesh = kinds == _TYPES.mjGEOM_MESH
        drawable = self.is_mesh | np.isin(kinds, [int(kind) for kind in _PRIMITIVES])
        self.drawable = drawable & (np.asarray(model.geom_group) <= LAST_GROUP)
        self._primitive = np.full(model.ngeom, NOTHING, np.int32)
        for row, kind in enumerate(_PRIMITIVES):
            self._primitive[kinds == kind] = model.nmesh + row

    def shape_rows(self, look: Look, row: int) -> NDArray[np.int32]:
        """(G,) row in `shapes` that each geom shows in a simulation; -1 for none."""
        mesh = np.asarray(self.model.geom_dataid if look.mesh is None else look.mesh[row], dtype=np.int32)
        if len(mesh) and mesh.max(where=self.is_mesh, initial=NOTHING) >= self.model.nmesh:
            raise InvalidValueError("look.mesh", int(mesh[self.is_mesh].max()), f"-1 to {self.model.nmesh - 1}")
        return np.where(self.is_mesh, mesh, self._primitive).astype(np.int32)

    def sizes(self, look: Look, row: int) -> tuple[Floats32, Floats32]:
        """(G, 3) factors that stretch each geom's shape, and (G,) half lengths of capsules, metres."""
        kinds = np.asarray(self.model.geom_type)
        size = np.array(self.model.geom_size if look.size is None else look.size[row], dtype=np.float32)
        half = np.where(kinds == _TYPES.mjGEOM_CAPSULE, size[:, 1], np.float32(0.0))
        factors = size.copy()
        round_ones = np.isin(kinds, [_TYPES.mjGEOM_SPHERE, _TYPES.mjGEOM_CAPSULE])
        factors[round_ones] = size[round_ones, :1]
        cylinders = kinds == _TYPES.mjGEOM_CYLINDER
        factors[cylinders] = size[cylinders][:, [0, 0, 1]]
        planes = kinds == _TYPES.mjGEOM_PLANE
        factors[planes, :2] = np.where(size[planes, :2] > 0, size[planes, :2], np.float32(INFINITE_M))
        factors[planes, 2] = 1.0
        factors[self.is_mesh] = 1.0
        return np.maximum(factors, np.float32(1e-6)), half

    def drawn(self, look: Look, row: int, shape: NDArray[np.int32]) -> NDArray[np.int32]:
        """Geoms that a simulation shows, in order."""
        alpha = self.own_alpha() if look.rgba is None else look.rgba[row, :, 3]
        return np.flatnonzero(self.drawable & (shape >= 0) & (alpha > 0)).astype(np.int32)

    def own_alpha(self) -> Floats:
        """(G,) opacity of the geoms in the model."""
        model = self.model
        material = np.maximum(np.asarray(model.geom_matid), 0)
        of_material = model.mat_rgba[material, 3] if model.nmat else np.ones(model.ngeom)
        return np.where(model.geom_matid >= 0, np.minimum(of_material, model.geom_rgba[:, 3]), model.geom_rgba[:, 3])

    def triangles(self, poses: Poses, look: Look, row: int) -> Triangles:
        """The triangles of one simulation in the world."""
        shape = self.shape_rows(look, row)
        drawn = self.drawn(look, row, shape)
        factors, half = self.sizes(look, row)
        shapes = self.shapes
        vertices = int((shapes.first_vertex[shape[drawn] + 1] - shapes.first_vertex[shape[drawn]]).sum())
        faces = int((shapes.first_face[shape[drawn] + 1] - shapes.first_face[shape[drawn]]).sum())
        out = tables.triangles(vertices, faces)
        origin = np.ascontiguousarray(poses.position_m[row], dtype=np.float64)
        rotation = np.ascontiguousarray(poses.rotation[row], dtype=np.float64)
        kernels.assemble(drawn, shape, (origin, rotation, factors, half), shapes, out)
        return out


def _pool(parts: list[Surface]) -> Shapes:
    """All surfaces in flat arrays; those without texture coordinates are given their own x and y."""
    uv = [part.uv if part.has_uv else _own_uv(part) for part in parts]
    return Shapes(
        np.concatenate([part.vertices for part in parts]).astype(np.float32),
        np.concatenate([part.faces for part in parts]).astype(np.int32),
        np.concatenate([part.normals for part in parts]).astype(np.float32),
        np.concatenate(uv).astype(np.float32),
        _starts([len(part.vertices) for part in parts]),
        _starts([len(part.faces) for part in parts]),
    )


def _own_uv(part: Surface) -> Floats32:
    """(F, 3, 2) coordinates from 0 to 1 that project a texture along the axis that each face looks along most.

    Upright faces show x to the right and y up, as in MuJoCo; it wraps the sides of round shapes, which is not followed.
    """
    half = np.maximum(np.abs(part.vertices[:, :3]).max(axis=0), np.float32(1e-9))
    axis = np.abs(part.normals.sum(axis=1)).argmax(axis=1)
    corners = 0.5 * (part.vertices[:, :3] / half)[part.faces]  # (F, 3, 3)
    right, up = np.array([1, 0, 0])[axis], np.array([2, 2, 1])[axis]
    faces = np.arange(len(axis))
    return np.stack([0.5 + corners[faces, :, right], 0.5 - corners[faces, :, up]], axis=-1)


def _starts(counts: list[int]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

# pyright: basic, reportAttributeAccessIssue=false
# (MuJoCo's bindings are untyped)
"""From a model, poses, cameras and a look to the arrays that the kernels draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Floats, Floats32, Images
from eyehand.world.raster import lamps, surfaces, textures
from eyehand.world.raster.levels import levels_of
from eyehand.world.raster.placing import Batch
from eyehand.world.raster.pool import ALONG_Z, BY_CORNERS, ON_SIDES, Pool, pooled
from eyehand.world.raster.surfaces import Surface
from eyehand.world.rendering import NOTHING, Cameras, Look, Poses

_GROUPS = 3  # geoms of groups 0 to 2 are drawn, as MuJoCo does
_TYPES: Any = mujoco.mjtGeom
_MESH, _PLANE, _BOX = int(_TYPES.mjGEOM_MESH), int(_TYPES.mjGEOM_PLANE), int(_TYPES.mjGEOM_BOX)
_BALL, _CAPSULE = int(_TYPES.mjGEOM_SPHERE), int(_TYPES.mjGEOM_CAPSULE)
_CYLINDER, _ELLIPSOID = int(_TYPES.mjGEOM_CYLINDER), int(_TYPES.mjGEOM_ELLIPSOID)
_PLAIN_RGBA = np.array([0.5, 0.5, 0.5, 1.0], np.float32)  # a geom of this colour shows its material's
_SHARPEST = 128.0  # exponent of highlights at shininess 1


@final
class SceneTables:
    """What never changes between pictures of one model.

    Attributes:
        pool: the shapes of meshes and primitives.
        papers: textures and photographs.
        order: (G,) geoms, those that are fixed to the world first.
        fixed: how many of them are.
        ball: (4,) centre and radius of the scene, metres.
    """

    def __init__(
        self, model: Any, extra: Sequence[Images], photographs: Sequence[Images], level_of_detail: bool
    ) -> None:
        """Read a model.

        Args:
            model: a `mujoco.MjModel`.
            extra: textures after the model's own 2-D ones.
            photographs: pictures for backgrounds.
            level_of_detail: make versions of the meshes with fewer triangles.

        Raises:
            InvalidValueError: a drawn geom is of a kind that has no surface here, or a texture is not an image.
        """
        self._model = model
        self._drawn = (model.geom_group >= 0) & (model.geom_group < _GROUPS)
        self._refuse_unknown()
        self.pool = _pool(model, level_of_detail)
        own, rows = textures.of_model(model)
        flat = int((model.tex_type == int(mujoco.mjtTexture.mjTEXTURE_2D)).sum())
        self._papered = flat + len(extra)
        self._first_photograph = len(own) + len(extra)
        self._photographs = len(photographs)
        self.papers = textures.gathered([*own[:flat], *extra, *own[flat:], *photographs])
        rows = np.where(rows >= flat, rows + len(extra), rows)
        self._rgba, self._gloss, self._emission = _materials(model)
        self._texture, self._repeat, self._uniform = _papering(model, rows)
        self._data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_comPos(model, self._data)
        mujoco.mj_camlight(model, self._data)
        fixed = np.asarray(model.body_weldid)[model.geom_bodyid] == 0
        self.order = np.argsort(~fixed, kind="stable")
        self.fixed = int(fixed.sum())
        self.ball = np.append(np.asarray(model.stat.center), model.stat.extent).astype(np.float64)

    def batch(self, poses: Poses, cameras: Cameras, look: Look, tolerance_px: float) -> Batch:
        """The arrays of B simulations.

        Args:
            poses: where the geoms are.
            cameras: the B cameras.
            look: how geoms look where that differs from the model.
            tolerance_px: how far a coarser version of a mesh may depart from it in the picture.

        Raises:
            InvalidValueError: arrays that do not fit each other, numbers that are not finite, or rows of meshes,
                textures or photographs that do not exist.
        """
        self._refuse_misfits(poses, cameras, look)
        rgba = self._rgba[None] if look.rgba is None else np.asarray(look.rgba, np.float32)
        lights, ambient = lamps.rows_of_lights(self._model, self._data, cameras, look.lights)
        texture = self._texture[None] if look.texture is None else look.texture
        photograph = np.full(1, NOTHING) if look.background is None else np.asarray(look.background)
        behind = np.zeros((1, 3)) if look.background_rgb is None else look.background_rgb
        scale = self._scales(look)
        return Batch(
            position_m=_contiguous(poses.position_m, np.float64),
            rotation=_contiguous(poses.rotation, np.float64),
            K=_contiguous(cameras.K, np.float64),
            T_world_camera=_contiguous(cameras.T_world_camera, np.float64),
            near_m=float(cameras.near_m),
            far_m=float(self._model.vis.map.zfar * self._model.stat.extent),
            tolerance_px=float(tolerance_px),
            shape=self._shapes(look, rgba[..., 3] > 0),
            scale=scale,
            colour=_contiguous(_beside(rgba[..., :3], self._emission[:, None]), np.float32),
            gloss=self._glosses(look, scale),
            texture=_contiguous(texture, np.int32),
            repeat=self._repeats(look, scale),
            lights=lights,
            ambient=ambient,
            background=_contiguous(behind, np.float32),
            photograph=_contiguous(np.where(photograph < 0, NOTHING, photograph + self._first_photograph), np.int32),
        )

    def _shapes(self, look: Look, seen: NDArray[np.bool_]) -> NDArray[np.int32]:
        """(R, G) rows of the pool, -1 where nothing is drawn."""
        model = self._model
        mesh = np.asarray(model.geom_dataid)[None] if look.mesh is None else look.mesh
        shape = np.where(model.geom_type == _MESH, mesh, model.nmesh + model.geom_type)
        return _contiguous(np.where(self._drawn & seen, shape, NOTHING), np.int32)

    def _scales(self, look: Look) -> Floats:
        """(R, G, 4) stretch along x, y, z and shift of caps; zeros along the sides of endless planes."""
        kind = np.asarray(self._model.geom_type)
        size = np.asarray(self._model.geom_size[None] if look.size is None else look.size, np.float64)
        scale = _beside(size, np.zeros(1))
        scale[:, kind == _MESH] = (1.0, 1.0, 1.0, 0.0)
        scale[:, kind == _PLANE, 2] = 1.0
        scale[:, kind == _BALL, 1:3] = size[:, kind == _BALL, :1]
        scale[:, kind == _CYLINDER, 1:3] = size[:, kind == _CYLINDER, :2]
        scale[:, kind == _CAPSULE, 1:3] = size[:, kind == _CAPSULE, :1]
        scale[:, kind == _CAPSULE, 3] = size[:, kind == _CAPSULE, 1]
        endless = np.zeros(scale.shape, bool)
        endless[:, kind == _PLANE, :2] = True
        return np.where(endless, np.maximum(scale, 0.0), np.where(scale > 0, scale, 1e-9))

    def _glosses(self, look: Look, scale: Floats) -> Floats32:
        """(R, G, 2) specular strength and exponent; endless planes have no highlights, as MuJoCo draws them."""
        specular = self._gloss[None, :, 0] if look.specular is None else look.specular
        exponent = self._gloss[None, :, 1] if look.shininess is None else look.shininess * _SHARPEST
        endless = (scale[..., :2] == 0.0).all(axis=-1)
        return _contiguous(
            np.stack(np.broadcast_arrays(np.where(endless, 0.0, specular), exponent), axis=-1), np.float32
        )

    def _repeats(self, look: Look, scale: Floats) -> Floats32:
        """(R, G, 5), see `Placed.repeat`."""
        times = self._repeat[None] if look.texture_repeat is None else np.asarray(look.texture_repeat, np.float32)
        endless = (np.asarray(self._model.geom_type) == _PLANE)[:, None] & (scale[..., :2] == 0.0)
        shift = np.where(endless, 0.5 - 0.5 * times, 0.0)
        times = np.broadcast_to(times, shift.shape)
        return _contiguous(_beside(np.concatenate([times, shift], axis=-1), self._uniform[:, None]), np.float32)

    def _refuse_unknown(self) -> None:
        known = (_MESH, _PLANE, _BOX, _BALL, _CAPSULE, _CYLINDER, _ELLIPSOID)
        for geom in np.flatnonzero(self._drawn & ~np.isin(self._model.geom_type, known)):
            kind = _TYPES(int(self._model.geom_type[geom])).name
            allowed = "mesh, plane, box, sphere, ellipsoid, capsule or cylinder; others in group 3 and above"
            raise InvalidValueError("type of a drawn geom", kind, allowed, self._model.geom(int(geom)).name)

    def _refuse_misfits(self, poses: Poses, cameras: Cameras, look: Look) -> None:
        B, G = len(poses.position_m), int(self._model.ngeom)
        _check("poses.position_m", poses.position_m, (B, G, 3))
        _check("poses.rotation", poses.rotation, (B, G, 3, 3))
        _check("cameras.K", cameras.K, (B, 3, 3))
        _check("cameras.T_world_camera", cameras.T_world_camera, (B, 4, 4))
        if not cameras.near_m > 0:
            raise InvalidValueError("cameras.near_m", cameras.near_m, "more than 0 metres")
        shapes = {"rgba": (4,), "mesh": (), "size": (3,), "texture": (), "texture_repeat": (2,), "specular": ()}
        for name, tail in {**shapes, "shininess": ()}.items():
            _check(f"look.{name}", getattr(look, name), (B, G, *tail))
        _check("look.background", look.background, (B,))
        _check("look.background_rgb", look.background_rgb, (B, 3))
        of_meshes = None if look.mesh is None else look.mesh[:, np.asarray(self._model.geom_type) == _MESH]
        _check_rows("look.mesh", of_meshes, int(self._model.nmesh))
        _check_rows("look.texture", look.texture, self._papered)
        _check_rows("look.background", look.background, self._photographs)


def _check(name: str, values: Array | None, shape: tuple[int, ...]) -> None:
    if values is None:
        return
    if values.shape != shape:
        raise InvalidValueError(name, f"shape {values.shape}", f"shape {shape}")
    if not np.isfinite(values).all():
        raise InvalidValueError(name, "numbers that are not finite", "finite numbers")


def _check_rows(name: str, rows: Array | None, count: int) -> None:
    if rows is not None and rows.size and not (rows.min() >= NOTHING and rows.max() < count):
        got = int(rows.min() if rows.min() < NOTHING else rows.max())
        raise InvalidValueError(name, got, f"-1 to {count - 1}")


def _contiguous(values: Array, kind: type) -> Array:
    return np.ascontiguousarray(values, kind)


def _beside(values: Array, more: Array) -> Array:
    """Join two arrays along their last axis; the second is repeated along the others."""
    return np.concatenate([values, np.broadcast_to(more, (*values.shape[:-1], more.shape[-1]))], axis=-1)


def _pool(model: Any, level_of_detail: bool) -> Pool:
    """All meshes of the model, then one shape for each kind of geom."""
    meshes = [surfaces.of_mesh(model, mesh) for mesh in range(model.nmesh)]
    quality = model.vis.quality
    slices, stacks = int(quality.numslices), int(quality.numstacks)
    ball, spare = surfaces.sphere(slices, stacks), surfaces.plane()
    primitives: dict[int, Surface] = {
        _BALL: ball,
        _ELLIPSOID: ball,
        _CAPSULE: surfaces.capsule(slices, stacks),
        _CYLINDER: surfaces.cylinder(slices),
        _BOX: surfaces.box(),
    }
    kinds = [primitives.get(kind, spare) for kind in range(_MESH + 1)]
    levels = [levels_of(mesh) if level_of_detail else [(mesh, 0.0)] for mesh in meshes]
    mappings = [BY_CORNERS if mesh.has_uv else ALONG_Z for mesh in meshes]
    mappings += [
        ON_SIDES if kind == _BOX else BY_CORNERS if shape.has_uv else ALONG_Z for kind, shape in enumerate(kinds)
    ]
    return pooled([*levels, *([(shape, 0.0)] for shape in kinds)], mappings)


def _materials(model: Any) -> tuple[Floats32, Floats32, Floats32]:
    """Colours (G, 4), specular strength and exponent (G, 2), and emission (G,) of all geoms."""
    material = np.asarray(model.geom_matid)
    has = material >= 0
    rgba = np.array(model.geom_rgba, np.float32)
    gloss = np.tile(np.array([0.5, 0.5 * _SHARPEST], np.float32), (model.ngeom, 1))
    emission = np.zeros(model.ngeom, np.float32)
    plain = has & np.all(rgba == _PLAIN_RGBA, axis=1)
    rgba[plain] = model.mat_rgba[material[plain]]
    gloss[has, 0] = model.mat_specular[material[has]]
    gloss[has, 1] = model.mat_shininess[material[has]] * _SHARPEST
    emission[has] = model.mat_emission[material[has]]
    return rgba, gloss, emission


def _papering(model: Any, rows: NDArray[np.int32]) -> tuple[NDArray[np.int32], Floats32, Floats32]:
    """Texture rows (G,), repeats (G, 2), and whether repeats are per unit of size (G,), of all geoms."""
    material = np.asarray(model.geom_matid)
    has = material >= 0
    texture = np.full(model.ngeom, NOTHING, np.int32)
    repeat, uniform = np.ones((model.ngeom, 2), np.float32), np.zeros(model.ngeom, np.float32)
    ids = np.asarray(model.mat_texid)[:, int(mujoco.mjtTextureRole.mjTEXROLE_RGB)][material[has]]
    texture[has] = np.where(ids >= 0, np.append(rows, NOTHING)[ids], NOTHING)
    repeat[has] = model.mat_texrepeat[material[has]]
    uniform[has] = model.mat_texuniform[material[has]]
    return texture, repeat, uniform

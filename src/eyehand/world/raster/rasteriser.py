"""The batched rasteriser: from poses, cameras and looks to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError
from eyehand.types import Floats, Floats32, Images
from eyehand.world.raster import frames, lamps, surfaces
from eyehand.world.raster.pool import Pool, pooled
from eyehand.world.rendering import NOTHING, Cameras, Look, Poses, Rendering
from eyehand.world.rows import default_threads, in_parallel

_GROUPS = 3  # geoms of groups 0 to 2 are drawn, as MuJoCo does
_TYPES: Any = mujoco.mjtGeom  # its stubs name no members


@dataclass(frozen=True)
class RasterOptions:
    """What the rasteriser does besides drawing.

    Attributes:
        tolerance_px: how far a mesh drawn with fewer triangles may depart from the mesh itself, in pixels; 0 draws
            every mesh with all its triangles.
    """

    tolerance_px: float = 0.0


@final
class Rasteriser:
    """Draws batches of simulations of one model.

    Meshes, planes, boxes, balls, ellipsoids, capsules and cylinders in the geom groups 0 to 2, with the lighting of
    `mujoco.Renderer`. The bytes of a row depend on nothing but that row's inputs. Not to be shared between threads.
    """

    def __init__(
        self,
        model: Any,
        textures: Sequence[Images] = (),
        photographs: Sequence[Images] = (),
        options: RasterOptions = RasterOptions(),
        threads: int | None = None,
    ) -> None:
        """Take in the meshes, materials, textures and lights of a model.

        Args:
            model: a `mujoco.MjModel`.
            textures: (H, W, 3) uint8 each, appended to the model's own 2-D textures.
            photographs: (H, W, 3) uint8 each, for backgrounds.
            options: what to do besides drawing.
            threads: at most this many; None for one per core.

        Raises:
            InvalidValueError: a drawn geom is of a kind that has no surface here.
        """
        self._model = model
        self._options = options
        self._threads = threads
        self._meshes = int(model.nmesh)
        self._pool = _pool(model)
        self._drawn = (model.geom_group >= 0) & (model.geom_group < _GROUPS)
        self._refuse_unknown()
        self._rgba, self._gloss, self._emission = _materials(model)
        self._data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_comPos(model, self._data)
        mujoco.mj_camlight(model, self._data)

    def render(self, poses: Poses, cameras: Cameras, look: Look = Look()) -> Rendering:
        """Draw B simulations.

        Args:
            poses: where the geoms are.
            cameras: one camera for each simulation.
            look: how geoms look where that differs from the model.
        """
        batch = len(poses.position_m)
        height, width = cameras.size
        scene = self._scene(poses, cameras, look)
        output = frames.Output(
            np.empty((batch, height, width, 3), np.uint8),
            np.empty((batch, height, width), np.float32),
            np.empty((batch, height, width), np.int32),
        )

        def rows(part: slice) -> None:
            frames.draw(self._pool, scene, output, part.start, part.stop)

        in_parallel(rows, batch, self._threads or default_threads(), 1)
        return Rendering(output.rgb, output.depth_m, output.ids)

    def _scene(self, poses: Poses, cameras: Cameras, look: Look) -> frames.Batch:
        rgba = self._rgba[None] if look.rgba is None else look.rgba
        gloss = np.broadcast_to(self._gloss, (*rgba.shape[:2], 2)).copy()
        if look.specular is not None:
            gloss[..., 0] = look.specular
        if look.shininess is not None:
            gloss[..., 1] = look.shininess * 128.0
        lights, ambient = lamps.rows_of_lights(self._model, self._data, cameras, look.lights)
        background = np.zeros((1, 3), np.float32) if look.background_rgb is None else look.background_rgb
        shape = self._shapes(look)
        shape = np.where(rgba[..., 3] > 0, shape, NOTHING)
        extent = float(self._model.vis.map.zfar * self._model.stat.extent)
        return frames.Batch(
            np.ascontiguousarray(poses.position_m, np.float64),
            np.ascontiguousarray(poses.rotation, np.float64),
            np.ascontiguousarray(cameras.K, np.float64),
            np.ascontiguousarray(cameras.T_world_camera, np.float64),
            float(cameras.near_m),
            extent,
            float(self._options.tolerance_px),
            np.ascontiguousarray(shape, np.int32),
            self._scales(look),
            np.concatenate([rgba[..., :3], np.broadcast_to(self._emission[:, None], (*rgba.shape[:2], 1))], -1).astype(
                np.float32
            ),
            gloss,
            lights,
            ambient,
            np.ascontiguousarray(background, np.float32),
        )

    def _shapes(self, look: Look) -> NDArray[np.int32]:
        """(R, G) rows of the pool."""
        model = self._model
        of_kind = self._meshes + model.geom_type
        mesh = model.geom_dataid[None] if look.mesh is None else look.mesh
        shape = np.where(model.geom_type == int(_TYPES.mjGEOM_MESH), mesh, of_kind)
        return np.where(self._drawn, shape, NOTHING).astype(np.int32)

    def _scales(self, look: Look) -> Floats:
        """(R, G, 4) stretch along x, y, z and shift of caps."""
        model = self._model
        size = np.asarray(model.geom_size[None] if look.size is None else look.size, np.float64)
        kind = model.geom_type
        scale = np.concatenate([size, np.zeros((*size.shape[:2], 1))], axis=-1)
        scale[:, kind == int(_TYPES.mjGEOM_MESH)] = (1.0, 1.0, 1.0, 0.0)
        scale[:, kind == int(_TYPES.mjGEOM_PLANE), 2] = 1.0
        round_ = kind == int(_TYPES.mjGEOM_SPHERE)
        scale[:, round_, :3] = size[:, round_, :1]
        for long in (_TYPES.mjGEOM_CAPSULE, _TYPES.mjGEOM_CYLINDER):
            chosen = kind == int(long)
            scale[:, chosen, 0] = scale[:, chosen, 1] = size[:, chosen, 0]
            scale[:, chosen, 2] = size[:, chosen, 1]
        capsule = kind == int(_TYPES.mjGEOM_CAPSULE)
        scale[:, capsule, 2] = size[:, capsule, 0]
        scale[:, capsule, 3] = size[:, capsule, 1]
        return scale

    def _refuse_unknown(self) -> None:
        known = {int(_TYPES.mjGEOM_MESH), *_primitives(1, 4)}
        for geom in np.flatnonzero(self._drawn):
            kind = int(self._model.geom_type[geom])
            if kind not in known:
                name = self._model.geom(int(geom)).name
                allowed = "mesh, plane, box, sphere, ellipsoid, capsule or cylinder (others in group 3 and above)"
                raise InvalidValueError("geom type", _TYPES(kind).name, allowed, f"geom {name!r}")


def _primitives(slices: int, stacks: int) -> dict[int, surfaces.Surface]:
    ball = surfaces.sphere(slices, stacks)
    return {
        int(_TYPES.mjGEOM_PLANE): surfaces.plane(),
        int(_TYPES.mjGEOM_SPHERE): ball,
        int(_TYPES.mjGEOM_ELLIPSOID): ball,
        int(_TYPES.mjGEOM_CAPSULE): surfaces.capsule(slices, stacks),
        int(_TYPES.mjGEOM_CYLINDER): surfaces.cylinder(slices),
        int(_TYPES.mjGEOM_BOX): surfaces.box(),
    }


def _pool(model: Any) -> Pool:
    """All meshes of the model, then one shape for each kind of geom."""
    shapes = [[(surfaces.of_mesh(model, mesh), 0.0)] for mesh in range(model.nmesh)]
    quality = model.vis.quality
    primitives = _primitives(int(quality.numslices), int(quality.numstacks))
    spare = surfaces.plane()
    shapes += [[(primitives.get(kind, spare), 0.0)] for kind in range(int(_TYPES.mjGEOM_SDF) + 1)]
    return pooled(shapes)


def _materials(model: Any) -> tuple[Floats32, Floats32, Floats32]:
    """Colours (G, 4), specular strength and exponent (G, 2), and emission (G,) of all geoms."""
    material = model.geom_matid
    rgba = np.array(model.geom_rgba, np.float32)
    gloss = np.tile(np.array([0.5, 64.0], np.float32), (model.ngeom, 1))
    emission = np.zeros(model.ngeom, np.float32)
    has = material >= 0
    if has.any():
        plain = np.all(rgba == np.array([0.5, 0.5, 0.5, 1.0], np.float32), axis=1)
        rgba = np.where((has & plain)[:, None], model.mat_rgba[material], rgba)
        gloss[has, 0] = model.mat_specular[material[has]]
        gloss[has, 1] = model.mat_shininess[material[has]] * 128.0
        emission[has] = model.mat_emission[material[has]]
    return rgba.astype(np.float32), gloss, emission

# pyright: basic
# (numba kernels are untyped)
"""The batched rasteriser: from poses, cameras and looks to pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Floats, Images
from eyehand.world import kernel_cache
from eyehand.world.raster import frames
from eyehand.world.raster.frames import Memory
from eyehand.world.raster.remembering import Remembering
from eyehand.world.raster.scenes import SceneTables
from eyehand.world.rendering import Cameras, Look, Poses, Rendering
from eyehand.world.rows import default_threads, in_parallel

_MOST_SAMPLES, _MOST_SHADOW_PX = 4, 8192


@dataclass(frozen=True)
class RasterOptions:
    """What the rasteriser does besides drawing.

    Attributes:
        tolerance_px: level of detail: how far a mesh that is drawn with fewer triangles may depart from the mesh
            itself in the picture; 0 draws every mesh with all its triangles.
        supersampling: samples along each side of a pixel, 1 to 4; colours are averaged, ids and depth are those of
            the geom that most samples show.
        shadows: lights other than the headlight cast shadows.
        shadow_px: side of the square picture in which a light sees the scene.
        remember: keep pictures of what never moves for cameras that stand still (15 bytes a sample and simulation);
            changes no byte of the result.
    """

    tolerance_px: float = 0.2
    supersampling: int = 1
    shadows: bool = False
    shadow_px: int = 1024
    remember: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not 0.0 <= self.tolerance_px < np.inf:
            raise InvalidValueError("tolerance_px", self.tolerance_px, "0 or more pixels", "RasterOptions")
        if not 1 <= self.supersampling <= _MOST_SAMPLES:
            raise InvalidValueError("supersampling", self.supersampling, f"1 to {_MOST_SAMPLES}", "RasterOptions")
        if not 2 <= self.shadow_px <= _MOST_SHADOW_PX:
            raise InvalidValueError("shadow_px", self.shadow_px, f"2 to {_MOST_SHADOW_PX}", "RasterOptions")


_PLAIN = RasterOptions()
_OWN_LOOK = Look()


@final
class Rasteriser:
    """Draws batches of simulations of one model.

    Meshes, planes, boxes, balls, ellipsoids, capsules and cylinders in the geom groups 0 to 2, with the lighting of
    `mujoco.Renderer`. The model's own lights stand where they are in its reference pose. The bytes of a row depend on
    nothing but that row's inputs. One object serves one thread at a time, and spreads the rows over several itself.
    """

    def __init__(
        self,
        model: Any,
        textures: Sequence[Images] = (),
        photographs: Sequence[Images] = (),
        options: RasterOptions = _PLAIN,
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
            InvalidValueError: a drawn geom is of a kind that has no surface here, or a texture is not an image.
        """
        self._options = options
        kernel_cache.refresh()
        self._threads = threads
        self._tables = SceneTables(model, textures, photographs, options.tolerance_px > 0)
        tables = self._tables
        shadow_px = options.shadow_px if options.shadows else 1
        self._plan = frames.Plan(tables.order, tables.fixed, options.supersampling, shadow_px, tables.ball)
        # What moves throws shadows on what does not, so that nothing stays as it was.
        self._remembering = Remembering(options.remember and not options.shadows, tables.order[: tables.fixed])

    def render(self, poses: Poses, cameras: Cameras, look: Look = _OWN_LOOK) -> Rendering:
        """Draw B simulations.

        Args:
            poses: where the geoms are.
            cameras: one camera for each simulation.
            look: how geoms look where that differs from the model.

        Raises:
            InvalidValueError: arrays that do not fit each other, numbers that are not finite, or rows of meshes,
                textures or photographs that do not exist.
        """
        tables, (height, width), factor = self._tables, cameras.size, self._options.supersampling
        finer = dataclasses.replace(cameras, K=_finer(cameras.K, factor)) if factor > 1 else cameras
        batch = tables.batch(poses, finer, look, self._options.tolerance_px * factor)
        memory: Memory = self._remembering.memory(batch, (height * factor, width * factor))
        count = len(batch.position_m)
        output = frames.Output(
            np.empty((count, height, width, 3), np.uint8),
            np.empty((count, height, width), np.float32),
            np.empty((count, height, width), np.int32),
        )

        def rows(part: slice) -> None:
            frames.draw(tables.pool, tables.papers, batch, self._plan, memory, output, (part.start, part.stop))

        in_parallel(rows, count, self._threads or default_threads(), 1)
        return Rendering(output.rgb, output.depth_m, output.ids)


def _finer(K: Floats, factor: int) -> Floats:
    """Intrinsics of pictures with `factor` samples along each side of a pixel."""
    finer = np.array(K, np.float64)
    finer[:, :2] *= factor
    finer[:, :2, 2] += 0.5 * (factor - 1)
    return finer

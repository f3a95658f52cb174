"""The batched rasteriser: from poses, cameras and looks to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Images
from eyehand.world.raster import frames
from eyehand.world.raster.scenes import SceneTables
from eyehand.world.rendering import Cameras, Look, Poses, Rendering
from eyehand.world.rows import default_threads, in_parallel


@dataclass(frozen=True)
class RasterOptions:
    """What the rasteriser does besides drawing.

    Attributes:
        tolerance_px: level of detail: how far a mesh drawn with fewer triangles may depart from the mesh itself; 0 draws
            every mesh with all its triangles.
    """

    tolerance_px: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not 0.0 <= self.tolerance_px < np.inf:
            raise InvalidValueError("tolerance_px", self.tolerance_px, "0 or more pixels", "RasterOptions")


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
        self._threads = threads
        self._tables = SceneTables(model, textures, photographs, options.tolerance_px > 0)

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
        tables, (height, width) = self._tables, cameras.size
        batch = tables.batch(poses, cameras, look, self._options.tolerance_px)
        count = len(batch.position_m)
        output = frames.Output(
            np.empty((count, height, width, 3), np.uint8),
            np.empty((count, height, width), np.float32),
            np.empty((count, height, width), np.int32),
        )

        def rows(part: slice) -> None:
            frames.draw(tables.pool, tables.papers, batch, output, part.start, part.stop)

        in_parallel(rows, count, self._threads or default_threads(), 1)
        return Rendering(output.rgb, output.depth_m, output.ids)

"""The batched rasteriser: colour, depth and geom ids of many simulations on the processor, without OpenGL."""

from __future__ import annotations

from eyehand.world.raster.rasteriser import Rasteriser, RasterOptions

__all__ = ["RasterOptions", "Rasteriser"]

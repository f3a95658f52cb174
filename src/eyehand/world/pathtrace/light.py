"""What the path tracer gives: linear light, depth and geom ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats32


@dataclass(frozen=True)
class Light:
    """One picture of each of B simulations before any camera turns it into bytes, row 0 on top.

    Attributes:
        radiance: (B, H, W, 3) float32 linear RGB; 1 is a white surface that faces a light of strength 1.
        depth_m: (B, H, W) float32 along the optical axis at the pixels' centres; infinite where no geom is.
        ids: (B, H, W) int32 geom ids at the pixels' centres; -1 where no geom is.
    """

    radiance: Floats32
    depth_m: Floats32
    ids: NDArray[np.int32]

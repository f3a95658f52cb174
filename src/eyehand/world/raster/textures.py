# pyright: basic, reportAttributeAccessIssue=false
# (numba kernels and MuJoCo's bindings are untyped)
"""Textures and photographs in one flat array, each with its smaller versions, and reading them between texels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import mujoco
import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError
from eyehand.types import Floats32, Images
from eyehand.world.raster.blocks import LANES, SPACING, TINT, S, T

_RGB_CHANNELS = 3
_COARSER = np.float32(1.5)  # texels between neighbouring pixels from which on the half-size version is read


class Textures(NamedTuple):
    """N textures with M versions in all; the first version of a texture is the texture itself, each next one half it.

    Attributes:
        version_start: (N + 1,) first version of each texture.
        offset: (M,) where a version starts in `texels`.
        height: (M,) of a version.
        width: (M,) of a version.
        texels: (K,) RGB, row 0 first.
    """

    version_start: NDArray[np.int32]
    offset: NDArray[np.int64]
    height: NDArray[np.int32]
    width: NDArray[np.int32]
    texels: NDArray[np.uint8]


def gathered(images: Sequence[Images]) -> Textures:
    """The textures of some images (H, W, 3) uint8.

    Args:
        images: in the order of their rows.

    Raises:
        InvalidValueError: an image of another shape or type.
    """
    versions: list[Images] = []
    counts: list[int] = []
    for row, image in enumerate(images):
        if image.ndim != _RGB_CHANNELS or image.shape[2] != _RGB_CHANNELS or image.dtype != np.uint8 or not image.size:
            got = f"{image.dtype} {image.shape}"
            raise InvalidValueError("texture", got, "uint8 (H, W, 3) with H, W >= 1", f"texture {row}")
        chain = _halved(image)
        versions += chain
        counts.append(len(chain))
    sizes = [version.size for version in versions]
    return Textures(
        np.cumsum([0, *counts]).astype(np.int32),
        np.cumsum([0, *sizes[:-1]]).astype(np.int64),
        np.array([version.shape[0] for version in versions], np.int32),
        np.array([version.shape[1] for version in versions], np.int32),
        np.concatenate([np.zeros(0, np.uint8), *(version.reshape(-1) for version in versions)]),
    )


def of_model(model: Any) -> tuple[list[Images], NDArray[np.int32]]:
    """The model's 2-D textures, then one side of each of its cubes; and for each of the model's textures its row.

    Args:
        model: a `mujoco.MjModel`.
    """
    kinds: Any = mujoco.mjtTexture
    images: list[Images] = []
    rows = np.full(model.ntex, -1, np.int32)
    for wanted in (int(kinds.mjTEXTURE_2D), int(kinds.mjTEXTURE_CUBE)):
        for texture in np.flatnonzero(model.tex_type == wanted):
            height, width, channels = (int(a[texture]) for a in (model.tex_height, model.tex_width, model.tex_nchannel))
            start = int(model.tex_adr[texture])
            data = model.tex_data[start : start + height * width * channels].reshape(height, width, channels)
            rows[texture] = len(images)
            colour = data[: min(height, width)] if wanted != int(kinds.mjTEXTURE_2D) else data
            images.append(np.ascontiguousarray(np.broadcast_to(colour[..., :3], (*colour.shape[:2], 3))))
    return images, rows


def _halved(image: Images) -> list[Images]:
    """The image and all its halvings down to one texel."""
    chain = [np.ascontiguousarray(image)]
    while max(chain[-1].shape[:2]) > 1:
        texels = chain[-1].astype(np.float32)
        for axis in range(2):
            size = texels.shape[axis]
            if size > 1:
                even, odd = np.arange(0, size - 1, 2), np.arange(1, size, 2)
                texels = (texels.take(even, axis) + texels.take(odd, axis)) / 2
        chain.append((texels + 0.5).astype(np.uint8))
    return chain


@numba.njit(cache=True, nogil=True, error_model="numpy")
def read(textures: Textures, rows: NDArray[np.int32], count: int, block: Floats32) -> None:
    """Read textures that repeat without end, linearly between texels, for the first lanes of a block.

    Args:
        textures: all of them.
        rows: (LANES,) which texture a lane reads; -1 leaves the tint as it is.
        count: how many lanes.
        block: `S` and `T`, 0 to 1 from the left to the right edge and from the top to the bottom edge, and `SPACING`,
            the distance between neighbouring pixels in widths of the texture, become the tint.
    """
    starts, offset, heights, widths, texels = textures
    one, unit = np.float32(1.0), np.float32(1.0 / 255.0)
    for i in range(count):
        if rows[i] < 0:
            continue
        version, last = starts[rows[i]], starts[rows[i] + 1] - 1
        step = block[SPACING + i] * np.float32(max(widths[version], heights[version]))
        while step > _COARSER and version < last:
            version += 1
            step *= np.float32(0.5)
        height, width, start = heights[version], widths[version], offset[version]
        x, y = block[S + i] * np.float32(width) - np.float32(0.5), block[T + i] * np.float32(height) - np.float32(0.5)
        left, top = np.floor(x), np.floor(y)
        across, down = x - left, y - top
        x0, y0 = int(left) % width, int(top) % height
        x1 = x0 + 1 if x0 + 1 < width else 0
        y1 = y0 + 1 if y0 + 1 < height else 0
        a, b = start + 3 * (y0 * width + x0), start + 3 * (y0 * width + x1)
        c, d = start + 3 * (y1 * width + x0), start + 3 * (y1 * width + x1)
        for channel in range(3):
            upper = np.float32(texels[a + channel]) * (one - across) + np.float32(texels[b + channel]) * across
            lower = np.float32(texels[c + channel]) * (one - across) + np.float32(texels[d + channel]) * across
            block[TINT + channel * LANES + i] = (upper * (one - down) + lower * down) * unit

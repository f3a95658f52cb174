"""Lossless stills: PNG in memory, encoded fast and decoded on several threads."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from PIL import Image

from eyehand.errors import InvalidValueError
from eyehand.types import Images

_Z_RLE = 3  # zlib strategy: as small as the default on noisy frames and a quarter faster
_FEW = 4  # below this many pictures threads cost more than they save

T = TypeVar("T")
R = TypeVar("R")


def encode_png(image: Images) -> bytes:
    """PNG of one picture (H, W, 3) uint8, at the fastest level that still compresses."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1, compress_type=_Z_RLE)
    return buffer.getvalue()


def decode_still(data: bytes, shape: tuple[int, ...]) -> Images:
    """The picture (H, W, 3) uint8 in PNG or JPEG bytes; grey pictures get three equal channels.

    Args:
        data: the encoded picture.
        shape: the (height, width, channels) that it must have; checked before any pixel is decoded.

    Raises:
        InvalidValueError: the bytes are no 8-bit picture, or one of another size.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            if image.mode not in ("L", "RGB", "RGBA", "P"):
                raise InvalidValueError("picture", f"mode {image.mode}", "8-bit grey or colour")
            if (image.height, image.width) != tuple(shape[:2]):
                raise InvalidValueError("picture size", (image.height, image.width), f"{tuple(shape[:2])}")
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises on bad bytes
        raise InvalidValueError("picture", f"{len(data)} bytes ({error})", "a whole PNG or JPEG") from error


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`work` of every item in order, on as many threads as there are cores; the codecs release the interpreter."""
    if len(items) < _FEW:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, items))

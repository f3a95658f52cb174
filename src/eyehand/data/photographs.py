"""Photographs from any folder as pictures of one size, for backgrounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from eyehand.data.stills import in_threads
from eyehand.errors import FileFormatError
from eyehand.types import Images

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_REMEDY = "Name a folder with PNG or JPEG files."
_BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def load_photographs(folder: Path | str, size: tuple[int, int], most: int | None = None) -> Images:
    """The photographs of a folder, by name, without those of its subfolders.

    Args:
        folder: the folder.
        size: (height, width) of the pictures; the middle of each photograph is cut to this shape and scaled.
        most: no more than so many, the first ones; None for all.

    Returns:
        (N, H, W, 3) uint8.

    Raises:
        FileFormatError: there is no such folder, no photograph is in it, or one of them cannot be read.
    """
    path = Path(folder)
    if not path.is_dir():
        raise FileFormatError(path, "there is no such folder", _REMEDY)
    found = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())
    if not found:
        raise FileFormatError(path, f"no photograph is in it ({', '.join(SUFFIXES)})", _REMEDY)
    return np.stack(in_threads(lambda one: _load(one, size), found[:most]))


def _load(path: Path, size: tuple[int, int]) -> Images:
    """One photograph (H, W, 3)."""
    upright = load_photograph(path, "Take it out of the folder.")
    return np.asarray(ImageOps.fit(upright, (size[1], size[0]), Image.Resampling.BOX))


def load_photograph(path: Path, remedy: str) -> Image.Image:
    """An image file in colours, upright as its camera was.

    Raises:
        FileFormatError: it is not there, is no image, or has more pixels than Pillow thinks safe; ends with `remedy`.
    """
    try:
        with Image.open(path) as photograph:
            return ImageOps.exif_transpose(photograph).convert("RGB")
    except FileNotFoundError as error:
        raise FileFormatError(path, "there is no such image", remedy) from error
    except _BROKEN as error:
        raise FileFormatError(path, f"cannot be read as an image ({error})", remedy) from error

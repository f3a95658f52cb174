"""Small pictures with soft edges, and laying them over others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.types import Array, Floats, Floats32, Images, Integers

SIDE = 32  # pixels of a sprite
FINER = 4  # samples along each side of a pixel


@dataclass(frozen=True)
class Sprites:
    """Cut-outs of a thing.

    Attributes:
        rgb: (N, SIDE, SIDE, 3) uint8; without meaning where nothing covers the pixel.
        share: (N, SIDE, SIDE) uint8 how much of a pixel the thing covers, of 255.
        corner: (N, 2) row and column of the top left pixel in the picture.
    """

    rgb: Images
    share: Images
    corner: Integers

    def brightness(self) -> Floats:
        """(N,) mean level of what covers anything, 0 to 255; 128 for an empty sprite."""
        weight = self.share.sum(axis=(1, 2), dtype=np.float64)
        total = (self.rgb.mean(axis=3) * self.share).sum(axis=(1, 2))
        return np.where(weight > 0, total / np.maximum(weight, 1.0), 128.0)


def averaged(fine: Array, covers: Array) -> tuple[Images, Images]:
    """Colours and shares of sprites whose every pixel has FINER x FINER samples.

    Args:
        fine: (N, SIDE * FINER, SIDE * FINER, 3) colours, 0 to 255.
        covers: (N, SIDE * FINER, SIDE * FINER) 1 where a sample shows the thing, else 0.
    """
    batch, part = len(fine), np.float32(1.0 / FINER**2)
    weight = _summed(covers[..., None].astype(np.float32))  # (N, SIDE, SIDE, 1)
    colour = _summed(fine.astype(np.float32) * covers[..., None])
    rgb = colour / np.maximum(weight, 1.0)
    share = np.rint(255.0 * part * weight).astype(np.uint8)
    return np.rint(rgb).clip(0, 255).astype(np.uint8), share.reshape(batch, SIDE, SIDE)


def _summed(fine: Floats32) -> Floats32:
    batch, _, _, channels = fine.shape
    return fine.reshape(batch, SIDE, FINER, SIDE, FINER, channels).sum(axis=(2, 4))


def laid_over(pictures: Images, sprites: Sprites, which: Integers, gain: Floats) -> tuple[Images, Images]:
    """Pictures with a sprite over each, and how much of every pixel it covers.

    Args:
        pictures: (B, H, W, 3) uint8, left as they are.
        sprites: what is laid over them.
        which: (B,) the sprite of each; -1 for none.
        gain: (B,) what its colours are multiplied by.

    Returns:
        Pictures (B, H, W, 3) uint8 and shares (B, H, W) uint8 of 255.
    """
    out, covered = pictures.copy(), np.zeros(pictures.shape[:3], np.uint8)
    height, width = pictures.shape[1:3]
    for b, one in enumerate(which.tolist()):
        if one < 0:
            continue
        top, left = sprites.corner[one].tolist()
        rows, columns = slice(max(top, 0), min(top + SIDE, height)), slice(max(left, 0), min(left + SIDE, width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        here = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
        share = sprites.share[one][here]
        weight = share[..., None].astype(np.float32) / 255.0
        colour = np.minimum(sprites.rgb[one][here] * np.float32(gain[b]), 255.0)
        below = out[b, rows, columns]
        out[b, rows, columns] = np.rint(below + weight * (colour - below)).astype(np.uint8)
        covered[b, rows, columns] = share
    return out, covered

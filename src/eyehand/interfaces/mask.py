"""Which pixels show the target: the interface of the eye-in-hand grasp (Yan et al. 2017, Section 2).

A mask is a probability for each of 100 x 100 pixels. The truth is drawn from the task's state; a mask is compared with
it after a threshold of 0.5, pixel by pixel and blob by blob, because one far blob that is not the target leads a
controller astray however few pixels it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
import torch
from PIL import Image

from eyehand.interfaces.mask_kernels import untouched_blobs  # pyright: ignore[reportUnknownVariableType] - numba types kernels
from eyehand.types import Array, Flags, Images

SIZE = (100, 100)
THRESHOLD = 0.5
MASK_LOST = 0.25  # probability at level 1 that a mask is lost whole
PIXELS_LOST = 0.5  # largest share of single pixels that is lost at level 1
BLOB_RADIUS_PX = (1.0, 4.0)
_TINT = np.array([255.0, 0.0, 200.0])  # far from anything yellow


@final
class Mask:
    """Probabilities (B, 100, 100), rows from the top of the picture, float32."""

    name = "mask"

    def __init__(self, silhouettes: Callable[[Any], Flags]) -> None:
        """Take the function of a task that draws the true masks (B, 100, 100) of its state."""
        self._silhouettes = silhouettes

    def truth(self, state: object) -> torch.Tensor:
        """1 in the pixels that show the target, at the time that the latest frame shows."""
        return torch.as_tensor(self._silhouettes(state).astype(np.float32))

    def distance(self, a: torch.Tensor, b: torch.Tensor) -> Mapping[str, torch.Tensor]:
        """Errors (B,) of masks `a` against true masks `b`, all 0 where they are the same.

        Returns:
            "iou_lost", "precision_lost", "recall_lost" and "f1_lost": 1 less the intersection over union, the
            precision and the recall of the pixels, and the harmonic mean of these two. Where neither mask has a pixel
            all are 0; where `a` alone has none, its precision is lost whole, as is usual, so that silence is not
            precise; recall is 0 where `b` has none. "false_blobs": connected blobs of `a` that touch no pixel of `b`.
        """
        told, true = a > THRESHOLD, b > THRESHOLD
        hit, claimed, there = (m.flatten(1).sum(dim=1).to(a.dtype) for m in (told & true, told, true))

        def lost(whole: torch.Tensor) -> torch.Tensor:
            return torch.where(whole > 0, 1.0 - hit / whole.clamp(min=0.5), torch.zeros_like(hit))

        return {
            "iou_lost": lost(claimed + there - hit),
            "precision_lost": torch.where(claimed > 0, lost(claimed), (there > 0).to(hit)),
            "recall_lost": lost(there),
            "f1_lost": lost(0.5 * (claimed + there)),
            "false_blobs": torch.as_tensor(false_blobs(told.cpu().numpy(), true.cpu().numpy())).to(a),
        }

    def harden(self, z: torch.Tensor) -> torch.Tensor:
        """0 or 1 by the threshold."""
        return (z > THRESHOLD).to(z.dtype)

    def corrupt(self, z: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
        """Masks as a network might get them wrong, the likelier and the more so the higher the level from 0 to 1.

        Blobs that are not there, an edge that is a pixel too wide or too narrow, pixels lost here and there, and masks
        lost whole.
        """
        if level <= 0:
            return z
        change = torch.rand((len(z), 3), generator=generator, device=generator.device).to(z)
        z = z.clone()
        moved, wider = change[:, 1] < level, change[:, 0] < 0.5
        for rows, edge in ((moved & wider, dilated), (moved & ~wider, eroded)):
            z[rows] = edge(z[rows])
        z = pixels_dropped(z, PIXELS_LOST * level, generator)
        z[change[:, 2] < MASK_LOST * level] = 0.0
        return with_false_blobs(z, level, generator)

    def draw(self, image: Images, z: torch.Tensor) -> Images:
        """Tint frames (B, H, W, 3) where the mask is, by its probability."""
        share = (255 * z.detach().cpu().numpy().clip(0.0, 1.0)).astype(np.uint8)
        size = (image.shape[2], image.shape[1])
        wide = np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.NEAREST)) for one in share])
        weight = 0.7 * wide[..., None] / 255.0
        return (image + weight * (_TINT - image)).astype(np.uint8)


def dilated(z: torch.Tensor) -> torch.Tensor:
    """Masks (B, H, W) whose edge is one pixel further out, diagonals included."""
    for axis in (1, 2):
        wide, count = z.clone(), z.shape[axis] - 1
        for to, other in ((0, 1), (1, 0)):
            part = wide.narrow(axis, to, count)
            torch.maximum(part, z.narrow(axis, other, count), out=part)
        z = wide
    return z


def eroded(z: torch.Tensor) -> torch.Tensor:
    """Masks (B, H, W) whose edge is one pixel further in, diagonals included; beyond the picture all is mask."""
    return 1.0 - dilated(1.0 - z)


def pixels_dropped(z: torch.Tensor, most: float, generator: torch.Generator) -> torch.Tensor:
    """Masks (B, H, W) without some of their pixels, in each row a share of its own between 0 and `most`."""
    share = most * torch.rand(len(z), generator=generator, device=generator.device)
    lines = z.sum(dim=2).nonzero(as_tuple=True)  # few lines have pixels, and numbers are drawn for these pixels alone
    line, column = z[lines].nonzero(as_tuple=True)
    row, height = (where[line] for where in lines)
    kept = torch.rand(len(row), generator=generator, device=generator.device) >= share[row.to(share.device)]
    out = z.clone()
    out[row, height, column] *= kept.to(z)
    return out


def with_false_blobs(z: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Masks (B, H, W) with a round blob anywhere, in each row with the given probability."""
    height, width = z.shape[1:]
    drawn = torch.rand((len(z), 4), generator=generator, device=generator.device).to(z)
    rows = drawn[:, 0] < probability
    _, radius, down, right = drawn[rows, :, None, None].unbind(dim=1)
    low, high = BLOB_RADIUS_PX
    row = torch.arange(height, device=z.device, dtype=z.dtype)[:, None] - height * down
    column = torch.arange(width, device=z.device, dtype=z.dtype) - width * right
    blob = row.square() + column.square() <= (low + (high - low) * radius).square()
    out = z.clone()
    out[rows] = torch.where(blob, torch.ones_like(blob, dtype=z.dtype), z[rows])
    return out


def false_blobs(told: Flags, true: Flags) -> Array:
    """(B,) number of connected blobs of masks (B, H, W), diagonals included, that touch no pixel of the true masks."""
    count = np.empty(len(told))
    untouched_blobs(told, true, count)
    return count

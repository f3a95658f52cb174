"""Where in the picture the queried object is, on a coarse grid (Sadeghi et al. 2018, Section 4.3).

The paper's auxiliary loss asks of an 8 x 8 grid of logits in which cell the query object lies. As an interface the
map is a probability for every cell; the truth is 1 in the cell that holds the middle of the object, and the map is
empty where that is out of sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, final

import numpy as np
import torch

from eyehand.types import Floats, Images, Integers

GRID = 8


class QueryScene(Protocol):
    """What the truth reads of a task's state."""

    @property
    def query_m(self) -> Floats:
        """(B, 3) middle of the query object in the world."""
        ...

    @property
    def T_world_camera(self) -> Floats:
        """(B, 4, 4) where the camera stands."""
        ...


@final
class QueryMap:
    """Probabilities (B, 8, 8), rows from the top of the picture, float32."""

    name = "query_map"

    def __init__(self, K: Floats, size: tuple[int, int]) -> None:
        """Take the intrinsics (3, 3) in pixels and the (height, width) of the pictures."""
        self._K, self._size = K, size

    def truth(self, state: QueryScene) -> torch.Tensor:
        """1 in the cell of the query object's middle."""
        R, t = state.T_world_camera[:, :3, :3], state.T_world_camera[:, :3, 3]
        camera = np.einsum("bij,bi->bj", R, state.query_m - t)  # (B, 3)
        ahead = np.maximum(camera[:, 2], 1e-6)
        column = self._K[0, 0] * camera[:, 0] / ahead + self._K[0, 2]
        row = self._K[1, 1] * camera[:, 1] / ahead + self._K[1, 2]
        height, width = self._size
        i, j = np.floor((row + 0.5) * GRID / height), np.floor((column + 0.5) * GRID / width)
        seen = (camera[:, 2] > 0) & (i >= 0) & (i < GRID) & (j >= 0) & (j < GRID)
        z = np.zeros((len(camera), GRID, GRID), np.float32)
        rows = np.flatnonzero(seen)
        z[rows, i[rows].astype(np.int64), j[rows].astype(np.int64)] = 1.0
        return torch.as_tensor(z)

    def distance(self, a: torch.Tensor, b: torch.Tensor) -> Mapping[str, torch.Tensor]:
        """Errors (B,): "px" between the centres of mass of the maps, "miss" 1 where the likeliest cells differ."""
        px = (self._centre_px(a) - self._centre_px(b)).square().sum(dim=1).sqrt()
        miss = (a.flatten(1).argmax(dim=1) != b.flatten(1).argmax(dim=1)).to(a.dtype)
        return {"px": px, "miss": miss}

    def harden(self, z: torch.Tensor) -> torch.Tensor:
        """The likeliest cell alone; an empty map stays empty."""
        flat = z.flatten(1)
        best = torch.nn.functional.one_hot(flat.argmax(dim=1), GRID * GRID).to(z.dtype)
        return (best * (flat.amax(dim=1, keepdim=True) > 0)).reshape(z.shape)

    def corrupt(self, z: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
        """With probability `level`, tell another cell, any of them."""
        wrong = torch.rand(len(z), generator=generator) < level
        cell = torch.randint(GRID * GRID, (len(z),), generator=generator)
        other = torch.nn.functional.one_hot(cell, GRID * GRID).to(z.dtype).reshape(z.shape)
        return torch.where(wrong[:, None, None], other, z)

    def draw(self, image: Images, z: torch.Tensor) -> Images:
        """Lighten every cell of frames (B, H, W, 3) by its probability, in yellow."""
        height, width = image.shape[1:3]
        share = z.detach().cpu().numpy().clip(0.0, 1.0)
        weight = 0.5 * share[:, _cells(height)][:, :, _cells(width)][..., None]
        return (image + weight * (np.array([255.0, 220.0, 0.0]) - image)).astype(np.uint8)

    def _centre_px(self, z: torch.Tensor) -> torch.Tensor:
        """Centres of mass (B, 2) in pixels; of an empty map the middle of the picture."""
        height, width = self._size
        row = (torch.arange(GRID, dtype=z.dtype) + 0.5) * height / GRID
        column = (torch.arange(GRID, dtype=z.dtype) + 0.5) * width / GRID
        total = z.sum(dim=(1, 2))
        safe = total.clamp(min=1e-6)
        centre = torch.stack([(z.sum(dim=2) * row).sum(dim=1) / safe, (z.sum(dim=1) * column).sum(dim=1) / safe], dim=1)
        middle = torch.tensor([height / 2, width / 2], dtype=z.dtype)
        return torch.where((total > 1e-6)[:, None], centre, middle)


def _cells(pixels: int) -> Integers:
    """The cell (n,) of every row or column of pixels."""
    return np.arange(pixels, dtype=np.int64) * GRID // pixels

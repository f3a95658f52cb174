"""Noticing that a camera stands still, so that what never moves is drawn once."""

from __future__ import annotations

from typing import final

import numpy as np

from eyehand.types import Array, Integers
from eyehand.world.raster.frames import Memory
from eyehand.world.raster.placing import Batch


@final
class Remembering:
    """The pictures of what never moves, row by row of the batch, from one call to the next.

    A row's picture is drawn and kept when camera, lights and everything fixed are the same for the second time.
    """

    def __init__(self, enabled: bool, fixed: Integers) -> None:
        """Remember nothing yet.

        Args:
            enabled: whether to remember at all.
            fixed: the geoms that never move.
        """
        self._enabled = enabled
        self._fixed = fixed
        self._seen: Array | None = None
        self._size = (0, 0)
        self._memory = _nothing(0)

    def memory(self, batch: Batch, size: tuple[int, int]) -> Memory:
        """What is remembered of the rows of a batch.

        Args:
            batch: the simulations that are about to be drawn.
            size: (height, width) of the pictures.
        """
        count = len(batch.position_m)
        if not self._enabled:
            return _nothing(count)
        seen = self._numbers(batch)
        if self._seen is None or self._seen.shape != seen.shape or self._size != size:
            self._seen, self._size, self._memory = seen, size, _nothing(count)
            return self._memory
        still = (seen == self._seen).all(axis=1)
        self._seen = seen
        memory = self._memory if self._memory.filled.size or not still.any() else _blank(count, size)
        if memory.filled.size:
            memory.filled[~still] = False
        self._memory = memory._replace(still=still)
        return self._memory

    def _numbers(self, batch: Batch) -> Array:
        """(B, N) everything that the picture of what is fixed depends on."""
        fixed, count = self._fixed, len(batch.position_m)
        near = np.full((count, 1), batch.near_m)
        whole = (batch.K, batch.T_world_camera, near, batch.lights, batch.ambient, batch.background, batch.photograph)
        of_geoms = (batch.position_m, batch.rotation, batch.shape, batch.scale, batch.colour, batch.gloss)
        parts = [*whole, *(values[:, fixed] for values in (*of_geoms, batch.texture, batch.repeat))]
        flat = [part.reshape(len(part), int(np.prod(part.shape[1:]))) for part in parts]
        return np.concatenate(
            [np.broadcast_to(part, (count, part.shape[1])) for part in flat], axis=1, dtype=np.float64
        )


def _nothing(count: int) -> Memory:
    """No row stands still."""
    none = np.zeros((0, 1, 1), np.int32)
    still, filled = np.zeros(count, np.bool_), np.zeros(0, np.bool_)
    return Memory(still, filled, none.astype(np.float32), none, none, np.zeros((0, 1, 1, 3), np.uint8))


def _blank(count: int, size: tuple[int, int]) -> Memory:
    """Room for the pictures of all rows."""
    shape = (count, *size)
    geom = np.empty(shape, np.int32)
    still, filled = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    return Memory(
        still, filled, np.empty(shape, np.float32), np.empty_like(geom), geom, np.empty((*shape, 3), np.uint8)
    )

"""Mini-batches with a fixed share per source, drawn so that the generator's state is all there is to resume."""

from __future__ import annotations

import torch

from eyehand.errors import InvalidValueError
from eyehand.types import Integers


def mixed_counts(batch: int, share: float) -> tuple[int, int]:
    """How many rows of a batch come from the target and how many from the source.

    Rounds to the nearest row; a share strictly between 0 and 1 leaves each side at least one row of two or more, so
    that no small share trains on nothing without saying so.

    Args:
        batch: rows in the batch, at least 1.
        share: share of the target, 0 to 1, for example 0.75 for P75 of Zhang et al. 2017, Table 1.

    Returns:
        (rows of the target, rows of the source); they add up to `batch`.

    Raises:
        InvalidValueError: an empty batch or a share outside 0 to 1.
    """
    if batch < 1:
        raise InvalidValueError("batch", batch, "at least 1 row")
    if not 0 <= share <= 1:
        raise InvalidValueError("share", share, "a number from 0 to 1")
    target = int(batch * share + 0.5)
    if 0 < share < 1 and batch > 1:
        target = min(max(target, 1), batch - 1)
    return target, batch - target


def uniform_indices(count: int, draws: int, generator: torch.Generator) -> Integers:
    """Row numbers (draws,) below `count`, uniform with replacement, on a CPU generator.

    Raises:
        InvalidValueError: there is nothing to draw from.
    """
    if count < 1:
        raise InvalidValueError("number of rows to draw from", count, "at least 1")
    return torch.randint(count, (draws,), generator=generator).numpy()

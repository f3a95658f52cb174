"""Statistics of a feature as `stats.json` and the episode table of LeRobotDataset v3.0 hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from eyehand.types import Array, Floats, Images, Integers

Statistics: TypeAlias = Mapping[str, Sequence[object]]

QUANTILES: Mapping[str, float] = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
_MAX_PICTURES = 100  # per episode; statistics of pictures are normalisation constants, not measurements


def of_numbers(rows: Array) -> Statistics:
    """Statistics over the rows (N, *shape) of a numeric feature; each but `count` has the shape of a row."""
    values = np.asarray(rows, dtype=np.float64)
    if len(values) == 1:  # recordings of still scenes have an episode per frame, and quantiles of one row are slow
        row: list[object] = values[0].tolist()
        same = dict.fromkeys(("min", "max", "mean", *QUANTILES), row)
        return {**same, "std": np.zeros_like(values[0]).tolist(), "count": [1]}
    found = {"min": values.min(0), "max": values.max(0), "mean": values.mean(0), "std": values.std(0)}
    quantiles = np.quantile(values, list(QUANTILES.values()), axis=0)
    found |= dict(zip(QUANTILES, quantiles, strict=True))
    return {name: value.tolist() for name, value in found.items()} | {"count": [len(values)]}


def sampled_pictures(count: int) -> Integers:
    """Numbers of the pictures of an episode that its statistics look at: all of a few, some of many."""
    return np.unique(np.linspace(0, count - 1, min(count, _MAX_PICTURES)).astype(np.int64))


def histograms(images: Sequence[Images]) -> Integers:
    """How often each level occurs in each channel (3, 256) over pictures (H, W, 3) uint8."""
    total = np.zeros((3, 256), dtype=np.int64)
    for image in images:
        total += [np.bincount(image[..., channel].ravel(), minlength=256) for channel in range(3)]
    return total


def of_pictures(levels: Integers, count: int) -> Statistics:
    """Statistics, each of shape (3, 1, 1) in [0, 1], of `count` pictures with these histograms (3, 256)."""
    weights = levels / levels.sum(1, keepdims=True)
    scale = np.arange(256) / 255
    mean = weights @ scale
    occurs = levels > 0
    found: dict[str, Floats] = {
        "min": scale[occurs.argmax(1)],
        "max": scale[255 - occurs[:, ::-1].argmax(1)],
        "mean": mean,
        "std": np.sqrt(np.maximum(weights @ scale**2 - mean**2, 0)),
    }
    cumulative = np.cumsum(weights, axis=1)
    for name, quantile in QUANTILES.items():
        found[name] = scale[(cumulative >= quantile - 1e-12).argmax(1)]
    return {name: value.reshape(3, 1, 1).tolist() for name, value in found.items()} | {"count": [count]}

"""Learning curves over training seeds, from the metrics that runs log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from eyehand.types import Floats

Lines: TypeAlias = Sequence[Mapping[str, float | None]]  # the lines of one run's metrics.jsonl


@dataclass(frozen=True, eq=False)
class Curve:
    """One quantity over training, mean over seeds with the span from the worst to the best seed.

    Attributes:
        label: what the curve is called in the legend.
        name: the metric, for example "eval/sim/success".
        steps: (K,) training steps.
        mean: (K,) mean over the seeds.
        low: (K,) least of the seeds.
        high: (K,) largest of the seeds.
        seeds: how many trainings are in it.
    """

    label: str
    name: str
    steps: Floats
    mean: Floats
    low: Floats
    high: Floats
    seeds: int


def curve(label: str, name: str, runs: Sequence[Lines]) -> Curve | None:
    """The curve of a metric over several runs, None where no run logged it.

    Runs that logged at other steps are interpolated at those of the first; the curve ends where the shortest run ends.
    Numbers that were not finite were logged as null and are left out.

    Args:
        label: its name in the legend.
        name: the metric.
        runs: for every training seed the lines of its `metrics.jsonl`.
    """
    series = [one for one in (_series(lines, name) for lines in runs) if len(one)]
    if not series:
        return None
    begin, end = max(one[0, 0] for one in series), min(one[-1, 0] for one in series)
    steps = series[0][:, 0]
    steps = steps[(steps >= begin) & (steps <= end)]
    if not len(steps):
        return None
    values = np.stack([np.interp(steps, one[:, 0], one[:, 1]) for one in series])
    return Curve(label, name, steps, values.mean(axis=0), values.min(axis=0), values.max(axis=0), len(series))


def _series(lines: Lines, name: str) -> Floats:
    pairs = [(line.get("step"), line.get(name)) for line in lines]
    kept = [(step, value) for step, value in pairs if step is not None and value is not None]
    return np.array(sorted(kept), dtype=np.float64).reshape(-1, 2)

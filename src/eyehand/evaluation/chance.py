"""Where the width of an interval comes from: draws of a domain, trainings, or episodes.

The parts are variances of a mean over T trainings that meet the same episodes in D draws. With C what an episode does
to all trainings alike and I what it does to each of them anew:

- Resampling episodes, alike for all trainings, shows `V_e = C + I / T`, which is the episodes' part.
- Resampling them anew in every training shows `B = (C + I) / T`, so that `I / T = (T B - V_e) / (T - 1)`.
- Resampling trainings shows their own part and `I / T`; resampling draws shows their own and `V_e`. A bootstrap of K
  members shows (K - 1) / K of the variance, which is made good.

A level with one member has no part: it did not vary, however much another member would have changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eyehand.evaluation import statistics
from eyehand.evaluation.statistics import LEVELS, RESAMPLES, Comparison, Level, Sample, Statistic
from eyehand.types import Floats
from eyehand.world.counter import DRAW_BITS


def members(sample: Sample, level: Level) -> int:
    """How many draws, trainings or episodes a sample has."""
    if level == "trainings":
        return sample.seeds
    return len(np.unique(sample.episode_seeds >> DRAW_BITS if level == "draws" else sample.episode_seeds))


def shares_of_chance(
    samples: Sequence[Sample],
    comparison: Comparison = "difference",
    statistic: Statistic = "mean",
    resamples: int = RESAMPLES // 4,
) -> Mapping[Level, float]:
    """How much of what varies each level makes: which of more draws, trainings or episodes would narrow an interval.

    Args:
        samples: one for a statistic, two for the comparison of theirs; see `statistics.at_common_trainings`.
        comparison: of two samples.
        statistic: what is computed over episodes.
        resamples: replicates of each level.

    Returns:
        For every level its variance as a share of the sum; all 0 where nothing varies.
    """

    def variance(drawn: Sequence[Sample], level: Level, moving: Sequence[bool]) -> float:
        """The variance of the statistic or the comparison when one level is resampled in the samples that move."""
        blocks = statistics.replicates(drawn, resamples, 0, (level,))
        found = statistics.replicated(drawn, statistic, blocks)
        still = np.array([one.value(statistic) for one in drawn])[:, None]
        return _variance(np.where(np.array(moving)[:, None], found, still), comparison)

    parts: dict[Level, float] = {"episodes": variance(samples, "episodes", [True] * len(samples))}
    for level in ("draws", "trainings"):
        count = [members(one, level) for one in samples]
        moving = [number > 1 for number in count]  # a sample with one member has no part in what the level makes
        if not any(moving):
            parts[level] = 0.0
            continue
        k = min(number for number in count if number > 1)
        within = variance(samples, "episodes", moving)
        if level == "trainings":
            apart = variance(_episodes_apart(samples), "episodes", moving)
            within = max((k * apart - within) / (k - 1), 0.0)
        parts[level] = max(variance(samples, level, moving) * k / (k - 1) - within, 0.0)
    total = sum(parts.values())
    return {level: parts[level] / total if total else 0.0 for level in LEVELS}


def _variance(found: Floats, comparison: Comparison) -> float:
    """The variance over replicates (S, R) of one statistic, or of the comparison of two."""
    if len(found) == 1:
        return float(np.var(found[0]))
    top, bottom = found
    if comparison == "difference":
        return float(np.var(top - bottom))
    kept = bottom > 0
    return float(np.var(top[kept] / bottom[kept])) if kept.any() else 0.0


def _episodes_apart(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with every training's draws as draws of its own, so that its episodes are resampled apart.

    Trainings are numbered in their order, the first of one sample like the first of the other: what was a pair stays
    one.
    """
    draws = np.unique(np.concatenate([one.episode_seeds >> DRAW_BITS for one in samples]))
    found: list[Sample] = []
    for one in samples:
        draw = np.searchsorted(draws, one.episode_seeds >> DRAW_BITS)
        training = np.searchsorted(np.unique(one.training_seeds), one.training_seeds)
        episode = one.episode_seeds & ((1 << DRAW_BITS) - 1)
        apart = ((training * len(draws) + draw) << DRAW_BITS) | episode
        found.append(Sample(one.values, apart, one.training_seeds))
    return found

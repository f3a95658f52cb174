"""Two success rates compared: score limits, and their envelope with the nested bootstrap.

The bootstrap of a comparison shrinks to a point when every trial of either arm ends alike: [0, 0] for two arms that
never fail, whatever the number of trials. Limits that are made of the Wilson limits of both rates do not, but take
trials as independent, which those of one draw or of one training are not. As `statistics.success_interval` does for one
rate, the envelope of both has neither fault.

Sources: R. G. Newcombe, Statistics in Medicine 17 (1998), method 10 of pages 873-890 for the difference of independent
rates and method 10 of pages 2635-2650 for that of paired rates; A. Donner and G. Y. Zou, Statistical Methods in Medical
Research 21 (2012), pages 347-359, for the ratio (MOVER-R), which takes the two rates as independent.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TypeAlias

import numpy as np

from eyehand.evaluation import statistics
from eyehand.evaluation.statistics import RESAMPLES, Comparison, Interval, Rate, Sample
from eyehand.types import Flags, Integers

Limits: TypeAlias = tuple[float, float]


def compare_rates(
    a: Sample,
    b: Sample,
    comparison: Comparison = "difference",
    resamples: int = RESAMPLES,
    generator: np.random.Generator | int = 0,
) -> Interval:
    """`rate(a) - rate(b)` or their ratio, with the wider ends of its score limits and its nested bootstrap interval.

    Args:
        a: successes (1) and failures (0) of one arm.
        b: those of the other; see `statistics.compare` for what is resampled as pairs.
        comparison: "difference" or "ratio".
        resamples: replicates of the bootstrap.
        generator: where the randomness comes from, or the seed of a fresh generator.

    Raises:
        NotDefinedError: a ratio whose denominator is zero or may be zero within the interval.
    """
    resampled = statistics.compare(a, b, comparison, "mean", resamples, generator)
    low, high = score_limits(a, b, comparison)
    return dataclasses.replace(resampled, low=min(resampled.low, low), high=max(resampled.high, high))


def score_limits(a: Sample, b: Sample, comparison: Comparison = "difference") -> Limits:
    """The 95 % score limits of two rates compared, trials taken as independent of each other.

    Samples of the same episodes by the same trainings are pairs, whose correlation narrows their difference.
    """
    first, second = statistics.once(a), statistics.once(b)
    if comparison == "ratio":
        return ratio_limits(first, second)
    one, other = _ordered(a), _ordered(b)
    paired = np.array_equal(a.episode_seeds[one], b.episode_seeds[other])
    paired = paired and np.array_equal(a.training_seeds[one], b.training_seeds[other])
    correlation = paired_correlation(a.values[one] > 0.5, b.values[other] > 0.5) if paired else 0.0
    return difference_limits(first, second, correlation)


def difference_limits(first: Rate, second: Rate, correlation: float = 0.0) -> Limits:
    """The 95 % limits of `first - second` from the Wilson limits of both (Newcombe 1998, method 10 of either paper).

    Args:
        first: the rate p1 with limits l1 and u1.
        second: the rate p2 with limits l2 and u2.
        correlation: phi between the two, 0 for rates of independent trials.

    Returns:
        `d - sqrt((p1-l1)^2 - 2 phi (p1-l1)(u2-p2) + (u2-p2)^2)` and
        `d + sqrt((u1-p1)^2 - 2 phi (u1-p1)(p2-l2) + (p2-l2)^2)` with `d = p1 - p2`.
    """
    difference = first.value - second.value
    below = _joined(first.value - first.low, second.high - second.value, correlation)
    above = _joined(first.high - first.value, second.value - second.low, correlation)
    return difference - below, difference + above


def ratio_limits(first: Rate, second: Rate) -> Limits:
    """The 95 % limits of `first / second` from the Wilson limits of both (Donner and Zou 2012, MOVER-R).

    Returns:
        `(p1 p2 - sqrt((p1 p2)^2 - l1 (2 p1 - l1) u2 (2 p2 - u2))) / (u2 (2 p2 - u2))`, and
        `(p1 p2 + sqrt((p1 p2)^2 - u1 (2 p1 - u1) l2 (2 p2 - l2))) / (l2 (2 p2 - l2))`; infinity for the latter where
        nothing of `second` succeeded.
    """
    product = first.value * second.value
    top = first.low * (2 * first.value - first.low)
    # The lower limit is written without the difference that cancels, and whose denominator may be zero.
    root = math.sqrt(max(product**2 - top * second.high * (2 * second.value - second.high), 0.0))
    low = top / (product + root) if top else 0.0
    bottom = second.low * (2 * second.value - second.low)
    root = math.sqrt(max(product**2 - first.high * (2 * first.value - first.high) * bottom, 0.0))
    return low, (product + root) / bottom if bottom else math.inf


def paired_correlation(first: Flags, second: Flags) -> float:
    """Newcombe's phi of pairs of outcomes (N,), a positive one corrected for continuity; 0 where one never varies.

    With a and d pairs that end alike (both succeed, both fail) and b and c pairs that do not, phi is
    `(a d - b c) / sqrt((a+b)(c+d)(a+c)(b+d))`; of a numerator above 0 at most n / 2 is taken off.
    """
    n = len(first)
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    alone, other = int((first & ~second).sum()), int((~first & second).sum())
    margins = (both + alone) * (other + neither) * (both + other) * (alone + neither)
    numerator = float(both * neither - alone * other)
    numerator = max(numerator - n / 2, 0.0) if numerator > 0 else numerator
    return numerator / math.sqrt(margins) if margins else 0.0


def _joined(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one**2 - 2 * correlation * one * other + other**2, 0.0))


def _ordered(data: Sample) -> Integers:
    """Rows by training, then by episode."""
    return np.lexsort((data.episode_seeds, data.training_seeds)).astype(np.int64)

"""Intervals that go beside every number: Wilson for rates, a nested bootstrap for all else, exact McNemar.

Two rates are compared in `rates`; which source of chance makes an interval wide is found in `chance`.

Outcomes of one arm in one domain have three sources of chance. A population of domains (`twin`) is a handful of draws;
every draw holds its own episodes; and the policy was trained from some seed. `bootstrap` and `compare` resample all
three: draws, then the episodes inside each chosen draw, and training seeds. The same trained policies meet every draw,
so training seeds are resampled once per replicate and not anew inside each draw: that would treat 3 seeds x 8 draws as
24 independent trainings and make the interval too narrow. A level with a single member is kept as it is, and the
interval is then conditional on it ("1 seed").

A replicate is written as integer weights over the observations, which makes every statistic one pass over an array.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from eyehand.errors import InvalidValueError, NotDefinedError
from eyehand.types import Floats, Integers
from eyehand.world.counter import DRAW_BITS

Z_95 = 1.959963984540054  # the 97.5 % point of the standard normal distribution
RESAMPLES = 2000
_BLOCK_ELEMENTS = 250_000  # weights held at once: 2 MB, which stays in the cache

Statistic: TypeAlias = Literal["mean", "median", "q3"]
Comparison: TypeAlias = Literal["difference", "ratio"]
Level: TypeAlias = Literal["draws", "trainings", "episodes"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval.

    Attributes:
        value: the point estimate.
        low: lower end of the interval.
        high: upper end of the interval.
        n: trials behind it; frames of one episode are one trial.
        seeds: training seeds behind it.
    """

    value: float
    low: float
    high: float
    n: int
    seeds: int = 1

    def text(self, digits: int = 2, scale: float = 1.0, unit: str = "") -> str:
        """For people: `4.70 [4.10-5.20] cm (n=400)`; every number is multiplied by `scale` first."""
        value, low, high = (_fixed(number * scale, digits) for number in (self.value, self.low, self.high))
        return f"{value} [{_span(low, high)}]{' ' + unit if unit else ''} (n={self.n})"


@dataclass(frozen=True)
class Rate:
    """A share of trials with its Wilson 95 % interval.

    Attributes:
        successes: how many trials succeeded.
        n: how many trials there were.
    """

    successes: int
    n: int

    def __post_init__(self) -> None:
        """Refuse a share of nothing and more successes than trials."""
        if not 0 <= self.successes <= self.n or self.n == 0:
            raise InvalidValueError("rate", f"{self.successes}/{self.n}", "0 to n successes of n >= 1 trials")

    @property
    def value(self) -> float:
        """Share of successes."""
        return self.successes / self.n

    @property
    def low(self) -> float:
        """Lower end of the Wilson interval."""
        return self._wilson()[0]

    @property
    def high(self) -> float:
        """Upper end of the Wilson interval."""
        return self._wilson()[1]

    def _wilson(self) -> tuple[float, float]:
        # Wilson (1927): the shares p whose score test does not reject the share that was seen.
        p, n, z2 = self.value, self.n, Z_95**2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        # The ends are exact at 0 and n successes; rounding must not push them past the share itself.
        return (0.0 if self.successes == 0 else centre - half, 1.0 if self.successes == n else centre + half)

    def text(self) -> str:
        """For people: `0.82 [0.77-0.86] (246/300)`."""
        return f"{self.value:.2f} [{self.low:.2f}-{self.high:.2f}] ({self.successes}/{self.n})"

    def interval(self, seeds: int = 1) -> Interval:
        """The same numbers as an `Interval`."""
        return Interval(self.value, self.low, self.high, self.n, seeds)


def rate(success: ArrayLike) -> Rate:
    """The rate of successes (N,) with its Wilson interval."""
    flags = np.asarray(success, dtype=np.bool_)
    return Rate(int(flags.sum()), int(flags.size))


@dataclass(frozen=True, eq=False)
class Sample:
    """One number per episode, or several for each of its frames, with what they depend on.

    Attributes:
        values: (N,) the numbers, finite.
        episode_seeds: (N,) `draw << 32 | episode`; the same seed in another sample means the same episode.
        training_seeds: (N,) which training the policy came from.
    """

    values: Floats
    episode_seeds: Integers
    training_seeds: Integers

    def __post_init__(self) -> None:
        """Refuse emptiness, lengths that differ and numbers that are not finite."""
        sizes = [len(self.values), len(self.episode_seeds), len(self.training_seeds)]
        if len(set(sizes)) > 1 or sizes[0] == 0:
            raise InvalidValueError("sample sizes", sizes, "one length, at least 1, for values and seeds")
        if not np.isfinite(self.values).all():
            first = int(np.flatnonzero(~np.isfinite(self.values))[0])
            raise InvalidValueError(f"sample value {first}", float(self.values[first]), "a finite number")

    @property
    def seeds(self) -> int:
        """How many training seeds are in it."""
        return len(np.unique(self.training_seeds))

    @property
    def trials(self) -> int:
        """How many episodes of a training are in it, however many numbers each has given."""
        return len(np.unique(np.stack([self.training_seeds, self.episode_seeds]), axis=1).T)

    def value(self, statistic: Statistic = "mean") -> float:
        """A statistic of the numbers."""
        return float(STATISTICS[statistic](self.values, np.ones((1, len(self.values))))[0])

    def of_trainings(self, seeds: Collection[int]) -> Sample | None:
        """What comes from the trainings with these seeds; None where nothing does."""
        kept = np.isin(self.training_seeds, list(seeds))
        if not kept.any():
            return None
        return Sample(self.values[kept], self.episode_seeds[kept], self.training_seeds[kept])


def sample(
    values: ArrayLike, episode_seeds: ArrayLike | None = None, training_seeds: ArrayLike | None = None
) -> Sample:
    """A `Sample` from anything array-like: episodes are numbered in order, one training seed, where not given."""
    numbers = np.asarray(values, dtype=np.float64)
    episodes = np.arange(len(numbers)) if episode_seeds is None else np.asarray(episode_seeds)
    trainings = np.zeros(len(numbers)) if training_seeds is None else np.asarray(training_seeds)
    return Sample(numbers, episodes.astype(np.int64), np.broadcast_to(trainings, numbers.shape).astype(np.int64))


def once(data: Sample) -> Rate:
    """The rate of successes, where all trainings end alike in every episode of one of them alone.

    Trainings that never differ, such as copies of an expert that learns nothing, are no further trials of the episodes.
    """
    first, *others = [data.of_trainings([seed]) for seed in np.unique(data.training_seeds)]
    assert first is not None, "a sample holds what comes from its own trainings"
    alike = all(other is not None and _ends(other) == _ends(first) for other in others)
    return rate((first if alike else data).values > 0.5)


def _ends(data: Sample) -> dict[int, float]:
    return dict(zip(data.episode_seeds.tolist(), data.values.tolist(), strict=True))


def at_common_trainings(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The samples without the trainings that not all of them share; as they are where they share none.

    Arms that were trained from other seeds differ by the chance of their trainings too: seed 0 of one is compared with
    seed 0 of the other and not with the average of three.
    """
    common: set[int] = set(samples[0].training_seeds.tolist())
    for one in samples[1:]:
        common &= set(one.training_seeds.tolist())
    return tuple(one.of_trainings(common) or one for one in samples)


def bootstrap(
    data: Sample, statistic: Statistic = "mean", resamples: int = RESAMPLES, generator: np.random.Generator | int = 0
) -> Interval:
    """A statistic with its nested bootstrap 95 % interval (percentiles).

    Args:
        data: the outcomes.
        statistic: "mean", "median" or "q3" (third quartile, linear interpolation as `np.quantile`).
        resamples: how many replicates.
        generator: where the randomness comes from, or the seed of a fresh generator.
    """
    value = data.value(statistic)
    low, high = _percentiles(replicated([data], statistic, replicates([data], resamples, generator))[0])
    return Interval(value, low, high, data.trials, data.seeds)


def success_interval(data: Sample, resamples: int = RESAMPLES, generator: np.random.Generator | int = 0) -> Interval:
    """A success rate with the wider ends of its Wilson and its nested bootstrap interval.

    Wilson's assumes independent trials and is too narrow where draws or trainings differ; the bootstrap shrinks to a
    point when every trial ends alike. Their envelope has neither fault.
    """
    resampled, wilson = bootstrap(data, "mean", resamples, generator), once(data)
    return dataclasses.replace(resampled, low=min(resampled.low, wilson.low), high=max(resampled.high, wilson.high))


def compare(
    a: Sample,
    b: Sample,
    comparison: Comparison = "difference",
    statistic: Statistic = "mean",
    resamples: int = RESAMPLES,
    generator: np.random.Generator | int = 0,
) -> Interval:
    """`statistic(a) - statistic(b)` or their ratio, with a nested bootstrap 95 % interval.

    Samples of the same episodes are resampled as pairs, and so are samples of the same training seeds; otherwise the
    two are resampled apart (see `at_common_trainings`). `n` is the smaller sample's size. Success rates are compared by
    `rates.compare_rates`.

    Raises:
        NotDefinedError: a ratio whose denominator is zero or may be zero within the interval.
    """
    found = replicated([a, b], statistic, replicates([a, b], resamples, generator))
    value, low, high = _contrast(np.array([s.value(statistic) for s in (a, b)]), found, comparison)
    return Interval(value, low, high, min(a.trials, b.trials), min(a.seeds, b.seeds))


def replicated(samples: Sequence[Sample], statistic: Statistic, blocks: Iterator[Floats]) -> Floats:
    """(S, R) the statistic of every sample in every replicate, from the weights that `replicates` yields."""
    ends = np.cumsum([len(one.values) for one in samples])[:-1]
    found = [
        np.stack(
            [
                STATISTICS[statistic](one.values, part)
                for one, part in zip(samples, np.split(weights, ends, axis=1), strict=True)
            ]
        )
        for weights in blocks
    ]
    return np.concatenate(found, axis=1)


def _contrast(observed: Floats, replicated: Floats, comparison: Comparison) -> tuple[float, float, float]:
    if comparison == "difference":
        return (float(observed[0] - observed[1]), *_percentiles(replicated[0] - replicated[1]))
    if (replicated[1] <= 0).mean() > 0.02 or observed[1] <= 0:
        raise NotDefinedError(
            f"The ratio {observed[0]:.4g} / {observed[1]:.4g} is not defined: its denominator is zero or may be. "
            "Compare by difference, or add trials."
        )
    kept = replicated[:, replicated[1] > 0]
    return (float(observed[0] / observed[1]), *_percentiles(kept[0] / kept[1]))


def paired_difference(
    a: ArrayLike, b: ArrayLike, resamples: int = RESAMPLES, generator: np.random.Generator | int = 0
) -> Interval:
    """Mean of `a - b` over the same episodes in the same order, (N,) each, with a paired bootstrap interval."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise InvalidValueError("pairs", [first.shape, second.shape], "two arrays of one shape, the same episodes")
    return bootstrap(sample(first - second), "mean", resamples, generator)


def mcnemar(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided p-value that two arms succeed equally often on the same episodes (exact McNemar test).

    Only episodes with different outcomes count; under equality each is a fair coin.

    Args:
        a: (N,) successes of one arm.
        b: (N,) successes of the other arm in the same episodes.
    """
    first, second = np.asarray(a, dtype=np.bool_), np.asarray(b, dtype=np.bool_)
    if first.shape != second.shape:
        raise InvalidValueError("pairs", [first.shape, second.shape], "two arrays of one shape, the same episodes")
    discordant = int((first != second).sum())
    fewer = min(int((first & ~second).sum()), int((~first & second).sum()))
    tail = sum(math.comb(discordant, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / 2**discordant)


def _mean(values: Floats, weights: Floats) -> Floats:
    return (weights @ values) / weights.sum(axis=1)


def _quantile(p: float) -> Callable[[Floats, Floats], Floats]:
    def quantile(values: Floats, weights: Floats) -> Floats:
        # Weights are whole numbers of copies: the order statistics of the replicate are found without writing it out.
        order = np.argsort(values)
        copies = np.cumsum(weights[:, order], axis=1)  # (R, N)
        position = p * (copies[:, -1] - 1)
        whole = np.floor(position)
        found = [np.argmax(copies > k[:, None], axis=1) for k in (whole, np.minimum(whole + 1, copies[:, -1] - 1))]
        lower, upper = (values[order][index] for index in found)
        return lower + (position - whole) * (upper - lower)

    return quantile


STATISTICS: Mapping[Statistic, Callable[[Floats, Floats], Floats]] = {
    "mean": _mean,
    "median": _quantile(0.5),
    "q3": _quantile(0.75),
}


def replicates(
    samples: Sequence[Sample],
    resamples: int = RESAMPLES,
    generator: np.random.Generator | int = 0,
    levels: Sequence[Level] = LEVELS,
) -> Iterator[Floats]:
    """Bootstrap weights of several samples side by side, in blocks of replicates.

    Episodes and trainings that all samples share get the same weight in all of them (pairs stay pairs). Levels that are
    not among `levels` are kept as they are.

    Yields:
        (R, N_1 + N_2 + ...) how often each observation appears in each replicate; the R of all blocks add up to
        `resamples`.
    """
    rng = np.random.default_rng(generator)
    episodes = _shared([s.episode_seeds for s in samples])
    trainings = _shared([s.training_seeds for s in samples])
    width = sum(len(s.values) for s in samples)
    block = max(1, min(resamples, _BLOCK_ELEMENTS // width))
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        episode_weights = [_episode_weights(keys, count, rng, levels)[:, index] for keys, index in episodes]
        weights = np.concatenate(episode_weights, axis=1)
        if "trainings" in levels:
            trained = [_training_weights(len(keys), count, rng)[:, index] for keys, index in trainings]
            weights = weights * np.concatenate(trained, axis=1)
        yield _without_empty(weights, [len(s.values) for s in samples])


def _without_empty(weights: Floats, sizes: list[int]) -> Floats:
    # A sample in which not every training met every episode may come out empty in a rare replicate; it is then the
    # sample itself, which pulls the interval in by a hair instead of dividing by zero.
    start = 0
    for size in sizes:
        part = weights[:, start : start + size]
        part[part.sum(axis=1) == 0] = 1.0
        start += size
    return weights


def _shared(labels: list[Integers]) -> list[tuple[Integers, Integers]]:
    # One group when all samples carry the same labels, else one group per sample: (distinct labels, index of each).
    distinct = [np.unique(one) for one in labels]
    together = all(np.array_equal(distinct[0], other) for other in distinct[1:])
    groups = [np.concatenate(labels)] if together else labels
    return [(np.unique(group), np.searchsorted(np.unique(group), group)) for group in groups]


def _training_weights(seeds: int, count: int, rng: np.random.Generator) -> Floats:
    return _counts(rng.integers(0, seeds, (count, seeds)), seeds)


def _episode_weights(keys: Integers, count: int, rng: np.random.Generator, levels: Sequence[Level]) -> Floats:
    """(R, U) weights of distinct episode seeds (U,), sorted: draws first, then episodes inside each chosen draw."""
    _, first, size = np.unique(keys >> DRAW_BITS, return_index=True, return_counts=True)
    chosen = np.broadcast_to(np.arange(len(first)), (count, len(first)))  # (R, D) draws
    if "draws" in levels:
        chosen = rng.integers(0, len(first), (count, len(first)))
    slots = np.broadcast_to(np.arange(int(size.max())), (count, len(first), int(size.max())))
    if "episodes" in levels:
        slots = np.floor(rng.random(slots.shape) * size[chosen][:, :, None]).astype(np.int64)
    picked = first[chosen][:, :, None] + slots  # (R, D, E) positions in `keys`
    # A draw with fewer episodes than the largest one leaves its surplus slots unused.
    unused = np.arange(int(size.max())) >= size[chosen][:, :, None]
    picked = np.where(unused, len(keys), picked).reshape(count, -1)
    return _counts(picked, len(keys) + 1)[:, :-1]


def _counts(picked: Integers, bins: int) -> Floats:
    offsets = np.arange(len(picked))[:, None] * bins
    counted = np.bincount((picked + offsets).ravel(), minlength=len(picked) * bins)
    return counted.reshape(len(picked), bins).astype(np.float64)


def _percentiles(replicated: Floats) -> tuple[float, float]:
    low, high = np.quantile(replicated, [0.025, 0.975])
    return float(low), float(high)


def _fixed(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _span(low: str, high: str) -> str:
    # A dash between negative numbers reads as a sign.
    return f"{low} to {high}" if low.startswith("-") or high.startswith("-") else f"{low}-{high}"

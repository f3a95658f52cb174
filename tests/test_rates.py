"""Success rates compared: published limits, pairs, and intervals that are never points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyehand.errors import NotDefinedError
from eyehand.evaluation import rates
from eyehand.evaluation import statistics as stats
from eyehand.evaluation.statistics import Rate


def pairs(both: int, first: int, second: int, neither: int) -> tuple[stats.Sample, stats.Sample]:
    """Outcomes of two arms on the same episodes by how many ended in each of the four ways."""
    counts = [both, first, second, neither]
    return stats.sample(np.repeat([1.0, 1, 0, 0], counts)), stats.sample(np.repeat([1.0, 0, 1, 0], counts))


def apart(sample: stats.Sample) -> stats.Sample:
    return stats.sample(sample.values, sample.episode_seeds + 10_000, sample.training_seeds)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_difference_of_independent_rates_matches_published_limits(first, second, low, high):
    # Newcombe (1998), Statistics in Medicine 17, pages 873-890, Table II, method 10.
    assert rates.difference_limits(Rate(*first), Rate(*second)) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        ((36, 12, 2, 0), 0.0569, 0.3404),  # Newcombe (1998), Statistics in Medicine 17, pages 2635-2650, method 10
        ((59, 6, 16, 80), -0.1186, -0.0046),  # Fagerland, Lydersen, Laake: Statistical Analysis of Contingency Tables
    ],
)
def test_difference_of_paired_rates_matches_published_limits(table, low, high):
    assert rates.score_limits(*pairs(*table)) == pytest.approx((low, high), abs=5e-5)


def test_ratio_matches_published_limits():
    # 7/34 to 1/34, Fagerland, Lydersen and Laake: Statistical Analysis of Contingency Tables, chapter 4.
    assert rates.ratio_limits(Rate(7, 34), Rate(1, 34)) == pytest.approx((1.1537, 41.9763), abs=5e-5)


def test_arms_that_always_succeed_differ_by_an_interval_and_not_by_a_point():
    always = stats.sample(np.ones(150))
    resampled = stats.compare(always, always)
    assert (resampled.low, resampled.high) == (0.0, 0.0)
    paired, unpaired = rates.compare_rates(always, always), rates.compare_rates(always, apart(always))
    ends = Rate(150, 150)
    for interval in (paired, unpaired):
        assert (interval.value, interval.n) == (0.0, 150)
        assert (interval.low, interval.high) == pytest.approx((ends.low - 1.0, 1.0 - ends.low))
    ratio = rates.compare_rates(always, always, "ratio")
    assert (ratio.low, ratio.value, ratio.high) == pytest.approx((ends.low, 1.0, 1.0 / ends.low))


def test_all_against_nothing_is_no_point_either():
    interval = rates.compare_rates(stats.sample(np.ones(20)), apart(stats.sample(np.zeros(20))))
    assert (interval.value, interval.high) == (1.0, 1.0)
    assert 0.7 < interval.low < 0.9
    with pytest.raises(NotDefinedError, match="Compare by difference"):
        rates.compare_rates(stats.sample(np.ones(20)), stats.sample(np.zeros(20)), "ratio")


def test_pairs_that_agree_narrow_the_difference():
    a, b = pairs(40, 3, 1, 36)
    low, high = rates.score_limits(a, b)
    wide_low, wide_high = rates.score_limits(a, apart(b))
    assert wide_low < low < 0.025 < high < wide_high


def test_pairs_are_found_whatever_the_order_of_the_rows():
    a, b = pairs(30, 8, 2, 10)
    mixed = np.random.default_rng(0).permutation(50)
    moved = stats.sample(b.values[mixed], b.episode_seeds[mixed], b.training_seeds[mixed])
    assert rates.score_limits(a, moved) == pytest.approx(rates.score_limits(a, b))
    other_training = stats.sample(b.values, b.episode_seeds, b.training_seeds + 1)
    assert rates.score_limits(a, other_training) == rates.score_limits(a, apart(b))


def test_draws_that_differ_keep_the_interval_as_wide_as_the_bootstrap():
    seeds = (np.repeat(np.arange(8), 50) << 32) + np.tile(np.arange(50), 8)
    easy = stats.sample(np.repeat(np.arange(8) < 4, 50), seeds)
    never = stats.sample(np.zeros(400), seeds)
    resampled, score = stats.compare(easy, never), rates.score_limits(easy, never)
    assert resampled.low < score[0] - 0.1
    interval = rates.compare_rates(easy, never)
    assert (interval.low, interval.high) == (resampled.low, resampled.high)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=4, max_size=4).filter(any))
def test_limits_hold_the_estimate_and_stay_where_rates_can_be(counts):
    a, b = pairs(*counts)
    for second in (b, apart(b)):
        low, high = rates.score_limits(a, second)
        assert -1.0 <= low <= a.values.mean() - b.values.mean() <= high <= 1.0
        assert high - low > 1e-6
    if b.values.any():
        low, high = rates.score_limits(a, b, "ratio")
        assert 0.0 <= low <= a.values.mean() / b.values.mean() * (1 + 1e-12)
        assert high >= a.values.mean() / b.values.mean() * (1 - 1e-12)
        assert np.isfinite(high)


def test_a_ratio_to_nothing_has_no_upper_limit():
    assert rates.ratio_limits(Rate(0, 20), Rate(0, 20)) == (0.0, np.inf)


def test_coverage_is_about_that_of_the_name():
    rng, held = np.random.default_rng(1), {"difference": 0, "ratio": 0}
    for _ in range(400):
        a, b = Rate(int(rng.binomial(60, 0.9)), 60), Rate(int(rng.binomial(60, 0.7)), 60)
        low, high = rates.difference_limits(a, b)
        held["difference"] += low <= 0.2 <= high
        low, high = rates.ratio_limits(a, b)
        held["ratio"] += low <= 9 / 7 <= high
    assert all(370 <= count <= 393 for count in held.values()), held

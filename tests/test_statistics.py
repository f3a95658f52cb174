"""Intervals: known values, coverage, pairing, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyehand.errors import InvalidValueError, NotDefinedError
from eyehand.evaluation import statistics as stats


def test_wilson_matches_published_values():
    # Newcombe (1998), Table I, method 3: 81/263, 15/148, 0/20 and 1/29.
    for successes, n, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)]:
        rate = stats.Rate(successes, n)
        assert rate.low == pytest.approx(low, abs=5e-5)
        assert rate.high == pytest.approx(high, abs=5e-5)
    assert stats.Rate(0, 20).low == 0.0
    assert stats.Rate(0, 20).high == pytest.approx(0.1611, abs=5e-5)


def test_rate_prints_as_the_house_prints_rates():
    assert stats.Rate(246, 300).text() == "0.82 [0.77-0.86] (246/300)"
    assert stats.rate([True, False, True, True]).text() == "0.75 [0.30-0.95] (3/4)"


def test_interval_text_scales_and_keeps_signs_apart_from_dashes():
    assert stats.Interval(0.047, 0.041, 0.052, 400).text(1, 100, "cm") == "4.7 [4.1-5.2] cm (n=400)"
    assert stats.Interval(-0.1, -0.2, 0.0, 40).text(2) == "-0.10 [-0.20 to 0.00] (n=40)"
    assert stats.Interval(-0.001, -0.2, 0.1, 40).text(1).startswith("0.0 ")


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_share_and_stays_in_the_unit_interval(n, data):
    successes = data.draw(st.integers(0, n))
    rate = stats.Rate(successes, n)
    assert 0.0 <= rate.low <= rate.value <= rate.high <= 1.0


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_impossible_rates_are_refused(successes, n):
    with pytest.raises(InvalidValueError, match="0 to n successes of n >= 1"):
        stats.Rate(successes, n)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(1, 4)), min_size=1, max_size=30))
def test_weighted_statistics_equal_numpys_on_the_written_out_replicate(pairs):
    values = np.array([value for value, _ in pairs])
    weights = np.array([weight for _, weight in pairs])
    written = np.repeat(values, weights)
    expected = {"mean": written.mean(), "median": np.median(written), "q3": np.quantile(written, 0.75)}
    for name, number in expected.items():
        assert stats.STATISTICS[name](values, weights[None].astype(float))[0] == pytest.approx(number, abs=1e-9)


def test_bootstrap_of_a_mean_is_as_wide_as_theory_says():
    rng = np.random.default_rng(1)
    interval = stats.bootstrap(stats.sample(rng.normal(3.0, 2.0, 400)))
    assert interval.low < interval.value < interval.high
    assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * 2.0 / 20, rel=0.12)
    assert interval.n == 400


def test_bootstrap_is_a_function_of_its_seed():
    data = stats.sample(np.arange(50.0))
    assert stats.bootstrap(data, "mean", generator=7) == stats.bootstrap(data, "mean", generator=7)
    assert stats.bootstrap(data, "mean", generator=7) != stats.bootstrap(data, "mean", generator=8)


def cube(draw_std: float, training_std: float, rng: np.random.Generator) -> stats.Sample:
    draws, trainings, episodes = 8, 5, 20
    seeds = (np.arange(draws)[:, None] << 32) + np.arange(episodes)
    values = rng.normal(0, 0.1, (trainings, draws, episodes))
    values += draw_std * rng.standard_normal((1, draws, 1)) + training_std * rng.standard_normal((trainings, 1, 1))
    keys = np.broadcast_to(np.arange(trainings)[:, None, None], values.shape)
    return stats.sample(values.ravel(), np.broadcast_to(seeds, values.shape).ravel(), keys.ravel())


@pytest.mark.parametrize(("draw_std", "training_std", "units"), [(1.0, 0.0, 8), (0.0, 1.0, 5)])
def test_interval_widens_with_the_spread_between_draws_and_between_trainings(draw_std, training_std, units):
    rng = np.random.default_rng(3)
    widths = []
    for _ in range(20):
        interval = stats.bootstrap(cube(draw_std, training_std, rng), resamples=400)
        widths.append(interval.high - interval.low)
    # The spread of a mean of `units` independent units, whatever the 800 episodes say; bootstrap shrinks by (u-1)/u.
    expected = 2 * 1.96 * np.sqrt((units - 1) / units) / np.sqrt(units)
    assert np.mean(widths) == pytest.approx(expected, rel=0.2)


def test_draws_with_fewer_episodes_still_weigh_by_their_episodes():
    seeds = np.concatenate([np.arange(90), (1 << 32) + np.arange(10)])
    values = np.concatenate([np.zeros(90), np.ones(10)])
    interval = stats.bootstrap(stats.sample(values, seeds))
    assert interval.value == pytest.approx(0.1)
    assert (interval.low, interval.high) == (0.0, 1.0)  # either draw may be missing from a replicate


def test_success_interval_is_never_a_point():
    everything = stats.sample(np.ones(400))
    interval = stats.success_interval(everything)
    assert interval.low == pytest.approx(stats.Rate(400, 400).low)
    assert interval.high == 1.0


def test_trainings_that_never_differ_are_no_further_trials():
    episodes, trainings = np.tile(np.arange(50), 3), np.repeat(np.arange(3), 50)
    copies = stats.sample(np.ones(150), episodes, trainings)
    assert stats.success_interval(copies).low == pytest.approx(stats.Rate(50, 50).low)
    differs = np.ones(150)
    differs[0] = 0.0
    assert stats.once(stats.sample(differs, episodes, trainings)) == stats.Rate(149, 150)


def test_frames_of_one_episode_are_one_trial():
    frames = stats.sample(np.arange(12.0), np.repeat([0, 1, 2], 4), 0)
    assert frames.trials == 3
    assert stats.bootstrap(frames).n == 3


def test_comparison_of_the_same_episodes_is_paired():
    rng = np.random.default_rng(5)
    hard = rng.normal(0, 10, 300)
    a, b = stats.sample(hard + 1.0), stats.sample(hard + rng.normal(0, 0.1, 300))
    paired = stats.compare(a, b)
    assert paired.value == pytest.approx(1.0, abs=0.03)
    assert paired.high - paired.low < 0.1
    apart = stats.compare(a, stats.sample(b.values, np.arange(300) + 1000))
    assert apart.high - apart.low > 1.0


def test_ratio_of_medians():
    rng = np.random.default_rng(6)
    a, b = stats.sample(rng.gamma(4, 2.0, 400)), stats.sample(rng.gamma(4, 1.0, 400))
    ratio = stats.compare(a, b, "ratio", "median")
    assert ratio.value == pytest.approx(np.median(a.values) / np.median(b.values))
    assert ratio.low < ratio.value < ratio.high
    assert ratio.low > 1.5


def test_ratio_to_nothing_says_what_to_do():
    with pytest.raises(NotDefinedError, match="Compare by difference"):
        stats.compare(stats.sample([1.0, 2.0]), stats.sample([0.0, 0.0]), "ratio")


def test_comparison_counts_trainings_and_trials():
    a = stats.sample(np.ones(6), [0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1])
    interval = stats.compare(a, stats.sample(np.zeros(4)))
    assert (interval.n, interval.seeds) == (4, 1)


def test_arms_of_other_trainings_are_compared_where_they_have_the_same():
    seeds = np.tile(np.arange(50), 3)
    several = stats.sample(np.repeat([1.0, 5.0, 9.0], 50), seeds, np.repeat([0, 1, 2], 50))
    one = stats.sample(np.full(50, 0.5), np.arange(50), np.zeros(50))
    a, b = stats.at_common_trainings([several, one])
    assert (a.seeds, b.seeds, len(a.values)) == (1, 1, 50)
    interval = stats.compare(a, b)
    assert (interval.value, interval.low, interval.high, interval.n) == (0.5, 0.5, 0.5, 50)
    stranger = stats.sample(np.zeros(50), np.arange(50), np.full(50, 7))
    assert stats.at_common_trainings([several, stranger]) == (several, stranger)
    assert stats.at_common_trainings([several]) != ()
    assert several.of_trainings([4]) is None


def test_replicates_come_in_blocks_that_add_up(monkeypatch):
    monkeypatch.setattr(stats, "_BLOCK_ELEMENTS", 64)
    blocks = list(stats.replicates([stats.sample(np.arange(10.0))], 25, 0))
    assert sum(len(block) for block in blocks) == 25
    assert all((block.sum(axis=1) == 10).all() for block in blocks)


def test_paired_difference_refuses_other_shapes():
    with pytest.raises(InvalidValueError, match="the same episodes"):
        stats.paired_difference([1.0, 2.0], [1.0])
    assert stats.paired_difference([2.0, 3.0, 4.0], [1.0, 2.0, 3.0]).value == pytest.approx(1.0)


def test_mcnemar_is_the_exact_binomial():
    a = np.array([True] * 9 + [False] * 1 + [True] * 30)
    b = np.array([False] * 9 + [True] * 1 + [True] * 30)
    assert stats.mcnemar(a, b) == pytest.approx(2 * 11 / 1024)
    assert stats.mcnemar(a, a) == 1.0


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(InvalidValueError, match="sample value 1"):
        stats.sample([0.0, np.nan])
    with pytest.raises(InvalidValueError, match="at least 1"):
        stats.sample([])

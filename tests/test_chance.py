"""Shares of chance: simulated trainings, draws and episodes are each told for what they are."""

from __future__ import annotations

import numpy as np
import pytest

from eyehand.evaluation import chance
from eyehand.evaluation import statistics as stats
from eyehand.evaluation.statistics import LEVELS

DRAWS, TRAININGS, EPISODES = 8, 8, 12
SIMULATIONS = 12


def simulated(
    rng: np.random.Generator,
    episodes: float = 0.0,
    interaction: float = 0.0,
    trainings: float = 0.0,
    draws: float = 0.0,
) -> np.ndarray:
    """(T, D, E) numbers with effects of the given standard deviations."""
    values = episodes * rng.standard_normal((1, DRAWS, EPISODES)) + draws * rng.standard_normal((1, DRAWS, 1))
    return (
        values
        + trainings * rng.standard_normal((TRAININGS, 1, 1))
        + interaction * rng.standard_normal((TRAININGS, DRAWS, EPISODES))
    )


def sample_of(values: np.ndarray, first_training: int = 0) -> stats.Sample:
    seeds = (np.arange(2, 2 + DRAWS)[:, None] << 32) + np.arange(EPISODES)
    keys = first_training + np.arange(len(values))[:, None, None]
    return stats.sample(
        values.ravel(),
        np.broadcast_to(seeds, values.shape).ravel(),
        np.broadcast_to(keys, values.shape).ravel(),
    )


def average(samples: list[list[stats.Sample]], **told) -> dict[str, float]:
    found = [chance.shares_of_chance(one, resamples=300, **told) for one in samples]
    return {level: float(np.mean([shares[level] for shares in found])) for level in LEVELS}


# The effect that alone is there, the level that it counts to, and the least share of it: means of a few members differ
# by chance, too, of which no more than the expectation can be taken off.
CASES = [("episodes", "episodes", 0.7), ("interaction", "episodes", 0.7), ("trainings", "trainings", 0.98)]
CASES += [("draws", "draws", 0.98)]


@pytest.mark.parametrize(("effect", "level", "least"), CASES)
def test_each_source_of_chance_is_told_for_what_it_is(effect, level, least):
    rng = np.random.default_rng(4)
    shares = average([[sample_of(simulated(rng, **{effect: 1.0}))] for _ in range(SIMULATIONS)])
    assert shares[level] > least, shares
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("effect", "level", "least"), CASES)
@pytest.mark.parametrize("strangers", [False, True])
def test_so_it_is_in_a_paired_comparison(effect, level, least, strangers):
    """What both arms share cancels; what is left is told, whether or not they come from the same trainings."""
    rng, found = np.random.default_rng(5), []
    for _ in range(SIMULATIONS):
        common = simulated(rng, episodes=5.0, draws=5.0)
        one, other = common + simulated(rng, **{effect: 1.0}), common
        found.append([sample_of(one), sample_of(other, first_training=100 * strangers)])
    shares = average(found)
    assert shares[level] > least, shares


def test_trainings_are_not_credited_with_what_is_the_episodes():
    """A tenth of the variance is the trainings' and not less because the episodes' common part is large."""
    rng = np.random.default_rng(6)
    # Variance of the mean: trainings 1 / 8, episodes 9 / 8.
    parts = {"trainings": 1.0, "episodes": float(np.sqrt(9 * DRAWS * EPISODES / 8))}
    shares = average([[sample_of(simulated(rng, **parts))] for _ in range(2 * SIMULATIONS)])
    assert shares["trainings"] == pytest.approx(0.1, abs=0.04)


def test_few_members_are_not_underestimated():
    rng = np.random.default_rng(7)
    found = []
    for _ in range(40):
        values = simulated(rng, trainings=1.0, episodes=float(np.sqrt(DRAWS * EPISODES / 2)))[:2]
        found.append([sample_of(values)])  # variance of the mean: trainings 1 / 2, episodes 1 / 2
    # A bootstrap of two trainings shows half of their variance. The share varies widely: its mean lies below 1 / 2.
    assert 0.3 < average(found)["trainings"] < 0.55


def test_a_level_with_one_member_has_no_part():
    rng = np.random.default_rng(8)
    values = simulated(rng, episodes=1.0, trainings=3.0, draws=3.0)
    one = sample_of(values[:1])
    assert chance.shares_of_chance([one])["trainings"] == 0.0
    alone = stats.sample(values[:, 0].ravel(), np.tile(np.arange(EPISODES), TRAININGS), np.repeat(range(8), EPISODES))
    assert chance.shares_of_chance([alone])["draws"] == 0.0
    assert (chance.members(one, "trainings"), chance.members(alone, "draws")) == (1, 1)
    assert [chance.members(sample_of(values), level) for level in LEVELS] == [8, 8, 96]


def test_draws_of_one_arm_count_where_the_other_has_none():
    """A ratio of the twin to simulation, which has no draws: its episodes are not taken off the draws' part."""
    rng, found = np.random.default_rng(9), []
    for _ in range(SIMULATIONS):
        abroad = sample_of(10.0 + simulated(rng, draws=1.0)[:1])
        home = stats.sample(10.0 + rng.normal(0, np.sqrt(400 / DRAWS), 400))  # as much variance as that of the draws
        found.append([abroad, home])
    shares = average(found, comparison="ratio")
    assert shares["draws"] == pytest.approx(0.5, abs=0.15)


def test_a_median_has_shares_too():
    rng = np.random.default_rng(10)
    values = 5.0 + simulated(rng, draws=1.0, interaction=0.1)
    assert chance.shares_of_chance([sample_of(values)], statistic="median", resamples=200)["draws"] > 0.9


def test_a_constant_has_no_chance_to_share():
    assert set(chance.shares_of_chance([stats.sample(np.ones(9))]).values()) == {0.0}

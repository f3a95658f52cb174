"""The gap report: shares that add up, known games, intervals on pairs, and its texts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyehand.errors import InvalidValueError
from eyehand.evaluation import gap

N = 120


def inputs(**extra) -> gap.GapInput:
    seeds = np.repeat(np.arange(4) << 32, N // 4) + np.arange(N)
    return gap.GapInput("sim_only", "sim", "twin/val", seeds, np.zeros(N, np.int64), **extra)


def flags(share: float) -> np.ndarray:
    return np.arange(N) % 20 < round(20 * share)


def additive(costs: dict[str, float]) -> dict[gap.Subset, gap.Outcomes]:
    return {s: gap.Outcomes(flags(1.0 - sum(costs[g] for g in s))) for s in gap.subsets()}


def test_there_are_eight_cells_from_nothing_to_everything():
    cells = gap.subsets()
    assert len(set(cells)) == 8
    assert (cells[0], cells[-1]) == (gap.NOTHING, gap.EVERYTHING)
    assert [gap.cell_name(c) for c in cells[:2]] == ["none", "visual"]
    assert gap.cell_name(gap.EVERYTHING) == "visual+setup+motion"


def test_where_costs_add_the_shares_are_the_costs():
    costs = {"visual": 0.5, "setup": 0.2, "motion": 0.1}
    report = gap.measure_gap(additive(costs), inputs())
    assert {g: share.value for g, share in report.success.shares.items()} == pytest.approx(costs)
    assert report.success.loss.value == pytest.approx(0.8)


def test_two_groups_that_only_hurt_together_share_evenly():
    cells = {s: gap.Outcomes(flags(0.25 if {"visual", "motion"} <= s else 1.0)) for s in gap.subsets()}
    shares = gap.measure_gap(cells, inputs()).success.shares
    assert shares["visual"].value == pytest.approx(0.375)
    assert shares["motion"].value == pytest.approx(0.375)
    assert shares["setup"].value == pytest.approx(0.0)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=8, max_size=8), st.integers(0, 2**31))
def test_shares_add_up_to_the_loss_in_both_measures(shares, seed):
    rng = np.random.default_rng(seed)
    cells = {
        s: gap.Outcomes(rng.random(N) < share, rng.random(N)) for s, share in zip(gap.subsets(), shares, strict=True)
    }
    report = gap.measure_gap(cells, inputs())
    for decomposition in report.decompositions:
        total = sum(share.value for share in decomposition.shares.values())
        assert total == pytest.approx(decomposition.loss.value, abs=1e-12)
    ends = report.success.cells
    assert report.success.loss.value == pytest.approx(ends[gap.NOTHING].value - ends[gap.EVERYTHING].value)


def test_a_distance_that_grows_counts_as_a_loss():
    cells = {s: gap.Outcomes(flags(1.0), np.full(N, 0.05 + 0.3 * ("visual" in s))) for s in gap.subsets()}
    distance = gap.measure_gap(cells, inputs()).decompositions[1]
    assert distance.measure == "distance_m"
    assert distance.shares["visual"].value == pytest.approx(0.3)
    assert distance.shares["visual"].low == pytest.approx(0.3)  # every pair of episodes differs by the same


def test_a_group_that_changes_no_episode_has_an_interval_all_the_same():
    success = gap.measure_gap({s: gap.Outcomes(flags(1.0)) for s in gap.subsets()}, inputs()).success
    for one in (success.loss, *success.shares.values()):
        assert one.value == pytest.approx(0.0)
        assert one.low == pytest.approx(-one.high)
        assert 0.01 < one.high < 0.05


def test_intervals_hold_the_shares_and_narrow_with_pairs():
    rng = np.random.default_rng(0)
    difficulty = rng.random(N)
    cells = {s: gap.Outcomes(difficulty > 0.3 * len(s)) for s in gap.subsets()}
    for share in gap.measure_gap(cells, inputs()).success.shares.values():
        assert share.low <= share.value <= share.high
        assert 0.0 < share.high - share.low < 0.25


def test_cells_may_be_measured_on_demand():
    asked: list[gap.Subset] = []

    def run(subset: gap.Subset) -> gap.Outcomes:
        asked.append(subset)
        return gap.Outcomes(flags(1.0 - 0.5 * ("visual" in subset)))

    report = gap.measure_gap(run, inputs())
    assert sorted(map(gap.cell_name, asked)) == sorted(map(gap.cell_name, gap.subsets()))
    assert report.success.shares["visual"].value == pytest.approx(0.5)


def test_a_missing_cell_is_named():
    cells = additive({"visual": 0.5, "setup": 0.0, "motion": 0.0})
    del cells[frozenset({"visual", "motion"})]
    with pytest.raises(InvalidValueError, match=r"no visual\+motion"):
        gap.measure_gap(cells, inputs())


def test_cells_of_other_episodes_are_refused():
    cells = additive({"visual": 0.5, "setup": 0.0, "motion": 0.0})
    cells[frozenset({"setup"})] = gap.Outcomes(np.ones(3, bool))
    with pytest.raises(InvalidValueError, match="gap cell setup: got '3 episodes'"):
        gap.measure_gap(cells, inputs())


def full_report() -> gap.GapReport:
    costs = {"visual": 0.7, "setup": 0.05, "motion": 0.1}
    cells = {s: dataclasses.replace(o, distance_m=0.05 + 0.1 * np.full(N, len(s))) for s, o in additive(costs).items()}
    extra = inputs(
        modules={"perception": gap.Outcomes(flags(0.9)), "control": None},
        curve=[(0.0, flags(1.0)), (0.1, flags(0.6)), (0.3, flags(0.2))],
        curve_unit="theta",
        target_error=0.2,
    )
    return gap.measure_gap(cells, extra)


def test_oracles_win_back_what_their_module_lost():
    perception, control = full_report().attributions
    assert perception.recovered is not None
    assert perception.recovered.value == pytest.approx(0.75)
    assert perception.recovered.low < 0.75 < perception.recovered.high
    assert control.success is None


def test_curve_predicts_success_from_the_interface_error():
    report = full_report()
    assert report.explained() == pytest.approx(0.4)
    assert dataclasses.replace(report, target_error=None).explained() is None


def test_text_shows_shares_cells_modules_and_the_prediction():
    said = gap.text(full_report())
    assert "What sim_only lost between sim and twin/val (120 paired episodes, 1 training seed)" in said
    assert "visual  share 0.70" in said
    assert "cell visual+setup+motion" in said
    assert "oracle control     not defined for this interface" in said
    assert "the curve predicts success 0.40, measured 0.15" in said
    assert "cm" in said

"""Claims: the three verdicts, what they read, and that they cannot change unseen."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.evaluation import claim, claims, paper, rates, results, statistics
from eyehand.evaluation.claims import modular_dqn
from eyehand.evaluation.statistics import Interval

DOMAINS = tuple(results.DomainIdentity(name, 1, "e" * 64) for name in ("sim", "twin/test", "twin/val", "live/test"))
N, TRAININGS = 96, (0, 1, 2)


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 100, 3)


@pytest.mark.parametrize(
    ("direction", "low", "high", "status"),
    [
        (">=", 0.95, 0.99, "pass"),
        (">=", 0.90, 0.949, "fail"),
        (">=", 0.90, 0.95, "undecided"),
        (">", 0.95, 0.99, "undecided"),
        (">", 0.90, 0.95, "fail"),
        (">", 0.951, 0.99, "pass"),
        ("<=", 0.2, 0.95, "pass"),
        ("<=", 0.96, 0.99, "fail"),
        ("<", 0.2, 0.95, "undecided"),
        ("<", 0.2, 0.94, "pass"),
        ("<", 0.95, 0.99, "fail"),
    ],
)
def test_an_interval_decides_only_from_one_side(direction, low, high, status):
    measurement = claim.Measurement(claim.Quantity("x", "sim", "success"))
    one = claim.Claim("1", "it works", "ours", measurement, direction, 0.95)
    assert claim.decide(one, claim.Measured(interval(low, high))).status == status


def outcomes(arm: str, domain: str, share: float, distance_m: float) -> list[results.Cell]:
    rng = np.random.default_rng(len(arm) + 7 * len(domain))
    draws = 8 if domain.endswith("test") else 1
    seeds = (np.arange(N) % draws << 32) + np.arange(N)
    made = []
    for training in TRAININGS:
        success = rng.random(N) < share
        made.append(
            results.Cell(
                arm, domain, training, "runs/x", seeds, success, ~success, np.full(N, 90), success - 0.1,
                {"distance_m": rng.gamma(64, distance_m / 64, N)}, "results/cells.json",
            )
        )  # fmt: skip
    return made


def errors(arm: str, domain: str, size: float) -> list[results.InterfaceErrors]:
    rng = np.random.default_rng(len(arm) + 7 * len(domain))
    seeds = np.arange(400)
    return [
        results.InterfaceErrors(arm, domain, t, "theta", "", seeds, rng.gamma(9, size / 9, 400), "results/errors.json")
        for t in TRAININGS
    ]


@functools.cache
def as_in_the_paper() -> results.Results:
    control = {"egreedy/1": 1.0, "egreedy/2": 0.84, "egreedy/3": 0.45, "kgps/1": 1.0, "kgps/2": 1.0, "kgps/3": 1.0}
    ends = {
        ("sim_only", "sim"): 0.047, ("adapted", "sim"): 0.046, ("fine_tuned", "sim"): 0.034,
        ("task_loss_only", "sim"): 0.08, ("oracle", "sim"): 0.034, ("sim_only", "twin/test"): 0.418,
        ("adapted", "twin/test"): 0.046, ("fine_tuned", "twin/test"): 0.034,
        ("task_loss_only", "twin/test"): 0.09, ("oracle", "twin/test"): 0.032,
    }  # fmt: skip
    table_1 = {
        "SIM": (0.013, 0.8, 0.8), "RW": (0.537, 0.05, 0.308), "P25": (0.012, 0.025, 0.219), "P50": (0.013, 0.024, 0.16),
        "P75": (0.015, 0.021, 0.135), "P100": (0.498, 0.019, 0.1), "constant_mean": (0.7, 0.7, 0.7),
    }  # fmt: skip
    cells = [c for arm, share in control.items() for c in outcomes(arm, "sim", share, 0.034)]
    cells += [c for (arm, domain), d in ends.items() for c in outcomes(arm, domain, 0.99, d)]
    found = [
        e
        for arm, sizes in table_1.items()
        for domain, size in zip(("sim", "twin/test", "live/test"), sizes, strict=True)
        for e in errors(arm, domain, size)
    ]
    return results.Results(
        "cells", "modular_dqn", "planar_reach", domains=DOMAINS, cells=tuple(cells), errors=tuple(found)
    )


@functools.cache
def decided_as_in_the_paper() -> tuple[claim.ClaimResult, ...]:
    return claim.decide_all(modular_dqn.CLAIMS, as_in_the_paper())


def test_numbers_like_the_papers_pass_every_claim():
    decided = decided_as_in_the_paper()
    assert {one.claim: one.status for one in decided if one.status != "pass"} == {}
    assert claim.count(decided) == {"pass": len(modular_dqn.CLAIMS), "fail": 0, "undecided": 0}


def test_a_method_without_transfer_gap_fails_the_claims_about_it():
    whole = as_in_the_paper()
    easy = [c for c in whole.cells if (c.arm, c.domain) != ("sim_only", "twin/test")]
    world = dataclasses.replace(whole, cells=(*easy, *outcomes("sim_only", "twin/test", 1.0, 0.047)))
    transfer = [one for one in modular_dqn.CLAIMS if one.claim in ("2c", "5b", "6")]
    status = {one.claim: one.status for one in claim.decide_all(transfer, world)}
    assert (status["2c"], status["6"], status["5b"]) == ("fail", "fail", "pass")


def test_what_was_not_measured_is_undecided_and_says_so():
    nothing = results.Results("empty", "modular_dqn", "planar_reach")
    for one in claim.decide_all(modular_dqn.CLAIMS, nothing):
        assert (one.status, one.n, one.seeds, one.value, one.file) == ("undecided", 0, 0, None, "")
        assert one.reason.startswith("not measured: ")


def test_a_straddled_threshold_is_undecided_and_says_what_varies():
    rng = np.random.default_rng(0)
    seeds = (np.arange(400) % 8 << 32) + np.arange(400)
    easy = rng.random(400) < np.where(seeds >> 32 < 4, 1.0, 0.0)  # half of the draws are easy
    cell = results.Cell("x", "twin/test", 0, "runs/x", seeds, easy, ~easy, np.full(400, 9), easy - 0.1, {}, "x.json")
    whole = results.Results("x", "modular_dqn", "planar_reach", domains=DOMAINS, cells=(cell,))
    measurement = claim.Measurement(claim.Quantity("x", "twin/test", "success"))
    (one,) = claim.decide_all([claim.Claim("1", "it works", "ours", measurement, ">=", 0.6)], whole)
    assert one.status == "undecided"
    assert one.reason == "the interval holds the threshold; of its variance comes 100 % from draws; 1 seed"
    assert one.text().endswith(f"({one.reason})")


def of(cells: list[results.Cell]) -> results.Results:
    return results.Results("x", "modular_dqn", "planar_reach", domains=DOMAINS, cells=tuple(cells))


def test_where_nothing_varied_the_reason_says_so():
    (cell, *_) = outcomes("x", "sim", 1.1, 0.1)
    measurement = claim.Measurement(claim.Quantity("x", "sim", "success"))
    (one,) = claim.decide_all([claim.Claim("1", "it works", "ours", measurement, ">=", 0.99)], of([cell]))
    assert one.status == "undecided"
    assert one.reason == "the interval holds the threshold; nothing varied in these trials; 1 draw; 1 seed"


def test_arms_are_compared_at_the_training_seeds_that_both_have():
    adapted = outcomes("adapted", "twin/test", 0.5, 0.1)
    further = [{"distance_m": one.measures["distance_m"] * (1 + one.training_seed)} for one in adapted]
    adapted = [
        dataclasses.replace(one, measures=measures, file=f"{one.training_seed}.json")
        for one, measures in zip(adapted, further, strict=True)
    ]
    tuned = dataclasses.replace(adapted[0], arm="fine_tuned", file="tuned.json")
    quantities = [claim.Quantity(arm, "twin/test", "distance_m", "median") for arm in ("fine_tuned", "adapted")]
    found = claim.measure(claim.Measurement(*quantities), of([*adapted, tuned]))
    assert found.interval is not None
    assert (found.interval.value, found.interval.low, found.interval.high) == (1.0, 1.0, 1.0)  # the same numbers
    assert (found.interval.n, found.interval.seeds) == (N, 1)
    assert found.files == ("tuned.json", "0.json")
    alone = claim.measure(claim.Measurement(quantities[1]), of([*adapted, tuned]))
    assert alone.interval is not None
    assert (alone.interval.n, alone.interval.seeds) == (3 * N, 3)


def test_what_varies_is_told_of_the_seeds_that_were_compared():
    adapted = outcomes("adapted", "twin/test", 0.5, 0.1)
    tuned = dataclasses.replace(outcomes("fine_tuned", "twin/test", 0.5, 0.1)[0])
    quantities = [claim.Quantity(arm, "twin/test", "distance_m", "median") for arm in ("fine_tuned", "adapted")]
    near = claim.Claim("1", "it is nearer", "ours", claim.Measurement(*quantities), "<", 1.0)
    (one,) = claim.decide_all([near], of([*adapted, tuned]))
    assert (one.status, one.seeds) == ("undecided", 1)
    assert "trainings" not in one.reason
    assert one.reason.endswith("; 1 seed")


@pytest.mark.parametrize("comparison", ["difference", "ratio"])
def test_arms_that_always_succeed_are_not_known_to_be_equal(comparison):
    cells = [*outcomes("a", "sim", 1.1, 0.1), *outcomes("b", "sim", 1.1, 0.1)]
    a, b = (claim.Quantity(arm, "sim", "success") for arm in ("a", "b"))
    found = claim.measure(claim.Measurement(a, b, comparison), of(cells)).interval
    assert found is not None
    assert found.value == (0.0 if comparison == "difference" else 1.0)
    # Three trainings that all end alike tell of the starts what one of them tells.
    every = statistics.Rate(N, N)
    limits = rates.ratio_limits(every, every) if comparison == "ratio" else rates.difference_limits(every, every)
    assert (found.low, found.high) == pytest.approx(limits)
    assert found.low < found.value < found.high


def test_validation_draws_never_decide_a_claim():
    cells = [c for arm in ("sim_only", "adapted") for c in outcomes(arm, "twin/val", 0.5, 0.1)]
    only_val = results.Results("val", "modular_dqn", "planar_reach", domains=DOMAINS, cells=tuple(cells))
    assert all(one.status == "undecided" for one in claim.decide_all(modular_dqn.CLAIMS, only_val))
    quantity = claim.Quantity("sim_only", "twin/test", "distance_m", "median")
    found = paper.counterpart(quantity, only_val)  # tables may show them, and say which split it was
    assert found is not None
    assert found[1] == "twin/val"


def test_json_has_exactly_the_agreed_keys():
    decided = decided_as_in_the_paper()
    keys = ["claim", "statement", "source", "status", "value", "low", "high", "threshold", "n", "seeds", "file"]
    assert all(list(one.to_json()) == keys for one in decided)
    first, distance = decided[0], next(one for one in decided if one.claim == "2c")
    assert (first.n, first.seeds, first.file) == (3 * N, 3, "results/cells.json")
    assert distance.value == pytest.approx(9.1, rel=0.1)


def test_ids_are_unique_and_sources_are_tagged():
    ids = [one.claim for one in modular_dqn.CLAIMS]
    assert len(set(ids)) == len(ids)
    assert {one.claim[0] for one in modular_dqn.CLAIMS} == set("123456")
    assert {one.source for one in modular_dqn.CLAIMS} <= {"paper", "derived", "ours"}


def test_any_change_of_a_claim_changes_the_hash():
    original = claim.registry_hash(modular_dqn.CLAIMS)
    assert original == claim.registry_hash(tuple(reversed(modular_dqn.CLAIMS)))
    first, *rest = modular_dqn.CLAIMS
    other = claim.Measurement(dataclasses.replace(first.measurement.quantity, domain="randomized"))
    for changed in (
        dataclasses.replace(first, threshold=0.94),
        dataclasses.replace(first, direction=">"),
        dataclasses.replace(first, statement="K-GPS works"),
        dataclasses.replace(first, measurement=other),
    ):
        assert claim.registry_hash((changed, *rest)) != original
    with pytest.raises(InvalidValueError, match="an id twice"):
        claim.registry_hash((first, first))


def test_registration_is_checked_against_the_numbers():
    run = as_in_the_paper()
    assert claim.registration(modular_dqn.CLAIMS, run) == "unregistered"
    run = dataclasses.replace(run, claims_hash=claim.registry_hash(modular_dqn.CLAIMS))
    assert claim.registration(modular_dqn.CLAIMS, run) == "registered"
    assert claim.registration(modular_dqn.CLAIMS[1:], run) == "changed"


@pytest.mark.parametrize("other", ["f" * 64, ""])
def test_numbers_made_with_other_claims_merge_and_say_so(other):
    run = dataclasses.replace(as_in_the_paper(), claims_hash=claim.registry_hash(modular_dqn.CLAIMS))
    rest = results.Results("rest", "modular_dqn", "planar_reach", claims_hash=other)
    assert claim.registration(modular_dqn.CLAIMS, results.merge([run, run_without_cells(run)])) == "registered"
    assert claim.registration(modular_dqn.CLAIMS, results.merge([run, rest])) == "not the same in all files"


def run_without_cells(run: results.Results) -> results.Results:
    return dataclasses.replace(run, cells=(), errors=())


def test_claims_are_found_by_method_name():
    assert claims.load("modular_dqn").claims == modular_dqn.CLAIMS
    with pytest.raises(UnknownNameError, match="Did you mean 'modular_dqn'"):
        claims.load("modular_dnq")


def test_a_ratio_to_zero_is_undecided_with_the_reason():
    whole = as_in_the_paper()
    zero = [dataclasses.replace(e, values=e.values * 0) if e.arm == "SIM" else e for e in whole.errors]
    forgets = [one for one in modular_dqn.CLAIMS if one.claim == "3d"]
    (ratio,) = claim.decide_all(forgets, dataclasses.replace(whole, errors=tuple(zero)))
    assert ratio.status == "undecided"
    assert "not defined" in ratio.reason


def test_every_table_row_has_one_entry_per_column():
    for table in modular_dqn.CLAIM_SET.tables:
        widths = {len(table.columns), len(table.scales), len(table.digits)}
        widths |= {len(row.paper) for row in table.rows} | {len(row.ours) for row in table.rows}
        assert len(widths) == 1, table.title


def test_paper_ratios_beside_the_claims_follow_from_its_tables():
    said = {one.claim: one.paper for one in modular_dqn.CLAIMS}
    expected = {
        "2b": 13.92 / 0.013, "2c": 41.8 / 4.6, "3a": 12 / 13, "3c": 15 / 13, "3d": 498 / 13, "3e": 537 / 13,
        "3f": 19 / 23, "4a": 219 / 192, "4b": 192 / 135, "4c": 135 / 133, "5a": 3.6 / 4.6, "5b": 3.7 / 4.6,
        "5c": 3.6 / 3.4, "5d": 3.7 / 3.2, "6": 1.6 / 17.5,
    }  # fmt: skip
    for key, number in expected.items():
        assert said[key] == pytest.approx(number, rel=0.01), key


def test_text_is_one_line_with_verdict_and_threshold():
    decided = decided_as_in_the_paper()
    line = decided[0].text()
    assert line.startswith("1a  pass")
    assert ">= 0.95" in line
    assert "\n" not in line

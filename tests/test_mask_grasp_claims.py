"""The claims of mask_grasp: what numbers like the paper's decide, and that every arm they read is told."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from eyehand.evaluation import claim, claims, results
from eyehand.evaluation.claims import mask_grasp
from eyehand.evaluation.claims.mask_grasp import MOTION, REAL, SIM

CLAIMS = mask_grasp.CLAIMS
N, TRAININGS = 400, (0, 1, 2)
SUCCESS = {
    ("expert", SIM): 0.95,
    ("dagger", SIM): 0.95,
    ("dagger", MOTION): 0.95,
    ("behaviour_cloning", SIM): 0.5,
    ("open_loop", MOTION): 0.0,
    ("recovery", SIM): 0.6,
    ("composited", REAL): 0.86,
    ("primitives", REAL): 0.86,
    ("end_to_end", REAL): 0.1,
    ("composited/clutter", REAL): 0.6,
    ("primitives/clutter", REAL): 0.1,
}
LOST = {
    "plain": (0.5, 0.9, 0.85),
    "plain_on_backgrounds": (0.4, 0.8, 0.7),
    "primitives": (0.2, 0.1, 0.2),
    "composited": (0.1, 0.15, 0.15),
}
DOMAINS = tuple(results.DomainIdentity(name, 1, "e" * 64) for name in (SIM, REAL, MOTION))


def cells(arm: str, domain: str, share: float) -> list[results.Cell]:
    seeds = (np.arange(N) % 8 << 32) + np.arange(N)
    success = np.random.default_rng(N).permutation(np.arange(N) < share * N)
    steps = np.full(N, 90)
    return [results.Cell(arm, domain, t, "", seeds, success, ~success, steps, 1.0 * success, {}, "") for t in TRAININGS]


def errors(arm: str) -> list[results.InterfaceErrors]:
    named = zip(("precision", "recall", "f1"), LOST[arm], strict=True)
    noise = np.random.default_rng(N).normal(0, 0.02, N)
    return [
        results.InterfaceErrors(arm, REAL, t, f"{what}_lost", "", np.arange(N), size + noise, "")
        for what, size in named
        for t in TRAININGS
    ]


@functools.cache
def as_in_the_paper() -> results.Results:
    measured = [c for (arm, domain), share in SUCCESS.items() for c in cells(arm, domain, share)]
    found = [e for arm in LOST for e in errors(arm)]
    return results.Results(
        "cells", "mask_grasp", "sphere_grasp", domains=DOMAINS, cells=tuple(measured), errors=tuple(found)
    )


def test_numbers_like_the_papers_pass_every_claim() -> None:
    decided = claim.decide_all(CLAIMS, as_in_the_paper())
    assert {one.claim: (one.status, one.value) for one in decided if one.status != "pass"} == {}


@pytest.mark.parametrize(
    ("arm", "domain", "share", "failed"),
    [
        ("dagger", SIM, 0.7, {"1a", "1b"}),
        ("behaviour_cloning", SIM, 0.95, {"1c"}),
        ("composited/clutter", REAL, 0.0, {"4a"}),
        ("primitives", REAL, 0.5, {"4c"}),
        ("composited", REAL, 0.6, {"4b"}),
        ("dagger", MOTION, 0.5, {"5a"}),
        ("open_loop", MOTION, 0.9, {"5b"}),
        ("recovery", SIM, 0.1, {"5c"}),
        ("end_to_end", REAL, 0.8, {"6"}),
    ],
)
def test_another_number_fails_its_own_claim(arm: str, domain: str, share: float, failed: set[str]) -> None:
    whole = as_in_the_paper()
    kept = [c for c in whole.cells if (c.arm, c.domain) != (arm, domain)] + cells(arm, domain, share)
    changed = results.Results(
        "cells", "mask_grasp", "sphere_grasp", domains=DOMAINS, cells=tuple(kept), errors=whole.errors
    )
    assert {one.claim for one in claim.decide_all(CLAIMS, changed) if one.status == "fail"} == failed


def test_the_module_names_every_arm_that_claims_and_tables_read() -> None:
    text = str(mask_grasp.__doc__)
    quantities = [q for one in CLAIMS for q in (one.measurement.quantity, one.measurement.reference) if q]
    quantities += [q for table in mask_grasp.CLAIM_SET.tables for row in table.rows for q in row.ours if q]
    assert [q.arm for q in quantities if f"`{q.arm}`" not in text] == []
    assert claims.load("mask_grasp").claims == CLAIMS


def test_ids_are_unique_and_rows_are_as_wide_as_their_table() -> None:
    assert len({one.claim for one in CLAIMS}) == len(CLAIMS)
    assert {one.claim[0] for one in CLAIMS} == set("123456")
    for table in mask_grasp.CLAIM_SET.tables:
        widths = {len(table.columns), len(table.scales), len(table.digits)}
        widths |= {len(row.paper) for row in table.rows} | {len(row.ours) for row in table.rows}
        assert len(widths) == 1, table.title

"""The twin's ranges moved towards simulation and beyond themselves: where claims of modular_dqn and mask_grasp break.

The first training went through every severity, so that all numbers here are of that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from code_tables import markdown
from reproduced import NOT_MEASURED, TEST, number_text, range_text, results_of

from eyehand.evaluation import claim, claims, statistics
from eyehand.evaluation.claim import Quantity
from eyehand.evaluation.results import DISTANCE, Results
from eyehand.evaluation.statistics import Interval, Statistic
from eyehand.learning.mask_pictures import RECIPES

LEVELS = ("0", "0.5", "1", "1.5")
Points: TypeAlias = Mapping[float, Interval]  # by severity


@dataclass(frozen=True)
class Told:
    """A quantity that is told of several arms: its column and statistic, how it is printed, and arms by label."""

    column: str
    statistic: Statistic
    axis: str
    suffix: str
    digits: int
    scale: float
    trials: str
    arms: Mapping[str, str]


@dataclass(frozen=True)
class Varied:
    """What is told of a method: quantities, claims whose both sides are on the twin, and what to say below."""

    quantities: tuple[Told, ...]
    claims: tuple[str, ...]
    said: str


METHODS: Mapping[str, Varied] = {
    "modular_dqn": Varied(
        (
            Told(
                "error:theta", "mean", "error of Theta", "error", 3, 1.0, "images",
                {"SIM": "SIM", "P75": "P75", "the mean": "constant_mean"},
            ),
            Told(
                DISTANCE, "median", "median distance at the end [m]", "median d [cm]", 1, 100.0, "episodes",
                {"EE1": "sim_only", "EE2": "adapted", "EE2-FT": "fine_tuned"},
            ),
        ),
        ("2a", "2c", "6"),
        "Severity 1 is the twin; 0 has its back ends (tracer, servo) with the simulator's numbers. 1 seed. The last "
        "columns are the ratios of claims 2a (SIM to the mean), 2c (EE1 to EE2) and 6 (EE2-FT to EE1).",
    ),
    "mask_grasp": Varied(
        (
            Told(
                "error:f1_lost", "mean", "F1 lost", "F1 lost", 2, 1.0, "trajectories",
                {recipe.replace("_", " "): recipe for recipe in RECIPES},
            ),
            Told("success", "mean", "success", "success", 2, 1.0, "episodes", {"true masks": "dagger"}),
        ),
        ("2a", "2b", "2c", "2d"),
        "Severity 1 is the twin; 0 has its path tracer, its room and its things with the simulator's numbers. 1 seed. "
        "The last columns are the differences of claims 2.",
    ),
}  # fmt: skip


def panels(root: Path, method: str) -> dict[str, dict[str, Points]]:
    """Every quantity of every arm at the severities that were measured."""
    results = _first_training(root, method)
    if results is None:
        return {}
    found = {
        told.axis: {label: points for label, arm in told.arms.items() if len(points := _points(results, told, arm)) > 1}
        for told in METHODS[method].quantities
    }
    return {axis: series for axis, series in found.items() if series}


def table(root: Path, method: str) -> str:
    """The same in numbers, and what the claims say at each severity."""
    results, varied = _first_training(root, method), METHODS[method]
    if results is None:
        return NOT_MEASURED
    told_claims = [one for one in claims.load(method).claims if one.claim in varied.claims]
    header, columns = ["severity"], list[Callable[[str], str]]()
    for told in varied.quantities:
        by_arm = {label: _points(results, told, arm) for label, arm in told.arms.items()}
        for label, points in by_arm.items():
            header.append(f"{label}: {told.suffix}")
            columns.append(lambda level, points=points, told=told: _text(points, level, told))
        header.append(told.trials)
        columns.append(lambda level, by_arm=by_arm: _trials(by_arm, level))
    for one in told_claims:
        header.append(f"{one.claim}: {one.direction} {one.threshold:g}")
        columns.append(lambda level, one=one: _decided(one, results, level))
    rows = [[level, *(column(level) for column in columns)] for level in LEVELS]
    return f"{markdown(header, rows)}\n\n{varied.said}"


def _first_training(root: Path, method: str) -> Results | None:
    results = results_of(root, method)
    if results is None:
        return None
    cells = tuple(one for one in results.cells if one.training_seed == 0)
    errors = tuple(one for one in results.errors if one.training_seed == 0)
    return replace(results, cells=cells, errors=errors)


def _where(level: str) -> str:
    return TEST if level == "1" else f"{TEST}@{level}"


def _points(results: Results, told: Told, arm: str) -> Points:
    found: dict[float, Interval] = {}
    for level in LEVELS:
        sample = Quantity(arm, _where(level), told.column, told.statistic).sample(results)
        if sample is not None:
            found[float(level)] = statistics.bootstrap(sample, told.statistic)
    return found


def _text(points: Points, level: str, told: Told) -> str:
    found = points.get(float(level))
    return "-" if found is None else number_text(found, told.digits, told.scale)


def _trials(by_arm: Mapping[str, Points], level: str) -> str:
    return range_text([points[float(level)].n for points in by_arm.values() if float(level) in points]) or "-"


def _decided(one: claim.Claim, results: Results, level: str) -> str:
    top, bottom = one.measurement.quantity, one.measurement.reference
    assert bottom is not None, "a comparison of two arms"
    here = replace(
        one.measurement,
        quantity=replace(top, domain=_where(level)),
        reference=replace(bottom, domain=_where(level)),
    )
    interval = claim.measure(here, results).interval
    return "-" if interval is None else number_text(interval, 2, 1.0)


BLOCKS: Mapping[str, Callable[[Path], str]] = {
    f"{method}-severity": lambda root, method=method: table(root, method) for method in METHODS
}

"""What was lost between two domains, and where: the 8 cells, their Shapley shares, and which module to blame.

The factors of a domain fall into three groups: visual (appearance, sensor), setup (calibration, timing) and motion
(dynamics). The same policy runs the same episodes in all 8 mixtures of nominal and target groups. The loss between the
two ends is shared among the groups by Shapley values (Shapley 1953): a group's share is what its switch from nominal
to target costs, averaged over all orders in which the groups can be switched. The shares add up to the loss exactly,
in every bootstrap replicate too, because they are linear in the cells.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.evaluation import statistics
from eyehand.evaluation.rates import compare_rates, score_limits
from eyehand.evaluation.statistics import Interval, Sample
from eyehand.types import Flags, Floats, Integers
from eyehand.world.domain import GROUPS

Subset: TypeAlias = frozenset[str]  # the groups that are taken from the target domain
NOTHING: Subset = frozenset()
EVERYTHING: Subset = frozenset(GROUPS)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """How the episodes of one cell ended, in the order of the episode seeds.

    Attributes:
        success: (N,) which episodes succeeded.
        distance_m: (N,) distance at the end in metres, None for a task without one.
    """

    success: Flags
    distance_m: Floats | None = None


@dataclass(frozen=True)
class Decomposition:
    """The loss in one measure and how it is shared.

    Attributes:
        measure: "success" (a loss is what the rate fell by) or "distance_m" (what the mean distance grew by).
        loss: nominal against target, positive where the target is worse.
        shares: the Shapley share of every group; their values add up to the value of `loss`.
        cells: the measure's mean in every cell.
    """

    measure: str
    loss: Interval
    shares: Mapping[str, Interval]
    cells: Mapping[Subset, Interval]


@dataclass(frozen=True)
class Attribution:
    """The policy with one module replaced by the truth, on the full target.

    Attributes:
        module: "perception" or "control".
        success: success rate with the oracle, None where the truth is not defined.
        recovered: what the oracle wins back against the policy as it is, on the same episodes.
    """

    module: str
    success: Interval | None
    recovered: Interval | None


@dataclass(frozen=True)
class CurvePoint:
    """Success of the controller in the nominal domain when its interface is damaged on purpose.

    Attributes:
        error: mean interface error that the damage amounts to, in the interface's unit.
        success: success rate at that error.
    """

    error: float
    success: Interval


@dataclass(frozen=True)
class GapReport:
    """Everything known about what was lost.

    Attributes:
        policy: the arm that was measured.
        nominal: name of the domain it comes from.
        target: name of the domain it was moved to.
        decompositions: one per measure, success first.
        attributions: oracle arms on the full target.
        curve: success against injected interface error, by rising error.
        curve_unit: unit of the curve's errors.
        target_error: the policy's own mean interface error on the full target, in the same unit.
    """

    policy: str
    nominal: str
    target: str
    decompositions: tuple[Decomposition, ...]
    attributions: tuple[Attribution, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    curve_unit: str = ""
    target_error: float | None = None

    @property
    def success(self) -> Decomposition:
        """The decomposition of the success rate."""
        return self.decompositions[0]

    def explained(self) -> float | None:
        """Success that the interface error on the target alone would leave, read off the curve (linear in between).

        None where curve or error are missing. Close to the success on the target: perception explains the loss; well
        above it: something else costs, too.
        """
        if self.target_error is None or not self.curve:
            return None
        errors = [point.error for point in self.curve]
        return float(np.interp(self.target_error, errors, [point.success.value for point in self.curve]))


@dataclass(frozen=True, eq=False)
class GapInput:
    """What a gap report is made from; all arrays are in the order of `episode_seeds`.

    Attributes:
        policy: the arm.
        nominal: name of the nominal domain.
        target: name of the target domain.
        episode_seeds: (N,) the episodes, the same in every cell.
        training_seeds: (N,) which training of the policy ran each of them.
        modules: the oracle arms on the full target by module; None where the truth is not defined.
        curve: success (N,) flags at rising mean interface errors.
        curve_unit: unit of those errors.
        target_error: mean interface error of the policy on the full target.
    """

    policy: str
    nominal: str
    target: str
    episode_seeds: Integers
    training_seeds: Integers
    modules: Mapping[str, Outcomes | None] = field(default_factory=dict[str, Outcomes | None])
    curve: Sequence[tuple[float, Flags]] = ()
    curve_unit: str = ""
    target_error: float | None = None


def subsets() -> tuple[Subset, ...]:
    """The 8 cells by the groups that come from the target: none first, all last, smaller ones before larger ones."""
    return tuple(frozenset(chosen) for size in range(4) for chosen in itertools.combinations(GROUPS, size))


def cell_name(subset: Subset) -> str:
    """A cell for people and files, for example "visual+setup", and "none" for the nominal domain."""
    return "+".join(group for group in GROUPS if group in subset) or "none"


def measure_gap(
    cells: Mapping[Subset, Outcomes] | Callable[[Subset], Outcomes],
    given: GapInput,
    generator: np.random.Generator | int = 0,
) -> GapReport:
    """The gap report of one policy.

    Args:
        cells: the outcomes of every cell, or a function that runs the given episodes in a cell.
        given: names, seeds and the additional arms.
        generator: randomness of the bootstrap, or the seed of a fresh generator.

    Raises:
        InvalidValueError: a cell is missing or has another number of episodes than there are seeds.
    """
    rng = np.random.default_rng(generator)
    measured = {subset: cells(subset) for subset in subsets()} if callable(cells) else cells
    _check(measured, len(given.episode_seeds))
    decompositions = [_decompose("success", {s: o.success.astype(float) for s, o in measured.items()}, given, rng)]
    distances = {s: o.distance_m for s, o in measured.items() if o.distance_m is not None}
    if len(distances) == len(measured):
        decompositions.append(_decompose("distance_m", distances, given, rng))
    as_is = _sample(measured[EVERYTHING].success, given)
    return GapReport(
        given.policy,
        given.nominal,
        given.target,
        tuple(decompositions),
        tuple(_attribute(module, arm, as_is, given, rng) for module, arm in given.modules.items()),
        tuple(CurvePoint(error, _rate(success, given, rng)) for error, success in given.curve),
        given.curve_unit,
        given.target_error,
    )


def _check(cells: Mapping[Subset, Outcomes], episodes: int) -> None:
    for subset in subsets():
        if subset not in cells:
            missing = ", ".join(cell_name(s) for s in subsets() if s not in cells)
            raise InvalidValueError("gap cells", f"no {missing}", "all 8 mixtures of visual, setup and motion")
        if len(cells[subset].success) != episodes:
            raise InvalidValueError(
                f"gap cell {cell_name(subset)}", f"{len(cells[subset].success)} episodes", f"the same {episodes} as all"
            )


def _sample(values: Floats | Flags, given: GapInput) -> Sample:
    return statistics.sample(values, given.episode_seeds, given.training_seeds)


def _rate(success: Flags, given: GapInput, rng: np.random.Generator) -> Interval:
    return statistics.success_interval(_sample(success, given), generator=rng)


def _switches(group: str) -> list[tuple[Subset, Subset, float]]:
    """The four switches of a group from nominal to target: the cell before, the cell after, and its Shapley weight.

    The weight of the switch from S to S with g is |S|! (2 - |S|)! / 3!; the four add up to 1.
    """
    before = [subset for subset in subsets() if group not in subset]
    last = len(GROUPS) - 1
    orders = [math.factorial(len(s)) * math.factorial(last - len(s)) / math.factorial(len(GROUPS)) for s in before]
    return [(s, s | {group}, weight) for s, weight in zip(before, orders, strict=True)]


def _rows() -> list[list[tuple[Subset, Subset, float]]]:
    """The loss and the share of each group as weighted differences between two cells."""
    return [[(NOTHING, EVERYTHING, 1.0)], *(_switches(group) for group in GROUPS)]


def shapley_matrix() -> Floats:
    """(4, 8) rows that map the cells' worths, in the order of `subsets`, to the loss and the share of each group.

    The share of group g is the sum over all S without g of |S|! (2 - |S|)! / 3! (worth(S) - worth(S with g)).
    """
    order = {subset: column for column, subset in enumerate(subsets())}
    matrix = np.zeros((1 + len(GROUPS), len(order)))
    for row, switches in enumerate(_rows()):
        for before, after, weight in switches:
            matrix[row, order[before]] += weight
            matrix[row, order[after]] -= weight
    return matrix


def _decompose(
    measure: str, values: Mapping[Subset, Floats], given: GapInput, rng: np.random.Generator
) -> Decomposition:
    matrix = shapley_matrix() * (1.0 if measure == "success" else -1.0)  # more success is better, more distance worse
    outcomes = np.stack([values[subset] for subset in subsets()], axis=1)  # (N, 8)
    probe = _sample(outcomes[:, 0], given)
    blocks = [
        (weights @ outcomes) / weights.sum(axis=1, keepdims=True)
        for weights in statistics.replicates([probe], generator=rng)
    ]
    worths = np.concatenate(blocks)  # (R, 8)
    point = matrix @ outcomes.mean(axis=0)
    low, high = np.quantile(worths @ matrix.T, [0.025, 0.975], axis=0)
    if measure == "success":
        scored = _score_limits(values, given)
        low, high = np.minimum(low, scored[:, 0]), np.maximum(high, scored[:, 1])
    n, seeds = len(outcomes), probe.seeds

    def interval(row: int) -> Interval:
        return Interval(float(point[row]), float(low[row]), float(high[row]), n, seeds)

    shares = {group: interval(row) for row, group in enumerate(GROUPS, start=1)}
    cells = {subset: _cell(measure, outcomes[:, i], worths[:, i], seeds) for i, subset in enumerate(subsets())}
    return Decomposition(measure, interval(0), shares, cells)


def _score_limits(values: Mapping[Subset, Floats], given: GapInput) -> Floats:
    """(4, 2) limits of the loss and of the shares that no bootstrap narrows to a point, see `rates`.

    A share is an average of four comparisons of rates. Its limits are the averages of theirs, which hold however the
    four go together.
    """
    data = {subset: _sample(outcomes, given) for subset, outcomes in values.items()}
    limits = [
        [weight * np.array(score_limits(data[before], data[after])) for before, after, weight in switches]
        for switches in _rows()
    ]
    return np.array([np.sum(row, axis=0) for row in limits])


def _cell(measure: str, outcomes: Floats, replicated: Floats, seeds: int) -> Interval:
    low, high = (float(end) for end in np.quantile(replicated, [0.025, 0.975]))
    if measure == "success":  # the wider of both intervals, see `statistics.success_interval`
        wilson = statistics.rate(outcomes > 0.5)
        low, high = min(low, wilson.low), max(high, wilson.high)
    return Interval(float(outcomes.mean()), low, high, len(outcomes), seeds)


def _attribute(
    module: str, arm: Outcomes | None, as_is: Sample, given: GapInput, rng: np.random.Generator
) -> Attribution:
    if arm is None:
        return Attribution(module, None, None)
    oracle = _sample(arm.success, given)
    return Attribution(
        module, statistics.success_interval(oracle, generator=rng), compare_rates(oracle, as_is, generator=rng)
    )


def text(report: GapReport) -> str:
    """The report as plain lines for a terminal."""
    n, seeds = report.success.loss.n, report.success.loss.seeds
    lines = [
        f"What {report.policy} lost between {report.nominal} and {report.target} "
        f"({n} paired episodes, {seeds} training seed{'s' if seeds > 1 else ''})"
    ]
    for decomposition in report.decompositions:
        lines += ["", *_decomposition_lines(decomposition)]
    lines += ["", *_attribution_lines(report)] if report.attributions else []
    lines += ["", *_curve_lines(report)] if report.curve else []
    return "\n".join(lines)


def _decomposition_lines(decomposition: Decomposition) -> list[str]:
    scale, unit, digits = (100.0, "cm", 1) if decomposition.measure == "distance_m" else (1.0, "", 2)

    def show(interval: Interval) -> str:
        return interval.text(digits, scale, unit).rpartition(" (n=")[0]

    title = "mean distance at the end" if unit else "success rate"
    ends = decomposition.cells[NOTHING], decomposition.cells[EVERYTHING]
    lines = [f"{title}: {show(ends[0])} -> {show(ends[1])}, lost {show(decomposition.loss)}"]
    for group, share in decomposition.shares.items():
        part = f"{100 * share.value / decomposition.loss.value:4.0f} %" if abs(decomposition.loss.value) > 1e-9 else ""
        lines.append(f"  {group:<7} share {show(share):<28} {part}".rstrip())
    lines += [f"  cell {cell_name(subset):<20} {show(value)}" for subset, value in decomposition.cells.items()]
    return lines


def _attribution_lines(report: GapReport) -> list[str]:
    lines = [f"modules on {report.target}:"]
    for arm in report.attributions:
        if arm.success is None or arm.recovered is None:
            lines.append(f"  oracle {arm.module:<11} not defined for this interface")
        else:
            won = arm.recovered.text().rpartition(" (n=")[0]
            lines.append(f"  oracle {arm.module:<11} {arm.success.text()}, wins back {won}")
    return lines


def _curve_lines(report: GapReport) -> list[str]:
    lines = ["success against injected interface error:"]
    lines += [f"  {point.error:8.3g} {report.curve_unit}: {point.success.text()}" for point in report.curve]
    explained = report.explained()
    if explained is not None:
        actual = report.success.cells[EVERYTHING].value
        lines.append(
            f"  own error on {report.target} {report.target_error:.3g} {report.curve_unit}: the curve predicts success "
            f"{explained:.2f}, measured {actual:.2f}"
        )
    return lines

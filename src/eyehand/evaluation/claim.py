"""Claims: one ordering, ratio or rate of a paper each, as an object that passes, fails or stays undecided.

A claim states a threshold before the test is read; `registry_hash` over the claims goes into every results.json, so
that a claim changed afterwards shows. It passes when the whole 95 % interval of its quantity lies on the right side of
the threshold, fails when the whole interval lies on the wrong side, and is undecided otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from eyehand.errors import InvalidValueError, NotDefinedError
from eyehand.evaluation import statistics
from eyehand.evaluation.chance import members, shares_of_chance
from eyehand.evaluation.rates import compare_rates
from eyehand.evaluation.results import SEPARATOR, Results
from eyehand.evaluation.statistics import Comparison, Interval, Level, Sample, Statistic

Source: TypeAlias = Literal["paper", "derived", "ours"]
Direction: TypeAlias = Literal[">=", "<=", ">", "<"]
Status: TypeAlias = Literal["pass", "fail", "undecided"]
Registration: TypeAlias = Literal["registered", "changed", "unregistered", "not the same in all files"]
_ONE_OF: Mapping[Level, str] = {"draws": "1 draw", "trainings": "1 seed"}


@dataclass(frozen=True)
class Quantity:
    """One statistic of one arm in one domain, over all training seeds.

    Attributes:
        arm: name of the arm.
        domain: name of the domain.
        column: "success", "total_reward", "steps", a measure such as "distance_m", or "error:NAME" for the interface
            error of that name.
        statistic: what is computed over the episodes or frames.
    """

    arm: str
    domain: str
    column: str
    statistic: Statistic = "mean"

    def sample(self, results: Results) -> Sample | None:
        """The numbers it is computed from, None where they were not measured."""
        if self.column.startswith("error:"):
            return results.error_sample(self.arm, self.domain, self.column.removeprefix("error:"))
        return results.sample(self.arm, self.domain, self.column)

    def files(self, results: Results, trainings: Collection[int]) -> tuple[str, ...]:
        """The files that the numbers of these training seeds were read from."""
        cells = results.find(self.arm, self.domain)
        errors = results.find_errors(self.arm, self.domain, self.column.removeprefix("error:"))
        found = errors if self.column.startswith("error:") else cells
        return tuple(dict.fromkeys(item.file for item in found if item.file and item.training_seed in trainings))

    def text(self) -> str:
        """For people: "median distance_m of EE2 on twin/test"."""
        return f"{self.statistic} {self.column} of {self.arm} on {self.domain}"


@dataclass(frozen=True)
class Measurement:
    """What a claim is about: one quantity, or two compared.

    Attributes:
        quantity: what is measured.
        reference: what it is compared with, None for the quantity itself.
        comparison: "ratio" is quantity / reference, "difference" is quantity - reference.
    """

    quantity: Quantity
    reference: Quantity | None = None
    comparison: Comparison = "ratio"

    def text(self) -> str:
        """For people: the quantity, or the ratio or difference of two."""
        if self.reference is None:
            return self.quantity.text()
        sign = "/" if self.comparison == "ratio" else "-"
        return f"({self.quantity.text()}) {sign} ({self.reference.text()})"

    def quantities(self) -> tuple[Quantity, ...]:
        """The quantity and, where there is one, what it is compared with."""
        return (self.quantity, self.reference) if self.reference else (self.quantity,)


@dataclass(frozen=True)
class Claim:
    """One ordering, ratio or rate with a threshold.

    Attributes:
        claim: number and letter, for example "2a"; the parts of a conjunction share the number.
        statement: the claim in words.
        source: "paper" (stated there), "derived" (from its tables) or "ours".
        measurement: what is measured.
        direction: on which side of the threshold the quantity has to lie.
        threshold: the number.
        paper: the paper's own number for the quantity, None where it gives none.
    """

    claim: str
    statement: str
    source: Source
    measurement: Measurement
    direction: Direction
    threshold: float
    paper: float | None = None


@dataclass(frozen=True)
class Measured:
    """The number that decides a claim.

    Attributes:
        interval: the number with its interval, None where it was not measured.
        files: where the outcomes behind it were read from.
        reason: why there is no number, "" where there is one.
    """

    interval: Interval | None
    files: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class ClaimResult:
    """A claim with the verdict on it.

    Attributes:
        claim: the claim's id.
        statement: the claim in words.
        source: where its threshold comes from.
        status: "pass", "fail" or "undecided".
        value: the measured number, None where it was not measured; likewise the next two.
        low: lower end of its 95 % interval.
        high: upper end of its 95 % interval.
        threshold: the number it is held against.
        n: trials behind it, 0 where it was not measured.
        seeds: training seeds behind it.
        file: the files it was read from, joined by commas.
        direction: on which side of the threshold the number has to lie.
        reason: why it is undecided, and what its interval's width comes from; "" where it is decided.
        paper: the paper's own number.
    """

    claim: str
    statement: str
    source: Source
    status: Status
    value: float | None
    low: float | None
    high: float | None
    threshold: float
    n: int
    seeds: int
    file: str
    direction: Direction
    reason: str = ""
    paper: float | None = None

    def to_json(self) -> dict[str, str | float | int | None]:
        """The object that `eyehand claims METHOD --json` prints."""
        keys = ("claim", "statement", "source", "status", "value", "low", "high", "threshold", "n", "seeds", "file")
        return {key: getattr(self, key) for key in keys}

    def text(self) -> str:
        """One line for a terminal."""
        number = self.reason
        if self.value is not None and self.low is not None and self.high is not None:
            number = Interval(self.value, self.low, self.high, self.n, self.seeds).text(3)
        line = f"{self.claim:<3} {self.status:<9} {number} {self.direction} {self.threshold:g}: {self.statement}"
        return f"{line} ({self.reason})" if self.reason and self.value is not None else line


def decide(claim: Claim, measured: Measured) -> ClaimResult:
    """Hold a measured number against a claim."""
    interval = measured.interval
    status = _status(interval, claim.direction, claim.threshold) if interval else "undecided"
    straddles = "the interval holds the threshold" if interval and status == "undecided" else ""
    return ClaimResult(
        claim.claim,
        claim.statement,
        claim.source,
        status,
        interval.value if interval else None,
        interval.low if interval else None,
        interval.high if interval else None,
        claim.threshold,
        interval.n if interval else 0,
        interval.seeds if interval else 0,
        ",".join(measured.files),
        claim.direction,
        measured.reason or straddles,
        claim.paper,
    )


def _status(interval: Interval, direction: Direction, threshold: float) -> Status:
    low, high = interval.low - threshold, interval.high - threshold
    if direction in ("<=", "<"):
        low, high = -high, -low  # the same question seen from the other side
    strict = direction in (">", "<")
    if low > 0 or (low == 0 and not strict):
        return "pass"
    if high < 0 or (high == 0 and strict):
        return "fail"
    return "undecided"


def measure(measurement: Measurement, results: Results, generator_seed: int = 0) -> Measured:
    """The number of a measurement from results, with the nested bootstrap's interval.

    Arms are compared at the training seeds that both have; where they share none, all are read and resampled apart.
    Rates and comparisons of rates take the wider ends of the bootstrap's and of a score interval. What is missing or
    not defined is said in `reason`.
    """
    parts, samples = measurement.quantities(), _samples(measurement, results)
    if not samples:
        missing = [part.text() for part in parts if part.sample(results) is None]
        return Measured(None, reason=f"not measured: {', '.join(missing)}")
    read = [part.files(results, set(one.training_seeds.tolist())) for part, one in zip(parts, samples, strict=True)]
    files = tuple(dict.fromkeys(file for some in read for file in some))
    try:
        return Measured(_interval(measurement, samples, generator_seed), files)
    except NotDefinedError as error:
        return Measured(None, files, str(error))


def _samples(measurement: Measurement, results: Results) -> tuple[Sample, ...]:
    """What a measurement is computed from, at the training seeds that are common; empty where some is missing."""
    found = [part.sample(results) for part in measurement.quantities()]
    samples = [one for one in found if one is not None]
    return statistics.at_common_trainings(samples) if len(samples) == len(found) else ()


def _straddles(measurement: Measurement, results: Results) -> str:
    """Why an interval holds the threshold: what of it comes from draws of the domain, trainings and episodes."""
    samples = _samples(measurement, results)
    shares = shares_of_chance(samples, measurement.comparison, measurement.quantity.statistic)
    said = [f"{100 * share:.0f} % from {level}" for level, share in shares.items() if share >= 0.005]
    varied = f"of its variance comes {', '.join(said)}" if said else "nothing varied in these trials"
    # What did not vary because there is one of it may be what varies most.
    alone = [one for level, one in _ONE_OF.items() if all(members(sample, level) == 1 for sample in samples)]
    return f"the interval holds the threshold; {'; '.join([varied, *alone])}"


def _interval(measurement: Measurement, samples: Sequence[Sample], seed: int) -> Interval:
    statistic = measurement.quantity.statistic
    rates = all(part.column == "success" for part in measurement.quantities())
    if len(samples) == 2 and rates:
        return compare_rates(samples[0], samples[1], measurement.comparison, generator=seed)
    if len(samples) == 2:
        return statistics.compare(samples[0], samples[1], measurement.comparison, statistic, generator=seed)
    if rates:
        return statistics.success_interval(samples[0], generator=seed)
    return statistics.bootstrap(samples[0], statistic, generator=seed)


def decide_all(claims: Sequence[Claim], results: Results) -> tuple[ClaimResult, ...]:
    """Every claim, decided from results."""
    decided = [decide(claim, measure(claim.measurement, results)) for claim in claims]
    return tuple(
        replace(one, reason=_straddles(claim.measurement, results))
        if one.status == "undecided" and one.value is not None
        else one
        for claim, one in zip(claims, decided, strict=True)
    )


def registry_hash(claims: Sequence[Claim]) -> str:
    """SHA-256 over what the claims say: ids, statements, sources, measurements, directions and thresholds."""
    said = [
        [c.claim, c.statement, c.source, c.measurement.text(), c.direction, repr(float(c.threshold))]
        for c in sorted(claims, key=lambda c: c.claim)
    ]
    if len({row[0] for row in said}) != len(said):
        raise InvalidValueError("claims", "an id twice", "every id once")
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def registration(claims: Sequence[Claim], results: Results) -> Registration:
    """Whether the claims are those that stood when the numbers were made.

    Returns:
        "registered", "changed", or "unregistered" where the numbers were made without claims; "not the same in all
        files" where numbers with other claims, or with none, were merged.
    """
    if len(results.claims_hash.split(SEPARATOR)) > 1:
        return "not the same in all files"
    if not results.claims_hash:
        return "unregistered"
    return "registered" if results.claims_hash == registry_hash(claims) else "changed"


def count(decided: Sequence[ClaimResult]) -> Mapping[Status, int]:
    """How many claims pass, fail and are undecided."""
    statuses: tuple[Status, ...] = ("pass", "fail", "undecided")
    return {status: sum(one.status == status for one in decided) for status in statuses}

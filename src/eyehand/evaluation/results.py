"""The measured numbers of a run: outcomes of arms in domains, interface errors, data used; and how to look them up.

A cell holds every episode of one arm in one domain from one training seed. Several results (the small cells of a
reproduction) merge into one, from which claims, tables, plots and reports are computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from eyehand.data.ledger import KINDS, Ledger
from eyehand.errors import EyehandError, InvalidValueError
from eyehand.evaluation import statistics
from eyehand.evaluation.gap import GapReport
from eyehand.evaluation.statistics import Rate, Sample
from eyehand.types import Array, Flags, Floats, Integers

DISTANCE = "distance_m"
SEPARATOR = ","  # between what several files say where they do not say the same
_COLUMNS = ("seeds", "success", "truncated", "steps", "total_reward")


class Episodes(Protocol):
    """Per-episode outcomes of a roll-out, as the roll-outs of `eyehand.learning` return them; N episodes."""

    @property
    def seeds(self) -> Integers:
        """(N,) episode seeds, `draw << 32 | episode`."""
        ...

    @property
    def success(self) -> Flags:
        """(N,) which episodes succeeded."""
        ...

    @property
    def truncated(self) -> Flags:
        """(N,) which episodes ran into the time limit."""
        ...

    @property
    def steps(self) -> Integers:
        """(N,) length of each episode in control steps."""
        ...

    @property
    def total_reward(self) -> Floats:
        """(N,) sum of the rewards of each episode."""
        ...

    @property
    def measures(self) -> Mapping[str, Floats]:
        """(N,) each: the task's measures at the end of the episode, such as "distance_m"."""
        ...


@dataclass(frozen=True)
class DomainIdentity:
    """Which domain a number belongs to; numbers of different digests do not compare.

    Attributes:
        name: name and split, for example "twin/val".
        version: version of the domain's numbers.
        digest: SHA-256 of the domain's numbers.
        held_out: the domain stands for the real robot.
    """

    name: str
    version: int
    digest: str
    held_out: bool = False


@dataclass(frozen=True, eq=False)
class Cell:
    """The episodes of one arm in one domain from one training seed.

    Attributes:
        arm: name of the arm, for example "sim_only".
        domain: name of the domain.
        training_seed: the training that the policy came from.
        run: folder of the run that holds the policy, for commands that replay an episode.
        seeds: (N,) episode seeds.
        success: (N,) which episodes succeeded.
        truncated: (N,) which episodes ran into the time limit.
        steps: (N,) lengths in control steps.
        total_reward: (N,) sums of rewards.
        measures: (N,) each: the task's measures at the end.
        file: the file it was read from, "" before it was written.
    """

    arm: str
    domain: str
    training_seed: int
    run: str
    seeds: Integers
    success: Flags
    truncated: Flags
    steps: Integers
    total_reward: Floats
    measures: Mapping[str, Floats]
    file: str = ""

    def __post_init__(self) -> None:
        """Refuse columns of different lengths, episodes that appear twice, and numbers that are not finite."""
        where = f"cell {self.arm} on {self.domain}"
        columns: Mapping[str, Array] = {
            "success": self.success,
            "truncated": self.truncated,
            "steps": self.steps,
            "total_reward": self.total_reward,
            **self.measures,
        }
        for name, column in columns.items():
            if len(column) != len(self.seeds) or len(column) == 0:
                raise InvalidValueError(
                    f"column {name}",
                    f"{len(column)} numbers",
                    f"one per episode, {len(self.seeds)}, and at least 1",
                    where,
                )
            if not np.isfinite(column).all():
                raise InvalidValueError(f"column {name}", "a number that is not finite", "finite numbers", where)
        if len(np.unique(self.seeds)) != len(self.seeds):
            raise InvalidValueError("column seeds", "an episode seed twice", "every episode once", where)

    @property
    def rate(self) -> Rate:
        """The success rate."""
        return statistics.rate(self.success)

    def column(self, quantity: str) -> Floats | None:
        """(N,) "success", "total_reward", "steps" or one of the measures; None where the task has no such measure."""
        if quantity == "success":
            return self.success.astype(np.float64)
        if quantity == "total_reward":
            return self.total_reward
        return self.steps.astype(np.float64) if quantity == "steps" else self.measures.get(quantity)


def cell(arm: str, domain: str, training_seed: int, episodes: Episodes, run: str = "") -> Cell:
    """The cell of a roll-out."""
    return Cell(
        arm,
        domain,
        training_seed,
        run,
        np.asarray(episodes.seeds, dtype=np.int64),
        np.asarray(episodes.success, dtype=np.bool_),
        np.asarray(episodes.truncated, dtype=np.bool_),
        np.asarray(episodes.steps, dtype=np.int64),
        np.asarray(episodes.total_reward, dtype=np.float64),
        {name: np.asarray(values, dtype=np.float64) for name, values in episodes.measures.items()},
    )


@dataclass(frozen=True, eq=False)
class InterfaceErrors:
    """How far an arm's perception was from the truth, frame by frame.

    Attributes:
        arm: name of the perception's arm, for example "P50" or "constant_mean".
        domain: name of the domain of the frames.
        training_seed: the training that the perception came from.
        name: name of the distance, for example "theta".
        unit: its unit, "" for a number without one.
        seeds: (N,) the episode that each frame is of; frames of one episode are one trial.
        values: (N,) errors.
        file: the file it was read from, "" before it was written.
    """

    arm: str
    domain: str
    training_seed: int
    name: str
    unit: str
    seeds: Integers
    values: Floats
    file: str = ""

    def __post_init__(self) -> None:
        """Refuse errors that are not finite or not one per frame."""
        statistics.sample(self.values, self.seeds)


@dataclass(frozen=True)
class LedgerEntry:
    """Target-domain data that was read.

    Attributes:
        what: kind of data, for example "frames".
        domain: the domain it came from.
        taken: how many were read.
        allowed: the budget, None where it has no bound.
    """

    what: str
    domain: str
    taken: int
    allowed: int | None


def ledger_entries(ledger: Ledger, domain: str) -> tuple[LedgerEntry, ...]:
    """What a ledger counted in a domain: one entry per kind of data that was read or that has a budget above 0."""
    kinds = [(kind, ledger.spent(kind), ledger.left(kind)) for kind in KINDS]
    return tuple(
        LedgerEntry(kind, domain, spent, None if left is None else spent + left)
        for kind, spent, left in kinds
        if spent or left
    )


@dataclass(frozen=True)
class Provenance:
    """Where the numbers come from.

    Attributes:
        commit: commit of the code that measured, "" outside a repository.
        versions: version by package.
        machine: processor, cores and operating system, in words.
        wall_time_s: time the whole run took.
        commands: the commands that made the run, in order.
        trained_at: commits of the code that trained, the first training first; those that are known.
    """

    commit: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    machine: str = ""
    wall_time_s: float = 0.0
    commands: tuple[str, ...] = ()
    trained_at: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Results:
    """Everything in a results.json.

    Attributes:
        name: name of the run.
        method: name of the method.
        task: name of the task.
        preset: name of the preset.
        config_hash: SHA-256 of the resolved configuration, or "".
        claims_hash: `claim.registry_hash` when the numbers were made, or ""; of merged results that differ all of them,
            see `merge`.
        test_reads: how often each held-out test domain has been scored, see `scorings`.
        provenance: where the numbers come from.
        domains: every domain that a cell or an error names.
        cells: outcomes of episodes.
        errors: interface errors.
        ledger: target-domain data that was read.
        gaps: what was lost between two domains.
    """

    name: str
    method: str
    task: str
    preset: str = ""
    config_hash: str = ""
    claims_hash: str = ""
    test_reads: Mapping[str, int] = field(default_factory=dict[str, int])
    provenance: Provenance = Provenance()
    domains: tuple[DomainIdentity, ...] = ()
    cells: tuple[Cell, ...] = ()
    errors: tuple[InterfaceErrors, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    gaps: tuple[GapReport, ...] = ()

    def __post_init__(self) -> None:
        """Refuse outcomes of a domain without identity and two cells for the same thing."""
        known = {domain.name for domain in self.domains}
        for item in (*self.cells, *self.errors):
            if item.domain not in known:
                raise InvalidValueError(f"domain of {item.arm}", item.domain, f"one of {sorted(known)}", self.name)
        _refuse_twice([(c.arm, c.domain, c.training_seed) for c in self.cells])
        _refuse_twice([(e.arm, e.domain, e.training_seed, e.name) for e in self.errors])

    def arms(self) -> tuple[str, ...]:
        """Names of the arms with episodes, in the order they first appear."""
        return tuple(dict.fromkeys(c.arm for c in self.cells))

    def tested_domains(self) -> tuple[str, ...]:
        """Names of the domains with episodes, in the order they first appear."""
        return tuple(dict.fromkeys(c.domain for c in self.cells))

    def find(self, arm: str, domain: str) -> tuple[Cell, ...]:
        """The cells of an arm in a domain, one per training seed; empty where it was not measured."""
        return tuple(c for c in self.cells if (c.arm, c.domain) == (arm, domain))

    def find_errors(self, arm: str, domain: str, name: str) -> tuple[InterfaceErrors, ...]:
        """The interface errors of an arm in a domain, one per training seed; empty where not measured."""
        return tuple(e for e in self.errors if (e.arm, e.domain, e.name) == (arm, domain, name))

    def sample(self, arm: str, domain: str, quantity: str) -> Sample | None:
        """One number per episode over all training seeds, see `Cell.column`; None where it was not measured."""
        columns = [(c.column(quantity), c.seeds, c.training_seed) for c in self.find(arm, domain)]
        return _pool([(values, seeds, training) for values, seeds, training in columns if values is not None])

    def error_sample(self, arm: str, domain: str, name: str) -> Sample | None:
        """One interface error per frame over all training seeds; None where it was not measured."""
        return _pool([(e.values, e.seeds, e.training_seed) for e in self.find_errors(arm, domain, name)])


def _pool(columns: Sequence[tuple[Floats, Integers, int]]) -> Sample | None:
    if not columns:
        return None
    trainings = [np.full(len(values), training, dtype=np.int64) for values, _, training in columns]
    return Sample(
        np.concatenate([values for values, _, _ in columns]),
        np.concatenate([seeds for _, seeds, _ in columns]),
        np.concatenate(trainings),
    )


def _refuse_twice(keys: Iterable[tuple[object, ...]]) -> None:
    seen: set[tuple[object, ...]] = set()
    for key in keys:
        if key in seen:
            raise InvalidValueError("results", f"{key} twice", "every arm, domain and training seed once")
        seen.add(key)


def scorings(cells: Iterable[Cell], errors: Iterable[InterfaceErrors], tests: Iterable[str]) -> Mapping[str, int]:
    """How often each test domain was scored: once for an arm's episodes and once for its errors, per training seed.

    Errors of one perception in several units are one scoring.

    Args:
        cells: outcomes of episodes.
        errors: interface errors.
        tests: names of the test domains.
    """
    episodes = {(one.domain, "episodes", one.arm, one.training_seed) for one in cells}
    seen = {(one.domain, "errors", one.arm, one.training_seed) for one in errors}
    scored = [domain for domain, *_ in (*episodes, *seen)]
    return {name: scored.count(name) for name in tests}


def merge(parts: Sequence[Results]) -> Results:
    """One `Results` of several parts of the same method and task; name, preset and provenance are the first part's.

    Episodes of the same arm, domain and training seed in several parts become one cell, which is one scoring. Parts
    that were made with different claims, or some without any, merge: `claims_hash` then holds every one of their
    hashes, and `claim.registration` says so.

    Raises:
        EyehandError: parts of different methods or tasks, or that measured domains of the same name but different
            numbers, or the same episode twice.
    """
    if not parts:
        raise InvalidValueError("results to merge", "none", "at least one")
    first = parts[0]
    for part in parts[1:]:
        if (part.method, part.task) != (first.method, first.task):
            raise EyehandError(
                f"Results of {part.method} on {part.task} ({part.name}) do not merge with those of "
                f"{first.method} on {first.task} ({first.name})."
            )
    cells = _join(c for part in parts for c in part.cells)
    errors = tuple(e for part in parts for e in part.errors)
    return Results(
        first.name,
        first.method,
        first.task,
        first.preset,
        first.config_hash,
        SEPARATOR.join(sorted({part.claims_hash for part in parts})),
        scorings(cells, errors, dict.fromkeys(name for part in parts for name in part.test_reads)),
        first.provenance,
        _merge_domains(parts),
        cells,
        errors,
        tuple(entry for part in parts for entry in part.ledger),
        tuple(gap for part in parts for gap in part.gaps),
    )


def _join(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Cells of the same arm, domain and training seed as one: their episodes may be spread over several files."""
    found: dict[tuple[str, str, int], Cell] = {}
    for new in cells:
        key = (new.arm, new.domain, new.training_seed)
        found[key] = _extended(found[key], new) if key in found else new
    return tuple(found.values())


def _extended(old: Cell, new: Cell) -> Cell:
    if old.measures.keys() != new.measures.keys():
        where = f"cell {new.arm} on {new.domain}"
        raise InvalidValueError("measures", sorted(new.measures), f"those of {old.file}: {sorted(old.measures)}", where)
    columns = {name: np.concatenate([getattr(old, name), getattr(new, name)]) for name in _COLUMNS}
    measures = {name: np.concatenate([values, new.measures[name]]) for name, values in old.measures.items()}
    return replace(old, **columns, measures=measures, file=",".join(filter(None, (old.file, new.file))))


def _merge_domains(parts: Sequence[Results]) -> tuple[DomainIdentity, ...]:
    found: dict[str, DomainIdentity] = {}
    for domain in (domain for part in parts for domain in part.domains):
        known = found.setdefault(domain.name, domain)
        if known.digest != domain.digest:
            raise EyehandError(
                f"Domain {domain.name} has two sets of numbers, version {known.version} ({known.digest[:12]}) and "
                f"version {domain.version} ({domain.digest[:12]}): results of different versions do not compare. "
                "Measure the older ones again."
            )
    return tuple(found.values())


def table(results: Results) -> str:
    """Arms by domains as plain lines for a terminal: success with its interval, median distance where there is one."""
    domains = results.tested_domains()
    rows = [
        ["arm", *domains],
        *([arm, *(_entry(results, arm, domain) for domain in domains)] for arm in results.arms()),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _entry(results: Results, arm: str, domain: str) -> str:
    success = results.sample(arm, domain, "success")
    if success is None:
        return "-"
    distance = results.sample(arm, domain, DISTANCE)
    tail = f", median {100 * float(np.median(distance.values)):.1f} cm" if distance is not None else ""
    return f"{statistics.rate(success.values > 0.5).text()}{tail}, {seeds_text(success.seeds)}"


def seeds_text(seeds: int) -> str:
    """How many training seeds, for people: "1 seed", "3 seeds"."""
    return f"{seeds} seed{'' if seeds == 1 else 's'}"

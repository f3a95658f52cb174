"""Outcomes of trained policies gathered into `Results`: with where they came from and what was read for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from eyehand.data.ledger import Ledger
from eyehand.evaluation import claim, claims
from eyehand.evaluation.gap import GapReport
from eyehand.evaluation.results import (
    Cell,
    DomainIdentity,
    InterfaceErrors,
    LedgerEntry,
    Provenance,
    Results,
    ledger_entries,
    scorings,
)
from eyehand.evaluation.trained import Trained
from eyehand.learning.configuration import config_digest, read_json
from eyehand.learning.run import PROVENANCE, code_commit
from eyehand.types import Floats, Integers
from eyehand.world.domain import Domain
from eyehand.world.domain_files import split_of


def gather(
    runs: Sequence[Trained],
    domains: Sequence[Domain],
    cells: Sequence[Cell],
    errors: Sequence[InterfaceErrors] = (),
    evaluation_s: float = 0.0,
    gaps: Sequence[GapReport] = (),
) -> Results:
    """The results of measured outcomes.

    Args:
        runs: the chain of runs that they came from, the last one last; it gives name, preset and configuration.
        domains: the domains that were measured.
        cells: outcomes of episodes.
        errors: interface errors.
        evaluation_s: seconds that measuring took; the trainings' own are added.
        gaps: gap reports.
    """
    last = runs[-1]
    tests = [one.name for one in domains if split_of(one) == "test"]
    return Results(
        name=last.run.folder.name,
        method=last.subject.method,
        task=last.subject.task,
        preset=last.subject.preset,
        config_hash=config_digest(last.config),
        claims_hash=claims_hash(last.subject.method),
        test_reads=scorings(cells, errors, tests),
        provenance=provenance(runs, evaluation_s),
        domains=tuple(DomainIdentity(d.name, d.version, d.digest(), d.held_out) for d in domains),
        cells=tuple(cells),
        errors=tuple(errors),
        ledger=target_data(runs),
        gaps=tuple(gaps),
    )


def claims_hash(method: str) -> str:
    """The hash of a method's registered claims, "" where it has none."""
    return claim.registry_hash(claims.load(method).claims) if method in claims.CLAIMS else ""


def provenance(runs: Sequence[Trained], evaluation_s: float) -> Provenance:
    """Code, machine, time and commands of a chain of runs."""
    told = [cast("Mapping[str, Any]", read_json(r.run.folder / PROVENANCE, "Train again.")) for r in runs]
    machine = told[-1]["machine"]
    return Provenance(
        commit=code_commit() or "",
        versions={name: version for name, version in told[-1]["versions"].items() if version},
        machine=f"{machine['cpus']} cores, {machine['platform'].partition('-')[0]} {machine['processor']}",
        wall_time_s=sum(one.get("wall_s") or 0.0 for one in told) + evaluation_s,
        commands=tuple(one["command"] for one in told),
        trained_at=tuple(dict.fromkeys(one["commit"] for one in told if one["commit"])),
    )


def target_data(runs: Sequence[Trained]) -> tuple[LedgerEntry, ...]:
    """What the chain's runs read of the target: the largest count, because later runs read the same frames again."""
    for trained in reversed(runs):
        path = trained.run.folder / "ledger.json"
        if path.exists():
            return ledger_entries(Ledger.open(path, trained.method.budget), Path(trained.subject.data).name)
    return ()


def interface_errors_of(
    arm: str, trained: Trained, domain: Domain, seeds: Integers, measured: Mapping[str, Floats]
) -> list[InterfaceErrors]:
    """Interface errors by unit, as a perception's roll-out measured them on the first frames of episodes."""
    return [
        InterfaceErrors(arm, domain.name, trained.subject.seed, unit, "" if unit == "theta" else unit, seeds, values)
        for unit, values in measured.items()
    ]

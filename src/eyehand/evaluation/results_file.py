"""`results.json` on disk: written in one step, checked against `results.schema.json` when written and when read.

Every number that is derived from the episodes (rates, medians) is stored beside them for other tools, and checked
against them on reading. Outcomes are kept with seven significant digits, columns on one line.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eyehand.data.durable import replace_text
from eyehand.errors import EyehandError, FileFormatError
from eyehand.evaluation import schema
from eyehand.evaluation.gap import Attribution, CurvePoint, Decomposition, GapReport, cell_name, subsets
from eyehand.evaluation.results import (
    DISTANCE,
    Cell,
    DomainIdentity,
    InterfaceErrors,
    LedgerEntry,
    Provenance,
    Results,
    scorings,
)
from eyehand.evaluation.statistics import Interval
from eyehand.types import Array, Floats

Json = Mapping[str, Any]
SCHEMA = "results.schema.json"
VERSION = "eyehand/results/1"
_ONE_ROW_PER_LINE = ("domains", "ledger", "gaps", "cells", "interface_errors")


def write_results(results: Results, path: Path) -> None:
    """Write `results.json` in one step.

    Raises:
        FileFormatError: a number is not finite or the document does not fit its schema (nothing is written), or the
            file cannot be written (what was there before is unchanged).
    """
    document = to_json(results)
    schema.require(document, schema.load_schema(SCHEMA), path)
    replace_text(path, _dump(document) + "\n")


def read_results(path: Path) -> Results:
    """Read a `results.json`, or the one inside a run folder.

    Raises:
        FileFormatError: it is missing, no JSON, does not fit the schema, or its derived numbers do not follow from its
            episodes.
    """
    file = path / "results.json" if path.is_dir() else path
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileFormatError(file, "does not exist", "`eyehand evaluate RUN` writes it.") from error
    except (ValueError, OSError) as error:
        raise FileFormatError(
            file, f"cannot be read as JSON ({error})", "Measure again with `eyehand evaluate`."
        ) from error
    schema.require(document, schema.load_schema(SCHEMA), file)
    try:
        return from_json(document, str(file))
    except FileFormatError:
        raise
    except EyehandError as error:
        raise FileFormatError(
            file, f"contradicts itself ({error})", "Measure again with `eyehand evaluate`."
        ) from error


def to_json(results: Results) -> dict[str, Any]:
    """The document of `results.schema.json`."""
    return {
        "schema": VERSION,
        "name": results.name,
        "method": results.method,
        "task": results.task,
        "preset": results.preset,
        "config_hash": results.config_hash,
        "claims_hash": results.claims_hash,
        "test_reads": dict(results.test_reads),
        "provenance": {
            **dataclasses.asdict(results.provenance),
            "versions": dict(results.provenance.versions),
            "commands": list(results.provenance.commands),
            "trained_at": list(results.provenance.trained_at),
        },
        "domains": [dataclasses.asdict(domain) for domain in results.domains],
        "ledger": [dataclasses.asdict(entry) for entry in results.ledger],
        "gaps": [gap_to_json(report) for report in results.gaps],
        "cells": [_cell_to_json(one) for one in results.cells],
        "interface_errors": [_errors_to_json(one) for one in results.errors],
    }


def from_json(document: Json, file: str = "") -> Results:
    """The results in a document that fits the schema.

    Args:
        document: what `to_json` made.
        file: where it was read from; remembered in every cell.
    """
    provenance = document["provenance"]
    cells = tuple(_cell_from_json(one, f"cells[{i}]", file) for i, one in enumerate(document["cells"]))
    errors = tuple(
        _errors_from_json(one, f"interface_errors[{i}]", file) for i, one in enumerate(document["interface_errors"])
    )
    return Results(
        document["name"],
        document["method"],
        document["task"],
        document["preset"],
        document["config_hash"],
        document["claims_hash"],
        # Counted anew: older files count every unit of the same errors. That they name a domain says that it is a test.
        scorings(cells, errors, document["test_reads"]),
        Provenance(
            provenance["commit"],
            provenance["versions"],
            provenance["machine"],
            provenance["wall_time_s"],
            tuple(provenance["commands"]),
            tuple(provenance.get("trained_at", ())),
        ),
        tuple(DomainIdentity(**domain) for domain in document["domains"]),
        cells,
        errors,
        tuple(LedgerEntry(**entry) for entry in document["ledger"]),
        tuple(gap_from_json(report) for report in document["gaps"]),
    )


def summary(cell: Cell) -> dict[str, float]:
    """What is derived from a cell's episodes: trials, success with its Wilson interval, distances, mean reward."""
    rate, distance = cell.rate, cell.measures.get(DISTANCE)
    derived = {"trials": rate.n, "success": rate.value, "low": rate.low, "high": rate.high}
    if distance is not None:
        derived |= {
            "median_distance_m": float(np.median(distance)),
            "q3_distance_m": float(np.quantile(distance, 0.75)),
        }
    return {**derived, "mean_reward": float(cell.total_reward.mean())}


def _cell_to_json(cell: Cell) -> dict[str, Any]:
    rounded = dataclasses.replace(
        cell,
        total_reward=_rounded(cell.total_reward),
        measures={name: _rounded(values) for name, values in cell.measures.items()},
    )
    return {
        "arm": cell.arm,
        "domain": cell.domain,
        "training_seed": cell.training_seed,
        "run": cell.run,
        **summary(rounded),
        "episodes": {
            "seeds": cell.seeds.tolist(),
            "success": cell.success.astype(int).tolist(),
            "truncated": cell.truncated.astype(int).tolist(),
            "steps": cell.steps.tolist(),
            "total_reward": rounded.total_reward.tolist(),
            "measures": {name: values.tolist() for name, values in rounded.measures.items()},
        },
    }


def _cell_from_json(raw: Json, place: str, file: str) -> Cell:
    episodes = raw["episodes"]
    read = Cell(
        raw["arm"],
        raw["domain"],
        raw["training_seed"],
        raw["run"],
        np.asarray(episodes["seeds"], dtype=np.int64),
        np.asarray(episodes["success"], dtype=np.bool_),
        np.asarray(episodes["truncated"], dtype=np.bool_),
        np.asarray(episodes["steps"], dtype=np.int64),
        np.asarray(episodes["total_reward"], dtype=np.float64),
        {name: np.asarray(values, dtype=np.float64) for name, values in episodes["measures"].items()},
        file,
    )
    _agree(raw, summary(read), place, file)
    return read


def _errors_to_json(errors: InterfaceErrors) -> dict[str, Any]:
    values = _rounded(errors.values)
    return {
        "arm": errors.arm,
        "domain": errors.domain,
        "training_seed": errors.training_seed,
        "name": errors.name,
        "unit": errors.unit,
        **error_summary(values),
        "seeds": errors.seeds.tolist(),
        "values": values.tolist(),
    }


def error_summary(values: Floats) -> dict[str, float]:
    """Mean, standard deviation (of the population, as `np.std`) and median of interface errors (N,)."""
    return {"mean": float(values.mean()), "std": float(values.std()), "median": float(np.median(values))}


def _errors_from_json(raw: Json, place: str, file: str) -> InterfaceErrors:
    values = np.asarray(raw["values"], dtype=np.float64)
    seeds = np.asarray(raw["seeds"], dtype=np.int64)
    arm, domain, training, name, unit = (raw[key] for key in ("arm", "domain", "training_seed", "name", "unit"))
    read = InterfaceErrors(arm, domain, training, name, unit, seeds, values, file)
    _agree(raw, error_summary(values), place, file)
    return read


def _agree(raw: Json, derived: Mapping[str, float], place: str, file: str) -> None:
    for name, number in derived.items():
        said = raw.get(name)
        if said is None or not math.isclose(said, number, rel_tol=1e-6, abs_tol=1e-9):
            raise FileFormatError(
                file or "results",
                f"{place}.{name} is {said}, but its episodes give {number:.7g}",
                "The file was changed by hand or by another program; measure again with `eyehand evaluate`.",
            )


def gap_to_json(report: GapReport) -> dict[str, Any]:
    """A gap report as a JSON object; cells are named as in `gap.cell_name`."""
    return {
        "policy": report.policy,
        "nominal": report.nominal,
        "target": report.target,
        "decompositions": [
            {
                "measure": one.measure,
                "loss": dataclasses.asdict(one.loss),
                "shares": {group: dataclasses.asdict(share) for group, share in one.shares.items()},
                "cells": {cell_name(subset): dataclasses.asdict(value) for subset, value in one.cells.items()},
            }
            for one in report.decompositions
        ],
        "attributions": [dataclasses.asdict(arm) for arm in report.attributions],
        "curve": [dataclasses.asdict(point) for point in report.curve],
        "curve_unit": report.curve_unit,
        "target_error": report.target_error,
    }


def gap_from_json(raw: Json) -> GapReport:
    """The gap report in a JSON object that `gap_to_json` made."""
    names = {cell_name(subset): subset for subset in subsets()}
    decompositions = tuple(
        Decomposition(
            one["measure"],
            Interval(**one["loss"]),
            {group: Interval(**share) for group, share in one["shares"].items()},
            {names[name]: Interval(**value) for name, value in one["cells"].items()},
        )
        for one in raw["decompositions"]
    )
    return GapReport(
        raw["policy"],
        raw["nominal"],
        raw["target"],
        decompositions,
        tuple(Attribution(a["module"], _maybe(a["success"]), _maybe(a["recovered"])) for a in raw["attributions"]),
        tuple(CurvePoint(point["error"], Interval(**point["success"])) for point in raw["curve"]),
        raw["curve_unit"],
        raw["target_error"],
    )


def _maybe(raw: Mapping[str, Any] | None) -> Interval | None:
    return None if raw is None else Interval(**raw)


def _rounded(values: Array) -> Floats:
    return np.array([float(f"{value:.7g}") for value in values.tolist()])


def _dump(document: Json) -> str:
    """JSON with one line per top-level entry and per row of a top-level list: small, and readable in a diff."""
    lines: list[str] = []
    for key, value in document.items():
        if key in _ONE_ROW_PER_LINE and value:
            rows = ",\n".join(f"  {_compact(row)}" for row in value)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {_compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)

"""`eyehand claims`: a paper's claims, decided from result files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from eyehand.cli import output
from eyehand.errors import FileFormatError
from eyehand.evaluation import claim, claims
from eyehand.evaluation.results import Results, merge
from eyehand.evaluation.results_file import read_results


@dataclass(frozen=True)
class Options:
    """Options of `eyehand claims`."""

    method: tyro.conf.Positional[str]
    """Name of the method."""
    results: tuple[Path, ...] = ()
    """Result files, or folders of them; by default results/METHOD."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """Decide the claims."""
    options = output.parse(Options, arguments, "claims")
    registered = claims.load(options.method).claims
    found = _read(options)
    decided = claim.decide_all(registered, found)
    counts = ", ".join(f"{number} {status}" for status, number in claim.count(decided).items())
    title = f"{options.method}: {counts} (claims {claim.registration(registered, found)})"
    output.emit(
        options.json, [one.to_json() for one in decided], lambda: "\n".join([title, *(one.text() for one in decided)])
    )
    return 0


def _read(options: Options) -> Results:
    """All result files together; without any, claims are listed as undecided."""
    places = options.results or (Path("results") / options.method,)
    files: list[Path] = []
    for place in places:
        if options.results and not place.exists():
            raise FileFormatError(place, "there is no such result file or folder", "Name one with --results.")
        files += sorted(place.rglob("*.json")) if place.is_dir() else [place] if place.exists() else []
    if not files:
        return Results(name=options.method, method=options.method, task="", preset="")
    return merge([read_results(file) for file in files])

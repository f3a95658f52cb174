"""`eyehand report`: one self-contained page about a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from eyehand.cli import output
from eyehand.errors import InvalidValueError
from eyehand.evaluation.comparison import chain, compare, content
from eyehand.evaluation.protocol import count_test_reads, gap_report
from eyehand.evaluation.report import write_report
from eyehand.evaluation.results import Results, table
from eyehand.evaluation.results_file import read_results, write_results
from eyehand.evaluation.trained import Trained, warn_of_untrained
from eyehand.world.domain_files import load_domain


@dataclass(frozen=True)
class Options:
    """Options of `eyehand report`."""

    run: tyro.conf.Positional[Path]
    """Run folder; the runs that its networks came from are shown beside it."""
    nominal: str = "sim"
    """The domain that the policies come from."""
    target: str = "twin"
    """The domain that they were moved to."""
    trials: int = 50
    """Episodes of every policy in each domain."""
    gap_trials: int = 20
    """Episodes in each of the 8 cells of the gap; 0 leaves the decomposition out."""
    again: bool = False
    """Measure again even if RUN/results.json is there."""
    json: bool = False
    """Print JSON."""


@dataclass(frozen=True)
class Reported:
    """What a report was written from and where it lies.

    Attributes:
        results: the numbers.
        results_path: their file.
        report_path: the page.
    """

    results: Results
    results_path: Path
    report_path: Path


def run(arguments: Sequence[str]) -> int:
    """Measure and write the page."""
    options = output.parse(Options, arguments, "report")
    if options.trials < 1 or options.gap_trials < 0:
        raise InvalidValueError("--trials", options.trials, "at least 1, and --gap-trials at least 0")
    if options.target == options.nominal:
        raise InvalidValueError("--target", options.target, "another domain than --nominal")
    made = make_report(chain(options.run), options)
    data = {"report": made.report_path, "results": made.results_path}
    output.emit(options.json, data, lambda: f"{table(made.results)}\n\nReport: {made.report_path}")
    return 0


def make_report(runs: Sequence[Trained], options: Options) -> Reported:
    """Write results.json, unless it is there, and report.html into the last run's folder."""
    last = runs[-1]
    warn_of_untrained(last)
    nominal = load_domain(options.nominal, last.subject.task)
    target = load_domain(options.target, last.subject.task)
    results_path, report_path = last.run.folder / "results.json", last.run.folder / "report.html"
    if options.again or not results_path.exists():
        count_test_reads(last, target, options.trials + options.gap_trials)
        gaps = [gap_report(last, nominal, target, options.gap_trials)] if options.gap_trials else []
        write_results(compare(runs, (nominal, target), options.trials, gaps), results_path)
    results = read_results(results_path)
    write_report(content(runs, nominal, target, results), report_path)
    return Reported(results, results_path, report_path)

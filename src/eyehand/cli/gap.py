"""`eyehand gap`: what was lost between two domains, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from eyehand.cli import output
from eyehand.errors import InvalidValueError
from eyehand.evaluation import gap
from eyehand.evaluation.protocol import count_test_reads, gap_report
from eyehand.evaluation.results_file import gap_to_json
from eyehand.evaluation.trained import load_trained, warn_of_untrained
from eyehand.world.domain_files import load_domain


@dataclass(frozen=True)
class Options:
    """Options of `eyehand gap`."""

    run: tyro.conf.Positional[Path]
    """Run folder of the policy."""
    nominal: str = "sim"
    """The domain that the policy comes from."""
    target: str = "twin"
    """The domain that it was moved to."""
    trials: int = 50
    """Paired episodes in each of the 8 cells."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """Measure the gap."""
    options = output.parse(Options, arguments, "gap")
    if options.trials < 1:
        raise InvalidValueError("--trials", options.trials, "at least 1")
    trained = load_trained(options.run)
    task = trained.subject.task
    nominal, target = load_domain(options.nominal, task), load_domain(options.target, task)
    warn_of_untrained(trained)
    count_test_reads(trained, target, options.trials)
    report = gap_report(trained, nominal, target, options.trials)
    output.emit(options.json, gap_to_json(report), lambda: gap.text(report))
    return 0

"""`eyehand bench`: our speed beside that of peers, and what many simulations cost.

Repetitions of both sides alternate, so that whatever else the machine does slows both. A peer runs in an environment
of its own, which `make bench` installs; where it is missing, our side is measured alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from eyehand.cli import latency, output, scaling
from eyehand.cli.pairs import PAIRS
from eyehand.cli.pairs.comparing import Comparison, Course, compare
from eyehand.errors import InvalidValueError, UnknownNameError

SCALING, LATENCY = "scaling", "latency"


@dataclass(frozen=True)
class Options:
    """Options of `eyehand bench`."""

    name: tyro.conf.Positional[str] = ""
    """The pair to measure, all of them by default; `scaling` measures what 1 to 256 simulations cost, `latency` the
    time from a camera's frame to the command."""
    repetitions: int = 15
    """How often each side is measured."""
    frames: int = 2000
    """How many frames `latency` times."""
    one_core: bool = False
    """Keep both sides on one core, also where they may use all."""
    peers: Path = Path("bench")
    """The folder of the peers' programs, in a checkout."""
    environments: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path(".bench")
    """The folder of the peers' environments, made by `make bench`."""
    output: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("runs/bench")
    """Where `scaling` writes its numbers and its plot."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """Measure one pair or all."""
    options = output.parse(Options, arguments, "bench")
    if options.repetitions < 1:
        raise InvalidValueError("--repetitions", options.repetitions, "a number of at least 1")
    if options.frames < 1:
        raise InvalidValueError("--frames", options.frames, "a number of at least 1")
    if options.name == SCALING:
        return scaling.run(options.output, options.json)
    if options.name == LATENCY:
        return latency.run(options.frames, options.json)
    names = [*(pair.name for pair in PAIRS), SCALING, LATENCY]
    if options.name and options.name not in names:
        raise UnknownNameError("pair", options.name, names)
    course = Course(options.repetitions, options.peers, options.environments, options.one_core)
    pairs = [pair for pair in PAIRS if options.name in ("", pair.name)]
    found = [comparison for pair in pairs for comparison in compare(pair, course)]
    output.emit(options.json, found, lambda: _text(found))
    return 0


def _text(found: Sequence[Comparison]) -> str:
    """The table, and below it what both sides of every pair say about themselves."""
    header = ("pair", "unit", "ours", "peer", "theirs", "ratio [95 %]", "target", "met")
    lines = [output.table(header, [_row(c) for c in found]), ""]
    lines += [
        f"{name}: ours: {c.about}; {c.peer}: {c.about_peer or 'not installed'}."
        for name, c in {c.name: c for c in found}.items()
    ]
    lines += [f"{_name(c)}: outputs {'' if c.equal else 'NOT '}equal: {c.found}." for c in found if c.equal is not None]
    return "\n".join(lines)


def _name(c: Comparison) -> str:
    return f"{c.name} ({c.variant})" if c.variant else c.name


def _row(c: Comparison) -> tuple[str, ...]:
    target = f"{c.target:,.0f} {c.unit}" if c.of == "rate" else f"{c.target:.3g} x"
    theirs = "not installed" if c.theirs is None else f"{c.theirs:,.0f}"
    ratio = "" if c.ratio is None else f"{c.ratio:.2f} [{c.low:.2f}-{c.high:.2f}]"
    return _name(c), c.unit, f"{c.ours:,.0f}", c.peer, theirs, ratio, target, _met(c)


def _met(c: Comparison) -> str:
    """The verdict on the median; where the ratio's interval holds the target, it says so."""
    if c.met is None:
        return "unknown"
    open_ = c.of == "ratio" and c.low is not None and c.high is not None and c.low < c.target <= c.high
    return ("yes" if c.met else "no") + (", not for sure" if open_ else "")

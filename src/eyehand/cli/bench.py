"""`eyehand bench`: our speed beside that of peers.

Repetitions of both sides alternate on one core, so that whatever else the machine does slows both. A peer runs in an
environment of its own, which `make bench` installs; where it is missing, our side is measured alone.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from eyehand.cli import output
from eyehand.errors import EyehandError, InvalidValueError, UnknownNameError
from eyehand.tasks import load_task
from eyehand.world import baxter, drawing, plane_camera
from eyehand.world.compositing import grey84
from eyehand.world.domain import Domain, mean


@dataclass(frozen=True)
class Options:
    """Options of `eyehand bench`."""

    name: tyro.conf.Positional[str] = ""
    """The pair to measure; all of them by default."""
    repetitions: int = 15
    """How often each side is measured."""
    peers: Path = Path("bench")
    """The folder of the peers' programs, in a checkout."""
    environments: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path(".bench")
    """The folder of the peers' environments, made by `make bench`."""
    json: bool = False
    """Print JSON."""


@dataclass(frozen=True)
class Pair:
    """One thing that we and a peer both do.

    Attributes:
        name: the name on the command line, and of the peer's folder.
        peer: who is compared with.
        unit: what a rate counts.
        target: the rate we want to reach, in `unit`.
        prepare: makes the set-up for the peer, and a function that does our side once and returns how many it did.
    """

    name: str
    peer: str
    unit: str
    target: float
    prepare: Callable[[], tuple[Mapping[str, Any], Callable[[], int]]]


@dataclass(frozen=True)
class Comparison:
    """Both sides of a pair.

    Attributes:
        name: the pair.
        peer: who is compared with.
        unit: what a rate counts.
        ours: our rate, median over repetitions.
        theirs: the peer's rate; None where the peer is not installed, as are the next three.
        ratio: ours over theirs, median over repetitions.
        low: lower end of the ratio's 95 % interval.
        high: upper end of it.
        target: the rate we want to reach.
        met: whether we reach it.
    """

    name: str
    peer: str
    unit: str
    ours: float
    theirs: float | None
    ratio: float | None
    low: float | None
    high: float | None
    target: float
    met: bool


def run(arguments: Sequence[str]) -> int:
    """Measure one pair or all."""
    options = output.parse(Options, arguments, "bench")
    if options.repetitions < 1:
        raise InvalidValueError("--repetitions", options.repetitions, "a number of at least 1")
    names = [pair.name for pair in PAIRS]
    if options.name and options.name not in names:
        raise UnknownNameError("pair", options.name, names)
    with _one_core():
        found = [compare(pair, options) for pair in PAIRS if options.name in ("", pair.name)]
    rows = [
        (c.name, c.unit, f"{c.ours:,.0f}", c.peer, _shown(c.theirs, ",.0f"), _ratio(c), f"{c.target:,.0f}", str(c.met))
        for c in found
    ]
    header = ("pair", "unit", "ours", "peer", "theirs", "ratio [95 %]", "target", "met")
    output.emit(options.json, found, lambda: output.table(header, rows))
    return 0


def compare(pair: Pair, options: Options) -> Comparison:
    """Measure both sides of a pair in turns, after one repetition of each that warms caches and compiles."""
    setup, work = pair.prepare()
    ours: list[float] = []
    theirs: list[float] = []
    with _peer(pair, setup, options) as repeat:
        for repetition in range(options.repetitions + 1):
            begin = time.perf_counter()
            rate = work() / (time.perf_counter() - begin)
            peer_rate = repeat() if repeat else None
            if repetition:
                ours.append(rate)
                theirs += [peer_rate] if peer_rate is not None else []
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)] if theirs else []
    rate = statistics.median(ours)
    low, high = median_interval(ratios) if ratios else (None, None)
    return Comparison(
        name=pair.name,
        peer=pair.peer,
        unit=pair.unit,
        ours=rate,
        theirs=statistics.median(theirs) if theirs else None,
        ratio=statistics.median(ratios) if ratios else None,
        low=low,
        high=high,
        target=pair.target,
        met=rate >= pair.target,
    )


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a median from order statistics: free of assumptions about the distribution.

    The k-th smallest and k-th largest of n values enclose the median unless fewer than k values fall on one side, and
    that count is binomial (n, 1/2). With fewer than 6 values the whole range is returned, which covers less.
    """
    n, ordered = len(values), sorted(values)
    k, tail = 1, 2.0**-n
    while k < n / 2 and 2 * (tail + math.comb(n, k) * 2.0**-n) <= 0.05:
        tail += math.comb(n, k) * 2.0**-n
        k += 1
    return ordered[k - 1], ordered[n - k]


@contextlib.contextmanager
def _one_core() -> Generator[None]:
    """Keep this process, and the peers it starts, on one core where the system can do that."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _peer(pair: Pair, setup: Mapping[str, Any], options: Options) -> Generator[Callable[[], float] | None]:
    """A function that lets the peer work once and returns its rate; None where the peer is not installed."""
    python = options.environments / pair.name / "bin" / "python"
    program = options.peers / pair.name / "peer.py"
    if not (python.exists() and program.exists()):
        sys.stderr.write(f"{pair.peer} is not installed in {python.parent.parent}: `make bench` does that.\n")
        yield None
        return
    # Unbuffered, so that nothing is left to be flushed into a peer that has died; closing its input ends it.
    with subprocess.Popen([python, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        lines = [json.dumps(setup)]

        def repeat() -> float:
            answer = _ask(process, [*lines, "again"]).split()
            lines.clear()
            if len(answer) != 2:
                raise EyehandError(f"{program}: the peer stopped; run it with {python} to see why.")
            return int(answer[0]) / float(answer[1])

        yield repeat


def _ask(process: subprocess.Popen[bytes], lines: Sequence[str]) -> bytes:
    """The line with which a process answers to these lines, empty where it has ended."""
    if process.stdin is None or process.stdout is None:
        return b""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(("\n".join(lines) + "\n").encode())
    return process.stdout.readline()


def _drawing() -> tuple[Mapping[str, Any], Callable[[], int]]:
    """The simulator's picture of `planar_reach` with three joints, from joint angles to the grey network input."""
    seeds, step = np.arange(256), np.zeros(256, np.int64)
    state = load_task("planar_reach").sample(seeds)
    domain = Domain()
    imaging = drawing.DrawingImaging(domain, threads=1)

    def work() -> int:
        return len(grey84(imaging.capture(state, seeds, step)))

    H = plane_camera.believed_homography()
    setup = {
        "links": list(zip(baxter.LINK_LENGTH_M, baxter.LINK_DROP_M, drawing.LINK_RADIUS_M, strict=True)),
        "size": plane_camera.FRAME_SIZE[::-1],
        "px_per_m": plane_camera.PIXELS_PER_M,
        "origin_px": H[:2, 2].tolist(),
        "arm": round(255 * mean(domain.appearance.arm_albedo)),
        "ground": round(255 * mean(domain.appearance.background_albedo)),
        "disc_m": drawing.DISC_RADIUS_M,
        "scenes": np.concatenate([state.q_rad, state.x_target_m], axis=1).tolist(),
    }
    return setup, work


def _shown(number: float | None, form: str) -> str:
    return "not installed" if number is None else format(number, form)


def _ratio(c: Comparison) -> str:
    if c.ratio is None:
        return ""
    return f"{c.ratio:.2f} [{_shown(c.low, '.2f')}-{_shown(c.high, '.2f')}]"


PAIRS: tuple[Pair, ...] = (Pair("drawing", "Pillow", "images/s on one core", 5000.0, _drawing),)

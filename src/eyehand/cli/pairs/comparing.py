"""Both sides of a pair measured in turns, and the median ratio of their rates with its interval."""

from __future__ import annotations

import contextlib
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eyehand.cli.pairs.pair import Agreement, Pair, Work
from eyehand.cli.pairs.peer import Peer, started


@dataclass(frozen=True)
class Comparison:
    """Both sides of a pair, for one way in which we do our side.

    Attributes:
        name: the pair.
        variant: what is special about our side, "" for nothing.
        peer: who is compared with.
        unit: what a rate counts.
        ours: our rate, median over repetitions.
        theirs: the peer's rate; None where the peer is not installed, as are the next three.
        ratio: ours over theirs, median over repetitions.
        low: lower end of the ratio's 95 % interval.
        high: upper end of it.
        target: what we want to reach.
        of: what the target is a number of, "rate" or "ratio".
        met: whether the median reaches it, the interval aside, and the outputs are equal; None where that takes a peer
            who is not installed.
        equal: whether both sides make the same thing; None where that was not compared.
        found: the numbers behind `equal`.
        about: our threads and the like.
        about_peer: the peer's.
    """

    name: str
    variant: str
    peer: str
    unit: str
    ours: float
    theirs: float | None
    ratio: float | None
    low: float | None
    high: float | None
    target: float
    of: Literal["rate", "ratio"]
    met: bool | None
    equal: bool | None
    found: str
    about: str
    about_peer: str


@dataclass(frozen=True)
class Course:
    """How pairs are measured.

    Attributes:
        repetitions: how often each side is measured.
        programs: the folder of the peers' programs.
        environments: the folder of their environments.
        one_core: keep both sides on one core even where a pair may use all.
    """

    repetitions: int
    programs: Path
    environments: Path
    one_core: bool = False


def compare(pair: Pair, course: Course) -> list[Comparison]:
    """Measure a pair, after one repetition of each side that warms caches and compiles."""
    alone = course.one_core or pair.cores == "one"
    with contextlib.ExitStack() as stack:
        stack.enter_context(one_core() if alone else contextlib.nullcontext())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eyehand-bench-")))
        work = pair.prepare(folder)
        peer = stack.enter_context(started(pair, work.setup, course.programs, course.environments))
        about_peer = peer.about() if peer else ""
        agreements = _agreements(work, peer, folder)
        rates, peer_rates = _rates(work.ours, peer, course.repetitions)
    said = (work.about, about_peer)
    return [_comparison(pair, said, agreements.get(way), way, found, peer_rates) for way, found in rates.items()]


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


def _agreements(work: Work, peer: Peer | None, folder: Path) -> Mapping[str, Agreement]:
    if work.check is None or peer is None:
        return {}
    path = folder / "shown.npz"
    peer.show(path)
    return work.check(path)


def _rates(
    ours: Mapping[str, Callable[[], int]], peer: Peer | None, repetitions: int
) -> tuple[dict[str, list[float]], list[float]]:
    """Rates of every way of ours and of the peer; the first repetition does not count."""
    rates: dict[str, list[float]] = {variant: [] for variant in ours}
    theirs: list[float] = []
    for _ in range(repetitions + 1):
        for variant, work in ours.items():
            begin = time.perf_counter()
            rates[variant].append(work() / (time.perf_counter() - begin))
        if peer:
            theirs.append(peer.repeat())
    return {variant: found[1:] for variant, found in rates.items()}, theirs[1:]


def _comparison(
    pair: Pair,
    said: tuple[str, str],
    agreement: Agreement | None,
    variant: str,
    rates: Sequence[float],
    peer_rates: Sequence[float],
) -> Comparison:
    about, about_peer = said
    ratios = [a / b for a, b in zip(rates, peer_rates, strict=True)] if peer_rates else []
    rate, ratio = statistics.median(rates), statistics.median(ratios) if ratios else None
    reached = rate if pair.of == "rate" else ratio
    low, high = median_interval(ratios) if ratios else (None, None)
    equal = agreement.equal if agreement else None
    return Comparison(
        name=pair.name,
        variant=variant,
        peer=pair.peer,
        unit=pair.unit,
        ours=rate,
        theirs=statistics.median(peer_rates) if peer_rates else None,
        ratio=ratio,
        low=low,
        high=high,
        target=pair.target,
        of=pair.of,
        met=None if reached is None else reached >= pair.target and equal is not False,
        equal=equal,
        found=agreement.found if agreement else "",
        about=about,
        about_peer=about_peer,
    )


@contextlib.contextmanager
def one_core() -> Generator[None]:
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

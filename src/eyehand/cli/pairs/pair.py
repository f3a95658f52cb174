"""What a pair of the benchmark is: a piece of work that we and a peer both do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eyehand.world.rows import default_threads


@dataclass(frozen=True)
class Agreement:
    """Whether both sides make the same thing.

    Attributes:
        equal: they do.
        found: the numbers that say so, as a phrase for people.
    """

    equal: bool
    found: str


@dataclass(frozen=True)
class Work:
    """A pair that is ready to be measured.

    Attributes:
        setup: what the peer is told, in types that JSON knows.
        ours: our side, one function for each way in which we do it, by what is special about it ("" for nothing); it
            does the work once and returns how many pictures or steps it made.
        about: threads and whatever else a reader of our numbers must know.
        check: compares what the peer writes into a file with each way of ours; None where nothing can be compared.
    """

    setup: Mapping[str, Any]
    ours: Mapping[str, Callable[[], int]]
    about: str
    check: Callable[[Path], Mapping[str, Agreement]] | None = None


@dataclass(frozen=True)
class Pair:
    """One thing that we and a peer both do.

    Attributes:
        name: the name on the command line.
        peer: who is compared with.
        unit: what a rate counts.
        target: what we want to reach.
        of: what the target is a number of: our rate, or our rate over the peer's.
        cores: whether both sides are kept on one core, or may use all.
        folder: the peer's folder, and that of its environment.
        prepare: makes the work; it may leave files for the peer in the folder it is given.
    """

    name: str
    peer: str
    unit: str
    target: float
    of: Literal["rate", "ratio"]
    cores: Literal["one", "all"]
    folder: str
    prepare: Callable[[Path], Work]


def threads() -> str:
    """How many threads our side works on, as a phrase."""
    count = default_threads()
    return "1 thread" if count == 1 else f"{count} threads"

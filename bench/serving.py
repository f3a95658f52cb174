"""How a peer answers: one repetition for every line of input, as `README.md` says."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Peer:
    """A peer that is ready to work.

    Attributes:
        work: does one repetition and returns how many pictures or steps it made.
        show: writes what the repetitions make into a `.npz` file, so that it can be compared with ours.
        about: threads, versions and whatever else a reader of the numbers must know, in one line.
    """

    work: Callable[[], int]
    show: Callable[[Path], None] | None = None
    about: str = "one thread"


def serve(prepare: Callable[[Mapping[str, Any]], Peer]) -> None:
    """Answer on standard output to what standard input asks, until it is closed.

    Whatever a library prints goes to standard error: answers have a stream of their own.

    Args:
        prepare: makes the peer from the pair's set-up, which is the first line of input.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = prepare(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        print(_answer(peer, word, rest), file=answers, flush=True)


def _answer(peer: Peer, word: str, rest: str) -> str:
    if word == "about":
        return peer.about
    if word == "show" and peer.show is not None:
        peer.show(Path(rest))
        return "shown"
    begin = time.perf_counter()
    count = peer.work()
    return f"{count} {time.perf_counter() - begin}"

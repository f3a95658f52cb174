"""The other side of a pair: a process in an environment of its own that does one repetition for every line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from eyehand.cli.pairs.pair import Pair
from eyehand.errors import EyehandError


@final
class Peer:
    """A running peer; what it is asked and answers is described in `bench/README.md`."""

    def __init__(self, process: subprocess.Popen[bytes], said_before: str, setup: Mapping[str, Any]) -> None:
        """Hand the set-up over.

        Args:
            process: the peer's process.
            said_before: how to start it by hand, for the error message.
            setup: what the peer is told first.
        """
        self._process = process
        self._by_hand = said_before
        self._waiting = [json.dumps(setup)]

    def about(self) -> str:
        """Threads, versions and the like, in the peer's own words."""
        return self._ask("about")

    def repeat(self) -> float:
        """Let the peer work once; returns its rate."""
        answer = self._ask("again").split()
        return int(answer[0]) / float(answer[1])

    def show(self, path: Path) -> None:
        """Let the peer write into a file what it makes."""
        self._ask(f"show {path}")

    def _ask(self, line: str) -> str:
        answer = _exchange(self._process, [*self._waiting, line]).decode().strip()
        self._waiting = []
        if not answer:
            raise EyehandError(f"{self._by_hand}: the peer stopped; what it wrote above says why.")
        return answer


@contextlib.contextmanager
def started(pair: Pair, setup: Mapping[str, Any], programs: Path, environments: Path) -> Generator[Peer | None]:
    """The peer of a pair; None where it is not installed.

    Args:
        pair: the pair.
        setup: what the peer is told.
        programs: the folder of the peers' programs.
        environments: the folder of their environments.
    """
    python = environments / pair.folder / "bin" / "python"
    program = programs / pair.folder / "peer.py"
    if not (python.exists() and program.exists()):
        sys.stderr.write(f"{pair.peer} is not installed in {python.parent.parent}: `make bench` does that.\n")
        yield None
        return
    # Unbuffered, so that nothing is left to be flushed into a peer that has died; closing its input ends it.
    with subprocess.Popen(
        [python, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=_surroundings(programs)
    ) as process:
        yield Peer(process, str(program), setup)


def _surroundings(programs: Path) -> dict[str, str]:
    """Environment variables of peers: where the code is that they share, and OpenGL without a screen."""
    drawing = {"MUJOCO_GL": "egl"} if sys.platform == "linux" else {}
    return {**drawing, **os.environ, "PYTHONPATH": str(programs.resolve())}


def _exchange(process: subprocess.Popen[bytes], lines: Sequence[str]) -> bytes:
    """The line with which a process answers to these lines, empty where it has ended."""
    if process.stdin is None or process.stdout is None:
        return b""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(("\n".join(lines) + "\n").encode())
    return process.stdout.readline()

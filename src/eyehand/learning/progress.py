"""Progress of a training phase for people: one live line on a terminal, a plain line now and then elsewhere.

Everything goes to standard error, so that `--json` output on standard output stays clean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

LIVE_INTERVAL_S = 0.2
PLAIN_INTERVAL_S = 10.0


class Progress:
    """Shows phase, percentage, success where known, updates per second and time left."""

    def __init__(
        self,
        phase: str,
        total: int,
        done: int = 0,
        quiet: bool = False,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to show a phase; nothing appears before the context is entered.

        Args:
            phase: name of the phase.
            total: updates in the phase.
            done: updates that a resumed phase starts with; they do not count for the speed.
            quiet: show nothing at all.
            console: where to show; None for standard error.
            clock: seconds, monotonic.
        """
        self._phase, self._total, self._done, self._start = phase, total, done, done
        self._quiet, self._clock = quiet, clock
        self._console = console or Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._began = self._shown = clock()
        self._success: float | None = None

    def __enter__(self) -> Progress:
        self._began = self._shown = self._clock()
        if self._console.is_terminal and not self._quiet:
            self._live = Live(Text(self.line()), console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._quiet:
            self._show()
        if self._live is not None:
            self._live.stop()

    def update(self, done: int) -> None:
        """Note how many updates are done; cheap enough to call after each one."""
        self._done = done
        if self._quiet:
            return
        now = self._clock()
        if now - self._shown >= (LIVE_INTERVAL_S if self._live is not None else PLAIN_INTERVAL_S):
            self._shown = now
            self._show()

    def note(self, metrics: Mapping[str, float]) -> None:
        """Remember the latest success rate among the metrics: the last name that ends in "success"."""
        for name, value in metrics.items():
            if name.rsplit("/", 1)[-1] == "success":
                self._success = value

    def line(self) -> str:
        """The state of the phase in one line."""
        elapsed_s = self._clock() - self._began
        rate = (self._done - self._start) / elapsed_s if elapsed_s > 0 else 0.0
        parts = [self._phase, f"{100 * self._done / max(self._total, 1):3.0f} % of {self._total:,} updates"]
        if self._success is not None:
            parts.append(f"success {self._success:.2f}")
        parts.append(f"{rate:,.1f} updates/s")
        if rate > 0 and self._done < self._total:
            parts.append(f"{_clock_face((self._total - self._done) / rate)} left")
        return "  ".join(parts)

    def _show(self) -> None:
        if self._live is not None:
            self._live.update(Text(self.line()), refresh=True)
        else:
            self._console.print(self.line(), soft_wrap=True, markup=False)


def say(text: str) -> None:
    """Print one plain line on standard error."""
    Console(stderr=True, highlight=False).print(text, soft_wrap=True, markup=False)


def _clock_face(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Errors that teach: what went wrong, where, what is allowed, and the closest match.

Every error a user can cause derives from `EyehandError`; the command line prints its message and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class EyehandError(Exception):
    """Base of every error that a user's input can cause; its message is complete in itself."""


class UnknownNameError(EyehandError):
    """A name that is not registered."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str], where: str = "") -> None:
        """Say which names are allowed and which one is closest.

        Args:
            kind: what was looked up, for example "task".
            name: the name that was given.
            allowed: every name that would have been accepted.
            where: the file or option the name came from, or "".
        """
        names = sorted(allowed)
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        place = f" in {where}" if where else ""
        super().__init__(f"Unknown {kind} {name!r}{place}.{hint} Allowed: {', '.join(names) or 'none'}.")


class InvalidValueError(EyehandError):
    """A value outside what is allowed: an inverted range, a wrong size, a number that is not finite."""

    def __init__(self, what: str, got: object, allowed: str, where: str = "") -> None:
        """Say what the value is, what was given and what is allowed.

        Args:
            what: the quantity, for example "sensor.jpeg_quality".
            got: the value that was given.
            allowed: a phrase such as "a number from 1 to 100".
            where: the file or call the value came from, or "".
        """
        place = f" in {where}" if where else ""
        super().__init__(f"Invalid {what}{place}: got {got!r}, allowed is {allowed}.")


class FileFormatError(EyehandError):
    """A file or folder on disk that is missing, corrupt or lacks a needed part."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        """Say which file, what is wrong with it and what to do.

        Args:
            path: the file or folder.
            problem: what is wrong, as a clause.
            remedy: what would be accepted, or what to do about it.
        """
        super().__init__(f"{path}: {problem}. {remedy}")


class BudgetExceededError(EyehandError):
    """A read of target-domain data beyond what the budget allows."""


class TargetClosedError(EyehandError):
    """A held-out domain was asked for where only source domains may be read."""


class PairingError(EyehandError):
    """A policy and a world that do not fit each other."""


class NotDefinedError(EyehandError):
    """A question that has no answer here, such as the success rate of a recorded folder."""

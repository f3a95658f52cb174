"""The command line: parse, call, print. Nothing heavy is imported until a verb needs it."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from eyehand import __version__
from eyehand.cli.verbs import VERBS, Verb, find
from eyehand.errors import EyehandError, UnknownNameError

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, what shells expect
BROKEN_PIPE = 141  # 128 + SIGPIPE
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows `eyehand`; the process's own arguments by default.

    Returns:
        The exit code: 0 done, 1 a check that the command makes did not hold, 2 bad input, 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0 if given else BAD_INPUT
    if given[0] == "--version":
        sys.stdout.write(f"eyehand {__version__}\n")
        return 0
    return _guarded(given[0], given[1:])


def _overview() -> str:
    width = max(len(verb.name) for verb in VERBS)
    verbs = "\n".join(f"  {verb.name.ljust(width)}  {verb.summary}" for verb in VERBS)
    return (
        "usage: eyehand VERB [options]\n\n"
        "Train vision-based robot policies in simulation and carry them across the reality gap.\n\n"
        f"verbs:\n{verbs}\n\n"
        "`eyehand VERB --help` explains a verb and gives an example; every verb takes --json.\n\n"
        "Example:\n    eyehand doctor\n"
    )


def _guarded(name: str, arguments: Sequence[str]) -> int:
    """Run a verb; what a user or the machine can cause becomes one line, anything else is a bug and keeps its trace."""
    as_json = "--json" in arguments
    try:
        verb = find(name)
        if verb is None:
            raise UnknownNameError("verb", name, (verb.name for verb in VERBS))
        code = _run(verb, arguments)
        sys.stdout.flush()
    except EyehandError as error:
        return _fail(str(error), as_json)
    except KeyboardInterrupt:
        sys.stderr.write("eyehand: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`eyehand tasks | head -1`); nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        message = _explain(error)
        if message is None:
            raise
        return _fail(message, as_json)
    return code


def _run(verb: Verb, arguments: Sequence[str]) -> int:
    return importlib.import_module(verb.module).run(arguments)


def _fail(message: str, as_json: bool) -> int:
    """Print an error as one line on stderr and, where JSON was asked for, as an object on stdout."""
    line = " ".join(message.split())
    sys.stderr.write(f"eyehand: error: {line}\n")
    if as_json:
        sys.stdout.write(json.dumps({"error": line}) + "\n")
    return BAD_INPUT


def _explain(error: OSError) -> str | None:
    """One line for a full disk or a refused write, None for what is no fault of the machine."""
    place = Path(error.filename) if isinstance(error.filename, str) else Path.cwd()
    if error.errno in _FULL:
        existing = next(folder for folder in (place, *place.absolute().parents) if folder.is_dir())
        free = shutil.disk_usage(existing).free / 1e6
        return (
            f"No space left on the disk of {place} ({free:.0f} MB free). What was committed before is whole; "
            "free some space and give the same command again."
        )
    if error.errno in _REFUSED:
        return f"{place}: {error.strerror}. Choose a place that you may read and write."
    return None

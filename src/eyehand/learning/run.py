"""One run on disk: configuration, provenance, metrics and checkpoints.

    runs/<name>/
      config.json       resolved configuration, method, task, domains, preset, seed
      provenance.json   commit, versions, machine, threads, wall time
      metrics.jsonl     one line per log step
      checkpoints/      see `eyehand.learning.checkpoint`

`config.json` is written last when a run is created: a folder that has it is a run, one that lacks it was killed in its
first moments and may be created again.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import cast

import torch

import eyehand
from eyehand.data.durable import replace_text, writing
from eyehand.errors import EyehandError, FileFormatError, InvalidValueError
from eyehand.learning.checkpoint import Checkpoint, CheckpointFolder
from eyehand.learning.configuration import JSON, read_json
from eyehand.learning.progress import say

CONFIG, PROVENANCE, METRICS, LOCK = "config.json", "provenance.json", "metrics.jsonl", ".lock"
_VERSIONED = ("torch", "numpy", "mujoco", "numba", "safetensors")


class Run:
    """One run folder, created or opened.

    Attributes:
        folder: the folder.
        config: what `config.json` holds.
        seed: the run's seed, from the configuration.
        quiet: no progress is shown (`--json`).
        resume_command: what to type to continue the run.
        checkpoints: the run's checkpoints.
        warnings: everything that `warn` was told.
        restored: the checkpoint that training still has to continue from; `fit` sets it to None when it has.
        completed: updates of every phase that this process has finished or skipped, in order.
    """

    def __init__(self, folder: Path, config: Mapping[str, JSON], quiet: bool, resume_command: str | None) -> None:
        """Called by `create` and `open`; the folder exists and holds the configuration."""
        self.folder = folder
        self.config = config
        self.seed = _seed(config, folder / CONFIG)
        self.quiet = quiet
        self.resume_command = resume_command or f"eyehand train --resume {shlex.quote(str(folder))}"
        self.checkpoints = CheckpointFolder(folder / "checkpoints")
        self.warnings: list[str] = []
        self.restored: Checkpoint | None = None
        self.completed: dict[str, int] = {}
        self._claimed = False
        self._earlier_wall_s = 0.0
        self._began = time.monotonic()

    @classmethod
    def create(
        cls,
        folder: Path | str,
        config: Mapping[str, JSON],
        quiet: bool = False,
        resume_command: str | None = None,
    ) -> Run:
        """Start a new run in a folder that does not exist or is empty.

        Args:
            folder: the run folder; parents are made.
            config: the resolved configuration as JSON values; must hold an integer `seed`.
            quiet: show no progress.
            resume_command: what to type to continue; None for `eyehand train --resume FOLDER`.

        Raises:
            EyehandError: the folder holds something, cannot be written, or the configuration lacks a seed.
        """
        folder = Path(folder)
        _seed(config, folder / CONFIG)
        _refuse_occupied(folder)
        with writing(folder, "Choose another folder with --out."):
            folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / PROVENANCE, _provenance())
        _write_json(folder / CONFIG, config)
        return cls(folder, config, quiet, resume_command)

    @classmethod
    def open(cls, folder: Path | str, quiet: bool = False, resume_command: str | None = None) -> Run:
        """Open a run to evaluate or to resume it; nothing is written until `fit` is called.

        Args:
            folder: the run folder.
            quiet: show no progress.
            resume_command: as in `create`.

        Raises:
            FileFormatError: there is no such run, or its `config.json` is corrupt.
        """
        folder = Path(folder)
        if not (folder / CONFIG).is_file():
            raise FileFormatError(folder, f"no run is here (there is no {CONFIG})", _closest_run(folder))
        config = read_json(folder / CONFIG, "Restore it from a copy, or train again into another folder.")
        if not isinstance(config, Mapping):
            raise FileFormatError(folder / CONFIG, "holds no JSON object", "Restore it from a copy.")
        return cls(folder, config, quiet, resume_command)

    def trained(self, step: int | None = None) -> Checkpoint:
        """The weights to evaluate: those of the newest whole checkpoint, or of a given step; `extra` is empty.

        Raises:
            FileFormatError: there is no checkpoint yet, or none is whole.
        """
        checkpoint = self.checkpoints.load(step, weights_only=True)
        if checkpoint is None:
            raise FileFormatError(
                self.folder, "the run has no checkpoint yet", f"Continue it with `{self.resume_command}`."
            )
        for warning in checkpoint.warnings:
            self.warn(warning)
        return checkpoint

    def begin(self) -> None:
        """Claim the folder for training and load the checkpoint to continue from; later calls do nothing.

        Raises:
            EyehandError: another process trains in this folder.
            FileFormatError: there are checkpoints and none is whole.
        """
        if self._claimed:
            return
        with writing(self.folder, "Make the folder writable and resume."):
            weakref.finalize(self, os.close, _claim(self.folder))
            self._claimed = True
        self._began = time.monotonic()
        self.restored = self.checkpoints.load()
        with writing(self.folder, "Make the folder writable and resume."):
            self.checkpoints.settle(None if self.restored is None else self.restored.step)
        if self.restored is None:
            self._truncate_metrics(-1)
            return
        for warning in self.restored.warnings:
            self.warn(warning)
        self._truncate_metrics(self.restored.step)
        self._earlier_wall_s = _number(self.restored.state.get("wall_s"))
        self._warn_of_other_threads(self.restored.state.get("threads"))

    def discard(self) -> None:
        """Take back the folder of a run that was created and has not begun to train; does nothing once it has."""
        if self._claimed:
            return
        for name in (CONFIG, PROVENANCE, "ledger.json"):
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # something else lies there
            self.folder.rmdir()

    @property
    def wall_s(self) -> float:
        """Seconds of training so far, over all processes that worked on the run."""
        return self._earlier_wall_s + time.monotonic() - self._began

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append one line to `metrics.jsonl`; numbers that are not finite become null.

        Only `fit` and what it calls should log: on resume, lines beyond the restored step are dropped and written
        again, and code between two phases would write its line twice.

        Args:
            step: training steps done, over all phases.
            metrics: names like "train/loss", "eval/sim/success", "time/frames_per_s".

        Raises:
            EyehandError: the line could not be written.
        """
        finite = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        line = json.dumps({"step": step, **finite}) + "\n"
        with self._writing_metrics(), (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(line)

    def metrics(self) -> list[dict[str, float | None]]:
        """The lines of `metrics.jsonl`, each with `step`; a last line that a kill cut short is left out.

        Raises:
            FileFormatError: a line before the last is no JSON object.
        """
        return [line for _, line in self._metric_lines()]

    def sync_metrics(self) -> None:
        """Force the metrics to disk, so that no checkpoint is newer than they are."""
        if (self.folder / METRICS).exists():
            with self._writing_metrics(), (self.folder / METRICS).open("ab") as file:
                os.fsync(file.fileno())

    def warn(self, message: str) -> None:
        """Tell the user about something that is not an error: on standard error, and in `warnings`."""
        self.warnings.append(message)
        say(f"warning: {message}")

    def record_wall_time(self) -> None:
        """Write the wall time so far into `provenance.json`."""
        path = self.folder / PROVENANCE
        try:
            known = read_json(path, "Restore it from a copy.")
        except FileFormatError:  # no reason to stop the training; what was in it is gone already
            known = None
        provenance: Mapping[str, JSON] = known if isinstance(known, Mapping) else {}
        _write_json(path, {**provenance, "wall_s": round(self.wall_s, 3)})

    def _writing_metrics(self) -> AbstractContextManager[None]:
        kept = f"Checkpoints are intact. Free some space and continue with `{self.resume_command}`."
        return writing(self.folder / METRICS, kept)

    def _metric_lines(self) -> list[tuple[str, dict[str, float | None]]]:
        path = self.folder / METRICS
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        parsed: list[tuple[str, dict[str, float | None]]] = []
        for number, line in enumerate(lines, start=1):
            try:
                content = json.loads(line)
            except json.JSONDecodeError:
                content = None
            if isinstance(content, dict):
                parsed.append((f"{line.rstrip()}\n", cast(dict[str, float | None], content)))
            elif number < len(lines):
                raise FileFormatError(path, f"line {number} is no JSON object", "Remove the line, then try again.")
        return parsed

    def _truncate_metrics(self, step: int) -> None:
        """Drop the lines beyond a step and a last line that was cut short."""
        path = self.folder / METRICS
        if path.exists():
            kept = [text for text, line in self._metric_lines() if _number(line.get("step")) <= step]
            replace_text(path, "".join(kept))

    def _warn_of_other_threads(self, threads: JSON) -> None:
        now = torch.get_num_threads()
        if threads != now:
            self.warn(
                f"the run was trained with {threads} threads and continues with {now}: results can differ in the last "
                f"digits from an uninterrupted run. Set OMP_NUM_THREADS={threads} for an exact continuation."
            )


def _seed(config: Mapping[str, JSON], path: Path) -> int:
    seed = config.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise InvalidValueError("seed", seed, "a whole number", str(path))
    return seed


def _refuse_occupied(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise EyehandError(f"{folder}: this is a file. Choose a folder with --out.")
    if (folder / CONFIG).exists():
        raise EyehandError(
            f"{folder}: this folder already holds a run. Continue it with --resume {shlex.quote(str(folder))}, "
            f"or choose another folder with --out."
        )
    # Without config.json these are what a kill in the first moments of `create` leaves behind.
    foreign = [p.name for p in folder.glob("*") if p.name not in {PROVENANCE, LOCK} and ".tmp-" not in p.name]
    if foreign:
        raise EyehandError(
            f"{folder}: this folder is not empty and holds no run ({', '.join(sorted(foreign)[:3])}). "
            f"Choose an empty or new folder with --out, or name a run to continue with --resume."
        )


def _closest_run(folder: Path) -> str:
    runs = sorted(p.parent.name for p in folder.parent.glob(f"*/{CONFIG}"))
    close = difflib.get_close_matches(folder.name, runs, n=1, cutoff=0.4)
    hint = f"Did you mean {str(folder.parent / close[0])!r}? " if close else ""
    return f"{hint}Runs in {folder.parent}: {', '.join(runs) or 'none'}."


def _claim(folder: Path) -> int:
    """A file descriptor that holds an exclusive lock; the operating system drops it when the process dies."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        os.close(descriptor)
        raise EyehandError(
            f"{folder}: another process is training in this folder. Wait for it or stop it, then resume."
        ) from error
    except OSError:
        return descriptor  # a file system without locks: nothing to claim with
    return descriptor


def _write_json(path: Path, content: Mapping[str, JSON]) -> None:
    try:
        text = json.dumps(content, indent=2, allow_nan=False)
    except ValueError as error:
        raise InvalidValueError(path.name, "NaN or infinity", "finite numbers", str(path.parent)) from error
    replace_text(path, text + "\n")


def _number(value: JSON) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _provenance() -> dict[str, JSON]:
    versions: dict[str, JSON] = {"python": platform.python_version(), "eyehand": eyehand.__version__}
    for name in _VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    machine: dict[str, JSON] = {
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([*_program(), *sys.argv[1:]]),
        "commit": code_commit(),
        "versions": versions,
        "machine": machine,
        "threads": torch.get_num_threads(),
        "wall_s": None,
    }


def _program() -> list[str]:
    """How this program is started, without the folders of this machine: `eyehand`, or `python` and a script."""
    script = Path(sys.argv[0])
    if script.suffix != ".py" or script.name == "__main__.py":
        return ["eyehand"]
    return ["python", f"{script.resolve().parent.name}/{script.name}"]


def code_commit() -> str | None:
    """The commit of the checkout that eyehand runs from, with "+changes" where it was edited; None outside of one."""
    source = Path(eyehand.__file__)
    # An installed package can lie inside somebody else's checkout; only a tracked file tells that it is ours.
    if _git(source.parent, "ls-files", "--error-unmatch", source.name) is None:
        return None
    changes = _git(source.parent, "status", "--porcelain", ".")
    commit = _git(source.parent, "rev-parse", "HEAD")
    return f"{commit}+changes" if changes else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

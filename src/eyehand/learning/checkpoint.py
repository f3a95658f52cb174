"""Checkpoints that survive a kill at any moment and a full disk.

Layout: `<path>/<step>/{model.safetensors, optimizer.safetensors, state.json, manifest.json}` and the text file
`<path>/last`, which holds the newest step. A checkpoint is written into `step-N.tmp-<pid>/` beside its place, every
file and the folder are synced, the manifest with SHA-256 sums comes last, then one rename makes it visible. Whoever
sees a folder named by a number therefore sees a complete one; the loader checks the sums all the same, against disks
that lie, and falls back to the newest checkpoint that is whole.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from torch import Tensor

from eyehand.data.durable import replace_text, sync_folder
from eyehand.errors import EyehandError, FileFormatError, InvalidValueError
from eyehand.learning.configuration import JSON, read_json
from eyehand.learning.tensor_file import decode, encode, require_finite

MODEL, EXTRA, STATE, MANIFEST, LAST = (
    "model.safetensors",
    "optimizer.safetensors",
    "state.json",
    "manifest.json",
    "last",
)
_TEMPORARY = re.compile(r"\.tmp-(\d+)")
_REMEDY = "Restore it from a copy, or train again into another folder."


@dataclass(frozen=True)
class Checkpoint:
    """What one checkpoint holds; all tensors on the CPU.

    Attributes:
        step: training steps done, over all phases.
        model: the weights by name.
        extra: optimiser, replay, generators: every other tensor that changes in training.
        state: everything else that changes in training, as JSON.
        warnings: what was wrong with newer checkpoints, one sentence each; empty when this is the newest.
    """

    step: int
    model: dict[str, Tensor]
    extra: dict[str, Tensor]
    state: Mapping[str, JSON]
    warnings: tuple[str, ...] = field(default=())


class CheckpointFolder:
    """The checkpoints of one run; one process writes, any number read."""

    def __init__(self, path: Path | str, keep: int = 2) -> None:
        """Look at a folder, which need not exist yet.

        Args:
            path: the folder `checkpoints` of a run.
            keep: how many of the newest checkpoints survive a save, at least 1.

        Raises:
            InvalidValueError: `keep` is below 1.
        """
        if keep < 1:
            raise InvalidValueError("keep", keep, "at least 1")
        self.path = Path(path)
        self.keep = keep
        self._broken: set[int] = set()  # steps that a load found corrupt, removed after the next good save

    def steps(self) -> list[int]:
        """Steps that have a folder, oldest first."""
        return sorted(int(p.name) for p in self.path.glob("*") if p.name.isdecimal())

    def save(
        self, step: int, model: Mapping[str, Tensor], extra: Mapping[str, Tensor], state: Mapping[str, JSON]
    ) -> None:
        """Write a checkpoint; when this returns, it survives a power cut.

        Args:
            step: training steps done, over all phases; a checkpoint of the same step is replaced.
            model: weights by name, any device.
            extra: all other tensors, any device.
            state: JSON values without NaN or infinity.

        Raises:
            InvalidValueError: a weight or a number in `state` is not finite; nothing was written.
            EyehandError: the disk is full or refuses; earlier checkpoints are intact and nothing half-written stays.
        """
        require_finite(model, f"step {step}, the training has diverged; {self._intact()}")
        text = _json_bytes(state, f"state of checkpoint {step}")
        temporary = self.path / f"step-{step}.tmp-{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._remove_strays()
            temporary.mkdir()
            _write_files(temporary, step, {MODEL: encode(model), EXTRA: encode(extra), STATE: [text]})
            self._publish(temporary, step)
            self._prune(step)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise self._write_failure(step, error) from error

    def load(self, step: int | None = None, weights_only: bool = False) -> Checkpoint | None:
        """The newest whole checkpoint, or the one of a given step.

        Args:
            step: the step wanted; None for the newest.
            weights_only: leave `optimizer.safetensors` unread and unchecked, `extra` is then empty.

        Returns:
            The checkpoint, or None when there has never been one.

        Raises:
            FileFormatError: the step does not exist, or no checkpoint is whole.
        """
        steps = self.steps()
        if step is not None:
            return self._load_step(step, steps, weights_only)
        problems: list[str] = []
        for candidate in reversed(steps):
            try:
                checkpoint = _read(self.path / str(candidate), weights_only)
            except FileFormatError as error:
                problems.append(str(error))
                self._broken.add(candidate)
            else:
                warnings = tuple(f"{problem} Falling back to checkpoint {candidate}." for problem in problems)
                return dataclasses.replace(checkpoint, warnings=warnings)
        if not steps:
            return None
        raise FileFormatError(self.path, f"no checkpoint is whole: {' '.join(problems)}", _REMEDY)

    def settle(self, step: int | None) -> None:
        """Put in order what a kill between two system calls left; for the one process that may write.

        Args:
            step: the checkpoint that training continues from, which `last` then names; None when there is none.
        """
        self._remove_strays()
        if step is not None:
            replace_text(self.path / LAST, f"{step}\n")

    def _load_step(self, step: int, steps: list[int], weights_only: bool) -> Checkpoint:
        if step not in steps:
            kept = ", ".join(map(str, steps)) or "none"
            raise FileFormatError(self.path / str(step), "there is no such checkpoint", f"Kept are the steps {kept}.")
        return _read(self.path / str(step), weights_only)

    def _publish(self, temporary: Path, step: int) -> None:
        final, replaced = self.path / str(step), temporary.with_name(f"{temporary.name}-replaced")
        if final.exists():  # a corrupt one that this step has reached again
            final.rename(replaced)
        temporary.rename(final)
        self._broken.discard(step)
        sync_folder(self.path)
        replace_text(self.path / LAST, f"{step}\n")
        shutil.rmtree(replaced, ignore_errors=True)

    def _prune(self, step: int) -> None:
        """Remove what is broken and all but the newest whole ones; never one beyond the step just written."""
        steps = self.steps()
        broken = self._broken.intersection(steps)
        whole = [s for s in steps if s <= step and s not in broken]
        for old in [*whole[: -self.keep], *broken]:
            # Renamed first, so that no half-removed folder ever looks like a checkpoint.
            doomed = self.path / f"step-{old}.tmp-{os.getpid()}-removed"
            (self.path / str(old)).rename(doomed)
            shutil.rmtree(doomed)
        self._broken.clear()

    def _remove_strays(self) -> None:
        for entry in self.path.glob("*.tmp-*"):
            match = _TEMPORARY.search(entry.name)
            if match is None or _is_other_live_process(int(match[1])):
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _intact(self) -> str:
        steps = self.steps()
        return f"checkpoint {steps[-1]} is intact" if steps else "there is no earlier checkpoint"

    def _write_failure(self, step: int, error: OSError) -> EyehandError:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        reason = "the disk is full" if full else (error.strerror or str(error))
        remedy = "Free some space" if full else "Make the folder writable"
        return EyehandError(
            f"{self.path}: checkpoint {step} could not be written: {reason}. "
            f"{self._intact().capitalize()}. {remedy} and resume the run."
        )


def _write_files(folder: Path, step: int, contents: Mapping[str, Iterable[bytes | memoryview]]) -> None:
    files: dict[str, JSON] = {name: _write(folder / name, pieces) for name, pieces in contents.items()}
    _write(folder / MANIFEST, [_json_bytes({"step": step, "files": files}, MANIFEST)])
    sync_folder(folder)


def _write(path: Path, pieces: Iterable[bytes | memoryview]) -> dict[str, JSON]:
    """Write and sync a file; its manifest entry."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return {"sha256": digest.hexdigest(), "bytes": size}


def _json_bytes(value: JSON, what: str) -> bytes:
    try:
        return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()
    except ValueError as error:
        raise InvalidValueError(what, "NaN or infinity", "finite numbers") from error


def _is_other_live_process(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _read(folder: Path, weights_only: bool) -> Checkpoint:
    """A checkpoint whose files match their manifest, or a FileFormatError."""
    manifest = _object(folder / MANIFEST)
    files, step = manifest.get("files"), manifest.get("step")
    if not isinstance(files, Mapping) or step != int(folder.name):
        raise FileFormatError(folder / MANIFEST, f"does not describe checkpoint {folder.name}", _REMEDY)
    sums = cast(Mapping[str, JSON], files)
    model = decode(_checked(folder / MODEL, sums), folder / MODEL)
    extra = {} if weights_only else decode(_checked(folder / EXTRA, sums), folder / EXTRA)
    _checked(folder / STATE, sums)
    try:
        require_finite(model, str(folder / MODEL))
    except InvalidValueError as error:
        raise FileFormatError(folder, str(error), _REMEDY) from error
    return Checkpoint(int(folder.name), model, extra, _object(folder / STATE))


def _object(path: Path) -> Mapping[str, JSON]:
    data = read_json(path, _REMEDY)
    if not isinstance(data, Mapping):
        raise FileFormatError(path, "holds no JSON object", _REMEDY)
    return data


def _checked(path: Path, sums: Mapping[str, JSON]) -> bytes:
    """The bytes of a file that the manifest vouches for."""
    entry = sums.get(path.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", _REMEDY) from error
    if not isinstance(entry, Mapping) or entry.get("sha256") != hashlib.sha256(data).hexdigest():
        raise FileFormatError(path, f"does not match its checksum ({len(data)} bytes found)", _REMEDY)
    return data

"""The training loop that every method shares: one call of `fit` per phase.

A method's `train` calls `fit` several times with the same `model`, a module that holds all networks of the policy, so
that every checkpoint is complete. Interrupted anywhere and started again, the same calls give the same weights bit for
bit: phases that the checkpoint has behind it are skipped, the phase it stands in continues, later ones start as ever.
What a method must keep to:

- everything that changes in training lies in `model` or comes out of `Learner.extra` and `Learner.state`;
- random numbers come from generators whose state is part of `extra`;
- what a method does between two phases is a function of `model`, the configuration and the learner that has just
  finished (it is restored when the checkpoint was written at its end).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

import torch
from torch import Tensor, nn

from eyehand.errors import FileFormatError, InvalidValueError
from eyehand.learning.checkpoint import Checkpoint
from eyehand.learning.configuration import JSON
from eyehand.learning.generators import global_tensors, restore_global
from eyehand.learning.progress import Progress, say
from eyehand.learning.run import Run


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C or SIGTERM after saving; the command line exits with code 130, as for any Ctrl-C.

    A kind of KeyboardInterrupt, so that nothing that handles errors swallows it.
    """


class Learner(Protocol):
    """What `fit` trains: one phase of a method."""

    def update(self) -> Mapping[str, float | Tensor]:
        """One training step; returns cheap metrics, numbers or 0-dim tensors, such as `train/loss`.

        A running count `train/frames`, which begins at 0, makes `fit` log `time/frames_per_s`, but not in the first
        line after a resume: how many frames came before it is not known.
        """
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Metrics such as `eval/sim/success`, every `Schedule.evaluate_every` updates; may be empty."""
        ...

    def extra(self) -> dict[str, Tensor]:
        """Every tensor that changes in training except the model's: optimiser, replay, generators, simulations."""
        ...

    def state(self) -> Mapping[str, JSON]:
        """Everything else that changes in training, as finite JSON values."""
        ...

    def restore(self, extra: Mapping[str, Tensor], state: Mapping[str, JSON]) -> None:
        """Put back what `extra` and `state` gave, read from disk: tensors are on the CPU."""
        ...


@dataclass(frozen=True)
class Schedule:
    """How long a phase trains and what happens on the way.

    Attributes:
        updates: training steps of the phase.
        log_every: updates between lines of metrics; the last update is always logged.
        evaluate_every: updates between evaluations, and one at the end; 0 for none.
        checkpoint_every_s: seconds between checkpoints; the end of a phase always makes one.
        checkpoint_every: updates between checkpoints, in addition; None for none.
    """

    updates: int
    log_every: int = 100
    evaluate_every: int = 0
    checkpoint_every_s: float = 60.0
    checkpoint_every: int | None = None

    @classmethod
    def even(cls, updates: int, evaluations: int) -> Schedule:
        """A schedule with 100 lines of metrics, 10 checkpoints and as many evaluations as asked for, 0 for none."""
        log, evaluate, save = (max(1, updates // parts) for parts in (100, max(1, evaluations), 10))
        return cls(updates, log, evaluate if evaluations else 0, checkpoint_every=save)

    def __post_init__(self) -> None:
        """Refuse negative counts."""
        for name, value, least in (
            ("updates", self.updates, 0),
            ("log_every", self.log_every, 1),
            ("evaluate_every", self.evaluate_every, 0),
            ("checkpoint_every", 1 if self.checkpoint_every is None else self.checkpoint_every, 1),
            ("checkpoint_every_s", self.checkpoint_every_s, 0),
        ):
            if not value >= least:
                raise InvalidValueError(name, value, f"at least {least}")


def fit(phase: str, learner: Learner, schedule: Schedule, run: Run, model: nn.Module) -> None:
    """Train one phase of a run, from wherever the run stands.

    Args:
        phase: name of the phase, unique in the run.
        learner: does the updates; built the same way whether the run is new or resumed.
        schedule: how long, and how often to log, evaluate and save.
        run: the run folder, created or opened.
        model: all networks of the policy, the same module in every phase.

    Raises:
        Interrupted: the user asked to stop; a checkpoint was written and the resume command printed.
        FileFormatError: the checkpoint does not fit the model or the method's phases.
        InvalidValueError: a phase name used twice, or weights that are no longer finite.
        EyehandError: the disk is full, or another process trains in the folder.
    """
    run.begin()
    if phase in run.completed:
        raise InvalidValueError("phase", phase, "a name that no earlier phase of the run has")
    start = _enter(phase, learner, run, model)
    if start is None:
        _tell_skipped(phase, schedule, run)
    else:
        _Phase(phase, learner, schedule, run, model).train(start)


def _enter(phase: str, learner: Learner, run: Run, model: nn.Module) -> int | None:
    """Restore what the checkpoint knows of the phase: the updates it has behind it, None where it is complete."""
    checkpoint = run.restored
    if checkpoint is None:
        return 0
    position = _Position.read(checkpoint)
    if phase != position.phase and phase not in position.completed:
        where = run.checkpoints.path / str(checkpoint.step)
        problem = f"the checkpoint stands in phase {position.phase!r}, the method now asks for {phase!r}"
        raise FileFormatError(where, problem, "Resume with the version that wrote it, or train into another folder.")
    _load_weights(model, checkpoint, run)
    restore_global(_below(checkpoint.extra, "global/"))
    if phase == position.phase:
        learner.restore(_below(checkpoint.extra, "learner/"), position.learner)
        run.restored = None
    if phase in position.completed:
        run.completed[phase] = position.completed[phase]
        return None
    return position.phase_step


def _load_weights(model: nn.Module, checkpoint: Checkpoint, run: Run) -> None:
    try:
        model.load_state_dict(checkpoint.model)
    except RuntimeError as error:
        where = run.checkpoints.path / str(checkpoint.step)
        remedy = "Resume with the configuration and version that wrote it."
        reason = " ".join(str(error).split())  # torch spreads it over lines
        raise FileFormatError(where, f"the weights do not fit the networks ({reason})", remedy) from error


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, by their names without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _tell_skipped(phase: str, schedule: Schedule, run: Run) -> None:
    done = run.completed[phase]
    if done != schedule.updates:
        run.warn(
            f"phase {phase} is complete with {done:,} updates; the {schedule.updates:,} now asked for are ignored."
        )
    elif not run.quiet:
        say(f"{phase}: complete in the checkpoint ({done:,} updates), nothing to train.")


@dataclass(frozen=True)
class _Position:
    """Where a checkpoint stands: its phase (complete or not), updates in it, and all phases that are complete."""

    phase: str
    phase_step: int
    completed: Mapping[str, int]
    learner: Mapping[str, JSON]

    @classmethod
    def read(cls, checkpoint: Checkpoint) -> _Position:
        match checkpoint.state:
            case {
                "phase": str(phase),
                "phase_step": int(step),
                "completed": Mapping() as done,
                "learner": Mapping() as l,
            }:
                completed = {name: int(count) for name, count in done.items() if isinstance(count, int)}
                return cls(phase, step, completed, l)
            case _:
                where = f"state of checkpoint {checkpoint.step}"
                raise FileFormatError(where, "not written by the training loop", "Train again into another folder.")


class _Phase:
    """The updates of one phase."""

    def __init__(self, phase: str, learner: Learner, schedule: Schedule, run: Run, model: nn.Module) -> None:
        self.phase, self.learner, self.schedule, self.run, self.model = phase, learner, schedule, run, model
        self.base = sum(run.completed.values())  # steps of earlier phases
        self.saved_at = self.logged_at = time.monotonic()
        self.logged_done = 0.0
        self.logged_frames: float | None = 0.0  # None where the line before it has no count

    def train(self, start: int) -> None:
        self.logged_done = start
        if start:
            self.logged_frames = None
        with _stop_requests() as stop:
            with Progress(self.phase, self.schedule.updates, start, self.run.quiet) as progress:
                self._train(start, stop, progress)
            if stop.requested:
                message = f"Stopped and saved. Continue with: {self.run.resume_command}"
                say(message)
                raise Interrupted(message)

    def _train(self, start: int, stop: _Stop, progress: Progress) -> None:
        updates = self.schedule.updates
        for done in range(start + 1, updates + 1):
            metrics = self.learner.update()
            self._log_if_due(done, metrics, progress)
            progress.update(done)
            if done < updates and (stop.requested or self._checkpoint_is_due(done)):
                self._save(done)
                if stop.requested:
                    return
        self.run.completed[self.phase] = updates
        self._save(updates)

    def _log_if_due(self, done: int, metrics: Mapping[str, float | Tensor], progress: Progress) -> None:
        schedule, last = self.schedule, done == self.schedule.updates
        evaluate = schedule.evaluate_every > 0 and (last or done % schedule.evaluate_every == 0)
        if not (evaluate or last or done % schedule.log_every == 0):
            return
        values = {name: _plain(value) for name, value in metrics.items()}
        values |= self._speed(done, values)
        if evaluate:
            values |= {name: float(value) for name, value in self.learner.evaluate().items()}
        self.run.log(self.base + done, values)
        progress.note(values)

    def _speed(self, done: int, values: Mapping[str, float]) -> dict[str, float]:
        now, frames = time.monotonic(), values.get("train/frames")
        elapsed = max(now - self.logged_at, 1e-9)
        speed = {"time/wall_s": self.run.wall_s, "time/updates_per_s": (done - self.logged_done) / elapsed}
        if frames is not None and self.logged_frames is not None:
            speed["time/frames_per_s"] = (frames - self.logged_frames) / elapsed
        self.logged_at, self.logged_done, self.logged_frames = now, done, frames
        return speed

    def _checkpoint_is_due(self, done: int) -> bool:
        every = self.schedule.checkpoint_every
        if every is not None and done % every == 0:
            return True
        return time.monotonic() - self.saved_at >= self.schedule.checkpoint_every_s

    def _save(self, done: int) -> None:
        state: dict[str, JSON] = {
            "phase": self.phase,
            "phase_step": done,
            "completed": dict(self.run.completed),
            "threads": torch.get_num_threads(),
            "wall_s": self.run.wall_s,
            "learner": self.learner.state(),
        }
        extra = {f"learner/{name}": tensor for name, tensor in self.learner.extra().items()}
        extra |= {f"global/{name}": tensor for name, tensor in global_tensors().items()}
        self.run.sync_metrics()
        self.run.checkpoints.save(self.base + done, self.model.state_dict(), extra, state)
        self.run.record_wall_time()
        self.saved_at = time.monotonic()


def _plain(value: float | Tensor) -> float:
    return float(value.detach() if isinstance(value, Tensor) else value)


@dataclass
class _Stop:
    requested: bool = False


@contextmanager
def _stop_requests() -> Generator[_Stop]:
    """Turn the first SIGINT or SIGTERM into a flag and the second into KeyboardInterrupt, as long as this lasts."""
    stop = _Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True

    # Python delivers signals to its main thread only; a handler it did not install cannot be put back.
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    earlier = {number: signal.getsignal(number) for number in numbers}
    mine = {number: old for number, old in earlier.items() if old is not None and old != signal.SIG_IGN}
    try:
        for number in mine:
            signal.signal(number, handle)
        yield stop
    finally:
        for number, old in mine.items():
            signal.signal(number, old)

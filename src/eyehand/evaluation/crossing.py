"""Crossing the gap: training in simulation, recording the target, adapting, each as one resumable step on disk."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyehand.data.features import Feature
from eyehand.data.ledger import Ledger
from eyehand.data.photographs import load_photographs
from eyehand.data.recorded import RecordedEpisodes, require
from eyehand.data.recording import EpisodeWriter
from eyehand.data.target import RecordedTarget
from eyehand.errors import EyehandError, InvalidValueError, NotDefinedError, PairingError
from eyehand.evaluation.trained import (
    Subject,
    load_trained,
    load_weights,
    read_config,
    read_subject,
    to_config_json,
)
from eyehand.learning.configuration import JSON
from eyehand.learning.method import Method, Source, check_fit
from eyehand.learning.run import Run
from eyehand.learning.tensors import choose_device, use_threads
from eyehand.methods import load_method
from eyehand.world.domain import Domain
from eyehand.world.task import Task, split_shot

EPISODE = 64  # frames that are kept as one recorded episode


@dataclass(frozen=True)
class Where:
    """Where a run goes and how it shows itself.

    Attributes:
        folder: the run folder.
        resume: continue the run in the folder instead of starting one.
        device: "auto", "cpu" or "cuda".
        quiet: show no progress.
        threads: threads that PyTorch computes on; 0 for half of the cores.
        keep: how many of the newest checkpoints stay.
    """

    folder: Path
    resume: bool = False
    device: str = "auto"
    quiet: bool = False
    threads: int = 0
    keep: int = 2


def train(subject: Subject, config: Any, where: Where) -> Run:
    """Train a method in simulation; with `where.resume`, subject and configuration are those of the run.

    A configuration of None, with `where.resume`, stands for whatever the run was begun with.

    Returns:
        The finished run.

    Raises:
        Interrupted: stopped by the user after saving.
        EyehandError: see `Run.create`, `Run.open` and `fit`; the run was begun with another configuration.
    """
    command = f"eyehand train --resume {shlex.quote(str(where.folder))}"
    run, subject, config, method = _enter(subject, config, where, command)
    if subject.data:
        raise PairingError(f"{where.folder} was adapted, not trained: continue it with `eyehand adapt --resume`.")
    with _taken_back(run, where):
        task = subject.build_task()
        model = method.networks(config, task, subject.seed).to(choose_device(where.device))
        method.train(config, Source(task), run, model)
    return run


def adapt(subject: Subject, config: Any, where: Where) -> Run:
    """Adapt the networks of `subject.parent` with the recording `subject.data`; resuming as in `train`.

    Raises:
        FileFormatError: the parent has no weights, or the recording lacks a feature that the method reads.
        BudgetExceededError: more frames were asked for than the paper had.
        Interrupted: stopped by the user after saving.
    """
    if not where.resume:
        load_trained(subject.parent)  # refuses a parent without weights before anything is written
        require(subject.data, load_method(subject.method).features)
    command = f"eyehand adapt --resume {shlex.quote(str(where.folder))}"
    run, subject, config, method = _enter(subject, config, where, command)
    if not subject.data:
        raise PairingError(f"{where.folder} was trained, not adapted: continue it with `eyehand train --resume`.")
    with _taken_back(run, where):
        task = subject.build_task()
        model = method.networks(config, task, subject.seed)
        if run.checkpoints.load(weights_only=True) is None:
            load_weights(Run.open(subject.parent), model)
        recording = require(subject.data, method.features)
        ledger = Ledger.open(run.folder / "ledger.json", method.budget)
        (camera,) = (name for name in method.features if name.startswith("observation.images."))
        target = RecordedTarget(recording, ledger, camera)
        method.adapt(config, Source(task), target, run, model.to(choose_device(where.device)))
    return run


@contextmanager
def _taken_back(run: Run, where: Where) -> Generator[None]:
    """Leave no new folder behind where something is refused before training begins, such as a device or a domain."""
    try:
        yield
    except EyehandError:
        if not where.resume:
            run.discard()
        raise


def _enter(subject: Subject, config: Any, where: Where, resume_command: str) -> tuple[Run, Subject, Any, Method[Any]]:
    """Create the run, or open it and read what it is about."""
    if where.keep < 1:
        raise InvalidValueError("keep", where.keep, "at least 1 checkpoint")
    use_threads(where.threads)
    if not where.resume:
        method: Method[Any] = load_method(subject.method)
        check_fit(method, subject.build_task())
        run = Run.create(where.folder, to_config_json(subject, config), where.quiet, resume_command)
        run.checkpoints.keep = where.keep
        return run, subject, config, method
    run = Run.open(where.folder, where.quiet, resume_command)
    run.checkpoints.keep = where.keep
    begun = read_subject(run)
    method = load_method(begun.method)
    settings = read_config(run, method)
    if config is not None:
        _refuse_other(where.folder, to_config_json(begun, settings), to_config_json(subject, config))
    return run, begun, settings, method


def _refuse_other(folder: Path, begun: Mapping[str, JSON], asked: Mapping[str, JSON]) -> None:
    """Refuse to go on with a run as if it had another task, seed or configuration; its paths may be told otherwise."""
    for name in ("method", "task", "options", "seed", "config"):
        if found := _difference(name, begun[name], asked[name]):
            raise EyehandError(
                f"{folder} holds a run that was begun otherwise: {found}. Choose another folder, or remove this one."
            )


def _difference(name: str, begun: JSON, asked: JSON) -> str:
    """The first value in which two documents differ, "" where none does."""
    if isinstance(begun, dict) and isinstance(asked, dict):
        found = (_difference(f"{name}.{key}", begun[key], asked.get(key)) for key in begun)
        return next(filter(None, found), "")
    return "" if begun == asked else f"{name} is {begun!r} there and {asked!r} here"


def record(task: Task[Any], domain: Domain, frames: int, folder: Path, first_episode: int = 0) -> RecordedEpisodes:
    """Write frames of fixed configurations, spread evenly over the configuration space, to disk (Section 5.1).

    Every frame shows a scene of its own, without a target in it where the task can leave it out, so that targets can
    be drawn in at random places later. Draws of a domain with a population take turns; 64 frames are kept as one
    recorded episode.

    Args:
        task: the task.
        domain: the domain; a held-out one is what this is for.
        frames: how many.
        folder: where the recording goes; a killed recording goes on where it was.
        first_episode: number of the first episode, for recordings that must not share scenes.

    Raises:
        InvalidValueError: fewer than one frame, or more than there are numbers of episodes.
        NotDefinedError: the task has several cameras.
    """
    if frames < 1:
        raise InvalidValueError("frames", frames, "at least 1")
    if not 0 <= first_episode <= 2**32 - frames:
        raise InvalidValueError(
            "first_episode", first_episode, f"from 0 to {2**32 - frames}, so that all have a number"
        )
    hidden = dataclasses.replace(domain, appearance=dataclasses.replace(domain.appearance, target="none"))
    task = task.within(hidden)
    (camera, imaging), *more = task.imaging(hidden).items()
    if more:
        raise NotDefinedError(f"Recording is defined for one camera; task {task.name} has {1 + len(more)}.")
    features = _features(task, domain, camera)
    extra = {
        "task": task.name,
        "domain": domain.name,
        "domain_version": domain.version,
        "domain_digest": domain.digest(),
        "target_drawn": False,
        **task.calibration,
    }
    with EpisodeWriter(folder, features, fps=1.0 / task.dt_s, robot_type=task.name, extra=extra) as writer:
        for start in range(writer.frames, frames, EPISODE):
            seeds = domain.seeds(first_episode + np.arange(start, min(start + EPISODE, frames)))
            state = task.sample(seeds)
            pictures, _ = split_shot(imaging.capture(state, seeds, np.zeros(len(seeds), np.int64)))
            encoders, environment = task.encoders(state, domain, seeds), task.environment(state)
            for row, seed in enumerate(seeds):
                frame = {
                    f"observation.images.{camera}": pictures[row],
                    "observation.state": encoders[row],
                    "observation.environment_state": environment[row],
                    "action": np.zeros(len(task.commands[0].low)),
                    "episode_seed": np.array([seed]),
                }
                writer.add({name: value for name, value in frame.items() if name in features})
            writer.end_episode(task.name)
    return RecordedEpisodes.open(folder)


def record_photographs(task: Task[Any], photographs: Path, folder: Path, most: int | None = None) -> RecordedEpisodes:
    """Write a folder of photographs as a recording, for methods that read nothing but backgrounds.

    Joint angles, actions and seeds are zeros, and the recording says that it shows no target.

    Args:
        task: the task whose camera has the size to which the photographs are cut and scaled.
        photographs: the folder of photographs, see `load_photographs`.
        folder: where the recording goes.
        most: no more than so many, the first ones; None for all.

    Raises:
        FileFormatError: there is no such folder, no photograph is in it, or one of them cannot be read.
    """
    ((camera, size),) = task.camera_size.items()
    pictures = load_photographs(photographs, size, most)
    features = _features(task, Domain(), camera)
    extra = {"task": task.name, "domain": "photographs", "target_drawn": False, **task.calibration}
    blank = {name: np.zeros(one.shape, one.dtype) for name, one in features.items() if one.dtype != "image"}
    with EpisodeWriter(folder, features, fps=1.0 / task.dt_s, robot_type=task.name, extra=extra) as writer:
        for number in range(writer.frames, len(pictures)):
            writer.add({**blank, f"observation.images.{camera}": pictures[number]})
            if (number + 1) % EPISODE == 0 or number + 1 == len(pictures):
                writer.end_episode(task.name)
    return RecordedEpisodes.open(folder)


def _features(task: Task[Any], domain: Domain, camera: str) -> dict[str, Feature]:
    """What is recorded of every frame."""
    height, width = task.camera_size[camera]
    zero = np.zeros(1, np.int64)
    joints = task.encoders(task.sample(zero), domain, zero).shape[1]
    scene = task.environment(task.sample(zero)).shape[1]
    return {
        f"observation.images.{camera}": Feature("image", (height, width, 3), ("height", "width", "channel")),
        "observation.state": Feature("float64", (joints,)),
        **({"observation.environment_state": Feature("float64", (scene,))} if scene else {}),
        "action": Feature("float64", (len(task.commands[0].low),)),
        "episode_seed": Feature("int64", (1,)),
    }

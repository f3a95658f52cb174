"""`eyehand train`: train a policy in simulation, or go on with a training."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tyro

from eyehand.cli import output
from eyehand.errors import EyehandError
from eyehand.evaluation.crossing import Where, train
from eyehand.evaluation.trained import Subject
from eyehand.learning.configuration import load_overrides
from eyehand.learning.run import Run
from eyehand.methods import load_method

BESIDE_RESUME = ("resume", "device", "threads", "keep", "json")


@dataclass(frozen=True)
class Options:
    """Options of `eyehand train`; `--config.NAME` sets any number of the method's configuration."""

    method: tyro.conf.Positional[str] = ""
    """Name of the method, see `eyehand methods`."""
    task: str = "planar_reach"
    """Name of the task, see `eyehand tasks`."""
    option: tuple[str, ...] = ()
    """Options of the task, each NAME=VALUE, such as joints=2."""
    preset: str = "laptop"
    """Configuration to start from, see `eyehand methods`."""
    overrides: Path | None = None
    """TOML or JSON file of changes to the configuration."""
    out: Path | None = None
    """Run folder to make; by default runs/METHOD-PRESET-SEED."""
    seed: int = 0
    """Seed of everything random."""
    resume: Path | None = None
    """Go on with the run in this folder; only --device, --threads, --keep and --json may stand beside it."""
    device: str = "auto"
    """Where to learn: auto, cpu or cuda."""
    threads: int = 0
    """Threads that PyTorch computes on; 0 for half of the cores. A resumed run is exact on as many as before."""
    keep: int = 2
    """How many of the newest checkpoints stay; `--step` of other verbs names one."""
    json: bool = False
    """Print JSON, and no progress."""


def run(arguments: Sequence[str]) -> int:
    """Train, or resume."""
    plain, changes = split_config(arguments)
    options = output.parse(Options, plain, "train")
    if options.resume is not None:
        refuse_changes(options, changes)
        done = train(
            Subject("", ""),
            None,
            Where(options.resume, True, options.device, options.json, options.threads, options.keep),
        )
    else:
        if not options.method:
            raise EyehandError("Name a method, for example `eyehand train modular_dqn`, or a run to --resume.")
        subject = Subject(options.method, options.task, options.option, options.preset, options.seed)
        preset = load_method(options.method).preset(options.preset)
        config = configured(preset, options.overrides, changes, "train", options.json)
        folder = options.out or Path("runs") / f"{options.method}-{options.preset}-{options.seed}"
        done = train(subject, config, Where(folder, False, options.device, options.json, options.threads, options.keep))
    emit_run(done, options.json)
    return 0


def split_config(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The verb's own arguments, and those that are `--config.NAME [VALUES...]`."""
    own: list[str] = []
    changes: list[str] = []
    inside = False
    for argument in arguments:
        if argument.startswith("--"):
            inside = argument.startswith("--config.")
        (changes if inside else own).append(argument)
    return own, changes


def refuse_changes(options: Any, changes: Sequence[str]) -> None:
    """Refuse to change a run that is resumed.

    Args:
        options: what was given, a dataclass; what differs from its default was asked for.
        changes: the `--config.NAME` arguments.

    Raises:
        EyehandError: something was given that the run has already.
    """
    own = [one for one in dataclasses.fields(options) if one.name not in BESIDE_RESUME]
    given = [one.name for one in own if getattr(options, one.name) != one.default]
    if refused := [*given, *changes]:
        raise EyehandError(
            f"--resume takes everything from the run, which {refused[0]} cannot change. "
            "Beside it may stand --device, --threads, --keep and --json; another --out begins a new run."
        )


def configured(base: Any, overrides: Path | None, changes: Sequence[str], verb: str, as_json: bool = False) -> Any:
    """A configuration with the overrides file and then the `--config.NAME` arguments applied.

    Raises:
        EyehandError: an unknown name or a value that does not fit, with what is allowed.
    """
    changed = base if overrides is None else load_overrides(overrides, base)
    if not changes:
        return changed
    kind = cast(type[Any], type(changed))
    holder: type[Any] = dataclasses.make_dataclass("Configured", [("config", kind, changed)], frozen=True)
    return output.parse(holder, changes, verb, as_json).config


def emit_run(done: Run, as_json: bool) -> None:
    """Say where a finished run lies and how to measure it."""
    steps = sum(done.completed.values())
    data = {"run": done.folder, "steps": steps, "phases": done.completed, "warnings": done.warnings}
    command = f"eyehand evaluate {done.folder} --domain twin --trials 100"
    lines = (f"Done: {done.folder} ({steps:,} updates).", *(f"But {one}" for one in done.warnings), "Measure it:")
    output.emit(as_json, data, lambda: "\n".join((*lines, f"    {command}")))

"""`eyehand adapt`: carry a trained policy to the target with recorded frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from eyehand.cli import output
from eyehand.cli.train import configured, emit_run, refuse_changes, split_config
from eyehand.errors import EyehandError
from eyehand.evaluation.crossing import Where, adapt
from eyehand.evaluation.trained import Subject, read_config, read_subject
from eyehand.learning.run import Run
from eyehand.methods import load_method


@dataclass(frozen=True)
class Options:
    """Options of `eyehand adapt`; `--config.NAME` sets any number of the method's configuration."""

    run: tyro.conf.Positional[Path | None] = None
    """Run folder of the policy to adapt."""
    data: Path | None = None
    """Recorded folder of the target, see `eyehand record`."""
    preset: str = ""
    """Configuration to start from; by default the preset of the run."""
    overrides: Path | None = None
    """TOML or JSON file of changes to the configuration."""
    out: Path | None = None
    """Run folder to make; by default RUN-adapted."""
    seed: int | None = None
    """Seed of everything random; by default that of the run."""
    resume: Path | None = None
    """Go on with the adaptation in this folder; only --device, --threads, --keep and --json may stand beside it."""
    device: str = "auto"
    """Where to learn: auto, cpu or cuda."""
    threads: int = 0
    """Threads that PyTorch computes on; 0 for half of the cores. A resumed run is exact on as many as before."""
    keep: int = 2
    """How many of the newest checkpoints stay; `--step` of other verbs names one."""
    json: bool = False
    """Print JSON, and no progress."""


def run(arguments: Sequence[str]) -> int:
    """Adapt, or resume."""
    plain, changes = split_config(arguments)
    options = output.parse(Options, plain, "adapt")
    if options.resume is not None:
        refuse_changes(options, changes)
        done = adapt(
            Subject("", ""),
            None,
            Where(options.resume, True, options.device, options.json, options.threads, options.keep),
        )
    else:
        if options.run is None or options.data is None:
            raise EyehandError("Name a run and a recording: `eyehand adapt runs/reach --data recordings/twin`.")
        subject, config = _subject(options, options.run, options.data)
        config = configured(config, options.overrides, changes, "adapt", options.json)
        folder = options.out or options.run.with_name(f"{options.run.name}-adapted")
        done = adapt(subject, config, Where(folder, False, options.device, options.json, options.threads, options.keep))
    emit_run(done, options.json)
    return 0


def _subject(options: Options, parent: Path, data: Path) -> tuple[Subject, Any]:
    """What the adaptation is about, and the configuration it starts from: a preset, or that of the parent."""
    run = Run.open(parent)
    subject = read_subject(run)
    method = load_method(subject.method)
    config = method.preset(options.preset) if options.preset else read_config(run, method)
    seed = subject.seed if options.seed is None else options.seed
    preset = options.preset or subject.preset
    return replace(subject, preset=preset, seed=seed, parent=str(parent), data=str(data)), config

"""`eyehand record`: frames of a domain on disk, the only thing that adaptation may read of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eyehand.cli import output
from eyehand.evaluation.crossing import record, record_photographs
from eyehand.evaluation.trained import Subject
from eyehand.world.domain_files import load_domain


@dataclass(frozen=True)
class Options:
    """Options of `eyehand record`."""

    out: Path
    """Folder to write, in the layout of LeRobotDataset v3.0; a recording that was killed goes on."""
    task: str = "planar_reach"
    """The task whose scenes are shown."""
    option: tuple[str, ...] = ()
    """Options of the task, each NAME=VALUE."""
    domain: str = "twin"
    """The domain to look at."""
    frames: int = 1418
    """How many frames."""
    first_episode: int = 1_000_000
    """Number of the first scene; evaluation starts at 0, so the default shares no scene with it."""
    photographs: Path | None = None
    """Record the photographs of this folder instead of a domain, as backgrounds for eyes; --frames at most."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """Write the frames and say where they lie."""
    options = output.parse(Options, arguments, "record")
    task = Subject("", options.task, options.option).build_task()
    if options.photographs is not None:
        recording = record_photographs(task, options.photographs, options.out, options.frames)
        told = {"folder": options.out, "frames": len(recording), "photographs": options.photographs}
        output.emit(options.json, told, lambda: f"{len(recording)} photographs in {options.out}.")
        return 0
    domain = load_domain(options.domain, options.task)
    recording = record(task, domain, options.frames, options.out, options.first_episode)
    data = {"folder": options.out, "frames": len(recording), "domain": domain.name, "domain_digest": domain.digest()}
    text = f"{len(recording)} frames of {domain.name} in {options.out}; read them with `eyehand adapt RUN --data`."
    output.emit(options.json, data, lambda: text)
    return 0

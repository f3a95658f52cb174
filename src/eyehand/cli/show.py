"""`eyehand show`: what a task looks like in a domain, as a contact sheet and a video of the expert."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from eyehand.cli import output
from eyehand.errors import InvalidValueError
from eyehand.evaluation.axes import Strip, distributions, strip
from eyehand.evaluation.contact_sheet import camera_of, compose, draw_scenes, own_draws
from eyehand.evaluation.expert_video import film_expert
from eyehand.evaluation.trained import Subject
from eyehand.evaluation.videos import png
from eyehand.learning.progress import say
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain
from eyehand.world.task import Task

MOST_EPISODES = 6


@dataclass(frozen=True)
class Options:
    """Options of `eyehand show`."""

    task: tyro.conf.Positional[str]
    """The task to look at."""
    domain: str = "sim"
    """The domain to put it into: a shipped name or a TOML file; of a population, draws that no split reads."""
    option: tuple[str, ...] = ()
    """Options of the task, each NAME=VALUE."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["--output"])] = None
    """Folder for sheet.png and expert.mp4; by default runs/show-TASK-DOMAIN."""
    draws: int = 64
    """Scenes in the square of the sheet."""
    episodes: int = 3
    """Episodes in the video; 0 for no video."""
    camera: str = ""
    """The camera to look through; by default the task's first."""
    json: bool = False
    """Print JSON, and no progress."""


def run(arguments: Sequence[str]) -> int:
    """Draw the sheet and the video, and say where they are."""
    options = output.parse(Options, arguments, "show")
    if not 0 <= options.episodes <= MOST_EPISODES:
        raise InvalidValueError("--episodes", options.episodes, f"0 to {MOST_EPISODES}")
    task: Task[Any] = Subject("", options.task, options.option).build_task()
    domain = load_domain(options.domain, options.task)
    camera = camera_of(task, options.camera)
    _tell(options, f"{options.draws} draws of {task.name} in {domain.name}")
    scenes = draw_scenes(task, domain, options.draws, camera)
    folder = options.out or Path("runs") / f"show-{task.name}-{Path(domain.name.replace('/', '-')).name}"
    folder.mkdir(parents=True, exist_ok=True)
    strips = _strips(options, task, domain, camera)
    sheet, video = folder / "sheet.png", folder / "expert.mp4"
    sheet.write_bytes(png(compose(f"{task.name} in {domain.name}, {len(scenes)} draws", scenes, strips)))
    told: dict[str, Any] = {
        "task": task.name,
        "domain": domain.name,
        "domain_digest": domain.digest(),
        "camera": camera,
        "draws": len(scenes),
        "sheet": sheet,
        "axes": [{"key": one.key, "values": one.values, "change": one.change} for one in strips],
        "video": None,
        "episodes": [],
    }
    if options.episodes:
        _tell(options, f"{options.episodes} episodes of the expert")
        film, outcomes = film_expert(task, domain, options.episodes, camera)
        video.write_bytes(film)
        told |= {"video": video, "episodes": [dataclasses.asdict(outcome) for outcome in outcomes]}
    output.emit(options.json, told, lambda: _text(told, strips))
    return 0


def _tell(options: Options, text: str) -> None:
    if not options.json:
        say(text)


def _strips(options: Options, task: Task[Any], domain: Domain, camera: str) -> list[Strip]:
    keys = tuple(distributions(domain))
    _tell(options, f"{len(keys)} axes: {', '.join(keys) or 'every number of the domain is fixed'}")
    seed = int(own_draws(domain, 1).seeds(np.zeros(1, np.int64))[0])
    return [strip(task, domain, key, camera, seed) for key in keys]


def _text(told: dict[str, Any], strips: Sequence[Strip]) -> str:
    rows = [(one.key, one.spread, f"{one.change:.2f}") for one in strips]
    lines = [output.table(("axis", "spread", "change"), rows), ""] if rows else []
    done = sum(outcome["success"] for outcome in told["episodes"])
    lines += [f"{told['draws']} draws and {len(strips)} axes: {told['sheet']}"]
    if told["video"]:
        lines.append(f"the expert, {done} of {len(told['episodes'])} episodes with success: {told['video']}")
    return "\n".join(lines)

"""`eyehand tasks`: what can be trained for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eyehand.cli import output
from eyehand.tasks import load_task, task_names


@dataclass(frozen=True)
class Options:
    """Options of `eyehand tasks`."""

    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """List the tasks of the tree and of packages outside it."""
    options = output.parse(Options, arguments, "tasks")
    tasks = [describe(name) for name in task_names()]
    rows = [[str(task[key]) for key in ("name", "horizon", "dt_s", "interface", "summary")] for task in tasks]
    output.emit(options.json, tasks, lambda: output.table(("task", "steps", "dt [s]", "interface", "summary"), rows))
    return 0


def describe(name: str) -> dict[str, object]:
    """What a task says about itself, as the command line prints it."""
    task = load_task(name)
    return {
        "name": task.name,
        "summary": task.summary,
        "horizon": task.horizon,
        "dt_s": task.dt_s,
        "interface": task.interface.name,
        "cameras": {camera: list(size) for camera, size in task.camera_size.items()},
        "commands": [
            {
                "name": command.name,
                "unit": command.unit,
                "frame": command.frame,
                "low": command.low,
                "high": command.high,
                "choices": None if command.table is None else len(command.table),
            }
            for command in task.commands
        ],
    }

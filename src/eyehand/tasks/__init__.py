"""The tasks of the house, one file each; packages outside the tree add theirs under `eyehand.tasks`."""

from __future__ import annotations

from typing import Any, cast

from eyehand.registry import Registry
from eyehand.world.task import Task

TASKS: tuple[str, ...] = (
    "eyehand.tasks.planar_reach:PlanarReach",
    "eyehand.tasks.view_reach:ViewReach",
    "eyehand.tasks.sphere_grasp:SphereGrasp",
)

_REGISTRY = Registry("task", "eyehand.tasks", TASKS)


def task_names() -> tuple[str, ...]:
    """Every task that can be loaded, those from outside last; imports none of them."""
    return _REGISTRY.names()


def load_task(name: str, **options: object) -> Task[Any]:
    """Build a task.

    Args:
        name: one of `task_names()`.
        options: keyword options of the task's constructor, such as `joints=2`.

    Returns:
        The task; its state type is its own, hence `Any`.

    Raises:
        UnknownNameError: no such task, or the task has no such option.
        EyehandError: the package that registered the task is broken.
    """
    return cast("Task[Any]", _REGISTRY.load(name, options))

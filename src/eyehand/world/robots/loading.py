"""Robots by name or from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eyehand.errors import UnknownNameError
from eyehand.world.robots.baxter_left import baxter_left
from eyehand.world.robots.iiwa14 import iiwa14
from eyehand.world.robots.panda import panda
from eyehand.world.robots.robot import Robot

ROBOTS: Mapping[str, Callable[[], Robot]] = {"baxter_left": baxter_left, "iiwa14": iiwa14, "panda": panda}


def load_robot(name_or_path: str) -> Robot:
    """A robot by its name.

    Raises:
        UnknownNameError: there is no such robot.
    """
    if name_or_path not in ROBOTS:
        raise UnknownNameError("robot", name_or_path, ROBOTS)
    return ROBOTS[name_or_path]()

"""Robots by name or from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from eyehand.errors import UnknownNameError
from eyehand.world.robots.baxter_left import baxter_left
from eyehand.world.robots.iiwa14 import iiwa14
from eyehand.world.robots.menagerie import PREFIX, menagerie_source
from eyehand.world.robots.own import SUFFIXES, file_source, own_robot
from eyehand.world.robots.panda import panda
from eyehand.world.robots.robot import Robot

ROBOTS: Mapping[str, Callable[[], Robot]] = {"baxter_left": baxter_left, "iiwa14": iiwa14, "panda": panda}


def load_robot(name_or_path: str | Path, tool: str = "") -> Robot:
    """A robot of ours, of the Menagerie, or from a file.

    Args:
        name_or_path: "iiwa14", "panda", "baxter_left"; "menagerie:NAME"; or the path of an MJCF or URDF file.
        tool: for the latter two, name of the site or body at the end effector; "" to look for the usual names.

    Raises:
        UnknownNameError: there is no such robot.
        FileFormatError: the file is missing or broken, lacks meshes, an end effector or joints.
        InvalidValueError: the Menagerie's package is not installed.
    """
    text = str(name_or_path)
    if text in ROBOTS:
        return ROBOTS[text]()
    if text.startswith(PREFIX):
        name = text.removeprefix(PREFIX)
        return own_robot(menagerie_source(name), name, tool)
    path = Path(name_or_path)
    if path.suffix.lower() in SUFFIXES or path.exists() or len(path.parts) > 1:
        return own_robot(file_source(path), path.stem, tool)
    raise UnknownNameError("robot", text, [*ROBOTS, PREFIX + "NAME", "the path of an .xml or .urdf file"])

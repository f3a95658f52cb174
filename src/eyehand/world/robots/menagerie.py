# pyright: basic
# (mujoco_menagerie has no types, and may be missing)
"""Robots of the MuJoCo Menagerie, by the optional package `mujoco-menagerie`, which downloads them on first use."""

from __future__ import annotations

import importlib
from typing import Any

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.world.robots.own import Source

PREFIX = "menagerie:"
_PACKAGE = "mujoco_menagerie"


def menagerie_source(name: str) -> Source:
    """A robot of the Menagerie as a source.

    Args:
        name: as the Menagerie calls it, for example "universal_robots_ur5e".

    Raises:
        InvalidValueError: the optional package is not installed.
        UnknownNameError: the Menagerie has no such robot.
    """
    try:
        menagerie: Any = importlib.import_module(_PACKAGE)
    except ImportError as error:
        allowed = "a robot of the Menagerie only with its package: pip install 'eyehand[menagerie]'"
        raise InvalidValueError("robot", PREFIX + name, allowed) from error
    names = list(menagerie.names())
    if name not in names:
        raise UnknownNameError("robot of the Menagerie", name, names)

    def read() -> Any:
        found = menagerie.get(name)
        return found.spec(found.default_model)

    return Source(PREFIX + name, read, {})

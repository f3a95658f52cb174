"""A contact sheet of a task in a domain: many draws in a square, then one strip of pictures for every axis."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.evaluation.axes import LEVELS, Strip, picture
from eyehand.types import Array, Group, Images
from eyehand.world.domain import Domain
from eyehand.world.domain_files import SPLITS
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task

COLUMNS = 8
TILE_PX = 128  # longer side of a picture on the sheet
MOST_DRAWS = 256
_GAP_PX, _LINE_PX = 4, 16
_PAPER, _INK, _MUTED = (255, 255, 255), (40, 48, 58), (110, 120, 132)


def own_draws(domain: Domain, count: int) -> Domain:
    """The domain with draws that no split reads, where it has a population: showing it gives nothing away.

    Args:
        domain: any domain; one without a population is returned as it is.
        count: how many draws.
    """
    first = max(begin + draws for begin, draws in SPLITS.values())
    return dataclasses.replace(domain, first_draw=first, draws=count) if domain.population else domain


def camera_of(task: Task[Any], name: str) -> str:
    """The camera of a name, the task's first where the name is empty; raises UnknownNameError."""
    if name and name not in task.camera_size:
        raise UnknownNameError("camera", name, task.camera_size, f"task {task.name!r}")
    return name or next(iter(task.camera_size))


def draw_scenes(task: Task[Any], domain: Domain, count: int, camera: str) -> Images:
    """First frames (N, H, W, 3) of episodes, each a draw of its own, with the goal in a corner where it is a picture.

    Raises:
        InvalidValueError: `count` is not from 1 to `MOST_DRAWS`.
    """
    if not 1 <= count <= MOST_DRAWS:
        raise InvalidValueError("number of draws", count, f"1 to {MOST_DRAWS}")
    domain = own_draws(domain, count)
    reads: frozenset[Group] = frozenset({"camera", "goal"})
    world = SimulatedWorld(task, domain, reads)
    obs = world.reset(domain.seeds(np.arange(count)))
    rgb = obs.cameras[camera].rgb
    return with_goals(picture(world, camera) if rgb is None else rgb, obs.goal)


def with_goals(frames: Images, goals: Array | None) -> Images:
    """Frames with the goal of each in its top left corner, framed; as they are where goals are no pictures.

    Args:
        frames: (B, H, W, 3) uint8.
        goals: (B, h, w, 3) uint8, or anything else.
    """
    if goals is None or goals.dtype != np.uint8 or goals.ndim != 4:
        return frames
    side = max(frames.shape[1:3]) // 3
    shown = frames.copy()
    for frame, goal in zip(shown, goals, strict=True):
        small = np.asarray(_fitted(goal, side))
        framed = np.pad(small, ((0, 1), (0, 1), (0, 0)), constant_values=255)
        height, width = (min(a, b) for a, b in zip(framed.shape[:2], frame.shape[:2], strict=True))
        frame[:height, :width] = framed[:height, :width]
    return shown


def compose(title: str, scenes: Images, strips: Sequence[Strip]) -> Images:
    """The sheet as one picture (H, W, 3) uint8.

    Args:
        title: what is shown.
        scenes: (N, H, W, 3) pictures for the square.
        strips: the axes, one row each.
    """
    tile_width, tile_height = _fitted(scenes[0], TILE_PX).size
    # A strip needs room for its text beside five pictures, however narrow these are.
    width = max(COLUMNS * (tile_width + _GAP_PX), LEVELS * (tile_width + _GAP_PX) + 3 * TILE_PX)
    rows = -(-len(scenes) // COLUMNS)
    top = 2 * _LINE_PX
    height = top + rows * (tile_height + _GAP_PX) + len(strips) * _strip_height(tile_height) + _GAP_PX
    sheet = Image.new("RGB", (width, height), _PAPER)
    ImageDraw.Draw(sheet).text((_GAP_PX, 7), title, fill=_INK, font=ImageFont.load_default(15))
    for i, scene in enumerate(scenes):
        place = (i % COLUMNS * (tile_width + _GAP_PX), top + i // COLUMNS * (tile_height + _GAP_PX))
        sheet.paste(_fitted(scene, TILE_PX), place)
    top += rows * (tile_height + _GAP_PX)
    for one in strips:
        _paste_strip(sheet, one, top, tile_width, tile_height)
        top += _strip_height(tile_height)
    return np.asarray(sheet, dtype=np.uint8)


def _strip_height(tile_height: int) -> int:
    return max(tile_height + _LINE_PX, 5 * _LINE_PX) + 3 * _GAP_PX


def _paste_strip(sheet: Image.Image, one: Strip, top: int, tile_width: int, tile_height: int) -> None:
    pen = ImageDraw.Draw(sheet)
    left = sheet.width - LEVELS * (tile_width + _GAP_PX)
    pen.line((0, top + _GAP_PX, sheet.width, top + _GAP_PX), fill=(222, 226, 231))
    top += 3 * _GAP_PX
    small, bold = ImageFont.load_default(12), ImageFont.load_default(14)
    pen.text((_GAP_PX, top), one.key, fill=_INK, font=bold)
    changed = f"changes the picture by {one.change:.2g} of 255 levels" if one.change else "changes nothing to see here"
    most = (tile_height - _LINE_PX) // _LINE_PX - 1
    lines = textwrap.wrap(one.meaning, (left - _GAP_PX) // 6, max_lines=max(most, 1), placeholder=" …")
    for i, line in enumerate([one.spread, changed, *lines]):
        pen.text((_GAP_PX, top + 2 + (i + 1) * _LINE_PX), line, fill=_INK if i == 0 else _MUTED, font=small)
    for i, (value, frame) in enumerate(zip(one.values, one.frames, strict=True)):
        x = left + i * (tile_width + _GAP_PX)
        sheet.paste(_fitted(frame, TILE_PX), (x, top))
        pen.text((x + 1, top + tile_height + 1), f"{value:.4g}", fill=_MUTED, font=small)


def _fitted(image: Images, side: int) -> Image.Image:
    """A picture whose longer side is at most this: made smaller smoothly, larger by whole pixels."""
    found = Image.fromarray(image)
    factor = side / max(found.size)
    if factor >= 1:
        whole = int(factor)
        return found.resize((found.width * whole, found.height * whole), Image.Resampling.NEAREST)
    size = (max(1, round(found.width * factor)), max(1, round(found.height * factor)))
    return found.resize(size, Image.Resampling.LANCZOS)

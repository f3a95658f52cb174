"""Procedural textures: wood, marble, cloth, prints and the like, a pure function of kind, seed and size.

Plain patterns tile: the left edge goes on at the right edge, the top at the bottom. Prints (`eyehand.world.objects.
prints`) are laid out for the shapes that they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.types import Floats, Images
from eyehand.world import counter
from eyehand.world.objects import prints
from eyehand.world.objects.dice import COLOURS, Dice
from eyehand.world.objects.painting import Painter, mix, noise, shade, soft, turbulence, two_colours


def _wood(dice: Dice, u: Floats, v: Floats) -> Floats:
    dark = dice.pick([(0.36, 0.21, 0.11), (0.52, 0.34, 0.19), (0.62, 0.45, 0.27), (0.28, 0.17, 0.11)], "wood")
    light = shade(dark, dice.between(1.35, 1.7, "contrast"))
    bend = 0.35 * turbulence(dice, u, v, (2, 3), "bend")
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (dice.pick((5, 7, 9), "rings") * v + 4 * bend))
    fibre = noise(dice, u, v, (6, 96), "fibre")
    plank = np.floor(v * 3)
    tone = 0.9 + 0.2 * counter.uniform(dice.seed, "texture/wood/plank", 0, plank.astype(np.int64))
    return mix(dark, light, 0.65 * rings + 0.35 * fibre) * tone[..., None] * (1 - 0.5 * _gap(v * 3, 0.02))[..., None]


def _gap(x: Floats, width: float) -> Floats:
    """1 within `width` of whole numbers, else 0."""
    return 1.0 - soft(np.abs(x - np.round(x)), width, width)


def _marble(dice: Dice, u: Floats, v: Floats) -> Floats:
    ground = dice.pick([(0.92, 0.91, 0.89), (0.82, 0.84, 0.86), (0.20, 0.22, 0.23), (0.75, 0.66, 0.58)], "ground")
    vein = shade(ground, 0.55 if sum(ground) > 1.5 else 2.6)
    swirl = turbulence(dice, u, v, (3, 3), "swirl")
    lines = np.abs(np.sin(2 * np.pi * (u + 2 * v) + 9 * swirl)) ** 0.45
    return mix(vein, ground, 0.25 + 0.75 * lines) * (0.95 + 0.1 * swirl)[..., None]


def _checks(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    count = dice.pick((4, 6, 8), "count")
    odd = (np.floor(u * count) + np.floor(v * count)) % 2
    return mix(first, second, odd)


def _gingham(dice: Dice, u: Floats, v: Floats) -> Floats:
    colour = dice.colour("first")
    count = dice.pick((4, 6, 8), "count")
    dark = 0.5 * (np.floor(u * 2 * count) % 2) + 0.5 * (np.floor(v * 2 * count) % 2)
    weave = 0.94 + 0.06 * noise(dice, u, v, (64, 64), "weave")
    return mix((0.95, 0.94, 0.91), colour, dark) * weave[..., None]


def _stripes(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    count = dice.pick((3, 4, 6, 9), "count")
    wide = dice.between(0.25, 0.6, "wide")
    along = v if dice.share("level") < 0.6 else u
    return mix(first, second, soft((along * count) % 1.0, wide, 0.03))


def _dots(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    count = dice.pick((4, 6, 8), "count")
    row = np.floor(v * count)
    x, y = (u * count + 0.5 * (row % 2)) % 1.0 - 0.5, (v * count) % 1.0 - 0.5
    return mix(second, first, soft(np.hypot(x, y), dice.between(0.18, 0.36, "radius"), 0.06))


def _cloth(dice: Dice, u: Floats, v: Floats) -> Floats:
    colour = dice.colour("first")
    threads = 0.5 + 0.25 * np.sin(2 * np.pi * 32 * u) + 0.25 * np.sin(2 * np.pi * 32 * v)
    fluff = turbulence(dice, u, v, (8, 8), "fluff")
    return mix(shade(colour, 0.72), shade(colour, 1.15), 0.45 * threads + 0.55 * fluff)


def _noise(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    cells = dice.pick((3, 5, 8), "cells")
    return mix(first, second, 1.6 * turbulence(dice, u, v, (cells, cells)) - 0.3)


def _gradient(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    return mix(first, second, 0.5 - 0.5 * np.cos(2 * np.pi * v) + 0 * u)


def _glazed(dice: Dice, u: Floats, v: Floats) -> Floats:
    """White glaze with a little unevenness, ready to be printed on."""
    return np.broadcast_to((0.95, 0.94, 0.91), (*u.shape, 3)) * (0.98 + 0.04 * noise(dice, u, v, (6, 6)))[..., None]


def _band(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    wide = dice.between(0.05, 0.12, "wide")
    band = 1 - soft(np.abs(v - dice.between(0.25, 0.45, "at")), wide, 0.01)
    line = 1 - soft(np.abs(np.abs(v - dice.between(0.25, 0.45, "at")) - wide - 0.03), 0.008, 0.006)
    return mix(mix(_glazed(dice, u, v), first, band), second, line)


def _glaze(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    drip = dice.between(0.25, 0.4, "at") + 0.16 * (noise(dice, u, 0 * v, (11, 1), "drip") - 0.5)
    lower = mix(second, shade(second, 1.2), noise(dice, u, v, (40, 40), "grain"))
    return mix(first, lower, soft(v, drip, 0.02)) * (0.94 + 0.1 * turbulence(dice, u, v, (4, 4)))[..., None]


def _speckle(dice: Dice, u: Floats, v: Floats) -> Floats:
    ground = mix(shade(dice.colour("first"), 1.3), (0.93, 0.91, 0.86), 0.55 + 0 * u)
    spots = noise(dice, u, v, (48, 48), "spots") * noise(dice, u, v, (23, 23), "more")
    return mix(ground, shade(dice.colour("first"), 0.4), soft(spots, 0.62, 0.08))


def _rim(dice: Dice, u: Floats, v: Floats) -> Floats:
    inside = (v - 0.76) / 0.23  # plates show their inside, which vessels put in the lowest quarter
    line = 1 - soft(np.abs(inside - 0.2), dice.between(0.04, 0.12, "wide"), 0.02)
    edge = 1 - soft(np.abs(inside - 0.02), 0.03, 0.02)
    return mix(_glazed(dice, u, v), dice.colour("first"), np.maximum(line, edge))


def _wreath(dice: Dice, u: Floats, v: Floats) -> Floats:
    inside = (v - 0.76) / 0.23
    leaf = prints.emblem("leaf", ((6 * u) % 1.0 - 0.5) / 0.4, (inside - 0.17) / 0.14)
    line = 1 - soft(np.abs(inside - 0.34), 0.015, 0.02)
    return mix(mix(_glazed(dice, u, v), dice.colour("first", COLOURS[3:10]), leaf), dice.colour("second"), line)


def _rings(dice: Dice, u: Floats, v: Floats) -> Floats:
    first, second = two_colours(dice)
    inside = np.clip((v - 0.76) / 0.23, 0.0, 1.0)
    share = 0.5 + 0.5 * np.sin(2 * np.pi * dice.pick((4, 6, 8), "count") * inside)
    return mix(first, second, 0.6 * share + 0.2 * noise(dice, u, v, (12, 12)))


_PAINTERS: Mapping[str, Painter] = {
    "wood": _wood,
    "marble": _marble,
    "checks": _checks,
    "gingham": _gingham,
    "stripes": _stripes,
    "dots": _dots,
    "cloth": _cloth,
    "noise": _noise,
    "gradient": _gradient,
    "band": _band,
    "glaze": _glaze,
    "speckle": _speckle,
    "rim": _rim,
    "rings": _rings,
    "wreath": _wreath,
    "label": prints.label,
    "bottle": prints.bottle,
    "carton": prints.carton,
    "blocks": prints.blocks,
    "ball": prints.ball,
    "toy": prints.toy,
    "plush": prints.plush,
}

TEXTURES = tuple(_PAINTERS)  # every kind there is
PATTERNS = (
    "wood",
    "marble",
    "checks",
    "gingham",
    "stripes",
    "dots",
    "cloth",
    "noise",
    "gradient",
)  # these fit anything


def procedural_texture(kind: str, seed: int, size: int = 128) -> Images:
    """A texture (size, size, 3), uint8 RGB.

    Args:
        kind: one of `TEXTURES`.
        seed: which one of its kind.
        size: rows and columns, 8 to 2048.

    Raises:
        UnknownNameError: there is no such kind.
        InvalidValueError: a size outside what is allowed.
    """
    if kind not in _PAINTERS:
        raise UnknownNameError("texture", kind, TEXTURES)
    if not 8 <= size <= 2048:
        raise InvalidValueError("size of a texture", size, "8 to 2048 pixels")
    middle = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(middle, middle)
    painted = _PAINTERS[kind](Dice(f"texture/{kind}", seed), u, v)
    return np.round(255.0 * np.clip(painted, 0.0, 1.0)).astype(np.uint8)

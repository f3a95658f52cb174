"""Prints laid out for one kind of shape: labels of cans and bottles, cartons, building blocks, toys of several colours.

Coordinates are shares of the picture: u to the right, v down.
"""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats
from eyehand.world import counter
from eyehand.world.objects.dice import COLOURS, Dice
from eyehand.world.objects.painting import mix, noise, shade, soft, turbulence, two_colours

EMBLEMS = ("disc", "star", "heart", "leaf", "diamond", "ring", "sun")
METAL = (0.74, 0.75, 0.76)
PAPER = (0.95, 0.93, 0.88)


def emblem(name: str, x: Floats, y: Floats) -> Floats:
    """1 inside a simple sign about the origin, 0 outside; x to the right, y down, the sign within [-1, 1]."""
    radius, angle = np.hypot(x, y), np.arctan2(x, -y)
    if name == "star":
        edge = 0.55 + 0.4 * np.abs(1 - 2 * ((angle * 5 / (2 * np.pi)) % 1.0)) ** 1.2
    elif name == "heart":
        turn = np.abs(angle) / np.pi
        edge = 0.55 + 0.45 * np.sin(np.pi * np.clip(turn, 0, 1)) ** 0.8 * (1 - turn) + 0.35 * turn**4
    elif name == "leaf":
        return soft(1.0 - np.abs(y), 0.04) * soft(0.55 * np.cos(0.5 * np.pi * np.clip(y, -1, 1)), np.abs(x), 0.06)
    elif name == "diamond":
        return soft(0.95 - np.abs(x) - np.abs(y), 0.0, 0.06)
    elif name == "ring":
        return soft(0.22 - np.abs(radius - 0.7), 0.0, 0.06)
    elif name == "sun":
        edge = 0.62 + 0.3 * np.clip(np.cos(12 * angle), 0.0, 1.0) ** 2
    else:
        edge = 0.9 + 0.0 * radius
    return soft(edge - radius, 0.0, 0.06)


def lettering(dice: Dice, x: Floats, y: Floats, rows: int, what: str) -> Floats:
    """What looks like lines of small print where x and y are in [0, 1]; 0 outside."""
    row = np.floor(y * rows).astype(np.int64)
    column = np.floor(x * 26).astype(np.int64)
    drawn = counter.uniform(dice.seed, f"texture/{what}", 0, np.abs(row * 31 + column)) < 0.72
    length = 0.6 + 0.4 * counter.uniform(dice.seed, f"texture/{what}/length", 0, np.abs(row))
    inside = (x >= 0) & (x <= length) & (y >= 0) & (y <= 1)
    return (drawn & inside & (np.abs((y * rows) % 1.0 - 0.5) < 0.28)).astype(float)


def _front(dice: Dice, x: Floats, y: Floats, ground: Floats, aspect: float = 1.0) -> Floats:
    """A package's front on a ground (..., 3): title, sign and small print; x, y in [0, 1]."""
    first, second = two_colours(dice)
    title = soft(0.13 - np.abs(y - 0.2), 0.0, 0.01) * soft(0.44 - np.abs(x - 0.5), 0.0, 0.01)
    face = mix(ground, second, title)
    face = mix(face, PAPER, lettering(dice, (x - 0.14) / 0.72, (y - 0.14) / 0.12, 1, "title"))
    sign = emblem(
        dice.pick(EMBLEMS, "emblem"), (x - 0.5) / 0.26 * max(aspect, 1.0), (y - 0.58) / 0.22 * max(1.0, 1 / aspect)
    )
    face = mix(face, dice.pick([c for c in COLOURS if c not in (first, second)], "sign"), sign)
    return mix(face, (0.2, 0.2, 0.22), 0.8 * lettering(dice, (x - 0.2) / 0.6, (y - 0.85) / 0.1, 2, "small"))


def label(dice: Dice, u: Floats, v: Floats) -> Floats:
    """A can: metal in the top and bottom 14 %, a paper label with its front twice around between them."""
    first, second = two_colours(dice)
    x, y = (2 * u) % 1.0, (v - 0.14) / 0.72
    ground = mix(first, second, soft(0.06 - np.abs(y - 0.93), 0.0, 0.01) + soft(0.04 - np.abs(y - 0.03), 0.0, 0.01))
    paper = _front(dice, x, y, mix(ground, PAPER, 0.85 * emblem("disc", (x - 0.5) / 0.36, (y - 0.58) / 0.34)))
    metal = mix(shade(METAL, 0.8), shade(METAL, 1.15), 0.5 + 0.5 * np.sin(60 * np.pi * v))
    return mix(paper, metal, soft(np.abs(v - 0.5), 0.36, 0.004))


def bottle(dice: Dice, u: Floats, v: Floats) -> Floats:
    """A bottle: cap in the top 12 %, its own colour, a label between 48 % and 84 %."""
    glass = dice.turn(
        [(0.16, 0.30, 0.18), (0.30, 0.17, 0.09), (0.80, 0.88, 0.90), (0.72, 0.16, 0.12), (0.90, 0.74, 0.25)], "glass"
    )
    first, _ = two_colours(dice)
    x, y = (2 * u) % 1.0, (v - 0.48) / 0.36
    paper = _front(dice, x, y, np.broadcast_to(PAPER, (*u.shape, 3)))
    body = mix(glass, paper, soft(0.18 - np.abs(v - 0.66), 0.0, 0.004))
    ridged = mix(shade(first, 0.8), first, 0.5 + 0.5 * np.sin(80 * np.pi * u))
    return mix(body, ridged, soft(0.12 - v, 0.0, 0.004))


def carton(dice: Dice, u: Floats, v: Floats) -> Floats:
    """A carton on the 3 x 2 cells of a box: front, side, back above; side, top, bottom below."""
    first, second = two_colours(dice)
    column, row = np.floor(3 * u), np.floor(2 * v)
    x, y = (3 * u) % 1.0, (2 * v) % 1.0
    slope = dice.between(-0.5, 0.5, "slope")
    ground = mix(first, shade(first, 1.35), soft(y + slope * (x - 0.5), dice.between(0.5, 0.75, "split"), 0.02))
    front = _front(dice, x, y, ground)
    side = mix(ground, PAPER, soft(0.34 - np.abs(x - 0.5), 0, 0.01) * soft(0.3 - np.abs(y - 0.55), 0, 0.01))
    side = mix(side, (0.2, 0.2, 0.22), 0.7 * lettering(dice, (x - 0.22) / 0.56, (y - 0.3) / 0.5, 9, "side"))
    lid = mix(first, second, 0.9 * soft(0.12 - np.abs(y - 0.5), 0, 0.01) * soft(0.35 - np.abs(x - 0.5), 0, 0.01))
    is_front = (row == 0) & (column != 1)
    is_side = ((row == 0) & (column == 1)) | ((row == 1) & (column == 0))
    return np.where(is_front[..., None], front, np.where(is_side[..., None], side, lid))


def blocks(dice: Dice, u: Floats, v: Floats) -> Floats:
    """A building block on the 3 x 2 cells of a box: a painted frame and a sign on each side, on pale wood."""
    cell = (np.floor(3 * u) + 3 * np.floor(2 * v)).astype(np.int64)
    x, y = 2 * ((3 * u) % 1.0) - 1, 2 * ((2 * v) % 1.0) - 1
    grain = noise(dice, u, v, (8, 80), "grain")
    picture = mix((0.80, 0.66, 0.46), (0.90, 0.79, 0.60), grain)
    frame = soft(np.maximum(np.abs(x), np.abs(y)), 0.74, 0.04)
    for i in range(6):
        colour = Dice(dice.kind, dice.seed * 6 + i).pick(COLOURS[:10], "side")
        sign = emblem(EMBLEMS[(dice.seed + i) % len(EMBLEMS)], x / 0.55, y / 0.55)
        picture = mix(picture, colour, (cell == i) * np.maximum(frame, sign))
    return picture


def ball(dice: Dice, u: Floats, v: Floats) -> Floats:
    """A ball: coloured segments, a broad band, or felt."""
    first, second = two_colours(dice)
    style = dice.turn(("segments", "band", "felt", "stars"), "style")
    if style == "segments":
        number = np.floor(6 * u).astype(np.int64)
        palette = np.array([first, PAPER, second, PAPER, dice.colour("third"), PAPER])
        return mix(palette[number % 6], PAPER, soft(np.abs(v - 0.5), 0.45, 0.01))
    if style == "band":
        return mix(first, second, soft(0.12 - np.abs(v - 0.5), 0.0, 0.01))
    if style == "felt":
        seam = soft(0.022 - np.abs(v - 0.5 - 0.2 * np.sin(4 * np.pi * u)), 0.0, 0.012)
        fluff = noise(dice, u, v, (64, 32), "fluff")
        return mix(mix((0.62, 0.72, 0.14), (0.80, 0.87, 0.28), fluff), PAPER, seam)
    x, y = (5 * u) % 1.0 - 0.5, (v - 0.5) * 4
    return mix(first, PAPER, emblem("star", x / 0.3, y / 0.8))


def _cells(dice: Dice, u: Floats, v: Floats) -> Floats:
    """Flat colours of the 4 x 4 cells of a toy, in the order of the names in `eyehand.world.objects.pieces`."""
    first = dice.colour("first", COLOURS[:10])
    second = dice.pick([c for c in COLOURS[:10] if abs(sum(c) - sum(first)) > 0.3], "second")
    third = dice.pick([c for c in COLOURS[:10] if c != second], "third")
    fixed = [(0.10, 0.10, 0.12), (0.94, 0.93, 0.90), (0.35, 0.36, 0.38), (0.96, 0.80, 0.22), (0.82, 0.17, 0.15)]
    fixed += [(0.93, 0.76, 0.62), (0.94, 0.52, 0.14), (0.80, 0.66, 0.46)]
    palette = np.array([first, second, third, *fixed, *[shade(first, 1.25)] * 5])
    return palette[(np.floor(4 * v) * 4 + np.floor(4 * u)).astype(np.int64)]


def toy(dice: Dice, u: Floats, v: Floats) -> Floats:
    """Lacquered cells, see `_cells`, with a trace of wood under the paint."""
    return _cells(dice, u, v) * (0.96 + 0.05 * noise(dice, u, v, (12, 48), "grain"))[..., None]


def plush(dice: Dice, u: Floats, v: Floats) -> Floats:
    """Cells of soft cloth: fur colours first, its lighter belly second, an accent third, then as `toy`."""
    fur = dice.turn(
        [(0.60, 0.42, 0.27), (0.72, 0.70, 0.68), (0.86, 0.74, 0.56), (0.55, 0.66, 0.78), (0.86, 0.62, 0.66)], "fur"
    )
    cells = _cells(dice, u, v)
    number = (np.floor(4 * v) * 4 + np.floor(4 * u)).astype(np.int64)[..., None]
    cells = np.where(number == 0, np.array(fur), np.where(number == 1, np.array(shade(fur, 1.3)), cells))
    pile = 0.55 * noise(dice, u, v, (64, 64), "pile") + 0.45 * turbulence(dice, u, v, (16, 16), "clumps")
    return cells * (0.72 + 0.5 * pile)[..., None]

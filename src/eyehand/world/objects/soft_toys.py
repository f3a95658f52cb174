"""Soft-looking toys of fur and cloth: bear, rabbit, cat, elephant, penguin, octopus and whale.

They are rigid like everything else here; what makes them a category of their own is their look and round shapes.
Every animal sits with its face towards -y.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.dice import Dice
from eyehand.world.objects.household import Draft
from eyehand.world.objects.hulls import tube_parts
from eyehand.world.objects.pieces import (
    DARK,
    MAIN,
    ORANGE,
    RED,
    SECOND,
    THIRD,
    WHITE,
    Piece,
    assembled,
    blob,
    merged,
    near,
)
from eyehand.world.objects.solids import sides_of, spline, tube
from eyehand.world.objects.surface import Shape

_FLUFF_KG_M3 = 130.0
_MATT = (0.05, 0.05)


def _tilt(about_x: float, about_y: float = 0.0) -> Floats:
    """Rotation (3, 3) about y, then about x, radians."""
    cx, sx, cy, sy = np.cos(about_x), np.sin(about_x), np.cos(about_y), np.sin(about_y)
    return np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])


def _eyes(s: float, at: Floats, apart: float) -> list[Shape]:
    """Two eyes on a head of radius `s` about a place (3,)."""
    places = [at + s * np.array([x, -0.88, 0.22]) for x in (-apart, apart)]
    return [blob([0.10 * s, 0.07 * s, 0.12 * s], place, DARK, 12)[0] for place in places]


def _muzzle(s: float, at: Floats) -> Piece:
    """A muzzle with a nose on a head of radius `s` about a place (3,)."""
    return merged(
        blob([0.40 * s, 0.34 * s, 0.30 * s], at + s * np.array([0.0, -0.80, -0.20]), SECOND, 20),
        blob([0.13 * s, 0.10 * s, 0.09 * s], at + s * np.array([0.0, -1.13, -0.08]), DARK, 12),
    )


def _sitting(s: float, f: float, muzzle: bool = True) -> tuple[list[Piece], list[Shape], Floats]:
    """Body with arms, head and two legs of size `s`; belly, soles and eyes as trim; the middle of the head (3,)."""
    sides = sides_of(f, 28)
    at = np.array([0.0, -0.08 * s, 2.28 * s])
    head = blob([0.80 * s, 0.74 * s, 0.72 * s], at, MAIN, sides)
    body = blob([0.86 * s, 0.78 * s, s], [0, 0, s], MAIN, sides, foot=0.5)
    legs: list[Piece] = []
    for x in (-1.0, 1.0):
        foot = [0.56 * x * s, -0.78 * s, 0.32 * s]
        legs.append(blob([0.34 * s, 0.62 * s, 0.32 * s], foot, MAIN, sides_of(f, 20), foot=0.4))
        turn, arm = _tilt(-0.5, -0.55 * x), [0.84 * x * s, -0.22 * s, 1.22 * s]
        body = merged(body, blob([0.24 * s, 0.24 * s, 0.56 * s], arm, MAIN, sides_of(f, 20), R=turn))
    trim = [*_eyes(0.76 * s, at, 0.38), blob([0.62 * s, 0.5 * s, 0.74 * s], [0, -0.36 * s, 0.98 * s], SECOND, sides)[0]]
    trim += [blob([0.2 * s, 0.06 * s, 0.19 * s], [0.56 * x * s, -1.37 * s, 0.34 * s], SECOND, 16)[0] for x in (-1, 1)]
    return [body, merged(head, _muzzle(0.76 * s, at)) if muzzle else head, *legs], trim, at


def _bear(dice: Dice, f: float) -> Draft:
    s = dice.between(0.030, 0.040, "size")
    pieces, trim, head = _sitting(s, f)
    for x in (-1.0, 1.0):
        ear = head + s * np.array([0.56 * x, 0.05, 0.56])
        pieces.append(blob([0.27 * s, 0.14 * s, 0.27 * s], ear, MAIN, sides_of(f, 20)))
        trim.append(blob([0.16 * s, 0.06 * s, 0.16 * s], near(ear, 0, -0.11 * s, 0), SECOND, 12)[0])
    bow = head + s * np.array([0.0, -0.62, -0.68])
    knots = [blob([0.2 * s, 0.09 * s, 0.14 * s], near(bow, x * s, 0, 0), THIRD, 14) for x in (-0.2, 0.2)]
    pieces.append(merged(*knots))
    return _soft(pieces, trim)


def _rabbit(dice: Dice, f: float) -> Draft:
    s = dice.between(0.028, 0.036, "size")
    pieces, trim, head = _sitting(s, f)
    flop = dice.between(0.1, 0.3, "flop")
    for x in (-1.0, 1.0):
        ear = head + s * np.array([(0.34 + 0.5 * flop) * x, 0.12, 1.18])
        turn = _tilt(0.0, flop * x)
        pieces.append(blob([0.2 * s, 0.12 * s, 0.72 * s], ear, MAIN, sides_of(f, 20), R=turn))
        trim.append(blob([0.11 * s, 0.05 * s, 0.55 * s], near(ear, 0, -0.09 * s, 0), SECOND, 16, R=turn)[0])
    pieces.append(blob([0.24 * s] * 3, [0, 0.85 * s, 0.45 * s], WHITE, 16))
    return _soft(pieces, trim)


def _cat(dice: Dice, f: float) -> Draft:
    s = dice.between(0.030, 0.038, "size")
    pieces, trim, head = _sitting(s, f)
    for x in (-1.0, 1.0):
        ear = head + s * np.array([0.48 * x, 0.02, 0.58])
        cone = tube(
            [ear, ear + s * np.array([0.06 * x, 0, 0.24]), ear + s * np.array([0.12 * x, 0, 0.44])],
            np.array([0.27, 0.16, 0.02]) * s,
            sides_of(f, 16),
            0.55,
        )
        pieces.append((cone.in_cell(MAIN), cone.vertices))
    tail = spline([(0.5, 0.7, 0.25), (1.1, 0.75, 0.22), (1.35, 0.2, 0.3), (1.25, -0.35, 0.24)], 5) * s
    curl = tube(tail, 0.17 * s, sides_of(f, 14), across=(0, 0, 1)).in_cell(MAIN)
    half = len(curl.vertices) // 2
    trim.append(curl)
    return _soft(pieces, trim, (curl.vertices[:half], curl.vertices[half - sides_of(f, 14) - 1 :]))


def _elephant(dice: Dice, f: float) -> Draft:
    s = dice.between(0.030, 0.038, "size")
    pieces, trim, head = _sitting(s, f, muzzle=False)
    for x in (-1.0, 1.0):
        ear, turn = head + s * np.array([0.92 * x, 0.1, 0.05]), _tilt(0.0, 0.15 * x)
        pieces.append(blob([0.46 * s, 0.10 * s, 0.56 * s], ear, MAIN, sides_of(f, 20), R=turn))
        trim.append(blob([0.34 * s, 0.04 * s, 0.42 * s], near(ear, 0, -0.075 * s, 0), SECOND, 16, R=turn)[0])
    bend = np.array([(0.0, -0.55, -0.1), (0.0, -0.98, -0.32), (0.0, -1.1, -0.85), (0.0, -1.36, -1.05)])
    path = head + s * spline(bend, 5)
    trunk = tube(path, np.linspace(0.27, 0.13, len(path)) * s, sides_of(f, 18), across=(1, 0, 0))
    half = len(trunk.vertices) // 2
    trim.append(trunk.in_cell(MAIN))
    return _soft(pieces, trim, (trunk.vertices[:half], trunk.vertices[half - sides_of(f, 18) - 1 :]))


def _penguin(dice: Dice, f: float) -> Draft:
    s, sides = dice.between(0.036, 0.046, "size"), sides_of(f, 28)
    head = np.array([0.0, 0.0, 2.15 * s])
    pieces = [
        blob([0.84 * s, 0.76 * s, 1.05 * s], [0, 0, 1.05 * s], MAIN, sides, foot=0.5),
        blob([0.62 * s, 0.6 * s, 0.58 * s], head, MAIN, sides),
        blob([0.14 * s, 0.26 * s, 0.10 * s], head + s * np.array([0, -0.64, -0.06]), ORANGE, 16),
    ]
    for x in (-1.0, 1.0):
        pieces.append(
            blob([0.13 * s, 0.3 * s, 0.62 * s], [0.88 * x * s, 0, 1.15 * s], MAIN, sides, R=_tilt(0, -0.35 * x))
        )
        pieces.append(blob([0.26 * s, 0.42 * s, 0.12 * s], [0.4 * x * s, -0.55 * s, 0.12 * s], ORANGE, 20, foot=0.5))
    trim = [blob([0.66 * s, 0.5 * s, 0.86 * s], [0, -0.31 * s, 1.0 * s], WHITE, sides)[0]]
    trim += [
        blob([0.3 * s, 0.2 * s, 0.32 * s], head + s * np.array([0.2 * x, -0.42, 0.06]), WHITE, 20)[0] for x in (-1, 1)
    ]
    trim += [
        blob([0.07 * s, 0.05 * s, 0.09 * s], head + s * np.array([0.2 * x, -0.61, 0.12]), DARK, 12)[0] for x in (-1, 1)
    ]
    return _soft(pieces, trim)


def _octopus(dice: Dice, f: float) -> Draft:
    s, sides = dice.between(0.034, 0.044, "size"), sides_of(f, 30)
    at = np.array([0.0, 0.0, 1.15 * s])
    pieces = [blob([0.9 * s, 0.88 * s, 0.95 * s], at, MAIN, sides)]
    bend = spline([(0.3, 0.0, 0.5), (0.85, 0.0, 0.3), (1.35, 0.0, 0.2), (1.7, 0.0, 0.26)], 4)
    width = np.interp(np.linspace(0, 1, len(bend)), [0, 0.6, 1], [0.30, 0.2, 0.10])
    for i in range(7):
        a = 2 * np.pi * (i + 0.25) / 7
        turn = np.array([[np.cos(a), -np.sin(a), 0.0], [np.sin(a), np.cos(a), 0.0], [0.0, 0.0, 1.0]])
        arm = tube(bend * s, width * s, sides_of(f, 14)).in_cell(MAIN if i % 2 else THIRD)
        (hull,) = tube_parts(bend * s, width * s, 1)
        pieces.append((arm.moved([0, 0, 0], turn), hull @ turn.T))
    trim = _eyes(0.9 * s, at, 0.34)
    trim += [
        blob([0.17 * s, 0.06 * s, 0.19 * s], at + s * np.array([x, -0.76, 0.2]), WHITE, 14)[0] for x in (-0.3, 0.3)
    ]
    trim += [blob([0.16 * s, 0.05 * s, 0.06 * s], at + s * np.array([0.0, -0.86, -0.12]), RED, 12)[0]]
    return _soft(pieces, trim)


def _whale(dice: Dice, f: float) -> Draft:
    s, sides = dice.between(0.040, 0.050, "size"), sides_of(f, 30)
    body = np.array([0.92, 1.25, 0.74]) * s
    pieces = [blob(body, [0, 0, body[2]], MAIN, sides, foot=0.5)]
    bend = spline([(0.0, 0.8, 0.8), (0.0, 1.35, 0.85), (0.0, 1.75, 1.2)], 4) * s
    stem = tube(bend, np.linspace(0.5, 0.14, len(bend)) * s, sides_of(f, 18), across=(1, 0, 0))
    pieces.append((stem.in_cell(MAIN), stem.vertices))
    for x in (-1.0, 1.0):
        fluke = [0.32 * x * s, 1.86 * s, 1.3 * s]
        pieces.append(blob([0.42 * s, 0.22 * s, 0.09 * s], fluke, MAIN, 20, R=_tilt(0.5, -0.3 * x)))
        flipper = [0.92 * x * s, -0.25 * s, 0.5 * s]
        pieces.append(blob([0.42 * s, 0.24 * s, 0.09 * s], flipper, MAIN, 20, R=_tilt(0.0, 0.5 * x)))
    trim = [blob([0.78 * s, 1.1 * s, 0.5 * s], [0, -0.16 * s, 0.52 * s], WHITE, sides)[0]]
    trim += [blob([0.07 * s, 0.09 * s, 0.1 * s], [0.7 * x * s, -0.72 * s, 0.98 * s], DARK, 12)[0] for x in (-1, 1)]
    return _soft(pieces, trim)


def _soft(pieces: list[Piece], trim: list[Shape], more: tuple[Floats, ...] = ()) -> Draft:
    """The animal; `more` are convex parts of limbs that bend, which are seen as trim."""
    draft = assembled(pieces, trim, _FLUFF_KG_M3, "plush", _MATT)
    return replace(draft, parts=(*draft.parts, *more))


_ANIMALS: Mapping[str, Callable[[Dice, float], Draft]] = {
    "bear": _bear,
    "rabbit": _rabbit,
    "cat": _cat,
    "elephant": _elephant,
    "penguin": _penguin,
    "octopus": _octopus,
    "whale": _whale,
}


def soft_toy(dice: Dice, fineness: float) -> Draft:
    """A soft-looking animal; the kinds go round."""
    return _ANIMALS[dice.turn(tuple(_ANIMALS), "animal")](dice, fineness)

"""Hard toys: car, duck, train, stacking rings, boat, rocket, peg doll and robot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.dice import Dice
from eyehand.world.objects.household import Draft
from eyehand.world.objects.hulls import ring_hull
from eyehand.world.objects.pieces import (
    ALONG_X,
    DARK,
    GREY,
    MAIN,
    ORANGE,
    RED,
    SECOND,
    SKIN,
    TAN,
    THIRD,
    WHITE,
    YELLOW,
    Piece,
    assembled,
    blob,
    boxed,
    merged,
    near,
    wheel,
)
from eyehand.world.objects.solids import loft, pieces_of, sides_of, spline, tube, turned
from eyehand.world.objects.surface import Shape


def car(dice: Dice, f: float) -> Draft:
    """A toy car."""
    long, wide, n = dice.between(0.095, 0.125, "long"), dice.between(0.046, 0.056, "wide"), pieces_of(f, 3)
    sides = sides_of(f, 24)
    r, cabin = 0.0135, dice.between(0.42, 0.58, "cabin") * long
    back = dice.between(-0.12, 0.0, "back") * long
    pieces = [
        boxed([long, wide, 0.024], [0, 0, 0.009], MAIN, 0.007, n),
        boxed([cabin, 0.86 * wide, 0.024], [back, 0, 0.030], SECOND, 0.008, n),
    ]
    trim: list[Shape] = []
    for x in (-0.31 * long, 0.31 * long):
        for y in (-0.5 * wide, 0.5 * wide):
            pieces.append(wheel(r, 0.010, [x, y, r], DARK, sides))
            trim.append(wheel(0.5 * r, 0.012, [x, y, r], WHITE, sides)[0])
    trim += [boxed([0.8 * cabin, 0.87 * wide + 0.001, 0.011], [back, 0, 0.037], DARK, 0.002, n)[0]]
    trim += [boxed([cabin + 0.001, 0.68 * wide, 0.011], [back, 0, 0.037], DARK, 0.002, n)[0]]
    trim += [blob([0.003, 0.005, 0.005], [0.5 * long, y, 0.021], YELLOW, 12)[0] for y in (-0.3 * wide, 0.3 * wide)]
    trim += [blob([0.003, 0.004, 0.004], [-0.5 * long, y, 0.021], RED, 12)[0] for y in (-0.3 * wide, 0.3 * wide)]
    return assembled(pieces, trim, 500.0)


def _train(dice: Dice, f: float) -> Draft:
    long, n, sides = dice.between(0.10, 0.13, "long"), pieces_of(f, 3), sides_of(f, 24)
    r, boiler = 0.0125, dice.between(0.016, 0.020, "boiler")
    top, ys = 0.030 + 2 * boiler, (-0.024, 0.024)
    outline = [(0.9 * boiler, 0.0), (boiler, 0.003), (boiler, 0.55 * long), (0.9 * boiler, 0.56 * long)]
    drum = turned([(0.0, -0.002), *outline, (0.0, 0.56 * long)], sides).in_cell(MAIN)
    at = np.array([-0.10 * long, 0.0, 0.027 + boiler])
    funnel = [(0.007, 0.0), (0.006, 0.012), (0.011, 0.024), (0.011, 0.027)]
    chimney = turned([(0.0, 0.0), *funnel, (0.0, 0.027)], sides).in_cell(DARK)
    place = np.array([0.34 * long, 0.0, top - 0.006])
    cab = boxed([0.36 * long, 0.044, 0.042], [-0.31 * long, 0, 0.028], MAIN, 0.003, n)
    roof = boxed([0.42 * long, 0.050, 0.006], [-0.31 * long, 0, 0.070], THIRD, 0.0025, n)
    pieces: list[Piece] = [
        blob([0.010] * 3, [0.1 * long, 0, top - 0.004], YELLOW, sides),
        boxed([long, 0.044, 0.018], [0, 0, 0.011], SECOND, 0.003, n),
        (drum.moved(at, ALONG_X), ring_hull(outline, 16) @ ALONG_X.T + at),
        merged(cab, roof),
        (chimney.moved(place), ring_hull(funnel, 12) + place),
    ]
    for x in (-0.30 * long, 0.0, 0.30 * long):
        both = [(wheel(r, 0.008, [x, y, r], RED, sides), wheel(0.4 * r, 0.011, [x, y, r], YELLOW, sides)) for y in ys]
        pieces += [merged(*(part for side in both for part in side))]
    trim = [boxed([0.2 * long, 0.0455, 0.016], [-0.31 * long, 0, 0.047], DARK, 0.002, n)[0]]
    return assembled(pieces, trim, 550.0)


def _duck(dice: Dice, f: float) -> Draft:
    size, sides = dice.between(0.032, 0.042, "size"), sides_of(f, 28)
    coat = dice.pick((YELLOW, YELLOW, MAIN), "coat")
    body = np.array([1.25, 0.95, 0.78]) * size
    head, up = 0.62 * size, 0.95 * body[2]
    at = np.array([0.62 * size, 0.0, 2 * up + 0.35 * head])
    tail = spline([(-0.9 * size, up), (-1.35 * size, 1.25 * up), (-1.55 * size, 1.75 * up)], 4)
    tail3 = np.stack([tail[:, 0], 0 * tail[:, 0], tail[:, 1]], 1)
    flank = [[-0.15 * size, 0.88 * y * size, 1.1 * up] for y in (-1, 1)]
    wings = [blob([0.72 * size, 0.16 * size, 0.42 * size], place, coat, sides) for place in flank]
    pieces = [
        merged(blob(body, [0, 0, body[2]], coat, sides, foot=0.5), *wings),
        blob([head] * 3, at, coat, sides),
        blob([0.5 * head, 0.5 * head, 0.2 * head], near(at, 0.95 * head, 0, -0.12 * head), ORANGE, sides),
    ]
    rump = tube(tail3, np.linspace(0.42, 0.06, len(tail)) * size, sides_of(f, 16), 1.5).in_cell(coat)
    pieces.append((rump, rump.vertices))
    trim: list[Shape] = []
    for y in (-1, 1):
        eye = near(at, 0.74 * head, 0.56 * y * head, 0.3 * head)
        trim.append(blob([0.15 * head, 0.12 * head, 0.18 * head], eye, DARK, 12)[0])
    return assembled(pieces, trim, 350.0)


def _rings(dice: Dice, f: float) -> Draft:
    widest, count, sides = dice.between(0.042, 0.05, "wide"), dice.pick((4, 5), "count"), sides_of(f, 32)
    base = [(widest, 0.0), (widest * 1.02, 0.004), (widest * 0.98, 0.010), (0.9 * widest, 0.012)]
    pieces: list[Piece] = [(turned([(0, 0), *base, (0, 0.012)], sides).in_cell(TAN), ring_hull(base))]
    z, half = 0.012, 0.0085
    for i in range(count):
        r = widest * (0.95 - 0.6 * i / count)
        turn = np.radians(np.linspace(-90, 90, 2 * pieces_of(f, 4) + 1))
        rim = np.stack([r - half + half * np.cos(turn), z + half + half * np.sin(turn)], 1)
        disc = turned(np.concatenate([[(0.0, z)], rim, [(0.0, z + 2 * half)]]), sides)
        cell = (RED, ORANGE, YELLOW, SECOND, MAIN)[i % 5]
        pieces.append((disc.in_cell(cell), ring_hull(rim[[0, len(rim) // 2, -1]], 16)))
        z += 2 * half
    pieces.append(blob([0.012] * 3, [0, 0, z + 0.009], THIRD, sides_of(f, 20)))
    return assembled(pieces, [], 550.0)


def _boat(dice: Dice, f: float) -> Draft:
    long, wide, n = dice.between(0.11, 0.14, "long"), dice.between(0.042, 0.052, "wide"), 2 * pieces_of(f, 6)
    share = np.linspace(0.0, 1.0, n + 1)
    beam = 0.5 * wide * np.interp(share, [0, 0.15, 0.6, 0.85, 1], [0.78, 0.95, 1, 0.62, 0.04])
    deck = 0.026 + 0.010 * np.clip(share - 0.55, 0, 1) ** 2 * 4
    corners = np.array([(-1.0, 1.0), (-0.86, 0.35), (-0.5, 0.0), (0.5, 0.0), (0.86, 0.35), (1.0, 1.0)])
    along = np.tile((share - 0.5)[:, None] * long, (1, 6))
    rings = np.stack([along, beam[:, None] * corners[:, 0], deck[:, None] * corners[:, 1]], -1)
    hull = loft(np.concatenate([rings, rings[:, :1]], 1)).in_cell(MAIN)
    sides = sides_of(f, 20)
    funnel = [(0.008, 0.0), (0.008, 0.022)]
    at = np.array([-0.06 * long, 0.0, 0.054])
    chimney = turned([(0, 0), (0.008, 0), (0.008, 0.016), (0.0085, 0.016), (0.0085, 0.022), (0, 0.022)], sides)
    pieces: list[Piece] = [
        (hull, rings[:: max(1, n // 6)].reshape(-1, 3)),
        boxed([0.42 * long, 0.62 * wide, 0.020], [-0.1 * long, 0, 0.024], WHITE, 0.003, pieces_of(f, 3)),
        boxed([0.24 * long, 0.5 * wide, 0.014], [-0.06 * long, 0, 0.043], SECOND, 0.003, pieces_of(f, 3)),
        (chimney.in_cell(RED).moved(at), ring_hull(funnel, 12) + at),
    ]
    trim = [
        wheel(0.0045, 0.002, [x * long, s * 0.315 * wide, 0.034], DARK, 12)[0]
        for x in (-0.22, -0.1, 0.02)
        for s in (-1, 1)
    ]
    return assembled(pieces, trim, 450.0)


def _slab(outline_m: Floats, depth_m: float) -> Floats:
    """Rings (2, N + 1, 3) of a plate along y over an outline (N, 2) of (x, z), anticlockwise as seen from -y."""
    closed = np.concatenate([outline_m, outline_m[:1]])[::-1]
    rings = np.zeros((2, len(closed), 3))
    rings[..., 0], rings[..., 2] = closed[:, 0], closed[:, 1]
    rings[:, :, 1] = np.array([[-0.5], [0.5]]) * depth_m
    return rings


def _rocket(dice: Dice, f: float) -> Draft:
    r, h, sides = dice.between(0.020, 0.026, "r"), dice.between(0.11, 0.15, "h"), sides_of(f, 32)
    n = pieces_of(f, 5)
    lift = 0.016
    body = spline([(0.6 * r, lift), (r, lift + 0.3 * h), (0.86 * r, lift + 0.68 * h)], n)
    nose = spline([(0.86 * r, lift + 0.68 * h), (0.5 * r, lift + 0.88 * h), (0.0, lift + h)], n)
    tip = [(0.855 * r, lift + 0.675 * h), (0.0, lift + 0.675 * h)]
    tank = turned([(0.0, lift), *body[:-1], *tip], sides).in_cell(WHITE)
    cone = turned([(0.0, lift + 0.67 * h), *nose], sides).in_cell(MAIN)
    jet = [(0.62 * r, 0.004), (0.5 * r, lift + 0.002)]
    nozzle = turned([(0, 0.004), *jet, (0, lift + 0.002)], sides).in_cell(GREY)
    pieces: list[Piece] = [
        (tank, ring_hull(body)),
        (cone, ring_hull(nose[:: max(1, n // 2)])),
        (nozzle, ring_hull(jet, 12)),
    ]
    tail = [(0.5 * r, 0.3 * lift + 0.02), (1.75 * r, 0.0), (1.95 * r, 0.0), (1.8 * r, 0.12 * h)]
    fin_xz = np.array([(0.7 * r, 0.20 * h + lift), *tail, (r, 0.42 * h + lift)])
    for i in range(4):
        a = np.pi / 2 * i + np.pi / 4
        turn = np.array([[np.cos(a), -np.sin(a), 0.0], [np.sin(a), np.cos(a), 0.0], [0.0, 0.0, 1.0]])
        fin = loft(_slab(fin_xz, 0.005)).in_cell(SECOND).moved([0, 0, 0], turn)
        pieces.append((fin, fin.vertices))
    window = wheel(0.42 * r, 0.006, [0, -0.93 * r, lift + 0.5 * h], DARK, sides)[0]
    frame = wheel(0.52 * r, 0.004, [0, -0.92 * r, lift + 0.5 * h], SECOND, sides)[0]
    return assembled(pieces, [window, frame], 500.0)


def _peg_doll(dice: Dice, f: float) -> Draft:
    r, h, sides = dice.between(0.018, 0.024, "r"), dice.between(0.055, 0.075, "h"), sides_of(f, 32)
    n = pieces_of(f, 5)
    body = spline([(r, 0.0), (1.02 * r, 0.25 * h), (0.62 * r, h)], n)
    at = np.array([0.0, 0.0, h + 0.62 * r])
    collar = wheel(0.72 * r, 0.006, [0, 0, h - 0.004], SECOND, sides, np.eye(3))
    pieces: list[Piece] = [
        (turned([(0, 0), *body, (0, h)], sides).in_cell(MAIN), ring_hull(body[:: max(1, n // 2)])),
        blob([0.86 * r] * 3, at, SKIN, sides),
    ]
    hair = dice.pick((THIRD, DARK, RED), "hair")
    cap = blob([0.9 * r, 0.9 * r, 0.62 * r], near(at, 0.0, 0.10 * r, 0.42 * r), hair, sides)
    trim = [collar[0]]
    trim += [
        blob([0.1 * r, 0.06 * r, 0.12 * r], near(at, x * r, -0.82 * r, 0.02 * r), DARK, 12)[0] for x in (-0.28, 0.28)
    ]
    trim += [
        blob([0.12 * r, 0.05 * r, 0.07 * r], near(at, x * r, -0.72 * r, -0.22 * r), RED, 12)[0] for x in (-0.46, 0.46)
    ]
    trim += [blob([0.07 * r] * 3, [0, -0.96 * r, z * h], WHITE, 10)[0] for z in (0.35, 0.55)]
    return assembled([*pieces, cap], trim, 600.0)


def _robot(dice: Dice, f: float) -> Draft:
    w, n, sides = dice.between(0.040, 0.052, "w"), pieces_of(f, 3), sides_of(f, 20)
    deep, body = 0.6 * w, dice.between(0.038, 0.05, "body")
    leg, hip = 0.026, 0.022
    neck = hip + body
    pieces = [boxed([0.36 * w, 0.8 * deep, leg], [x * w, 0, 0], GREY, 0.003, n) for x in (-0.25, 0.25)]
    pieces += [boxed([w, deep, body], [0, 0, hip], MAIN, 0.005, n)]
    pieces += [boxed([0.78 * w, 0.9 * deep, 0.62 * w], [0, 0, neck + 0.004], SECOND, 0.005, n)]
    pieces += [
        boxed([0.2 * w, 0.5 * deep, 0.8 * body], [x * w, 0, neck - 0.85 * body], THIRD, 0.004, n) for x in (-0.62, 0.62)
    ]
    head = neck + 0.004 + 0.31 * w
    trim = [wheel(0.13 * w, 0.006, [x * w, -0.45 * deep, head + 0.06 * w], WHITE, sides)[0] for x in (-0.18, 0.18)]
    trim += [wheel(0.06 * w, 0.008, [x * w, -0.45 * deep, head + 0.06 * w], DARK, 12)[0] for x in (-0.18, 0.18)]
    trim += [boxed([0.36 * w, 0.006, 0.05 * w], [0, -0.45 * deep, head - 0.18 * w], DARK, 0.001, n)[0]]
    trim += [boxed([0.6 * w, 0.004, 0.4 * body], [0, -0.5 * deep, hip + 0.4 * body], WHITE, 0.001, n)[0]]
    trim += [
        wheel(0.05 * w, 0.008, [x * w, -0.5 * deep, hip + 0.6 * body], c, 12)[0]
        for x, c in ((-0.17, RED), (0, YELLOW), (0.17, THIRD))
    ]
    mast = tube([[0, 0, head + 0.2 * w], [0, 0, head + 0.5 * w]], 0.0018, 8).in_cell(GREY)
    pieces.append(merged((mast, mast.vertices), blob([0.005] * 3, [0, 0, head + 0.52 * w], RED, 12)))
    trim += [wheel(0.12 * w, 0.9 * w, [0, 0, head], GREY, sides, ALONG_X)[0]]
    return assembled(pieces, trim, 500.0)


_TOYS: Mapping[str, Callable[[Dice, float], Draft]] = {
    "car": car,
    "duck": _duck,
    "train": _train,
    "rings": _rings,
    "boat": _boat,
    "rocket": _rocket,
    "peg_doll": _peg_doll,
    "robot": _robot,
}


def toy(dice: Dice, fineness: float) -> Draft:
    """A hard toy: car, duck, train, stacking rings, boat, rocket, peg doll or robot."""
    return _TOYS[dice.turn(tuple(_TOYS), "style")](dice, fineness)

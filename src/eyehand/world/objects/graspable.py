"""Objects for grasping from above: ten hard ones for training, six soft-looking ones that training never shows.

They are small enough for a hand that opens 80 mm, mostly longer than wide, and lie or stand as one finds them on a
table. The held-out ones have other shapes and proportions, after the six semi-compliant objects of Pedersen, Misimi
and Chaumette (ICRA 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.dice import Dice
from eyehand.world.objects.grasps import good_grasps
from eyehand.world.objects.household import Draft, HouseholdObject, Split, finished, splits_of
from eyehand.world.objects.hulls import box_hull, ring_hull
from eyehand.world.objects.packages import can
from eyehand.world.objects.pieces import (
    ALONG_X,
    DARK,
    GREY,
    MAIN,
    ORANGE,
    SECOND,
    TAN,
    THIRD,
    WHITE,
    Piece,
    assembled,
    blob,
    boxed,
    merged,
)
from eyehand.world.objects.solids import pieces_of, rounded_box, sides_of, spline, tube, turned
from eyehand.world.objects.surface import Shape
from eyehand.world.objects.tableware import mug
from eyehand.world.objects.toys import car

_PLASTIC_KG_M3 = 500.0
_CLOTH_KG_M3 = 150.0
_CLOTH_GLOSS = (0.05, 0.05)


def _lying(outline: Floats | list[tuple[float, float]], cell: int, fineness: float, radius: float) -> Piece:
    """A turned piece with its axis along x at height `radius`; the hull has a facet below."""
    stations = np.asarray(outline, dtype=float)
    profile = np.concatenate([[[0.0, stations[0, 1]]], stations, [[0.0, stations[-1, 1]]]])
    at = np.array([0.0, 0.0, radius])
    half = np.pi / 24
    facet = np.array([[np.cos(half), -np.sin(half), 0.0], [np.sin(half), np.cos(half), 0.0], [0.0, 0.0, 1.0]])
    hull = ring_hull(stations, 24) @ facet.T @ ALONG_X.T + at
    return turned(profile, sides_of(fineness, 28)).in_cell(cell).moved(at, ALONG_X), hull


def _banana(f: float) -> Draft:
    points = [(-0.088, 0.0, 0.052), (-0.074, 0.0, 0.042), (-0.045, 0.0, 0.024), (0.0, 0.0, 0.0165)]
    points += [(0.045, 0.0, 0.024), (0.07, 0.0, 0.040), (0.078, 0.0, 0.050)]
    upright = spline(points, pieces_of(f, 5))
    share = np.linspace(0.0, 1.0, len(upright))
    width = np.interp(share, [0, 0.12, 0.2, 0.5, 0.85, 0.97, 1], [0.005, 0.006, 0.015, 0.0175, 0.014, 0.006, 0.004])
    path = np.column_stack([upright[:, 0], upright[:, 2], width])  # lies on its side, all along
    skin = tube(path, width, 2 * pieces_of(f, 5), across=(0, 0, 1))
    cell = skin.uv * np.array([1.0, 0.7]) + np.array([0.0, 0.15])
    rings = skin.vertices.reshape(len(path) + 2, -1, 3)[1:-1]
    cuts = [round(i * (len(path) - 1) / 4) for i in range(5)]
    parts = tuple(rings[low : high + 1].reshape(-1, 3) for low, high in pairwise(cuts))
    return Draft(Shape(skin.vertices, skin.faces, cell), parts, 900.0, (0.95, 0.80, 0.25), gloss=(0.2, 0.3))


def _screwdriver(f: float) -> Draft:
    grip = [(0.011, -0.095), (0.0145, -0.090), (0.0145, -0.05), (0.0145, -0.022), (0.0135, -0.015), (0.008, -0.006)]
    handle = _lying(spline(grip, pieces_of(f, 4)), MAIN, f, 0.0145)
    collar = _lying([(0.0075, -0.008), (0.0075, 0.002)], DARK, f, 0.0145)
    shaft = _lying([(0.0032, 0.0), (0.0032, 0.078), (0.0022, 0.085)], GREY, f, 0.0145)
    return assembled([handle, merged(collar, shaft)], [], 1100.0)


def _marker(f: float) -> Draft:
    body = _lying([(0.0095, -0.065), (0.0105, -0.063), (0.0105, 0.02)], WHITE, f, 0.0115)
    cap = _lying([(0.0115, 0.018), (0.0115, 0.060), (0.0095, 0.066)], MAIN, f, 0.0115)
    band = _lying([(0.0108, -0.045), (0.0108, -0.038)], MAIN, f, 0.0115)
    return assembled([merged(body, cap)], [band[0]], 800.0)


def _hammer(f: float) -> Draft:
    shaft = _lying([(0.010, -0.12), (0.0125, -0.115), (0.0105, -0.03), (0.0095, 0.05)], TAN, f, 0.0125)
    n = pieces_of(f, 3)
    head = boxed([0.028, 0.075, 0.026], [0.06, 0.0, 0.0], GREY, 0.004, n)
    face = boxed([0.031, 0.014, 0.029], [0.06, -0.032, 0.0], DARK, 0.005, n)
    return assembled([shaft, merged(head, face)], [], 900.0)


def _brick(f: float) -> Draft:
    size = [0.092, 0.043, 0.034]
    shape = rounded_box(size, 0.002, pieces_of(f, 4))
    return Draft(shape, (box_hull(size),), 600.0, texture="wood", gloss=(0.2, 0.3))


def _carton(f: float) -> Draft:
    size = [0.105, 0.060, 0.038]
    shape = rounded_box(size, 0.002, pieces_of(f, 4))
    return Draft(shape, (box_hull(size),), 400.0, texture="carton", gloss=(0.15, 0.2), friction=0.5)


def _small_can(f: float) -> Draft:
    draft = can(Dice("graspable/can", 0), f)
    factors = np.array([0.7, 0.7, 0.8])
    return replace(draft, shape=draft.shape.scaled(factors), parts=tuple(part * factors for part in draft.parts))


def _bottle(f: float) -> Draft:
    r, n = 0.024, pieces_of(f, 4)
    neck = spline([(r, 0.015), (0.8 * r, 0.038), (0.4 * r, 0.056), (0.36 * r, 0.066)], n)
    outline = np.concatenate([[(r - 0.003, -0.0525), (r, -0.05)], neck])
    body = _lying(outline, SECOND, f, r)
    cap = _lying([(0.011, 0.066), (0.011, 0.083), (0.009, 0.085)], THIRD, f, r)
    label = _lying([(r + 0.0003, -0.035), (r + 0.0003, 0.008)], WHITE, f, r)
    return assembled([body, cap], [label[0]], 900.0)


def _car(f: float) -> Draft:
    return car(Dice("graspable/car", 0), f)


def _small_mug(f: float) -> Draft:
    draft = mug(Dice("graspable/mug", 0), f)
    return replace(
        draft, shape=draft.shape.scaled(0.8), parts=tuple(0.8 * part for part in draft.parts), density_kg_m3=2300.0
    )


def _sponge(f: float) -> Draft:
    size = [0.098, 0.062, 0.030]
    shape = rounded_box(size, 0.007, pieces_of(f, 5))
    return Draft(shape, (box_hull(size, 0.0055),), 80.0, (0.55, 0.78, 0.30), gloss=_CLOTH_GLOSS, friction=0.9)


def _pillow(f: float) -> Draft:
    """A bean bag: a square that swells towards its middle and has pointed corners."""
    ball = blob([1.0, 1.0, 1.0], [0.0, 0.0, 0.0], MAIN, sides_of(f, 44))[0]
    v = ball.vertices
    flat = np.maximum(np.abs(v[:, :2]).max(1, keepdims=True), 1e-9)
    square = v[:, :2] / flat * np.linalg.norm(v[:, :2], axis=1, keepdims=True)  # circles become squares
    pinch = 0.92 + 0.08 * np.abs(square[:, :1] * square[:, 1:])
    height = np.sign(v[:, 2]) * np.abs(v[:, 2]) ** 0.8 * (1.0 - 0.55 * (square**2).max(1) ** 2)
    points = np.column_stack([square * pinch * np.array([0.034, 0.046]), 0.019 * height])
    points[:, 2] = np.maximum(points[:, 2], -0.0165)  # lies flat
    shape = Shape(points, ball.faces, ball.uv)
    return Draft(shape, (points,), 200.0, texture="plush", gloss=_CLOTH_GLOSS, friction=0.9)


def _fish(f: float) -> Draft:
    body = blob([0.056, 0.026, 0.030], [0.0, 0.0, 0.030], MAIN, sides_of(f, 30), foot=0.5)
    tail = merged(*(blob([0.024, 0.006, 0.013], [-0.064, 0.0, 0.030 + z], THIRD, 18) for z in (-0.011, 0.011)))
    fin = blob([0.022, 0.005, 0.014], [-0.004, 0.0, 0.060], THIRD, 18)
    trim = [blob([0.006, 0.004, 0.006], [0.036, y, 0.036], WHITE, 14)[0] for y in (-0.0185, 0.0185)]
    trim += [blob([0.003, 0.003, 0.003], [0.038, y, 0.037], DARK, 12)[0] for y in (-0.0205, 0.0205)]
    return assembled([body, tail, fin], trim, _CLOTH_KG_M3, "plush", _CLOTH_GLOSS)


def _caterpillar(f: float) -> Draft:
    beads: list[Piece] = []
    for i in range(5):
        r = 0.021 - 0.001 * i
        beads.append(blob([r] * 3, [-0.030 * i, 0.006 * (-1) ** i, r], (MAIN, THIRD)[i % 2], sides_of(f, 24), foot=0.3))
    beads.append(blob([0.024] * 3, [0.032, 0.0, 0.026], SECOND, sides_of(f, 26)))
    trim = [blob([0.004] * 3, [0.0515, y, 0.033], DARK, 12)[0] for y in (-0.009, 0.009)]
    trim += [blob([0.005] * 3, [0.034, y, 0.0475], ORANGE, 12)[0] for y in (-0.010, 0.010)]
    return assembled(beads, trim, _CLOTH_KG_M3, "plush", _CLOTH_GLOSS)


def _roll(f: float) -> Draft:
    """A rolled towel."""
    turn = np.linspace(0.0, np.pi / 2, pieces_of(f, 4) + 1)
    end = np.stack([0.027 + 0.006 * np.sin(turn), -0.062 + 0.006 * (1 - np.cos(turn))], 1)
    outline = np.concatenate([end, (end * np.array([1.0, -1.0]))[::-1]])
    piece = _lying(outline, MAIN, f, 0.033)
    bands = [_lying([(0.0334, x - 0.006), (0.0334, x + 0.006)], THIRD, f, 0.033)[0] for x in (-0.04, 0.04)]
    return assembled([piece], bands, _CLOTH_KG_M3, "plush", _CLOTH_GLOSS)


def _ring(f: float) -> Draft:
    """A plush ring to throw."""
    turn = np.linspace(-np.pi / 2, 1.5 * np.pi, 4 * pieces_of(f, 5) + 1)
    section = np.stack([0.043 + 0.014 * np.cos(turn), 0.014 + 0.014 * np.sin(turn)], 1)
    section[-1] = section[0]
    shape = turned(section, 2 * sides_of(f, 20))
    parts: list[Floats] = []
    for i in range(8):
        angles = np.pi / 4 * (i + np.linspace(0.0, 1.0, 5))
        slices = [np.column_stack([section[:, :1] * (np.cos(a), np.sin(a)), section[:, 1]]) for a in angles]
        parts.append(np.concatenate(slices))
    shape = Shape(shape.vertices, shape.faces, shape.uv * np.array([3.0, 1.0]))
    return Draft(shape, tuple(parts), _CLOTH_KG_M3, texture="cloth", gloss=_CLOTH_GLOSS, friction=0.9)


_MAKERS: Mapping[Split, Mapping[str, Callable[[float], Draft]]] = {
    "train": {
        "banana": _banana,
        "screwdriver": _screwdriver,
        "marker": _marker,
        "hammer": _hammer,
        "brick": _brick,
        "carton": _carton,
        "can": _small_can,
        "car": _car,
        "mug": _small_mug,
        "bottle": _bottle,
    },
    "held_out": {
        "sponge": _sponge,
        "pillow": _pillow,
        "fish": _fish,
        "caterpillar": _caterpillar,
        "roll": _roll,
        "ring": _ring,
    },
}


@lru_cache(maxsize=8)
def _of_split(split: Split, fineness: float) -> tuple[HouseholdObject, ...]:
    made: list[HouseholdObject] = []
    for seed, (kind, make) in enumerate(_MAKERS[split].items()):
        thing = finished(make(fineness), f"graspable_{kind}", kind, split, seed)
        made.append(replace(thing, grasps=good_grasps(thing)))
    return tuple(made)


def graspable_objects(split: str = "train", fineness: float = 1.0) -> tuple[HouseholdObject, ...]:
    """Ten objects to learn grasping with and six to test it on, each with 2 to 10 good grasps, best first.

    Args:
        split: "train", "held_out" or "all".
        fineness: as for `eyehand.world.objects.catalogue.household_objects`.

    Raises:
        UnknownNameError: another split was asked for.
    """
    return tuple(thing for part in splits_of(split) for thing in _of_split(part, float(fineness)))

"""Cartons, cans and bottles: closed things with a printed outside."""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.dice import Dice
from eyehand.world.objects.household import Draft
from eyehand.world.objects.hulls import box_hull, stacked
from eyehand.world.objects.solids import arc, pieces_of, rounded_box, sides_of, spline, turned


def box(dice: Dice, fineness: float) -> Draft:
    """A carton: cereal, tea, tissues or juice."""
    style = dice.turn(("cereal", "tea", "tissues", "juice"), "style")
    low, high = {
        "cereal": ((0.13, 0.045, 0.18), (0.17, 0.065, 0.23)),
        "tea": ((0.09, 0.06, 0.06), (0.14, 0.08, 0.09)),
        "tissues": ((0.11, 0.10, 0.07), (0.20, 0.12, 0.10)),
        "juice": ((0.05, 0.04, 0.10), (0.07, 0.06, 0.18)),
    }[style]
    size = [dice.between(a, b, f"size/{i}") for i, (a, b) in enumerate(zip(low, high, strict=True))]
    shape = rounded_box(size, 0.0025, pieces_of(fineness, 4))
    return Draft(shape, (box_hull(size),), 260.0, texture="carton", gloss=(0.15, 0.2), friction=0.5)


def _layers(outline: Floats, cap_m: float, v_cap: float) -> Floats:
    """Texture rows (N,) of an outline (N, 2): the cap's share on top, the rest by height."""
    z, top = outline[:, 1], outline[-1, 1]
    below = np.clip(z / cap_m, 0.0, 1.0)
    above = np.clip((z - cap_m) / max(top - cap_m, 1e-9), 0.0, 1.0)
    return np.where(z <= cap_m + 1e-9, 1.0 - (1.0 - v_cap) * below, v_cap * (1.0 - above))


def can(dice: Dice, fineness: float) -> Draft:
    """A food can with beaded metal rims and a paper label, or a drink can with a waist."""
    tall = dice.share("tall") < 0.4
    radius = dice.between(0.031, 0.034, "radius") if tall else dice.between(0.036, 0.046, "radius")
    height = dice.between(0.11, 0.15, "height") if tall else dice.between(0.07, 0.11, "height")
    neck = 0.84 if tall else 0.96
    low = np.array([[neck * radius, 0.0], [neck * radius, 0.002], [radius, 0.004 + (1 - neck) * radius]])
    high = np.array([[0.0, height]]) + low[::-1] * np.array([1.0, -1.0])
    lid = np.array([[neck * radius - 0.002, height], [neck * radius - 0.003, height - 0.003], [0.0, height - 0.003]])
    share = np.linspace(0.0, 1.0, 2 + pieces_of(fineness, 4))[1:-1, None]
    wall = (1.0 - share) * low[-1] + share * high[0]
    outline = np.concatenate([low, wall, high])
    edge = low[-1, 1]
    v = np.interp(outline[:, 1], [0.0, edge, height - edge, height], [0.985, 0.86, 0.14, 0.04])
    rows = np.concatenate([[1.0], v, [0.03, 0.02, 0.0]])
    shape = turned(np.concatenate([[[0.0, 0.0]], outline, lid]), sides_of(fineness, 44), rows)
    return Draft(shape, stacked(outline, ()), 1000.0, texture="label", gloss=(0.5, 0.5), friction=0.45)


def bottle(dice: Dice, fineness: float) -> Draft:
    """A bottle with a screw cap: wine, sauce, milk or lotion."""
    style = dice.turn(("wine", "sauce", "milk", "flask"), "style")
    radius, height, shoulder, neck = {
        "wine": (dice.between(0.034, 0.040, "r"), dice.between(0.24, 0.29, "h"), 0.62, 0.38),
        "sauce": (dice.between(0.028, 0.035, "r"), dice.between(0.16, 0.20, "h"), 0.58, 0.42),
        "milk": (dice.between(0.036, 0.043, "r"), dice.between(0.17, 0.22, "h"), 0.66, 0.55),
        "flask": (dice.between(0.034, 0.042, "r"), dice.between(0.12, 0.16, "h"), 0.72, 0.5),
    }[style]
    n = pieces_of(fineness, 5)
    foot = arc((radius - 0.005, 0.005), 0.005, -90.0, 0.0, n)
    cap = 0.86 * height
    bend = (0.92 * radius, (shoulder + 0.05) * height)
    slope = spline(
        [(radius, shoulder * height), bend, (neck * radius * 1.08, 0.80 * height), (neck * radius, 0.85 * height)],
        n,
    )
    wide = neck * radius + 0.003
    top = np.concatenate([[(wide, cap + 0.0005)], arc((wide - 0.002, height - 0.002), 0.002, 0.0, 90.0, n)])
    body = np.concatenate([foot, slope, [(neck * radius, cap)]])
    outline = np.concatenate([body, top])
    v = np.concatenate([_layers(body, cap, 0.125), np.linspace(0.11, 0.02, len(top))])
    profile = np.concatenate([[[0.0, 0.0]], outline, [[0.0, height]]])
    shape = turned(profile, sides_of(fineness, 40), np.concatenate([[1.0], v, [0.0]]))
    rising = outline[np.concatenate([[True], np.diff(outline[:, 1]) > 1e-6])]
    parts = stacked(rising, (shoulder * height, 0.80 * height, cap))
    return Draft(shape, parts, 950.0, texture="bottle", gloss=(0.7, 0.7), friction=0.45)

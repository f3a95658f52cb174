"""Plates, bowls, cups, mugs, glasses and teapots: turned vessels with a wall, some with a handle or a spout."""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.dice import GLAZES, Dice
from eyehand.world.objects.household import Draft
from eyehand.world.objects.hulls import radius_at, stacked, tube_parts, vessel_parts
from eyehand.world.objects.solids import arc, pieces_of, sides_of, spline, tube, turned, vessel
from eyehand.world.objects.surface import Shape, join

_CERAMIC_KG_M3 = 2300.0
_GLASS_KG_M3 = 2500.0
_GLAZED = (0.5, 0.6)
_GLASS_GLOSS = (0.9, 0.9)
_PRINTS = ("", "band", "glaze", "", "dots", "stripes", "speckle")


def _painted(dice: Dice, kinds: tuple[str, ...]) -> tuple[tuple[float, float, float], str]:
    """Colour and texture of a glazed thing: plain glaze or white with a print."""
    kind = dice.turn(kinds, "print")
    return ((1.0, 1.0, 1.0), kind) if kind else (dice.colour("glaze", GLAZES), "")


def plate(dice: Dice, fineness: float) -> Draft:
    """A flat or deep plate, 18 to 26 cm across, on a foot ring."""
    radius, height = dice.between(0.088, 0.128, "radius"), dice.between(0.016, 0.030, "height")
    foot = 0.58 * radius
    well = dice.between(0.66, 0.78, "well") * radius
    wall = spline(
        [(foot, 0.0), (foot + 0.003, 0.0025), (well, 0.35 * height), (well + 0.08 * radius, 0.7 * height)],
        pieces_of(fineness),
    )
    rim = spline([wall[-1], (0.93 * radius, 0.9 * height), (radius, height)], pieces_of(fineness, 3))[1:]
    hollow = vessel(np.concatenate([wall, rim]), 0.0042, 0.0062)
    rgb, kind = _painted(dice, ("", "rim", "rings", "", "wreath"))
    return Draft(
        hollow.shape(sides_of(fineness, 56)), vessel_parts(hollow, 7), _CERAMIC_KG_M3, rgb, kind, _GLAZED, friction=0.4
    )


def bowl(dice: Dice, fineness: float) -> Draft:
    """A bowl, 11 to 18 cm across."""
    radius, height = dice.between(0.055, 0.09, "radius"), dice.between(0.045, 0.075, "height")
    foot = dice.between(0.42, 0.55, "foot") * radius
    belly = dice.between(0.80, 0.95, "belly")
    outline = [(foot, 0.0), (foot + 0.001, 0.005), (belly * radius, 0.48 * height), (radius, height)]
    hollow = vessel(spline(outline, pieces_of(fineness, 5)), dice.between(0.0035, 0.005, "wall"), 0.0095)
    rgb, kind = _painted(dice, _PRINTS)
    return Draft(
        hollow.shape(sides_of(fineness, 48), kind), vessel_parts(hollow, 7), _CERAMIC_KG_M3, rgb, kind, _GLAZED
    )


def _handle(top: tuple[float, float], bottom: tuple[float, float], reach_m: float, pieces: int) -> Floats:
    """Centres (N, 3) of a handle that bulges along +x between two points (x, z)."""
    (x1, z1), (x0, z0) = top, bottom
    points = [(x1, z1), (x1 + 0.75 * reach_m, z1 + 0.002), (max(x0, x1) + reach_m, 0.5 * (z0 + z1) + 0.004)]
    points += [(x0 + 0.7 * reach_m, z0 + 0.002), (x0, z0)]
    curve = spline(points, pieces)
    return np.stack([curve[:, 0], np.zeros(len(curve)), curve[:, 1]], 1)


def _repainted(limb: Shape) -> Shape:
    """A handle or spout with the part of the texture that the outside of the body shows."""
    return Shape(limb.vertices, limb.faces, limb.uv * np.array([1.0, 0.6]) + np.array([0.0, 0.05]))


def _with_handle(dice: Dice, fineness: float, outline: Floats, wall_m: float, prints: tuple[str, ...]) -> Draft:
    """A vessel of an outline (N, 2) with a handle along +x and one of the prints."""
    height = outline[-1, 1]
    hollow = vessel(outline, wall_m, 0.007)
    z = height * dice.between(0.76, 0.86, "handle/top"), height * dice.between(0.2, 0.32, "handle/bottom")
    x = [radius_at(outline, each) - 0.5 * wall_m for each in z]
    thick = dice.between(0.0042, 0.006, "handle/thick")
    path = _handle((x[0], z[0]), (x[1], z[1]), dice.between(0.024, 0.034, "handle/reach"), pieces_of(fineness, 5))
    flat = dice.between(1.2, 1.8, "handle/flat")
    grip = tube(path, thick, max(6, sides_of(fineness, 12)), flat)
    grip = _repainted(grip)
    parts = (*vessel_parts(hollow, 6), *tube_parts(path, thick, 1, flat))
    rgb, kind = _painted(dice, prints)
    shape = join([hollow.shape(sides_of(fineness), kind), grip])
    return Draft(shape, parts, _CERAMIC_KG_M3, rgb, kind, _GLAZED)


def mug(dice: Dice, fineness: float) -> Draft:
    """A coffee mug: straight, tapered or bellied."""
    radius, height = dice.between(0.036, 0.045, "radius"), dice.between(0.08, 0.11, "height")
    style = dice.turn(("straight", "tapered", "belly"), "style")
    foot = radius * {"straight": 0.94, "tapered": 0.78, "belly": 0.72}[style]
    middle = radius * {"straight": 1.0, "tapered": 0.9, "belly": 1.08}[style]
    wall = spline([(foot, 0.004), (middle, 0.45 * height), (radius, height)], pieces_of(fineness, 5))
    outline = np.concatenate([arc((foot - 0.004, 0.004), 0.004, -90.0, 0.0, 2)[:-1], wall])
    return _with_handle(dice, fineness, outline, dice.between(0.0032, 0.0042, "wall"), _PRINTS)


def cup(dice: Dice, fineness: float) -> Draft:
    """A tea cup: low, wide open, on a small foot."""
    radius, height = dice.between(0.040, 0.050, "radius"), dice.between(0.052, 0.066, "height")
    foot = 0.55 * radius
    outline = spline(
        [(foot, 0.0), (foot + 0.001, 0.005), (0.84 * radius, 0.42 * height), (radius, height)], pieces_of(fineness, 5)
    )
    return _with_handle(dice, fineness, outline, 0.003, ("band", "", "speckle", "glaze", "dots", ""))


def glass(dice: Dice, fineness: float) -> Draft:
    """A tumbler, a beaker or a goblet on a stem, of tinted glass."""
    style = dice.turn(("tumbler", "goblet", "beaker"), "style")
    radius = dice.between(0.032, 0.039, "radius")
    height = dice.between(0.085, 0.125, "height") + (0.04 if style == "goblet" else 0.0)
    n = pieces_of(fineness, 5)
    tint = dice.turn([(0.78, 0.90, 0.92), (0.82, 0.92, 0.82), (0.60, 0.78, 0.90), (0.92, 0.84, 0.70)], "tint")
    if style == "goblet":
        cup_foot = 0.42 * height
        stem = [(0.030, 0.0), (0.030, 0.003), (0.008, 0.010), (0.0045, 0.3 * height), (0.008, cup_foot)]
        wall = [(0.75 * radius, cup_foot + 0.02), (radius, 0.72 * height), (0.86 * radius, height)]
        outline = np.concatenate([np.array(stem[:2]), spline([*stem[1:], *wall], n)[1:]])
        hollow = vessel(outline, 0.0025, cup_foot + 0.006)
        return Draft(
            hollow.shape(sides_of(fineness)),
            vessel_parts(hollow, 6),
            _GLASS_KG_M3,
            tint,
            "",
            _GLASS_GLOSS,
            friction=0.4,
        )
    foot = radius * (0.96 if style == "beaker" else dice.between(0.72, 0.82, "foot"))
    outline = np.concatenate([[(foot - 0.002, 0.0)], spline([(foot, 0.002), (radius, height)], n)])
    hollow = vessel(outline, 0.0025, 0.010)
    return Draft(
        hollow.shape(sides_of(fineness)), vessel_parts(hollow, 7), _GLASS_KG_M3, tint, "", _GLASS_GLOSS, friction=0.4
    )


def teapot(dice: Dice, fineness: float) -> Draft:
    """A teapot with spout, handle and a lid with a knob."""
    radius, height = dice.between(0.060, 0.075, "radius"), dice.between(0.085, 0.115, "height")
    n = pieces_of(fineness, 6)
    neck = 0.52 * radius
    body = spline(
        [
            (0.55 * radius, 0.0),
            (0.62 * radius, 0.006),
            (radius, dice.between(0.38, 0.5, "belly") * height),
            (neck, height),
        ],
        n,
    )
    lid = spline([(neck + 0.002, height), (0.8 * neck, height + 0.009), (0.010, height + 0.013)], n)
    knob = arc((0.0, height + 0.022), 0.011, -62.0, 90.0, 2 * n)
    knob[-1, 0] = 0.0
    profile = np.concatenate([[(0.0, 0.0)], body, lid, knob])
    sides = sides_of(fineness, 48)
    v = np.concatenate([[0.99], 0.99 - 0.93 * np.minimum(profile[1:, 1] / height, 1.05)])
    pot = turned(profile, sides, v)
    pot = Shape(pot.vertices, pot.faces, pot.uv * np.array([3.0, 1.0]))
    x, tip = 0.82 * radius, radius + dice.between(0.045, 0.06, "spout")
    bend = [(x + 0.035, 0.42 * height), (tip - 0.008, 0.78 * height)]
    spout = spline([(x, 0.3 * height), *bend, (tip + 0.006, 0.98 * height)], n)
    width = np.interp(np.linspace(0, 1, len(spout)), [0, 0.35, 1], [0.019, 0.013, 0.0085])
    spout3 = np.stack([-spout[:, 0], np.zeros(len(spout)), spout[:, 1]], 1)
    nose = tube(spout3, width, max(8, sides_of(fineness, 20)))
    z = 0.82 * height, 0.22 * height
    at = [radius_at(body, each) - 0.004 for each in z]
    path = _handle((at[0], z[0]), (at[1], z[1]), dice.between(0.034, 0.042, "handle"), n)
    grip = tube(path, 0.0058, max(6, sides_of(fineness, 12)), 1.4)
    outline = np.concatenate([body, lid[1:], knob])
    outline = outline[np.concatenate([[True], np.diff(outline[:, 1]) > 1e-6])]
    parts = (
        *stacked(outline, (0.45 * height, height, height + 0.013)),
        *tube_parts(spout3, width, 2),
        *tube_parts(path, 0.0058, 2, 1.4),
    )
    rgb, kind = _painted(dice, ("", "speckle", "band", "glaze", "", "dots"))
    shapes = [pot, *(_repainted(shape) for shape in (nose, grip))]
    return Draft(join(shapes), parts, 900.0, rgb, kind, _GLAZED)

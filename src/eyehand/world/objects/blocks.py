"""Balls and building blocks."""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.dice import COLOURS, Dice
from eyehand.world.objects.household import Draft
from eyehand.world.objects.hulls import box_hull, ellipsoid_hull, ring_hull
from eyehand.world.objects.pieces import LACQUER
from eyehand.world.objects.solids import ellipsoid, loft, pieces_of, rounded_box, rounded_prism, sides_of, turned

_WOOD_KG_M3 = 650.0
_BRIGHT = COLOURS[:10]


def ball(dice: Dice, fineness: float) -> Draft:
    """A ball, 5 to 9 cm across; its collision shape has a small flat spot to lie on."""
    radius = dice.between(0.026, 0.045, "radius")
    shape = ellipsoid([radius] * 3, sides_of(fineness, 36))
    hull = ellipsoid_hull([radius] * 3, foot=0.14, sides=24)
    return Draft(shape, (hull,), 250.0, texture="ball", gloss=(0.3, 0.4), friction=0.8)


def block(dice: Dice, fineness: float) -> Draft:
    """A building block: cube with signs, brick, cylinder, roof or bridge."""
    style = dice.turn(("cube", "brick", "cylinder", "roof", "bridge"), "style")
    edge = dice.between(0.034, 0.046, "edge")
    rgb, n = dice.colour("paint", _BRIGHT), pieces_of(fineness, 4)
    if style == "cube":
        shape, parts = rounded_box([edge] * 3, 0.002, n), (box_hull([edge] * 3),)
        return Draft(shape, parts, _WOOD_KG_M3, texture="blocks", gloss=(0.2, 0.3))
    if style == "brick":
        size = [2 * edge, edge, dice.between(0.5, 1.0, "height") * edge]
        wooden = dice.share("wood") < 0.5
        shape, parts = rounded_box(size, 0.002, n), (box_hull(size),)
        return Draft(shape, parts, _WOOD_KG_M3, (1.0, 1.0, 1.0) if wooden else rgb, "wood" if wooden else "")
    if style == "cylinder":
        radius, height, bevel = 0.5 * edge, dice.between(1.0, 2.0, "height") * edge, 0.0015
        outline = [(radius - bevel, 0.0), (radius, bevel), (radius, height - bevel), (radius - bevel, height)]
        shape = turned([(0.0, 0.0), *outline, (0.0, height)], sides_of(fineness, 56))
        return Draft(shape, (ring_hull(outline, 24),), _WOOD_KG_M3, rgb, "", LACQUER)
    if style == "roof":
        outline = [(-edge, 0.0), (edge, 0.0), (0.0, edge)]
        hull = rounded_prism(outline, edge, 0.002, 1).vertices
        return Draft(rounded_prism(outline, edge, 0.002, n), (hull,), _WOOD_KG_M3, rgb, "", LACQUER)
    return _bridge(edge, rgb, fineness)


def _bridge(edge: float, rgb: tuple[float, float, float], fineness: float) -> Draft:
    """A block with a round arch cut out of its lower side."""
    turn = np.linspace(np.pi, 0.0, 4 * pieces_of(fineness, 6) + 1)
    radius = 0.52 * edge
    under = np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1)
    over_x = np.clip(under[:, 0] * 3.0, -edge, edge)
    rings: list[Floats] = []
    for (x, z), top_x in zip(under, over_x, strict=True):  # a slice from the arch up to the top, from -x to +x
        ring = [(x, -0.5, z), (x, 0.5, z), (top_x, 0.5, edge), (top_x, -0.5, edge)]
        rings.append(np.array([*ring, ring[0]]) * np.array([1.0, edge, 1.0]))
    slices = np.stack(rings)
    low = slices[[0, -1]].copy()
    low[:, 2:4, 0] = [[-edge] * 2, [edge] * 2]
    low[:, 2:4, 2] = 0.0
    body = np.concatenate([low[:1], slices, low[1:]])
    return Draft(loft(body), _bridge_parts(edge, radius), _WOOD_KG_M3, rgb, "", LACQUER)


def _bridge_parts(edge: float, radius: float) -> tuple[Floats, ...]:
    """Four wedges around the arch, each over a polygon (x, z)."""
    flank = radius * np.sqrt(0.5)
    leg = [(radius, 0.0), (edge, 0.0), (edge, edge), (flank, edge), (flank, flank)]
    top = [(flank, flank), (flank, edge), (0.0, edge), (0.0, radius)]
    wedges = [np.array([[x, y, z] for x, z in outline for y in (-0.5 * edge, 0.5 * edge)]) for outline in (leg, top)]
    return (*wedges, *(wedge * np.array([-1.0, 1.0, 1.0]) for wedge in wedges))

"""Primitive solids of any shape, size, colour and pattern, for domain randomisation with things that mean nothing."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np

from eyehand.world.objects.dice import Dice
from eyehand.world.objects.household import Draft, HouseholdObject, finished
from eyehand.world.objects.hulls import box_hull, ellipsoid_hull, ring_hull
from eyehand.world.objects.solids import ellipsoid, rounded_box, turned
from eyehand.world.objects.textures import PATTERNS

PRIMITIVES = 64
_ACROSS_M = (0.008, 0.07)
_KG_M3 = 400.0
_SIDES = 24


@lru_cache(maxsize=1)
def primitives() -> tuple[HouseholdObject, ...]:
    """`PRIMITIVES` ellipsoids, boxes, cylinders and cones of any colour; half of them have a pattern."""
    makers = (_ellipsoid, _box, _cylinder, _cone)
    made: list[HouseholdObject] = []
    for seed in range(PRIMITIVES):
        dice = Dice("primitive", seed)
        draft = dataclasses.replace(
            makers[seed % len(makers)](dice),
            rgb=tuple(dice.between(0.05, 0.95, f"colour/{channel}") for channel in "rgb"),
            texture=dice.pick(PATTERNS, "pattern") if dice.share("patterned") < 0.5 else "",
            gloss=(dice.share("strength"), dice.share("sharpness")),
        )
        made.append(finished(draft, f"primitive_{seed:02d}", "primitive", "train", seed))
    return tuple(made)


def _across(dice: Dice, which: str) -> float:
    """A length, small ones as likely as large ones by their ratio."""
    low, high = _ACROSS_M
    return low * (high / low) ** dice.share(which)


def _ellipsoid(dice: Dice) -> Draft:
    size = _across(dice, "size")
    radii = [0.5 * size * dice.between(0.7, 1.0, axis) for axis in "xyz"]
    return Draft(ellipsoid(radii, _SIDES), (ellipsoid_hull(radii, foot=0.2, sides=20),), _KG_M3)


def _box(dice: Dice) -> Draft:
    size = np.array([_across(dice, axis) for axis in "xyz"])
    return Draft(rounded_box(size, 0.001, 1), (box_hull(size),), _KG_M3)


def _cylinder(dice: Dice) -> Draft:
    radius, height = 0.5 * _across(dice, "radius"), _across(dice, "height")
    return _round(radius, radius, height)


def _cone(dice: Dice) -> Draft:
    radius, height = 0.5 * _across(dice, "radius"), _across(dice, "height")
    return _round(radius, radius * dice.between(0.05, 0.6, "top"), height)


def _round(bottom_m: float, top_m: float, height_m: float) -> Draft:
    """A cylinder, or a cone without its point."""
    outline = [(bottom_m, 0.0), (top_m, height_m)]
    return Draft(turned([(0.0, 0.0), *outline, (0.0, height_m)], _SIDES), (ring_hull(outline, 16),), _KG_M3)

"""The small yellow sphere of the eye-in-hand grasp, and yellow and orange things that may be taken for it.

The paper (Yan et al. 2017) tells the sphere's diameter and colour; its mass and surface, and everything about the
look-alikes, are ours.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.dice import Colour, Dice
from eyehand.world.objects.household import Draft, HouseholdObject, Split, finished
from eyehand.world.objects.hulls import box_hull, ellipsoid_hull, ring_hull
from eyehand.world.objects.pieces import LACQUER
from eyehand.world.objects.solids import ellipsoid, rounded_box, turned

SPHERE_RADIUS_M = 0.0137 / 2
LOOK_ALIKES = 6  # of each family
_SPHERE_KG_M3 = 1200.0  # a plastic bead
_SPHERE_LOOK: dict[Split, tuple[Colour, tuple[float, float]]] = {  # colour, and strength and sharpness of highlights
    "train": ((0.93, 0.80, 0.10), (0.3, 0.4)),
    "held_out": ((0.89, 0.74, 0.07), (0.5, 0.7)),
}
_COLOURS: tuple[Colour, ...] = (
    (0.95, 0.55, 0.10),
    (0.93, 0.80, 0.15),
    (0.90, 0.66, 0.08),
    (0.96, 0.62, 0.22),
    (0.88, 0.76, 0.30),
)
_KG_M3 = 400.0


def yellow_sphere(split: Split) -> HouseholdObject:
    """The sphere of 1.37 cm; the held-out one is another specimen, a little darker and shinier."""
    rgb, gloss = _SPHERE_LOOK[split]
    radii = [SPHERE_RADIUS_M] * 3
    draft = Draft(ellipsoid(radii, 24), (ellipsoid_hull(radii, sides=24),), _SPHERE_KG_M3, rgb, "", gloss, 0.8)
    return finished(draft, f"sphere_{split}", "sphere", split, 0)


@lru_cache(maxsize=2)
def look_alikes(split: Split) -> tuple[HouseholdObject, ...]:
    """`LOOK_ALIKES` balls, lemons, blocks and tins, at most 7 cm across and 5 cm high; other ones in each family."""
    first = 0 if split == "train" else LOOK_ALIKES
    makers = (_ball, _block, _tin, _lemon)
    made: list[HouseholdObject] = []
    for i in range(LOOK_ALIKES):
        draft, seed = makers[i % len(makers)](Dice("look_alike", first + i)), first + i
        draft = dataclasses.replace(draft, rgb=Dice("look_alike", seed).colour("colour", _COLOURS))
        made.append(finished(draft, f"look_alike_{seed:02d}", "look_alike", split, seed))
    return tuple(made)


def _ball(dice: Dice) -> Draft:
    return _ellipsoid([dice.between(0.014, 0.022, "radius")] * 3)


def _lemon(dice: Dice) -> Draft:
    radius = dice.between(0.017, 0.023, "radius")
    return _ellipsoid([dice.between(1.2, 1.4, "length") * radius, radius, radius])


def _ellipsoid(radii_m: list[float]) -> Draft:
    """With a small flat spot to lie on."""
    return Draft(ellipsoid(radii_m, 28), (ellipsoid_hull(radii_m, foot=0.2, sides=20),), _KG_M3, gloss=(0.3, 0.4))


def _block(dice: Dice) -> Draft:
    size: Floats = np.array([dice.between(0.024, 0.045, axis) for axis in "xyz"])
    return Draft(rounded_box(size, 0.002, 2), (box_hull(size),), _KG_M3, gloss=LACQUER)


def _tin(dice: Dice) -> Draft:
    radius, height = dice.between(0.014, 0.028, "radius"), dice.between(0.018, 0.045, "height")
    outline = [(radius - 0.0015, 0.0), (radius, 0.0015), (radius, height - 0.0015), (radius - 0.0015, height)]
    return Draft(turned([(0.0, 0.0), *outline, (0.0, height)], 36), (ring_hull(outline, 20),), _KG_M3, gloss=LACQUER)

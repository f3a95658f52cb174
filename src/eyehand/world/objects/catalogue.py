"""The fixed set of household objects."""

from __future__ import annotations

from functools import lru_cache

from eyehand.errors import InvalidValueError
from eyehand.world.objects import blocks, packages, soft_toys, tableware, toys
from eyehand.world.objects.household import Category, HouseholdObject, Split, instances, splits_of

CATEGORIES: tuple[Category, ...] = (
    Category("plate", tableware.plate, 5, 2),
    Category("bowl", tableware.bowl, 5, 2),
    Category("cup", tableware.cup, 5, 2),
    Category("mug", tableware.mug, 6, 2),
    Category("glass", tableware.glass, 6, 2),
    Category("teapot", tableware.teapot, 5, 2),
    Category("box", packages.box, 6, 2),
    Category("can", packages.can, 5, 2),
    Category("bottle", packages.bottle, 6, 2),
    Category("ball", blocks.ball, 5, 2),
    Category("block", blocks.block, 6, 2),
    Category("toy", toys.toy, 8, 3),
    Category("soft_toy", soft_toys.soft_toy, 0, 7),  # the category that training never shows
)


@lru_cache(maxsize=8)
def _of_split(split: Split, fineness: float) -> tuple[HouseholdObject, ...]:
    return tuple(thing for category in CATEGORIES for thing in instances(category, split, fineness))


def household_objects(split: str = "train", fineness: float = 1.0) -> tuple[HouseholdObject, ...]:
    """The objects of a split, always the same and in the same order.

    Args:
        split: "train", "held_out" or "all".
        fineness: scales the number of sides and stations of round shapes; triangles grow with its square.

    Raises:
        UnknownNameError: another split was asked for.
        InvalidValueError: a fineness outside what is allowed.
    """
    if not 0.2 <= fineness <= 4.0:
        raise InvalidValueError("fineness of the objects", fineness, "a number from 0.2 to 4")
    return tuple(thing for part in splits_of(split) for thing in _of_split(part, float(fineness)))

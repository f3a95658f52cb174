"""Training pictures for eyes that tell a small target from all else: four recipes (Yan et al. 2017, Section 3.1).

    plain                   the expert at work in the nominal simulator
    plain_on_backgrounds    the target cut out of those pictures, on backgrounds
    primitives              the target among random things in random looks, light and views; four times as many
    composited              the target alone, well lit from anywhere, blended onto backgrounds of like brightness

Pictures are drawn once and kept in memory. All recipes get the same wear (`eyehand.world.wear`), which is drawn anew
for every mini-batch, so that recipes differ in what they show and not in how their camera is.
"""

from __future__ import annotations

from typing import Literal, Protocol, final, get_args

import numpy as np
import torch
from torch import Tensor

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.learning.mask_scenes import Labelled, expert_at_work
from eyehand.learning.method import Source
from eyehand.types import Images, Integers
from eyehand.world import counter
from eyehand.world.wear import Wear, worn

Recipe = Literal["plain", "plain_on_backgrounds", "primitives", "composited"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
NEEDS_BACKGROUNDS: frozenset[Recipe] = frozenset({"plain_on_backgrounds", "composited"})
TIMES: dict[Recipe, int] = {"plain": 1, "plain_on_backgrounds": 1, "primitives": 4, "composited": 1}


class MaskPictures(Protocol):
    """Mini-batches of pictures and masks: a function of a running number alone."""

    def __len__(self) -> int:
        """How many pictures (or cut-outs of the target) there are to draw from."""
        ...

    def batch(self, count: int, number: int) -> tuple[Tensor, Tensor]:
        """Pictures (B, H, W, 3) uint8 and masks (B, 100, 100) uint8 of mini-batch `number`."""
        ...


def mask_pictures(
    recipe: Recipe, source: Source, seed: int, images: int, backgrounds: Images | None = None, wear: Wear | None = None
) -> MaskPictures:
    """Prepare a recipe, which takes a while: its pictures are drawn here.

    Args:
        recipe: which one.
        source: `sphere_grasp` and its source domains.
        seed: everything random follows from it.
        images: how many pictures the recipe draws; `primitives` draws four times as many.
        backgrounds: (N, H, W, 3) uint8 pictures without the target, of the size of the task's; for recipes that need
            them.
        wear: what happens to every picture of a mini-batch; None for the usual.

    Raises:
        UnknownNameError: no such recipe.
        InvalidValueError: no pictures are asked for, backgrounds are missing or of another size.
    """
    if recipe not in RECIPES:
        raise UnknownNameError("recipe of training pictures", recipe, RECIPES)
    if images < 1:
        raise InvalidValueError("number of training pictures", images, "at least 1")
    wear = wear or Wear()
    if recipe == "plain":
        return StoredPictures(expert_at_work(source, seed, images), wear, seed)
    raise NotImplementedError


@final
class StoredPictures:
    """Pictures that are kept whole with their masks."""

    def __init__(self, labelled: Labelled, wear: Wear, seed: int) -> None:
        """Take the pictures, what happens to them, and what the choice of a mini-batch depends on."""
        self._labelled, self._wear, self._seed = labelled, wear, seed

    def __len__(self) -> int:
        return len(self._labelled.pictures)

    def batch(self, count: int, number: int) -> tuple[Tensor, Tensor]:
        """Pictures drawn with replacement, worn."""
        which = chosen(len(self), self._seed, "picture", number, count)
        pictures = worn(self._labelled.pictures[which], self._wear, self._seed, number)
        return torch.as_tensor(pictures), torch.as_tensor(self._labelled.masks[which])


def chosen(among: int, seed: int, use: str, number: int, count: int) -> Integers:
    """(count,) indices below `among`, drawn for a use in mini-batch `number`."""
    return (among * counter.uniform(seed, f"mask_pictures/{use}", number, np.arange(count))).astype(np.int64)

"""Training pictures for eyes that tell a small target from all else: four recipes (Yan et al. 2017, Section 3.1).

    plain                   the expert at work in the nominal simulator
    plain_on_backgrounds    the target cut out of those pictures, on backgrounds
    primitives              the target among random things in random looks, light and views; four times as many
    composited              the target alone, well lit from anywhere, blended onto backgrounds of like brightness

Backgrounds come from few rooms: most of them are shown in other colours (`eyehand.world.recolour`).

Pictures are drawn once and kept in memory. All recipes get the same wear (`eyehand.world.wear`), which is drawn anew
for every mini-batch, so that recipes differ in what they show and not in how their camera is.
"""

from __future__ import annotations

from typing import Literal, Protocol, cast, final, get_args

import numpy as np
import torch
from torch import Tensor

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.learning.mask_primitives import among_primitives
from eyehand.learning.mask_scenes import ROWS, Labelled, cut_out, expert_at_work, to_masks
from eyehand.learning.method import Source
from eyehand.tasks.sphere_grasp import CAMERA, SphereGrasp
from eyehand.types import Floats, Images, Integers
from eyehand.world import counter
from eyehand.world.lone_sphere import lone_spheres
from eyehand.world.objects.look_alikes import yellow_sphere
from eyehand.world.recolour import recoloured
from eyehand.world.sprites import Sprites, laid_over
from eyehand.world.wear import Wear, worn

Recipe = Literal["plain", "plain_on_backgrounds", "primitives", "composited"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
NEEDS_BACKGROUNDS: frozenset[Recipe] = frozenset({"plain_on_backgrounds", "composited"})
TIMES: dict[Recipe, int] = {"plain": 1, "plain_on_backgrounds": 1, "primitives": 4, "composited": 1}
BRIGHTER = (0.7, 2.0)  # a well-lit target relative to its picture: it is paler than most of what lies about
WITHOUT = 0.1  # of the pictures
RECOLOURED = 0.75  # of the backgrounds


class MaskPictures(Protocol):
    """Mini-batches of pictures and masks: a function of a running number alone."""

    def __len__(self) -> int:
        """How many pictures (or cut-outs of the target) there are to draw from."""
        ...

    def batch(self, count: int, number: int) -> tuple[Tensor, Tensor]:
        """Pictures (B, H, W, 3) uint8 and masks (B, 100, 100) uint8 of mini-batch `number`."""
        ...


def mask_pictures(
    recipe: Recipe,
    source: Source,
    seed: int,
    images: int,
    backgrounds: Images | None = None,
    recolour: float = RECOLOURED,
    wear: Wear | None = None,
    *,
    once: bool = False,
) -> MaskPictures:
    """Prepare a recipe, which takes a while: its pictures are drawn here.

    Args:
        recipe: which one.
        source: `sphere_grasp` and its source domains.
        seed: everything random follows from it.
        images: how many pictures the recipe draws; `primitives` draws four times as many.
        backgrounds: (N, H, W, 3) uint8 pictures without the target, of the size of the task's; for recipes that need
            them.
        recolour: share of the backgrounds that are shown in other colours.
        wear: what happens to every picture of a mini-batch; None for the usual.
        once: lay every cut-out over one background and keep the picture, where otherwise each mini-batch is laid anew.

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
    if recipe == "primitives":
        return StoredPictures(among_primitives(source, seed, TIMES[recipe] * images), wear, seed)
    task = cast(SphereGrasp, source.task)
    behind = _checked(backgrounds, recipe, task.camera_size[CAMERA])
    if recipe == "plain_on_backgrounds":
        composed = CompositedPictures(cut_out(source, seed, images), behind, recolour, wear, seed)
    else:
        rgb = np.array(yellow_sphere("train").rgba[:3])
        sprites = lone_spheres(images, seed, rgb, task.K, task.camera_size[CAMERA])
        composed = CompositedPictures(sprites, behind, recolour, wear, seed, matched=True)
    return StoredPictures(composed.once(), wear, seed) if once else composed


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


@final
class CompositedPictures:
    """Cut-outs of the target, each mini-batch on other backgrounds."""

    def __init__(
        self, sprites: Sprites, behind: Images, recolour: float, wear: Wear, seed: int, *, matched: bool = False
    ) -> None:
        """Take what is laid over what.

        Args:
            sprites: the target, cut out.
            behind: (N, H, W, 3) uint8 pictures without it.
            recolour: share of them that are shown in other colours.
            wear: what happens to the pictures afterwards.
            seed: the choice of a mini-batch follows from it.
            matched: whether the target is made as bright as things are in its picture; a share of the pictures, too,
                is left without a target, where cut-outs always have one.
        """
        self._sprites, self._behind, self._wear, self._seed = sprites, behind, wear, seed
        self._recolour, self._matched = recolour, matched
        self._brightness = sprites.brightness()

    def __len__(self) -> int:
        return len(self._sprites.rgb)

    def batch(self, count: int, number: int) -> tuple[Tensor, Tensor]:
        """Pictures composed anew, then worn."""
        composed = self._composed(chosen(len(self), self._seed, "sprite", number, count), number)
        pictures = worn(composed.pictures, self._wear, self._seed, number)
        return torch.as_tensor(pictures), torch.as_tensor(composed.masks)

    def once(self) -> Labelled:
        """Every cut-out on one background, not worn."""
        starts = range(0, len(self), ROWS)
        parts = [self._composed(np.arange(start, min(start + ROWS, len(self))), start) for start in starts]
        return Labelled(np.concatenate([p.pictures for p in parts]), np.concatenate([p.masks for p in parts]))

    def _composed(self, which: Integers, number: int) -> Labelled:
        """Cut-outs (B,) on backgrounds, which follow from the number."""
        count = len(which)
        below = chosen(len(self._behind), self._seed, "background", number, count)
        behind = recoloured(self._behind[below], self._recolour, self._seed, number)
        gain = np.ones(count)
        if self._matched:
            low, high = BRIGHTER
            relative = low * (high / low) ** self._drawn("bright", number, count)
            gain = relative * behind.mean(axis=(1, 2, 3)) / self._brightness[which]
            which = np.where(self._drawn("without", number, count) < WITHOUT, -1, which)
        pictures, share = laid_over(behind, self._sprites, which, gain)
        return Labelled(pictures, to_masks(share, 255.0))

    def _drawn(self, use: str, number: int, count: int) -> Floats:
        return counter.uniform(self._seed, f"mask_pictures/{use}", number, np.arange(count))


def _checked(backgrounds: Images | None, recipe: str, size: tuple[int, int]) -> Images:
    """The backgrounds, which are there and have the pictures' size."""
    got = "none" if backgrounds is None else f"{backgrounds.dtype} {backgrounds.shape}"
    allowed = f"uint8 (N, {size[0]}, {size[1]}, 3) with N at least 1: recorded frames without the target or photographs"
    if backgrounds is None or backgrounds.shape[1:] != (*size, 3) or not len(backgrounds):
        raise InvalidValueError("backgrounds", got, allowed, f"recipe {recipe!r}")
    return backgrounds


def chosen(among: int, seed: int, use: str, number: int, count: int) -> Integers:
    """(count,) indices below `among`, drawn for a use in mini-batch `number`."""
    return (among * counter.uniform(seed, f"mask_pictures/{use}", number, np.arange(count))).astype(np.int64)

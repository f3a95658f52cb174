"""What an object is, and how a category makes its seeded instances, split for training and test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eyehand.errors import UnknownNameError
from eyehand.types import Array, Floats
from eyehand.world.objects.dice import Dice
from eyehand.world.objects.surface import MassProperties, Shape, Surface, mass_properties, shaded, volume_m3

Split = Literal["train", "held_out"]
SPLITS: Mapping[str, tuple[Split, ...]] = {"train": ("train",), "held_out": ("held_out",), "all": ("train", "held_out")}


@dataclass(frozen=True)
class TextureName:
    """One procedural texture, see `eyehand.world.objects.textures.procedural_texture`."""

    kind: str
    seed: int


@dataclass(frozen=True)
class Grasp:
    """A good top-down grasp with two parallel fingers.

    The fingers come down with 4 mm to spare on either side (wider open they may meet a neighbouring wall), then close.

    Attributes:
        centre_m: (3,) middle between the finger pads, in the object's frame.
        yaw_rad: direction in which the fingers close, about z from the object's x axis, in [-pi / 2, pi / 2).
        width_m: distance between the pads when they touch.
        quality: from 0 to 1; better ones are squarer to the surface and nearer to the centre of mass.
    """

    centre_m: Floats
    yaw_rad: float
    width_m: float
    quality: float


@dataclass(frozen=True, eq=False)
class HouseholdObject:
    """One rigid thing on a table.

    Its frame has z up; it stands on z = 0 in its stable pose, the origin at the middle of its footprint's bounds.

    Attributes:
        name: unique, fit for a MuJoCo asset.
        category: for example "mug".
        split: "train" or "held_out".
        mesh: what is seen.
        parts: at most eight clouds of points (N, 3), metres, whose convex hulls are its collision shape.
        mass_kg: its mass.
        friction: sliding friction coefficient.
        rgba: colour in [0, 1], which multiplies the texture where there is one.
        texture: the texture that is painted on it, or None.
        photograph: (H, W, 3) uint8 painted on it instead, or None.
        specular: strength of highlights in [0, 1], as `MjModel.mat_specular`.
        shininess: sharpness of highlights in [0, 1], as `MjModel.mat_shininess`.
        grasps: good grasps, best first; empty unless computed.
    """

    name: str
    category: str
    split: Split
    mesh: Surface
    parts: tuple[Floats, ...]
    mass_kg: float
    friction: float
    rgba: tuple[float, float, float, float]
    texture: TextureName | None = None
    photograph: Array | None = None
    specular: float = 0.2
    shininess: float = 0.3
    grasps: tuple[Grasp, ...] = ()

    @property
    def size_m(self) -> Floats:
        """(3,) length, depth and height of its bounds."""
        return np.ptp(self.mesh.vertices, axis=0)

    def masses(self) -> MassProperties:
        """Mass, centre of mass and inertia; the mesh is taken as filled evenly."""
        return mass_properties(self.mesh.vertices, self.mesh.faces, self.mass_kg)


@dataclass(frozen=True)
class Draft:
    """What a category's maker gives for one instance; `finished` makes the object of it.

    Attributes:
        shape: the visible shape, in any place on the table.
        parts: its convex parts in the same frame.
        density_kg_m3: of the enclosed volume, from which the mass follows.
        rgb: colour.
        texture: kind of the texture painted on it, "" for none; its seed is the instance's.
        gloss: (specular, shininess).
        friction: sliding friction coefficient.
    """

    shape: Shape
    parts: tuple[Floats, ...]
    density_kg_m3: float
    rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texture: str = ""
    gloss: tuple[float, float] = (0.2, 0.3)
    friction: float = 0.6


Maker = Callable[[Dice, float], Draft]


@dataclass(frozen=True)
class Category:
    """One kind of household thing.

    Attributes:
        name: for example "mug".
        make: instance's dice and fineness -> draft.
        train: number of instances for training.
        held_out: number of instances that training never shows.
    """

    name: str
    make: Maker
    train: int
    held_out: int


def finished(draft: Draft, name: str, category: str, split: Split, seed: int) -> HouseholdObject:
    """The object of a draft, moved so that it stands on z = 0 with its footprint's middle at the origin."""
    surface = shaded(draft.shape)
    low, high = surface.vertices.min(0), surface.vertices.max(0)
    shift = -np.array([0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), low[2]])
    return HouseholdObject(
        name=name,
        category=category,
        split=split,
        mesh=surface.moved(shift),
        parts=tuple(part + shift for part in draft.parts),
        mass_kg=draft.density_kg_m3 * volume_m3(surface.vertices, surface.faces),
        friction=draft.friction,
        rgba=(*draft.rgb, 1.0),
        texture=TextureName(draft.texture, seed) if draft.texture else None,
        specular=draft.gloss[0],
        shininess=draft.gloss[1],
    )


def instances(category: Category, split: Split, fineness: float = 1.0) -> tuple[HouseholdObject, ...]:
    """The instances of a category in a split; seeds of held-out ones follow on those for training."""
    made: list[HouseholdObject] = []
    first, count = (0, category.train) if split == "train" else (category.train, category.held_out)
    for seed in range(first, first + count):
        draft = category.make(Dice(category.name, seed), fineness)
        made.append(finished(draft, f"{category.name}_{seed:02d}", category.name, split, seed))
    return tuple(made)


def splits_of(split: str) -> tuple[Split, ...]:
    """What "train", "held_out" or "all" stands for.

    Raises:
        UnknownNameError: another split was asked for.
    """
    if split not in SPLITS:
        raise UnknownNameError("split of the objects", split, SPLITS)
    return SPLITS[split]

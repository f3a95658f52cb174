"""A sphere alone, well lit, seen from anywhere: drawn in closed form, ray by ray, with soft edges.

One to three lamps of some width from above, light from the sky and from the ground, and highlights, all drawn anew for
every sphere. The camera sees it anywhere in the picture, at any size that a hand above a table would see it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eyehand.types import Flags, Floats, Floats32, Integers
from eyehand.world import counter
from eyehand.world.sprites import FINER, SIDE, Sprites, averaged

LAMPS = 3
ACROSS_PX = (3.0, 17.0)  # diameter in a picture of 200 pixels, in its middle
_STEEPEST_RAD = 1.3  # of a lamp from the vertical
_MOST_LEAN_RAD = 0.9  # of the camera's axis from the vertical
_ROWS = 64  # drawn together
Drawer = Callable[..., Floats]  # use, low, high, *shape -> (B, *shape)


@dataclass(frozen=True)
class Light:
    """What shines on B spheres, in the camera's frame.

    Attributes:
        up: (B, 3) the vertical.
        towards: (B, LAMPS, 3) unit vectors to the lamps.
        strength: (B, LAMPS, 3) RGB.
        width: (B, LAMPS) how far a lamp's light reaches around the sphere, 0 to 1.
        sky: (B, 3) RGB light from above.
        ground: (B, 3) RGB light from below.
        gloss: (B, 2) strength and exponent of highlights.
    """

    up: Floats
    towards: Floats
    strength: Floats
    width: Floats
    sky: Floats
    ground: Floats
    gloss: Floats


def lone_spheres(count: int, seed: int, rgb: Floats, K: Floats, size: tuple[int, int]) -> Sprites:
    """Spheres of about one colour.

    Args:
        count: how many.
        seed: everything random follows from it.
        rgb: (3,) their own colour in [0, 1], from which each is a little off.
        K: (3, 3) intrinsics of the camera in pixels.
        size: (height, width) of the pictures.
    """
    parts = [_some(np.arange(i, min(i + _ROWS, count)), seed, rgb, K, size) for i in range(0, count, _ROWS)]
    return Sprites(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("rgb", "share", "corner")))


def _some(numbers: Integers, seed: int, rgb: Floats, K: Floats, size: tuple[int, int]) -> Sprites:
    """The spheres with these numbers."""

    def drawn(use: str, low: float, high: float, *shape: int) -> Floats:
        extent = int(np.prod(shape, dtype=np.int64))
        index = np.arange(extent) if shape else 0
        value = counter.uniform(seed, f"lone_sphere/{use}", numbers[:, None] if shape else numbers, index)
        return (low + (high - low) * value).reshape(len(numbers), *shape)

    place = drawn("place", 0.0, 1.0, 2) * np.array(size) - 0.5  # row and column of the middle
    corner = np.rint(place).astype(np.int64) - SIDE // 2
    ray = _rays(place[:, None, None], K)[:, 0, 0]  # (B, 3)
    slant = np.linalg.norm(ray, axis=1)
    across = np.exp(drawn("across", *np.log(ACROSS_PX))) * size[1] / 200.0
    across = np.minimum(across, 0.9 * SIDE / slant**2)  # spheres are long in the corners of a wide picture
    middle = ray * (2.0 * K[0, 0] / across / slant)[:, None]  # of a sphere of radius 1
    samples = (np.arange(SIDE * FINER) + 0.5) / FINER - 0.5
    grid = np.stack(np.meshgrid(samples, samples, indexing="ij"), axis=-1)
    direction = _rays(corner[:, None, None] + grid, K).astype(np.float32)
    hit = _hits(direction, middle)
    own = np.clip(rgb + drawn("off", 0.0, 0.15, 1) * (drawn("colour", 0.05, 0.95, 3) - rgb), 0.0, 1.0)
    colour = np.zeros(direction.shape, np.float32)
    colour[hit] = np.clip(255.0 * _shaded(direction[hit], np.nonzero(hit)[0], middle, own, _light(drawn)), 0.0, 255.0)
    found, share = averaged(colour, hit)
    return Sprites(found, share, corner)


def _rays(pixel: Floats, K: Floats) -> Floats:
    """Directions (..., 3) of pixels (..., 2) of row and column."""
    x, y = (pixel[..., 1] - K[0, 2]) / K[0, 0], (pixel[..., 0] - K[1, 2]) / K[1, 1]
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def _hits(ray: Floats32, middle: Floats) -> Flags:
    """(B, H, W) whether rays (B, H, W, 3) from the origin meet unit spheres about `middle` (B, 3)."""
    m = middle.astype(np.float32)
    along = np.einsum("bhwi,bi->bhw", ray, m)
    beside = (m**2).sum(axis=1)[:, None, None] - 1.0
    return along**2 > beside * np.einsum("bhwi,bhwi->bhw", ray, ray)


def _light(drawn: Drawer) -> Light:
    """Lamps above, anywhere about the vertical, which is within reach of the camera's axis reversed."""
    lean, about = drawn("lean", 0.0, _MOST_LEAN_RAD), drawn("about", 0.0, 2 * np.pi)
    up = np.stack([np.sin(lean) * np.cos(about), np.sin(lean) * np.sin(about), -np.cos(lean)], axis=-1)
    steep, turn = drawn("steep", 0.0, _STEEPEST_RAD, LAMPS), drawn("turn", 0.0, 2 * np.pi, LAMPS)
    side = np.cross(up, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(up, side)
    level = np.cos(turn)[..., None] * side[:, None] + np.sin(turn)[..., None] * other[:, None]
    towards = np.cos(steep)[..., None] * up[:, None] + np.sin(steep)[..., None] * level
    lit = np.arange(LAMPS) < 1 + np.floor(LAMPS * drawn("lamps", 0.0, 1.0))[:, None]
    warmth = drawn("warmth", -0.1, 0.15, LAMPS)
    tint = np.stack([1 + warmth, np.ones_like(warmth), 1 - warmth], axis=-1)
    share = drawn("strength", 0.3, 1.0, LAMPS) * lit
    strength = (share / share.sum(axis=1, keepdims=True) * drawn("all", 0.5, 1.1, 1))[..., None] * tint
    ambient = drawn("ambient", 0.15, 0.5, 1)
    ground = ambient * drawn("ground", 0.1, 0.9, 3)
    gloss = np.stack([drawn("gloss", 0.0, 0.7), np.exp(drawn("sharp", np.log(8.0), np.log(200.0)))], axis=-1)
    return Light(up, towards, strength, drawn("width", 0.0, 0.5, LAMPS), ambient * np.ones(3), ground, gloss)


def _shaded(ray: Floats32, row: Integers, middle: Floats, own: Floats, light: Light) -> Floats32:
    """Colours (M, 3) where rays (M, 3) meet spheres; `row` (M,) says which, of their own colours (B, 3)."""

    def of(values: Floats) -> Floats32:
        return values.astype(np.float32)[row]

    direction = ray / np.sqrt((ray**2).sum(axis=1, keepdims=True))
    m = of(middle)
    along = (direction * m).sum(axis=1, keepdims=True)
    within = along**2 - (m**2).sum(axis=1, keepdims=True) + 1.0
    normal = (along - np.sqrt(np.maximum(within, 0.0))) * direction - m
    height = 0.5 + 0.5 * (normal * of(light.up)).sum(axis=1, keepdims=True)
    diffuse = height * of(light.sky) + (1.0 - height) * of(light.ground)
    shine = np.zeros_like(diffuse)
    for k in range(LAMPS):
        towards, width = of(light.towards[:, k]), of(light.width[:, k : k + 1])
        facing = (normal * towards).sum(axis=1, keepdims=True)
        diffuse = diffuse + np.maximum((facing + width) / (1.0 + width), 0.0) * of(light.strength[:, k])
        half = towards - direction
        half = half / np.sqrt((half**2).sum(axis=1, keepdims=True))
        glint = np.clip((normal * half).sum(axis=1, keepdims=True), 0.0, 1.0) ** of(light.gloss[:, 1:])
        shine = shine + (facing > 0) * glint * of(light.gloss[:, :1]) * of(light.strength[:, k])
    return of(own) * diffuse + shine

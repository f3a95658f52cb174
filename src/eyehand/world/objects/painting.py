"""Brushes that procedural textures are painted with: noise that tiles, blends of colours, soft edges."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

from eyehand.types import Floats
from eyehand.world import counter
from eyehand.world.objects.dice import COLOURS, Colour, Dice

Painter = Callable[[Dice, Floats, Floats], Floats]  # dice, u and v (S, S) in [0, 1) -> (S, S, 3) in [0, 1]


def noise(dice: Dice, u: Floats, v: Floats, cells: tuple[int, int], what: str = "noise") -> Floats:
    """Smooth noise in [0, 1] that tiles: random values on a grid of (columns, rows) cells, blended in between.

    Args:
        dice: gives the values.
        u: position to the right, in shares of the picture, any shape.
        v: position down.
        cells: how many values there are across and down.
        what: name of the choice.
    """
    columns, rows = cells
    x, y = (u % 1.0) * columns, (v % 1.0) * rows
    i, j = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    s, t = (f * f * (3 - 2 * f) for f in (x - i, y - j))
    values = counter.uniform(dice.seed, f"texture/{dice.kind}/{what}", 0, np.arange(columns * rows)).reshape(rows, -1)
    here, right = i % columns, (i + 1) % columns
    upper = (1 - s) * values[j % rows, here] + s * values[j % rows, right]
    lower = (1 - s) * values[(j + 1) % rows, here] + s * values[(j + 1) % rows, right]
    return (1 - t) * upper + t * lower


def turbulence(dice: Dice, u: Floats, v: Floats, cells: tuple[int, int], what: str = "turbulence") -> Floats:
    """Noise at four scales, coarse ones stronger, about in [0, 1]."""
    layers = [noise(dice, u, v, (cells[0] << k, cells[1] << k), f"{what}/{k}") / 2**k for k in range(4)]
    return np.stack(layers).sum(0) / 1.875


def mix(a: Floats | tuple[float, ...], b: Floats | tuple[float, ...], share: Floats) -> Floats:
    """Colours between a and b, (..., 3), by a share (...) in [0, 1]."""
    s = np.clip(share, 0.0, 1.0)[..., None]
    return (1 - s) * np.asarray(a, dtype=float) + s * np.asarray(b, dtype=float)


def shade(colour: tuple[float, ...], lighter: float) -> Colour:
    """The colour with its lightness scaled."""
    h, lightness, s = colorsys.rgb_to_hls(*colour[:3])
    return colorsys.hls_to_rgb(h, min(lightness * lighter, 0.97), s)


def two_colours(dice: Dice) -> tuple[Colour, Colour]:
    """Two colours of a print that stand off from each other."""
    first = dice.colour("first")
    second = dice.pick([c for c in COLOURS if abs(sum(c) - sum(first)) > 0.5] or COLOURS, "second")
    return first, second


def soft(value: Floats, edge: Floats | float, width: float = 0.02) -> Floats:
    """0 below the edge, 1 above it, a narrow slope between."""
    return np.clip((value - edge) / width + 0.5, 0.0, 1.0)

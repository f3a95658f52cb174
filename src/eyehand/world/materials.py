"""What surfaces are made of: reflectance, gloss, glow, and the pattern painted on them.

Albedos of paints, plastics, wood and floors are of the size tabulated for interiors (EN 12464-1: ceiling 0.7-0.9,
walls 0.5-0.8, floor 0.2-0.4, furniture 0.2-0.7). Patterns are closed forms of a position, so the same place has the
same colour from every camera.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from eyehand.types import Array, Floats


class Material(IntEnum):
    """Rows of the table of materials."""

    COVER_RED = 0
    COVER_DARK = 1
    COVER_GREY = 2
    RUBBER = 3
    METAL = 4
    SCREEN = 5
    PAPER = 6
    WALL = 7
    CEILING = 8
    FLOOR = 9
    WOOD = 10
    LAMINATE = 11
    CABINET = 12
    CARTON = 13
    PLASTIC_BLUE = 14
    PLASTIC_GREEN = 15
    PLASTIC_YELLOW = 16
    BOOKS = 17
    POSTER = 18
    CHART = 19
    OUTDOORS = 20
    BLACK = 21
    PLYWOOD = 22
    TARGET = 23
    LAMP = 24
    STEEL_PIPE = 25
    WHITEBOARD = 26
    ORANGE = 27


@dataclass(frozen=True)
class Finish:
    """One material's look.

    Attributes:
        albedo: diffuse reflectance, linear RGB.
        gloss: strength of the glossy lobe relative to a varnished plastic; 0 is matt.
        pattern: name of the pattern painted on it, "" for none.
        anchor_m: where the pattern starts, in the plane that the surface faces out of.
        glow: radiance emitted, in units in which a perfect white sheet at the shoulder, under the lamp, has 1 / pi.
    """

    albedo: tuple[float, float, float]
    gloss: float = 0.0
    pattern: str = ""
    glow: float = 0.0
    anchor_m: tuple[float, float] = (0.0, 0.0)


_FIXED: Mapping[Material, Finish] = {
    Material.RUBBER: Finish((0.03, 0.03, 0.03), 0.3),
    Material.METAL: Finish((0.36, 0.36, 0.37), 1.3),
    Material.SCREEN: Finish((0.30, 0.42, 0.60), 0.6, "desktop", 0.35),
    Material.PAPER: Finish((0.78, 0.77, 0.74)),
    Material.CEILING: Finish((0.80, 0.80, 0.78), 0.0, "plaster"),
    Material.FLOOR: Finish((0.30, 0.29, 0.27), 0.0, "tiles"),
    Material.WOOD: Finish((0.46, 0.33, 0.21), 0.0, "wood"),
    Material.LAMINATE: Finish((0.66, 0.66, 0.63), 0.0, "plaster"),
    Material.CABINET: Finish((0.34, 0.37, 0.39), 0.0, "plaster"),
    Material.CARTON: Finish((0.45, 0.33, 0.21), 0.0, "carton"),
    Material.PLASTIC_BLUE: Finish((0.06, 0.13, 0.42), 0.5, "carton"),
    Material.PLASTIC_GREEN: Finish((0.10, 0.30, 0.14), 0.5),
    Material.PLASTIC_YELLOW: Finish((0.62, 0.47, 0.07), 0.5),
    Material.BOOKS: Finish((0.55, 0.55, 0.55), 0.0, "books"),
    Material.POSTER: Finish((0.80, 0.80, 0.80), 0.0, "poster"),
    Material.CHART: Finish((0.80, 0.80, 0.80), 0.0, "chart"),
    Material.OUTDOORS: Finish((0.0, 0.0, 0.0), 0.0, "outdoors"),
    Material.BLACK: Finish((0.025, 0.025, 0.028), 0.3),
    Material.PLYWOOD: Finish((0.58, 0.45, 0.29), 0.0, "wood"),
    Material.TARGET: Finish((0.02, 0.05, 0.42), 0.4),
    Material.LAMP: Finish((0.80, 0.80, 0.80)),
    Material.STEEL_PIPE: Finish((0.50, 0.50, 0.48), 0.8),
    Material.WHITEBOARD: Finish((0.74, 0.75, 0.76), 0.0, "scribbles"),
    Material.ORANGE: Finish((0.55, 0.17, 0.04), 0.4),
}

_PATTERN_STARTS: Mapping[Material, tuple[float, float]] = {  # (x, z) of things that move with the clutter
    Material.POSTER: (-1.2, 0.0),
    Material.CHART: (-0.12, 0.55),
    Material.BOOKS: (0.45, 0.19),
    Material.CARTON: (0.0, 0.0),
    Material.WOOD: (0.0, 0.0),
    Material.WHITEBOARD: (0.0, 0.0),
}


def finishes(
    arm_albedo: float, background_albedo: float, daylight: float, clutter_offset_m: float
) -> tuple[Finish, ...]:
    """The table of materials, one row per `Material`.

    Args:
        arm_albedo: luminance of the red covers; the dark and grey parts follow in fixed proportion.
        background_albedo: reflectance of the wall.
        daylight: radiance of the sky outside, in the units of `Finish.glow`.
        clutter_offset_m: sideways shift of the things in the background, which take their patterns with them.
    """
    arm = float(np.clip(arm_albedo, 0.02, 0.95))
    wall = float(np.clip(background_albedo, 0.02, 0.95))

    def paint(*rgb: float) -> tuple[float, float, float]:
        red, green, blue = (float(np.clip(value, 0.0, 0.9)) for value in rgb)
        return red, green, blue

    painted = {
        Material.COVER_RED: Finish(paint(3.0 * arm, 0.42 * arm, 0.45 * arm), 1.0),
        Material.COVER_DARK: Finish(paint(0.33 * arm, 0.33 * arm, 0.36 * arm), 0.8),
        Material.COVER_GREY: Finish(paint(1.25 * arm, 1.27 * arm, 1.32 * arm), 0.8),
        Material.WALL: Finish(paint(wall, 0.985 * wall, 0.94 * wall), 0.0, "plaster"),
        Material.OUTDOORS: Finish((0.0, 0.0, 0.0), 0.0, "outdoors", daylight),
    }
    shifted = {
        material: replace(_FIXED[material], anchor_m=(x_m + clutter_offset_m, z_m))
        for material, (x_m, z_m) in _PATTERN_STARTS.items()
    }
    return tuple({**_FIXED, **painted, **shifted}[material] for material in Material)


def painted_albedo(table: tuple[Finish, ...], material: NDArray[np.int32], points_m: Array, normals: Array) -> Array:
    """Diffuse reflectance (N, 3) at points (N, 3) with normals (N, 3): a material's albedo times its pattern."""
    albedo = np.array([finish.albedo for finish in table], dtype=np.float32)[material]
    albedo *= _factor(table, material, points_m, normals)
    return np.clip(albedo, 0.0, 0.95)


def painted_glow(table: tuple[Finish, ...], material: NDArray[np.int32], points_m: Array, normals: Array) -> Array:
    """Radiance emitted (N, 3), pattern included, in the units of `Finish.glow`."""
    glow = np.array([finish.glow for finish in table], dtype=np.float32)[material]
    rgb = np.repeat(glow[:, None], 3, axis=1)
    lit = np.flatnonzero(glow)
    if len(lit):
        rgb[lit] *= _factor(table, material[lit], points_m[lit], normals[lit])
    return rgb


def _factor(table: tuple[Finish, ...], material: NDArray[np.int32], points_m: Array, normals: Array) -> Array:
    """The patterns' factors (N, 3), each in the plane that its surface faces out of."""
    axis = np.abs(normals).argmax(1)
    across = np.where(axis == 0, points_m[:, 1], points_m[:, 0]).astype(np.float64)
    up = np.where(axis == 2, points_m[:, 1], points_m[:, 2]).astype(np.float64)
    factor = np.ones((len(points_m), 3), np.float32)
    for number, finish in enumerate(table):
        here = np.flatnonzero(material == number) if finish.pattern else ()
        if len(here):
            factor[here] = PATTERNS[finish.pattern](across[here] - finish.anchor_m[0], up[here] - finish.anchor_m[1])
    return factor


def _hash(i: Floats, j: Floats, salt: int) -> Floats:
    """A number in [0, 1) for every cell of a lattice."""
    mixed = i.astype(np.int64) * 374761393 + j.astype(np.int64) * 668265263 + salt * 1442695041
    bits = (mixed & 0xFFFFFFFF).astype(np.uint64)
    bits = ((bits ^ (bits >> np.uint64(13))) * np.uint64(1274126177)) & np.uint64(0xFFFFFFFF)
    return ((bits ^ (bits >> np.uint64(16))) & np.uint64(0xFFFFFF)).astype(np.float64) / 16777216.0


def _noise(a: Floats, b: Floats, salt: int) -> Floats:
    """Smooth noise in [0, 1] with features of unit size (value noise)."""
    i, j = np.floor(a), np.floor(b)
    s, t = a - i, b - j
    s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
    low = _hash(i, j, salt) * (1 - s) + _hash(i + 1, j, salt) * s
    high = _hash(i, j + 1, salt) * (1 - s) + _hash(i + 1, j + 1, salt) * s
    return low * (1 - t) + high * t


def _grey(value: Floats) -> Floats:
    return np.repeat(value[:, None], 3, axis=1)


def _choose(flags: NDArray[np.bool_], colour: tuple[float, float, float], rest: Floats) -> Floats:
    return np.where(flags[:, None], np.array(colour), rest)


def _plaster(a: Floats, b: Floats) -> Floats:
    """Rolled paint with faint stains and scuffs."""
    return _grey(0.86 + 0.16 * _noise(2.1 * a, 2.1 * b, 1) + 0.10 * (_noise(31 * a, 31 * b, 2) - 0.5))


def _tiles(a: Floats, b: Floats) -> Floats:
    """Speckled half-metre tiles with dark joints."""
    joint = (np.abs(a * 2 - np.round(a * 2)) < 0.016) | (np.abs(b * 2 - np.round(b * 2)) < 0.016)
    tone = 0.85 + 0.3 * _hash(np.round(a * 2 - 0.5), np.round(b * 2 - 0.5), 3) + 0.4 * (_noise(90 * a, 90 * b, 4) - 0.5)
    return _choose(joint, (0.4, 0.4, 0.4), _grey(tone))


def _wood(a: Floats, b: Floats) -> Floats:
    """Grain that runs along b, wavy."""
    grain = np.sin(95 * a + 7 * _noise(3 * a, 1.2 * b, 5)) * 0.12 + 0.25 * (_noise(60 * a, 4 * b, 6) - 0.5)
    return (1.0 + grain)[:, None] * np.array([1.0, 0.97, 0.92])


def _carton(a: Floats, b: Floats) -> Floats:
    """A box with a strip of tape and a label every 30 cm."""
    s, t = a / 0.30 - np.floor(a / 0.30), b / 0.22 - np.floor(b / 0.22)
    rgb = _grey(0.9 + 0.2 * _noise(14 * a, 14 * b, 7))
    rgb = _choose((s > 0.46) & (s < 0.56), (1.35, 1.3, 1.2), rgb)
    label = (s > 0.12) & (s < 0.40) & (t > 0.30) & (t < 0.62)
    text = label & (np.abs(t * 16 - np.round(t * 16)) < 0.25) & (_hash(np.floor(s * 40), np.floor(t * 16), 8) > 0.35)
    return _choose(text, (0.3, 0.3, 0.3), _choose(label, (1.75, 2.3, 3.2), rgb))


def _books(a: Floats, b: Floats) -> Floats:
    """Spines about 4 cm wide in many colours, with title bands."""
    spine = np.floor(a / 0.041)
    hue = np.stack([_hash(spine, 0 * spine, salt) for salt in (9, 10, 11)], axis=1)
    rgb = 0.12 + 1.5 * hue**2
    band = np.abs((b / 0.09) % 1.0 - 0.3 - 0.4 * _hash(spine, 0 * spine, 12)) < 0.10
    gap = np.abs(a / 0.041 - np.round(a / 0.041)) < 0.06
    return _choose(gap, (0.08, 0.08, 0.08), np.where(band[:, None], rgb * 0.4 + 0.9, rgb))


def _poster(a: Floats, b: Floats) -> Floats:
    """A conference poster: banner, columns of text, figures; 0.6 m x 0.85 m sheets."""
    s, t = (a / 0.60) % 1.0, (b / 0.85) % 1.0
    column = np.floor(s * 3)
    line = (np.abs((t * 60) % 1.0 - 0.5) < 0.28) & (_hash(np.floor(s * 50), np.floor(t * 60), 13) > 0.28)
    edge = (np.abs((s * 3) % 1.0 - 0.5) > 0.43) | (t < 0.04)
    rgb = _choose(line & ~edge, (0.35, 0.35, 0.38), np.ones((len(a), 3)))
    figure = (_hash(column, np.floor(t * 6), 14) > 0.62) & ~edge & (t < 0.82)
    hue = np.stack([0.15 + 0.85 * _hash(column, np.floor(t * 6), salt) for salt in (15, 16, 17)], axis=1)
    rgb = np.where(figure[:, None], hue * (0.6 + 0.6 * _noise(20 * a, 20 * b, 18))[:, None], rgb)
    banner = _choose(
        (np.abs(t - 0.92) < 0.012) & (s > 0.1) & (s < 0.9), (1.1, 1.1, 1.1), np.array([[0.10, 0.22, 0.48]])
    )
    return np.where((t > 0.84)[:, None], banner, rgb)


def _chart(a: Floats, b: Floats) -> Floats:
    """A safety chart: yellow head, black stripes, a red disc."""
    s, t = (a / 0.42) % 1.0, (b / 0.55) % 1.0
    rgb = _choose((t > 0.76) & ((s * 6 + t * 4) % 1.0 < 0.5), (0.05, 0.05, 0.05), np.ones((len(a), 3)))
    rgb = _choose((t > 0.76) & ((s * 6 + t * 4) % 1.0 >= 0.5), (1.05, 0.82, 0.08), rgb)
    ring = np.hypot((s - 0.5) * 0.42, (t - 0.42) * 0.55)
    rgb = _choose((ring < 0.13) & (ring > 0.10), (0.85, 0.08, 0.07), rgb)
    return _choose((ring < 0.06), (0.08, 0.08, 0.10), rgb)


def _outdoors(a: Floats, b: Floats) -> Floats:
    """An overcast sky over a hedge and a house, as seen through a window."""
    sky = np.array([0.85, 0.95, 1.1]) * (0.8 + 0.4 * _noise(2.5 * a, 4 * b, 19))[:, None]
    hedge = b < 0.52 + 0.12 * _noise(5 * a, 0 * a, 20)
    green = np.array([0.10, 0.16, 0.06]) * (0.5 + 1.2 * _noise(24 * a, 24 * b, 21))[:, None]
    return np.where(hedge[:, None], green, sky)


def _desktop(a: Floats, b: Floats) -> Floats:
    """A lit screen: a few windows with lines of text."""
    pane = _hash(np.floor(a / 0.11), np.floor(b / 0.08), 22)
    text = (np.abs((b / 0.012) % 1.0 - 0.5) < 0.25) & (_hash(np.floor(a / 0.008), np.floor(b / 0.012), 23) > 0.4)
    rgb = np.where((pane > 0.5)[:, None], np.array([1.6, 1.3, 1.0]), np.array([0.35, 0.45, 0.7]))
    return np.where(text[:, None], 0.45 * rgb + 0.2, rgb)


def _scribbles(a: Floats, b: Floats) -> Floats:
    """Marker strokes on a whiteboard."""
    wave = np.abs(np.sin(16 * a + 6 * _noise(5 * a, 5 * b, 24)) * 0.05 + (b / 0.17 - np.floor(b / 0.17) - 0.5) * 0.17)
    ink = (wave < 0.009) & (_noise(7 * a, 5 * np.floor(b / 0.17), 25) > 0.42)
    blue = _hash(np.floor(b / 0.17), 0 * b, 26) > 0.5
    rgb = np.where(blue[:, None], np.array([0.12, 0.2, 0.7]), np.array([0.2, 0.2, 0.2]))
    return np.where(ink[:, None], rgb, np.ones((len(a), 3)))


PATTERNS: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "plaster": _plaster,
    "tiles": _tiles,
    "wood": _wood,
    "carton": _carton,
    "books": _books,
    "poster": _poster,
    "chart": _chart,
    "outdoors": _outdoors,
    "desktop": _desktop,
    "scribbles": _scribbles,
}

"""Lamps and daylight of three-dimensional scenes, as a domain has them."""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats, Integers
from eyehand.world import counter
from eyehand.world.domain import Domain, bounds
from eyehand.world.rendering import Lights

LAMP_STRENGTH = 0.6  # of all lamps together at `lamp_scale` 1; with the nominal ambient light a white table is white
WINDOW_ELEVATION_RAD = 0.45  # daylight comes in from the side, through a window in a wall of the room
WINDOW_DISTANCE_M = 2.5
WINDOW_RADIUS_M = 0.6
_HIGHLIGHT = 0.5  # specular strength of a light relative to its diffuse strength
_MOST_LAMPS = 8


def draw_lights(domain: Domain, centre_m: Floats, seeds: Integers) -> Lights:
    """The lights of every episode: the lamps around a point, then the daylight.

    How many lights there are depends on the domain alone; lamps beyond an episode's own number are dark.

    Args:
        domain: whose appearance is used.
        centre_m: (3,) the point at which the lamps are aimed.
        seeds: (B,) episode seeds.

    Returns:
        Lights with L = the domain's largest number of lamps + 1.
    """
    most = int(np.clip(round(bounds(domain.appearance.lamps)[1]), 1, _MOST_LAMPS))
    count = np.clip(np.rint(domain.numbers("appearance.lamps", seeds)), 1, most)
    lit = np.arange(most) < count[:, None]  # (B, most)
    to_lamp = _towards(_each(domain, "lamp_elevation_rad", seeds, most), _each(domain, "lamp_azimuth_rad", seeds, most))
    position = centre_m + to_lamp * domain.numbers("appearance.lamp_distance_m", seeds)[:, None, None]
    position[..., :2] += _sideways(domain, seeds)[:, None]
    to_lamp = position - centre_m
    to_lamp /= np.linalg.norm(to_lamp, axis=-1, keepdims=True)
    to_window = _towards(
        np.full((len(seeds), 1), WINDOW_ELEVATION_RAD), domain.numbers("appearance.window_azimuth_rad", seeds)[:, None]
    )
    strength = LAMP_STRENGTH * np.maximum(domain.numbers("appearance.lamp_scale", seeds), 0.0) / count
    lamps = np.where(lit, strength[:, None], 0.0)[..., None] * _tint(domain, seeds)[:, None]
    window = LAMP_STRENGTH * np.maximum(domain.numbers("appearance.window_scale", seeds), 0.0)
    diffuse = np.concatenate([lamps, np.repeat(window, 3).reshape(-1, 1, 3)], axis=1)
    ambient = np.maximum(domain.numbers("appearance.ambient", seeds), 0.0)
    return Lights(
        position_m=np.concatenate([position, centre_m + WINDOW_DISTANCE_M * to_window], axis=1),
        direction=-np.concatenate([to_lamp, to_window], axis=1),
        directional=np.zeros((len(seeds), most + 1), bool),
        diffuse=diffuse,
        specular=_HIGHLIGHT * diffuse,
        ambient=np.repeat(ambient, 3).reshape(-1, 3),
        headlight=np.zeros((len(seeds), 3)),
        radius_m=_radii(domain, seeds, most),
    )


def _each(domain: Domain, name: str, seeds: Integers, lamps: int) -> Floats:
    """(B, lamps) numbers of a field that every lamp draws for itself."""
    return domain.numbers(f"appearance.{name}", seeds, lamps).reshape(len(seeds), lamps)


def _towards(elevation_rad: Floats, azimuth_rad: Floats) -> Floats:
    """Unit vectors (..., 3), z up."""
    level = np.cos(elevation_rad)
    return np.stack([level * np.cos(azimuth_rad), level * np.sin(azimuth_rad), np.sin(elevation_rad)], axis=-1)


def _radii(domain: Domain, seeds: Integers, lamps: int) -> Floats:
    """(B, lamps + 1) radii of the lamps and of the window."""
    radius = np.maximum(domain.numbers("appearance.lamp_radius_m", seeds), 0.0)
    return np.concatenate([np.repeat(radius[:, None], lamps, 1), np.full((len(seeds), 1), WINDOW_RADIUS_M)], axis=1)


def _sideways(domain: Domain, seeds: Integers) -> Floats:
    """(B, 2) offset of all lamps together, in a direction of its own."""
    draws = counter.draw_of(seeds) if domain.population else seeds
    angle = 2 * np.pi * counter.uniform(draws, "lamps/sideways")
    return domain.numbers("appearance.light_offset_m", seeds)[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)


def _tint(domain: Domain, seeds: Integers) -> Floats:
    """(B, 3) colour of the lamps, whose green is 1."""
    warmth = domain.numbers("appearance.lamp_warmth", seeds)
    return np.stack([1 + warmth, np.ones_like(warmth), 1 - warmth], axis=-1).clip(0.0)

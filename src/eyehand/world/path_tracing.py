"""Light along rays in a room that stands still: where rays meet it, direct light with soft shadows, one bounce.

All arrays are float32 and lead with the rays N. Sampling is fixed: a stratum for each sample number, shifted
differently for each ray (Cranley and Patterson, SIAM J. Numer. Anal. 1976), so the same rays give the same light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from eyehand.types import Array
from eyehand.world import counter
from eyehand.world.laboratory_room import Laboratory, Panel
from eyehand.world.materials import painted_albedo, painted_glow
from eyehand.world.trace_kernels import GLOSS_EXPONENT, GLOSS_SCALE
from eyehand.world.traced import Solid

_OFF_M = np.float32(2e-3)  # rays leave a surface from just above it


@dataclass(frozen=True)
class Surface:
    """What N rays met.

    Attributes:
        points: (N, 3) places in the world, metres.
        normals: (N, 3) unit normals on the side of the viewer.
        view: (N, 3) unit vectors back along the rays.
        albedo: (N, 3) diffuse reflectance.
        glow: (N, 3) radiance emitted.
        gloss: (N, 1) strength of the glossy lobe.
    """

    points: Array
    normals: Array
    view: Array
    albedo: Array
    glow: Array
    gloss: Array


def along(origin: ArrayLike, rays: Array) -> Array:
    """The origin (3,) once for every ray (N, 3)."""
    return np.tile(np.asarray(origin, dtype=np.float32), (len(rays), 1))


def meet(lab: Laboratory, solid: Solid, origins: Array, rays: Array) -> Surface:
    """Where rays meet the room; the room is closed, so a ray that slips through a seam counts as black."""
    hits = solid.nearest(origins, rays)
    missed = hits.face < 0
    points = origins + rays * np.where(missed, np.float32(1.0), hits.distance)[:, None]
    normals = solid.shading_normals(hits)
    normals *= np.where(_dot(normals, rays) > 0, np.float32(-1.0), np.float32(1.0))
    material = solid.material[hits.face]
    albedo = painted_albedo(lab.table, material, points, normals)
    glow = painted_glow(lab.table, material, points, normals)
    gloss = np.array([finish.gloss for finish in lab.table], dtype=np.float32)[material][:, None]
    albedo[missed], glow[missed] = 0.0, 0.0
    return Surface(points, normals, -rays, albedo, glow, gloss)


def direct_light(solid: Solid, panel: Panel, hit: Surface, sample: int) -> Array:
    """Radiance (N, 3) towards the viewer of a panel's direct light, diffuse and glossy, by one shadow ray each."""
    shares = _shares(len(hit.points), sample, panel.name)
    corner, u, v = (edge.astype(np.float32) for edge in (panel.corner_m, panel.edge_u_m, panel.edge_v_m))
    start = hit.points + _OFF_M * hit.normals
    span = corner + shares[:, :1] * u + shares[:, 1:] * v - start
    squared = _dot(span, span)
    towards = span / np.sqrt(squared)
    geometry = np.maximum(_dot(towards, -np.cross(u, v)), 0) * np.maximum(_dot(towards, hit.normals), 0) / squared
    lit = np.flatnonzero(geometry[:, 0] > 0)
    geometry[lit[solid.blocked(start[lit], span[lit] * np.float32(0.999))]] = 0.0
    half = towards + hit.view
    aligned = np.maximum(_dot(half, hit.normals), 0) / np.maximum(np.sqrt(_dot(half, half)), np.float32(1e-6))
    shine = hit.gloss * np.float32(GLOSS_SCALE) * aligned ** np.float32(GLOSS_EXPONENT)
    return (hit.albedo * np.float32(1 / np.pi) + shine) * geometry * panel.radiance.astype(np.float32)


def leaving_light(lab: Laboratory, solid: Solid, hit: Surface, sample: int, further: Array) -> Array:
    """Radiance (N, 3) that leaves surfaces: glow, direct light, and an even `further` radiance (3,) from all around."""
    light = direct_light(solid, lab.lamp, hit, sample) + direct_light(solid, lab.window, hit, sample)
    return light + hit.glow + hit.albedo * further


def one_bounce(lab: Laboratory, solid: Solid, hit: Surface, sample: int, further: Array) -> Array:
    """Incoming radiance (N, 3) along one cosine-weighted direction: an estimate of irradiance / pi."""
    share = _shares(len(hit.points), sample * 4, f"bounce{sample}")
    radius, turn = np.sqrt(share[:, :1]), np.float32(2 * np.pi) * share[:, 1:]
    helper = np.where(
        np.abs(hit.normals[:, :1]) < 0.9, np.eye(3, dtype=np.float32)[:1], np.eye(3, dtype=np.float32)[1:2]
    )
    first = np.cross(hit.normals, helper)
    first /= np.sqrt(_dot(first, first))
    second = np.cross(hit.normals, first)
    rays = radius * (np.cos(turn) * first + np.sin(turn) * second) + np.sqrt(1 - share[:, :1]) * hit.normals
    there = meet(lab, solid, hit.points + _OFF_M * hit.normals, rays)
    return leaving_light(lab, solid, there, sample, further)


def _dot(a: Array, b: Array) -> Array:
    """Row-wise dot products (N, 1)."""
    return (a[:, 0] * b[..., 0] + a[:, 1] * b[..., 1] + a[:, 2] * b[..., 2])[:, None]


def _shares(count: int, sample: int, use: str) -> Array:
    """(count, 2) numbers in [0, 1): the sample's stratum of 4 x 4, shifted differently for each ray."""
    cell = sample * 7 % 16
    stratum = np.array([cell % 4 + 0.5, cell // 4 + 0.5], dtype=np.float32) / 4
    moved = _shifts(count, use) + stratum
    return moved - np.floor(moved)


@lru_cache(maxsize=16)
def _shifts(count: int, use: str) -> Array:
    """(count, 2) fixed numbers in [0, 1), not to be written to."""
    return counter.uniform(np.arange(count)[:, None], f"path_tracing/{use}", index=np.arange(2)).astype(np.float32)

"""The light of everything that stands still, traced once for each camera and look: a small path tracer in NumPy.

For every pixel of the webcam's crop: direct light of the ceiling lamp (kept apart, since the arm shades it), daylight
of the window, one traced bounce, and the mean of all further bounces; 16 primary samples with soft shadows, the noisy
bounce smoothed over neighbouring pixels of the same surface. At the arm's place a probe keeps the light that comes
from the surroundings, as nine spherical harmonics (Ramamoorthi and Hanrahan, SIGGRAPH 2001) and a coarse mirror image.

Left out, honestly: the arm shades the lamp but neither the window's soft daylight on the room nor the bounced light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.types import Flags, Floats, Floats32
from eyehand.world import counter, lens
from eyehand.world.laboratory_room import FLOOR_M, Laboratory, Panel
from eyehand.world.materials import painted_albedo, painted_glow
from eyehand.world.traced import Solid

SUBPIXELS_PX = np.array([[-0.125, -0.375], [0.375, -0.125], [0.125, 0.375], [-0.375, 0.125]])  # a rotated grid
PROBE_M = np.array([0.35, 0.0, 0.0])
PROBE_SIZE = (16, 32)  # (elevations, azimuths) of the mirror image
_SAMPLES = 16
_BOUNCES = 4  # primary samples that send a bounce
_SPREAD = 0.5  # share of light that survives each further bounce: about the room's mean reflectance


@dataclass(frozen=True)
class RoomView:
    """What a webcam at one place sees of the room, float32, (H, W) the crop of `eyehand.world.lens`.

    Attributes:
        directions: (4, H, W, 3) unit rays through the sub-pixels `SUBPIXELS_PX`.
        depth_m: (4, H, W) distance to the room along each of them.
        ambient: (H, W, 3) radiance without the lamp's direct light.
        lamp: (H, W, 3) radiance of the lamp's direct light, unshaded by the moving arm.
        points_m: (H, W, 3) place that the pixel's centre sees.
        harmonics: (9, 3) irradiance at the arm's place by spherical harmonics of the normal.
        mirror: (16, 32, 3) radiance that arrives at the arm's place, by elevation and azimuth.
    """

    directions: Floats32
    depth_m: Floats32
    ambient: Floats32
    lamp: Floats32
    points_m: Floats32
    harmonics: Floats32
    mirror: Floats32


def trace_room(lab: Laboratory, R_world_camera: Floats, t_world_camera: Floats, k1: float) -> RoomView:
    """Trace the room as a camera sees it.

    Args:
        lab: the laboratory.
        R_world_camera: (3, 3) rotation of the camera.
        t_world_camera: (3,) place of the camera, metres.
        k1: radial distortion of its lens.
    """
    solid = Solid(lab.room)
    rays = lens.directions(R_world_camera, k1, SUBPIXELS_PX).astype(np.float32)
    depth = np.stack([solid.nearest(_from(t_world_camera, part), _flat(part)).distance for part in rays])
    centre = lens.directions(R_world_camera, k1, np.zeros((1, 2)))
    seen = _meet(lab, solid, _from(t_world_camera, centre), _flat(centre))
    further = _further_bounces(lab, solid)
    shape = (*lens.CROP_SIZE, 3)
    offsets = _stratified(4) - 0.5
    total, lamp, bounced = np.zeros((3, seen.points.shape[0], 3))
    for sample in range(_SAMPLES):
        ray = lens.directions(R_world_camera, k1, offsets[sample : sample + 1])
        hit = _meet(lab, solid, _from(t_world_camera, ray), _flat(ray))
        total += _direct(solid, lab.window, hit, sample) + hit.glow
        lamp += _direct(solid, lab.lamp, hit, sample)
        if sample % (_SAMPLES // _BOUNCES) == 0:
            bounced += _bounce(lab, solid, hit, sample, further)
    smooth = _smooth((bounced / _BOUNCES).reshape(shape), seen.points.reshape(shape), seen.normals.reshape(shape))
    albedo = seen.albedo.reshape(shape)
    harmonics, mirror = _probe(lab, solid, further)
    return RoomView(
        directions=np.ascontiguousarray(rays),
        depth_m=depth.reshape(len(SUBPIXELS_PX), *lens.CROP_SIZE).astype(np.float32),
        ambient=((total / _SAMPLES).reshape(shape) + albedo * smooth).astype(np.float32),
        lamp=(lamp / _SAMPLES).reshape(shape).astype(np.float32),
        points_m=seen.points.reshape(shape).astype(np.float32),
        harmonics=harmonics.astype(np.float32),
        mirror=mirror.astype(np.float32),
    )


@dataclass(frozen=True)
class _Surface:
    """N places that rays met: points, normals, view, albedo, glow (N, 3); gloss (N,)."""

    points: Floats
    normals: Floats
    view: Floats
    albedo: Floats
    glow: Floats
    gloss: Floats


def _flat(rays: Floats) -> Floats32:
    return np.ascontiguousarray(rays.reshape(-1, 3), dtype=np.float32)


def _from(origin: Floats, rays: Floats) -> Floats32:
    return np.tile(np.asarray(origin, dtype=np.float32), (rays.size // 3, 1))


def _meet(lab: Laboratory, solid: Solid, origins: Floats32, rays: Floats32) -> _Surface:
    """Where rays meet the room; the room is closed, so a ray that slips through a seam counts as black."""
    hits = solid.nearest(origins, rays)
    missed = hits.face < 0
    distance = np.where(missed, 1.0, hits.distance)[:, None]
    points = origins + rays * distance
    normals = solid.shading_normals(hits).astype(float)
    normals *= np.where((normals * rays).sum(1) > 0, -1.0, 1.0)[:, None]
    material = solid.material[hits.face]
    albedo = painted_albedo(lab.table, material, points, normals)
    glow = painted_glow(lab.table, material, points, normals)
    gloss = np.array([finish.gloss for finish in lab.table])[material]
    for dark in (albedo, glow):
        dark[missed] = 0.0
    return _Surface(points, normals, -rays.astype(float), albedo, glow, gloss)


def _stratified(side: int) -> Floats:
    """(side**2, 2) points in the unit square, one in each cell, in an order that mixes the cells; side is 2 or 4."""
    cells = np.arange(side * side)
    order = cells * 7 % (side * side)
    return np.stack([order % side + 0.5, order // side + 0.5], axis=1) / side


def _shares(count: int, sample: int, use: str) -> Floats:
    """(count, 2) numbers in [0, 1): the sample's stratum, shifted differently in each place (Cranley-Patterson)."""
    shift = counter.uniform(np.arange(count)[:, None], f"room_light/{use}", index=np.arange(2))
    return (_stratified(4)[sample % 16] + shift) % 1.0


def _open_irradiance(
    solid: Solid, panel: Panel, points: Floats, normals: Floats, shares: Floats
) -> tuple[Floats, Floats]:
    """Irradiance per radiance (N,) from one sampled place of a panel, and the unit vectors (N, 3) towards it."""
    place = panel.corner_m + shares[:, :1] * panel.edge_u_m + shares[:, 1:] * panel.edge_v_m
    span = place - points
    squared = np.maximum((span**2).sum(1), 1e-4)
    towards = span / np.sqrt(squared)[:, None]
    leaving = np.maximum(-towards @ np.cross(panel.edge_u_m, panel.edge_v_m), 0.0)
    arriving = np.maximum((towards * normals).sum(1), 0.0)
    geometry = leaving * arriving / squared
    lit = np.flatnonzero(geometry > 0)
    start = (points + 2e-3 * normals)[lit].astype(np.float32)
    blocked = solid.blocked(start, (place[lit] - start + 1e-3 * panel_normal(panel)).astype(np.float32))
    geometry[lit[blocked]] = 0.0
    return geometry, towards


def panel_normal(panel: Panel) -> Floats:
    """Unit vector (3,) along which a panel's light leaves."""
    normal = np.cross(panel.edge_u_m, panel.edge_v_m)
    return normal / np.linalg.norm(normal)


def _direct(solid: Solid, panel: Panel, hit: _Surface, sample: int) -> Floats:
    """Radiance (N, 3) towards the camera of a panel's direct light: diffuse and glossy."""
    use = "lamp" if panel.edge_u_m[2] == 0 else "window"
    geometry, towards = _open_irradiance(solid, panel, hit.points, hit.normals, _shares(len(hit.points), sample, use))
    half = towards + hit.view
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
    shine = hit.gloss * GLOSS_SCALE * np.maximum((half * hit.normals).sum(1), 0.0) ** GLOSS_EXPONENT
    return (hit.albedo / np.pi + shine[:, None]) * geometry[:, None] * panel.radiance


GLOSS_EXPONENT = 40.0  # Blinn-Phong lobe of satin plastic
GLOSS_SCALE = 0.04 * (GLOSS_EXPONENT + 8) / (8 * np.pi)  # normalised lobe, 4 % reflectance


def _leaving(lab: Laboratory, solid: Solid, hit: _Surface, sample: int, further: Floats) -> Floats:
    """Radiance (N, 3) that leaves surfaces seen only by way of a bounce."""
    light = _direct(solid, lab.lamp, hit, sample) + _direct(solid, lab.window, hit, sample)
    return light + hit.glow + hit.albedo * further


def _bounce(lab: Laboratory, solid: Solid, hit: _Surface, sample: int, further: Floats) -> Floats:
    """Incoming radiance (N, 3) along one cosine-weighted direction: an estimate of irradiance / pi."""
    share = _shares(len(hit.points), sample * 5, f"bounce{sample}")
    radius, turn = np.sqrt(share[:, 0]), 2 * np.pi * share[:, 1]
    first, second = _tangents(hit.normals)
    local = np.stack([radius * np.cos(turn), radius * np.sin(turn), np.sqrt(1 - share[:, 0])], axis=1)
    rays = local[:, :1] * first + local[:, 1:2] * second + local[:, 2:] * hit.normals
    start = hit.points + 2e-3 * hit.normals
    there = _meet(lab, solid, start.astype(np.float32), rays.astype(np.float32))
    return _leaving(lab, solid, there, sample, further)


def _tangents(normals: Floats) -> tuple[Floats, Floats]:
    helper = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(normals, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return first, np.cross(normals, first)


def _sphere(rows: int, columns: int) -> Floats:
    """Unit vectors (rows * columns, 3), by elevation from the bottom and azimuth."""
    up = (np.arange(rows) + 0.5) / rows * np.pi - np.pi / 2
    turn = (np.arange(columns) + 0.5) / columns * 2 * np.pi - np.pi
    elevation, azimuth = (grid.reshape(-1) for grid in np.meshgrid(up, turn, indexing="ij"))
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1)


def _further_bounces(lab: Laboratory, solid: Solid) -> Floats:
    """Mean radiance (3,) of all light after its first bounce, taken as even everywhere in the room."""
    rays = _sphere(24, 48).astype(np.float32)
    places = np.array([[0.3, 1.5, 0.0], [-1.2, 2.0, -0.5], [1.5, 1.0, 0.3]])
    means = []
    for place in places:
        hit = _meet(lab, solid, _from(place, rays), rays)
        light = _leaving(lab, solid, hit, 3, np.zeros(3))
        weight = np.sqrt(np.maximum(1 - rays[:, 2:] ** 2, 0.0))
        means.append((light * weight).sum(0) / weight.sum())
    return np.mean(means, axis=0) * _SPREAD / (1 - _SPREAD)


def _probe(lab: Laboratory, solid: Solid, further: Floats) -> tuple[Floats, Floats]:
    """Spherical harmonics (9, 3) of irradiance and the mirror image (16, 32, 3) at the arm's place."""
    rows, columns = PROBE_SIZE
    rays = _sphere(4 * rows, 4 * columns)
    hit = _meet(lab, solid, _from(PROBE_M + np.array([0.0, 0.15, 0.0]), rays), rays.astype(np.float32))
    light = _leaving(lab, solid, hit, 5, further)
    light *= hit.points[:, 2:] > FLOOR_M - 1.0  # a ray that slipped through a seam
    solid_angle = np.sqrt(np.maximum(1 - rays[:, 2] ** 2, 0.0)) * (np.pi / (4 * rows)) * (2 * np.pi / (4 * columns))
    mirror = light.reshape(rows, 4, columns, 4, 3).mean((1, 3))
    band = np.array([np.pi, *[2 * np.pi / 3] * 3, *[np.pi / 4] * 5])  # convolution with the clamped cosine
    coefficients = harmonics(rays).T @ (light * solid_angle[:, None])
    return coefficients * band[:, None], mirror


def harmonics(directions: Floats) -> Floats:
    """The first nine real spherical harmonics (N, 9) of unit vectors (N, 3)."""
    x, y, z = directions.T
    first = [np.full(len(x), 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x]
    second = [
        1.092548 * x * y,
        1.092548 * y * z,
        0.315392 * (3 * z * z - 1),
        1.092548 * x * z,
        0.546274 * (x * x - y * y),
    ]
    return np.stack([*first, *second], axis=1)


def _smooth(light: Floats, points: Floats, normals: Floats) -> Floats:
    """Average over neighbours on the same surface, first along columns, then along rows, twice with growing steps."""
    for step in (1, 3):
        for axis in (0, 1):
            total, weight = light.copy(), np.ones(light.shape[:2])
            for shift in (-2 * step, -step, step, 2 * step):
                kept = _same_surface(points, normals, shift, axis)
                total += np.where(kept[..., None], np.roll(light, shift, axis), 0.0)
                weight += kept
            light = total / weight[..., None]
    return light


def _same_surface(points: Floats, normals: Floats, shift: int, axis: int) -> Flags:
    """Whether each pixel (H, W) and its neighbour `shift` pixels before it lie on one smooth surface."""
    across = np.abs(((np.roll(points, shift, axis) - points) * normals).sum(-1))
    alike = (np.roll(normals, shift, axis) * normals).sum(-1)
    near = np.linalg.norm(np.roll(points, shift, axis) - points, axis=-1)
    return (across < 0.02) & (alike > 0.9) & (near < 0.2)

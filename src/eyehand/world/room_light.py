"""The light of everything that stands still, traced once for each camera and look: a small path tracer in NumPy.

For every pixel of the webcam's crop: direct light of the ceiling lamp (kept apart, since the arm shades it), daylight
of the window, one traced bounce, and the mean of all further bounces; 8 primary samples with soft shadows, the noisy
bounce smoothed over neighbouring pixels of the same surface. At the arm's place a probe keeps the light that comes
from the surroundings, as nine spherical harmonics (Ramamoorthi and Hanrahan, SIGGRAPH 2001) and a coarse mirror image.

Left out, honestly: the arm shades the lamp but neither the window's soft daylight on the room nor the bounced light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.types import Array, Flags, Floats, Integers
from eyehand.world import lens
from eyehand.world.laboratory_room import Laboratory
from eyehand.world.path_tracing import along, direct_light, leaving_light, meet, one_bounce
from eyehand.world.traced import Solid

SUBPIXELS_PX = np.array([[-0.125, -0.375], [0.375, -0.125], [0.125, 0.375], [-0.375, 0.125]])  # a rotated grid
PROBE_M = np.array([0.35, 0.0, 0.0])
MIRROR_SIZE = (16, 32)  # cells of the mirror image: (height on the unit sphere, turn about the vertical)
_OFFSETS_PX = np.stack([np.arange(8) * 5 % 8, np.arange(8)], axis=1) / 8 - 0.4375  # 8 rooks on the pixel's board
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
        mirror: (16, 32, 3) radiance that arrives at the arm's place, by the cells of `mirror_cells`.
    """

    directions: Array
    depth_m: Array
    ambient: Array
    lamp: Array
    points_m: Array
    harmonics: Array
    mirror: Array


def trace_room(lab: Laboratory, R_world_camera: Floats, t_world_camera: Floats, k1: float) -> RoomView:
    """Trace the room as a camera sees it.

    Args:
        lab: the laboratory.
        R_world_camera: (3, 3) rotation of the camera.
        t_world_camera: (3,) place of the camera, metres.
        k1: radial distortion of its lens.
    """
    solid = Solid(lab.room)
    rays = lens.directions(R_world_camera, k1, SUBPIXELS_PX)
    flat = rays.reshape(-1, 3)
    depth = solid.nearest(along(t_world_camera, flat), flat).distance
    centre = lens.directions(R_world_camera, k1, np.zeros((1, 2))).reshape(-1, 3)
    seen = meet(lab, solid, along(t_world_camera, centre), centre)
    further = _further_bounces(lab, solid)
    shape = (*lens.CROP_SIZE, 3)
    total, lamp, bounced = np.zeros((3, len(seen.points), 3), np.float32)
    for sample, offset in enumerate(_OFFSETS_PX):
        ray = lens.directions(R_world_camera, k1, offset[None]).reshape(-1, 3)
        hit = meet(lab, solid, along(t_world_camera, ray), ray)
        total += direct_light(solid, lab.window, hit, sample) + hit.glow
        lamp += direct_light(solid, lab.lamp, hit, sample)
        if sample < _BOUNCES:
            bounced += one_bounce(lab, solid, hit, sample, further)
    smooth = _smooth((bounced / _BOUNCES).reshape(shape), seen.points.reshape(shape), seen.normals.reshape(shape))
    harmonics, mirror = _probe(lab, solid, further)
    return RoomView(
        directions=rays,
        depth_m=depth.reshape(len(SUBPIXELS_PX), *lens.CROP_SIZE),
        ambient=(total / len(_OFFSETS_PX)).reshape(shape) + seen.albedo.reshape(shape) * smooth,
        lamp=(lamp / len(_OFFSETS_PX)).reshape(shape),
        points_m=seen.points.reshape(shape),
        harmonics=harmonics,
        mirror=mirror,
    )


def _sphere(rows: int, columns: int) -> Array:
    """Unit vectors (rows * columns, 3) spread evenly over the sphere."""
    up = (np.arange(rows, dtype=np.float64) + 0.5) / rows * 2 - 1
    turn = np.arange(columns, dtype=np.float64) / columns * 2 * np.pi
    z, azimuth = np.repeat(up, columns), np.tile(turn, rows)
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), z], axis=1).astype(np.float32)


def _further_bounces(lab: Laboratory, solid: Solid) -> Array:
    """Mean radiance (3,) of all light after its first bounce, taken as even everywhere in the room."""
    rays = _sphere(24, 48)
    total = np.zeros(3, np.float32)
    places = np.array([[0.3, 1.5, 0.0], [-1.2, 2.0, -0.5], [1.5, 1.0, 0.3]])
    for place in places:
        hit = meet(lab, solid, along(place, rays), rays)
        total += leaving_light(lab, solid, hit, 3, np.zeros(3, np.float32)).mean(0) / len(places)
    return total * np.float32(_SPREAD / (1 - _SPREAD))


def _probe(lab: Laboratory, solid: Solid, further: Array) -> tuple[Array, Array]:
    """Spherical harmonics (9, 3) of irradiance and the mirror image (16, 32, 3) at the arm's place."""
    rays = _sphere(64, 128)
    hit = meet(lab, solid, along(PROBE_M, rays), rays)
    light = leaving_light(lab, solid, hit, 5, further)
    band = np.array([np.pi, *[2 * np.pi / 3] * 3, *[np.pi / 4] * 5])  # convolution with the clamped cosine
    basis = _harmonics(rays) * (4 * np.pi / len(rays)) * band
    coefficients = np.stack([(basis * light[:, c : c + 1]).sum(0) for c in range(3)], axis=1)
    cells = mirror_cells(rays)
    mirror = np.zeros((np.prod(MIRROR_SIZE), 3))
    np.add.at(mirror, cells, light)
    mirror /= np.maximum(np.bincount(cells, minlength=len(mirror)), 1)[:, None]
    return coefficients.astype(np.float32), mirror.reshape(*MIRROR_SIZE, 3).astype(np.float32)


def mirror_cells(directions: Array) -> Integers:
    """The cell (N,) of the mirror image that unit vectors (N, 3) point to; `trace_kernels.shade` has the same rule.

    The turn about the vertical is measured along a square instead of a circle, which needs no trigonometry.
    """
    x, y, z = directions.T.astype(np.float64)
    rows, columns = MIRROR_SIZE
    across = y / np.maximum(np.abs(x) + np.abs(y), 1e-6)  # -1 to 1 on either side of the sphere
    side = 1.0 - 2.0 * (x < 0)
    turn = (2.0 - side + side * across) * 0.25
    row = np.clip((z + 1) / 2 * rows, 0, rows - 1).astype(np.int64)
    return row * columns + np.clip(turn * columns, 0, columns - 1).astype(np.int64)


def _harmonics(directions: Array) -> Floats:
    """The first nine real spherical harmonics (N, 9) of unit vectors (N, 3)."""
    x, y, z = directions.T.astype(np.float64)
    first = [np.full(len(x), 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x]
    second = [1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z]
    return np.stack([*first, *second, 0.546274 * (x * x - y * y)], axis=1)


def _smooth(light: Array, points: Array, normals: Array) -> Array:
    """Average over neighbours on the same surface, along columns, then along rows, twice with growing steps."""
    for step in (1, 3):
        for axis in (0, 1):
            total, weight = light.copy(), np.ones(light.shape[:2], np.float32)
            for shift in (-2 * step, -step, step, 2 * step):
                kept = _same_surface(points, normals, shift, axis)
                total += np.where(kept[..., None], np.roll(light, shift, axis), np.float32(0.0))
                weight += kept
            light = total / weight[..., None]
    return light


def _same_surface(points: Array, normals: Array, shift: int, axis: int) -> Flags:
    """Whether each pixel (H, W) and its neighbour `shift` pixels before it lie on one smooth surface."""
    apart = np.roll(points, shift, axis) - points
    across = np.abs((apart * normals).sum(-1))
    alike = (np.roll(normals, shift, axis) * normals).sum(-1)
    return (across < 0.02) & (alike > 0.9) & ((apart**2).sum(-1) < 0.04)

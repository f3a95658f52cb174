# pyright: basic
# (numba kernels are untyped)
"""Shadows: what each light sees, and how much of its light arrives at a block of points."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats, Floats32
from eyehand.world.raster import placing
from eyehand.world.raster.blocks import LANES, LIT, NX, NY, NZ, X, Y, Z
from eyehand.world.raster.filling import Corners, Picture
from eyehand.world.raster.lighting import LIGHT_AXIS, LIGHT_CASTS, LIGHT_IS_LAMP
from eyehand.world.raster.placing import Batch, View
from eyehand.world.raster.pool import Pool

_SUN_RADII = 30.0  # a sun is a lamp that far away
_WIDEST_TAN = 3.0  # a lamp within the scene sees a cone of 72 degrees to each side
_CLEAR_RADII = 1.1  # a lamp farther than that from the middle sees the whole scene
_NEAR_M = 0.02
_LIFT = 1.5  # points are lifted off their surface by so many texels
_SLACK = 1e-4  # share of the depth that is no shadow


class Shadows(NamedTuple):
    """What L lights see.

    Attributes:
        inverse_depth: (L, S, S) 1 / m; (L, 1, 1) where no shadows are drawn.
        P: (L, 3, 4) from a place relative to the eye, world axes, to (column * depth, row * depth, depth).
        focal_px: (L,) of a light's view; 0 for a light that casts no shadow.
        geom: (S, S) room to work in.
        face: (S, S) room to work in.
    """

    inverse_depth: Floats32
    P: Floats32
    focal_px: Floats32
    geom: NDArray[np.int32]
    face: NDArray[np.int32]


@numba.njit(cache=True, nogil=True)
def dark(lights: int, size: int) -> Shadows:
    """Room for the views of so many lights, of `size` pixels square; no shadows yet."""
    return Shadows(
        np.zeros((lights, size, size), np.float32),
        np.zeros((lights, 3, 4), np.float32),
        np.zeros(lights, np.float32),
        np.zeros((size, size), np.int32),
        np.zeros((size, size), np.int32),
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def look_from_lights(pool: Pool, batch: Batch, b: int, scene: Floats, corners: Corners, shadows: Shadows) -> None:
    """Draw what the lights of a simulation see.

    Args:
        pool: the shapes.
        batch: the simulations.
        b: which one.
        scene: (4,) centre and radius of the part of the world that shadows are drawn for.
        corners: room to work in.
        shadows: filled.
    """
    size = shadows.inverse_depth.shape[1]
    level = np.empty(batch.position_m.shape[1], np.int32)
    eye = batch.T_world_camera[b, :3, 3]
    for light in range(batch.lights.shape[1]):
        shadows.focal_px[light] = 0.0
        if batch.lights[b, light, LIGHT_CASTS] == 0.0:
            continue
        K, T = _light_view(batch.lights[b, light], eye, scene, size)
        picture = Picture(shadows.inverse_depth[light], shadows.face, shadows.geom)
        picture.inverse_depth[:] = 0.0
        view = View(K, T, _NEAR_M)
        for geom in range(len(level)):
            placing.draw_geom(pool, batch, (b, geom), view, level, (corners, picture))
        shadows.focal_px[light] = K[0, 0]
        for i in range(3):
            for j in range(3):
                shadows.P[light, i, j] = K[i, 0] * T[j, 0] + K[i, 1] * T[j, 1] + K[i, 2] * T[j, 2]
        for i in range(3):
            shadows.P[light, i, 3] = 0.0
            for j in range(3):
                shadows.P[light, i, 3] += shadows.P[light, i, j] * (eye[j] - T[j, 3])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _light_view(light, eye, scene, size):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Intrinsics and pose of a camera in a light's place."""
    radius, K, T = scene[3], np.zeros((3, 3)), np.zeros((4, 4))
    x, y, z = scene[0] - eye[0], scene[1] - eye[1], scene[2] - eye[2]
    ax, ay, az = np.float64(light[0]), np.float64(light[1]), np.float64(light[2])
    if light[LIGHT_IS_LAMP] == 0.0:
        far = _SUN_RADII * radius / np.sqrt(ax * ax + ay * ay + az * az)
        ax, ay, az = x + ax * far, y + ay * far, z + az * far
    x, y, z = x - ax, y - ay, z - az
    square = x * x + y * y + z * z
    tan = _WIDEST_TAN
    if square > (_CLEAR_RADII * radius) ** 2:
        tan = min(radius / np.sqrt(square - radius * radius), _WIDEST_TAN)
    elif light[LIGHT_AXIS] != 0.0 or light[LIGHT_AXIS + 1] != 0.0 or light[LIGHT_AXIS + 2] != 0.0:
        x, y, z = np.float64(light[LIGHT_AXIS]), np.float64(light[LIGHT_AXIS + 1]), np.float64(light[LIGHT_AXIS + 2])
    inverse = 1.0 / np.sqrt(x * x + y * y + z * z)
    x, y, z = x * inverse, y * inverse, z * inverse
    # Right is across forward and the world's x axis, or the y axis where light falls along x.
    rx, ry, rz = (0.0, z, -y) if abs(x) < 0.7 else (-z, 0.0, x)
    inverse = 1.0 / np.sqrt(rx * rx + ry * ry + rz * rz)
    rx, ry, rz = rx * inverse, ry * inverse, rz * inverse
    T[0, 0], T[1, 0], T[2, 0] = rx, ry, rz
    T[0, 1], T[1, 1], T[2, 1] = y * rz - z * ry, z * rx - x * rz, x * ry - y * rx
    T[0, 2], T[1, 2], T[2, 2] = x, y, z
    T[0, 3], T[1, 3], T[2, 3], T[3, 3] = eye[0] + ax, eye[1] + ay, eye[2] + az, 1.0
    K[0, 0] = K[1, 1] = 0.5 * size / tan
    K[0, 2] = K[1, 2] = 0.5 * (size - 1)
    K[2, 2] = 1.0
    return K, T


@numba.njit(cache=True, nogil=True, error_model="numpy")
def arrive(shadows: Shadows, light: int, count: int, s: Floats32) -> None:
    """Fill `LIT` of a block: the share of four neighbouring texels of the light's view that are not in front."""
    a, map_, focal = shadows.P[light], shadows.inverse_depth[light], shadows.focal_px[light]
    size = map_.shape[0]
    one = np.float32(1.0)
    for i in range(count):
        x, y, z = s[X + i], s[Y + i], s[Z + i]
        lift = np.float32(_LIFT) * (a[2, 0] * x + a[2, 1] * y + a[2, 2] * z + a[2, 3]) / focal
        x, y, z = x + lift * s[NX + i], y + lift * s[NY + i], z + lift * s[NZ + i]
        depth = a[2, 0] * x + a[2, 1] * y + a[2, 2] * z + a[2, 3]
        u = (a[0, 0] * x + a[0, 1] * y + a[0, 2] * z + a[0, 3]) / depth
        v = (a[1, 0] * x + a[1, 1] * y + a[1, 2] * z + a[1, 3]) / depth
        s[LIT + i] = one
        if depth > np.float32(_NEAR_M) and u > 0.0 and v > 0.0 and u < size - 1 and v < size - 1:
            left, top = int(u), int(v)
            across, down = u - np.float32(left), v - np.float32(top)
            most = one / (depth * np.float32(1.0 - _SLACK))
            upper = (one - across) * (map_[top, left] <= most) + across * (map_[top, left + 1] <= most)
            lower = (one - across) * (map_[top + 1, left] <= most) + across * (map_[top + 1, left + 1] <= most)
            s[LIT + i] = (one - down) * upper + down * lower
    for i in range(count, LANES):
        s[LIT + i] = one

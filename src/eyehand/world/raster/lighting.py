# pyright: basic
# (numba kernels are untyped)
"""Light on blocks of visible points: the fixed-function lighting of OpenGL, evaluated at every pixel."""

from __future__ import annotations

import numba
import numpy as np

from eyehand.types import Floats32
from eyehand.world.raster.blocks import (
    BLUE,
    DIFFUSE_B,
    DIFFUSE_G,
    DIFFUSE_R,
    EMISSION,
    EXPONENT,
    GLINT_B,
    GLINT_G,
    GLINT_R,
    GREEN,
    LANES,
    LIT,
    NX,
    NY,
    NZ,
    RED,
    SPECULAR,
    TINT,
    VX,
    VY,
    VZ,
    X,
    Y,
    Z,
)

# Columns of a light's row of numbers.
LIGHT_A = 0  # vector to the light at the eye: where a lamp is, against the direction of a sun
LIGHT_IS_LAMP = 3
LIGHT_AXIS = 4  # direction in which a spot shines
LIGHT_COS_CUTOFF = 7  # below -1: shines everywhere
LIGHT_SPOT_EXPONENT = 8
LIGHT_DIFFUSE = 9
LIGHT_SPECULAR = 12
LIGHT_ATTENUATION = 15
LIGHT_CASTS = 18  # 1: its shadows are drawn where shadows are
LIGHT_COLUMNS = 19


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _power(base, exponent):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """`base ** exponent` for a base in (0, 1], by series that need nothing but arithmetic."""
    u = (base - np.float32(1.0)) / (base + np.float32(1.0))
    square = u * u
    series = np.float32(1 / 3) + square * (np.float32(0.2) + square * np.float32(1 / 7))
    t = max(exponent * np.float32(2.0) * u * (np.float32(1.0) + square * series), np.float32(-24.0))
    t = np.float32(1.0) + t * np.float32(1 / 64) * (np.float32(1.0) + t * np.float32(1 / 128))
    t = t * t
    t = t * t
    t = t * t
    t = t * t
    t = t * t
    return t * t


@numba.njit(cache=True, nogil=True, error_model="numpy")
def prepare(s: Floats32, ambient: Floats32) -> None:
    """Make normals and directions to the eye unit vectors, and start with the light from everywhere."""
    for i in range(LANES):
        x, y, z = s[NX + i], s[NY + i], s[NZ + i]
        inverse = np.float32(1.0) / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-20)))
        s[NX + i], s[NY + i], s[NZ + i] = x * inverse, y * inverse, z * inverse
    for i in range(LANES):
        x, y, z = s[X + i], s[Y + i], s[Z + i]
        inverse = np.float32(-1.0) / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-20)))
        s[VX + i], s[VY + i], s[VZ + i] = x * inverse, y * inverse, z * inverse
    red, green, blue = ambient[0], ambient[1], ambient[2]
    for i in range(LANES):
        emission = s[EMISSION + i]
        s[DIFFUSE_R + i], s[DIFFUSE_G + i], s[DIFFUSE_B + i] = red + emission, green + emission, blue + emission
    for i in range(LANES):
        s[GLINT_R + i] = np.float32(0.0)
        s[GLINT_G + i] = np.float32(0.0)
        s[GLINT_B + i] = np.float32(0.0)
        s[LIT + i] = np.float32(1.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_light(s: Floats32, light: Floats32, shiny: bool) -> None:
    """Add what one light does; `LIT` says how much of it arrives."""
    ax, ay, az, lamp = light[0], light[1], light[2], light[LIGHT_IS_LAMP]
    axis_x, axis_y, axis_z = light[LIGHT_AXIS], light[LIGHT_AXIS + 1], light[LIGHT_AXIS + 2]
    cutoff, spot = light[LIGHT_COS_CUTOFF], light[LIGHT_SPOT_EXPONENT]
    red, green, blue = light[LIGHT_DIFFUSE], light[LIGHT_DIFFUSE + 1], light[LIGHT_DIFFUSE + 2]
    sr, sg, sb = light[LIGHT_SPECULAR], light[LIGHT_SPECULAR + 1], light[LIGHT_SPECULAR + 2]
    k0, k1, k2 = light[LIGHT_ATTENUATION], light[LIGHT_ATTENUATION + 1], light[LIGHT_ATTENUATION + 2]
    if cutoff > np.float32(-1.0):
        for i in range(LANES):
            x, y, z = ax - lamp * s[X + i], ay - lamp * s[Y + i], az - lamp * s[Z + i]
            inverse = np.float32(1.0) / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-20)))
            along = -(x * axis_x + y * axis_y + z * axis_z) * inverse
            inside = np.float32(1.0) if along >= cutoff else np.float32(0.0)
            s[LIT + i] *= inside * _power(min(max(along, np.float32(1e-3)), np.float32(1.0)), spot)
    for i in range(LANES):
        x, y, z = ax - lamp * s[X + i], ay - lamp * s[Y + i], az - lamp * s[Z + i]
        length = np.sqrt(max(x * x + y * y + z * z, np.float32(1e-20)))
        inverse = np.float32(1.0) / length
        x, y, z = x * inverse, y * inverse, z * inverse
        facing = x * s[NX + i] + y * s[NY + i] + z * s[NZ + i]
        arriving = s[LIT + i] / (k0 + lamp * length * (k1 + length * k2))
        arriving = arriving if facing > np.float32(0.0) else np.float32(0.0)
        strength = arriving * facing
        s[DIFFUSE_R + i] += strength * red
        s[DIFFUSE_G + i] += strength * green
        s[DIFFUSE_B + i] += strength * blue
        s[LIT + i] = arriving
    if shiny:
        for i in range(LANES):
            x, y, z = ax - lamp * s[X + i], ay - lamp * s[Y + i], az - lamp * s[Z + i]
            inverse = np.float32(1.0) / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-20)))
            x, y, z = x * inverse + s[VX + i], y * inverse + s[VY + i], z * inverse + s[VZ + i]
            inverse = np.float32(1.0) / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-20)))
            turn = (x * s[NX + i] + y * s[NY + i] + z * s[NZ + i]) * inverse
            turn = min(max(turn, np.float32(1e-3)), np.float32(1.0))
            glint = s[LIT + i] * s[SPECULAR + i] * _power(turn, s[EXPONENT + i])
            s[GLINT_R + i] += glint * sr
            s[GLINT_G + i] += glint * sg
            s[GLINT_B + i] += glint * sb
    for i in range(LANES):
        s[LIT + i] = np.float32(1.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def finish(s: Floats32) -> None:
    """Turn the colours of the surface into the colours that are seen, from 0 to 255."""
    zero, one, most, half = np.float32(0.0), np.float32(1.0), np.float32(255.0), np.float32(0.5)
    for i in range(LANES):
        red = s[RED + i] * s[DIFFUSE_R + i] + s[GLINT_R + i]
        green = s[GREEN + i] * s[DIFFUSE_G + i] + s[GLINT_G + i]
        blue = s[BLUE + i] * s[DIFFUSE_B + i] + s[GLINT_B + i]
        s[RED + i] = min(max(red, zero), one) * s[TINT + i] * most + half
        s[GREEN + i] = min(max(green, zero), one) * s[TINT + LANES + i] * most + half
        s[BLUE + i] = min(max(blue, zero), one) * s[TINT + 2 * LANES + i] * most + half

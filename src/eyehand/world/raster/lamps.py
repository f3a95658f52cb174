# pyright: basic, reportAttributeAccessIssue=false
# (MuJoCo's bindings are untyped)
"""The lights of a model or of a look as rows of numbers for the kernels."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from eyehand.types import Floats, Floats32
from eyehand.world.raster import lighting
from eyehand.world.rendering import Cameras, Lights

_EVERYWHERE = -2.0  # cosine of a cutoff that no direction reaches
_HEADLIGHT_GLOSS = 0.5  # highlights of a look's headlight, as a share of its strength


def rows_of_lights(model: Any, data: Any, cameras: Cameras, lights: Lights | None) -> tuple[Floats32, Floats32]:
    """Rows (B, L, LIGHT_COLUMNS) relative to the cameras, and light from everywhere (B, 3).

    Args:
        model: a `mujoco.MjModel`.
        data: its `mujoco.MjData` with lights in place; used where `lights` is None.
        cameras: the B cameras.
        lights: the lights of a look, or None for the model's own.
    """
    return _of_model(model, data, cameras) if lights is None else _of_look(cameras, lights)


def _of_look(cameras: Cameras, lights: Lights) -> tuple[Floats32, Floats32]:
    batch, count = lights.directional.shape
    table = np.zeros((batch, count + 1, lighting.LIGHT_COLUMNS))
    lamp = ~lights.directional
    eye = cameras.T_world_camera[:, None, :3, 3]
    table[:, 1:, :3] = np.where(lamp[..., None], lights.position_m - eye, -lights.direction)
    table[:, 1:, lighting.LIGHT_IS_LAMP] = lamp
    table[:, 1:, lighting.LIGHT_COS_CUTOFF] = _EVERYWHERE
    table[:, 1:, lighting.LIGHT_DIFFUSE : lighting.LIGHT_DIFFUSE + 3] = lights.diffuse
    table[:, 1:, lighting.LIGHT_SPECULAR : lighting.LIGHT_SPECULAR + 3] = lights.specular
    table[:, 1:, lighting.LIGHT_ATTENUATION] = 1.0
    table[:, 1:, lighting.LIGHT_CASTS] = 1.0
    _headlight(table[:, 0], cameras, lights.headlight, _HEADLIGHT_GLOSS * lights.headlight)
    return table.astype(np.float32), lights.ambient.astype(np.float32)


def _of_model(model: Any, data: Any, cameras: Cameras) -> tuple[Floats32, Floats32]:
    lit = np.flatnonzero(model.light_active)
    batch = len(cameras.K)
    table = np.zeros((batch, len(lit) + 1, lighting.LIGHT_COLUMNS))
    kind = model.light_type[lit]
    lamp = kind != int(mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
    spot = kind == int(mujoco.mjtLightType.mjLIGHT_SPOT)
    axis = data.light_xdir[lit]
    eye = cameras.T_world_camera[:, None, :3, 3]
    table[:, 1:, :3] = np.where(lamp[:, None], data.light_xpos[lit] - eye, -axis)
    table[:, 1:, lighting.LIGHT_IS_LAMP] = lamp
    table[:, 1:, lighting.LIGHT_AXIS : lighting.LIGHT_AXIS + 3] = axis
    table[:, 1:, lighting.LIGHT_COS_CUTOFF] = np.where(spot, np.cos(np.deg2rad(model.light_cutoff[lit])), _EVERYWHERE)
    table[:, 1:, lighting.LIGHT_SPOT_EXPONENT] = np.where(spot, model.light_exponent[lit], 0.0)
    table[:, 1:, lighting.LIGHT_DIFFUSE : lighting.LIGHT_DIFFUSE + 3] = model.light_diffuse[lit]
    table[:, 1:, lighting.LIGHT_SPECULAR : lighting.LIGHT_SPECULAR + 3] = model.light_specular[lit]
    table[:, 1:, lighting.LIGHT_ATTENUATION : lighting.LIGHT_ATTENUATION + 3] = model.light_attenuation[lit]
    table[:, 1:, lighting.LIGHT_CASTS] = model.light_castshadow[lit]
    ambient = model.light_ambient[lit].sum(axis=0)
    head = model.vis.headlight
    if head.active:
        strength, gloss = (np.tile(np.asarray(value), (batch, 1)) for value in (head.diffuse, head.specular))
        _headlight(table[:, 0], cameras, strength, gloss)
        ambient = ambient + np.asarray(head.ambient)
    else:
        table = table[:, 1:]
    return np.ascontiguousarray(table, np.float32), np.tile(ambient.astype(np.float32), (batch, 1))


def _headlight(rows: Floats, cameras: Cameras, diffuse: Floats, specular: Floats) -> None:
    """Fill rows (B, LIGHT_COLUMNS) with suns that shine along the optical axes."""
    rows[:, :3] = -cameras.T_world_camera[:, :3, 2]
    rows[:, lighting.LIGHT_COS_CUTOFF] = _EVERYWHERE
    rows[:, lighting.LIGHT_DIFFUSE : lighting.LIGHT_DIFFUSE + 3] = diffuse
    rows[:, lighting.LIGHT_SPECULAR : lighting.LIGHT_SPECULAR + 3] = specular
    rows[:, lighting.LIGHT_ATTENUATION] = 1.0

# pyright: basic, reportAttributeAccessIssue=false
# (MuJoCo's bindings are untyped)
"""Colours, textures and lights of one simulation as the kernels read them: linear light, not screen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Floats, Floats32
from eyehand.world.looks import own_rgba, own_texture
from eyehand.world.pathtrace.tables import Lamps, Pages, Paint
from eyehand.world.rendering import Lights, Look, Poses

INFINITE_M = 25.0  # half size of a plane without one
_MOST_REFLECTED = 0.08  # share of light that a material of specular 1 mirrors at normal incidence
_SHARPEST = 128.0  # exponent of the highlight of a material of shininess 1


def linear(values: Array) -> Floats32:
    """Linear light of screen values in [0, 1] by the curve of sRGB (IEC 61966-2-1)."""
    v = np.clip(np.asarray(values, dtype=np.float64), 0.0, 1.0)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


BYTE_LIGHT = linear(np.arange(256) / 255.0)


def pages(pictures: Sequence[NDArray[np.uint8]]) -> Pages:
    """Pictures (H, W, 3) uint8 one after the other; a single white pixel follows, so that there is always one."""
    every = [*pictures, np.full((1, 1, 3), 255, np.uint8)]
    for number, picture in enumerate(every):
        if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size or picture.dtype != np.uint8:
            raise InvalidValueError(f"picture {number}", f"{picture.dtype} {picture.shape}", "uint8 (H, W, 3)")
    counts = [picture.shape[0] * picture.shape[1] for picture in every]
    return Pages(
        np.concatenate([picture.reshape(-1, 3) for picture in every]),
        np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
        np.array([picture.shape[0] for picture in every], np.int64),
        np.array([picture.shape[1] for picture in every], np.int64),
    )


def model_textures(model: mujoco.MjModel) -> list[NDArray[np.uint8]]:
    """The 2-D textures of a model in order, each (H, W, 3)."""
    out: list[NDArray[np.uint8]] = []
    for row in np.flatnonzero(model.tex_type == mujoco.mjtTexture.mjTEXTURE_2D):
        height, width, channels = (int(n[row]) for n in (model.tex_height, model.tex_width, model.tex_nchannel))
        start = int(model.tex_adr[row])
        picture = np.array(model.tex_data[start : start + height * width * channels], np.uint8)
        picture = picture.reshape(height, width, channels)
        out.append(picture[..., :3] if channels >= 3 else np.repeat(picture[..., :1], 3, axis=2))
    return out


def material_values(model: mujoco.MjModel, values: Array, default: float) -> Floats32:
    """(G, ...) what each geom's material says, and a default for geoms without one."""
    out = np.full((model.ngeom, *values.shape[1:]), default, np.float32)
    has = np.asarray(model.geom_matid) >= 0
    out[has] = values[model.geom_matid[has]]
    return out


@dataclass(frozen=True)
class OwnLook:
    """How the geoms of a model look by themselves.

    Attributes:
        rgba: (G, 4).
        texture: (G,) int32.
        repeat: (G, 2).
        uniform: (G,) True where the repetition is by the metre.
        half_m: (G, 2) half sizes in x and y.
        specular: (G,).
        shininess: (G,).
        glow: (G,).
    """

    rgba: Floats32
    texture: NDArray[np.int32]
    repeat: Floats32
    uniform: NDArray[np.bool_]
    half_m: Floats32
    specular: Floats32
    shininess: Floats32
    glow: Floats32

    @classmethod
    def of(cls, model: mujoco.MjModel) -> OwnLook:
        """Read it from the model's geoms and materials."""
        half_m = np.array(model.geom_size)[:, :2]
        balls = np.isin(model.geom_type, [mujoco.mjtGeom.mjGEOM_SPHERE, mujoco.mjtGeom.mjGEOM_CAPSULE])
        half_m[balls, 1] = half_m[balls, 0]
        half_m = np.where(half_m > 0, half_m, INFINITE_M)
        return cls(
            own_rgba(model),
            own_texture(model),
            material_values(model, np.asarray(model.mat_texrepeat, np.float32), 1.0),
            material_values(model, np.asarray(model.mat_texuniform, np.float32), 0.0) > 0,
            half_m.astype(np.float32),
            material_values(model, np.asarray(model.mat_specular, np.float32), 0.5),
            material_values(model, np.asarray(model.mat_shininess, np.float32), 0.5),
            material_values(model, np.asarray(model.mat_emission, np.float32), 0.0),
        )


def paint(own: OwnLook, poses: Poses, look: Look, row: int, factors: Floats32) -> Paint:
    """How one simulation's geoms stand and look.

    Args:
        own: what the model says.
        poses: of all simulations.
        look: of all simulations.
        row: the simulation.
        factors: (G, 3) that stretch the geoms' shapes.
    """

    def chosen(values: Array | None, default: Array) -> Array:
        return default if values is None else values[row]

    repeat = np.array(chosen(look.texture_repeat, own.repeat), dtype=np.float32)
    repeat[own.uniform] *= own.half_m[own.uniform]
    return Paint(
        np.ascontiguousarray(poses.rotation[row], dtype=np.float32),
        factors,
        linear(chosen(look.rgba, own.rgba)[:, :3]),
        np.ascontiguousarray(chosen(look.texture, own.texture), dtype=np.int32),
        repeat,
        (_MOST_REFLECTED * np.clip(chosen(look.specular, own.specular), 0.0, 1.0)).astype(np.float32),
        np.maximum(_SHARPEST * np.clip(chosen(look.shininess, own.shininess), 0.0, 1.0), 1.0).astype(np.float32),
        own.glow,
    )


def model_lights(model: mujoco.MjModel) -> Lights:
    """The lights of a model for one simulation, L = its active lights; spot lights shine all around."""
    lit = np.flatnonzero(model.light_active)
    ambient = np.asarray(model.vis.headlight.ambient) * bool(model.vis.headlight.active)
    return Lights(
        position_m=np.array(model.light_pos[lit], np.float64)[None],
        direction=np.array(model.light_dir[lit], np.float64)[None],
        directional=(model.light_type[lit] == mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)[None],
        diffuse=np.array(model.light_diffuse[lit], np.float64)[None],
        specular=np.array(model.light_specular[lit], np.float64)[None],
        ambient=(ambient + np.asarray(model.light_ambient[lit]).sum(0)).astype(np.float64)[None],
        headlight=(np.asarray(model.vis.headlight.diffuse) * bool(model.vis.headlight.active))[None],
    )


def lamps(lights: Lights, row: int, axis: Floats, radius: tuple[float, float], centre_m: Floats | None) -> Lamps:
    """One simulation's lights and headlight.

    Args:
        lights: of all simulations.
        row: the simulation.
        axis: (3,) the camera's optical axis in the world.
        radius: of lamps that have none of their own in metres, of suns the tangent of half their angle.
        centre_m: (3,) where lamps have their full strength, if they fall off with the distance.
    """
    suns = np.append(lights.directional[row], True)
    place = np.where(suns[:-1, None], -lights.direction[row], lights.position_m[row])
    place = np.concatenate([place, -axis[None]])
    place[suns] /= np.maximum(np.linalg.norm(place[suns], axis=1, keepdims=True), 1e-9)
    full = np.zeros(len(suns)) if centre_m is None else np.linalg.norm(place - centre_m, axis=1)
    diffuse = np.concatenate([lights.diffuse[row], lights.headlight[row][None]])
    specular = np.concatenate([lights.specular[row], 0.5 * lights.headlight[row][None]])
    strength = np.maximum(diffuse.mean(1), 0.0) + 1e-9
    own = np.full(len(suns) - 1, radius[0]) if lights.radius_m is None else lights.radius_m[row]
    round_ = np.where(suns, radius[1], np.append(own, 0.0))
    round_[-1] = 0.0
    return Lamps(
        place.astype(np.float32),
        suns.astype(np.uint8),
        round_.astype(np.float32),
        full.astype(np.float32),
        diffuse.astype(np.float32),
        specular.astype(np.float32),
        (np.cumsum(strength) / strength.sum()).astype(np.float32),
        np.ascontiguousarray(lights.ambient[row], dtype=np.float32),
    )

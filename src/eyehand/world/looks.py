# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""How the geoms of a scene look and where its cameras really are, drawn for every episode from a domain's numbers.

A geom's name says its role: `robot/...`, `table`, `floor`, `wall/<i>`, `object<k>`, `clutter<k>`. Shares move a look
from the scene's own (0) to any at all (1), so the nominal domain shows the scene as it was composed. In a domain with
a population of draws the room, its light, the robot and the clutter belong to the draw; the objects to the episode.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.types import Flags, Floats, Floats32, Integers
from eyehand.world import clutter, counter, plane_camera
from eyehand.world.domain import Domain, bounds
from eyehand.world.lamps import draw_lights
from eyehand.world.rendering import Cameras, Look

FAMILIES = ("train", "held_out")
SHELLS = ("plain", "twin")
BACKGROUNDS = ("plain", "colour", "photograph")
_ROLE = re.compile(r"(robot)/|(table|floor|wall/\d+)$|(object)\d+$|(clutter)\d+$")
_ROLES = ("robot", "surface", "object", "clutter")
_DEFAULT_GREY = (0.5, 0.5, 0.5, 1.0)  # a geom of this colour shows its material's
_DARKEST, _BRIGHTEST = 0.05, 0.95  # of a colour that may be any
_TINT = 0.4  # how much a texture may be tinted


@dataclass(frozen=True)
class Roles:
    """Which geoms of a model play which part.

    Attributes:
        of: (G,) index into "robot", "surface", "object", "clutter"; -1 for geoms of no part.
        number: (G,) how many geoms of the same part come before.
        wall: (G,) the geom is a wall.
        centre_m: (3,) the middle of the table's top, or of the scene where there is no table.
    """

    of: Integers
    number: Integers
    wall: Flags
    centre_m: Floats

    def mask(self, role: str) -> Flags:
        """(G,) which geoms play a part."""
        return self.of == _ROLES.index(role)


def roles(model: mujoco.MjModel) -> Roles:
    """Read the geoms' parts from their names."""
    names = [model.geom(g).name for g in range(model.ngeom)]
    found = [_ROLE.match(name) for name in names]
    of = np.array([-1 if m is None else next(i for i, part in enumerate(m.groups()) if part) for m in found])
    number = np.array([int((of[:g] == of[g]).sum()) for g in range(len(of))])
    wall = np.array([name.startswith("wall/") for name in names])
    centre = np.array(model.stat.center)
    if "table" in names:
        centre = np.array([*model.geom_pos[names.index("table"), :2], 0.0])
    return Roles(of.astype(np.int64), number.astype(np.int64), wall, centre)


def draw_look(
    domain: Domain,
    model: mujoco.MjModel,
    seeds: Integers,
    textures: Sequence[int] = (),
    photographs: int = 0,
    own: Look | None = None,
) -> Look:
    """The look of every episode.

    Args:
        domain: whose appearance is used.
        model: the scene.
        seeds: (B,) episode seeds.
        textures: rows of the renderer's textures that surfaces and objects may be given.
        photographs: how many photographs the renderer has for the background.
        own: look of the scene before anything is varied, where that differs from the model (the meshes, colours and
            textures of the objects chosen for each episode).

    Raises:
        UnknownNameError: a background, or a family or shell, that does not exist.
        InvalidValueError: the domain asks for textures or photographs and there are none.
    """
    _check(domain, len(textures), photographs)
    seeds = np.asarray(seeds, dtype=np.int64)
    scene = _Scene.of(domain, model, seeds)
    base = own or Look()
    textured = _textured(scene) if textures else np.zeros((len(seeds), model.ngeom), bool)
    look = replace(
        base,
        rgba=_colours(scene, base, textured),
        lights=draw_lights(domain, scene.roles.centre_m, seeds),
        **_background(domain, seeds, photographs),
    )
    if _above_zero(domain, "gloss_share"):
        look = replace(look, **_gloss(scene, base))
    if scene.roles.mask("clutter").any() and bounds(domain.appearance.clutter)[1] > 0:
        look = replace(look, size=clutter.sizes_m(domain, model, seeds))
    if textured.any():
        look = replace(look, **_textures(scene, base, textured, textures))
    return look


def draw_cameras(
    domain: Domain, K: Floats, T_world_camera: Floats, seeds: Integers, step: Integers, size: tuple[int, int]
) -> Cameras:
    """Where cameras really are and what they really see, given what is believed of them.

    Args:
        domain: whose calibration is used.
        K: (B, 3, 3) believed intrinsics in pixels.
        T_world_camera: (B, 4, 4) believed poses.
        seeds: (B,) episode seeds.
        step: (B,) control steps, which choose the shake.
        size: (height, width) of the pictures in pixels.
    """
    turn = plane_camera.directions(domain, "calibration.camera_rotation_rad", seeds)
    turn = turn + plane_camera.directions(domain, "calibration.moved_rad", seeds)
    shake = np.stack([counter.normal(seeds, "camera/shake", step, axis) for axis in range(3)], axis=-1)
    turn = turn + domain.numbers("calibration.shake_rad", seeds)[:, None] * shake
    true_T = np.array(T_world_camera, dtype=np.float64)
    true_T[:, :3, :3] = true_T[:, :3, :3] @ plane_camera.rotations(turn)
    true_T[:, :3, 3] += plane_camera.directions(domain, "calibration.camera_offset_m", seeds)
    true_T[:, :3, 3] += plane_camera.directions(domain, "calibration.moved_m", seeds)
    true_K = np.array(K, dtype=np.float64)
    true_K[:, [0, 1], [0, 1]] *= 1.0 + domain.numbers("calibration.focal_error", seeds)[:, None]
    true_K[:, :2, 2] += domain.numbers("calibration.principal_error_px", seeds, 2)
    return Cameras(true_K, true_T, size)


def displaced(T_world_camera: Floats, T_error: Floats) -> Floats:
    """Camera poses (B, 4, 4) with errors (B, 4, 4) that `draw_cameras` gave for cameras believed at the origin."""
    out = T_world_camera.copy()
    out[:, :3, :3] = np.einsum("bij,bjk->bik", T_world_camera[:, :3, :3], T_error[:, :3, :3])
    out[:, :3, 3] += T_error[:, :3, 3]
    return out


@dataclass(frozen=True)
class _Scene:
    """What every part of a look is drawn from: `draws` (B, G) chooses the numbers of each geom."""

    domain: Domain
    model: mujoco.MjModel
    seeds: Integers
    roles: Roles
    draws: Integers

    @classmethod
    def of(cls, domain: Domain, model: mujoco.MjModel, seeds: Integers) -> _Scene:
        parts = roles(model)
        lasting = counter.draw_of(seeds) if domain.population else seeds
        draws = np.where(parts.mask("object"), seeds[:, None], lasting[:, None])
        return cls(domain, model, seeds, parts, draws)

    def uniform(self, use: str, count: int) -> Floats:
        """(B, G, count) numbers in [0, 1) that are each geom's own."""
        key = (self.roles.of * 4096 + self.roles.number) * count
        index = key[:, None] + np.arange(count)
        return counter.uniform(self.draws[..., None], f"look/{use}", index=index)

    def share(self, name: str) -> Floats:
        """(B, 1) numbers of a share between 0 and 1."""
        return self.domain.numbers(f"appearance.{name}", self.seeds)[:, None].clip(0.0, 1.0)

    def by_role(self, robot: str | None, surface: str, thing: str) -> Floats:
        """(B, G) the share that concerns each geom; objects and clutter share theirs."""
        shares = np.zeros(self.draws.shape)
        for role, name in (("robot", robot), ("surface", surface), ("object", thing), ("clutter", thing)):
            if name is not None:
                shares = np.where(self.roles.mask(role), self.share(name), shares)
        return shares


def _check(domain: Domain, textures: int, photographs: int) -> None:
    looks, where = domain.appearance, f"domain {domain.name}"
    named = (("objects", looks.objects, FAMILIES), ("textures", looks.textures, FAMILIES))
    named += (("shell", looks.shell, SHELLS), ("background", looks.background, BACKGROUNDS))
    for field, name, allowed in named:
        if name not in allowed:
            raise UnknownNameError(f"appearance.{field}", name, allowed, where)
    if looks.background == "photograph" and photographs < 1:
        raise InvalidValueError("appearance.background", "photograph", "'plain' or 'colour': no photographs", where)
    for field in ("object_texture_share", "surface_texture_share"):
        if _above_zero(domain, field) and textures < 1:
            raise InvalidValueError(f"appearance.{field}", getattr(looks, field), "0: there are no textures", where)


def _above_zero(domain: Domain, name: str) -> bool:
    return bounds(getattr(domain.appearance, name))[1] > 0


def own_rgba(model: mujoco.MjModel) -> Floats32:
    """(G, 4) colours of the geoms as MuJoCo shows them: the material's where the geom has none of its own."""
    material = model.geom_matid
    plain = (model.geom_rgba == np.array(_DEFAULT_GREY, np.float32)).all(1) & (material >= 0)
    colours = np.array(model.geom_rgba, dtype=np.float32)
    colours[plain] = model.mat_rgba[material[plain]]
    return colours


def own_texture(model: mujoco.MjModel) -> NDArray[np.int32]:
    """(G,) row among the model's 2-D textures that each geom shows; -1 for none."""
    rank = np.cumsum(model.tex_type == mujoco.mjtTexture.mjTEXTURE_2D) - 1
    rows = np.full(model.ngeom, -1, np.int32)
    for g in np.flatnonzero(model.geom_matid >= 0):
        texture = model.mat_texid[model.geom_matid[g], mujoco.mjtTextureRole.mjTEXROLE_RGB]
        if texture >= 0 and model.tex_type[texture] == mujoco.mjtTexture.mjTEXTURE_2D:
            rows[g] = rank[texture]
    return rows


def _of_material(model: mujoco.MjModel, values: NDArray[np.float32], default: float) -> Floats32:
    """(G, ...) a material's numbers for every geom."""
    out = np.full((model.ngeom, *values.shape[1:]), default, np.float32)
    has = model.geom_matid >= 0
    out[has] = values[model.geom_matid[has]]
    return out


def _colours(scene: _Scene, base: Look, textured: Flags) -> Floats32:
    """(B, G, 4) colours: own ones, moved towards any colour, walls dimmed, superfluous clutter hidden."""
    own = base.rgba if base.rgba is not None else np.broadcast_to(own_rgba(scene.model), (*scene.draws.shape, 4))
    rgba = np.array(own, dtype=np.float64)
    share = scene.by_role("robot_colour_share", "surface_colour_share", "object_colour_share")[..., None]
    any_colour = scene.uniform("colour", 3)
    rgba[..., :3] += share * (_DARKEST + (_BRIGHTEST - _DARKEST) * any_colour - rgba[..., :3])
    rgba[..., :3] = np.where(textured[..., None], 1.0 - _TINT * share * any_colour, rgba[..., :3])
    albedo = scene.domain.numbers("appearance.background_albedo", scene.seeds).clip(0.0, 1.0)
    rgba[..., :3] *= np.where(scene.roles.wall, albedo[:, None], 1.0)[..., None]
    shown = np.rint(scene.domain.numbers("appearance.clutter", scene.seeds))[:, None]
    rgba[..., 3] = np.where(scene.roles.mask("clutter") & (scene.roles.number >= shown), 0.0, rgba[..., 3])
    return rgba.astype(np.float32)


def _textured(scene: _Scene) -> Flags:
    """(B, G) which geoms are given a texture."""
    return scene.uniform("textured", 1)[..., 0] < scene.by_role(None, "surface_texture_share", "object_texture_share")


def _textures(
    scene: _Scene, base: Look, textured: Flags, textures: Sequence[int]
) -> dict[str, NDArray[np.int32] | Floats32]:
    """The texture and its repetition for every geom: given ones, else the scene's own."""
    model, rows = scene.model, np.asarray(textures, dtype=np.int32)
    chosen = rows[(scene.uniform("texture", 1)[..., 0] * len(rows)).astype(np.int64)]
    own = base.texture if base.texture is not None else own_texture(model)
    own_repeat = base.texture_repeat
    if own_repeat is None:
        own_repeat = _of_material(model, np.asarray(model.mat_texrepeat, np.float32), 1.0)
    repeat = scene.domain.numbers("appearance.texture_repeat", scene.seeds).astype(np.float32)
    return {
        "texture": np.where(textured, chosen, own).astype(np.int32),
        "texture_repeat": np.where(textured[..., None], repeat[:, None, None], own_repeat).astype(np.float32),
    }


def _gloss(scene: _Scene, base: Look) -> dict[str, Floats32]:
    """Strength and sharpness of highlights for every geom, moved towards any."""
    model, share = scene.model, scene.share("gloss_share")
    drawn = scene.uniform("gloss", 2)
    moved: dict[str, Floats32] = {}
    for column, (name, values) in enumerate((("specular", model.mat_specular), ("shininess", model.mat_shininess))):
        given: Floats32 | None = getattr(base, name)
        own = given if given is not None else _of_material(model, np.asarray(values, np.float32), 0.5)
        moved[name] = (own + share * (drawn[..., column] - own)).astype(np.float32)
    return moved


def _background(domain: Domain, seeds: Integers, photographs: int) -> dict[str, NDArray[np.int32] | Floats32]:
    """What is behind everything: a grey, any colour or a photograph."""
    draws = counter.draw_of(seeds) if domain.population else seeds
    grey = domain.numbers("appearance.background_albedo", seeds).clip(0.0, 1.0)
    colour = np.repeat(grey, 3).reshape(-1, 3)
    rows = np.full(len(seeds), -1, np.int32)
    if domain.appearance.background == "colour":
        colour = np.stack([counter.uniform(draws, "look/background", index=c) for c in range(3)], axis=-1)
    if domain.appearance.background == "photograph":
        rows = (counter.uniform(draws, "look/photograph") * photographs).astype(np.int32)
    return {"background": rows, "background_rgb": colour.astype(np.float32)}

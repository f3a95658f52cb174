# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Pictures of a table: what a task's state looks like in a domain, through the domain's camera.

The scene's poses come from the state; colours, textures, lights and the camera's true place are drawn from the domain
(`eyehand.world.looks`); the rasteriser or the path tracer draws; the domain's sensor makes bytes of it
(`eyehand.world.sensing`).
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol, final

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats, Floats32, Images, Integers, Shot
from eyehand.world import clutter, counter, viewpoints
from eyehand.world.domain import Domain, bounds
from eyehand.world.looks import draw_cameras, draw_look, own_rgba, own_texture, roles
from eyehand.world.objects.textures import PATTERNS, procedural_texture
from eyehand.world.pathtrace.light import Light
from eyehand.world.pathtrace.tracer import PathTracer
from eyehand.world.raster.rasteriser import Rasteriser
from eyehand.world.rendering import NOTHING, Cameras, Look, Poses, Rendering
from eyehand.world.sensing import camera
from eyehand.world.sensing.flow import pixel_flow
from eyehand.world.sensing.stereo import Views, sense_depth
from eyehand.world.tabletop import Tabletop
from eyehand.world.task import split_shot

TEXTURES = 48  # of each family
_TEXTURE_SIZE = 128
_FIRST_SEED = {"train": 0, "held_out": 10_000}  # of the two families' textures
_PORTRAIT_ELEVATION_RAD = 0.6
_PORTRAIT_DISTANCE_M = 0.6
_PORTRAIT_FILLS = 0.8  # of the picture, by the object


_drawing = threading.Lock()


class Seen(Protocol):
    """What pictures show of a task's state."""

    @property
    def seen(self) -> Floats:
        """(B, n) physics rows at the time that the frame shows."""
        ...

    @property
    def held(self) -> Integers:
        """(B, K) object of every slot."""
        ...

    @property
    def T_world_camera(self) -> Floats:
        """(B, 4, 4) where the camera is believed to stand."""
        ...


class Queried(Protocol):
    """What a portrait shows of a task's state."""

    @property
    def seen(self) -> Floats:
        """(B, n) physics rows."""
        ...

    @property
    def held(self) -> Integers:
        """(B, K) object of every slot."""
        ...

    @property
    def query(self) -> Integers:
        """(B,) slot of the queried object."""
        ...

    @property
    def query_m(self) -> Floats:
        """(B, 3) its middle in the world."""
        ...


class Samples(Protocol):
    """A task that makes states of seeds."""

    def sample(self, seeds: Integers) -> Any:
        """The state at the start of every episode."""
        ...


@final
class TabletopImaging:
    """The `raster` and `traced` image back ends of tasks on a table."""

    def __init__(
        self,
        scene: Tabletop,
        domain: Domain,
        K: Floats,
        size: tuple[int, int],
        depth: bool = False,
        azimuth_rad: float = 0.0,
        in_hand: bool = False,
    ) -> None:
        """Prepare the back end.

        Args:
            scene: the scene, in the shell that the domain shows.
            domain: whose appearance, sensor and calibration are used.
            K: (3, 3) believed intrinsics in pixels.
            size: (height, width) of the pictures.
            depth: whether the camera gives depth too.
            azimuth_rad: how far the camera stands around the table from the state's viewpoint.
            in_hand: whether the robot carries the camera, which is then where the arm says and not the state.
        """
        self._painter, self._domain, self._K, self._size = Painter(scene, domain), domain, K, size
        self._scene = scene
        self._depth, self._azimuth_rad, self._in_hand = depth, azimuth_rad, in_hand

    def capture(self, state: Seen, seeds: Integers, step: Integers) -> Images | Shot:
        """Frames (B, H, W, 3), with depth (B, H, W) from a depth camera."""
        K = np.broadcast_to(self._K, (len(seeds), 3, 3))
        if self._in_hand:
            T = self._scene.hand_camera(state.seen)
        else:
            T = viewpoints.around(state.T_world_camera, self._azimuth_rad)
        cameras = draw_cameras(self._domain, K, T, seeds, step, self._size)
        before = None
        if self._in_hand and bounds(self._domain.sensor.shutter_s)[1] > 0:
            T = self._scene.hand_camera(self._painter.when_opened(state.seen, seeds))
            before = draw_cameras(self._domain, K, T, seeds, step, self._size)
        return self._painter.frames(state.seen, state.held, cameras, seeds, step, depth=self._depth, before=before)


@final
class Portrait:
    """Small pictures of the queried object alone on the table, from another side than the camera's."""

    def __init__(self, task: Samples, scene: Tabletop, domain: Domain, size: tuple[int, int]) -> None:
        """Take the task that samples the episodes, its scene as the domain shows it, and the pictures' size."""
        self._task, self._painter, self._scene, self._size = task, Painter(scene, domain), scene, size
        self._radii_m = np.array([0.5 * np.linalg.norm(thing.size_m) for thing in scene.slots.objects])

    def show(self, seeds: Integers) -> Images:
        """Pictures (B, h, w, 3)."""
        state: Queried = self._task.sample(seeds)
        rows = np.arange(len(seeds))
        slot = np.arange(state.held.shape[1])
        alone = np.where(slot == state.query[:, None], state.held, -1)
        azimuth = 2 * np.pi * counter.uniform(seeds, "portrait/azimuth")
        level, height = np.cos(_PORTRAIT_ELEVATION_RAD), np.sin(_PORTRAIT_ELEVATION_RAD)
        away = np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.full(len(seeds), height)], axis=1)
        T = viewpoints.facing(state.query_m + _PORTRAIT_DISTANCE_M * away, state.query_m)
        radius_m = self._radii_m[state.held[rows, state.query]]
        width_rad = 2 * np.arctan(radius_m / (_PORTRAIT_FILLS * _PORTRAIT_DISTANCE_M))
        K = np.stack([viewpoints.intrinsics(self._size, width) for width in width_rad])
        cameras = Cameras(K, T, self._size)
        frames = self._painter.frames(state.seen, alone, cameras, seeds, np.full(len(seeds), -1), robot=False)
        return split_shot(frames)[0]


@final
class Painter:
    """Draws physics rows of a scene as a domain shows them."""

    def __init__(self, scene: Tabletop, domain: Domain) -> None:
        """Take the scene and the domain."""
        self._scene, self._domain = scene, domain
        self._family = domain.appearance.textures
        self._traced = domain.appearance.image == "traced"
        model, objects = scene.model, scene.slots.objects
        own = len(model.tex_type[model.tex_type == mujoco.mjtTexture.mjTEXTURE_2D])
        self._extra = range(own, own + TEXTURES)
        self._rgba, self._texture, self._gloss = own_rgba(model), own_texture(model), _own_gloss(model)
        self._object_rgba = np.array([thing.rgba for thing in objects], np.float32)
        self._object_gloss = np.array([(thing.specular, thing.shininess) for thing in objects], np.float32)
        self._object_texture = _texture_rows(model, [thing.name for thing in objects])
        self._latest: tuple[tuple[bytes, bytes, bool], Look] | None = None
        self._company = roles(model).mask("robot") | roles(model).mask("clutter")

    def frames(
        self,
        physics: Floats,
        held: Integers,
        cameras: Cameras,
        seeds: Integers,
        step: Integers,
        robot: bool = True,
        depth: bool = False,
        before: Cameras | None = None,
    ) -> Images | Shot:
        """Frames (B, H, W, 3) uint8, with depth (B, H, W) beside them where it is asked for.

        Args:
            physics: (B, n) physics rows.
            held: (B, K) the objects that are shown; a slot of -1 is left out.
            cameras: the true cameras.
            seeds: (B,) episode seeds.
            step: (B,) control steps, which choose the noise.
            robot: whether the robot is shown, and what stands about.
            depth: whether the camera is one for depth too.
            before: the cameras when the shutter opened; None for cameras that stand still.
        """
        domain, margin = self._domain, camera.margin_px(self._domain, cameras.size)
        wide = camera.widened(cameras, margin)
        drawn = self.draw(physics, held, wide, seeds, step, robot)
        pictures = drawn.radiance if isinstance(drawn, Light) else drawn.rgb
        inside = (slice(None), slice(margin, margin + cameras.size[0]), slice(margin, margin + cameras.size[1]))
        path_px = None
        if bounds(domain.sensor.shutter_s)[1] > 0:
            opened, closed = (self._poses(at, held, seeds) for at in (self.when_opened(physics, seeds), physics))
            earlier = wide if before is None else camera.widened(before, margin)
            flow = pixel_flow(opened, closed, earlier, wide, drawn.depth_m, drawn.ids)
            path_px = flow[inside]
        rgb = camera.capture(domain, pictures, seeds, step, path_px, margin)
        if not depth:
            return rgb
        depth_m = np.ascontiguousarray(drawn.depth_m[inside])
        grey = depth_m  # an exact sensor looks at nothing else
        if domain.sensor.depth != "exact":
            grey = pictures[inside].astype(np.float32).mean(axis=3) / (1.0 if self._traced else 255.0)
        views = Views(grey, depth_m)
        return Shot(rgb, sense_depth(domain, views, cameras.K, seeds, step))

    def draw(
        self, physics: Floats, held: Integers, cameras: Cameras, seeds: Integers, step: Integers, robot: bool = True
    ) -> Rendering | Light:
        """What reaches the lens, with exact depth and geom ids; arguments as for `frames`."""
        scene = self._scene
        poses = self._poses(physics, held, seeds)
        look = self._look(held, seeds, robot)
        if self._traced:
            return _tracer(scene, self._family).trace(poses, cameras, look, seeds, step)
        with _drawing:  # a rasteriser serves one thread, and spreads its rows over all cores
            return _rasteriser(scene, self._family).render(poses, cameras, look)

    def _look(self, held: Integers, seeds: Integers, robot: bool) -> Look:
        """The look of every episode; the latest is kept, because it stays the same until an episode ends."""
        key = (seeds.tobytes(), held.tobytes(), robot)
        if self._latest is None or self._latest[0] != key:
            look = draw_look(self._domain, self._scene.model, seeds, self._extra, own=self._own(held, seeds))
            if not robot:
                rgba = np.array(look.rgba)
                rgba[:, self._company, 3] = 0.0
                look = dataclasses.replace(look, rgba=rgba)
            self._latest = (key, look)
        return self._latest[1]

    def _poses(self, physics: Floats, held: Integers, seeds: Integers) -> Poses:
        """Where all geoms are, the clutter included."""
        geometry = self._scene.engine.geometry(physics, self._scene.fields(held))
        poses = Poses(geometry.position_m, geometry.rotation)
        return clutter.placed(self._domain, self._scene.model, poses, seeds)

    def when_opened(self, physics: Floats, seeds: Integers) -> Floats:
        """Physics rows with the arm where it was when the shutter opened, for its velocity."""
        speed = self._scene.engine.part(physics, "qvel")[:, self._scene.dofs]
        open_s = self._domain.numbers("sensor.shutter_s", seeds)[:, None]
        return self._scene.posed(physics, self._scene.joints(physics) - open_s * speed)

    def _own(self, held: Integers, seeds: Integers) -> Look:
        """How the scene looks before the domain changes it: what the slots (B, K) hold, how large the clutter is."""
        model, slots = self._scene.model, self._scene.slots
        geoms, row, batch = slots.geoms[:, 0], np.maximum(held, 0), len(held)
        mesh = np.repeat(model.geom_dataid.astype(np.int32)[None], batch, axis=0)
        rgba, texture = np.repeat(self._rgba[None], batch, axis=0), np.repeat(self._texture[None], batch, axis=0)
        gloss = np.repeat(self._gloss[None], batch, axis=0)  # (B, G, 2)
        mesh[:, geoms], rgba[:, geoms] = slots.meshes(held), self._object_rgba[row]
        texture[:, geoms], gloss[:, geoms] = self._object_texture[row], self._object_gloss[row]
        size = clutter.sizes_m(self._domain, model, seeds) if self._domain.appearance.clutter != 0 else None
        return Look(rgba=rgba, mesh=mesh, size=size, texture=texture, specular=gloss[..., 0], shininess=gloss[..., 1])


def _own_gloss(model: mujoco.MjModel) -> Floats32:
    """(G, 2) specular and shininess of every geom's material."""
    out = np.tile(np.array([0.5, 0.5], np.float32), (model.ngeom, 1))
    painted = model.geom_matid >= 0
    material = model.geom_matid[painted]
    out[painted] = np.stack([model.mat_specular[material], model.mat_shininess[material]], axis=1)
    return out


def _texture_rows(model: mujoco.MjModel, names: Sequence[str]) -> NDArray[np.int32]:
    """Rows among the model's 2-D textures of the textures with these names; -1 where there is none."""
    rank = np.cumsum(model.tex_type == mujoco.mjtTexture.mjTEXTURE_2D) - 1
    ids = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_TEXTURE, name) for name in names]
    return np.array([NOTHING if one < 0 else rank[one] for one in ids], np.int32)


@lru_cache(maxsize=2)
def _textures(family: str) -> tuple[Images, ...]:
    """The textures of a family that a domain may give to surfaces and objects."""
    first = _FIRST_SEED[family]
    return tuple(procedural_texture(PATTERNS[i % len(PATTERNS)], first + i, _TEXTURE_SIZE) for i in range(TEXTURES))


@lru_cache(maxsize=4)
def _rasteriser(scene: Tabletop, family: str) -> Rasteriser:
    return Rasteriser(scene.model, _textures(family))


@lru_cache(maxsize=4)
def _tracer(scene: Tabletop, family: str) -> PathTracer:
    return PathTracer(scene.model, _textures(family))


@final
class Unoccupied:
    """Pictures of a scene without what is in its first slot: backgrounds."""

    def __init__(self, pictures: TabletopImaging) -> None:
        """Take the image back end."""
        self._pictures = pictures

    def capture(self, state: Any, seeds: Integers, step: Integers) -> Images | Shot:
        """Frames as ever, the first slot left out."""
        held = state.held.copy()
        held[:, 0] = -1
        return self._pictures.capture(dataclasses.replace(state, held=held), seeds, step)

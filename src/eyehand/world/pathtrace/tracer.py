# pyright: basic, reportAttributeAccessIssue=false
# (MuJoCo's bindings and numba kernels are untyped)
"""Pictures of any scene by tracing light paths, one simulation at a time on each thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import final

import mujoco
import numpy as np
from numpy.typing import NDArray

from eyehand.errors import InvalidValueError
from eyehand.types import Floats, Floats32, Integers
from eyehand.world import counter, kernel_cache, rows
from eyehand.world.looks import roles
from eyehand.world.pathtrace import exposure, kernels, looks, pattern
from eyehand.world.pathtrace.casting import Caster
from eyehand.world.pathtrace.geometry import Geometry
from eyehand.world.pathtrace.light import Light
from eyehand.world.pathtrace.tables import (
    Glances,
    Lamps,
    Leaving,
    Paint,
    Spots,
    glances,
    leaving,
    segments,
    spots,
)
from eyehand.world.rendering import NOTHING, Cameras, Look, Poses

_LAMP_USE, _BOUNCE_USE, _FURTHER_USE, _MIRROR_USE = (
    8,
    2,
    4,
    6,
)  # uses of random numbers; every lamp takes one of its own
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of linear sRGB


@dataclass(frozen=True)
class TraceOptions:
    """What a picture costs and how its lights are.

    Attributes:
        samples: rays for each pixel.
        bounces: 0 for direct light and an even light from everywhere, 1 to follow the light by one bounce,
            scattered by every surface and mirrored by shiny ones.
        lamp_radius_m: of every lamp whose light does not bring its own; larger ones cast softer shadows.
        sun_half_angle_rad: of every sun.
        share_light: average the light that falls on a pixel with its neighbours', colours stay sharp; see `exposure`.
        falloff: lamps are brighter near them than far away; they have their full strength at the scene's centre.
    """

    samples: int = 4
    bounces: int = 1
    lamp_radius_m: float = 0.08
    sun_half_angle_rad: float = 0.03
    share_light: bool = True
    falloff: bool = True

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InvalidValueError: a number is out of its range.
        """
        if not 1 <= self.samples <= 256:
            raise InvalidValueError("samples", self.samples, "1 to 256")
        if self.bounces not in {0, 1}:
            raise InvalidValueError("bounces", self.bounces, "0 or 1")
        if not 0 <= self.lamp_radius_m <= 10:
            raise InvalidValueError("lamp_radius_m", self.lamp_radius_m, "0 to 10 metres")
        if not 0 <= self.sun_half_angle_rad <= 0.5:
            raise InvalidValueError("sun_half_angle_rad", self.sun_half_angle_rad, "0 to 0.5 rad")


@dataclass(frozen=True)
class StereoRig:
    """The other half of a stereo depth sensor, for each of B simulations.

    Attributes:
        baseline_m: (B,) how far to the right of the left camera the right one stands; the projector is halfway.
        strength: (B,) light of the projector's dots at 1 m, relative to a white surface in light of strength 1.
    """

    baseline_m: Floats
    strength: Floats


@dataclass(frozen=True)
class _Projector:
    """Where a projector is, cells of its pattern for each unit of x / z, and its light."""

    place: Floats32
    rotation: Floats32
    cells: np.float32
    lamp: Lamps


@dataclass(frozen=True)
class _Scene:
    """One simulation: what is traced, painted and lit, its key of random numbers, and see `kernels.spread_pair`."""

    caster: Caster
    paint: Paint
    lamps: Lamps
    key: np.uint64
    places: NDArray[np.int32]


@final
class PathTracer:
    """Draws a scene's simulations as linear light."""

    def __init__(
        self,
        model: mujoco.MjModel,
        textures: Sequence[NDArray[np.uint8]] = (),
        photographs: Sequence[NDArray[np.uint8]] = (),
        options: TraceOptions | None = None,
        threads: int | None = None,
    ) -> None:
        """Read the scene's shapes and pictures.

        Args:
            model: the scene.
            textures: (H, W, 3) uint8 each; they follow the model's own 2-D textures, and `Look.texture` counts both.
            photographs: (H, W, 3) uint8 each, for `Look.background`.
            options: cost and lights.
            threads: how many to draw on; None for as many as there are cores.

        Raises:
            InvalidValueError: a picture has another type or shape.
        """
        self.options = options or TraceOptions()
        self._geometry = Geometry(model)
        self._own = looks.OwnLook.of(model)
        self._lights = looks.model_lights(model)
        self._centre_m = roles(model).centre_m if self.options.falloff else None
        every = [*looks.model_textures(model), *textures]
        self._textures, self._photographs = len(every), len(photographs)
        self._pages, self._photos = looks.pages(every), looks.pages(photographs)
        kernel_cache.refresh()
        self._threads = threads
        self._rays_shared = (self.options.samples, int(self.options.share_light))
        self._offsets = _offsets(self.options.samples)

    def trace(
        self,
        poses: Poses,
        cameras: Cameras,
        look: Look | None = None,
        seeds: Integers | None = None,
        step: Integers | int = 0,
    ) -> Light:
        """One picture of each simulation.

        Args:
            poses: of the geoms.
            cameras: one in each simulation.
            look: where it differs from the model's own.
            seeds: (B,) episode seeds that choose the noise; None for zeros.
            step: control step that chooses the noise, one for all or (B,).

        Raises:
            InvalidValueError: a texture, mesh or photograph that does not exist, or arrays that do not fit.
        """
        look = look or Look()
        batch, (height, width) = len(poses.position_m), cameras.size
        self._check(poses, cameras, look)
        numbers = np.zeros(batch, np.int64) if seeds is None else seeds
        keys = counter.bits(numbers, "pathtrace", step)
        light = Light(
            np.empty((batch, height, width, 3), np.float32),
            np.empty((batch, height, width), np.float32),
            np.empty((batch, height, width), np.int32),
        )

        def some(part: slice) -> None:
            for row in range(part.start, part.stop):
                self._trace_row(poses, cameras, look, row, keys[row], light)

        rows.in_parallel(some, batch, self._threads or rows.default_threads(), 1)
        return light

    def trace_stereo(
        self,
        poses: Poses,
        left: Cameras,
        rig: StereoRig,
        look: Look | None = None,
        seeds: Integers | None = None,
        step: Integers | int = 0,
    ) -> tuple[Floats32, Floats32]:
        """What the two grey cameras of a depth sensor see, with its pattern of dots on the scene; direct light only.

        Args:
            poses: of the geoms.
            left: the left cameras.
            rig: where the right cameras are and how strong the pattern is.
            look: where it differs from the model's own.
            seeds: (B,) episode seeds that choose the noise; None for zeros.
            step: control step that chooses the noise, one for all or (B,).

        Returns:
            (B, H, W) and (B, H, W) float32 linear light of the left and the right cameras.

        Raises:
            InvalidValueError: a texture, mesh or photograph that does not exist, or arrays that do not fit.
        """
        look = look or Look()
        batch = len(poses.position_m)
        self._check(poses, left, look)
        numbers = np.zeros(batch, np.int64) if seeds is None else seeds
        eyes = left, replace(left, T_world_camera=_aside(left, rig.baseline_m))
        keys = [counter.bits(numbers, f"pathtrace/{eye}", step) for eye in ("left", "right")]
        grey = np.empty((2, batch, *left.size), np.float32)

        def some(part: slice) -> None:
            for row in range(part.start, part.stop):
                lit = self._scene(poses, left, look, row, keys[0][row])
                projector = _projector(left, rig, row)
                for eye in range(2):
                    scene = replace(lit, key=keys[eye][row])
                    grey[eye, row] = self._dotted(scene, eyes[eye], look, row, projector)

        rows.in_parallel(some, batch, self._threads or rows.default_threads(), 1)
        return grey[0], grey[1]

    def _dotted(self, scene: _Scene, cameras: Cameras, look: Look, row: int, projector: _Projector) -> Floats32:
        """(H, W) grey light of one camera under the scene's lights and a pattern of dots."""
        where, count = self._meet(scene, *_rays(cameras, row, self._offsets))
        light = _direct(scene, where, count)
        kernels.surround(where, count, scene.lamps, scene.paint, np.float32(1.0), light.scattered)
        ways = segments(count)
        place = projector.place, projector.rotation, projector.cells
        kept = pattern.throw(where, count, place, pattern.dots(), ways)
        shaded = scene.caster.blocked(ways.start[:kept], ways.span[:kept])
        kernels.receive(where, ways, shaded, projector.lamp, scene.paint, light)
        picture = np.empty((*cameras.size, 3), np.float32)
        behind = self._behind(cameras, look, scene, row)
        # The dots are light too, and must stay sharp.
        exposure.expose(where, count, light, behind, (self.options.samples, 0), picture)
        return (picture * _LUMINANCE).sum(-1)

    def _check(self, poses: Poses, cameras: Cameras, look: Look) -> None:
        shape = (len(poses.position_m), self._geometry.model.ngeom, 3)
        if poses.position_m.shape != shape:
            raise InvalidValueError("poses.position_m", poses.position_m.shape, f"shape {shape}")
        if len(cameras.K) != shape[0]:
            raise InvalidValueError("cameras", len(cameras.K), f"{shape[0]}, one for each pose")
        for name, values, count in (
            ("texture", look.texture, self._textures),
            ("background", look.background, self._photographs),
        ):
            if values is not None and values.size and not NOTHING <= values.min() <= values.max() < count:
                raise InvalidValueError(f"look.{name}", int(values.max()), f"-1 to {count - 1}")

    def _scene(self, poses: Poses, cameras: Cameras, look: Look, row: int, key: np.uint64) -> _Scene:
        geometry = self._geometry
        factors, _ = geometry.sizes(look, row)
        radius = (self.options.lamp_radius_m, float(np.tan(self.options.sun_half_angle_rad)))
        axis = np.asarray(cameras.T_world_camera[row, :3, 2], dtype=np.float64)
        lights, of = (self._lights, 0) if look.lights is None else (look.lights, row)
        return _Scene(
            Caster(geometry.triangles(poses, look, row)),
            looks.paint(self._own, poses, look, row, factors),
            looks.lamps(lights, of, axis, radius, self._centre_m),
            key,
            _places(cameras.size, self.options.samples),
        )

    def _trace_row(self, poses: Poses, cameras: Cameras, look: Look, row: int, key: np.uint64, light: Light) -> None:
        scene = self._scene(poses, cameras, look, row, key)
        start, rays = _rays(cameras, row, np.zeros((1, 2), np.float32))
        face, distance, _, _ = scene.caster.nearest(start, rays)
        light.depth_m[row] = (distance + np.float32(cameras.near_m)).reshape(cameras.size)
        geom = np.append(scene.caster.triangles.geom, np.int32(NOTHING))
        light.ids[row] = geom[face].reshape(cameras.size)
        start, rays = _rays(cameras, row, self._offsets)
        where, count = self._meet(scene, start, rays)
        seen = self._leaving(scene, where, count)
        behind = self._behind(cameras, look, scene, row)
        exposure.expose(where, count, seen, behind, self._rays_shared, light.radiance[row])

    def _meet(self, scene: _Scene, start: Floats32, rays: Floats32) -> tuple[Spots, int]:
        """Where rays meet surfaces, and how many do."""
        face, _, u, v = scene.caster.nearest(start, rays)
        where = spots(len(rays))
        tables = (scene.caster.triangles, self._geometry.shapes)
        count = kernels.meet(rays, (face, u, v), tables, scene.paint, (self._pages, looks.BYTE_LIGHT), where)
        return where, int(count)

    def _leaving(self, scene: _Scene, where: Spots, count: int) -> Leaving:
        """Light that leaves spots towards the viewer: direct light of every lamp, glow, and a bounce."""
        light = _direct(scene, where, count)
        even = np.float32(0.0 if self.options.bounces else 1.0)
        kernels.surround(where, count, scene.lamps, scene.paint, even, light.scattered)
        if self.options.bounces:
            draw = (scene.key, scene.places)
            scattered, mirrored = glances(count), glances(count)
            kernels.bounce(where, count, (*draw, _BOUNCE_USE), scattered)
            self._look(scene, scattered, count, light.scattered)
            shiny = kernels.mirror(where, count, scene.paint, (*draw, _MIRROR_USE), mirrored)
            self._look(scene, mirrored, int(shiny), light.mirrored)
        return light

    def _look(self, scene: _Scene, ways: Glances, count: int, light: Floats32) -> None:
        """Add what the first `count` glances see: one lamp's light on other surfaces, their glow, or the sky."""
        there, met = self._meet(scene, ways.start[:count], ways.ray[:count])
        further = leaving(met)
        # These spots are numbered by the glances; any number serves as a source of noise.
        _lit_by(scene, there, met, NOTHING, _FURTHER_USE, further)
        kernels.surround(there, met, scene.lamps, scene.paint, kernels.FURTHER, further.scattered)
        found = np.full(count, NOTHING, np.int32)
        found[there.ray[:met]] = np.arange(met, dtype=np.int32)
        seen = there.albedo[:met] * further.scattered + further.mirrored
        kernels.collect(ways, count, (found, seen), scene.lamps, light)

    def _behind(self, cameras: Cameras, look: Look, scene: _Scene, row: int) -> Floats32:
        """(H, W, 3) what is seen where no geom is: a photograph over the whole picture, a colour, or the sky."""
        height, width = cameras.size
        if look.background is not None and look.background[row] >= 0:
            page = int(look.background[row])
            start, high, wide = (int(values[page]) for values in self._photos[1:])
            picture = self._photos.pixels[start : start + high * wide].reshape(high, wide, 3)
            down = ((np.arange(height) + 0.5) * high / height).astype(np.int64)
            right = ((np.arange(width) + 0.5) * wide / width).astype(np.int64)
            return looks.BYTE_LIGHT[picture[down][:, right]]
        colour = scene.lamps.ambient if look.background_rgb is None else looks.linear(look.background_rgb[row])
        return np.tile(colour, (height, width, 1))


def _aside(cameras: Cameras, right_m: Floats) -> Floats:
    """(B, 4, 4) poses of cameras that stand `right_m` (B,) to the right."""
    T = np.array(cameras.T_world_camera, dtype=np.float64)
    T[:, :3, 3] += np.asarray(right_m)[:, None] * T[:, :3, 0]
    return T


def _projector(left: Cameras, rig: StereoRig, row: int) -> _Projector:
    """The projector of one simulation, halfway between the cameras."""
    T = _aside(left, np.asarray(rig.baseline_m) / 2)[row]
    strength = np.full((1, 3), rig.strength[row], np.float32)
    none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    place = np.ascontiguousarray(T[:3, 3], dtype=np.float32)
    lamp = Lamps(place[None], np.zeros(1, np.uint8), none, none, strength, strength, one, np.zeros(3, np.float32))
    rotation = np.ascontiguousarray(T[:3, :3], dtype=np.float32)
    return _Projector(place, rotation, np.float32(left.K[row, 0, 0] / pattern.CELL_PX), lamp)


def _rays(cameras: Cameras, row: int, offsets: Floats32) -> tuple[Floats32, Floats32]:
    """Starts and directions (S * H * W, 3) through every pixel, for offsets (S, 2) from its centre."""
    height, width = cameras.size
    K, T = cameras.K[row], cameras.T_world_camera[row]
    lens = np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]], np.float32)
    start, rays = (np.empty((len(offsets) * height * width, 3), np.float32) for _ in range(2))
    pose = np.ascontiguousarray(T[:3, :3], dtype=np.float32), np.ascontiguousarray(T[:3, 3], dtype=np.float32)
    kernels.camera_rays((lens, *pose, (height, width)), offsets, np.float32(cameras.near_m), start, rays)
    return start, rays


def _offsets(samples: int) -> Floats32:
    """(S, 2) evenly spread places in a pixel about its centre, whose mean is the centre."""
    k = np.arange(samples)[:, None] * np.array([kernels.ROBERTS_1, kernels.ROBERTS_2], dtype=np.float64)
    places = (k + 0.5) % 1.0
    return (places - places.mean(0)).astype(np.float32)


@lru_cache(maxsize=8)
def _places(size: tuple[int, int], samples: int) -> NDArray[np.int32]:
    """(S * H * W, 2) block of 2 x 2 pixels of each ray, and its number within the block; not to be written to."""
    row, column = np.mgrid[: size[0], : size[1]]
    block = (row // 2) * ((size[1] + 1) // 2) + column // 2
    within = 4 * np.arange(samples)[:, None, None] + 2 * (row % 2) + column % 2
    return np.stack([np.broadcast_to(block, within.shape), within], axis=-1).reshape(-1, 2).astype(np.int32)


def _direct(scene: _Scene, where: Spots, count: int) -> Leaving:
    """Light of all lamps that leaves spots towards the viewer."""
    light = leaving(count)
    for lamp in range(len(scene.lamps.sun)):
        if scene.lamps.diffuse[lamp].max() > 0 or scene.lamps.specular[lamp].max() > 0:
            _lit_by(scene, where, count, lamp, _LAMP_USE + lamp, light)
    return light


def _lit_by(scene: _Scene, where: Spots, count: int, lamp: int, use: int, light: Leaving) -> None:
    """Add one lamp's light, or for lamp -1 that of a lamp chosen for each spot."""
    ways = segments(count)
    kept = kernels.aim(where, count, scene.lamps, lamp, (scene.key, scene.places, use), ways)
    if lamp == len(scene.lamps.sun) - 1:
        shaded = np.zeros(kept, bool)  # the headlight sees what the camera sees
    else:
        shaded = scene.caster.blocked(ways.start[:kept], ways.span[:kept])
    kernels.receive(where, ways, shaded, scene.lamps, scene.paint, light)

# pyright: basic
# (numba kernels are untyped)
"""The `traced` image back end: a robot in a laboratory, path traced, seen by a webcam on a tripod.

What stands still is traced once for each draw of the domain (`room_light`); each frame traces the moving parts in
their own frames, four sub-pixels a pixel: camera rays, soft shadows of lamp and window on the arm, the arm's shadow on
the room, light of the surroundings; then the camera's electronics (`webcam`) and the virtual disc (`compositing`).
Each frame is a function of its row's state, episode seed and step alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from eyehand.errors import UnknownNameError
from eyehand.types import Floats, Floats32, Images, Integers, PlanarScene
from eyehand.world import baxter, counter, lens, plane_camera, robot_meshes, rows, trace_kernels, webcam
from eyehand.world.compositing import draw_disc
from eyehand.world.domain import Domain
from eyehand.world.drawing import second_targets
from eyehand.world.laboratory_room import TARGET_Y_M, Laboratory, Looks, Panel, build
from eyehand.world.meshes import Mesh
from eyehand.world.room_light import RoomView, trace_room
from eyehand.world.traced import Solid

TARGETS = ("virtual", "physical", "none", "two")
_LOOKS = tuple(name for name in Looks.__dataclass_fields__ if name != "occlusion")
_KEPT_STAGES = 12  # draws whose traced room is kept, about 9 MB each
_SLACK_PX = 1.0  # of the candidate rays


@dataclass(frozen=True)
class _Extent:
    """A part's axis and its size about it.

    Attributes:
        axis_m: (2, 3) ends of the axis in the part's frame.
        reach_m: how far the part reaches from its axis in the arm's plane.
        depth_m: how far it reaches out of the plane.
    """

    axis_m: Floats
    reach_m: float
    depth_m: float


@dataclass(frozen=True)
class _Stage:
    """Everything that the frames of one draw share."""

    R_world_camera: Floats
    t_world_camera: Floats
    k1: float
    view: RoomView
    near: Solid
    parts: tuple[Solid, ...]  # three links, and the physical target where there is one
    normals: Floats32  # (F, 3, 3) of all parts
    paint: Floats32  # (F, 4) of all parts
    first_face: tuple[int, ...]
    panels: Floats32  # (2, 3, 3) corner and edges of lamp and window
    radiance: Floats32  # (2, 3) of lamp and window
    crossings: Floats32  # (H * W, 3), see `trace_kernels.room_segments`
    extents: tuple[_Extent, ...]
    slant: float  # how far the lamp's rays run in the arm's plane for each metre across it, at most


@dataclass(frozen=True)
class _Pose:
    """Where the parts of one frame are."""

    R: Floats32  # (P, 3, 3) part to world
    t: Floats32  # (P, 3)
    ends_m: Floats  # (P, 2, 3) ends of each part's axis in the world


@final
class LaboratoryImaging:
    """The `traced` image back end of tasks whose arm moves in a plane.

    Answers the whole appearance, sensor and calibration factors: the arm is drawn where the true camera sees it, the
    virtual disc where the recording-time calibration puts it.
    """

    def __init__(self, domain: Domain, draw_target: bool = True, threads: int | None = None) -> None:
        """Prepare the back end; the room of a draw is traced when its first frame is taken.

        Args:
            domain: the domain whose numbers are used.
            draw_target: False leaves every target out, virtual or physical, as when recording.
            threads: threads to trace with; None for all cores.

        Raises:
            UnknownNameError: the domain's target does not exist.
        """
        target = domain.appearance.target
        if target not in TARGETS:
            raise UnknownNameError("target", target, TARGETS, f"appearance.target of domain {domain.name}")
        self._domain = domain
        self._target = target if draw_target else "none"
        self._threads = threads or rows.default_threads()
        self._stages: OrderedDict[int, _Stage] = OrderedDict()
        self._lock = threading.Lock()

    def capture(self, state: PlanarScene, seeds: Integers, step: Integers) -> Images:
        """Frames (B, 210, 160, 3) uint8 RGB.

        Args:
            state: joint angles and targets of every row.
            seeds: (B,) episode seeds.
            step: (B,) control steps, which choose the noise.
        """
        seeds, step = np.asarray(seeds, dtype=np.int64), np.asarray(step, dtype=np.int64)
        stages = self._stages_of(seeds)
        cameras = webcam.settings(self._domain, seeds, step)
        frames = np.empty((len(seeds), *plane_camera.FRAME_SIZE, 3), np.uint8)

        def take(part: slice) -> None:
            for row in range(part.start, part.stop):
                pose = _pose(state.q_rad[row], state.x_target_m[row], stages[row])
                frames[row] = webcam.develop(_render(stages[row], pose), cameras[row])

        rows.in_parallel(take, len(seeds), self._threads, least=1)
        return self._with_discs(frames, state.x_target_m, seeds)

    def _with_discs(self, frames: Images, x_target_m: Floats, seeds: Integers) -> Images:
        """Draw the virtual targets by the recording-time calibration."""
        believed = plane_camera.believed_homography()
        if self._target in ("virtual", "two"):
            frames = draw_disc(frames, x_target_m, believed)
        if self._target == "two":
            frames = draw_disc(frames, second_targets(seeds), believed)
        return frames

    def _stages_of(self, seeds: Integers) -> list[_Stage]:
        """The stage of every row; rows of one draw share theirs, and the last few draws are kept."""
        draws = counter.draw_of(seeds) if self._domain.population else seeds
        wanted, first = np.unique(draws, return_index=True)
        with self._lock:
            missing = [(int(d), int(r)) for d, r in zip(wanted, first, strict=True) if int(d) not in self._stages]
            found = {int(draw): self._stages[int(draw)] for draw in wanted if int(draw) in self._stages}

        def make(part: slice) -> None:
            for draw, row in missing[part]:
                found[draw] = _set_stage(self._domain, seeds[row : row + 1], self._target == "physical")

        rows.in_parallel(make, len(missing), self._threads, least=1)
        with self._lock:
            for draw, stage in found.items():
                self._stages[draw] = stage
                self._stages.move_to_end(draw)
            while len(self._stages) > _KEPT_STAGES:
                self._stages.popitem(last=False)
        return [found[int(draw)] for draw in draws]


def _set_stage(domain: Domain, seed: Integers, physical: bool) -> _Stage:
    """Build and light the laboratory of one draw; `seed` (1,) is any of its episodes."""
    numbers = {name: float(domain.numbers(f"appearance.{name}", seed)[0]) for name in _LOOKS}
    lab = build(Looks(occlusion=domain.appearance.occlusion, **numbers))
    poses = plane_camera.true_poses(domain, seed)
    R, t = poses.R_world_camera[0], poses.t_world_camera[0]
    k1 = float(domain.numbers("sensor.lens_k1", seed)[0])
    view = trace_room(lab, R, t, k1)
    meshes = (*lab.links, lab.target) if physical else lab.links
    solids = tuple(Solid(mesh) for mesh in meshes)
    colours = np.array([[*finish.albedo, finish.gloss] for finish in lab.table], dtype=np.float32)
    lamp, window = _corners(lab.lamp), _corners(lab.window)
    axes = [np.stack([np.zeros(3), end]) for end in robot_meshes.link_ends()] + [
        np.array([[0.0] * 3, [0.0, 0.0, -1.6]])
    ]
    crossings, slant = _crossings(lab, view)
    return _Stage(
        R_world_camera=R,
        t_world_camera=t,
        k1=k1,
        view=view,
        near=Solid(lab.near),
        parts=solids,
        normals=np.concatenate([solid.normals for solid in solids]),
        paint=np.concatenate([colours[solid.material] for solid in solids]),
        first_face=tuple(np.cumsum([0, *(len(solid.material) for solid in solids)])[:-1].tolist()),
        panels=np.stack([lamp, window]).astype(np.float32),
        radiance=np.stack([lab.lamp.radiance, lab.window.radiance]).astype(np.float32),
        crossings=crossings,
        extents=tuple(_extent(mesh, axis) for mesh, axis in zip(meshes, axes, strict=False)),
        slant=slant,
    )


def _extent(mesh: Mesh, axis_m: Floats) -> _Extent:
    """Measure a part about its axis (2, 3)."""
    x, z = mesh.vertices[:, 0], mesh.vertices[:, 2]
    dx, _, dz = axis_m[1] - axis_m[0]
    share = np.clip((x * dx + z * dz) / (dx * dx + dz * dz), 0.0, 1.0)
    reach = np.hypot(x - share * dx, z - share * dz).max()
    return _Extent(axis_m, float(reach), float(np.abs(mesh.vertices[:, 1]).max()))


def _corners(panel: Panel) -> Floats:
    return np.stack([panel.corner_m, panel.edge_u_m, panel.edge_v_m])


def _crossings(lab: Laboratory, view: RoomView) -> tuple[Floats32, float]:
    """Where each room point's ray to the lamp's centre crosses the arm's plane, and the penumbra's radius there.

    Also the steepest slant of those rays: metres in the plane for each metre across it.
    """
    corner, u, v = _corners(lab.lamp)
    centre = corner + (u + v) / 2
    points = view.points_m.reshape(-1, 3).astype(float)
    share = -points[:, 1] / (centre[1] - points[:, 1])  # of the way from the point to the lamp
    crossing = points + share[:, None] * (centre - points)
    shaded = (points[:, 1] < -0.02) & (view.lamp.reshape(-1, 3).sum(1) > 0)
    penumbra = np.where(shaded, share * np.linalg.norm(u + v) / 2, -1.0)
    across = (centre - points)[shaded]
    slant = float((np.hypot(across[:, 0], across[:, 2]) / across[:, 1]).max(initial=0.0))
    return np.stack([crossing[:, 0], crossing[:, 2], penumbra], axis=1).astype(np.float32), slant


def _pose(q_rad: Floats, x_target_m: Floats, stage: _Stage) -> _Pose:
    """Place the parts for joint angles (3,) and a target (2,)."""
    R, t = np.tile(np.eye(3), (len(stage.parts), 1, 1)), np.zeros((len(stage.parts), 3))
    R[:3] = robot_meshes.link_rotations(q_rad[None])[0]
    t[:3, [0, 2]] = baxter.joint_points(q_rad[None])[0, :3]
    if len(t) > 3:
        t[3] = x_target_m[0], TARGET_Y_M, x_target_m[1]
    axes = np.stack([extent.axis_m for extent in stage.extents])  # (P, 2, 3)
    ends = (axes[:, :, None, :] * R[:, None]).sum(-1) + t[:, None]
    return _Pose(R.astype(np.float32), t.astype(np.float32), ends)


def _render(stage: _Stage, pose: _Pose) -> Floats32:
    """Linear light (H, W, 3) on the webcam's crop."""
    base = _shaded_room(stage, pose)
    picture = base.reshape(-1, 3).copy()
    distances, normals, where, face = _visible(stage, pose)
    rays = stage.view.directions.reshape(-1, 3)[where]
    points = stage.t_world_camera.astype(np.float32) + rays * distances[:, None]
    spans = np.empty((2, len(where), 3), np.float32)
    geometry = np.empty((2, len(where)), np.float32)
    start = np.empty_like(points)
    for panel in range(2):
        arguments = (lens.CROP_SIZE, stage.panels[panel], start, spans[panel], geometry[panel])
        trace_kernels.light_segments(points, normals, where, *arguments)
        _block(stage, pose, start, spans[panel], geometry[panel])
    surroundings = (stage.view.harmonics, stage.view.mirror)
    surface = (where, rays, normals, face)
    trace_kernels.shade(
        picture, base.reshape(-1, 3), surface, stage.paint, spans, geometry, stage.radiance, surroundings
    )
    return picture.reshape(base.shape)


def _visible(stage: _Stage, pose: _Pose) -> tuple[Floats32, Floats32, NDArray[np.int32], NDArray[np.int32]]:
    """The sub-pixels that show a moving part: distances (N,), normals (N, 3), numbers (N,), faces (N,)."""
    view = stage.view
    rays = np.empty((view.depth_m.size, 3), np.float32)
    index = np.empty(view.depth_m.size, np.int32)
    gathered: list[tuple[NDArray[np.generic], ...]] = []
    for part, solid in enumerate(stage.parts):
        segment, reach_px = _outline(stage, stage.extents[part], pose.ends_m[part])
        count = trace_kernels.candidates(view.directions, pose.R[part], segment, reach_px, rays, index)
        origin = pose.R[part].T @ (stage.t_world_camera.astype(np.float32) - pose.t[part])
        hits = solid.nearest(np.tile(origin, (count, 1)), rays[:count])
        face = np.where(hits.face >= 0, hits.face + stage.first_face[part], -1).astype(np.int32)
        gathered.append((index[:count].copy(), np.full(count, part, np.int32), face, hits.distance, hits.u, hits.v))
    index, part, face, distance, u, v = (np.concatenate(column) for column in zip(*gathered, strict=True))
    total = len(index)
    found = (
        np.empty(total, np.float32),
        np.empty((total, 3), np.float32),
        np.empty(total, np.int32),
        np.empty(total, np.int32),
    )
    depth = view.depth_m.reshape(-1).copy()
    count = trace_kernels.nearest(depth, index, part, (face, distance, u, v), stage.normals, pose.R, found)
    return found[0][:count], found[1][:count], found[2][:count], found[3][:count]


def _outline(stage: _Stage, extent: _Extent, ends_m: Floats) -> tuple[Floats32, np.float32]:
    """A part's axis (2, 2) in the picture, and the distance from it in pixels within which the part appears."""
    camera = stage.t_world_camera
    segment = lens.pixels(stage.R_world_camera, camera, stage.k1, ends_m)
    away = np.abs(ends_m - camera)
    near_m = away[:, 1].min() - extent.depth_m
    oblique = float((np.hypot(away[:, 0], away[:, 2]) / away[:, 1]).max())
    reach = (extent.reach_m + extent.depth_m * oblique) * plane_camera.FOCAL_PX / near_m
    return segment.astype(np.float32), np.float32(reach + _SLACK_PX)


def _block(stage: _Stage, pose: _Pose, start: Floats32, span: Floats32, geometry: Floats32) -> None:
    """Set the light of the segments to 0 that the arm or what stands near it cuts."""
    there = (np.empty_like(start), np.empty_like(span))
    row = np.empty(len(start), np.int32)
    solids = [*stage.parts, stage.near]
    R, t = [*pose.R, np.eye(3, dtype=np.float32)], [*pose.t, np.zeros(3, np.float32)]
    for solid, R_part, t_part in zip(solids, R, t, strict=True):
        count = trace_kernels.into_frame((start, span, geometry), R_part, t_part, solid.box, there, row)
        cut = solid.blocked(there[0][:count], there[1][:count])
        geometry[row[:count][cut]] = 0.0


def _shaded_room(stage: _Stage, pose: _Pose) -> Floats32:
    """The room (H, W, 3) with the moving parts' shadow of the lamp."""
    view = stage.view
    height, width = lens.CROP_SIZE
    blocked = np.zeros(height * width, np.uint8)
    points = view.points_m.reshape(-1, 3)
    there = (np.empty((height * width, 3), np.float32), np.empty((height * width, 3), np.float32))
    pixel = np.empty(height * width, np.int32)
    for part, solid in enumerate(stage.parts):
        link = pose.ends_m[part][:, [0, 2]].astype(np.float32)
        reach = np.float32(stage.extents[part].reach_m + stage.extents[part].depth_m * stage.slant)
        lamp = stage.panels[0]
        count = trace_kernels.room_segments(stage.crossings, points, width, lamp, link, reach, there, pixel)
        start, span = there[0][:count], there[1][:count]
        local = (np.empty_like(start), np.empty_like(span))
        ones, row = np.ones(count, np.float32), np.empty(count, np.int32)
        kept = trace_kernels.into_frame((start, span, ones), pose.R[part], pose.t[part], solid.box, local, row)
        cut = solid.blocked(local[0][:kept], local[1][:kept])
        blocked[pixel[row[:kept][cut]]] = 1
    picture = np.empty_like(view.ambient)
    trace_kernels.shade_room(view.ambient, view.lamp, view.points_m, blocked.reshape(height, width), picture)
    return picture

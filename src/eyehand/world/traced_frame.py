# pyright: basic
# (numba kernels are untyped)
"""One traced frame: the moving parts in front of a room that was lit in advance, as linear light.

Four sub-pixels a pixel: camera rays to each part in its own frame, soft shadows of lamp and window on the parts, the
parts' shadow of the lamp on the room, diffuse and glossy light of the surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.types import Floats, Floats32
from eyehand.world import baxter, lens, plane_camera, robot_meshes, trace_kernels
from eyehand.world.laboratory_room import TARGET_Y_M
from eyehand.world.stage import Extent, Stage

_SLACK_PX = 1.0  # of the candidate rays
_EYE = np.eye(3, dtype=np.float32)
_ORIGIN = np.zeros(3, np.float32)


@dataclass(frozen=True)
class _Pose:
    """Where the parts of one frame are.

    Attributes:
        R: (P, 3, 3) part to world.
        t: (P, 3) origins in the world.
        ends_m: (P, 2, 3) ends of each part's axis in the world.
    """

    R: Floats32
    t: Floats32
    ends_m: Floats


def render(stage: Stage, q_rad: Floats, x_target_m: Floats) -> Floats32:
    """Linear light (H, W, 3) on the crop of `eyehand.world.lens`.

    Args:
        stage: the draw's stage.
        q_rad: (3,) joint angles.
        x_target_m: (2,) target in the arm's plane, for a physical one.
    """
    pose = _pose(stage, q_rad, x_target_m)
    base = _shaded_room(stage, pose)
    where, face, points, rays, normals = _visible(stage, pose)
    spans = np.empty((2, len(where), 3), np.float32)
    geometry = np.empty((2, len(where)), np.float32)
    start = np.empty_like(points)
    for panel in range(2):
        arguments = (lens.CROP_SIZE, stage.panels[panel], start, spans[panel], geometry[panel])
        trace_kernels.light_segments(points, normals, where, *arguments)
        _block(stage, pose, start, spans[panel], geometry[panel])
    picture = base.copy()
    trace_kernels.shade(
        picture.reshape(-1, 3),
        base.reshape(-1, 3),
        (where, rays, normals, face),
        stage.paint,
        spans,
        geometry,
        stage.radiance,
        (stage.view.harmonics, stage.view.mirror),
    )
    return picture


def _pose(stage: Stage, q_rad: Floats, x_target_m: Floats) -> _Pose:
    """Place the parts for joint angles (3,) and a target (2,)."""
    R, t = np.tile(np.eye(3), (len(stage.parts), 1, 1)), np.zeros((len(stage.parts), 3))
    R[:3] = robot_meshes.link_rotations(q_rad[None])[0]
    t[:3, [0, 2]] = baxter.joint_points(q_rad[None])[0, :3]
    if len(t) > 3:
        t[3] = x_target_m[0], TARGET_Y_M, x_target_m[1]
    axes = np.stack([extent.axis_m for extent in stage.extents])  # (P, 2, 3)
    ends = (axes[:, :, None, :] * R[:, None]).sum(-1) + t[:, None]
    return _Pose(R.astype(np.float32), t.astype(np.float32), ends)


def _visible(stage: Stage, pose: _Pose) -> tuple[np.ndarray, ...]:
    """The sub-pixels that show a moving part: numbers (N,), faces (N,), places, rays and normals (N, 3)."""
    view = stage.view
    most = len(stage.parts) * view.depth_m.size  # every part may fill the picture
    rays = np.empty((most, 3), np.float32)
    index = np.empty(most, np.int32)
    ends = np.zeros(len(stage.parts), np.int64)
    hits = []
    count = 0
    for part, solid in enumerate(stage.parts):
        first = count
        outline, reach_px = _outline(stage, stage.extents[part], pose.ends_m[part])
        count = trace_kernels.candidates(view.directions, pose.R[part], outline, reach_px, rays, index, count)
        origins = np.empty((count - first, 3), np.float32)
        origins[:] = pose.R[part].T @ (stage.t_world_camera.astype(np.float32) - pose.t[part])
        hits.append(solid.nearest(origins, rays[first:count]))
        ends[part] = count
    names = ("face", "distance", "u", "v")
    met = tuple(np.concatenate([getattr(hit, name) for hit in hits]) for name in names)
    found = (
        np.empty(count, np.int32),
        np.empty(count, np.int32),
        np.empty((count, 3), np.float32),
        np.empty((count, 3), np.float32),
        np.empty((count, 3), np.float32),
    )
    camera = (stage.t_world_camera.astype(np.float32), view.directions, view.depth_m.reshape(-1))
    table = (stage.first_face, stage.normals)
    kept = trace_kernels.nearest(camera, index[:count], ends, met, table, pose.R, found)
    return tuple(array[:kept] for array in found)


def _outline(stage: Stage, extent: Extent, ends_m: Floats) -> tuple[Floats32, np.float32]:
    """A part's axis in the picture with the shift of its front, (2, 4), and how far it reaches from there in pixels."""
    depth = np.array([0.0, extent.depth_m, 0.0])
    places = np.concatenate([ends_m, ends_m + depth, ends_m - depth])
    middle, front, back = lens.pixels(stage.R_world_camera, stage.t_world_camera, stage.k1, places).reshape(3, 2, 2)
    shift = np.where(np.abs(front - middle) > np.abs(back - middle), front - middle, middle - back)
    near_m = np.abs(ends_m - stage.t_world_camera)[:, 1].min() - extent.depth_m
    reach = extent.reach_m * plane_camera.FOCAL_PX / near_m + _SLACK_PX
    return np.concatenate([middle, shift], axis=1).astype(np.float32), np.float32(reach)


def _block(stage: Stage, pose: _Pose, start: Floats32, span: Floats32, geometry: Floats32) -> None:
    """Set the light of the segments to 0 that the arm or what stands near it cuts."""
    there = (np.empty_like(start), np.empty_like(span))
    row = np.empty(len(start), np.int32)
    for part, solid in enumerate((*stage.parts, stage.near)):
        R, t = (pose.R[part], pose.t[part]) if part < len(stage.parts) else (_EYE, _ORIGIN)
        count = trace_kernels.into_frame((start, span, geometry), R, t, solid.box, there, row)
        cut = solid.blocked(there[0][:count], there[1][:count])
        geometry[row[:count][cut]] = 0.0


def _shaded_room(stage: Stage, pose: _Pose) -> Floats32:
    """The room (H, W, 3) with the moving parts' shadow of the lamp."""
    view = stage.view
    size = view.ambient[..., 0].size
    blocked = np.zeros(size, np.uint8)
    segments = (np.empty((size, 3), np.float32), np.empty((size, 3), np.float32))
    there = (np.empty((size, 3), np.float32), np.empty((size, 3), np.float32))
    carried, pixel, row = np.ones(size, np.float32), np.empty(size, np.int32), np.empty(size, np.int32)
    for part, solid in enumerate(stage.parts):
        link = pose.ends_m[part][:, [0, 2]].astype(np.float32)
        reach = np.float32(stage.extents[part].reach_m + stage.extents[part].depth_m * stage.slant)
        count = trace_kernels.room_segments(
            stage.crossings, view.points_m, stage.tiles, stage.panels[0], link, reach, segments, pixel
        )
        arriving = (segments[0][:count], segments[1][:count], carried[:count])
        kept = trace_kernels.into_frame(arriving, pose.R[part], pose.t[part], solid.box, there, row)
        cut = solid.blocked(there[0][:kept], there[1][:kept])
        blocked[pixel[row[:kept][cut]]] = 1
    picture = np.empty_like(view.ambient)
    trace_kernels.shade_room(view.ambient, view.lamp, view.points_m, blocked.reshape(lens.CROP_SIZE), picture)
    return picture

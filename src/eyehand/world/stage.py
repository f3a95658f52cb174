"""The stage of a traced laboratory: everything that the frames of one draw of a domain share.

Building one means meshing the laboratory, tracing the light of all that stands still, and laying the moving parts out
for fast tracing. It takes about a second, so the last few stages are kept and shared by all image back ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eyehand.types import Array, Floats, Floats32
from eyehand.world import lens, plane_camera, robot_meshes
from eyehand.world.domain import Appearance, Domain, Sensor
from eyehand.world.laboratory_room import TARGET_Y_M, Laboratory, Looks, Panel, build
from eyehand.world.meshes import Mesh
from eyehand.world.room_light import RoomView, trace_room
from eyehand.world.traced import Solid

_LOOKS = tuple(name for name in Looks.__dataclass_fields__ if name != "occlusion")
_KEPT = 20  # stages, about 8 MB each: two set-ups of the eight draws of a test split, and some more
_TILE = 8  # pixels
_STAND_M = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -3.2]])  # axis of the physical target and its stand
_OFF_PLANE_M = (0.0, 0.0, 0.0, TARGET_Y_M)


@dataclass(frozen=True)
class Extent:
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
class Stage:
    """Everything that the frames of one draw share; the moving parts are three links and perhaps a physical target.

    Attributes:
        R_world_camera: (3, 3) true rotation of the camera.
        t_world_camera: (3,) its true place, metres.
        k1: radial distortion of its lens.
        view: the room as it sees it.
        near: what stands near the arm and may shade it.
        parts: the moving parts, each in its own frame.
        extents: their sizes.
        normals: (F, 3, 3) corner normals of all parts.
        paint: (F, 4) albedo and gloss of all parts.
        first_face: (P,) first face of each part in these tables.
        panels: (2, 3, 3) corner and edges of lamp and window.
        radiance: (2, 3) of lamp and window.
        crossings: (H, W, 3) see `trace_kernels.room_segments`.
        tiles: (T, 5) see `trace_kernels.room_segments`.
        slant: how far the lamp's rays run in the arm's plane for each metre across it, at most.
    """

    R_world_camera: Floats
    t_world_camera: Floats
    k1: float
    view: RoomView
    near: Solid
    parts: tuple[Solid, ...]
    extents: tuple[Extent, ...]
    normals: Array
    paint: Floats32
    first_face: NDArray[np.int32]
    panels: Floats32
    radiance: Floats32
    crossings: Floats32
    tiles: Floats32
    slant: float


def seen_parts(domain: Domain, physical: bool) -> Domain:
    """What of a domain a stage depends on: domains that agree in it share their stages.

    Args:
        domain: the domain.
        physical: whether the target is a real disc.
    """
    appearance: Appearance = replace(domain.appearance, target="physical" if physical else "none")
    sensor = Sensor(lens_k1=domain.sensor.lens_k1)
    return Domain(population=domain.population, appearance=appearance, sensor=sensor, calibration=domain.calibration)


@lru_cache(maxsize=_KEPT)
def set_stage(domain: Domain, seed: int) -> Stage:
    """Build and light the laboratory of one draw.

    Args:
        domain: a domain reduced by `seen_parts`.
        seed: any one episode seed of the draw, always the same one to share stages.
    """
    seeds = np.array([seed])
    numbers = {name: float(domain.numbers(f"appearance.{name}", seeds)[0]) for name in _LOOKS}
    lab = build(Looks(occlusion=domain.appearance.occlusion, **numbers))
    poses = plane_camera.true_poses(domain, seeds)
    R, t = poses.R_world_camera[0], poses.t_world_camera[0]
    k1 = float(domain.numbers("sensor.lens_k1", seeds)[0])
    view = trace_room(lab, R, t, k1)
    meshes = (*lab.links, lab.target) if domain.appearance.target == "physical" else lab.links
    axes = [np.stack([np.zeros(3), end]) for end in robot_meshes.link_ends()] + [_STAND_M]
    parts = tuple(Solid(mesh) for mesh in meshes)
    colours = np.array([[*finish.albedo, finish.gloss] for finish in lab.table], dtype=np.float32)
    crossings, slant = _crossings(lab, view)
    return Stage(
        R_world_camera=R,
        t_world_camera=t,
        k1=k1,
        view=view,
        near=Solid(lab.near),
        parts=parts,
        extents=tuple(_extent(mesh, axis, y) for mesh, axis, y in zip(meshes, axes, _OFF_PLANE_M, strict=False)),
        normals=np.concatenate([part.normals for part in parts]),
        paint=np.concatenate([colours[part.material] for part in parts]),
        first_face=np.cumsum([0, *(len(part.material) for part in parts)])[:-1].astype(np.int32),
        panels=np.stack([_corners(lab.lamp), _corners(lab.window)]).astype(np.float32),
        radiance=np.stack([lab.lamp.radiance, lab.window.radiance]).astype(np.float32),
        crossings=crossings,
        tiles=_tiles(crossings),
        slant=slant,
    )


def _extent(mesh: Mesh, axis_m: Floats, off_plane_m: float) -> Extent:
    """Measure a part about its axis (2, 3), which lies `off_plane_m` before or behind the arm's plane."""
    x, z = mesh.vertices[:, 0], mesh.vertices[:, 2]
    dx, _, dz = axis_m[1] - axis_m[0]
    share = np.clip((x * dx + z * dz) / (dx * dx + dz * dz), 0.0, 1.0)
    reach = np.hypot(x - share * dx, z - share * dz).max()
    return Extent(axis_m, float(reach), float(np.abs(mesh.vertices[:, 1]).max()) + abs(off_plane_m))


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
    table = np.stack([crossing[:, 0], crossing[:, 2], penumbra], axis=1).astype(np.float32)
    return table.reshape(*lens.CROP_SIZE, 3), slant


def _tiles(crossings: Floats32) -> Floats32:
    """Tiles of 8 x 8 pixels with a circle around the crossings of those that the arm can shade."""
    tiles: list[list[float]] = []
    for row in range(0, crossings.shape[0], _TILE):
        for column in range(0, crossings.shape[1], _TILE):
            inside = crossings[row : row + _TILE, column : column + _TILE].reshape(-1, 3).astype(float)
            inside = inside[inside[:, 2] >= 0]
            if len(inside):
                x, z = (inside[:, :2].min(0) + inside[:, :2].max(0)) / 2
                radius = (np.hypot(inside[:, 0] - x, inside[:, 1] - z) + inside[:, 2]).max()
                tiles.append([row, column, x, z, radius])
    return np.array(tiles, dtype=np.float32).reshape(-1, 5)

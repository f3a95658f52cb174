# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Pictures of the reference scene: colour, depth and geom ids, beside `mujoco.Renderer` and PyBullet's TinyRenderer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from eyehand.cli.pairs.agreement import agreement
from eyehand.cli.pairs.pair import Agreement, Pair, Work, threads
from eyehand.cli.pairs.scene import AMBIENT, SIZE_PX, SUN, SUN_DIFFUSE, Scene, reference_scene
from eyehand.types import Array, Floats
from eyehand.world.raster import Rasteriser, RasterOptions
from eyehand.world.raster.surfaces import Surface, box, of_mesh
from eyehand.world.rendering import Lights, Look

STATES = 64
ROUNDS = 4  # how often we draw all states in a repetition: the peers take longer for one round than we for four
FAR_M = 10.0
WITHOUT_DETAIL = "without level of detail"


def prepare_mujoco(folder: Path) -> Work:
    """The scene as an MJB file: the peer loads the very same model."""
    scene = reference_scene(STATES)
    model_path, states = folder / "scene.mjb", folder / "states.npz"
    mujoco.mj_saveModel(scene.model, str(model_path))
    np.savez(
        states,
        position_m=scene.poses.position_m,
        rotation=scene.poses.rotation.reshape(STATES, -1, 9),
        camera_position_m=scene.cameras.T_world_camera[:, :3, 3],
        camera_rotation=scene.camera_rotation().reshape(STATES, 9),
    )
    return _work(scene, {"model": str(model_path), "states": str(states), "size": SIZE_PX}, Look())


def prepare_tiny(folder: Path) -> Work:
    """The scene as triangles of every geom, lit by a sun without highlights, which is what TinyRenderer knows."""
    scene = reference_scene(STATES)
    shapes, states = folder / "shapes.npz", folder / "states.npz"
    np.savez(shapes, allow_pickle=False, **_shapes(scene))
    np.savez(
        states,
        position_m=scene.poses.position_m,
        quaternion=_quaternions(scene.poses.rotation),
        view=_view_matrices(scene),
    )
    moved = (np.ptp(scene.poses.position_m, axis=0) > 0).any(axis=1) | (np.ptp(scene.poses.rotation, axis=0) > 0).any(
        axis=(1, 2)
    )
    look = Look(lights=_sun_without_highlights(), background_rgb=np.ones((STATES, 3), np.float32))  # as TinyRenderer
    setup = {
        "scene": str(shapes),
        "states": str(states),
        "moving": [int(geom) for geom in scene.drawn if moved[geom]],
        "projection": _projection(scene),
        "near_m": scene.cameras.near_m,
        "far_m": FAR_M,
        "size": SIZE_PX,
        "light": {
            "lightDirection": [-float(x) for x in SUN],
            "lightColor": [1.0, 1.0, 1.0],
            "lightAmbientCoeff": AMBIENT,
            "lightDiffuseCoeff": SUN_DIFFUSE,
            "lightSpecularCoeff": 0.0,
            "shadow": 0,
        },
    }
    return _work(scene, setup, look)


def _work(scene: Scene, setup: dict[str, Any], look: Look) -> Work:
    ways = {
        "": Rasteriser(scene.model, options=RasterOptions(remember=False)),
        WITHOUT_DETAIL: Rasteriser(scene.model, options=RasterOptions(tolerance_px=0.0, remember=False)),
    }
    about = (
        f"{threads()}, {scene.triangles:,} triangles, {STATES} states and views in one call, "
        "no shadows, no supersampling, nothing remembered from one picture to the next"
    )

    def check(path: Path) -> dict[str, Agreement]:
        return {name: agreement(way.render(scene.poses, scene.cameras, look), path) for name, way in ways.items()}

    return Work(setup, {name: _rounds(way, scene, look) for name, way in ways.items()}, about, check)


def _rounds(rasteriser: Rasteriser, scene: Scene, look: Look) -> Callable[[], int]:
    def work() -> int:
        return sum(len(rasteriser.render(scene.poses, scene.cameras, look).ids) for _ in range(ROUNDS))

    return work


def _sun_without_highlights() -> Lights:
    one = np.ones((STATES, 1, 3))
    return Lights(
        position_m=0.0 * one,
        direction=one * (np.array(SUN) / np.linalg.norm(SUN)),
        directional=np.ones((STATES, 1), bool),
        diffuse=SUN_DIFFUSE * one,
        specular=0.0 * one,
        ambient=AMBIENT * one[:, 0],
        headlight=0.0 * one[:, 0],
    )


def _shapes(scene: Scene) -> dict[str, Array]:
    """Every drawn geom's corners, three to a triangle, and its colour."""
    found: dict[str, Array] = {"geoms": scene.drawn}
    for geom in scene.drawn:
        mesh = scene.model.geom_dataid[geom]
        surface = of_mesh(scene.model, mesh) if mesh >= 0 else _scaled(box(), scene.model.geom_size[geom])
        corners = surface.vertices[surface.faces.reshape(-1), :3]
        found[f"{geom}/vertices"] = corners
        found[f"{geom}/normals"] = surface.normals.reshape(-1, 3)
        found[f"{geom}/uvs"] = surface.uv.reshape(-1, 2)
        found[f"{geom}/indices"] = np.arange(len(corners))
        found[f"{geom}/rgba"] = scene.model.geom_rgba[geom]
    return found


def _scaled(surface: Surface, size_m: Floats) -> Surface:
    vertices = surface.vertices * np.array([*size_m, 0.0], np.float32)
    return Surface(vertices, surface.faces, surface.normals, surface.uv)


def _quaternions(rotation: Floats) -> Array:
    """(N, G, 4) with the real part last, as PyBullet has them, of rotations (N, G, 3, 3)."""
    flat, quaternion = rotation.reshape(-1, 9), np.empty(4)
    found = np.empty((len(flat), 4))
    for row, matrix in enumerate(flat):
        mujoco.mju_mat2Quat(quaternion, matrix)
        found[row] = quaternion[[1, 2, 3, 0]]
    return found.reshape(*rotation.shape[:2], 4)


def _view_matrices(scene: Scene) -> Array:
    """(N, 16) world to camera in OpenGL's axes, column after column."""
    T = scene.cameras.T_world_camera.copy()
    T[:, :3, :3] = scene.camera_rotation()
    return np.linalg.inv(T).transpose(0, 2, 1).reshape(-1, 16)


def _projection(scene: Scene) -> list[float]:
    """(16) OpenGL's projection matrix, column after column; TinyRenderer takes a pixel's corner for its centre."""
    K, (height, width), near = scene.cameras.K[0], scene.cameras.size, scene.cameras.near_m
    P = np.zeros((4, 4))
    P[0, 0], P[1, 1] = 2.0 * K[0, 0] / width, 2.0 * K[1, 1] / height
    P[0, 2], P[1, 2] = 1.0 / width, 1.0 / height  # half a pixel
    P[2, 2], P[2, 3], P[3, 2] = -(FAR_M + near) / (FAR_M - near), -2.0 * FAR_M * near / (FAR_M - near), -1.0
    return P.T.reshape(-1).tolist()


RASTER = Pair("raster", "mujoco.Renderer", "pictures/s", 15.0, "ratio", "all", "raster", prepare_mujoco)
RASTER_TINY = Pair("raster_tiny", "TinyRenderer", "pictures/s", 12.0, "ratio", "all", "raster_tiny", prepare_tiny)

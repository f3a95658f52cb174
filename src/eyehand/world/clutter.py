# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Things that only stand about on a table: seen, never touched, placed and sized anew for every episode.

They stand around the workspace, each in a cell of its own, so that none intersects another. In a domain with a
population of draws they belong to the draw.
"""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np

from eyehand.types import Floats, Integers
from eyehand.world import counter, plane_camera
from eyehand.world.domain import Domain
from eyehand.world.rendering import Poses

# Cells on the table (x from and to, y from and to, metres) for the middles of things, outside the workspace.
CELLS_M = np.array(
    [
        [0.92, 1.00, -0.64, -0.34],
        [0.92, 1.00, -0.10, 0.10],
        [0.92, 1.00, 0.34, 0.64],
        [0.50, 0.70, -0.66, -0.46],
        [0.50, 0.70, 0.46, 0.66],
        [0.05, 0.25, -0.66, -0.46],
        [0.05, 0.25, 0.46, 0.66],
    ]
)
COUNT = 6
_BOX, _CYLINDER = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
_WIDE_M = (0.02, 0.06)  # half extents, or radii
_HIGH_M = (0.01, 0.07)  # half heights
_COLOURS = (
    (0.70, 0.30, 0.25),
    (0.30, 0.45, 0.65),
    (0.85, 0.80, 0.70),
    (0.30, 0.50, 0.35),
    (0.25, 0.25, 0.28),
    (0.80, 0.70, 0.30),
)


def add_clutter(spec: mujoco.MjSpec) -> None:
    """Put `COUNT` boxes and cylinders named "clutter<k>" into a scene, in their cells."""
    for k in range(COUNT):
        x0, x1, y0, y1 = CELLS_M[k]
        spec.worldbody.add_geom(
            name=f"clutter{k}",
            type=_CYLINDER if k % 2 else _BOX,
            size=[0.04, 0.04, 0.04],
            pos=[(x0 + x1) / 2, (y0 + y1) / 2, 0.04],
            rgba=[*_COLOURS[k], 1.0],
            group=2,
            contype=0,
            conaffinity=0,
        )


def geoms(model: mujoco.MjModel) -> Integers:
    """(K,) ids of the clutter's geoms."""
    found = (mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, f"clutter{k}") for k in range(COUNT))
    return np.array([g for g in found if g >= 0], dtype=np.int64)


def sizes_m(domain: Domain, model: mujoco.MjModel, seeds: Integers) -> Floats:
    """(B, G, 3) sizes of all geoms, as `MjModel.geom_size`; those of the clutter are drawn."""
    out = np.repeat(np.asarray(model.geom_size)[None], len(seeds), axis=0)
    for k, g in enumerate(geoms(model)):
        wide, deep, high = (_drawn(domain, seeds, f"size{axis}", k) for axis in range(3))
        width = _WIDE_M[0] + (_WIDE_M[1] - _WIDE_M[0]) * wide
        height = _HIGH_M[0] + (_HIGH_M[1] - _HIGH_M[0]) * high
        depth = _WIDE_M[0] + (_WIDE_M[1] - _WIDE_M[0]) * deep
        round_ = model.geom_type[g] == _CYLINDER
        out[:, g] = np.stack([width, height if round_ else depth, 0 * height if round_ else height], axis=1)
    return out


def placed(domain: Domain, model: mujoco.MjModel, poses: Poses, seeds: Integers) -> Poses:
    """Poses in which the clutter stands where the episode has it, turned about the vertical."""
    which = geoms(model)
    if not len(which) or domain.appearance.clutter == 0:
        return poses
    position, rotation = poses.position_m.copy(), poses.rotation.copy()
    order = np.argsort(
        np.stack([_drawn(domain, seeds, "cell", c) for c in range(len(CELLS_M))], axis=1), axis=1, kind="stable"
    )
    sizes = sizes_m(domain, model, seeds)
    for k, g in enumerate(which):
        cell = CELLS_M[order[:, k]]
        position[:, g, 0] = cell[:, 0] + (cell[:, 1] - cell[:, 0]) * _drawn(domain, seeds, "x", k)
        position[:, g, 1] = cell[:, 2] + (cell[:, 3] - cell[:, 2]) * _drawn(domain, seeds, "y", k)
        position[:, g, 2] = sizes[:, g, 1 if model.geom_type[g] == _CYLINDER else 2]
        turn = np.zeros((len(seeds), 3))
        turn[:, 2] = 2 * np.pi * _drawn(domain, seeds, "yaw", k)
        rotation[:, g] = plane_camera.rotations(turn)
    return dataclasses.replace(poses, position_m=position, rotation=rotation)


def _drawn(domain: Domain, seeds: Integers, use: str, index: int) -> Floats:
    draws = counter.draw_of(seeds) if domain.population else seeds
    return counter.uniform(draws, f"clutter/{use}", index=index)

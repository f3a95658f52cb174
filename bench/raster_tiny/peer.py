"""Pictures of a scene by PyBullet's TinyRenderer, one after the other: colour, depth and ids come from one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pybullet
from serving import Peer, serve

Picture = tuple[np.ndarray, np.ndarray, np.ndarray]


def load(scene: Mapping[str, np.ndarray]) -> dict[int, int]:
    """Every geom as a body of its own, which has no physics; returns the geom of each body."""
    geoms: dict[int, int] = {}
    for geom in scene["geoms"].tolist():
        corners = {name: scene[f"{geom}/{name}"].tolist() for name in ("vertices", "normals", "uvs", "indices")}
        shape = pybullet.createVisualShape(pybullet.GEOM_MESH, rgbaColor=scene[f"{geom}/rgba"].tolist(), **corners)
        geoms[pybullet.createMultiBody(baseMass=0, baseVisualShapeIndex=shape)] = geom
    return geoms


def pictures(geoms: Mapping[int, int], states: Mapping[str, np.ndarray], setup: Mapping[str, Any]) -> Iterator[Picture]:
    """Colour (H, W, 4), depth buffer (H, W) and body ids (H, W) of every state."""
    moving = [(body, geom) for body, geom in geoms.items() if geom in setup["moving"]]
    height, width = setup["size"]
    poses = zip(states["position_m"].tolist(), states["quaternion"].tolist(), states["view"].tolist(), strict=True)
    for position, quaternion, view in poses:
        for body, geom in moving:
            pybullet.resetBasePositionAndOrientation(body, position[geom], quaternion[geom])
        _, _, rgb, depth, ids = pybullet.getCameraImage(
            width,
            height,
            viewMatrix=view,
            projectionMatrix=setup["projection"],
            renderer=pybullet.ER_TINY_RENDERER,
            **setup["light"],
        )
        yield np.asarray(rgb), np.asarray(depth), np.asarray(ids)


def prepare(setup: Mapping[str, Any]) -> Peer:
    """A scene of visual shapes.

    Args:
        setup: `scene` (an NPZ file: `geoms`, and of each `G/vertices`, `G/normals`, `G/uvs`, `G/indices`, `G/rgba`),
            `states` (an NPZ file with the N states' `position_m` (N, G, 3) and `quaternion` (N, G, 4), real part last,
            of all geoms and `view` (N, 16) matrices), `moving` (geoms that are not in the same place in every state),
            `projection` (16), `near_m`, `far_m`, `size` (height, width) in pixels, `light` (arguments of
            `getCameraImage`).
    """
    pybullet.connect(pybullet.DIRECT)
    geoms = load(dict(np.load(setup["scene"])))
    states = dict(np.load(setup["states"]))
    for body, geom in geoms.items():
        pose = states["position_m"][0, geom].tolist(), states["quaternion"][0, geom].tolist()
        pybullet.resetBasePositionAndOrientation(body, *pose)

    def work() -> int:
        return sum(1 for _ in pictures(geoms, states, setup))

    def show(path: Path) -> None:
        rgb, buffer, ids = (np.stack(part) for part in zip(*pictures(geoms, states, setup), strict=True))
        near, far = setup["near_m"], setup["far_m"]
        shown = np.vectorize(lambda body: geoms.get(body, -1), otypes=[np.int32])(ids)
        depth = np.where(shown >= 0, far * near / (far - (far - near) * buffer), np.inf)
        np.savez(path, rgb=rgb[..., :3].astype(np.uint8), depth_m=depth.astype(np.float32), ids=shown)

    return Peer(work, show, f"PyBullet {version('pybullet')}, TinyRenderer on one thread, no shadows")


if __name__ == "__main__":
    serve(prepare)

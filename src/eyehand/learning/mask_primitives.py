"""Domain randomisation for eyes that tell a small target: it lies among random things, in random looks and views.

Table, walls, robot and lamps look as the domain `randomized` says. Half of the pictures are seen by the camera in the
hand, wherever the hand may be; the other half by a camera anywhere above the table, without the robot.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import numpy as np

from eyehand.interfaces import mask
from eyehand.learning.mask_scenes import ROWS, Labelled, Studio, wandering
from eyehand.learning.method import Source
from eyehand.tasks.sphere_grasp import CAMERA, SphereGrasp, SphereGraspState
from eyehand.types import Floats, Integers
from eyehand.world import counter, plane_camera, viewpoints
from eyehand.world.objects.look_alikes import yellow_sphere
from eyehand.world.objects.primitives import PRIMITIVES, primitives
from eyehand.world.rendering import Cameras
from eyehand.world.robots.loading import load_robot
from eyehand.world.tabletop import Tabletop

THINGS = 6  # at most, besides the target
AROUND_M = 0.16  # from the target to the middle of a thing, at most
WITHOUT = 0.1  # of the pictures have no target
NEAR_M, FAR_M = 0.09, 0.45  # from a free camera to the target
STEEP_RAD = (0.5, 1.5)  # of a free camera above the table, seen from the target
ASIDE_RAD = 0.5  # a free camera's axis passes the target by this at most, along either side of the picture


def among_primitives(source: Source, seed: int, images: int) -> Labelled:
    """Recipe 3.

    Args:
        source: the task and its source domains.
        seed: everything random follows from it.
        images: how many pictures.
    """
    task = wandering(cast(SphereGrasp, source.task))
    scene, size = _scene(), task.camera_size[CAMERA]
    studio = Studio(scene, source.domain("randomized"))
    pictures, masks = np.empty((images, *size, 3), np.uint8), np.empty((images, *mask.SIZE), np.uint8)
    for part, start in enumerate(range(0, images, ROWS)):
        stop = min(start + ROWS, images)
        drawn = counter.bits(seed, "mask_primitives/episode", 0, np.arange(start, start + ROWS)) >> np.uint64(32)
        seeds = drawn.astype(np.int64)
        state, in_hand = task.sample(seeds), part % 2 == 0
        T = state.T_world_camera if in_hand else _anywhere(state, seeds)
        cameras = Cameras(np.tile(task.K, (ROWS, 1, 1)), T, size)
        held = _held(seeds)
        found = studio.labelled(_physics(scene, state, held, seeds), held, cameras, seeds, robot=in_hand)
        pictures[start:stop], masks[start:stop] = found.pictures[: stop - start], found.masks[: stop - start]
    return Labelled(pictures, masks)


@lru_cache(maxsize=1)
def _scene() -> Tabletop:
    """The target in the first slot, primitives in the others."""
    objects = (yellow_sphere("train"), *primitives())
    return Tabletop(load_robot("baxter_left"), objects, 1 + THINGS, 0.002, balls=1, rulers=False)


def _drawn(seeds: Integers, use: str, low: float, high: float, count: int) -> Floats:
    """(B, count) numbers."""
    return low + (high - low) * counter.uniform(seeds[:, None], f"mask_primitives/{use}", index=np.arange(count))


def _held(seeds: Integers) -> Integers:
    """What is in the slots (B, 1 + THINGS): the target nearly always, then up to THINGS things."""
    kinds = 1 + (PRIMITIVES * _drawn(seeds, "kind", 0.0, 1.0, THINGS)).astype(np.int64)
    shown = np.arange(THINGS) < np.floor(_drawn(seeds, "count", 0.0, THINGS + 1.0, 1))
    target = np.where(_drawn(seeds, "without", 0.0, 1.0, 1) < WITHOUT, -1, 0)
    return np.concatenate([target, np.where(shown, kinds, -1)], axis=1)


def _physics(scene: Tabletop, state: SphereGraspState, held: Integers, seeds: Integers) -> Floats:
    """Physics rows with the arm as in a state of the task, the target where it is there, and things about it."""
    turn, away = _drawn(seeds, "turn", 0.0, 2 * np.pi, THINGS), AROUND_M * np.sqrt(_drawn(seeds, "away", 0, 1, THINGS))
    offset = away[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    target = state.sphere_m[:, None, :2]
    place = np.concatenate([target, target + offset], axis=1)
    yaw = _drawn(seeds, "yaw", 0.0, 2 * np.pi, held.shape[1])
    return scene.opened(scene.place(state.q_rad, held, place, yaw), state.width_m)


def _anywhere(state: SphereGraspState, seeds: Integers) -> Floats:
    """Free cameras (B, 4, 4) that have the target somewhere in the picture."""
    steep, turn = _drawn(seeds, "steep", *STEEP_RAD, 1)[:, 0], _drawn(seeds, "about", 0.0, 2 * np.pi, 1)[:, 0]
    away = np.exp(_drawn(seeds, "distance", np.log(NEAR_M), np.log(FAR_M), 1))
    level = np.cos(steep)
    eye = state.sphere_m + away * np.stack([level * np.cos(turn), level * np.sin(turn), np.sin(steep)], axis=-1)
    T = viewpoints.facing(eye, state.sphere_m)
    aside = np.concatenate([_drawn(seeds, "aside", -ASIDE_RAD, ASIDE_RAD, 2), np.zeros((len(seeds), 1))], axis=1)
    roll = np.zeros((len(seeds), 3))
    roll[:, 2] = _drawn(seeds, "roll", -np.pi, np.pi, 1)[:, 0]
    T[:, :3, :3] = T[:, :3, :3] @ plane_camera.rotations(aside) @ plane_camera.rotations(roll)
    return T

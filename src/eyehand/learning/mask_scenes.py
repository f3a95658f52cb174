"""Pictures of a small target for training eyes, rendered once: the expert at work, cut-outs of it, and random things.

A picture is drawn with geom ids beside it, from which the share of every pixel follows that the target covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast, final

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.interfaces import mask
from eyehand.learning.method import Source
from eyehand.tasks.sphere_grasp import CAMERA, SphereGrasp, SphereGraspState
from eyehand.types import Array, Floats, Images, Integers
from eyehand.world import counter
from eyehand.world.domain import Domain
from eyehand.world.pathtrace.light import Light
from eyehand.world.rendering import Cameras
from eyehand.world.silhouettes import scaled
from eyehand.world.simulation import SimulatedWorld, Snapshot
from eyehand.world.sprites import FINER, SIDE, Sprites, averaged
from eyehand.world.tabletop import Tabletop
from eyehand.world.tabletop_view import Painter

ROWS = 64  # drawn together
BETWEEN = 5  # steps of the expert from one picture to the next
COVERED = 0.5  # of a mask's pixel, by the target


@dataclass(frozen=True)
class Labelled:
    """Pictures and masks.

    Attributes:
        pictures: (N, H, W, 3) uint8.
        masks: (N, 100, 100) uint8, 1 where the middle of the mask's pixel shows the target, as in true masks.
    """

    pictures: Images
    masks: Images


@dataclass(frozen=True)
class Drawn:
    """What the studio draws.

    Attributes:
        pictures: (B, H, W, 3) uint8.
        target: (B, H, W) uint8, 1 in pixels that show the target.
    """

    pictures: Images
    target: Images


@final
class Studio:
    """Draws a scene's physics rows in a source domain through cameras of one's own."""

    def __init__(self, scene: Tabletop, domain: Domain) -> None:
        """Take the scene, whose first slot holds the target, and a domain with clean pictures."""
        geoms = cast(Integers, scene.slots.geoms)  # pyright: ignore[reportUnknownMemberType] - mujoco has no types
        self._painter, self._target = Painter(scene, domain), int(geoms[0, 0])

    def draw(self, physics: Floats, held: Integers, cameras: Cameras, seeds: Integers, *, robot: bool = True) -> Drawn:
        """Pictures and where they show the target."""
        drawn = self._painter.draw(physics, held, cameras, seeds, np.zeros(len(seeds), np.int64), robot)
        if isinstance(drawn, Light):
            allowed = "a domain whose image is 'raster': what stands for the real robot's camera is not trained on"
            raise InvalidValueError("image back end", "traced", allowed, "mask_pictures")
        return Drawn(drawn.rgb, (drawn.ids == self._target).astype(np.uint8))

    def labelled(
        self, physics: Floats, held: Integers, cameras: Cameras, seeds: Integers, *, robot: bool = True
    ) -> Labelled:
        """Pictures and their masks, drawn apart: half-covered squares of a picture's pixels would make masks fat."""
        pictures = self.draw(physics, held, cameras, seeds, robot=robot).pictures
        coarse = Cameras(scaled(cameras.K, 1.0 / factor(cameras.size)), cameras.T_world_camera, mask.SIZE)
        return Labelled(pictures, self.draw(physics, held, coarse, seeds, robot=robot).target)


def wandering(task: SphereGrasp) -> SphereGrasp:
    """The task with hands that start anywhere, opened by any width."""
    size = task.camera_size[CAMERA][0]
    return SphereGrasp(
        starts="anywhere", clutter=task.clutter, moving=task.moving, picture_px=size, substeps=task.substeps
    )


def factor(size: tuple[int, int]) -> int:
    """Pixels of a picture of this size for one of a mask, along each side.

    Raises:
        InvalidValueError: masks do not divide it.
    """
    if size[0] % mask.SIZE[0] or size[0] != size[1]:
        raise InvalidValueError("size of the pictures", size, f"square, a multiple of {mask.SIZE[0]} pixels")
    return size[0] // mask.SIZE[0]


def pooled(coverage: Array, by: int) -> Array:
    """(B, H, W) coverage averaged over squares of `by` x `by` pixels."""
    batch, height, width = coverage.shape
    return coverage.reshape(batch, height // by, by, width // by, by).mean(axis=(2, 4), dtype=np.float32)


def to_masks(coverage: Array, most: float = 1.0) -> Images:
    """Masks (B, 100, 100) uint8 of pictures whose pixels the target covers by shares (B, H, W) of `most`."""
    by = factor((coverage.shape[1], coverage.shape[2]))
    return (pooled(coverage, by) >= COVERED * most).astype(np.uint8)


def expert_at_work(source: Source, seed: int, images: int) -> Labelled:
    """Recipe 1: what the camera in the hand sees in the nominal domain while the expert grasps.

    Args:
        source: the task and its source domains.
        seed: chooses the episodes.
        images: how many pictures.
    """
    world = _at_work(source, seed)
    task = cast(SphereGrasp, world.task)
    studio, size = Studio(task.scene, world.domain), task.camera_size[CAMERA]
    pictures, masks = np.empty((images, *size, 3), np.uint8), np.empty((images, *mask.SIZE), np.uint8)
    for start, now in _moments(world, images):
        stop = min(start + ROWS, images)
        drawn = studio.labelled(now.state.seen, now.state.held, _cameras(task, now), now.seeds)
        pictures[start:stop], masks[start:stop] = drawn.pictures[: stop - start], drawn.masks[: stop - start]
    return Labelled(pictures, masks)


def cut_out(source: Source, seed: int, images: int) -> Sprites:
    """Recipe 2: the target alone, cut out of what `expert_at_work` shows with the same arguments.

    Every cut-out is drawn through a camera of many more pixels that sees no more than the target's surroundings.
    """
    world = _at_work(source, seed)
    task = cast(SphereGrasp, world.task)
    studio = Studio(task.scene, world.domain)
    rgb, share = np.empty((images, SIDE, SIDE, 3), np.uint8), np.empty((images, SIDE, SIDE), np.uint8)
    corner = np.empty((images, 2), np.int64)
    for start, now in _moments(world, images):
        stop = min(start + ROWS, images)
        cameras = _cameras(task, now)
        corners = _corners(cameras, now.state.sphere_m)
        drawn = studio.draw(now.state.seen, now.state.held, _magnified(cameras, corners), now.seeds)
        found = (*averaged(drawn.pictures, drawn.target), corners)
        for whole, part in zip((rgb, share, corner), found, strict=True):
            whole[start:stop] = part[: stop - start]
    return Sprites(rgb, share, corner)


def _corners(cameras: Cameras, target_m: Floats) -> Integers:
    """Rows and columns (B, 2) of the top left pixels of sprites about targets (B, 3), or about the picture's edge."""
    R, t = cameras.T_world_camera[:, :3, :3], cameras.T_world_camera[:, :3, 3]
    x, y, z = np.einsum("bij,bi->bj", R, target_m - t).T
    ahead = np.maximum(z, 0.01)
    column = cameras.K[:, 0, 0] * x / ahead + cameras.K[:, 0, 2]
    row = cameras.K[:, 1, 1] * y / ahead + cameras.K[:, 1, 2]
    middle = np.clip(np.stack([row, column], axis=1), -SIDE, np.array(cameras.size) + SIDE)
    return np.rint(middle).astype(np.int64) - SIDE // 2


def _magnified(cameras: Cameras, corners: Integers) -> Cameras:
    """The same cameras, FINER times as fine, that see no more than a sprite with its corner there (B, 2)."""
    K = scaled(cameras.K, FINER)
    K[:, :2, 2] -= FINER * corners[:, ::-1]
    return Cameras(K, cameras.T_world_camera, (SIDE * FINER, SIDE * FINER))


def _at_work(source: Source, seed: int) -> SimulatedWorld[SphereGraspState]:
    """Arms of the nominal domain, each about to begin its first episode."""
    task = wandering(cast(SphereGrasp, source.task))
    world = Source(task).world("sim", frozenset({"privileged"}), auto_reset=True)
    world.reset((counter.bits(seed, "mask_scenes/episode", 0, np.arange(ROWS)) >> np.uint64(32)).astype(np.int64))
    return world


def _moments(world: SimulatedWorld[SphereGraspState], images: int) -> Iterator[tuple[int, Snapshot[SphereGraspState]]]:
    """Moments of all arms, some steps of the expert apart; numbers of their first pictures beside them."""
    expert, memory = world.expert(), None
    for start in range(0, images, ROWS):
        yield start, world.now
        for _ in range(BETWEEN):
            decision = expert.label(world.privileged(), world.now.sent, memory)
            memory = decision.memory
            world.step(decision)


def _cameras(task: SphereGrasp, now: Snapshot[SphereGraspState]) -> Cameras:
    """The cameras in the hands."""
    return Cameras(np.tile(task.K, (len(now.seeds), 1, 1)), now.state.T_world_camera, task.camera_size[CAMERA])

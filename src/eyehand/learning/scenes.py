"""Recorded frames of a planar arm as training data: augmented, a target drawn in, labelled with the scene.

A recording says in its own block `extra` where plane points appear in its frames (`plane_to_image`, 3 x 3) and whether
a target is in them already (`target_drawn`), in which case `observation.environment_state` tells where.
"""

from __future__ import annotations

from typing import cast, final

import numpy as np
import torch
from torch import Tensor

from eyehand.data.mixing import mixed_counts, uniform_indices
from eyehand.data.target import TargetFrames
from eyehand.errors import InvalidValueError
from eyehand.interfaces import scene_configuration
from eyehand.interfaces.scene_configuration import SceneConfiguration
from eyehand.learning.ahead import Ahead
from eyehand.learning.generators import spawn
from eyehand.learning.method import Source
from eyehand.types import Floats, Images, PlanarScene
from eyehand.world import baxter, counter, plane_camera
from eyehand.world.augmentation import Augmentation, add_noise, augment, luma
from eyehand.world.compositing import draw_disc, grey84


@final
class SimulatedScenes:
    """Random scenes in a source domain."""

    def __init__(self, source: Source, domain: str, seed: int, name: str) -> None:
        """Take the source, the name of the domain, and what the scenes depend on."""
        self.world = source.world(domain, frozenset({"camera", "privileged"}))
        self._drawn = source.world(
            domain, frozenset({"camera", "privileged"})
        )  # batches may be drawn in the background
        self._seed, self._name = seed, name

    def batch(self, count: int, number: int) -> tuple[Tensor, Tensor]:
        """The pictures and Theta of mini-batch `number`: new scenes for every number."""
        seeds = counter.bits(self._seed, self._name, number, np.arange(count)).astype(np.int64) >> 1
        obs = self._drawn.reset(seeds)
        (camera,) = obs.cameras.values()
        pictures = torch.as_tensor(grey84(cast(Images, camera.rgb)))
        return pictures, SceneConfiguration().truth(cast(PlanarScene, obs.privileged))

    def draw(self, theta: Tensor) -> Tensor:
        """Pictures of given scene configurations (B, 5)."""
        scene = scene_configuration.scene(theta.cpu().numpy())
        zeros = np.zeros(len(theta), np.int64)
        (imaging,) = self.world.task.imaging(self.world.domain).values()
        return torch.as_tensor(grey84(cast("Images", imaging.capture(scene, zeros, zeros))))


@final
class RecordedScenes:
    """Mini-batches of recorded frames (Zhang et al. 2017, Section 5.1 and Fig. 3)."""

    def __init__(self, frames: TargetFrames, augmentation: Augmentation, seed: int) -> None:
        """Take the frames; where no target is in them yet, one is drawn in at random places.

        Raises:
            InvalidValueError: the calibration is no homography, or targets are in the frames and nothing says where.
        """
        self._frames, self._seed = frames, seed
        self._augmentation = augmentation
        self._grey = luma(frames.images)  # (N, 210, 160)
        self._plane_to_image = _calibration(frames)
        self._x_target_m = _targets(frames)

    def batch(self, count: int, number: int) -> tuple[Tensor, Tensor]:
        """The pictures and Theta of mini-batch `number`, joints as the encoders read them."""
        generator = spawn(self._seed, f"recorded/{number}")
        chosen = uniform_indices(len(self._grey), count, generator)
        pictures = augment(self._grey, chosen, self._augmentation, generator)
        if self._x_target_m is None:
            share = torch.rand((count, 3), generator=generator, dtype=torch.float64).numpy()
            q_goal_rad = baxter.JOINT_LOW_RAD + share * (baxter.JOINT_HIGH_RAD - baxter.JOINT_LOW_RAD)
            x_target_m = baxter.forward_kinematics(q_goal_rad)
            pictures = draw_disc(pictures, x_target_m, self._plane_to_image)
        else:
            x_target_m = self._x_target_m[chosen]
        theta = scene_configuration.normalise(x_target_m, self._frames.q_rad[chosen])
        noisy = add_noise(grey84(pictures), self._augmentation, generator)
        return torch.as_tensor(noisy), torch.as_tensor(theta.astype(np.float32))


def _calibration(frames: TargetFrames) -> Floats:
    """The recording-time homography (3, 3) from plane to frame; the nominal one where the recording has none."""
    matrix = frames.extra.get("plane_to_image")
    if matrix is None:
        return plane_camera.believed_homography()
    refused = InvalidValueError("plane_to_image", matrix, "an invertible 3 x 3 matrix of finite numbers", "info.json")
    try:
        H = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise refused from error
    if H.shape != (3, 3) or not np.isfinite(H).all() or abs(np.linalg.det(H)) < 1e-12:
        raise refused
    return H


def _targets(frames: TargetFrames) -> Floats | None:
    """Where the targets (N, 2) are that the frames show already; None where they show none."""
    if not frames.extra.get("target_drawn"):
        return None
    x_target_m = frames.environment_state
    if x_target_m is None or x_target_m.shape != (len(frames.images), 2):
        got = "nothing" if x_target_m is None else f"shape {x_target_m.shape}"
        allowed = "two numbers a frame, the target's place in metres, because info.json says target_drawn"
        raise InvalidValueError("observation.environment_state", got, allowed)
    return x_target_m


def mixed_batches(
    simulated: SimulatedScenes, recorded: RecordedScenes | None, batch: int, real_share: float
) -> Ahead[tuple[Tensor, Tensor]]:
    """Mini-batches by number, drawn one ahead: a share of recorded pictures, if there are any, and the rest simulated.

    Args:
        simulated: where simulated pictures come from.
        recorded: where recorded ones come from; None for simulated ones alone.
        batch: pictures in a mini-batch.
        real_share: share of recorded pictures, 0 to 1.

    Raises:
        InvalidValueError: a share of recorded pictures is asked for and there are none.
    """
    if recorded is None and real_share > 0:
        allowed = "0 without recorded frames: these are read by `eyehand adapt`, which has a share of its own"
        raise InvalidValueError("real_share", real_share, allowed)
    real, rest = mixed_counts(batch, real_share)

    def draw(number: int) -> tuple[Tensor, Tensor]:
        parts = [recorded.batch(real, number)] if recorded and real else []
        parts += [simulated.batch(rest, number)] if rest else []
        return torch.cat([grey for grey, _ in parts]), torch.cat([theta for _, theta in parts])

    return Ahead(draw)

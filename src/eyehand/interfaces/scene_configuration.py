"""The scene configuration of planar reaching: target position and joint angles, each normalised to [0, 1].

Theta = [x*, q] in R^5 (Zhang et al. 2017, Section 4): the target's two coordinates by the extent of the image window,
the three joints by their limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from PIL import Image, ImageDraw

from eyehand.types import Floats, Images, PlanarScene
from eyehand.world import baxter, plane_camera

SIZE = 5
_LOW = np.array([plane_camera.WINDOW_X_M[0], plane_camera.WINDOW_Z_M[0], *baxter.JOINT_LOW_RAD])
_HIGH = np.array([plane_camera.WINDOW_X_M[1], plane_camera.WINDOW_Z_M[1], *baxter.JOINT_HIGH_RAD])


def normalise(x_target_m: Floats, q_rad: Floats) -> Floats:
    """Theta (B, 5) of target positions (B, 2) in metres and joint angles (B, 3) in radians."""
    return (np.concatenate([x_target_m, q_rad], axis=1) - _LOW) / (_HIGH - _LOW)


def denormalise(theta: Floats) -> tuple[Floats, Floats]:
    """Target positions (B, 2) in metres and joint angles (B, 3) in radians of Theta (B, 5)."""
    values = _LOW + np.asarray(theta, dtype=np.float64) * (_HIGH - _LOW)
    return values[:, :2], values[:, 2:]


@dataclass(frozen=True)
class Scene:
    """A planar scene without a task around it.

    Attributes:
        q_rad: (B, 3) joint angles.
        x_target_m: (B, 2) target in the plane, (x, z).
    """

    q_rad: Floats
    x_target_m: Floats


def scene(theta: Floats) -> Scene:
    """The scene that a configuration Theta (B, 5) describes."""
    x_target_m, q_rad = denormalise(theta)
    return Scene(q_rad, x_target_m)


@final
class SceneConfiguration:
    """Theta as an interface: float32 tensors (B, 5)."""

    name = "scene_configuration"

    def truth(self, state: PlanarScene) -> torch.Tensor:
        """Theta (B, 5) of the task's state, target and true joint angles."""
        return torch.as_tensor(normalise(state.x_target_m, state.q_rad).astype(np.float32))

    def distance(self, a: torch.Tensor, b: torch.Tensor) -> Mapping[str, torch.Tensor]:
        """Errors (B,): "theta" is the paper's e = ||a - b||, "cm" the target's and "deg" the mean joint error."""
        scale = torch.as_tensor(_HIGH - _LOW, dtype=a.dtype)
        error = (a - b) * scale
        return {
            "theta": _length(a - b),
            "cm": 100.0 * _length(error[:, :2]),
            "deg": torch.rad2deg(error[:, 2:].abs().mean(dim=1)),
        }

    def harden(self, z: torch.Tensor) -> torch.Tensor:
        """Clip to the unit cube, which every real scene lies in."""
        return z.clamp(0.0, 1.0)

    def corrupt(self, z: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
        """Add Gaussian noise of standard deviation `level` to every component."""
        return z + level * torch.randn(z.shape, generator=generator)

    def draw(self, image: Images, z: torch.Tensor) -> Images:
        """Draw the arm as a line with dots at its joints and the target as a cross over frames (B, H, W, 3).

        Frames of another size than 210 x 160 are taken to show the same window of the plane.
        """
        x_target_m, q_rad = denormalise(z.detach().cpu().numpy())
        points = np.concatenate([baxter.joint_points(q_rad), x_target_m[:, None]], axis=1)  # (B, 5, 2)
        pixels = plane_camera.project(plane_camera.believed_homography(), points)
        height, width = image.shape[1:3]
        scale = np.array([width / plane_camera.FRAME_SIZE[1], height / plane_camera.FRAME_SIZE[0]])
        return np.stack([_draw_one(frame, p) for frame, p in zip(image, pixels * scale, strict=True)])


def _length(vectors: torch.Tensor) -> torch.Tensor:
    """Euclidean lengths (B,) of vectors (B, n)."""
    return vectors.norm(dim=1)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped in torch


def _draw_one(frame: Images, pixels: Floats) -> Images:
    picture = Image.fromarray(frame)
    pen = ImageDraw.Draw(picture)
    size = max(2.0, frame.shape[0] / 80)
    joints = [(float(x), float(y)) for x, y in pixels[:4]]
    pen.line(joints, fill=(255, 200, 0), width=max(1, round(size / 1.5)))
    for x, y in joints:
        pen.ellipse((x - size, y - size, x + size, y + size), fill=(255, 80, 0))
    x, y = float(pixels[4, 0]), float(pixels[4, 1])
    arm = 3 * size
    for ends in (((x - arm, y), (x + arm, y)), ((x, y - arm), (x, y + arm))):
        pen.line(ends, fill=(0, 255, 120), width=max(1, round(size / 1.5)))
    return np.asarray(picture)

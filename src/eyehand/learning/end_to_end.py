"""Policies without an interface: a camera's pictures straight into the controller, and observations as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast, final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from eyehand.learning.policy import unrolled
from eyehand.types import Controller, Decision, Flags, Floats, Group, Images, Memory, Observation
from eyehand.world.wear import Wear, worn


@final
@dataclass(frozen=True)
class EndToEndPolicy:
    """The comparison arm of methods with an interface.

    Attributes:
        controller: takes pictures (B, side, side, 3) uint8 where others take an interface.
        side_px: height and width of the pictures that it takes.
    """

    controller: Controller[Tensor]
    side_px: int

    @property
    def reads(self) -> frozenset[Group]:
        """The camera, and what the controller reads."""
        return self.controller.reads | frozenset[Group]({"camera"})

    def initial_memory(self, batch: int) -> Memory:
        """The controller's memory."""
        return self.controller.initial_memory(batch)

    def looks(self, memory: Memory, batch: int) -> Mapping[str, Flags]:
        """Every row needs the camera."""
        del memory, batch
        return {}

    @torch.inference_mode()
    def act(self, obs: Observation, memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """The controller's command for the frames of the observation's only camera."""
        return self.controller.decide(resized(pictures_of(obs), self.side_px), obs, memory, generator)

    def unroll(self, obs: Sequence[Observation], memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """Act on T observations in a row: `value` leads with (T, B)."""
        return unrolled(self, obs, memory, generator)


def pictures_of(obs: Observation) -> Tensor:
    """Frames (B, H, W, 3) uint8 of the observation's only camera."""
    (camera,) = obs.cameras.values()
    return torch.as_tensor(np.require(cast(Images, camera.rgb), requirements="W"))  # frames of files may be read only


def proprio_of(obs: Observation) -> Tensor:
    """Joints and what else the robot tells of itself (B, n), float32."""
    return torch.as_tensor(cast(Floats, obs.proprio).astype(np.float32))


def resized(pictures: Tensor, side_px: int) -> Tensor:
    """Pictures (B, H, W, 3) uint8 with `side_px` pixels along each side, each the mean of those that it covers."""
    if pictures.shape[1:3] == (side_px, side_px):
        return pictures
    planes = pictures.permute(0, 3, 1, 2).to(torch.float32)
    small = functional.interpolate(planes, (side_px, side_px), mode="area")
    return small.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def worn_anew(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (B, H, W, 3) uint8 as cameras of many kinds might give them, as the eyes of other arms see theirs."""
    number = int(torch.randint(1 << 31, (), generator=generator))
    return torch.as_tensor(worn(pictures.numpy(), Wear(), 0, number))

"""Sliding a bead along a rail to a mark.

Task:
    Move the bead by 0.1 m to the right or to the left, or hold.
Randomisation:
    Bead and mark evenly along the rail, 1 m long.
Success:
    The bead is within 6 cm of the mark.
Privileged information:
    The positions of both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from eyehand.errors import UnknownNameError
from eyehand.types import CommandSpec, Decision, Floats, Images, Integers, Memory
from eyehand.world import counter
from eyehand.world.domain import Domain
from eyehand.world.motion import KinematicMotion, ServoMotion
from eyehand.world.task import Motion, Verdict

CAMERA = "eye"
SIZE = 8
STEP_M = 0.1
CLOSE_M = 0.06
TABLE = ((STEP_M,), (-STEP_M,), (0.0,))


@dataclass(frozen=True)
class Rail:
    """State of the task.

    Attributes:
        bead_m: (B, 1) position of the bead, 0 to 1.
        mark_m: (B, 1) position of the mark, 0 to 1.
    """

    bead_m: Floats
    mark_m: Floats


def _move(state: Rail, step_m: Floats) -> Rail:
    return dataclasses.replace(state, bead_m=np.clip(state.bead_m + step_m, 0.0, 1.0))


@final
class Positions:
    """The interface: bead and mark, float32 tensors (B, 2) in metres."""

    name = "toy_positions"

    def truth(self, state: Rail) -> torch.Tensor:
        """Both positions."""
        return torch.from_numpy(np.concatenate([state.bead_m, state.mark_m], axis=1).astype(np.float32))

    def distance(self, a: torch.Tensor, b: torch.Tensor) -> Mapping[str, torch.Tensor]:
        """Mean error of both positions, (B,) in centimetres."""
        return {"cm": 100.0 * (a - b).abs().mean(dim=1)}

    def harden(self, z: torch.Tensor) -> torch.Tensor:
        """Clip to the rail."""
        return z.clamp(0.0, 1.0)

    def corrupt(self, z: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
        """Gaussian noise of `level` metres."""
        return z + level * torch.randn(z.shape, generator=generator)

    def draw(self, image: Images, z: torch.Tensor) -> Images:
        """A red pixel at the bead and a green one at the mark, on top of (B, 8, 8, 3)."""
        drawn = image.copy()
        rows = np.arange(len(drawn))
        columns = (z.detach().numpy().clip(0, 1) * (SIZE - 1)).round().astype(int)
        drawn[rows, 0, columns[:, 0]] = (255, 0, 0)
        drawn[rows, 0, columns[:, 1]] = (0, 255, 0)
        return drawn


@final
class Picture:
    """An 8 x 8 picture: the bead glows in row 2, the mark in row 5 unless the domain shows no target."""

    def __init__(self, domain: Domain) -> None:
        """Take the domain, whose ground and brightness are used."""
        self._domain = domain

    def capture(self, state: Rail, seeds: Integers, step: Integers) -> Images:
        """Frames (B, 8, 8, 3)."""
        del step
        ground = 60.0 * self._domain.numbers("appearance.background_albedo", seeds)
        glow = 150.0 * self._domain.numbers("appearance.lamp_scale", seeds)
        frames = np.repeat(ground, SIZE * SIZE).reshape(len(seeds), SIZE, SIZE)
        columns = np.arange(SIZE)
        shown = ((2, state.bead_m), (5, state.mark_m))
        for row, position in shown[:1] if self._domain.appearance.target == "none" else shown:
            frames[:, row] += glow[:, None] * np.clip(1.0 - np.abs(columns - (SIZE - 1) * position), 0.0, 1.0)
        return np.repeat(frames[..., None], 3, axis=3).clip(0, 255).astype(np.uint8)


@final
class Pusher:
    """The expert: towards the mark, and hold when no step brings it closer."""

    def label(self, state: Rail, sent: Floats | None, memory: Memory) -> Decision:
        """Row of the command table with the closest outcome."""
        del sent
        outcome = np.abs(state.bead_m + np.array(TABLE)[:, 0] - state.mark_m)  # (B, 3)
        return Decision(np.zeros(len(outcome), np.int64), np.argmin(outcome, axis=1), memory)


@final
class Slide:
    """The task object, see the module's text."""

    name = "toy_slide"
    summary = "slide a bead along a rail to a mark"
    horizon = 15
    dt_s = 0.1
    commands = (CommandSpec("joint_delta", (-STEP_M,), (STEP_M,), unit="m", table=TABLE),)
    camera_size: Mapping[str, tuple[int, int]] = {CAMERA: (SIZE, SIZE)}
    calibration: Mapping[str, object] = {"rail_m": [0.0, 1.0]}

    def __init__(self) -> None:
        """Make the task."""
        self.interface = Positions()

    def within(self, domain: Domain) -> Slide:
        """The same in every domain."""
        del domain
        return self

    def sample(self, seeds: Integers) -> Rail:
        """Both positions, evenly."""
        return Rail(counter.uniform(seeds[:, None], "bead"), counter.uniform(seeds[:, None], "mark"))

    def settle(self, state: Rail) -> Rail:
        """Nothing to count."""
        return state

    def judge(self, state: Rail) -> Verdict:
        """Reward 1 and the end where bead and mark are close."""
        distance = np.abs(state.bead_m - state.mark_m)[:, 0]
        close = distance <= CLOSE_M
        return Verdict(close.astype(float), close, close, {"distance_m": distance})

    def encoders(self, state: Rail, domain: Domain, seeds: Integers) -> Floats:
        """The bead's position (B, 1) with the domain's encoder bias."""
        return state.bead_m + domain.numbers("calibration.encoder_bias_rad", seeds)[:, None]

    def environment(self, state: Rail) -> Floats:
        """The mark's position (B, 1)."""
        return state.mark_m

    def expert(self) -> Pusher:
        """The expert."""
        return Pusher()

    def goal(self, domain: Domain) -> None:
        """The camera shows the goal."""
        del domain

    def motion(self, domain: Domain) -> Motion[Rail]:
        """`kinematic` or `servo`."""
        match domain.dynamics.motion:
            case "kinematic":
                return KinematicMotion(_move)
            case "servo":
                return ServoMotion(domain, _move, joints=1)
            case name:
                raise UnknownNameError("motion back end", name, ("kinematic", "servo"), f"domain {domain.name}")

    def imaging(self, domain: Domain) -> Mapping[str, Picture]:
        """`drawing`."""
        if domain.appearance.image != "drawing":
            raise UnknownNameError("image back end", domain.appearance.image, ("drawing",), f"domain {domain.name}")
        return {CAMERA: Picture(domain)}

"""Regressing positions from a tiny picture, then stepping towards the mark.

Idea: a linear layer reads bead and mark off the picture, and a fixed law takes the step that ends closest. Adaptation
goes on with recorded frames, whose bead position the encoder gives; the mark counts only where it is in the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from eyehand.data.ledger import Budget
from eyehand.data.target import RecordedTarget
from eyehand.errors import UnknownNameError
from eyehand.learning.generators import spawn
from eyehand.learning.keeping import Keeping
from eyehand.learning.loop import Schedule, fit
from eyehand.learning.method import Source
from eyehand.learning.policy import ModularPolicy
from eyehand.learning.run import Run
from eyehand.types import Decision, Group, Images, Memory, Observation
from eyehand.world.task import Task
from toy_toy.slide import CAMERA, SIZE, TABLE


@dataclass(frozen=True)
class Config:
    """Configuration.

    Attributes:
        updates: gradient steps in simulation.
        batch: pictures per step.
        learning_rate: of Adam.
        adapt_updates: gradient steps on recorded frames.
        frames: recorded frames that adaptation reads.
    """

    updates: int = 300
    batch: int = 64
    learning_rate: float = 0.02
    adapt_updates: int = 200
    frames: int = 40


PRESETS = {"tiny": Config(updates=5, batch=8, adapt_updates=5, frames=4), "quick": Config()}


@final
class Eyes(nn.Module):
    """One linear layer from the red channel (B, 8, 8) to both positions (B, 2)."""

    reads: frozenset[Group] = frozenset({"camera"})

    def __init__(self) -> None:
        """Make the layer."""
        super().__init__()
        self.layer = nn.Linear(SIZE * SIZE, 2)

    def forward(self, frames: Images) -> Tensor:
        """Positions of frames (B, 8, 8, 3)."""
        return self.layer(torch.from_numpy(frames[..., 0].reshape(-1, SIZE * SIZE).astype(np.float32) / 255.0))

    def perceive(self, obs: Observation) -> Tensor:
        """Positions in the observation."""
        frames = obs.cameras[CAMERA].rgb
        assert frames is not None
        return self(frames)

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The layer."""
        return {"head": list(self.layer.parameters())}


@final
class Law(nn.Module):
    """The step that ends closest to the mark."""

    reads: frozenset[Group] = frozenset()

    def initial_memory(self, batch: int) -> Memory:
        """None is needed."""
        del batch

    def decide(self, z: Tensor, obs: Observation, memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """Row of the command table for positions (B, 2)."""
        del obs, generator
        outcome = (z[:, :1] + torch.tensor(TABLE)[:, 0] - z[:, 1:]).abs()  # (B, 3)
        return Decision(np.zeros(len(z), np.int64), outcome.argmin(dim=1).numpy(), memory)


class Learner(Keeping):
    """Least squares on pictures and positions."""

    def __init__(self, config: Config, eyes: Eyes, draw: Any, seed: int) -> None:
        """Take the eyes and a function from a generator to frames (B, 8, 8, 3), positions (B, 2) and weights (2,)."""
        super().__init__()
        self.eyes = eyes
        self.draw = draw
        self.optimiser = self.keep("optimiser", torch.optim.Adam(eyes.parameters(), lr=config.learning_rate))
        self.generator = self.keep("generator", spawn(seed, "pictures"))

    def update(self) -> Mapping[str, float | Tensor]:
        """One step."""
        frames, positions, weights = self.draw(self.generator)
        loss = (weights * (self.eyes(frames) - positions).square()).mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.done += 1
        return {"train/loss": loss.detach()}

    def evaluate(self) -> Mapping[str, float]:
        """Nothing."""
        return {}


@final
class Regression:
    """The method object, see the module's text."""

    name = "toy_regression"
    summary = "regress positions from a tiny picture"
    interface = "toy_positions"
    presets = tuple(PRESETS)
    budget = Budget(frames=40, labels=40)
    features: Mapping[str, tuple[int, ...]] = {
        f"observation.images.{CAMERA}": (SIZE, SIZE, 3),
        "observation.state": (1,),
    }

    def preset(self, name: str) -> Config:
        """The configuration of a preset."""
        if name not in PRESETS:
            raise UnknownNameError("preset", name, PRESETS)
        return PRESETS[name]

    def networks(self, config: Config, task: Task[Any], seed: int) -> nn.ModuleDict:
        """The eyes, initialised from the seed."""
        del config, task
        eyes = Eyes()
        with torch.no_grad():
            for parameter in eyes.parameters():
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=spawn(seed, "initialise")))
        return nn.ModuleDict({"eyes": eyes, "law": Law()})

    def policy(self, model: nn.ModuleDict, task: Task[Any]) -> ModularPolicy[Tensor]:
        """Eyes, positions and law."""
        return ModularPolicy(model["eyes"], model["law"], task.interface)

    def train(self, config: Config, source: Source, run: Run, model: nn.ModuleDict) -> None:
        """Regress in simulation."""
        world = source.world("sim", frozenset({"camera", "privileged"}))

        def draw(generator: torch.Generator) -> tuple[Images, Tensor, Tensor]:
            obs = world.reset(torch.randint(2**31, (config.batch,), generator=generator).numpy())
            frames = obs.cameras[CAMERA].rgb
            assert frames is not None
            return frames, world.task.interface.truth(world.privileged()), torch.ones(2)

        fit("eyes", Learner(config, model["eyes"], draw, run.seed), Schedule(config.updates), run, model)

    def adapt(self, config: Config, source: Source, target: RecordedTarget, run: Run, model: nn.ModuleDict) -> None:
        """Go on with recorded frames; where the mark was left out of them, only the bead counts."""
        del source
        taken = target.take("frames", min(config.frames, len(target)))
        marks, shown = taken.environment_state, bool(taken.extra.get("target_drawn", True))
        known = np.zeros_like(taken.q_rad) if marks is None else marks
        positions = torch.from_numpy(np.concatenate([taken.q_rad[:, :1], known[:, :1]], axis=1).astype(np.float32))
        weights = torch.tensor([1.0, float(shown and marks is not None)])

        def draw(generator: torch.Generator) -> tuple[Images, Tensor, Tensor]:
            chosen = torch.randint(len(positions), (config.batch,), generator=generator)
            return taken.images[chosen.numpy()], positions[chosen], weights

        fit("recorded", Learner(config, model["eyes"], draw, run.seed), Schedule(config.adapt_updates), run, model)

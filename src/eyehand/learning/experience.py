"""Acting in many simulations at once and remembering it: Algorithm 1 of guided Q-learning, for any discrete task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, final

import numpy as np
import torch
from torch import Tensor

from eyehand.learning.replay import NStepWindow, Replay, Transitions
from eyehand.learning.tensors import restore_world, world_tensors
from eyehand.types import Decision, Integers, Observation
from eyehand.world import counter
from eyehand.world.simulation import SimulatedWorld

Exploration = Literal["k_gps", "epsilon_greedy"]


@dataclass(frozen=True)
class Memory:
    """How experience is remembered.

    Attributes:
        n_step: steps that one remembered transition spans.
        gamma: discount per step.
        capacity: transitions kept.
    """

    n_step: int
    gamma: float
    capacity: int


@final
class Experience:
    """Simulations that act and start anew by themselves, and the replay of what they did.

    Attributes:
        obs: what the simulations show now.
        replay: n-step transitions between encoded states.
    """

    def __init__(
        self,
        world: SimulatedWorld[Any],
        rows: int,
        encode: Callable[[Any], Tensor],
        memory: Memory,
        exploration: Exploration,
        seed: int,
    ) -> None:
        """Start the simulations.

        Args:
            world: a world that resets by itself and has a discrete command.
            rows: simulations stepped together.
            encode: task state to the encoded state (B, ...) that is remembered.
            memory: how experience is remembered.
            exploration: what is done instead of the greedy action: the expert's guess or a random action.
            seed: seed of the episodes.
        """
        self.world = world
        self._expert = world.expert()
        self._encode = encode
        self._exploration: Exploration = exploration
        self._actions = len(world.commands[0].table or ())
        seeds = counter.bits(seed, "experience", 0, np.arange(rows)).astype(np.int64) >> 1
        self.obs: Observation = world.reset(seeds)
        shape = tuple(self.encoded().shape[1:])
        self._window = NStepWindow(memory.n_step, memory.gamma, rows, shape)
        self.replay = Replay(memory.capacity, shape)

    def encoded(self) -> Tensor:
        """The encoded states (B, ...) of the simulations now."""
        return self._encode(self.world.privileged())

    def step(self, greedy: Integers, epsilon: float, generator: torch.Generator) -> None:
        """Act everywhere, guided or at random with probability `epsilon` and else greedily, and remember it.

        Args:
            greedy: (B,) the learner's own actions.
            epsilon: probability of the other action.
            generator: where the random numbers come from.
        """
        batch = len(greedy)
        explore = (torch.rand(batch, generator=generator) < epsilon).numpy()
        if self._exploration == "k_gps":
            other = self._expert.label(self.world.privileged(), None, None).value
        else:
            other = torch.randint(self._actions, (batch,), generator=generator).numpy()
        action = np.where(explore, other, greedy)
        before = self.encoded()
        transition = self.world.step(Decision(np.zeros(batch, np.int64), action))
        after = self._encode(transition.final_obs.privileged) if transition.final_obs else self.encoded()
        reward = torch.as_tensor(transition.reward, dtype=torch.float32)
        ended = torch.as_tensor(transition.terminated), torch.as_tensor(transition.truncated)
        self.replay.insert(self._window.push(before, torch.as_tensor(action), reward, after, *ended))
        self.obs = transition.obs

    def sample(self, count: int, generator: torch.Generator, device: torch.device) -> Transitions:
        """Remembered transitions, drawn evenly, on a device."""
        batch = self.replay.sample(count, generator)
        return Transitions(*(getattr(batch, field.name).to(device) for field in fields(batch)))

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes: window, replay and simulations."""
        parts = {"window": self._window.tensors(), "replay": self.replay.tensors()}
        named = {f"{part}/{k}": v for part, values in parts.items() for k, v in values.items()}
        return named | world_tensors(self.world)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        for prefix, part in (("window/", self._window), ("replay/", self.replay)):
            part.restore({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        restore_world(self.world, tensors)
        self.obs = self.world.observe()

"""Dataset aggregation (DAgger; Ross, Gordon, Bagnell 2011): the learner acts, the expert says what it would have done.

In iteration n every step is the expert's with probability beta_n and the learner's otherwise; every state that is
visited is labelled by the expert and kept, and the learner is trained on all that was ever kept. With beta 1 throughout
it is behaviour cloning. Many simulations act at once and go on from iteration to iteration, so that an iteration may
hold parts of episodes; what has to be kept for a resumed training is all here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, final

import numpy as np
import torch
from torch import Tensor

from eyehand.errors import FileFormatError, InvalidValueError, NotDefinedError
from eyehand.learning.ranges import Amount, Checked, Count, Range, Rate, Share
from eyehand.learning.tensors import restore_tree, restore_world, tree_tensors, world_tensors
from eyehand.types import Array, Decision, Flags, Memory, Observation
from eyehand.world import counter
from eyehand.world.simulation import SimulatedWorld

Frames: TypeAlias = Mapping[str, Tensor]  # what is kept of visited states, each leads with (N,)
LABEL = "label"
PATIENCE = 10_000  # steps without any label, after which none is expected


@dataclass(frozen=True)
class DaggerConfig(Checked):
    """How a learner is taught; `beta` is the expert's share of the steps, 0 in the iterations that it does not list."""

    iterations: Count = 12
    frames: Annotated[int, Range(2)] = 2_000  # labelled in an iteration; one alone has no spread
    worlds: Count = 40
    beta: tuple[Share, ...] = (1.0,)
    epochs: Count = 8  # over the whole aggregate in an iteration
    batch: Count = 128
    lr: Rate = 1e-3
    lr_end: Rate = 1e-5
    validation: Amount = 500  # frames that are never trained on: so many of the expert's, and of the learner's

    @property
    def total(self) -> int:
        """Frames that are labelled in all, those of the validation set included."""
        return self.iterations * self.frames + 2 * self.validation

    def beta_of(self, iteration: int) -> float:
        """The expert's share of the steps of an iteration, the first being 0."""
        return self.beta[iteration] if iteration < len(self.beta) else 0.0


@final
class Aggregate:
    """Labelled frames; room for all of them is taken when the first are added."""

    def __init__(self, capacity: int) -> None:
        """Start empty.

        Args:
            capacity: frames that will be kept.
        """
        self._capacity = capacity
        self._size = 0
        self._rows: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return self._size

    def add(self, frames: Frames) -> None:
        """Keep frames; raises InvalidValueError where there is no room for them."""
        count = len(next(iter(frames.values())))
        if self._size + count > self._capacity:
            raise InvalidValueError("labelled frames", self._size + count, f"at most {self._capacity}")
        for name, values in frames.items():
            if name not in self._rows:
                self._rows[name] = torch.empty((self._capacity, *values.shape[1:]), dtype=values.dtype)
            self._rows[name][self._size : self._size + count] = values
        self._size += count

    def rows(self, index: Tensor | slice) -> dict[str, Tensor]:
        """The frames with these numbers, or in this range."""
        return {name: values[: self._size][index] for name, values in self._rows.items()}

    def epoch(self, batch: int, generator: torch.Generator) -> Iterator[dict[str, Tensor]]:
        """All frames once, in a new order, in mini-batches; the last may be smaller."""
        order = torch.randperm(self._size, generator=generator)
        for start in range(0, self._size, batch):
            yield self.rows(order[start : start + batch])

    def clear(self) -> None:
        """Forget all frames."""
        self._size, self._rows = 0, {}

    def tensors(self) -> dict[str, Tensor]:
        """All frames, as views, for checkpoints."""
        return self.rows(slice(None))

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave; raises InvalidValueError where there is no room for it."""
        self.clear()
        if tensors:
            self.add(tensors)


@final
class Classroom:
    """Simulations that start anew by themselves, in which the expert labels every state that is visited."""

    def __init__(
        self, world: SimulatedWorld[Any], rows: int, remember: Callable[[Observation], Frames], seed: int, name: str
    ) -> None:
        """Start the simulations.

        Args:
            world: a world that resets by itself and hands over what `remember` reads; its commands are continuous.
            rows: simulations stepped together.
            remember: observation to what is kept of it, which is also all that the learner acts on.
            seed: seed of the episodes.
            name: of the use; other names give other episodes.
        """
        self._world, self._remember = world, remember
        self._expert = world.expert()
        seeds = counter.bits(seed, f"dagger/{name}", 0, np.arange(rows)).astype(np.int64) >> 1
        self._obs = world.reset(seeds)
        self._memory: Memory = None  # the expert's, before it has seen the present state

    def collect(
        self, count: int, beta: float, act: Callable[[Frames], Array], generator: torch.Generator
    ) -> Iterator[Frames]:
        """Step until exactly `count` states were labelled, and give them, batch by batch, as they are visited.

        States for which the expert's label is not defined (`aux["valid"]`) are left out.

        Args:
            count: states to label; where the simulations do not divide it, the last step counts in some of them only.
            beta: share of the steps that the expert does, drawn for every step of every simulation.
            act: the learner's commands (B, D) for what is kept of the present states; not asked where beta is 1.
            generator: draws who acts.

        Raises:
            NotDefinedError: the expert has labelled no state for `PATIENCE` steps.
        """
        silent = 0
        while count > 0:
            frames = self._remember(self._obs)
            told = self._told()
            label = torch.as_tensor(np.asarray(told.value, dtype=np.float32))
            value = told.value
            if beta < 1.0:
                experts: Flags = (torch.rand(len(label), generator=generator) < beta).numpy()
                value = np.where(experts[:, None], value, act(frames))
            self._memory = told.memory
            self._obs = self._world.step(Decision(told.kind, value)).obs
            labelled = _defined({**frames, LABEL: label}, told)
            found = len(labelled[LABEL])
            if found:
                yield {name: values[:count] for name, values in labelled.items()}
            count, silent = count - found, 0 if found else silent + 1
            if silent == PATIENCE:
                raise NotDefinedError(f"The expert has labelled no state for {PATIENCE:,} steps.")

    def _told(self) -> Decision:
        """What the expert would do now."""
        return self._expert.label(self._world.privileged(), self._world.now.sent, self._memory)

    def tensors(self) -> dict[str, Tensor]:
        """The simulations and the expert's memory."""
        return world_tensors(self._world) | tree_tensors(self._memory, "expert")

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave; raises FileFormatError where it is of another number of simulations."""
        rows, saved = len(self._world.now.seeds), len(tensors["world/seeds"])
        if rows != saved:
            problem = f"it has {saved} simulations and the configuration asks for {rows}"
            raise FileFormatError("checkpoint", problem, "Resume with the configuration that wrote it.")
        restore_world(self._world, tensors)
        self._obs = self._world.observe()
        fresh = any(name.startswith("expert") for name in tensors)
        self._memory = restore_tree(self._told().memory, tensors, "expert") if fresh else None


def _defined(frames: Frames, told: Decision) -> Frames:
    """The frames whose labels are defined: all of them, unless the expert says which."""
    valid = told.aux.get("valid")
    if valid is None or valid.all():
        return frames
    rows = torch.as_tensor(np.asarray(valid, dtype=bool))
    return {name: values[rows] for name, values in frames.items()}


def packed(flags: Tensor) -> Tensor:
    """Pictures (B, H, W) of zeros and ones with eight pixels in a byte: (B, bytes) uint8."""
    return torch.as_tensor(np.packbits(flags.flatten(1).numpy() > 0, axis=1))


def unpacked(bits: Tensor, size: tuple[int, int]) -> Tensor:
    """The inverse of `packed`: (B, H, W) float32."""
    flat = np.unpackbits(bits.numpy(), axis=1, count=size[0] * size[1])
    return torch.as_tensor(flat).reshape(-1, *size).to(torch.float32)

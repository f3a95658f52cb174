"""Replay of transitions, and the window that makes n-step transitions from a vectorised world.

A transition of `k <= n` steps (Watkins 1989; Mnih et al. 2016, equation in Section 3) is

    R = r_t + gamma r_{t+1} + ... + gamma^{k-1} r_{t+k-1},    target = R + discount * max_a Q(s_{t+k}, a),

with `discount = gamma^k`, or 0 when the task ended at `s_{t+k}`. A time limit is no end of the task: the target then
bootstraps from the final observation. `n = 1` is equation (3) of Zhang et al. 2017.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from eyehand.errors import InvalidValueError


@dataclass(frozen=True)
class Transitions:
    """N transitions of one or more steps.

    Attributes:
        state: (N, ...) float32 where they start.
        action: (N,) int64 table row, or (N, D) float32.
        n_step_return: (N,) float32 discounted sum of the rewards on the way.
        discount: (N,) float32 weight of the value at `next_state`; 0 where the task ended.
        next_state: (N, ...) float32 where they end; the state before any reset.
    """

    state: Tensor
    action: Tensor
    n_step_return: Tensor
    discount: Tensor
    next_state: Tensor

    def __len__(self) -> int:
        return len(self.discount)


_FIELDS = tuple(field.name for field in dataclasses.fields(Transitions))


class Replay:
    """A ring buffer of transitions; the oldest make room for new ones."""

    def __init__(
        self,
        capacity: int,
        state_shape: tuple[int, ...],
        action_shape: tuple[int, ...] = (),
        action_dtype: torch.dtype = torch.int64,
        device: str = "cpu",
    ) -> None:
        """Allocate the whole buffer.

        Args:
            capacity: transitions kept, at least 1.
            state_shape: shape of one state.
            action_shape: shape of one action; () for a table row.
            action_dtype: int64 for table rows, float32 for continuous actions.
            device: where the buffer lives.

        Raises:
            InvalidValueError: the capacity is below 1.
        """
        if capacity < 1:
            raise InvalidValueError("replay capacity", capacity, "at least 1")
        self.capacity = capacity
        self._size = 0
        self._cursor = 0
        self._rows = Transitions(
            state=torch.zeros((capacity, *state_shape), device=device),
            action=torch.zeros((capacity, *action_shape), dtype=action_dtype, device=device),
            n_step_return=torch.zeros(capacity, device=device),
            discount=torch.zeros(capacity, device=device),
            next_state=torch.zeros((capacity, *state_shape), device=device),
        )

    def __len__(self) -> int:
        return self._size

    def insert(self, batch: Transitions) -> None:
        """Append transitions in order; of more than the capacity only the last ones stay."""
        count = len(batch)
        skipped = max(0, count - self.capacity)
        start = (self._cursor + skipped) % self.capacity
        split = min(count - skipped, self.capacity - start)  # rows up to the buffer's end; the rest wraps around
        for name in _FIELDS:
            ours, theirs = getattr(self._rows, name), getattr(batch, name)[skipped:]
            ours[start : start + split] = theirs[:split]
            ours[: count - skipped - split] = theirs[split:]
        self._cursor = (self._cursor + count) % self.capacity
        self._size = min(self._size + count, self.capacity)

    def sample(self, count: int, generator: torch.Generator) -> Transitions:
        """Draw `count` transitions evenly, with repetition.

        Raises:
            InvalidValueError: the replay is empty.
        """
        if not self._size:
            raise InvalidValueError("replay", "an empty buffer", "at least one transition before sampling")
        device = self._rows.discount.device
        index = torch.randint(self._size, (count,), generator=generator, device=device)
        return Transitions(*(getattr(self._rows, name)[index] for name in _FIELDS))

    def tensors(self) -> dict[str, Tensor]:
        """The filled part, as views, and the write position; for checkpoints."""
        filled = {name: getattr(self._rows, name)[: self._size] for name in _FIELDS}
        return {**filled, "cursor": torch.tensor(self._cursor)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave, into a replay of the same capacity.

        Raises:
            InvalidValueError: more transitions than the capacity, or a write position that does not fit them.
        """
        size, cursor = len(tensors["discount"]), int(tensors["cursor"])
        fits = 0 <= cursor < self.capacity if size == self.capacity else cursor == size < self.capacity
        if not fits:
            allowed = f"transitions of a replay with capacity {self.capacity}"
            raise InvalidValueError("saved replay", f"{size} transitions, write position {cursor}", allowed)
        for name in _FIELDS:
            getattr(self._rows, name)[:size] = tensors[name]
        self._size, self._cursor = size, cursor


class NStepWindow:
    """Turns steps of B rows into n-step transitions, each row on its own.

    Slot `t mod n` holds what every row did at time t. Its age counts the rewards it has collected and is 0 once it
    has been emitted, so one write position serves rows whose episodes end at different times.
    """

    def __init__(
        self,
        n: int,
        gamma: float,
        batch: int,
        state_shape: tuple[int, ...],
        action_shape: tuple[int, ...] = (),
        action_dtype: torch.dtype = torch.int64,
        device: str = "cpu",
    ) -> None:
        """Start with empty windows.

        Args:
            n: steps per transition, at least 1.
            gamma: discount per step, 0 to 1.
            batch: rows B.
            state_shape: shape of one state.
            action_shape: shape of one action.
            action_dtype: dtype of the actions.
            device: where the window lives.

        Raises:
            InvalidValueError: `n` or `gamma` is out of range.
        """
        if n < 1:
            raise InvalidValueError("n of n-step returns", n, "at least 1")
        if not 0 <= gamma <= 1:
            raise InvalidValueError("gamma", gamma, "a number from 0 to 1")
        self._discounts = torch.tensor([gamma**k for k in range(n + 1)], dtype=torch.float32, device=device)
        self._state = torch.zeros((n, batch, *state_shape), device=device)
        self._action = torch.zeros((n, batch, *action_shape), dtype=action_dtype, device=device)
        self._return = torch.zeros((n, batch), device=device)
        self._age = torch.zeros((n, batch), dtype=torch.int64, device=device)
        self._slot = 0

    def push(
        self, state: Tensor, action: Tensor, reward: Tensor, next_state: Tensor, terminated: Tensor, truncated: Tensor
    ) -> Transitions:
        """Take in one step of every row and give the transitions that it completed.

        Args:
            state: (B, ...) before the step.
            action: (B,) or (B, D) what was done.
            reward: (B,) what it gave.
            next_state: (B, ...) after the step and before any reset: the final observation where a row ended.
            terminated: (B,) bool, the task ended; wins where both flags are set.
            truncated: (B,) bool, the time limit ended the episode.

        Returns:
            Transitions of n steps, and of fewer at the ends of episodes; none while windows fill.
        """
        n, slot = len(self._age), self._slot
        self._state[slot], self._action[slot], self._return[slot] = state, action, 0.0
        live = self._age > 0
        live[slot] = True
        self._return += torch.where(live, self._discounts[self._age] * reward.to(self._return), 0.0)
        self._age += live
        ready = live & ((self._age == n) | terminated | truncated)
        discount = torch.where(terminated, 0.0, self._discounts[self._age])  # (n, B)
        at = ready.nonzero(as_tuple=True)
        emitted = Transitions(
            self._state[at], self._action[at], self._return[at], discount[at], next_state[at[1]].to(self._state)
        )
        self._age.masked_fill_(ready, 0)
        self._slot = (slot + 1) % n
        return emitted

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes, for checkpoints."""
        parts = {"state": self._state, "action": self._action, "return": self._return, "age": self._age}
        return {**parts, "slot": torch.tensor(self._slot)}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave, into a window of the same sizes."""
        self._state.copy_(tensors["state"])
        self._action.copy_(tensors["action"])
        self._return.copy_(tensors["return"])
        self._age.copy_(tensors["age"])
        self._slot = int(tensors["slot"])

"""Motion back ends for arms that answer joint steps: exact, or like a real servo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, final

import numpy as np

from eyehand.types import Floats, Integers, Memory, S
from eyehand.world.domain import Domain


@final
class KinematicMotion(Generic[S]):
    """Every commanded step is carried out in full and at once."""

    def __init__(self, move: Callable[[S, Floats], S]) -> None:
        """Take the task's `move(state, dq_rad) -> state`, which clips at the joint limits."""
        self._move = move

    def start(self, state: S, seeds: Integers) -> Memory:
        """No hidden state."""
        del state, seeds

    def advance(self, state: S, hidden: Memory, command: Floats, seeds: Integers, step: Integers) -> tuple[S, Memory]:
        """Add the command (B, J) in radians to the joints."""
        del seeds, step
        return self._move(state, command), hidden


@final
class ServoMotion(Generic[S]):
    """A joint servo that falls short, sticks and lags.

    The commanded step times `dynamics.step_gain` joins what is still to be moved. A joint moves only while that is
    beyond `dynamics.dead_band_rad`, and of it the share `timing.lag` is still to come when the next frame is taken.
    """

    def __init__(self, domain: Domain, move: Callable[[S, Floats], S], joints: int) -> None:
        """Take the domain, the task's `move(state, dq_rad) -> state` and the number of joints."""
        self._domain = domain
        self._move = move
        self._joints = joints

    def start(self, state: S, seeds: Integers) -> Memory:
        """Nothing pending: a tuple of one array (B, J) in radians."""
        del state
        return (np.zeros((len(seeds), self._joints)),)

    def advance(self, state: S, hidden: Memory, command: Floats, seeds: Integers, step: Integers) -> tuple[S, Memory]:
        """Move the joints by what the servo carries out of the command (B, J)."""
        del step
        gain = self._domain.numbers("dynamics.step_gain", seeds)[:, None]
        dead_band = self._domain.numbers("dynamics.dead_band_rad", seeds)[:, None]
        lag = self._domain.numbers("timing.lag", seeds)[:, None]
        pending = hidden[0] + gain * command
        moved = np.where(np.abs(pending) > dead_band, (1 - lag) * pending, 0.0)
        return self._move(state, moved), (pending - moved,)

"""The motion of an arm, while somebody nudges what it is about to grasp."""

from __future__ import annotations

import dataclasses
from typing import Any, final

import numpy as np

from eyehand.types import Floats, Integers, Memory
from eyehand.world import counter
from eyehand.world.grasp_places import in_region
from eyehand.world.tabletop import Tabletop
from eyehand.world.task import Motion

NUDGES, NUDGE_EVERY, NUDGE_M_S = 3, 22, 0.16  # how many, steps from one to the next, and how fast


@final
class Nudged:
    """Another motion, with a target in the first slot that is sent rolling now and then while it lies free."""

    def __init__(self, arm: Motion[Any], scene: Tabletop, free_m: float) -> None:
        """Take the motion of the arm, the scene, and how far from the tool the target lies free."""
        self._arm, self._scene, self._free_m = arm, scene, free_m

    def start(self, state: Any, seeds: Integers) -> Memory:
        """The arm's own hidden state."""
        return self._arm.start(state, seeds)

    def advance(
        self, state: Any, hidden: Memory, command: Floats, seeds: Integers, step: Integers
    ) -> tuple[Any, Memory]:
        """Nudge where it is time, towards some place of the target's region, then move."""
        turn = np.floor_divide(step, NUDGE_EVERY)
        due = step % NUDGE_EVERY == 5 + (counter.uniform(seeds, "nudge/when", turn) * 10).astype(np.int64)
        free = _length(state.sphere_m - state.tool_m) > self._free_m
        share = counter.uniform(seeds[:, None], "nudge/where", turn[:, None], np.arange(2))
        way = in_region(share) - state.sphere_m[:, :2]
        velocity = np.zeros((len(seeds), 3))
        velocity[:, :2] = NUDGE_M_S * way / np.maximum(_length(way), 1e-3)[:, None]
        nudged = self._scene.shoved(state.physics, 0, velocity, due & free & (turn < NUDGES))
        return self._arm.advance(dataclasses.replace(state, physics=nudged), hidden, command, seeds, step)


def _length(vectors: Floats) -> Floats:
    """Euclidean lengths (B,) of vectors (B, n)."""
    return np.sqrt((vectors**2).sum(axis=1))

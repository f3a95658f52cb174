"""Frames that are lost and commands that come late."""

from __future__ import annotations

import numpy as np

from eyehand.types import Flags, Integers
from eyehand.world import counter
from eyehand.world.domain import Domain, bounds


def dropped(domain: Domain, seeds: Integers, step: Integers) -> Flags:
    """(B,) which frames are lost; the first of an episode (step 0) never is."""
    share = domain.numbers("timing.dropped_frames", seeds)
    return (counter.uniform(seeds, "timing/dropped", step) < share) & (np.asarray(step) > 0)


def seen_step(domain: Domain, seeds: Integers, step: Integers) -> Integers:
    """(B,) the step whose frame is the latest one that arrived by each row's step."""
    seen = np.array(step, dtype=np.int64)
    lost = dropped(domain, seeds, seen)
    while lost.any():
        seen = np.where(lost, seen - 1, seen)
        lost = dropped(domain, seeds, seen)
    return seen


def command_delay(domain: Domain, seeds: Integers, step: Integers) -> Integers:
    """(B,) by how many steps the command sent at each row's step comes late."""
    jitter = domain.numbers("timing.delay_jitter_steps", seeds) * counter.uniform(seeds, "timing/jitter", step)
    delay = np.rint(domain.numbers("timing.delay_steps", seeds) + jitter)
    return np.clip(delay, 0, longest_delay(domain)).astype(np.int64)


def longest_delay(domain: Domain) -> int:
    """The largest number of steps that any command of the domain may come late."""
    return int(np.rint(max(bounds(domain.timing.delay_steps)[1] + bounds(domain.timing.delay_jitter_steps)[1], 0.0)))

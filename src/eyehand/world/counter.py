"""Counter-based randomness: every number is a pure function of (episode seed, stream, step, index).

No generator is shared between rows, so an episode draws the same numbers in a batch of 1 or of 64, on any number of
threads, before or after a snapshot. The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood 2014), chained over
the counter's parts.

An episode seed holds two numbers: `draw << 32 | episode`. Domains with a population of draws (`twin`) read their
parameters from the draw; all others read them from the whole seed.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats, Integers

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
DRAW_BITS = 32


def stream(name: str) -> int:
    """A stable 32-bit number for a named use of randomness, such as "reset/q"."""
    return zlib.crc32(name.encode())


def episode_seed(draw: int, episode: int) -> int:
    """The seed of episode `episode` (below 2**32) in draw `draw` (below 2**31) of a domain."""
    return (draw << DRAW_BITS) | episode


def episode_text(seed: int) -> str:
    """An episode seed for people: `draw 1, episode 3`."""
    return f"draw {seed >> DRAW_BITS}, episode {seed & ((1 << DRAW_BITS) - 1)}"


def draw_of(seeds: Integers) -> Integers:
    """The draw number (B,) inside each episode seed (B,)."""
    return seeds >> DRAW_BITS


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))


def bits(seeds: Any, name: str, step: Any = 0, index: Any = 0) -> NDArray[np.uint64]:
    """64 random bits for every element of the broadcast of `seeds`, `step` and `index`.

    Args:
        seeds: episode seeds, any integer array.
        name: the use, see `stream`.
        step: the control step, an integer or an array that broadcasts against `seeds`.
        index: which number of this use, an integer or an array that broadcasts against `seeds`.
    """
    with np.errstate(over="ignore"):
        state = _mix(np.asarray(seeds, dtype=np.int64).astype(np.uint64) + _GAMMA)
        for part in (np.uint64(stream(name)), step, index):
            state = _mix(state ^ (np.asarray(part).astype(np.uint64) * _GAMMA + _GAMMA))
    return state


def uniform(seeds: Any, name: str, step: Any = 0, index: Any = 0) -> Floats:
    """Uniform numbers in [0, 1) with 53 random bits; arguments as in `bits`."""
    return (bits(seeds, name, step, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(seeds: Any, name: str, step: Any = 0, index: Any = 0) -> Floats:
    """Standard normal numbers by Box-Muller; arguments as in `bits`."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(seeds, name + "/radius", step, index)))
    return radius * np.cos(2.0 * np.pi * uniform(seeds, name + "/angle", step, index))


def next_seeds(seeds: Integers) -> Integers:
    """The seed of the episode that follows each one in its row: the same draw, a new episode number."""
    episode = (bits(seeds, "next_episode") & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return (draw_of(seeds) << DRAW_BITS) | episode

"""Seeded choices of the generator: each is a pure function of (kind of thing, instance, what is chosen)."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from eyehand.world import counter

T = TypeVar("T")

Colour = tuple[float, float, float]

# sRGB colours of glazes, plastics and prints that go well together on a table.
COLOURS: tuple[Colour, ...] = (
    (0.80, 0.18, 0.16),
    (0.93, 0.49, 0.16),
    (0.95, 0.77, 0.22),
    (0.55, 0.70, 0.24),
    (0.18, 0.52, 0.33),
    (0.17, 0.60, 0.62),
    (0.24, 0.51, 0.80),
    (0.16, 0.26, 0.53),
    (0.45, 0.30, 0.62),
    (0.83, 0.42, 0.58),
    (0.60, 0.36, 0.22),
    (0.90, 0.85, 0.74),
    (0.70, 0.76, 0.80),
    (0.25, 0.27, 0.30),
)

GLAZES: tuple[Colour, ...] = (
    (0.94, 0.93, 0.90),
    (0.90, 0.86, 0.76),
    (0.62, 0.74, 0.80),
    (0.36, 0.52, 0.60),
    (0.55, 0.66, 0.53),
    (0.82, 0.56, 0.44),
    (0.75, 0.33, 0.26),
    (0.24, 0.33, 0.48),
    (0.86, 0.72, 0.40),
    (0.32, 0.32, 0.34),
)


@dataclass(frozen=True)
class Dice:
    """The choices of one instance.

    Attributes:
        kind: what is made, for example "mug".
        seed: the instance's number.
    """

    kind: str
    seed: int

    def share(self, what: str) -> float:
        """A number in [0, 1) for the choice named `what`."""
        return float(counter.uniform(self.seed, f"objects/{self.kind}/{what}"))

    def between(self, low: float, high: float, what: str) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.share(what)

    def pick(self, options: Sequence[T], what: str) -> T:
        """One of the options."""
        return options[min(int(self.share(what) * len(options)), len(options) - 1)]

    def turn(self, options: Sequence[T], what: str) -> T:
        """One of the options, going round so that neighbouring instances differ."""
        start = int(counter.uniform(0, f"objects/{self.kind}/turn/{what}") * len(options))
        return options[(start + self.seed) % len(options)]

    def colour(self, what: str, options: Sequence[Colour] = COLOURS) -> Colour:
        """A colour near one of the options, which go round."""
        hue, light, strength = colorsys.rgb_to_hls(*self.turn(options, what))
        hue += self.between(-0.02, 0.02, what + "/hue")
        light *= self.between(0.92, 1.06, what + "/light")
        return colorsys.hls_to_rgb(hue % 1.0, min(light, 0.97), strength)

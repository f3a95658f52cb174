"""The pairs of `eyehand bench`: a new one is a module here, one line in `PAIRS` and a folder in `bench/`."""

from __future__ import annotations

from eyehand.cli.pairs.dqn import DQN, DQN_SINGLE
from eyehand.cli.pairs.drawing import DRAWING
from eyehand.cli.pairs.pair import Pair
from eyehand.cli.pairs.physics import PHYSICS
from eyehand.cli.pairs.raster import RASTER, RASTER_TINY
from eyehand.cli.pairs.steps import STEPS_BLIND, STEPS_SEEING

PAIRS: tuple[Pair, ...] = (
    DRAWING,
    RASTER,
    RASTER_TINY,
    STEPS_SEEING,
    STEPS_BLIND,
    PHYSICS,
    DQN,
    DQN_SINGLE,
)

"""The axes of a domain: every number in it that is a distribution, and what a scene looks like along each."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyehand.types import Group, Images, Integers
from eyehand.world.domain import FACTORS, Choice, Domain, Normal, Uniform, Value, mean
from eyehand.world.domain_files import meanings
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task

LEVELS = 5
SEEN: frozenset[Group] = frozenset({"camera", "previous_action"})
_LONGEST = 25  # control steps before the picture: the arm is on its way, and the target is not yet hidden behind it


@dataclass(frozen=True, eq=False)
class Strip:
    """One scene at several values of one number of a domain, all other numbers at their centre.

    Attributes:
        key: factor and field, such as "sensor.read_noise_e".
        meaning: what the number means.
        spread: its distribution in words.
        values: the values, rising.
        frames: (N, H, W, 3) uint8, the scene at each value.
    """

    key: str
    meaning: str
    spread: str
    values: tuple[float, ...]
    frames: Images

    @property
    def change(self) -> float:
        """Largest mean absolute difference of two of the pictures, in grey levels (0 to 255)."""
        pairs = itertools.combinations(self.frames.astype(np.float64), 2)
        return max((float(np.abs(one - other).mean()) for one, other in pairs), default=0.0)


def distributions(domain: Domain) -> dict[str, Value]:
    """Every number of a domain that is spread out, by "factor.field"."""
    found: dict[str, Value] = {}
    for factor in FACTORS:
        for field in dataclasses.fields(getattr(domain, factor)):
            value = getattr(getattr(domain, factor), field.name)
            if len(levels(value)) > 1:
                found[f"{factor}.{field.name}"] = value
    return found


def levels(value: Value | str, count: int = LEVELS) -> tuple[float, ...]:
    """Values spread evenly over a distribution, rising; one for a fixed number, none for a name.

    A uniform one is walked from end to end, a normal one from two standard deviations below its mean to two above, a
    choice option by option.
    """
    if isinstance(value, str):
        return ()
    if isinstance(value, Uniform):
        found = np.linspace(value.low, value.high, count)
    elif isinstance(value, Normal):
        found = value.mean + value.std * np.linspace(-2.0, 2.0, count)
    elif isinstance(value, Choice):
        options = np.unique(value.options)
        found = options[np.linspace(0, len(options) - 1, min(count, len(options))).round().astype(int)]
    else:
        found = np.array([float(value)])
    return tuple(np.unique(found).tolist())


def centre(value: Value) -> float:
    """The mean of a distribution; of a choice the option that is closest to it."""
    if isinstance(value, Choice):
        return min(value.options, key=lambda option: abs(option - mean(value)))
    return mean(value)


def centred(domain: Domain) -> Domain:
    """The domain with every number at its centre."""
    for key, value in distributions(domain).items():
        domain = at(domain, key, centre(value))
    return domain


def at(domain: Domain, key: str, number: float) -> Domain:
    """The domain with the number of "factor.field" fixed."""
    factor, _, field = key.partition(".")
    changed: Any = dataclasses.replace(getattr(domain, factor), **{field: number})
    return dataclasses.replace(domain, **{factor: changed})


def strip(task: Task[Any], domain: Domain, key: str, camera: str, seed: int) -> Strip:
    """The strip of one axis: the same episode, some steps of the expert on, at every level of the axis.

    Args:
        task: the task.
        domain: the domain.
        key: "factor.field", one of `distributions(domain)`.
        camera: the camera to look through.
        seed: the episode.
    """
    factor, _, field = key.partition(".")
    value: Value = getattr(getattr(domain, factor), field)
    plain, values = centred(domain), levels(value)
    frames = [_scene(task, at(plain, key, number), camera, seed) for number in values]
    return Strip(key, meanings(FACTORS[factor])[field], _spread(value), values, np.stack(frames))


def _scene(task: Task[Any], domain: Domain, camera: str, seed: int) -> Images:
    """(H, W, 3) what the camera sees when the expert is on its way."""
    world = SimulatedWorld(task, domain, SEEN)
    nobody = dict.fromkeys(task.camera_size, np.zeros(1, bool))
    world.reset(np.array([seed], np.int64))
    expert, memory, sent = world.expert(), None, None
    for _ in range(min(_LONGEST, task.horizon // 3)):
        decision = expert.label(world.privileged(), sent, memory)
        memory, sent = decision.memory, world.step(decision, nobody).obs.sent
    return picture(world, camera)[0]


def picture(world: SimulatedWorld[Any], camera: str, rows: Integers | None = None) -> Images:
    """What one camera of a world sees now, (B, H, W, 3); rows that are not named are black."""
    batch = len(world.now.seeds)
    wanted = np.ones(batch, bool) if rows is None else np.isin(np.arange(batch), rows)
    looks = {name: wanted if name == camera else np.zeros(batch, bool) for name in world.task.camera_size}
    rgb = world.observe(looks).cameras[camera].rgb
    return np.zeros((batch, *world.task.camera_size[camera], 3), np.uint8) if rgb is None else rgb


def _spread(value: Value) -> str:
    if isinstance(value, Uniform):
        return f"{value.low:g} to {value.high:g}"
    if isinstance(value, Normal):
        return f"normal, mean {value.mean:g}, sd {value.std:g}"
    return f"one of {', '.join(f'{option:g}' for option in levels(value))}"

"""Everything that a world shows, as arrays that can be compared byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eyehand.learning.tensors import tree_tensors
from eyehand.types import Array, CommandSpec, Decision, Group, Integers, Observation, Transition
from eyehand.world import counter
from eyehand.world.simulation import SimulatedWorld

GROUPS: tuple[Group, ...] = ("camera", "proprio", "goal", "previous_action", "privileged")
EVERYTHING = frozenset(GROUPS)
BLIND: frozenset[Group] = EVERYTHING - {"camera"}
Evidence = dict[str, Array]  # everything that a world shows at one time, each array with leading dimension B


def scripted(spec: CommandSpec, seeds: Integers, step: int) -> Decision:
    """Commands that are a function of each row's seed and of the step alone, so that batches can be compared."""
    if spec.table is not None:
        value = (counter.uniform(seeds, "contract/command", step) * len(spec.table)).astype(np.int64)
    else:
        low, high = np.array(spec.low), np.array(spec.high)
        value = low + (high - low) * counter.uniform(seeds[:, None], "contract/command", step, np.arange(len(low)))
    return Decision(np.zeros(len(seeds), np.int64), value)


def play(world: SimulatedWorld[Any], seeds: Integers, steps: int, first: int = 0) -> list[Evidence]:
    """Carry out scripted commands in a world that was reset, and keep everything that it shows after each."""
    spec = world.commands[0]
    return [evidence(world, world.step(scripted(spec, seeds, step))) for step in range(first, first + steps)]


def evidence(world: SimulatedWorld[Any], seen: Observation | Transition) -> Evidence:
    """Everything that a world shows and holds at this time, as arrays by name."""
    obs = seen.obs if isinstance(seen, Transition) else seen
    # What pictures follow from comes first, so that a difference is blamed on its cause.
    found: dict[str, Array | None] = {name: t.numpy() for name, t in tree_tensors(world.now, "snapshot").items()}
    if isinstance(seen, Transition):
        found |= {"reward": seen.reward, "terminated": seen.terminated, "truncated": seen.truncated}
    found |= {
        "proprio": obs.proprio,
        "goal": obs.goal,
        "sent": obs.sent,
        "is_first": obs.is_first,
        "time_s": obs.time_s,
    }
    found |= {f"camera {name}": camera.rgb for name, camera in obs.cameras.items()}
    found |= {f"depth of camera {name}": camera.depth_m for name, camera in obs.cameras.items()}
    return {name: array for name, array in found.items() if array is not None}


def rows_of(found: Evidence, chosen: Integers) -> Evidence:
    """The chosen rows of every array."""
    return {name: array[chosen] for name, array in found.items()}


def same_bytes(a: Evidence, b: Evidence, what: str) -> None:
    """Refuse the first array that is not the same, byte for byte."""
    assert a.keys() == b.keys(), f"{what}: one shows {sorted(a)}, the other {sorted(b)}."
    for name, array in a.items():
        other = b[name]
        like = (array.shape, array.dtype) == (other.shape, other.dtype)
        assert like, f"{what}: {name} is {array.dtype} {array.shape} and {other.dtype} {other.shape}."
        if array.tobytes() != other.tobytes():
            where = np.argwhere(array != other)
            first = tuple(int(i) for i in where[0]) if len(where) else ()
            raise AssertionError(f"{what}: {name} differs in {len(where)} places, first at {first}.")


def refused(error: type[Exception], action: Callable[[], object], otherwise: str) -> None:
    """Raise AssertionError with a sentence unless an action raises the error."""
    try:
        action()
    except error:
        return
    raise AssertionError(f"{otherwise}; {error.__name__} is expected.")

"""Episodes of one task side by side, said in Gymnasium's terms: what single and vector environments share."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast, final

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.tasks import load_task
from eyehand.types import Array, Decision, Flags, Group, Images, Integers, Observation
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

View: TypeAlias = Literal["pixels", "state", "both"]
Seen: TypeAlias = "dict[str, Array] | Array"  # what an environment shows: named arrays, or the state vector alone

VIEWS: tuple[View, ...] = ("pixels", "state", "both")
LIMIT = 100.0  # radians or metres; Gymnasium asks for finite bounds, and nothing in these tasks gets near
LEAST_PX = 36  # of a picture: the usual convolutional networks take no smaller ones
FPS = 5.0  # of rendered frames where no task says otherwise
_TOLD: frozenset[Group] = frozenset({"goal", "proprio"})


def environment_id(task: str) -> str:
    """The name under which Gymnasium knows a task: "planar_reach" is "eyehand/PlanarReach-v0"."""
    return f"eyehand/{''.join(part.capitalize() for part in task.split('_'))}-v0"


@final
class Rows:
    """Episodes of one task side by side, said in Gymnasium's terms: what both kinds of environment share.

    Attributes:
        world: the world, with as many rows as were reset.
        observation_space: what one row shows.
        action_space: what one row may do.
    """

    def __init__(self, task: str, options: dict[str, Any], domain: str | Domain, view: View, drawn: bool) -> None:
        """Put a task into a domain.

        Args:
            task: name of the task.
            options: options of the task.
            domain: a domain, or the name or path of one.
            view: what the observations show.
            drawn: frames are asked for by `render`, whatever the observations show.

        Raises:
            UnknownNameError: no such task, option, domain or view.
        """
        if view not in VIEWS:
            raise UnknownNameError("observation", view, VIEWS, environment_id(task))
        self._task = load_task(task, **options)
        self._domain = load_domain(domain, task) if isinstance(domain, str) else domain
        self._view: View = view
        eyes: frozenset[Group] = frozenset({"camera"}) if drawn or view != "state" else frozenset()
        self.world = self._in_world(eyes | _TOLD)
        sample = self.world.reset(self._domain.seeds(np.zeros(1, np.int64)))
        if view == "state" and _is_picture(sample.goal):
            self.world = self._in_world(eyes)  # a goal that nobody sees need not be drawn
            sample = self.world.reset(self._domain.seeds(np.zeros(1, np.int64)))
        self.observation_space = _space_of(self.seen(sample))
        spec = self.world.commands[0]
        self.action_space: spaces.Space[Any] = (
            spaces.Discrete(len(spec.table))
            if spec.table is not None
            else spaces.Box(-1.0, 1.0, (len(spec.low),), np.float32)
        )
        self._begun = False

    def _in_world(self, reads: frozenset[Group]) -> SimulatedWorld[Any]:
        return SimulatedWorld(self._task, self._domain, reads)

    @property
    def fps(self) -> float:
        """Control steps in a second."""
        return 1.0 / self.world.task.dt_s

    def episode_seed(self, generator: np.random.Generator) -> int:
        """The seed of an episode drawn at random."""
        return int(self._domain.seeds(generator.integers(2**32, size=1))[0])

    def reset(self, seeds: Integers, rows: Integers | None = None) -> Seen:
        """Start episodes in all rows or in some; shows all rows."""
        if rows is not None and not self._begun:
            raise ResetNeeded("Reset all rows before resetting some.")
        self._begun = True
        return self.seen(self.world.reset(seeds, rows))

    def step(self, actions: object, resting: Flags) -> tuple[Array, Flags, Flags]:
        """Carry out one action in every row and look at nothing yet; rows at rest do something harmless.

        Returns:
            (B,) rewards, rows that the task ended, rows that the time limit ended.
        """
        if not self._begun:
            raise ResetNeeded("Call reset before the first step.")
        nobody = np.zeros(len(resting), bool)
        transition = self.world.step(
            self._decision(np.asarray(actions), resting), dict.fromkeys(self.world.task.camera_size, nobody)
        )
        reward = np.zeros(len(resting)) if transition.reward is None else transition.reward
        alive = ~resting
        return np.where(alive, reward, 0.0), transition.terminated & alive, transition.truncated & alive

    def _decision(self, actions: Array, resting: Flags) -> Decision:
        spec = self.world.commands[0]
        kind = np.zeros(len(resting), np.int64)
        if spec.table is None:
            low, high = np.array(spec.low), np.array(spec.high)
            actions = low + (actions.astype(np.float64) + 1.0) / 2.0 * (high - low)  # the world clips
        if resting.any() and actions.shape[:1] == resting.shape:
            actions = actions.copy()
            actions[resting] = 0
        return Decision(kind, actions)

    def look(self, rows: Flags | None = None) -> Seen:
        """What all rows show now; rows that are not wanted may have black pictures."""
        looks = None if rows is None else dict.fromkeys(self.world.task.camera_size, rows)
        return self.seen(self.world.observe(looks))

    def seen(self, obs: Observation) -> Seen:
        """An observation in Gymnasium's terms, every array new and leading with the rows."""
        if self._view == "state":
            return self._state(obs)
        found = {name: _enlarged(cast("Images", camera.rgb)) for name, camera in obs.cameras.items()}
        if obs.proprio is not None:
            found["proprio"] = _bounded(obs.proprio)
        if obs.goal is not None:
            found["goal"] = _enlarged(obs.goal) if _is_picture(obs.goal) else _bounded(obs.goal)
        if self._view == "both":
            found["state"] = self._state(obs)
        return found

    def _state(self, obs: Observation) -> Array:
        parts = [self.world.encoders(), self.world.task.environment(self.world.privileged())]
        if obs.goal is not None and not _is_picture(obs.goal):
            parts.append(obs.goal)
        return _bounded(np.concatenate(parts, axis=1))

    def info(self) -> dict[str, Array]:
        """Success, episode seed and the task's measures of all rows, (B,) each."""
        verdict = self.world.verdict()
        told = {"is_success": verdict.success, "episode_seed": self.world.now.seeds, **verdict.measures}
        return {name: np.array(values) for name, values in told.items()}

    def frames(self) -> Images:
        """What the first camera sees now, (B, H, W, 3)."""
        rgb = next(iter(self.world.observe().cameras.values())).rgb
        return cast("Images", rgb)


def is_drawn(render_mode: str | None) -> bool:
    """Whether frames are asked for."""
    if render_mode not in (None, "rgb_array"):
        raise UnknownNameError("render mode", render_mode, ("rgb_array",))
    return render_mode is not None


def one_row(seen: Seen, row: int) -> Seen:
    """What one row sees."""
    if isinstance(seen, dict):
        return {name: values[row] for name, values in seen.items()}
    return seen[row]


def chosen_seeds(options: dict[str, Any] | None, rows: int, allowed: tuple[str, ...]) -> Integers | None:
    """(rows,) the episode seeds that the options ask for, None where they ask for none."""
    for name in options or {}:
        if name not in allowed:
            raise UnknownNameError("option of reset", name, allowed)
    if options is None or "episode_seed" not in options:
        return None
    seeds = np.atleast_1d(np.asarray(options["episode_seed"]))
    if seeds.shape != (rows,) or seeds.dtype.kind not in "iu" or (seeds < 0).any() or (seeds >= 2**63).any():
        raise InvalidValueError("episode_seed", options["episode_seed"], f"{rows} whole numbers from 0 to 2**63 - 1")
    return seeds.astype(np.int64)


def _is_picture(goal: Array | None) -> bool:
    return goal is not None and goal.dtype == np.uint8


def _enlarged(pictures: Images) -> Images:
    """New pictures (B, H, W, 3); those with a side below `LEAST_PX` a whole number of times larger."""
    times = -(-LEAST_PX // min(pictures.shape[1:3]))
    return pictures.repeat(times, axis=1).repeat(times, axis=2)


def _bounded(values: Array) -> Array:
    """New float32 numbers within the bounds of their space."""
    return np.clip(values, -LIMIT, LIMIT).astype(np.float32)


def _space_of(seen: Seen) -> spaces.Space[Any]:
    """The space of one row of what is seen."""
    if isinstance(seen, dict):
        return spaces.Dict({name: _space_of(values) for name, values in seen.items()})
    if seen.dtype == np.uint8:
        return spaces.Box(0, 255, seen.shape[1:], np.uint8)
    return spaces.Box(-LIMIT, LIMIT, seen.shape[1:], np.float32)

"""Many episodes of a task at a time."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.gym.rows import FPS, Rows, View, chosen_seeds, environment_id, is_drawn, one_row
from eyehand.types import Array, Flags, Integers
from eyehand.world.domain import Domain


@final
class TaskVectorEnv(VectorEnv[Any, Any, Array]):
    """Many episodes of a task at a time, stepped and drawn together on all cores.

    `metadata["autoreset_mode"]` says what happens to a row whose episode ended: it starts the next one on the next
    call of `step`, whose action it ignores ("NextStep"); it starts at once, and `infos["final_obs"]` and
    `infos["final_info"]` tell how the old one ended ("SameStep"); or `reset` is called with `options["reset_mask"]`,
    a boolean array over the rows ("Disabled").
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - Gymnasium's own
        "render_modes": ["rgb_array"],
        "render_fps": FPS,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        task: str,
        domain: str | Domain = "sim",
        observation: View = "pixels",
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """Make the environment; `gymnasium.make_vec("eyehand/PlanarReach-v0", num_envs=64, ...)` calls this.

        Args:
            num_envs: episodes at a time.
            task: as in `TaskEnv`, and so are `domain`, `observation`, `render_mode` and `options`.
            domain: see `task`.
            observation: see `task`.
            autoreset_mode: "NextStep", "SameStep" or "Disabled".
            render_mode: see `task`.
            options: see `task`.

        Raises:
            InvalidValueError: `num_envs` is below 1.
            UnknownNameError: no such mode, and as in `TaskEnv`.
        """
        if num_envs < 1:
            raise InvalidValueError("num_envs", num_envs, "at least 1", environment_id(task))
        modes = {mode.value: mode for mode in AutoresetMode}
        name = autoreset_mode.value if isinstance(autoreset_mode, AutoresetMode) else autoreset_mode
        if name not in modes:
            raise UnknownNameError("autoreset mode", name, modes, environment_id(task))
        self._mode = modes[name]
        self._rows = Rows(task, options, domain, observation, is_drawn(render_mode))
        self._generators: list[np.random.Generator] = [np.random.default_rng() for _ in range(num_envs)]
        self._ended = np.zeros(num_envs, bool)
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.metadata = {**type(self).metadata, "render_fps": self._rows.fps, "autoreset_mode": self._mode}
        self.single_observation_space = self._rows.observation_space
        self.single_action_space = self._rows.action_space
        self.observation_space = batch_space(self._rows.observation_space, num_envs)
        self.action_space = batch_space(self._rows.action_space, num_envs)

    @property
    def np_random(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - as in SyncVectorEnv
        """The generators of the rows, from which the seeds of their episodes are drawn."""
        return tuple(self._generators)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes in all rows, or in those of `options["reset_mask"]`.

        Args:
            seed: starts the sequences of episodes anew: one seed a row, or the seed of the first row, those of the
                others counting up from it.
            options: `episode_seed` (N,) plays those very episodes; `reset_mask` (N,) says which rows are reset.
        """
        mask = _mask(options, self.num_envs)
        self._seed(seed, mask)
        which = np.flatnonzero(mask)
        chosen = chosen_seeds(options, self.num_envs, ("episode_seed", "reset_mask"))
        seeds = self._next_seeds(which) if chosen is None else chosen[which]
        self._ended = self._ended & ~mask
        seen = self._rows.reset(seeds, None if mask.all() else which)
        return seen, _masked(self._rows.info(), mask)

    def step(self, actions: Any) -> tuple[Any, Array, Flags, Flags, dict[str, Any]]:
        """Carry out one action in every row; raises InvalidValueError for what is not in the action space."""
        if self._mode is AutoresetMode.DISABLED and self._ended.any():
            raise ResetNeeded(
                f"Rows {np.flatnonzero(self._ended).tolist()} ended; reset them by options['reset_mask']."
            )
        resting = self._ended
        reward, terminated, truncated = self._rows.step(actions, resting)
        self._ended = terminated | truncated
        infos: dict[str, Any] = {}
        fresh = resting
        if self._mode is AutoresetMode.SAME_STEP:
            fresh, self._ended = self._ended, np.zeros_like(self._ended)
            infos = self._final(fresh) if fresh.any() else {}
        if fresh.any():
            which = np.flatnonzero(fresh)
            seen = self._rows.reset(self._next_seeds(which), which)
        else:
            seen = self._rows.look()
        infos |= _masked(self._rows.info(), np.ones(self.num_envs, bool))
        return seen, reward, terminated, truncated, infos

    def render(self) -> Any:
        """What the first camera of every row sees, a tuple of (H, W, 3) uint8; None without a render mode."""
        return tuple(self._rows.frames()) if self.render_mode else None

    def _seed(self, seed: int | list[int | None] | None, mask: Flags) -> None:
        """New generators for the rows that are reset and have a seed."""
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        if seeds is None:
            return
        if len(seeds) != self.num_envs:
            raise InvalidValueError("seeds", len(seeds), f"a whole number, or one for each of {self.num_envs} rows")
        for row, one in enumerate(seeds):
            if one is not None and mask[row]:
                self._generators[row], _ = seeding.np_random(one)

    def _next_seeds(self, which: Integers) -> Integers:
        return np.array([self._rows.episode_seed(self._generators[row]) for row in map(int, which)], np.int64)

    def _final(self, ended: Flags) -> dict[str, Any]:
        """How the episodes of some rows ended, before those rows are reset."""
        seen = self._rows.look(ended)
        observations = np.full(self.num_envs, None, dtype=object)
        for row in map(int, np.flatnonzero(ended)):
            observations[row] = one_row(seen, row)
        info = _masked(self._rows.info(), ended)
        return {
            "final_obs": observations,
            "_final_obs": ended.copy(),
            "final_info": info,
            "_final_info": ended.copy(),
        }


def _masked(info: dict[str, Array], rows: Flags) -> dict[str, Any]:
    """Infos of a vector environment: every array with zeros where it tells nothing, and beside it where it tells."""
    told: dict[str, Any] = {}
    for name, values in info.items():
        told[name] = np.where(rows, values, np.zeros_like(values))
        told[f"_{name}"] = rows.copy()
    return told


def _mask(options: dict[str, Any] | None, rows: int) -> Flags:
    """(rows,) which rows to reset."""
    if options is None or "reset_mask" not in options:
        return np.ones(rows, bool)
    mask = np.asarray(options["reset_mask"])
    if mask.shape != (rows,) or mask.dtype != np.bool_ or not mask.any():
        raise InvalidValueError("reset_mask", options["reset_mask"], f"{rows} booleans, at least one of them True")
    return mask

"""One episode of a task at a time."""

from __future__ import annotations

from typing import Any, final

import gymnasium
import numpy as np

from eyehand.gym.rows import FPS, Rows, View, chosen_seeds, is_drawn, one_row
from eyehand.types import Array
from eyehand.world.domain import Domain


@final
class TaskEnv(gymnasium.Env[Any, Any]):
    """One episode of a task at a time."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": FPS}  # noqa: RUF012 - Gymnasium's own

    def __init__(
        self,
        task: str,
        domain: str | Domain = "sim",
        observation: View = "pixels",
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """Make the environment; `gymnasium.make("eyehand/PlanarReach-v0", ...)` calls this.

        Args:
            task: name of the task.
            domain: a domain, or the name or path of one. A domain that is held out stands for the real robot: measure
                in it, but do not train in it.
            observation: "pixels", "state" or "both", see the module's text.
            render_mode: None or "rgb_array".
            options: options of the task, such as `joints=2`.

        Raises:
            UnknownNameError: no such task, option, domain, observation or render mode.
        """
        self._rows = Rows(task, options, domain, observation, is_drawn(render_mode))
        self.render_mode = render_mode
        self.metadata = {**type(self).metadata, "render_fps": self._rows.fps}
        self.observation_space = self._rows.observation_space
        self.action_space = self._rows.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: starts the sequence of episodes anew.
            options: `episode_seed` plays that very episode, as `info` of an earlier one told it.
        """
        super().reset(seed=seed)
        chosen = chosen_seeds(options, 1, ("episode_seed",))
        seeds = np.array([self._rows.episode_seed(self.np_random)]) if chosen is None else chosen
        return one_row(self._rows.reset(seeds), 0), _told(self._rows.info(), 0)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Carry out one action; raises InvalidValueError for one that is no number or not in the action space."""
        reward, terminated, truncated = self._rows.step(np.asarray(action)[None], np.zeros(1, bool))
        seen = one_row(self._rows.look(), 0)
        return seen, float(reward[0]), bool(terminated[0]), bool(truncated[0]), _told(self._rows.info(), 0)

    def render(self) -> Any:
        """What the first camera sees, (H, W, 3) uint8; None without a render mode."""
        return self._rows.frames()[0] if self.render_mode else None


def _told(info: dict[str, Array], row: int) -> dict[str, Any]:
    return {name: values[row].item() for name, values in info.items()}

"""Stable-Baselines3's DQN learning on our Gymnasium environment, on one core or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from serving import Peer, serve
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import VecEnv

import eyehand.gym  # noqa: F401 - registers the environments


@dataclass(frozen=True)
class Manner:
    """How the environment is used.

    Attributes:
        environments: stepped together.
        train_freq: steps of all of them between two visits to the replay.
        batch: samples of an update; as many updates are made as the samples of a step ask for.
    """

    environments: int
    train_freq: int
    batch: int


# The fastest of what was measured on one core and on two, with 16 samples of the replay for every environment step.
MANNERS = {"vector": Manner(64, 2, 2048), "single": Manner(1, 128, 2048)}


class Rows(VecEnv):
    """Our vector environment, which resets rows in the step that ends them, in Stable-Baselines3's terms."""

    def __init__(self, environments: gymnasium.vector.VectorEnv) -> None:
        """Take the environment.

        Args:
            environments: ours, with `autoreset_mode` "SameStep".
        """
        self.environments = environments
        self.render_mode = None
        self._actions: Any = None
        super().__init__(environments.num_envs, environments.single_observation_space, environments.single_action_space)

    def reset(self) -> Any:
        """Start episodes in all rows."""
        return self.environments.reset()[0]

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Carry the actions out."""
        seen, reward, terminated, truncated, told = self.environments.step(self._actions)
        ended = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in map(int, np.flatnonzero(ended)):
            infos[row]["terminal_observation"] = told["final_obs"][row]
            infos[row]["TimeLimit.truncated"] = not bool(terminated[row])
        return seen, reward, ended, infos

    def close(self) -> None:
        """Close the environment."""
        self.environments.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The attribute of the whole, once for every row."""
        return [getattr(self.environments, attr_name, None)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Rows have no attributes of their own."""
        raise NotImplementedError(attr_name)

    def env_method(self, method_name: str, *arguments: Any, indices: Any = None, **options: Any) -> list[Any]:
        """Rows have no methods of their own."""
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Rows are not wrapped."""
        del wrapper_class
        return [False] * len(list(self._get_indices(indices)))


def prepare(setup: Mapping[str, Any]) -> Peer:
    """A learner whose replay is filled as far as learning needs.

    Args:
        setup: `environment` and its `options`, `manner` ("vector" or "single"), `threads`, `replayed` samples per
            environment step, `hidden` layers, `lr`, `gamma`, `epsilon`, `replay` (its capacity), `warm_up` and `steps`
            of a repetition.
    """
    torch.set_num_threads(setup["threads"])
    manner = MANNERS[setup["manner"]]
    learner = make_learner(setup, manner)
    learner.learn(setup["warm_up"] + 1, log_interval=10**9)

    def work() -> int:
        before = learner.num_timesteps
        learner.learn(setup["steps"], log_interval=10**9, reset_num_timesteps=False)
        return learner.num_timesteps - before

    def show(path: Path) -> None:
        updates = learner._n_updates
        steps = work()
        samples = (learner._n_updates - updates) * manner.batch
        weights = sum(parameter.numel() for parameter in learner.q_net.parameters())
        np.savez(path, weights=weights, replayed=samples / steps)

    threads = "1 thread" if setup["threads"] == 1 else f"{setup['threads']} threads"
    about = (
        f"Stable-Baselines3 {version('stable_baselines3')}, PyTorch {version('torch')}, {threads}, {_where(manner)}, "
        f"{manner.train_freq} steps of it and then {_updates(setup, manner)} of batch {manner.batch}, 1-step returns, "
        "plain maximum, random exploration"
    )
    return Peer(work, show, about)


def make_learner(setup: Mapping[str, Any], manner: Manner) -> DQN:
    """The learner on its environment; only what the pair holds equal is not left at its default."""
    options = {"observation": "state", **setup["options"]}
    name, rows = setup["environment"], manner.environments
    together = {"num_envs": rows, "autoreset_mode": "SameStep"}
    return DQN(
        "MlpPolicy",
        gymnasium.make(name, **options) if rows == 1 else Rows(gymnasium.make_vec(name, **together, **options)),
        learning_rate=setup["lr"],
        buffer_size=setup["replay"],
        learning_starts=setup["warm_up"],
        batch_size=manner.batch,
        gamma=setup["gamma"],
        train_freq=manner.train_freq,
        gradient_steps=_count(setup, manner),
        exploration_initial_eps=setup["epsilon"],
        exploration_final_eps=setup["epsilon"],
        policy_kwargs={"net_arch": list(setup["hidden"])},
        seed=0,
        device="cpu",
    )


def _count(setup: Mapping[str, Any], manner: Manner) -> int:
    return round(setup["replayed"] * manner.environments * manner.train_freq / manner.batch)


def _updates(setup: Mapping[str, Any], manner: Manner) -> str:
    count = _count(setup, manner)
    return "1 update" if count == 1 else f"{count} updates"


def _where(manner: Manner) -> str:
    return "one environment" if manner.environments == 1 else f"our vector environment of {manner.environments} rows"


if __name__ == "__main__":
    serve(prepare)

"""PPO of Stable-Baselines3, as it comes, on the state of a task: success before and after, on the same episodes.

    pip install stable-baselines3
    python reproduce/ppo.py eyehand/ViewReach-v0

Nothing is tuned: the policy, the network and every number of the learner are its defaults. Evaluation plays episodes 0
to N - 1, training plays others. With `--batched` the environments are stepped together instead of one after another,
which is several times faster and plays the same episodes.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
import tyro
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

import eyehand.gym  # noqa: F401 - registers the environments
from eyehand.data.durable import replace_text
from eyehand.evaluation.statistics import rate

TRAINING_SEED = 1_000_003


@dataclass(frozen=True)
class Options:
    """What to train."""

    environment: tyro.conf.Positional[str] = "eyehand/ViewReach-v0"
    """The environment."""
    domain: str = "sim"
    """The domain to train and to measure in."""
    steps: int = 200_000
    """Environment steps to train for."""
    environments: int = 8
    """Environments that are played at a time."""
    batched: bool = False
    """Step the environments together."""
    trials: int = 200
    """Episodes of each evaluation."""
    seed: int = 0
    """Seed of the learner."""
    out: Path | None = None
    """JSON file to write."""


def main(options: Options) -> None:
    """Measure, train, measure again."""
    torch.set_num_threads(1)  # the networks are so small that a second thread only waits
    kwargs: dict[str, Any] = {"domain": options.domain, "observation": "state"}
    seed = TRAINING_SEED + 1000 * options.seed
    if options.batched:
        training: VecEnv = VecMonitor(Together(options.environment, options.environments, seed, kwargs))
    else:
        training = make_vec_env(options.environment, options.environments, seed=seed, env_kwargs=kwargs)
    model = PPO("MlpPolicy", training, seed=options.seed, device="cpu")
    found: dict[str, Any] = {"environment": options.environment, "domain": options.domain, "steps": options.steps}
    found["before"] = evaluate(model, options)
    print(f"before:                    success {found['before']['text']}", flush=True)
    begin = time.perf_counter()
    model.learn(options.steps)
    found["training_s"] = round(time.perf_counter() - begin, 1)
    found["after"] = evaluate(model, options)
    print(f"after {options.steps:9,} steps:     success {found['after']['text']}, {found['training_s']:.0f} s")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        replace_text(options.out, json.dumps({**found, "seed": options.seed}, indent=2) + "\n")


class Together(VecEnv):
    """A vector environment of the house as one of Stable-Baselines3."""

    def __init__(self, environment: str, count: int, seed: int, kwargs: dict[str, Any]) -> None:
        """Make `count` environments that are stepped together; `kwargs` are those of `gymnasium.make_vec`."""
        self._envs = gymnasium.make_vec(environment, num_envs=count, autoreset_mode="SameStep", **kwargs)
        self._seed: int | None = seed
        self._actions: Any = None
        self.render_mode = None
        super().__init__(count, self._envs.single_observation_space, self._envs.single_action_space)

    def reset(self) -> Any:
        """Start new episodes in all rows."""
        seen, _ = self._envs.reset(seed=self._seed)
        self._seed = None
        return seen

    def step_async(self, actions: np.ndarray) -> None:
        """Remember what to do."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Do it; rows that ended tell what was seen last, and whether it was the time limit."""
        seen, reward, terminated, truncated, infos = self._envs.step(self._actions)
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(terminated | truncated):
            told[row] = {
                "terminal_observation": infos["final_obs"][row],
                "TimeLimit.truncated": bool(truncated[row]),
                "is_success": bool(infos["final_info"]["is_success"][row]),
            }
        return seen, reward.astype(np.float32), terminated | truncated, told

    def close(self) -> None:
        """Close the environments."""
        self._envs.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The attribute, which all rows share."""
        return [getattr(self._envs, attr_name, None) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refused: rows have no attributes of their own."""
        raise NotImplementedError(attr_name)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Refused: rows have no methods of their own."""
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """No row is wrapped."""
        del wrapper_class
        return [False for _ in self._get_indices(indices)]


def evaluate(model: PPO, options: Options) -> dict[str, Any]:
    """Success of the policy's own choice, without exploration, over episodes 0 to N - 1, all stepped together."""
    envs = gymnasium.make_vec(
        options.environment,
        num_envs=options.trials,
        domain=options.domain,
        observation="state",
        autoreset_mode="SameStep",
    )
    seen, _ = envs.reset(options={"episode_seed": np.arange(options.trials)})
    running, success = np.ones(options.trials, bool), np.zeros(options.trials, bool)
    while running.any():
        actions, _ = model.predict(seen, deterministic=True)
        seen, _, terminated, truncated, infos = envs.step(actions)
        ended = terminated | truncated
        if ended.any():
            success |= running & ended & infos["final_info"]["is_success"]
        running &= ~ended
    found = rate(success)
    return {"successes": int(success.sum()), "n": options.trials, "text": found.text()}


if __name__ == "__main__":
    main(tyro.cli(Options))

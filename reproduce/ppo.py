"""PPO of Stable-Baselines3, as it comes, on the state of a task: success before and after, on the same episodes.

    pip install stable-baselines3
    python reproduce/ppo.py eyehand/ViewReach-v0

Nothing is tuned: the policy, the network and every number of the learner are its defaults. Evaluation plays episodes 0
to N - 1 of the nominal domain, training plays others.
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
    training = make_vec_env(
        options.environment, options.environments, seed=TRAINING_SEED + 1000 * options.seed, env_kwargs=kwargs
    )
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

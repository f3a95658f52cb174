"""Q-learning on the true scene configuration of `planar_reach`, environment steps and updates together.

Both sides replay `REPLAYED` samples for every environment step; everything else of ours is as the laptop preset says.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch

from eyehand.cli.pairs.pair import Agreement, Pair, Work, threads
from eyehand.gym import environment_id
from eyehand.learning.method import Source
from eyehand.methods.modular_dqn import ControlLearner, ModularDQN
from eyehand.tasks import load_task
from eyehand.world.rows import default_threads

REPLAYED = 16  # samples for every environment step, on both sides
STEPS = 4096  # of all environments together in a repetition of ours
TASK, JOINTS = "planar_reach", 3
PEER_STEPS = {"vector": 4096, "single": 2048}


def prepare(folder: Path, manner: str) -> Work:
    """A learner whose replay is filled as far as learning needs.

    Args:
        folder: not used.
        manner: how the peer uses our environment, "vector" or "single".
    """
    del folder
    learner, about = make_learner()
    c, cores = learner.q_learning, default_threads()

    def work() -> int:
        updates = -(-STEPS // c.worlds)
        with _computing_on(cores):
            for _ in range(updates):
                learner.update()
        return updates * c.worlds

    def check(path: Path) -> dict[str, Agreement]:
        return {"": _agreement(learner, path)}

    with _computing_on(cores):
        while len(learner.experience.replay) < c.warm_up:
            learner.update()
    setup = {
        "environment": environment_id(TASK),
        "options": {"joints": JOINTS},
        "manner": manner,
        "threads": cores,
        "replayed": REPLAYED,
        "hidden": ModularDQN().preset("laptop").hidden,
        "lr": c.lr,
        "gamma": c.gamma,
        "epsilon": c.epsilon[1],
        "replay": c.replay,
        "warm_up": c.warm_up,
        "steps": PEER_STEPS[manner],
    }
    return Work(setup, {"": work}, f"{threads()}, {about}", check)


def make_learner() -> tuple[ControlLearner, str]:
    """The hand's learner of the laptop preset with the pair's share of replay, and what it is, for people."""
    method, task = ModularDQN(), load_task(TASK, joints=JOINTS)
    config = method.preset("laptop")
    control = dataclasses.replace(config.control, batch=REPLAYED * config.control.worlds)
    model = method.networks(config, task, 0)
    told = "as in" if control == config.control else f"NOT the batch of {config.control.batch} of"
    about = (
        f"{control.worlds} environments, one update of batch {control.batch} a step, {told} the laptop preset, "
        f"{control.n_step}-step returns, {'double' if control.double_q else 'plain'} Q-learning, guided exploration"
    )
    return ControlLearner(control, model, Source(task), 0), about


def _agreement(learner: ControlLearner, path: Path) -> Agreement:
    """Whether the peer has as many weights, and replays as much as it was told."""
    c, weights = learner.q_learning, sum(parameter.numel() for parameter in learner.control.parameters())
    with np.load(path, allow_pickle=False) as file:
        theirs, replayed = int(file["weights"]), float(file["replayed"])
    ours = c.batch / c.worlds
    found = f"{weights} and {theirs} weights, {ours:g} and {replayed:g} replayed samples per environment step"
    return Agreement(weights == theirs and abs(ours - replayed) < 0.01 * ours, found)


@contextlib.contextmanager
def _computing_on(count: int) -> Generator[None]:
    """Let PyTorch compute on that many threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _vector(folder: Path) -> Work:
    return prepare(folder, "vector")


def _single(folder: Path) -> Work:
    return prepare(folder, "single")


DQN = Pair("dqn", "Stable-Baselines3 DQN", "environment steps/s", 5.0, "ratio", "all", "dqn", _vector)
DQN_SINGLE = Pair("dqn_single", "Stable-Baselines3 DQN", "environment steps/s", 5.0, "ratio", "all", "dqn", _single)

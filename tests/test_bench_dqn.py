"""The pair `dqn`: what our side does, what the peer is told, and that both are held to the same share of replay."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from eyehand.cli.pairs import PAIRS, dqn
from eyehand.cli.pairs.pair import Agreement, Work
from eyehand.methods.modular_dqn import Config, ModularDQN

ROOT = Path(__file__).parents[1]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Config:
    """A laptop preset that is quick."""
    config = Config()
    control = dataclasses.replace(config.control, worlds=8, batch=128, n_step=2, warm_up=64, replay=512)
    config = dataclasses.replace(config, hidden=(16, 8), control=control)
    monkeypatch.setattr(ModularDQN, "preset", lambda _self, _name: config)
    monkeypatch.setattr(dqn, "default_threads", lambda: 1)  # two on busy cores wait for each other
    monkeypatch.setattr(dqn, "STEPS", 255)
    return config


def agreement(work: Work, path: Path, **shown: float) -> Agreement:
    assert work.check is not None
    np.savez(path, **shown)
    return work.check(path)[""]


@pytest.mark.parametrize("name", ["dqn", "dqn_single"])
def test_our_side_learns_as_the_preset_says(name: str, small: Config, tmp_path: Path) -> None:
    work = next(pair for pair in PAIRS if pair.name == name).prepare(tmp_path)
    before = torch.get_num_threads()
    assert work.ours[""]() == 256  # whole steps of all eight environments
    assert torch.get_num_threads() == before
    assert "one update of batch 128 a step, as in the laptop preset" in work.about
    assert work.setup["hidden"] == small.hidden
    assert work.setup["replayed"] * small.control.worlds == small.control.batch


def test_every_step_of_all_environments_makes_one_update(small: Config) -> None:
    learner, _ = dqn.make_learner()
    while "train/task_loss" not in learner.update():
        assert len(learner.experience.replay) < small.control.warm_up
    before = [parameter.clone() for parameter in learner.control.parameters()]
    found = learner.update()
    assert found["train/frames"] == learner.done * small.control.worlds
    assert any((new != old).any() for new, old in zip(learner.control.parameters(), before, strict=True))


def test_a_preset_with_another_share_of_replay_is_told(small: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    other = dataclasses.replace(small, control=dataclasses.replace(small.control, batch=32))
    monkeypatch.setattr(ModularDQN, "preset", lambda _self, _name: other)
    learner, about = dqn.make_learner()
    assert learner.q_learning.batch == dqn.REPLAYED * learner.q_learning.worlds
    assert "NOT the batch of 32 of the laptop preset" in about


@pytest.mark.usefixtures("small")
def test_both_sides_are_held_to_the_same_network_and_share(tmp_path: Path) -> None:
    work, path = dqn.prepare(tmp_path, "vector"), tmp_path / "shown.npz"
    weights = (5 + 1) * 16 + (16 + 1) * 8 + (8 + 1) * 9
    assert agreement(work, path, weights=weights, replayed=16.0).equal
    assert not agreement(work, path, weights=weights, replayed=8.0).equal
    found = agreement(work, path, weights=weights + 1, replayed=16.0)
    assert not found.equal
    assert f"{weights} and {weights + 1} weights, 16 and 16 replayed samples" in found.found


@pytest.mark.usefixtures("small")
def test_the_peer_is_given_an_environment_with_the_same_state_and_actions(tmp_path: Path) -> None:
    setup: Any = dqn.prepare(tmp_path, "vector").setup
    env: Any = gymnasium.make(setup["environment"], observation="state", **setup["options"])
    assert env.observation_space.shape == (5,)
    assert env.action_space.n == 9


def test_the_peer_has_the_tested_versions() -> None:
    tested = (ROOT / "constraints.txt").read_text().splitlines()
    asked = (ROOT / "bench" / "dqn" / "requirements.txt").read_text().splitlines()
    for name in ("torch", "numpy"):
        assert [line for line in asked if line.startswith(f"{name}==")] == [
            line for line in tested if line.startswith(f"{name}==")
        ]

"""Policies of parts: reading, hardening, swapping, damaging, and what may be deployed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from eyehand.errors import PairingError
from eyehand.interfaces.scene_configuration import SceneConfiguration
from eyehand.learning.policy import Corrupted, ExpertController, ModularPolicy, Truth, check_pairing
from eyehand.tasks.planar_reach import PlanarReach
from eyehand.types import Decision, Observation
from eyehand.world.domain import Domain
from eyehand.world.simulation import DEPLOYABLE, SimulatedWorld

EVERYTHING = frozenset({"camera", "proprio", "privileged", "previous_action"})


class Guess:
    """Eyes that always see the same."""

    reads = frozenset({"camera"})

    def __init__(self, *theta: float) -> None:
        self.theta = theta

    def perceive(self, obs: Observation) -> torch.Tensor:
        return torch.tensor([self.theta] * obs.batch)

    def groups(self) -> Any:
        return {"head": ()}


class Counting:
    """A hand that remembers how often it was asked, and hands on what it was told."""

    reads = frozenset({"proprio"})

    def __init__(self) -> None:
        self.told: list[torch.Tensor] = []

    def initial_memory(self, batch: int) -> Any:
        return (np.zeros(batch, np.int64),)

    def decide(self, z: torch.Tensor, obs: Observation, memory: Any, generator: Any = None) -> Decision:
        del generator
        self.told.append(z)
        count = np.where(obs.is_first, 0, memory[0]) + 1
        return Decision(np.zeros(obs.batch, np.int64), count % 9, (count,), {"q_values": np.zeros((obs.batch, 9))})


@pytest.fixture
def task() -> PlanarReach:
    return PlanarReach()


@pytest.fixture
def world(task: PlanarReach) -> SimulatedWorld[Any]:
    return SimulatedWorld(task, Domain(), EVERYTHING)


def policy(hand: Any = None, *theta: float) -> ModularPolicy[torch.Tensor]:
    return ModularPolicy(Guess(*(theta or (0.5,) * 5)), hand or Counting(), SceneConfiguration())


def test_a_policy_reads_what_its_parts_read(task: PlanarReach) -> None:
    p = policy()
    assert p.reads == {"camera", "proprio"}
    assert p.swap(perception=Truth(task.interface)).reads == {"privileged", "proprio"}
    assert p.swap(controller=ExpertController(task.expert())).reads == {"privileged", "camera"}
    assert p.reads == {"camera", "proprio"}  # swapping made others


def test_the_hand_is_told_the_hardened_interface_and_people_the_raw_one(world: SimulatedWorld[Any]) -> None:
    hand = Counting()
    p = policy(hand, -0.5, 0.25, 1.5, 1.0, 0.0)
    decision = p.act(world.reset(np.arange(2)), p.initial_memory(2))
    assert hand.told[0].tolist() == [[0.0, 0.25, 1.0, 1.0, 0.0]] * 2
    assert decision.aux["interface"].tolist() == [[-0.5, 0.25, 1.5, 1.0, 0.0]] * 2
    assert decision.aux["q_values"].shape == (2, 9)
    assert not hand.told[0].requires_grad


def test_unroll_is_act_in_a_loop_with_memory_that_restarts(world: SimulatedWorld[Any]) -> None:
    p = policy()
    observations = [world.reset(np.arange(3))]
    observations += [world.step(Decision(np.zeros(3, np.int64), np.array([0, 3, 6]))).obs for _ in range(2)]
    observations.append(world.reset(np.array([9]), rows=np.array([1])))
    unrolled = p.unroll(observations, p.initial_memory(3))
    assert unrolled.value.tolist() == [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 1, 4]]
    assert unrolled.memory[0].tolist() == [4, 1, 4]
    assert unrolled.kind.shape == (4, 3)
    assert {name: value.shape for name, value in unrolled.aux.items()} == {
        "q_values": (4, 3, 9),
        "interface": (4, 3, 5),
    }


def test_the_truth_sees_the_state(task: PlanarReach, world: SimulatedWorld[Any]) -> None:
    obs = world.reset(np.arange(4))
    eyes = Truth(task.interface)
    assert torch.equal(eyes.perceive(obs), task.interface.truth(world.privileged()))
    assert eyes.groups() == {}


def test_there_is_no_oracle_for_a_latent_interface(world: SimulatedWorld[Any]) -> None:
    latent: Any = SimpleNamespace(name="features", truth=lambda _: None)
    with pytest.raises(PairingError, match="interface features is latent: its oracle arm is not defined"):
        Truth(latent).perceive(world.reset(np.arange(1)))


def test_damage_grows_with_its_level_and_repeats_with_its_seed(task: PlanarReach, world: SimulatedWorld[Any]) -> None:
    obs = world.reset(np.arange(500))
    eyes = Truth(task.interface)

    def error(level: float, seed: int = 0) -> torch.Tensor:
        return Corrupted(eyes, task.interface, level, seed).perceive(obs) - eyes.perceive(obs)

    assert not error(0.0).any()
    assert float(error(0.1).std()) == pytest.approx(0.1, rel=0.05)
    assert float(error(0.4).std()) == pytest.approx(0.4, rel=0.05)
    assert torch.equal(error(0.1), error(0.1))
    assert not torch.equal(error(0.1), error(0.1, seed=1))
    blind = Guess(0.0)
    assert Corrupted(blind, task.interface, 0.1).reads == blind.reads
    assert Corrupted(blind, task.interface, 0.1).groups() == blind.groups()


def test_the_expert_as_a_hand_ignores_what_is_seen(task: PlanarReach, world: SimulatedWorld[Any]) -> None:
    p = policy().swap(controller=ExpertController(task.expert()))
    obs = world.reset(np.arange(8))
    expected = task.expert().label(world.privileged(), None, None).value
    np.testing.assert_array_equal(p.act(obs, p.initial_memory(8)).value, expected)


def test_a_policy_of_networks_may_be_deployed(world: SimulatedWorld[Any]) -> None:
    networks = policy()
    check_pairing(networks, world, deployed=True)
    assert networks.reads <= DEPLOYABLE


def test_an_oracle_may_not_be_deployed_but_may_be_measured(task: PlanarReach, world: SimulatedWorld[Any]) -> None:
    oracle = policy().swap(perception=Truth(task.interface))
    with pytest.raises(PairingError, match=r"reads the group 'privileged'.*also reads proprio\. Swap its oracle parts"):
        check_pairing(oracle, world, deployed=True)
    check_pairing(oracle, world, deployed=False)


def test_a_world_without_privileged_state_takes_no_oracle(task: PlanarReach) -> None:
    arm: Any = SimpleNamespace(commands=task.commands, capabilities=frozenset({"realtime"}))
    oracle = policy(ExpertController(task.expert())).swap(perception=Truth(task.interface))
    with pytest.raises(PairingError, match="it also reads nothing else"):
        check_pairing(oracle, arm, deployed=False)
    check_pairing(policy(), arm, deployed=True)

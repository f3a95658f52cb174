"""Policies made of a perception and a controller, and the parts that stand in for either.

`ModularPolicy` joins any perception to any controller through an interface. Swapping one part for the truth or for
the expert gives the oracle arms of a comparison.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, cast, final

import numpy as np
import torch
from torch import nn

from eyehand.errors import PairingError
from eyehand.types import (
    Controller,
    Decision,
    Expert,
    Flags,
    Group,
    Interface,
    Memory,
    Observation,
    Perception,
    Policy,
    World,
    Z,
)


@final
class Truth(Generic[Z]):
    """Perception that reads the interface off the task's state: the oracle's eyes."""

    reads: frozenset[Group] = frozenset({"privileged"})

    def __init__(self, interface: Interface[Z, Any]) -> None:
        """Take the interface; one without a truth raises PairingError when looked through."""
        self._interface = interface

    def perceive(self, obs: Observation) -> Z:
        """The interface's truth, of the state in `obs.privileged`."""
        z = self._interface.truth(obs.privileged)
        if z is None:
            raise PairingError(f"The interface {self._interface.name} is latent: its oracle arm is not defined.")
        return z

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Nothing is learnt."""
        return {}


@final
class Corrupted(Generic[Z]):
    """A perception whose estimates are damaged, for the curve of success against interface error."""

    def __init__(self, perception: Perception[Z], interface: Interface[Z, Any], level: float, seed: int = 0) -> None:
        """Damage what `perception` sees by `interface.corrupt` at a level; the damage is drawn from the seed."""
        self._perception = perception
        self._interface = interface
        self._level = level
        self._generator = torch.Generator().manual_seed(seed)
        self.reads: frozenset[Group] = perception.reads

    def perceive(self, obs: Observation) -> Z:
        """The damaged estimate."""
        return self._interface.corrupt(self._perception.perceive(obs), self._level, self._generator)

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Those of the perception."""
        return self._perception.groups()


@final
class ExpertController(Generic[Z]):
    """Controller that asks the task's expert and ignores the interface: the oracle's hand."""

    reads: frozenset[Group] = frozenset({"privileged"})

    def __init__(self, expert: Expert[Any]) -> None:
        """Take the task's expert."""
        self._expert = expert

    def initial_memory(self, batch: int) -> Memory:
        """The expert starts without memory."""
        del batch

    def decide(self, z: Z, obs: Observation, memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """The expert's command for the state in `obs.privileged`."""
        del z, generator
        return self._expert.label(obs.privileged, obs.sent, memory)


@final
@dataclass(frozen=True)
class ModularPolicy(Generic[Z]):
    """Perception, then a hard interface, then a controller.

    Attributes:
        perception: observation to interface.
        controller: interface to command.
        interface: the interface between them, whose `harden` is applied at deployment.
    """

    perception: Perception[Z]
    controller: Controller[Z]
    interface: Interface[Z, Any]

    @property
    def reads(self) -> frozenset[Group]:
        """Observation groups that either part reads."""
        return self.perception.reads | self.controller.reads

    def initial_memory(self, batch: int) -> Memory:
        """The controller's memory."""
        return self.controller.initial_memory(batch)

    def looks(self, memory: Memory, batch: int) -> Mapping[str, Flags]:
        """Every row needs every camera."""
        del memory, batch
        return {}

    @torch.inference_mode()
    def act(self, obs: Observation, memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """Perceive, harden and decide; `aux["interface"]` holds what was perceived, before hardening."""
        z = self.perception.perceive(obs)
        decision = self.controller.decide(self.interface.harden(z), obs, memory, generator)
        seen = {"interface": z.cpu().numpy()} if isinstance(z, torch.Tensor) else {}
        return dataclasses.replace(decision, aux={**decision.aux, **seen})

    def unroll(self, obs: Sequence[Observation], memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """Act on T observations in a row: `value` and every `aux` array lead with (T, B)."""
        return unrolled(self, obs, memory, generator)

    def swap(
        self, perception: Perception[Z] | None = None, controller: Controller[Z] | None = None
    ) -> ModularPolicy[Z]:
        """The same policy with one part replaced."""
        return dataclasses.replace(
            self, perception=perception or self.perception, controller=controller or self.controller
        )


def unrolled(
    policy: Policy, obs: Sequence[Observation], memory: Memory, generator: torch.Generator | None = None
) -> Decision:
    """A policy's `act` in a loop over T observations: `value` and every `aux` array lead with (T, B)."""
    decisions: list[Decision] = []
    for one in obs:
        decision = policy.act(one, memory, generator)
        memory = decision.memory
        decisions.append(decision)
    return Decision(
        kind=np.stack([d.kind for d in decisions]),
        value=np.stack([d.value for d in decisions]),
        memory=memory,
        aux={name: np.stack([d.aux[name] for d in decisions]) for name in decisions[0].aux},
    )


def as_modular(policy: Policy) -> ModularPolicy[Any] | None:
    """The policy itself where it is a modular one, else None."""
    return cast(ModularPolicy[Any], policy) if isinstance(policy, ModularPolicy) else None


def check_deployable(policy: Policy) -> None:
    """Refuse a policy that cannot run on a robot; raises PairingError where it reads privileged state."""
    if "privileged" in policy.reads:
        readable = ", ".join(sorted(policy.reads - {"privileged"})) or "nothing else"
        raise PairingError(
            f"The policy reads the group 'privileged', which only experts, truths and training may; it also reads "
            f"{readable}. Swap its oracle parts for perception and control before deploying it."
        )


def check_pairing(policy: Policy, world: World[Any], *, deployed: bool) -> None:
    """Refuse a policy that reads what the world does not offer, or what no deployed policy may read.

    Args:
        policy: the policy.
        world: the world it is to run in.
        deployed: the policy stands for one that runs on a robot, so it may not read privileged state.

    Raises:
        PairingError: names the groups at fault.
    """
    if deployed or "privileged" not in world.capabilities:
        check_deployable(policy)

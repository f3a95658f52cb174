"""What a method must offer, and the doors it is handed: sources to train on, and the one door to the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, final

from torch import nn

from eyehand.data.ledger import Budget
from eyehand.data.target import RecordedTarget
from eyehand.errors import PairingError, TargetClosedError, UnknownNameError
from eyehand.learning.run import Run
from eyehand.types import Group, Policy
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task

C = TypeVar("C")


@final
@dataclass(frozen=True)
class Source:
    """Source domains of a task; the target's domain cannot be built through it.

    Attributes:
        task: the task to train on.
    """

    task: Task[Any]

    def domain(self, name: str) -> Domain:
        """A shipped domain or a user's file; raises TargetClosedError for one that stands for the real robot."""
        domain = load_domain(name, self.task.name)
        if domain.held_out:
            raise TargetClosedError(
                f"Training may not look at domain {name!r}: it is held out and stands for the real robot. "
                "Record frames in it with `eyehand record` and read them with `eyehand adapt`."
            )
        return domain

    def world(self, domain: str, reads: frozenset[Group], *, auto_reset: bool = False) -> SimulatedWorld[Any]:
        """A world of the task in a source domain that hands over the given observation groups."""
        return SimulatedWorld(self.task, self.domain(domain), reads, auto_reset=auto_reset)


class Method(Protocol[C]):
    """One paper: configuration, networks, training and adaptation.

    The properties are read only: a method gives them as attributes of its class.
    """

    @property
    def name(self) -> str:
        """The name on the command line."""
        ...

    @property
    def summary(self) -> str:
        """One line for people."""
        ...

    @property
    def interface(self) -> str:
        """Name of the interface between its perception and its controller: only tasks that have it fit the method."""
        ...

    @property
    def presets(self) -> tuple[str, ...]:
        """Names of its configurations; "quick", "laptop" and "paper" by custom."""
        ...

    @property
    def budget(self) -> Budget:
        """The target-domain data that the paper had."""
        ...

    @property
    def features(self) -> Mapping[str, tuple[int, ...]]:
        """Recorded features that `adapt` reads, with the shape of one frame's entry."""
        ...

    def preset(self, name: str) -> C:
        """The configuration of a preset."""
        ...

    def networks(self, config: C, task: Task[Any], seed: int) -> nn.ModuleDict:
        """All networks of the policy, freshly initialised from the seed."""
        ...

    def policy(self, model: nn.ModuleDict, task: Task[Any]) -> Policy:
        """The policy that the networks make."""
        ...

    def train(self, config: C, source: Source, run: Run, model: nn.ModuleDict) -> None:
        """Train the networks in source domains, phase by phase, saving into the run."""
        ...

    def adapt(self, config: C, source: Source, target: RecordedTarget, run: Run, model: nn.ModuleDict) -> None:
        """Adapt trained networks with recorded frames of the target, phase by phase, saving into the run."""
        ...


def preset_of(presets: Mapping[str, Callable[[], C]], name: str) -> C:
    """The configuration of a preset, of those by name; raises UnknownNameError where it is none of them."""
    if name not in presets:
        raise UnknownNameError("preset", name, presets)
    return presets[name]()


def check_fit(method: Method[Any], task: Task[Any]) -> None:
    """Refuse a task that has another interface than the method; raises PairingError."""
    if not fits(method, task):
        raise PairingError(
            f"Method {method.name!r} joins perception and control by the interface {method.interface!r}, and task "
            f"{task.name!r} has {task.interface.name!r}: `eyehand tasks` lists the interface of every task."
        )


def fits(method: Method[Any], task: Task[Any]) -> bool:
    """Whether the method can be trained for the task."""
    return method.interface == task.interface.name

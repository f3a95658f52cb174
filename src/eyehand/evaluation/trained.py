"""Runs and what they trained: what a run is about, and loading its policy back from its folder alone."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from eyehand.errors import FileFormatError, InvalidValueError, PairingError
from eyehand.interfaces.mask import Mask
from eyehand.learning.configuration import JSON, from_json, to_json
from eyehand.learning.foreign_eyes import ForeignEyes, load_eyes
from eyehand.learning.method import Method
from eyehand.learning.policy import as_modular, check_deployable
from eyehand.learning.run import CONFIG, Run
from eyehand.learning.tensors import use_threads
from eyehand.methods import load_method
from eyehand.tasks import load_task
from eyehand.types import Policy
from eyehand.world.task import Task


@dataclass(frozen=True)
class Subject:
    """What a run is about; together with the method's configuration it is `config.json`.

    Attributes:
        method: name of the method.
        task: name of the task.
        options: options of the task, each "name=value", such as "joints=2".
        preset: the preset that the configuration started from.
        seed: the run's seed.
        parent: folder of the run whose networks were adapted; "" for a run that started afresh.
        data: the recorded folder that was adapted to; "" for training in simulation.
    """

    method: str
    task: str
    options: tuple[str, ...] = ()
    preset: str = "laptop"
    seed: int = 0
    parent: str = ""
    data: str = ""

    def build_task(self) -> Task[Any]:
        """The task with its options; raises UnknownNameError or InvalidValueError for those it does not take."""
        return load_task(self.task, **dict(map(_option, self.options)))


@dataclass(frozen=True, eq=False)
class Trained:
    """A policy with everything it came from.

    Attributes:
        run: the run folder.
        subject: what the run is about.
        config: the method's configuration.
        method: the method.
        task: the task.
        model: the networks, with the run's newest weights.
        eyes: a perception that takes the place of the policy's own; None for its own.
        untrained: names of the networks in the policy whose weights still are those that they were drawn with.
    """

    run: Run
    subject: Subject
    config: Any
    method: Method[Any]
    task: Task[Any]
    model: nn.ModuleDict
    eyes: ForeignEyes | None = None
    untrained: tuple[str, ...] = ()

    @property
    def policy(self) -> Policy:
        """The policy that the networks make, with other eyes where there are any."""
        policy = self.method.policy(self.model, self.task)
        modular = as_modular(policy)
        return policy if self.eyes is None or modular is None else modular.swap(perception=self.eyes)


def to_config_json(subject: Subject, config: Any) -> dict[str, JSON]:
    """The content of `config.json`."""
    return {**to_json(subject), "config": to_json(config)}


def read_subject(run: Run) -> Subject:
    """What a run is about; raises InvalidValueError or UnknownNameError where `config.json` does not say it."""
    known = {key: value for key, value in run.config.items() if key != "config"}
    return from_json(Subject, known, str(run.folder / CONFIG))


def read_config(run: Run, method: Method[Any]) -> Any:
    """The method's configuration of a run."""
    kind = cast(type[Any], type(method.preset(method.presets[0])))
    return from_json(kind, run.config.get("config"), str(run.folder / CONFIG))


def load_trained(folder: Path | str, step: int | None = None) -> Trained:
    """The policy in a run folder, with its newest weights or those of a step.

    Raises:
        FileFormatError: no run is there, it has no whole checkpoint, or the weights do not fit the networks.
    """
    use_threads()
    run = Run.open(folder)
    subject = read_subject(run)
    method: Method[Any] = load_method(subject.method)
    task = subject.build_task()
    config = read_config(run, method)
    model = method.networks(config, task, subject.seed)
    drawn = copy.deepcopy(model)
    load_weights(run, model, step)
    untrained = tuple(name for name, network in model.items() if _same(network, drawn[name]))
    trained = Trained(run, subject, config, method, task, model.eval(), untrained=untrained)
    check_deployable(trained.policy)
    return trained


def with_eyes(trained: Trained, reference: str) -> Trained:
    """The policy with eyes from elsewhere, an ONNX file or "package.module:function"; "" leaves its own.

    Raises:
        PairingError: the policy's controller takes no masks.
        EyehandError: the eyes cannot be loaded, see `load_eyes`.
    """
    if not reference:
        return trained
    if as_modular(trained.policy) is None or trained.task.interface.name != Mask.name:
        interface = trained.task.interface.name if as_modular(trained.policy) else "none: it is end to end"
        raise PairingError(
            f"Eyes from elsewhere give masks, and the interface of this policy ({trained.subject.method}) is "
            f"{interface}. A run of mask_grasp takes them."
        )
    others = tuple(name for name in trained.untrained if name != "perception")
    return dataclasses.replace(trained, eyes=load_eyes(reference), untrained=others)


def warn_of_untrained(trained: Trained, replaced: Collection[str] = ()) -> None:
    """Say which networks of a policy have not learnt anything yet, but for those that are `replaced` in its use."""
    for name in trained.untrained:
        if name not in replaced:
            trained.run.warn(
                f"the {name} of {trained.run.folder} has not learnt yet: its weights are those that it was drawn with. "
                "See what the training said at its end; `eyehand adapt` may have to come first."
            )


def _same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have parameters, the same ones."""
    pairs = list(zip(one.parameters(), other.parameters(), strict=True))
    return bool(pairs) and all(torch.equal(a, b) for a, b in pairs)


def load_weights(run: Run, model: nn.ModuleDict, step: int | None = None) -> None:
    """Put a run's newest weights, or those of a step, into networks; raises FileFormatError where they do not fit."""
    checkpoint = run.trained(step)
    try:
        model.load_state_dict(checkpoint.model)
    except RuntimeError as error:
        where = run.checkpoints.path / str(checkpoint.step)
        problem = f"the weights do not fit the networks ({error})"
        raise FileFormatError(where, problem, "Use the configuration that they were trained with.") from error


def _option(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InvalidValueError("task option", text, "NAME=VALUE, for example joints=2", "--option")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value

"""What every method must keep to: repeatable networks, saved training, priced adaptation, a policy to deploy."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from eyehand.data.ledger import Ledger
from eyehand.data.recorded import RecordedEpisodes, require
from eyehand.data.target import RecordedTarget
from eyehand.errors import BudgetExceededError, PairingError
from eyehand.evaluation.crossing import record
from eyehand.learning.method import Method, Source
from eyehand.learning.policy import ModularPolicy, Truth, check_pairing
from eyehand.learning.run import Run
from eyehand.learning.tensors import tree_tensors
from eyehand.testing.evidence import refused, same_bytes, scripted
from eyehand.types import Decision, Policy
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task


def check_method(method: Method[Any], task: Task[Any], preset: str) -> None:
    """Every check of a method on a task, in the domain "sim".

    Args:
        method: the method.
        task: a task that it can be trained for.
        preset: the smallest of its presets: it is trained and adapted.
    """
    check_networks(method, task, preset)
    with tempfile.TemporaryDirectory() as folder:
        model = check_training(method, task, preset, Path(folder))
        check_policy(method.policy(model.eval(), task), task, load_domain("sim", task.name))
        recording = record(task, load_domain("sim", task.name), 12, Path(folder) / "recording")
        check_budget(method, recording)
        check_adaptation(method, task, preset, model, recording)


def check_networks(method: Method[Any], task: Task[Any], preset: str) -> None:
    """Fresh networks are a function of the seed alone."""
    config = method.preset(preset)
    found: list[dict[str, torch.Tensor]] = []
    for seed, noise in ((0, 1), (0, 2), (1, 1)):
        kept = torch.get_rng_state()
        torch.manual_seed(noise)  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        found.append(_copy(method.networks(config, task, seed)))
        torch.set_rng_state(kept)
    assert _equal(found[0], found[1]), f"{method.name}: fresh networks depend on global randomness."
    assert not _equal(found[0], found[2]), f"{method.name}: fresh networks do not depend on the seed."


def check_training(method: Method[Any], task: Task[Any], preset: str, folder: Path) -> nn.ModuleDict:
    """Training moves finite weights, saves what it ends with, and is over when it is asked for again.

    Returns:
        The trained networks.
    """
    config, run = method.preset(preset), Run.create(folder / "run", {"seed": 0}, quiet=True)
    model = method.networks(config, task, 0)
    before = _copy(model)
    method.train(config, Source(task), run, model)
    _check_trained(method, before, model, run)
    again = method.networks(config, task, 0)
    method.train(config, Source(task), Run.open(run.folder, quiet=True), again)
    assert _equal(_copy(again), _copy(model)), (
        f"{method.name}: a finished training that is resumed gives other weights."
    )
    return model


def check_adaptation(
    method: Method[Any], task: Task[Any], preset: str, model: nn.ModuleDict, recording: RecordedEpisodes
) -> None:
    """Adaptation reads recorded frames through the ledger, and moves and saves finite weights."""
    config = method.preset(preset)
    run = Run.create(recording.folder.with_name("adapted"), {"seed": 0}, quiet=True)
    ledger = Ledger(method.budget)
    before = _copy(model)
    require(recording.folder, method.features)
    method.adapt(config, Source(task), RecordedTarget(recording, ledger, _camera(method)), run, model)
    _check_trained(method, before, model, run)
    assert ledger.spent("frames") > 0, f"{method.name}: adaptation read no frame through the target."
    priced = ledger.spent("labels") in (0, ledger.spent("frames"))
    assert priced, "Recorded frames are priced as frames, and all of them as labels where their labels are read."


def check_budget(method: Method[Any], recording: RecordedEpisodes) -> None:
    """The frame after the last that the paper had is refused, and nothing is priced."""
    limit = method.budget.frames
    if limit is None:
        return
    ledger = Ledger(method.budget)
    target = RecordedTarget(recording, ledger, _camera(method))
    refused(BudgetExceededError, lambda: target.take("frames", limit + 1), f"{method.name} read {limit + 1} frames")
    assert ledger.spent("frames") == 0, "A read that was refused was priced."


def check_policy(policy: Policy, task: Task[Any], domain: Domain, steps: int = 3) -> None:
    """A policy can be deployed: reads no privileged state, is pure, restarts rows, and unrolls as it acts."""
    world = SimulatedWorld(task, domain, policy.reads)
    check_pairing(policy, world, deployed=True)
    if isinstance(policy, ModularPolicy):
        oracle = cast("ModularPolicy[Any]", policy).swap(perception=Truth(task.interface))
        refuse = "A policy with the truth for eyes was taken for one that can be deployed"
        refused(PairingError, lambda: check_pairing(oracle, world, deployed=True), refuse)
        check_pairing(oracle, world, deployed=False)
    seeds = domain.seeds(np.arange(4))
    seen = [world.reset(seeds)]
    seen += [world.step(scripted(world.commands[0], seeds, step)).obs for step in range(steps)]
    acted, memory = list[Decision](), policy.initial_memory(4)
    generator = torch.Generator().manual_seed(0)
    for obs in seen:
        acted.append(policy.act(obs, memory, generator))
        memory = acted[-1].memory
    unrolled = policy.unroll(seen, policy.initial_memory(4), torch.Generator().manual_seed(0))
    _same_decisions(acted, unrolled)
    again = policy.act(seen[0], policy.initial_memory(4), torch.Generator().manual_seed(0))
    assert np.array_equal(again.value, acted[0].value), "The same arguments give another decision."
    restarted = dataclasses.replace(seen[0], is_first=np.ones(4, bool))
    late = policy.act(restarted, memory, torch.Generator().manual_seed(0))
    assert np.array_equal(late.value, acted[0].value), "Rows with is_first do not start with a fresh memory."
    for decision in acted:
        world.step(decision)  # refuses what is no command


def _same_decisions(acted: Sequence[Decision], unrolled: Decision) -> None:
    expected = {"kind": np.stack([d.kind for d in acted]), "value": np.stack([d.value for d in acted])}
    expected |= {f"aux {name}": np.stack([d.aux[name] for d in acted]) for name in acted[0].aux}
    found = {"kind": unrolled.kind, "value": unrolled.value} | {f"aux {k}": v for k, v in unrolled.aux.items()}
    same_bytes(expected, found, "act in a loop and unroll")
    ends = (tree_tensors(one.memory, "memory") for one in (acted[-1], unrolled))
    assert _equal(*ends), "act in a loop and unroll end with different memories."


def _check_trained(method: Method[Any], before: dict[str, torch.Tensor], model: nn.ModuleDict, run: Run) -> None:
    after = _copy(model)
    assert not _equal(before, after), f"{method.name}: the weights are where they began."
    for name, value in after.items():
        assert bool(torch.isfinite(value).all()), f"{method.name}: {name} is not finite."
    saved = run.trained().model
    assert _equal(saved, after), f"{method.name}: the last checkpoint holds other weights than training ended with."


def _camera(method: Method[Any]) -> str:
    return next(name for name in method.features if name.startswith("observation.images."))


def _copy(model: nn.ModuleDict) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _equal(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(value, b[name]) for name, value in a.items())

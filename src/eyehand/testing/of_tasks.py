"""What every task must keep to in every domain: rows share nothing, groups are withheld, the target stays closed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from eyehand.errors import InvalidValueError, TargetClosedError
from eyehand.learning.method import Source
from eyehand.learning.tensors import tree_tensors
from eyehand.testing.evidence import (
    BLIND,
    EVERYTHING,
    GROUPS,
    Evidence,
    evidence,
    play,
    refused,
    rows_of,
    same_bytes,
    scripted,
)
from eyehand.types import Decision, Flags, Group
from eyehand.world import counter, rows
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain, shipped_domains
from eyehand.world.simulation import SimulatedWorld, Snapshot
from eyehand.world.task import Task


def check_task(task: Task[Any], domains: Sequence[Domain], batch: int = 16, steps: int = 2) -> None:
    """Every check of a task, in every domain given.

    Args:
        task: the task.
        domains: domains to put it into; between them they should name every back end of the task.
        batch: rows stepped together; fewer make slow pictures bearable.
        steps: control steps that are compared.
    """
    check_declarations(task)
    check_sampling(task)
    check_target_closed(task)
    for domain in domains:
        check_batches(task, domain, batch, steps)
        check_threads(task, domain, 2 * batch)
        check_snapshot(task, domain, min(batch, 4), steps)
        check_row_reset(task, domain, steps)
        check_auto_reset(task, domain)
        check_withheld(task, domain)
        check_looks(task, domain)
        check_refusals(task, domain)
        check_interface(task, domain)
        check_expert(task, domain)


def check_declarations(task: Task[Any]) -> None:
    """What a task says about itself fits together: commands, horizon, pictures, calibration."""
    assert task.horizon >= 1, f"Task {task.name}: the horizon is {task.horizon} steps; at least 1 is needed."
    assert task.dt_s > 0, f"Task {task.name}: dt_s is {task.dt_s}; control steps take time."
    for spec in task.commands:
        low, high = np.array(spec.low), np.array(spec.high)
        assert low.shape == high.shape, f"Command {spec.name}: low has {low.shape} numbers, high {high.shape}."
        assert (low <= high).all(), f"Command {spec.name}: low {spec.low} is above high {spec.high}."
        table = np.array(spec.table) if spec.table is not None else low[None]
        inside = (table >= low - 1e-12) & (table <= high + 1e-12)
        assert inside.all(), f"Command {spec.name}: rows of the table lie outside low and high."
    text = json.dumps(dict(task.calibration), allow_nan=False)
    assert json.loads(text) == dict(task.calibration), f"Task {task.name}: the calibration is no plain JSON."


def check_sampling(task: Task[Any]) -> None:
    """Scenes are functions of the seed alone; verdicts and what a recording tells have the shapes they should."""
    seeds = np.arange(16, dtype=np.int64)
    together = task.sample(seeds)
    trees = tree_tensors(together, "state")
    for row in range(16):
        for name, value in tree_tensors(task.sample(seeds[row : row + 1]), "state").items():
            same = torch.equal(value[0], trees[name][row])
            assert same, f"Task {task.name}: {name} of seed {row} depends on the batch that it is sampled in."
    others = tree_tensors(task.sample(seeds + 16), "state")
    differs = any(not torch.equal(value, others[name]) for name, value in trees.items())
    assert differs, f"Task {task.name}: other seeds give the same scenes."
    verdict = task.judge(together)
    shapes = {"reward": verdict.reward, "terminated": verdict.terminated, "success": verdict.success}
    for name, value in {**shapes, **verdict.measures}.items():
        assert value.shape == (16,), f"Task {task.name}: {name} has shape {value.shape}, one number a row is needed."
        assert np.isfinite(value).all(), f"Task {task.name}: {name} is not finite."
    told = task.environment(together)
    assert told.ndim == 2, f"Task {task.name}: environment() has shape {told.shape}, (B, E) is needed."
    assert len(told) == 16, f"Task {task.name}: environment() tells {len(told)} rows of 16."
    assert np.isfinite(told).all(), f"Task {task.name}: environment() is not finite."


def check_batches(task: Task[Any], domain: Domain, batch: int = 16, steps: int = 2) -> None:
    """A row gives the same bytes whether it is stepped alone or with others."""
    seeds = domain.seeds(np.arange(batch))
    world = SimulatedWorld(task, domain, EVERYTHING)
    together = [evidence(world, world.reset(seeds)), *play(world, seeds, steps)]
    for row in range(batch):
        one = seeds[row : row + 1]
        alone = [evidence(world, world.reset(one)), *play(world, one, steps)]
        for step, (many, single) in enumerate(zip(together, alone, strict=True)):
            same_bytes(
                rows_of(many, np.array([row])), single, f"row {row} alone and among {batch}, step {step}, {domain.name}"
            )


def check_threads(task: Task[Any], domain: Domain, batch: int = 32) -> None:
    """Pictures do not depend on how many threads draw them; covers back ends that ask `rows.default_threads`."""
    seeds = domain.seeds(np.arange(batch))
    found: list[Evidence] = []
    for threads in (1, 2):
        with mock.patch.object(rows, "default_threads", return_value=threads):
            world = SimulatedWorld(task, domain, EVERYTHING)
            found.append(evidence(world, world.reset(seeds)))
    same_bytes(found[0], found[1], f"1 and 2 threads, {domain.name}")


def check_snapshot(task: Task[Any], domain: Domain, batch: int = 4, steps: int = 2) -> None:
    """A restored snapshot and a fork go on with the same bytes as the world they come from."""
    seeds = domain.seeds(np.arange(batch))
    world = SimulatedWorld(task, domain, EVERYTHING)
    world.reset(seeds)
    play(world, seeds, steps)
    snapshot = world.now
    before = {name: tensor.clone() for name, tensor in tree_tensors(snapshot, "snapshot").items()}
    chosen = np.repeat(np.arange(batch)[::-1], 2)
    fork = world.fork(np.arange(batch)[::-1], 2)
    went = play(world, seeds, steps, first=steps)
    for name, tensor in tree_tensors(snapshot, "snapshot").items():
        assert torch.equal(tensor, before[name]), f"Stepping wrote into the snapshot's {name} ({domain.name})."
    world.reset(seeds + batch)
    world.restore(snapshot)
    for step, (first, again) in enumerate(zip(went, play(world, seeds, steps, first=steps), strict=True)):
        same_bytes(first, again, f"a world and its restored snapshot, {step + 1} steps on, {domain.name}")
    for step, (first, forked) in enumerate(zip(went, play(fork, seeds[chosen], steps, first=steps), strict=True)):
        same_bytes(rows_of(first, chosen), forked, f"a world and its fork, {step + 1} steps on, {domain.name}")


def check_row_reset(task: Task[Any], domain: Domain, steps: int = 2) -> None:
    """Resetting some rows leaves the others' bytes alone, and gives the rows that were reset a fresh episode."""
    seeds, chosen = domain.seeds(np.arange(4)), np.array([1, 3])
    fresh = domain.seeds(np.array([40, 41]))
    others = np.array([0, 2])
    world = SimulatedWorld(task, domain, EVERYTHING)
    world.reset(seeds)
    before = play(world, seeds, steps)[-1]
    undisturbed = world.fork(np.arange(4), 1)
    partly = world.reset(fresh, chosen)
    first = np.isin(np.arange(4), chosen)
    assert (partly.is_first == first).all(), f"After a reset of rows {chosen}, is_first is {partly.is_first}."
    shown = evidence(world, partly)
    left = {name: before[name] for name in shown if name != "is_first"}
    same_bytes(
        rows_of(left, others),
        rows_of({name: shown[name] for name in left}, others),
        "rows beside those that were reset",
    )
    new = evidence(other := world.fork(np.arange(2), 1), other.reset(fresh))
    same_bytes(rows_of(shown, chosen), new, f"a row that was reset and a fresh one, {domain.name}")
    went, expected = play(world, seeds, steps, first=steps), play(undisturbed, seeds, steps, first=steps)
    for one, two in zip(went, expected, strict=True):
        same_bytes(rows_of(one, others), rows_of(two, others), "rows beside those that were reset, some steps on")


def check_auto_reset(task: Task[Any], domain: Domain) -> None:
    """Rows that end start the next episode at once, the others do not; `final_obs` is what was seen before that."""
    seeds = domain.seeds(np.arange(4))
    world = SimulatedWorld(task, domain, BLIND, auto_reset=True)
    world.reset(seeds)
    for step in range(task.horizon):
        before = world.now
        transition = world.step(scripted(world.commands[0], seeds, step))
        ended = transition.terminated | transition.truncated
        assert (transition.obs.is_first == ended).all(), f"Step {step}: is_first and the rows that ended differ."
        assert not (transition.terminated & transition.truncated).any(), f"Step {step}: a row ended in both ways."
        if ended.any():
            _check_one_reset(world, before, scripted(world.commands[0], seeds, step), ended)
            return
        assert transition.final_obs is None, f"Step {step}: no row ended, and yet there is a final observation."
    raise AssertionError(f"No episode of {task.name} ended within its horizon of {task.horizon} steps.")


def _check_one_reset(world: SimulatedWorld[Any], before: Snapshot[Any], decision: Decision, ended: Flags) -> None:
    """Take the step before which the world was in a snapshot once more, with pictures, with and without reset."""
    task, domain, which = world.task, world.domain, np.flatnonzero(ended)
    resetting = SimulatedWorld(task, domain, EVERYTHING, auto_reset=True)
    staying = SimulatedWorld(task, domain, EVERYTHING)
    resetting.restore(before)
    staying.restore(before)
    new, old = resetting.step(decision), staying.step(decision)
    assert new.final_obs is not None, "Rows ended, and yet there is no final observation."
    last = {f"camera {name}": camera.rgb for name, camera in new.final_obs.cameras.items()}
    seen = {f"camera {name}": camera.rgb for name, camera in old.obs.cameras.items()}
    told = {"proprio": (new.final_obs.proprio, old.obs.proprio), "sent": (new.final_obs.sent, old.obs.sent)}
    for name, (final, expected) in ({name: (last[name], seen[name]) for name in last} | told).items():
        assert final is not None, f"The final observation lacks {name}."
        assert expected is not None
        assert np.array_equal(final[which], expected[which]), f"{name} of the final observation is not of the end."
    kept = tree_tensors(new.final_obs.privileged, "state")
    for name, value in tree_tensors(old.obs.privileged, "state").items():
        assert torch.equal(kept[name], value), f"{name} of the final observation is not of the end."
    begun = resetting.fork(which, 1)
    fresh = evidence(begun, begun.reset(counter.next_seeds(before.seeds[which])))
    shown = evidence(resetting, new.obs)
    same_bytes(rows_of(shown, which), fresh, f"an episode begun by itself and one begun by reset, {domain.name}")


def check_withheld(task: Task[Any], domain: Domain) -> None:
    """A world hands over the groups that were asked for, and no others."""
    seeds = domain.seeds(np.arange(2))
    for asked in (frozenset[Group](), *(frozenset[Group]({group}) for group in GROUPS)):
        obs = SimulatedWorld(task, domain, asked).reset(seeds)
        given = {
            "camera": bool(obs.cameras),
            "proprio": obs.proprio is not None,
            "goal": obs.goal is not None,
            "previous_action": obs.sent is not None,
            "privileged": obs.privileged is not None,
        }
        for group, there in given.items():
            expected = group in asked and (group != "goal" or task.goal(domain) is not None)
            assert there == expected, f"Asked for {sorted(asked)}, {group!r} is {'there' if there else 'missing'}."


def check_looks(task: Task[Any], domain: Domain) -> None:
    """Only rows that look get a picture; theirs is the same as if all looked."""
    seeds = domain.seeds(np.arange(3))
    world = SimulatedWorld(task, domain, frozenset[Group]({"camera"}))
    world.reset(seeds)
    everyone = world.observe()
    looks = np.array([True, False, True])
    some = world.observe(dict.fromkeys(task.camera_size, looks))
    assert everyone.cameras.keys() == task.camera_size.keys(), "The cameras are not those that the task declares."
    for name, size in task.camera_size.items():
        whole, part = everyone.cameras[name].rgb, some.cameras[name].rgb
        assert whole is not None, f"Camera {name} shows nothing."
        assert part is not None, f"Camera {name} shows nothing to the rows that look."
        assert whole.shape == (3, *size, 3), f"Camera {name}: pictures {whole.shape}, declared is {size}."
        assert whole.dtype == np.uint8, f"Camera {name}: pictures are {whole.dtype}, uint8 is needed."
        assert not part[~looks].any(), f"Camera {name}: a row that does not look got a picture."
        assert np.array_equal(part[looks], whole[looks]), f"Camera {name}: a picture depends on who else looks."


def check_refusals(task: Task[Any], domain: Domain) -> None:
    """Commands that are no commands are refused with InvalidValueError, and the world stays as it was."""
    seeds = domain.seeds(np.arange(2))
    world = SimulatedWorld(task, domain, BLIND)
    world.reset(seeds)
    spec = world.commands[0]
    if spec.table is None:
        width = len(spec.low)
        wrong = [np.full((2, width), np.nan), np.array([[0.0] * width, [np.inf] * width]), np.zeros((3, width))]
    else:
        size = len(spec.table)
        wrong = [np.array([0, size]), np.array([-1, 0]), np.array([0.0, np.nan]), np.zeros(3, np.int64)]
    before = evidence(world, world.observe())
    for value in wrong:
        try:
            world.step(Decision(np.zeros(2, np.int64), value))
        except InvalidValueError:
            same_bytes(
                before, evidence(world, world.observe()), f"the world before and after refusing {value.tolist()}"
            )
        else:
            raise AssertionError(f"The world carried out {value.tolist()}; InvalidValueError is expected.")


def check_interface(task: Task[Any], domain: Domain) -> None:
    """Truth has no distance to itself, corruption of level 0 changes nothing, hardening twice is hardening once."""
    interface = task.interface
    world = SimulatedWorld(task, domain, frozenset[Group]({"camera", "privileged"}))
    obs = world.reset(domain.seeds(np.arange(4)))
    z = interface.truth(world.privileged())
    if z is None:
        return  # latent: neither an oracle nor an error is defined
    generator = torch.Generator().manual_seed(0)
    far = interface.corrupt(z, 1.0, generator)
    _at_distance(interface, z, z, "the truth and itself", zero=True)
    _at_distance(interface, z, interface.corrupt(z, 0.0, generator), "the truth and its corruption of level 0", True)
    _at_distance(interface, z, far, "the truth and its corruption of level 1", zero=False)
    _at_distance(interface, z, interface.harden(z), "the truth and the hardened truth", zero=True)
    hard = interface.harden(far)
    _at_distance(interface, hard, interface.harden(hard), "hardening once and twice", zero=True)
    pictures = next(iter(obs.cameras.values())).rgb
    assert pictures is not None
    kept = pictures.copy()
    drawn = interface.draw(pictures, z)
    assert (drawn.shape, drawn.dtype) == (kept.shape, kept.dtype), f"draw() gives {drawn.dtype} {drawn.shape}."
    assert (drawn != kept).any(axis=(1, 2, 3)).all(), "draw() left a picture as it was."
    assert np.array_equal(pictures, kept), "draw() wrote into the pictures that it was given."


def _at_distance(interface: Any, a: Any, b: Any, what: str, zero: bool) -> None:
    distances: Mapping[str, torch.Tensor] = interface.distance(a, b)
    assert distances, "distance() gives no unit."
    for unit, values in distances.items():
        assert values.shape == (4,), f"distance() in {unit} has shape {tuple(values.shape)}, (B,) is needed."
        assert bool(torch.isfinite(values).all()), f"The distance between {what} is not finite in {unit}."
        assert bool((values >= 0).all()), f"The distance between {what} is negative in {unit}."
        if zero:
            assert float(values.max()) <= 1e-4, f"The distance between {what} is {float(values.max()):g} {unit}, not 0."
    assert zero or any(bool((values > 0).all()) for values in distances.values()), f"{what} are the same."


def check_expert(task: Task[Any], domain: Domain, least: float = 0.5) -> None:
    """The expert's labels are valid commands, do not depend on the batch, and lead to success.

    Args:
        task: the task.
        domain: the domain.
        least: share of 16 episodes in which the expert must succeed.
    """
    seeds = domain.seeds(np.arange(16))
    world = SimulatedWorld(task, domain, BLIND)
    obs = world.reset(seeds)
    expert, memory = task.expert(), None
    alone = expert.label(rows.take(world.privileged(), np.array([5])), None, None)
    succeeded = np.zeros(16, bool)
    for step in range(task.horizon):
        decision = expert.label(world.privileged(), obs.sent, memory)
        memory = decision.memory
        same = step > 0 or np.array_equal(decision.value[5:6], alone.value)
        assert same, f"The expert's label of a state depends on its batch: {decision.value[5]}, alone {alone.value[0]}."
        known = (decision.kind >= 0) & (decision.kind < len(world.commands))
        assert known.all(), f"Step {step}: the expert names a kind of command that the task does not have."
        obs = world.step(decision).obs  # refuses what is no command
        succeeded |= world.verdict().success
    share = float(succeeded.mean())
    assert share >= least, f"The expert of {task.name} succeeds in {share:.0%} of episodes in {domain.name}."


def check_target_closed(task: Task[Any]) -> None:
    """Training can build no domain that stands for the real robot, shipped or in a user's file."""
    source = Source(task)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reality.toml"
        path.write_text('base = "sim"\nheld_out = true\n', encoding="utf-8")
        held_out = [name for name in shipped_domains(task.name) if load_domain(name, task.name).held_out]
        for name in (*held_out, *(f"{n}/test" for n in held_out if load_domain(n, task.name).population), str(path)):
            refused(TargetClosedError, lambda name=name: source.domain(name), f"Training loaded {name!r}")
            refused(TargetClosedError, lambda name=name: source.world(name, BLIND), f"Training built {name!r}")

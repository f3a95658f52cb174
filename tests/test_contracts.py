"""The contract suite over every task and method of the house, and proof that it finds what it looks for."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyehand.data.ledger import Ledger
from eyehand.data.target import RecordedTarget
from eyehand.errors import BudgetExceededError, PairingError, TargetClosedError
from eyehand.evaluation.crossing import record
from eyehand.learning.method import Source, check_fit, fits
from eyehand.learning.run import Run
from eyehand.methods import METHODS, load_method
from eyehand.tasks import TASKS, load_task
from eyehand.testing import check_method, check_task, of_methods, of_tasks
from eyehand.testing.evidence import scripted
from eyehand.types import Decision
from eyehand.world import counter, rows
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain

SIM = Domain()


def names(references: tuple[str, ...]) -> list[str]:
    return [reference.partition(":")[0].rpartition(".")[2] for reference in references]


def one_draw(name: str) -> Domain:
    """A domain of planar_reach with a single draw, because the first picture of a traced draw is dear."""
    return dataclasses.replace(load_domain(name, "planar_reach"), draws=1)


@pytest.mark.parametrize("name", names(TASKS))
def test_every_task_keeps_its_contract(name: str) -> None:
    check_task(load_task(name), [load_domain("sim", name)])


@pytest.mark.parametrize("joints", [1, 2])
def test_planar_reach_keeps_its_contract_with_fewer_joints(joints: int) -> None:
    check_task(load_task("planar_reach", joints=joints), [SIM], batch=4)


def test_drawn_pictures_with_every_number_random_keep_the_contract() -> None:
    check_task(load_task("planar_reach"), [load_domain("randomized", "planar_reach")], batch=4)


def test_the_twin_keeps_its_contract() -> None:
    task, twin = load_task("planar_reach"), one_draw("twin")
    of_tasks.check_batches(task, twin, batch=3, steps=1)
    of_tasks.check_threads(task, twin, batch=2)
    of_tasks.check_snapshot(task, twin, batch=2, steps=1)
    of_tasks.check_expert(task, twin)


@pytest.mark.parametrize("task", names(TASKS))
@pytest.mark.parametrize("method", names(METHODS))
def test_every_method_keeps_its_contract_on_every_task_that_it_fits(method: str, task: str) -> None:
    if fits(load_method(method), load_task(task)):
        check_method(load_method(method), load_task(task), "tiny")
    else:
        with pytest.raises(PairingError, match=f"{method}.*interface.*{task}"):
            check_fit(load_method(method), load_task(task))


def test_training_cannot_build_the_target() -> None:
    source = Source(load_task("planar_reach"))
    for name in ("twin", "twin/val", "twin/test", "live", "twin-physical", "twin-occlusion-c"):
        with pytest.raises(TargetClosedError, match=rf"'{name}'.*held out.*eyehand record.*eyehand adapt"):
            source.domain(name)
    assert source.domain("sim") == SIM


def test_the_1419th_frame_is_refused_and_not_counted(tmp_path: Path) -> None:
    recording = record(load_task("planar_reach"), SIM, 2, tmp_path / "recording")
    ledger = Ledger(load_method("modular_dqn").budget, tmp_path / "ledger.json")
    target = RecordedTarget(recording, ledger)
    with pytest.raises(BudgetExceededError, match=r"1419.*1418"):
        target.take("frames", 1419)
    assert ledger.spent("frames") == 0
    assert not ledger.path.exists()
    assert len(target.take("frames", 2).images) == 2
    assert ledger.left("frames") == 1416


def test_a_task_that_tells_nothing_of_the_scene_can_be_recorded(tmp_path: Path) -> None:
    task = load_task("planar_reach")
    silent: Any = Changed(task, environment=lambda state: np.zeros((len(state.q_rad), 0)))
    of_tasks.check_sampling(silent)
    recording = record(silent, SIM, 2, tmp_path / "recording")
    assert "observation.environment_state" not in recording.features
    target = RecordedTarget(recording, Ledger(load_method("modular_dqn").budget))
    assert target.take("frames", 2).environment_state is None


class Changed:
    """A thing with some of its attributes replaced: how the tests below break a contract."""

    def __init__(self, thing: Any, **changes: Any) -> None:
        self._thing, self._changes = thing, changes

    def within(self, _domain: Domain) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return self._changes[name] if name in self._changes else getattr(self._thing, name)


@pytest.fixture
def task() -> Any:
    return load_task("planar_reach")


def painted(task: Any, paint: Any) -> Any:
    """The task with pictures that a function has changed."""

    def imaging(domain: Domain) -> Any:
        (camera, drawing), *_ = task.imaging(domain).items()

        def capture(state: Any, seeds: Any, step: Any) -> Any:
            return paint(drawing.capture(state, seeds, step))

        return {camera: Changed(drawing, capture=capture)}

    return Changed(task, imaging=imaging)


def mean_of_the_batch(frames: Any) -> Any:
    return (frames // 2 + frames.mean(axis=0).astype(np.uint8) // 2).astype(np.uint8)


def test_it_finds_pictures_that_depend_on_the_batch(task: Any) -> None:
    with pytest.raises(AssertionError, match=r"row 0 alone and among 4, step 0, sim: camera webcam differs"):
        of_tasks.check_batches(painted(task, mean_of_the_batch), SIM, batch=4)


def test_it_finds_pictures_that_depend_on_the_threads(task: Any) -> None:
    broken = painted(task, lambda frames: frames // rows.default_threads())
    with pytest.raises(AssertionError, match="1 and 2 threads, sim: camera webcam differs"):
        of_tasks.check_threads(broken, SIM, batch=2)


def test_it_finds_pictures_from_a_generator_of_the_worlds_own(task: Any) -> None:
    noise = np.random.default_rng(0)
    broken = painted(task, lambda frames: frames ^ noise.integers(0, 2, frames.shape).astype(np.uint8))
    with pytest.raises(AssertionError, match="a world and its restored snapshot, 1 steps on"):
        of_tasks.check_snapshot(broken, SIM)
    with pytest.raises(AssertionError, match="beside those that were reset: camera webcam differs"):
        of_tasks.check_row_reset(broken, SIM)


def test_it_finds_motion_that_shares_state_between_rows(task: Any) -> None:
    def motion(domain: Domain) -> Any:
        exact = task.motion(domain)

        def advance(state: Any, hidden: Any, command: Any, *rest: Any) -> Any:
            return exact.advance(state, hidden, command + command.mean(0), *rest)

        return Changed(exact, advance=advance)

    with pytest.raises(AssertionError, match=r"alone and among 4, step 1, sim: snapshot/state/q_rad differs"):
        of_tasks.check_batches(Changed(task, motion=motion), SIM, batch=4)


def test_it_finds_motion_that_writes_into_the_state(task: Any) -> None:
    def motion(domain: Domain) -> Any:
        exact = task.motion(domain)

        def advance(state: Any, hidden: Any, command: Any, *_: Any) -> Any:
            np.add(state.q_rad, command, out=state.q_rad)
            return state, hidden

        return Changed(exact, advance=advance)

    with pytest.raises(AssertionError, match="Stepping wrote into the snapshot's snapshot/state/q_rad"):
        of_tasks.check_snapshot(Changed(task, motion=motion), SIM)


def test_it_finds_scenes_that_depend_on_the_batch_or_not_on_the_seed(task: Any) -> None:
    with pytest.raises(AssertionError, match="of seed 1 depends on the batch"):
        of_tasks.check_sampling(Changed(task, sample=lambda seeds: task.sample(np.arange(len(seeds)))))
    with pytest.raises(AssertionError, match="other seeds give the same scenes"):
        of_tasks.check_sampling(Changed(task, sample=lambda seeds: task.sample(0 * seeds)))


def test_it_finds_a_calibration_that_no_file_can_hold(task: Any) -> None:
    with pytest.raises(AssertionError, match="calibration is no plain JSON"):
        of_tasks.check_declarations(Changed(task, calibration={"size": (1, 2)}))


def test_it_finds_interfaces_that_move_by_themselves(task: Any) -> None:
    honest = task.interface
    broken = {
        "hardened truth is": {"harden": lambda z: z * 0.9},
        "corruption of level 0 is": {"corrupt": lambda z, level, _: z + 0.1 * (level + 1)},
        "corruption of level 1 are the same": {"corrupt": lambda z, *_: z},
        "draw\\(\\) left a picture": {"draw": lambda image, _: image.copy()},
        "draw\\(\\) gives float64": {"draw": lambda image, z: honest.draw(image, z).astype(float)},
        "the truth and itself is": {"distance": lambda a, _: {"cm": torch.ones(len(a))}},
        "gives no unit": {"distance": lambda *_: {}},
    }
    for complaint, change in broken.items():
        with pytest.raises(AssertionError, match=complaint):
            of_tasks.check_interface(Changed(task, interface=Changed(honest, **change)), SIM)


def test_it_finds_experts_that_do_not_help(task: Any) -> None:
    def idle(state: Any, *_: Any) -> Decision:
        return Decision(np.zeros(len(state.q_rad), np.int64), np.full(len(state.q_rad), 2))

    with pytest.raises(AssertionError, match=r"expert of planar_reach succeeds in \d+% of episodes in sim"):
        of_tasks.check_expert(Changed(task, expert=lambda: Changed(None, label=idle), horizon=50), SIM)


def test_it_finds_resets_that_are_not_those_of_the_seed(task: Any) -> None:
    short = Changed(task, horizon=3)
    of_tasks.check_auto_reset(short, SIM)
    ending = Changed(short, judge=lambda s: dataclasses.replace(task.judge(s), terminated=np.ones(len(s.q_rad), bool)))
    of_tasks.check_auto_reset(ending, SIM)  # every step ends an episode
    calls = itertools.count()
    with pytest.raises(AssertionError, match="an episode begun by itself and one begun by reset"):
        of_tasks.check_auto_reset(Changed(short, sample=lambda seeds: task.sample(seeds + next(calls))), SIM)


def test_it_finds_methods_that_draw_from_global_randomness() -> None:
    method, task = load_method("modular_dqn"), load_task("planar_reach")

    def fresh(*_: Any) -> torch.nn.ModuleDict:
        return torch.nn.ModuleDict({"eyes": torch.nn.Linear(2, 2)})

    with pytest.raises(AssertionError, match="fresh networks depend on global randomness"):
        of_methods.check_networks(Changed(method, networks=fresh), task, "tiny")


def test_it_finds_training_that_forgets_to_train(tmp_path: Path) -> None:
    method, task = load_method("modular_dqn"), load_task("planar_reach")
    idle = Changed(method, train=lambda *_: None)
    with pytest.raises(AssertionError, match="the weights are where they began"):
        of_methods.check_training(idle, task, "tiny", tmp_path)

    def in_secret(_config: Any, _source: Source, run: Run, model: torch.nn.ModuleDict) -> None:
        run.checkpoints.save(1, model.state_dict(), {}, {})
        with torch.no_grad():
            next(model.parameters()).add_(1.0)

    with pytest.raises(AssertionError, match="the last checkpoint holds other weights"):
        of_methods.check_training(Changed(method, train=in_secret), task, "tiny", tmp_path / "other")


def test_it_finds_policies_that_cannot_be_deployed() -> None:
    method, task = load_method("modular_dqn"), load_task("planar_reach")
    policy: Any = method.policy(method.networks(method.preset("tiny"), task, 0), task)
    of_methods.check_policy(policy, task, SIM)
    moody = iter(range(100))

    def act(obs: Any, *_: Any) -> Decision:
        return Decision(np.zeros(obs.batch, np.int64), np.full(obs.batch, next(moody) % 9))

    def unroll(*_: Any) -> Decision:
        return Decision(np.zeros((4, 4), np.int64), np.zeros((4, 4), np.int64))

    with pytest.raises(AssertionError, match="act in a loop and unroll: value differs"):
        of_methods.check_policy(Changed(policy, act=act, unroll=unroll), task, SIM)


def test_scripted_commands_follow_seed_and_step_alone(task: Any) -> None:
    seeds = counter.bits(0, "test", 0, np.arange(64)).astype(np.int64) >> 1
    whole = scripted(task.commands[0], seeds, 3).value
    assert set(whole) == set(range(9))
    assert (scripted(task.commands[0], seeds[7:9], 3).value == whole[7:9]).all()
    assert (scripted(task.commands[0], seeds, 4).value != whole).any()
    continuous = dataclasses.replace(task.commands[0], table=None)
    values = scripted(continuous, seeds, 0).value
    assert values.shape == (64, 3)
    assert np.abs(values).max() <= 0.04
    assert np.abs(values).max() > 0.035

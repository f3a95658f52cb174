from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from eyehand.errors import EyehandError, FileFormatError, InvalidValueError
from eyehand.learning.generators import generator_tensors, restore_generators, spawn
from eyehand.learning.loop import Interrupted, Schedule, fit
from eyehand.learning.replay import NStepWindow, Replay
from eyehand.learning.run import Run
from eyehand.learning.tensors import optimiser_tensors, restore_optimiser

CONFIG: dict[str, Any] = {"method": "toy", "seed": 11}
EYES = Schedule(updates=5, log_every=2, checkpoint_every=2)
HAND = Schedule(updates=7, log_every=3, evaluate_every=4, checkpoint_every=3)
Hook = Callable[[str, int], None]


class Killed(BaseException):
    """Stands for SIGKILL: nothing that handles errors may see it."""


def no_hook(phase: str, done: int) -> None:
    del phase, done


class ToyLearner:
    """Regression from a replay that fills as it learns: optimiser, replay, window, generator and step all matter."""

    def __init__(self, name: str, model: nn.ModuleDict, seed: int, hook: Hook = no_hook) -> None:
        self.name, self.hook, self.done = name, hook, 0
        self.network = model[name]
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=0.1)
        self.generator = spawn(seed, name)
        self.replay = Replay(24, (2,))
        self.window = NStepWindow(3, 0.9, 4, (2,))

    def update(self) -> Mapping[str, float | Tensor]:
        self.done += 1
        self.hook(self.name, self.done)
        state, arrived = torch.rand(2, 4, 2, generator=self.generator)
        reward = torch.rand(4, generator=self.generator) + torch.rand(4)  # the second from global randomness
        ended = torch.rand(2, 4, generator=self.generator) < 0.3
        self.replay.insert(self.window.push(state, torch.zeros(4).long(), reward, arrived, ended[0], ended[1]))
        loss = torch.zeros(())
        if len(self.replay):
            batch = self.replay.sample(8, self.generator)
            loss = (self.network(batch.state)[:, 0] - batch.n_step_return - batch.discount).square().mean()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
        return {"train/loss": loss, "train/frames": 2**24 + 4.0 * self.done + 1}

    def evaluate(self) -> Mapping[str, float]:
        self.hook(f"evaluate {self.name}", self.done)
        return {"eval/sim/success": float(self.network(torch.ones(1, 2)).detach())}

    def extra(self) -> dict[str, Tensor]:
        adam = optimiser_tensors(self.optimiser)
        parts = {"replay": self.replay.tensors(), "window": self.window.tensors(), "adam": adam}
        nested = {f"{name}/{key}": tensor for name, part in parts.items() for key, tensor in part.items()}
        return nested | generator_tensors(explore=self.generator)

    def state(self) -> Mapping[str, int]:
        return {"done": self.done}

    def restore(self, extra: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        def below(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): t for k, t in extra.items() if k.startswith(prefix)}

        restore_optimiser(self.optimiser, below("adam/"))
        restore_generators(extra, explore=self.generator)
        self.replay.restore(below("replay/"))
        self.window.restore(below("window/"))
        self.done = state["done"]


def networks() -> nn.ModuleDict:
    """The same initial weights every time, whatever happened to global randomness."""
    model = nn.ModuleDict({"eyes": nn.Linear(2, 1), "hand": nn.Linear(2, 1)})
    for i, parameter in enumerate(model.parameters()):
        nn.init.constant_(parameter, 0.1 * (i + 1))
    return model


def train(run: Run, hook: Hook = no_hook, schedules: tuple[Schedule, Schedule] = (EYES, HAND)) -> nn.ModuleDict:
    """A method with two phases; between them the hand is made from the eyes."""
    torch.manual_seed(0)
    model = networks()
    fit("eyes", ToyLearner("eyes", model, run.seed, hook), schedules[0], run, model)
    model["hand"].load_state_dict(model["eyes"].state_dict())
    fit("hand", ToyLearner("hand", model, run.seed, hook), schedules[1], run, model)
    return model


def outcome(run: Run) -> tuple[bytes, list[dict[str, Any]]]:
    """Final weights, and metrics without what depends on the clock."""
    newest = (run.folder / "checkpoints" / "last").read_text().strip()
    weights = (run.folder / "checkpoints" / newest / "model.safetensors").read_bytes()
    metrics = [{k: v for k, v in line.items() if not k.startswith("time/")} for line in run.metrics()]
    return weights, metrics


def start_or_resume(folder: Path, hook: Hook = no_hook, schedules: tuple[Schedule, Schedule] = (EYES, HAND)) -> Run:
    born = (folder / "config.json").exists()
    run = Run.open(folder, quiet=True) if born else Run.create(folder, CONFIG, quiet=True)
    train(run, hook, schedules)
    return run


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr("eyehand.learning.run._provenance", dict)  # asks git and every package


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[dict[str, Any]]]:
    return outcome(start_or_resume(tmp_path_factory.mktemp("runs") / "whole"))


def test_an_uninterrupted_run_logs_what_its_schedule_says(uninterrupted: tuple[bytes, list[dict[str, Any]]]) -> None:
    _, metrics = uninterrupted
    assert [line["step"] for line in metrics] == [2, 4, 5, 8, 9, 11, 12]
    assert [line["step"] for line in metrics if "eval/sim/success" in line] == [9, 12]
    assert metrics[-1]["train/frames"] == 2**24 + 29, "a count must not pass through 32 bits"


def test_speed_and_position_are_on_disk(tmp_path: Path) -> None:
    run = start_or_resume(tmp_path / "a")
    assert all(line["time/updates_per_s"] > 0 and line["time/frames_per_s"] > 0 for line in run.metrics())  # type: ignore[operator]
    state = json.loads((run.folder / "checkpoints" / "12" / "state.json").read_text())
    assert state["phase"] == "hand"
    assert state["completed"] == {"eyes": 5, "hand": 7}
    assert state["threads"] == torch.get_num_threads()
    assert json.loads((run.folder / "provenance.json").read_text())["wall_s"] > 0
    assert run.checkpoints.steps() == [11, 12]


def test_frames_before_a_resume_are_not_counted_as_new(tmp_path: Path) -> None:
    def kill(phase: str, done: int) -> None:
        if (phase, done) == ("hand", 5):
            raise Killed

    with pytest.raises(Killed):
        start_or_resume(tmp_path / "a", kill)
    resumed = [line for line in start_or_resume(tmp_path / "a").metrics() if line["step"] > 8]  # type: ignore[operator]
    assert ["time/frames_per_s" in line for line in resumed] == [False, True, True]
    for line in resumed[1:]:  # ToyLearner counts 4 frames an update; its first count is 2**24
        assert line["time/frames_per_s"] == pytest.approx(4 * line["time/updates_per_s"])  # type: ignore[operator]


MOMENTS = [("eyes", done) for done in range(1, 6)] + [("hand", done) for done in range(1, 8)]
MOMENTS += [("evaluate hand", 4), ("evaluate hand", 7)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_any_update_and_resumed_equals_uninterrupted(
    tmp_path: Path, moment: tuple[str, int], uninterrupted: tuple[bytes, list[dict[str, Any]]]
) -> None:
    def kill(phase: str, done: int) -> None:
        if (phase, done) == moment:
            raise Killed

    with pytest.raises(Killed):
        start_or_resume(tmp_path / "a", kill)
    assert outcome(start_or_resume(tmp_path / "a")) == uninterrupted


def test_killed_again_and_again_it_still_gets_there(
    tmp_path: Path, uninterrupted: tuple[bytes, list[dict[str, Any]]]
) -> None:
    calls = itertools.count(1)

    def kill_every_fifth(phase: str, done: int) -> None:
        del phase, done
        if next(calls) % 5 == 0:
            raise Killed

    for _ in range(40):
        try:
            run = start_or_resume(tmp_path / "a", kill_every_fifth)
        except Killed:
            continue
        break
    assert outcome(run) == uninterrupted


class KillAt:
    """Dies at the n-th system call that changes the disk, before or after its effect."""

    def __init__(self, patch: pytest.MonkeyPatch, n: int, after: bool) -> None:
        self.calls, self.n, self.after = 0, n, after
        for name in ("fsync", "rename", "replace", "mkdir", "rmdir", "unlink"):
            patch.setattr(os, name, self.wrap(getattr(os, name)))

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == self.n and self.after:
                function(*args, **kwargs)
            if self.calls >= self.n:  # a dead process makes no further call, whatever clean-up the code attempts
                raise Killed
            return function(*args, **kwargs)

        return call


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_system_call_and_resumed_equals_uninterrupted(tmp_path: Path, after: bool) -> None:
    short = (Schedule(2, log_every=1, checkpoint_every=1), Schedule(1))
    uninterrupted = outcome(start_or_resume(tmp_path / "whole", schedules=short))
    n = 0
    for n in itertools.count(1):
        folder = tmp_path / str(n)
        with pytest.MonkeyPatch.context() as patch:
            KillAt(patch, n, after)
            try:
                start_or_resume(folder, schedules=short)
            except Killed:
                pass
            else:
                break
        assert outcome(start_or_resume(folder, schedules=short)) == uninterrupted, f"killed at call {n}"
        assert not list(folder.rglob("step-*.tmp-*")), "what the dead process left is removed"
    assert n > 40, "the loop must have met every call of three checkpoints"


def test_a_full_disk_stops_the_run_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uninterrupted: tuple[bytes, list[dict[str, Any]]]
) -> None:
    calls = itertools.count()

    def full(phase: str, done: int) -> None:
        if (phase, done) == ("hand", 2):
            monkeypatch.setattr(os, "fsync", raise_full)

    def raise_full(_: int) -> None:
        if next(calls):  # the first is that of the metrics
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(
        EyehandError, match=r"checkpoint 8 could not be written: the disk is full.*Checkpoint 5 is intact"
    ):
        start_or_resume(tmp_path / "a", full)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    assert not list((tmp_path / "a" / "checkpoints").glob("*tmp*"))
    assert outcome(start_or_resume(tmp_path / "a")) == uninterrupted


def test_a_corrupt_checkpoint_costs_time_and_nothing_else(
    tmp_path: Path, uninterrupted: tuple[bytes, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    start_or_resume(tmp_path / "a")
    (tmp_path / "a" / "checkpoints" / "12" / "optimizer.safetensors").write_bytes(b"rust")
    run = start_or_resume(tmp_path / "a")
    assert outcome(run) == uninterrupted
    assert "Falling back to checkpoint 11." in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", [("eyes", 3), ("eyes", 5), ("hand", 7)])
def test_a_request_to_stop_saves_and_says_how_to_go_on(
    tmp_path: Path,
    number: signal.Signals,
    moment: tuple[str, int],
    uninterrupted: tuple[bytes, list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(phase: str, done: int) -> None:
        if (phase, done) == moment:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(Interrupted):
        start_or_resume(tmp_path / "a", interrupt)
    assert signal.getsignal(number) is before
    assert f"Continue with: eyehand train --resume {tmp_path / 'a'}\n" in capsys.readouterr().err
    step = moment[1] + (5 if moment[0] == "hand" else 0)
    assert Run.open(tmp_path / "a").trained().step == step, "the update under way was finished and saved"
    assert outcome(start_or_resume(tmp_path / "a")) == uninterrupted


def test_a_second_request_stops_at_once(tmp_path: Path) -> None:
    def twice(phase: str, done: int) -> None:
        if (phase, done) == ("eyes", 3):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as caught:
        start_or_resume(tmp_path / "a", twice)
    assert caught.type is KeyboardInterrupt, "not the orderly stop after saving"
    assert Run.open(tmp_path / "a").trained().step == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_training_works_outside_of_the_main_thread(
    tmp_path: Path, uninterrupted: tuple[bytes, list[dict[str, Any]]]
) -> None:
    runs: list[Run] = []
    thread = threading.Thread(target=lambda: runs.append(start_or_resume(tmp_path / "a")))
    thread.start()
    thread.join()
    assert outcome(runs[0]) == uninterrupted


def test_resuming_a_finished_run_says_so_and_changes_nothing(
    tmp_path: Path, uninterrupted: tuple[bytes, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    start_or_resume(tmp_path / "a")
    run = Run.open(tmp_path / "a")
    model = train(run)
    assert outcome(run) == uninterrupted
    assert torch.equal(model["hand"].weight, run.trained().model["hand.weight"])  # type: ignore[arg-type]
    assert "hand: complete in the checkpoint (7 updates), nothing to train." in capsys.readouterr().err


def test_time_makes_checkpoints_too(tmp_path: Path) -> None:
    run, model = Run.create(tmp_path / "a", CONFIG, quiet=True), networks()
    run.checkpoints.keep = 100
    fit("eyes", ToyLearner("eyes", model, 0), Schedule(4, checkpoint_every_s=0.0), run, model)
    assert run.checkpoints.steps() == [1, 2, 3, 4]


def test_a_phase_without_updates_is_saved_and_passed(tmp_path: Path) -> None:
    run, model = Run.create(tmp_path / "a", CONFIG, quiet=True), networks()
    for phase in ("eyes", "hand"):
        fit(phase, ToyLearner(phase, model, 0), Schedule(0), run, model)
    assert run.trained().step == 0
    assert run.completed == {"eyes": 0, "hand": 0}


def test_phases_that_do_not_fit_the_run_are_refused(tmp_path: Path) -> None:
    run, model = Run.create(tmp_path / "a", CONFIG, quiet=True), networks()
    fit("eyes", ToyLearner("eyes", model, 0), Schedule(2), run, model)
    with pytest.raises(InvalidValueError, match=r"phase.*'eyes'.*no earlier phase"):
        fit("eyes", ToyLearner("eyes", model, 0), Schedule(2), run, model)
    again = Run.open(tmp_path / "a", quiet=True)
    with pytest.raises(FileFormatError, match=r"stands in phase 'eyes', the method now asks for 'hand'"):
        fit("hand", ToyLearner("hand", model, 0), Schedule(2), again, model)


def test_more_updates_for_a_finished_phase_are_not_ignored_in_silence(tmp_path: Path) -> None:
    run, model = Run.create(tmp_path / "a", CONFIG, quiet=True), networks()
    fit("eyes", ToyLearner("eyes", model, 0), Schedule(2), run, model)
    again = Run.open(tmp_path / "a", quiet=True)
    fit("eyes", ToyLearner("eyes", model, 0), Schedule(9), again, model)
    assert "complete with 2 updates; the 9 now asked for are ignored" in again.warnings[0]


def test_networks_of_another_shape_are_refused(tmp_path: Path) -> None:
    run, model = Run.create(tmp_path / "a", CONFIG, quiet=True), networks()
    fit("eyes", ToyLearner("eyes", model, 0), Schedule(2), run, model)
    other = nn.ModuleDict({"eyes": nn.Linear(2, 3)})
    with pytest.raises(FileFormatError, match=r"weights do not fit the networks.*eyes\.weight"):
        fit("eyes", ToyLearner("eyes", other, 0), Schedule(2), Run.open(tmp_path / "a"), other)


def test_diverged_weights_are_not_saved(tmp_path: Path) -> None:
    run, model = Run.create(tmp_path / "a", CONFIG, quiet=True), networks()

    def diverge(phase: str, done: int) -> None:
        if (phase, done) == ("eyes", 3):
            model["eyes"].weight.data.fill_(float("nan"))  # type: ignore[union-attr, operator]

    with pytest.raises(
        InvalidValueError, match=r"eyes\..* in step 4, the training has diverged; checkpoint 2 is intact"
    ):
        fit("eyes", ToyLearner("eyes", model, 0, diverge), EYES, run, model)
    assert run.checkpoints.steps() == [2]


@pytest.mark.parametrize("change", [{"updates": -1}, {"log_every": 0}, {"evaluate_every": -1}, {"checkpoint_every": 0}])
def test_schedules_are_checked(change: dict[str, int]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(change))):
        Schedule(**{"updates": 1, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(("evaluations", "found"), [(0, 0), (1, 1), (4, 4)])
def test_an_even_schedule_evaluates_as_often_as_asked(tmp_path: Path, evaluations: int, found: int) -> None:
    run, model = Run.create(tmp_path / "a", CONFIG, quiet=True), networks()
    fit("eyes", ToyLearner("eyes", model, 0), Schedule.even(8, evaluations), run, model)
    assert sum("eval/sim/success" in line for line in run.metrics()) == found

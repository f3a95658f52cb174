"""modular_dqn, cut off in the middle of every phase and resumed, ends with the weights of an undisturbed run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from eyehand.errors import EyehandError
from eyehand.evaluation.crossing import Where, adapt, record, train
from eyehand.evaluation.trained import Subject
from eyehand.learning.run import Run
from eyehand.methods import load_method
from eyehand.methods.modular_dqn import ControlLearner, FineTuneLearner, PerceptionLearner
from eyehand.tasks import load_task
from eyehand.world.domain import Domain

CUT = 7  # updates into the phase; a checkpoint was written at every one of them
TINY = load_method("modular_dqn").preset("tiny")


class PowerCutError(Exception):
    """Stands for a process that is gone."""


def cut_off(monkeypatch: pytest.MonkeyPatch, learner: type[Any], work: Callable[[], Run]) -> None:
    """Run until the learner is about to make its eighth update, and lose the process there."""
    update = learner.update

    def failing(self: Any) -> Any:
        if self.done == CUT:
            raise PowerCutError
        return update(self)

    with monkeypatch.context() as patch:
        patch.setattr(learner, "update", failing)
        with pytest.raises(PowerCutError):
            work()


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.trained().model


def assert_equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor), name


@pytest.mark.parametrize("learner", [PerceptionLearner, ControlLearner])
def test_training_resumes_exactly(learner: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject("modular_dqn", "planar_reach", preset="tiny")
    whole = train(subject, TINY, Where(tmp_path / "whole", quiet=True))
    cut_off(monkeypatch, learner, lambda: train(subject, TINY, Where(tmp_path / "cut", quiet=True)))
    resumed = train(subject, TINY, Where(tmp_path / "cut", resume=True, quiet=True))
    assert_equal(weights(resumed), weights(whole))


def test_a_run_does_not_go_on_as_if_it_had_been_begun_otherwise(tmp_path: Path) -> None:
    subject, there = Subject("modular_dqn", "planar_reach", preset="tiny"), Where(tmp_path / "a", quiet=True)
    train(subject, TINY, there)
    again = replace(there, resume=True)
    train(subject, None, again)  # whatever it is
    with pytest.raises(
        EyehandError, match=r"a holds a run that was begun otherwise: seed is 0 there and 1 here\. Choose"
    ):
        train(replace(subject, seed=1), TINY, again)
    other = replace(TINY, perception=replace(TINY.perception, updates=13))
    with pytest.raises(EyehandError, match=r"config\.perception\.updates is 12 there and 13 here"):
        train(subject, other, again)


@pytest.mark.parametrize("learner", [PerceptionLearner, FineTuneLearner])
def test_adapting_resumes_exactly(learner: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(Subject("modular_dqn", "planar_reach", preset="tiny"), TINY, Where(tmp_path / "source", quiet=True))
    record(load_task("planar_reach"), Domain(), 16, tmp_path / "frames")
    names = {"parent": str(tmp_path / "source"), "data": str(tmp_path / "frames")}
    subject = Subject("modular_dqn", "planar_reach", preset="tiny", **names)
    whole = adapt(subject, TINY, Where(tmp_path / "whole", quiet=True))
    cut_off(monkeypatch, learner, lambda: adapt(subject, TINY, Where(tmp_path / "cut", quiet=True)))
    resumed = adapt(subject, TINY, Where(tmp_path / "cut", resume=True, quiet=True))
    assert_equal(weights(resumed), weights(whole))

"""DAgger's parts: the schedule of beta, the aggregate, who acts and who labels, and going on where it stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eyehand.errors import FileFormatError, InvalidValueError, NotDefinedError
from eyehand.learning import dagger
from eyehand.learning.dagger import LABEL, Aggregate, Classroom, DaggerConfig, packed, unpacked
from eyehand.learning.method import Source
from eyehand.tasks.sphere_grasp import SphereGrasp
from eyehand.types import Decision

SOURCE = Source(SphereGrasp(substeps=10))
IDLE = np.array([*(0.0,) * 7, 1.0])  # the gripper stays open


class Hesitant:
    """The task's expert, whose labels are defined in some rows of a step only."""

    def __init__(self, expert: Any, valid: Callable[[int], np.ndarray]) -> None:
        self.expert, self.valid, self.step = expert, valid, 0

    def label(self, *given: Any) -> Decision:
        self.step += 1
        return dataclasses.replace(self.expert.label(*given), aux={"valid": self.valid(self.step - 1)})


def classroom(rows: int = 3, name: str = "train", valid: Callable[[int], np.ndarray] | None = None) -> Classroom:
    world = SOURCE.world("sim", frozenset({"proprio", "privileged"}), auto_reset=True)
    if valid is not None:
        hesitant = Hesitant(world.expert(), valid)
        world.expert = lambda: hesitant  # type: ignore[method-assign]
    return Classroom(world, rows, lambda obs: {"state": torch.as_tensor(obs.proprio)}, 0, name)


def collected(taught: Classroom, count: int, beta: float, seed: int = 0) -> dict[str, Tensor]:
    """Frames of a learner that never moves."""
    kept = Aggregate(count)
    generator = torch.Generator().manual_seed(seed)
    for frames in taught.collect(count, beta, lambda frames: np.tile(IDLE, (len(frames["state"]), 1)), generator):
        kept.add(frames)
    return kept.tensors()


def test_beta_is_the_experts_in_the_first_iteration_and_the_learners_after_it() -> None:
    assert [DaggerConfig().beta_of(n) for n in range(3)] == [1.0, 0.0, 0.0]
    assert [DaggerConfig(beta=(1.0, 0.5)).beta_of(n) for n in range(3)] == [1.0, 0.5, 0.0]
    assert DaggerConfig(iterations=3, frames=10, validation=4).total == 38
    with pytest.raises(InvalidValueError, match=r"beta.*from 0 to 1"):
        DaggerConfig(beta=(1.5,))
    with pytest.raises(InvalidValueError, match=r"frames.*got 1, allowed is at least 2"):
        DaggerConfig(frames=1)


def test_an_epoch_goes_over_every_frame_once_and_in_another_order_each_time() -> None:
    kept, generator = Aggregate(10), torch.Generator().manual_seed(0)
    kept.add({"number": torch.arange(7)})
    orders = [torch.cat([part["number"] for part in kept.epoch(3, generator)]) for _ in range(2)]
    assert [sorted(order.tolist()) for order in orders] == [list(range(7))] * 2
    assert not torch.equal(*orders)


def test_an_aggregate_refuses_more_than_it_was_made_for_and_comes_back_from_a_checkpoint() -> None:
    kept = Aggregate(5)
    kept.add({"number": torch.arange(4)})
    with pytest.raises(InvalidValueError, match=r"labelled frames.*6.*at most 5"):
        kept.add({"number": torch.arange(2)})
    other = Aggregate(5)
    other.restore({name: values.clone() for name, values in kept.tensors().items()})
    other.add({"number": torch.tensor([9])})
    assert other.rows(slice(None))["number"].tolist() == [0, 1, 2, 3, 9]
    kept.clear()
    assert (len(kept), kept.tensors()) == (0, {})
    other.restore({})
    assert len(other) == 0


def test_exactly_as_many_states_are_labelled_as_were_asked_for() -> None:
    frames = collected(classroom(rows=3), 7, beta=1.0)
    assert {name: tuple(values.shape) for name, values in frames.items()} == {"state": (7, 8), LABEL: (7, 8)}


def test_states_without_a_defined_label_are_not_kept() -> None:
    pattern = np.array([[True, False, True], [False] * 3, [True] * 3, [False, True, False]])
    whole = collected(classroom(), 12, 0.5)
    found = collected(classroom(valid=lambda step: pattern[step]), 5, 0.5)
    rows = torch.as_tensor(np.flatnonzero(pattern)[:5])
    assert all(torch.equal(values, whole[name][rows]) for name, values in found.items())


def test_labels_that_are_all_defined_change_nothing() -> None:
    whole, found = collected(classroom(), 10, 0.5), collected(classroom(valid=lambda _: np.ones(3, bool)), 10, 0.5)
    assert all(torch.equal(values, whole[name]) for name, values in found.items())


def test_an_expert_that_never_knows_does_not_hold_up_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dagger, "PATIENCE", 4)
    with pytest.raises(NotDefinedError, match="labelled no state for 4 steps"):
        collected(classroom(valid=lambda _: np.zeros(3, bool)), 7, 0.5)


def test_with_beta_one_the_expert_acts_and_with_beta_zero_the_learner() -> None:
    taught, idle = collected(classroom(), 60, 1.0)["state"], collected(classroom(), 60, 0.0)["state"]
    start, moved = taught[:3], (taught[-3:, :7] - taught[:3, :7]).abs().max(dim=1).values
    assert torch.equal(start, idle[:3])
    assert (moved > 0.1).all()
    assert ((idle[-3:, :7] - start[:, :7]).abs().max(dim=1).values < 0.01).all()


def test_every_label_is_the_experts_whoever_acts() -> None:
    first = collected(classroom(), 3, 1.0)[LABEL]
    idle = collected(classroom(), 30, 0.0)[LABEL]
    assert torch.equal(idle[:3], first)
    torch.testing.assert_close(idle[-3:], first, rtol=0, atol=2e-3)  # it says the same as long as nothing moves
    assert (first[:, :7].abs().max(dim=1).values > 0.005).all()


def test_other_uses_have_other_episodes() -> None:
    states = [collected(classroom(name=name), 3, 1.0)["state"] for name in ("train", "validation", "train")]
    assert torch.equal(states[0], states[2])
    assert not torch.equal(states[0], states[1])


@pytest.mark.parametrize("done", [0, 30])
def test_a_restored_class_goes_on_bit_for_bit(done: int) -> None:
    whole = classroom()
    if done:
        collected(whole, done, 0.5)
    saved = {name: values.clone() for name, values in whole.tensors().items()}
    expected = collected(whole, 60, 0.5, seed=1)
    again = classroom()
    again.restore(saved)
    found = collected(again, 60, 0.5, seed=1)
    assert all(torch.equal(found[name], values) for name, values in expected.items())


def test_a_checkpoint_of_another_number_of_simulations_is_refused() -> None:
    with pytest.raises(FileFormatError, match=r"3 simulations.*asks for 2"):
        classroom(rows=2).restore(classroom(rows=3).tensors())


def test_bits_hold_masks_of_any_size() -> None:
    flags: Any = (torch.rand(4, 5, 7, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    assert packed(flags).shape == (4, 5)
    assert torch.equal(unpacked(packed(flags), (5, 7)), flags)

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eyehand.errors import InvalidValueError
from eyehand.learning.replay import NStepWindow, Replay, Transitions


def transitions(numbers: range) -> Transitions:
    """Transitions that all carry their number, so that a mixed-up row shows."""
    value = torch.tensor(list(numbers), dtype=torch.float32)
    pairs = value[:, None].expand(-1, 2)
    return Transitions(pairs, value.long(), value, value / 1000, pairs + 1)


def content(replay: Replay) -> list[int]:
    tensors = replay.tensors()
    for name in ("state", "next_state"):
        assert torch.equal(tensors[name][:, 0] - int(name == "next_state"), tensors["action"].float())
    return tensors["action"].tolist()


@given(st.integers(1, 12), st.lists(st.integers(0, 30), max_size=8))
@settings(max_examples=60, deadline=None)
def test_the_newest_transitions_stay(capacity: int, counts: list[int]) -> None:
    replay, total = Replay(capacity, (2,)), 0
    for count in counts:
        replay.insert(transitions(range(total, total + count)))
        total += count
    assert len(replay) == min(total, capacity)
    assert sorted(content(replay)) == list(range(max(0, total - capacity), total))


def test_sampling_is_even_and_keeps_rows_together() -> None:
    replay = Replay(50, (2,))
    replay.insert(transitions(range(20)))
    batch = replay.sample(40_000, torch.Generator().manual_seed(1))
    counts = torch.bincount(batch.action, minlength=50)
    assert int(counts[20:].sum()) == 0, "rows never written must not be drawn"
    assert int((counts[:20] - 2000).abs().max()) < 6 * 44  # six standard deviations of a binomial
    assert torch.equal(batch.state[:, 1], batch.n_step_return)
    assert torch.equal(batch.next_state[:, 0], batch.action + 1.0)
    assert torch.allclose(batch.discount, batch.n_step_return / 1000)


@pytest.mark.parametrize("inserted", [0, 3, 8, 13])
def test_a_restored_replay_goes_on_alike(inserted: int) -> None:
    replay, twin = Replay(8, (2,)), Replay(8, (2,))
    replay.insert(transitions(range(inserted)))
    saved = {name: tensor.clone() for name, tensor in replay.tensors().items()}
    assert len(saved["action"]) == min(inserted, 8), "only the filled part is saved"
    twin.restore(saved)
    for each in (replay, twin):
        each.insert(transitions(range(inserted, inserted + 3)))
    assert content(replay) == content(twin)
    samples = [each.sample(16, torch.Generator().manual_seed(2)).action for each in (replay, twin)]
    assert torch.equal(*samples)


def test_a_replay_of_another_size_is_refused() -> None:
    large = Replay(8, (2,))
    large.insert(transitions(range(8)))
    with pytest.raises(InvalidValueError, match=r"8 transitions.*capacity 4"):
        Replay(4, (2,)).restore(large.tensors())
    with pytest.raises(InvalidValueError, match="8 transitions"):
        Replay(9, (2,)).restore({**large.tensors(), "cursor": torch.tensor(0)})


def test_bad_sizes_and_empty_buffers_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="replay capacity"):
        Replay(0, (2,))
    with pytest.raises(InvalidValueError, match="empty buffer"):
        Replay(1, (2,)).sample(1, torch.Generator())
    with pytest.raises(InvalidValueError, match="n of n-step returns"):
        NStepWindow(0, 0.9, 1, (1,))
    with pytest.raises(InvalidValueError, match="gamma"):
        NStepWindow(1, 1.1, 1, (1,))


def test_continuous_actions_fit() -> None:
    replay = Replay(4, (2,), action_shape=(3,), action_dtype=torch.float32)
    actions = torch.rand(2, 3)
    replay.insert(Transitions(torch.zeros(2, 2), actions, torch.zeros(2), torch.zeros(2), torch.zeros(2, 2)))
    assert torch.equal(replay.tensors()["action"], actions)


class Step(NamedTuple):
    state: int
    action: int
    reward: float
    next_state: int
    terminated: bool
    truncated: bool


def slow_reference(steps: list[Step], n: int, gamma: float) -> list[tuple[int, int, float, float, int]]:
    """N-step transitions of one row, from their definition: look ahead from every step."""
    result = []
    for t, first in enumerate(steps):
        total = 0.0
        for k, step in enumerate(steps[t : t + n], start=1):
            total += gamma ** (k - 1) * step.reward
            if step.terminated or step.truncated or k == n:
                discount = 0.0 if step.terminated else gamma**k
                result.append((first.state, first.action, total, discount, step.next_state))
                break
    return result


def play(seed: int, rows: int, length: int, ending: float) -> list[list[Step]]:
    """Random steps of several rows; every state has its own number, and a fresh episode starts with a fresh one."""
    random = np.random.default_rng(seed)
    numbers = iter(range(1_000_000))
    all_steps = []
    for _ in range(rows):
        steps, state = [], next(numbers)
        for _ in range(length):
            arrived = next(numbers)
            terminated, truncated = (bool(flag) for flag in random.random(2) < ending)
            steps.append(Step(state, int(random.integers(9)), random.normal(), arrived, terminated, truncated))
            state = next(numbers) if terminated or truncated else arrived
        all_steps.append(steps)
    return all_steps


def push(window: NStepWindow, steps: list[Step]) -> Transitions:
    columns = list(zip(*steps, strict=True))
    state, reward, arrived = (torch.tensor(columns[i], dtype=torch.float32) for i in (0, 2, 3))
    flags = [torch.tensor(columns[i]) for i in (4, 5)]
    return window.push(state[:, None], torch.tensor(columns[1]), reward, arrived[:, None], *flags)


def rows_of(batch: Transitions) -> list[tuple[int, int, float, float, int]]:
    columns = (batch.state[:, 0].int(), batch.action, batch.n_step_return, batch.discount, batch.next_state[:, 0].int())
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 5),
    n=st.integers(1, 6),
    gamma=st.sampled_from([0.0, 0.5, 0.99, 1.0]),
    ending=st.sampled_from([0.0, 0.1, 0.5]),
    cut=st.integers(0, 20),
)
@settings(max_examples=60, deadline=None)
def test_windows_agree_with_the_definition_also_across_a_restore(
    seed: int, rows: int, n: int, gamma: float, ending: float, cut: int
) -> None:
    episodes = play(seed, rows, 20, ending)
    window, emitted = NStepWindow(n, gamma, rows, (1,)), []
    for t in range(20):
        if t == cut:
            saved = {name: tensor.clone() for name, tensor in window.tensors().items()}
            window = NStepWindow(n, gamma, rows, (1,))
            window.restore(saved)
        emitted += rows_of(push(window, [steps[t] for steps in episodes]))
    expected = [row for steps in episodes for row in slow_reference(steps, n, gamma)]
    assert len(emitted) == len(expected)
    for ours, theirs in zip(sorted(emitted), sorted(expected), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_one_step_is_equation_3() -> None:
    window = NStepWindow(1, 0.9, 3, (1,))
    batch = push(
        window, [Step(0, 1, 2.0, 3, False, False), Step(4, 5, 6.0, 7, True, False), Step(8, 0, 1.0, 2, False, True)]
    )
    expected = [(0, 1, 2.0, 0.9, 3), (4, 5, 6.0, 0.0, 7), (8, 0, 1.0, 0.9, 2)]
    assert [row == pytest.approx(want) for row, want in zip(rows_of(batch), expected, strict=True)] == [True] * 3


def test_what_is_emitted_does_not_change_later() -> None:
    window = NStepWindow(2, 0.9, 1, (1,))
    push(window, [Step(0, 1, 1.0, 1, False, False)])
    batch = push(window, [Step(1, 1, 1.0, 2, False, False)])
    before = rows_of(batch)
    push(window, [Step(2, 2, 5.0, 3, True, False)])
    assert rows_of(batch) == before


def test_a_thousand_rows_are_fast() -> None:
    window, replay = NStepWindow(8, 0.99, 1024, (5,)), Replay(50_000, (5,))
    state, action = torch.rand(1024, 5), torch.zeros(1024, dtype=torch.int64)
    never = torch.zeros(1024, dtype=torch.bool)

    def step() -> Tensor:
        replay.insert(window.push(state, action, state[:, 0], state, never, never))
        return state

    step()
    began = time.perf_counter()
    for _ in range(30):
        step()
    per_step_s = (time.perf_counter() - began) / 30
    assert per_step_s < 0.05, "a loop over rows in Python would take longer; vectorised it is well under a millisecond"

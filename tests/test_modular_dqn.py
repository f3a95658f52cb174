"""Modular deep Q networks: losses by hand, whose gradient goes where, exploration, and a run's golden numbers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyehand.data.ledger import Ledger
from eyehand.data.target import RecordedTarget
from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.evaluation.crossing import record
from eyehand.learning.experience import Experience, Memory
from eyehand.learning.method import Source
from eyehand.learning.replay import Transitions
from eyehand.learning.run import Run
from eyehand.learning.scenes import RecordedScenes
from eyehand.methods import modular_dqn
from eyehand.methods.modular_dqn import (
    ControlLearner,
    ControlNetwork,
    FineTuneLearner,
    ModularDQN,
    PerceptionNetwork,
    perception_loss,
    task_loss,
)
from eyehand.tasks.planar_reach import PlanarReach
from eyehand.world.domain import Domain

METHOD, TASK = ModularDQN(), PlanarReach()
SOURCE = Source(TASK)
TINY = METHOD.preset("tiny")


class Table(nn.Module):
    """Action values looked up by the first number of Theta, to compute losses by hand."""

    def __init__(self, *rows: list[float]) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.tensor(rows))

    def forward(self, theta: Tensor) -> Tensor:
        return self.rows[theta[:, 0].long()]


def transitions(reward: list[float], discount: list[float], action: list[int]) -> Transitions:
    states = torch.zeros(len(reward), 5)
    return Transitions(states, torch.tensor(action), torch.tensor(reward), torch.tensor(discount), states)


def first(*numbers: float) -> Tensor:
    """Theta (B, 5) whose first component is given."""
    theta = torch.zeros(len(numbers), 5)
    theta[:, 0] = torch.tensor(numbers)
    return theta


def test_the_perception_loss_is_that_of_equation_2() -> None:
    estimate = torch.tensor([[1.0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0]])
    theta = torch.tensor([[0.0, 0, 0, 0, 2], [0.5, 0.0, 0, 0, 0]])
    assert perception_loss(estimate, theta).item() == pytest.approx((1 + 4 + 0.25) / (2 * 2))


def test_the_task_loss_is_that_of_equation_3() -> None:
    control, target = Table([1.0, 2.0], [5.0, 3.0]), Table([0.0, 0.0], [10.0, 20.0])
    batch = transitions([0.5, -1.0, 1.0], [0.9, 0.9, 0.0], [1, 0, 1])
    here, there = first(0, 1, 0), first(1, 1, 1)
    goals = [0.5 + 0.9 * 20, -1.0 + 0.9 * 20, 1.0]  # the maximum of the target network; nothing after the end
    chosen = [2.0, 5.0, 2.0]
    expected = sum((q - g) ** 2 for q, g in zip(chosen, goals, strict=True)) / (2 * 3)
    assert task_loss(control, target, here, there, batch, double_q=False).item() == pytest.approx(expected)


def test_double_q_lets_the_learner_choose_and_the_target_value() -> None:
    control, target = Table([1.0, 2.0], [5.0, 3.0]), Table([0.0, 0.0], [10.0, 20.0])
    batch = transitions([0.5], [0.9], [1])
    goal = 0.5 + 0.9 * 10  # the learner prefers action 0 there
    found = task_loss(control, target, first(0), first(1), batch, double_q=True)
    assert found.item() == pytest.approx((2.0 - goal) ** 2 / 2)


def test_no_gradient_flows_through_the_goal() -> None:
    control = Table([1.0, 2.0], [5.0, 3.0])
    loss = task_loss(control, control, first(0), first(1), transitions([0.0], [0.9], [1]), double_q=True)
    loss.backward()
    assert control.rows.grad is not None
    assert control.rows.grad[0, 1] != 0
    assert not control.rows.grad[1].any()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordedTarget:
    folder = tmp_path_factory.mktemp("recorded") / "frames"
    return RecordedTarget(record(TASK, Domain(), 8, folder), Ledger(METHOD.budget))


class Gradients:
    """Stands in for `descend`: keeps the gradient of every network, and moves nothing."""

    def __init__(self) -> None:
        self.found: list[list[Tensor]] = []

    def __call__(self, optimiser: torch.optim.Optimizer, loss: Tensor, *_: object, **__: object) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        self.found.append([p.grad.clone() for p in parameters])


def fine_tuning(recorded: RecordedTarget, monkeypatch: pytest.MonkeyPatch, beta: float, scale: float = 1.0) -> Any:
    """Gradients of hand and eyes in one fine-tuning update, and those worked out with autograd alone."""
    config = dataclasses.replace(TINY, fine_tune=dataclasses.replace(TINY.fine_tune, beta=beta))
    model = METHOD.networks(config, TASK, 3)
    scenes = RecordedScenes(recorded.take("frames", 8), config.augmentation, 0)
    learner = FineTuneLearner(config, model, SOURCE, 0, scenes)
    for _ in range(6):
        learner.act(torch.rand(4, 5), 0.5)
    batch = learner.experience.sample(8, torch.Generator().manual_seed(1), torch.device("cpu"))
    grey, theta = learner.scenes.batch(8, 99)

    def picture_loss(*_: Any) -> Tensor:
        return scale * perception_loss(learner.perception(grey), theta)

    monkeypatch.setattr(learner, "picture_loss", picture_loss)
    monkeypatch.setattr(learner.experience, "sample", lambda *_: batch)
    monkeypatch.setattr(modular_dqn, "descend", gradients := Gradients())
    eyes, hand = cast(PerceptionNetwork, model["perception"]), cast(ControlNetwork, model["control"])
    there = eyes(learner.scenes.draw(batch.next_state)).detach()
    loss_q = task_loss(hand, learner.target, eyes(learner.scenes.draw(batch.state)), there, batch, double_q=True)
    expected = {
        "hand q": torch.autograd.grad(loss_q, tuple(hand.parameters()), retain_graph=True),
        "eyes q": torch.autograd.grad(loss_q, tuple(eyes.parameters())),
        "eyes p": torch.autograd.grad(picture_loss(), tuple(eyes.parameters())),
    }
    learner.update()
    found = dict(zip(("hand", "eyes"), gradients.found, strict=True))
    return found, expected


def assert_close(found: Any, expected: Any) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)
    assert any(one.abs().max() > 1e-5 for one in expected)  # or else nothing was compared


def test_with_beta_one_the_eyes_follow_the_perception_loss_alone(recorded: Any, monkeypatch: Any) -> None:
    found, expected = fine_tuning(recorded, monkeypatch, beta=1.0)
    assert_close(found["eyes"], expected["eyes p"])


def test_with_beta_zero_the_eyes_follow_the_task_loss_through_the_bottleneck(recorded: Any, monkeypatch: Any) -> None:
    found, expected = fine_tuning(recorded, monkeypatch, beta=0.0)
    assert_close(found["eyes"], expected["eyes q"])


def test_between_them_the_eyes_follow_the_weighted_sum_of_equation_4(recorded: Any, monkeypatch: Any) -> None:
    found, expected = fine_tuning(recorded, monkeypatch, beta=0.8)
    pairs = zip(expected["eyes p"], expected["eyes q"], strict=True)
    assert_close(found["eyes"], [0.8 * p + 0.2 * q for p, q in pairs])


@pytest.mark.parametrize(("beta", "scale"), [(0.0, 1.0), (0.8, 1.0), (0.8, 1000.0)])
def test_the_hand_follows_the_unweighted_task_loss_alone(
    recorded: Any, monkeypatch: Any, beta: float, scale: float
) -> None:
    found, expected = fine_tuning(recorded, monkeypatch, beta, scale)
    assert_close(found["hand"], expected["hand q"])


def explore(kind: Any, epsilon: float, steps: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Actions taken where action 0 is the greedy one, and the expert's at the same states."""
    world = SOURCE.world("sim", frozenset({"privileged"}), auto_reset=True)
    acting = Experience(world, 64, TASK.interface.truth, Memory(1, 0.99, 64 * steps), kind, seed=5)
    generator, guided = torch.Generator().manual_seed(0), []
    for _ in range(steps):
        guided.append(world.expert().label(world.privileged(), None, None).value)
        acting.step(np.zeros(64, np.int64), epsilon, generator)
    return acting.replay.tensors()["action"].numpy(), np.concatenate(guided)


def test_the_guide_is_followed_with_probability_epsilon() -> None:
    taken, guided = explore("k_gps", 1.0)
    np.testing.assert_array_equal(taken, guided)
    assert not explore("k_gps", 0.0)[0].any()
    taken, guided = explore("k_gps", 0.5, steps=20)
    open_choice = guided != 0
    assert (taken[open_choice] == guided[open_choice]).mean() == pytest.approx(0.5, abs=0.06)


def test_epsilon_greedy_draws_actions_evenly_and_knows_no_goal() -> None:
    taken, guided = explore("epsilon_greedy", 1.0, steps=20)
    shares = np.bincount(taken, minlength=9) / len(taken)
    np.testing.assert_allclose(shares, 1 / 9, atol=0.04)
    assert (taken == guided).mean() == pytest.approx(1 / 9, abs=0.04)
    assert not explore("epsilon_greedy", 0.0)[0].any()


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((1.0, 0.1), [1.0, 0.775, 0.55, 0.325, 0.1, 0.1]),
        ((0.2, 1.0), [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]),
        ((0.3, 0.3), [0.3] * 6),
    ],
)
def test_epsilon_falls_or_rises_evenly_and_stays_at_its_end(ends: tuple[float, float], expected: list[float]) -> None:
    config = dataclasses.replace(TINY.control, epsilon=ends, epsilon_updates=4, warm_up=10**6)
    learner = ControlLearner(config, METHOD.networks(TINY, TASK, 0), SOURCE, 0)
    assert [learner.update()["train/epsilon"] for _ in range(6)] == pytest.approx(expected)


def test_transitions_of_one_step_are_those_of_the_paper() -> None:
    world = SOURCE.world("sim", frozenset({"privileged"}), auto_reset=True)
    acting = Experience(world, 4, TASK.interface.truth, Memory(1, 0.9, 64), "k_gps", seed=0)
    before = TASK.interface.truth(world.privileged())
    acting.step(np.zeros(4, np.int64), 1.0, torch.Generator().manual_seed(0))
    held = acting.replay.tensors()
    torch.testing.assert_close(held["state"], before)
    torch.testing.assert_close(held["next_state"], TASK.interface.truth(world.privileged()))
    np.testing.assert_allclose(held["n_step_return"], world.verdict().reward, rtol=1e-6)
    np.testing.assert_allclose(held["discount"], 0.9, rtol=1e-6)


def test_learning_waits_for_the_first_transition_of_many_steps() -> None:
    config = dataclasses.replace(TINY.control, warm_up=1, n_step=4)
    learner = ControlLearner(config, METHOD.networks(TINY, TASK, 0), SOURCE, 0)
    assert ["train/task_loss" in learner.update() for _ in range(5)] == [False] * 3 + [True] * 2


def test_the_target_network_follows_slowly() -> None:
    config = dataclasses.replace(TINY.control, warm_up=16, target_rate=0.25, lr=0.1)
    model = METHOD.networks(TINY, TASK, 0)
    learner = ControlLearner(config, model, SOURCE, 0)
    while "train/task_loss" not in learner.update():
        pass
    slow = [p.clone() for p in learner.target.parameters()]
    learner.update()
    for new, old, fast in zip(learner.target.parameters(), slow, model["control"].parameters(), strict=True):
        torch.testing.assert_close(new, old + 0.25 * (fast - old))


def test_the_paper_has_its_own_networks() -> None:
    config = METHOD.preset("paper")
    model = METHOD.networks(config, TASK, 0)
    sizes = [tuple(m.weight.shape) for m in model["control"].modules() if isinstance(m, nn.Linear)]
    assert sizes == [(400, 5), (300, 400), (9, 300)]
    convolutions = [m for m in model["perception"].modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [64, 64, 64]
    assert (convolutions[0].kernel_size, convolutions[0].stride) == ((7, 7), (2, 2))
    assert (config.control.n_step, config.control.double_q, config.fine_tune.beta) == (1, False, 0.8)


@pytest.mark.parametrize("joints", [1, 2, 3])
def test_the_hand_has_a_value_for_every_action(joints: int) -> None:
    model = METHOD.networks(TINY, PlanarReach(joints), 0)
    assert model["control"](torch.rand(2, 5)).shape == (2, 3 * joints)


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        UnknownNameError, match=r"preset 'laptops'. Did you mean 'laptop'\? Allowed: laptop, paper, quick, tiny"
    ):
        METHOD.preset("laptops")


def test_eyes_that_are_off_say_so_without_a_limit_and_the_hand_is_told_a_real_scene() -> None:
    model = METHOD.networks(TINY, TASK, 0)
    with torch.no_grad():
        cast("torch.nn.Linear", cast(PerceptionNetwork, model["perception"]).head[-1]).bias.fill_(7.0)
    policy = METHOD.policy(model, TASK)
    obs = SOURCE.world("sim", policy.reads).reset(np.arange(2))
    decision = policy.act(obs, None)
    assert decision.aux["interface"].min() > 5  # linear, as the paper's error of 13.9 in a unit cube shows
    at_corner = model["control"](torch.ones(2, 5)).detach().numpy()
    np.testing.assert_allclose(decision.aux["q_values"], at_corner, rtol=1e-5)


def test_the_eyes_names_their_parts_for_adaptation() -> None:
    eyes = cast(PerceptionNetwork, METHOD.networks(TINY, TASK, 0)["perception"])
    groups = eyes.groups()
    assert set(groups) == {"conv", "head"}
    assert sum(p.numel() for part in groups.values() for p in part) == sum(p.numel() for p in eyes.parameters())


def stages(recorded: RecordedTarget, folder: Path, **changes: Any) -> tuple[dict[str, int], bool, bool]:
    """Phases of an adaptation, and whether it moved the eyes and the hand."""
    config = dataclasses.replace(TINY, **changes)
    model = METHOD.networks(config, TASK, 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    run = Run.create(folder, {"seed": 0}, quiet=True)
    METHOD.adapt(config, SOURCE, recorded, run, model)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    return run.completed, any("perception" in name for name in moved), any("control" in name for name in moved)


def test_adapting_the_eyes_leaves_the_hand_alone(recorded: RecordedTarget, tmp_path: Path) -> None:
    assert stages(recorded, tmp_path / "run", stages=("perception",)) == ({"adapt": 12}, True, False)


def test_fine_tuning_moves_both(recorded: RecordedTarget, tmp_path: Path) -> None:
    assert stages(recorded, tmp_path / "run", stages=("end_to_end",)) == ({"fine_tune": 12}, True, True)


@pytest.mark.parametrize("named", [(), ("end_to_end", "perception"), ("perception", "perception")])
def test_stages_are_named_once_and_in_their_order(named: tuple[str, ...]) -> None:
    with pytest.raises(InvalidValueError, match=r"stages in Config.*perception, end_to_end, or both in this order"):
        dataclasses.replace(TINY, stages=named)


def test_evaluations_change_no_weights(
    recorded: RecordedTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlanarReach, "horizon", 8)
    found: list[dict[str, Tensor]] = []
    for evaluations in (0, 2):
        config = dataclasses.replace(TINY, evaluations=evaluations)
        model = METHOD.networks(config, TASK, 0)
        runs = [Run.create(tmp_path / f"{name}-{evaluations}", {"seed": 0}, quiet=True) for name in ("sim", "adapted")]
        METHOD.train(config, SOURCE, runs[0], model)
        METHOD.adapt(config, SOURCE, recorded, runs[1], model)
        keys = {key for run in runs for line in run.metrics() for key in line}
        assert any(key.startswith("eval/") for key in keys) == (evaluations > 0)
        found.append(model.state_dict())
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


GOLDEN = {
    "perception": 0.264037,
    "control": 0.0707385,
    "adapt": 0.192387,
    "fine_tune p": 0.215993,
    "fine_tune q": 0.0141085,
}


def test_a_seeded_micro_run_gives_its_golden_numbers(recorded: RecordedTarget, tmp_path: Path) -> None:
    """All losses of a tiny crossing; a change of these numbers must be one that was meant."""
    config = dataclasses.replace(
        TINY,
        perception=dataclasses.replace(TINY.perception, lr=1e-3),
        adapt=dataclasses.replace(TINY.adapt, lr=1e-3),
        evaluations=0,
    )
    model = METHOD.networks(config, TASK, 0)
    trained, adapted = (Run.create(tmp_path / name, {"seed": 0}, quiet=True) for name in ("trained", "adapted"))
    METHOD.train(config, SOURCE, trained, model)
    METHOD.adapt(config, SOURCE, recorded, adapted, model)
    lines = {(run.folder.name, line["step"]): line for run in (trained, adapted) for line in run.metrics()}
    found = {
        "perception": lines["trained", 12]["train/perception_loss"],
        "control": lines["trained", 52]["train/task_loss"],
        "adapt": lines["adapted", 12]["train/perception_loss"],
        "fine_tune p": lines["adapted", 24]["train/perception_loss"],
        "fine_tune q": lines["adapted", 24]["train/task_loss"],
    }
    assert found == pytest.approx(GOLDEN, rel=0.02), json.dumps(found)

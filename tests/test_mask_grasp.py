"""The mask grasp: networks as in the paper, losses by hand, what is learnt from what, exact resume, what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from eyehand.data.ledger import Ledger
from eyehand.data.target import RecordedTarget
from eyehand.errors import BudgetExceededError, EyehandError, InvalidValueError, PairingError, UnknownNameError
from eyehand.evaluation.crossing import record
from eyehand.evaluation.trained import Subject, load_trained, to_config_json, warn_of_untrained
from eyehand.learning.dagger import LABEL
from eyehand.learning.end_to_end import EndToEndPolicy, resized
from eyehand.learning.method import Source
from eyehand.learning.policy import ModularPolicy
from eyehand.learning.run import Run
from eyehand.methods.mask_grasp import (
    KEPT,
    Config,
    ControlLearner,
    EyesConfig,
    GraspController,
    MaskGrasp,
    MaskNetwork,
    imitation_loss,
    mask_loss,
)
from eyehand.tasks.sphere_grasp import SphereGrasp
from eyehand.testing.of_methods import check_policy
from eyehand.world.domain_files import load_domain

METHOD, TASK = MaskGrasp(), SphereGrasp(substeps=10)
SOURCE, SIM = Source(TASK), load_domain("sim", "sphere_grasp")
TINY = METHOD.preset("tiny")
TINY = dataclasses.replace(TINY, control=dataclasses.replace(TINY.control, evaluations=0))


def with_control(**changes: Any) -> Config:
    return dataclasses.replace(TINY, control=dataclasses.replace(TINY.control, **changes))


def learner(config: Config, seed: int = 0) -> ControlLearner:
    return ControlLearner(config.control, METHOD.networks(config, TASK, seed), SOURCE, seed)


def shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in module.parameters() if p.ndim > 1]


def test_the_controller_is_that_of_figure_3() -> None:
    hand = GraspController(TASK, 1, 128)
    sight, body, head = shapes(hand.sight), shapes(hand.body), shapes(hand.head)
    assert sight == [(16, 1, 5, 5), (32, 16, 5, 5), (128, 800)]
    assert (body, head) == ([(128, 8)], [(128, 256), (8, 128)])
    command = hand(torch.zeros(3, 100, 100), torch.full((3, 8), 1e4))
    assert command.shape == (3, 8)
    assert command.abs().max() <= 1


def test_the_eyes_have_five_convolutions_of_which_the_second_and_fourth_are_dilated() -> None:
    eyes = MaskNetwork((8, 8, 16, 16))
    convolutions = [m for m in eyes.layers if isinstance(m, nn.Conv2d)]
    assert [c.kernel_size for c in convolutions] == [(5, 5)] * 5
    assert [c.dilation[0] for c in convolutions] == [1, 2, 1, 2, 1]
    assert sum(isinstance(m, nn.MaxPool2d) for m in eyes.layers) == 2
    assert eyes(torch.zeros(2, 200, 200, 3, dtype=torch.uint8)).shape == (2, 100, 100)


def test_a_pixel_of_the_mask_is_told_where_it_is_in_the_picture() -> None:
    eyes = METHOD.networks(Config(), TASK, 0)["perception"]
    picture = torch.full((1, 200, 200, 3), 128, dtype=torch.uint8)
    changed = picture.clone()
    changed[0, 120:124, 60:64] = 255
    with torch.no_grad():
        found = (eyes(changed) - eyes(picture))[0].abs() > 1e-9
    rows, columns = np.nonzero(found.numpy())
    assert abs((rows.min() + rows.max()) / 2 - 61) <= 2
    assert abs((columns.min() + columns.max()) / 2 - 31) <= 2


def test_the_imitation_loss_is_the_sum_over_commands() -> None:
    command = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    label = torch.tensor([[0.0, 2.0], [0.5, 0.0]])
    assert imitation_loss(command, label).item() == pytest.approx((1 + 4 + 0.25) / 2)


def test_the_mask_loss_weighs_the_pixels_of_the_target() -> None:
    logits, mask = torch.zeros(1, 2, 2), torch.tensor([[[1, 0], [0, 0]]], dtype=torch.uint8)
    assert mask_loss(logits, mask, 5.0).item() == pytest.approx(np.log(2) * (5 + 3) / 4, rel=1e-5)


def test_labels_are_learnt_in_units_of_the_limits_and_decided_in_those_of_the_command() -> None:
    taught = learner(TINY)
    label = taught.hand.limit[None]
    frames = {KEPT: torch.zeros(1, 1250, dtype=torch.uint8), "state": torch.zeros(1, 8), LABEL: label}
    command = taught.command(frames)
    assert taught.loss(frames).item() == pytest.approx((command - 1).square().sum().item(), rel=1e-5)
    np.testing.assert_allclose(taught.act(frames), (command * label).detach().numpy(), rtol=1e-5)
    assert taught.hand.limit.tolist() == pytest.approx([0.02] * 7 + [1.0])


def test_an_iteration_labels_exactly_its_frames_and_masks_are_kept_clean() -> None:
    taught = learner(TINY)
    taught.update()
    frames = taught.aggregate.rows(slice(None))
    assert {name: tuple(v.shape) for name, v in frames.items()} == {KEPT: (24, 1250), "state": (24, 8), LABEL: (24, 8)}
    assert (len(taught.aggregate), len(taught.held_back)) == (24, 8)
    torch.testing.assert_close(taught.hand.mean, frames["state"].mean(dim=0))
    metrics = taught.update()
    assert metrics["train/frames"] == TINY.control.dagger.total == 2 * 24 + 2 * 8
    assert (taught.aggregate.tensors(), len(taught.held_back)) == ({}, 16)  # the last checkpoint is a small one


def test_behaviour_cloning_is_dagger_in_which_only_the_expert_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, list[float]] = {}
    for imitation in ("dagger", "behaviour_cloning"):
        taught = learner(with_control(imitation=imitation))
        classroom, betas = taught.classes["train"], asked.setdefault(imitation, [])
        collect = classroom.collect

        def spy(count: int, beta: float, *rest: Any, betas: Any = betas, collect: Any = collect) -> Any:
            betas.append(beta)
            return collect(count, beta, *rest)

        monkeypatch.setattr(classroom, "collect", spy)
        taught.update()
        taught.update()
    assert asked == {"dagger": [1.0, 0.0], "behaviour_cloning": [1.0, 1.0]}


def test_masks_are_damaged_in_training_and_not_when_acting() -> None:
    taught = learner(with_control(corruption=1.0))
    taught.update()
    frames = taught.aggregate.rows(slice(None))
    with torch.no_grad():
        clean = [taught.command(frames) for _ in range(2)]
        assert torch.equal(*clean)
        assert not torch.equal(taught.command(frames, 1.0), clean[0])


def test_the_hand_learns_what_it_is_shown() -> None:
    dagger = dataclasses.replace(TINY.control.dagger, iterations=1, epochs=60, batch=16, lr=3e-3)
    taught = learner(with_control(dagger=dagger, hidden=32, corruption=0.0))
    losses = [float(cast(Tensor, taught.update()["train/imitation_loss"])) for _ in range(60)]
    assert losses[-1] < 0.2 * losses[0]


def trained(config: Config, folder: Path) -> dict[str, Tensor]:
    model = METHOD.networks(config, TASK, 0)
    METHOD.train(config, SOURCE, Run.create(folder, {"seed": 0}, quiet=True), model)
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_a_training_that_was_cut_off_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(TINY, tmp_path / "whole")
    update, calls = ControlLearner.update, [0]

    def cut(self: ControlLearner) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        return update(self)

    monkeypatch.setattr(ControlLearner, "update", cut)
    monkeypatch.setattr("eyehand.learning.loop._Phase._checkpoint_is_due", lambda *_: True)
    with pytest.raises(KeyboardInterrupt):
        trained(TINY, tmp_path / "cut")
    model = METHOD.networks(TINY, TASK, 0)
    METHOD.train(TINY, SOURCE, Run.open(tmp_path / "cut", quiet=True), model)
    assert all(torch.equal(value, whole[name]) for name, value in model.state_dict().items())


def test_the_end_to_end_policy_has_no_mask_and_reads_no_truth(tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, end_to_end=True)
    assert all(name.startswith("control.") for name in trained(config, tmp_path / "run"))
    policy = METHOD.policy(METHOD.networks(config, TASK, 0).eval(), TASK)
    assert isinstance(policy, EndToEndPolicy)
    assert policy.reads == {"camera", "proprio"}
    check_policy(policy, TASK, SIM)
    assert isinstance(METHOD.policy(METHOD.networks(TINY, TASK, 0), TASK), ModularPolicy)


def test_the_end_to_end_policy_learns_from_random_looks_and_worn_pictures_and_acts_on_clean_ones() -> None:
    config = dataclasses.replace(TINY, end_to_end=True)
    taught = ControlLearner(config.control, METHOD.networks(config, TASK, 0), SOURCE, 0)
    taught.update()
    frames = taught.aggregate.rows(slice(None))
    colours = frames[KEPT][:4].float().mean(dim=(1, 2))  # the first step of every arm
    assert colours.std(dim=0).min() > 5.0
    with torch.no_grad():
        assert torch.equal(taught.command(frames), taught.command(frames))
        assert not torch.equal(taught.command(frames, 0.1), taught.command(frames))


def test_pictures_are_made_smaller_by_averaging() -> None:
    picture = torch.zeros(1, 200, 200, 3, dtype=torch.uint8)
    picture[0, 0, 0] = 200
    small = resized(picture, 100)
    assert small.shape == (1, 100, 100, 3)
    assert small[0, 0, 0].tolist() == [50, 50, 50]
    assert resized(small, 100) is small


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return record(TASK, SIM, 4, tmp_path_factory.mktemp("recorded") / "frames")


def test_adaptation_moves_the_eyes_alone_and_reads_no_label(recording: Any, tmp_path: Path) -> None:
    model = METHOD.networks(TINY, TASK, 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    ledger = Ledger(METHOD.budget)
    target = RecordedTarget(recording, ledger, "observation.images.hand")
    METHOD.adapt(TINY, SOURCE, target, Run.create(tmp_path / "run", {"seed": 0}, quiet=True), model)
    moved = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"perception"}
    assert (ledger.spent("frames"), ledger.spent("labels")) == (4, 0)


def test_labels_of_the_target_are_over_the_budget(recording: Any) -> None:
    target = RecordedTarget(recording, Ledger(METHOD.budget), "observation.images.hand")
    with pytest.raises(BudgetExceededError, match=r"4 more labels.*limit is 0"):
        target.take("frames", 4)
    bare = target.take("frames", 4, labels=False)
    assert (bare.images.shape, bare.q_rad.shape, bare.environment_state) == ((4, 200, 200, 3), (4, 0), None)


@pytest.mark.parametrize("config", [dataclasses.replace(TINY, end_to_end=True), None])
def test_what_takes_no_backgrounds_is_not_adapted(config: Config | None, recording: Any, tmp_path: Path) -> None:
    config = config or dataclasses.replace(TINY, eyes=dataclasses.replace(TINY.eyes, recipe="plain"))
    ledger = Ledger(METHOD.budget)
    target, run = RecordedTarget(recording, ledger), Run.create(tmp_path / "run", {"seed": 0}, quiet=True)
    with pytest.raises(PairingError, match=r"nothing to adapt.*complete after `eyehand train`.*composited"):
        METHOD.adapt(config, SOURCE, target, run, METHOD.networks(config, TASK, 0))
    assert ledger.spent("frames") == 0


def test_eyes_that_need_backgrounds_wait_for_them_or_take_photographs(tmp_path: Path) -> None:
    subject = Subject("mask_grasp", "sphere_grasp", preset="tiny")
    run = Run.create(tmp_path / "waiting", to_config_json(subject, TINY), quiet=True)
    METHOD.train(TINY, SOURCE, run, METHOD.networks(TINY, TASK, 0))
    waiting = load_trained(tmp_path / "waiting")
    assert waiting.untrained == ("perception",)
    warn_of_untrained(waiting, replaced=("perception",))
    assert not waiting.run.warnings
    warn_of_untrained(waiting)
    assert "the perception of" in waiting.run.warnings[0]
    assert list(run.completed) == ["control"]
    assert "eyehand adapt" in run.warnings[0]
    (tmp_path / "photographs").mkdir()
    grey = np.random.default_rng(0).integers(0, 255, (60, 90, 3)).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "photographs" / "room.png")
    eyes = dataclasses.replace(TINY.eyes, photographs=str(tmp_path / "photographs"))
    run = Run.create(tmp_path / "seeing", to_config_json(subject, TINY), quiet=True)
    METHOD.train(dataclasses.replace(TINY, eyes=eyes), SOURCE, run, METHOD.networks(TINY, TASK, 0))
    assert list(run.completed) == ["control", "eyes"]
    assert not run.warnings
    assert not load_trained(tmp_path / "seeing").untrained


@pytest.mark.parametrize(
    ("changes", "recipe", "message"),
    [
        ({}, "composited", r"nowhere: there is no such folder"),
        ({}, "plain", r"eyes\.photographs: got .*nowhere.*recipe with backgrounds: composited, plain_on_backgrounds"),
        ({}, "primitives", r"eyes\.photographs: got .*nowhere.*recipe with backgrounds"),
        (
            {"end_to_end": True},
            "composited",
            r"eyes\.photographs: got .*nowhere.*allowed is nothing, unless eyes learn",
        ),
    ],
)
def test_photographs_that_are_not_there_or_not_used_are_refused_before_the_hand_learns(
    changes: Any, recipe: Any, message: str, tmp_path: Path
) -> None:
    eyes = dataclasses.replace(TINY.eyes, photographs=str(tmp_path / "nowhere"), recipe=recipe)
    run = Run.create(tmp_path / "run", {"seed": 0}, quiet=True)
    config = dataclasses.replace(TINY, eyes=eyes, **changes)
    with pytest.raises(EyehandError, match=message):
        METHOD.train(config, SOURCE, run, METHOD.networks(config, TASK, 0))
    assert not run.completed


def test_an_adaptation_takes_no_photographs_beside_its_recording(recording: Any, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, eyes=dataclasses.replace(TINY.eyes, photographs="photographs"))
    ledger, run = Ledger(METHOD.budget), Run.create(tmp_path / "run", {"seed": 0}, quiet=True)
    target = RecordedTarget(recording, ledger, "observation.images.hand")
    with pytest.raises(InvalidValueError, match=r"got 'photographs', allowed is nothing in `eyehand adapt`"):
        METHOD.adapt(config, SOURCE, target, run, METHOD.networks(config, TASK, 0))
    assert ledger.spent("frames") == 0


def test_pictures_of_another_size_are_refused_before_the_hand_learns(tmp_path: Path) -> None:
    task, run = SphereGrasp(substeps=10, picture_px=400), Run.create(tmp_path / "run", {"seed": 0}, quiet=True)
    with pytest.raises(InvalidValueError, match=r"size of the pictures in mask_grasp: got \(400, 400\).*\(200, 200\)"):
        METHOD.train(TINY, Source(task), run, METHOD.networks(TINY, task, 0))
    assert not run.completed


def test_presets_and_ranges() -> None:
    assert METHOD.preset("laptop").control.dagger.total <= 50_000
    assert METHOD.preset("paper").control.dagger.iterations * METHOD.preset("paper").control.dagger.frames == 50_000
    with pytest.raises(UnknownNameError, match=r"preset.*laptp.*laptop"):
        METHOD.preset("laptp")
    with pytest.raises(InvalidValueError, match=r"positive_weight.*at least 1"):
        EyesConfig(positive_weight=0.5)

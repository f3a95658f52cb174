"""Pictures to learn from: simulated scenes by number, and recorded frames with a target drawn in and their labels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from eyehand.data.target import TargetFrames
from eyehand.errors import InvalidValueError, TargetClosedError
from eyehand.interfaces import scene_configuration
from eyehand.learning.method import Source
from eyehand.learning.scenes import RecordedScenes, SimulatedScenes, mixed_batches
from eyehand.tasks.planar_reach import PlanarReach
from eyehand.world import plane_camera
from eyehand.world.augmentation import Augmentation
from eyehand.world.compositing import draw_disc, grey84

SOURCE = Source(PlanarReach())
STILL = Augmentation(0.0, 0.0, 0.0, 0.0, 0.0)
GROUND = 180


def recorded(count: int = 6, **changes: Any) -> TargetFrames:
    """Frames of one grey level, so that whatever is drawn in can be seen."""
    share = np.random.default_rng(0).uniform(size=(count, 3))
    frames = TargetFrames(
        images=np.full((count, 210, 160, 3), GROUND, np.uint8),
        q_rad=share,
        environment_state=None,
        rows=np.arange(count),
        extra={},
    )
    return dataclasses.replace(frames, **changes)


def scenes(frames: TargetFrames, augmentation: Augmentation = STILL, seed: int = 0) -> RecordedScenes:
    return RecordedScenes(frames, augmentation, seed)


def test_simulated_batches_are_new_for_every_number_and_the_same_for_one() -> None:
    drawn = SimulatedScenes(SOURCE, "sim", 0, "here")
    pictures, theta = drawn.batch(16, 3)
    assert (pictures.shape, pictures.dtype) == ((16, 84, 84), torch.uint8)
    assert (theta.shape, theta.dtype) == ((16, 5), torch.float32)
    again = SimulatedScenes(SOURCE, "sim", 0, "here").batch(16, 3)
    assert torch.equal(pictures, again[0])
    assert torch.equal(theta, again[1])
    for other in (drawn.batch(16, 4), SimulatedScenes(SOURCE, "sim", 1, "here").batch(16, 3)):
        assert not torch.isclose(theta[:, None], other[1][None]).all(-1).any()
    assert not torch.equal(SimulatedScenes(SOURCE, "sim", 0, "there").batch(16, 3)[1], theta)


def test_the_labels_are_what_is_seen() -> None:
    """Drawing the labelled scene anew gives the picture, up to the rounding of float32 labels."""
    drawn = SimulatedScenes(SOURCE, "sim", 0, "here")
    pictures, theta = drawn.batch(32, 0)
    difference = (drawn.draw(theta).int() - pictures.int()).abs()
    assert difference.max() <= 1
    shifted = theta + torch.tensor([0.05, 0, 0, 0, 0])
    assert (drawn.draw(shifted).int() - pictures.int()).abs().flatten(1).max(dim=1).values.min() > 20


def test_scenes_of_the_target_cannot_be_simulated() -> None:
    with pytest.raises(TargetClosedError, match="twin"):
        SimulatedScenes(SOURCE, "twin", 0, "here")


def test_recorded_joints_are_the_labels_and_the_target_is_where_the_label_says() -> None:
    frames = recorded()
    pictures, theta = scenes(frames).batch(32, 0)
    assert (pictures.shape, pictures.dtype, theta.dtype) == ((32, 84, 84), torch.uint8, torch.float32)
    x_target_m, q_rad = scene_configuration.denormalise(theta.numpy())
    distance = np.abs(q_rad[:, None] - frames.q_rad[None]).max(-1)
    assert (distance.min(axis=1) < 1e-6).all()
    assert len(np.unique(distance.argmin(axis=1))) == 6  # every frame is used
    ground = np.full((32, 210, 160, 3), GROUND, np.uint8)
    expected = grey84(draw_disc(ground, x_target_m, plane_camera.believed_homography()))
    assert np.abs(pictures.numpy().astype(int) - expected).max() <= 1
    assert len(np.unique(x_target_m.round(6), axis=0)) == 32  # a new place each time


def test_recorded_batches_are_functions_of_seed_and_number() -> None:
    frames = recorded()
    pictures, theta = scenes(frames, Augmentation()).batch(20, 5)
    again = scenes(frames, Augmentation()).batch(20, 5)
    assert torch.equal(pictures, again[0])
    assert torch.equal(theta, again[1])
    assert not torch.equal(scenes(frames, Augmentation()).batch(20, 6)[1], theta)
    assert not torch.equal(scenes(frames, Augmentation(), seed=1).batch(20, 5)[1], theta)


def test_the_target_is_drawn_by_the_recordings_own_calibration() -> None:
    shift = np.eye(3)
    shift[0, 2] = 25.0
    H = shift @ plane_camera.believed_homography()
    here, theta = scenes(recorded()).batch(16, 0)
    there, same = scenes(recorded(extra={"plane_to_image": H.tolist()})).batch(16, 0)
    assert torch.equal(theta, same)
    x_target_m, _ = scene_configuration.denormalise(theta.numpy())
    expected = grey84(draw_disc(np.full((16, 210, 160, 3), GROUND, np.uint8), x_target_m, H))
    assert np.abs(there.numpy().astype(int) - expected).max() <= 1
    assert not torch.equal(here, there)


def test_a_target_that_is_in_the_frames_is_labelled_and_not_drawn_again() -> None:
    places = np.random.default_rng(1).uniform(-0.5, 0.9, (6, 2))
    frames = recorded(environment_state=places, extra={"target_drawn": True})
    pictures, theta = scenes(frames).batch(24, 0)
    assert (pictures == GROUND).all()
    x_target_m, q_rad = scene_configuration.denormalise(theta.numpy())
    row = np.abs(q_rad[:, None] - frames.q_rad[None]).max(-1).argmin(axis=1)
    np.testing.assert_allclose(x_target_m, places[row], atol=1e-6)


@pytest.mark.parametrize("places", [None, np.zeros((6, 3)), np.zeros((6, 0))])
def test_a_target_in_the_frames_needs_its_place(places: Any) -> None:
    frames = recorded(environment_state=places, extra={"target_drawn": True})
    with pytest.raises(InvalidValueError, match=r"observation.environment_state.*two numbers a frame.*target_drawn"):
        scenes(frames)


@pytest.mark.parametrize(
    "matrix",
    [[[1, 0], [0, 1]], [[1, 0, 0], [0, 1, 0], [0, 0, float("nan")]], [[0.0] * 3] * 3, [[1, 2, 3], [4, 5, 6]], "skewed"],
)
def test_a_calibration_that_is_none_is_refused(matrix: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"plane_to_image.*an invertible 3 x 3 matrix of finite numbers"):
        scenes(recorded(extra={"plane_to_image": matrix}))


def test_colour_frames_are_turned_grey_before_the_target_is_drawn() -> None:
    red = np.zeros((6, 210, 160, 3), np.uint8)
    red[..., 0] = 200
    pictures, _ = scenes(recorded(images=red)).batch(4, 0)
    assert set(pictures.flatten(1).max(dim=1).values.tolist()) == {round(0.299 * 200)}


def test_recorded_pictures_are_mixed_in_where_there_are_some_and_not_asked_for_otherwise() -> None:
    drawn, frames = SimulatedScenes(SOURCE, "sim", 0, "here"), scenes(recorded())
    pictures, _ = mixed_batches(drawn, frames, 8, 0.75)(0)
    assert torch.equal(pictures, torch.cat([frames.batch(6, 0)[0], drawn.batch(2, 0)[0]]))
    assert torch.equal(mixed_batches(drawn, None, 8, 0.0)(0)[0], drawn.batch(8, 0)[0])
    with pytest.raises(InvalidValueError, match=r"real_share: got 0\.75, allowed is 0 without recorded frames"):
        mixed_batches(drawn, None, 8, 0.75)

"""Training pictures for eyes: every recipe shows the target where its masks say, and is a function of a number."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.learning.mask_pictures import NEEDS_BACKGROUNDS, RECIPES, MaskPictures, mask_pictures
from eyehand.learning.mask_primitives import among_primitives
from eyehand.learning.mask_scenes import Studio, expert_at_work, to_masks, wandering
from eyehand.learning.method import Source
from eyehand.tasks.sphere_grasp import SphereGrasp
from eyehand.world.lone_sphere import lone_spheres
from eyehand.world.recolour import recoloured
from eyehand.world.rendering import Cameras
from eyehand.world.sprites import SIDE, Sprites, laid_over
from eyehand.world.wear import Wear, worn

SOURCE = Source(SphereGrasp())
NONE = Wear(0.0, 0.0, 0.0, 0.0, 0.0)
BLUE = np.full((3, 200, 200, 3), (20, 40, 200), np.uint8)


@cache
def made(recipe: str) -> MaskPictures:
    backgrounds = BLUE if recipe in NEEDS_BACKGROUNDS else None
    return mask_pictures(recipe, SOURCE, 3, 32, backgrounds, 0.0, NONE)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_batch_is_a_function_of_its_number(recipe: str) -> None:
    pictures, masks = made(recipe).batch(8, 5)
    assert (pictures.shape, pictures.dtype) == ((8, 200, 200, 3), torch.uint8)
    assert (masks.shape, masks.dtype) == ((8, 100, 100), torch.uint8)
    again, other = made(recipe).batch(8, 5), made(recipe).batch(8, 6)
    assert torch.equal(pictures, again[0])
    assert torch.equal(masks, again[1])
    assert not torch.equal(pictures, other[0])


@pytest.mark.parametrize("recipe", RECIPES)
def test_masks_mark_what_is_yellow(recipe: str) -> None:
    pictures, masks = (part.numpy() for part in made(recipe).batch(64, 0))
    assert 0 < masks.max() <= 1
    assert masks.mean() < 0.01
    inside = pictures.reshape(64, 100, 2, 100, 2, 3).mean(axis=(2, 4))[masks > 0]
    red, green, blue = inside.T
    yellow = (red > blue + 10) & (green > blue)
    assert yellow.mean() > 0.8  # the rest is in shade, at an edge or under a highlight


@pytest.mark.parametrize("recipe", sorted(NEEDS_BACKGROUNDS))
def test_nothing_but_the_target_changes_a_background(recipe: str) -> None:
    pictures, masks = (part.numpy() for part in made(recipe).batch(64, 0))
    changed = (pictures != BLUE[0, 0, 0]).any(axis=3).reshape(64, 100, 2, 100, 2).any(axis=(2, 4))
    assert changed[masks > 0].all()
    assert changed.mean() < 2.5 * masks.mean()  # edges, no more
    assert (masks.max(axis=(1, 2)) == 0).any()  # and some show no target


def test_recoloured_backgrounds_keep_grey_and_brightness_and_leave_a_share_alone() -> None:
    grey, tan = np.full((200, 4, 4, 3), 90, np.uint8), np.full((200, 4, 4, 3), (150, 120, 90), np.uint8)
    grey[:, :, 0] = tan[:, :, 0] = (10, 10, 10)
    assert (recoloured(grey, 1.0, 0, 0).mean(axis=2) == grey.mean(axis=2)).all()
    other = recoloured(tan, 0.75, 0, 0)
    assert np.abs(other.mean(axis=(1, 2, 3)) - tan.mean(axis=(1, 2, 3))).max() < 1.0
    same = (other == tan).all(axis=(1, 2, 3))
    assert 0.15 < same.mean() < 0.35
    mirrored = (other[:, :, -1] == 10).all(axis=(1, 2))
    assert 0.25 < mirrored.mean() < 0.5
    hues = np.unique(other[~same][:, 1, 1:3].max(axis=1), axis=0)
    assert len(hues) > 50
    assert (recoloured(tan, 0.0, 0, 0) == tan).all()
    assert (recoloured(tan, 0.75, 0, 0) == other).all()
    assert not (recoloured(tan, 0.75, 0, 1) == other).all()


def test_the_expert_at_work_is_labelled_as_the_task_says() -> None:
    found = expert_at_work(SOURCE, 1, 64)
    world = Source(wandering(SphereGrasp())).world("sim", frozenset({"privileged"}))
    assert found.pictures.shape == (64, 200, 200, 3)
    shown = found.masks.any(axis=(1, 2)).mean()
    assert 0.5 < shown < 1.0  # hands start anywhere, some in front of nothing
    areas = found.masks.sum(axis=(1, 2))
    assert areas.max() < 80
    assert world.task.starts == "anywhere"


def test_labels_are_no_fatter_than_true_masks() -> None:
    task, seeds = SphereGrasp(), np.arange(64)
    state = task.sample(seeds)
    cameras = Cameras(np.tile(task.K, (64, 1, 1)), state.T_world_camera, (200, 200))
    found = Studio(task.scene, SOURCE.domain("sim")).labelled(state.physics, state.held, cameras, seeds)
    true = task.silhouettes(state)
    assert found.pictures.shape == (64, 200, 200, 3)
    assert true.sum() > 200
    assert abs(found.masks.sum() / true.sum() - 1.0) < 0.02
    assert (found.masks.astype(bool) != true).mean() < 1e-4


def test_targets_composed_once_stay_on_their_backgrounds() -> None:
    colours = np.stack([np.full((200, 200, 3), (20, 40, blue), np.uint8) for blue in range(100, 228, 4)])
    kept = mask_pictures("composited", SOURCE, 3, 16, colours, 0.0, NONE, once=True)
    anew = mask_pictures("composited", SOURCE, 3, 16, colours, 0.0, NONE)
    counts = [len(np.unique(recipe.batch(400, 1)[0].numpy()[:, 0, 0, 2])) for recipe in (kept, anew)]
    assert len(kept) == 16
    assert counts[0] <= 16 < counts[1]
    pictures, masks = kept.batch(400, 2)
    assert len(np.unique(pictures.numpy().reshape(400, -1), axis=0)) <= 16
    assert masks.any()


def test_primitives_are_four_times_as_many_and_show_things_from_free_cameras() -> None:
    assert len(made("primitives")) == 4 * len(made("plain"))
    found = among_primitives(SOURCE, 1, 128)
    assert len(np.unique(found.pictures.reshape(128, -1).mean(axis=1).round(3))) > 120
    top = found.pictures[:, :8].reshape(128, -1).std(axis=1)  # the hand's palm is there, and alike in half of them
    assert np.median(top[:64]) < np.median(top[64:])


def test_lone_spheres_have_soft_edges_and_the_size_asked_for() -> None:
    K, size = SphereGrasp().K, (200, 200)
    sprites = lone_spheres(200, 0, np.array([0.93, 0.8, 0.1]), K, size)
    area = sprites.share.sum(axis=(1, 2)) / 255.0
    across = np.sqrt(4 * area / np.pi)
    assert 2.5 < np.quantile(across, 0.02) < np.quantile(across, 0.98) < SIDE
    partly = (sprites.share > 0) & (sprites.share < 255)
    assert partly.sum() > 0.1 * (sprites.share > 0).sum()
    middle = sprites.corner + SIDE // 2
    assert ((middle >= 0) & (middle <= 200)).all()
    again = lone_spheres(70, 0, np.array([0.93, 0.8, 0.1]), K, size)
    assert (again.rgb == sprites.rgb[:70]).all()


def test_sprites_are_cut_at_the_edge_of_a_picture() -> None:
    share = np.full((2, SIDE, SIDE), 255, np.uint8)
    rgb = np.full((2, SIDE, SIDE, 3), 100, np.uint8)
    sprites = Sprites(rgb, share, np.array([[-20, 190], [500, 0]]))
    pictures, covered = laid_over(BLUE, sprites, np.array([0, 1, -1]), np.array([1.5, 1.0, 1.0]))
    assert covered.astype(bool).sum(axis=(1, 2)).tolist() == [12 * 10, 0, 0]
    assert (pictures[0, :12, 190:] == 150).all()
    assert (pictures[1:] == BLUE[1:]).all()


def test_masks_take_pixels_that_are_half_covered() -> None:
    share = np.zeros((1, 200, 200), np.uint8)
    share[0, 0, 0:2], share[0, 2, 0], share[0, 3, 4:6] = 255, 255, 127
    assert np.argwhere(to_masks(share, 255.0)[0]).tolist() == [[0, 0]]


def test_wear_of_nothing_changes_nothing_and_wear_keeps_colours_apart() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
    assert (worn(picture, NONE, 0, 0) == picture).all()
    grey = np.full((64, 20, 30, 3), 128, np.uint8)
    once = worn(grey, Wear(), 0, 7)
    assert (once == worn(grey, Wear(), 0, 7)).all()
    means = once.mean(axis=(1, 2, 3))
    assert means.std() > 10
    noisy = worn(grey, Wear(0.0, 0.0, 0.0, 0.0, 6.0), 0, 7).astype(float)
    assert 1.0 < noisy.std(axis=(1, 2)).mean() < 5.0
    assert abs(noisy.mean() - 128.0) < 0.1
    flat = noisy[:, ..., 0].reshape(64, -1) - 128, noisy[..., 1].reshape(64, -1) - 128
    assert abs((flat[0] * flat[1]).mean()) < 1.0  # channels have noise of their own


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'composited'"):
        mask_pictures("composite", SOURCE, 0, 8)
    with pytest.raises(InvalidValueError, match="at least 1"):
        mask_pictures("plain", SOURCE, 0, 0)
    with pytest.raises(InvalidValueError, match="got 'none'"):
        mask_pictures("composited", SOURCE, 0, 8)
    with pytest.raises(InvalidValueError, match=r"recipe 'plain_on_backgrounds'.*\(3, 100, 100, 3\)"):
        mask_pictures("plain_on_backgrounds", SOURCE, 0, 8, BLUE[:, ::2, ::2])
    with pytest.raises(InvalidValueError, match=r"blur up to 0\.3"):
        Wear(blur=0.5)

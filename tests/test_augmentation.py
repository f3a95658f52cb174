"""Augmented frames: what each range does by itself, and that nothing but the generator decides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from eyehand.errors import InvalidValueError
from eyehand.world import rows
from eyehand.world.augmentation import Augmentation, add_noise, augment, luma

OFF = {"rotation_rad": 0.0, "translation_px": 0.0, "brightness": 0.0, "offset": 0.0, "noise": 0.0}


def smooth(count: int = 1) -> np.ndarray:
    """Frames without sharp edges, on which bilinear sampling is close to exact."""
    row, column = np.mgrid[:210, :160] / 30.0
    return np.stack([128 + 60 * np.sin(row + k) * np.cos(column) for k in range(count)]).round().astype(np.uint8)


def one(grey: np.ndarray, seed: int = 0, copies: int = 64, **ranges: float) -> np.ndarray:
    """Augmented copies (copies, 210, 160) of the first frame with only the given ranges."""
    generator = torch.Generator().manual_seed(seed)
    out = augment(grey, np.zeros(copies, np.int64), Augmentation(**{**OFF, **ranges}), generator)
    assert out.shape == (copies, 210, 160, 3)
    assert out.dtype == np.uint8
    assert (out == out[..., :1]).all()
    return out[..., 0].astype(float)


def test_luma_weighs_the_channels_as_bt601_does() -> None:
    colours = np.array([[[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [10, 20, 30]]]], np.uint8)
    assert luma(colours).tolist() == [[[76, 150, 29, 255, 18]]]
    assert luma(colours).dtype == np.uint8


def test_without_ranges_frames_stay_as_they_are() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 210, 160)).astype(np.uint8)
    out = one(noise, copies=2)
    assert (out[:, :-1, :-1] == noise[0, :-1, :-1]).all()
    assert np.abs(out - noise[0]).max() <= 1  # the last row and column mix in a thousandth of their neighbours


def test_the_chosen_frames_are_copied() -> None:
    grey = smooth(3)
    out = augment(grey, np.array([2, 0, 2]), Augmentation(**OFF), torch.Generator().manual_seed(0))
    for copy, source in zip(out, (2, 0, 2), strict=True):
        assert np.abs(copy[..., 0].astype(int) - grey[source]).max() <= 1


def centroid(frames: np.ndarray) -> np.ndarray:
    """Centre of brightness (B, 2) as (column, row)."""
    row, column = np.mgrid[:210, :160]
    return np.stack([(frames * column).sum((1, 2)), (frames * row).sum((1, 2))], 1) / frames.sum((1, 2))[:, None]


def blob(column: float, row: float) -> np.ndarray:
    rows_, columns = np.mgrid[:210, :160]
    return (240 * np.exp(-((columns - column) ** 2 + (rows_ - row) ** 2) / 50)).astype(np.uint8)[None]


def test_frames_shift_by_up_to_the_range_along_both_axes() -> None:
    shifts = centroid(one(blob(80, 100), translation_px=4.0, copies=256)) - [80, 100]
    assert np.abs(shifts).max() <= 4.1
    assert (np.abs(shifts).max(axis=0) > 3.6).all()
    assert (np.abs(shifts.mean(axis=0)) < 0.6).all()
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.2


def test_frames_turn_about_their_middle() -> None:
    radius = 60.0
    turned = centroid(one(blob(79.5 + radius, 104.5), rotation_rad=0.1, copies=256)) - [79.5, 104.5]
    angles = np.arctan2(turned[:, 1], turned[:, 0])
    np.testing.assert_allclose(np.hypot(*turned.T), radius, atol=0.3)
    assert np.abs(angles).max() <= 0.102
    assert np.abs(angles).max() > 0.09
    assert abs(angles.mean()) < 0.015


def test_brightness_scales_and_offset_shifts_the_levels() -> None:
    flat = np.full((1, 210, 160), 100, np.uint8)
    gains = one(flat, brightness=0.25, copies=256).mean((1, 2)) / 100
    assert gains.min() == pytest.approx(0.75, abs=0.02)
    assert gains.max() == pytest.approx(1.25, abs=0.02)
    levels = one(flat, offset=15.0, copies=256).mean((1, 2))
    assert levels.min() == pytest.approx(85, abs=1)
    assert levels.max() == pytest.approx(115, abs=1)


def test_levels_are_cut_at_black_and_white() -> None:
    bright = one(np.full((1, 210, 160), 250, np.uint8), offset=50.0)
    assert bright.max() == 255
    dark = one(np.full((1, 210, 160), 5, np.uint8), offset=50.0)
    assert dark.min() == 0


def noisy(flat: int, noise: float, seed: int = 0) -> np.ndarray:
    """Noise (64, 84, 84) that was added to pictures of one grey level."""
    pictures = np.full((64, 84, 84), flat, np.uint8)
    ranges = Augmentation(**{**OFF, "noise": noise})
    out = add_noise(pictures, ranges, torch.Generator().manual_seed(seed))
    assert (pictures == flat).all()
    return out.astype(float) - flat


def test_noise_is_normal_and_new_in_every_pixel() -> None:
    noise = noisy(128, 6.0)
    spread = noise.std((1, 2))
    assert spread.max() == pytest.approx(6.0, abs=0.5)
    assert spread.min() < 0.7
    wide = noise[spread.argmax()]
    assert abs(wide.mean()) < 0.3
    inside = (np.abs(wide) < spread.max()).mean()
    assert 0.62 < inside < 0.74  # 68 % of a normal distribution
    for one_way, other_way in ((wide[:, :-1], wide[:, 1:]), (wide[:-1], wide[1:])):
        assert abs(np.corrcoef(one_way.ravel(), other_way.ravel())[0, 1]) < 0.05
    two = np.sort(spread)[-2:]
    pictures = [noise[np.flatnonzero(spread == value)[0]].ravel() for value in two]
    assert abs(np.corrcoef(*pictures)[0, 1]) < 0.05  # every picture has its own


def test_noise_is_cut_at_black_and_white_and_absent_without_a_range() -> None:
    assert noisy(254, 20.0).max() == 1
    assert noisy(1, 20.0).min() == -1
    assert not noisy(100, 0.0).any()
    np.testing.assert_array_equal(noisy(100, 5.0), noisy(100, 5.0))
    assert (noisy(100, 5.0) != noisy(100, 5.0, seed=1)).any()


def test_the_generator_alone_decides() -> None:
    grey, chosen = smooth(2), np.array([0, 1] * 32)

    def copies(seed: int) -> Any:
        return augment(grey, chosen, Augmentation(), torch.Generator().manual_seed(seed))

    np.testing.assert_array_equal(copies(0), copies(0))
    assert (copies(0) != copies(1)).any()


def test_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for threads in (1, 3):
        monkeypatch.setattr(rows, "default_threads", lambda threads=threads: threads)
        found.append(augment(smooth(), np.zeros(48, np.int64), Augmentation(), torch.Generator().manual_seed(2)))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", OFF)
@pytest.mark.parametrize("value", [-0.01, math.nan, math.inf, 1e9])
def test_ranges_that_no_frame_can_have_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InvalidValueError, match=rf"Invalid {name} in Augmentation: got {value}.*allowed is from 0 to"):
        Augmentation(**{**OFF, name: value})

"""Masks as an interface: how far two are apart, how they go wrong, how they are drawn."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch

from eyehand.interfaces.mask import Mask, dilated, false_blobs, pixels_dropped, with_false_blobs

MASK = Mask(lambda state: state)


def boxes(*corners: tuple[int, int, int, int]) -> torch.Tensor:
    """One mask (1, 100, 100) with boxes from (row, column) to (row, column), the ends left out."""
    z = torch.zeros(1, 100, 100)
    for top, left, bottom, right in corners:
        z[0, top:bottom, left:right] = 1.0
    return z


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_distances_count_pixels_and_blobs() -> None:
    true, told = boxes((10, 10, 14, 14)), boxes((10, 12, 14, 16), (50, 50, 52, 52))
    found = {unit: float(values[0]) for unit, values in MASK.distance(told, true).items()}
    assert found == pytest.approx(
        {
            "iou_lost": 1 - 8 / 28,
            "precision_lost": 1 - 8 / 20,
            "recall_lost": 0.5,
            "f1_lost": 1 - 2 * 8 / (20 + 16),
            "false_blobs": 1.0,
        },
        abs=1e-6,
    )


@pytest.mark.parametrize(
    ("told", "true", "expected"),
    [
        ((), (), (0, 0, 0, 0)),
        (((1, 1, 3, 3),), (), (1, 1, 0, 1)),
        ((), ((1, 1, 3, 3),), (1, 1, 1, 0)),
        (((1, 1, 3, 3),), ((1, 1, 3, 3),), (0, 0, 0, 0)),
    ],
)
def test_distances_of_empty_masks(told: tuple, true: tuple, expected: tuple[int, ...]) -> None:
    found = MASK.distance(boxes(*told), boxes(*true))
    assert tuple(float(found[u]) for u in ("iou_lost", "precision_lost", "recall_lost", "false_blobs")) == expected


def test_distances_are_taken_behind_the_threshold_and_row_by_row() -> None:
    true = torch.cat([boxes((5, 5, 9, 9)), boxes((60, 60, 64, 64))])
    told = torch.where(true > 0, 0.51, 0.49)
    told[1] = 0.5
    found = MASK.distance(told, true)
    assert found["iou_lost"].tolist() == [0.0, 1.0]
    assert found["recall_lost"].tolist() == [0.0, 1.0]


def test_blobs_join_over_corners_and_touch_by_a_single_pixel() -> None:
    staircase = boxes((0, 0, 1, 1), (1, 1, 2, 2), (2, 2, 3, 3))  # one blob, in the corner of the picture
    apart = boxes((0, 0, 1, 1), (0, 99, 1, 100), (99, 0, 100, 1), (99, 99, 100, 100))  # none over the picture's edge
    told = torch.cat([staircase, apart]).numpy() > 0
    true = boxes((2, 2, 3, 3), (99, 99, 100, 100)).numpy() > 0
    assert false_blobs(told, np.zeros_like(told)).tolist() == [1, 4]
    assert false_blobs(told, np.concatenate([true, true])).tolist() == [0, 3]
    full = np.ones((1, 100, 100), bool)
    assert false_blobs(full, np.zeros_like(full)).tolist() == [1]


def test_blobs_of_noise_are_counted_in_no_time() -> None:
    told = np.random.default_rng(0).random((60, 100, 100)) < 0.25  # what untrained eyes see; seconds in Python
    true = np.zeros_like(told)
    expected = [connected(one) for one in told[:2]]
    false_blobs(told[:1], true[:1])  # compiled now
    start = time.perf_counter()
    assert false_blobs(told, true)[:2].tolist() == expected
    assert time.perf_counter() - start < 0.5


def connected(flags: Any) -> int:
    """Blobs of a mask, by spreading the largest number of every blob."""
    number = np.pad(np.where(flags, np.arange(1, flags.size + 1).reshape(flags.shape), 0), 1)
    while True:
        near = [np.roll(number, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        spread = np.where(number > 0, np.max(near, axis=0), 0)
        if np.array_equal(spread, number):
            return len(np.unique(number)) - 1
        number = spread


def test_corruption_grows_with_its_level_and_leaves_the_truth_alone() -> None:
    true = boxes((40, 40, 50, 50)).repeat(200, 1, 1)
    kept = true.clone()
    lost = [float(MASK.distance(MASK.corrupt(true, v, generator()), true)["iou_lost"].mean()) for v in (0, 0.3, 1)]
    assert lost[0] == 0.0
    assert 0.05 < lost[1] < lost[2] - 0.1
    assert torch.equal(true, kept)
    assert torch.equal(MASK.corrupt(true, 0.0, generator()), true)
    assert torch.equal(MASK.corrupt(true, 0.5, generator()), MASK.corrupt(true, 0.5, generator()))


def test_corruption_loses_widens_narrows_and_invents() -> None:
    true = boxes((40, 40, 50, 50)).repeat(400, 1, 1)
    bad = MASK.corrupt(true, 1.0, generator())
    assert bad.shape == true.shape
    assert bad.dtype == true.dtype
    assert set(bad.unique().tolist()) == {0.0, 1.0}
    found = MASK.distance(bad, true)
    assert 0.15 < float((found["recall_lost"] == 1).float().mean()) < 0.35  # lost whole, apart from lucky blobs
    assert float((found["false_blobs"] > 0).float().mean()) > 0.8
    edge = bad[:, 39, 40:50].mean(dim=1) > 0
    assert 0.2 < float(edge.float().mean()) < 0.6  # some are wider
    assert float((bad[:, 40, 40:50].sum(dim=1) == 0).float().mean()) > 0.3  # some narrower, or lost


def test_a_wider_mask_is_a_pixel_wider_on_every_side() -> None:
    assert torch.equal(dilated(boxes((40, 40, 41, 41))), boxes((39, 39, 42, 42)))


def test_single_pixels_are_lost_up_to_the_share() -> None:
    z = torch.ones(300, 20, 20)
    left = pixels_dropped(z, 0.4, generator()).mean(dim=(1, 2))
    assert float(left.min()) > 0.5
    assert float(left.max()) > 0.97
    assert float(left.mean()) == pytest.approx(0.8, abs=0.02)


def test_false_blobs_come_with_the_probability_given() -> None:
    z = torch.zeros(600, 100, 100)
    there = with_false_blobs(z, 0.25, generator()).flatten(1).sum(dim=1)
    assert float((there > 0).float().mean()) == pytest.approx(0.25, abs=0.05)
    assert float(there.max()) <= 4 * 4 * np.pi + 12


def test_hardening_makes_zeros_and_ones() -> None:
    z = torch.tensor([[[0.0, 0.5, 0.50001, 1.0]]])
    assert MASK.harden(z).tolist() == [[[0.0, 0.0, 1.0, 1.0]]]


@pytest.mark.parametrize("size", [100, 200])
def test_drawing_tints_the_masks_pixels_and_no_others(size: int) -> None:
    image = np.full((1, size, size, 3), 90, np.uint8)
    drawn = MASK.draw(image, boxes((10, 20, 14, 30)))
    factor = size // 100
    tinted = (drawn != image).any(axis=3)[0]
    assert tinted[10 * factor : 14 * factor, 20 * factor : 30 * factor].all()
    assert tinted.sum() == 40 * factor**2
    assert (image == 90).all()

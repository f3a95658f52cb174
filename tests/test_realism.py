"""The realism numbers find again what was put into pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eyehand.errors import InvalidValueError
from eyehand.evaluation.realism import edge_spread_px, noise, realism
from eyehand.world.sensing import optics

SIZE = (96, 128)


def scene() -> np.ndarray:
    """Grey levels (H, W) of boxes on a slope."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    picture = 90 + 0.3 * columns + 0.1 * rows
    picture[20:60, 30:70] = 200
    picture[40:80, 80:110] = 40
    return picture


def blurred(sigma_px: float) -> np.ndarray:
    light = np.repeat(scene()[..., None], 3, axis=2).astype(np.float32)
    return optics.blur(light, sigma_px)[..., 0].astype(float)


@pytest.mark.parametrize("sigma", [1.0, 4.0])
def test_noise_is_found_beside_structure(sigma):
    noisy = scene() + sigma * np.random.default_rng(0).standard_normal(SIZE)
    assert abs(noise(noisy) / sigma - 1) < 0.2
    assert noise(scene()) < 0.05


@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_edge_spread_measures_blur(sigma):
    assert edge_spread_px(scene()) == pytest.approx(1.0, abs=0.05)
    assert edge_spread_px(blurred(sigma)) == pytest.approx(math.sqrt(2 * math.pi) * sigma, rel=0.12)
    assert math.isnan(edge_spread_px(np.full(SIZE, 3.0)))


def test_clipping_saturation_and_holes_are_shares():
    pictures = np.full((2, *SIZE, 3), 100, np.uint8)
    pictures[:, :24] = 255
    pictures[:, 48:, :, 0] = 0
    depth = np.ones((2, *SIZE), np.float32)
    depth[:, :12], depth[:, 12:24] = 0.0, np.inf
    numbers = realism(pictures, depth)
    assert (numbers.clipped, numbers.holes, numbers.pictures) == (0.25, 0.25, 2)
    assert numbers.saturation == 0.5
    assert realism(pictures).holes is None
    assert math.isnan(realism(pictures[:, 60:70]).edge_spread_px)


def test_no_pictures_are_refused():
    with pytest.raises(InvalidValueError, match=r"uint8 \(B, H, W, 3\)"):
        realism(np.zeros((0, 4, 4, 3), np.uint8))

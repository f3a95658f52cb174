"""The virtual disc and the grey image: closed forms, checked against plain NumPy."""

from __future__ import annotations

import numpy as np

from eyehand.world import plane_camera
from eyehand.world.compositing import draw_disc, grey84


def _noise(batch: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (batch, 210, 160, 3)).astype(np.uint8)


def _area_weights(out: int, size: int) -> np.ndarray:
    edges = np.arange(out + 1) * size / out
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.clip(overlap, 0, None) * out / size


def test_grey84_is_luma_scaled_by_exact_areas() -> None:
    frames = _noise(3)
    luma = frames @ np.array([0.299, 0.587, 0.114])
    expected = _area_weights(84, 210) @ luma @ _area_weights(84, 160).T
    error = np.abs(grey84(frames).astype(float) - expected)
    assert error.max() <= 0.5 + 1e-6


def test_grey84_keeps_black_and_white() -> None:
    frames = np.stack([np.zeros((210, 160, 3), np.uint8), np.full((210, 160, 3), 255, np.uint8)])
    assert grey84(frames)[0].max() == 0
    assert grey84(frames)[1].min() == 255


def test_disc_has_its_centre_and_radius_where_the_homography_puts_them() -> None:
    frames = np.full((3, 210, 160, 3), 200, np.uint8)
    targets = np.array([[0.2, 0.1], [0.7, -0.6], [-0.3, 0.8]])
    drawn = draw_disc(frames, targets, plane_camera.believed_homography())
    coverage = (200.0 - drawn[..., 0]) / 200.0  # (B, H, W): red fades from 200 to 0
    area = coverage.sum((1, 2))
    rows, columns = np.mgrid[:210, :160]
    centre = np.stack([(coverage * columns).sum((1, 2)), (coverage * rows).sum((1, 2))], 1) / area[:, None]
    expected = plane_camera.project(plane_camera.believed_homography(), targets[:, None])[:, 0]
    np.testing.assert_allclose(centre, expected, atol=0.05)
    np.testing.assert_allclose(np.sqrt(area / np.pi), 0.09 * plane_camera.PIXELS_PER_M, rtol=0.01)
    assert frames.min() == 200  # the input is left alone
    assert drawn[0, round(expected[0, 1]), round(expected[0, 0])].tolist() == [0, 0, 255]


def test_disc_follows_each_rows_own_homography_and_may_leave_the_frame() -> None:
    frames = np.full((2, 210, 160, 3), 90, np.uint8)
    shift = np.eye(3)
    shift[0, 2] = 20.0  # px to the right
    homographies = np.stack([plane_camera.believed_homography(), shift @ plane_camera.believed_homography()])
    drawn = draw_disc(frames, np.array([[0.2, 0.0], [0.2, 0.0]]), homographies)
    np.testing.assert_array_equal(drawn[0, :, 40:120], drawn[1, :, 60:140])
    outside = draw_disc(frames, np.array([[9.0, 0.0], [0.0, -9.0]]), homographies)
    np.testing.assert_array_equal(outside, frames)


def test_rows_do_not_depend_on_their_batch() -> None:
    frames, targets = _noise(4), np.random.default_rng(1).uniform(-0.5, 0.9, (4, 2))
    H = plane_camera.believed_homography()
    together = draw_disc(frames, targets, H)
    for row in range(4):
        np.testing.assert_array_equal(together[row], draw_disc(frames[row : row + 1], targets[row : row + 1], H)[0])
        np.testing.assert_array_equal(grey84(frames)[row], grey84(frames[row : row + 1])[0])

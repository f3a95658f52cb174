"""Depth from a stereo pair: right where it can see, and failing where and as real depth cameras fail."""

from __future__ import annotations

import numpy as np
import pytest

from eyehand.errors import InvalidValueError
from eyehand.world.domain import Domain, Sensor
from eyehand.world.sensing.matching import disparities
from eyehand.world.sensing.projector import from_the_right
from eyehand.world.sensing.stereo import Views, depth_of_pair, sense_depth, stereo_depth

SIZE = (72, 96)
K = np.array([[[90.0, 0, 47.5], [0, 90, 35.5], [0, 0, 1]]])
SEEDS, STEP = np.array([5]), np.array([0])
STEREO = Sensor(depth="stereo", full_well_e=10000.0, read_noise_e=5.0)


def noise_picture(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).uniform(50, 200, size)


def sensed(depth: np.ndarray, grey: float | np.ndarray = 0.4, **sensor) -> np.ndarray:
    domain = Domain(sensor=Sensor(**{**vars(STEREO), **sensor}))
    light = np.broadcast_to(np.asarray(grey, np.float32), depth.shape)
    return sense_depth(domain, Views(light[None], depth[None]), K, SEEDS, STEP)[0]


def wall(z_m: float) -> np.ndarray:
    return np.full(SIZE, z_m, np.float32)


def holes(depth: np.ndarray) -> float:
    """Share of holes away from the left border, where the right camera sees nothing."""
    return float((depth[4:-4, 30:-4] == 0).mean())


def test_shifted_pictures_give_their_shift_and_strangers_give_none():
    left = noise_picture()
    for shift in (3, 11):
        found = disparities(left, np.roll(left, -shift, axis=1), 20, 7, 0.1)
        inside = found[:, 24:-4]
        assert (np.abs(inside - shift) < 0.3).mean() > 0.99
    assert (disparities(left, noise_picture(1), 20, 7, 0.1) > 0).mean() < 0.25
    assert (disparities(left, noise_picture(1), 20, 7, 0.4) > 0).mean() < 0.01
    assert not disparities(np.full(SIZE, 9.0), np.full(SIZE, 9.0), 20, 7, 0.1).any()


def test_fractions_of_a_pixel_are_found():
    fine = np.repeat(noise_picture(2, (36, 400)), 2, 0)
    fine = (fine + np.roll(fine, 1, 1) + np.roll(fine, 2, 1) + np.roll(fine, 3, 1)) / 4
    left, right = fine[:, ::4], np.roll(fine, -22, axis=1)[:, ::4]  # 5.5 pixels
    found = disparities(left, right, 12, 9, 0.0)[4:-4, 16:-4]
    assert abs(np.median(found[found > 0]) - 5.5) < 0.15


def test_depth_is_focal_length_times_baseline_over_disparity():
    left = noise_picture()[None]
    depth = stereo_depth(left, np.roll(left, -6, axis=2), 0.06, 100.0, nearest_m=0.5)
    assert abs(np.median(depth[depth > 0]) - 1.0) < 0.02
    assert depth.dtype == np.float32
    with pytest.raises(InvalidValueError, match=r"stereo pair.*one shape \(B, H, W\)"):
        stereo_depth(left, left[:, :-1], 0.06, 100.0)
    with pytest.raises(InvalidValueError, match="baseline_m"):
        stereo_depth(left, left, 0.0, 100.0)


@pytest.mark.parametrize("z_m", [0.6, 1.1])
def test_a_bare_wall_is_measured_by_the_projected_dots(z_m):
    depth = sensed(wall(z_m))
    assert holes(depth) < 0.1
    assert abs(np.median(depth[depth > 0]) - z_m) < 0.02 * z_m
    assert holes(sensed(wall(z_m), projector_strength=0.0)) > 0.5


def test_dark_far_and_near_things_are_holes():
    assert holes(sensed(wall(0.8), np.float32(0.4), full_well_e=3000.0)) < 0.1
    dark = np.full(SIZE, 0.4, np.float32)
    dark[:, 50:] = 0.004
    depth = sensed(wall(0.8), dark, full_well_e=3000.0)
    assert (depth[8:-8, 60:-4] == 0).mean() > 0.5
    assert (depth[8:-8, 30:44] == 0).mean() < 0.2
    assert (sensed(wall(0.2)) == 0).mean() > 0.8  # nearer than the matcher searches
    assert holes(sensed(wall(6.0))) > holes(sensed(wall(1.0))) + 0.2  # the dots fade


def test_edges_grow_fat_and_their_far_side_is_hidden():
    depth = wall(1.2)
    depth[20:52, 40:64] = 0.6
    found = sensed(depth, 0.4)
    box, row = (found > 0) & (found < 0.9), 36
    assert box[24:48, 44:60].mean() > 0.9
    columns = np.flatnonzero(box[row])
    assert columns.min() <= 41
    assert 22 <= columns.max() - columns.min() <= 30
    left_of_box = found[24:48, 33:40]  # the right camera does not see the wall there
    assert (left_of_box == 0).mean() > 0.2


def test_the_right_view_shows_near_things_further_left():
    depth = wall(2.0)
    depth[20:50, 50:70] = 1.0
    light = np.zeros((*SIZE, 2), np.float32)
    light[20:50, 50:70] = 1.0
    right, _, far = from_the_right(light, depth, 10.0)
    lit = np.flatnonzero(right[35] > 0.5)
    assert (lit.min(), lit.max()) == (40, 59)
    np.testing.assert_allclose(far[35, 42:58], 1.0)
    assert right[35, 61:70].max() == 0.0  # what was behind the box shows the wall


def test_exact_depth_has_holes_only_where_nothing_is():
    depth = wall(1.0)
    depth[:10] = np.inf
    exact = sense_depth(Domain(), Views(depth[None], depth[None]), K, SEEDS, STEP)
    assert (exact[0, :10] == 0).all()
    assert (exact[0, 10:] == 1).all()
    with pytest.raises(InvalidValueError, match='"exact" or "stereo"'):
        sense_depth(Domain(sensor=Sensor(depth="sonar")), Views(depth[None], depth[None]), K, SEEDS, STEP)


def test_rows_depend_on_nothing_but_themselves():
    depth = np.stack([wall(0.7), wall(0.9), wall(1.1)])
    grey = np.stack([0.3 + 0.002 * noise_picture(i) for i in range(3)]).astype(np.float32)
    domain, many = Domain(sensor=STEREO), np.tile(K, (3, 1, 1))
    seeds, step = np.array([1, 2, 3]), np.array([0, 4, 2])
    whole = sense_depth(domain, Views(grey, depth), many, seeds, step)
    alone = sense_depth(domain, Views(grey[1:2], depth[1:2]), many[1:2], seeds[1:2], step[1:2])
    np.testing.assert_array_equal(whole[1:2], alone)
    later = sense_depth(domain, Views(grey[1:2], depth[1:2]), many[1:2], seeds[1:2], step[1:2] + 1)
    assert (later != alone).any()


def test_views_of_a_renderer_are_exposed_and_matched():
    light = np.stack([noise_picture(seed, (4 * 20, 4 * 40)) for seed in range(2)]).astype(np.float32) / 500
    right = np.roll(light, -8, axis=2)
    domain = Domain(sensor=Sensor(depth="stereo", stereo_baseline_m=0.08, full_well_e=9000.0))
    K = np.tile(np.array([[100.0, 0, 79.5], [0, 100, 39.5], [0, 0, 1]]), (2, 1, 1))
    depth = depth_of_pair(domain, light, right, K, np.array([1, 2]), np.array([0, 1]), parts=4)
    assert depth.shape == (2, 20, 40)
    assert abs(np.median(depth[depth > 0]) - 1.0) < 0.02
    assert (depth[:, 2:-2, 12:-2] == 0).mean() < 0.05

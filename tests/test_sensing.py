"""The camera of three-dimensional scenes: optics, electronics, motion blur, lost frames, late commands."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eyehand.errors import InvalidValueError
from eyehand.world import plane_camera
from eyehand.world.domain import Domain, Normal, Sensor, Timing, Uniform
from eyehand.world.rendering import Cameras, Poses
from eyehand.world.sensing import lateness, optics
from eyehand.world.sensing.camera import capture, is_perfect, margin_px, widened
from eyehand.world.sensing.flow import pixel_flow

SIZE = (48, 64)
SEEDS, STEP = np.array([11, 12, 13, 14]), np.array([0, 3, 1, 2])
FULL = Sensor(
    exposure=0.45,
    exposure_jitter=0.01,
    white_balance_red=Uniform(0.9, 1.1),
    vignetting=0.2,
    lens_k1=Uniform(-0.05, 0.05),
    blur_px=Uniform(0.3, 1.6),
    full_well_e=6000.0,
    read_noise_e=5.0,
    tone_gamma=2.2,
    jpeg_quality=80.0,
    binning=2.0,
    shutter_s=0.02,
)


def domain(**sensor) -> Domain:
    return Domain(sensor=Sensor(**sensor))


def light(batch: int = 4, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Smooth waves of light."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    wave = 0.4 + 0.25 * np.sin(rows / 5.0 + 1.0) * np.cos(columns / 6.0)
    return np.repeat(np.stack([wave, 0.8 * wave, 0.6 * wave], -1)[None], batch, axis=0).astype(np.float32)


def shown(pictures: np.ndarray, **sensor) -> np.ndarray:
    rows = len(pictures)
    return capture(domain(**sensor), pictures, SEEDS[:rows], STEP[:rows])


def test_clean_pictures_pass_a_perfect_sensor_and_a_mere_tone_curve_unchanged():
    flat = np.broadcast_to(np.arange(0, 240, 4, dtype=np.uint8)[:, None, None, None], (60, 6, 8, 3)).copy()
    seeds = np.arange(60)
    assert is_perfect(Sensor(depth="stereo"))
    np.testing.assert_array_equal(capture(Domain(), flat, seeds, seeds), flat)
    curved = capture(domain(tone_gamma=2.2), flat, seeds, seeds).astype(int)
    assert np.abs(curved - flat).max() <= 1


def test_linear_light_is_encoded():
    level = np.full((1, 8, 8, 3), 0.25, np.float32)
    assert set(shown(level).ravel().tolist()) == {64}
    assert abs(int(shown(level, tone_gamma=2.0)[0, 0, 0, 0]) - 127) <= 1


def test_rows_depend_on_nothing_but_themselves():
    varied, pictures, path = Domain(sensor=FULL), light(), np.full((4, *SIZE, 2), 3.0, np.float32)
    whole = capture(varied, pictures, SEEDS, STEP, path, threads=2)
    alone = capture(varied, pictures[2:3], SEEDS[2:3], STEP[2:3], path[2:3], threads=1)
    np.testing.assert_array_equal(whole[2:3], alone)
    assert len(np.unique(whole.reshape(4, -1), axis=0)) == 4
    later = capture(varied, pictures, SEEDS, STEP + 1, path)
    assert (later != whole).any()


def test_the_lens_moves_corners_and_keeps_the_middle():
    size = (101, 101)
    rows, columns = np.mgrid[: size[0], : size[1]]
    ramp = np.repeat(np.stack([columns, rows, rows], -1)[None] / 100.0, 1, axis=0).astype(np.float32)
    for k1 in (0.05, -0.03):
        margin = margin_px(domain(lens_k1=k1), size)
        assert (margin > 0) == (k1 < 0)
        wide = np.pad(ramp[0], ((margin, margin), (margin, margin), (0, 0)), mode="reflect", reflect_type="odd")
        bent = optics.bend(wide.astype(np.float32), k1, margin)
        assert bent.shape == ramp[0].shape
        np.testing.assert_allclose(bent[50, 50], ramp[0, 50, 50], atol=1e-5)
        seen_x = bent[50, 100, 0] * 100 - 50  # the undistorted place that is seen 50 px from the middle
        half = size[0] / 2
        assert abs(seen_x * (1 + k1 * (seen_x / half) ** 2) - 50) < 1e-2


def test_the_lens_keeps_fine_detail():
    """Bilinear resampling by half a pixel would leave 0.71 of a wave of four pixels."""
    columns = np.arange(64)
    wave = np.broadcast_to(0.5 + 0.3 * np.sin(np.pi / 2 * columns + 0.4), (64, 64))
    bent = optics.bend(np.repeat(wave[..., None], 3, axis=2).astype(np.float32), 0.02, 0)
    assert bent[28:36, 4:-4].std() > 0.93 * wave[28:36, 4:-4].std()


def test_a_wider_picture_sees_the_same_points_in_its_middle():
    K, T = np.array([[[80.0, 0, 31.5], [0, 80, 23.5], [0, 0, 1]]]), np.eye(4)[None]
    wide = widened(Cameras(K, T, SIZE), 5)
    assert wide.size == (58, 74)
    np.testing.assert_allclose(wide.K[0, :2, 2], [36.5, 28.5])
    picture = np.pad(shown(light(1)), ((0, 0), (5, 5), (5, 5), (0, 0)))
    np.testing.assert_array_equal(capture(Domain(), picture, SEEDS[:1], STEP[:1], margin=5), shown(light(1)))


@pytest.mark.parametrize("sigma", [0.8, 1.7])
def test_blur_spreads_a_point_by_its_standard_deviation(sigma):
    point = np.zeros((31, 31, 3), np.float32)
    point[15, 15] = 1.0
    spread = optics.blur(point, sigma)[..., 1]
    assert abs(spread.sum() - 1) < 1e-5
    assert abs(np.sqrt((spread.sum(0) * (np.arange(31) - 15) ** 2).sum()) - sigma) < 0.05


def test_the_shutter_smears_along_the_path_only():
    edge = np.zeros((20, 40, 3), np.float32)
    edge[:, 20:] = 1.0
    path = np.zeros((20, 40, 2), np.float32)
    np.testing.assert_array_equal(optics.smear(edge, path), edge)
    path[..., 1] = 9.0
    np.testing.assert_array_equal(optics.smear(edge, path), edge)
    path[..., :] = [9.0, 0.0]
    smeared = optics.smear(edge, path)[10, :, 0]
    assert (np.diff(smeared) >= 0).all()
    assert ((smeared > 0.02) & (smeared < 0.98)).sum() in (8, 9, 10)
    np.testing.assert_allclose(smeared.sum(), 20.0, atol=0.6)


def test_more_pixels_on_the_sensor_average_their_noise():
    grey = np.full((1, *SIZE, 3), 0.4, np.float32)
    noisy = {"full_well_e": 2000.0, "read_noise_e": 10.0}
    one, four, nine = (shown(grey, binning=b, **noisy)[0].astype(float).std() for b in (1.0, 2.0, 3.0))
    assert four < 0.85 * one  # by less than a half, because the mosaic is filled in from neighbours
    assert nine < 0.7 * one
    assert abs(shown(grey, binning=3.0, **noisy).mean() - 102) < 0.5
    np.testing.assert_array_equal(optics.split(light()[0], 2)[1::2, ::2], light()[0])


def test_pictures_of_the_wrong_kind_are_refused():
    with pytest.raises(InvalidValueError, match=r"float64 \(4, 48, 64, 3\).*uint8 or float32"):
        capture(Domain(), light().astype(np.float64), SEEDS, STEP)
    with pytest.raises(InvalidValueError, match=r"3 rows.*4 episode seeds"):
        capture(Domain(), light(3), SEEDS, STEP)


def flow_of(turn_rad: float, slide_m: float, camera_m: float) -> np.ndarray:
    """Flow of two geoms one metre before a camera: 0 turns about the optical axis, 1 slides along x."""
    K, T = np.array([[[100.0, 0, 31.5], [0, 100, 23.5], [0, 0, 1]]]), np.eye(4)[None]
    T_before = T.copy()
    T_before[0, 0, 3] -= camera_m
    ids = np.zeros((1, *SIZE), np.int32)
    ids[:, :, 32:], ids[:, :5] = 1, -1
    depth = np.where(ids < 0, np.inf, 1.0).astype(np.float32)
    place = np.array([[[0.0, 0, 1], [0.3, 0, 1]]])
    R = plane_camera.rotations(np.array([[0, 0, turn_rad], [0, 0, 0]]))[None]
    before = Poses(place, np.tile(np.eye(3), (1, 2, 1, 1)))
    now = Poses(place + np.array([[[0, 0, 0], [slide_m, 0, 0]]]), R)
    return pixel_flow(before, now, Cameras(K, T_before, SIZE), Cameras(K, T, SIZE), depth, ids)[0]


def test_flow_follows_rigid_geoms_and_the_camera():
    flow = flow_of(0.1, 0.02, 0.0)
    assert (flow[:5] == 0).all()
    np.testing.assert_allclose(flow[10, 40], [2.0, 0.0], atol=1e-4)
    x, y = 10 - 31.5, 30 - 23.5  # where it is now; before, it was turned back
    c, s = np.cos(0.1), np.sin(0.1)
    np.testing.assert_allclose(flow[30, 10], [x - (c * x + s * y), y - (-s * x + c * y)], atol=1e-3)
    np.testing.assert_allclose(flow_of(0.0, 0.0, 0.03)[20, 20], [-3.0, 0.0], atol=1e-4)


def test_lost_frames_show_the_last_one_that_came():
    lossy = Domain(timing=Timing(dropped_frames=0.3))
    seeds = np.repeat(np.arange(200), 10)
    step = np.tile(np.arange(10), 200)
    lost, seen = lateness.dropped(lossy, seeds, step), lateness.seen_step(lossy, seeds, step)
    assert not lost[step == 0].any()
    assert abs(lost[step > 0].mean() - 0.3) < 0.03
    np.testing.assert_array_equal(seen[~lost], step[~lost])
    np.testing.assert_array_equal(seen[lost], seen[np.flatnonzero(lost) - 1])
    np.testing.assert_array_equal(lateness.seen_step(Domain(), seeds, step), step)


def test_commands_come_late_by_whole_steps_within_the_longest_delay():
    seeds, step = np.repeat(np.arange(300), 4), np.tile(np.arange(4), 300)
    late = Domain(timing=Timing(delay_steps=Uniform(1, 2), delay_jitter_steps=1.0))
    delays = lateness.command_delay(late, seeds, step)
    assert set(delays.tolist()) == {1, 2, 3}
    assert lateness.longest_delay(late) == 3
    assert (delays.reshape(300, 4).std(1) > 0).any()
    wild = Domain(timing=Timing(delay_steps=Normal(0.0, 1.0)))
    assert lateness.command_delay(wild, seeds, step).max() <= lateness.longest_delay(wild) == 3
    assert not lateness.command_delay(Domain(), seeds, step).any()


def test_every_number_of_the_sensor_reaches_the_picture():
    """A field that nothing answers would be a range without a meaning."""
    plain = Domain(sensor=dataclasses.replace(FULL, lens_k1=0.02, blur_px=0.5, white_balance_red=1.0))
    path = np.full((4, *SIZE, 2), 0.0, np.float32)
    base = capture(plain, light(), SEEDS, STEP, path)
    changes = {"exposure": 0.3, "exposure_jitter": 0.05, "white_balance_red": 1.1, "white_balance_blue": 0.9}
    changes |= {"vignetting": 0.4, "lens_k1": 0.1, "blur_px": 1.5, "full_well_e": 900.0, "read_noise_e": 20.0}
    changes |= {"tone_gamma": 1.8, "jpeg_quality": 30.0, "binning": 1.0}
    for field, value in changes.items():
        other = Domain(sensor=dataclasses.replace(plain.sensor, **{field: value}))
        assert (capture(other, light(), SEEDS, STEP, path) != base).mean() > 0.05, field

"""The webcam's electronics: exposure, noise, colour, compression, crop."""

from __future__ import annotations

import dataclasses

import numpy as np

from eyehand.world import lens, plane_camera, webcam
from eyehand.world.domain import Domain, Sensor, Uniform
from eyehand.world.sensing.electronics import Settings, settings

PERFECT = Settings(
    exposure=0.0,
    white_balance_red=1.0,
    white_balance_blue=1.0,
    vignetting=0.0,
    blur_px=0.0,
    full_well_e=0.0,
    read_noise_e=0.0,
    tone_gamma=1.0,
    jpeg_quality=0.0,
    exposure_error=0.0,
    noise_key=1,
)


def _flat(level: float) -> np.ndarray:
    return np.full((*lens.CROP_SIZE, 3), level, np.float32)


def _texture() -> np.ndarray:
    rows, columns = np.mgrid[: lens.CROP_SIZE[0], : lens.CROP_SIZE[1]]
    wave = 0.4 + 0.2 * np.sin(rows / 5.0) * np.cos(columns / 7.0)
    return np.stack([wave, 0.8 * wave, 0.6 * wave], -1).astype(np.float32)


def test_a_perfect_camera_returns_the_light() -> None:
    frame = webcam.develop(_flat(0.4), PERFECT)
    assert frame.shape == (210, 160, 3)
    assert np.unique(frame).tolist() == [102]
    assert webcam.develop(_flat(2.0), PERFECT).min() == 255
    curved = webcam.develop(_flat(0.2), dataclasses.replace(PERFECT, tone_gamma=2.0))
    assert abs(int(curved[0, 0, 0]) - 255 * 0.2**0.5) < 1.0


def test_the_crop_follows_the_calibration() -> None:
    radiance, spot = _flat(0.0), np.array([150.0, 61.0])  # (column, row) of the crop
    radiance[60:63, 149:152] = 1.0
    frame = webcam.develop(radiance, PERFECT).astype(float).sum(-1)
    rows, columns = np.mgrid[:210, :160]
    centre = np.array([(frame * columns).sum(), (frame * rows).sum()]) / frame.sum()
    expected = plane_camera.frame_from_stream() @ np.array([spot[0] + lens.CROP_LEFT, spot[1], 1.0])
    np.testing.assert_allclose(centre, expected[:2], atol=0.15)


def test_noise_grows_with_light_as_photons_do() -> None:
    full_well, read = 2000.0, 6.0
    camera = dataclasses.replace(PERFECT, full_well_e=full_well, read_noise_e=read)

    def variance(level: float) -> float:
        return float(webcam.develop(_flat(level), camera)[..., 1].astype(float).var())

    dark, bright = variance(0.15), variance(0.75)
    expected = (0.75 * full_well + read**2) / (0.15 * full_well + read**2)
    assert abs(bright / dark / expected - 1) < 0.15
    again = webcam.develop(_flat(0.5), camera)
    np.testing.assert_array_equal(webcam.develop(_flat(0.5), camera), again)
    other = webcam.develop(_flat(0.5), dataclasses.replace(camera, noise_key=2)).astype(float)
    assert abs(np.corrcoef(again[..., 1].ravel(), other[..., 1].ravel())[0, 1]) < 0.03
    assert abs(float(again.mean()) - 127.5) < 0.5


def test_the_exposure_loop_reaches_its_level_whatever_the_light() -> None:
    camera = dataclasses.replace(PERFECT, exposure=0.45, tone_gamma=2.2)
    for strength in (0.05, 1.0, 30.0):
        frame = webcam.develop(strength * _texture(), camera)
        assert abs(float(frame[..., 1].mean()) / 255 - 0.45) < 0.02
    brighter = webcam.develop(_texture(), dataclasses.replace(camera, exposure_error=0.2))
    assert brighter.mean() > webcam.develop(_texture(), camera).mean() + 3


def test_white_balance_vignetting_and_blur() -> None:
    warm = webcam.develop(_flat(0.4), dataclasses.replace(PERFECT, white_balance_red=1.2, white_balance_blue=0.8))
    np.testing.assert_allclose(warm[100, 80].astype(float), [122, 102, 82], atol=1)
    dim = webcam.develop(_flat(0.8), dataclasses.replace(PERFECT, vignetting=0.4)).astype(float)
    assert dim[105, 80, 1] > 1.1 * dim[2, 2, 1]
    edge = _flat(0.1)
    edge[:, 96:] = 0.9
    sharp, soft = (webcam.develop(edge, dataclasses.replace(PERFECT, blur_px=b)).astype(float) for b in (0.0, 0.8))
    assert np.abs(np.diff(soft[100, :, 1])).max() < 0.8 * np.abs(np.diff(sharp[100, :, 1])).max()


def test_compression_costs_more_the_lower_the_quality() -> None:
    camera = dataclasses.replace(PERFECT, full_well_e=3000.0, read_noise_e=5.0)
    plain = webcam.develop(_texture(), camera).astype(float)
    error = [
        np.abs(webcam.develop(_texture(), dataclasses.replace(camera, jpeg_quality=q)) - plain).mean()
        for q in (98, 60, 15)
    ]
    assert 0 < error[0] < error[1] < error[2]
    assert error[2] < 12


def test_settings_are_functions_of_seed_and_step() -> None:
    sensor = Sensor(exposure=0.45, exposure_jitter=0.02, full_well_e=Uniform(4000, 9000), jpeg_quality=80.0)
    domain = Domain(population=True, sensor=sensor)
    seeds, step = np.array([5, 6, 5, 5 << 32]), np.array([0, 0, 1, 0])
    first, other_episode, later, other_draw = settings(domain, seeds, step)
    assert settings(domain, seeds[2:3], step[2:3])[0] == later
    assert first.full_well_e == other_episode.full_well_e != other_draw.full_well_e
    assert len({s.noise_key for s in (first, other_episode, later, other_draw)}) == 4
    assert len({s.exposure_error for s in (first, other_episode, later, other_draw)}) == 4

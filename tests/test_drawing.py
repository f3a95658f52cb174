"""The drawn arm and disc: where they are, how large they are, and that pictures change smoothly."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyehand.interfaces.scene_configuration import Scene
from eyehand.world import baxter, plane_camera
from eyehand.world.compositing import grey84
from eyehand.world.domain import Appearance, Calibration, Domain, Uniform
from eyehand.world.drawing import DISC_RADIUS_M, LINK_RADIUS_M, DrawingImaging, second_targets

H = plane_camera.believed_homography()
ARM = round(0.45 * 255)
FAR_M = (9.0, 9.0)  # a target out of sight
coordinate = st.floats(-0.6, 1.0)


def draw(q_rad: Any, target_m: Any = FAR_M, domain: Domain | None = None, seed: int = 0) -> np.ndarray:
    """One frame (210, 160, 3), signed so that differences can be taken."""
    scene = Scene(np.array([q_rad], dtype=float), np.array([target_m], dtype=float))
    zero = np.zeros(1, np.int64)
    return DrawingImaging(domain or Domain(), threads=1).capture(scene, zero + seed, zero)[0].astype(int)


def pixels(points_m: Any) -> np.ndarray:
    """Pixels (P, 2) (column, row) of plane points (P, 2)."""
    return plane_camera.project(H, np.asarray(points_m, dtype=float)[None])[0]


def poses(count: int) -> np.ndarray:
    share = np.random.default_rng(0).uniform(size=(count, 3))
    return baxter.JOINT_LOW_RAD + share * (baxter.JOINT_HIGH_RAD - baxter.JOINT_LOW_RAD)


def test_the_window_has_the_papers_size_and_scale() -> None:
    corners = plane_camera.project(np.linalg.inv(H), np.array([[[-0.5, -0.5], [159.5, 209.5]]]))[0]
    np.testing.assert_allclose(corners, [[1.115, 1.155], [-0.645, -1.155]], atol=1e-12)
    px_of_84 = plane_camera.PIXELS_PER_M * math.sqrt(84 / 160 * 84 / 210)
    assert 100 / px_of_84 == pytest.approx(2.39, abs=0.02)  # cm in a pixel of the small image
    assert px_of_84 * DISC_RADIUS_M == pytest.approx(3.8, abs=0.06)


def test_x_points_left_and_z_up_in_the_frame() -> None:
    middle, forward, up = pixels([[0.235, 0], [0.3, 0], [0.235, 0.1]])
    np.testing.assert_allclose(middle, [79.5, 104.5], atol=1e-9)
    assert forward[0] < middle[0]
    assert up[1] < middle[1]


@given(coordinate, coordinate, st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
def test_plane_points_come_back_from_their_pixels(x: float, z: float, a: float, b: float, c: float) -> None:
    R = plane_camera.R_WORLD_CAMERA @ plane_camera.rotations(np.array([[a, b, c]]))
    position = plane_camera.nominal_position_m()[None] + [[a, b, c]]
    tilted = plane_camera.true_homographies(plane_camera.CameraPoses(R, position))
    point = np.array([[[x, z]]])
    for homography in (H[None], tilted):
        back = plane_camera.project(np.linalg.inv(homography), plane_camera.project(homography, point))
        np.testing.assert_allclose(back, point, atol=1e-9)


def test_a_camera_where_it_is_believed_to_be_sees_what_is_believed() -> None:
    true = plane_camera.true_homographies(plane_camera.true_poses(Domain(), np.arange(3)))
    points = np.random.default_rng(0).uniform(-0.6, 1, (3, 20, 2))
    np.testing.assert_allclose(plane_camera.project(true, points), plane_camera.project(H, points), atol=1e-9)


@given(st.tuples(*[st.floats(-3, 3)] * 3))
def test_rotations_are_rotations(vector: tuple[float, float, float]) -> None:
    (R,) = plane_camera.rotations(np.array([vector]))
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1)
    np.testing.assert_allclose(R @ vector, vector, atol=1e-12)  # the axis stays


def test_the_joints_and_what_lies_between_them_are_on_the_drawn_arm() -> None:
    for q in poses(20):
        frame, joints = draw(q), baxter.joint_points(q[None])[0]
        share = np.linspace(0, 1, 9)[:, None, None]
        on_links = (joints[:-1] + share * np.diff(joints, axis=0)).reshape(-1, 2)
        columns, rows = pixels(on_links).round().astype(int).T
        inside = (columns >= 0) & (columns < 160) & (rows >= 0) & (rows < 210)
        assert inside.sum() > 9
        assert (frame[rows[inside], columns[inside]] == ARM).all()


def test_what_is_farther_from_the_links_than_their_radius_is_ground() -> None:
    columns, rows = np.meshgrid(np.arange(160), np.arange(210))
    places = np.stack([columns, rows], axis=-1)[:, :, None, :]  # (210, 160, 1, 2)
    for q in poses(10):
        ends = pixels(baxter.joint_points(q[None])[0])
        along = np.diff(ends, axis=0)
        share = np.clip(((places - ends[:-1]) * along).sum(-1) / (along**2).sum(-1), 0, 1)
        distance = np.linalg.norm(places - ends[:-1] - share[..., None] * along, axis=-1)  # (210, 160, 3)
        beyond = distance - np.array(LINK_RADIUS_M) * plane_camera.PIXELS_PER_M
        frame = draw(q)[..., 0]
        assert (frame[(beyond > 0.5).all(-1)] == 255).all()
        assert (frame[(beyond < -0.5).any(-1)] == ARM).all()
        edge = ~((beyond > 0.5).all(-1) | (beyond < -0.5).any(-1))
        assert 0.004 < edge.mean() < 0.012  # one pixel wide, all around


def test_a_link_is_twice_its_radius_wide() -> None:
    frame = draw([0.0, 0.0, 0.0])
    column = round(pixels([[0.95, -0.079]])[0, 0])  # the last link is level there
    coverage = (255 - frame[:, column, 0]) / (255 - ARM)
    assert coverage.sum() == pytest.approx(2 * 0.045 * plane_camera.PIXELS_PER_M, abs=0.05)


def test_the_disc_has_its_centre_and_its_radius_in_both_sizes() -> None:
    target = (0.6, 0.7)
    without, with_disc = draw(baxter.NEUTRAL_RAD), draw(baxter.NEUTRAL_RAD, target)
    coverage = (without - with_disc)[..., 0] / 255
    rows, columns = np.mgrid[:210, :160]
    centre = np.array([(coverage * columns).sum(), (coverage * rows).sum()]) / coverage.sum()
    np.testing.assert_allclose(centre, pixels([target])[0], atol=0.02)
    assert math.sqrt(coverage.sum() / math.pi) == pytest.approx(0.09 * plane_camera.PIXELS_PER_M, rel=0.005)
    column, row = pixels([target])[0].round().astype(int)
    assert with_disc[row, column].tolist() == [0, 0, 255]
    small = [grey84(frame[None].astype(np.uint8))[0].astype(int) for frame in (without, with_disc)]
    blue = 255 - 0.114 * 255  # a blue pixel is that much darker than the ground
    area = (small[0] - small[1]).sum() / blue
    assert math.sqrt(area / math.pi) == pytest.approx(3.8, abs=0.1)


@settings(max_examples=25)
@given(st.integers(0, 99), st.integers(0, 2), st.floats(1e-4, 1e-3))
def test_a_small_turn_changes_pixels_a_little(number: int, joint: int, turn: float) -> None:
    """The tip moves by at most 1.11 m * turn, and a pixel fades from arm to ground over one pixel."""
    q = poses(100)[number]
    moved = q.copy()
    moved[joint] += turn
    largest = np.abs(draw(q, (0.3, 0.3)) - draw(moved, (0.3, 0.3))).max()
    shift_px = turn * (1.11 + max(LINK_RADIUS_M)) * plane_camera.PIXELS_PER_M
    assert largest <= 255 * shift_px + 2


def test_a_disc_that_slides_changes_brightness_evenly() -> None:
    frames = [draw(baxter.NEUTRAL_RAD, (0.7, 0.5 + shift)) for shift in np.linspace(0, 0.011, 23)]  # one pixel
    total = np.array([frame.sum() for frame in frames]) / 255
    assert np.ptp(total) < 0.005 * total.mean()  # the disc neither grows nor shrinks between pixels
    steps = [np.abs(after - before).max() for before, after in itertools.pairwise(frames)]
    assert max(steps) < 255 / 22 * 1.5 + 1
    assert min(steps) > 0


def test_a_moved_camera_shifts_the_arm_and_not_the_virtual_disc() -> None:
    target = (0.7, 0.6)
    still = draw(baxter.NEUTRAL_RAD, target)
    moved = draw(baxter.NEUTRAL_RAD, target, Domain(calibration=Calibration(camera_rotation_rad=0.03)))
    blue = [(frame[..., 2] - frame[..., 0] > 100) for frame in (still, moved)]
    assert blue[0].sum() > 150
    assert (blue[0] == blue[1]).all()
    grey = [(np.abs(frame - ARM).max(axis=-1) <= 1) for frame in (still, moved)]
    assert (grey[0] != grey[1]).sum() > 100


def test_targets_may_be_none_or_two() -> None:
    def blue(name: str) -> int:
        frame = draw(baxter.NEUTRAL_RAD, (0.7, 0.6), Domain(appearance=Appearance(target=name)), seed=3)
        return int((frame[..., 2] - frame[..., 0] > 200).sum())

    assert blue("none") == 0
    assert blue("two") > 1.5 * blue("virtual")
    second = second_targets(np.array([3]))
    assert np.linalg.norm(second) < np.hypot(*np.abs(baxter.joint_points(np.zeros((1, 3)))[0, 3])) + 1e-9


def test_every_episode_has_its_own_grey_levels_and_arm() -> None:
    looks = Appearance(arm_albedo=Uniform(0.1, 0.4), background_albedo=Uniform(0.6, 0.9), arm_width_scale=1.5)
    domain = Domain(appearance=looks)
    frames = [draw([0.0, 0.0, 0.0], domain=domain, seed=seed) for seed in range(8)]
    column, row = pixels([[0.95, -0.079]])[0].round().astype(int)
    for seed, frame in enumerate(frames):
        arm, ground = (
            255 * domain.numbers(f"appearance.{k}_albedo", np.array([seed]))[0] for k in ("arm", "background")
        )
        assert frame[row, column] == pytest.approx([arm] * 3, abs=1)
        assert frame[0, 0] == pytest.approx([ground] * 3, abs=1)
        coverage = (frame[0, 0, 0] - frame[:, column, 0]) / (ground - arm)
        assert coverage.sum() == pytest.approx(1.5 * 2 * 0.045 * plane_camera.PIXELS_PER_M, abs=0.2)
    assert len({frame[row, column, 0] for frame in frames}) > 4


def test_an_arm_out_of_the_frame_is_cut_off_and_not_wrapped() -> None:
    backward = draw([-math.pi, 0.0, 0.0])  # half of it lies beyond the right edge
    assert (backward[:, -1] == ARM).any()
    assert (backward[:, :80] == 255).all()
    disc = draw(baxter.NEUTRAL_RAD, (1.10, 0.0)) - draw(baxter.NEUTRAL_RAD)  # half of it beyond the left edge
    assert disc[:, 0].any()
    assert not disc[:, -40:].any()

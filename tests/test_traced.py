"""The traced laboratory: geometry, repeatability, targets, occluders."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from eyehand.errors import UnknownNameError
from eyehand.world import baxter, counter, lens, plane_camera, room_light, stage, traced_frame
from eyehand.world.domain import Appearance, Calibration, Domain, Sensor
from eyehand.world.domain_files import load_domain, shipped_domains
from eyehand.world.laboratory import LaboratoryImaging
from eyehand.world.laboratory_room import Looks, build
from eyehand.world.meshes import box, turned
from eyehand.world.traced import Solid

SEEDS = np.array([7, 8, 9, 10], dtype=np.int64)
STEP = np.array([0, 3, 1, 2], dtype=np.int64)
SEEN = Sensor(exposure=0.45, tone_gamma=2.2)  # noise-free, with readable contrast
NOISY = dataclasses.replace(SEEN, full_well_e=6000.0, read_noise_e=5.0, jpeg_quality=85.0, exposure_jitter=0.01)
UP = np.array([-1.5, 0.0, 0.0])  # out of the way of the poses below


@dataclass(frozen=True)
class Scene:
    q_rad: np.ndarray
    x_target_m: np.ndarray


@pytest.fixture(scope="module", autouse=True)
def _one_sample_rooms() -> Iterator[None]:
    """Room light with one sample a pixel: these tests are about geometry and bytes, not about noise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room_light, "_OFFSETS_PX", np.zeros((1, 2)))
        patch.setattr(room_light, "_BOUNCES", 1)
        stage.set_stage.cache_clear()
        yield
    stage.set_stage.cache_clear()  # other tests get rooms with all their samples


@pytest.fixture(scope="module")
def clear() -> LaboratoryImaging:
    """No target, no occluder, a perfect set-up: the laboratory that other ones are compared with."""
    return LaboratoryImaging(_domain())


def _domain(target: str = "none", sensor: Sensor = SEEN, occlusion: str = "none", **calibration: float) -> Domain:
    looks = Appearance(image="traced", target=target, occlusion=occlusion, arm_albedo=0.2, background_albedo=0.7)
    calibrated = Calibration(**calibration)
    return Domain(name="test", population=True, appearance=looks, sensor=sensor, calibration=calibrated)


def _scene(*q_rad: np.ndarray, target: tuple[float, float] = (0.3, -0.6)) -> Scene:
    return Scene(np.stack(q_rad), np.tile(np.array(target), (len(q_rad), 1)))


def _capture(source: Domain | LaboratoryImaging, scene: Scene, draw_target: bool = True) -> np.ndarray:
    imaging = LaboratoryImaging(source, draw_target) if isinstance(source, Domain) else source
    rows = len(scene.q_rad)
    return imaging.capture(scene, SEEDS[:rows], STEP[:rows]).astype(int)


def _moved(frames: np.ndarray) -> np.ndarray:
    """Where frame 0 differs clearly from frame 1."""
    return np.abs(frames[0] - frames[1]).max(-1) > 40


def test_rays_meet_the_nearest_face_and_segments_are_cut() -> None:
    solid = Solid(box([-1, -1, -1], [1, 1, 1], 3))
    origins = np.array([[5, 0, 0], [5, 3, 0], [0, 0, -4]], dtype=np.float32)
    rays = np.array([[-1, 0, 0], [-1, 0, 0], [0, 0, 2]], dtype=np.float32)
    hits = solid.nearest(origins, rays)
    assert (hits.face >= 0).tolist() == [True, False, True]
    np.testing.assert_allclose(hits.distance[[0, 2]], [4.0, 1.5], rtol=1e-6)
    np.testing.assert_allclose(solid.shading_normals(hits)[[0, 2]], [[1, 0, 0], [0, 0, -1]], atol=1e-6)
    assert solid.blocked(origins, 4.5 * rays).tolist() == [True, False, True]
    assert solid.blocked(origins, 1.4 * rays).tolist() == [False, False, False]


def test_turned_solids_face_outwards_and_are_round() -> None:
    mesh = turned([[0.0, 0.5], [2.0, 0.5]], 0, sides=40)
    corners = mesh.vertices[mesh.faces]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = (face * (corners.mean(1) - np.array([1.0, 0.0, 0.0]))).sum(1)
    assert outward[np.linalg.norm(face, axis=1) > 1e-9].min() > 0
    side = np.abs(corners[:, :, 0].mean(1) - 1.0) < 0.9
    radial = corners[side] * np.array([0.0, 1.0, 1.0]) / 0.5
    assert (mesh.corner_normals()[side] * radial).sum(-1).min() > 0.99


def test_pixels_are_where_their_rays_look() -> None:
    poses = plane_camera.true_poses(_domain(camera_offset_m=0.02, camera_rotation_rad=0.03), SEEDS[:1])
    R, t = poses.R_world_camera[0], poses.t_world_camera[0]
    for k1 in (0.0, -0.02, 0.05):
        rays = lens.directions(R, k1, np.array([[0.25, -0.125]]))[0]
        rows, columns = np.array([0, 37, 120, 239]), np.array([0, 150, 96, 191])
        seen = lens.pixels(R, t, k1, t + 2.7 * rays[rows, columns])
        np.testing.assert_allclose(seen, np.stack([columns + 0.25, rows - 0.125], 1), atol=1e-3)


def test_same_bytes_in_any_batch_and_on_any_number_of_threads() -> None:
    q = baxter.JOINT_LOW_RAD + (baxter.JOINT_HIGH_RAD - baxter.JOINT_LOW_RAD) * np.linspace(0.2, 0.8, 12).reshape(4, 3)
    domain = _domain("two", NOISY)
    scene = Scene(q, baxter.forward_kinematics(q[::-1]))
    imaging = LaboratoryImaging(domain, threads=2)
    together = imaging.capture(scene, SEEDS, STEP)
    assert together.shape == (4, 210, 160, 3)
    assert together.dtype == np.uint8
    np.testing.assert_array_equal(imaging.capture(scene, SEEDS, STEP), together)
    alone = LaboratoryImaging(domain, threads=1)
    for row in (2, 0):
        one = Scene(scene.q_rad[row : row + 1], scene.x_target_m[row : row + 1])
        np.testing.assert_array_equal(alone.capture(one, SEEDS[row : row + 1], STEP[row : row + 1])[0], together[row])
    later = alone.capture(scene, SEEDS, STEP + 1)
    assert (later != together).mean() > 0.3  # new noise at every step


def test_arm_is_drawn_where_the_true_camera_sees_its_joints() -> None:
    domain = _domain(camera_offset_m=0.02, camera_rotation_rad=0.02)
    H = plane_camera.true_homographies(plane_camera.true_poses(domain, SEEDS[:1]))
    for q in (np.array([0.1, 0.3, 0.2]), np.array([-0.5, 1.2, -0.9])):
        joints = plane_camera.project(H, baxter.joint_points(q[None]))[0]
        moved = _moved(_capture(domain, _scene(q, UP)))
        rows, columns = np.nonzero(moved)
        places = np.stack([columns, rows], 1)
        for elbow_or_wrist in joints[1:3]:
            near = places[np.linalg.norm(places - elbow_or_wrist, axis=1) < 4.0]
            assert len(near) > 30  # a drum lies around the joint
        link = (joints[3] - joints[2]) / np.linalg.norm(joints[3] - joints[2])
        along, across = (places - joints[3]) @ link, (places - joints[3]) @ np.array([-link[1], link[0]])
        hand = along[(np.abs(across) < 4.0) & (along > -20.0)]
        assert abs(hand.max()) <= 1.5  # the fingers end at K(q)


def test_links_cover_the_line_between_their_joints(clear: LaboratoryImaging) -> None:
    q = np.array([0.2, 0.4, 0.3])
    H = plane_camera.true_homographies(plane_camera.true_poses(_domain(), SEEDS[:1]))
    joints = plane_camera.project(H, baxter.joint_points(q[None]))[0]
    moved = _moved(_capture(clear, _scene(q, UP)))
    share = np.linspace(0.25, 0.9, 12)[:, None]
    line = np.concatenate([(1 - share) * joints[i] + share * joints[i + 1] for i in (0, 1)])
    columns, rows = np.round(line).astype(int).T
    assert moved[rows, columns].mean() > 0.9


def test_virtual_disc_stays_and_the_arm_moves_when_the_camera_was_knocked() -> None:
    scene = _scene(np.array([0.1, 0.3, 0.2]), UP)
    still, knocked = (_capture(_domain("virtual", moved_m=m), scene) for m in (0.0, 0.05))
    blue = (still == np.array([0, 0, 255])).all(-1)
    np.testing.assert_array_equal(blue, (knocked == np.array([0, 0, 255])).all(-1))
    assert blue[0].sum() > 150
    first, second = (np.argwhere(_moved(frames)).mean(0) for frames in (still, knocked))
    assert np.linalg.norm(first - second) > 1.0


def test_targets(clear: LaboratoryImaging) -> None:
    scene = _scene(UP, UP)
    without, physical = _capture(clear, scene)[0], _capture(_domain("physical"), scene)[0]
    np.testing.assert_array_equal(_capture(_domain("physical"), scene, draw_target=False)[0], without)
    column, row = plane_camera.project(plane_camera.believed_homography(), scene.x_target_m[:1, None])[0, 0]
    rows, columns = np.mgrid[:210, :160]
    disc = np.hypot(columns - column, rows - row) < 6.0
    bluer = (physical[..., 2] - physical[..., 0]) - (without[..., 2] - without[..., 0])
    assert bluer[disc].mean() > 30
    assert bluer[disc].std() > 1.0  # lit, not painted
    blue = (_capture(_domain("two"), scene)[0] == np.array([0, 0, 255])).all(-1)
    others = blue & (np.hypot(columns - column, rows - row) > 10.0)
    assert blue[disc].all()
    assert others.sum() > 150  # the second target
    assert not (without == np.array([0, 0, 255])).all(-1).any()
    with pytest.raises(UnknownNameError, match="virtual"):
        LaboratoryImaging(_domain("vitual"))


@pytest.mark.parametrize(("case", "x_m"), [("b", 0.12), ("c", 0.32), ("d", 0.54), ("e", 0.60)])
def test_occluders_stand_before_their_part_of_the_plane(clear: LaboratoryImaging, case: str, x_m: float) -> None:
    scene = _scene(np.array([0.05, 0.05, 0.0]))  # a level arm, behind every board
    changed = np.abs(_capture(clear, scene)[0] - _capture(_domain(occlusion=case), scene)[0]).max(-1) > 25
    column, row = plane_camera.project(plane_camera.believed_homography(), np.array([[[x_m, -0.08]]]))[0, 0]
    assert changed[int(row) - 4 : int(row) + 5, int(column) - 1 : int(column) + 2].mean() > 0.6
    assert changed.mean() < 0.2


def test_an_unknown_occlusion_names_the_cases() -> None:
    with pytest.raises(UnknownNameError, match=r"appearance.occlusion.*a, b, c, d, e, none"):
        build(Looks(occlusion="f"))


def test_arm_shades_the_room(clear: LaboratoryImaging) -> None:
    frames = _capture(clear, _scene(np.array([-0.2, 0.2, 0.1]), UP))
    darker = (frames[1] - frames[0]).min(-1)  # all channels fall in a shadow on grey walls
    assert ((darker > 8) & ~_moved(frames)).sum() > 100


def test_each_draw_has_its_own_numbers_and_shipped_twins_load() -> None:
    domain = load_domain("twin", "planar_reach")
    assert domain.held_out
    draws = np.array([counter.episode_seed(0, 4), counter.episode_seed(1, 4), counter.episode_seed(0, 5)])
    exposure = domain.numbers("sensor.exposure", draws)
    assert exposure[0] == exposure[2] != exposure[1]
    for name in shipped_domains("planar_reach"):
        other = load_domain(name, "planar_reach")
        assert (other.appearance.image == "traced") == other.held_out
        LaboratoryImaging(other)
    moved = dataclasses.replace(load_domain("live", "planar_reach").calibration, moved_m=0.0, moved_rad=0.0)
    assert moved == domain.calibration


def test_domains_that_look_alike_share_their_stages() -> None:
    quiet, noisy = _domain("none"), _domain("virtual", NOISY)
    assert stage.seen_parts(quiet, physical=False) == stage.seen_parts(noisy, physical=False)
    assert stage.seen_parts(quiet, physical=False) != stage.seen_parts(_domain(moved_m=0.01), physical=False)
    assert stage.seen_parts(quiet, physical=False) != stage.seen_parts(quiet, physical=True)


def test_every_part_stays_inside_the_pixels_that_are_searched_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    q = np.array([[0.9, 0.2, -1.2], [-2.0, 1.5, 1.8], [-0.4, 2.5, 0.0]])
    domain = _domain("physical", camera_offset_m=0.02, camera_rotation_rad=0.02)
    scene = Scene(q, np.array([[0.9, 0.5], [-0.3, -0.9], [1.0, -0.6]]))
    narrow = _capture(domain, scene)
    monkeypatch.setattr(traced_frame, "_SLACK_PX", 25.0)
    np.testing.assert_array_equal(_capture(domain, scene), narrow)

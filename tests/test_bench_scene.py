"""The scene that renderers are compared on, and what counts as the same picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyehand.cli.pairs.agreement import agreement
from eyehand.cli.pairs.scene import CAMERA, Scene, reference_scene
from eyehand.world.rendering import NOTHING, Rendering


@pytest.fixture(scope="module")
def scene() -> Scene:
    return reference_scene(6)


def pictures() -> Rendering:
    """Two pictures of a card of 40 x 40 pixels half a metre away."""
    ids = np.full((2, 64, 64), NOTHING, np.int32)
    ids[:, 10:50, 12:52] = 3
    rgb = np.where((ids == 3)[..., None], np.uint8(200), np.uint8(20)) * np.ones(3, np.uint8)
    return Rendering(rgb, np.where(ids == 3, 0.5, np.inf).astype(np.float32), ids)


def written(picture: Rendering, folder: Path) -> Path:
    path = folder / "theirs.npz"
    np.savez(path, rgb=picture.rgb, depth_m=picture.depth_m, ids=picture.ids)
    return path


def test_the_scene_has_as_many_triangles_as_the_yardstick_asks_for(scene: Scene) -> None:
    assert 45_000 <= scene.triangles <= 50_000
    names = {scene.model.geom(geom).name.split("/")[0] for geom in scene.drawn}
    assert names == {"robot", "table", "object0", "object1", "object2", "object3"}
    assert not any("collision" in scene.model.geom(geom).name for geom in scene.drawn)


def test_things_stand_on_the_table_and_every_state_differs(scene: Scene) -> None:
    model = scene.model
    for k in range(4):
        geom = model.geom(f"object{k}").id
        mesh = model.geom_dataid[geom]
        rows = slice(model.mesh_vertadr[mesh], model.mesh_vertadr[mesh] + model.mesh_vertnum[mesh])
        rotation, position = scene.poses.rotation[:, geom], scene.poses.position_m[:, geom]
        world = model.mesh_vert[rows] @ rotation.swapaxes(1, 2) + position[:, None]
        assert world[..., 2].min(axis=1) == pytest.approx(0.0, abs=1e-6)
        assert len(np.unique(position[:, 0])) == 6
    assert len(np.unique(scene.cameras.T_world_camera[:, 0, 3])) == 6


def test_cameras_look_at_the_table_upright(scene: Scene) -> None:
    T = scene.cameras.T_world_camera
    assert np.linalg.det(T[:, :3, :3]) == pytest.approx(1.0)
    in_camera = (np.array([0.45, 0.0, 0.2]) - T[:, :3, 3])[:, None] @ T[:, :3, :3]
    assert in_camera[:, 0, :2] == pytest.approx(0.0, abs=1e-12)
    assert (in_camera[:, 0, 2] > 1.0).all()
    assert (T[:, 2, 1] < 0).all()  # the picture's downward axis points down
    assert T[:, 2, 0] == pytest.approx(0.0)  # and its rows are level
    assert scene.model.camera(CAMERA).bodyid == 0


def test_the_same_states_every_time(scene: Scene) -> None:
    again = reference_scene(2)
    assert np.array_equal(again.poses.position_m, scene.poses.position_m[:2])
    assert np.array_equal(again.cameras.T_world_camera, scene.cameras.T_world_camera[:2])


def test_equal_pictures_agree(tmp_path: Path) -> None:
    found = agreement(pictures(), written(pictures(), tmp_path))
    assert found.equal
    assert "mean IoU 1.0000" in found.found


def test_a_shift_by_a_pixel_fails_by_its_overlap_alone(tmp_path: Path) -> None:
    ours = pictures()
    moved = Rendering(*(np.roll(part, 1, axis=2) for part in (ours.rgb, ours.depth_m, ours.ids)))
    found = agreement(ours, written(moved, tmp_path))
    assert not found.equal
    assert "mean IoU 0.95" in found.found
    assert "other id errors 0.0000 %" in found.found


def test_a_wrong_patch_fails_though_the_overlap_is_fine(tmp_path: Path) -> None:
    ours, theirs = pictures(), pictures()
    theirs.ids[0, 56:61, 56:61] = 5  # 9 pixels of it lie inside
    found = agreement(ours, written(theirs, tmp_path))
    assert not found.equal
    assert "mean IoU 1.0000, other id errors 0.1099 %" in found.found


@pytest.mark.parametrize(("depth_m", "brighter", "why"), [(0.502, 0, "error 2.00 mm"), (0.5, 30, "PSNR 22.7 dB")])
def test_wrong_depth_and_colour_fail(tmp_path: Path, depth_m: float, brighter: int, why: str) -> None:
    ours, theirs = pictures(), pictures()
    theirs.depth_m[np.isfinite(theirs.depth_m)] = depth_m
    theirs.rgb[ours.ids == 3] += np.uint8(brighter)
    found = agreement(ours, written(theirs, tmp_path))
    assert not found.equal
    assert why in found.found

"""Looks and cameras drawn from a domain's numbers: nominal scenes stay themselves, shares reach their geoms only."""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np
import pytest

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.world import clutter
from eyehand.world.counter import episode_seed
from eyehand.world.domain import Appearance, Calibration, Choice, Domain, Uniform
from eyehand.world.lamps import LAMP_STRENGTH
from eyehand.world.looks import draw_cameras, draw_look, own_rgba, own_texture, roles
from eyehand.world.rendering import Look, Poses

SCENE = """
<mujoco>
  <asset>
    <texture name="sky" type="skybox" builtin="gradient" rgb1="1 1 1" rgb2="0 0 0" width="8" height="48"/>
    <texture name="wood" type="2d" builtin="checker" rgb1="1 1 1" rgb2="0 0 0" width="8" height="8"/>
    <material name="wooden" texture="wood" rgba="0.9 0.8 0.7 1" specular="0.1" texrepeat="3 2"/>
    <material name="shiny" rgba="0.1 0.2 0.3 1" specular="0.9" shininess="0.7"/>
  </asset>
  <worldbody>
    <geom name="floor" type="plane" size="3 3 0.1" rgba="0.3 0.3 0.3 1"/>
    <geom name="wall/0" type="box" size="3 0.1 2" pos="0 3 0" rgba="0.8 0.8 0.8 1"/>
    <geom name="table" type="box" size="0.5 0.5 0.02" pos="0.6 0.1 -0.02" material="wooden"/>
    <geom name="robot/link0" type="sphere" size="0.1" material="shiny"/>
    <geom name="robot/link1" type="sphere" size="0.1" material="shiny" rgba="1 0 0 1"/>
    <geom name="object0" type="sphere" size="0.04"/>
    <geom name="object1" type="sphere" size="0.04"/>
    <geom name="object1/part0" type="sphere" size="0.04"/>
    <geom name="clutter0" type="sphere" size="0.04"/>
    <geom name="clutter1" type="sphere" size="0.04"/>
  </worldbody>
</mujoco>
"""
FLOOR, WALL, TABLE, LINK0, LINK1, OBJECT0, OBJECT1, PART, CLUTTER0, CLUTTER1 = range(10)
SEEDS = np.array([3, 4, 5, 6])
ANY = Uniform(0.9, 1.0)


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(SCENE)


def domain(population: bool = False, **appearance) -> Domain:
    return Domain(population=population, appearance=Appearance(**appearance))


def test_names_say_the_parts(model):
    parts = roles(model)
    assert np.flatnonzero(parts.mask("robot")).tolist() == [LINK0, LINK1]
    assert np.flatnonzero(parts.mask("surface")).tolist() == [FLOOR, WALL, TABLE]
    assert np.flatnonzero(parts.mask("object")).tolist() == [OBJECT0, OBJECT1]
    assert parts.number[[OBJECT1, CLUTTER1, PART]].tolist() == [1, 1, 0]
    assert np.flatnonzero(parts.wall).tolist() == [WALL]
    np.testing.assert_allclose(parts.centre_m, [0.6, 0.1, 0.0])


def test_own_colours_and_textures_are_those_mujoco_shows(model):
    colours = own_rgba(model)
    np.testing.assert_allclose(colours[TABLE], [0.9, 0.8, 0.7, 1.0], rtol=1e-6)
    np.testing.assert_allclose(colours[LINK0], [0.1, 0.2, 0.3, 1.0], rtol=1e-6)
    np.testing.assert_allclose(colours[LINK1], [1.0, 0.0, 0.0, 1.0])
    assert own_texture(model)[[TABLE, LINK0, FLOOR]].tolist() == [0, -1, -1]  # the sky box is no 2-D texture


def test_the_nominal_look_is_the_scenes_own_in_plain_light(model):
    look = draw_look(Domain(), model, SEEDS)
    expected = own_rgba(model)
    expected[[CLUTTER0, CLUTTER1], 3] = 0.0
    np.testing.assert_allclose(look.rgba, np.broadcast_to(expected, look.rgba.shape), rtol=1e-6)
    assert look.texture is None
    assert look.specular is None
    np.testing.assert_allclose(look.background_rgb, 1.0)
    lights = look.lights
    assert lights.diffuse.shape == (4, 2, 3)
    np.testing.assert_allclose(lights.diffuse[:, 0], LAMP_STRENGTH)
    np.testing.assert_allclose(lights.diffuse[:, 1], 0.0)
    white_table = lights.ambient + lights.diffuse[:, 0] * -lights.direction[:, 0, 2:]
    assert ((white_table > 0.85) & (white_table <= 1.0)).all()


def test_shares_reach_their_geoms_only(model):
    own = own_rgba(model)
    for field, touched in (
        ("robot_colour_share", [LINK0, LINK1]),
        ("surface_colour_share", [FLOOR, WALL, TABLE]),
        ("object_colour_share", [OBJECT0, OBJECT1, CLUTTER0, CLUTTER1]),
    ):
        rgba = draw_look(domain(**{field: ANY}), model, SEEDS).rgba
        moved = np.abs(rgba[..., :3] - own[:, :3]).max((0, 2)) > 0.05
        assert np.flatnonzero(moved).tolist() == touched
        assert len(np.unique(rgba[:, touched, :3].reshape(-1, 3), axis=0)) == 4 * len(touched)
    half = draw_look(domain(robot_colour_share=0.5), model, SEEDS).rgba[:, LINK0, :3]
    full = draw_look(domain(robot_colour_share=1.0), model, SEEDS).rgba[:, LINK0, :3]
    np.testing.assert_allclose(half, (full + own[LINK0, :3]) / 2, atol=1e-6)


def test_textures_and_gloss_replace_the_scenes_own_where_drawn(model):
    varied = domain(surface_texture_share=1.0, texture_repeat=5.0, gloss_share=1.0)
    look = draw_look(varied, model, np.arange(40), textures=(4, 9))
    assert set(look.texture[:, TABLE].tolist()) == {4, 9}
    assert (look.texture[:, OBJECT0] == -1).all()
    assert (look.texture_repeat[:, TABLE] == 5.0).all()
    assert 0.2 < look.specular[:, TABLE].mean() < 0.8
    never = draw_look(domain(gloss_share=0.5, object_texture_share=0.5), model, np.arange(40), textures=(4,))
    assert (never.texture[:, TABLE] == 0).all()
    np.testing.assert_allclose(never.texture_repeat[0, TABLE], [3, 2])
    share = (never.texture[:, [OBJECT0, OBJECT1]] == 4).mean()
    assert 0.3 < share < 0.7


def test_given_looks_of_the_chosen_objects_are_varied_not_lost(model):
    rgba = np.broadcast_to(own_rgba(model), (4, model.ngeom, 4)).copy()
    rgba[:, OBJECT0] = [0.2, 0.9, 0.1, 1.0]
    mesh = np.full((4, model.ngeom), 7, np.int32)
    look = draw_look(Domain(), model, SEEDS, own=Look(rgba=rgba, mesh=mesh))
    np.testing.assert_allclose(look.rgba[:, OBJECT0], rgba[:, OBJECT0])
    assert look.mesh is mesh


def test_clutter_is_shown_up_to_its_number(model):
    look = draw_look(domain(clutter=1.0), model, SEEDS)
    assert (look.rgba[:, CLUTTER0, 3] == 1).all()
    assert (look.rgba[:, CLUTTER1, 3] == 0).all()


def test_the_number_of_lamps_varies_and_their_light_adds_up(model):
    lights = draw_look(domain(lamps=Choice((1, 2, 3)), lamp_azimuth_rad=Uniform(-3, 3)), model, np.arange(40)).lights
    assert lights.diffuse.shape == (40, 4, 3)
    np.testing.assert_allclose(lights.diffuse.sum(1), LAMP_STRENGTH)
    assert set((lights.diffuse[:, :3, 0] > 0).sum(1).tolist()) == {1, 2, 3}
    assert (lights.direction[..., 2] < 0).all()
    np.testing.assert_allclose(np.linalg.norm(lights.direction, axis=-1), 1.0)
    assert not lights.directional.any()


def test_rooms_belong_to_draws_and_objects_to_episodes(model):
    varied = domain(True, surface_colour_share=ANY, object_colour_share=ANY, background="colour", lamp_scale=ANY)
    seeds = np.array([episode_seed(0, 1), episode_seed(0, 2), episode_seed(1, 1)])
    look = draw_look(varied, model, seeds)
    np.testing.assert_array_equal(look.rgba[0, TABLE], look.rgba[1, TABLE])
    np.testing.assert_array_equal(look.background_rgb[0], look.background_rgb[1])
    np.testing.assert_array_equal(look.lights.diffuse[0], look.lights.diffuse[1])
    assert np.abs(look.rgba[0, TABLE] - look.rgba[2, TABLE]).max() > 0.01
    assert np.abs(look.rgba[0, OBJECT0] - look.rgba[1, OBJECT0]).max() > 0.01


def test_rows_do_not_depend_on_their_batch(model):
    varied = domain(
        lamps=Uniform(1, 4),
        surface_texture_share=0.5,
        object_colour_share=ANY,
        gloss_share=ANY,
        background="photograph",
        light_offset_m=Uniform(-1, 1),
    )
    whole = draw_look(varied, model, SEEDS, (1, 2), 5)
    alone = draw_look(varied, model, SEEDS[2:3], (1, 2), 5)
    for field in ("rgba", "texture", "texture_repeat", "specular", "shininess", "background", "background_rgb"):
        np.testing.assert_array_equal(getattr(whole, field)[2:3], getattr(alone, field))
    for field in dataclasses.fields(whole.lights):
        np.testing.assert_array_equal(getattr(whole.lights, field.name)[2:3], getattr(alone.lights, field.name))


def test_what_is_missing_is_said(model):
    with pytest.raises(UnknownNameError, match=r"appearance.background 'fotograph' in domain sim.*'photograph'"):
        draw_look(domain(background="fotograph"), model, SEEDS)
    with pytest.raises(InvalidValueError, match="no photographs"):
        draw_look(domain(background="photograph"), model, SEEDS)
    with pytest.raises(InvalidValueError, match=r"surface_texture_share.*there are no textures"):
        draw_look(domain(surface_texture_share=0.2), model, SEEDS)


@pytest.fixture(scope="module")
def cluttered() -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_string(SCENE.replace("clutter0", "thing0").replace("clutter1", "thing1"))
    clutter.add_clutter(spec)
    return spec.compile()


def test_clutter_stands_on_the_table_around_the_workspace_without_overlap(cluttered):
    seeds, varied = np.arange(60), domain(clutter=6.0)
    which = clutter.geoms(cluttered)
    zeros = np.zeros((60, cluttered.ngeom, 3))
    poses = clutter.placed(varied, cluttered, Poses(zeros, np.tile(np.eye(3), (60, cluttered.ngeom, 1, 1))), seeds)
    size = draw_look(varied, cluttered, seeds).size
    place = poses.position_m[:, which]
    round_ = cluttered.geom_type[which] == mujoco.mjtGeom.mjGEOM_CYLINDER
    radius = np.where(round_, size[:, which, 0], np.hypot(size[:, which, 0], size[:, which, 1]))
    height = np.where(round_, size[:, which, 1], size[:, which, 2])
    np.testing.assert_allclose(place[..., 2], height)
    apart = np.linalg.norm(place[:, :, None, :2] - place[:, None, :, :2], axis=-1) + np.eye(6)
    assert (apart > radius[:, :, None] + radius[:, None]).all()
    in_workspace = (np.abs(place[..., 1]) - radius < 0.3) & (place[..., 0] - radius < 0.75)
    assert not in_workspace.any()
    assert len(np.unique(place[:, 0, 0].round(3))) > 50
    np.testing.assert_array_equal(poses.position_m[:, 0], 0.0)


def test_clutter_stays_where_no_domain_asks_for_it(cluttered, model):
    poses = Poses(np.zeros((1, cluttered.ngeom, 3)), np.zeros((1, cluttered.ngeom, 3, 3)))
    assert clutter.placed(Domain(), cluttered, poses, SEEDS[:1]) is poses
    assert draw_look(Domain(), cluttered, SEEDS).size is None
    assert len(clutter.geoms(model)) == 2


def believed(batch: int) -> tuple[np.ndarray, np.ndarray]:
    K = np.tile(np.array([[100.0, 0, 63.5], [0, 100, 63.5], [0, 0, 1]]), (batch, 1, 1))
    T = np.tile(np.eye(4), (batch, 1, 1))
    T[:, :3, 3] = [1.0, 2.0, 3.0]
    return K, T


def cameras(calibration: Calibration, seeds=SEEDS, step=0):
    return draw_cameras(
        Domain(calibration=calibration), *believed(len(seeds)), seeds, np.full(len(seeds), step), (9, 9)
    )


def angles(T: np.ndarray) -> np.ndarray:
    return np.arccos(np.clip((np.trace(T[:, :3, :3], axis1=1, axis2=2) - 1) / 2, -1, 1))


def test_cameras_are_off_by_what_the_calibration_says():
    K, T = believed(4)
    exact = cameras(Calibration())
    np.testing.assert_array_equal(exact.K, K)
    np.testing.assert_array_equal(exact.T_world_camera, T)
    off = cameras(Calibration(camera_offset_m=0.01, camera_rotation_rad=0.02, focal_error=0.1))
    shift = off.T_world_camera[:, :3, 3] - T[:, :3, 3]
    np.testing.assert_allclose(np.linalg.norm(shift, axis=1), 0.01)
    np.testing.assert_allclose(angles(off.T_world_camera), 0.02, rtol=1e-6)
    np.testing.assert_allclose(off.K[:, 0, 0], 110.0)
    assert len(np.unique(shift[:, 0])) == 4
    moved = cameras(Calibration(principal_error_px=Uniform(-2, 2))).K - K
    assert (np.abs(moved[:, :2, 2]) > 0).all()
    assert (moved[:, 0, 2] != moved[:, 1, 2]).all()


def test_only_shake_changes_from_frame_to_frame():
    steady = Calibration(camera_offset_m=0.01, camera_rotation_rad=0.02)
    np.testing.assert_array_equal(cameras(steady, step=0).T_world_camera, cameras(steady, step=1).T_world_camera)
    seeds = np.arange(300)
    shaken = cameras(Calibration(shake_rad=0.01), seeds, step=3)
    assert abs(np.sqrt((angles(shaken.T_world_camera) ** 2).mean() / 3) - 0.01) < 1e-3
    assert (
        angles(cameras(Calibration(shake_rad=0.01), seeds, 4).T_world_camera) != angles(shaken.T_world_camera)
    ).all()

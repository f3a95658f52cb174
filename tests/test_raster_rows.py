"""The rasteriser's rows, looks, options and refusals."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np
import pytest

from eyehand.errors import InvalidValueError
from eyehand.world.raster import Rasteriser, RasterOptions, surfaces
from eyehand.world.raster.levels import levels_of
from eyehand.world.rendering import NOTHING, Cameras, Lights, Look, Poses, Rendering

SIZE = (48, 64)
XML = """
<mujoco>
  <visual><headlight ambient="0.3 0.3 0.3" diffuse="0.5 0.5 0.5"/></visual>
  <asset>
    <texture name="own" type="2d" builtin="checker" rgb1="0 0 0" rgb2="1 1 1" width="16" height="16"/>
    <mesh name="stone" builtin="supersphere" params="24 0.7 0.7" scale="0.2 0.2 0.2"/>
    <mesh name="ring" builtin="supertorus" params="24 0.4 1 1" scale="0.2 0.2 0.2"/>
  </asset>
  <worldbody>
    <geom name="table" type="box" size="0.6 0.6 0.05" pos="0 0 -0.05" rgba="0.7 0.6 0.5 1"/>
    <body name="a" pos="0 0 0.2"><freejoint/><geom name="thing" type="mesh" mesh="stone" rgba=".8 .2 .2 1"/></body>
    <body name="b" pos="0.3 0.2 0.1"><freejoint/><geom name="ball" type="sphere" size="0.1" rgba=".2 .2 .8 1"/></body>
  </worldbody>
</mujoco>
"""
TABLE, THING, BALL = range(3)


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(XML)


@pytest.fixture(scope="module")
def rasteriser(model: mujoco.MjModel) -> Rasteriser:
    extra = np.zeros((8, 8, 3), np.uint8)
    extra[..., 1] = 200
    photograph = np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], 24, axis=0).repeat(3, axis=2)
    return Rasteriser(model, textures=[extra], photographs=[photograph])


def poses(model: mujoco.MjModel, count: int, seed: int = 0) -> Poses:
    """Things that float about over the table; the table stays."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    position = np.repeat(data.geom_xpos[None], count, axis=0)
    position[:, 1:] += np.random.default_rng(seed).uniform(-0.1, 0.1, (count, 2, 3))
    return Poses(position, np.repeat(data.geom_xmat.reshape(1, -1, 3, 3), count, axis=0))


def cameras(count: int, seed: int | None = None) -> Cameras:
    """Cameras that look down at the table, each from its own place where a seed is given."""
    shift = np.zeros((count, 2)) if seed is None else np.random.default_rng(seed).uniform(-0.2, 0.2, (count, 2))
    T = np.tile(np.eye(4), (count, 1, 1))
    for row in range(count):
        eye = np.array([shift[row, 0], -1.2 + shift[row, 1], 1.0])
        forward = -eye / np.linalg.norm(eye)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        T[row, :3] = np.stack([right, np.cross(forward, right), forward, eye], axis=1)
    height, width = SIZE
    K = np.array([[60.0, 0, (width - 1) / 2], [0, 60.0, (height - 1) / 2], [0, 0, 1]])
    return Cameras(np.tile(K, (count, 1, 1)), T, SIZE)


def row(values: Any, b: int) -> Any:
    """One row of a dataclass of arrays."""
    pairs = {f.name: getattr(values, f.name) for f in dataclasses.fields(values)}
    return dataclasses.replace(values, **{k: v[b : b + 1] for k, v in pairs.items() if isinstance(v, np.ndarray)})


def same(a: Rendering, b: Rendering) -> bool:
    return all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("rgb", "depth_m", "ids"))


def lamps(count: int, **changes: Any) -> Lights:
    """One sun from above."""
    one = np.ones((count, 1, 3))
    plain = Lights(
        0 * one, one * (0, 0, -1), np.ones((count, 1), bool), 0.5 * one, 0 * one, 0.3 * one[:, 0], 0 * one[:, 0]
    )
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize("supersampling", [1, 2])
def test_a_row_is_the_same_alone_in_a_batch_and_on_two_threads(model: mujoco.MjModel, supersampling: int) -> None:
    options = RasterOptions(supersampling=supersampling)
    where, seen = poses(model, 5), cameras(5, seed=1)
    alone = Rasteriser(model, options=options, threads=1)
    together = Rasteriser(model, options=options, threads=2).render(where, seen)
    for b in range(5):
        assert same(alone.render(row(where, b), row(seen, b)), row(together, b))


def test_remembering_what_stands_still_changes_no_byte(model: mujoco.MjModel) -> None:
    remembers, forgets = Rasteriser(model), Rasteriser(model, options=RasterOptions(remember=False))
    seen = cameras(3, seed=2)
    for step in range(5):
        if step == 3:  # one camera is moved, and the others are not
            T = seen.T_world_camera.copy()
            T[1, 0, 3] += 0.1
            seen = dataclasses.replace(seen, T_world_camera=T)
        where = poses(model, 3, seed=step)
        assert same(remembers.render(where, seen), forgets.render(where, seen)), step


def test_remembered_tables_change_with_their_look(model: mujoco.MjModel) -> None:
    remembers, where, seen = Rasteriser(model), poses(model, 1), cameras(1)
    rgba = np.array(model.geom_rgba)[None].astype(np.float32)
    for red in (0.9, 0.9, 0.9, 0.1):
        rgba[0, TABLE, 0] = red
        picture = remembers.render(where, seen, Look(rgba=rgba, lights=lamps(1)))
        assert np.median(picture.rgb[picture.ids == TABLE][:, 0]) == pytest.approx(255 * red * 0.8, abs=1)


def test_points_are_drawn_where_the_camera_matrix_puts_them(model: mujoco.MjModel, rasteriser: Rasteriser) -> None:
    where, seen = poses(model, 4), cameras(4, seed=3)
    drawn = rasteriser.render(where, seen)
    for b in range(4):
        T = np.linalg.inv(seen.T_world_camera[b])
        centre = T[:3, :3] @ where.position_m[b, BALL] + T[:3, 3]
        u, v, depth = *(seen.K[b] @ centre / centre[2])[:2], centre[2]
        rows, columns = np.nonzero(drawn.ids[b] == BALL)
        if len(rows) > 60:  # as a whole, not behind the stone
            assert abs(columns.mean() - u) < 0.6
            assert abs(rows.mean() - v) < 0.6
            assert drawn.depth_m[b][drawn.ids[b] == BALL].min() == pytest.approx(depth - 0.1, abs=0.004)


def test_looks_choose_mesh_size_and_colour_for_each_row(model: mujoco.MjModel, rasteriser: Rasteriser) -> None:
    where, seen = row(poses(model, 1), 0), cameras(1)
    where = Poses(np.repeat(where.position_m, 4, 0), np.repeat(where.rotation, 4, 0))
    seen = cameras(4)
    mesh = np.tile(model.geom_dataid.astype(np.int32), (4, 1))
    mesh[1, THING], mesh[2, THING] = 1, NOTHING
    size = np.tile(model.geom_size, (4, 1, 1))
    size[3, BALL, 0] = 0.2
    rgba = np.tile(model.geom_rgba.astype(np.float32), (4, 1, 1))
    rgba[2, BALL, 3] = 0.0
    ids = rasteriser.render(where, seen, Look(mesh=mesh, size=size, rgba=rgba)).ids
    stone, ring, hidden = ((ids[b] == THING).sum() for b in range(3))
    assert stone > 100
    assert 0 < ring != stone
    assert hidden == 0
    assert (ids[2] == BALL).sum() == 0
    assert (ids[3] == BALL).sum() > 2.5 * (ids[0] == BALL).sum()


def test_lights_of_a_look_replace_the_models(model: mujoco.MjModel, rasteriser: Rasteriser) -> None:
    where, seen = poses(model, 1), cameras(1)
    table = np.array([0.7, 0.6, 0.5])

    def colour(lights: Lights) -> Any:
        drawn = rasteriser.render(where, seen, Look(lights=lights))
        return np.median(drawn.rgb[drawn.ids == TABLE].astype(float), axis=0)

    assert np.allclose(colour(lamps(1)), 255 * table * 0.8, atol=2)  # ambient 0.3 and a sun of 0.5 straight from above
    slanted = colour(lamps(1, direction=np.array([[[0.0, 0.866, -0.5]]])))
    assert np.allclose(slanted, 255 * table * 0.55, atol=2)
    lamp = lamps(1, directional=np.zeros((1, 1), bool), position_m=np.array([[[-0.6, 0.0, 0.2]]]))
    near = rasteriser.render(where, seen, Look(lights=lamp))
    assert near.rgb[0, :, :20].sum() > 1.2 * near.rgb[0, :, -20:].sum()


def test_textures_and_photographs_are_taken_by_row(model: mujoco.MjModel, rasteriser: Rasteriser) -> None:
    where, seen = poses(model, 1), cameras(1)
    texture = np.full((1, 3), NOTHING, np.int32)
    texture[0, TABLE] = 1  # after the model's own one
    white = np.ones((1, 3, 4), np.float32)
    look = Look(rgba=white, texture=texture, background=np.zeros(1, np.int32), lights=lamps(1))
    drawn = rasteriser.render(where, seen, look)
    assert drawn.rgb[drawn.ids == TABLE][:, [0, 2]].max() == 0
    assert drawn.rgb[drawn.ids == TABLE][:, 1].max() == 160  # 200 in light of 0.8
    behind = drawn.ids[0] == NOTHING
    columns = np.nonzero(behind)[1]
    assert np.corrcoef(columns, drawn.rgb[0][behind][:, 0])[0, 1] > 0.999
    plain = rasteriser.render(where, seen, Look(background_rgb=np.array([[1.0, 0.5, 0.0]], np.float32)))
    assert (plain.rgb[0][behind] == (255, 128, 0)).all()


def test_shadows_fall_away_from_the_light(model: mujoco.MjModel) -> None:
    where, seen = poses(model, 1), cameras(1)
    sun = np.array([0.6, 0.0, -0.8])
    look = Look(lights=lamps(1, direction=sun[None, None]))
    plain = Rasteriser(model).render(where, seen, look)
    shaded = Rasteriser(model, options=RasterOptions(shadows=True)).render(where, seen, look)
    assert np.array_equal(plain.ids, shaded.ids)
    darker = (shaded.rgb[0].astype(int).sum(-1) < 0.7 * plain.rgb[0].sum(-1)) & (plain.ids[0] == TABLE)
    assert 20 < darker.sum() < 0.5 * (plain.ids[0] == TABLE).sum()
    unshaded = (shaded.rgb[0] == plain.rgb[0]).all(-1)
    assert (darker | unshaded)[plain.ids[0] == TABLE].mean() > 0.9
    # The way from what is dark to the sun passes through the stone or the ball.
    T, f = seen.T_world_camera[0], 60.0
    rows, columns = np.nonzero(darker)
    ray = np.stack([(columns - 31.5) / f, (rows - 23.5) / f, np.ones(len(rows))], axis=1)
    points = (ray * plain.depth_m[0][darker][:, None]) @ T[:3, :3].T + T[:3, 3]
    way = where.position_m[0, None, 1:] - points[:, None]
    away = np.linalg.norm(np.cross(way, sun), axis=2) - (0.25, 0.1)
    assert away.min(axis=1).max() < 0.02


def test_supersampling_smooths_edges_and_keeps_ids(model: mujoco.MjModel) -> None:
    where, seen = poses(model, 1), cameras(1)
    plain = Rasteriser(model).render(where, seen)
    fine = Rasteriser(model, options=RasterOptions(supersampling=2)).render(where, seen)
    assert (plain.ids == fine.ids).mean() > 0.97
    assert len(np.unique(fine.rgb[0].reshape(-1, 3), axis=0)) > len(np.unique(plain.rgb[0].reshape(-1, 3), axis=0))
    inner = (plain.ids == TABLE) & (fine.ids == TABLE)
    assert np.median(np.abs(plain.depth_m[inner] - fine.depth_m[inner])) < 1e-3


def test_coarser_levels_stay_close_and_keep_seams(model: mujoco.MjModel) -> None:
    levels = levels_of(surfaces.of_mesh(model, 0))
    assert len(levels) >= 3
    full = levels[0][0].vertices[:, :3].astype(float)
    grid = np.array([(i, j, 12 - i - j) for i in range(13) for j in range(13 - i)]) / 12
    for (finer, _), (surface, error) in itertools.pairwise(levels):
        assert len(surface.faces) < len(finer.faces)
        corners = surface.vertices[surface.faces][..., :3].astype(float)
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (np.einsum("fi,fi->f", normal, corners.mean(axis=1)) > 0).all()  # a ball about the origin: outward
        covered = np.einsum("pc,fci->fpi", grid, corners).reshape(-1, 3)
        away = np.array([np.sqrt(((covered - vertex) ** 2).sum(axis=1).min()) for vertex in full[::7]])
        spacing = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max() / 12
        assert away.max() <= error + spacing
    tube = levels_of(surfaces.cylinder(64))
    lids = tube[-1][0]
    assert set(np.round(np.abs(lids.vertices[:, 2]), 6)) == {1.0}  # the rims stay where they are


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, c, _: (dataclasses.replace(p, rotation=p.rotation[:1]), c, Look()), "poses.rotation"),
        (lambda p, c, _: (dataclasses.replace(p, position_m=p.position_m * np.nan), c, Look()), "not finite"),
        (lambda p, c, _: (p, dataclasses.replace(c, near_m=0.0), Look()), "cameras.near_m"),
        (lambda p, c, _: (p, dataclasses.replace(c, K=c.K[:1]), Look()), "cameras.K"),
        (lambda p, c, g: (p, c, Look(mesh=np.full((2, g), 7, np.int32))), "look.mesh.*got 7.*-1 to 1"),
        (lambda p, c, g: (p, c, Look(texture=np.full((2, g), 2, np.int32))), "look.texture.*-1 to 1"),
        (lambda p, c, _: (p, c, Look(background=np.ones(2, np.int32))), "look.background.*-1 to 0"),
        (lambda p, c, g: (p, c, Look(rgba=np.ones((1, g, 4), np.float32))), "look.rgba"),
    ],
)
def test_misfits_are_refused(
    model: mujoco.MjModel, rasteriser: Rasteriser, change: Callable[..., tuple[Poses, Cameras, Look]], message: str
) -> None:
    with pytest.raises(InvalidValueError, match=message):
        rasteriser.render(*change(poses(model, 2), cameras(2), model.ngeom))


def test_models_that_cannot_be_drawn_are_refused(model: mujoco.MjModel) -> None:
    field = '<hfield name="hills" nrow="4" ncol="4" size="1 1 1 1" elevation="0 0 0 0 0 1 1 0 0 1 1 0 0 0 0 0"/>'
    geom = '<geom name="hill" type="hfield" hfield="hills"/>'
    hills = f"<mujoco><asset>{field}</asset><worldbody>{geom}</worldbody></mujoco>"
    with pytest.raises(InvalidValueError, match=r"hill.*mjGEOM_HFIELD.*group 3"):
        Rasteriser(mujoco.MjModel.from_xml_string(hills))
    with pytest.raises(InvalidValueError, match=r"texture 1.*float64.*uint8 \(H, W, 3\)"):
        Rasteriser(model, textures=[np.zeros((4, 4, 3))])


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"supersampling.*got 9.*1 to 4"):
        RasterOptions(supersampling=9)
    with pytest.raises(InvalidValueError, match=r"tolerance_px.*0 or more pixels"):
        RasterOptions(tolerance_px=-1.0)


def test_an_empty_batch_and_an_empty_view_are_no_special_case(model: mujoco.MjModel, rasteriser: Rasteriser) -> None:
    assert rasteriser.render(poses(model, 0), cameras(0)).rgb.shape == (0, *SIZE, 3)
    seen = cameras(1)
    seen.T_world_camera[0, :3, 3] += 50 * seen.T_world_camera[0, :3, 2]  # past everything
    drawn = rasteriser.render(poses(model, 1), seen)
    assert (drawn.ids == NOTHING).all()
    assert np.isinf(drawn.depth_m).all()
    assert not drawn.rgb.any()

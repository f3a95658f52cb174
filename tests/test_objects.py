from __future__ import annotations

import hashlib

import mujoco
import numpy as np
import pytest

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.world.objects.assets import add_body, add_to_spec, picture_of
from eyehand.world.objects.catalogue import CATEGORIES, household_objects
from eyehand.world.objects.household import HouseholdObject, instances
from eyehand.world.objects.solids import rounded_box
from eyehand.world.objects.surface import mass_properties, volume_m3, welded
from eyehand.world.objects.textures import PATTERNS, TEXTURES, procedural_texture

SPLIT_DIGEST = "841967466f67bc7a87b4acf78d3d1f5a52e74b7c40312e884bd357ae9c03622c"
HOLLOW = ("bowl", "cup", "mug", "glass")


def directions(count: int = 300) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def outside_m(thing: HouseholdObject, points: np.ndarray) -> np.ndarray:
    """How far points (N, 3) lie outside the nearest convex part; not positive within one."""
    d = directions()
    return np.min([(points @ d.T - (part @ d.T).max(0)).max(1) for part in thing.parts], axis=0)


def everything() -> tuple[HouseholdObject, ...]:
    return household_objects("all")


def test_there_are_enough_of_every_kind_and_names_are_unique():
    train, held_out = household_objects("train"), household_objects("held_out")
    assert len(train) >= 60
    assert len(held_out) >= 24
    assert len({thing.name for thing in everything()}) == len(train) + len(held_out)
    assert {thing.split for thing in train} == {"train"}
    tableware = {"plate", "mug", "cup", "bowl", "glass", "teapot"}
    others = {"box", "can", "bottle", "ball", "block", "toy", "soft_toy"}
    assert {category.name for category in CATEGORIES} == tableware | others


def test_soft_toys_are_never_trained_on():
    assert "soft_toy" not in {thing.category for thing in household_objects("train")}
    assert "soft_toy" in {thing.category for thing in household_objects("held_out")}


def test_the_split_is_fixed():
    lines = [
        f"{thing.name} {thing.category} {thing.split} {np.round(1000 * thing.size_m).astype(int).tolist()}"
        for thing in everything()
    ]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == SPLIT_DIGEST


def test_the_same_objects_come_out_every_time():
    first, again = (instances(CATEGORIES[0], "held_out") for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.mesh.vertices, other.mesh.vertices)
        assert np.array_equal(one.mesh.uv, other.mesh.uv)
        assert (one.rgba, one.texture, one.mass_kg) == (other.rgba, other.texture, other.mass_kg)


def test_surfaces_are_closed_and_face_outwards():
    for thing in everything():
        faces = welded(thing.mesh.vertices)[thing.mesh.faces].astype(np.int64)
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        there, back = edges[:, 0] * 10**7 + edges[:, 1], edges[:, 1] * 10**7 + edges[:, 0]
        assert len(np.unique(there)) == len(there), thing.name
        assert np.array_equal(np.sort(there), np.sort(back)), thing.name
        corners = thing.mesh.vertices[thing.mesh.faces]
        area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (np.einsum("fij,fj->fi", thing.mesh.normals[thing.mesh.faces], area) > 0).all(), thing.name
        assert volume_m3(thing.mesh.vertices, thing.mesh.faces) > 1e-6, thing.name


def test_sizes_are_those_of_household_things():
    for thing in everything():
        assert 150 <= len(thing.mesh.faces) <= 6500, thing.name
        assert 1 <= len(thing.parts) <= 8, thing.name
        assert 0.02 < thing.size_m.min() <= thing.size_m.max() < 0.32, thing.name
        assert 0.01 < thing.mass_kg < 1.5, thing.name
        assert thing.mesh.vertices[:, 2].min() == pytest.approx(0.0, abs=1e-9)
        assert np.abs(thing.mesh.vertices.max(0) + thing.mesh.vertices.min(0))[:2].max() < 1e-9


def test_convex_parts_cover_the_mesh_and_little_else():
    for thing in everything():
        assert outside_m(thing, thing.mesh.vertices).max() < 0.006, thing.name
        points = np.concatenate(thing.parts)
        low, high = thing.mesh.vertices.min(0), thing.mesh.vertices.max(0)
        assert (points > low - 0.002).all(), thing.name
        assert (points < high + 0.002).all(), thing.name


def test_vessels_stay_open():
    for thing in everything():
        if thing.category in HOLLOW:
            inside = thing.mesh.vertices[:, 2].max() * np.array([[0, 0, 0.8], [0, 0, 0.97]])
            rim = thing.mesh.vertices[thing.mesh.vertices[:, 2] > 0.97 * thing.size_m[2]]
            inside[:, :2] = 0.5 * (rim.min(0) + rim.max(0))[:2]
            assert (outside_m(thing, inside) > 0.01).all(), thing.name


def test_everything_stands_where_it_is_put():
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.004
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[20, 20, 0.1])
    places = [(0.5 * (i % 10), 0.5 * (i // 10), 0.003) for i in range(len(everything()))]
    for i, (thing, place) in enumerate(zip(everything(), places, strict=True)):
        add_to_spec(spec, thing, texture_size=8)
        add_body(spec, thing, f"object{i}").pos = place
    model = spec.compile()
    data = mujoco.MjData(model)
    for _ in range(150):
        mujoco.mj_step(model, data)
    for i, (thing, place) in enumerate(zip(everything(), places, strict=True)):
        body = data.body(f"object{i}")
        assert np.degrees(np.arccos(min(body.xmat[8], 1.0))) < 2.0, thing.name
        assert np.abs(body.xpos - np.array(place) * [1, 1, 0]).max() < 0.002, thing.name


def test_a_scene_gets_meshes_material_and_geoms_by_name():
    thing = next(thing for thing in everything() if thing.texture and thing.category == "can")
    spec = mujoco.MjSpec()
    add_to_spec(spec, thing)
    add_body(spec, thing, "object0")
    model = spec.compile()
    assert model.mesh(thing.name).vertnum == len(thing.mesh.vertices)
    assert model.mesh(f"{thing.name}/part0").vertnum == len(thing.parts[0])
    assert model.geom("object0").group == 2
    assert model.geom("object0/part0").group == 3
    assert model.geom("object0").contype == 0
    assert model.body("object0").mass == pytest.approx(thing.mass_kg)
    picture = picture_of(thing)
    assert picture is not None
    start = model.texture(thing.name).adr[0]
    assert np.array_equal(model.tex_data[start : start + picture.size], picture.ravel())
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    mesh = model.mesh(thing.name)
    vertices = model.mesh_vert[mesh.vertadr[0] :][: mesh.vertnum[0]]
    world = vertices @ data.geom("object0").xmat.reshape(3, 3).T + data.geom("object0").xpos
    assert np.allclose(world, thing.mesh.vertices, atol=1e-6)  # whatever MuJoCo did to the mesh's frame


def test_mass_properties_of_a_box():
    box = rounded_box([0.1, 0.2, 0.4], 1e-6, 1)
    masses = mass_properties(box.vertices, box.faces, 3.0)
    assert np.allclose(masses.centre_m, [0, 0, 0.2], atol=1e-6)
    expected = 3.0 / 12 * np.array([0.2**2 + 0.4**2, 0.1**2 + 0.4**2, 0.1**2 + 0.2**2])
    assert np.allclose(masses.inertia_kg_m2, np.diag(expected), atol=1e-6)


def test_fineness_scales_triangles_and_keeps_shapes():
    coarse, fine = household_objects("held_out", 0.5), household_objects("held_out", 1.0)
    assert sum(len(a.mesh.faces) for a in coarse) < 0.45 * sum(len(b.mesh.faces) for b in fine)
    assert max(np.abs(a.size_m - b.size_m).max() for a, b in zip(coarse, fine, strict=True)) < 0.006


@pytest.mark.parametrize("kind", TEXTURES)
def test_textures_are_a_function_of_kind_seed_and_size(kind):
    picture = procedural_texture(kind, 3)
    assert picture.shape == (128, 128, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, procedural_texture(kind, 3))
    assert not np.array_equal(picture, procedural_texture(kind, 4))
    assert picture.std() > 2.0


@pytest.mark.parametrize("kind", PATTERNS)
def test_patterns_tile(kind):
    picture = procedural_texture(kind, 1).astype(float)
    for axis in (0, 1):
        along = np.swapaxes(picture, 0, axis)
        inside = np.abs(np.diff(along, axis=0)).mean((1, 2)).max()
        assert np.abs(along[0] - along[-1]).mean() <= inside + 1.0


def test_bad_names_and_sizes_are_refused():
    with pytest.raises(UnknownNameError, match="'held_out'"):
        household_objects("heldout")
    with pytest.raises(UnknownNameError, match="Did you mean 'marble'"):
        procedural_texture("marbel", 0)
    with pytest.raises(InvalidValueError, match="8 to 2048"):
        procedural_texture("wood", 0, 5)
    with pytest.raises(InvalidValueError, match=r"0\.2 to 4"):
        household_objects("train", 100.0)

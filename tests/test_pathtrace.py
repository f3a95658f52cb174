from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from eyehand.errors import InvalidValueError
from eyehand.world.pathtrace import Light, PathTracer, StereoRig, TraceOptions
from eyehand.world.rendering import Cameras, Lights, Look, Poses

GEOM = mujoco.mjtGeom
SIZE = (48, 64)
DIRECT = TraceOptions(samples=4, bounces=0, falloff=False, share_light=False)


def spec() -> mujoco.MjSpec:
    """A table at z = 0 that no light of its own shines on."""
    scene = mujoco.MjSpec()
    scene.visual.headlight.active = 0
    add(scene, "table", GEOM.mjGEOM_BOX, (0.5, 0.5, 0.02), (0, 0, -0.02), (0.8, 0.8, 0.8, 1))
    return scene


def add(scene: mujoco.MjSpec, name: str, kind: mujoco.mjtGeom, size, pos, rgba, **more: object) -> None:
    scene.worldbody.add_geom(name=name, type=kind, size=size, pos=pos, rgba=rgba, **more)


def things() -> mujoco.MjModel:
    """A ball, a box, a capsule and a turned vase on the table."""
    scene = spec()
    add(scene, "ball", GEOM.mjGEOM_SPHERE, (0.08, 0, 0), (0.1, 0.15, 0.08), (0.9, 0.1, 0.1, 1))
    add(scene, "box", GEOM.mjGEOM_BOX, (0.05, 0.07, 0.04), (-0.2, 0.1, 0.04), (0.1, 0.6, 0.2, 1), quat=(0.9, 0, 0, 0.3))
    add(
        scene,
        "capsule",
        GEOM.mjGEOM_CAPSULE,
        (0.03, 0.06, 0),
        (0.2, -0.15, 0.03),
        (0.2, 0.2, 0.9, 1),
        quat=(1, 1, 0, 0),
    )
    turn = 2 * np.pi * np.arange(24) / 24
    radius, height = np.array([[0.001, 0], [0.05, 0], [0.06, 0.05], [0.03, 0.1], [0.001, 0.1]]).T
    rings = [
        np.stack([r * np.cos(turn), r * np.sin(turn), 0 * turn + z], 1) for r, z in zip(radius, height, strict=True)
    ]
    k = np.arange(24)
    a, b = np.add.outer(24 * np.arange(4), k).ravel(), np.add.outer(24 * np.arange(4), (k + 1) % 24).ravel()
    faces = np.concatenate([np.stack([a, b, b + 24], 1), np.stack([a, b + 24, a + 24], 1)])
    scene.add_mesh(name="vase", uservert=np.concatenate(rings).ravel(), userface=faces.ravel(), smoothnormal=True)
    scene.worldbody.add_geom(name="object0", type=GEOM.mjGEOM_MESH, meshname="vase", pos=(-0.05, -0.15, 0.05))
    return scene.compile()


def poses(model: mujoco.MjModel, batch: int = 1) -> Poses:
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    turned = data.geom_xmat.reshape(-1, 3, 3)
    return Poses(np.repeat(data.geom_xpos[None], batch, 0), np.repeat(turned[None], batch, 0))


def cameras(batch: int = 1, eye=(0.7, -0.5, 0.6), focal_px: float = 50.0, size: tuple[int, int] = SIZE) -> Cameras:
    """Cameras that look at the middle of the table."""
    z = -np.array(eye, float) / np.linalg.norm(eye)
    x = np.cross(z, [0.0, 0.0, 1.0]) if abs(z[2]) < 0.999 else np.array([1.0, 0.0, 0.0])
    x /= np.linalg.norm(x)
    T = np.eye(4)
    T[:3] = np.stack([x, np.cross(z, x), z, np.array(eye)], axis=1)
    K = np.array([[focal_px, 0, (size[1] - 1) / 2], [0, focal_px, (size[0] - 1) / 2], [0, 0, 1]])
    return Cameras(np.repeat(K[None], batch, 0), np.repeat(T[None], batch, 0), size)


def lights(batch: int = 1, ambient: float = 0.0, **lamp: object) -> Lights:
    """One lamp of strength 1 above the middle, unless told otherwise."""
    given = {
        "position_m": (0.0, 0.0, 1.0),
        "direction": (0.0, 0.0, -1.0),
        "directional": False,
        "diffuse": (1.0, 1.0, 1.0),
    }
    values = {key: np.repeat(np.asarray(value)[None, None], batch, 0) for key, value in (given | lamp).items()}
    dark = np.zeros((batch, 3))
    return Lights(**values, specular=dark[:, None], ambient=dark + ambient, headlight=dark)


def column_rows(camera: Cameras) -> tuple[np.ndarray, np.ndarray]:
    """Camera rays (H, W, 3) of depth 1 in the world, and the eye."""
    height, width = camera.size
    v, u = np.mgrid[:height, :width]
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(camera.K[0]).T
    return rays @ camera.T_world_camera[0, :3, :3].T, camera.T_world_camera[0, :3, 3]


def test_depth_of_the_table_is_that_of_its_plane() -> None:
    model, camera = spec().compile(), cameras()
    light = PathTracer(model, options=DIRECT).trace(poses(model), camera)
    rays, eye = column_rows(camera)
    depth = -eye[2] / rays[..., 2]
    points = eye + depth[..., None] * rays
    top = (np.abs(points[..., :2]) < 0.499).all(-1)
    assert top.sum() > 500
    assert (light.ids[0][top] == model.geom("table").id).all()
    np.testing.assert_allclose(light.depth_m[0][top], depth[top], atol=1e-5)
    assert np.isinf(light.depth_m[0][light.ids[0] < 0]).all()


def test_ids_and_depth_of_a_ball_are_those_of_the_sphere() -> None:
    model, camera = things(), cameras(size=(96, 128), focal_px=110)
    light = PathTracer(model, options=DIRECT).trace(poses(model), camera)
    rays, eye = column_rows(camera)
    to_ball = np.array(model.geom("ball").pos) - eye
    a, b, c = (rays**2).sum(-1), rays @ to_ball, to_ball @ to_ball - 0.08**2
    root = b * b - a * c
    inside = root > 0
    shown = light.ids[0] == model.geom("ball").id
    assert (shown & inside).sum() / (shown | inside).sum() > 0.97
    depth = (b - np.sqrt(np.maximum(root, 0))) / a
    assert np.median(np.abs(light.depth_m[0] - depth)[shown & inside]) < 5e-4, (
        "48 sides of 8 cm lie within half a millimetre"
    )


def test_every_geom_is_where_it_projects_to() -> None:
    model, camera = things(), cameras(eye=(0.0, -0.05, 1.2), focal_px=60)
    ids = PathTracer(model, options=DIRECT).trace(poses(model), camera).ids[0]
    pose = poses(model)
    for name in ("ball", "box", "capsule", "object0"):
        point = camera.T_world_camera[0, :3, :3].T @ (
            pose.position_m[0, model.geom(name).id] - camera.T_world_camera[0, :3, 3]
        )
        u, v, w = camera.K[0] @ point
        assert ids[round(v / w), round(u / w)] == model.geom(name).id, name


def test_nothing_nearer_than_the_near_plane_is_drawn() -> None:
    model, camera = spec().compile(), cameras(eye=(0.0, 0.0, 1.0))
    near = PathTracer(model, options=DIRECT).trace(poses(model), replace(camera, near_m=0.9))
    cut = PathTracer(model, options=DIRECT).trace(poses(model), replace(camera, near_m=1.01))
    assert near.depth_m[0, 24, 32] == pytest.approx(1.0, abs=1e-5)
    assert cut.depth_m[0, 24, 32] > 1.01


def test_a_surface_that_faces_a_light_of_strength_one_shows_its_colour() -> None:
    model, camera = spec().compile(), cameras(eye=(0.0, 0.0, 1.0))
    look = Look(lights=lights(directional=True), specular=np.zeros((1, 1), np.float32))
    seen = PathTracer(model, options=DIRECT).trace(poses(model), camera, look).radiance[0, 24, 32]
    np.testing.assert_allclose(seen, ((0.8 + 0.055) / 1.055) ** 2.4, rtol=2e-3)


def test_lamps_fall_off_with_the_square_of_the_distance() -> None:
    model, camera = spec().compile(), cameras(eye=(0.0, 0.0, 1.0), focal_px=40)
    look = Look(lights=lights(), specular=np.zeros((1, 1), np.float32))
    bright = PathTracer(model, options=replace(DIRECT, falloff=True, lamp_radius_m=0.0)).trace(
        poses(model), camera, look
    )
    away = 16 / 40  # metres from the middle, at 16 pixels
    share = bright.radiance[0, 24, 32 + 16] / bright.radiance[0, 24, 32]
    np.testing.assert_allclose(share, (1 + away**2) ** -1.5, rtol=0.05)


def test_the_shadow_lies_where_the_lamp_throws_it_and_its_edge_is_as_soft_as_the_lamp_is_wide() -> None:
    scene = spec()
    add(scene, "plate", GEOM.mjGEOM_BOX, (0.1, 0.4, 0.001), (0.0, 0.0, 0.5), (1, 1, 1, 1), group=2)
    model, camera = scene.compile(), cameras(eye=(0.0, 0.0, 0.45), focal_px=60, size=(8, 128))

    def profile(radius_m: float) -> np.ndarray:
        options = replace(DIRECT, samples=64, lamp_radius_m=radius_m)
        return (
            PathTracer(model, options=options)
            .trace(poses(model), camera, Look(lights=lights()))
            .radiance[0, :, :, 0]
            .mean(0)
        )

    x = (np.arange(128) - 63.5) / 60 * 0.45
    hard, soft = profile(0.0), profile(0.1)
    assert (hard[np.abs(x) < 0.195] == 0).all(), "the plate at half the height throws a shadow of twice its width"
    assert (hard[np.abs(x) > 0.205] > 0.3).all()
    half = (soft > 0) & (soft < 0.98 * hard.max() / (1 + x**2) ** 0.5)
    partly = np.abs(x)[half & (np.abs(x) < 0.4)]
    assert partly.min() == pytest.approx(0.1, abs=0.04), "the penumbra reaches one lamp's radius in"
    assert (soft[np.abs(x) < 0.09] == 0).all()


def test_one_bounce_carries_colour_to_a_neighbour() -> None:
    scene = spec()
    add(scene, "wall/0", GEOM.mjGEOM_BOX, (0.01, 0.5, 0.3), (-0.2, 0.0, 0.3), (0.9, 0.05, 0.05, 1))
    model, camera = scene.compile(), cameras(eye=(0.3, 0.0, 0.6))
    look = Look(lights=lights(position_m=(0.5, 0.0, 0.6)))
    seen = {b: PathTracer(model, options=TraceOptions(16, b)).trace(poses(model), camera, look) for b in (0, 1)}
    table = seen[0].ids[0] == model.geom("table").id
    rays, eye = column_rows(camera)
    near_wall = table & (np.abs((eye - eye[2] / rays[..., 2:] * rays)[..., 0] + 0.1) < 0.08)
    red = {b: light.radiance[0][near_wall].mean(0) for b, light in seen.items()}
    assert red[0][0] == pytest.approx(red[0][1], rel=0.02)
    assert red[1][0] > 1.1 * red[1][1]


def test_light_from_everywhere_is_dimmer_under_things() -> None:
    scene = spec()
    add(scene, "lid", GEOM.mjGEOM_BOX, (0.15, 0.15, 0.01), (0.2, 0.0, 0.06), (1, 1, 1, 0.999))
    model, camera = scene.compile(), cameras(eye=(-0.6, 0.0, 0.25), focal_px=60)
    light = PathTracer(model, options=TraceOptions(32)).trace(
        poses(model), camera, Look(lights=lights(ambient=1.0, diffuse=(0, 0, 0)))
    )
    rays, eye = column_rows(camera)
    points = eye - eye[2] / rays[..., 2:] * rays
    table = light.ids[0] == model.geom("table").id
    under = table & (np.abs(points[..., 0] - 0.12) < 0.06) & (np.abs(points[..., 1]) < 0.05)
    open_ = table & (np.abs(points[..., 0] + 0.2) < 0.1)
    assert light.radiance[0][under].mean() < 0.7 * light.radiance[0][open_].mean()


def test_textures_lie_upright_and_repeat() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[0, 0], picture[0, 1], picture[1, 0], picture[1, 1] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
    model, camera = spec().compile(), cameras(eye=(0.0, 0.0, 1.0), focal_px=40)
    look = Look(
        lights=lights(directional=True), texture=np.zeros((1, 1), np.int32), specular=np.zeros((1, 1), np.float32)
    )
    tracer = PathTracer(model, textures=[picture], options=DIRECT)
    seen = tracer.trace(poses(model), camera, look).radiance[0]
    corners = [seen[24 + down, 32 + right].argmax() for down, right in ((-10, -10), (-10, 10), (10, -10))]
    assert corners == [0, 1, 2], "row 0 is at +y, column 0 at -x"
    assert seen[34, 42].min() > 0.3
    twice = tracer.trace(
        poses(model), camera, replace(look, texture_repeat=np.full((1, 1, 2), 2, np.float32))
    ).radiance[0]
    np.testing.assert_allclose(twice[19, 27], twice[19, 47], atol=0.12)


def test_looks_change_meshes_sizes_and_hide_geoms() -> None:
    model, camera = things(), cameras(batch=3)
    shown = np.tile(model.geom_dataid, (3, 1)).astype(np.int32)
    shown[1, model.geom("object0").id] = -1
    size = np.tile(model.geom_size, (3, 1, 1))
    size[2, model.geom("ball").id, 0] *= 1.5
    rgba = np.tile(model.geom_rgba, (3, 1, 1)).astype(np.float32)
    rgba[2, model.geom("capsule").id, 3] = 0.0
    ids = PathTracer(model, options=DIRECT).trace(poses(model, 3), camera, Look(mesh=shown, size=size, rgba=rgba)).ids
    count = {name: (ids == model.geom(name).id).sum((1, 2)) for name in ("ball", "capsule", "object0")}
    assert count["object0"][0] > 20
    assert count["object0"][1] == 0
    assert count["ball"][2] > 1.8 * count["ball"][0]
    assert count["capsule"][2] == 0


def test_collision_geoms_are_not_drawn() -> None:
    scene = spec()
    add(scene, "hull", GEOM.mjGEOM_BOX, (0.2, 0.2, 0.2), (0, 0, 0.2), (1, 1, 1, 1), group=3)
    model = scene.compile()
    assert set(np.unique(PathTracer(model, options=DIRECT).trace(poses(model), cameras()).ids)) <= {-1, 0}


def test_a_row_is_the_same_alone_and_in_company_on_one_thread_and_two() -> None:
    model = things()
    pose = poses(model, 4)
    pose.position_m[:, model.geom("ball").id, 0] += 0.02 * np.arange(4)
    seeds = np.array([5, 6, 7, 8])
    camera = cameras(4)
    together = PathTracer(model, threads=2).trace(pose, camera, seeds=seeds, step=3)
    for row in range(4):
        one = Poses(pose.position_m[row : row + 1], pose.rotation[row : row + 1])
        alone = PathTracer(model, threads=1).trace(one, cameras(1), seeds=seeds[row : row + 1], step=3)
        assert (alone.radiance[0] == together.radiance[row]).all()
        assert (alone.depth_m[0] == together.depth_m[row]).all()
        assert (alone.ids[0] == together.ids[row]).all()


def test_noise_is_drawn_anew_at_every_step_and_falls_with_more_samples() -> None:
    model, camera = things(), cameras()

    def trace(samples: int, step: int) -> Light:
        look = Look(lights=lights(ambient=0.5))
        return PathTracer(model, options=TraceOptions(samples)).trace(poses(model), camera, look, np.array([1]), step)

    few, again, many = trace(2, 0), trace(2, 1), trace(32, 0)
    assert (few.radiance != again.radiance).any()
    other = trace(32, 1)
    noise = {"few": np.abs(few.radiance - again.radiance).mean(), "many": np.abs(many.radiance - other.radiance).mean()}
    assert noise["many"] < 0.5 * noise["few"]
    assert few.radiance.mean() == pytest.approx(many.radiance.mean(), rel=0.02)


def test_backgrounds_are_photographs_colours_or_the_sky() -> None:
    model, camera = spec().compile(), cameras(batch=3, eye=(0.9, 0.0, 0.15))
    photograph = np.zeros((4, 6, 3), np.uint8)
    photograph[:, :3, 0], photograph[:, 3:, 1] = 255, 255
    rows, colours = np.array([0, -1, -1], np.int32), np.array([[0, 0, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    look = Look(background=rows, background_rgb=colours)
    seen = PathTracer(model, photographs=[photograph], options=DIRECT).trace(poses(model, 3), camera, look).radiance
    np.testing.assert_allclose(
        seen[:, 0, [0, -1]], [[(1, 0, 0), (0, 1, 0)], [(0, 0, 1)] * 2, [(1, 1, 1)] * 2], atol=1e-6
    )


def test_what_does_not_exist_is_refused() -> None:
    model, camera = things(), cameras()
    tracer = PathTracer(model)
    with pytest.raises(InvalidValueError, match=r"look\.texture.*got 3.*-1 to -1"):
        tracer.trace(poses(model), camera, Look(texture=np.full((1, model.ngeom), 3, np.int32)))
    with pytest.raises(InvalidValueError, match=r"look\.mesh.*got 7.*-1 to 0"):
        tracer.trace(poses(model), camera, Look(mesh=np.full((1, model.ngeom), 7, np.int32)))
    with pytest.raises(InvalidValueError, match=r"cameras.*got 2"):
        tracer.trace(poses(model), cameras(2))
    with pytest.raises(InvalidValueError, match=r"bounces.*got 2.*0 or 1"):
        TraceOptions(bounces=2)
    with pytest.raises(InvalidValueError, match=r"picture 0.*uint8 \(H, W, 3\)"):
        PathTracer(model, textures=[np.zeros((4, 4), np.uint8)])


def test_shiny_things_mirror_their_neighbours_and_dull_ones_do_not() -> None:
    scene = spec()
    add(scene, "wall/0", GEOM.mjGEOM_BOX, (0.01, 0.5, 0.5), (-0.3, 0.0, 0.5), (0.9, 0.05, 0.05, 1))
    model, camera = scene.compile(), cameras(eye=(0.6, 0.0, 0.3))
    look = Look(lights=lights(directional=True, direction=(-0.8, 0.0, -0.6)), specular=np.ones((1, 2), np.float32))
    tracer = PathTracer(model, options=TraceOptions(16))
    redness = {}
    for shininess in (0.3, 1.0):
        light = tracer.trace(poses(model), camera, replace(look, shininess=np.full((1, 2), shininess, np.float32)))
        near = light.radiance[0][(light.ids[0] == 0) & (light.depth_m[0] < 0.75)]
        redness[shininess] = near[:, 0].mean() / near[:, 1].mean()
    assert redness[1.0] > redness[0.3] + 0.02


def test_the_two_eyes_of_a_depth_sensor_see_the_same_dots_shifted_by_the_disparity() -> None:
    model = spec().compile()
    camera = cameras(eye=(0.0, 0.0, 0.5), focal_px=100, size=(64, 96))
    rig = StereoRig(np.array([0.06]), np.array([1.0]))
    dark = Look(lights=lights(diffuse=(0, 0, 0)), specular=np.zeros((1, 1), np.float32))
    left, right = (eye[0] for eye in PathTracer(model, options=DIRECT).trace_stereo(poses(model), camera, rig, dark))
    assert left.std() > 0.3 * left.mean(), "the table wears a pattern"
    fits = [np.corrcoef(left[:, 24:].ravel(), right[:, 24 - d : 96 - d].ravel())[0, 1] for d in range(24)]
    assert np.argmax(fits) == 12, "focal length times baseline over depth: 100 * 0.06 / 0.5"
    assert fits[12] > 0.95


def test_the_projector_is_shaded_by_what_stands_in_its_way() -> None:
    scene = spec()
    add(scene, "bar", GEOM.mjGEOM_BOX, (0.01, 0.4, 0.01), (0.0, 0.0, 0.25), (1, 1, 1, 1))
    model, camera = scene.compile(), cameras(eye=(-0.1, 0.0, 0.5), focal_px=60)
    camera.T_world_camera[:, :3, :3] = np.diag([1.0, -1.0, -1.0])
    rig = StereoRig(np.array([0.2]), np.array([1.0]))
    dark = Look(lights=lights(diffuse=(0, 0, 0)))
    left, _ = PathTracer(model, options=DIRECT).trace_stereo(poses(model), camera, rig, dark)
    x = (np.arange(64) - 31.5) / 60 * 0.5 - 0.1
    below = np.abs(x) < 0.015
    assert left[0][:, below].max() == 0.0, "the projector hangs over the bar, so the table under it is dark"
    assert left[0][:, np.abs(x + 0.2) < 0.05].mean() > 0.05


def test_sharing_light_among_neighbours_takes_the_grain_away_and_keeps_colours_and_edges() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[0, 0], picture[0, 1], picture[1, 0] = 255, 60, 60
    scene = spec()
    add(scene, "lid", GEOM.mjGEOM_BOX, (0.1, 0.1, 0.01), (0.0, 0.0, 0.3), (0.5, 0.5, 0.5, 1))
    model, camera = scene.compile(), cameras(eye=(0.0, -0.5, 0.9))
    texture = np.array([[0, -1]], np.int32)
    look = Look(lights=lights(radius_m=0.3), texture=texture, specular=np.zeros((1, 2), np.float32))

    def trace(samples: int, share: bool) -> np.ndarray:
        options = TraceOptions(samples, share_light=share)
        return PathTracer(model, textures=[picture], options=options).trace(poses(model), camera, look).radiance

    truth, plain, shared = trace(144, False), trace(4, False), trace(4, True)
    grain, left = (np.sqrt(np.mean((seen - truth) ** 2)) for seen in (plain, shared))
    assert left < 0.7 * grain
    assert np.abs(shared - truth).max() < 0.15 * truth.max()
    assert shared.mean() == pytest.approx(truth.mean(), rel=0.01)


def test_a_simulation_that_is_no_longer_finite_shows_nothing_and_leaves_its_neighbour_alone() -> None:
    model, camera = things(), cameras(2)
    tracer, pose = PathTracer(model), poses(model, 2)
    before = tracer.trace(pose, camera)
    pose.position_m[0], pose.rotation[0] = np.nan, np.inf
    after = tracer.trace(pose, camera)
    assert (after.ids[0] == -1).all()
    assert np.isfinite(after.radiance).all()
    assert (after.radiance[1] == before.radiance[1]).all()

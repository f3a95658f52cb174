"""The robots made in code: published kinematics and limits, and that nothing floats, falls or slips."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import pytest

from eyehand.errors import InvalidValueError
from eyehand.world import baxter
from eyehand.world.meshes import Mesh
from eyehand.world.robots import baxter_left_shells, iiwa14_shells, panda_shells
from eyehand.world.robots.loading import ROBOTS, load_robot
from eyehand.world.robots.robot import Robot, Shell

HALF = np.pi / 2
# (alpha before, a before, offset of theta, d, alpha after, a after): modified tables use the first two, others the last
IIWA14 = [  # standard Denavit-Hartenberg: KUKA LBR iiwa 14 R820
    (0, 0, 0, 0.360, -HALF, 0),
    (0, 0, 0, 0.0, HALF, 0),
    (0, 0, 0, 0.420, HALF, 0),
    (0, 0, 0, 0.0, -HALF, 0),
    (0, 0, 0, 0.400, -HALF, 0),
    (0, 0, 0, 0.0, HALF, 0),
    (0, 0, 0, 0.126, 0, 0),
]
PANDA = [  # modified: Franka Control Interface documentation, Denavit-Hartenberg parameters; flange and hand below
    (0, 0, 0, 0.333, 0, 0),
    (-HALF, 0, 0, 0.0, 0, 0),
    (HALF, 0, 0, 0.316, 0, 0),
    (HALF, 0.0825, 0, 0.0, 0, 0),
    (-HALF, -0.0825, 0, 0.384, 0, 0),
    (HALF, 0, 0, 0.0, 0, 0),
    (HALF, 0.088, 0, 0.0, 0, 0),
]
BAXTER = [  # modified: Williams 2017, Table 3, with L0 to L6 in metres
    (0, 0, 0, 0.27035, 0, 0),
    (-HALF, 0.069, HALF, 0.0, 0, 0),
    (HALF, 0, 0, 0.36435, 0, 0),
    (-HALF, 0.069, 0, 0.0, 0, 0),
    (HALF, 0, 0, 0.37429, 0, 0),
    (-HALF, 0.010, 0, 0.0, 0, 0),
    (HALF, 0, 0, 0.36830, 0, 0),
]


def turn(axis: int, angle: float) -> np.ndarray:
    T, a, b = np.eye(4), (axis + 1) % 3, (axis + 2) % 3
    T[a, a] = T[b, b] = np.cos(angle)
    T[a, b], T[b, a] = -np.sin(angle), np.sin(angle)
    return T


def shift(x: float = 0.0, z: float = 0.0) -> np.ndarray:
    T = np.eye(4)
    T[0, 3], T[2, 3] = x, z
    return T


def from_table(table: list[tuple[float, ...]], q: np.ndarray) -> np.ndarray:
    T = np.eye(4)
    for (alpha0, a0, offset, d, alpha1, a1), angle in zip(table, q, strict=True):
        T = T @ turn(0, alpha0) @ shift(x=a0) @ turn(2, angle + offset) @ shift(z=d) @ shift(x=a1) @ turn(0, alpha1)
    return T


def all_poses(robot: Robot, rows: int = 40) -> np.ndarray:
    return np.random.default_rng(0).uniform(robot.limits.low, robot.limits.high, (rows, 7))


@pytest.mark.parametrize(
    ("name", "table", "tool"),
    [("iiwa14", IIWA14, np.eye(4)), ("panda", PANDA, shift(z=0.107) @ turn(2, -np.pi / 4) @ shift(z=0.1034))],
)
def test_kinematics_are_those_of_the_published_tables(name: str, table: list, tool: np.ndarray) -> None:
    robot = load_robot(name)
    q = all_poses(robot)
    expected = np.array([from_table(table, row) @ tool for row in q])
    np.testing.assert_allclose(robot.chain().forward(q), expected, atol=1e-9)


def test_baxter_is_that_of_williams_and_of_the_planar_task() -> None:
    robot = load_robot("baxter_left")
    q = all_poses(robot)
    T, expected = robot.chain().forward(q), np.array([from_table(BAXTER, row) for row in q])
    np.testing.assert_allclose(T[:, :3, 3], expected[:, :3, 3], atol=1e-9)
    np.testing.assert_allclose(T[:, :3, 2], expected[:, :3, 2], atol=1e-9)  # the approach
    planar = q[:, [1, 3, 5]]
    level = np.zeros_like(q)
    level[:, [1, 3, 5]] = planar
    x, y, z = robot.chain().forward(level)[:, :3, 3].T
    assert np.abs(y).max() < 1e-12
    np.testing.assert_allclose(np.stack([x - 0.069, z - 0.27035], 1), baxter.forward_kinematics(planar), atol=1e-9)
    np.testing.assert_array_equal(robot.limits.low[[1, 3, 5]], baxter.JOINT_LOW_RAD)
    np.testing.assert_array_equal(robot.limits.high[[1, 3, 5]], baxter.JOINT_HIGH_RAD)


@pytest.mark.parametrize(
    ("name", "low_deg", "high_deg", "speed", "torque", "mass_kg"),
    [
        ("iiwa14", [-170, -120, -170, -120, -170, -120, -175], [170, 120, 170, 120, 170, 120, 175],
         np.radians([85, 85, 100, 75, 130, 135, 135]), [320, 320, 176, 176, 110, 40, 40], 29.9),
        ("panda", [-166, -101, -166, -176, -166, -1, -166], [166, 101, 166, -4, 166, 215, 166],
         [2.175] * 4 + [2.61] * 3, [87] * 4 + [12] * 3, 16.69 + 0.73),
        ("baxter_left", [-97.494, -123, -174.987, -2.864, -175.25, -90, -175.25],
         [97.494, 60, 174.987, 150, 175.25, 120, 175.25], [2.0] * 4 + [4.0] * 3, [50] * 4 + [15] * 3, None),
    ],
)  # fmt: skip
def test_limits_and_masses_are_the_published_ones(
    name: str, low_deg: list, high_deg: list, speed: list, torque: list, mass_kg: float | None
) -> None:
    robot = load_robot(name)
    np.testing.assert_allclose(np.degrees(robot.limits.low), low_deg, atol=0.1)
    np.testing.assert_allclose(np.degrees(robot.limits.high), high_deg, atol=0.1)
    np.testing.assert_allclose(robot.limits.velocity, speed)
    np.testing.assert_allclose(robot.limits.torque, torque)
    if mass_kg is not None:
        assert robot.model().body_mass.sum() == pytest.approx(mass_kg, abs=0.05)


@pytest.mark.parametrize("name", ROBOTS)
def test_the_model_keeps_the_promises_of_a_robot(name: str) -> None:
    robot = load_robot(name)
    model = robot.model()
    assert model.body(1).name == "robot"
    assert model.site("tool").id >= 0
    for k, joint in enumerate(robot.joints):
        servo = model.actuator(joint)
        assert servo.trnid[0] == model.joint(joint).id
        np.testing.assert_allclose(model.joint(joint).range, (robot.limits.low[k], robot.limits.high[k]))
        np.testing.assert_allclose(servo.ctrlrange, model.joint(joint).range)
        assert servo.forcerange[1] == robot.limits.torque[k]
    for g in range(model.ngeom):
        geom = model.geom(g)
        assert geom.name.startswith("robot/")
        hidden = geom.name.endswith("/collision")
        assert geom.group[0] == (3 if hidden else 2)
        assert bool(geom.contype[0]) == hidden
    for camera in robot.cameras:
        assert model.camera(camera).bodyid[0] > 0
    assert (robot.limits.clip(robot.home_rad) == robot.home_rad).all()


@pytest.mark.parametrize("name", ROBOTS)
def test_the_twin_wears_other_covers_on_the_same_robot(name: str) -> None:
    robot = load_robot(name)
    plain, twin = robot.model(), robot.model("twin")

    def names(model: mujoco.MjModel, kind: str) -> list[str]:
        return [getattr(model, kind)(i).name for i in range(getattr(model, f"n{kind.replace('joint', 'jnt')}"))]

    assert names(plain, "body") == names(twin, "body")
    assert names(plain, "joint") == names(twin, "joint")
    np.testing.assert_array_equal(plain.body_mass, twin.body_mass)
    hulls = [n for n in names(plain, "geom") if n.endswith("/collision")]
    assert hulls == [n for n in names(twin, "geom") if n.endswith("/collision")]
    for hull in hulls:
        np.testing.assert_array_equal(plain.geom(hull).size, twin.geom(hull).size)
        np.testing.assert_array_equal(plain.geom(hull).pos, twin.geom(hull).pos)
    covers = set(names(plain, "mesh"))
    shared = covers & set(names(twin, "mesh"))
    assert len(shared) > 0.8 * len(covers)
    links = {n.split("/")[1] for n in shared}
    changed = {n.split("/")[1] for n in shared if plain.mesh(n).facenum[0] != twin.mesh(n).facenum[0]}
    changed |= {n.split("/")[1] for n in set(names(twin, "mesh")) - covers}
    assert len(changed) > 0.4 * len(links)
    with pytest.raises(InvalidValueError, match=r"shell.*'plain' or 'twin'"):
        robot.spec("shiny")  # type: ignore[arg-type]


def pieces(mesh: Mesh) -> list[np.ndarray]:
    """The triangles (F, 3, 3) of each connected piece."""
    label = np.arange(len(mesh.vertices))
    while True:
        lowest = label[mesh.faces].min(1)
        after = label.copy()
        np.minimum.at(after, mesh.faces.reshape(-1), np.repeat(lowest, 3))
        if (after == label).all():
            break
        label = after
    of_face = label[mesh.faces[:, 0]]
    return [mesh.vertices[mesh.faces[of_face == piece]] for piece in np.unique(of_face)]


@pytest.mark.parametrize("shell", ["plain", "twin"])
@pytest.mark.parametrize("covers", [iiwa14_shells, panda_shells, baxter_left_shells])
def test_every_piece_of_a_cover_faces_outward_and_touches_the_rest(covers: Any, shell: str) -> None:
    for link, mesh in covers.shells(shell).items():
        parts = pieces(mesh)
        for k, part in enumerate(parts):
            a, b, c = np.swapaxes(part, 0, 1)
            assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0, (link, k)
        box = [(part.reshape(-1, 3).min(0) - 0.002, part.reshape(-1, 3).max(0) + 0.002) for part in parts]
        reached, grown = {0}, True
        while grown:
            more = {
                i
                for i, (low, high) in enumerate(box)
                if any((low <= box[j][1]).all() and (box[j][0] <= high).all() for j in reached)
            }
            reached, grown = reached | more, not more <= reached
        assert len(reached) == len(parts), f"something of {link} floats"


@pytest.mark.parametrize("shell", ["plain", "twin"])
@pytest.mark.parametrize("name", ROBOTS)
def test_covers_stand_on_the_table_with_shading_as_they_face(name: str, shell: Shell) -> None:
    robot = load_robot(name)
    model = robot.model(shell)
    data = mujoco.MjData(model)
    data.qpos[:7] = robot.home_rad
    mujoco.mj_forward(model, data)
    assert data.ncon == 0
    for g in np.flatnonzero(model.geom_group == 2):
        mesh = model.mesh(model.geom_dataid[g])
        vertices = model.mesh_vert[mesh.vertadr[0] :][: mesh.vertnum[0]]
        place = vertices @ data.geom_xmat[g].reshape(3, 3).T + data.geom_xpos[g]
        assert place[:, 2].min() > -1e-3
        faces = slice(mesh.faceadr[0], mesh.faceadr[0] + mesh.facenum[0])
        a, b, c = np.swapaxes(vertices[model.mesh_face[faces]], 0, 1)
        shading = model.mesh_normal[model.mesh_normaladr[mesh.id] :][model.mesh_facenormal[faces]].mean(1)
        assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), shading) > 0).all(), model.geom(g).name
    assert 2_000 < model.mesh_facenum.sum() < 16_000


@pytest.mark.parametrize("name", ROBOTS)
def test_servos_hold_the_arm_and_carry_it_to_a_command(name: str) -> None:
    robot = load_robot(name)
    model = robot.model()
    data = mujoco.MjData(model)
    data.qpos[:7] = data.ctrl[:7] = robot.home_rad
    mujoco.mj_step(model, data, 100)
    assert np.abs(data.qpos[:7] - robot.home_rad).max() < 1e-3
    data.ctrl[:7] = robot.home_rad + 0.1
    mujoco.mj_step(model, data, 500)
    assert np.abs(data.qpos[:7] - data.ctrl[:7]).max() < 5e-3


@pytest.mark.parametrize("name", ["panda", "baxter_left"])
def test_the_gripper_closes_to_widths_and_holds_a_block(name: str) -> None:
    robot = load_robot(name)
    gripper = robot.gripper
    assert gripper is not None
    spec = robot.spec()
    place = robot.chain().forward(robot.home_rad[None])[0]
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, place[:3, :3].reshape(-1).copy())
    block = spec.worldbody.add_body(name="block", pos=place[:3, 3], quat=quaternion)
    block.add_freejoint()
    block.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.012, 0.012, 0.012], mass=0.1)
    model = spec.compile()
    data = mujoco.MjData(model)
    data.qpos[:7] = data.ctrl[:7] = robot.home_rad
    for joint in gripper.joints:
        data.qpos[model.joint(joint).qposadr[0]] = gripper.open_m / 2
    data.qpos[-7:] = [*place[:3, 3], *quaternion]
    data.ctrl[model.actuator(gripper.actuator).id] = gripper.control(np.array(0.0))
    model.opt.gravity[:] = 0
    mujoco.mj_step(model, data, 150)  # close in free space, then let gravity pull
    model.opt.gravity[2] = -9.81
    mujoco.mj_step(model, data, 400)
    assert np.linalg.norm(data.body("block").xpos - data.site("tool").xpos) < 0.008
    width = sum(float(data.joint(joint).qpos[0]) for joint in gripper.joints)
    assert width == pytest.approx(0.024, abs=0.002)
    assert gripper.control(np.array([-1.0, gripper.open_m, 1.0])).tolist() == pytest.approx(
        [0.0, (gripper.open_m - gripper.closed_m) / 2, (gripper.open_m - gripper.closed_m) / 2]
    )


def test_the_hand_camera_sees_what_is_between_the_fingers() -> None:
    robot = load_robot("baxter_left")
    model = robot.model()
    data = mujoco.MjData(model)
    data.qpos[:7] = robot.home_rad
    mujoco.mj_forward(model, data)
    camera = model.camera(robot.cameras[0])
    R = data.cam_xmat[camera.id].reshape(3, 3)
    x, y, z = R.T @ (data.site("tool").xpos - data.cam_xpos[camera.id])
    assert z < -0.1  # MuJoCo's cameras look along -z
    edge = np.tan(np.radians(camera.fovy[0]) / 2) * -z
    assert abs(x) < 0.2 * edge
    assert 0.2 * edge < y < 0.6 * edge  # in the upper half, below the hand itself
    assert R[:, 2] @ data.site_xmat[model.site("tool").id].reshape(3, 3)[:, 2] == pytest.approx(-1)
    assert camera.fovy[0] == 80.0

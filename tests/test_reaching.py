"""Kinematics of chains and commands to a tool, against MuJoCo and against their own promises."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.world.chain import Chain
from eyehand.world.reaching import JointLimits, Nullspace, differential_ik, limited_step, reach
from eyehand.world.robots.loading import load_robot
from eyehand.world.robots.robot import Robot
from eyehand.world.rows import limit_threads

DT = 0.05


@pytest.fixture(scope="module")
def arm() -> tuple[Robot, Chain]:
    robot = load_robot("iiwa14")
    return robot, robot.chain()


def some(limits: JointLimits, rows: int, share: float = 1.0, seed: int = 0) -> np.ndarray:
    middle, half = (limits.high + limits.low) / 2, (limits.high - limits.low) / 2
    return middle + share * half * np.random.default_rng(seed).uniform(-1, 1, (rows, len(middle)))


def mixed_model() -> mujoco.MjModel:
    """A chain with a slide, an offset anchor and a reference angle, on a base that stands elsewhere."""
    return mujoco.MjModel.from_xml_string("""
    <mujoco><worldbody><body name="robot" pos="1 2 3" euler="0 0 40"><body pos="0 0 .2"><joint name="a" axis="0 0 1"/>
    <geom size=".1"/><body pos=".1 0 .1" euler="30 0 0"><joint name="b" type="slide" axis="1 0 0" range="-1 1"/>
    <geom size=".1"/><body pos="0 .3 0"><joint name="c" axis=".6 0 .8" pos="0 .1 .05" ref="20"/><geom size=".1"/>
    <site name="tool" pos=".1 .2 .3" euler="10 20 30"/></body></body></body></body></worldbody></mujoco>""")


@pytest.mark.parametrize("which", ["iiwa14", "panda", "baxter_left", "mixed"])
def test_forward_kinematics_and_jacobian_are_those_of_mujoco(which: str) -> None:
    model = mixed_model() if which == "mixed" else load_robot(which).model()
    joints = ("a", "b", "c") if which == "mixed" else load_robot(which).joints
    chain = Chain.from_model(model, joints)
    q = np.random.default_rng(1).uniform(-1, 1, (20, len(joints)))
    T, J = chain.forward(q), chain.jacobian(q)
    data = mujoco.MjData(model)
    dofs = [model.joint(name).dofadr[0] for name in joints]
    base, tool = model.body("robot").id, model.site("tool").id
    for row in range(len(q)):
        for k, name in enumerate(joints):
            data.qpos[model.joint(name).qposadr[0]] = q[row, k]
        mujoco.mj_forward(model, data)
        R = data.xmat[base].reshape(3, 3)
        np.testing.assert_allclose(T[row, :3, 3], R.T @ (data.site_xpos[tool] - data.xpos[base]), atol=1e-12)
        np.testing.assert_allclose(T[row, :3, :3], R.T @ data.site_xmat[tool].reshape(3, 3), atol=1e-12)
        linear, angular = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        mujoco.mj_jacSite(model, data, linear, angular, tool)
        np.testing.assert_allclose(J[row, :3], R.T @ linear[:, dofs], atol=1e-12)
        np.testing.assert_allclose(J[row, 3:], R.T @ angular[:, dofs], atol=1e-12)


def test_a_row_has_the_same_bytes_in_any_batch_and_on_any_number_of_threads(arm: tuple[Robot, Chain]) -> None:
    robot, chain = arm
    q = some(robot.limits, 700, 0.9)
    twist = np.random.default_rng(2).normal(size=(700, 6)) * 0.2
    velocity = np.random.default_rng(3).normal(size=(700, 7)) * 0.2

    def everything(rows: slice) -> list[bytes]:
        T = chain.forward(q[rows])
        step = differential_ik(chain, q[rows], twist[rows], DT, robot.limits, velocity[rows])
        found = reach(chain, T, np.tile(robot.home_rad, (len(T), 1)), robot.limits)
        return [chain.jacobian(q[rows]).tobytes(), T.tobytes(), step.tobytes(), found.q.tobytes()]

    together = everything(slice(0, 700))
    limit_threads(1)
    try:
        assert everything(slice(0, 700)) == together
    finally:
        limit_threads(64)
    whole = np.frombuffer(together[2]).reshape(700, 7)
    for row in (0, 350, 699):
        alone = everything(slice(row, row + 1))
        assert alone[2] == whole[row].tobytes()
        assert alone[3] == np.frombuffer(together[3]).reshape(700, 7)[row].tobytes()


def test_the_tool_moves_with_the_twist(arm: tuple[Robot, Chain]) -> None:
    robot, chain = arm
    q = np.tile(robot.home_rad, (50, 1)) + np.random.default_rng(4).uniform(-0.2, 0.2, (50, 7))
    twist = np.random.default_rng(5).normal(size=(50, 6)) * np.repeat([0.05, 0.1], 3)
    step = differential_ik(chain, q, twist, DT, robot.limits)
    moved = np.einsum("bij,bj->bi", chain.jacobian(q), step)
    np.testing.assert_allclose(moved, twist * DT, atol=1e-9)
    linear = differential_ik(chain, q, twist[:, :3], DT, robot.limits)
    np.testing.assert_allclose(np.einsum("bij,bj->bi", chain.jacobian(q)[:, :3], linear), twist[:, :3] * DT, atol=1e-9)
    assert (np.linalg.norm(linear, axis=1) <= np.linalg.norm(step, axis=1) + 1e-12).all()


def test_a_twist_that_is_too_fast_keeps_its_direction(arm: tuple[Robot, Chain]) -> None:
    robot, chain = arm
    q = np.tile(robot.home_rad, (20, 1))
    twist = np.random.default_rng(6).normal(size=(20, 6)) * 20
    step = differential_ik(chain, q, twist, DT, robot.limits)
    assert (np.abs(step) <= robot.limits.velocity * DT * (1 + 1e-12)).all()
    assert np.isclose((np.abs(step) / (robot.limits.velocity * DT)).max(1), 1.0).all()  # and no slower than needed
    moved = np.einsum("bij,bj->bi", chain.jacobian(q), step)
    cosine = (moved * twist).sum(1) / np.linalg.norm(moved, axis=1) / np.linalg.norm(twist, axis=1)
    assert (cosine > 1 - 1e-9).all()


@pytest.mark.parametrize("name", ["iiwa14", "panda", "baxter_left"])
def test_limits_hold_along_wild_commands(name: str) -> None:
    robot = load_robot(name)
    chain, limits = robot.chain(), robot.limits
    q = some(limits, 64, 0.95, seed=7)
    velocity = np.zeros_like(q)
    generator = np.random.default_rng(8)
    twist = generator.normal(size=(64, 6)) * 3
    for step_number in range(80):
        if step_number % 8 == 0:
            twist = generator.normal(size=(64, 6)) * 3
        step = differential_ik(chain, q, twist, DT, limits, velocity)
        q, before, velocity = q + step, velocity, step / DT
        assert (q >= limits.low - 1e-12).all()
        assert (q <= limits.high + 1e-12).all()
        assert (np.abs(velocity) <= limits.velocity * (1 + 1e-9)).all()
        assert (np.abs(velocity - before) <= limits.acceleration * DT * (1 + 1e-6)).all()


def test_a_commanded_joint_stops_at_its_limit_in_the_least_time_that_its_brakes_allow() -> None:
    limits = JointLimits(np.array([-1.0]), np.array([1.0]), np.array([2.0]), np.array([4.0]), np.array([1.0]))
    q, velocity, speeds = np.array([[-0.93]]), np.zeros((1, 1)), [0.0]
    for _ in range(40):
        step = limited_step(q, np.array([[9.0]]), DT, limits, velocity)
        q, velocity = q + step, step / DT
        speeds.append(float(velocity[0, 0]))
    assert q[0, 0] == pytest.approx(1.0, abs=1e-9)
    change = np.diff(speeds) / DT
    assert max(speeds) == pytest.approx(2.0)
    assert change.max() == pytest.approx(4.0)
    assert change.min() >= -4.0 * (1 + 1e-6)
    assert np.isclose(change, -4.0, atol=1e-6).sum() >= 8  # full braking but for the last step's remainder
    free = limited_step(np.array([[0.97]]), np.array([[9.0]]), DT, limits)
    assert free[0, 0] == pytest.approx(0.03)
    with pytest.raises(InvalidValueError, match="joint steps in row 0"):
        limited_step(q, np.array([[np.nan]]), DT, limits)


def test_a_joint_at_its_limit_leaves_the_motion_to_the_others(arm: tuple[Robot, Chain]) -> None:
    robot, chain = arm
    q = np.tile(robot.home_rad, (2, 1))
    blocked = JointLimits(
        low=np.where(np.arange(7) == 3, q[0], robot.limits.low),
        high=np.where(np.arange(7) == 3, q[0], robot.limits.high),
        velocity=robot.limits.velocity,
        acceleration=robot.limits.acceleration,
        torque=robot.limits.torque,
    )
    twist = np.array([[0.05, 0.0, 0.0], [0.0, 0.0, 0.05]])
    assert (np.abs(differential_ik(chain, q, twist, DT, robot.limits)[:, 3]) > 1e-4).all()
    step = differential_ik(chain, q, twist, DT, blocked)
    assert (step[:, 3] == 0).all()
    moved = np.einsum("bij,bj->bi", chain.jacobian(q)[:, :3], step)
    np.testing.assert_allclose(moved, twist * DT, atol=1e-9)


def test_a_stretched_arm_stays_calm(arm: tuple[Robot, Chain]) -> None:
    robot, chain = arm
    upright = np.zeros((1, 7))  # the singular pose: no joint moves the tool upwards
    step = differential_ik(chain, upright, np.array([[0.0, 0.0, 0.5, 0.0, 0.0, 0.0]]), DT, robot.limits)
    assert np.abs(step).max() < 1e-6
    near = upright + 1e-3
    step = differential_ik(chain, near, np.array([[0.0, 0.0, 0.1, 0.0, 0.0, 0.0]]), DT, robot.limits)
    assert np.isfinite(step).all()


def test_spare_freedom_drifts_to_the_posture_and_the_tool_stands_still(arm: tuple[Robot, Chain]) -> None:
    robot, chain = arm
    q = robot.home_rad[None] + np.array([[0.3, 0.1, -0.4, 0.1, 0.2, -0.1, 0.3]])
    start, far = chain.forward(q), np.linalg.norm(q - robot.home_rad)
    for _ in range(60):
        q = q + differential_ik(chain, q, np.zeros((1, 3)), DT, robot.limits, nullspace=Nullspace(robot.home_rad))
    assert np.linalg.norm(q - robot.home_rad) < 0.75 * far
    assert np.linalg.norm(chain.forward(q)[0, :3, 3] - start[0, :3, 3]) < 0.01


@pytest.mark.parametrize("name", ["iiwa14", "panda", "baxter_left"])
def test_poses_in_reach_are_met_and_others_are_owned_up_to(name: str) -> None:
    robot = load_robot(name)
    chain = robot.chain()
    target = chain.forward(some(robot.limits, 100, 0.95, seed=9))
    start = np.tile(robot.home_rad, (100, 1))
    found = reach(chain, target, start, robot.limits)
    assert found.met.mean() >= 0.97
    T = chain.forward(found.q)
    assert np.linalg.norm(T[found.met, :3, 3] - target[found.met, :3, 3], axis=1).max() < 1e-4
    assert np.abs(T[found.met, :3, :3] - target[found.met, :3, :3]).max() < 2e-3
    assert (found.q >= robot.limits.low).all()
    assert (found.q <= robot.limits.high).all()
    assert reach(chain, target[:, :3, 3], start, robot.limits).met.mean() >= 0.99
    away = reach(chain, np.array([[3.0, 0.0, 0.5]]), start[:1], robot.limits)
    assert not away.met[0]
    assert away.error_m[0] > 1.5
    assert np.isfinite(away.q).all()


def test_bad_input_is_refused(arm: tuple[Robot, Chain]) -> None:
    robot, chain = arm
    q = robot.home_rad[None]
    with pytest.raises(InvalidValueError, match=r"twist in row 0.*finite"):
        differential_ik(chain, q, np.array([[np.nan, 0.0, 0.0]]), DT, robot.limits)
    with pytest.raises(InvalidValueError, match=r"shape of twist.*\(1, 3\) or \(1, 6\)"):
        differential_ik(chain, q, np.zeros((1, 4)), DT, robot.limits)
    with pytest.raises(InvalidValueError, match=r"shape of joint values.*\(B, 7\)"):
        chain.forward(np.zeros((2, 6)))
    with pytest.raises(InvalidValueError, match=r"joint values in row 1"):
        chain.forward(np.array([np.zeros(7), np.full(7, np.inf)]))
    with pytest.raises(InvalidValueError, match="dt_s"):
        differential_ik(chain, q, np.zeros((1, 3)), 0.0, robot.limits)
    with pytest.raises(InvalidValueError, match="target"):
        reach(chain, np.full((1, 3), np.nan), q, robot.limits)
    with pytest.raises(InvalidValueError, match=r"limits of joint 2.*low not above high"):
        JointLimits(np.array([0, 0, 1.0]), np.array([1, 1, 0.0]), np.ones(3), np.ones(3), np.ones(3))
    with pytest.raises(InvalidValueError, match=r"limits\.velocity"):
        JointLimits(np.zeros(1), np.ones(1), np.zeros(1), np.ones(1), np.ones(1))
    model = robot.model()
    with pytest.raises(UnknownNameError, match=r"Unknown joint 'joint9'.*Did you mean 'joint"):
        Chain.from_model(model, ["joint9"])
    with pytest.raises(UnknownNameError, match=r"Unknown site 'tol'.*Did you mean 'tool'"):
        Chain.from_model(model, robot.joints, "tol")
    with pytest.raises(InvalidValueError, match="from the base outward"):
        Chain.from_model(model, robot.joints[::-1])

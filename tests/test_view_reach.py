"""Reaching a shown object from an unknown viewpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.interfaces.query_map import QueryMap
from eyehand.tasks import load_task
from eyehand.tasks.view_reach import AT_TARGET_M, SLOTS, STEP_M, ViewReach, viewpoints_K
from eyehand.types import Decision
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

SEEDS = np.arange(12)
SIM = load_domain("sim", "view_reach")
BLIND = frozenset({"privileged", "proprio"})


def moved(domain: Domain, **dynamics: object) -> Domain:
    return dataclasses.replace(domain, dynamics=dataclasses.replace(domain.dynamics, **dynamics))


def reached(task: ViewReach, domain: Domain) -> np.ndarray:
    """How far the expert stays away at best, over ten steps."""
    world = SimulatedWorld(task, domain, BLIND)
    world.reset(SEEDS)
    nearest = world.privileged().distance_m
    for _ in range(task.horizon):
        world.step(world.expert().label(world.privileged(), None, None))
        nearest = np.minimum(nearest, world.privileged().distance_m)
    return nearest


@pytest.mark.parametrize("motion", ["kinematic", "mujoco"])
def test_the_expert_reaches_the_query_object(motion: str) -> None:
    assert (reached(load_task("view_reach"), moved(SIM, motion=motion)) <= AT_TARGET_M).mean() > 0.9


def test_the_expert_reaches_with_a_panda_too() -> None:
    assert (reached(load_task("view_reach", robot="panda"), moved(SIM, motion="kinematic")) <= AT_TARGET_M).mean() > 0.8


def test_objects_stand_apart_in_the_workspace_and_the_query_is_one_of_them() -> None:
    task = load_task("view_reach")
    state = task.sample(np.arange(200))
    number = (state.held >= 0).sum(axis=1)
    assert set(number) == {1, 2, 3}
    assert (state.query < number).all()
    for k in range(1, SLOTS):
        both = number > k
        gap = np.linalg.norm(state.object_m[both, 0, :2] - state.object_m[both, k, :2], axis=1)
        assert (gap > 0.04).all()


def test_the_query_object_is_in_the_picture_at_the_start() -> None:
    task = load_task("view_reach")
    seen = task.interface.truth(task.sample(np.arange(300))).sum(dim=(1, 2))
    assert seen.mean() > 0.97


def test_a_finite_pool_has_as_many_viewpoints_as_it_says_and_novel_ones_are_others() -> None:
    poses: dict[str, set[bytes]] = {}
    for kind in ("seen", "novel", "anywhere"):
        found = load_task("view_reach", viewpoints=kind, pool=8).sample(np.arange(60)).T_world_camera
        poses[kind] = {one.tobytes() for one in found}
    assert len(poses["seen"]) <= 8
    assert not poses["seen"] & poses["novel"]
    assert len(poses["anywhere"]) == 60


def test_the_tool_moves_by_the_command() -> None:
    world = SimulatedWorld(load_task("view_reach"), moved(SIM, motion="kinematic"), BLIND)
    world.reset(SEEDS)
    before = world.privileged().tool_m
    step = np.tile([0.01, -0.02, 0.015], (len(SEEDS), 1))
    world.step(Decision(np.zeros(len(SEEDS), np.int64), step))
    assert world.privileged().tool_m - before == pytest.approx(step, abs=1e-3)


def test_delay_holds_a_command_back() -> None:
    world = SimulatedWorld(load_task("view_reach"), moved(SIM, motion="mujoco"), BLIND)
    late = dataclasses.replace(SIM, timing=dataclasses.replace(SIM.timing, delay_steps=1.0))
    delayed = SimulatedWorld(load_task("view_reach"), late, BLIND)
    move = Decision(np.zeros(2, np.int64), np.tile([0.0, 0.0, 0.05], (2, 1)))
    hold = Decision(np.zeros(2, np.int64), np.zeros((2, 3)))
    for one in (world, delayed):
        one.reset(np.arange(2))
    start = delayed.privileged().tool_m[:, 2]
    world.step(move)
    delayed.step(move)
    assert world.privileged().tool_m[:, 2] - start == pytest.approx(0.05, abs=0.01)
    assert delayed.privileged().tool_m[:, 2] == pytest.approx(start, abs=2e-3)
    delayed.step(hold)
    assert delayed.privileged().tool_m[:, 2] - start == pytest.approx(0.05, abs=0.01)


def test_a_push_moves_the_hand_while_it_lasts() -> None:
    pushed = SimulatedWorld(load_task("view_reach"), moved(SIM, push_n=60.0, push_share=1.0), BLIND)
    calm = SimulatedWorld(load_task("view_reach"), SIM, BLIND)
    hold = Decision(np.zeros(3, np.int64), np.zeros((3, 3)))
    for world in (pushed, calm):
        world.reset(SEEDS[:3])
        world.step(hold)
    away = np.linalg.norm(pushed.privileged().tool_m - calm.privileged().tool_m, axis=1)
    assert (away > 2e-3).all()
    assert (away < 0.2).all()


def test_physics_that_fails_ends_its_own_episode_as_failed_and_no_other() -> None:
    task = load_task("view_reach")
    world, calm = (SimulatedWorld(task, SIM, BLIND) for _ in range(2))
    seeds = SEEDS[:4]
    for one in (world, calm):
        one.reset(seeds)
    broken = world.now.state.physics.copy()
    task.scene.engine.part(broken, "qvel")[1] = 1e12
    world.restore(dataclasses.replace(world.now, state=dataclasses.replace(world.now.state, physics=broken)))
    hold = Decision(np.zeros(4, np.int64), np.zeros((4, 3)))
    transition, undisturbed = world.step(hold), calm.step(hold)
    assert transition.terminated.tolist() == [False, True, False, False]
    assert not world.verdict().success[1]
    others = [0, 2, 3]
    assert world.privileged().physics[others].tobytes() == calm.privileged().physics[others].tobytes()
    assert (transition.reward[others] == undisturbed.reward[others]).all()


def test_the_goal_is_a_picture_that_stays_the_same_all_episode() -> None:
    world = SimulatedWorld(load_task("view_reach"), SIM, frozenset({"goal"}))
    first = world.reset(SEEDS[:3]).goal
    later = world.step(Decision(np.zeros(3, np.int64), np.zeros((3, 3)))).obs.goal
    assert first.shape == (3, 32, 32, 3)
    assert first.dtype == np.uint8
    assert first.tobytes() == later.tobytes()
    assert first.reshape(3, -1).std(axis=1).min() > 5


def test_two_cameras_with_depth_see_the_same_scene_from_two_sides() -> None:
    world = SimulatedWorld(load_task("view_reach", cameras=2, depth=True), SIM, frozenset({"camera"}))
    obs = world.reset(SEEDS[:2])
    assert list(obs.cameras) == ["camera", "second"]
    for camera in obs.cameras.values():
        assert camera.depth_m.shape == (2, 128, 128)
        assert 0.1 < np.median(camera.depth_m) < 3.0
    assert obs.cameras["camera"].rgb.tobytes() != obs.cameras["second"].rgb.tobytes()


@pytest.mark.parametrize(
    ("options", "error", "part"),
    [
        ({"objects": 4}, InvalidValueError, "0 \\(any number\\) to 3"),
        ({"viewpoints": "seem"}, UnknownNameError, "seen"),
        ({"cameras": 3}, InvalidValueError, "1 or 2"),
        ({"pool": 0}, InvalidValueError, "numbers above 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], error: type[Exception], part: str) -> None:
    with pytest.raises(error, match=part):
        load_task("view_reach", **options)


def test_a_robot_that_does_not_exist_is_refused_with_the_closest_name() -> None:
    with pytest.raises(UnknownNameError, match="panda"):
        load_task("view_reach", robot="pandda").scene  # noqa: B018 - the scene is composed when it is first needed


def test_an_arm_of_ones_own_reaches_too(tmp_path: Path) -> None:
    links = [("j2", ".2", ".35"), ("j3", ".35", ".3"), ("j4", ".3", ".08")]
    arm = '<geom type="cylinder" size=".03 .02" pos="0 0 .02"/><site name="tcp" pos="0 0 .05"/>'
    arm = f'<body pos="0 0 .08"><joint name="j5" axis="0 0 1" range="-3 3"/>{arm}</body>'
    for joint, at, length in reversed(links):
        shape = f'<geom type="capsule" fromto="0 0 0 0 0 {length}" size=".03"/>'
        arm = f'<body pos="0 0 {at}"><joint name="{joint}" axis="0 1 0" range="-2.6 2.6"/>{shape}{arm}</body>'
    shape = '<geom type="capsule" fromto="0 0 0 0 0 .2" size=".04"/>'
    arm = f'<body pos="0 0 .1"><joint name="j1" axis="0 0 1" range="-3 3"/>{shape}{arm}</body>'
    text = '<mujoco><compiler angle="radian"/><worldbody><body name="base"><geom size=".06"/>'
    path = tmp_path / "arm.xml"
    path.write_text(f"{text}{arm}</body></worldbody></mujoco>")
    assert (
        reached(load_task("view_reach", robot=str(path)), moved(SIM, motion="kinematic")) <= AT_TARGET_M
    ).mean() > 0.7


def test_the_map_tells_the_cell_of_the_query_object() -> None:
    @dataclasses.dataclass
    class Scene:
        query_m: np.ndarray
        T_world_camera: np.ndarray

    maps = QueryMap(viewpoints_K(), (128, 128))
    looking_along_z = np.eye(4)[None].repeat(4, axis=0)
    ahead = np.array([[0.0, 0.0, 1.0], [0.4, 0.0, 1.0], [0.0, -0.5, 1.0], [3.0, 0.0, 1.0]])
    z = maps.truth(Scene(ahead, looking_along_z))
    cells = [tuple(np.argwhere(one.numpy())[0]) if one.any() else None for one in z]
    assert cells[0] in {(3, 3), (4, 4), (3, 4), (4, 3)}
    assert cells[1][1] > 4
    assert cells[2][0] < 3
    assert cells[3] is None
    assert maps.distance(z, z)["px"].max() == 0
    wrong = maps.corrupt(z[:3], 1.0, torch.Generator().manual_seed(0))
    assert maps.distance(z[:3], wrong)["miss"].sum() >= 2


def test_a_step_is_never_longer_than_declared() -> None:
    label = load_task("view_reach").expert().label(load_task("view_reach").sample(SEEDS), None, None)
    assert np.linalg.norm(label.value, axis=1).max() <= STEP_M + 1e-12
    assert label.aux["valid"].all()

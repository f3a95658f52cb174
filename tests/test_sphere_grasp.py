"""Grasping a small sphere with a camera in the hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.interfaces.mask import dilated
from eyehand.tasks.sphere_grasp import (
    CAMERA,
    HORIZON,
    LIFTED_M,
    MOST_RAD,
    SphereGrasp,
    SphereGraspState,
)
from eyehand.testing import of_tasks
from eyehand.types import Decision, Floats
from eyehand.world.domain import Domain, Uniform, mix
from eyehand.world.domain_files import load_domain
from eyehand.world.grasp_places import GRID, REGION_HIGH_M, REGION_LOW_M
from eyehand.world.grasping import DEPTH_M, Phase
from eyehand.world.objects.look_alikes import SPHERE_RADIUS_M, look_alikes, yellow_sphere
from eyehand.world.rows import take
from eyehand.world.simulation import SimulatedWorld

SIM = load_domain("sim", "sphere_grasp")
TWIN = load_domain("twin", "sphere_grasp")
SLOW = mix(SIM, TWIN, ("motion",))
BLIND = frozenset({"privileged", "proprio", "previous_action"})
STILL = np.array([0.0] * 7 + [1.0])
Change = Callable[[int, Floats, Any], Floats]


def unchanged(step: int, value: Floats, stage: Any) -> Floats:
    del step, stage
    return value


def played(task: SphereGrasp, domain: Domain, episodes: Any, change: Change = unchanged) -> tuple[Any, Any, Any]:
    """Whether the expert's episodes succeed, in how many steps, and its phases (T, B), with changed commands."""
    world = SimulatedWorld(task, domain, BLIND)
    seeds = domain.seeds(np.asarray(episodes))
    obs, memory = world.reset(seeds), None
    steps, done, phases = np.zeros(len(seeds), int), np.zeros(len(seeds), bool), []
    for step in range(world.task.horizon):
        wish = world.expert().label(world.privileged(), obs.sent, memory)
        memory = wish.memory
        phases.append(wish.aux["stage"])
        obs = world.step(Decision(wish.kind, change(step, wish.value, wish.aux["stage"]))).obs
        steps += ~done
        done |= world.verdict().success
        if done.all():
            break
    return done, steps, np.stack(phases)


def started(domain: Domain = SIM, episodes: int = 3, **options: Any) -> SimulatedWorld[SphereGraspState]:
    world = SimulatedWorld(SphereGrasp(**options), domain, BLIND)
    world.reset(domain.seeds(np.arange(episodes)))
    return world


def commanded(world: SimulatedWorld[SphereGraspState], value: Floats) -> SphereGraspState:
    batch = len(world.now.seeds)
    world.step(Decision(np.zeros(batch, np.int64), np.tile(value, (batch, 1))))
    return world.privileged()


def test_the_expert_lifts_the_sphere_from_all_over_the_grid() -> None:
    done, steps, _ = played(SphereGrasp(positions="grid"), SIM, range(50))
    assert done.mean() >= 0.98
    assert np.median(steps) < HORIZON / 2


def test_the_expert_lifts_it_from_among_look_alikes_while_it_is_nudged() -> None:
    done, *_ = played(SphereGrasp(clutter=3, moving=True), SIM, range(10))
    assert done.mean() >= 0.8


def test_the_expert_lifts_it_under_the_twins_motion_more_slowly() -> None:
    episodes = range(10)
    done, steps, _ = played(SphereGrasp(), SLOW, episodes)
    assert done.mean() >= 0.9
    assert np.median(steps) > 1.3 * np.median(played(SphereGrasp(), SIM, episodes)[1])


def test_the_expert_recovers_from_a_close_that_came_too_early() -> None:
    closed_at = np.full(8, -1)

    def early(step: int, value: Floats, stage: Any) -> Floats:
        closed_at[(closed_at < 0) & (stage == Phase.DESCEND)] = step
        value = value.copy()
        value[(closed_at >= 0) & (step - closed_at < 8), 7] = -1.0  # closes while the expert comes down
        return value

    done, _, phases = played(SphereGrasp(), SIM, range(8), early)
    assert done.all()
    came_down = (phases == Phase.DESCEND).argmax(axis=0)
    raised = [(phases[first:, row] == Phase.RAISE).any() for row, first in enumerate(came_down)]
    assert all(raised)


def test_the_machine_does_not_lift_what_was_not_sent_to_close() -> None:
    def open_always(step: int, value: Floats, stage: Any) -> Floats:
        del step, stage
        value = value.copy()
        value[:, 7] = 1.0
        return value

    done, _, phases = played(SphereGrasp(), SIM, range(4), open_always)
    assert not done.any()
    assert (phases == Phase.CLOSE).any(axis=0).all()
    assert not (phases == Phase.LIFT).any()


def test_every_state_has_one_label_whoever_led_to_it() -> None:
    world = started()
    state, expert = world.privileged(), world.expert()
    alone = expert.label(state, None, None)
    after = expert.label(state, np.tile([0.0] * 7 + [-1.0], (3, 1)), (np.full(3, int(Phase.LIFT)), np.full(3, 9)))
    assert np.array_equal(after.value, alone.value)
    assert after.memory is None


def test_the_width_between_the_fingers_tells_what_they_are_at() -> None:
    world = started(episodes=1)
    state = world.privileged()
    width_m = np.array([0.044, 0.03, 2 * SPHERE_RADIUS_M, 0.004, 0.044, 0.03])
    rows = np.zeros(len(width_m), np.int64)
    about = np.tile([0.0, 0.0, DEPTH_M - 0.007], (len(rows), 1))  # too high to begin to close, low enough to go on
    about[4:, 2] = DEPTH_M
    state = take(state, rows)
    state = dataclasses.replace(state, width_m=width_m, sphere_m=state.tool_m + about)
    wish = world.expert().label(state, None, None)
    assert wish.aux["stage"].tolist() == [Phase.DESCEND, Phase.CLOSE, Phase.LIFT, Phase.RAISE, Phase.CLOSE, Phase.CLOSE]
    assert wish.value[:, 7].tolist() == [1, -1, -1, 1, -1, -1]
    assert (np.abs(wish.value[4:, :7]) < 1e-3).all()  # there already


def test_the_machine_rises_to_look_for_a_sphere_out_of_sight() -> None:
    world = started()
    state, expert = world.privileged(), world.expert()
    gone = dataclasses.replace(state, sphere_m=state.sphere_m + np.array([1.0, 0.0, 0.0]))
    wish = expert.label(gone, None, (np.full(3, int(Phase.ALIGN)), np.full(3, 4)))
    assert (wish.aux["stage"] == Phase.RAISE).all()
    assert (wish.value[:, 7] == 1.0).all()


def origins(task: SphereGrasp, physics: Floats) -> Floats:
    """A view (B, 3) of the spheres' places in physics rows: the points below their middles."""
    first = task.scene.model.joint("object0").qposadr[0]
    return task.scene.engine.part(physics, "qpos")[:, first : first + 3]


def test_success_is_a_sphere_that_is_lifted_between_the_fingers() -> None:
    task = SphereGrasp()
    state = task.sample(np.arange(4))
    physics = state.physics.copy()
    sphere = origins(task, physics)
    below = np.array([0.0, 0.0, SPHERE_RADIUS_M])
    sphere[0] = state.tool_m[0] - below  # between the fingers
    sphere[1] = state.tool_m[1] - below + np.array([0.0, 0.05, 0.0])  # as high, beside them
    sphere[2, 2] = LIFTED_M - 0.001  # above the table, far from them
    found = task.settle(dataclasses.replace(state, physics=physics))
    verdict = task.judge(found)
    assert verdict.success.tolist() == [True, False, False, False]
    assert np.array_equal(verdict.terminated, verdict.success)
    dropped = task.settle(dataclasses.replace(found, physics=state.physics))
    assert task.judge(dropped).success.tolist() == [True, False, False, False]  # once is enough
    failed = dataclasses.replace(found, diverged=np.array([True, False, False, True]))
    assert task.judge(failed).success.sum() == 0
    assert task.judge(failed).terminated.tolist() == [True, False, False, True]


def test_the_grid_has_fifty_places_and_is_gone_over_again_with_other_starts() -> None:
    task = SphereGrasp(positions="grid")
    first, again = task.sample(np.arange(50)), task.sample(np.arange(50, 100))
    place = first.sphere_m[:, :2]
    assert np.allclose(place, again.sphere_m[:, :2])
    assert np.abs(first.tool_m - again.tool_m).max() > 0.01
    counts = [len(np.unique(place[:, axis].round(6))) for axis in (0, 1)]
    assert (counts, len(np.unique(place.round(6), axis=0))) == (list(GRID), 50)
    for axis in (0, 1):
        gaps = np.diff(np.unique(place[:, axis].round(6)))
        assert np.allclose(gaps, gaps[0], atol=1e-5)


def test_every_draw_of_the_twin_meets_every_place_of_the_grid() -> None:
    place = SphereGrasp(positions="grid").sample(np.arange(400)).sphere_m[:, :2].round(6)
    assert [len(np.unique(place[draw::8], axis=0)) for draw in range(8)] == [50] * 8


def test_a_camera_that_shakes_is_refused_because_masks_would_not_follow() -> None:
    calibration = dataclasses.replace(SIM.calibration, shake_rad=0.01)
    with pytest.raises(InvalidValueError, match=r"shake_rad in sim: got 0.01, allowed is 0"):
        SphereGrasp().within(dataclasses.replace(SIM, calibration=calibration))


def test_the_sphere_is_in_its_region_and_in_sight_at_the_start() -> None:
    task = SphereGrasp(clutter=3)
    state = task.sample(np.arange(40))
    assert (state.sphere_m[:, :2] >= REGION_LOW_M).all()
    assert (state.sphere_m[:, :2] <= REGION_HIGH_M).all()
    assert np.allclose(state.sphere_m[:, 2], SPHERE_RADIUS_M, atol=2e-4)
    pixels = task.interface.truth(state).sum(dim=(1, 2))
    assert float(pixels.min()) >= 2  # 2.4 pixels across from above
    assert float(pixels.max()) <= 10


def test_look_alikes_lie_about_the_sphere_and_apart_and_are_yellow_or_orange() -> None:
    task = SphereGrasp(clutter=3)
    state = task.sample(np.arange(30))
    places = task.scene.middles_m(state.physics, state.held)[..., :2]
    radii = task.scene.radii_m[state.held]
    for i in range(4):
        for j in range(i):
            gap = np.linalg.norm(places[:, i] - places[:, j], axis=1) - radii[:, i] - radii[:, j]
            assert gap.min() > 0.005
    for thing in (*look_alikes("train"), *look_alikes("held_out")):
        red, green, blue, _ = thing.rgba
        assert red > green > 1.5 * blue
        assert thing.size_m[2] < 0.05
    names = {thing.name for thing in look_alikes("train")} & {thing.name for thing in look_alikes("held_out")}
    assert not names
    assert yellow_sphere("train").size_m == pytest.approx([0.0137] * 3, rel=0.01)


def yellow(pictures: Any) -> Any:
    red, green, blue = (pictures[..., c].astype(float) for c in range(3))
    return (green > 1.8 * blue) & (green > 0.6 * red) & (red > 60)


def middle_px(masks: Floats) -> Floats:
    """Centres of mass (B, 2) of masks (B, 100, 100)."""
    at = np.arange(100)
    moments = [(masks * at[:, None]).sum(axis=(1, 2)), (masks * at).sum(axis=(1, 2))]
    return np.stack(moments, axis=1) / masks.sum(axis=(1, 2))[:, None]


def test_the_true_mask_is_where_the_picture_is_yellow_whatever_the_camera() -> None:
    errors = dataclasses.replace(
        SIM.calibration, camera_offset_m=0.004, camera_rotation_rad=0.03, focal_error=0.03, principal_error_px=3.0
    )
    lens = dataclasses.replace(SIM.sensor, lens_k1=0.3)
    for domain in (SIM, dataclasses.replace(SIM, calibration=errors), dataclasses.replace(SIM, sensor=lens)):
        world = SimulatedWorld(SphereGrasp(), domain, frozenset({"camera", "privileged", "previous_action"}))
        obs, memory = world.reset(domain.seeds(np.arange(4))), None
        for _ in range(38):  # near enough for some twenty pixels
            wish = world.expert().label(world.privileged(), obs.sent, memory)
            memory, blind = wish.memory, {CAMERA: np.zeros(4, bool)}
            obs = world.step(wish, blind).obs
        rgb = world.observe().cameras[CAMERA].rgb
        assert rgb is not None
        share = yellow(rgb).reshape(4, 100, 2, 100, 2).mean(axis=(2, 4))
        truth = world.task.interface.truth(world.privileged())
        share *= dilated(dilated(dilated(truth))).numpy()  # a Bayer pattern makes yellow edges elsewhere
        true = truth.numpy()
        assert np.linalg.norm(middle_px(share) - middle_px(true), axis=1).max() < 0.5
        area = share.sum(axis=(1, 2)) / true.sum(axis=(1, 2))
        assert np.abs(area - 1.0).max() < 0.45  # of a dozen pixels and more


def test_a_sphere_behind_a_finger_or_out_of_the_picture_has_an_empty_mask() -> None:
    task = SphereGrasp()
    state = task.sample(np.arange(2))
    away = state.T_world_camera.copy()
    away[:, :3, 2] *= -1.0  # looks up
    away[:, :3, 0] *= -1.0
    assert float(task.interface.truth(dataclasses.replace(state, T_world_camera=away)).sum()) == 0
    finger = task.scene.model.geom("robot/left_finger_l/1/collision").id
    geometry = task.scene.engine.geometry(state.physics, task.scene.fields(state.held))
    way = geometry.position_m[:, finger] - state.T_world_camera[:, :3, 3]
    physics = state.physics.copy()
    behind = state.T_world_camera[:, :3, 3] + 1.3 * way
    origins(task, physics)[:] = behind
    hidden = dataclasses.replace(state, physics=physics, seen=physics)
    assert float(task.interface.truth(hidden).sum()) == 0


def test_backgrounds_show_everything_but_the_sphere() -> None:
    empty = dataclasses.replace(SIM, appearance=dataclasses.replace(SIM.appearance, target="none"))
    task = SphereGrasp()
    seeds = np.arange(4)
    state = task.sample(seeds)
    there, gone = (task.imaging(d)[CAMERA].capture(state, seeds, 0 * seeds) for d in (SIM, empty))
    differs = (there != gone).any(axis=3).reshape(4, 100, 2, 100, 2).any(axis=(2, 4))
    assert differs.any(axis=(1, 2)).all()
    assert not (differs & ~(dilated(task.interface.truth(state)).numpy() > 0)).any()


def test_starts_may_be_anywhere_above_the_region_with_the_gripper_as_it_comes() -> None:
    state = SphereGrasp(starts="anywhere").sample(np.arange(60))
    assert state.tool_m[:, 2].min() < 0.06
    assert state.tool_m[:, 2].max() > 0.22
    assert state.width_m.min() < 0.005
    assert state.width_m.max() > 0.039


def test_a_rolling_sphere_comes_to_rest_and_sooner_in_the_twin() -> None:
    rolled = []
    for domain in (SIM, SLOW):
        world = started(domain)
        scene, now = world.task.scene, world.now
        velocity = np.tile([0.1, 0.0, 0.0], (3, 1))
        physics = scene.shoved(now.state.physics, 0, velocity, np.ones(3, bool))
        world.restore(dataclasses.replace(now, state=dataclasses.replace(now.state, physics=physics)))
        before = world.privileged().sphere_m
        for _ in range(40):
            state = commanded(world, STILL)
        last = commanded(world, STILL).sphere_m
        assert np.abs(last - state.sphere_m).max() < 3e-4
        rolled.append(np.linalg.norm(last - before, axis=1))
    assert rolled[0] == pytest.approx([0.073] * 3, abs=0.01)
    assert (rolled[1] < 0.01).all()


def test_joints_move_by_the_command_and_the_gripper_closes_in_its_time() -> None:
    world = started()
    before = world.privileged()
    step = np.array([0.5, -1.0, 0.2, 0.7, -0.3, 1.0, -0.6, 1.0]) * np.array([*[MOST_RAD] * 7, 1.0])
    for _ in range(3):
        commanded(world, step)
    after = commanded(world, STILL)
    after = commanded(world, STILL)
    assert after.q_rad - before.q_rad == pytest.approx(np.tile(3 * step[:7], (3, 1)), abs=1e-3)
    widths = [commanded(world, -STILL).width_m for _ in range(7)]
    assert (widths[0] > 0.03).all()
    assert (widths[-1] < 0.001).all()
    encoders = world.encoders()
    assert encoders.shape == (3, 8)
    assert encoders[:, 7] == pytest.approx([-1.0] * 3, abs=0.05)


def test_the_moving_sphere_moves_before_it_is_touched() -> None:
    assert not np.allclose(still_for(30, moving=True), 0.0, atol=0.01)
    assert np.allclose(still_for(30, moving=False), 0.0, atol=1e-3)


def still_for(steps: int, **options: Any) -> Floats:
    """How far (B, 3) the sphere goes while the arm stands still."""
    world = started(**options)
    before = world.privileged().sphere_m
    for _ in range(steps):
        state = commanded(world, STILL)
    return state.sphere_m - before


def test_rows_share_nothing_among_look_alikes_and_nudges_either() -> None:
    task = SphereGrasp(picture_px=100, clutter=2, moving=True, starts="anywhere")
    domain = load_domain("randomized", "sphere_grasp")
    of_tasks.check_batches(task, domain, batch=3, steps=8)
    of_tasks.check_snapshot(task, domain, batch=3, steps=8)


def test_a_domain_brings_its_time_its_things_and_its_camera() -> None:
    task = SphereGrasp()
    assert task.within(SIM) is task
    there = task.within(TWIN)
    assert (task.horizon, there.horizon) == (150, 250)
    assert there.scene.slots.objects[0].split == "held_out"
    seeds = TWIN.seeds(np.arange(4))
    state, nominal = there.sample(seeds), task.sample(seeds)
    shift = np.linalg.norm(state.T_camera_error[:, :3, 3], axis=1)
    assert shift == pytest.approx([0.003] * 4)
    assert state.K[0, 0, 0] != nominal.K[0, 0, 0] == pytest.approx(100 / np.tan(np.deg2rad(40)))
    assert np.array_equal(state.K[0], state.K[2])  # two draws, however many episodes
    wide = dataclasses.replace(SIM, dynamics=dataclasses.replace(SIM.dynamics, patience=Uniform(1.0, 3.0)))
    assert task.within(wide).horizon == 300


def test_the_twin_is_frozen() -> None:
    frozen = files("eyehand.world") / "domains" / "sphere_grasp" / "twin.sha256"
    assert TWIN.digest() == frozen.read_text(encoding="utf-8").strip()


def test_the_twins_pictures_show_another_world() -> None:
    seeds = TWIN.seeds(np.arange(1))
    pictures = []
    for domain in (SIM, TWIN):
        obs = SimulatedWorld(SphereGrasp(picture_px=100), domain, frozenset({"camera"})).reset(seeds)
        pictures.append(obs.cameras[CAMERA].rgb)
    assert pictures[0].shape == pictures[1].shape == (1, 100, 100, 3)
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 10


@pytest.mark.parametrize(
    ("options", "error", "part"),
    [
        ({"positions": "gird"}, UnknownNameError, "Did you mean 'grid'"),
        ({"starts": "low"}, UnknownNameError, "starts 'low'.*anywhere, high"),
        ({"clutter": 4}, InvalidValueError, "clutter: got 4, allowed is 0 to 3"),
        ({"picture_px": 99}, InvalidValueError, "at least 100 pixels"),
        ({"substeps": 0}, InvalidValueError, "one physics step"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], error: type[Exception], part: str) -> None:
    with pytest.raises(error, match=part):
        SphereGrasp(**options)


def test_back_ends_that_the_task_lacks_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"motion back end 'kinematic'.*mujoco"):
        SphereGrasp().motion(Domain())
    with pytest.raises(UnknownNameError, match=r"image back end 'drawing'.*raster"):
        SphereGrasp().imaging(Domain())

"""Gymnasium environments: checkers, seeds, autoreset modes, and that vectors play what single environments play."""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode

import eyehand.gym
from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.gym import environment_id
from eyehand.gym.rows import Rows
from eyehand.tasks import load_task, task_names
from eyehand.tasks.planar_reach import PlanarReach
from eyehand.tasks.view_reach import ViewReach
from eyehand.types import Images
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

REACH = environment_id("planar_reach")
VIEWS = ("pixels", "state", "both")
MODES = ("NextStep", "SameStep")


@pytest.fixture
def short_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlanarReach, "horizon", 6)


@pytest.fixture(autouse=True)
def told() -> Iterator[None]:
    """Gymnasium's own warnings are errors too; it hands them out once for all unless told otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_every_task_is_registered_under_its_name() -> None:
    assert REACH == "eyehand/PlanarReach-v0"
    names = eyehand.gym.register_tasks()
    assert names == tuple(environment_id(task) for task in task_names())
    assert set(names) <= gymnasium.registry.keys()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("task", task_names())
def test_gymnasiums_checker_is_content(task: str, view: str) -> None:
    env = gymnasium.make(environment_id(task), observation=view)
    check_env(env.unwrapped)


@pytest.mark.skipif(not importlib.util.find_spec("stable_baselines3"), reason="stable-baselines3 is not installed")
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("task", task_names())
def test_the_checker_of_stable_baselines_is_content(task: str, view: str) -> None:
    checker = importlib.import_module("stable_baselines3.common.env_checker")
    checker.check_env(gymnasium.make(environment_id(task), observation=view, render_mode="rgb_array"))


def test_a_row_shows_what_a_robot_could_read_or_the_state_or_both() -> None:
    seed = 7
    task, domain = load_task("planar_reach"), load_domain("sim", "planar_reach")
    seen = {}
    for view in VIEWS:
        seen[view], info = gymnasium.make(REACH, observation=view).reset(options={"episode_seed": seed})
        assert info["episode_seed"] == seed
    world = SimulatedWorld(task, domain, frozenset({"camera", "proprio"}))
    obs = world.reset(np.array([seed]))
    rgb, state = obs.cameras["webcam"].rgb, world.privileged()
    assert rgb is not None
    assert seen["pixels"].keys() == {"webcam", "proprio"}
    assert (seen["pixels"]["webcam"] == rgb[0]).all()
    assert np.allclose(seen["pixels"]["proprio"], state.q_rad[0])
    assert np.allclose(seen["state"], np.concatenate([state.q_rad[0], state.x_target_m[0]]))
    assert seen["both"].keys() == {"webcam", "proprio", "state"}
    assert (seen["both"]["state"] == seen["state"]).all()


def test_the_domain_and_the_options_of_the_task_are_arguments() -> None:
    one = gymnasium.make(REACH, joints=1, observation="state")
    assert one.action_space == gymnasium.spaces.Discrete(3)
    random = gymnasium.make(REACH, domain="randomized")
    nominal = gymnasium.make(REACH)
    options = {"episode_seed": 3}
    seen, plain = random.reset(options=options)[0]["webcam"], nominal.reset(options=options)[0]["webcam"]
    assert (seen != plain).any()


def test_a_seed_starts_the_sequence_of_episodes_anew() -> None:
    env = gymnasium.make(REACH, observation="state")
    first = [env.reset(seed=5)[1]["episode_seed"], *(env.reset()[1]["episode_seed"] for _ in range(3))]
    again = [env.reset(seed=5)[1]["episode_seed"], *(env.reset()[1]["episode_seed"] for _ in range(3))]
    assert first == again
    assert len(set(first)) == 4
    assert env.reset(seed=6)[1]["episode_seed"] != first[0]


def test_episodes_of_a_population_are_of_its_own_draws() -> None:
    env = gymnasium.make(REACH, domain="twin/test", observation="state")
    draws = {env.reset(seed=seed)[1]["episode_seed"] >> 32 for seed in range(60)}
    assert draws == set(range(2, 10))


@pytest.mark.usefixtures("short_episodes")
def test_only_the_time_limit_truncates() -> None:
    env = gymnasium.make(REACH, observation="state")
    env.reset(seed=0)
    ends = [env.step(2)[2:4] for _ in range(6)]
    assert ends == [(False, False)] * 5 + [(False, True)]


def test_the_expert_succeeds_and_the_task_ends_the_episode() -> None:
    env = gymnasium.make(REACH, observation="state")
    env.reset(seed=0)
    task = load_task("planar_reach")
    world: SimulatedWorld[Any] = env.unwrapped._rows.world  # pyright: ignore[reportAttributeAccessIssue]
    while True:
        action = task.expert().label(world.privileged(), None, None).value[0]
        _, reward, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            break
    assert (terminated, truncated, info["is_success"], reward) == (True, False, True, 1.0)
    assert info["distance_m"] < 0.05


class Stick:
    """A task with continuous commands: planar_reach, said otherwise."""

    name = "planar_reach"

    def __init__(self) -> None:
        self._task = PlanarReach()
        spec = self._task.commands[0]
        low = (-0.04, -0.02, 0.0)
        self.commands = (type(spec)(spec.name, low, spec.high),)

    def within(self, domain: Domain) -> Stick:
        del domain
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)


def test_continuous_commands_are_scaled_to_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyehand.gym.rows.load_task", lambda *_, **__: Stick())
    env = gymnasium.make(REACH, observation="state", disable_env_checker=True)
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)
    check_env(gymnasium.make(REACH, observation="state").unwrapped)
    for action, step in (
        ([-1, -1, -1], [-0.04, -0.02, 0.0]),
        ([1, 1, 1], [0.04, 0.04, 0.04]),
        ([0, 0, 0], [0.0, 0.01, 0.02]),
        ([9, -9, 0], [0.04, -0.02, 0.02]),
    ):
        before, _ = env.reset(options={"episode_seed": 11})
        after = env.step(np.array(action, np.float32))[0]
        assert np.allclose(after[:3] - before[:3], step, atol=1e-6)


@pytest.mark.parametrize("action", [np.nan, np.inf])
def test_an_action_that_is_not_finite_is_refused(action: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyehand.gym.rows.load_task", lambda *_, **__: Stick())
    env = gymnasium.make(REACH, observation="state")
    env.reset(seed=0)
    with pytest.raises(InvalidValueError, match="finite"):
        env.step(np.array([0.0, action, 0.0], np.float32))


def played(envs: Any, steps: int, seed: int = 3) -> list[Any]:
    """Everything that a vector environment says over some steps of fixed actions."""
    begun = envs.reset(seed=seed)
    return [begun, *(envs.step(np.arange(envs.num_envs) % 3 + 3 * (step % 3)) for step in range(steps))]


@pytest.mark.usefixtures("short_episodes")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_vector_environment_plays_what_single_ones_play(view: str, mode: str) -> None:
    ours = gymnasium.make_vec(REACH, num_envs=3, observation=view, autoreset_mode=mode)
    kwargs = {"autoreset_mode": mode}
    theirs = gymnasium.make_vec(REACH, 3, "sync", vector_kwargs=kwargs, observation=view)
    assert ours.metadata["autoreset_mode"] is AutoresetMode(mode)
    assert type(ours) is eyehand.gym.TaskVectorEnv
    assert (ours.observation_space, ours.action_space) == (theirs.observation_space, theirs.action_space)
    for step, (one, other) in enumerate(zip(played(ours, 15), played(theirs, 15), strict=True)):
        assert data_equivalence(one, other, exact=True), f"step {step}: {one[1:]}\n{other[1:]}"


@pytest.mark.parametrize("mode", MODES)
def test_goals_that_are_pictures_follow_their_episodes(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ViewReach, "horizon", 2)
    name = environment_id("view_reach")
    ours = gymnasium.make_vec(name, num_envs=2, observation="both", autoreset_mode=mode)
    theirs = gymnasium.make_vec(name, 2, "sync", vector_kwargs={"autoreset_mode": mode}, observation="both")
    action = np.full((2, 3), 0.5, np.float32)
    one, other = ([envs.reset(seed=3), *(envs.step(action) for _ in range(4))] for envs in (ours, theirs))
    assert data_equivalence(one, other, exact=True)
    goals = [said[0]["goal"] for said in one]
    assert (goals[0] == goals[1]).all()
    assert (goals[1] != goals[3]).any()


@pytest.mark.usefixtures("short_episodes")
def test_next_step_ignores_the_action_of_a_row_that_ended() -> None:
    envs = gymnasium.make_vec(REACH, num_envs=2, observation="state", autoreset_mode="NextStep")
    envs.reset(seed=0)
    for _ in range(6):
        *_, truncated, info = envs.step(np.zeros(2, int))
    assert truncated.all()
    seen, reward, terminated, truncated, new = envs.step(np.array([-7, 99]))
    assert not np.stack([reward, terminated, truncated]).any()
    assert (new["episode_seed"] != info["episode_seed"]).all()
    start, _ = envs.reset(options={"episode_seed": new["episode_seed"]})
    assert (seen == start).all()


@pytest.mark.usefixtures("short_episodes")
def test_same_step_tells_how_the_episode_ended() -> None:
    envs = gymnasium.make_vec(REACH, num_envs=2, observation="both", autoreset_mode="SameStep")
    _, begun = envs.reset(seed=0)
    for _ in range(5):
        assert "final_obs" not in envs.step(np.zeros(2, int))[4]
    seen, _, _, truncated, info = envs.step(np.zeros(2, int))
    assert truncated.all()
    assert (info["final_info"]["episode_seed"] == begun["episode_seed"]).all()
    assert (info["episode_seed"] != begun["episode_seed"]).all()
    for row in range(2):
        single = gymnasium.make(REACH, observation="both")
        single.reset(options={"episode_seed": int(begun["episode_seed"][row])})
        last = [single.step(0)[0] for _ in range(6)][-1]
        assert data_equivalence(info["final_obs"][row], last, exact=True)
        fresh, _ = single.reset(options={"episode_seed": int(info["episode_seed"][row])})
        assert (fresh["webcam"] == seen["webcam"][row]).all()


@pytest.mark.usefixtures("short_episodes")
def test_disabled_leaves_resetting_to_the_user() -> None:
    envs = gymnasium.make_vec(REACH, num_envs=3, observation="state", autoreset_mode=AutoresetMode.DISABLED)
    mask = np.array([False, True, False])
    with pytest.raises(gymnasium.error.ResetNeeded, match="all rows"):
        envs.reset(options={"reset_mask": mask})
    envs.reset(seed=0)
    envs.step(np.zeros(3, int))
    before, told = envs.reset(options={"reset_mask": mask})
    assert told["_episode_seed"].tolist() == mask.tolist()
    for _ in range(5):
        *_, truncated, _ = envs.step(np.zeros(3, int))
    assert truncated.tolist() == [True, False, True]
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"\[0, 2\]"):
        envs.step(np.zeros(3, int))
    envs.reset(options={"reset_mask": truncated})
    envs.step(np.zeros(3, int))
    assert before.shape == (3, 5)


def test_a_row_plays_the_same_in_any_batch() -> None:
    large = gymnasium.make_vec(REACH, num_envs=8, observation="both")
    small = gymnasium.make_vec(REACH, num_envs=2, observation="both")
    for one, other in zip(played(large, 4), played(small, 4), strict=True):
        for name, rows in other[0].items():
            assert (one[0][name][:2] == rows).all()


def test_seeds_may_be_given_row_by_row() -> None:
    envs = gymnasium.make_vec(REACH, num_envs=3, observation="state")
    _, counted = envs.reset(seed=4)
    _, listed = envs.reset(seed=[6, 5, 4])
    assert listed["episode_seed"].tolist() == counted["episode_seed"].tolist()[::-1]
    with pytest.raises(InvalidValueError, match="one for each of 3 rows"):
        envs.reset(seed=[1, 2])


def test_frames_are_drawn_where_they_are_asked_for() -> None:
    env = gymnasium.make(REACH, observation="state", render_mode="rgb_array")
    env.reset(options={"episode_seed": 1})
    seen, _ = gymnasium.make(REACH).reset(options={"episode_seed": 1})
    assert (env.render() == seen["webcam"]).all()
    assert env.metadata["render_fps"] == 5.0
    envs = gymnasium.make_vec(REACH, num_envs=2, observation="state", render_mode="rgb_array")
    envs.reset(seed=0)
    assert [frame.shape for frame in envs.render()] == [(210, 160, 3)] * 2


def test_nothing_is_drawn_that_nobody_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    imaging = PlanarReach.imaging

    class Counting:
        def __init__(self, camera: Any) -> None:
            self.camera = camera

        def capture(self, state: Any, seeds: Any, step: Any) -> Images:
            drawn.append(len(seeds))
            return self.camera.capture(state, seeds, step)

    def counted(self: PlanarReach, domain: Any) -> dict[str, Counting]:
        return {name: Counting(camera) for name, camera in imaging(self, domain).items()}

    monkeypatch.setattr(PlanarReach, "imaging", counted)
    monkeypatch.setattr(PlanarReach, "horizon", 2)
    envs = gymnasium.make_vec(REACH, num_envs=4, observation="state")
    played(envs, 3)
    assert drawn == []
    envs = gymnasium.make_vec(REACH, num_envs=4, autoreset_mode="SameStep")
    drawn.clear()
    envs.reset(seed=0)
    envs.step(np.zeros(4, int))
    assert drawn == [4, 4]
    envs.step(np.zeros(4, int))
    assert drawn == [4, 4, 4, 4]  # how four episodes ended, and how four others begin


def test_wrappers_of_gymnasium_count_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlanarReach, "horizon", 3)
    for mode, steps in (("NextStep", 8), ("SameStep", 6)):
        envs = gymnasium.make_vec(REACH, num_envs=2, observation="state", autoreset_mode=mode)
        counting = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
        counting.reset(seed=0)
        for _ in range(steps):
            counting.step(np.zeros(2, int))
        assert counting.episode_count == 4
        assert list(counting.length_queue) == [3] * 4


def test_a_specification_survives_json() -> None:
    env = gymnasium.make(REACH, joints=2, domain="randomized")
    assert env.spec is not None
    again = gymnasium.make(type(env.spec).from_json(env.spec.to_json()))
    assert again.action_space == gymnasium.spaces.Discrete(6)
    assert json.loads(env.spec.to_json())["kwargs"]["domain"] == "randomized"


@pytest.mark.parametrize(
    ("kwargs", "hint"),
    [
        ({"observation": "pixel"}, "Did you mean 'pixels'"),
        ({"domain": "twinn"}, "Did you mean 'twin'"),
        ({"joint": 2}, "Did you mean 'joints'"),
        ({"autoreset_mode": "NextSteps"}, "Did you mean 'NextStep'"),
    ],
)
def test_a_wrong_name_tells_the_closest(kwargs: dict[str, Any], hint: str) -> None:
    with pytest.raises(UnknownNameError, match=hint):
        gymnasium.make_vec(REACH, **kwargs)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="at least 1"):
        gymnasium.make_vec(REACH, num_envs=0)
    env, envs = gymnasium.make(REACH, observation="state"), gymnasium.make_vec(REACH, 2, observation="state")
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        envs.step(np.zeros(2, int))
    with pytest.raises(UnknownNameError, match="Did you mean 'episode_seed'"):
        env.reset(options={"episode_sead": 3})
    for wrong in (-1, 2**63, 0.5, [1, 2]):
        with pytest.raises(InvalidValueError, match="1 whole numbers"):
            env.reset(options={"episode_seed": wrong})
    with pytest.raises(InvalidValueError, match="2 booleans"):
        envs.reset(options={"reset_mask": np.zeros(2, bool)})
    envs.reset()
    with pytest.raises(InvalidValueError, match="0 to 8"):
        envs.step(np.array([0, 9]))


def test_a_goal_that_is_a_picture_is_shown_as_one() -> None:
    rows = Rows("planar_reach", {}, "sim", "pixels", drawn=False)
    rows.reset(np.arange(2))
    obs = rows.world.observe()
    picture = np.full((2, 40, 40, 3), 9, np.uint8)
    seen = rows.seen(type(obs)(**{**vars(obs), "goal": picture}))
    assert isinstance(seen, dict)
    assert seen["goal"].dtype == np.uint8
    assert (seen["goal"] == picture).all()
    assert seen["goal"] is not picture
    picture = np.arange(2 * 30 * 32 * 3, dtype=np.uint8).reshape(2, 30, 32, 3)
    small = rows.seen(type(obs)(**{**vars(obs), "goal": picture}))
    assert isinstance(small, dict)
    assert small["goal"].shape == (2, 60, 64, 3)
    assert (small["goal"][:, ::2, 1::2] == picture).all()

"""A task and a method from a package outside the tree come in by entry points alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from eyehand.cli import main
from eyehand.errors import TargetClosedError
from eyehand.evaluation.trained import load_trained
from eyehand.learning.method import Source
from eyehand.learning.rollout import run_episodes
from eyehand.learning.run import Run
from eyehand.methods import load_method, method_names
from eyehand.tasks import load_task, task_names
from eyehand.testing import check_method, check_task
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

PACKAGE = Path(__file__).parent / "toy_package"
TWIN = str(PACKAGE / "toy_twin.toml")


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy package on the path, as `pip install` would put it there."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_toy"]:
        del sys.modules[name]


def test_names_from_outside_come_after_those_of_the_tree() -> None:
    assert task_names()[-1] == "toy_slide"
    assert method_names()[-1] == "toy_regression"


def test_the_command_line_lists_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == 0
    listed = {task["name"]: task for task in json.loads(capsys.readouterr().out)}
    assert {"planar_reach", "toy_slide"} <= listed.keys()
    assert listed["toy_slide"]["cameras"] == {"eye": [8, 8]}
    assert listed["toy_slide"]["commands"][0]["choices"] == 3


def test_the_command_line_finds_it_in_a_process_of_its_own() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "eyehand", "domains", "--task", "toy_slide", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert [domain["name"] for domain in json.loads(done.stdout)] == ["sim"]


def test_the_command_line_lists_the_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--json"]) == 0
    listed = {method["name"]: method for method in json.loads(capsys.readouterr().out)}
    assert {"modular_dqn", "toy_regression"} <= listed.keys()
    assert listed["toy_regression"]["presets"] == ["tiny", "quick"]


def test_the_method_trains_a_policy_that_the_house_can_run(tmp_path: Path) -> None:
    task, method = load_task("toy_slide"), load_method("toy_regression")
    config = method.preset("quick")
    model = method.networks(config, task, 0)
    run = Run.create(tmp_path / "run", {"seed": 0}, quiet=True)
    method.train(config, Source(task), run, model)
    policy = method.policy(model, task)
    rates = {
        where: run_episodes(policy, task, load_domain(where, task.name), np.arange(100)).success.mean()
        for where in ("sim", TWIN)
    }
    assert rates["sim"] > 0.9
    assert rates[TWIN] < rates["sim"] - 0.2


def test_the_command_line_trains_and_measures_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(tmp_path / "run")
    command = ["train", "toy_regression", "--task", "toy_slide", "--preset", "tiny"]
    assert main([*command, "--config.updates", "7", "--out", run, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["phases"] == {"eyes": 7}
    assert main(["evaluate", run, "--domain", TWIN, "--trials", "20", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 20
    assert 0 <= found["low"] <= found["success"] <= found["high"] <= 1


def test_training_may_not_look_at_what_stands_for_reality() -> None:
    with pytest.raises(TargetClosedError, match=r"toy_twin.toml.*held out"):
        Source(load_task("toy_slide")).domain(TWIN)


def test_the_task_runs_in_the_houses_world() -> None:
    task = load_task("toy_slide")
    for where in ("sim", TWIN):
        world = SimulatedWorld(task, load_domain(where, task.name), frozenset({"camera", "privileged"}))
        obs = world.reset(np.arange(16))
        assert obs.cameras["eye"].rgb is not None
        assert obs.cameras["eye"].rgb.shape == (16, 8, 8, 3)
        succeeded = np.zeros(16, bool)
        for _ in range(task.horizon):
            obs = world.step(task.expert().label(obs.privileged, obs.sent, None)).obs
            succeeded |= world.verdict().success
        assert succeeded.all()


def test_the_task_keeps_the_contract_of_tasks() -> None:
    check_task(load_task("toy_slide"), [load_domain(name, "toy_slide") for name in ("sim", TWIN)])


def test_the_method_keeps_the_contract_of_methods() -> None:
    check_method(load_method("toy_regression"), load_task("toy_slide"), "tiny")


def test_the_command_line_crosses_into_its_reality(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Train, record and adapt, each by its verb: where the bead is seen to be is mended by frames of the toy twin."""
    run, data = str(tmp_path / "run"), str(tmp_path / "recording")
    where = ["--task", "toy_slide"]
    assert main(["train", "toy_regression", *where, "--preset", "quick", "--out", run, "--json"]) == 0
    assert main(["record", *where, "--domain", TWIN, "--frames", "40", "--out", data, "--json"]) == 0
    assert main(["adapt", run, "--data", data, "--out", f"{run}-2", "--json"]) == 0
    trained, recorded, adapted = (json.loads(one) for one in _documents(capsys.readouterr().out))
    assert trained["phases"] == {"eyes": 300}
    assert (recorded["frames"], recorded["domain"]) == (40, "toy_twin")
    assert adapted["phases"] == {"recorded": 200}
    assert bead_error_m(f"{run}-2") < 0.5 * bead_error_m(run)
    spent = json.loads((tmp_path / "run-2/ledger.json").read_text())
    assert {entry["kind"]: entry["count"] for entry in spent["entries"]} == {"frames": 40, "labels": 40}
    info = json.loads((tmp_path / "recording/meta/info.json").read_text())
    assert info["features"]["observation.images.eye"]["shape"] == [8, 8, 3]
    assert info["features"]["observation.environment_state"]["shape"] == [1]
    assert info["eyehand"]["rail_m"] == [0.0, 1.0]


def bead_error_m(run: str) -> float:
    """Mean error of the bead's position over 200 scenes of the toy twin."""
    trained = load_trained(run)
    world = SimulatedWorld(trained.task, load_domain(TWIN, "toy_slide"), frozenset({"camera"}))
    obs = world.reset(np.arange(200))
    seen = trained.policy.act(obs, None).aux["interface"]
    return float(np.abs(seen[:, 0] - world.privileged().bead_m[:, 0]).mean())


def _documents(text: str) -> list[str]:
    """The JSON documents in the output of several commands."""
    return [f"{part}\n}}" for part in text.split("\n}\n") if part.strip()]


def test_a_recording_of_it_is_refused_where_another_robots_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = str(tmp_path / "run"), str(tmp_path / "recording")
    assert main(["train", "toy_regression", "--task", "toy_slide", "--preset", "tiny", "--out", run, "--json"]) == 0
    assert main(["record", "--domain", "sim", "--frames", "4", "--out", data, "--json"]) == 0
    capsys.readouterr()
    assert main(["adapt", run, "--data", data, "--out", f"{run}-2"]) == 2
    said = capsys.readouterr().err
    assert "feature 'observation.images.eye' is missing" in said
    assert "Held are:" in said
    assert not Path(f"{run}-2").exists()

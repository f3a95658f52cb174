"""The shell of the command line: verbs, help, results as text and JSON, errors as one line."""

from __future__ import annotations

import dataclasses
import errno
import importlib
import importlib.util
import json
import math
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyehand import __version__
from eyehand.cli import doctor, main, output
from eyehand.cli.verbs import VERBS, Verb
from eyehand.errors import EyehandError, InvalidValueError
from eyehand.world.domain import GROUPS
from eyehand.world.domain_files import dump_domain, load_domain

ROOT = Path(__file__).parents[1]
WRITTEN = [verb for verb in VERBS if importlib.util.find_spec(verb.module)]
Said = pytest.CaptureFixture[str]


def tells(said: Said, *arguments: str, code: int = 0) -> str:
    """Standard output of a command that ends with this exit code."""
    assert main(arguments) == code
    return said.readouterr().out


def complaint(said: Said, *arguments: str) -> str:
    """The one line of a command that fails."""
    assert main(arguments) == 2
    error = said.readouterr().err
    assert error.startswith("eyehand: error: ")
    assert error.count("\n") == 1
    return error


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace what `eyehand tasks` does."""

    def install(action: Any) -> None:
        monkeypatch.setitem(sys.modules, "eyehand.cli.tasks", SimpleNamespace(run=action))

    return install


def raising(error: BaseException) -> Any:
    def run(*_: Any) -> int:
        raise error

    return run


@pytest.mark.parametrize("verb", WRITTEN, ids=lambda verb: verb.name)
def test_every_verb_explains_itself(verb: Verb, capsys: Said) -> None:
    options = importlib.import_module(verb.module).Options
    assert options.__dataclass_params__.frozen
    assert "json" in {field.name for field in dataclasses.fields(options)}
    with pytest.raises(SystemExit) as exit_:
        main([verb.name, "--help"])
    assert exit_.value.code == 0
    said = capsys.readouterr().out
    assert verb.summary[1:] in " ".join(said.split())
    assert verb.example in said
    words = shlex.split(verb.example)
    assert words[:2] == ["eyehand", verb.name]
    assert isinstance(output.parse(options, words[2:], verb.name), options)


def test_the_overview_lists_every_verb_once(capsys: Said) -> None:
    said = tells(capsys, "--help")
    listed = [line.split()[0] for line in said.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert listed == [verb.name for verb in VERBS]
    assert len(set(listed)) == len(listed)


def test_no_verb_at_all_is_bad_input(capsys: Said) -> None:
    assert "usage: eyehand VERB" in tells(capsys, code=2)


def test_an_unknown_verb_names_the_closest(capsys: Said) -> None:
    line = complaint(capsys, "domians")
    assert "Unknown verb 'domians'" in line
    assert "Did you mean 'domains'?" in line


def test_errors_are_an_object_where_json_was_asked_for(capsys: Said) -> None:
    assert "'twinn'" in json.loads(tells(capsys, "domains", "show", "twinn", "--json", code=2))["error"]
    assert "Did you mean 'tasks'" in json.loads(tells(capsys, "tass", "--json", code=2))["error"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_wrong_option_is_an_object_too(encoding: str) -> None:
    command = [sys.executable, "-m", "eyehand", "tasks", "--jsno", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error.startswith("Unrecognized options: --jsno Perhaps you meant: --json")
    assert done.stderr == f"eyehand: error: {error}\n"


def test_a_wrong_option_is_bad_input(capsys: Said) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["tasks", "--jsno"])
    assert exit_.value.code == 2
    assert "--json" in capsys.readouterr().err


def test_an_error_of_many_lines_becomes_one(stub: Any, capsys: Said) -> None:
    stub(raising(EyehandError("first\nsecond")))
    assert complaint(capsys, "tasks") == "eyehand: error: first second\n"


def test_ctrl_c_ends_with_130(stub: Any, capsys: Said) -> None:
    stub(raising(KeyboardInterrupt()))
    assert main(["tasks"]) == 130
    assert capsys.readouterr().err == "eyehand: interrupted\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_where_and_what_to_do(number: int, stub: Any, capsys: Said, tmp_path: Path) -> None:
    stub(raising(OSError(number, "full", str(tmp_path / "missing" / "weights"))))
    line = complaint(capsys, "tasks")
    assert f"No space left on the disk of {tmp_path / 'missing' / 'weights'}" in line
    assert "MB free" in line
    assert "free some space" in line


def test_a_refused_write_says_where(stub: Any, capsys: Said) -> None:
    stub(raising(PermissionError(errno.EACCES, "Permission denied", "runs/a")))
    assert "runs/a: Permission denied" in complaint(capsys, "tasks")


@pytest.mark.parametrize("error", [ValueError("a bug"), FileNotFoundError(errno.ENOENT, "a bug", "x")])
def test_a_bug_keeps_its_trace(error: Exception, stub: Any) -> None:
    stub(raising(error))
    with pytest.raises(type(error), match="a bug"):
        main(["tasks"])


def test_a_reader_that_leaves_early_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "eyehand", "domains", "show", "sim"]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_python_m_eyehand_is_the_command() -> None:
    command = [sys.executable, "-m", "eyehand", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"eyehand {__version__}\n"


@dataclasses.dataclass(frozen=True)
class Found:
    rate: float
    where: Path
    names: tuple[str, ...]


def test_json_knows_dataclasses_paths_and_numpy_numbers() -> None:
    data = {"found": Found(np.float32(0.5), Path("a/b"), ("x",)), "n": np.int64(3), "none": None, "yes": True}
    expected = {"found": {"rate": 0.5, "where": "a/b", "names": ["x"]}, "n": 3, "none": None, "yes": True}
    assert json.loads(output.to_json(data)) == expected


@pytest.mark.parametrize("number", [math.nan, math.inf, np.float32("-inf")])
def test_json_refuses_a_number_that_is_not_finite_and_names_its_place(number: float) -> None:
    with pytest.raises(InvalidValueError, match=r"result\[1\]\.found\.rate"):
        output.to_json([0.0, {"found": Found(number, Path(), ())}])


def test_columns_line_up() -> None:
    assert output.table(("a", "bb"), [("long", "x"), ("s", "")]).split("\n") == ["a     bb", "long  x", "s"]


def test_every_shipped_domain_is_listed(capsys: Said) -> None:
    listed = json.loads(tells(capsys, "domains", "--json"))
    assert listed[0]["name"] == "sim"
    for domain in listed:
        assert domain["digest"] == load_domain(domain["name"], "planar_reach").digest()
    assert listed[0]["held_out"] is False
    assert "sim" in tells(capsys, "domains")


def test_a_domain_that_is_shown_loads_back_equal(capsys: Said, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "sim"\n[sensor]\nblur_px = { uniform = [0.5, 1.0] }\n[dynamics]\nstep_gain = 0.9\n')
    shown = tmp_path / "shown.toml"
    shown.write_text(tells(capsys, "domains", "show", str(path)))
    assert load_domain(str(shown), "planar_reach") == load_domain(str(path), "planar_reach")
    as_json = json.loads(tells(capsys, "domains", "show", str(path), "--json"))
    assert tomllib.loads(as_json["toml"]) == tomllib.loads(shown.read_text())
    assert as_json["sensor"]["blur_px"] == {"low": 0.5, "high": 1.0}


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_factors_can_be_taken_from_another_domain(group: str, capsys: Said, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    keys = {
        "visual": "[appearance]\narm_albedo = 0.9\n",
        "setup": "[timing]\nlag = 0.2\n",
        "motion": "[dynamics]\nstep_gain = 0.9\n",
    }
    path.write_text('base = "sim"\nname = "other"\n' + "".join(keys.values()))
    shown = tmp_path / "shown.toml"
    shown.write_text(tells(capsys, "domains", "show", "sim", f"--{group}", str(path)))
    mixed, sim = load_domain(str(shown), "planar_reach"), load_domain("sim", "planar_reach")
    other = load_domain(str(path), "planar_reach")
    for name, factors in GROUPS.items():
        for factor in factors:
            assert getattr(mixed, factor) == getattr(other if name == group else sim, factor)
    assert shown.read_text() == dump_domain(mixed)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["show", "tvin"], "Unknown domain 'tvin'"),
        (["show"], "allowed is sim"),
        (["list", "sim"], "see 'show'"),
        (["--task", "planar_reech"], "Did you mean 'planar_reach'?"),
        (["show", "missing.toml"], "missing.toml"),
        (["show", "sim", "--motion", "sym"], "Did you mean 'sim'?"),
    ],
)
def test_bad_input_to_domains(arguments: list[str], hint: str, capsys: Said) -> None:
    assert hint in complaint(capsys, "domains", *arguments)


def test_the_task_of_the_house_is_described(capsys: Said) -> None:
    listed = {task["name"]: task for task in json.loads(tells(capsys, "tasks", "--json"))}
    task = listed["planar_reach"]
    assert task["horizon"] == 250
    assert task["cameras"] == {"webcam": [210, 160]}
    assert task["commands"][0]["choices"] == 9
    assert "planar_reach" in tells(capsys, "tasks")


BACK_ENDS = (
    ("planar_reach", "drawing"),
    ("planar_reach", "traced"),
    ("view_reach", "raster"),
    ("view_reach", "traced"),
    ("sphere_grasp", "raster"),
    ("sphere_grasp", "traced"),
)


def test_the_doctor_measures_this_machine(capsys: Said) -> None:
    found = json.loads(tells(capsys, "doctor", "--json"))
    assert found["dependencies"]["numpy"] == np.__version__
    assert found["cores"] >= 1
    assert found["torch_threads"] >= 1
    rates = found["frames_per_s"]
    assert rates["planar_reach/drawing"] > 100
    assert rates.keys() == {f"{task}/{image}" for task, image in BACK_ENDS}
    assert all(rate > 0 for rate in rates.values())
    assert not any(problem["fatal"] for problem in found["problems"])


def test_the_doctor_looks_for_what_the_package_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [requirement.split(">")[0].split("<")[0] for requirement in project["dependencies"]]
    assert list(doctor.DEPENDENCIES) == needed


def test_the_doctor_says_what_to_do() -> None:
    have = {"numpy": "2.0", "embreex": None, "mujoco": "4.0.0"}
    found = {problem.what: problem for problem in doctor.problems(have, cores=2, load=5.0, free_gb=0.3)}
    assert "pip install embreex" in found["embreex is not installed"].remedy
    assert found["embreex is not installed"].fatal
    assert any("solver bug" in what and "mujoco" in what for what in found)
    busy = next(problem for what, problem in found.items() if "load 5.0 on 2 cores" in what)
    assert not busy.fatal
    assert any("0.3 GB" in what for what in found)
    assert doctor.problems({"numpy": "2.0", "mujoco": "3.17.0"}, cores=2, load=0.5, free_gb=50) == ()


def test_the_doctor_reports_a_missing_package_before_it_needs_it(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: None if name == "torch" else real(name))
    monkeypatch.setattr(doctor, "_speeds", raising(AssertionError("nothing can be measured without torch")))
    said = tells(capsys, "doctor", code=1)
    assert "torch is not installed" in said
    assert "MISSING" in said

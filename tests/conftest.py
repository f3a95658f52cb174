"""What the tests of the crossing's verbs share: a small crossing made once, and commands that answer or refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eyehand.cli import main
from eyehand.tasks.planar_reach import PlanarReach


@pytest.fixture
def short_episodes() -> Iterator[None]:
    """Episodes of 8 steps, for tests that do not look at what a policy learns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlanarReach, "horizon", 8)
        yield


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run, a recording and an adapted run, which tests only read."""
    folder = tmp_path_factory.mktemp("crossing")
    run, data, adapted = str(folder / "run"), str(folder / "data"), str(folder / "adapted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlanarReach, "horizon", 8)
        assert main(["train", "modular_dqn", "--preset", "tiny", "--out", run, "--json"]) == 0
        assert main(["record", "--domain", "sim", "--frames", "10", "--out", data, "--json"]) == 0
        assert main(["adapt", run, "--data", data, "--out", adapted, "--json"]) == 0
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The same folder to damage."""
    shutil.copytree(made, tmp_path / "crossing")
    return tmp_path / "crossing"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """A function that runs a command and gives the JSON it prints."""

    def run(*arguments: object) -> Any:
        capsys.readouterr()
        assert main([*map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A function that runs a command and gives the one line with which it refuses, the same with and without JSON."""

    def run(*arguments: object) -> str:
        lines: list[str] = []
        for form in ([], ["--json"]):
            capsys.readouterr()
            assert main([*map(str, arguments), *form]) == 2
            out, err = capsys.readouterr()
            said = [line for line in err.splitlines() if line.startswith("eyehand: error: ")]
            lines += [line.removeprefix("eyehand: error: ") for line in said]
            assert (json.loads(out)["error"] == lines[-1]) if form else not out
        assert len(lines) == 2
        assert lines[0] == lines[1]
        return lines[0]

    return run

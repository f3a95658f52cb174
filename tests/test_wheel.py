"""The wheel: built from the tree, installed into an empty folder, and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built outside the tree because building leaves folders behind."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "out"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "out").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder that the wheel was installed into; its dependencies are those of this environment."""
    target = wheel.parent / "target"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True)
    return target


def tells(installed: Path, *arguments: str) -> str:
    """Standard output of the installed command, run far from the tree."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, str(installed / "bin" / "eyehand"), *arguments]
    done = subprocess.run(command, env=environment, cwd=installed, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_everything_that_is_not_code_is_inside(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    data = [path for path in (source / "eyehand").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    data = [path for path in data if "__pycache__" not in path.parts]
    assert source / "eyehand" / "py.typed" in data
    missing = {path.relative_to(source).as_posix() for path in data} - inside
    assert not missing, f"name these under package-data in pyproject.toml: {sorted(missing)}"
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert not [name for name in inside if not name.startswith(("eyehand/", "eyehand-"))]


def test_the_installed_command_runs(installed: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "eyehand" in project["scripts"]
    assert "usage: eyehand VERB" in tells(installed, "--help")
    shipped = {path.stem for path in (ROOT / "src/eyehand/world/domains/planar_reach").glob("*.toml")}
    assert {domain["name"] for domain in json.loads(tells(installed, "domains", "--json"))} == {"sim"} | shipped
    assert "planar_reach" in {task["name"] for task in json.loads(tells(installed, "tasks", "--json"))}


def test_the_installed_command_is_the_one_that_ran(installed: Path) -> None:
    code = "import eyehand, sys; sys.stdout.write(eyehand.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout).is_relative_to(installed)

"""The cells of a reproduction: skipped when they are there, in order, and made again to compare."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eyehand.evaluation.results_file import read_results

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from cells import Cell, main
from eyehand.evaluation.results import Cell as Episodes, DomainIdentity, InterfaceErrors, Results

def make(name, offset=0.0):
    def made(runs):
        (runs / name).mkdir(parents=True, exist_ok=True)
        (runs / f"hand-of-{name}").mkdir()  # fails where it is linked
        print("making", name)
        changed = Path("changed").read_text().split() if Path("changed").exists() else ()
        values = np.arange(3.0) + offset * ("error" in changed)
        errors = (InterfaceErrors(name, "sim", 0, "theta", "", np.arange(3), values),)
        flags, moved = np.ones(3, bool), {"distance_m": np.arange(3.0) + offset * ("measure" in changed)}
        episodes = (Episodes(name, "sim", 0, name, np.arange(3), flags, ~flags, np.arange(3), np.ones(3), moved),)
        domains = (DomainIdentity("sim", 1, "0" * 64),)
        return Results("x", "m", "t", domains=domains, cells=episodes, errors=errors)
    return made

def broken(runs):
    raise ValueError("no such thing")

main("m", [
    Cell("b", make("b"), ("a",)), Cell("a", make("a", 1.0), runs=("hand-of-a",)), Cell("bad", broken),
    Cell("c", make("c"), ("bad",))
])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'reproduce'}:{ROOT / 'src'}"}
    command = [sys.executable, "m.py", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_cells_run_after_what_they_read_and_a_failure_leaves_out_what_reads_it(folder: Path) -> None:
    done = run(folder, "--jobs", "2")
    assert done.returncode == 2
    begun = [line.split(":")[0] for line in done.stdout.splitlines() if line.endswith("begun.")]
    assert begun.index("a") < begun.index("b")
    assert "c" not in begun
    assert "c: left out, because bad failed." in done.stdout
    assert "Failed: bad, c" in done.stdout
    assert "no such thing" in (folder / "runs/reproduce/bad.log").read_text(encoding="utf-8")
    assert sorted(path.name for path in (folder / "results/m").iterdir()) == ["a.json", "b.json"]


def test_a_run_that_is_not_there_is_made_again_for_a_cell_that_reads_it(folder: Path) -> None:
    assert run(folder, "--only", "[ab]", "--jobs", "0").returncode == 0
    (folder / "results/m/b.json").unlink()
    shutil.rmtree(folder / "runs")
    assert "missing: a\nmissing: b\n" in run(folder, "--list", "--only", "b").stdout
    done = run(folder, "--only", "b", "--jobs", "0")
    assert [line for line in done.stdout.splitlines() if "making" in line] == ["making a", "making b"]
    assert (folder / "results/m/b.json").exists()


def test_what_is_there_is_not_made_again_unless_asked_and_then_compared(folder: Path) -> None:
    first = run(folder, "--only", "[ab]", "--jobs", "0")
    assert (first.returncode, first.stdout.count("making")) == (0, 2)
    assert json.loads((folder / "results/m/a.json").read_text(encoding="utf-8"))["name"] == "a"
    assert run(folder, "--only", "[ab]", "--jobs", "0").stdout == "m: 2 of 2 cells are there.\n"
    same = run(folder, "--again", "a")
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "a: every outcome is the same")
    for what, told in (("error", "theta"), ("measure", "distance_m")):
        (folder / "changed").write_text(what, encoding="utf-8")
        other = run(folder, "--again", "a")
        assert (other.returncode, other.stdout.splitlines()[-1]) == (1, f"a: differs in a on sim, {told}")
    unknown = run(folder, "--again", "z")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("Unknown cell that can be made again 'z'. Allowed: a, b")


def test_eyes_learn_with_the_weights_that_their_trials_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "reproduce"), *sys.path])
    protocol = importlib.import_module("mask_grasp")
    lost: dict[str, dict[float, float]] = {}
    for path in (ROOT / "results/mask_grasp").glob("trial-*.json"):
        for errors in read_results(path).errors:
            if errors.name == "f1_lost":
                _, recipe, weight = errors.arm.split("/")
                by_weight = lost.setdefault(recipe, {})
                by_weight[float(weight)] = by_weight.get(float(weight), 0.0) + float(errors.values.mean())
    found = {recipe: min(sums, key=sums.__getitem__) for recipe, sums in lost.items() if len(sums) == 3}
    if not found:
        pytest.skip("no recipe has all of its trials")
    assert {recipe: protocol.WEIGHTS[recipe] for recipe in found} == found

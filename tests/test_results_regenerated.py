"""The numbers and tables in the documentation are those of the committed files and of the code."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eyehand.evaluation import results
from eyehand.evaluation.results_file import write_results
from eyehand.learning.rollout import Episodes
from eyehand.world.domain_files import load_domain

ROOT = Path(__file__).parents[1]
SCRIPTS = ("write_results", "check_results", "code_tables", "reproduced", "severities", "write_plots")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The scripts that write and check, imported as the command line does."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yield importlib.import_module("write_results"), importlib.import_module("check_results")
    for name in SCRIPTS:
        sys.modules.pop(name, None)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the documentation and its result files that a test may damage."""
    for name in ("docs", "results"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def outcome(share: float, n: int, domain: str, distance_m: float) -> Episodes:
    success = np.arange(n) < round(share * n)
    seeds = load_domain(domain, "planar_reach").seeds(np.arange(n))
    measures = {"distance_m": np.full(n, distance_m)}
    return Episodes(seeds, success, ~success, np.arange(n) + 50, np.where(success, 0.9, -0.2), measures)


def made(name: str, outcomes: dict[tuple[str, str, int], tuple[float, float]], n: int) -> results.Results:
    identities = [load_domain(where, "planar_reach") for where in dict.fromkeys(domain for _, domain, _ in outcomes)]
    return results.Results(
        name,
        "modular_dqn",
        "planar_reach",
        "quick",
        provenance=results.Provenance(machine="two cores", wall_time_s=246.0),
        domains=tuple(results.DomainIdentity(d.name, d.version, d.digest(), d.held_out) for d in identities),
        cells=tuple(
            results.cell(arm, domain, seed, outcome(share, n, domain, distance_m), "runs/x")
            for (arm, domain, seed), (share, distance_m) in outcomes.items()
        ),
        ledger=(results.LedgerEntry("frames", "twin", 700, 1418),),
    )


def store(found: results.Results, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_results(found, path)


def test_every_page_agrees_with_its_sources(scripts: tuple[ModuleType, ModuleType]) -> None:
    assert scripts[1].problems(ROOT) == []


def test_every_block_is_shown_somewhere(scripts: tuple[ModuleType, ModuleType]) -> None:
    writer, _ = scripts
    shown = {name for page in writer.pages(ROOT) for name in writer.contents(page.read_text(encoding="utf-8"))}
    assert shown == set(writer.BLOCKS)


def test_a_number_changed_by_hand_is_found(scripts: tuple[ModuleType, ModuleType], copy: Path) -> None:
    page = copy / "docs/methods/modular_dqn.md"
    text = page.read_text(encoding="utf-8")
    assert "83.75" in text
    page.write_text(text.replace("83.75", "93.75"), encoding="utf-8")
    (problem,) = scripts[1].problems(copy)
    assert problem.startswith("docs/methods/modular_dqn.md: block modular_dqn-table-2 differs from its sources")
    assert "scripts/write_results.py" in problem


def test_new_results_are_missed_until_the_pages_are_written_anew(
    scripts: tuple[ModuleType, ModuleType], copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer, check = scripts
    measured = {
        ("sim_only", "sim", 0): (0.9375, 0.04),
        ("sim_only", "twin/val", 0): (0.125, 0.41),
        ("oracle", "twin/val", 0): (1.0, 0.034),
    }
    store(made("demo", measured, 32), copy / writer.DEMO)
    assert any("block demo differs" in problem for problem in check.problems(copy))
    assert copy / "README.md" in writer.main(copy)
    assert check.problems(copy) == []
    capsys.readouterr()
    readme = writer.contents((copy / "README.md").read_text(encoding="utf-8"))["demo"]
    assert "| sim only | 0.94 [0.80-0.98] (30/32); 4.0 cm | 0.12 [0.05-0.28] (4/32); 41.0 cm |" in readme
    assert "| oracle | - | 1.00 [0.89-1.00] (32/32); 3.4 cm |" in readme
    assert "twin/val (held out)" in readme
    assert "The twin is a simulation too, no robot" in readme
    for said in ("1 seed", "32 episodes a cell", "700 of 1418 frames", "4.1 minutes on two cores"):
        assert said in readme


def test_arms_of_several_trainings_are_pooled_beside_the_paper(
    scripts: tuple[ModuleType, ModuleType], copy: Path
) -> None:
    writer, _ = scripts
    shutil.rmtree(copy / "results/modular_dqn", ignore_errors=True)
    assert "Ours: Not measured yet." in writer.BLOCKS["modular_dqn-table-2"](copy)
    for arm, seed, share in (("kgps/3", 0, 1.0), ("kgps/3", 1, 0.975), ("egreedy/3", 0, 0.5)):
        found = made(arm, {(arm, "sim", seed): (share, 0.035)}, 400)
        store(found, copy / "results/modular_dqn" / f"{arm.replace('/', '-')}-{seed}.json")
    rows = {line.split(" | ")[0]: line for line in writer.BLOCKS["modular_dqn-table-2"](copy).splitlines()}
    assert rows["| 3 joints, K-GPS"].startswith("| 3 joints, K-GPS | 3.4 | 3.5 [3.5, 3.5] | 4.3 |")
    assert " | 98.50 | 98.8 [" in rows["| 3 joints, K-GPS"]
    assert " | 50.25 | 50.0 [" in rows["| 3 joints, ε-greedy"]
    assert rows["| 3 joints, K-GPS"].endswith("| n=800, 2 seeds |")
    assert rows["| 3 joints, ε-greedy"].endswith("| n=400, 1 seed |")
    assert rows["| 1 joint, K-GPS"].endswith("| 100.00 | - | - |")
    claims = writer.BLOCKS["modular_dqn-claims"](copy)
    assert "unregistered" in claims
    assert "| **pass** |" in claims


def errors_of(name: str, sizes: dict[tuple[str, str, int], float], n: int) -> results.Results:
    """Errors of arms in domains by training seed, in two units."""
    identities = [load_domain(where, "planar_reach") for where in dict.fromkeys(domain for _, domain, _ in sizes)]
    found = [
        results.InterfaceErrors(
            arm, domain, seed, unit, "", load_domain(domain, "planar_reach").seeds(np.arange(n)), np.full(n, size)
        )
        for (arm, domain, seed), size in sizes.items()
        for unit in ("theta", "cm")
    ]
    return results.Results(
        name,
        "modular_dqn",
        "planar_reach",
        domains=tuple(results.DomainIdentity(d.name, d.version, d.digest(), d.held_out) for d in identities),
        errors=tuple(found),
        test_reads={d.name: 99 for d in identities if d.name.endswith("/test")},
    )


@pytest.fixture
def empty(copy: Path) -> Path:
    """A copy without results of modular_dqn."""
    shutil.rmtree(copy / "results/modular_dqn")
    return copy / "results/modular_dqn"


def rows_of(block: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in block.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in lines}


def test_a_change_with_one_training_stands_beside_the_unchanged_arm_of_that_training(
    scripts: tuple[ModuleType, ModuleType], empty: Path
) -> None:
    sizes = {("P75", "sim", seed): 0.1 * (1 + seed) for seed in range(3)}
    sizes |= {("P75", "twin", seed): 0.5 for seed in (1, 2)}
    sizes |= {(f"P75/{count}_frames", "sim", 0): 0.2 for count in (200, 50)}
    sizes |= {("P75/longer", "sim", 0): 0.05, ("P75/longer", "twin", 0): 0.4, ("EE2-FT", "sim", 0): 0.07}
    store(errors_of("eyes", sizes, 8), empty / "eyes.json")
    outcomes = {("kgps/3", "sim", seed): (1.0, 0.03) for seed in range(3)}
    outcomes |= {("kgps/3/one_step", "sim", 1): (0.5, 0.2)}
    outcomes |= {("adapted", "sim", seed): (1.0, 0.01 * (1 + seed)) for seed in range(3)}
    outcomes |= {("fine_tuned", "sim", seed): (1.0, 0.03) for seed in (0, 2)}
    store(made("hands", outcomes, 8), empty / "hands.json")
    rows = rows_of(scripts[0].BLOCKS["modular_dqn-ablations"](empty.parents[1]))
    assert list(rows)[2:] == [
        "`P75`", "`P75` (seed 0)", "`P75`, longer", "`P75`, 50 frames", "`P75`, 200 frames", "`EE2-FT`",
        "hand", "`kgps/3`", "`kgps/3` (seed 1)", "`kgps/3`, one step",
        "`adapted`", "`adapted` (seeds 0, 2)", "`fine_tuned`",
    ]  # fmt: skip
    assert rows["`P75`"] == ["0.200 [0.100, 0.300]", "0.500 [0.500, 0.500] (2 seeds)", "-", "-", "3 seeds"]
    assert rows["`P75` (seed 0)"] == ["0.100 [0.100, 0.100]", "-", "-", "-", "1 seed"]
    assert rows["`P75`, longer"][:2] == ["0.050 [0.050, 0.050]", "0.400 [0.400, 0.400]"]
    assert rows["`EE2-FT`"] == ["0.070 [0.070, 0.070]", "-", "-", "-", "1 seed"]
    assert rows["`adapted` (seeds 0, 2)"] == ["1.000 [0.676, 1.000]", "2.0 [1.0, 3.0]", "2 seeds"]
    assert rows["`kgps/3`, one step"][-1] == rows["`kgps/3` (seed 1)"][-1] == "1 seed"


def test_severities_say_how_many_episodes_and_images_each_has(
    scripts: tuple[ModuleType, ModuleType], empty: Path
) -> None:
    store(made("driven", {("adapted", "twin/test", seed): (0.5, 0.1) for seed in (0, 1)}, 16), empty / "driven.json")
    seen = {
        ("SIM", "twin/test", 0): 0.6,
        ("constant_mean", "twin/test", 0): 0.4,
        ("constant_mean", "twin/test", 1): 9.0,
    }
    store(errors_of("seen", seen, 24), empty / "seen.json")
    rows = rows_of(scripts[0].BLOCKS["modular_dqn-severity"](empty.parents[1]))
    assert rows["1"] == [
        "0.600 [0.600, 0.600]", "-", "0.400 [0.400, 0.400]", "24",
        "-", "10.0 [10.0, 10.0]", "-", "16",
        "1.50 [1.50, 1.50]", "-", "-",
    ]  # fmt: skip
    assert rows["1.5"] == ["-"] * 11


def test_a_number_of_another_split_is_marked_beside_the_paper(
    scripts: tuple[ModuleType, ModuleType], empty: Path
) -> None:
    store(errors_of("seen", {("SIM", "twin/val", 0): 0.6, ("SIM", "live/test", 0): 0.7}, 8), empty / "seen.json")
    rows = rows_of(scripts[0].BLOCKS["modular_dqn-table-1"](empty.parents[1]))
    assert rows["SIM"][3] == "0.600 [0.600, 0.600] (on twin/val)"
    assert rows["SIM"][5:] == ["0.700 [0.700, 0.700]", "n=8, 1 seed"]


def test_scorings_of_test_domains_are_counted_and_printed(scripts: tuple[ModuleType, ModuleType], empty: Path) -> None:
    sizes = {(arm, where, 0): 0.6 for arm in ("SIM", "P75") for where in ("sim", "twin/test", "live/test")}
    store(errors_of("seen", sizes, 8), empty / "seen.json")
    store(made("driven", {("adapted", "twin/test", seed): (0.5, 0.1) for seed in (0, 1)}, 8), empty / "driven.json")
    said = scripts[0].BLOCKS["modular_dqn-cost"](empty.parents[1])
    assert "Test domains scored in these cells: `twin/test` 4 times, `live/test` 2 times." in said


def test_eyes_are_drawn_from_the_first_update_of_their_own_phase(
    scripts: tuple[ModuleType, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del scripts
    plots = importlib.import_module("write_plots")
    drawn: dict[str, dict[str, np.ndarray]] = {}
    monkeypatch.setattr(plots, "traces", lambda panels, *_: drawn.update(panels) or b"drawn")
    folder = tmp_path / "results/curves/mask_grasp"
    folder.mkdir(parents=True)
    lines = [{"step": step, "precision_lost": 0.2, "recall_lost": 0.4} for step in (100, 700, 900)]
    for recipe, document in (("plain", {"before": 600}), ("composited", {})):
        kept = {"domain": "twin/val", **document, "lines": lines}
        (folder / f"{recipe}-epochs.json").write_text(json.dumps(kept), encoding="utf-8")
    assert plots.epochs(tmp_path) == b"drawn"
    np.testing.assert_allclose(drawn["precision"]["plain"], [[100, 0.8], [300, 0.8]])
    np.testing.assert_allclose(drawn["recall"]["plain"], [[100, 0.6], [300, 0.6]])
    np.testing.assert_allclose(drawn["recall"]["composited"], [[100, 0.6], [700, 0.6], [900, 0.6]])


def test_what_is_missing_is_not_measured_yet(scripts: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    writer, _ = scripts
    for block in ("demo", "demo-paper", "modular_dqn-claims", "modular_dqn-severity", "twin-solvable", "failed"):
        assert writer.BLOCKS[block](tmp_path) == "Not measured yet."


def test_any_key_of_the_twins_file_is_shown(scripts: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    writer, _ = scripts
    rate = {"value": 0.985, "low": 0.9676, "high": 0.9931, "n": 400}
    document = {"oracle_success_twin": rate, "frames": 8000, "errors": {"theta": 0.02345678}, "twin_digest": "a" * 64}
    path = tmp_path / writer.TWIN
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    shown = writer.twin_solvable(tmp_path)
    assert "| oracle success twin | 0.985 [0.968-0.993] (n=400) |" in shown
    assert "| frames | 8000 |" in shown
    assert "| errors.theta | 0.02346 |" in shown


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("<!-- results:demo:end -->", "block demo: its begin and its end do not pair"),
        ("results:demo:", "block dmo: unknown; known are bench"),
    ],
)
def test_markers_that_make_no_block_are_found(
    scripts: tuple[ModuleType, ModuleType], copy: Path, damage: str, said: str
) -> None:
    page = copy / "README.md"
    repaired = damage.replace("demo", "dmo") if damage.endswith(":") else ""
    page.write_text(page.read_text(encoding="utf-8").replace(damage, repaired), encoding="utf-8")
    assert any(said in problem for problem in scripts[1].problems(copy))


def test_numbers_of_an_older_twin_are_void(scripts: tuple[ModuleType, ModuleType], copy: Path) -> None:
    path = copy / "results/demo/results.json"
    store(made("demo", {("sim_only", "twin/val", 0): (0.5, 0.1)}, 4), path)
    digest = load_domain("twin/val", "planar_reach").digest()
    path.write_text(path.read_text(encoding="utf-8").replace(digest, "0" * 64), encoding="utf-8")
    (problem,) = scripts[1].problems(copy)
    assert "results/demo/results.json: was measured on version 1 of twin/val (000000000000)" in problem
    assert "measure again" in problem


def test_a_result_file_changed_by_hand_is_found(scripts: tuple[ModuleType, ModuleType], copy: Path) -> None:
    path = copy / "results/demo/results.json"
    store(made("demo", {("sim_only", "sim", 0): (0.5, 0.1)}, 4), path)
    path.write_text(path.read_text(encoding="utf-8").replace('"success":0.5', '"success":0.75'), encoding="utf-8")
    (problem,) = scripts[1].problems(copy)
    assert "cells[0].success is 0.75, but its episodes give 0.5" in problem


def test_a_file_that_is_no_json_of_finite_numbers_is_found(scripts: tuple[ModuleType, ModuleType], copy: Path) -> None:
    (copy / "results/broken.json").write_text('{"value": NaN}', encoding="utf-8")
    (problem,) = scripts[1].problems(copy)
    assert problem == "results/broken.json: is no JSON of finite numbers (NaN is not finite)"


def test_a_path_of_one_machine_is_found(scripts: tuple[ModuleType, ModuleType], copy: Path) -> None:
    path = "/" + "home/somebody/runs"
    (copy / "results/private.json").write_text(json.dumps({"run": path}), encoding="utf-8")
    (problem,) = scripts[1].problems(copy)
    assert problem.startswith("results/private.json: holds an absolute path of one machine")
    assert path in problem

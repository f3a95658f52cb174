"""The verbs of a crossing, from training to the report, at the smallest sizes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Told = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("short_episodes")


def test_training_says_what_it_did_and_where(made: Path, told: Told) -> None:
    config = json.loads((made / "run/config.json").read_text())
    assert (config["method"], config["task"], config["preset"], config["seed"]) == (
        "modular_dqn",
        "planar_reach",
        "tiny",
        0,
    )
    assert config["config"]["control"]["worlds"] == 8
    assert (made / "run/checkpoints/last").read_text() == "52\n"
    again = told("train", "--resume", made / "run")
    assert again == {"run": str(made / "run"), "steps": 52, "phases": {"perception": 12, "control": 40}, "warnings": []}


def test_a_recording_holds_frames_joints_places_and_where_they_come_from(made: Path) -> None:
    info = json.loads((made / "data/meta/info.json").read_text())
    assert info["total_frames"] == 10
    assert info["features"]["observation.images.webcam"]["shape"] == [210, 160, 3]
    assert info["features"]["observation.state"]["shape"] == [3]
    assert info["features"]["observation.environment_state"]["shape"] == [2]
    assert (info["eyehand"]["domain"], info["eyehand"]["target_drawn"]) == ("sim", False)
    assert np.shape(info["eyehand"]["plane_to_image"]) == (3, 3)


def test_adapting_reads_through_the_ledger_and_names_its_parent(made: Path) -> None:
    ledger = json.loads((made / "adapted/ledger.json").read_text())
    assert {entry["kind"]: entry["count"] for entry in ledger["entries"]} == {"frames": 8, "labels": 8}
    config = json.loads((made / "adapted/config.json").read_text())
    assert config["parent"] == str(made / "run")
    assert config["data"] == str(made / "data")


def test_overrides_come_from_a_file_and_then_from_the_command_line(tmp_path: Path, told: Told) -> None:
    file = tmp_path / "more.toml"
    file.write_text("[perception]\nupdates = 3\nbatch = 4\n[control]\nupdates = 2\n")
    run = tmp_path / "run"
    arguments = ["--preset", "tiny", "--overrides", file, "--option", "joints=2", "--seed", 7, "--out", run]
    done = told("train", "modular_dqn", *arguments, "--config.perception.updates", 5)
    assert done["phases"] == {"perception": 5, "control": 2}
    config = json.loads((run / "config.json").read_text())
    assert (config["seed"], config["options"], config["config"]["perception"]["batch"]) == (7, ["joints=2"], 4)


def test_as_many_checkpoints_stay_as_are_asked_for(tmp_path: Path, told: Told, refused: Callable[..., str]) -> None:
    run = tmp_path / "run"
    changes = ["--config.perception.updates", 20, "--config.control.updates", 0]
    told("train", "modular_dqn", "--preset", "tiny", "--out", run, "--keep", 4, *changes)
    kept = sorted(int(path.name) for path in (run / "checkpoints").iterdir() if path.name.isdecimal())
    assert kept == [14, 16, 18, 20]
    nowhere = ("train", "modular_dqn", "--preset", "tiny", "--out", tmp_path / "none", "--keep", 0)
    assert refused(*nowhere) == "Invalid keep: got 0, allowed is at least 1 checkpoint."
    assert not (tmp_path / "none").exists()


def test_evaluating_gives_a_rate_with_its_interval(made: Path, told: Told) -> None:
    found = told("evaluate", made / "run", "--trials", 3)
    assert found["n"] == 3
    assert 0 <= found["low"] <= found["success"] <= found["high"] <= 1
    assert found["median_distance_m"] > 0
    assert set(found["interface_error"]) == {"theta", "cm", "deg"}
    oracle = told("evaluate", made / "run", "--trials", 3, "--arm", "oracle_perception")
    assert oracle["n"] == 3


def test_one_episode_is_saved_as_video_and_pictures(made: Path, tmp_path: Path, told: Told) -> None:
    found = told("evaluate", made / "run", "--episode", 4, "--save", tmp_path / "watched")
    assert found["episode_seed"] == 4
    assert found["steps"] == 8
    names = sorted(Path(file).name for file in found["files"])
    assert names == ["sim-4-step000.png", "sim-4-step004.png", "sim-4-step007.png", "sim-4.mp4"]
    assert all(Path(file).stat().st_size > 500 for file in found["files"])


def test_the_gap_between_two_domains_is_taken_apart(made: Path, tmp_path: Path, told: Told) -> None:
    weak = tmp_path / "weak.toml"
    weak.write_text('base = "sim"\n[dynamics]\nmotion = "servo"\nstep_gain = 0.5\n')
    found = told("gap", made / "run", "--target", weak, "--trials", 2)
    assert (found["policy"], found["nominal"], found["target"]) == ("modular_dqn", "sim", "weak")
    (success, distance) = found["decompositions"]
    assert set(success["shares"]) == {"visual", "setup", "motion"}
    assert len(distance["cells"]) == 8
    assert distance["shares"]["visual"]["value"] == pytest.approx(0, abs=1e-12)
    assert {module["module"] for module in found["attributions"]} == {"perception", "control"}
    assert len(found["curve"]) == 6


def test_a_report_is_one_page_with_the_numbers_beside_it(copy: Path, tmp_path: Path, told: Told) -> None:
    other = tmp_path / "dim.toml"
    other.write_text('base = "sim"\n[appearance]\nbackground_albedo = 0.7\n')
    arguments = ["report", copy / "run", "--target", other, "--trials", 2, "--gap-trials", 0]
    found = told(*arguments)
    page = Path(found["report"]).read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert "dim" in page
    results = json.loads(Path(found["results"]).read_text())
    assert results["method"] == "modular_dqn"
    decided = told("claims", "modular_dqn", "--results", found["results"])
    assert {one["status"] for one in decided} <= {"pass", "fail", "undecided"}


def test_claims_without_results_are_undecided(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    decided = told("claims", "modular_dqn")
    assert {one["status"] for one in decided} == {"undecided"}
    assert {"claim", "statement", "source", "value", "low", "high", "threshold", "n", "seeds", "file"} < set(decided[0])


def test_perceiving_draws_over_pictures_of_any_size(made: Path, tmp_path: Path, told: Told) -> None:
    for name, size in (("wide.png", (640, 480)), ("small.jpg", (40, 30)), ("tall.png", (7, 100))):
        Image.new("RGB", size, (90, 120, 90)).save(tmp_path / name)
    names = [tmp_path / name for name in ("wide.png", "small.jpg", "tall.png")]
    found = told("perceive", made / "run", *names, "--out", tmp_path / "seen")
    assert [Path(one["picture"]).name for one in found] == [f"{path.stem}-perceived.png" for path in names]
    for one in found:
        assert len(one["scene_configuration"]) == 5
        with Image.open(one["picture"]) as picture:
            assert max(picture.size) == 840
            assert picture.width / picture.height == pytest.approx(160 / 210, rel=0.15)


def test_pictures_of_one_name_from_two_folders_do_not_overwrite_each_other(
    made: Path, tmp_path: Path, told: Told
) -> None:
    for folder, level in (("a", 50), ("b", 200)):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (160, 210), (level,) * 3).save(tmp_path / folder / "frame.png")
    images = [tmp_path / "a/frame.png", tmp_path / "b/frame.png"]
    found = told("perceive", made / "run", *images, "--out", tmp_path / "seen")
    assert len({one["picture"] for one in found}) == 2
    assert len(list((tmp_path / "seen").iterdir())) == 2


def test_every_scoring_of_a_test_split_is_counted_in_the_ledger(copy: Path, told: Told, tmp_path: Path) -> None:
    cheap = tmp_path / "cheap.toml"
    cheap.write_text('base = "twin"\n[appearance]\nimage = "drawing"\n')
    told("evaluate", copy / "adapted", "--domain", cheap, "--trials", 2)
    told("evaluate", copy / "adapted", "--domain", f"{cheap}/test", "--trials", 3)
    told("evaluate", copy / "adapted", "--domain", f"{cheap}/test", "--trials", 2)
    ledger = json.loads((copy / "adapted/ledger.json").read_text())
    assert ledger["spent"]["trials"] == 5
    assert ledger["spent"]["frames"] == 8

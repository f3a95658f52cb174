"""Bad input of every kind to the verbs of a crossing: one line, exit code 2, nothing half-written, nothing lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eyehand.cli import main
from eyehand.data.ledger import Budget
from eyehand.learning.policy import Truth
from eyehand.methods.modular_dqn import ModularDQN

Said = pytest.CaptureFixture[str]
Refused = Callable[..., str]
Told = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("short_episodes")


UNKNOWN = {
    "method": (["train", "modular_dqm", "--out", "OUT"], r"Unknown method 'modular_dqm'. Did you mean 'modular_dqn'?"),
    "preset": (
        ["train", "modular_dqn", "--preset", "tin", "--out", "OUT"],
        "Unknown preset 'tin'. Did you mean 'tiny'?",
    ),
    "task": (["train", "modular_dqn", "--task", "planar", "--out", "OUT"], "Unknown task 'planar'. Did you mean"),
    "option": (
        ["train", "modular_dqn", "--option", "joint=2", "--out", "OUT"],
        "Unknown option 'joint' in task 'planar_reach'. Did you mean 'joints'? Allowed: joints.",
    ),
    "option's value": (
        ["train", "modular_dqn", "--option", "joints=7", "--out", "OUT"],
        "Invalid planar_reach joints: got 7, allowed is 1, 2 or 3.",
    ),
    "option's kind": (
        ["train", "modular_dqn", "--option", "joints=[1]", "--out", "OUT"],
        "got [1], allowed is 1, 2 or 3",
    ),
    "option's form": (
        ["train", "modular_dqn", "--option", "joints", "--out", "OUT"],
        "NAME=VALUE, for example joints=2",
    ),
    "device": (
        ["train", "modular_dqn", "--preset", "tiny", "--device", "tpu", "--out", "OUT"],
        "Invalid device: got 'tpu'",
    ),
    "threads": (
        ["train", "modular_dqn", "--preset", "tiny", "--threads", "-2", "--out", "OUT"],
        "Invalid threads: got -2",
    ),
    "source": (
        ["train", "modular_dqn", "--preset", "tiny", "--config.perception.domain", "simm", "--out", "OUT"],
        "Unknown domain 'simm' in task 'planar_reach'. Did you mean 'sim'?",
    ),
    "held-out source": (
        ["train", "modular_dqn", "--preset", "tiny", "--config.perception.domain", "twin", "--out", "OUT"],
        "Training may not look at domain 'twin': it is held out",
    ),
    "recorded share": (
        ["train", "modular_dqn", "--preset", "tiny", "--config.perception.real-share", "0.5", "--out", "OUT"],
        "Invalid real_share: got 0.5, allowed is 0 without recorded frames",
    ),
    "domain": (
        ["evaluate", "RUN", "--domain", "twinn"],
        "Unknown domain 'twinn' in task 'planar_reach'. Did you mean 'twin'?",
    ),
    "split": (["evaluate", "RUN", "--domain", "twin/tset"], "Unknown split 'tset'"),
    "split of sim": (["evaluate", "RUN", "--domain", "sim/val"], "this domain has no population of draws"),
    "arm": (["evaluate", "RUN", "--arm", "oracle"], "Allowed: oracle_control, oracle_perception, policy."),
    "step": (["evaluate", "RUN", "--step", "7"], "there is no such checkpoint. Kept are the steps 48, 52."),
    "trials": (["evaluate", "RUN", "--trials", "0"], "Invalid --trials: got 0, allowed is at least 1."),
    "episode": (["evaluate", "RUN", "--episode", "-1"], "Invalid --episode: got -1"),
    "long episode": (["evaluate", "RUN", "--episode", "9" * 25], "allowed is the number or the seed of an episode"),
    "save": (["evaluate", "RUN", "--save", "OUT"], "only with --episode"),
    "recording as a domain": (["evaluate", "RUN", "--domain", "DATA"], "it has no success rate"),
    "gap's trials": (["gap", "RUN", "--trials", "-3"], "Invalid --trials: got -3, allowed is at least 1."),
    "gap's target": (
        ["gap", "RUN", "--target", "tvin"],
        "Unknown domain 'tvin' in task 'planar_reach'. Did you mean 'twin'?",
    ),
    "report's target": (["report", "RUN", "--target", "sim"], "allowed is another domain than --nominal"),
    "run": (["evaluate", "MADE/rum"], "rum: no run is here (there is no config.json). Did you mean"),
    "run to resume": (["train", "--resume", "MADE/nothing"], "no run is here"),
    "run of the other kind": (["train", "--resume", "MADE/adapted"], "was adapted, not trained"),
    "run of the other kind, too": (["adapt", "--resume", "RUN"], "was trained, not adapted"),
    "more than a run to resume": (
        ["train", "--resume", "RUN", "--seed", "3"],
        "--resume takes everything from the run, which seed cannot change. Beside it may stand --device",
    ),
    "a configuration for a run to resume": (
        ["adapt", "--resume", "MADE/adapted", "--config.frames", "4"],
        "--resume takes everything from the run, which --config.frames cannot change.",
    ),
    "nothing to train": (["train"], "Name a method, for example `eyehand train modular_dqn`"),
    "nothing to adapt to": (["adapt", "RUN"], "Name a run and a recording"),
    "data": (["adapt", "RUN", "--data", "MADE/nodata", "--out", "OUT"], "Give the folder that holds meta/ and data/"),
    "frames": (
        ["record", "--domain", "sim", "--frames", "0", "--out", "OUT"],
        "Invalid frames: got 0, allowed is at least 1.",
    ),
    "first episode": (
        ["record", "--domain", "sim", "--frames", "2", "--first-episode", "-1", "--out", "OUT"],
        "Invalid first_episode: got -1, allowed is from 0 to 4294967294",
    ),
    "recorded task": (["record", "--task", "planer_reach", "--out", "OUT"], "Did you mean 'planar_reach'?"),
    "eyes that would not be used": (
        ["evaluate", "RUN", "--eyes", "eyes.onnx", "--arm", "oracle_perception"],
        "got 'eyes.onnx', allowed is no eyes beside --arm oracle_perception",
    ),
    "images": (["perceive", "RUN"], "Name image files"),
    "image": (["perceive", "RUN", "OUT"], "there is no such image"),
    "claims": (["claims", "modular_dqm"], "Unknown method with claims 'modular_dqm'. Did you mean 'modular_dqn'?"),
    "results": (["claims", "modular_dqn", "--results", "OUT"], "there is no such result file or folder"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_is_not_there_is_refused_with_what_is(what: str, made: Path, tmp_path: Path, refused: Refused) -> None:
    arguments, complaint = UNKNOWN[what]
    places = {"RUN": str(made / "run"), "DATA": str(made / "data"), "OUT": str(tmp_path / "out")}
    before = sorted(made.rglob("*"))
    line = refused(*(places.get(word, word.replace("MADE", str(made))) for word in arguments))
    assert complaint in line
    assert not list(tmp_path.iterdir())
    assert sorted(made.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("[control]\ngama = 0.9", "Unknown key 'gama' in FILE, table control. Did you mean 'gamma'?"),
        ("[contrl]\ngamma = 0.9", "Unknown key 'contrl' in FILE. Did you mean 'control'?"),
        (
            "[control]\ngamma = 1.5",
            "FILE, table control: Invalid gamma in ControlConfig: got 1.5, allowed is from 0 to 1.",
        ),
        ("[control]\nepsilon = [1.0]", "a list of 2: a finite number, a finite number"),
        ("[control]\nepsilon = [1.0, -0.1]", "Invalid epsilon in ControlConfig: got -0.1"),
        ("[control]\nworlds = 0", "Invalid worlds in ControlConfig: got 0, allowed is at least 1."),
        ("[control]\nwarm_up = 0", "Invalid warm_up in ControlConfig: got 0, allowed is at least 1."),
        ("[fine_tune]\nwarm_up = 0", "Invalid warm_up in FineTuneConfig: got 0, allowed is at least 1."),
        ("[control]\nworlds = 2.5", "Invalid control.worlds in FILE: got 2.5, allowed is a whole number."),
        ('[control]\nexploration = "greedy"', "Allowed: epsilon_greedy, k_gps."),
        ("[perception]\nlr = nan", "Invalid perception.lr in FILE: got nan, allowed is a finite number."),
        ("[perception]\nreal_share = -0.25", "Invalid real_share in PerceptionConfig: got -0.25"),
        ("[perception\n", "the file is not valid TOML"),
        (
            "stages = []",
            "got (), allowed is perception, end_to_end, or both in this order",
        ),
        ("hidden = [0]", "Invalid hidden in Config: got 0, allowed is at least 1."),
        ("layers = [{ filters = 4, kernel = 8, stride = 0 }]", "Invalid stride in ConvLayer: got 0"),
        ("layers = [{ filters = 4, kernel = 90, stride = 1 }]", "kernels that fit an image of 84 x 84"),
    ],
)
def test_an_overrides_file_is_refused_with_key_and_range(
    change: str, complaint: str, tmp_path: Path, refused: Refused
) -> None:
    file = tmp_path / "more.toml"
    file.write_text(change)
    line = refused("train", "modular_dqn", "--preset", "tiny", "--overrides", file, "--out", tmp_path / "out")
    assert complaint.replace("FILE", str(file)) in line
    assert list(tmp_path.iterdir()) == [file]


def test_a_wrong_change_on_the_command_line_is_refused_with_and_without_json(
    tmp_path: Path, capsys: Said, refused: Refused
) -> None:
    command = ["train", "modular_dqn", "--preset", "tiny", "--out", str(tmp_path / "out")]
    assert main([*command, "--config.control.gama", "1", "--json"]) == 2
    assert "--config.control.gama" in json.loads(capsys.readouterr().out)["error"]
    with pytest.raises(SystemExit) as exit_:
        main([*command, "--config.control.gama", "1"])
    assert exit_.value.code == 2
    assert "--config.control.gamma" in capsys.readouterr().err
    assert "Invalid n_step in ControlConfig: got 0" in refused(*command, "--config.control.n-step", "0")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("[dynamics]\nstep_gian = 0.9", "Unknown key of [dynamics] 'step_gian' in FILE. Did you mean 'step_gain'?"),
        ("[dynamics]\nstep_gain = { uniform = [1.0, 0.8] }", "two finite numbers, the lower one first"),
        ("[dynamics]\nmotion = 'servoo'", "Unknown motion back end 'servoo' in domain odd. Did you mean 'servo'?"),
        ("[appearance]\nimage = 'photo'", "Unknown image back end 'photo' in domain odd"),
        ("[sensor]\nlag = 0.1", "got '[sensor]', allowed is [timing]"),
        ("base = 'nowhere'", "Unknown domain 'nowhere'"),
    ],
)
def test_a_domain_file_is_refused_with_key_and_range(
    change: str, complaint: str, made: Path, tmp_path: Path, refused: Refused
) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(change)
    line = refused("evaluate", made / "run", "--domain", file, "--trials", 1)
    assert complaint.replace("FILE", str(file)) in line
    assert list(tmp_path.iterdir()) == [file]


def test_a_policy_that_reads_the_state_is_not_measured(
    made: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ModularDQN.policy

    def cheating(method: ModularDQN, model: Any, task: Any) -> Any:
        return honest(method, model, task).swap(perception=Truth(task.interface))

    monkeypatch.setattr(ModularDQN, "policy", cheating)
    for verb in ("evaluate", "gap", "report"):
        assert "The policy reads the group 'privileged'" in refused(verb, made / "run")


def test_a_folder_that_is_taken_is_left_as_it_is(copy: Path, refused: Refused) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    train = ["train", "modular_dqn", "--preset", "tiny", "--out"]
    assert "already holds a run. Continue it with --resume" in refused(*train, copy / "run")
    assert "is not empty and holds no run (data, meta)" in refused(*train, copy / "data")
    assert "this is a file. Choose a folder" in refused(*train, copy / "run/config.json")
    adapt = ["adapt", copy / "run", "--data", copy / "data", "--out"]
    assert "already holds a run" in refused(*adapt, copy / "adapted")
    record = ["record", "--domain", "sim", "--frames", 1, "--out"]
    assert "already holds a recording" in refused(*record, copy / "data")
    assert "already holds other files" in refused(*record, copy / "run")
    saving = ["evaluate", copy / "run", "--episode", 1, "--save", copy / "run/config.json"]
    assert "File exists. Choose a place" in refused(*saving)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_corrupt_checkpoint_is_named_and_the_one_before_it_is_used(
    copy: Path, capsys: Said, refused: Refused
) -> None:
    (copy / "run/checkpoints/52/model.safetensors").write_bytes(b"not weights")
    capsys.readouterr()
    assert main(["evaluate", str(copy / "run"), "--trials", "1", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["n"] == 1
    assert "checkpoints/52/model.safetensors: does not match its checksum" in err
    assert "Falling back to checkpoint 48." in err
    assert "checkpoints/52" in refused("evaluate", copy / "run", "--step", 52)


def test_without_a_whole_checkpoint_nothing_is_measured_or_adapted(copy: Path, refused: Refused) -> None:
    for file in copy.glob("run/checkpoints/*/model.safetensors"):
        file.write_bytes(file.read_bytes()[:-7])
    for command in (["evaluate"], ["gap"], ["report"], ["adapt", "--data", copy / "data", "--out", copy / "out"]):
        line = refused(command[0], copy / "run", *command[1:])
        assert f"{copy / 'run/checkpoints'}: no checkpoint is whole" in line
        assert "train again into another folder" in line
    assert "no checkpoint is whole" in refused("train", "--resume", copy / "run")
    assert not (copy / "out").exists()
    shutil.rmtree(copy / "run/checkpoints")
    assert "the run has no checkpoint yet. Continue it with `eyehand train --resume" in refused(
        "evaluate", copy / "run"
    )


def test_a_run_whose_configuration_is_damaged_is_refused(copy: Path, refused: Refused) -> None:
    path = copy / "run/config.json"
    whole = json.loads(path.read_text())
    for change, complaint in (
        ({**whole, "method": "modular_dqm"}, "Unknown method 'modular_dqm'"),
        ({**whole, "options": ["joints=2"]}, "the weights do not fit the networks"),
        ({**whole, "seed": "x"}, "seed"),
        ({**whole, "config": {**whole["config"], "hidden": [17]}}, "the weights do not fit the networks"),
        ({**whole, "colour": 1}, "Unknown key 'colour'"),
        ([], "holds no JSON object"),
    ):
        path.write_text(json.dumps(change))
        assert complaint in refused("evaluate", copy / "run")
    path.write_text("{")
    assert "cannot be read as JSON" in refused("evaluate", copy / "run")


@pytest.fixture
def adapting(copy: Path, refused: Refused) -> Callable[[], str]:
    """A function that gives the line with which adaptation to the damaged recording is refused."""

    def run() -> str:
        line = refused("adapt", copy / "run", "--data", copy / "data", "--out", copy / "out")
        assert not (copy / "out").exists()
        return line

    return run


def changed_info(copy: Path, change: Any) -> None:
    path = copy / "data/meta/info.json"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def changed_data(copy: Path, change: Any) -> None:
    """Rewrite the recording's only data file."""
    (path,) = (copy / "data/data").rglob("*.parquet")
    pq.write_table(change(pq.read_table(path)), path)


def test_a_recording_without_a_needed_feature_is_refused(copy: Path, adapting: Callable[[], str]) -> None:
    changed_info(copy, lambda info: info["features"].pop("observation.state"))
    line = adapting()
    assert "feature 'observation.state' is missing" in line
    assert "Needed are: observation.images.webcam (210, 160, 3), observation.state (3)" in line
    assert "Held are:" in line


def test_a_recording_that_lists_what_its_file_lacks_is_refused(copy: Path, adapting: Callable[[], str]) -> None:
    changed_data(copy, lambda table: table.drop_columns(["observation.state"]))
    assert "feature 'observation.state' is missing" in adapting()


def test_pictures_of_another_size_are_refused(copy: Path, adapting: Callable[[], str]) -> None:
    changed_info(copy, lambda info: info["features"]["observation.images.webcam"].update(shape=[480, 640, 3]))
    line = adapting()
    assert "feature 'observation.images.webcam' has shape (480, 640, 3). Needed is (210, 160, 3)." in line


def test_another_number_of_joints_is_refused(copy: Path, adapting: Callable[[], str]) -> None:
    changed_info(copy, lambda info: info["features"]["observation.state"].update(shape=[7], names=None))
    assert "observation.state" in adapting()


def test_joints_that_are_not_finite_are_refused_with_their_row(copy: Path, adapting: Callable[[], str]) -> None:
    def break_row(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("observation.state")
        values = table.column(place).to_pylist()
        values[6][1] = float("nan")
        return table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))

    changed_data(copy, break_row)
    assert "feature 'observation.state' is not finite in 1 of 10 frames, first in row 6" in adapting()


def test_a_data_file_that_was_cut_short_is_refused(copy: Path, adapting: Callable[[], str]) -> None:
    (path,) = (copy / "data/data").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:500])
    assert str(path) in adapting()


def test_a_picture_that_is_damaged_anywhere_is_refused(copy: Path, adapting: Callable[[], str]) -> None:
    def break_picture(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("observation.images.webcam")
        values = table.column(place).to_pylist()
        values[7]["bytes"] = values[7]["bytes"][:60]
        return table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))

    changed_data(copy, break_picture)
    line = adapting()
    assert "observation.images.webcam" in line
    assert "row 7" in line


def test_a_calibration_that_is_none_is_refused(copy: Path, adapting: Callable[[], str]) -> None:
    changed_info(copy, lambda info: info["eyehand"].update(plane_to_image=[[1, 0], [0, 1]]))
    line = adapting()
    assert "Invalid plane_to_image in info.json" in line
    assert "an invertible 3 x 3 matrix of finite numbers" in line


def test_more_frames_than_the_paper_had_are_refused(
    adapting: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModularDQN, "budget", Budget(frames=5, labels=5))
    line = adapting()
    assert "8" in line
    assert "5" in line


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nrubbish", b"GIF89a", b"text"])
def test_an_image_that_is_none_is_refused_before_anything_is_written(
    content: bytes, made: Path, tmp_path: Path, refused: Refused
) -> None:
    Image.new("RGB", (160, 210)).save(tmp_path / "fine.png")
    (tmp_path / "bad.png").write_bytes(content)
    out = tmp_path / "out"
    line = refused("perceive", made / "run", tmp_path / "fine.png", tmp_path / "bad.png", "--out", out)
    assert f"{tmp_path / 'bad.png'}: cannot be read as an image" in line
    assert "PNG and JPEG" in line
    assert not out.exists()


def test_an_image_that_was_cut_short_is_refused(made: Path, tmp_path: Path, refused: Refused) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (210, 160, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "frame.png")
    (tmp_path / "frame.png").write_bytes((tmp_path / "frame.png").read_bytes()[:20_000])
    line = refused("perceive", made / "run", tmp_path / "frame.png")
    assert "frame.png: cannot be read as an image" in line


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """After this is called, every sync of a file below the folder fails as on a full disk."""
    sync = os.fsync

    def fill(folder: Path, after: int = 0) -> None:
        left = iter([True] * after)

        def fsync(descriptor: int) -> None:
            place = str(Path(f"/proc/self/fd/{descriptor}").readlink())
            if place.startswith(str(folder)) and not next(left, False):
                raise OSError(errno.ENOSPC, "No space left on device", place)
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)

    return fill


linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors have no names here")


@linux
@pytest.mark.parametrize("after", [0, 3, 8, 14])
def test_a_full_disk_stops_training_with_what_was_saved_whole(
    after: int, tmp_path: Path, capsys: Said, told: Told, full_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    full_disk(run, after)
    capsys.readouterr()
    code = main(["train", "modular_dqn", "--preset", "tiny", "--out", str(run), "--json"])
    assert code == 2
    line = json.loads(capsys.readouterr().out)["error"]
    assert "disk is full" in line or "No space left" in line
    monkeypatch.undo()
    assert not list(run.rglob("*.tmp-*"))
    if (run / "config.json").exists():
        assert told("train", "--resume", run)["steps"] == 52
    else:
        assert told("train", "modular_dqn", "--preset", "tiny", "--out", run)["steps"] == 52


@linux
def test_a_full_disk_stops_a_recording_that_then_goes_on(
    tmp_path: Path, capsys: Said, full_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk(tmp_path, 2)
    command = ["record", "--domain", "sim", "--frames", "70", "--out", str(tmp_path / "data"), "--json"]
    capsys.readouterr()
    assert main(command) == 2
    assert "full" in json.loads(capsys.readouterr().out)["error"]
    assert not (tmp_path / "data").exists()
    monkeypatch.undo()
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 70
    assert [path.name for path in tmp_path.iterdir()] == ["data"]

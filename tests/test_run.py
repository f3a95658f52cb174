from __future__ import annotations

import io
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from eyehand.errors import EyehandError, FileFormatError, InvalidValueError
from eyehand.learning.generators import (
    generator_tensors,
    global_tensors,
    restore_generators,
    restore_global,
    spawn,
)
from eyehand.learning.progress import Progress
from eyehand.learning.run import Run

CONFIG: dict[str, Any] = {"method": "toy", "task": "toy", "domains": ["sim"], "preset": "tiny", "seed": 3, "config": {}}


def test_a_created_run_opens_again(tmp_path: Path) -> None:
    created = Run.create(tmp_path / "runs" / "a", CONFIG, quiet=True)
    opened = Run.open(tmp_path / "runs" / "a")
    assert opened.config == created.config == CONFIG
    assert (opened.seed, opened.folder) == (3, tmp_path / "runs" / "a")
    assert opened.resume_command == f"eyehand train --resume {opened.folder}"
    provenance = json.loads((opened.folder / "provenance.json").read_text())
    assert provenance["threads"] == torch.get_num_threads()
    assert provenance["versions"]["torch"] == metadata.version("torch")
    assert provenance["machine"]["cpus"] >= 1


def test_an_occupied_folder_is_refused(tmp_path: Path) -> None:
    Run.create(tmp_path / "a", CONFIG)
    with pytest.raises(EyehandError, match=r"already holds a run\. Continue it with --resume .*a, or .*--out"):
        Run.create(tmp_path / "a", CONFIG)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(EyehandError, match=r"not empty and holds no run \(cat\.jpg\)"):
        Run.create(tmp_path / "photos", CONFIG)
    with pytest.raises(EyehandError, match="this is a file"):
        Run.create(tmp_path / "photos" / "cat.jpg", CONFIG)
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["cat.jpg"]


def test_what_a_kill_at_birth_leaves_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("provenance.json", ".config.json.tmp-123", ".lock"):
        (tmp_path / "a" / name).touch()
    assert Run.create(tmp_path / "a", CONFIG).seed == 3


def test_a_run_needs_a_seed(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="seed"):
        Run.create(tmp_path / "a", {**CONFIG, "seed": "three"})
    assert not (tmp_path / "a").exists()


def test_a_missing_run_names_the_closest(tmp_path: Path) -> None:
    for name in ("reach_sim", "push"):
        Run.create(tmp_path / name, CONFIG)
    with pytest.raises(FileFormatError, match=r"no run is here.*Did you mean '.*reach_sim'\? .*push, reach_sim"):
        Run.open(tmp_path / "reach-sim")


@pytest.mark.parametrize(("text", "words"), [("{", "JSON"), ("[]", "no JSON object"), ("{}", "seed")])
def test_a_corrupt_configuration_is_named(tmp_path: Path, text: str, words: str) -> None:
    run = Run.create(tmp_path / "a", CONFIG)
    (run.folder / "config.json").write_text(text)
    with pytest.raises(EyehandError, match=rf"config\.json.*{words}|{words}.*config\.json"):
        Run.open(run.folder)


def test_metrics_are_lines_of_json(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", CONFIG)
    assert run.metrics() == []
    run.log(10, {"train/loss": 0.5})
    run.log(20, {"train/loss": float("nan"), "eval/sim/success": 1.0})
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == run.metrics()
    assert run.metrics()[1] == {"step": 20, "train/loss": None, "eval/sim/success": 1.0}


def test_a_metrics_line_cut_short_is_left_out_and_a_broken_one_is_named(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", CONFIG)
    run.log(1, {"train/loss": 0.5})
    path = run.folder / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 2, "tra')
    assert [line["step"] for line in run.metrics()] == [1]
    for broken in ('{"step"', "12"):
        path.write_text(broken + '\n{"step": 2}\n')
        with pytest.raises(FileFormatError, match="line 1 is no JSON object"):
            run.metrics()


def test_resuming_without_a_checkpoint_starts_the_metrics_afresh(tmp_path: Path) -> None:
    Run.create(tmp_path / "a", CONFIG).log(1, {"train/loss": 0.5})
    run = Run.open(tmp_path / "a")
    run.begin()
    assert run.restored is None
    assert run.metrics() == []


def test_a_metrics_line_cut_before_its_end_of_line_stays_a_line(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", CONFIG)
    run.log(1, {"train/loss": 0.5})
    path = run.folder / "metrics.jsonl"
    path.write_text(path.read_text().rstrip())
    run.checkpoints.save(1, {}, {}, {"threads": torch.get_num_threads()})
    again = Run.open(run.folder)
    again.begin()
    again.log(2, {})
    assert [line["step"] for line in again.metrics()] == [1, 2]


def test_weights_to_evaluate_must_be_there(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", CONFIG)
    with pytest.raises(FileFormatError, match=r"no checkpoint yet\. Continue it with `eyehand train --resume"):
        run.trained()
    run.checkpoints.save(4, {"w": torch.ones(1)}, {"big": torch.zeros(9)}, {})
    assert (run.trained().step, run.trained().extra) == (4, {})


def test_other_thread_counts_and_fallbacks_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run.create(tmp_path / "a", CONFIG)
    for step in (1, 2):
        run.checkpoints.save(step, {"w": torch.ones(1)}, {}, {"threads": 63, "wall_s": 5.0})
    (run.folder / "checkpoints" / "2" / "state.json").write_text("{}")
    again = Run.open(run.folder)
    again.begin()
    assert again.wall_s >= 5.0
    shown = capsys.readouterr().err
    assert "Falling back to checkpoint 1." in shown
    assert "trained with 63 threads" in shown
    assert len(again.warnings) == 2


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", CONFIG)
    script = "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    arguments = [sys.executable, "-c", script, str(run.folder / ".lock")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(EyehandError, match="another process is training in this folder"):
            run.begin()
        other.kill()
    run.begin()


def test_generators_depend_on_seed_and_name_alone() -> None:
    draws = {(seed, name): torch.rand(4, generator=spawn(seed, name)) for seed in (0, 1) for name in ("a", "a/b", "b")}
    assert torch.equal(draws[0, "a"], torch.rand(4, generator=spawn(0, "a")))
    values = [tuple(draw.tolist()) for draw in draws.values()]
    assert len(set(values)) == 6


def test_generators_go_on_where_they_were_saved() -> None:
    one, other = spawn(0, "a"), spawn(9, "z")
    torch.rand(5, generator=one)
    saved = generator_tensors(explore=one)
    expected = torch.rand(5, generator=one)
    restore_generators(saved, explore=other)
    assert torch.equal(torch.rand(5, generator=other), expected)
    everything = global_tensors()
    expected = torch.rand(5)
    restore_global(everything)
    assert torch.equal(torch.rand(5), expected)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(terminal: bool, quiet: bool = False) -> str:
    clock, stream = Clock(), io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100)
    with Progress("control", 1000, done=200, quiet=quiet, console=console, clock=clock) as progress:
        for done in range(201, 501):
            clock.now += 0.1
            progress.update(done)
            if done == 210:
                progress.note({"eval/sim/success": 0.25, "train/loss": 1.0})
    return stream.getvalue()


def test_progress_away_from_a_terminal_is_a_line_every_ten_seconds() -> None:
    lines = shown(terminal=False).splitlines()
    assert len(lines) in {3, 4}  # thirty seconds, and the end
    assert lines[0].split("  ") == [
        "control",
        " 30 % of 1,000 updates",
        "success 0.25",
        "10.0 updates/s",
        "1:10 left",
    ]


def test_progress_on_a_terminal_stays_on_its_line() -> None:
    text = shown(terminal=True)
    assert "50 % of 1,000 updates" in text
    assert "\r" in text
    assert text.count("\n") <= 2


def test_quiet_progress_says_nothing() -> None:
    assert shown(terminal=False, quiet=True) == shown(terminal=True, quiet=True) == ""

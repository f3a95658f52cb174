"""`eyehand demo`: the whole crossing in a few minutes, and a check that it worked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eyehand.cli import output, report
from eyehand.errors import EyehandError
from eyehand.evaluation.comparison import ORACLE, chain
from eyehand.evaluation.crossing import Where, adapt, train
from eyehand.evaluation.results import Results, table
from eyehand.evaluation.trained import Subject
from eyehand.methods import load_method

METHOD, TASK = "modular_dqn", "planar_reach"
ORACLE_LEAST = 0.9


@dataclass(frozen=True)
class Options:
    """Options of `eyehand demo`."""

    out: Path = Path("runs/demo")
    """Folder for everything the demo makes; a demo that was stopped goes on."""
    preset: str = "quick"
    """Preset of the method."""
    trials: int = 20
    """Episodes of every policy in each domain."""
    seed: int = 0
    """Seed of everything random."""
    json: bool = False
    """Print JSON, and no progress."""


def run(arguments: Sequence[str]) -> int:
    """Train, record, adapt, fine-tune, measure; the exit code is 1 unless the crossing worked."""
    options = output.parse(Options, arguments, "demo")
    began = time.monotonic()
    last = _cross(options)
    asked = report.Options(last, trials=options.trials, gap_trials=0, again=True)
    made = report.make_report(chain(last), asked)
    problems = verdict(made.results)
    data = {
        "report": made.report_path,
        "results": made.results_path,
        "seconds": round(time.monotonic() - began, 1),
        "problems": problems,
    }
    lines = [table(made.results), "", *(problems or ["The crossing worked."]), f"Report: {made.report_path}"]
    output.emit(options.json, data, lambda: "\n".join(lines))
    return 1 if problems else 0


def verdict(results: Results) -> list[str]:
    """What keeps the crossing from having worked: a weak oracle, or adapted and sim-only not apart on the target."""
    (target,) = (domain.name for domain in results.domains if domain.held_out)
    oracle, adapted, sim_only = (results.find(arm, target)[0].rate for arm in (ORACLE, "adapted", "sim_only"))
    problems: list[str] = []
    if oracle.value < ORACLE_LEAST:
        problems.append(f"The oracle succeeds in {oracle.text()} on {target}, below {ORACLE_LEAST}.")
    if adapted.low <= sim_only.high:
        problems.append(f"Adapted {adapted.text()} and sim-only {sim_only.text()} on {target} are not apart.")
    return problems


def _cross(options: Options) -> Path:
    """Every step of the crossing that is not there yet; returns the folder of the last run."""
    folders = {name: options.out / name for name in ("sim_only", "recording", "adapted", "fine_tuned")}
    method = load_method(METHOD)
    config = method.preset(options.preset)
    subject = Subject(METHOD, TASK, preset=options.preset, seed=options.seed)
    _step(options, "Recording frames of the twin, in the background", folders["recording"])
    recording = _record(folders["recording"], config.frames)
    _step(options, "Training in simulation", folders["sim_only"])
    train(subject, config, _where(options, folders["sim_only"]))
    if recording is not None and recording.wait():
        raise EyehandError(f"Recording the twin failed with exit code {recording.returncode}; its message is above.")
    stages = (("adapted", "sim_only", "perception"), ("fine_tuned", "adapted", "end_to_end"))
    for name, parent, stage in stages:
        _step(options, f"Adapting: {stage}", folders[name])
        whose = replace(subject, parent=str(folders[parent]), data=str(folders["recording"]))
        adapt(whose, replace(config, stages=(stage,)), _where(options, folders[name]))
    _step(options, "Measuring", options.out)
    return folders["fine_tuned"]


def _record(folder: Path, frames: int) -> subprocess.Popen[bytes] | None:
    """Record the twin in a process of its own while the policy trains; None where the recording is there already."""
    if folder.exists():
        return None
    command = [sys.executable, "-m", "eyehand", "record", "--task", TASK, "--domain", "twin"]
    command += ["--frames", str(frames), "--out", str(folder), "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _where(options: Options, folder: Path) -> Where:
    return Where(folder, resume=(folder / "config.json").exists(), quiet=options.json)


def _step(options: Options, what: str, folder: Path) -> None:
    if not options.json:
        print(f"{what} ({folder})", flush=True)

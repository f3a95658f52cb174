"""Kill training at random moments and compare what comes out with a run that was left in peace.

    python scripts/torture.py --kills 60 --inside-write 10 --seed 0

Every job of the table runs once undisturbed. Then it is run again and again: its process is killed (SIGKILL) at a
uniformly random moment, or exactly while a checkpoint is being written, and resumed, until it finishes; the weights
must then be those of the undisturbed run, byte for byte. Exits with 1 and says which run differs, else with 0.

The moments are spread over the life of a run folder, from shortly before its birth to its end: a kill while the
process still imports its libraries, which can be most of a short job, would test nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

EYEHAND = (sys.executable, "-m", "eyehand")


@dataclass(frozen=True)
class Job:
    """A command that trains, and how to continue it; `{work}` is a shared folder, `{out}` the job's run folder."""

    name: str
    start: tuple[str, ...]
    resume: tuple[str, ...]


# Run once, in this order, before the jobs: the run to adapt and the frames to adapt it with.
SETUP: tuple[tuple[str, ...], ...] = (
    (*EYEHAND, "train", "modular_dqn", "--task", "planar_reach", "--preset", "tiny", "--out", "{work}/source"),
    (*EYEHAND, "record", "--task", "planar_reach", "--domain", "twin", "--frames", "64", "--out", "{work}/frames"),
)
JOBS: tuple[Job, ...] = (
    Job(
        "train",
        (*EYEHAND, "train", "modular_dqn", "--task", "planar_reach", "--preset", "tiny", "--out", "{out}"),
        (*EYEHAND, "train", "--resume", "{out}"),
    ),
    Job(  # phases: adaptation of the eyes, then fine-tuning end to end
        "adapt",
        (*EYEHAND, "adapt", "{work}/source", "--data", "{work}/frames", "--preset", "tiny", "--out", "{out}"),
        (*EYEHAND, "adapt", "--resume", "{out}"),
    ),
)
ATTEMPTS_PER_KILL = 20  # children, at most; more means that the job makes no headway between kills


class TortureError(Exception):
    """A job that failed by itself, or whose weights differ; the message says which and how."""


@dataclass
class Tally:
    """What was done to one job.

    Attributes:
        kills: processes killed.
        inside_write: those of them that were writing a checkpoint.
        finished: disturbed runs that reached their end with the right weights.
        phases: kills by the phase that the newest checkpoint stood in ("none" before the first).
    """

    kills: int = 0
    inside_write: int = 0
    finished: int = 0
    phases: Counter[str] = field(default_factory=Counter[str])


def torture(job: Job, work: Path, kills: int, inside_write: int, dice: random.Random) -> Tally:
    """Disturb one job until it was killed often enough, both ways, and finish every run that was begun.

    Args:
        job: the job.
        work: a folder for its runs; the undisturbed one is kept as `<job>-undisturbed`.
        kills: how many processes to kill in all, at least.
        inside_write: how many of them while they write a checkpoint, at least.
        dice: where the random moments come from.

    Raises:
        TortureError: a child failed, the weights of a run differ, or no headway is made.
    """
    undisturbed = work / f"{job.name}-undisturbed"
    began = time.time()
    expected = _finish(job, work, undisturbed)
    born_s, ended_s = (undisturbed / "config.json").stat().st_mtime - began, time.time() - began
    tally, children = Tally(), 0
    while tally.kills < kills or tally.inside_write < inside_write:
        out = work / f"{job.name}-{tally.finished}"
        while tally.kills < kills or tally.inside_write < inside_write:
            children += 1
            if children > ATTEMPTS_PER_KILL * (kills + inside_write):
                raise TortureError(f"{job.name}: after {children} processes still only {tally.kills} kills in {out}")
            aim_at_write = tally.inside_write < inside_write and dice.random() < 0.5
            if not _disturb(job, work, out, tally, dice.uniform(0.9 * born_s, ended_s), aim_at_write):
                break
        if _finish(job, work, out) != expected:
            raise TortureError(f"{job.name}: the weights in {out} differ from those of the undisturbed run")
        tally.finished += 1
        shutil.rmtree(out)
    return tally


def _disturb(job: Job, work: Path, out: Path, tally: Tally, delay_s: float, aim_at_write: bool) -> bool:
    """Start or resume the job and kill it; False where it finished before."""
    with tempfile.TemporaryFile() as errors:
        process = _launch(job, work, out, errors.fileno())
        deadline = time.monotonic() + delay_s
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(min(0.005, max(0.0, deadline - time.monotonic())))
        while aim_at_write and process.poll() is None and not _is_writing(out, process.pid):
            pass  # a write lasts a few milliseconds: no time to sleep
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:  # it ended before its time came
            _require_success(job.name, process.returncode, errors)
            return False
    tally.kills += 1
    tally.inside_write += _is_writing(out, process.pid)  # seen after its death: it died in the middle
    tally.phases[_phase(out)] += 1
    return True


def _finish(job: Job, work: Path, out: Path) -> bytes:
    """Run the job to its end, undisturbed; the bytes of its weights."""
    with tempfile.TemporaryFile() as errors:
        process = _launch(job, work, out, errors.fileno())
        process.wait()
        _require_success(job.name, process.returncode, errors)
    newest = (out / "checkpoints" / "last").read_text().strip()
    return (out / "checkpoints" / newest / "model.safetensors").read_bytes()


def _launch(job: Job, work: Path, out: Path, errors: int) -> subprocess.Popen[bytes]:
    # config.json is the last thing that a new run writes: without it the run was never born.
    command = job.resume if (out / "config.json").exists() else job.start
    return subprocess.Popen(
        _filled(command, work, out),
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=_environment(),
        start_new_session=True,
    )


def _filled(command: tuple[str, ...], work: Path, out: Path) -> list[str]:
    return [word.replace("{work}", str(work)).replace("{out}", str(out)) for word in command]


def _environment() -> dict[str, str]:
    # Sums over threads add up in another order: bits are equal at one thread count only.
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _require_success(name: str, code: int, errors: IO[bytes]) -> None:
    if code:
        errors.seek(0)
        text = errors.read().decode(errors="replace")
        raise TortureError(f"{name}: a process exited with {code} by itself:\n{text}")


def _is_writing(out: Path, pid: int) -> bool:
    return any((out / "checkpoints").glob(f"step-*.tmp-{pid}"))


def _phase(out: Path) -> str:
    """The phase that the newest checkpoint stands in."""
    steps = [int(p.name) for p in out.glob("checkpoints/*") if p.name.isdecimal()]
    if not steps:
        return "none"
    return str(json.loads((out / "checkpoints" / str(max(steps)) / "state.json").read_text()).get("phase"))


def main(arguments: list[str] | None = None) -> int:
    """Torture every job of the table; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60, help="processes to kill, over all jobs (default 60)")
    parser.add_argument(
        "--inside-write", type=int, default=10, help="of these, while writing a checkpoint (default 10)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments (default 0)")
    parser.add_argument("--json", action="store_true", help="print the tallies as JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="eyehand-torture-") as folder:
        try:
            tallies = _torture_all(Path(folder), options.kills, options.inside_write, options.seed)
        except TortureError as error:
            print(error, file=sys.stderr)
            return 1
    if options.json:
        print(json.dumps({name: vars(tally) for name, tally in tallies.items()}))
    return 0


def _torture_all(work: Path, kills: int, inside_write: int, seed: int) -> dict[str, Tally]:
    for command in SETUP:
        words = _filled(command, work, work)
        with tempfile.TemporaryFile() as errors:
            done = subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=errors, env=_environment())
            _require_success(shlex.join(words), done.returncode, errors)
    dice = random.Random(seed)
    tallies: dict[str, Tally] = {}
    for job in JOBS:
        # Rounded up, so that the sums are at least what was asked for.
        tally = torture(job, work, -(-kills // len(JOBS)), -(-inside_write // len(JOBS)), dice)
        phases = ", ".join(f"{count} in {phase}" for phase, count in tally.phases.items())
        print(
            f"{job.name}: {tally.kills} kills ({phases}), {tally.inside_write} inside a checkpoint write; "
            f"{tally.finished} runs finished, all with the weights of the undisturbed run",
            file=sys.stderr,
        )
        tallies[job.name] = tally
    return tallies


if __name__ == "__main__":
    sys.exit(main())

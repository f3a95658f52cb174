"""A reproduction as cells: small steps of at most twenty minutes, each of which writes its result file at once.

A cell that has its file is skipped, so a reproduction goes on where it was stopped; the training inside a cell goes on
from its checkpoint. Where a missing cell reads the run of one whose file is there without its run, as in a fresh clone,
that one is made again. `main` is the command line that every method's list of cells shares:

    python reproduce/METHOD.py                     every cell that is missing, two at a time
    python reproduce/METHOD.py --only 'P75-*'      some of them
    python reproduce/METHOD.py --list              what is there and what is missing
    python reproduce/METHOD.py --again EE2-0       make one cell once more and compare it with its file
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from eyehand.data.durable import replace_text
from eyehand.errors import UnknownNameError
from eyehand.evaluation.results import Results
from eyehand.evaluation.results_file import read_results, to_json, write_results
from eyehand.learning.run import Run

# One core each: outcomes are exact on as many threads as before, and two cells share two cores.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
PAUSE_S = 0.5


@dataclass(frozen=True)
class Cell:
    """One step of a reproduction.

    Attributes:
        name: name of its result file.
        make: trains or measures with runs in a folder, and returns the results.
        after: names of the cells whose runs it reads.
        curves: metrics of the run of the same name whose learning curves are kept beside the results.
        files: JSON files that it leaves in the folder of runs, to be kept beside the results too.
        runs: names of the runs that it makes, besides one of its own name.
    """

    name: str
    make: Callable[[Path], Results]
    after: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """Options of a reproduction."""

    only: str = "*"
    """Cells to make, as a pattern; cells whose runs they read and that are not there are made before them."""
    jobs: int = 2
    """Cells at a time, each on one core; 0 makes them in this process, one after another."""
    list: bool = False
    """Say what is there and what is missing, and make nothing."""
    again: str = ""
    """Make this cell once more, write nothing, and fail where any outcome differs from its file; "any" is a random
    one of those whose files and whose parents' runs are there."""
    runs: Path = Path("runs/reproduce")
    """Where trainings and recordings go."""
    results: Path = Path("results")
    """Where result files go, in a folder of the method's name."""


def main(method: str, cells: Sequence[Cell]) -> None:
    """Run the command line of a method's cells; exits with 1 where a cell failed or differs."""
    options = tyro.cli(Options)
    runs, results = options.runs / method, options.results / method
    known = {cell.name: cell for cell in cells}
    if options.again:
        sys.exit(_again(_chosen(options.again, known, runs, results), runs, results))
    wanted = [cell for cell in cells if fnmatch.fnmatch(cell.name, options.only)]
    missing = [cell for cell in wanted if not _file(results, cell).exists()]
    print(f"{method}: {len(wanted) - len(missing)} of {len(wanted)} cells are there.", flush=True)
    missing = _with_runs(missing, known, runs)
    if options.list:
        print("\n".join(f"missing: {cell.name}" for cell in missing))
    elif options.jobs:
        sys.exit(_in_processes(missing, options))
    else:
        for cell in missing:
            _make(cell, runs, results)


def _with_runs(missing: Sequence[Cell], known: Mapping[str, Cell], runs: Path) -> list[Cell]:
    """Missing cells, and before each of them those whose runs it reads and that are not there."""
    found: dict[str, Cell] = {}
    for cell in missing:
        before = [known[name] for name in cell.after if not (runs / name).is_dir()]
        found |= {one.name: one for one in (*_with_runs(before, known, runs), cell) if one.name not in found}
    return list(found.values())


def _file(results: Path, cell: Cell) -> Path:
    return results / f"{cell.name}.json"


def _make(cell: Cell, runs: Path, results: Path) -> None:
    """Make a cell and write its file."""
    began = time.monotonic()
    results.mkdir(parents=True, exist_ok=True)
    made = cell.make(runs)
    took = dataclasses.replace(made.provenance, wall_time_s=time.monotonic() - began)  # without the cells before it
    made = dataclasses.replace(made, name=cell.name, provenance=took)
    beside = results.parent / "curves" / results.name
    if cell.curves:
        _keep_curves(cell, runs, beside)
    for name in cell.files:
        beside.mkdir(parents=True, exist_ok=True)
        replace_text(beside / name, (runs / name).read_text(encoding="utf-8"))
    write_results(made, _file(results, cell))
    print(f"{cell.name}: {(time.monotonic() - began) / 60:.1f} minutes.", flush=True)


def _keep_curves(cell: Cell, runs: Path, folder: Path) -> None:
    """Write the learning curves of a cell's training: for every metric its values and the updates behind each."""
    lines = Run.open(runs / cell.name).metrics()
    kept = {name: [[line["step"], line[name]] for line in lines if line.get(name) is not None] for name in cell.curves}
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / f"{cell.name}.json", json.dumps({"curves": kept}) + "\n")


def _in_processes(missing: Sequence[Cell], options: Options) -> int:
    """Make cells in processes of their own, each as soon as what it reads is there; returns how many failed."""
    waiting, running, failed = list(missing), dict[str, subprocess.Popen[bytes]](), list[str]()
    while waiting or running:
        busy = {cell.name for cell in waiting} | running.keys()
        ready = [cell for cell in waiting if not busy & set(cell.after)]
        for cell in ready[: max(options.jobs - len(running), 0)]:
            waiting.remove(cell)
            if missed := [name for name in cell.after if name in failed]:
                print(f"{cell.name}: left out, because {', '.join(missed)} failed.", flush=True)
                failed.append(cell.name)
                continue
            running[cell.name] = _start(cell, options)
        for name, process in list(running.items()):
            if process.poll() is not None:
                del running[name]
                failed += [name] if process.returncode else []
        time.sleep(PAUSE_S)
    if failed:
        print(f"Failed: {', '.join(failed)}; their output is in {options.runs}. Start again to try them again.")
    return len(failed)


def _start(cell: Cell, options: Options) -> subprocess.Popen[bytes]:
    """A process that makes one cell; what it prints goes to a file beside its runs."""
    options.runs.mkdir(parents=True, exist_ok=True)
    places = ("--runs", str(options.runs), "--results", str(options.results))
    command = [sys.executable, sys.argv[0], "--only", cell.name, "--jobs", "0", *places]
    print(f"{cell.name}: begun.", flush=True)
    with (options.runs / f"{cell.name}.log").open("ab") as log:
        return subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdout=log, stderr=log)


def _chosen(name: str, known: Mapping[str, Cell], runs: Path, results: Path) -> Cell:
    """The cell of a name, or any that can be made again."""
    ready = [
        cell.name
        for cell in known.values()
        if _file(results, cell).exists() and all((runs / read).is_dir() for read in cell.after)
    ]
    name = random.choice(ready) if name == "any" and ready else name
    if name not in ready:
        sys.stderr.write(f"{UnknownNameError('cell that can be made again', name, tuple(ready))}\n")
        sys.exit(2)
    return known[name]


def _again(cell: Cell, runs: Path, results: Path) -> int:
    """Make a cell anew, its own trainings included, with the runs that it reads; returns 1 where outcomes differ."""
    print(f"{cell.name}: making it again.", flush=True)
    before = _outcomes(read_results(_file(results, cell)))
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        known = runs.iterdir() if runs.exists() else ()
        for read in (path for path in known if path.is_dir() and path.name not in (cell.name, *cell.runs)):
            (fresh / read.name).symlink_to(read.resolve())
        after = _outcomes(cell.make(fresh))
    different = [name for name in before if not np.array_equal(before[name], after.get(name, np.empty(0)))]
    print(f"{cell.name}: " + (f"differs in {', '.join(different)}" if different else "every outcome is the same"))
    return int(bool(different))


def _outcomes(results: Results) -> Mapping[str, np.ndarray]:
    """Every column of numbers in a result file by name, rounded as files are."""
    document, found = to_json(results), dict[str, np.ndarray]()
    for cell in document["cells"]:
        for column in ("success", "steps", "total_reward"):
            found[f"{cell['arm']} on {cell['domain']}, {column}"] = np.array(cell["episodes"][column])
        for column, values in cell["episodes"]["measures"].items():
            found[f"{cell['arm']} on {cell['domain']}, {column}"] = np.array(values)
    for errors in document["interface_errors"]:
        found[f"{errors['arm']} on {errors['domain']}, {errors['name']}"] = np.array(errors["values"])
    return found

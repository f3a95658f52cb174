"""`eyehand doctor`: what is installed, which renderers there are, how fast they are, and what to do about it.

Nothing heavy is imported here at package level, because a missing dependency is what this verb has to tell about.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from eyehand import __version__
from eyehand.cli import output

DEPENDENCIES = (
    "numpy",
    "torch",
    "mujoco",
    "gymnasium",
    "numba",
    "pyarrow",
    "av",
    "safetensors",
    "pillow",
    "tyro",
    "rich",
    "matplotlib",
    "embreex",
)
LEAST_DISK_GB = 2.0  # runs, recordings and reports of every task at the laptop preset


@dataclass(frozen=True)
class Options:
    """Options of `eyehand doctor`."""

    json: bool = False
    """Print JSON."""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with the machine.

    Attributes:
        what: the finding.
        remedy: what to do about it.
        fatal: nothing can be trained before it is mended.
    """

    what: str
    remedy: str
    fatal: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    Attributes:
        eyehand: version of this package.
        python: version of the interpreter.
        platform: operating system and processor.
        cores: cores this process may use.
        load: running processes, averaged over a minute; None where the system does not say.
        torch_threads: threads that PyTorch computes with; None without PyTorch.
        devices: what networks can be trained on.
        free_disk_gb: free space where the command was given.
        dependencies: installed version by distribution, None where it is missing.
        frames_per_s: images per second by task and image back end.
        problems: what is wrong, and what to do about it.
    """

    eyehand: str
    python: str
    platform: str
    cores: int
    load: float | None
    torch_threads: int | None
    devices: Sequence[str]
    free_disk_gb: float
    dependencies: Mapping[str, str | None]
    frames_per_s: Mapping[str, float]
    problems: Sequence[Problem]


def run(arguments: Sequence[str]) -> int:
    """Examine the machine; the exit code is 1 where nothing can be trained before a problem is mended."""
    options = output.parse(Options, arguments, "doctor")
    found = examine()
    output.emit(options.json, found, lambda: render(found))
    return int(any(problem.fatal for problem in found.problems))


def examine() -> Diagnosis:
    """Look at the machine and measure it, in a few seconds."""
    dependencies = {name: installed(name) for name in DEPENDENCIES}
    complete = None not in dependencies.values()
    threads, devices = _torch() if dependencies["torch"] else (None, ())
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    return Diagnosis(
        eyehand=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        cores=cores,
        load=load,
        torch_threads=threads,
        devices=devices,
        free_disk_gb=round(free_gb, 1),
        dependencies=dependencies,
        frames_per_s=_speeds() if complete else {},
        problems=problems(dependencies, cores, load, free_gb),
    )


def installed(name: str) -> str | None:
    """The version of an installed distribution, None where there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def problems(
    dependencies: Mapping[str, str | None], cores: int, load: float | None, free_gb: float
) -> tuple[Problem, ...]:
    """What is wrong with a machine that has these versions, cores, load and free disk."""
    found = [
        Problem(f"{name} is not installed", f"pip install {name}, or `make setup` in a checkout", fatal=True)
        for name, have in dependencies.items()
        if have is None
    ]
    mujoco = dependencies.get("mujoco")
    if mujoco and int(mujoco.split(".")[0]) >= 4:
        remedy = "pip install 'mujoco>=3.17,<4'"
        found.append(Problem(f"mujoco {mujoco} has a solver bug with sparse constraints", remedy, fatal=True))
    if load is not None and load > cores:
        what = f"the machine is busy: load {load:.1f} on {cores} cores"
        found.append(Problem(what, "speeds measured now are lower than they could be; try again when it is quiet"))
    if free_gb < LEAST_DISK_GB:
        found.append(Problem(f"only {free_gb:.1f} GB of disk are free here", f"free {LEAST_DISK_GB:g} GB"))
    return tuple(found)


def render(found: Diagnosis) -> str:
    """The diagnosis as text for people."""
    load = "" if found.load is None else f", load {found.load:.1f}"
    packages = [(name, have or "MISSING") for name, have in found.dependencies.items()]
    speeds = [(source, f"{rate:,.0f}") for source, rate in found.frames_per_s.items()]
    lines = [
        f"eyehand  {found.eyehand} on Python {found.python}, {found.platform}",
        f"cores    {found.cores}{load}",
        f"torch    {found.torch_threads} threads, devices: {', '.join(found.devices)}",
        f"disk     {found.free_disk_gb} GB free",
        "",
        output.table(("package", "version"), packages),
        "",
        output.table(("image source", "images/s"), speeds),
        "",
    ]
    lines += [f"problem: {problem.what}\n  do: {problem.remedy}" for problem in found.problems]
    return "\n".join(lines + ([] if found.problems else ["No problems found."]))


def _torch() -> tuple[int, tuple[str, ...]]:
    torch = importlib.import_module("torch")
    return torch.get_num_threads(), ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def _speeds() -> dict[str, float]:
    return importlib.import_module("eyehand.cli.speed").image_rates()

# pyright: reportUnknownMemberType=false
# The reason: matplotlib leaves the keyword arguments of its drawing calls untyped.
"""`eyehand bench scaling`: what a control step costs with 1 to 256 simulations, in time and in memory.

Every number of simulations is measured in a process of its own, so that one's memory is not counted as another's.
"""

from __future__ import annotations

import io
import multiprocessing
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from eyehand.cli import output
from eyehand.cli.pairs import steps
from eyehand.data.durable import replace_text, writing
from eyehand.evaluation.plots import LIGHT

if sys.platform != "win32":
    import resource

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
EPISODES = 3  # that are timed, after one that warms caches and compiles
_SETTLED = 16  # from here on every core has work enough, and the cost is to be linear


@dataclass(frozen=True)
class Cost:
    """What one number of simulations costs.

    Attributes:
        simulations: how many.
        camera: whether every observation has a picture.
        step_ms: time of one control step of all of them, median over episodes, resets included.
        memory_mb: largest resident memory of the process; 0 where the system does not tell.
    """

    simulations: int
    camera: bool
    step_ms: float
    memory_mb: float


@dataclass(frozen=True)
class Scaling:
    """Cost against the number of simulations.

    Attributes:
        about: what is stepped, on how many threads.
        costs: one for every number of simulations, with and without camera.
        line_ms: time that one more simulation adds to a control step, with camera, from a straight line through the
            measurements of at least 16 simulations.
        start_ms: what that line starts at.
        departure: how far those measurements lie from that line at most, as a share of it.
        line_mb: memory that one more simulation adds.
    """

    about: str
    costs: tuple[Cost, ...]
    line_ms: float
    start_ms: float
    departure: float
    line_mb: float


def run(folder: Path, as_json: bool, counts: Sequence[int] = COUNTS) -> int:
    """Measure, write `scaling.json` and `scaling.png` into the folder, and print the numbers."""
    jobs = [(count, camera) for camera in (True, False) for count in counts]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        costs = tuple(pool.map(measure, *zip(*jobs, strict=True)))
    found = summarised(costs)
    picture, numbers = folder / "scaling.png", folder / "scaling.json"
    with writing(folder, "Choose another folder with --output."):
        folder.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(plot(found))
    replace_text(numbers, output.to_json(found) + "\n")
    output.emit(as_json, found, lambda: _text(found, (picture, numbers)))
    return 0


def measure(simulations: int, camera: bool) -> Cost:
    """Step a world in this process."""
    world = steps.make_world(simulations, camera)
    length = world.task.horizon
    work = steps.stepping(world, length)
    times: list[float] = []
    for _ in range(EPISODES + 1):
        begin = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - begin) / length)
    return Cost(simulations, camera, statistics.median(times[1:]), _peak_mb())


def summarised(costs: Sequence[Cost]) -> Scaling:
    """Straight lines through the costs with a camera, time's by least squares of the relative errors."""
    seeing = [cost for cost in costs if cost.camera]
    settled = [cost for cost in seeing if cost.simulations >= _SETTLED] or seeing
    count, time_ms = (np.array([getattr(c, name) for c in settled], float) for name in ("simulations", "step_ms"))
    terms = np.stack([count, np.ones_like(count)], axis=1)
    (slope, start), *_ = np.linalg.lstsq(terms / time_ms[:, None], np.ones(len(count)))
    departure = np.abs(time_ms / (slope * count + start) - 1.0).max()
    memory = np.polyfit([c.simulations for c in seeing], [c.memory_mb for c in seeing], 1)[0]
    return Scaling(steps.about(True), tuple(costs), float(slope), float(start), float(departure), float(memory))


def plot(found: Scaling) -> bytes:
    """Time of a control step and memory against the number of simulations, as a PNG."""
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for camera, label, colour in ((True, "with camera", LIGHT.series[0]), (False, "without camera", LIGHT.series[1])):
        shown = [cost for cost in found.costs if cost.camera == camera]
        counts = [cost.simulations for cost in shown]
        left.plot(counts, [cost.step_ms for cost in shown], "o-", color=colour, label=label)
        right.plot(counts, [cost.memory_mb for cost in shown], "o-", color=colour, label=label)
    counts = np.array(sorted({cost.simulations for cost in found.costs}))
    line_ms = found.start_ms + found.line_ms * counts
    positive = line_ms > 0
    label = f"{found.line_ms:.2g} ms for one more, with camera"
    left.plot(counts[positive], line_ms[positive], ":", color=LIGHT.ink, label=label)
    left.set_xscale("log", base=2)
    left.set_yscale("log")
    left.set_xticks(counts, [str(count) for count in counts])
    _labelled(left, "time of a control step / ms")
    _labelled(right, "memory / MB")
    right.set_ylim(0, 1.15 * max(1.0, *(cost.memory_mb for cost in found.costs)))
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=150)
    return data.getvalue()


def _labelled(axes: Axes, label: str) -> None:
    axes.set_xlabel("simulations")
    axes.set_ylabel(label)
    axes.grid(color=LIGHT.faint, linewidth=0.6)
    axes.legend(frameon=False)


def _text(found: Scaling, written: Sequence[Path]) -> str:
    header = ("simulations", "camera", "ms per control step", "ms per simulation", "memory MB")
    rows = [
        (
            str(c.simulations),
            "yes" if c.camera else "no",
            f"{c.step_ms:.2f}",
            f"{c.step_ms / c.simulations:.3f}",
            f"{c.memory_mb:.0f}",
        )
        for c in found.costs
    ]
    line = (
        f"One more simulation adds {found.line_ms:.2f} ms and {found.line_mb:.2f} MB; from {_SETTLED} simulations on, "
        f"the time departs from a straight line by at most {100 * found.departure:.0f} %."
    )
    return "\n".join([output.table(header, rows), "", line, found.about, *map(str, written)])


def _peak_mb() -> float:
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)

"""Blocks of the documentation that are made from a method's reproduction: `results/METHOD/*.json`.

Tables stand beside the paper's, claims are decided anew, and what was not measured yet says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from code_tables import markdown

from eyehand.evaluation import claim, claims, statistics
from eyehand.evaluation.paper import counterpart
from eyehand.evaluation.results import DISTANCE, Results, merge, seeds_text
from eyehand.evaluation.results_file import read_results
from eyehand.evaluation.statistics import Statistic

NOT_MEASURED = "Not measured yet."
SHARES = ("P25", "P50", "P75", "P100", "RW")  # eyes that learnt from recorded frames
SIM, VAL, TEST, LIVE = "sim", "twin", "twin/test", "live/test"
FINE_TUNING = Path("results/negative/fine_tuning.json")
ARM = re.compile(r"([^/]+(?:/\d\b)?)/?(.*)")  # "kgps/3/one_step" is the arm kgps/3 with one step


def results_of(root: Path, method: str) -> Results | None:
    """All result files of a method's reproduction as one; None where there are none."""
    files = sorted((root / "results" / method).glob("*.json"))
    return _merged(tuple((path, path.stat().st_mtime_ns) for path in files)) if files else None


@cache
def _merged(files: tuple[tuple[Path, int], ...]) -> Results:
    """Files as they were at a time: every block of a page reads the same ones."""
    return merge([read_results(path) for path, _ in files])


def table(method: str, number: int, root: Path) -> str:
    """One of the paper's tables with our numbers beside its own."""
    results, paper = results_of(root, method), claims.load(method).tables[number - 1]
    rows: list[list[str]] = []
    for row in paper.rows:
        cells = [row.label]
        for printed, quantity, scale, digits in zip(row.paper, row.ours, paper.scales, paper.digits, strict=True):
            found = None if quantity is None or results is None else counterpart(quantity, results)
            ours = "-" if found is None else _number(found[0], digits, scale)
            cells += [printed or "-", ours]
        rows.append(cells)
    header = ["", *(text for column in paper.columns for text in (f"{column}: paper", "ours"))]
    said = f"{paper.title}; {paper.paper_setting}, {paper.our_setting}. {paper.note} Brackets: nested bootstrap 95 %."
    source = f"Ours: {NOT_MEASURED}" if results is None else f"Source: `results/{method}/`, {_episodes(results)}."
    return f"{said}\n\n{markdown(header, rows)}\n\n{source}"


def decided(method: str, root: Path) -> str:
    """The paper's claims, decided from the reproduction."""
    results, registered = results_of(root, method), claims.load(method).claims
    if results is None:
        return NOT_MEASURED
    found = claim.decide_all(registered, results)
    rows = [
        [
            one.claim,
            one.statement,
            one.source,
            f"{one.direction} {one.threshold:g}",
            "-" if one.paper is None else f"{one.paper:.3g}",
            one.reason if one.value is None else f"{one.value:.3f} [{one.low:.3f}-{one.high:.3f}]",
            f"n={one.n}, {seeds_text(one.seeds)}" if one.n else "-",
            f"**{one.status}**",
        ]
        for one in found
    ]
    counts = ", ".join(f"{count} {status}" for status, count in claim.count(found).items())
    header = ["claim", "says", "source", "needs", "paper", "measured", "trials", "status"]
    reasons = [f"- {one.claim}: {one.reason}." for one in found if one.reason and one.value is not None]
    said = "\n\nMeasured and undecided:\n\n" + "\n".join(reasons) if reasons else ""
    return (
        f"{counts}. The claims are {claim.registration(registered, results)}; `eyehand claims {method}` decides them "
        f"from the files.\n\n{markdown(header, rows)}{said}"
    )


def ablations(root: Path) -> str:
    """What single choices of modular_dqn are worth, and how eyes fare in the rooms that were recorded."""
    results = results_of(root, "modular_dqn")
    if results is None:
        return NOT_MEASURED
    eyes = [arm for arm in dict.fromkeys(e.arm for e in results.errors) if arm.startswith("P75/")]
    rows = [
        [
            _label(arm),
            *(_statistic(results, arm, domain, "error:theta", 3) for domain in (SIM, VAL, TEST, LIVE)),
            seeds_text(len(results.find_errors(arm, SIM, "theta"))),
        ]
        for arm in (*SHARES, *eyes)
    ]
    hands = [arm for arm in results.arms() if arm.startswith(("kgps/3", "egreedy/3", "adapted", "fine_tuned"))]
    driven = [
        [
            _label(arm),
            _statistic(results, arm, SIM, "success", 3),
            _statistic(results, arm, SIM, DISTANCE, 1, 100.0, "median"),
            seeds_text(len(results.find(arm, SIM))),
        ]
        for arm in hands
    ]
    seen = markdown(["eyes", "error, sim", "error, twin (recorded)", "error, twin/test", "error, live/test", ""], rows)
    done = markdown(["hand", "success, sim", "median d [cm]", ""], driven)
    return f"{seen}\n\n{done}\n\nNames without a comma are what the others change; eyes are those of seed 0."


def fine_tuning(root: Path) -> str:
    """What was tried before modular_dqn's fine-tuning got its numbers, and why more of it does harm."""
    path = root / FINE_TUNING
    if not path.exists():
        return NOT_MEASURED
    found: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
    tried = markdown(
        ["beta", "n", "step, eyes", "step, hand", "updates x pictures", "error e", "success", "median d [cm]"],
        [
            [
                *("-" if one[key] is None else f"{one[key]:g}" for key in ("beta", "n_step", "lr", "lr_hand")),
                f"{one['updates']} x {one['pictures']}" if one["updates"] else "EE2, not tuned",
                *(f"{one['error']:.4f}", f"{one['success']}/400", f"{one['median_cm']:.2f}"),
            ]
            for one in found["tried"]
        ],
    )
    alone = markdown(
        ["noise of Theta", "n", "step, hand", "success", "median d [cm]"],
        [
            [
                *(f"{one[key]:g}" for key in ("noise", "n_step", "lr_hand")),
                f"{one['success']}/400",
                f"{one['median_cm']:.2f}",
            ]
            for one in found["hand_alone"]
        ],
    )
    pulls = markdown(
        ["n", "eyes", "dL_q / dTheta", "dL_p / dTheta"],
        [
            [str(one["n_step"]), one["eyes"], f"{one['task']:.3f}", f"{one['perception']:.3f}"]
            for one in found["bottleneck"]
        ],
    )
    return (
        f"Both tuned, in sim (400 episodes, seed 0):\n\n{tried}\n\nThe hand alone, 2,000 updates of 64 with true "
        f"scenes for eyes, to which independent noise is added while it learns; measured without:\n\n{alone}\n\n"
        f"Root mean square of each loss's gradient at the bottleneck, in simulated states:\n\n{pulls}\n\n"
        f"Source: `{FINE_TUNING}`, written by hand from runs that were not kept; 1 seed."
    )


def severity(root: Path) -> str:
    """Where claims 2 and 6 break: the twin's ranges moved towards simulation and beyond themselves."""
    results = results_of(root, "modular_dqn")
    if results is None:
        return NOT_MEASURED
    rows: list[list[str]] = []
    for level in ("0", "0.5", "1", "1.5"):
        domain = TEST if level == "1" else f"{TEST}@{level}"
        rows.append(
            [
                level,
                *(_statistic(results, arm, domain, "error:theta", 3, seed=0) for arm in ("SIM", "P75")),
                *(
                    _statistic(results, arm, domain, DISTANCE, 1, 100.0, "median", seed=0)
                    for arm in ("sim_only", "adapted", "fine_tuned")
                ),
            ]
        )
    header = [
        "severity",
        "SIM: error",
        "P75: error",
        "EE1: median d [cm]",
        "EE2: median d [cm]",
        "EE2-FT: median d [cm]",
    ]
    said = "Severity 1 is the twin; 0 has its back ends (tracer, servo) with the simulator's numbers. 1 seed."
    return f"{markdown(header, rows)}\n\n{said}"


def variants(root: Path) -> str:
    """EE2-FT where the target is real, missing, doubled or hidden: the counterpart of Fig. 6."""
    results = results_of(root, "modular_dqn")
    names = [] if results is None else [d for d in results.tested_domains() if d.startswith("twin-")]
    if results is None or not names:
        return NOT_MEASURED
    rows = [
        [
            f"`{name}`",
            _statistic(results, "fine_tuned", name, "success", 2),
            _statistic(results, "fine_tuned", name, DISTANCE, 1, 100.0, "median"),
        ]
        for name in names
    ]
    return markdown(["domain", "success", "median d [cm]"], rows) + "\n\n1 seed."


def clutter(root: Path) -> str:
    """Grasps of mask_grasp by the number of look-alikes about the sphere; on the twin, none and three."""
    results = results_of(root, "mask_grasp")
    if results is None:
        return NOT_MEASURED
    recipes, on_twin = ("composited", "primitives"), {0: "{}", 3: "{}/clutter"}
    rows: list[list[str]] = []
    for number in range(4):
        arms = {SIM: f"{{}}/clutter-{number}", "randomized": f"{{}}/clutter-{number}", TEST: on_twin.get(number, "")}
        cells = [(arm.format(recipe), where) for where, arm in arms.items() for recipe in recipes]
        rows.append([str(number), *(_statistic(results, arm, where, "success", 2) for arm, where in cells)])
    header = [f"{recipe}, {where}" for where in (SIM, "randomized", TEST) for recipe in recipes]
    return markdown(["look-alikes", *header], rows) + "\n\nSuccess; 1 seed."


def cost(method: str, root: Path) -> str:
    """How long a reproduction's cells took."""
    files = sorted((root / "results" / method).glob("*.json"))
    if not files:
        return NOT_MEASURED
    minutes = np.array([read_results(path).provenance.wall_time_s for path in files]) / 60
    hours = minutes.sum() / 60
    return (
        f"Cells made: {len(files)}, in {hours:.1f} hours of one core altogether; the longest took "
        f"{minutes.max():.0f} minutes."
    )


def _statistic(
    results: Results,
    arm: str,
    domain: str,
    column: str,
    digits: int,
    scale: float = 1.0,
    statistic: Statistic = "mean",
    *,
    seed: int | None = None,
) -> str:
    """A statistic of an arm in a domain with its interval, over all trainings or for one."""
    found = claim.Quantity(arm, domain, column, statistic).sample(results)
    if found is not None and seed is not None:
        mine = found.training_seeds == seed
        found = statistics.Sample(found.values[mine], found.episode_seeds[mine], found.training_seeds[mine])
    if found is None or not len(found.values):
        return "-"
    if column == "success":
        return _number(statistics.success_interval(found), digits, scale)
    return _number(statistics.bootstrap(found, statistic), digits, scale)


def _number(interval: statistics.Interval, digits: int, scale: float) -> str:
    value, low, high = (f"{scale * number:.{digits}f}" for number in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]"


def _label(arm: str) -> str:
    whole, changed = ARM.findall(arm)[0]
    return f"`{whole}`" + (f", {changed.replace('_', ' ')}" if changed else "")


def _episodes(results: Results) -> str:
    counts = sorted({len(one.seeds) for one in results.cells})
    seeds = len({one.training_seed for one in results.cells})
    spread = " to ".join(dict.fromkeys(map(str, (counts[0], counts[-1])))) if counts else "no"
    return f"{spread} episodes a cell, {seeds_text(seeds)}"


def _blocks(methods: Sequence[str]) -> Mapping[str, Callable[[Path], str]]:
    found: dict[str, Callable[[Path], str]] = {}
    for method in methods:
        found[f"{method}-claims"], found[f"{method}-cost"] = partial(decided, method), partial(cost, method)
        for number in range(1, 1 + len(claims.load(method).tables)):
            found[f"{method}-table-{number}"] = partial(table, method, number)
    return found


BLOCKS: Mapping[str, Callable[[Path], str]] = {
    **_blocks(tuple(claims.CLAIMS)),
    "modular_dqn-ablations": ablations,
    "modular_dqn-fine-tuning": fine_tuning,
    "modular_dqn-severity": severity,
    "modular_dqn-variants": variants,
    "mask_grasp-clutter": clutter,
}

"""Blocks of the documentation that are made from a method's reproduction: `results/METHOD/*.json`.

Tables stand beside the paper's, claims are decided anew, and what was not measured yet says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from code_tables import markdown

from eyehand.evaluation import claim, claims, statistics
from eyehand.evaluation.paper import counterpart
from eyehand.evaluation.results import DISTANCE, Results, merge, seeds_text
from eyehand.evaluation.results_file import read_results
from eyehand.evaluation.statistics import Statistic

NOT_MEASURED = "Not measured yet."
LONG_MIN = 20  # what a cell is meant to take
SHARES = ("P25", "P50", "P75", "P100", "RW")  # eyes that learnt from recorded frames
TUNED = ("EE2-FT", "EE2-task")  # eyes of P75 that were tuned end to end
FROM = {**dict.fromkeys(TUNED, "P75"), "fine_tuned": "adapted"}  # what an arm of another name was made from
SIM, VAL, TEST, LIVE = "sim", "twin", "twin/test", "live/test"
FINE_TUNING = Path("results/negative/fine_tuning.json")
Seeds: TypeAlias = Collection[int] | None  # of trainings; None for all
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
        cells, behind = [row.label], list[statistics.Interval]()
        for printed, quantity, scale, digits in zip(row.paper, row.ours, paper.scales, paper.digits, strict=True):
            found = None if quantity is None or results is None else counterpart(quantity, results)
            ours = "-"
            if quantity is not None and found is not None:
                interval, domain = found
                stands_in = "" if domain == quantity.domain else f" (on {domain})"
                ours = number_text(interval, digits, scale) + stands_in
                behind.append(interval)
            cells += [printed or "-", ours]
        rows.append([*cells, _trials(behind)])
    header = ["", *(text for column in paper.columns for text in (f"{column}: paper", "ours")), "ours: trials"]
    rates = any(quantity and quantity.column == "success" for row in paper.rows for quantity in row.ours)
    wilson = ", of a rate the wider ends of it and of Wilson's" if rates else ""
    said = " ".join(filter(None, (f"{paper.title}; {paper.paper_setting}, {paper.our_setting}.", paper.note)))
    said = f"{said} Brackets: nested bootstrap 95 %{wilson}."
    source = f"Ours: {NOT_MEASURED}" if results is None else f"Source: `results/{method}/`."
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
            _measured(one),
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


def _measured(one: claim.ClaimResult) -> str:
    """A claim's number with its interval, or why there is none."""
    if one.value is None or one.low is None or one.high is None:
        return one.reason
    return statistics.Interval(one.value, one.low, one.high, one.n).text(3).rpartition(" (n=")[0]


def ablations(root: Path) -> str:
    """What single choices of modular_dqn are worth, and how eyes fare in the rooms that were recorded."""
    results = results_of(root, "modular_dqn")
    if results is None:
        return NOT_MEASURED
    arms = dict.fromkeys(e.arm for e in results.errors)
    changed = [arm for arm in arms if arm.startswith(("P75/", "EE2-FT/"))]
    eyes = [arm for arm in (*SHARES, *TUNED, *changed) if arm in arms]
    hands = [arm for arm in results.arms() if arm.startswith(("kgps/3", "egreedy/3", "adapted", "fine_tuned"))]
    columns = [_Column("error:theta", domain, 3) for domain in (SIM, VAL, TEST, LIVE)]
    seen = markdown(
        ["eyes", "error, sim", "error, twin (recorded)", "error, twin/test", "error, live/test", ""],
        [_ablation(results, row, columns) for row in _beside(results, eyes, columns[0])],
    )
    columns = [_Column("success", SIM, 3), _Column(DISTANCE, SIM, 1, 100.0, "median")]
    done = markdown(
        ["hand", "success, sim", "median d [cm]", ""],
        [_ablation(results, row, columns) for row in _beside(results, hands, columns[0])],
    )
    return (
        f"{seen}\n\n{done}\n\nWhat stands behind a comma is changed. Where the changed arm has fewer trainings, it "
        "compares with the row of the unchanged one for the same seed. `EE2-FT` are the eyes of `P75` after "
        "fine-tuning, `EE2-task` with the task loss alone; `fine_tuned` is `adapted` after it. Recorded frames show "
        "the rooms of the column `twin`. Seeds in brackets behind a number are those of that number."
    )


@dataclass(frozen=True)
class _Column:
    """A number of a table: what it is a statistic of, where, and how it is printed."""

    column: str
    domain: str
    digits: int
    scale: float = 1.0
    statistic: Statistic = "mean"

    def sample(self, results: Results, arm: str, seeds: Seeds = None) -> statistics.Sample | None:
        """What it is computed from, over all trainings or for some."""
        found = claim.Quantity(arm, self.domain, self.column, self.statistic).sample(results)
        return found if found is None or seeds is None else found.of_trainings(seeds)

    def text(self, results: Results, arm: str, seeds: Seeds = None) -> str:
        """It with its interval, over all trainings or for some."""
        found = self.sample(results, arm, seeds)
        if found is None:
            return "-"
        if self.column == "success":
            return number_text(statistics.success_interval(found), self.digits, self.scale)
        return number_text(statistics.bootstrap(found, self.statistic), self.digits, self.scale)


def _beside(results: Results, arms: Sequence[str], told: _Column) -> list[tuple[str, Seeds]]:
    """Arms and seeds in the order of their rows.

    An arm with a change follows the unchanged one, which has rows of its own for the seeds that it is compared at where
    the other arm was not trained from all of its seeds.
    """

    def trainings(arm: str) -> frozenset[int]:
        found = told.sample(results, arm)
        return frozenset() if found is None else frozenset(found.training_seeds.tolist())

    wholes = {arm: ARM.findall(arm)[0][0] for arm in arms}
    rows: list[tuple[str, Seeds]] = []
    for family in dict.fromkeys(wholes.values()):
        for arm in sorted((arm for arm in arms if wholes[arm] == family), key=_by_number):
            changed = [trainings(other) for other in arms if other != arm and FROM.get(other, wholes[other]) == arm]
            apart = {seeds & trainings(arm) for seeds in changed} - {trainings(arm), frozenset()}
            rows += [(arm, None), *((arm, seeds) for seeds in sorted(apart, key=sorted))]
    return rows


def _by_number(arm: str) -> int:
    """The unchanged arm first, then changes, those that begin with a number last and by it: "50_frames"."""
    changed = ARM.findall(arm)[0][1]
    counted = re.match(r"\d+", changed)
    return int(counted[0]) if counted else int(bool(changed))


def _ablation(results: Results, row: tuple[str, Seeds], columns: Sequence[_Column]) -> list[str]:
    """A row of numbers with its trainings; a number that has fewer says how many."""
    arm, seeds = row
    counts = [0 if (found := one.sample(results, arm, seeds)) is None else found.seeds for one in columns]
    cells = [
        one.text(results, arm, seeds) + (f" ({seeds_text(count)})" if 0 < count < max(counts) else "")
        for one, count in zip(columns, counts, strict=True)
    ]
    numbers = ", ".join(map(str, sorted(seeds or ())))
    which = f" (seed{'s' * (len(seeds) > 1)} {numbers})" if seeds else ""
    return [_label(arm) + which, *cells, seeds_text(max(counts))]


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
    task = markdown(
        ["step, eyes", "updates", "success, sim", "median d [cm]", "success, twin", "median d [cm]"],
        [
            [
                "-" if one["lr"] is None else f"{one['lr']:g}",
                str(one["updates"]),
                *(f"{one['sim_success']:.2f}", f"{one['sim_median_cm']:.1f}"),
                *(f"{one['val_success']:.2f}", f"{one['val_median_cm']:.1f}"),
            ]
            for one in found["task_loss_alone"]
        ],
    )
    return (
        f"Both tuned, in sim (400 episodes, seed 0):\n\n{tried}\n\nThe hand alone, 2,000 updates of 64 with true "
        f"scenes for eyes, to which independent noise is added while it learns; measured without:\n\n{alone}\n\n"
        f"Root mean square of each loss's gradient at the bottleneck, in simulated states:\n\n{pulls}\n\n"
        "The task loss alone, by the eyes' step (400 episodes in sim, 100 in the recorded rooms, of which none was "
        f"recorded or chose anything else):\n\n{task}\n\n"
        f"Source: `{FINE_TUNING}`, written by hand from runs that were not kept; 1 seed."
    )


def variants(root: Path) -> str:
    """EE2-FT where the target is real, missing, doubled or hidden: the counterpart of Fig. 6."""
    results = results_of(root, "modular_dqn")
    names = [] if results is None else [d for d in results.tested_domains() if d.startswith("twin-")]
    if results is None or not names:
        return NOT_MEASURED
    rows = [
        [
            f"`{name}`",
            _Column("success", name, 2).text(results, "fine_tuned"),
            _Column(DISTANCE, name, 1, 100.0, "median").text(results, "fine_tuned"),
        ]
        for name in (VAL, *names)
    ]
    note = f"`{VAL}` is the unchanged domain, its target drawn, for comparison. 1 seed."
    return markdown(["domain", "success", "median d [cm]"], rows) + f"\n\n{note}"


def trials(root: Path) -> str:
    """Short trainings of mask_grasp's eyes, from which every recipe's weight of the target's pixels was chosen."""
    results = results_of(root, "mask_grasp")
    arms = [] if results is None else sorted({e.arm for e in results.errors if e.arm.startswith("trial/")})
    if results is None or not arms:
        return NOT_MEASURED
    places = (SIM, "randomized", VAL)
    rows: list[list[str]] = []
    for arm in arms:
        lost = [_Column("error:f1_lost", where, 2).sample(results, arm) for where in places]
        means = [one.values.mean() for one in lost if one is not None]
        rows.append([*arm.split("/")[1:], *(f"{mean:.2f}" for mean in means), f"{sum(means) / len(means):.3f}"])
    least = {recipe: min(row[-1] for row in rows if row[0] == recipe) for recipe, *_ in rows}
    marked = [[*row[:-1], f"**{row[-1]}**" if row[-1] == least[row[0]] else row[-1]] for row in rows]
    header = ["recipe", "weight", *(f"F1 lost, {where}" for where in places), "mean"]
    return markdown(header, marked) + "\n\nBold: the weight that is used. 1 seed."


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
        rows.append([str(number), *(_Column("success", where, 2).text(results, arm) for arm, where in cells)])
    header = [f"{recipe}, {where}" for where in (SIM, "randomized", TEST) for recipe in recipes]
    return markdown(["look-alikes", *header], rows) + "\n\nSuccess; 1 seed."


def cost(method: str, root: Path) -> str:
    """How long a reproduction's cells took, and how often they scored a test domain (rule 6 of the twin)."""
    results, files = results_of(root, method), sorted((root / "results" / method).glob("*.json"))
    if results is None:
        return NOT_MEASURED
    minutes = np.array([read_results(path).provenance.wall_time_s for path in files]) / 60
    hours = minutes.sum() / 60
    scored = ", ".join(f"`{name}` {times} time{'s' * (times != 1)}" for name, times in results.test_reads.items())
    long = f"{(minutes > LONG_MIN).sum()} took more than {LONG_MIN} minutes, the longest {minutes.max():.0f}"
    return (
        f"Cells made: {len(files)}, in {hours:.1f} hours of one core altogether; {long}. Test domains scored in these "
        f"cells: {scored or 'none'}. One scoring is all episodes of one trained policy, or all images of one pair of "
        "eyes, in that domain."
    )


def number_text(interval: statistics.Interval, digits: int, scale: float) -> str:
    """A number with its interval, as in `4.7 [4.1, 5.2]`."""
    value, low, high = (f"{scale * number:.{digits}f}" for number in (interval.value, interval.low, interval.high))
    return f"{value} [{low}, {high}]"


def _label(arm: str) -> str:
    whole, changed = ARM.findall(arm)[0]
    return f"`{whole}`" + (f", {changed.replace('_', ' ')}" if changed else "")


def _trials(behind: Sequence[statistics.Interval]) -> str:
    """Trials and seeds behind the numbers of a row, as ranges where the numbers differ; "-" without any."""
    seeds = range_text([one.seeds for one in behind])
    return f"n={range_text([one.n for one in behind])}, {seeds} seed{'s' * (seeds != '1')}" if behind else "-"


def range_text(counts: Sequence[int]) -> str:
    """The least and the largest count, as in "400 to 1600", or the one that all are."""
    return " to ".join(dict.fromkeys(str(end) for end in (min(counts), max(counts)))) if counts else ""


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
    "modular_dqn-variants": variants,
    "mask_grasp-trials": trials,
    "mask_grasp-clutter": clutter,
}

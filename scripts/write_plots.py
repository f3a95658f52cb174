"""Draw the figures of the methods' pages from the files of their reproductions.

    python scripts/write_plots.py

Figures 4 and 5 of modular_dqn (errors by network and domain, success while learning), Figures 4, 5 and 8 of mask_grasp
(joints with and without looking, success by frames, eyes while they learn), and curves of both over the twin's severity
go to `docs/images/`; a figure whose numbers are missing is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from reproduced import LIVE, SIM, TEST, results_of
from severities import panels
from write_results import ROOT

from eyehand.evaluation.curves import Curve, Lines, curve
from eyehand.evaluation.plots import error_boxes, learning_curves, responses, traces
from eyehand.learning.mask_pictures import RECIPES
from eyehand.methods import load_method
from eyehand.types import Floats

METHOD, GRASP = "modular_dqn", "mask_grasp"
NETWORKS = ("SIM", "RW", "P25", "P50", "P75", "P100", "EE2-FT", "constant_mean")
SUCCESS = "eval/sim/success"
ONCE = "composited_once"
HANDS = {
    f"{name}, {joints} joint{'s' * (joints > 1)}": (joints, arm)
    for joints in (1, 2, 3)
    for name, arm in (("K-GPS", "kgps"), ("ε-greedy", "egreedy"))
}


def errors(root: Path) -> bytes | None:
    """Fig. 4: errors of every network's perception in every domain, all trainings together."""
    results = results_of(root, METHOD)
    if results is None:
        return None
    found: dict[str, dict[str, Floats]] = {}
    for network in NETWORKS:
        samples = {domain: results.error_sample(network, domain, "theta") for domain in (SIM, TEST, LIVE)}
        if kept := {domain: sample.values for domain, sample in samples.items() if sample is not None}:
            found[network] = kept
    return error_boxes(found, "error of Theta") if found else None


def control(root: Path) -> bytes | None:
    """Fig. 5: success on true scenes while the hands learn."""
    found: list[Curve | None] = []
    for label, (joints, arm) in HANDS.items():
        names = [f"SIM-{seed}" if (arm, joints) == ("kgps", 3) else f"{arm}-{joints}-{seed}" for seed in range(3)]
        found.append(curve(label, SUCCESS, [lines for name in names if (lines := _lines(root, name))]))
    curves = [one for one in found if one is not None]
    return learning_curves(curves, "success in simulation") if curves else None


def severity(root: Path, method: str) -> bytes | None:
    """Errors of a method's eyes and what its hand does while the twin moves away from the simulator."""
    found = panels(root, method)
    return responses(found, "severity of the twin") if found else None


def joints(root: Path) -> bytes | None:
    """Fig. 4 of mask_grasp: the three joints that move most, simulated, replayed in the twin's motion, and steered."""
    path = root / "results/curves" / GRASP / "joints-0.json"
    if not path.exists():
        return None
    found = {name: np.array(rows) for name, rows in json.loads(path.read_text(encoding="utf-8"))["q_rad"].items()}
    most = np.argsort(-np.ptp(found["simulated"], axis=0))[:3]
    panels = {
        f"joint {joint + 1}": {
            name: np.column_stack([np.arange(len(rows)), rows[:, joint]]) for name, rows in found.items()
        }
        for joint in sorted(most)
    }
    return traces(panels, "steps of 0.1 s", "joint angle [rad]")


def frames(root: Path) -> bytes | None:
    """Fig. 5 of mask_grasp: success with true masks by labelled frames."""
    dagger = load_method(GRASP).preset("laptop").control.dagger
    found: list[Curve | None] = []
    for arm in ("dagger", "behaviour_cloning"):
        runs = [_lines(root, f"{arm}-{seed}", GRASP, dagger.frames / dagger.epochs) for seed in range(3)]
        found.append(curve(arm.replace("_", " "), SUCCESS, [lines for lines in runs if lines]))
    curves = [one for one in found if one is not None]
    return learning_curves(curves, "success in simulation", x_label="labelled frames") if curves else None


def epochs(root: Path) -> bytes | None:
    """Fig. 8 of mask_grasp: precision and recall of the eyes while they learn, on frames of twin/val."""
    panels: dict[str, dict[str, Floats]] = {"precision": {}, "recall": {}}
    for recipe in (*RECIPES, ONCE):
        path = root / "results/curves" / GRASP / f"{recipe}-epochs.json"
        if not path.exists():
            continue
        document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        before = document.get("before", 0)  # updates of the hand, of which checkpoints were kept too
        for what, lines in panels.items():
            kept = [(one["step"] - before, 1.0 - one[f"{what}_lost"]) for one in document["lines"]]
            lines[recipe.replace("_", " ")] = np.array([pair for pair in kept if pair[0] > 0])
    return traces(panels, "updates of the eyes", "on twin/val") if panels["recall"] else None


def _lines(root: Path, name: str, method: str = METHOD, scale: float = 1.0) -> Lines:
    """The success of a cell's hand by updates of the hand; those of the eyes that came before are taken off."""
    path = root / "results/curves" / method / f"{name}.json"
    if not path.exists():
        return []
    kept: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["curves"]
    before = max((step for step, _ in kept.get("eval/sim/error_theta", [])), default=0)
    return [{"step": scale * (step - before), SUCCESS: value} for step, value in kept.get(SUCCESS, [])]


FIGURES = {
    "modular_dqn_errors": errors,
    "modular_dqn_control": control,
    "modular_dqn_severity": partial(severity, method=METHOD),
    "mask_grasp_joints": joints,
    "mask_grasp_frames": frames,
    "mask_grasp_epochs": epochs,
    "mask_grasp_severity": partial(severity, method=GRASP),
}


def main(root: Path = ROOT) -> None:
    """Draw what there are numbers for."""
    for name, draw in FIGURES.items():
        if (picture := draw(root)) is not None:
            (root / "docs/images" / f"{name}.png").write_bytes(picture)
            print(f"docs/images/{name}.png")


if __name__ == "__main__":
    main()

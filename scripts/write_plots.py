"""Draw the figures of the methods' pages from the files of their reproductions.

    python scripts/write_plots.py

Fig. 4 of modular_dqn (errors by network and domain) and Fig. 5 (success while learning) go to `docs/images/`; a figure
whose numbers are missing is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reproduced import LIVE, SIM, TEST, results_of
from write_results import ROOT

from eyehand.evaluation.curves import Curve, Lines, curve
from eyehand.evaluation.plots import error_boxes, learning_curves
from eyehand.types import Floats

METHOD = "modular_dqn"
NETWORKS = ("SIM", "RW", "P25", "P50", "P75", "P100", "EE2-FT", "constant_mean")
SUCCESS = "eval/sim/success"
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


def _lines(root: Path, name: str) -> Lines:
    """The success of a cell's hand by updates of the hand; those of the eyes that came before are taken off."""
    path = root / "results/curves" / METHOD / f"{name}.json"
    if not path.exists():
        return []
    kept: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["curves"]
    before = max((step for step, _ in kept.get("eval/sim/error_theta", [])), default=0)
    return [{"step": step - before, SUCCESS: value} for step, value in kept.get(SUCCESS, [])]


def main(root: Path = ROOT) -> None:
    """Draw what there are numbers for."""
    for name, draw in (("errors", errors), ("control", control)):
        if (picture := draw(root)) is not None:
            (root / "docs/images" / f"{METHOD}_{name}.png").write_bytes(picture)
            print(f"docs/images/{METHOD}_{name}.png")


if __name__ == "__main__":
    main()

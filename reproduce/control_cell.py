"""One cell of Table 2: train the hand alone with one way of exploring, then 400 episodes with true scenes.

Both ways of exploring get the same configuration, the `laptop` preset; nothing else differs between the arms.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro

from eyehand.evaluation import claim, claims
from eyehand.evaluation.crossing import Where, train
from eyehand.evaluation.protocol import oracles, run_arm
from eyehand.evaluation.results import DomainIdentity, Provenance, Results, cell
from eyehand.evaluation.results_file import write_results
from eyehand.evaluation.trained import Subject, load_trained
from eyehand.learning.configuration import config_digest, read_json
from eyehand.learning.run import PROVENANCE
from eyehand.methods import load_method
from eyehand.world.domain_files import load_domain

ARMS = {"k_gps": "kgps", "epsilon_greedy": "egreedy"}


@dataclass(frozen=True)
class Cell:
    """Which cell."""

    exploration: Literal["k_gps", "epsilon_greedy"] = "k_gps"
    joints: Literal[1, 2, 3] = 3
    seed: int = 0
    trials: int = 400
    runs: Path = Path("runs/control")
    results: Path = Path("results/planar_reach_control")


def main(which: Cell) -> None:
    """Train, measure, write; nothing where the file is there already."""
    name = f"{ARMS[which.exploration]}-{which.joints}-{which.seed}"
    path = which.results / f"{name}.json"
    if path.exists():
        print(f"{path} is there.")
        return
    laptop = load_method("modular_dqn").preset("laptop")
    control = dataclasses.replace(laptop.control, exploration=which.exploration)
    eyes = dataclasses.replace(laptop.perception, updates=0)
    config = dataclasses.replace(laptop, perception=eyes, control=control)
    subject = Subject("modular_dqn", "planar_reach", (f"joints={which.joints}",), "laptop", which.seed)
    folder = which.runs / name
    train(subject, config, Where(folder, resume=(folder / "config.json").exists()))
    trained = load_trained(folder)
    sim = load_domain("sim", "planar_reach")
    episodes = run_arm(trained, oracles(trained)["perception"], sim, np.arange(which.trials))
    told = read_json(folder / PROVENANCE, "Train again.")
    arm = f"{ARMS[which.exploration]}/{which.joints}"
    results = Results(
        name=name,
        method="modular_dqn",
        task="planar_reach",
        preset="laptop",
        config_hash=config_digest(config),
        claims_hash=claim.registry_hash(claims.load("modular_dqn").claims),
        provenance=Provenance(
            commit=str(told["commit"] or ""),
            versions={k: str(v) for k, v in told["versions"].items() if v},
            machine=f"{told['machine']['cpus']} cores, {torch.get_num_threads()} threads",
            wall_time_s=float(told["wall_s"]),
            commands=(
                f"python reproduce/control_cell.py --exploration {which.exploration} --joints {which.joints} "
                f"--seed {which.seed}",
            ),
        ),
        domains=(DomainIdentity(sim.name, sim.version, sim.digest()),),
        cells=(cell(arm, sim.name, which.seed, episodes, name),),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_results(results, path)
    rate = results.cells[0].rate
    print(json.dumps({"cell": name, "success": rate.text(), "wall_s": told["wall_s"]}))


if __name__ == "__main__":
    main(tyro.cli(Cell))

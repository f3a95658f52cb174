"""Rule 2 of the twin, by numbers: hard to enter, possible to solve.

First half: the oracle (true scene, trained hand) succeeds on the twin in at least 95 % of what it succeeds on in sim.
Second half: eyes trained on plenty of twin frames err about as little on the twin as eyes trained as long in sim err
there. The second half is a diagnostic outside every budget: nothing else may use these frames or these networks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro

from eyehand.data.durable import replace_text
from eyehand.data.recorded import RecordedEpisodes
from eyehand.data.target import TargetFrames
from eyehand.evaluation.crossing import record
from eyehand.evaluation.protocol import oracles, run_arm
from eyehand.evaluation.statistics import rate
from eyehand.evaluation.trained import load_trained
from eyehand.learning.loop import Schedule, fit
from eyehand.learning.method import Source
from eyehand.learning.rollout import interface_errors
from eyehand.learning.run import Run
from eyehand.learning.scenes import RecordedScenes
from eyehand.learning.tensors import use_threads
from eyehand.methods import load_method
from eyehand.methods.modular_dqn import PerceptionLearner
from eyehand.tasks import load_task
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld


@dataclass(frozen=True)
class Options:
    """What to measure with."""

    hand: Path = Path("runs/control/kgps-3-0")
    frames: int = 6000
    updates: int = 8000
    trials: int = 400
    half: str = "both"  # or "oracle"
    runs: Path = Path("runs/twin_is_solvable")
    out: Path = Path("results/twin/planar_reach.json")


def main(options: Options) -> None:
    """Measure what is not in the file yet, each half written down at once."""
    use_threads()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for half, measure in (("oracle_success_twin", _oracle), ("frames", _eyes)):
        found = json.loads(options.out.read_text()) if options.out.exists() else {}
        if half not in found and (options.half == "both" or half.startswith(options.half)):
            replace_text(options.out, json.dumps({**found, **measure(options)}, indent=2) + "\n")
    print(options.out.read_text())


def _oracle(options: Options) -> dict[str, object]:
    """Success of the trained hand with true scenes, in both domains."""
    trained = load_trained(options.hand)
    hand = oracles(trained)["perception"]
    found: dict[str, object] = {}
    for name in ("sim", "twin"):
        domain = load_domain(name, "planar_reach")
        wilson = rate(run_arm(trained, hand, domain, np.arange(options.trials)).success)
        found[f"oracle_success_{name}"] = {
            "value": wilson.value,
            "low": wilson.low,
            "high": wilson.high,
            "n": wilson.n,
        }
    found["twin_digest"] = load_domain("twin", "planar_reach").digest()
    return found


def _eyes(options: Options) -> dict[str, object]:
    """Errors of eyes trained on plenty of twin frames, and of eyes trained as long in sim, each at home."""
    task, method = load_task("planar_reach"), load_method("modular_dqn")
    twin = load_domain("twin", "planar_reach")
    folder = options.runs / f"frames-{options.frames}"
    if not folder.exists():
        record(task, twin, options.frames, folder, first_episode=2_000_000)
    recording = _frames(folder)
    laptop = method.preset("laptop")
    errors: dict[str, object] = {"frames": options.frames, "updates": options.updates, "batch": 64}
    for name, share in (("twin", 1.0), ("sim", 0.0)):
        config = replace(laptop.perception, updates=options.updates, batch=64, real_share=share)
        model = method.networks(laptop, task, 0)
        scenes = RecordedScenes(recording, laptop.augmentation, 0) if share else None
        run_folder = options.runs / f"eyes-{name}"
        made = (run_folder / "config.json").exists()
        run = Run.open(run_folder) if made else Run.create(run_folder, {"seed": 0})
        fit(
            name,
            PerceptionLearner(config, model, Source(task), 0, scenes),
            Schedule.even(options.updates, 4),
            run,
            model,
        )
        world = SimulatedWorld(task, load_domain(name, "planar_reach"), frozenset({"camera", "privileged"}))
        with torch.inference_mode():
            at_home = interface_errors(model["perception"], world, np.arange(400))
        errors |= {f"error_{unit}_{name}_trained_on_{name}": float(v.mean()) for unit, v in at_home.items()}
    return errors


def _frames(folder: Path) -> TargetFrames:
    """All frames of a recording, past the ledger: this is no method and adapts nothing."""
    recorded = RecordedEpisodes.open(folder)
    rows = np.arange(len(recorded))
    found = recorded.frames(["observation.images.webcam", "observation.state"], rows)
    q_rad = found["observation.state"].astype(np.float64)
    return TargetFrames(found["observation.images.webcam"], q_rad, None, rows, recorded.extra)


if __name__ == "__main__":
    main(tyro.cli(Options))

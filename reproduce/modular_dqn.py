"""The reproduction of modular_dqn: the paper's Tables 1 to 3 and Figures 4 to 6, its claims, and ablations.

Every training is the `laptop` preset with nothing changed but what the cell's name says. Arms, domains and columns are
those that `evaluation/claims/modular_dqn.py` reads; `cells.py` explains the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cell, main
from measuring import Measured, Trainings, loaded
from torch import Tensor, nn

from eyehand.evaluation.results import Results
from eyehand.evaluation.trained import Trained
from eyehand.learning.policy import as_modular
from eyehand.methods import load_method
from eyehand.methods.modular_dqn import Config
from eyehand.tasks import load_task
from eyehand.types import Group, Observation, Perception
from eyehand.world.augmentation import Augmentation
from eyehand.world.domain import Domain, scale_severity
from eyehand.world.simulation import SimulatedWorld

RUNS = Trainings("modular_dqn", "planar_reach")
LAPTOP: Config = load_method(RUNS.method).preset(RUNS.preset)
SEEDS = (0, 1, 2)
TRIALS = np.arange(400)  # episodes of an arm in a domain, and images of a perception error
SIM_DRIVES = 400 + np.arange(1600)  # of eyes and hand: fine-tuning was chosen on the first 400, which decide nothing
UNSEEN = LAPTOP.frames + TRIALS  # in the recorded rooms, whose first frames are those that were learnt from
LIVE_IMAGES = np.arange(1600)  # what claims 4 compare differs by a few hundredths
SEVERE_TRIALS = np.arange(96)  # episodes of an arm at a severity: 12 of each draw
SIM, VAL, TEST, LIVE = "sim", "twin", "twin/test", "live/test"  # recorded frames are of VAL
SEVERITIES = (0.0, 0.5, 1.5)  # of every range of the twin; 1 is the twin
SHARES = {"P25": 0.25, "P50": 0.5, "P75": 0.75, "P100": 1.0, "RW": 1.0}
ARMS = {"k_gps": "kgps", "epsilon_greedy": "egreedy"}
VARIANTS = ("physical", "no-target", "two-targets", *(f"occlusion-{case}" for case in "abcde"))  # Fig. 6
VARIANT_TRIALS = UNSEEN[:50]
SEEN = tuple(f"eval/sim/error_{unit}" for unit in ("theta", "cm"))
DONE = ("eval/sim/success", "eval/sim/median_distance_m")
RECORDING, UNBIASED = "recordings/twin", "recordings/unbiased"


def load(*names: str) -> list[Domain]:
    """Shipped domains."""
    return [RUNS.domain(name) for name in names]


def recorded(runs: Path, recording: str) -> Path:
    """The folder of the paper's 1418 frames of the twin; the unbiased one is labelled with the true joints."""
    (domain,) = load("twin")
    if recording == UNBIASED:
        domain = replace(domain, calibration=replace(domain.calibration, encoder_bias_rad=0.0))
    return RUNS.recorded(runs / recording, domain, LAPTOP.frames)


def hand(runs: Path, name: str, arm: str, seed: int, joints: int, config: Config) -> Results:
    """A hand alone, on true scenes (Table 2, Fig. 5)."""
    blind = replace(config, perception=replace(config.perception, updates=0))
    one = RUNS.trained(runs / name, seed, blind, (f"joints={joints}",))
    found = Measured(one)
    found.oracle(arm, "perception", load(SIM), TRIALS)
    return found.results()


def both(runs: Path, seed: int) -> Results:
    """SIM and CR (K-GPS, three joints), which are the networks of EE1."""
    one = RUNS.trained(runs / f"SIM-{seed}", seed, LAPTOP)
    found = Measured(one)
    found.errors("SIM", _eyes(one), load(SIM, TEST, LIVE), TRIALS)
    found.oracle("kgps/3", "perception", load(SIM), TRIALS)
    found.oracle("oracle", "perception", load(SIM), SIM_DRIVES)
    found.oracle("oracle", "perception", load(TEST), TRIALS)
    return found.results()


def eyes(runs: Path, name: str, arm: str, seed: int, config: Config, recording: str = RECORDING) -> Results:
    """SIM's eyes adapted to the recorded frames, or fresh eyes (Table 1)."""
    alone, parent = replace(config, stages=("perception",)), runs / f"SIM-{seed}"
    one = RUNS.adapted(runs / name, parent, alone, recorded(runs, recording))
    found = Measured(loaded(parent), one)
    found.errors(arm, _eyes(one), load(SIM, TEST), TRIALS)
    found.errors(arm, _eyes(one), load(VAL), UNSEEN)
    found.errors(arm, _eyes(one), load(LIVE), LIVE_IMAGES)
    return found.results()


def drive(runs: Path, arm: str, run: str, *, sim: bool = True) -> Results:
    """Eyes and hand end to end (Table 3), on the twin and, where it was not measured with the training, in sim."""
    one = loaded(runs / run)
    found = Measured(one)
    if sim:
        found.episodes(arm, one.policy, load(SIM), SIM_DRIVES)
    found.episodes(arm, one.policy, load(TEST), TRIALS)
    return found.results()


def tune(runs: Path, name: str, arm: str, seed: int, **changed: Any) -> Results:
    """EE2 fine-tuned end to end with the weighted losses, or with the task loss alone (Section 5.3, Table 3).

    How it fares on the twin is measured by `drive`.
    """
    weighted = replace(LAPTOP, stages=("end_to_end",), fine_tune=replace(LAPTOP.fine_tune, **changed))
    one = RUNS.adapted(runs / name, runs / f"P75-{seed}", weighted, recorded(runs, RECORDING))
    found = Measured(loaded(runs / f"P75-{seed}"), one)
    found.errors(
        arm.replace("fine_tuned", "EE2-FT").replace("task_loss_only", "EE2-task"),
        _eyes(one),
        load(SIM, TEST, LIVE),
        TRIALS,
    )
    found.episodes(arm, one.policy, load(SIM), SIM_DRIVES)
    return found.results()


def severe(runs: Path, severity: float) -> Results:
    """Where claims 2 and 6 break: the twin with every range moved towards simulation or beyond itself."""
    test, sim = load(TEST, SIM)
    domains = [scale_severity(test, sim, severity)]
    ee1, ee2, tuned = (loaded(runs / name) for name in ("SIM-0", "P75-0", "EE2-FT-0"))
    found = Measured(tuned)
    for name, eyes in (("SIM", _eyes(ee1)), ("P75", _eyes(ee2)), ("constant_mean", ConstantMean())):
        found.errors(name, eyes, domains, TRIALS)
    for name, one in (("sim_only", ee1), ("adapted", ee2), ("fine_tuned", tuned)):
        found.episodes(name, one.policy, domains, SEVERE_TRIALS)
    return found.results()


def odd(runs: Path) -> Results:
    """Fine-tuned networks where the target is as ever, a real disc, missing, doubled or hidden (Fig. 6): twin/val."""
    one = loaded(runs / "EE2-FT-0")
    found = Measured(one)
    found.episodes("fine_tuned", one.policy, load(VAL, *(f"twin-{name}" for name in VARIANTS)), VARIANT_TRIALS)
    return found.results()


def constant(runs: Path, seed: int) -> Results:
    """The predictor that claim 2 is held against, beside a training: always the mean scene."""
    found = Measured(loaded(runs / f"SIM-{seed}"))
    found.errors("constant_mean", ConstantMean(), load(SIM, TEST, LIVE), TRIALS)
    return found.results()


class ConstantMean:
    """Perception that says the mean of 20,000 scenes of the simulator, whatever it sees."""

    reads: frozenset[Group] = frozenset()

    def __init__(self) -> None:
        """Find the mean."""
        task = load_task(RUNS.task)
        world = SimulatedWorld(task, *load(SIM), frozenset({"privileged"}))
        world.reset(world.domain.seeds(np.arange(20_000)))
        self._mean = torch.as_tensor(task.interface.truth(world.privileged())).mean(dim=0)

    def perceive(self, obs: Observation) -> Tensor:
        """The mean (B, 5)."""
        return self._mean.expand(obs.batch, -1)

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Nothing is learnt."""
        return {}


def _eyes(one: Trained) -> Perception[Any]:
    policy = as_modular(one.policy)
    assert policy is not None, "modular_dqn makes modular policies"
    return policy.perception


def _cells() -> list[Cell]:
    """Every cell, those that others read first."""
    cells = [Cell(f"SIM-{seed}", partial(both, seed=seed), (), (*SEEN, *DONE)) for seed in SEEDS]
    for seed in SEEDS:
        before = (f"SIM-{seed}",)
        for arm, share in SHARES.items():
            scratch = arm == "RW"  # which gets twice the updates, as in the paper
            adapt = replace(LAPTOP.adapt, real_share=share, updates=(1 + scratch) * LAPTOP.adapt.updates)
            config = replace(LAPTOP, adapt=adapt, from_scratch=scratch)
            make = partial(eyes, name=f"{arm}-{seed}", arm=arm, seed=seed, config=config)
            cells.append(Cell(f"{arm}-{seed}", make, before, SEEN))
        cells.append(Cell(f"constant_mean-{seed}", partial(constant, seed=seed), before))
        cells.append(Cell(f"EE1-{seed}", partial(drive, arm="sim_only", run=f"SIM-{seed}"), before))
        cells.append(Cell(f"EE2-{seed}", partial(drive, arm="adapted", run=f"P75-{seed}"), (f"P75-{seed}",)))
        tuned: list[tuple[str, str, dict[str, float]]] = [("EE2-FT", "fine_tuned", {})]
        tuned += [("EE2-task", "task_loss_only", {"beta": 0.0, "lr": 1e-6})] if seed == 0 else []
        for name, arm, changed in tuned:
            make = partial(tune, name=f"{name}-{seed}", arm=arm, seed=seed, **changed)
            cells.append(Cell(f"{name}-{seed}", make, (f"P75-{seed}",), SEEN))
            make = partial(drive, arm=arm, run=f"{name}-{seed}", sim=False)
            cells.append(Cell(f"{name}-{seed}-twin", make, (f"{name}-{seed}",)))
    reads = ("SIM-0", "P75-0", "EE2-FT-0")
    cells.append(Cell("variants", odd, ("EE2-FT-0",)))
    cells += [Cell(f"severity-{s:g}", partial(severe, severity=s), reads) for s in SEVERITIES]
    return [*cells, *_hands(), *_ablations()]


def _hands() -> list[Cell]:
    """Table 2: both ways of exploring, except the three joints of K-GPS, which come with SIM."""
    cells: list[Cell] = []
    for exploration, arm in ARMS.items():
        config = replace(LAPTOP, control=replace(LAPTOP.control, exploration=exploration))
        for joints in (1, 2, 3):
            for seed in SEEDS if (arm, joints) != ("kgps", 3) else ():
                name = f"{arm}-{joints}-{seed}"
                make = partial(hand, name=name, arm=f"{arm}/{joints}", seed=seed, joints=joints, config=config)
                cells.append(Cell(name, make, (), DONE))
    return cells


def _ablations() -> list[Cell]:
    """One seed each: what single choices are worth."""
    one_step = replace(LAPTOP.control, n_step=1)
    hands = {
        "one_step": ("kgps/3", replace(LAPTOP, control=one_step)),
        "one_hidden_layer": ("kgps/3", replace(LAPTOP, hidden=LAPTOP.hidden[:1])),
        "egreedy_one_step": ("egreedy/3", replace(LAPTOP, control=replace(one_step, exploration="epsilon_greedy"))),
    }
    seen = {f"{count}_frames": replace(LAPTOP, frames=count) for count in (50, 200, 700)}
    quarter = replace(LAPTOP.adapt, real_share=0.0, batch=LAPTOP.adapt.batch // 4)
    seen["none_recorded"] = replace(LAPTOP, adapt=quarter)  # the simulated images of P75 alone
    longer = replace(LAPTOP.adapt, updates=2 * LAPTOP.adapt.updates)
    seen["twice_the_updates"] = replace(LAPTOP, adapt=longer)
    seen["no_augmentation"] = replace(LAPTOP, augmentation=Augmentation(0.0, 0.0, 0.0, 0.0, 0.0))
    cells = [
        Cell(
            f"ablation-{name}",
            partial(hand, name=f"ablation-{name}", arm=f"{arm}/{name}", seed=0, joints=3, config=config),
        )
        for name, (arm, config) in hands.items()
    ]
    for name, beta in {"papers_beta": 0.8, "perception_loss_only": 1.0}.items():
        arm = f"fine_tuned/{name}"
        make = partial(tune, name=f"ablation-{name}", arm=arm, seed=0, beta=beta)
        cells.append(Cell(f"ablation-{name}", make, ("P75-0",)))
        make = partial(drive, arm=arm, run=f"ablation-{name}", sim=False)
        cells.append(Cell(f"ablation-{name}-twin", make, (f"ablation-{name}",)))
    for name, config in {**seen, "true_labels": LAPTOP}.items():
        recording = UNBIASED if name == "true_labels" else RECORDING
        make = partial(eyes, name=f"ablation-{name}", arm=f"P75/{name}", seed=0, config=config, recording=recording)
        cells.append(Cell(f"ablation-{name}", make, ("SIM-0",)))
    return cells


if __name__ == "__main__":
    main(RUNS.method, _cells())

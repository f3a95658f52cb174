"""Rule 2 of the twin, by numbers: hard to enter, possible to solve.

First half: the oracle (true scene, trained hand) succeeds on the twin in at least 95 % of what it succeeds on in sim.
Second half: eyes trained on plenty of twin frames err about as little on the twin as eyes trained as long in sim err
there. The second half is a diagnostic outside every budget: nothing else may use these frames or these networks.

The eyes are deeper than those of `modular_dqn`: four convolutions, a hidden layer, and before them every pixel less its
mean over the training pictures, divided by its spread. The paper's network learns the twin too, but many times more
slowly, because most of what it sees never moves and the wrist's angle is not linear in what convolutions find. Both
domains are learnt by the same code with the same number of updates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from torch import Tensor, nn

from eyehand.data.durable import replace_text
from eyehand.data.recorded import RecordedEpisodes
from eyehand.data.target import TargetFrames
from eyehand.evaluation.crossing import record
from eyehand.evaluation.protocol import oracles, run_arm
from eyehand.evaluation.statistics import rate
from eyehand.evaluation.trained import load_trained
from eyehand.interfaces import scene_configuration
from eyehand.learning.generators import spawn
from eyehand.learning.method import Source
from eyehand.learning.networks import ConvLayer, conv_stack, initialise, mlp
from eyehand.learning.policy import as_modular
from eyehand.learning.rollout import interface_errors
from eyehand.learning.scenes import RecordedScenes, SimulatedScenes
from eyehand.learning.tensors import use_threads
from eyehand.methods.modular_dqn import perception_loss
from eyehand.tasks import load_task
from eyehand.types import Group, Observation
from eyehand.world.augmentation import Augmentation
from eyehand.world.compositing import GREY_SIZE, grey84
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

LAYERS = (ConvLayer(16, 5, 2), ConvLayer(32, 3, 2), ConvLayer(64, 3, 2), ConvLayer(64, 3, 2))
HIDDEN = 256
BATCH = 64
LR = 1e-3
LEAST_SPREAD = 4.0  # grey levels, so that the noise of pixels that never change stays small
FIRST_OF_MEAN = 10**6  # mini-batches from this number on give mean and spread


@dataclass(frozen=True)
class Options:
    """What to measure with."""

    hand: Path = Path("runs/control/kgps-3-0")
    frames: int = 12_000
    updates: int = 20_000
    trials: int = 400
    drives: int = 100  # episodes with the twin's own eyes
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
    found: dict[str, object] = {}
    for name in ("sim", "twin"):
        domain = load_domain(name, "planar_reach")
        hand = oracles(trained, domain)["perception"]
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
    task = load_task("planar_reach")
    folder = options.runs / f"frames-{options.frames}"
    if not folder.exists():
        record(task, load_domain("twin", "planar_reach"), options.frames, folder, first_episode=2_000_000)
    still = Augmentation(0.0, 0.0, 0.0, 0.0, 0.0)  # there are frames enough
    scenes = {
        "twin": RecordedScenes(_frames(folder), still, seed=0),
        "sim": SimulatedScenes(Source(task), "sim", 0, "twin_is_solvable"),
    }
    errors: dict[str, object] = {"frames": options.frames, "updates": options.updates, "batch": BATCH}
    for name, pictures in scenes.items():
        eyes = _trained(pictures, options.updates, name)
        world = SimulatedWorld(task, load_domain(name, "planar_reach"), frozenset({"camera", "privileged"}))
        with torch.inference_mode():
            at_home = interface_errors(eyes, world, np.arange(options.trials))
        errors |= {f"error_{unit}_{name}_trained_on_{name}": float(v.mean()) for unit, v in at_home.items()}
        errors[f"success_{name}_trained_on_{name}"] = _success(options, eyes.eval(), name)
    return errors


def _success(options: Options, eyes: Eyes, name: str) -> dict[str, float]:
    """Success of these eyes with the trained hand."""
    trained = load_trained(options.hand)
    policy = as_modular(trained.policy)
    assert policy is not None
    domain = load_domain(name, "planar_reach")
    episodes = run_arm(trained, policy.swap(perception=eyes), domain, np.arange(options.drives))
    wilson = rate(episodes.success)
    return {"value": wilson.value, "low": wilson.low, "high": wilson.high, "n": wilson.n}


class Eyes(nn.Module):
    """Convolutions and a hidden layer behind a normalisation of every pixel."""

    reads: frozenset[Group] = frozenset({"camera"})

    def __init__(self, pictures: Tensor) -> None:
        """Take training pictures (N, 84, 84), whose mean and spread at every pixel are used."""
        super().__init__()
        self.conv, features = conv_stack(LAYERS, (GREY_SIZE, GREY_SIZE))
        self.head = mlp((features, HIDDEN, scene_configuration.SIZE))
        self.register_buffer("mean", pictures.float().mean(0))
        self.register_buffer("spread", pictures.float().std(0) + LEAST_SPREAD)

    def forward(self, grey: Tensor) -> Tensor:
        """Theta (B, 5) of grey levels (B, 84, 84)."""
        normal = ((grey.float() - self.mean) / self.spread)[:, None]
        return 0.5 + self.head(self.conv(normal.contiguous(memory_format=torch.channels_last)))

    def perceive(self, obs: Observation) -> Tensor:
        """Theta (B, 5) of the frames of the observation's only camera."""
        (camera,) = obs.cameras.values()
        return self(torch.as_tensor(grey84(camera.rgb)))

    def groups(self) -> dict[str, tuple[nn.Parameter, ...]]:
        """Nothing that `adapt` may move."""
        return {}


def _trained(scenes: RecordedScenes | SimulatedScenes, updates: int, name: str) -> Eyes:
    """Eyes trained on new mini-batches of scenes."""
    eyes = Eyes(torch.cat([scenes.batch(BATCH, FIRST_OF_MEAN + i)[0] for i in range(40)]))
    initialise(eyes, spawn(0, "twin_is_solvable"))
    adam = torch.optim.Adam(eyes.parameters(), fused=True)
    for number in range(updates):
        grey, theta = scenes.batch(BATCH, number)
        for group in adam.param_groups:
            group["lr"] = LR * min(1.0, (number + 1) / 200) * (1.0 - number / updates)
        loss = perception_loss(eyes(grey), theta)
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(eyes.parameters(), 0.5)
        adam.step()
        if (number + 1) % 500 == 0:
            print(f"{name}: {number + 1} of {updates} updates, loss {float(loss.detach()):.5f}", flush=True)
    return eyes


def _frames(folder: Path) -> TargetFrames:
    """All frames of a recording, past the ledger: this is no method and adapts nothing."""
    recorded = RecordedEpisodes.open(folder)
    rows = np.arange(len(recorded))
    found = recorded.frames(["observation.images.webcam", "observation.state"], rows)
    q_rad = found["observation.state"].astype(np.float64)
    return TargetFrames(found["observation.images.webcam"], q_rad, None, rows, recorded.extra)


if __name__ == "__main__":
    main(tyro.cli(Options))

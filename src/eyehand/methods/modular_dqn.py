"""Modular deep Q networks (Zhang, Leitner, Milford, Corke 2017, arXiv:1610.06781).

Idea: a bottleneck with a meaning, the scene configuration Theta, joins perception (image to Theta) and control (Theta
to Q-values). Both are trained apart in simulation; a few labelled real frames adapt the eyes; then weighted losses
tune both together, so that the hand learns to live with the eyes' errors and the eyes learn what the hand needs.

Symbols: I image, Theta = [x*, q] in R^5 in [0, 1], y(I) its estimate, Q(Theta, a) action values, r reward, gamma
discount, epsilon share of guided (or random) actions, beta weight of the perception loss, q* goal angles.

    L_p  = 1/2m sum ||y(I) - Theta||^2                                                   (2)  `perception_loss`
    L_q  = 1/2m sum (Q(Theta_t, a_t) - (r_t + gamma max_a Q(Theta_{t+1}, a)))^2          (3)  `task_loss`
    L    = beta L_p + (1 - beta) L_q^BN for perception, L_q for control                  (4)  `FineTuneLearner`
    K-GPS: with probability epsilon a = argmin_a ||a[q] - q*||, else argmax_a Q          (6)  `ControlLearner`

Differences from the paper:
    1. n-step returns (paper: 1); `n_step=1` is the paper's (3). The same in both exploration arms.
    2. Double Q-learning (paper: plain maximum); `double_q=False` is the paper's.
    3. Adam with a falling step size (paper: RmsProp at 0.1-0.01); the same in all arms.
    4. Hundreds of arms step together and every update draws from their common replay.
    5. The target network follows by averaging (paper: not given).
    6. The first convolution starts at random (paper: from GoogLeNet, whose weights we may not ship).
    7. The time limit (250 steps) bootstraps; the +1 of the reward ends the episode (paper: not given).
    8. Fine-tuning replays Theta and draws its images anew, which the closed-form simulator makes cheap.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, final

import numpy as np
import torch
from torch import Tensor, nn

from eyehand.data.ledger import Budget
from eyehand.data.mixing import mixed_counts
from eyehand.data.target import RecordedTarget
from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.interfaces import scene_configuration
from eyehand.interfaces.scene_configuration import SceneConfiguration
from eyehand.learning.experience import Experience, Exploration, Memory
from eyehand.learning.generators import spawn
from eyehand.learning.keeping import Keeping
from eyehand.learning.loop import Schedule, fit
from eyehand.learning.method import Source
from eyehand.learning.networks import ConvLayer, conv_stack, initialise, mlp
from eyehand.learning.policy import ModularPolicy, Truth
from eyehand.learning.recorded_scenes import RecordedScenes
from eyehand.learning.replay import Transitions
from eyehand.learning.rollout import interface_errors, run_episodes
from eyehand.learning.run import Run
from eyehand.learning.tensors import descend, onto
from eyehand.types import Decision, Group, Images, Observation, PlanarScene
from eyehand.world import counter, plane_camera
from eyehand.world.augmentation import Augmentation
from eyehand.world.compositing import GREY_SIZE, grey84
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task

CAMERA = "webcam"


@dataclass(frozen=True)
class PerceptionConfig:
    """Supervised training of the eyes (Section 5.1); real_share 0 is SIM, 0.25 to 1 are P25 to P100."""

    domain: str = "sim"
    real_share: float = 0.0
    updates: int = 30_000
    batch: int = 128
    lr: float = 1e-3
    lr_end: float = 1e-5


@dataclass(frozen=True)
class ControlConfig:
    """Q-learning of the hand on true scene configurations (Section 5.2)."""

    updates: int = 16_000
    exploration: Exploration = "k_gps"
    epsilon: tuple[float, float] = (1.0, 0.1)
    epsilon_updates: int = 10_000
    worlds: int = 256
    batch: int = 512
    n_step: int = 16
    gamma: float = 0.99
    double_q: bool = True
    target_rate: float = 0.005
    replay: int = 400_000
    warm_up: int = 2_000
    lr: float = 1e-3
    lr_end: float = 1e-5


@dataclass(frozen=True)
class FineTuneConfig:
    """Weighted end-to-end tuning (Section 5.3); `beta=0` is the task loss alone."""

    updates: int = 4_000
    beta: float = 0.8
    worlds: int = 64
    task_batch: int = 64
    perception_batch: int = 256
    real_share: float = 0.75
    epsilon: float = 0.1
    replay: int = 100_000
    lr: float = 2e-4
    lr_end: float = 1e-5


@dataclass(frozen=True)
class Config:
    """The whole method.

    Attributes:
        layers: convolutions of the eyes.
        hidden: units of the hidden layers of the hand.
        perception: training of the eyes in simulation.
        control: training of the hand in simulation.
        adapt: adaptation of the eyes with recorded frames.
        fine_tune: end-to-end tuning.
        stages: what `adapt` does, in order.
        from_scratch: `adapt` starts with fresh eyes; with a real share of 1 this is RW.
        frames: recorded frames to read.
        augmentation: how recorded frames are varied.
    """

    layers: tuple[ConvLayer, ...] = (ConvLayer(16, 8, 4), ConvLayer(32, 4, 2), ConvLayer(32, 3, 1))
    hidden: tuple[int, ...] = (400, 300)
    perception: PerceptionConfig = PerceptionConfig()
    control: ControlConfig = ControlConfig()
    adapt: PerceptionConfig = PerceptionConfig(real_share=0.75, updates=15_000)
    fine_tune: FineTuneConfig = FineTuneConfig()
    stages: tuple[Literal["perception", "end_to_end"], ...] = ("perception", "end_to_end")
    from_scratch: bool = False
    frames: int = 1418
    augmentation: Augmentation = Augmentation()  # noqa: RUF009 - frozen


class PerceptionNetwork(nn.Module):
    """Three convolutions and one fully connected layer, image to Theta (Fig. 1C); the output is linear."""

    reads: frozenset[Group] = frozenset({"camera"})

    def __init__(self, layers: Sequence[ConvLayer]) -> None:
        """Build the network for grey images of 84 x 84 pixels."""
        super().__init__()
        self.conv, features = conv_stack(layers, (GREY_SIZE, GREY_SIZE))
        self.head = nn.Linear(features, scene_configuration.SIZE)

    def forward(self, grey: Tensor) -> Tensor:
        """y(I): grey levels (B, 84, 84) uint8 to Theta (B, 5)."""
        centred = (grey[:, None].to(self.head.weight) - 128.0) / 128.0  # (B, 1, 84, 84)
        return 0.5 + self.head(self.conv(centred.contiguous(memory_format=torch.channels_last)))

    def perceive(self, obs: Observation) -> Tensor:
        """Theta (B, 5) of the frames (B, 210, 160, 3) of the observation's only camera."""
        (camera,) = obs.cameras.values()
        if camera.rgb is None or camera.rgb.shape[1:3] != plane_camera.FRAME_SIZE:
            got = None if camera.rgb is None else camera.rgb.shape[1:]
            raise InvalidValueError("image size", got, f"height and width {plane_camera.FRAME_SIZE}, RGB")
        return self(onto(self, grey84(camera.rgb)))

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The convolutions and the head."""
        return {"conv": tuple(self.conv.parameters()), "head": tuple(self.head.parameters())}


class ControlNetwork(nn.Module):
    """Fully connected layers, Theta to action values: 5-400-300-9 for three joints."""

    reads: frozenset[Group] = frozenset()

    def __init__(self, hidden: Sequence[int], actions: int) -> None:
        """Build the network."""
        super().__init__()
        self.layers = mlp((scene_configuration.SIZE, *hidden, actions))

    def forward(self, theta: Tensor) -> Tensor:
        """Q(Theta, .): (B, 5) to (B, actions)."""
        return self.layers(2.0 * theta - 1.0)

    def initial_memory(self, batch: int) -> None:
        """No memory."""

    def decide(self, z: Tensor, obs: Observation, memory: None, generator: torch.Generator | None = None) -> Decision:
        """The greedy action argmax_a Q(Theta, a) of every row."""
        values = self(onto(self, z)).cpu().numpy()
        return Decision(np.zeros(len(values), np.int64), np.argmax(values, axis=1), memory, {"q_values": values})


def perception_loss(estimate: Tensor, theta: Tensor) -> Tensor:
    """L_p of (2): half the mean squared norm of the error, (B, 5) and (B, 5) to a scalar."""
    return 0.5 * (estimate - theta).square().sum(dim=1).mean()


def task_loss(
    control: nn.Module, target: nn.Module, theta: Tensor, theta_next: Tensor, batch: Transitions, *, double_q: bool
) -> Tensor:
    """L_q of (3) for n-step transitions whose states are seen as `theta` and `theta_next` (B, 5)."""
    with torch.no_grad():
        values = target(theta_next)  # (B, A)
        choice = (control(theta_next) if double_q else values).argmax(dim=1, keepdim=True)
        goal = batch.n_step_return + batch.discount * values.gather(1, choice)[:, 0]
    chosen = control(theta).gather(1, batch.action[:, None])[:, 0]
    return 0.5 * (chosen - goal).square().mean()


def theta_of(state: PlanarScene) -> Tensor:
    """The true Theta (B, 5) of a task state."""
    return SceneConfiguration().truth(state)


class _Learner(Keeping):
    """What the three learners share: networks, optimisers, generators and simulated images."""

    def __init__(self, phase: str, model: nn.ModuleDict, source: Source, seed: int, domain: str = "sim") -> None:
        super().__init__()
        self.phase, self.seed, self.source = phase, seed, source
        self.perception = cast(PerceptionNetwork, model["perception"])
        self.control = cast(ControlNetwork, model["control"])
        self.world = source.world(domain, frozenset({"camera", "privileged"}))
        self.sampling = self.keep("sampling", spawn(seed, f"{phase}/sampling"))
        self.exploring = self.keep("exploring", spawn(seed, f"{phase}/exploring"))

    def optimiser(self, network: nn.Module, lr: float) -> torch.optim.Optimizer:
        """Adam over a network's parameters."""
        name = f"optimiser/{type(network).__name__}"
        return self.keep(name, torch.optim.Adam(network.parameters(), lr=lr))

    def simulated(self, count: int) -> tuple[Tensor, Tensor]:
        """Fresh images (count, 84, 84) of random scenes in the source domain, and their Theta (count, 5)."""
        seeds = counter.bits(self.seed, self.phase, self.done, np.arange(count)).astype(np.int64) >> 1
        (camera,) = self.world.reset(seeds).cameras.values()
        return torch.from_numpy(grey84(cast(Images, camera.rgb))), theta_of(self.world.privileged())

    def evaluate(self) -> dict[str, float]:
        """Errors of the eyes on 400 fixed images of the simulator (Table 1, Sim)."""
        errors = interface_errors(self.perception, self.world, np.arange(400))
        return {f"eval/sim/error_{unit}": float(values.mean()) for unit, values in errors.items()}

    def perception_loss(self, batch: int, real_share: float, recorded: RecordedScenes | None) -> Tensor:
        """L_p on a mini-batch of which `real_share` is recorded and the rest simulated."""
        real, simulated = mixed_counts(batch, real_share if recorded else 0.0)
        parts = [recorded.batch(real, self.sampling)] if recorded and real else []
        parts += [self.simulated(simulated)] if simulated else []
        grey, theta = (torch.cat([onto(self.perception, part[i]) for part in parts]) for i in (0, 1))
        return perception_loss(self.perception(grey), theta)


@final
class PerceptionLearner(_Learner):
    """SIM, RW, P25-P100: minimises L_p on new images of random scenes, of which a share is recorded."""

    def __init__(
        self, config: PerceptionConfig, model: nn.ModuleDict, source: Source, seed: int, recorded: RecordedScenes | None
    ) -> None:
        """Prepare the phase; without recorded frames all images are simulated (SIM)."""
        super().__init__("sim" if recorded is None else "adapt", model, source, seed, config.domain)
        self.config, self.recorded = config, recorded
        self.adam = self.optimiser(self.perception, config.lr)

    def update(self) -> dict[str, Tensor]:
        """One mini-batch."""
        c = self.config
        loss = self.perception_loss(c.batch, c.real_share, self.recorded)
        descend(self.adam, loss, c.lr, c.lr_end, self.done / c.updates)
        self.done += 1
        return {"train/perception_loss": loss.detach()}


class _QLearner(_Learner):
    """Q-learning on the common replay of many arms, with a slowly following target network."""

    def __init__(self, phase: str, config: ControlConfig, model: nn.ModuleDict, source: Source, seed: int) -> None:
        super().__init__(phase, model, source, seed)
        self.q_learning = config
        self.target = self.keep("target", copy.deepcopy(self.control).requires_grad_(requires_grad=False))

    def act_in(self, world: SimulatedWorld[Any], rows: int, capacity: int) -> Experience:
        """Start arms in a world."""
        c = self.q_learning
        memory = Memory(c.n_step, c.gamma, capacity)
        return self.keep("experience", Experience(world, rows, theta_of, memory, c.exploration, self.seed))

    def sampled(self, experience: Experience, count: int) -> Transitions:
        """Transitions of the replay, on the network's device."""
        batch = experience.replay.sample(count, self.sampling)
        return Transitions(*(onto(self.control, getattr(batch, f.name)) for f in fields(batch)))

    @torch.no_grad()
    def follow(self) -> None:
        """Move the target network towards the control network."""
        for slow, fast in zip(self.target.parameters(), self.control.parameters(), strict=True):
            slow.lerp_(fast, self.q_learning.target_rate)


@final
class ControlLearner(_QLearner):
    """CR: Algorithm 1, DQN with K-GPS (or epsilon-greedy) on true scene configurations."""

    def __init__(self, config: ControlConfig, model: nn.ModuleDict, source: Source, seed: int) -> None:
        """Prepare the phase."""
        super().__init__("control", config, model, source, seed)
        self.config = config
        world = source.world("sim", frozenset({"privileged"}), auto_reset=True)
        self.experience = self.act_in(world, config.worlds, config.replay)
        self.adam = self.optimiser(self.control, config.lr)

    def update(self) -> dict[str, Tensor | float]:
        """One step of every arm and one update of the network."""
        c = self.config
        with torch.inference_mode():
            greedy = self.control(onto(self.control, self.experience.encoded())).argmax(dim=1).cpu().numpy()
        start, end = c.epsilon
        epsilon = max(end, start + (end - start) * self.done / c.epsilon_updates)
        self.experience.step(greedy, epsilon, self.exploring)
        self.done += 1
        if len(self.experience.replay) < c.warm_up:
            return {"train/epsilon": epsilon}
        batch = self.sampled(self.experience, c.batch)
        loss = task_loss(self.control, self.target, batch.state, batch.next_state, batch, double_q=c.double_q)
        descend(self.adam, loss, c.lr, c.lr_end, self.done / c.updates)
        self.follow()
        return {"train/task_loss": loss.detach(), "train/epsilon": epsilon, "train/frames": self.done * c.worlds}

    def evaluate(self) -> dict[str, float]:
        """Success and final distance over 200 episodes with true scene configurations (Fig. 5)."""
        interface, sim = SceneConfiguration(), self.source.domain("sim")
        policy = ModularPolicy(Truth(interface), self.control, interface)
        episodes = run_episodes(policy, self.source.task, sim, sim.seeds(np.arange(200)), batch=200)
        distance = float(np.median(episodes.measures["distance_m"]))
        return {"eval/sim/success": float(episodes.success.mean()), "eval/sim/median_distance_m": distance}


@final
class FineTuneLearner(_QLearner):
    """EE2-FT: the weighted losses of (4); the task loss in simulation, the perception loss on mixed images."""

    def __init__(
        self, config: Config, model: nn.ModuleDict, source: Source, seed: int, recorded: RecordedScenes
    ) -> None:
        """Prepare the phase."""
        super().__init__("fine_tune", replace(config.control, exploration="k_gps"), model, source, seed)
        self.config, self.recorded = config.fine_tune, recorded
        arms = source.world("sim", frozenset({"camera", "privileged"}), auto_reset=True)
        self.experience = self.act_in(arms, self.config.worlds, self.config.replay)
        self.imaging = source.task.imaging(source.domain("sim"))[CAMERA]
        self.eyes, self.hand = (self.optimiser(part, self.config.lr) for part in (self.perception, self.control))

    def update(self) -> dict[str, Tensor]:
        """One step of every arm, then one update of both networks, each by its own gradient."""
        c = self.config
        with torch.inference_mode():
            seen = self.perception.perceive(self.experience.obs).clamp(0.0, 1.0)
            greedy = self.control(seen).argmax(dim=1).cpu().numpy()
        self.experience.step(greedy, c.epsilon, self.exploring)
        self.done += 1
        if len(self.experience.replay) < c.task_batch:
            return {}
        batch = self.sampled(self.experience, c.task_batch)
        estimate = self.perception(self._drawn(batch.state))  # Theta is replaced with I in L_q
        with torch.no_grad():
            estimate_next = self.perception(self._drawn(batch.next_state))
        bottleneck = estimate.detach().requires_grad_()
        double_q = self.q_learning.double_q
        loss_q = task_loss(self.control, self.target, bottleneck, estimate_next, batch, double_q=double_q)
        step = (c.lr, c.lr_end, self.done / c.updates)
        descend(self.hand, loss_q, *step)  # the hand learns from L_q alone; the bottleneck keeps dL_q / dTheta
        loss_p = self.perception_loss(c.perception_batch, c.real_share, self.recorded)
        pull = (cast(Tensor, bottleneck.grad) * estimate).sum()  # its gradient in the eyes is that of L_q^BN
        descend(self.eyes, c.beta * loss_p + (1.0 - c.beta) * pull, *step)
        self.follow()
        return {"train/perception_loss": loss_p.detach(), "train/task_loss": loss_q.detach()}

    def _drawn(self, theta: Tensor) -> Tensor:
        """The simulator's images (B, 84, 84) of scene configurations (B, 5)."""
        scene = scene_configuration.scene(theta.cpu().numpy())
        zeros = np.zeros(len(theta), np.int64)
        return onto(self.perception, grey84(self.imaging.capture(scene, zeros, zeros)))


def tiny() -> Config:
    """A second: for tests, learns nothing."""
    eyes = PerceptionConfig(updates=12, batch=8)
    return Config(
        layers=(ConvLayer(4, 8, 4), ConvLayer(4, 4, 4)),
        hidden=(16,),
        perception=eyes,
        control=ControlConfig(40, worlds=8, batch=16, n_step=4, warm_up=32, replay=256, epsilon_updates=20),
        adapt=replace(eyes, real_share=0.75),
        fine_tune=FineTuneConfig(12, worlds=4, task_batch=8, perception_batch=8, replay=128),
        frames=8,
    )


def quick() -> Config:
    """About a minute a phase on two cores: for the demo."""
    return Config(
        perception=PerceptionConfig(updates=2_500, batch=64),
        control=ControlConfig(4_000, epsilon_updates=2_400),
        adapt=PerceptionConfig(real_share=0.75, updates=1_500, batch=64),
        fine_tune=FineTuneConfig(300, worlds=32),
        frames=700,
    )


def laptop() -> Config:
    """Minutes to an hour on two cores."""
    return Config()


def paper() -> Config:
    """The paper's sizes and update counts, for a GPU."""
    return Config(
        layers=(ConvLayer(64, 7, 2), ConvLayer(64, 4, 2), ConvLayer(64, 3, 1)),
        perception=PerceptionConfig(updates=4_000_000),
        control=ControlConfig(3_000_000, epsilon_updates=3_000_000, batch=64, worlds=1, n_step=1, double_q=False),
        adapt=PerceptionConfig(real_share=0.75, updates=2_000_000),
        fine_tune=FineTuneConfig(1_000_000),
    )


PRESETS = {"tiny": tiny, "quick": quick, "laptop": laptop, "paper": paper}


@final
class ModularDQN:
    """The method object, see the module's text."""

    name = "modular_dqn"
    summary = "perception and control joined by a bottleneck with a meaning; guided Q-learning; weighted fine-tuning"
    presets = tuple(PRESETS)
    budget = Budget(frames=1418, labels=1418)
    features = {"observation.images.webcam": (*plane_camera.FRAME_SIZE, 3), "observation.state": (3,)}  # noqa: RUF012

    def preset(self, name: str) -> Config:
        """The configuration of a preset."""
        if name not in PRESETS:
            raise UnknownNameError("preset", name, PRESETS)
        return PRESETS[name]()

    def networks(self, config: Config, task: Task[Any], seed: int) -> nn.ModuleDict:
        """Perception and control networks, initialised from the seed."""
        actions = len(task.commands[0].table or ())
        model = nn.ModuleDict(
            {
                "perception": PerceptionNetwork(config.layers),
                "control": ControlNetwork(config.hidden, actions),
            }
        )
        for name, module in model.items():
            initialise(module, spawn(seed, f"initialise/{name}"))
        return model

    def policy(self, model: nn.ModuleDict, task: Task[Any]) -> ModularPolicy[Tensor]:
        """Perception, bottleneck and control in one policy."""
        return ModularPolicy(model["perception"], model["control"], task.interface)

    def train(self, config: Config, source: Source, run: Run, model: nn.ModuleDict) -> None:
        """SIM, then CR: the eyes and the hand apart, in simulation."""
        eyes = PerceptionLearner(config.perception, model, source, run.seed, None)
        fit("perception", eyes, _schedule(config.perception.updates), run, model)
        hand = ControlLearner(config.control, model, source, run.seed)
        fit("control", hand, _schedule(config.control.updates), run, model)

    def adapt(self, config: Config, source: Source, target: RecordedTarget, run: Run, model: nn.ModuleDict) -> None:
        """The eyes on recorded and simulated frames, then both networks end to end, as `config.stages` says."""
        recorded = RecordedScenes(target.take("frames", min(config.frames, len(target))), config.augmentation)
        if "perception" in config.stages:
            if config.from_scratch:
                initialise(model["perception"], spawn(run.seed, "initialise/perception"))
            eyes = PerceptionLearner(config.adapt, model, source, run.seed, recorded)
            fit("adapt", eyes, _schedule(config.adapt.updates), run, model)
        if "end_to_end" in config.stages:
            both = FineTuneLearner(config, model, source, run.seed, recorded)
            fit("fine_tune", both, _schedule(config.fine_tune.updates), run, model)


def _schedule(updates: int) -> Schedule:
    return Schedule(updates, log_every=max(1, updates // 100), evaluate_every=max(1, updates // 10))

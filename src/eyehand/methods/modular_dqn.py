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
    1. n-step returns and double Q-learning; `n_step=1` and `double_q=False` are the paper's. Both exploration arms.
    2. Adam with a falling step size (paper: RmsProp at 0.1-0.01); for the eyes gentle: short gradients, a slow start.
    3. Many arms step together and share a replay; the target network follows by averaging (paper: not given).
    4. The first convolution starts at random (paper: from GoogLeNet, whose weights we may not ship).
    5. The time limit (250 steps) bootstraps; the +1 of the reward ends the episode (paper: not given).
    6. One hidden layer follows the convolutions of the eyes (paper: none), because angles are not linear in them.
    7. Fine-tuning replays Theta and draws its images anew, which the closed-form simulator makes cheap.
    8. In fine-tuning the hand all but stands still and beta is 0.998 (paper: 0.8): docs/methods tells why.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, final

import numpy as np
import torch
from torch import Tensor, nn

from eyehand.data.ledger import Budget
from eyehand.data.target import RecordedTarget
from eyehand.errors import InvalidValueError
from eyehand.interfaces.scene_configuration import SIZE, SceneConfiguration
from eyehand.learning.experience import Experience, Exploration, Memory
from eyehand.learning.generators import spawn
from eyehand.learning.keeping import Keeping
from eyehand.learning.loop import Schedule, fit
from eyehand.learning.method import Source, preset_of
from eyehand.learning.networks import ConvLayer, conv_stack, initialise, initialised, mlp
from eyehand.learning.policy import ModularPolicy, Truth
from eyehand.learning.ranges import Amount, Checked, Count, Rate, Share
from eyehand.learning.replay import Transitions
from eyehand.learning.rollout import mean_errors, mean_outcomes
from eyehand.learning.run import Run
from eyehand.learning.scenes import RecordedScenes, SimulatedScenes, mixed_batches
from eyehand.learning.tensors import descend, device_of, follow, onto
from eyehand.types import Decision, Group, Images, Observation
from eyehand.world import plane_camera
from eyehand.world.augmentation import Augmentation
from eyehand.world.compositing import GREY_SIZE, grey84
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.task import Task


@dataclass(frozen=True)
class PerceptionConfig(Checked):
    """Supervised training of the eyes (Section 5.1); real_share 0 is SIM, 0.25 to 1 are P25 to P100."""

    domain: str = "sim"
    real_share: Share = 0.0
    updates: Amount = 14_000
    batch: Count = 64
    lr: Rate = 2e-3
    lr_end: Rate = 1e-5


@dataclass(frozen=True)
class ControlConfig(Checked):
    """Q-learning of the hand on true scene configurations (Section 5.2)."""

    updates: Amount = 24_000
    exploration: Exploration = "k_gps"
    epsilon: tuple[Share, Share] = (1.0, 0.1)  # falls or rises from one to the other, and stays there
    epsilon_updates: Count = 15_000
    worlds: Count = 64
    batch: Count = 1024
    n_step: Count = 16
    gamma: Share = 0.99
    double_q: bool = True
    target_rate: Share = 0.005
    replay: Count = 400_000
    warm_up: Count = 2_000
    lr: Rate = 1e-3
    lr_end: Rate = 1e-5


@dataclass(frozen=True)
class FineTuneConfig(Checked):
    """Weighted end-to-end tuning (Section 5.3); `beta=0` is the task loss alone, the paper's is 0.8."""

    updates: Amount = 5_000
    beta: Share = 0.998
    worlds: Count = 64
    task_batch: Count = 64
    perception_batch: Count = 256
    real_share: Share = 0.75
    epsilon: Share = 0.1
    replay: Count = 100_000
    warm_up: Count = 10_000
    lr: Rate = 1e-3
    lr_hand: Rate = 1e-6
    lr_end: Rate = 1e-6


@dataclass(frozen=True)
class Config(Checked):
    """The whole method, by default for a laptop; `from_scratch` adapts fresh eyes: with a real share of 1 it is RW."""

    layers: tuple[ConvLayer, ...] = (ConvLayer(16, 8, 4), ConvLayer(32, 4, 2), ConvLayer(32, 3, 1))
    eyes_hidden: tuple[Count, ...] = (256,)
    hidden: tuple[Count, ...] = (400, 300)
    perception: PerceptionConfig = PerceptionConfig()
    control: ControlConfig = ControlConfig()
    adapt: PerceptionConfig = PerceptionConfig(real_share=0.75, updates=12_000)
    fine_tune: FineTuneConfig = FineTuneConfig()
    stages: tuple[Literal["perception", "end_to_end"], ...] = ("perception", "end_to_end")  # what `adapt` does
    from_scratch: bool = False
    frames: Count = 1418  # recorded frames to read
    augmentation: Augmentation = Augmentation()  # noqa: RUF009 - frozen
    evaluations: Amount = 10  # points of every learning curve

    def __post_init__(self) -> None:
        """Refuse no stage, and stages that are named twice or the wrong way round."""
        super().__post_init__()
        if self.stages not in (("perception",), ("end_to_end",), ("perception", "end_to_end")):
            raise InvalidValueError("stages", self.stages, "perception, end_to_end, or both in this order", "Config")


class PerceptionNetwork(nn.Module):
    """Three convolutions, hidden layers if any, and one layer to Theta (Fig. 1C); the output is linear."""

    reads: frozenset[Group] = frozenset({"camera"})

    def __init__(self, layers: Sequence[ConvLayer], hidden: Sequence[int]) -> None:
        super().__init__()
        self.conv, features = conv_stack(layers, (GREY_SIZE, GREY_SIZE))
        self.head = mlp((features, *hidden, SIZE))

    def forward(self, grey: Tensor) -> Tensor:
        """y(I): grey levels (B, 84, 84) uint8 to Theta (B, 5)."""
        centred = (grey[:, None].to(next(self.parameters())) - 128.0) / 128.0  # (B, 1, 84, 84)
        return 0.5 + self.head(self.conv(centred.contiguous(memory_format=torch.channels_last)))

    def perceive(self, obs: Observation) -> Tensor:
        """Theta (B, 5) of the frames (B, 210, 160, 3) of the observation's only camera."""
        (camera,) = obs.cameras.values()
        return self(torch.as_tensor(grey84(cast(Images, camera.rgb))))

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The convolutions and the head."""
        return {"conv": tuple(self.conv.parameters()), "head": tuple(self.head.parameters())}


class ControlNetwork(nn.Module):
    """Fully connected layers, Theta to action values: 5-400-300-9 for three joints."""

    reads: frozenset[Group] = frozenset()

    def __init__(self, hidden: Sequence[int], actions: int) -> None:
        super().__init__()
        self.layers = mlp((SIZE, *hidden, actions))

    def forward(self, theta: Tensor) -> Tensor:
        """Q(Theta, .): (B, 5) to (B, actions)."""
        return self.layers(2.0 * theta - 1.0)

    def initial_memory(self, batch: int) -> None:
        """No memory."""

    def decide(self, z: Tensor, obs: Observation, memory: None, generator: torch.Generator | None = None) -> Decision:
        """The greedy action argmax_a Q(Theta, a) of every row."""
        del obs, generator
        values = self(onto(self, z)).cpu().numpy()
        return Decision(np.zeros(len(values), np.int64), np.argmax(values, axis=1), memory, {"q_values": values})


def perception_loss(estimate: Tensor, theta: Tensor) -> Tensor:
    """L_p of (2): half the mean squared norm of the error, (B, 5) and (B, 5) to a scalar."""
    return 0.5 * (estimate - theta).square().sum(dim=1).mean()


def task_loss(
    control: nn.Module, target: nn.Module, theta: Tensor, theta_next: Tensor, batch: Transitions, double_q: bool
) -> Tensor:
    """L_q of (3) for n-step transitions whose states are seen as `theta` and `theta_next` (B, 5)."""
    with torch.no_grad():
        values = target(theta_next)  # (B, A)
        choice = (control(theta_next) if double_q else values).argmax(dim=1, keepdim=True)
        goal = batch.n_step_return + batch.discount * values.gather(1, choice)[:, 0]
    chosen = control(theta).gather(1, batch.action[:, None])[:, 0]
    return 0.5 * (chosen - goal).square().mean()


class _Learner(Keeping):
    """What the three learners share: networks, optimisers, scenes, and the loss on pictures drawn one batch ahead."""

    def __init__(self, phase: str, model: nn.ModuleDict, source: Source, seed: int, domain: str = "sim") -> None:
        super().__init__()
        self.seed, self.source = seed, source
        self.perception = cast(PerceptionNetwork, model["perception"])
        self.control = cast(ControlNetwork, model["control"])
        self.scenes = SimulatedScenes(source, domain, seed, phase)

    def adam(self, network: nn.Module) -> torch.optim.Optimizer:
        """Adam over a network's parameters."""
        return self.keep(f"adam/{type(network).__name__}", torch.optim.Adam(network.parameters(), fused=True))

    def evaluate(self) -> dict[str, float]:
        """Errors of the eyes on 400 fixed images of the simulator (Table 1, Sim)."""
        return mean_errors(self.perception, self.scenes.world, 400)

    def picture_loss(self, pictures: tuple[Tensor, Tensor]) -> Tensor:
        """L_p on a mini-batch of pictures and their Theta."""
        grey, theta = (onto(self.perception, part) for part in pictures)
        return perception_loss(self.perception(grey), theta)


@final
class PerceptionLearner(_Learner):
    """SIM, RW, P25-P100: minimises L_p on new images of random scenes; without recorded ones all are simulated."""

    def __init__(
        self, config: PerceptionConfig, model: nn.ModuleDict, source: Source, seed: int, recorded: RecordedScenes | None
    ) -> None:
        super().__init__("adapt" if recorded else "sim", model, source, seed, config.domain)
        self.config, self.eyes = config, self.adam(self.perception)
        self.pictures = mixed_batches(self.scenes, recorded, config.batch, config.real_share)

    def update(self) -> dict[str, Tensor]:
        """One mini-batch."""
        c, loss = self.config, self.picture_loss(self.pictures(self.done))
        descend(self.eyes, loss, (c.lr, c.lr_end, self.done / c.updates), gentle=True)
        self.done += 1
        return {"train/perception_loss": loss.detach()}


class _QLearner(_Learner):
    """Q-learning on the replay of many arms, with a target network that follows slowly."""

    def __init__(
        self, phase: str, config: ControlConfig, arms: SimulatedWorld[Any], rows: int, replay: int, *rest: Any
    ) -> None:
        super().__init__(phase, *rest)
        self.q_learning = config
        self.target = self.keep("target", copy.deepcopy(self.control).requires_grad_(requires_grad=False))
        self.generator = self.keep("generator", spawn(self.seed, phase))
        memory, truth = Memory(config.n_step, config.gamma, replay), SceneConfiguration().truth
        self.experience = self.keep("experience", Experience(arms, rows, truth, memory, config.exploration, self.seed))

    def act(self, theta: Tensor, epsilon: float) -> None:
        """One step of every arm whose scene is believed to be Theta (B, 5)."""
        greedy = self.control(onto(self.control, theta)).argmax(dim=1).cpu().numpy()
        self.experience.step(greedy, epsilon, self.generator)
        self.done += 1


@final
class ControlLearner(_QLearner):
    """CR: Algorithm 1, DQN with K-GPS (or epsilon-greedy) on true scene configurations."""

    def __init__(self, config: ControlConfig, model: nn.ModuleDict, source: Source, seed: int) -> None:
        arms = source.world("sim", frozenset({"privileged"}), auto_reset=True)
        super().__init__("control", config, arms, config.worlds, config.replay, model, source, seed)
        self.hand = self.adam(self.control)

    def update(self) -> dict[str, Tensor | float]:
        """One step of every arm and one update of the network."""
        c, (start, end) = self.q_learning, self.q_learning.epsilon
        epsilon = (max if start > end else min)(end, start + (end - start) * self.done / c.epsilon_updates)
        with torch.inference_mode():
            self.act(self.experience.encoded(), epsilon)
        if len(self.experience.replay) < min(c.warm_up, c.replay):
            return {"train/epsilon": epsilon}
        batch = self.experience.sample(c.batch, self.generator, device_of(self.control))
        loss = task_loss(self.control, self.target, batch.state, batch.next_state, batch, c.double_q)
        descend(self.hand, loss, (c.lr, c.lr_end, self.done / c.updates))
        follow(self.target, self.control, c.target_rate)
        return {"train/task_loss": loss.detach(), "train/epsilon": epsilon, "train/frames": self.done * c.worlds}

    def evaluate(self) -> dict[str, float]:
        """Success and final distance over 200 episodes with true scene configurations (Fig. 5)."""
        policy = ModularPolicy(Truth(SceneConfiguration()), self.control, SceneConfiguration())
        return mean_outcomes(policy, self.source.task, self.source.domain("sim"), 200)


@final
class FineTuneLearner(_QLearner):
    """EE2-FT: the weighted losses of (4); the task loss in simulation, the perception loss on mixed images."""

    def __init__(self, config: Config, model: nn.ModuleDict, source: Source, seed: int, real: RecordedScenes) -> None:
        self.config = config.fine_tune
        arms = source.world("sim", frozenset({"camera", "privileged"}), auto_reset=True)
        guided = replace(config.control, exploration="k_gps")
        super().__init__("fine_tune", guided, arms, self.config.worlds, self.config.replay, model, source, seed)
        self.eyes, self.hand = self.adam(self.perception), self.adam(self.control)
        self.pictures = mixed_batches(self.scenes, real, self.config.perception_batch, self.config.real_share)

    def update(self) -> dict[str, Tensor]:
        """One step of every arm, then one update of both networks, each by its own gradient."""
        c = self.config
        with torch.inference_mode():
            self.act(self.perception.perceive(self.experience.obs).clamp(0.0, 1.0), c.epsilon)
        if len(self.experience.replay) < min(c.warm_up, c.replay):
            return {}
        batch = self.experience.sample(c.task_batch, self.generator, device_of(self.control))
        estimate = self.perception(self.scenes.draw(batch.state))  # Theta is replaced with I in L_q
        with torch.no_grad():
            estimate_next = self.perception(self.scenes.draw(batch.next_state))
        bottleneck = estimate.detach().requires_grad_()
        loss_q = task_loss(self.control, self.target, bottleneck, estimate_next, batch, self.q_learning.double_q)
        done = self.done / c.updates
        descend(self.hand, loss_q, (c.lr_hand, c.lr_end, done))  # from L_q alone; the bottleneck keeps dL_q / dTheta
        loss_p = self.picture_loss(self.pictures(self.done))
        pull = (cast(Tensor, bottleneck.grad) * estimate).sum()  # its gradient in the eyes is that of L_q^BN
        descend(self.eyes, c.beta * loss_p + (1.0 - c.beta) * pull, (c.lr, c.lr_end, done), gentle=True)
        follow(self.target, self.control, self.q_learning.target_rate)
        return {"train/perception_loss": loss_p.detach(), "train/task_loss": loss_q.detach()}


def tiny() -> Config:
    """Seconds: for tests, learns nothing."""
    layers = (ConvLayer(4, 8, 4), ConvLayer(4, 4, 4))
    eyes = PerceptionConfig(updates=12, batch=8)
    hand = ControlConfig(40, worlds=8, batch=16, n_step=4, warm_up=32, replay=256, epsilon_updates=20)
    both = FineTuneConfig(12, worlds=4, task_batch=8, perception_batch=8, replay=128, warm_up=8)
    return Config(layers, (8,), (16,), eyes, hand, replace(eyes, real_share=0.75), both, frames=8, evaluations=1)


def quick() -> Config:
    """About a minute a phase on two cores: for the demo."""
    eyes = PerceptionConfig(updates=1_500)
    hand = ControlConfig(3_900, epsilon_updates=2_400, worlds=256, batch=256)
    adapt = PerceptionConfig(real_share=0.75, updates=2_200)
    both = FineTuneConfig(120, worlds=32, task_batch=32, perception_batch=64, warm_up=32, lr=2e-4)
    return Config(perception=eyes, control=hand, adapt=adapt, fine_tune=both, evaluations=3)


def paper() -> Config:
    """The paper's sizes and update counts, for a GPU."""
    layers = (ConvLayer(64, 7, 2), ConvLayer(64, 4, 2), ConvLayer(64, 3, 1))
    eyes = PerceptionConfig(updates=4_000_000, batch=128)
    hand = ControlConfig(3_000_000, epsilon_updates=3_000_000, batch=64, worlds=1, n_step=1, double_q=False)
    both = FineTuneConfig(1_000_000, 0.8, lr_hand=1e-3)
    return Config(layers, (), (400, 300), eyes, hand, replace(eyes, real_share=0.75, updates=2_000_000), both)


PRESETS = {"tiny": tiny, "quick": quick, "laptop": Config, "paper": paper}


@final
class ModularDQN:
    """The method object, see the module's text."""

    name = "modular_dqn"
    summary = "perception and control joined by a bottleneck with a meaning; guided Q-learning; weighted fine-tuning"
    interface = SceneConfiguration.name
    presets = tuple(PRESETS)
    budget = Budget(frames=1418, labels=1418)
    features = {"observation.images.webcam": (*plane_camera.FRAME_SIZE, 3), "observation.state": (3,)}  # noqa: RUF012

    def preset(self, name: str) -> Config:
        """The configuration of a preset."""
        return preset_of(PRESETS, name)

    def networks(self, config: Config, task: Task[Any], seed: int) -> nn.ModuleDict:
        """Perception and control networks, initialised from the seed."""
        hand = ControlNetwork(config.hidden, len(task.commands[0].table or ()))
        eyes = PerceptionNetwork(config.layers, config.eyes_hidden)
        return initialised(nn.ModuleDict({"perception": eyes, "control": hand}), seed)

    def policy(self, model: nn.ModuleDict, task: Task[Any]) -> ModularPolicy[Tensor]:
        """Perception, bottleneck and control in one policy."""
        eyes, hand = cast(PerceptionNetwork, model["perception"]), cast(ControlNetwork, model["control"])
        return ModularPolicy(eyes, hand, task.interface)

    def train(self, config: Config, source: Source, run: Run, model: nn.ModuleDict) -> None:
        """SIM, then CR: the eyes and the hand apart, in simulation."""
        eyes = PerceptionLearner(config.perception, model, source, run.seed, None)
        fit("perception", eyes, Schedule.even(config.perception.updates, config.evaluations), run, model)
        hand = ControlLearner(config.control, model, source, run.seed)
        fit("control", hand, Schedule.even(config.control.updates, config.evaluations), run, model)

    def adapt(self, config: Config, source: Source, target: RecordedTarget, run: Run, model: nn.ModuleDict) -> None:
        """The eyes on recorded and simulated frames, then both networks end to end, as `config.stages` says."""
        recorded = RecordedScenes(target.take("frames", min(config.frames, len(target))), config.augmentation, run.seed)
        if "perception" in config.stages:
            if config.from_scratch:
                initialise(model["perception"], spawn(run.seed, "initialise/perception"))
            eyes = PerceptionLearner(config.adapt, model, source, run.seed, recorded)
            fit("adapt", eyes, Schedule.even(config.adapt.updates, config.evaluations), run, model)
        if "end_to_end" in config.stages:
            both = FineTuneLearner(config, model, source, run.seed, recorded)
            fit("fine_tune", both, Schedule.even(config.fine_tune.updates, config.evaluations), run, model)

"""A closed-loop grasp through a segmentation mask (Yan et al., arXiv:1712.03303 of 2017 and arXiv:2005.07695 of 2020).

Idea: a mask of the target joins perception (picture to mask) and control (mask and joints to joint steps). The hand
learns in simulation by DAgger from a state machine that sees everything; masks look alike everywhere, so that only the
eyes have to cross the gap, and these learn from rendered targets laid over pictures of the real place.

Symbols: s mask and robot state, pi the learner's command in units of its limits, pi_E the expert's, beta_n the share of
steps that the expert does in iteration n, D the aggregate of labelled states.

    L      = sum_{s in D} || pi_n(s) - pi_E(s) ||^2                          `imitation_loss`
    beta_n = 1 for n = 1, else 0; pi_n starts from pi_{n-1}                  `ControlLearner`, `DaggerConfig.beta`
    mask: binary cross-entropy of every pixel, those of the target weighted  `mask_loss`

Differences from the paper:
    1. Pictures have 200 x 200 pixels (paper: 400 x 400), masks 100 x 100 as there. The last convolution gives four
       masks of half the size, which are interleaved; widths are ours (paper: in a figure only).
    2. Masks are damaged in training, as eyes err; the paper does not say that it did so.
    3. Dozens of arms step together and go on from iteration to iteration (paper: about ten whole attempts in each).
    4. Fewer epochs on larger iterations, with a falling step size (paper: 200 epochs at 1e-3 in each of 50).
    5. The robot's state is standardised by its mean and spread in the expert's first frames (paper: not given).
    6. The loss of the eyes, the state machine and the limits of the commands are ours (paper: not given).
    7. Backgrounds come from few rooms: each mini-batch has others behind its targets, most in other colours and
       mirrored (paper: one behind each target, as it is; `composed_once`, `recoloured`).
    8. Behaviour cloning and the end-to-end policy get the frames and epochs of DAgger, the latter's in random looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from eyehand.data.ledger import Budget
from eyehand.data.photographs import load_photographs
from eyehand.data.target import RecordedTarget
from eyehand.errors import InvalidValueError, PairingError
from eyehand.interfaces.mask import SIZE, Mask
from eyehand.learning.ahead import Ahead
from eyehand.learning.dagger import LABEL, Aggregate, Classroom, DaggerConfig, Frames, packed, unpacked
from eyehand.learning.end_to_end import EndToEndPolicy, pictures_of, proprio_of, resized, worn_anew
from eyehand.learning.generators import spawn
from eyehand.learning.keeping import Keeping
from eyehand.learning.loop import Schedule, fit
from eyehand.learning.mask_pictures import NEEDS_BACKGROUNDS, RECOLOURED, Recipe, mask_pictures
from eyehand.learning.method import Source, preset_of
from eyehand.learning.networks import ConvLayer, conv_stack, initialise, initialised, mlp
from eyehand.learning.policy import ModularPolicy, Truth
from eyehand.learning.ranges import Amount, Checked, Count, Range, Rate, Share
from eyehand.learning.rollout import mean_errors, mean_outcomes
from eyehand.learning.run import Run
from eyehand.learning.tensors import descend, onto
from eyehand.types import Array, Decision, Group, Images, Observation, Policy
from eyehand.world.task import Task

PICTURE_PX = 200
KEPT = "seen"  # masks as bits, or pictures: what the aggregate keeps beside the robot's state


@dataclass(frozen=True)
class ControlConfig(Checked):
    """The hand (Section 3): `behaviour_cloning` is DAgger with beta 1 throughout; `corruption` is the worst damage."""

    imitation: Literal["dagger", "behaviour_cloning"] = "dagger"
    dagger: DaggerConfig = DaggerConfig()  # noqa: RUF009 - frozen
    corruption: Share = 0.3
    hidden: Count = 128
    evaluations: Amount = 6  # points of the learning curve
    episodes: Count = 50  # in each


@dataclass(frozen=True)
class EyesConfig(Checked):
    """The eyes (Section 2): a recipe for pictures; `images` of "primitives" are four times as many."""

    recipe: Recipe = "composited"
    photographs: str = ""  # folder of backgrounds for training; with none, recipes that need them wait for `adapt`
    widths: tuple[Count, Count, Count, Count] = (8, 8, 16, 16)
    images: Count = 1_250
    recoloured: Share = RECOLOURED  # of the backgrounds: these come from few rooms
    composed_once: bool = False  # each target on one background, and not on another in every mini-batch
    updates: Amount = 3_000
    batch: Count = 16
    positive_weight: Annotated[float, Range(1)] = 1.0
    lr: Rate = 2e-3
    lr_end: Rate = 1e-5
    evaluations: Amount = 5  # points of the learning curve
    checked: Count = 200  # pictures in each


@dataclass(frozen=True)
class Config(Checked):
    """The whole method, by default for a laptop; `end_to_end` is a policy without a mask."""

    control: ControlConfig = ControlConfig()
    eyes: EyesConfig = EyesConfig()
    end_to_end: bool = False
    frames: Count = 1_600  # recorded backgrounds to read


class MaskNetwork(nn.Module):
    """Five 5 x 5 convolutions and two poolings, the second and the fourth dilated (Fig. 2); the output are logits."""

    reads: frozenset[Group] = frozenset({"camera"})

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        a, b, c, d = widths
        layers = [
            *(nn.Conv2d(3, a, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(a, b, 5, padding=4, dilation=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(b, c, 5, padding=2), nn.ReLU()),
            *(nn.Conv2d(c, d, 5, padding=4, dilation=2), nn.ReLU()),
            *(nn.Conv2d(d, 4, 5, padding=2), nn.PixelShuffle(2)),
        ]
        self.layers = nn.Sequential(*layers)
        self.layers.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportUnknownMemberType] - twice as fast on a CPU; torch's overloads miss it

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (B, 100, 100) of pictures (B, 200, 200, 3) uint8."""
        centred = (pictures.to(torch.float32) - 128.0) / 128.0
        return self.layers(centred.permute(0, 3, 1, 2))[:, 0]

    def perceive(self, obs: Observation) -> Tensor:
        """Probabilities (B, 100, 100) for the frames of the observation's only camera."""
        return torch.sigmoid(self(onto(self, resized(pictures_of(obs), PICTURE_PX))))

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The convolutions."""
        return {"conv": tuple(self.layers.parameters())}


class GraspController(nn.Module):
    """Mask (or picture, `channels=3`) to conv 16, conv 32, 128; state to 128; both to 128 and eight tanh (Fig. 3)."""

    reads: frozenset[Group] = frozenset({"proprio"})

    def __init__(self, task: Task[Any], channels: int, hidden: int) -> None:
        super().__init__()
        (spec,) = task.commands
        outputs = len(spec.low)
        conv, features = conv_stack((ConvLayer(16, 5, 4), ConvLayer(32, 5, 4)), SIZE, channels)
        self.sight = nn.Sequential(conv, nn.Linear(features, hidden), nn.ReLU())
        self.body = nn.Sequential(nn.Linear(outputs, hidden), nn.ReLU())
        self.head = mlp((2 * hidden, hidden, outputs))
        self.limit: Tensor
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("limit", torch.tensor(spec.high, dtype=torch.float32))
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("spread", torch.ones(outputs))

    def forward(self, seen: Tensor, state: Tensor) -> Tensor:
        """pi: masks (B, 100, 100) or pictures (B, 100, 100, 3) uint8, and states (B, 8), to (B, 8) from -1 to 1."""
        if seen.ndim == 4:
            image = (seen.permute(0, 3, 1, 2).to(state) - 128.0) / 128.0
        else:
            image = seen[:, None].contiguous(memory_format=torch.channels_last)
        both = torch.cat([self.sight(image), self.body((state - self.mean) / self.spread)], dim=1)
        return torch.tanh(self.head(both))

    def standardise(self, state: Tensor) -> None:
        """Take mean and spread of the robot's state from frames (N, 8)."""
        self.mean.copy_(state.mean(dim=0))
        self.spread.copy_(state.std(dim=0).clamp(min=1e-3))

    def initial_memory(self, batch: int) -> None:
        """No memory."""

    def decide(self, z: Tensor, obs: Observation, memory: None, generator: torch.Generator | None = None) -> Decision:
        """The command for masks (B, 100, 100) or small pictures, and the joints and gripper of the observation."""
        del generator
        state = onto(self, proprio_of(obs))
        value = (self(onto(self, z), state) * self.limit).cpu().numpy().astype(np.float64)
        return Decision(np.zeros(len(value), np.int64), value, memory)


def imitation_loss(command: Tensor, label: Tensor) -> Tensor:
    """L: the squared distance of commands (B, 8) from the expert's, both in units of the limits, mean over states."""
    return (command - label).square().sum(dim=1).mean()


def mask_loss(logits: Tensor, mask: Tensor, positive_weight: float) -> Tensor:
    """Cross-entropy of logits (B, 100, 100) and masks (B, 100, 100), the target's pixels weighted, mean over pixels."""
    weight = torch.tensor(positive_weight).to(logits)
    return functional.binary_cross_entropy_with_logits(logits, mask.to(logits), pos_weight=weight)


@final
class ControlLearner(Keeping):
    """DAgger: an update is an epoch over the aggregate, and the first of every iteration collects frames before it."""

    def __init__(self, config: ControlConfig, model: nn.ModuleDict, source: Source, seed: int) -> None:
        super().__init__()
        self.config, self.source, self.c = config, source, config.dagger
        self.hand = cast(GraspController, model["control"])
        self.sees_masks = "perception" in model
        reads: frozenset[Group] = frozenset({"proprio", "privileged" if self.sees_masks else "camera"})
        looks = "sim" if self.sees_masks else "randomized"
        worlds = {name: source.world(looks, reads, auto_reset=True) for name in ("train", "validation")}
        self.interface = cast(Mask, worlds["train"].task.interface)
        self.generator = self.keep("generator", spawn(seed, "control"))
        self.adam = self.keep("adam", torch.optim.Adam(self.hand.parameters(), fused=True))
        self.aggregate = self.keep("aggregate", Aggregate(self.c.iterations * self.c.frames))
        self.held_back = self.keep("held_back", Aggregate(2 * self.c.validation))
        rows = min(self.c.worlds, self.c.frames)
        self.classes = {
            name: self.keep(f"class/{name}", Classroom(world, rows, self.remember, seed, name))
            for name, world in worlds.items()
        }

    def remember(self, obs: Observation) -> Frames:
        """Masks as bits, or small pictures, and joints and gripper."""
        seen = packed(self.interface.truth(obs.privileged)) if self.sees_masks else resized(pictures_of(obs), SIZE[0])
        return {KEPT: seen, "state": proprio_of(obs)}

    def command(self, frames: Frames, level: float = 0.0) -> Tensor:
        """The command (B, 8) for what was kept, masks damaged up to a level."""
        seen = frames[KEPT]
        if self.sees_masks:
            seen = self.interface.corrupt(unpacked(seen, SIZE), level, self.generator)
        elif level > 0:
            seen = worn_anew(seen, self.generator)
        return self.hand(onto(self.hand, seen), onto(self.hand, frames["state"]))

    def loss(self, frames: Frames, level: float = 0.0) -> Tensor:
        """L on labelled frames."""
        return imitation_loss(self.command(frames, level), onto(self.hand, frames[LABEL]) / self.hand.limit)

    @torch.inference_mode()
    def act(self, frames: Frames) -> Array:
        """The learner's commands (B, 8)."""
        return (self.command(frames) * self.hand.limit).cpu().numpy().astype(np.float64)

    def collect(self, iteration: int) -> None:
        """The frames of an iteration; the first two, the expert's and the learner's, also fill the validation set."""
        cloning = self.config.imitation == "behaviour_cloning"
        beta = 1.0 if cloning else self.c.beta_of(iteration)
        kept = [("train", self.c.frames, beta, self.aggregate)]
        kept += [("validation", self.c.validation, 1.0 - iteration, self.held_back)] * (iteration < 2)
        for name, count, share, into in kept:
            for frames in self.classes[name].collect(count, share, self.act, self.generator):
                into.add(frames)
        if iteration == 0:
            self.hand.standardise(onto(self.hand, self.aggregate.rows(slice(None))["state"]))

    def update(self) -> dict[str, Tensor | float]:
        """One epoch, after collecting where an iteration begins; damage is drawn anew for every mini-batch."""
        c, (iteration, epoch) = self.c, divmod(self.done, self.c.epochs)
        if epoch == 0:
            self.collect(iteration)
        known, losses = len(self.aggregate), list[Tensor]()
        for number, frames in enumerate(self.aggregate.epoch(c.batch, self.generator)):
            level = self.config.corruption * float(torch.rand((), generator=self.generator))
            share = (self.done + number * c.batch / known) / (c.iterations * c.epochs)
            loss = self.loss(frames, level)
            descend(self.adam, loss, (c.lr, c.lr_end, share))
            losses.append(loss.detach())
        self.done += 1
        if self.done == c.iterations * c.epochs:
            self.aggregate.clear()  # the last checkpoint has no use for it
        return {"train/imitation_loss": torch.stack(losses).mean(), "train/frames": known + len(self.held_back)}

    @torch.inference_mode()
    def evaluate(self) -> dict[str, float]:
        """Success with true masks in the simulator (Fig. 5), and L on the validation set."""
        policy: Policy = EndToEndPolicy(self.hand, SIZE[0])
        if self.sees_masks:
            policy = ModularPolicy(Truth(self.interface), self.hand, self.interface)
        metrics = mean_outcomes(policy, self.source.task, self.source.domain("sim"), self.config.episodes)
        parts = [self.held_back.rows(slice(i, i + 256)) for i in range(0, len(self.held_back), 256)]
        losses = torch.tensor([float(self.loss(part)) * len(part[LABEL]) for part in parts])
        return metrics | ({"eval/imitation_loss": float(losses.sum()) / len(self.held_back)} if parts else {})


@final
class EyesLearner(Keeping):
    """The eyes on pictures that a recipe makes."""

    def __init__(
        self, config: EyesConfig, model: nn.ModuleDict, source: Source, seed: int, backgrounds: Images | None
    ) -> None:
        super().__init__()
        self.config = config
        self.eyes = cast(MaskNetwork, model["perception"])
        self.adam = self.keep("adam", torch.optim.Adam(self.eyes.parameters(), fused=True))
        self.world = source.world("sim", frozenset({"camera", "privileged"}))
        c, once = config, config.composed_once
        recipe = mask_pictures(c.recipe, source, seed, c.images, backgrounds, c.recoloured, once=once)
        self.pictures = Ahead(lambda number: recipe.batch(config.batch, number))

    def update(self) -> dict[str, Tensor]:
        """One mini-batch."""
        c = self.config
        pictures, mask = (onto(self.eyes, part) for part in self.pictures(self.done))
        loss = mask_loss(self.eyes(pictures), mask, c.positive_weight)
        descend(self.adam, loss, (c.lr, c.lr_end, self.done / c.updates), gentle=True)
        self.done += 1
        return {"train/mask_loss": loss.detach()}

    def evaluate(self) -> dict[str, float]:
        """What is lost of overlap, precision and recall on fixed pictures of the simulator, and false blobs."""
        return mean_errors(self.eyes, self.world, self.config.checked)


def tiny() -> Config:
    """Seconds: for tests, learns nothing."""
    dagger = DaggerConfig(iterations=2, frames=24, worlds=4, epochs=1, batch=8, validation=8)
    hand = ControlConfig(dagger=dagger, hidden=8, evaluations=1, episodes=2)
    eyes = EyesConfig(widths=(2, 2, 2, 2), images=8, updates=3, batch=2, evaluations=1, checked=4)
    return Config(hand, eyes, frames=8)


def quick() -> Config:
    """A few minutes."""
    dagger = DaggerConfig(iterations=6, frames=2_000, epochs=6, validation=200)
    eyes = EyesConfig(widths=(4, 8, 8, 8), images=1_000, updates=600, evaluations=2)
    return Config(ControlConfig(dagger=dagger, evaluations=2), eyes, frames=400)


def paper() -> Config:
    """The paper's frames, epochs and pictures, for a GPU."""
    dagger = DaggerConfig(iterations=50, frames=1_000, worlds=10, epochs=200, batch=64, lr_end=1e-3)
    eyes = EyesConfig(widths=(16, 32, 32, 32), images=5_000, recoloured=0.0, composed_once=True, updates=60_000)
    return Config(ControlConfig(dagger=dagger, evaluations=10), eyes)


PRESETS = {"tiny": tiny, "quick": quick, "laptop": Config, "paper": paper}


@final
class MaskGrasp:
    """The method object, see the module's text."""

    name = "mask_grasp"
    summary = "a segmentation mask between eyes that learn on composited pictures and a hand that learns by DAgger"
    interface = Mask.name
    presets = tuple(PRESETS)
    budget = Budget(frames=1_600)
    features = {"observation.images.hand": (PICTURE_PX, PICTURE_PX, 3), "observation.state": (8,)}  # noqa: RUF012

    def preset(self, name: str) -> Config:
        """The configuration of a preset."""
        return preset_of(PRESETS, name)

    def networks(self, config: Config, task: Task[Any], seed: int) -> nn.ModuleDict:
        """Perception and control networks, initialised from the seed; control alone where it is end to end."""
        model = nn.ModuleDict({"control": GraspController(task, 3 if config.end_to_end else 1, config.control.hidden)})
        if not config.end_to_end:
            model["perception"] = MaskNetwork(config.eyes.widths)
        return initialised(model, seed)

    def policy(self, model: nn.ModuleDict, task: Task[Any]) -> Policy:
        """Eyes, mask and hand in one policy, or the hand alone."""
        hand = cast(GraspController, model["control"])
        if "perception" not in model:
            return EndToEndPolicy(hand, SIZE[0])
        return ModularPolicy(cast(MaskNetwork, model["perception"]), hand, task.interface)

    def train(self, config: Config, source: Source, run: Run, model: nn.ModuleDict) -> None:
        """The hand by DAgger in the simulator, then the eyes where their recipe has the backgrounds that it needs."""
        (size,), folder, recipe = source.task.camera_size.values(), config.eyes.photographs, config.eyes.recipe
        if not config.end_to_end and size != (PICTURE_PX, PICTURE_PX):
            raise InvalidValueError("size of the pictures", size, f"{(PICTURE_PX, PICTURE_PX)} for its eyes", self.name)
        if folder and (config.end_to_end or recipe not in NEEDS_BACKGROUNDS):
            allowed = f"nothing, unless eyes learn by a recipe with backgrounds: {', '.join(sorted(NEEDS_BACKGROUNDS))}"
            raise InvalidValueError("eyes.photographs", folder, allowed)
        backgrounds = load_photographs(folder, size) if folder else None  # refuses bad ones before hours of training
        c, dagger = config.control, config.control.dagger
        updates = dagger.iterations * dagger.epochs
        every = dagger.epochs * max(1, dagger.iterations // c.evaluations) if c.evaluations else 0
        schedule = Schedule(updates, max(1, updates // 200), every, 600.0 if config.end_to_end else 60.0)
        fit("control", ControlLearner(c, model, source, run.seed), schedule, run, model)
        if config.end_to_end:
            return
        if folder or recipe not in NEEDS_BACKGROUNDS:
            eyes = EyesLearner(config.eyes, model, source, run.seed, backgrounds)
            fit("eyes", eyes, Schedule.even(config.eyes.updates, config.eyes.evaluations), run, model)
        else:
            run.warn(f"the eyes have still to learn: {recipe!r} takes backgrounds, see `eyehand adapt`.")

    def adapt(self, config: Config, source: Source, target: RecordedTarget, run: Run, model: nn.ModuleDict) -> None:
        """Fresh eyes on recorded backgrounds, of which no label is read; the hand stays as it is."""
        if config.end_to_end or config.eyes.recipe not in NEEDS_BACKGROUNDS:
            what = "an end-to-end policy" if config.end_to_end else f"the recipe {config.eyes.recipe!r}"
            raise PairingError(
                f"There is nothing to adapt: {what} takes no backgrounds and is complete after `eyehand train`. "
                f"Recipes that take some, for --config.eyes.recipe: {', '.join(sorted(NEEDS_BACKGROUNDS))}."
            )
        if config.eyes.photographs:
            allowed = "nothing in `eyehand adapt`, whose backgrounds are recorded: --config.eyes.photographs ''"
            raise InvalidValueError("eyes.photographs", config.eyes.photographs, allowed)
        initialise(model["perception"], spawn(run.seed, "initialise/perception"))
        frames = target.take("frames", min(config.frames, len(target)), labels=False)
        eyes = EyesLearner(config.eyes, model, source, run.seed, frames.images)
        fit("eyes", eyes, Schedule.even(config.eyes.updates, config.eyes.evaluations), run, model)

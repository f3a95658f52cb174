"""The nouns of the house as frozen dataclasses and Protocols.

Shapes use `B` for the batch (simulations stepped together), `T` for time, `H, W` for image rows and columns. Arrays
between World and Policy are NumPy; tensors live inside policies. SI units and radians; row 0 of an image is on top;
camera frames follow OpenCV (x right, y down, z forward); `T_world_camera` maps camera coordinates to world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the deploy floor sees this module only, and must start without torch
    import torch
    from torch import nn

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Floats32: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Images: TypeAlias = NDArray[np.uint8]  # (B, H, W, 3) RGB
Memory: TypeAlias = Any  # nested tuples or mappings of arrays that lead with B; None for a policy without memory

S = TypeVar("S")  # the state dataclass of a task, every array with leading dimension B
Z = TypeVar("Z")  # the value that passes through an interface, leading dimension B
S_co = TypeVar("S_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)
Z_co = TypeVar("Z_co", covariant=True)
Z_contra = TypeVar("Z_contra", contravariant=True)

Group = Literal["camera", "proprio", "goal", "previous_action", "privileged"]
Capability = Literal["privileged", "fork", "auto_reset", "success", "realtime"]


@dataclass(frozen=True)
class Camera:
    """What one camera saw, and what the robot BELIEVES about it (true extrinsics are privileged)."""

    rgb: Images | None  # (B, H, W, 3) uint8
    time_s: Floats  # (B,) when the shutter closed
    depth_m: Floats32 | None = None  # (B, H, W) metres along the optical axis; 0 where there is no reading
    K: Floats | None = None  # (B, 3, 3) pixels, pixel centres at integers
    T_base_camera: Floats | None = None  # (B, 4, 4) camera to robot base


@dataclass(frozen=True)
class Shot:
    """One frame per row with what a depth camera adds to it."""

    rgb: Images  # (B, H, W, 3) uint8
    depth_m: Floats32  # (B, H, W) metres along the optical axis; 0 where the sensor has no reading


@dataclass(frozen=True)
class Observation:
    """What a deployed policy may read, in named groups; a group that the policy does not read is None or empty."""

    cameras: Mapping[str, Camera]
    proprio: Floats | None  # (B, J) joint angles in radians as the encoders read them
    goal: Array | None  # (B, ...) the task's goal: numbers, or a picture (B, h, w, 3) uint8
    sent: Floats | None  # (B, D) last command after limits, zeros at the first step
    is_first: Flags  # (B,) the row was just reset
    time_s: Floats  # (B,) since the row was reset
    privileged: object | None = None  # the task's state; only for experts, truths and training

    @property
    def batch(self) -> int:
        """Number of rows B."""
        return len(self.is_first)


@dataclass(frozen=True)
class CommandSpec:
    """One kind of command that a world accepts.

    Attributes:
        name: "joint_delta", "ee_delta", "ee_pose" or "ee_twist".
        low: (D,) least value of each component, in `unit`.
        high: (D,) largest value of each component, in `unit`.
        frame: the frame the command is said in, "joints" for joint space.
        unit: "rad", "m" or "m/s".
        table: (n, D) the allowed values where the command is discrete; a decision then holds row indices.
    """

    name: Literal["joint_delta", "ee_delta", "ee_pose", "ee_twist"]
    low: tuple[float, ...]
    high: tuple[float, ...]
    frame: str = "joints"
    unit: str = "rad"
    table: tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True)
class Decision:
    """What a policy or an expert wants done, one row per simulation.

    Attributes:
        kind: (B,) index into `World.commands`; rows may be in different stages.
        value: (B,) int64 table rows where the command is discrete, else (B, D).
        memory: the policy's memory after this step.
        aux: extras such as `q_values` (B, n), `interface` (B, ...), `valid` (B,).
    """

    kind: Integers
    value: Array
    memory: Memory = None
    aux: Mapping[str, Array] = field(default_factory=dict[str, Array])


@dataclass(frozen=True)
class Transition:
    """The outcome of one step of a world.

    Attributes:
        obs: the next observation; rows that ended were reset already when the world resets by itself.
        reward: (B,) reward of the step, None where the world cannot tell (a real arm).
        terminated: (B,) the task ended the episode.
        truncated: (B,) the time limit ended the episode.
        final_obs: the observation before the reset of the rows that ended, None when no row ended.
    """

    obs: Observation
    reward: Floats | None
    terminated: Flags
    truncated: Flags
    final_obs: Observation | None = None


class Interface(Protocol[Z, S_contra]):
    """The typed representation between perception and control."""

    @property
    def name(self) -> str:
        """The name on pictures and in reports."""
        ...

    def truth(self, state: S_contra) -> Z | None:
        """The interface read off the task's state; None where it is latent and the oracle arm is not defined."""
        ...

    def distance(self, a: Z, b: Z) -> Mapping[str, torch.Tensor]:
        """Distances (B,) in the interface's own units, such as "cm" or "px"."""
        ...

    def harden(self, z: Z) -> Z:
        """Clip or threshold at deployment; never used inside a loss."""
        ...

    def corrupt(self, z: Z, level: float, generator: torch.Generator) -> Z:
        """A damaged copy; level 0 changes nothing."""
        ...

    def draw(self, image: Images, z: Z) -> Images:
        """Draw the interface over images (B, H, W, 3) for people."""
        ...


class Perception(Protocol[Z_co]):
    """Observation to interface: a network, a colour rule, or the truth itself."""

    @property
    def reads(self) -> frozenset[Group]:
        """Observation groups that the perception reads."""
        ...

    def perceive(self, obs: Observation) -> Z_co:
        """Estimate the interface; keeps the autograd graph."""
        ...

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Named groups of parameters, what `adapt` may move; empty where nothing is learnt."""
        ...


class Controller(Protocol[Z_contra]):
    """Interface (and proprioception, goal, memory) to action: a network or an analytic law."""

    @property
    def reads(self) -> frozenset[Group]:
        """Observation groups that the controller reads besides the interface."""
        ...

    def initial_memory(self, batch: int) -> Memory:
        """Memory of `batch` fresh rows; None for a controller without memory."""
        ...

    def decide(
        self, z: Z_contra, obs: Observation, memory: Memory, generator: torch.Generator | None = None
    ) -> Decision:
        """Choose a command for every row; rows with `obs.is_first` restart their memory inside."""
        ...


class Policy(Protocol):
    """Observation to decision; memory is passed in and out, never hidden."""

    @property
    def reads(self) -> frozenset[Group]:
        """Observation groups that the policy reads; a world hands over these and no others."""
        ...

    def initial_memory(self, batch: int) -> Memory:
        """Memory of `batch` fresh rows; None for a policy without memory."""
        ...

    def looks(self, memory: Memory, batch: int) -> Mapping[str, Flags]:
        """For every camera (B,): which rows need its image."""
        ...

    def act(self, obs: Observation, memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """Choose a command for every row; pure in its arguments."""
        ...

    def unroll(self, obs: Sequence[Observation], memory: Memory, generator: torch.Generator | None = None) -> Decision:
        """Act on a sequence of T observations; value (T, B, ...) equals `act` in a loop."""
        ...


class Expert(Protocol[S_contra]):
    """Privileged state to action; teaches, relabels, guides exploration."""

    def label(self, state: S_contra, sent: Floats | None, memory: Memory) -> Decision:
        """The expert's command for every row; `aux["valid"]` masks undefined labels where present."""
        ...


class World(Protocol[S_co]):
    """A task in a domain: simulation here, another engine, or the arm itself."""

    @property
    def commands(self) -> tuple[CommandSpec, ...]:
        """The kinds of command that the world accepts."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the world can do besides stepping."""
        ...

    def reset(self, seeds: Integers, rows: Integers | None = None) -> Observation:
        """Start the episodes of the seeds in all rows or in the rows given."""
        ...

    def step(self, decision: Decision, looks: Mapping[str, Flags] | None = None) -> Transition:
        """Carry out one decision; rows whose `looks` is False get no new image."""
        ...

    def privileged(self) -> S_co:
        """The task's state, for experts, truths and training."""
        ...

    def fork(self, rows: Integers, copies: int) -> World[S_co]:
        """A new world that holds `copies` of each given row, in the same state."""
        ...


class PlanarScene(Protocol):
    """What drawings and interfaces read of the state of an arm that moves in a vertical plane."""

    @property
    def q_rad(self) -> Floats:
        """True joint angles (B, 3)."""
        ...

    @property
    def x_target_m(self) -> Floats:
        """Target position (B, 2) in the plane, (x, z)."""
        ...

"""What a task must offer, and the back ends through which a domain moves and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eyehand.types import (
    Array,
    CommandSpec,
    Expert,
    Flags,
    Floats,
    Floats32,
    Images,
    Integers,
    Interface,
    Memory,
    S,
    S_contra,
    Shot,
)
from eyehand.world.domain import Domain


@dataclass(frozen=True)
class Verdict:
    """What a task says about a state: a pure function of it.

    Attributes:
        reward: (B,) reward for arriving in this state.
        terminated: (B,) the task is over.
        success: (B,) the task counts as done, now or earlier in the episode.
        measures: (B,) numbers the task adds to every report, such as `distance_m`.
    """

    reward: Floats
    terminated: Flags
    success: Flags
    measures: Mapping[str, Floats]


class Motion(Protocol[S]):
    """How a task's state answers commands: a back end of the dynamics and timing factors."""

    def start(self, state: S, seeds: Integers) -> Memory:
        """Hidden motion state of fresh rows with these episode seeds: a tuple of arrays that lead with B."""
        ...

    def advance(self, state: S, hidden: Memory, command: Floats, seeds: Integers, step: Integers) -> tuple[S, Memory]:
        """The state one control step after the command (B, D); `step` (B,) counts from 0."""
        ...


class Imaging(Protocol[S_contra]):
    """How a task's state looks through one camera: a back end of the appearance, sensor and calibration factors."""

    def capture(self, state: S_contra, seeds: Integers, step: Integers) -> Images | Shot:
        """One frame (B, H, W, 3) per row, a function of each row's state, episode seed and step alone.

        A depth camera returns its depth beside the frame.
        """
        ...


def split_shot(taken: Images | Shot) -> tuple[Images, Floats32 | None]:
    """The frames (B, H, W, 3) that a back end took, and the depth (B, H, W) beside them, if any."""
    return (taken.rgb, taken.depth_m) if isinstance(taken, Shot) else (taken, None)


class Goal(Protocol):
    """How a deployed policy is told what to do, where the camera alone does not show it."""

    def show(self, seeds: Integers) -> Array:
        """The goals (B, ...) of the episodes with these seeds: numbers, or pictures (B, h, w, 3) uint8."""
        ...


class Task(Protocol[S]):
    """What counts: scene and goal sampling, success and reward from privileged state, horizon, commands, expert.

    The properties are read only: a task gives them as attributes, of its class or of itself.
    """

    @property
    def name(self) -> str:
        """The name on the command line."""
        ...

    @property
    def summary(self) -> str:
        """One line for people."""
        ...

    @property
    def horizon(self) -> int:
        """Steps after which an episode is truncated."""
        ...

    @property
    def dt_s(self) -> float:
        """Seconds between control steps."""
        ...

    @property
    def commands(self) -> tuple[CommandSpec, ...]:
        """The kinds of command that the task accepts."""
        ...

    @property
    def camera_size(self) -> Mapping[str, tuple[int, int]]:
        """Image (height, width) of every camera by name."""
        ...

    @property
    def interface(self) -> Interface[Any, S]:
        """The interface whose truth the task's state defines."""
        ...

    @property
    def calibration(self) -> Mapping[str, Any]:
        """What the set-up is believed to be, told with every recording, as JSON values."""
        ...

    def within(self, domain: Domain) -> Task[S]:
        """The task as it is in a domain, for example with the objects that lie there; itself where nothing changes."""
        ...

    def sample(self, seeds: Integers) -> S:
        """Start and goal of every episode: a function of its seed alone."""
        ...

    def settle(self, state: S) -> S:
        """Book-keeping after every motion, such as counting consecutive steps near the goal."""
        ...

    def judge(self, state: S) -> Verdict:
        """Reward, end and success of the state."""
        ...

    def encoders(self, state: S, domain: Domain, seeds: Integers) -> Floats:
        """Joint angles (B, J) in radians as the robot's encoders read them in the domain."""
        ...

    def environment(self, state: S) -> Floats:
        """(B, E) what a recording tells of the scene besides the robot, such as the target's position; E may be 0."""
        ...

    def expert(self) -> Expert[S]:
        """The task's expert."""
        ...

    def goal(self, domain: Domain) -> Goal | None:
        """How the domain shows the goals of episodes; None where the camera shows them."""
        ...

    def motion(self, domain: Domain) -> Motion[S]:
        """The motion back end that the domain names; raises UnknownNameError for a name the task lacks."""
        ...

    def imaging(self, domain: Domain) -> Mapping[str, Imaging[S]]:
        """The image back end of every camera that the domain names; raises UnknownNameError likewise."""
        ...

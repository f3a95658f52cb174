"""What a task must offer, and the back ends through which a domain moves and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eyehand.types import CommandSpec, Expert, Flags, Floats, Images, Integers, Interface, Memory, S, S_contra
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

    def capture(self, state: S_contra, seeds: Integers, step: Integers) -> Images:
        """One frame (B, H, W, 3) per row, a function of each row's state, episode seed and step alone."""
        ...


class Task(Protocol[S]):
    """What counts: scene and goal sampling, success and reward from privileged state, horizon, commands, expert.

    Attributes:
        name: the name on the command line.
        summary: one line for people.
        horizon: steps after which an episode is truncated.
        dt_s: seconds between control steps.
        commands: the kinds of command the task accepts.
        camera_size: image (height, width) of every camera by name.
        interface: the interface whose truth the task's state defines.
        calibration: what the set-up is believed to be, told with every recording, as JSON values.
    """

    name: str
    summary: str
    horizon: int
    dt_s: float
    commands: tuple[CommandSpec, ...]
    camera_size: Mapping[str, tuple[int, int]]
    interface: Interface[Any, S]
    calibration: Mapping[str, Any]

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

    def motion(self, domain: Domain) -> Motion[S]:
        """The motion back end that the domain names; raises UnknownNameError for a name the task lacks."""
        ...

    def imaging(self, domain: Domain) -> Mapping[str, Imaging[S]]:
        """The image back end of every camera that the domain names; raises UnknownNameError likewise."""
        ...

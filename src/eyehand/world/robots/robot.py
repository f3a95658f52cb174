# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""What a robot is to the rest of the house: names, limits, and a recipe for its `mujoco.MjSpec`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import mujoco
import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Floats
from eyehand.world.chain import Chain
from eyehand.world.reaching import JointLimits

Shell = Literal["plain", "twin"]
SHELLS: tuple[Shell, ...] = ("plain", "twin")
TOOL = "tool"


@dataclass(frozen=True)
class Gripper:
    """Two fingers that move together.

    Attributes:
        joints: names of the sliding joints of the fingers, which are held equal.
        actuator: name of the position actuator; its control is the position of the first finger's joint in metres.
        closed_m: width between the fingers when they are closed.
        open_m: width between the fingers when they are open.
        force_n: greatest force of the actuator.
    """

    joints: tuple[str, ...]
    actuator: str
    closed_m: float
    open_m: float
    force_n: float

    def control(self, width_m: Floats) -> Floats:
        """The actuator's control for widths between the fingers in metres, clipped to what the gripper can do."""
        return (np.clip(width_m, self.closed_m, self.open_m) - self.closed_m) / 2


@dataclass(frozen=True, eq=False)
class Robot:
    """An arm on a fixed base.

    In its model the base body is named "robot", a site named "tool" marks the tool (z along the direction of
    approach), geoms are named `robot/...` (visual, group 2) and `robot/.../collision` (group 3), and one position
    actuator is named like each joint. Gravity is compensated, as these arms' own controllers do.

    Attributes:
        name: of the robot.
        joints: names of the joints, from the base outward.
        home_rad: (n,) joint values to begin at.
        limits: of the joints.
        build: makes a new `MjSpec` with the given shell.
        gripper: the gripper; None without one.
        cameras: names of the cameras that the robot carries.
        source: where the numbers come from.
    """

    name: str
    joints: tuple[str, ...]
    home_rad: Floats
    limits: JointLimits
    build: Callable[[Shell], Any]
    gripper: Gripper | None = None
    cameras: tuple[str, ...] = field(default=())
    source: str = ""

    def spec(self, shell: Shell = "plain") -> Any:
        """A new `mujoco.MjSpec` of the robot, its base at the origin.

        Args:
            shell: "plain", or "twin" for other visual meshes on the same bodies, joints and collision geoms.

        Raises:
            InvalidValueError: there is no such shell.
        """
        if shell not in SHELLS:
            raise InvalidValueError("shell of a robot", shell, " or ".join(repr(one) for one in SHELLS))
        return self.build(shell)

    def model(self, shell: Shell = "plain") -> mujoco.MjModel:
        """The robot alone, compiled anew; this takes some tenths of a second."""
        return self.spec(shell).compile()

    def chain(self) -> Chain:
        """Kinematics from the base to the tool; compiles the model, so keep it."""
        return Chain.from_model(self.model(), self.joints, TOOL)

"""KUKA LBR iiwa 14 R820.

Distances 360, 420, 400 and 126 mm (base to A2, A2 to A4, A4 to A6, A6 to the face of the flange), axis ranges, speeds
and torques: KUKA, "LBR iiwa 7 R800, LBR iiwa 14 R820, Specification" (Spez LBR iiwa). Directions of positive turns and
the zero pose, stretched upwards: the same manual; tool frame z out of the flange. Masses and centres of mass of the
links: Newman Laboratory (MIT), Explicit toolbox, "Kuka LBR iiwa14"; the base takes what is left of the 29.9 kg of the
specification. Accelerations and servo gains are ours, KUKA publishes none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eyehand.world.reaching import JointLimits
from eyehand.world.robots.actuation import add_servos, add_tool
from eyehand.world.robots.assembly import Capsule, Joint, Link, assemble
from eyehand.world.robots.iiwa14_shells import PALETTE, shells
from eyehand.world.robots.robot import Robot, Shell

JOINTS = tuple(f"joint{i}" for i in range(1, 8))
LIMITS = JointLimits(
    low=-np.radians([170.0, 120.0, 170.0, 120.0, 170.0, 120.0, 175.0]),
    high=np.radians([170.0, 120.0, 170.0, 120.0, 170.0, 120.0, 175.0]),
    velocity=np.radians([85.0, 85.0, 100.0, 75.0, 130.0, 135.0, 135.0]),
    acceleration=np.full(7, 10.0),
    torque=np.array([320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0]),
)
HOME_RAD = np.radians([0.0, 25.0, 0.0, -90.0, 0.0, 65.0, 0.0])
HEIGHT_M = (0.1575, 0.360, 0.5645, 0.780, 0.9645, 1.180, 1.261)  # of the links' frames, stretched upwards
FLANGE_M = 1.306
_ROLL, _LEAN, _BACK = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0)
_AXES = (_ROLL, _LEAN, _ROLL, _BACK, _ROLL, _LEAN, _ROLL)
_MASS_KG = (6.404, 7.89, 2.54, 4.82, 1.76, 2.50, 0.42)
_CENTRE_M = (  # in the base frame, stretched upwards
    (0.0, -0.014, 0.2545),
    (0.0, 0.003, 0.424),
    (0.0, 0.019, 0.6905),
    (0.0, -0.009, 0.866),
    (0.0, -0.013, 1.0585),
    (0.0, -0.002, 1.196),
    (0.0, 0.0, 1.2706),
)
_INERTIA = (  # about the centres of mass, kg m^2
    (0.0690, 0.0710, 0.0200),
    (0.0800, 0.0800, 0.0100),
    (0.0200, 0.0200, 0.0060),  # printed as 0.0600, which no body can have
    (0.0400, 0.0300, 0.0100),
    (0.0100, 0.0100, 0.0100),
    (0.0070, 0.0060, 0.0050),
    (0.0003, 0.0003, 0.0005),
)
_BASE_KG = 29.9 - sum(_MASS_KG)
_STIFFNESS = (4000.0, 4000.0, 3000.0, 3000.0, 2000.0, 1000.0, 500.0)
_HULLS: tuple[tuple[Capsule, ...], ...] = (
    (Capsule((0, 0, 0.0), (0, -0.035, 0.12), 0.07), Capsule((0, -0.085, 0.2025), (0, 0.0, 0.2025), 0.075)),
    (Capsule((0, 0.085, 0), (0, 0.0, 0), 0.075), Capsule((0, 0.05, 0.05), (0, 0.0, 0.2), 0.068)),
    (Capsule((0, 0, 0.02), (0, 0.03, 0.12), 0.065), Capsule((0, 0.08, 0.2155), (0, 0.0, 0.2155), 0.068)),
    (Capsule((0, -0.08, 0), (0, 0.0, 0), 0.068), Capsule((0, -0.04, 0.05), (0, 0.0, 0.18), 0.062)),
    (Capsule((0, 0, 0.02), (0, -0.04, 0.10), 0.058), Capsule((0, -0.065, 0.12), (0, -0.065, 0.2155), 0.045)),
    (Capsule((0, -0.05, 0), (0, 0.06, 0), 0.062),),
    (Capsule((0, 0, 0.0), (0, 0, 0.0), 0.045),),
)


def _links() -> list[Link]:
    base = Link(
        name="robot",
        parent="",
        position_m=(0.0, 0.0, 0.0),
        mass_kg=_BASE_KG,
        centre_m=(-0.02, 0.0, 0.07),
        inertia=(0.02, 0.02, 0.02, 0.0, 0.0, 0.0),
        hulls=(Capsule((0, 0, 0.08), (0, 0, 0.1), 0.078), Capsule((-0.06, 0, 0.05), (0, 0, 0.05), 0.05)),
    )
    links, below = [base], 0.0
    for i, height in enumerate(HEIGHT_M):
        x, y, z = _CENTRE_M[i]
        xx, yy, zz = _INERTIA[i]
        joint = Joint(JOINTS[i], _AXES[i], float(LIMITS.low[i]), float(LIMITS.high[i]))
        links.append(
            Link(
                name=f"link{i + 1}",
                parent=links[-1].name,
                position_m=(0.0, 0.0, height - below),
                mass_kg=_MASS_KG[i],
                centre_m=(x, y, z - height),
                inertia=(xx, yy, zz, 0.0, 0.0, 0.0),
                joint=joint,
                hulls=_HULLS[i],
            )
        )
        below = height
    return links


def _build(shell: Shell) -> Any:
    spec = assemble("iiwa14", _links(), shells(shell), PALETTE)
    add_servos(spec, JOINTS, LIMITS, _STIFFNESS)
    add_tool(spec, "link7", (0.0, 0.0, FLANGE_M - HEIGHT_M[-1]))
    return spec


def iiwa14() -> Robot:
    """The arm with its bare flange; the tool is the middle of the flange's face."""
    return Robot("iiwa14", JOINTS, HOME_RAD, LIMITS, _build, source="KUKA, Spez LBR iiwa; MIT Explicit toolbox")

"""Franka Emika Panda with its two-finger hand.

Modified Denavit-Hartenberg table, limits of position, speed, acceleration and torque: Franka Emika, "Robot and
interface specifications" (Franka Control Interface documentation). Masses, centres of mass and inertias of the links:
Gaz, Cognetti, Oliva, Robuffo Giordano, De Luca, "Dynamic identification of the Franka Emika Panda robot with retrieval
of feasible parameters using penalty-based optimization", RA-L 4(4), 2019. Hand: 0.73 kg, stroke 80 mm, 70 N: Franka
Hand product manual. Servo gains are ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eyehand.types import Floats
from eyehand.world.reaching import JointLimits
from eyehand.world.robots.actuation import add_gripper, add_servos, add_tool
from eyehand.world.robots.assembly import Block, Capsule, Joint, Link, assemble, turned_inertia
from eyehand.world.robots.panda_shells import PALETTE, shells
from eyehand.world.robots.robot import Gripper, Robot, Shell

JOINTS = tuple(f"joint{i}" for i in range(1, 8))
LIMITS = JointLimits(
    low=np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]),
    high=np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]),
    velocity=np.array([2.1750, 2.1750, 2.1750, 2.1750, 2.6100, 2.6100, 2.6100]),
    acceleration=np.array([15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0]),
    torque=np.array([87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0]),
)
HOME_RAD = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
GRIPPER = Gripper(("finger_joint1", "finger_joint2"), "gripper", closed_m=0.0, open_m=0.08, force_n=70.0)
PLACE_M = (  # of the joints with all angles at zero, in the base frame; the table's frames are parallel to it but for
    (0.0, 0.0, 0.333),  # quarter turns about x
    (0.0, 0.0, 0.333),
    (0.0, 0.0, 0.649),
    (0.0825, 0.0, 0.649),
    (0.0, 0.0, 1.033),
    (0.0, 0.0, 1.033),
    (0.088, 0.0, 1.033),
)
FLANGE_M, TIP_M = 0.107, 0.1034  # joint 7 to flange, flange to the point between the finger tips
_QUARTERS = (0, -1, 0, 1, 0, 1, 2)  # of the table's frames about x
_MASS_KG = (4.970684, 0.646926, 3.228604, 3.587895, 1.225946, 1.666555, 0.735522)
_CENTRE_M = (  # in the table's frames
    (3.875e-3, 2.081e-3, -4.762e-2),
    (-3.141e-3, -2.872e-2, 3.495e-3),
    (2.7518e-2, 3.9252e-2, -6.6502e-2),
    (-5.317e-2, 1.04419e-1, 2.7454e-2),
    (-1.1953e-2, 4.1065e-2, -3.8437e-2),
    (6.0149e-2, -1.4117e-2, -1.0517e-2),
    (1.0517e-2, -4.252e-3, 6.1597e-2),
)
_INERTIA = (  # xx, yy, zz, xy, xz, yz about the centres of mass, in the table's frames
    (7.0337e-1, 7.0661e-1, 9.1170e-3, -1.3900e-4, 6.7720e-3, 1.9169e-2),
    (7.9620e-3, 2.8110e-2, 2.5995e-2, -3.9250e-3, 1.0254e-2, 7.0400e-4),
    (3.7242e-2, 3.6155e-2, 1.0830e-2, -4.7610e-3, -1.1396e-2, -1.2805e-2),
    (2.5853e-2, 1.9552e-2, 2.8323e-2, 7.7960e-3, -1.3320e-3, 8.6410e-3),
    (3.5549e-2, 2.9474e-2, 8.6270e-3, -2.1170e-3, -4.0370e-3, 2.2900e-4),
    (1.9640e-3, 4.3540e-3, 5.4330e-3, 1.0900e-4, -1.1580e-3, 3.4100e-4),
    (1.2516e-2, 1.0027e-2, 4.8150e-3, -4.2800e-4, -1.1960e-3, -7.4100e-4),
)
_STIFFNESS = (4500.0, 4500.0, 3500.0, 3500.0, 2000.0, 2000.0, 2000.0)
_HULLS: tuple[tuple[Capsule | Block, ...], ...] = (
    (Capsule((0, 0, -0.15), (0, 0, 0), 0.06),),
    (Capsule((0, -0.02, 0), (0, 0.02, 0), 0.06), Capsule((0, 0, 0.05), (0, 0, 0.15), 0.06)),
    (Capsule((0, 0, -0.10), (0, 0, -0.04), 0.06), Capsule((0.0825, -0.02, 0), (0.0825, 0.02, 0), 0.056)),
    (Capsule((0, -0.02, 0), (0, 0.02, 0), 0.06), Capsule((-0.0825, 0, 0.08), (-0.0825, 0, 0.085), 0.06)),
    (Capsule((0, 0, -0.22), (0, 0, -0.17), 0.058), Capsule((0, 0.06, -0.12), (0, 0.06, 0), 0.032)),
    (Capsule((0, -0.01, 0), (0, 0.02, 0), 0.05), Capsule((0.088, 0, -0.01), (0.088, 0, 0.01), 0.05)),
    (Capsule((0, 0, -0.06), (0, 0, -0.07), 0.045),),
)
_FINGER_HULLS = (
    Block((0.0, 0.0125, 0.010), (0.0105, 0.0105, 0.012)),
    Block((0.0, 0.0075, 0.038), (0.0085, 0.0075, 0.0155)),
)


def _turn_x(quarters: int) -> Floats:
    cos, sin = (1.0, 0.0, -1.0, 0.0)[quarters % 4], (0.0, 1.0, 0.0, -1.0)[quarters % 4]
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])


def _links() -> list[Link]:
    base_hulls = (Capsule((-0.075, 0, 0.06), (0, 0, 0.06), 0.06), Capsule((0, 0, 0.05), (0, 0, 0.09), 0.06))
    inertia = (0.00315, 0.00388, 0.004285, 8.2904e-7, 0.00015, 8.2299e-6)
    links = [Link("robot", "", (0, 0, 0), 0.629769, (-0.041018, -0.00014, 0.049974), inertia, hulls=base_hulls)]
    below = np.zeros(3)
    for i, place in enumerate(PLACE_M):
        R = _turn_x(_QUARTERS[i])
        ax, ay, az = (float(v) for v in R[:, 2])
        x, y, z = (float(v) for v in np.array(place) - below)
        cx, cy, cz = (float(v) for v in R @ np.array(_CENTRE_M[i]))
        joint = Joint(JOINTS[i], (ax, ay, az), float(LIMITS.low[i]), float(LIMITS.high[i]))
        links.append(
            Link(
                name=f"link{i + 1}",
                parent=links[-1].name,
                position_m=(x, y, z),
                mass_kg=_MASS_KG[i],
                centre_m=(cx, cy, cz),
                inertia=turned_inertia(R, _INERTIA[i]),
                joint=joint,
                hulls=_HULLS[i],
            )
        )
        below = np.array(place)
    return links + _hand()


def _hand() -> list[Link]:
    """The hand under the flange, turned by -45 degrees about its axis, and two fingers."""
    down = (0.0, float(np.cos(np.pi / 8)), float(np.sin(np.pi / 8)), 0.0)  # half a turn about x, then -45 degrees
    palm = (Block((0.0, 0.0, 0.033), (0.026, 0.100, 0.033)),)
    inertia = (0.001, 0.0025, 0.0017, 0.0, 0.0, 0.0)
    hand = Link("hand", "link7", (0, 0, -FLANGE_M), 0.73, (-0.01, 0, 0.03), inertia, None, down, palm)
    fingers: list[Link] = []
    for i, turn in enumerate(((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))):
        joint = Joint(GRIPPER.joints[i], (0.0, 1.0, 0.0), 0.0, 0.04, slides=True, damping=5.0, armature=0.1)
        mass = (2.4e-6, 2.4e-6, 7.5e-7, 0.0, 0.0, 0.0)
        name = ("left_finger", "right_finger")[i]
        fingers.append(Link(name, "hand", (0, 0, 0.0584), 0.015, (0, 0.01, 0.025), mass, joint, turn, _FINGER_HULLS))
    return [hand, *fingers]


def _build(shell: Shell) -> Any:
    spec = assemble("panda", _links(), shells(shell), PALETTE)
    add_servos(spec, JOINTS, LIMITS, _STIFFNESS)
    add_gripper(spec, GRIPPER)
    add_tool(spec, "hand", (0.0, 0.0, TIP_M))
    return spec


def panda() -> Robot:
    """The arm with its hand; the tool lies between the finger tips, its y axis along their way."""
    source = "Franka Emika, Robot and interface specifications; Gaz et al., RA-L 2019"
    return Robot("panda", JOINTS, HOME_RAD, LIMITS, _build, GRIPPER, source=source)

"""Baxter's left arm on its mount, with an electric gripper and the camera in the hand.

Kinematics: Williams, "Baxter Humanoid Robot Kinematics" (Ohio University, 2017), Table 3, as in
`eyehand.world.baxter`; the base frame is that of joint s0. Limits of position, speed and torque: Rethink Robotics,
hardware specifications. Masses, centres of mass, inertias and the camera's place: Rethink Robotics' robot description
(`baxter_description`). The gripper's stroke of 44 mm, its force, mass and fingers, the joint accelerations and the
servo gains are ours. The field of view of 80 degrees is that of the eye-in-hand task, not of the sensor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eyehand.types import Floats
from eyehand.world import baxter
from eyehand.world.reaching import JointLimits
from eyehand.world.robots.actuation import add_camera, add_gripper, add_servos, add_tool
from eyehand.world.robots.assembly import Block, Capsule, Joint, Link, assemble, turned_inertia
from eyehand.world.robots.baxter_left_shells import PALETTE, shells
from eyehand.world.robots.robot import Gripper, Robot, Shell

CAMERA, FIELD_OF_VIEW_DEG = "hand_camera", 80.0
JOINTS = ("left_s0", "left_s1", "left_e0", "left_e1", "left_w0", "left_w1", "left_w2")
LIMITS = JointLimits(
    low=np.array([-1.7016, -2.147, -3.0541, -0.05, -3.059, -1.5707, -3.059]),
    high=np.array([1.7016, 1.047, 3.0541, 2.618, 3.059, 2.094, 3.059]),
    velocity=np.array([2.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0]),
    acceleration=np.array([8.0, 8.0, 8.0, 8.0, 12.0, 12.0, 12.0]),
    torque=np.array([50.0, 50.0, 50.0, 50.0, 15.0, 15.0, 15.0]),
)
HOME_RAD = np.array([0.0, -1.05, 0.0, 1.25, 0.0, np.pi / 2 - 0.2, 0.0])  # the hand points down at the table
GRIPPER = Gripper(("left_gripper_l", "left_gripper_r"), "left_gripper", closed_m=0.0, open_m=0.044, force_n=35.0)
SHOULDER_M = (0.06900, 0.0, 0.27035)  # s1 in the base frame: L1 and L0
_UPPER, _FORE, _HAND = baxter.LINK_LENGTH_M
_DROP = baxter.LINK_DROP_M
_LINKS = ("upper_shoulder", "lower_shoulder", "upper_elbow", "lower_elbow", "upper_forearm", "lower_forearm", "wrist")
_STEP_M = (  # from each link's frame to the next with all angles at zero, the arm level along x
    (0.0, 0.0, 0.0),
    SHOULDER_M,
    (0.102, 0.0, 0.0),
    (_UPPER - 0.102, 0.0, -_DROP[0]),
    (0.10359, 0.0, 0.0),
    (_FORE - 0.10359, 0.0, -_DROP[1]),
    (0.115975, 0.0, 0.0),
)
_WRIST_TO_HAND_M = 0.11355
TIP_M = _HAND - 0.115975 - _WRIST_TO_HAND_M
_CAMERA_M = (0.03825, 0.012, 0.015355)
_AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
_AXIS_OF = (0, 1, 2, 1, 2, 1, 2)
_FRAMES = (  # of the robot description, in ours: turned by nothing, -90 degrees about x, 90 degrees about y
    np.eye(3),
    np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
)
_MASS_KG = (5.70044, 3.22698, 4.31272, 2.07206, 2.24665, 1.60979, 0.35093)
_CENTRE_M = (  # in the frames of the robot description
    (0.01783, 0.00086, 0.19127),
    (0.06845, 0.00269, -0.00529),
    (-0.00276, 0.00132, 0.18086),
    (0.02611, 0.00159, -0.01117),
    (-0.00168, 0.0046, 0.13952),
    (0.06041, 0.00697, 0.006),
    (0.00198, 0.00125, 0.01855),
)
_INERTIA = (  # xx, yy, zz, xy, xz, yz about the centres of mass, in the frames of the robot description
    (0.04709102262, 0.03766976455, 0.03595988478, 0.00012787556, 0.00614870039, 0.00078086899),
    (0.01175209419, 0.0278859752, 0.02078749298, -0.00030096398, 0.00207675762, -0.00018821993),
    (0.02661733557, 0.02844355207, 0.01248008322, 0.00029270634, 0.00392189887, 0.0010838933),
    (0.00711582686, 0.01318227876, 0.00926852064, 0.00036036173, 0.0007459496, -0.00019663418),
    (0.01667742825, 0.01675457264, 0.0037463115, 0.00018403705, 0.00018657629, -0.00064732352),
    (0.00387607152, 0.00700537914, 0.0055275524, -0.00044384784, -0.00021115038, 0.00015348067),
    (0.00025289155, 0.0002688601, 0.0003074118, 0.00000575311, -0.00000159345, -0.00000519818),
)
_STIFFNESS = (1500.0, 1500.0, 1000.0, 1000.0, 500.0, 500.0, 300.0)
_HULLS: tuple[tuple[Capsule | Block, ...], ...] = (
    (Capsule((0, 0, 0.10), (0.01, 0, 0.18), 0.075), Capsule((0.069, -0.02, 0.27), (0.069, 0.02, 0.27), 0.068)),
    (Capsule((0.0, -0.02, 0), (0.0, 0.02, 0), 0.068), Capsule((0.05, 0, 0), (0.06, 0, 0), 0.06)),
    (Capsule((0.03, 0, 0), (0.15, 0, -0.01), 0.062), Capsule((0.262, -0.02, -0.069), (0.262, 0.02, -0.069), 0.056)),
    (Capsule((0.0, -0.02, 0), (0.0, 0.02, 0), 0.058), Capsule((0.045, 0, 0), (0.055, 0, 0), 0.055)),
    (Capsule((0.02, 0, 0), (0.20, 0, -0.006), 0.05), Capsule((0.27, -0.02, -0.010), (0.27, 0.02, -0.010), 0.048)),
    (Capsule((0.0, -0.02, 0), (0.0, 0.02, 0), 0.05), Capsule((0.05, 0, 0), (0.07, 0, 0), 0.046)),
    (Capsule((0.03, 0, 0), (0.07, 0, 0), 0.044),),
)
_FINGER_HULLS = (
    Block((0.0, 0.020, 0.080), (0.008, 0.006, 0.022)),
    Block((0.0, 0.0055, 0.118), (0.008, 0.0055, 0.0205)),
)


def _vector(values: Floats) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _links() -> list[Link]:
    hull = (Capsule((0, 0, 0.03), (0, 0, 0.03), 0.085),)
    inertia = (0.02, 0.02, 0.02, 0.0, 0.0, 0.0)
    links = [Link("robot", "", (0, 0, 0), 3.0, (0, 0, 0.03), inertia, hulls=hull)]
    for i, name in enumerate(_LINKS):
        R = _FRAMES[_AXIS_OF[i]]
        joint = Joint(JOINTS[i], _AXES[_AXIS_OF[i]], float(LIMITS.low[i]), float(LIMITS.high[i]), damping=0.7)
        links.append(
            Link(
                name=f"left_{name}",
                parent=links[-1].name,
                position_m=_STEP_M[i],
                mass_kg=_MASS_KG[i],
                centre_m=_vector(R @ np.array(_CENTRE_M[i])),
                inertia=turned_inertia(R, _INERTIA[i]),
                joint=joint,
                hulls=_HULLS[i],
            )
        )
    return links + _hand()


def _hand() -> list[Link]:
    """The hand, whose z axis points along the approach and whose y axis is the fingers' way."""
    forward = (float(np.sqrt(0.5)), 0.0, float(np.sqrt(0.5)), 0.0)  # z along x of the arm, x down
    palm = (Block((0.0, 0.0, 0.030), (0.017, 0.052, 0.028)), Block((0.038, 0.012, 0.0), (0.015, 0.016, 0.012)))
    inertia = (0.0006, 0.0005, 0.0006, 0.0, 0.0, 0.0)
    place = (_WRIST_TO_HAND_M, 0.0, 0.0)
    hand = Link("left_hand", "left_wrist", place, 0.60, (0.003, 0.0, 0.020), inertia, None, forward, palm)
    fingers: list[Link] = []
    for i, turn in enumerate(((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))):
        joint = Joint(GRIPPER.joints[i], (0.0, 1.0, 0.0), 0.0, GRIPPER.open_m / 2, slides=True, damping=5.0)
        mass = (1.5e-5, 1.5e-5, 3e-6, 0.0, 0.0, 0.0)
        name = ("left_finger_l", "left_finger_r")[i]
        fingers.append(Link(name, "left_hand", (0, 0, 0), 0.03, (0, 0.012, 0.1), mass, joint, turn, _FINGER_HULLS))
    return [hand, *fingers]


def _build(shell: Shell) -> Any:
    spec = assemble("baxter_left", _links(), shells(shell), PALETTE)
    add_servos(spec, JOINTS, LIMITS, _STIFFNESS)
    add_gripper(spec, GRIPPER)
    add_tool(spec, "left_hand", (0.0, 0.0, TIP_M))
    add_camera(spec, "left_hand", CAMERA, _CAMERA_M, FIELD_OF_VIEW_DEG)
    return spec


def baxter_left() -> Robot:
    """The arm with its gripper; the tool is the point between the finger tips, K(q) of `eyehand.world.baxter`."""
    source = "Williams 2017; Rethink Robotics, hardware specifications and baxter_description"
    return Robot("baxter_left", JOINTS, HOME_RAD, LIMITS, _build, GRIPPER, (CAMERA,), source)

"""Baxter's left arm as a planar chain: the three pitch joints s1, e1, w1 with all roll joints held at zero.

Plane frame: origin on the axis of s1, x forward, z up, metres. A positive joint angle pitches the rest of the arm
downward. Link lengths L2..L6 from Williams, "Baxter Humanoid Robot Kinematics" (Ohio University, 2017), Table 3;
joint limits and the neutral pose from Rethink Robotics' hardware specification.
"""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats

JOINTS = ("left_s1", "left_e1", "left_w1")
LINK_LENGTH_M = (0.36435, 0.37429, 0.36830)  # shoulder to elbow, elbow to wrist, wrist to gripper tip (L2, L4, L6)
LINK_DROP_M = (0.06900, 0.01000, 0.0)  # offset of each link's end, downward when the link is level (L3, L5)
JOINT_LOW_RAD = np.array([-2.147, -0.05, -1.5707])
JOINT_HIGH_RAD = np.array([1.047, 2.618, 2.094])
NEUTRAL_RAD = np.array([-0.55, 0.75, 1.26])


def joint_points(q_rad: Floats) -> Floats:
    """Positions of shoulder, elbow, wrist and gripper tip in the plane frame.

    Args:
        q_rad: (B, 3) angles of s1, e1, w1.

    Returns:
        (B, 4, 2) positions in metres, (x, z).
    """
    pitch = np.cumsum(q_rad, axis=1)  # (B, 3) downward pitch of each link
    cos, sin = np.cos(pitch), np.sin(pitch)
    length, drop = np.array(LINK_LENGTH_M), np.array(LINK_DROP_M)
    points = np.zeros((len(q_rad), 4, 2))
    points[:, 1:, 0] = np.cumsum(length * cos - drop * sin, axis=1)
    points[:, 1:, 1] = np.cumsum(-length * sin - drop * cos, axis=1)
    return points


def forward_kinematics(q_rad: Floats) -> Floats:
    """K(q) of the paper: the gripper tip (B, 2) in the plane frame, metres."""
    return joint_points(q_rad)[:, 3]

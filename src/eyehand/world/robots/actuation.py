# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""Servos, grippers and tool sites, the same for every robot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from eyehand.world.reaching import JointLimits
from eyehand.world.robots.robot import TOOL, Gripper

_DAMPING_SHARE = 0.04  # seconds: velocity gain over position gain, which makes a heavily damped servo


def add_servos(spec: Any, joints: Sequence[str], limits: JointLimits, stiffness: Sequence[float]) -> None:
    """One position actuator for every joint, of the joint's name.

    Args:
        spec: the robot's `MjSpec`.
        joints: names of the joints.
        limits: positions bound the control, torques the force.
        stiffness: position gains in N m/rad; the velocity gain is 0.04 s times that.
    """
    for i, name in enumerate(joints):
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_position(kp=stiffness[i], kv=_DAMPING_SHARE * stiffness[i])
        bounds = np.array([limits.low[i], limits.high[i]])
        if np.isfinite(bounds).all():
            servo.ctrlrange, servo.ctrllimited = bounds, mujoco.mjtLimited.mjLIMITED_TRUE
        if np.isfinite(limits.torque[i]):
            servo.forcerange = [-limits.torque[i], limits.torque[i]]
            servo.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE


def add_gripper(spec: Any, gripper: Gripper, stiffness: float = 1000.0) -> None:
    """An actuator for the first finger, and a constraint that holds the second one equal to it."""
    first, second = gripper.joints
    servo = spec.add_actuator(name=gripper.actuator, target=first, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    servo.set_to_position(kp=stiffness, kv=_DAMPING_SHARE * stiffness)
    servo.ctrlrange = [0.0, (gripper.open_m - gripper.closed_m) / 2]
    servo.forcerange = [-gripper.force_n, gripper.force_n]
    servo.ctrllimited = servo.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
    equal = spec.add_equality(type=mujoco.mjtEq.mjEQ_JOINT, objtype=mujoco.mjtObj.mjOBJ_JOINT, name=gripper.actuator)
    equal.name1, equal.name2 = second, first
    equal.data[:5] = [0.0, 1.0, 0.0, 0.0, 0.0]
    equal.solref, equal.solimp[:3] = [0.005, 1.0], [0.95, 0.99, 0.001]


def add_tool(spec: Any, body: str, position_m: tuple[float, float, float], quaternion: Sequence[float] = ()) -> None:
    """The site named "tool" on a body."""
    turn = list(quaternion) or [1.0, 0.0, 0.0, 0.0]
    spec.body(body).add_site(name=TOOL, pos=position_m, quat=turn, size=[0.005, 0.005, 0.005], group=4)


def add_camera(spec: Any, body: str, name: str, position_m: tuple[float, float, float], fov_deg: float) -> None:
    """A camera that looks along z of a body, rows of its picture running along x (the top of the picture is at -x).

    Args:
        spec: the robot's `MjSpec`.
        body: name of the body.
        name: name of the camera.
        position_m: (3,) in the body's frame.
        fov_deg: vertical field of view.
    """
    R = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])  # columns: right, up, backward
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, R.reshape(-1))
    spec.body(body).add_camera(name=name, pos=position_m, quat=quaternion, fovy=fov_deg)

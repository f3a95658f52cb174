# pyright: basic, reportAttributeAccessIssue=false
# (mujoco has no types)
"""A serial chain of joints taken out of a MuJoCo model: forward kinematics and Jacobians of many rows at once.

The base frame is that of the body named "robot", or else that of the body that carries the first joint's body; it
moves along when the robot is placed elsewhere. Rows are computed one by one in the same order of operations, so the
same joint values give the same bytes in any batch and on any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.types import Flags, Floats
from eyehand.world.chain_kernels import forward_rows
from eyehand.world.rows import default_threads, in_parallel

BASE = "robot"
_LEAST_ROWS = 256  # for a second thread to pay
_SLIDE, _HINGE = int(mujoco.mjtJoint.mjJNT_SLIDE), int(mujoco.mjtJoint.mjJNT_HINGE)


@dataclass(frozen=True, eq=False)
class Chain:
    """Joints in series between a base and a tool.

    Attributes:
        joints: names of the n joints, from the base outward.
        fixed: (n + 1, 4, 4) transforms before, between and after the joints.
        axis: (n, 3) unit axes, each in the frame that the transform before it ends in.
        slides: (n,) True for a sliding joint (metres), False for a hinge (radians).
        reference: (n,) joint values at which the fixed transforms hold.
        low: (n,) lower position limits, -inf for none.
        high: (n,) upper position limits, inf for none.
    """

    joints: tuple[str, ...]
    fixed: Floats
    axis: Floats
    slides: Flags
    reference: Floats
    low: Floats
    high: Floats

    @classmethod
    def from_model(cls, model: mujoco.MjModel, joints: Sequence[str], site: str = "tool") -> Chain:
        """Take a chain out of a compiled model; other joints on the way stay where the model has them.

        Args:
            model: a model that holds the robot.
            joints: names of the joints, from the base outward.
            site: name of the site at the tool.

        Raises:
            UnknownNameError: the model has no such joint or site.
            InvalidValueError: a joint is not on the way from the base to the site, or neither hinge nor slide.
        """
        tool = _find(model, mujoco.mjtObj.mjOBJ_SITE, site, "site")
        ids = [_find(model, mujoco.mjtObj.mjOBJ_JOINT, name, "joint") for name in joints]
        bodies = _way(model, int(model.site_bodyid[tool]), ids)
        fixed, order = _transforms(model, bodies, tool, ids)
        if order != ids:
            names = tuple(model.joint(j).name for j in order)
            raise InvalidValueError("joints of a chain", tuple(joints), f"from the base outward to {site!r}: {names}")
        limited = np.array([bool(model.jnt_limited[j]) for j in ids])
        ranges = np.array([model.jnt_range[j] for j in ids]).reshape(-1, 2)
        return cls(
            joints=tuple(joints),
            fixed=fixed,
            axis=np.array([model.jnt_axis[j] for j in ids]),
            slides=np.array([int(model.jnt_type[j]) == _SLIDE for j in ids]),
            reference=np.array([model.qpos0[model.jnt_qposadr[j]] for j in ids]),
            low=np.where(limited, ranges[:, 0], -np.inf),
            high=np.where(limited, ranges[:, 1], np.inf),
        )

    def forward(self, q: Floats) -> Floats:
        """T_base_tool (B, 4, 4) for joint values (B, n)."""
        return self._walk(q)[0]

    def jacobian(self, q: Floats) -> Floats:
        """Geometric Jacobian (B, 6, n) of the tool's origin in the base frame: linear rows, then angular."""
        return self._walk(q)[1]

    def _walk(self, q: Floats) -> tuple[Floats, Floats]:
        values = np.ascontiguousarray(self.checked(q) - self.reference)
        T, J = np.empty((len(values), 4, 4)), np.empty((len(values), 6, len(self.joints)))

        def some(rows: slice) -> None:
            forward_rows(values[rows], self.fixed, self.axis, self.slides, T[rows], J[rows])

        in_parallel(some, len(values), default_threads(), _LEAST_ROWS)
        return T, J

    def checked(self, q: Floats) -> Floats:
        """The joint values as float64, refused unless they are finite and of shape (B, n)."""
        values = np.asarray(q, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.joints):
            raise InvalidValueError("shape of joint values", values.shape, f"(B, {len(self.joints)})")
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
            raise InvalidValueError(f"joint values in row {row}", values[row].tolist(), "finite numbers")
        return values


def _find(model: mujoco.MjModel, kind: mujoco.mjtObj, name: str, word: str) -> int:
    found = mujoco.mj_name2id(model, kind, name)
    if found < 0:
        count = {"site": model.nsite, "joint": model.njnt}[word]
        known = [mujoco.mj_id2name(model, kind, i) for i in range(count)]
        raise UnknownNameError(word, name, [one for one in known if one])
    return found


def _way(model: mujoco.MjModel, last: int, joints: Sequence[int]) -> list[int]:
    """Bodies from the one after the base to the one that carries the tool."""
    bodies = [last]
    while bodies[0] != 0:
        bodies.insert(0, int(model.body_parentid[bodies[0]]))
    base = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, BASE)
    if base not in bodies:
        base = int(model.body_parentid[model.jnt_bodyid[joints[0]]]) if joints else 0
    return bodies[bodies.index(base) + 1 :] if base in bodies else bodies[1:]


def _transforms(model: Any, bodies: Sequence[int], site: int, wanted: Sequence[int]) -> tuple[Floats, list[int]]:
    """Fixed transforms around the wanted joints, and those joints in the order in which they come."""
    fixed, order, T = list[Floats](), list[int](), np.eye(4)
    for body in bodies:
        T = T @ rigid(model.body_pos[body], model.body_quat[body])
        first = int(model.body_jntadr[body])
        for joint in range(first, first + int(model.body_jntnum[body])):
            if joint not in wanted:
                continue
            if int(model.jnt_type[joint]) not in (_HINGE, _SLIDE):
                raise InvalidValueError(f"joint {model.joint(joint).name!r}", "ball or free", "a hinge or a slide")
            anchor = np.eye(4)
            anchor[:3, 3] = model.jnt_pos[joint]
            fixed.append(T @ anchor)
            order.append(joint)
            T = np.eye(4)
            T[:3, 3] = -model.jnt_pos[joint]
    fixed.append(T @ rigid(model.site_pos[site], model.site_quat[site]))
    return np.ascontiguousarray(fixed), order


def rigid(position_m: Floats, quaternion: Floats) -> Floats:
    """The transform (4, 4) of a position (3,) and a unit quaternion (4,), scalar part first."""
    R = np.zeros(9)
    mujoco.mju_quat2Mat(R, np.asarray(quaternion, dtype=np.float64))
    T = np.eye(4)
    T[:3, :3] = R.reshape(3, 3)
    T[:3, 3] = position_m
    return T

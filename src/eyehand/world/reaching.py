"""Commands to a tool: differential inverse kinematics within a robot's limits, and joint values for a whole pose.

Everything is batched, and a row's bytes depend on that row alone. Poses and twists are in the base frame of the chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Flags, Floats
from eyehand.world.chain import Chain
from eyehand.world.reaching_kernels import clip_rows, reach_rows, step_rows  # pyright: ignore[reportUnknownVariableType] - numba types kernels
from eyehand.world.rows import default_threads, in_parallel

_LEAST_ROWS = 64  # for a second thread to pay


@dataclass(frozen=True, eq=False)
class JointLimits:
    """What n joints may do; radians, or metres for sliding joints.

    Attributes:
        low: (n,) lower positions.
        high: (n,) upper positions.
        velocity: (n,) greatest speed, per second.
        acceleration: (n,) greatest change of speed, per second squared.
        torque: (n,) greatest torque in N m (force in N for sliding joints).
    """

    low: Floats
    high: Floats
    velocity: Floats
    acceleration: Floats
    torque: Floats

    def __post_init__(self) -> None:
        """Refuse inverted ranges, limits below zero, and arrays of different lengths."""
        n = len(self.low)
        for name in ("high", "velocity", "acceleration", "torque"):
            if np.shape(getattr(self, name)) != (n,):
                raise InvalidValueError(f"limits.{name}", np.shape(getattr(self, name)), f"shape ({n},)")
        for name in ("velocity", "acceleration", "torque"):
            if not (getattr(self, name) > 0).all():
                raise InvalidValueError(f"limits.{name}", getattr(self, name).tolist(), "numbers above 0")
        if not (self.low <= self.high).all():
            joint = int(np.flatnonzero(~(self.low <= self.high))[0])
            raise InvalidValueError(
                f"limits of joint {joint}", (self.low[joint], self.high[joint]), "low not above high"
            )

    def clip(self, q: Floats) -> Floats:
        """Joint values (..., n) brought within the position limits."""
        return np.clip(q, self.low, self.high)


@dataclass(frozen=True)
class Nullspace:
    """What the joints do with the freedom that the tool leaves them: drift towards a posture.

    Attributes:
        posture: (n,) joint values to drift towards.
        rate: share of the distance that is covered per second.
    """

    posture: Floats
    rate: float = 1.0


@dataclass(frozen=True)
class Reached:
    """Joint values found for poses.

    Attributes:
        q: (B, n) within the position limits.
        met: (B,) whether the pose was met to the tolerance.
        error_m: (B,) distance that is left.
        error_rad: (B,) angle that is left; 0 where only the position was asked for.
    """

    q: Floats
    met: Flags
    error_m: Floats
    error_rad: Floats


def differential_ik(
    chain: Chain,
    q: Floats,
    twist: Floats,
    dt_s: float,
    limits: JointLimits,
    previous_velocity: Floats | None = None,
    nullspace: Nullspace | None = None,
    damping: float = 0.02,
) -> Floats:
    """Joint steps that move the tool with a twist for one time step.

    Damped least squares; a twist that is too fast is slowed as a whole, so that the tool keeps its direction; a joint
    at its limit stops and the others make up for it. The result always keeps the position and velocity limits, and
    the acceleration limits where `previous_velocity` is given (limits that contradict each other yield in the order
    acceleration, velocity, position).

    Args:
        chain: the arm.
        q: (B, n) joint values now.
        twist: (B, 6) linear and angular velocity of the tool in the base frame, m/s and rad/s, or (B, 3) linear only.
        dt_s: length of the step in seconds.
        limits: of the joints.
        previous_velocity: (B, n) joint velocities of the step before; None to leave accelerations free.
        nullspace: what to do with spare freedom; None to move as little as possible.
        damping: singular values of the Jacobian below about this are damped (m/rad).

    Returns:
        (B, n) steps: the next joint values are q + step.

    Raises:
        InvalidValueError: wrong shapes or numbers that are not finite.
    """
    values = chain.checked(q)
    wanted = np.asarray(twist, dtype=np.float64)
    if wanted.shape not in ((len(values), 3), (len(values), 6)):
        raise InvalidValueError("shape of twist", wanted.shape, f"({len(values)}, 3) or ({len(values)}, 6)")
    if not np.isfinite(wanted).all():
        row = int(np.flatnonzero(~np.isfinite(wanted).all(1))[0])
        raise InvalidValueError(f"twist in row {row}", wanted[row].tolist(), "finite numbers")
    if not dt_s > 0:
        raise InvalidValueError("dt_s", dt_s, "a number above 0")
    free = previous_velocity is None
    before = np.zeros_like(values) if previous_velocity is None else chain.checked(previous_velocity)
    table = _table(limits, free, chain.reference)
    wish = np.zeros_like(values)
    if nullspace is not None:
        wish = (nullspace.posture - values) * min(1.0, nullspace.rate * dt_s)
    walk = (chain.fixed, chain.axis, chain.slides)
    relative, dq = values - chain.reference, np.empty_like(values)
    settings = (float(dt_s), float(damping))

    def some(rows: slice) -> None:
        step_rows(relative[rows], wanted[rows], before[rows], wish[rows], walk, table, settings, dq[rows])

    in_parallel(some, len(values), default_threads(), _LEAST_ROWS)
    return dq


def limited_step(
    q: Floats, step: Floats, dt_s: float, limits: JointLimits, previous_velocity: Floats | None = None
) -> Floats:
    """Commanded joint steps brought within the limits, joint by joint, as in `differential_ik`.

    A joint is slowed early enough to stop at its position limit without breaking its acceleration limit.

    Args:
        q: (B, n) joint values now.
        step: (B, n) commanded steps.
        dt_s: length of the step in seconds.
        limits: of the joints.
        previous_velocity: (B, n) joint velocities of the step before; None to leave accelerations free.

    Returns:
        (B, n) steps: the next joint values are q + step.

    Raises:
        InvalidValueError: wrong shapes or numbers that are not finite.
    """
    values, n = np.asarray(q, dtype=np.float64), len(limits.low)
    wanted = np.asarray(step, dtype=np.float64)
    before = np.zeros_like(values) if previous_velocity is None else np.asarray(previous_velocity, dtype=np.float64)
    for what, array in (("joint values", values), ("joint steps", wanted), ("previous velocities", before)):
        if array.ndim != 2 or array.shape != (len(values), n):
            raise InvalidValueError(f"shape of {what}", array.shape, f"(B, {n})")
        if not np.isfinite(array).all():
            row = int(np.flatnonzero(~np.isfinite(array).all(1))[0])
            raise InvalidValueError(f"{what} in row {row}", array[row].tolist(), "finite numbers")
    if not dt_s > 0:
        raise InvalidValueError("dt_s", dt_s, "a number above 0")
    dq = np.empty_like(values)
    clip_rows(values, wanted, before, _table(limits, previous_velocity is None, np.zeros(n)), float(dt_s), dq)
    return dq


def _table(limits: JointLimits, free: bool, reference: Floats) -> Floats:
    """The limits (4, n) as the kernels take them, positions measured from `reference` (n,)."""
    acceleration = np.full_like(limits.acceleration, np.inf) if free else limits.acceleration
    return np.stack([limits.low - reference, limits.high - reference, limits.velocity, acceleration])


def reach(
    chain: Chain,
    target: Floats,
    start: Floats,
    limits: JointLimits,
    tolerance_m: float = 1e-4,
    tolerance_rad: float = 1e-3,
    tries: int = 16,
) -> Reached:
    """Joint values that bring the tool to a pose or a place.

    Args:
        chain: the arm.
        target: (B, 4, 4) poses of the tool in the base frame, or (B, 3) places in metres.
        start: (B, n) joint values to begin at; the answer is often near them.
        limits: of the joints; only positions count.
        tolerance_m: distance at which a place counts as met.
        tolerance_rad: angle at which a direction counts as met.
        tries: starting points: `start`, then others spread between the limits.

    Raises:
        InvalidValueError: wrong shapes or numbers that are not finite.
    """
    values, place = chain.checked(start), np.asarray(target, dtype=np.float64)
    if place.shape not in ((len(values), 3), (len(values), 4, 4)):
        raise InvalidValueError("shape of target", place.shape, f"({len(values)}, 4, 4) or ({len(values)}, 3)")
    if not np.isfinite(place).all():
        raise InvalidValueError("target", "NaN or infinity", "finite numbers")
    whole = place.ndim == 3
    poses = np.tile(np.eye(4), (len(values), 1, 1))
    if whole:
        poses = np.ascontiguousarray(place)
    else:
        poses[:, :3, 3] = place
    tolerance = np.array([tolerance_m, tolerance_rad if whole else np.inf])
    best, errors = np.empty_like(values), np.empty((len(values), 2))
    table = np.stack([limits.low, limits.high]) - chain.reference
    walk = (chain.fixed, chain.axis, chain.slides)
    relative = values - chain.reference

    def some(rows: slice) -> None:
        reach_rows(relative[rows], poses[rows], walk, table, tolerance, tries, best[rows], errors[rows])

    in_parallel(some, len(values), default_threads(), 1)
    q = np.clip(best + chain.reference, limits.low, limits.high)
    met = (errors[:, 0] <= tolerance[0]) & (errors[:, 1] <= tolerance[1])
    return Reached(q, met, errors[:, 0].copy(), errors[:, 1].copy())

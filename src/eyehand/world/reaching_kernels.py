# pyright: basic
# (numba kernels are untyped)
"""The inner loops of differential and of position inverse kinematics, one row at a time."""

from __future__ import annotations

import numba
import numpy as np

from eyehand.world.chain_kernels import differentiate, pose, solve_bounded, solve_damped


@numba.njit(cache=True, nogil=True)
def _stopping_speed(room, acceleration, dt):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """The fastest speed from which a joint still stops within `room`, braking once per time step.

    A joint at k a dt that loses a dt in every step goes on by a dt^2 times the piecewise linear function through
    k (k + 1) / 2 at whole k, which is inverted here.
    """
    if room <= 0.0:
        return 0.0
    if np.isinf(acceleration) or np.isinf(room):
        return np.inf
    steps = room / (acceleration * dt * dt)
    count = np.ceil((np.sqrt(1.0 + 8.0 * steps) - 1.0) / 2.0)
    return (steps / count + (count - 1.0) / 2.0) * acceleration * dt


@numba.njit(cache=True, nogil=True)
def bounds(q, before, limits, dt, low, high):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Fill the least and the largest step (n,) that keep all limits; where they contradict, position wins.

    Args:
        q: (n,) joint values.
        before: (n,) velocity of the previous step.
        limits: (4, n) lower and upper position, velocity, acceleration.
        dt: time step.
        low: (n,) filled.
        high: (n,) filled.
    """
    for j in range(len(q)):
        room_down, room_up = max(q[j] - limits[0, j], 0.0), max(limits[1, j] - q[j], 0.0)
        fastest, gain = limits[2, j], limits[3, j] * dt
        down = -min(fastest, _stopping_speed(room_down, limits[3, j], dt))
        up = min(fastest, _stopping_speed(room_up, limits[3, j], dt))
        # A joint that is faster than it may be slows down as hard as it can.
        least = max(down, before[j] - gain)
        most = min(up, before[j] + gain)
        if least > most:
            least = most = before[j] - gain if before[j] > 0.0 else before[j] + gain
        low[j] = max(least * dt, -room_down)
        high[j] = min(most * dt, room_up)
        if low[j] > high[j]:
            low[j] = high[j] = min(max(low[j], -room_down), room_up)


@numba.njit(cache=True, nogil=True)
def clip_rows(q, step, before, limits, dt, dq):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Joint steps (B, n) brought within `bounds`, joint by joint; `dq` (B, n) is filled."""
    low, high = np.empty(q.shape[1]), np.empty(q.shape[1])
    for row in range(len(q)):
        bounds(q[row], before[row], limits, dt, low, high)
        for j in range(q.shape[1]):
            dq[row, j] = min(max(step[row, j], low[j]), high[j])


@numba.njit(cache=True, nogil=True)
def step_rows(q, twist, before, wish, chain, limits, settings, dq):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Joint steps (B, n) that move the tool by `twist` (B, m) times `dt`, within all limits.

    The step is first slowed as a whole until no joint passes its velocity limit, which keeps its direction; position
    and acceleration limits then hold single joints back, and the others make up for them.

    Args:
        q: (B, n).
        twist: (B, m) with m = 3 (linear) or 6.
        before: (B, n) velocities of the previous step.
        wish: (B, n) steps that the joints would like to take where the tool does not care.
        chain: (fixed, axis, slides), see `chain_kernels.pose`.
        limits: (4, n), see `bounds`.
        settings: (time step, damping of the least squares).
        dq: (B, n) filled.
    """
    n, m = q.shape[1], twist.shape[1]
    fixed, axis, slides = chain
    dt, damping = settings
    T, joints, whole = np.empty((4, 4)), np.empty((n, 6)), np.empty((6, n))
    low, high, want, free = np.empty(n), np.empty(n), np.empty(m), np.ones(n, np.bool_)
    for row in range(len(q)):
        pose(q[row], fixed, axis, slides, T, joints)
        differentiate(T, joints, slides, whole)
        J = whole[:m]
        bounds(q[row], before[row], limits, dt, low, high)
        for i in range(m):
            want[i] = twist[row, i] * dt
        solve_damped(J, want, wish[row], free, damping, dq[row])
        share = 1.0
        for j in range(n):
            if abs(dq[row, j]) * share > limits[2, j] * dt:
                share = limits[2, j] * dt / abs(dq[row, j])
        for i in range(m):
            want[i] *= share
        solve_bounded(J, want, wish[row] * share, low, high, damping, dq[row])


@numba.njit(cache=True, nogil=True)
def _turn_between(T, target, error):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Fill the rotation vector (3,), in the base frame, that turns T's axes onto the target's."""
    trace = 0.0
    for i in range(3):
        for k in range(3):
            trace += target[i, k] * T[i, k]
    x = y = z = 0.0
    for k in range(3):  # the antisymmetric part of R = target T^t is the axis times the sine of the angle
        x += target[2, k] * T[1, k] - target[1, k] * T[2, k]
        y += target[0, k] * T[2, k] - target[2, k] * T[0, k]
        z += target[1, k] * T[0, k] - target[0, k] * T[1, k]
    sine = 0.5 * np.sqrt(x * x + y * y + z * z)
    angle = np.arctan2(sine, 0.5 * (trace - 1.0))
    if sine > 1e-9:
        scale = 0.5 * angle / sine
        error[0], error[1], error[2] = x * scale, y * scale, z * scale
    else:  # no turn, or half a turn about an axis that the search finds by starting elsewhere
        error[0], error[1], error[2] = (angle if angle > 1.0 else 0.0), 0.0, 0.0


@numba.njit(cache=True, nogil=True)
def _halton(index, base):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """The radical inverse of `index` in a base: evenly spread in [0, 1)."""
    share, value = 1.0, 0.0
    while index > 0:
        share /= base
        value += share * (index % base)
        index //= base
    return value


@numba.njit(cache=True, nogil=True)
def reach_rows(start, target, chain, limits, tolerance, tries, best, errors):  # noqa: ANN001, ANN201, PLR0912 - a kernel, typed by numba
    """Joint values (B, n) that bring the tool to a pose, by damped Gauss-Newton steps within the position limits.

    The first try begins at `start`, the others at points spread evenly between the limits; a row ends at the first
    try that meets the tolerance, or keeps the best of all.

    Args:
        start: (B, n).
        target: (B, 4, 4) poses in the base frame; their rotation is ignored where tolerance[1] is infinite.
        chain: (fixed, axis, slides), see `chain_kernels.pose`.
        limits: (2, n) lower and upper position.
        tolerance: (2,) of position and of turn.
        tries: how many starting points.
        best: (B, n) filled.
        errors: (B, 2) filled with what is left, metres and radians.
    """
    n, m = start.shape[1], 3 if np.isinf(tolerance[1]) else 6
    fixed, axis, slides = chain
    primes = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37])
    T, joints, J = np.empty((4, 4)), np.empty((n, 6)), np.empty((6, n))
    q, low, high, step, still, error = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.zeros(n), np.zeros(6)
    for row in range(len(start)):
        least = np.inf
        for attempt in range(tries):
            for j in range(n):
                if attempt == 0:
                    q[j] = min(max(start[row, j], limits[0, j]), limits[1, j])
                else:
                    bottom, top = max(limits[0, j], -np.pi), min(limits[1, j], np.pi)
                    q[j] = bottom + (top - bottom) * _halton(attempt, primes[j % 12])
            for _ in range(60):
                pose(q, fixed, axis, slides, T, joints)
                for i in range(3):
                    error[i] = target[row, i, 3] - T[i, 3]
                if m == 6:
                    _turn_between(T, target[row], error[3:])
                gap = np.sqrt(error[0] ** 2 + error[1] ** 2 + error[2] ** 2)
                turn = np.sqrt(error[3] ** 2 + error[4] ** 2 + error[5] ** 2)
                score = max(gap / tolerance[0], turn / tolerance[1])
                if score < least:
                    least = score
                    best[row] = q
                    errors[row, 0], errors[row, 1] = gap, turn
                if score < 1e-3:
                    break
                differentiate(T, joints, slides, J)
                for j in range(n):
                    low[j], high[j] = max(limits[0, j] - q[j], -0.5), min(limits[1, j] - q[j], 0.5)
                solve_bounded(J[:m], error[:m], still, low, high, 0.02, step)
                for j in range(n):
                    q[j] += step[j]
            if least < 1.0:
                break

# pyright: basic
# (numba kernels are untyped)
"""The inner loops of chain kinematics: every row by itself in plain arithmetic, so its bytes never depend on the batch.

A chain of n joints is n + 1 fixed transforms with a joint's motion after each but the last; `axis` is in the frame
that the transform before it ends in. No BLAS is called: its rounding depends on the sizes of the arrays.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def _compose(T, other):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """T becomes T times `other`, both rigid (4, 4)."""
    for row in range(3):
        a, b, c = T[row, 0], T[row, 1], T[row, 2]
        for column in range(4):
            T[row, column] = (
                a * other[0, column] + b * other[1, column] + c * other[2, column] + (T[row, 3] if column == 3 else 0.0)
            )


@numba.njit(cache=True, nogil=True)
def _turn(T, axis, angle):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """T becomes T times the rotation by `angle` about the unit `axis` (Rodrigues' formula)."""
    x, y, z = axis[0], axis[1], axis[2]
    cos, sin = np.cos(angle), np.sin(angle)
    rest = 1.0 - cos
    for row in range(3):
        a, b, c = T[row, 0], T[row, 1], T[row, 2]
        T[row, 0] = a * (cos + x * x * rest) + b * (y * x * rest + z * sin) + c * (z * x * rest - y * sin)
        T[row, 1] = a * (x * y * rest - z * sin) + b * (cos + y * y * rest) + c * (z * y * rest + x * sin)
        T[row, 2] = a * (x * z * rest + y * sin) + b * (y * z * rest - x * sin) + c * (cos + z * z * rest)


@numba.njit(cache=True, nogil=True)
def pose(q, fixed, axis, slides, T, joints):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Walk along the chain.

    Args:
        q: (n,) joint values, measured from where the fixed transforms hold.
        fixed: (n + 1, 4, 4) transforms.
        axis: (n, 3) unit axes.
        slides: (n,) True for a sliding joint.
        T: (4, 4) filled with the tool in the base.
        joints: (n, 6) filled with every joint's axis and a point on it, in the base.
    """
    for row in range(4):
        for column in range(4):
            T[row, column] = fixed[0, row, column]
    for j in range(len(q)):
        for row in range(3):
            joints[j, row] = T[row, 0] * axis[j, 0] + T[row, 1] * axis[j, 1] + T[row, 2] * axis[j, 2]
            joints[j, 3 + row] = T[row, 3]
        if slides[j]:
            for row in range(3):
                T[row, 3] += q[j] * joints[j, row]
        else:
            _turn(T, axis[j], q[j])
        _compose(T, fixed[j + 1])


@numba.njit(cache=True, nogil=True)
def differentiate(T, joints, slides, J):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Fill the geometric Jacobian (6, n) of the tool's origin from what `pose` found: linear rows, then angular."""
    for j in range(len(slides)):
        x, y, z = joints[j, 0], joints[j, 1], joints[j, 2]
        if slides[j]:
            J[0, j], J[1, j], J[2, j] = x, y, z
            J[3, j], J[4, j], J[5, j] = 0.0, 0.0, 0.0
        else:
            dx, dy, dz = T[0, 3] - joints[j, 3], T[1, 3] - joints[j, 4], T[2, 3] - joints[j, 5]
            J[0, j], J[1, j], J[2, j] = y * dz - z * dy, z * dx - x * dz, x * dy - y * dx
            J[3, j], J[4, j], J[5, j] = x, y, z


@numba.njit(cache=True, nogil=True)
def forward_rows(q, fixed, axis, slides, T, J):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """Poses (B, 4, 4) and Jacobians (B, 6, n) of a batch of joint values (B, n)."""
    joints = np.empty((q.shape[1], 6))
    for row in range(len(q)):
        pose(q[row], fixed, axis, slides, T[row], joints)
        differentiate(T[row], joints, slides, J[row])


@numba.njit(cache=True, nogil=True)
def _factor(A, rows):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Cholesky factor of the symmetric positive definite A[:rows, :rows], in its lower triangle."""
    for i in range(rows):
        for j in range(i + 1):
            total = A[i, j]
            for k in range(j):
                total -= A[i, k] * A[j, k]
            A[i, j] = np.sqrt(max(total, 1e-18)) if i == j else total / A[j, j]


@numba.njit(cache=True, nogil=True)
def _substitute(A, b, rows):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Solve with the factor of `_factor`; `b` becomes the answer."""
    for i in range(rows):
        total = b[i]
        for k in range(i):
            total -= A[i, k] * b[k]
        b[i] = total / A[i, i]
    for i in range(rows - 1, -1, -1):
        total = b[i]
        for k in range(i + 1, rows):
            total -= A[k, i] * b[k]
        b[i] = total / A[i, i]


@numba.njit(cache=True, nogil=True)
def solve_damped(J, want, wish, free, damping, step):  # noqa: ANN001, ANN201, PLR0912 - a kernel, typed by numba
    """Joint step by damped least squares, the rest of the freedom spent on a wish.

    step = J^T y + (wish - J^T z) for the free joints, where (J J^T + d^2 I) y = want and (J J^T + d^2 I) z = J wish
    (Nakamura and Hanafusa, 1986; Wampler, 1986). The damping d grows from 0 to `damping` as the smallest pivot of the
    factorised J J^T falls below it, so that far from a singularity the answer is exact.

    Args:
        J: (m, n) Jacobian, m up to 6.
        want: (m,) step of the tool.
        wish: (n,) step that the joints would like to take where the tool does not care.
        free: (n,) False for joints that may not move.
        damping: in the units of J.
        step: (n,) filled for the free joints, 0 for the others.
    """
    m, n = J.shape
    A = np.empty((m, m))
    for i in range(m):
        for j in range(i + 1):
            total = 0.0
            for k in range(n):
                if free[k]:
                    total += J[i, k] * J[j, k]
            A[i, j] = total
    factor = A.copy()
    _factor(factor, m)
    smallest = factor[0, 0]
    for i in range(1, m):
        smallest = min(smallest, factor[i, i])
    if smallest < damping:
        share = smallest / damping
        square = damping * damping * (1.0 - share * share)
        for i in range(m):
            A[i, i] += square
        _factor(A, m)
    else:
        A = factor
    right = np.empty(m)
    for i in range(m):
        right[i] = want[i]
        for k in range(n):
            if free[k]:
                right[i] -= J[i, k] * wish[k]
    _substitute(A, right, m)
    for k in range(n):
        step[k] = 0.0
        if free[k]:
            step[k] = wish[k]
            for i in range(m):
                step[k] += J[i, k] * right[i]


@numba.njit(cache=True, nogil=True)
def solve_bounded(J, want, wish, low, high, damping, step):  # noqa: ANN001, ANN201 - a kernel, typed by numba
    """The damped step within bounds (n,): joints that would pass theirs stop there, and the others make up for it.

    One joint at a time, the one furthest out, is held at its bound and the rest solved again for what is left of the
    tool's step (Flacco, De Luca and Khatib, ICRA 2012, without their scaling of the task).
    """
    m, n = J.shape
    free = np.ones(n, np.bool_)
    rest, trial = want.copy(), np.empty(n)
    for _ in range(n):
        solve_damped(J, rest, wish, free, damping, trial)
        worst, furthest = -1, 1e-12
        for k in range(n):
            if free[k]:
                out = max(trial[k] - high[k], low[k] - trial[k])
                if out > furthest:
                    worst, furthest = k, out
        for k in range(n):
            if free[k]:
                step[k] = min(max(trial[k], low[k]), high[k])
        if worst < 0:
            return
        free[worst] = False
        for i in range(m):
            rest[i] -= J[i, worst] * step[worst]

# pyright: basic
# (numba kernels are untyped)
"""Fewer triangles by collapsing edges onto one of their ends, in order of growing quadric error.

Garland and Heckbert, "Surface simplification using quadric error metrics" (SIGGRAPH 1997). Corners keep normals and
texture coordinates of the mesh itself: a vertex moves onto a neighbour only if each side of every crease or seam
through it finds its own counterpart there, hence along the crease.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from eyehand.types import Flags, Floats, Integers

_CROWD = 48  # a vertex with more faces stays where it is
UNKNOWN = -2  # target of a place whose surroundings changed
_LEAST_COS = 0.5  # faces turn by less than 60 degrees


class Shrinking(NamedTuple):
    """A mesh of V places and F faces on its way to fewer faces.

    Attributes:
        points: (V, 3) places; no two are the same.
        faces: (F, 3) rows of places.
        corners: (F, 3) what a corner carries, as a number; corners at one place are alike where it is the same.
        alive: (F,) faces that are left.
        owner: (V,) the place that a place was moved onto, itself if it was not.
        quadric: (V, 10) sums over planes n.x + d of the products of (nx, ny, nz, d).
        rim: (V,) True on an open boundary.
        ring_start: (V,) first of the linked corners 3 f + i around a place, -1 for none.
        ring_end: (V,) last of them.
        ring_next: (3 F,) the corner after a corner, -1 for none.
        target: (V,) where a place would move at the least cost, -1 for nowhere, -2 where that is not known yet.
        cost: (V,) of that move, square metres.
    """

    points: Floats
    faces: Integers
    corners: Integers
    alive: Flags
    owner: Integers
    quadric: Floats
    rim: Flags
    ring_start: Integers
    ring_end: Integers
    ring_next: Integers
    target: Integers
    cost: Floats


@numba.njit(cache=True, nogil=True)
def begin(mesh: Shrinking) -> None:
    """Link the corners around every place, and add up the planes of the faces and of open boundaries."""
    mesh.ring_start[:] = -1
    for f in range(len(mesh.faces)):
        for i in range(3):
            _append(mesh, mesh.faces[f, i], 3 * f + i)
    mesh.quadric[:] = 0.0
    for f in range(len(mesh.faces)):
        p, q, r = mesh.points[mesh.faces[f, 0]], mesh.points[mesh.faces[f, 1]], mesh.points[mesh.faces[f, 2]]
        normal = _cross(q - p, r - p)
        length = np.sqrt((normal * normal).sum())
        if length == 0.0:
            continue
        normal /= length
        for i in range(3):
            _add_plane(mesh.quadric[mesh.faces[f, i]], normal, p)
            a, b = mesh.faces[f, i], mesh.faces[f, (i + 1) % 3]
            if _shared(mesh, a, b) == 1:
                mesh.rim[a] = mesh.rim[b] = True
                side = _cross(mesh.points[b] - mesh.points[a], normal)
                side /= max(np.sqrt((side * side).sum()), 1e-30)
                _add_plane(mesh.quadric[a], side, mesh.points[a])
                _add_plane(mesh.quadric[b], side, mesh.points[a])


@numba.njit(cache=True, nogil=True)
def shrink(mesh: Shrinking, error_m: float) -> None:
    """Collapse edges until none is left that costs at most `error_m`, the cheaper ones first."""
    neighbours = np.empty(3 * _CROWD, np.int64)
    for step in (0.125, 0.25, 0.5, 1.0):
        most, changed = (step * error_m) ** 2, 1
        while changed > 0:
            changed = 0
            for v in range(len(mesh.points)):
                if mesh.ring_start[v] < 0:
                    continue
                if mesh.target[v] == UNKNOWN:
                    _find_target(mesh, v, neighbours)
                if mesh.target[v] >= 0 and mesh.cost[v] <= most:
                    _collapse(mesh, v, mesh.target[v], neighbours)
                    changed += 1


@numba.njit(cache=True, nogil=True)
def departure(mesh: Shrinking) -> float:
    """The largest distance of a place that was moved away from the faces around the place it was moved onto."""
    worst = 0.0
    for v in range(len(mesh.points)):
        w = v
        while mesh.owner[w] != w:
            w = mesh.owner[w]
        if w == v or mesh.ring_start[w] < 0:
            continue
        nearest = ((mesh.points[v] - mesh.points[w]) ** 2).sum()
        corner = mesh.ring_start[w]
        while corner >= 0:
            for i in range(3):
                around = mesh.ring_start[mesh.faces[corner // 3, i]] if mesh.alive[corner // 3] else -1
                while around >= 0:
                    if mesh.alive[around // 3]:
                        nearest = min(nearest, _distance2(mesh, around // 3, v))
                    around = mesh.ring_next[around]
            corner = mesh.ring_next[corner]
        worst = max(worst, nearest)
    return np.sqrt(worst)


@numba.njit(cache=True, nogil=True)
def _cross(a, b):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


@numba.njit(cache=True, nogil=True)
def _append(mesh, v, corner):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    mesh.ring_next[corner] = -1
    if mesh.ring_start[v] < 0:
        mesh.ring_start[v] = corner
    else:
        mesh.ring_next[mesh.ring_end[v]] = corner
    mesh.ring_end[v] = corner


@numba.njit(cache=True, nogil=True)
def _add_plane(quadric, normal, point):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    plane = np.array([normal[0], normal[1], normal[2], -(normal * point).sum()])
    k = 0
    for i in range(4):
        for j in range(i, 4):
            quadric[k] += plane[i] * plane[j]
            k += 1


@numba.njit(cache=True, nogil=True)
def _cost(mesh, v, w):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Sum of the squared distances of the place w from the planes around v."""
    q, x, y, z = mesh.quadric, mesh.points[w, 0], mesh.points[w, 1], mesh.points[w, 2]
    square = q[v, 0] * x * x + q[v, 4] * y * y + q[v, 7] * z * z + q[v, 9]
    mixed = q[v, 1] * x * y + q[v, 2] * x * z + q[v, 3] * x + q[v, 5] * y * z + q[v, 6] * y + q[v, 8] * z
    return square + 2.0 * mixed


@numba.njit(cache=True, nogil=True)
def _shared(mesh, v, w):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """How many faces have both places."""
    count = 0
    corner = mesh.ring_start[v]
    while corner >= 0:
        f = corner // 3
        if mesh.alive[f] and (mesh.faces[f, 0] == w or mesh.faces[f, 1] == w or mesh.faces[f, 2] == w):
            count += 1
        corner = mesh.ring_next[corner]
    return count


@numba.njit(cache=True, nogil=True)
def _ring(mesh, v, neighbours):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Fill in the places that share a face with one; returns how many, -1 where they are too many."""
    count, faces = 0, 0
    corner = mesh.ring_start[v]
    while corner >= 0:
        f = corner // 3
        if mesh.alive[f]:
            faces += 1
            if faces > _CROWD:
                return -1
            for i in range(3):
                w = mesh.faces[f, i]
                known = w == v
                for k in range(count):
                    known = known or neighbours[k] == w
                if not known:
                    neighbours[count] = w
                    count += 1
        corner = mesh.ring_next[corner]
    return count


@numba.njit(cache=True, nogil=True)
def _find_target(mesh, v, neighbours):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    count = _ring(mesh, v, neighbours)
    mesh.target[v], mesh.cost[v] = -1, np.inf
    for k in range(count):
        w = neighbours[k]
        cost = _cost(mesh, v, w)
        if cost < mesh.cost[v] and _allowed(mesh, v, w, neighbours, count):
            mesh.target[v], mesh.cost[v] = w, cost


@numba.njit(cache=True, nogil=True)
def _allowed(mesh, v, w, neighbours, count):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Whether moving v onto w keeps the surface a surface, its faces upright, and creases and seams whole."""
    shared = _shared(mesh, v, w)
    if shared != (1 if mesh.rim[v] else 2):
        return False
    common = 0
    for k in range(count):
        if neighbours[k] != w and _shared(mesh, w, neighbours[k]) > 0:
            common += 1
    if common != shared:
        return False
    corner = mesh.ring_start[v]
    while corner >= 0:
        f, i = corner // 3, corner % 3
        if mesh.alive[f]:
            a, b = mesh.faces[f, (i + 1) % 3], mesh.faces[f, (i + 2) % 3]
            if w not in (a, b) and (_turns(mesh, (v, w), (a, b)) or _counterpart(mesh, v, w, mesh.corners[f, i]) < 0):
                return False
        corner = mesh.ring_next[corner]
    return True


@numba.njit(cache=True, nogil=True)
def _turns(mesh, move, rest):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Whether a face turns too far when its first place moves."""
    p = mesh.points
    (v, w), (a, b) = move, rest
    ax, ay, az = p[a, 0], p[a, 1], p[a, 2]
    ex, ey, ez = p[b, 0] - ax, p[b, 1] - ay, p[b, 2] - az
    vx, vy, vz = p[v, 0] - ax, p[v, 1] - ay, p[v, 2] - az
    wx, wy, wz = p[w, 0] - ax, p[w, 1] - ay, p[w, 2] - az
    ox, oy, oz = ey * vz - ez * vy, ez * vx - ex * vz, ex * vy - ey * vx
    nx, ny, nz = ey * wz - ez * wy, ez * wx - ex * wz, ex * wy - ey * wx
    length = np.sqrt((ox * ox + oy * oy + oz * oz) * (nx * nx + ny * ny + nz * nz))
    return ox * nx + oy * ny + oz * nz <= _LEAST_COS * length


@numba.njit(cache=True, nogil=True)
def _counterpart(mesh, v, w, carried):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """What corners at w carry on the side where corners at v carry `carried`; -1 where no face tells."""
    corner = mesh.ring_start[v]
    while corner >= 0:
        f, i = corner // 3, corner % 3
        if mesh.alive[f] and mesh.corners[f, i] == carried:
            for j in range(3):
                if mesh.faces[f, j] == w:
                    return mesh.corners[f, j]
        corner = mesh.ring_next[corner]
    return -1


@numba.njit(cache=True, nogil=True)
def _collapse(mesh, v, w, neighbours):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    for k in range(_ring(mesh, v, neighbours)):
        mesh.target[neighbours[k]] = UNKNOWN
    corner = mesh.ring_start[v]
    while corner >= 0:
        f, i = corner // 3, corner % 3
        if mesh.alive[f] and w not in (mesh.faces[f, (i + 1) % 3], mesh.faces[f, (i + 2) % 3]):
            # Corners change before places do: the counterpart is found through faces that still have both places.
            mesh.corners[f, i] = _counterpart(mesh, v, w, mesh.corners[f, i])
        corner = mesh.ring_next[corner]
    corner = mesh.ring_start[v]
    while corner >= 0:
        f, i, following = corner // 3, corner % 3, mesh.ring_next[corner]
        if mesh.alive[f]:
            if w in (mesh.faces[f, (i + 1) % 3], mesh.faces[f, (i + 2) % 3]):
                mesh.alive[f] = False
            else:
                mesh.faces[f, i] = w
                _append(mesh, w, corner)
        corner = following
    mesh.owner[v] = w
    mesh.ring_start[v] = -1
    for k in range(10):
        mesh.quadric[w, k] += mesh.quadric[v, k]
    for k in range(_ring(mesh, w, neighbours)):
        mesh.target[neighbours[k]] = UNKNOWN


@numba.njit(cache=True, nogil=True)
def _distance2(mesh, f, v):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Squared distance of a place from a face."""
    x, faces = mesh.points, mesh.faces
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    ee = ef = ff = eg = fg = gg = 0.0
    for i in range(3):
        e, g, h = x[b, i] - x[a, i], x[v, i] - x[a, i], x[c, i] - x[a, i]
        ee, ef, ff = ee + e * e, ef + e * h, ff + h * h
        eg, fg, gg = eg + e * g, fg + h * g, gg + g * g
    square = ee * ff - ef * ef
    if square > 0.0:
        s, t = (ff * eg - ef * fg) / square, (ee * fg - ef * eg) / square
        if s >= 0.0 and t >= 0.0 and s + t <= 1.0:
            return max(gg - s * eg - t * fg, 0.0)
    return min(_from_edge(x, a, b, v), _from_edge(x, b, c, v), _from_edge(x, c, a, v))


@numba.njit(cache=True, nogil=True)
def _from_edge(x, a, b, v):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    ee = eg = gg = 0.0
    for i in range(3):
        e, g = x[b, i] - x[a, i], x[v, i] - x[a, i]
        ee, eg, gg = ee + e * e, eg + e * g, gg + g * g
    share = min(max(eg / max(ee, 1e-30), 0.0), 1.0)
    return max(gg - share * (2.0 * eg - share * ee), 0.0)

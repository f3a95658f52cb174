# pyright: basic
# (numba kernels are untyped)
"""The inner loops of visibility: vertices to the picture, faces to pixels.

A picture holds for every pixel the nearest face so far, its geom, and the inverse of its depth, which is linear over
the picture and is 0 where nothing is.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats, Floats32
from eyehand.world.raster.pool import Pool

_SLACK_PX = 1e-4  # neighbours overlap by this much, so that no pixel falls between them
_SHORT = 12  # spans up to this length are quicker without vector instructions


class Picture(NamedTuple):
    """What is seen, per pixel.

    Attributes:
        inverse_depth: (H, W) 1 / m.
        face: (H, W) row of `Pool.faces`.
        geom: (H, W) geom id, -1 for nothing.
    """

    inverse_depth: Floats32
    face: NDArray[np.int32]
    geom: NDArray[np.int32]


class Corners(NamedTuple):
    """Room for the vertices of one geom in the picture: columns, rows and inverse depths, each (V,)."""

    u: Floats32
    v: Floats32
    w: Floats32


@numba.njit(cache=True, nogil=True, error_model="numpy")
def project(pool: Pool, level: int, P: Floats, cap_m: float, corners: Corners) -> None:
    """Vertices of a level to the picture.

    Args:
        pool: the shapes.
        level: which vertices.
        P: (3, 4) from the shape's frame to (column * depth, row * depth, depth).
        cap_m: how far caps are shifted along the shape's z axis.
        corners: filled.
    """
    start, end = pool.vertex_start[level], pool.vertex_start[level + 1]
    a00, a01, a02, a03 = np.float32(P[0, 0]), np.float32(P[0, 1]), np.float32(P[0, 2]), np.float32(P[0, 3])
    a10, a11, a12, a13 = np.float32(P[1, 0]), np.float32(P[1, 1]), np.float32(P[1, 2]), np.float32(P[1, 3])
    a20, a21, a22, a23 = np.float32(P[2, 0]), np.float32(P[2, 1]), np.float32(P[2, 2]), np.float32(P[2, 3])
    b = np.float32(cap_m)
    xs, ys, zs, caps = pool.x[start:end], pool.y[start:end], pool.z[start:end], pool.cap[start:end]
    count = end - start
    u, v, w = corners.u[:count], corners.v[:count], corners.w[:count]
    b0, b1, b2 = a02 * b, a12 * b, a22 * b
    # The cap's shift is along the shape's own z, whose column in P already carries the stretch of z.
    for i in range(count):
        x, y, z, c = xs[i], ys[i], zs[i], caps[i]
        inverse = np.float32(1.0) / (a20 * x + a21 * y + a22 * z + b2 * c + a23)
        u[i] = (a00 * x + a01 * y + a02 * z + b0 * c + a03) * inverse
        v[i] = (a10 * x + a11 * y + a12 * z + b1 * c + a13) * inverse
        w[i] = inverse


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_level(pool: Pool, level: int, corners: Corners, geom: int, picture: Picture) -> None:
    """Draw the faces of a level that lies in front of the near plane as a whole."""
    height, width = picture.geom.shape
    u, v, w, faces = corners.u, corners.v, corners.w, pool.faces
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    for face in range(pool.face_start[level], pool.face_start[level + 1]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ua, ub, uc, va, vb, vc = u[a], u[b], u[c], v[a], v[b], v[c]
        # Rows grow downwards, so a face that turns anticlockwise towards the eye has a negative area here.
        if (ub - ua) * (vc - va) - (uc - ua) * (vb - va) >= 0.0:
            continue
        low, high = np.ceil(min(va, vb, vc)), np.floor(max(va, vb, vc))
        if low > high or high < 0.0 or low > bottom:
            continue
        first, last = np.ceil(min(ua, ub, uc) - _SLACK_PX), np.floor(max(ua, ub, uc) + _SLACK_PX)
        if first > last or last < 0.0 or first > right:
            continue
        fill_face((ua, va, w[a]), (uc, vc, w[c]), (ub, vb, w[b]), (face, geom), picture)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_face(p, q, r, what, picture: Picture) -> None:  # noqa: ANN001 - tuples of three numbers, typed by numba
    """Draw one triangle that turns clockwise as seen with rows growing downwards (positive area).

    Args:
        p: (column, row, inverse depth) of a corner, as q and r.
        q: the next corner.
        r: the last corner.
        what: (face, geom) to write.
        picture: changed where the triangle is nearer than what was there.
    """
    inverse_depth, faces, geoms = picture
    height, width = geoms.shape
    px, py, qx, qy, rx, ry = (
        np.float64(p[0]),
        np.float64(p[1]),
        np.float64(q[0]),
        np.float64(q[1]),
        np.float64(r[0]),
        np.float64(r[1]),
    )
    area = (qx - px) * (ry - py) - (rx - px) * (qy - py)
    if area < 1e-12:
        return
    dq, dr = np.float64(q[2]) - p[2], np.float64(r[2]) - p[2]
    gx = (dq * (ry - py) - dr * (qy - py)) / area
    gy = (dr * (qx - px) - dq * (rx - px)) / area
    slope, nearest, farthest = np.float32(gx), np.float32(max(p[2], q[2], r[2])), np.float32(min(p[2], q[2], r[2]))
    top, bottom = max(np.ceil(min(py, qy, ry)), 0.0), min(np.floor(max(py, qy, ry)), height - 1.0)
    left, right = (
        max(np.ceil(min(px, qx, rx) - _SLACK_PX), 0.0),
        min(np.floor(max(px, qx, rx) + _SLACK_PX), width - 1.0),
    )
    spq, sqr, srp = (qx - px) / (qy - py), (rx - qx) / (ry - qy), (px - rx) / (py - ry)
    for row in range(int(top), int(bottom) + 1):
        start, end = left - _SLACK_PX, right + _SLACK_PX
        # Inside is to the right of edges that go up the picture, to the left of those that go down.
        if qy < py:
            start = max(start, px + (row - py) * spq)
        elif qy > py:
            end = min(end, px + (row - py) * spq)
        if ry < qy:
            start = max(start, qx + (row - qy) * sqr)
        elif ry > qy:
            end = min(end, qx + (row - qy) * sqr)
        if py < ry:
            start = max(start, rx + (row - ry) * srp)
        elif py > ry:
            end = min(end, rx + (row - ry) * srp)
        first, last = int(np.ceil(start - _SLACK_PX)), int(np.floor(end + _SLACK_PX))
        if first > last:
            continue
        base = np.float32(p[2] + gx * (first - px) + gy * (row - py))
        if last - first >= _SHORT:
            _long_span(picture, row, (first, last), (base, slope, nearest, farthest), what)
            continue
        for column in range(first, last + 1):
            w = max(min(base + slope * np.float32(column - first), nearest), farthest)
            if w > inverse_depth[row, column]:
                inverse_depth[row, column] = w
                faces[row, column] = what[0]
                geoms[row, column] = what[1]


@numba.njit(cache=True, nogil=True)
def _long_span(picture, row, ends, span, what):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    base, slope, nearest, farthest = span
    inverse_depth = picture.inverse_depth[row, ends[0] : ends[1] + 1]
    faces, geoms = picture.face[row, ends[0] : ends[1] + 1], picture.geom[row, ends[0] : ends[1] + 1]
    face, geom = np.int32(what[0]), np.int32(what[1])
    for i in range(len(inverse_depth)):
        w = max(min(base + slope * np.float32(i), nearest), farthest)
        closer = w > inverse_depth[i]
        inverse_depth[i] = w if closer else inverse_depth[i]
        faces[i] = face if closer else faces[i]
        geoms[i] = geom if closer else geoms[i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_clipped(pool: Pool, level: int, placed: tuple[Floats, float, float], geom: int, picture: Picture) -> None:
    """Draw the faces of a level of which parts may lie behind the near plane.

    Args:
        pool: the shapes.
        level: which faces.
        placed: P (3, 4) and the shift of caps as in `project`, and the depth of the near plane.
        geom: to write.
        picture: changed.
    """
    P, cap_m, near = placed
    start = pool.vertex_start[level]
    corner, kept = np.empty((3, 3)), np.empty((4, 3))
    for face in range(pool.face_start[level], pool.face_start[level + 1]):
        for i in range(3):
            k = start + pool.faces[face, i]
            z = pool.z[k] + cap_m * pool.cap[k]
            for j in range(3):
                corner[i, j] = P[j, 0] * pool.x[k] + P[j, 1] * pool.y[k] + P[j, 2] * z + P[j, 3]
        count = _clip(corner, near, kept)
        for i in range(count):
            kept[i, 0] /= kept[i, 2]
            kept[i, 1] /= kept[i, 2]
            kept[i, 2] = 1.0 / kept[i, 2]
        for i in range(1, count - 1):
            q, r = (kept[i + 1, 0], kept[i + 1, 1], kept[i + 1, 2]), (kept[i, 0], kept[i, 1], kept[i, 2])
            fill_face((kept[0, 0], kept[0, 1], kept[0, 2]), q, r, (face, geom), picture)


@numba.njit(cache=True, nogil=True)
def _clip(corner, near, kept):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Cut a triangle of rows (x, y, depth) at depth `near`; returns how many corners are left."""
    count = 0
    for i in range(3):
        k = (i + 1) % 3
        here, there = corner[i, 2], corner[k, 2]
        if here >= near:
            for j in range(3):
                kept[count, j] = corner[i, j]
            count += 1
        if (here >= near) != (there >= near):
            share = (near - here) / (there - here)
            for j in range(2):
                kept[count, j] = corner[i, j] + share * (corner[k, j] - corner[i, j])
            kept[count, 2] = near
            count += 1
    return count

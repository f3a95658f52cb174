"""Good top-down grasps of an object with two parallel fingers, computed from its mesh.

For every direction of closing and every strip of the object as wide as a finger, the heights of the strip's surface
tell where fingers can come down from above. A run of the strip between two free places is squeezed; the grasp is good
when the surface under both pads faces them (antipodal contact), the pads meet something, and the palm stays clear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eyehand.types import Floats
from eyehand.world.objects.household import Grasp, HouseholdObject

_STEP_M = 0.001  # grid along the closing direction
_SPACING_M = 0.0025  # between sample points of the surface
_STRIDE_M = 0.006  # between strips
_MOST = 10  # the paper of real2sim_grasp has 2 to 10 good poses for every object


@dataclass(frozen=True)
class Fingers:
    """A parallel gripper that points down, as the Franka hand's.

    Attributes:
        opening_m: largest distance between the pads.
        width_m: of a pad, across the direction of closing.
        height_m: of a pad.
        thickness_m: of a finger, along the direction of closing.
        length_m: from the middle of the pads up to the palm.
        clearance_m: free space wanted on either side while coming down.
        table_m: least distance of the fingertips from the table.
        friction: a contact holds when its normal is within the friction cone, with a margin of a half.
    """

    opening_m: float = 0.08
    width_m: float = 0.018
    height_m: float = 0.016
    thickness_m: float = 0.012
    length_m: float = 0.045
    clearance_m: float = 0.004
    table_m: float = 0.001
    friction: float = 0.7


def surface_points(vertices: Floats, faces: np.ndarray, spacing_m: float = _SPACING_M) -> tuple[Floats, Floats]:
    """Points spread evenly over triangles and their outward unit normals, (N, 3) each, always the same ones."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.cross(b - a, c - a)  # length: twice the area
    size = np.linalg.norm(area, axis=1)
    count = np.maximum(1, np.ceil(0.5 * size / spacing_m**2)).astype(int)
    face = np.repeat(np.arange(len(faces)), count)
    turn = np.arange(len(face)) + 0.5
    u, v = (turn * 0.7548776662466927) % 1.0, (turn * 0.5698402909980532) % 1.0  # the plastic number's sequence
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    points = a[face] + u[:, None] * (b - a)[face] + v[:, None] * (c - a)[face]
    return points, (area / np.maximum(size, 1e-300)[:, None])[face]


def good_grasps(thing: HouseholdObject, fingers: Fingers | None = None, most: int = _MOST) -> tuple[Grasp, ...]:
    """The good grasps of an object that stands in its stable pose, best first, no two alike.

    Args:
        thing: the object.
        fingers: the gripper; None for the default.
        most: largest number of grasps.

    Returns:
        At most `most` grasps; none where fingers cannot hold the object from above.
    """
    gripper = fingers or Fingers()
    points, normals = surface_points(thing.mesh.vertices, thing.mesh.faces)
    masses = thing.masses()
    found: list[Grasp] = []
    for yaw in np.linspace(-np.pi / 2, np.pi / 2, 25)[:-1]:
        found += _along(points, normals, float(yaw), masses.centre_m, gripper)
    return _distinct(found, most)


def _along(points: Floats, normals: Floats, yaw: float, centre: Floats, fingers: Fingers) -> list[Grasp]:
    """All good grasps that close in one direction."""
    turn = np.array([[np.cos(yaw), np.sin(yaw), 0.0], [-np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    p, n, middle = points @ turn.T, normals @ turn.T, turn @ centre
    order = np.argsort(p[:, 1], kind="stable")
    p, n = p[order], n[order]
    found: list[Grasp] = []
    below, above = (int((abs(float(end - middle[1])) - 0.004) / _STRIDE_M) for end in (p[0, 1], p[-1, 1]))
    for across in middle[1] + _STRIDE_M * np.arange(-below, above + 1):
        first, last = np.searchsorted(p[:, 1], [across - fingers.width_m / 2, across + fingers.width_m / 2])
        q, m = p[first:last], n[first:last]
        for z in _heights(float(q[:, 2].max(initial=0.0)), fingers):
            for run in _runs(q, float(z), fingers):
                contact = _contact(q, m, (*run, float(z)), fingers)
                if contact is None:
                    continue
                place, width, facing = contact
                spot = np.array([place, across, z])
                off = float(np.linalg.norm((spot - middle) * np.array([1.0, 1.0, 0.5])))
                quality = 0.5 * facing + 0.5 * max(0.0, 1.0 - off / 0.05)
                found.append(Grasp(turn.T @ spot, yaw, width, quality))
    return found


def _heights(top: float, fingers: Fingers) -> Floats:
    """Heights of the pads' middle worth trying at a place whose surface is `top` high."""
    low = fingers.table_m + fingers.height_m / 2
    high = max(low, top - fingers.height_m / 2)
    low = max(low, top - fingers.length_m)
    return np.unique(np.round(np.linspace(low, high, 4), 4)) if high > low else np.array([low])


def _runs(p: Floats, z: float, fingers: Fingers) -> Iterator[tuple[float, float]]:
    """Stretches of a strip (N, 3) that fingers can come down on either side of: (first, last) place."""
    low_end = z - fingers.height_m / 2
    start = float(p[:, 0].min()) - 0.05
    cells = np.zeros(int((float(p[:, 0].max()) + 0.05 - start) / _STEP_M) + 1, dtype=bool)
    cells[((p[p[:, 2] > low_end, 0] - start) / _STEP_M).astype(int)] = True
    edges = np.flatnonzero(cells[1:] != cells[:-1])
    need = round((fingers.thickness_m + fingers.clearance_m) / _STEP_M)
    joined: list[list[int]] = []
    for first, last in zip((edges[::2] + 1).tolist(), edges[1::2].tolist(), strict=True):
        if joined and first - joined[-1][1] <= need:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    for first, last in joined:
        if (last - first + 1) * _STEP_M <= fingers.opening_m - 2 * fingers.clearance_m:
            yield start + first * _STEP_M, start + (last + 1) * _STEP_M


def _contact(
    p: Floats, n: Floats, run: tuple[float, float, float], fingers: Fingers
) -> tuple[float, float, float] | None:
    """Middle, width and squareness in [0, 1] of the contact of both pads with a run, None where it would not hold."""
    low, high, z = run
    inside = (p[:, 0] >= low - 1e-9) & (p[:, 0] <= high + 1e-9)
    if p[inside, 2].max() > z + fingers.length_m:
        return None
    inside &= np.abs(p[:, 2] - z) < fingers.height_m / 2
    if inside.sum() < 20:
        return None
    q, m = p[inside], n[inside]
    ends = float(q[:, 0].min()), float(q[:, 0].max())
    squareness = 1.0
    limit = float(np.cos(0.5 * np.arctan(fingers.friction)))
    middle = 0.5 * float(p[0, 1] + p[-1, 1])
    for end, sign in zip(ends, (-1.0, 1.0), strict=True):
        touching = (np.abs(q[:, 0] - end) < 0.0015) & (m[:, 0] * sign > 0)
        if touching.sum() < 3 or abs(float(q[touching, 1].mean()) - middle) > fingers.width_m / 4:
            return None
        normal = m[touching].mean(0)
        cosine = sign * float(normal[0]) / float(np.linalg.norm(normal))
        if cosine < limit:
            return None
        squareness = min(squareness, (cosine - limit) / (1.0 - limit))
    return 0.5 * (ends[0] + ends[1]), ends[1] - ends[0], squareness


def _distinct(found: list[Grasp], most: int) -> tuple[Grasp, ...]:
    """The best grasps, each at least 12 mm or 25 degrees from better ones, none much worse than the best."""
    kept: list[Grasp] = []
    for grasp in sorted(found, key=lambda g: -g.quality):
        if len(kept) == most or grasp.quality < 0.6 * max(g.quality for g in [grasp, *kept[:1]]):
            break
        apart = [
            np.hypot(
                np.linalg.norm(grasp.centre_m - other.centre_m) / 0.012,
                np.abs((grasp.yaw_rad - other.yaw_rad + np.pi / 2) % np.pi - np.pi / 2) / np.radians(25.0),
            )
            for other in kept
        ]
        if all(distance > 1.0 for distance in apart):
            kept.append(grasp)
    return tuple(kept)

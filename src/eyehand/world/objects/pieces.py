"""Toys are put together from pieces: a shape that is seen and the convex part that it collides with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eyehand.types import Floats
from eyehand.world.objects.household import Draft
from eyehand.world.objects.hulls import box_hull, ellipsoid_hull, ring_hull
from eyehand.world.objects.solids import ellipsoid, rounded_box, turned
from eyehand.world.objects.surface import Shape, join

MAIN, SECOND, THIRD, DARK, WHITE, GREY, YELLOW, RED, SKIN, ORANGE, TAN = range(11)  # cells of toys' textures
ALONG_X = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # takes z to x
ALONG_Y = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # takes z to y
LACQUER = (0.5, 0.5)

Piece = tuple[Shape, Floats]  # what is seen and the points of its convex part


def near(at: Floats, x: float, y: float, z: float) -> Floats:
    """A place (3,) shifted along the axes."""
    return at + np.array([x, y, z])


def boxed(size: ArrayLike, at: ArrayLike, cell: int, radius: float = 0.003, n: int = 3) -> Piece:
    """A rounded box standing at a place (3,)."""
    return rounded_box(size, radius, n).in_cell(cell).moved(at), box_hull(size, 0.5 * radius) + np.asarray(at)


def blob(
    radii: ArrayLike, at: ArrayLike, cell: int, sides: int = 20, foot: float = 0.0, R: Floats | None = None
) -> Piece:
    """An ellipsoid about a place (3,), turned by `R`; `foot` as in `ellipsoid_hull`."""
    hull = ellipsoid_hull(radii, foot) @ (np.eye(3) if R is None else R).T
    return ellipsoid(radii, sides).in_cell(cell).moved(at, R), hull + np.asarray(at, dtype=float)


def wheel(radius: float, wide: float, at: ArrayLike, cell: int, sides: int = 20, axis: Floats = ALONG_Y) -> Piece:
    """A disc with round edges about a place (3,), its axle along y."""
    outline = [(0.8 * radius, -0.5 * wide), (radius, -0.25 * wide), (radius, 0.25 * wide), (0.8 * radius, 0.5 * wide)]
    shape = turned([(0.0, -0.5 * wide), *outline, (0.0, 0.5 * wide)], sides)
    return shape.in_cell(cell).moved(at, axis), ring_hull(outline, 16) @ axis.T + np.asarray(at)


def merged(*pieces: Piece) -> Piece:
    """Pieces that collide as one: the hull of them all."""
    return join([piece[0] for piece in pieces]), np.concatenate([piece[1] for piece in pieces])


def assembled(
    pieces: list[Piece], trim: list[Shape], density: float, kind: str = "toy", gloss: tuple[float, float] = LACQUER
) -> Draft:
    """A toy of pieces that collide and of trim that is only seen."""
    shape = join([*(piece[0] for piece in pieces), *trim])
    return Draft(shape, tuple(piece[1] for piece in pieces), density, texture=kind, gloss=gloss)

"""What the kernels read: named tuples of arrays, so that a kernel takes few arguments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats32


class Shapes(NamedTuple):
    """All surfaces that geoms of a model may show, each in its own frame.

    Attributes:
        vertices: (V, 4) x, y, z and cap sign, see `eyehand.world.raster.surfaces.Surface`.
        faces: (F, 3) int32 vertices counted from the shape's first.
        normals: (F, 3, 3) unit normals at the corners.
        uv: (F, 3, 2) texture coordinates at the corners.
        first_vertex: (S + 1,) int32.
        first_face: (S + 1,) int32.
    """

    vertices: Floats32
    faces: NDArray[np.int32]
    normals: Floats32
    uv: Floats32
    first_vertex: NDArray[np.int32]
    first_face: NDArray[np.int32]


class Triangles(NamedTuple):
    """One simulation's scene in the world.

    Attributes:
        vertices: (V, 3) metres.
        faces: (F, 3) int32 vertex rows.
        geom: (F,) int32 whose face it is.
        source: (F,) int32 row of the face in `Shapes`.
        corners: (F, 3, 3) places of the faces' corners.
        normals: (F, 3, 3) unit shading normals there.
        flat: (F, 3) unit normals of the faces.
        bent: (F,) whether the shading normals differ from the face's.
    """

    vertices: Floats32
    faces: NDArray[np.int32]
    geom: NDArray[np.int32]
    source: NDArray[np.int32]
    corners: Floats32
    normals: Floats32
    flat: Floats32
    bent: NDArray[np.bool_]


class Pages(NamedTuple):
    """Pictures of many sizes, one after the other.

    Attributes:
        pixels: (P, 3) uint8.
        start: (N,) int64 first pixel of each picture.
        height: (N,) int64.
        width: (N,) int64.
    """

    pixels: NDArray[np.uint8]
    start: NDArray[np.int64]
    height: NDArray[np.int64]
    width: NDArray[np.int64]


class Paint(NamedTuple):
    """How the geoms of one simulation stand and look.

    Attributes:
        rotation: (G, 3, 3) geom to world.
        size: (G, 3) factors that stretch the geom's shape.
        albedo: (G, 3) linear colours.
        texture: (G,) int32 page, -1 for none.
        repeat: (G, 2) copies of the texture.
        reflectance: (G,) share of light mirrored at normal incidence.
        exponent: (G,) of the Blinn-Phong lobe.
        glow: (G,) light given off, in units of the albedo.
    """

    rotation: Floats32
    size: Floats32
    albedo: Floats32
    texture: NDArray[np.int32]
    repeat: Floats32
    reflectance: Floats32
    exponent: Floats32
    glow: Floats32


class Lamps(NamedTuple):
    """The lights of one simulation; the last one is the headlight.

    Attributes:
        place: (L, 3) a lamp's position in metres; of a sun, the unit vector towards it.
        sun: (L,) uint8 1 for a sun.
        radius: (L,) of a lamp in metres, of a sun the tangent of its half angle; 0 casts no shadow.
        full_m: (L,) distance at which a lamp has its full strength.
        diffuse: (L, 3) irradiance / pi on a surface that faces it.
        specular: (L, 3) the same for highlights.
        chance: (L,) chosen up to here by a number in [0, 1), in proportion to strength.
        ambient: (3,) radiance from everywhere.
    """

    place: Floats32
    sun: NDArray[np.uint8]
    radius: Floats32
    full_m: Floats32
    diffuse: Floats32
    specular: Floats32
    chance: Floats32
    ambient: Floats32


class Spots(NamedTuple):
    """Places where rays met a surface; each array has room for every ray.

    Attributes:
        ray: (N,) int32 the ray's number.
        start: (N, 3) just off the surface, where rays may leave.
        normal: (N, 3) unit shading normals on the viewer's side.
        back: (N, 3) unit vectors back along the rays.
        albedo: (N, 3) linear.
        geom: (N,) int32.
    """

    ray: NDArray[np.int32]
    start: Floats32
    normal: Floats32
    back: Floats32
    albedo: Floats32
    geom: NDArray[np.int32]


class Segments(NamedTuple):
    """Ways from spots to lights that carry light if nothing stands between; arrays have room for every spot.

    Attributes:
        spot: (N,) int32 the spot's number.
        lamp: (N,) int32 the light's number.
        start: (N, 3) metres.
        span: (N, 3) vector to the place on the light.
        share: (N,) of the light's strength that arrives, cosine included.
    """

    spot: NDArray[np.int32]
    lamp: NDArray[np.int32]
    start: Floats32
    span: Floats32
    share: Floats32


class Glances(NamedTuple):
    """Directions into which spots look for light that other surfaces send them; arrays have room for every spot.

    Attributes:
        spot: (N,) int32 the spot's number.
        start: (N, 3) metres.
        ray: (N, 3) unit vectors.
        weight: (N,) of what is seen there.
    """

    spot: NDArray[np.int32]
    start: Floats32
    ray: Floats32
    weight: Floats32


class Leaving(NamedTuple):
    """Light that leaves spots towards the viewer: `albedo * scattered + mirrored`.

    Attributes:
        scattered: (N, 3) radiance of a white surface; the light that falls on the spot.
        mirrored: (N, 3) radiance of highlights and reflections.
    """

    scattered: Floats32
    mirrored: Floats32


def triangles(vertices: int, faces: int) -> Triangles:
    """Room for so many vertices and faces."""
    return Triangles(
        np.empty((vertices, 3), np.float32),
        np.empty((faces, 3), np.int32),
        np.empty(faces, np.int32),
        np.empty(faces, np.int32),
        np.empty((faces, 3, 3), np.float32),
        np.empty((faces, 3, 3), np.float32),
        np.empty((faces, 3), np.float32),
        np.empty(faces, np.bool_),
    )


def spots(count: int) -> Spots:
    """Room for the spots of `count` rays."""
    start, normal, back, albedo = (np.empty((count, 3), np.float32) for _ in range(4))
    return Spots(np.empty(count, np.int32), start, normal, back, albedo, np.empty(count, np.int32))


def segments(count: int) -> Segments:
    """Room for one way from each of `count` spots."""
    spot, lamp = (np.empty(count, np.int32) for _ in range(2))
    start, span = (np.empty((count, 3), np.float32) for _ in range(2))
    return Segments(spot, lamp, start, span, np.empty(count, np.float32))


def glances(count: int) -> Glances:
    """Room for one glance of each of `count` spots."""
    start, ray = (np.empty((count, 3), np.float32) for _ in range(2))
    return Glances(np.empty(count, np.int32), start, ray, np.empty(count, np.float32))


def leaving(count: int) -> Leaving:
    """No light of `count` spots yet."""
    return Leaving(np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32))

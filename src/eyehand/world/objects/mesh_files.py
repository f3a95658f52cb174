"""Readers of triangle meshes in Wavefront OBJ and STL files, binary and text.

Coordinates are taken as they stand; the caller knows their unit. Polygons of an OBJ file are cut into fans; materials,
normals and groups are skipped, as normals are computed anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eyehand.errors import FileFormatError
from eyehand.types import Floats, Integers
from eyehand.world.objects.surface import Shape

MOST_TRIANGLES = 200_000
MESH_SUFFIXES = (".obj", ".stl")
_STL_HEADER, _STL_RECORD = 84, 50  # bytes, by the format of 3D Systems (1989)


def read_mesh(path: Path | str) -> Shape:
    """The triangles of a mesh file.

    Args:
        path: an .obj or .stl file.

    Raises:
        FileFormatError: the file is missing, of another kind, corrupt, empty, has a coordinate that is not finite, or
            has more than 200,000 triangles.
    """
    file = Path(path)
    if file.suffix.lower() not in MESH_SUFFIXES:
        raise FileFormatError(file, f"meshes of kind {file.suffix or 'unknown'!r} are not read", "Give .obj or .stl.")
    if not file.is_file():
        raise FileFormatError(file, "there is no such file", "Check the path.")
    shape = _obj(file) if file.suffix.lower() == ".obj" else _stl(file)
    if not len(shape.faces):
        raise FileFormatError(file, "it has no triangles", "Export the mesh with its faces, not as points or lines.")
    _refuse_many(file, len(shape.faces))
    used = shape.vertices[shape.faces]
    if not np.isfinite(used).all():
        bad = int((~np.isfinite(used).all((1, 2))).sum())
        raise FileFormatError(file, f"{bad} triangles have coordinates that are not finite", "Export it again.")
    if not np.isfinite(shape.uv).all():
        raise FileFormatError(file, "texture coordinates are not finite", "Export it again.")
    return shape


def _refuse_many(file: Path, triangles: int) -> None:
    if triangles > MOST_TRIANGLES:
        raise FileFormatError(
            file,
            f"it has {triangles:,} triangles, more than {MOST_TRIANGLES:,}",
            "Decimate it to a few thousand (in Blender: modifier Decimate; in MeshLab: Quadric Edge Collapse).",
        )


def _stl(file: Path) -> Shape:
    data = file.read_bytes()
    count = int(np.frombuffer(data, "<u4", 1, _STL_HEADER - 4)[0]) if len(data) >= _STL_HEADER else -1
    if count >= 0 and len(data) == _STL_HEADER + _STL_RECORD * count:
        _refuse_many(file, count)
        kind = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
        corners = np.frombuffer(data, kind, count, _STL_HEADER)["corners"].astype(np.float64)
    elif data.lstrip()[:5].lower() == b"solid":
        corners = _ascii_corners(file, data)
    else:
        raise FileFormatError(
            file, f"it is neither a text nor a whole binary STL ({len(data)} bytes)", "Export it again."
        )
    vertices, faces = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    return Shape(vertices, faces.reshape(-1, 3), np.zeros((len(vertices), 2)))


def _ascii_corners(file: Path, data: bytes) -> Floats:
    lines = data.decode("latin-1").splitlines()
    rows = [line.split()[1:] for line in lines if line.lstrip()[:6].lower() == "vertex"]
    _refuse_many(file, len(rows) // 3)
    try:
        values = np.array(rows, dtype=np.float64).reshape(-1, 3, 3)
    except ValueError as error:
        raise FileFormatError(file, f"a vertex of the text STL cannot be read ({error})", "Export it again.") from error
    return values


def _obj(file: Path) -> Shape:
    """Vertices are doubled where one has two texture coordinates."""
    text = file.read_text(encoding="utf-8", errors="replace")
    _refuse_many(file, text.count("\nf "))  # before the slow reading: a polygon is one triangle at least
    places: list[list[float]] = []
    coordinates: list[list[float]] = []
    corners: list[tuple[int, int]] = []  # (place, texture coordinate or -1), three for a triangle
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words or words[0] not in ("v", "vt", "f"):
            continue
        try:
            if words[0] == "v":
                x, y, z = (float(word) for word in words[1:4])
                places.append([x, y, z])
            elif words[0] == "vt":
                u, v = (float(word) for word in (*words[1:3], "0")[:2])
                coordinates.append([u, 1.0 - v])  # an OBJ file counts v from the image's lowest row
            else:
                polygon = [_corner(word, len(places), len(coordinates)) for word in words[1:]]
                for i in range(1, len(polygon) - 1):
                    corners += [polygon[0], polygon[i], polygon[i + 1]]
        except (ValueError, IndexError) as error:
            raise FileFormatError(file, f"line {number} cannot be read: {line!r}", "Export it again.") from error
    _refuse_many(file, len(corners) // 3)
    if not corners:
        return Shape(np.zeros((0, 3)), np.zeros((0, 3), np.int64), np.zeros((0, 2)))
    table, faces = np.unique(np.array(corners, np.int64), axis=0, return_inverse=True)
    uv = np.array([*coordinates, [0.0, 0.0]])[table[:, 1]]
    return Shape(np.array(places)[table[:, 0]], _triangles(faces), uv)


def _triangles(corners: Integers) -> Integers:
    return corners.reshape(-1, 3).astype(np.int64)


def _corner(word: str, places: int, coordinates: int) -> tuple[int, int]:
    """Numbers from 0 of a corner "place/coordinate/normal"; negative ones count back from the newest."""
    fields = word.split("/")
    place = int(fields[0])
    place += places if place < 0 else -1
    coordinate = int(fields[1]) if len(fields) > 1 and fields[1] else 0
    coordinate += coordinates if coordinate < 0 else -1
    if not (0 <= place < places and -1 <= coordinate < coordinates):
        raise IndexError(word)
    return place, coordinate

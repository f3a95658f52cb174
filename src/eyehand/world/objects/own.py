"""A user's own objects: meshes and photographs from a folder.

Every `NAME.obj` or `NAME.stl` in the folder is one object. A photograph beside it with the same name (`NAME.png`,
`NAME.jpg`, `NAME.jpeg`) is painted on it: by the texture coordinates of an OBJ file, else as if thrown onto it from
the front (-y), so that it appears once, upright. Meshes stand as in the file, z up, and are set down on z = 0.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from eyehand.errors import FileFormatError, InvalidValueError
from eyehand.types import Array, Floats
from eyehand.world.objects.household import HouseholdObject
from eyehand.world.objects.mesh_files import MESH_SUFFIXES, read_mesh
from eyehand.world.objects.surface import Shape, has_area, shaded, volume_m3

PHOTOGRAPH_SUFFIXES = (".png", ".jpg", ".jpeg")
_HULL_POINTS = 64  # corners of a collision part at most
_LAYERS = 4
_LARGEST_M = 2.0
_DENSITY_KG_M3 = 500.0


def own_objects(folder: Path | str, scale: float = 1.0, split: str = "train") -> tuple[HouseholdObject, ...]:
    """The objects of a folder, by name.

    Each collides with the convex hulls of four slices, which keeps bowls and mugs partly open only; its mass
    is that of its hull's bounds filled to a half with something of 500 kg/m3.

    Args:
        folder: holds .obj and .stl files, and photographs of the same names.
        scale: metres for one unit of the files, 0.001 for millimetres.
        split: "train" or "held_out", what the objects are taken as.

    Raises:
        FileFormatError: no such folder, no mesh in it, or a mesh or photograph that cannot be used.
        InvalidValueError: a scale that is not positive or a split that is neither.
    """
    place = Path(folder)
    if not place.is_dir():
        raise FileFormatError(place, "there is no such folder", "Give a folder with .obj or .stl files.")
    if not (np.isfinite(scale) and scale > 0):
        raise InvalidValueError("scale of the meshes", scale, "a positive number of metres for one unit of the files")
    if split not in ("train", "held_out"):
        raise InvalidValueError("split of own objects", split, "'train' or 'held_out'")
    files = sorted(file for file in place.iterdir() if file.suffix.lower() in MESH_SUFFIXES)
    if not files:
        kinds = sorted({file.suffix for file in place.iterdir() if file.is_file()})
        raise FileFormatError(place, f"it holds no mesh, only {kinds or 'nothing'}", "Meshes are .obj or .stl files.")
    names = [re.sub(r"[^A-Za-z0-9_-]", "_", file.stem) for file in files]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise FileFormatError(place, f"several meshes are called {twice[0]!r}", "Give every object a name of its own.")
    return tuple(_object(file, name, scale, split) for file, name in zip(files, names, strict=True))


def _object(file: Path, name: str, scale: float, split: str) -> HouseholdObject:
    read = read_mesh(file)
    size: Floats = np.ptp(read.vertices[np.unique(read.faces)], axis=0) * scale
    if size.max() > _LARGEST_M or size.max() < 0.002:
        raise FileFormatError(
            file,
            f"the object would be {size.max():g} m large",
            f"Allowed are 0.002 to {_LARGEST_M:g} m; give the unit of the file as scale (0.001 for millimetres).",
        )
    photograph = _photograph(file)
    shape = Shape(read.vertices * scale, read.faces, read.uv)
    if not has_area(shape):
        raise FileFormatError(file, "all its triangles are without area", "Export it again, or check its unit.")
    if photograph is not None and not read.uv.any():
        shape = Shape(shape.vertices, shape.faces, _from_the_front(shape.vertices))
    if volume_m3(shape.vertices, shape.faces) < 0:  # all faces look inwards
        shape = Shape(shape.vertices, shape.faces[:, ::-1], shape.uv)
    surface = shaded(shape)
    low, high = surface.vertices.min(0), surface.vertices.max(0)
    surface = surface.moved(-np.array([0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), low[2]]))
    return HouseholdObject(
        name=name,
        category="own",
        split="train" if split == "train" else "held_out",
        mesh=surface,
        parts=_slices(surface.vertices),
        mass_kg=max(0.005, 0.5 * _DENSITY_KG_M3 * float(np.prod(np.maximum(size, 0.002)))),
        friction=0.6,
        rgba=(1.0, 1.0, 1.0, 1.0) if photograph is not None else (0.72, 0.72, 0.70, 1.0),
        photograph=photograph,
    )


def _photograph(mesh: Path) -> Array | None:
    """The picture (H, W, 3) uint8 beside a mesh, at most 1024 pixels on a side, or None."""
    beside = [mesh.with_suffix(suffix) for suffix in PHOTOGRAPH_SUFFIXES]
    for file in (file for file in beside if file.is_file()):
        try:
            with Image.open(file) as picture:
                picture.thumbnail((1024, 1024))
                return np.asarray(picture.convert("RGB"))
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise FileFormatError(file, f"no readable photograph ({error})", "Save it as PNG or JPEG.") from error
    return None


def _from_the_front(vertices: Floats) -> Floats:
    """Texture coordinates (V, 2) that show a picture once on the side that faces -y."""
    low, size = vertices.min(0), np.maximum(np.ptp(vertices, axis=0), 1e-9)
    return np.stack([(vertices[:, 0] - low[0]) / size[0], 1.0 - (vertices[:, 2] - low[2]) / size[2]], 1)


def _slices(vertices: Floats) -> tuple[Floats, ...]:
    """Hulls of layers along the longest side, few points each; layers share the points near their borders."""
    axis = int(np.argmax(np.ptp(vertices, axis=0)))
    order = np.sort(vertices[:, axis])
    start, step = float(order[0]), float(order[-1] - order[0]) / _LAYERS
    cuts = [start + step * i for i in range(_LAYERS + 1)]
    parts: list[Floats] = []
    for low, high in pairwise(cuts):
        margin = 0.25 * (high - low)
        layer = vertices[(vertices[:, axis] >= low - margin) & (vertices[:, axis] <= high + margin)]
        points = _extremes(layer) if len(layer) else layer
        if len(points) >= 4 and np.linalg.matrix_rank(points - points[0], tol=1e-4) == 3:
            parts.append(points)
    return tuple(parts) or (_thickened(_extremes(vertices)),)


def _extremes(points: Floats) -> Floats:
    """The points that are outermost in directions spread over the sphere, at most `_HULL_POINTS` of them."""
    turn = np.arange(_HULL_POINTS) + 0.5
    z = 1 - 2 * turn / _HULL_POINTS
    angle = np.pi * (3 - np.sqrt(5)) * turn  # golden angle
    radius = np.sqrt(1 - z * z)
    directions = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1)
    corners = np.array([[x, y, -1.0] for x in (-1, 1) for y in (-1, 1)])  # what it stands on
    return points[np.unique(np.argmax(points @ np.concatenate([directions, corners]).T, axis=0))]


def _thickened(points: Floats) -> Floats:
    """Points of a flat thing with a millimetre of thickness."""
    return np.concatenate([points + 0.001 * np.array([x, y, z]) for x in (0, 1) for y in (0, 1) for z in (0, 1)])

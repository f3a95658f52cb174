"""What one column of a recording holds: type, shape, names and unit, as `info.json` of LeRobotDataset v3.0 says it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from eyehand.errors import FileFormatError, InvalidValueError, UnknownNameError
from eyehand.types import Array

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

NUMERIC = ("float32", "float64", "int64", "bool")
PICTURES = ("image", "video")
INDEX_FEATURES: Mapping[str, str] = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}


@dataclass(frozen=True)
class Feature:
    """One column of a recording.

    Attributes:
        dtype: "float32", "float64", "int64", "bool", "image" (lossless stills) or "video" (h264); a recording from
            elsewhere may hold other types, which are listed but cannot be written.
        shape: of one row; (height, width, 3) for pictures.
        names: what each component is called; empty where nothing was said.
        unit: of every component, for example "rad"; "" where nothing was said.
        info: further entries for the feature's `info` block.
    """

    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()
    unit: str = ""
    info: Mapping[str, Json] = field(default_factory=dict[str, Json])

    @property
    def is_picture(self) -> bool:
        """Whether rows are (height, width, 3) uint8 RGB pictures."""
        return self.dtype in PICTURES

    @property
    def size(self) -> int:
        """How many numbers one row holds."""
        return math.prod(self.shape)

    def to_json(self) -> dict[str, Json]:
        """The feature's entry in `info.json`."""
        names = ("height", "width", "channels") if self.is_picture else self.names
        unit: dict[str, Json] = {"unit": self.unit} if self.unit else {}
        info: dict[str, Json] = {**unit, **self.info}
        entry: dict[str, Json] = {"dtype": self.dtype, "shape": list(self.shape), "names": list(names) or None}
        return {**entry, "info": info} if info else entry


def check_writable(features: Mapping[str, Feature]) -> None:
    """Refuse features that cannot be recorded.

    Raises:
        InvalidValueError: no feature at all, a name that the layout keeps for itself, or an impossible shape.
        UnknownNameError: a type that cannot be written.
    """
    if not features:
        raise InvalidValueError("features", {}, "at least one feature")
    for key, feature in features.items():
        if key in INDEX_FEATURES or not key or "/" in key:
            raise InvalidValueError("feature name", key, f"a name without '/' other than {', '.join(INDEX_FEATURES)}")
        if feature.dtype not in NUMERIC + PICTURES:
            raise UnknownNameError("dtype", feature.dtype, NUMERIC + PICTURES, f"feature {key!r}")
        if not feature.shape or min(feature.shape) < 1:
            raise InvalidValueError(f"shape of {key!r}", feature.shape, "at least one size, each 1 or more")
        if feature.is_picture and (len(feature.shape) != 3 or feature.shape[2] != 3):
            raise InvalidValueError(f"shape of {key!r}", feature.shape, "(height, width, 3)")
        if feature.dtype == "video" and (feature.shape[0] % 2 or feature.shape[1] % 2):
            raise InvalidValueError(f"shape of {key!r}", feature.shape, "an even height and width, h264 halves colour")
        if feature.names and not feature.is_picture and len(feature.names) != feature.shape[0]:
            raise InvalidValueError(f"names of {key!r}", feature.names, f"{feature.shape[0]} names")


def checked_row(key: str, feature: Feature, value: Array) -> Array:
    """One row of a feature as an array of its type and shape.

    Raises:
        InvalidValueError: another shape, a type that does not convert without loss, or a number that is not finite.
    """
    array = np.asarray(value)
    array = array[None] if array.shape == () and feature.shape == (1,) else array
    if array.shape != feature.shape:
        raise InvalidValueError(f"shape of {key!r}", array.shape, f"{feature.shape}")
    dtype = np.dtype("uint8" if feature.is_picture else feature.dtype)
    if not np.can_cast(array.dtype, dtype, casting="same_kind") or (array.dtype != dtype and dtype.kind == "u"):
        raise InvalidValueError(f"type of {key!r}", str(array.dtype), str(dtype))
    with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite and is refused as such
        row = array.astype(dtype)
    if dtype.kind == "f" and not np.isfinite(row).all():
        raise InvalidValueError(f"{key!r}", array.tolist(), f"finite numbers of type {dtype}")
    return row


def read_features(info: Mapping[str, object], where: Path) -> dict[str, Feature]:
    """The features of a parsed `info.json`, with picture shapes turned to (height, width, channels).

    Raises:
        FileFormatError: the block is missing or an entry lacks its type or shape.
    """
    block = info.get("features")
    if not isinstance(block, dict):
        raise FileFormatError(
            where, "there is no block 'features'", "Every column needs an entry with dtype and shape."
        )
    features: dict[str, Feature] = {}
    for key, entry in cast("dict[str, object]", block).items():
        fields = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
        dtype, shape = fields.get("dtype"), fields.get("shape")
        sizes = cast("list[object]", shape) if isinstance(shape, list) else []
        if not isinstance(dtype, str) or not sizes or not all(isinstance(size, int) for size in sizes):
            raise FileFormatError(
                where, f"feature {key!r} lacks 'dtype' or 'shape'", "Give both, shape as whole numbers."
            )
        features[key] = _from_json(dtype, tuple(cast("list[int]", sizes)), fields)
    return features


def _from_json(dtype: str, shape: tuple[int, ...], fields: Mapping[str, object]) -> Feature:
    raw_names = fields.get("names")
    if isinstance(raw_names, dict):  # older recordings group their names, for example {"motors": [...]}
        raw_names = [name for group in cast("dict[str, list[str]]", raw_names).values() for name in group]
    names = tuple(str(name) for name in cast("list[object]", raw_names)) if isinstance(raw_names, list) else ()
    info = cast("dict[str, Json]", fields["info"]) if isinstance(fields.get("info"), dict) else {}
    if dtype in PICTURES and names and names[0] in ("channels", "channel"):
        shape, names = (*shape[1:], shape[0]), (*names[1:], names[0])
    return Feature(dtype, shape, names, str(info.get("unit", "")), {k: v for k, v in info.items() if k != "unit"})

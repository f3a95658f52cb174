"""Where the pictures of a recording come from, row by row: stills inside the data files, or videos beside them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from eyehand.data.stills import decode_still, in_threads
from eyehand.data.tables import DataFile
from eyehand.data.video import read_frames
from eyehand.errors import FileFormatError, InvalidValueError
from eyehand.types import Floats, Images, Integers

V = TypeVar("V")
_ENCODED_BYTES = 512 * 2**20  # encoded row groups kept in memory between reads


class PictureSource(Protocol):
    """The pictures of one feature."""

    def decode(self, rows: Integers) -> list[Images]:
        """Pictures (H, W, 3) uint8 of rows (N,), in their order; raises FileFormatError."""
        ...


class SizedCache(Generic[V]):
    """Keeps values up to a number of bytes and forgets those that were not asked for the longest."""

    def __init__(self, limit_bytes: int) -> None:
        """Start empty."""
        self._limit = limit_bytes
        self._held = 0
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """The value, or None where it is not held."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Hold a new value of `size` bytes."""
        self._values[key] = (value, size)
        self._held += size
        while self._held > self._limit and self._values:
            self._held -= self._values.popitem(last=False)[1][1]


class Stills:
    """Pictures embedded in the data files."""

    def __init__(self, key: str, shape: tuple[int, ...], files: Sequence[DataFile], folder: Path) -> None:
        """Prepare; nothing is read yet.

        Args:
            key: the feature.
            shape: (height, width, channels) of every picture.
            files: the data files in order.
            folder: the recording; pictures that are stored as paths must lie inside it.
        """
        self._key, self._shape, self._folder = key, shape, folder.resolve()
        self._groups = [(file, group) for file in files for group in range(len(file.group_starts) - 1)]
        sizes = np.concatenate([np.diff(file.group_starts) for file in files])
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._encoded: SizedCache[list[tuple[bytes | None, str | None]]] = SizedCache(_ENCODED_BYTES)

    def decode(self, rows: Integers) -> list[Images]:
        """See `PictureSource`."""
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        cells = [(int(row), *self._cell(int(row), int(group))) for row, group in zip(rows, groups, strict=True)]
        return in_threads(self._picture, cells)

    def _cell(self, row: int, group: int) -> tuple[Path, bytes | None, str | None]:
        file, number = self._groups[group]
        cells = self._encoded.get(group)
        if cells is None:
            cells = file.pictures(self._key, number)
            self._encoded.put(group, cells, sum(len(data or b"") for data, _ in cells))
        return file.path, *cells[row - int(self._starts[group])]

    def _picture(self, cell: tuple[int, Path, bytes | None, str | None]) -> Images:
        row, path, data, name = cell
        try:
            return decode_still(self._read(name) if data is None else data, self._shape)
        except (InvalidValueError, OSError) as error:
            problem = f"feature {self._key!r}, row {row} cannot be read: {error}"
            raise FileFormatError(path, problem, "Record this frame again, or mend info.json.") from error

    def _read(self, name: str | None) -> bytes:
        path = (self._folder / (name or "")).resolve()
        if not name or not path.is_relative_to(self._folder):
            raise InvalidValueError("picture path", name, "a path inside the recording")
        return path.read_bytes()


@dataclass(frozen=True)
class Clip:
    """The part of a video that belongs to one episode: the file, and when the episode starts in it."""

    path: Path
    from_s: float


class Videos:
    """Pictures in video files that hold many episodes each."""

    def __init__(
        self, shape: tuple[int, ...], clips: Sequence[Clip], starts: Integers, times_s: Floats, fps: float
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            shape: (height, width, channels) of every picture.
            clips: where each of E episodes lies.
            starts: (E,) first row of each episode.
            times_s: (N,) time of every row since its episode began.
            fps: frames per second.
        """
        self._shape, self._clips, self._starts, self._times_s, self._fps = shape, clips, starts, times_s, fps

    def decode(self, rows: Integers) -> list[Images]:
        """See `PictureSource`."""
        episodes: list[int] = (np.searchsorted(self._starts, rows, side="right") - 1).tolist()
        wanted: dict[Path, list[int]] = {}
        for place, episode in enumerate(episodes):
            wanted.setdefault(self._clips[episode].path, []).append(place)
        from_s = np.array([self._clips[episode].from_s for episode in episodes])
        times_s = from_s + self._times_s[rows]
        found: dict[int, Images] = {}
        for path, places in wanted.items():
            images = read_frames(path, times_s[places], 0.5 / self._fps)
            if images[0].shape != self._shape:
                problem = f"shows pictures of {images[0].shape[:2]}, info.json says {self._shape[:2]} (height, width)"
                raise FileFormatError(path, problem, "Mend the shape in info.json.")
            found.update(zip(places, images, strict=True))
        return [found[place] for place in range(len(rows))]

"""Recorded episodes: a folder in the layout of LeRobotDataset v3.0, from our own writer or from any robot."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, cast, final

import numpy as np
from numpy.typing import ArrayLike

from eyehand.data.features import INDEX_FEATURES, NUMERIC, Json, read_features
from eyehand.data.layout import DATA_PATH, OUR_KEY, VIDEO_PATH
from eyehand.data.meta import (
    COPY_AGAIN,
    episode_files,
    positive_number,
    read_episode_rows,
    read_info,
    to_episodes,
)
from eyehand.data.pictures import Clip, PictureSource, SizedCache, Stills, Videos
from eyehand.data.tables import DataFile
from eyehand.errors import FileFormatError, InvalidValueError, UnknownNameError
from eyehand.types import Array, Images, Integers

Needs: TypeAlias = Mapping[str, "tuple[int | None, ...] | None"]

_PICTURE_BYTES = 2 * 2**30  # decoded pictures kept in memory between reads


@final
class RecordedEpisodes:
    """A recording that was checked when it was opened; numbers are read as columns, pictures as rows are asked for.

    Attributes:
        folder: where it lies.
        features: every column, those that the layout adds included.
        episodes: every episode in order.
        fps: frames per second.
        robot_type: the robot's name.
        extra: our own block of `info.json`; empty for a recording from elsewhere.
    """

    def __init__(self, folder: Path | str) -> None:
        """Open a recording; `RecordedEpisodes.open` says the same.

        Raises:
            FileFormatError: the folder is no recording of version 3, or files or columns are missing or damaged, or
                joint angles or actions are not finite; nothing of the pictures is checked before they are read.
        """
        self.folder = Path(folder)
        self._info_path = self.folder / "meta/info.json"
        info = read_info(self._info_path)
        self._info = info
        self.features = read_features(info, self._info_path)
        self.fps = positive_number(info, "fps", self._info_path)
        self.robot_type = str(info.get("robot_type") or "unknown")
        extra = info.get(OUR_KEY)
        self.extra: Mapping[str, Json] = cast("dict[str, Json]", extra) if isinstance(extra, dict) else {}
        self._rows = read_episode_rows(self.folder)
        self.episodes = to_episodes(self._rows, self.folder)
        self._files = self._data_files()
        self._columns: dict[str, Array] = {}
        self._sources: dict[str, PictureSource] = {}
        self._pictures: SizedCache[Images] = SizedCache(_PICTURE_BYTES)
        for key in ("timestamp", "observation.state", "action"):
            if key in self.features:
                self.column(key)

    @classmethod
    def open(cls, folder: Path | str) -> RecordedEpisodes:
        """The recording in a folder, see the constructor."""
        return cls(folder)

    def __len__(self) -> int:
        return self.episodes[-1].stop

    @property
    def digest(self) -> str:
        """SHA-256 over the descriptions under `meta`: which recording this is, wherever its folder lies."""
        total = hashlib.sha256()
        for path in (self._info_path, self.folder / "meta/stats.json", *episode_files(self.folder)):
            if path.exists():
                total.update(path.read_bytes())
        return total.hexdigest()

    @property
    def provenance(self) -> Mapping[str, Json]:
        """Where the data come from: digest, robot, sizes, and our own block with the domain's digest."""
        sizes = {"episodes": len(self.episodes), "frames": len(self)}
        return {"digest": self.digest, "robot_type": self.robot_type, "fps": self.fps, **sizes, **self.extra}

    def column(self, key: str) -> Array:
        """A numeric feature of all frames.

        Args:
            key: the feature, for example "observation.state".

        Returns:
            (N, *shape) in the feature's type, read-only.

        Raises:
            UnknownNameError: the recording has no such numeric feature.
            FileFormatError: the column is damaged, or a number in it is not finite.
        """
        if key not in self._columns:
            numeric = {k: f for k, f in self.features.items() if f.dtype in NUMERIC}
            if key not in numeric:
                raise UnknownNameError("numeric feature", key, numeric, str(self._info_path))
            feature = numeric[key]
            column = np.concatenate([file.numbers(key, feature) for file in self._files]).astype(feature.dtype)
            self._refuse_not_finite(key, column)
            column.flags.writeable = False
            self._columns[key] = column
        return self._columns[key]

    def frames(self, keys: Sequence[str], rows: ArrayLike) -> dict[str, Array]:
        """Rows of several features.

        Args:
            keys: the features.
            rows: (N,) row numbers in any order, repeated as often as wanted.

        Returns:
            For every key (N, *shape): numbers in the feature's type, pictures (N, H, W, 3) uint8.

        Raises:
            UnknownNameError: the recording has no such feature.
            InvalidValueError: a row number that it does not have.
            FileFormatError: a file is damaged.
        """
        wanted = np.asarray(rows, dtype=np.int64).reshape(-1)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self):
            given = [int(wanted.min()), int(wanted.max())]
            raise InvalidValueError("rows", given, f"numbers from 0 to {len(self) - 1}", str(self.folder))
        found: dict[str, Array] = {}
        for key in keys:
            if key not in self.features:
                raise UnknownNameError("feature", key, self.features, str(self._info_path))
            picture = self.features[key].is_picture
            found[key] = self._images(key, wanted) if picture else self.column(key)[wanted]
        return found

    def _images(self, key: str, rows: Integers) -> Images:
        height, width, _ = self.features[key].shape
        images = np.empty((len(rows), height, width, 3), np.uint8)
        missing: dict[int, list[int]] = {}
        for place, row in enumerate(rows.tolist()):
            image = self._pictures.get((key, row))
            if image is None:
                missing.setdefault(row, []).append(place)
            else:
                images[place] = image
        decoded = self._source(key).decode(np.array(sorted(missing), np.int64)) if missing else []
        for row, image in zip(sorted(missing), decoded, strict=True):
            images[missing[row]] = image
            self._pictures.put((key, row), image, image.nbytes)
        return images

    def _source(self, key: str) -> PictureSource:
        if key not in self._sources:
            feature = self.features[key]
            if feature.dtype == "image":
                self._sources[key] = Stills(key, feature.shape, self._files, self.folder)
            else:
                starts = np.array([episode.first for episode in self.episodes])
                times_s = self.column("timestamp").reshape(-1).astype(np.float64)
                self._sources[key] = Videos(feature.shape, self._clips(key), starts, times_s, self.fps)
        return self._sources[key]

    def _clips(self, key: str) -> list[Clip]:
        clips: list[Clip] = []
        for row in self._rows:
            chunk, number = (row.get(f"videos/{key}/{part}_index") for part in ("chunk", "file"))
            from_s = row.get(f"videos/{key}/from_timestamp")
            if not isinstance(chunk, int) or not isinstance(number, int) or not isinstance(from_s, int | float):
                raise FileFormatError(
                    self.folder / "meta/episodes", f"does not say where the video {key!r} lies", COPY_AGAIN
                )
            path = self._path("video_path", VIDEO_PATH, video_key=key, chunk_index=chunk, file_index=number)
            if not path.is_file():
                raise FileFormatError(path, f"the video of feature {key!r} is missing", COPY_AGAIN)
            clips.append(Clip(path, float(from_s)))
        return clips

    def _data_files(self) -> list[DataFile]:
        places = dict.fromkeys((row["data/chunk_index"], row["data/file_index"]) for row in self._rows)
        files = [DataFile(self._path("data_path", DATA_PATH, chunk_index=c, file_index=f)) for c, f in places]
        held, said = sum(file.rows for file in files), self.episodes[-1].stop
        if held != said:
            problem = f"the data files hold {held} frames, the list of episodes says {said}"
            raise FileFormatError(self.folder, problem, COPY_AGAIN)
        for file in files:
            for key, feature in self.features.items():
                if feature.dtype != "video" and key not in file.names:
                    raise _missing(
                        file.path, key, file.names, "info.json lists it; record it, or take it off the list."
                    )
        return files

    def _path(self, name: str, usual: str, **parts: object) -> Path:
        template = self._info.get(name) or usual
        try:
            return self.folder / str(template).format(**parts)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise FileFormatError(self._info_path, f"{name!r} is {template!r}", f"Usual is {usual!r}.") from error

    def _refuse_not_finite(self, key: str, column: Array) -> None:
        if column.dtype.kind != "f" or np.isfinite(column).all():
            return
        rows: list[int] = np.unique(np.argwhere(~np.isfinite(column))[:, 0]).tolist()
        ends = np.cumsum([file.rows for file in self._files])
        path = self._files[int(np.searchsorted(ends, rows[0], side="right"))].path
        problem = f"feature {key!r} is not finite in {len(rows)} of {len(column)} frames, first in row {rows[0]}"
        raise FileFormatError(path, problem, "Record these frames again, or leave their episodes out.")


def require(folder: Path | str, features: Needs) -> RecordedEpisodes:
    """Open a recording that must have certain features.

    Args:
        folder: the recording.
        features: for every needed feature the shape of a row, with None for a size that may be any, or None where
            the whole shape may be any; for example {"observation.state": (3,)}.

    Returns:
        The recording; needed numbers are checked to be finite, and the first picture to be readable.

    Raises:
        FileFormatError: what `RecordedEpisodes` refuses, a feature that is missing, or one of another shape.
    """
    recorded = RecordedEpisodes.open(folder)
    where = recorded.folder / "meta/info.json"
    needed = ", ".join(f"{key} {_shown(shape)}" for key, shape in features.items())
    for key, shape in features.items():
        if key not in recorded.features:
            raise _missing(where, key, recorded.features, f"Needed are: {needed}.")
        feature = recorded.features[key]
        if shape is not None and not _fits(feature.shape, shape):
            problem = f"feature {key!r} has shape {feature.shape}"
            raise FileFormatError(where, problem, f"Needed is {_shown(shape)}.")
        recorded.frames([key], [0])
    return recorded


def _fits(shape: tuple[int, ...], needed: tuple[int | None, ...]) -> bool:
    return len(shape) == len(needed) and all(want in (None, size) for size, want in zip(shape, needed, strict=True))


def _shown(shape: tuple[int | None, ...] | None) -> str:
    return "of any shape" if shape is None else f"({', '.join('any' if s is None else str(s) for s in shape)})"


def _missing(where: Path, key: str, held: Mapping[str, object] | Sequence[str], remedy: str) -> FileFormatError:
    own = sorted(name for name in held if name not in INDEX_FEATURES)
    close = difflib.get_close_matches(key, own, n=1, cutoff=0.4)
    hint = f"; the closest is {close[0]!r}" if close else ""
    return FileFormatError(
        where, f"feature {key!r} is missing{hint}", f"{remedy} Held are: {', '.join(own) or 'none'}."
    )

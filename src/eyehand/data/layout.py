"""The folder of a recording: LeRobotDataset v3.0, written episode by episode.

meta/info.json  meta/stats.json  meta/tasks.parquet  meta/episodes/chunk-000/file-000.parquet
data/chunk-000/file-000.parquet            one row group per episode, many episodes per file
videos/<key>/chunk-000/file-000.mp4        many episodes per file
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from eyehand.data import statistics
from eyehand.data.features import INDEX_FEATURES, Feature, Json
from eyehand.data.statistics import Statistics
from eyehand.data.stills import decode_still, in_threads
from eyehand.data.tables import EpisodeTable, write_columns, write_tasks
from eyehand.data.video import VideoFile
from eyehand.types import Array, Images, Integers

VERSION = "v3.0"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-000/file-000.parquet"
CHUNK_FILES = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200
OUR_KEY = "eyehand"  # the block of info.json that other programs do not know


@dataclass(frozen=True)
class Recording:
    """What a whole recording has in common.

    Attributes:
        features: the columns, without those that the layout adds.
        fps: frames per second.
        robot_type: a name for the robot.
        extra: our own block, for example the domain's digest.
    """

    features: Mapping[str, Feature]
    fps: float
    robot_type: str
    extra: Mapping[str, Json] = field(default_factory=dict[str, Json])

    def to_json(self) -> dict[str, Json]:
        """Everything as JSON."""
        features = {key: feature.to_json() for key, feature in self.features.items()}
        return {"features": features, "fps": self.fps, "robot_type": self.robot_type, OUR_KEY: dict(self.extra)}


@dataclass
class _Place:
    """Chunk and number of the file that is being written."""

    chunk_index: int = 0
    file_index: int = 0

    def advance(self) -> None:
        """Move on to the next file."""
        self.file_index = (self.file_index + 1) % CHUNK_FILES
        self.chunk_index += self.file_index == 0


class LayoutWriter:
    """Writes the folder, counters derived from what is added."""

    def __init__(self, folder: Path, recording: Recording) -> None:
        """Start in an empty folder."""
        self._folder = folder
        self._recording = recording
        self._tasks: dict[str, int] = {}
        self._episodes: list[dict[str, object]] = []
        self._frames = 0
        self._data_place = _Place()
        self._data: EpisodeTable | None = None
        self._video_places = {key: _Place() for key, feature in recording.features.items() if feature.dtype == "video"}
        self._videos: dict[str, VideoFile] = {}
        self._numbers: dict[str, list[Array]] = {}
        self._levels = {key: np.zeros((3, 256), np.int64) for key, f in recording.features.items() if f.is_picture}
        self._looked_at = dict.fromkeys(self._levels, 0)

    def add(self, task: str, length: int, columns: Mapping[str, Array | Sequence[bytes]]) -> None:
        """Append one episode.

        Args:
            task: what the robot was asked to do.
            length: number of frames N.
            columns: for every feature (N, *shape) numbers, or N pictures as PNG.
        """
        indices = self._indices(length, self._tasks.setdefault(task, len(self._tasks)))
        row: dict[str, object] = {
            "episode_index": len(self._episodes),
            "tasks": [task],
            "length": length,
            "dataset_from_index": self._frames,
            "dataset_to_index": self._frames + length,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }
        row |= self._write_data({**columns, **indices})
        for key in self._video_places:
            row |= self._write_video(key, cast("Sequence[bytes]", columns[key]))
        for key, found in self._episode_statistics({**columns, **indices}).items():
            row |= {f"stats/{key}/{name}": value for name, value in found.items()}
        self._episodes.append(row)
        self._frames += length

    def close(self) -> None:
        """Finish the open files and write everything under `meta`."""
        for file in (self._data, *self._videos.values()):
            if file is not None:
                file.close()
        keys = self._episodes[0].keys() if self._episodes else ()
        write_columns(self._folder / EPISODES_PATH, {key: [row[key] for row in self._episodes] for key in keys})
        write_tasks(self._folder / "meta/tasks.parquet", list(self._tasks))
        self._write_json("stats.json", self._statistics())
        self._write_json("info.json", self._info())

    def _indices(self, length: int, task_index: int) -> dict[str, Array]:
        frame = np.arange(length)
        columns = {
            "timestamp": frame / self._recording.fps,
            "frame_index": frame,
            "episode_index": np.full(length, len(self._episodes)),
            "index": self._frames + frame,
            "task_index": np.full(length, task_index),
        }
        return {key: columns[key].astype(dtype) for key, dtype in INDEX_FEATURES.items()}

    def _write_data(self, columns: Mapping[str, Array | Sequence[bytes]]) -> dict[str, object]:
        if self._data is not None and self._data.bytes_written > DATA_FILE_MB * 2**20:
            self._data.close()
            self._data = None
            self._data_place.advance()
        place = self._data_place
        if self._data is None:
            path = DATA_PATH.format(chunk_index=place.chunk_index, file_index=place.file_index)
            self._data = EpisodeTable(self._folder / path, self._recording.features)
        self._data.write(columns)
        return {"data/chunk_index": place.chunk_index, "data/file_index": place.file_index}

    def _write_video(self, key: str, pictures: Sequence[bytes]) -> dict[str, object]:
        place, shape, fps = self._video_places[key], self._recording.features[key].shape, self._recording.fps
        file = self._videos.get(key)
        if file is not None and file.path.stat().st_size > VIDEO_FILE_MB * 2**20:
            file.close()
            file = None
            place.advance()
        if file is None:
            path = VIDEO_PATH.format(video_key=key, chunk_index=place.chunk_index, file_index=place.file_index)
            file = self._videos[key] = VideoFile(self._folder / path, shape, fps)
        first = file.frames
        for picture in pictures:
            file.write(decode_still(picture, shape))
        prefix = f"videos/{key}/"
        return {
            f"{prefix}chunk_index": place.chunk_index,
            f"{prefix}file_index": place.file_index,
            f"{prefix}from_timestamp": first / fps,
            f"{prefix}to_timestamp": file.frames / fps,
        }

    def _episode_statistics(self, columns: Mapping[str, Array | Sequence[bytes]]) -> dict[str, Statistics]:
        found: dict[str, Statistics] = {}
        for key, rows in columns.items():
            if key in self._levels:
                levels, count = self._levels_of(key, cast("Sequence[bytes]", rows))
                self._levels[key] += levels
                self._looked_at[key] += count
                found[key] = statistics.of_pictures(levels, count)
            else:
                numbers = np.asarray(rows)
                numbers = numbers.reshape(len(numbers), -1) if numbers.ndim == 1 else numbers
                self._numbers.setdefault(key, []).append(numbers)
                found[key] = statistics.of_numbers(numbers)
        return found

    def _levels_of(self, key: str, pictures: Sequence[bytes]) -> tuple[Integers, int]:
        shape = self._recording.features[key].shape

        def decode(number: int) -> Images:
            return decode_still(pictures[number], shape)

        sampled: list[int] = statistics.sampled_pictures(len(pictures)).tolist()
        return statistics.histograms(in_threads(decode, sampled)), len(sampled)

    def _statistics(self) -> dict[str, Statistics]:
        numbers = {key: statistics.of_numbers(np.concatenate(parts)) for key, parts in self._numbers.items()}
        pictures = {key: statistics.of_pictures(levels, self._looked_at[key]) for key, levels in self._levels.items()}
        return {**pictures, **numbers}

    def _info(self) -> dict[str, Json]:
        features = {key: self._described(feature) for key, feature in self._recording.features.items()}
        features |= {key: Feature(dtype, (1,)).to_json() for key, dtype in INDEX_FEATURES.items()}
        return {
            "codebase_version": VERSION,
            "robot_type": self._recording.robot_type,
            "total_episodes": len(self._episodes),
            "total_frames": self._frames,
            "total_tasks": len(self._tasks),
            "chunks_size": CHUNK_FILES,
            "data_files_size_in_mb": DATA_FILE_MB,
            "video_files_size_in_mb": VIDEO_FILE_MB,
            "fps": _plain(self._recording.fps),
            "splits": {"train": f"0:{len(self._episodes)}"},
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH if self._video_places else None,
            "features": features,
            OUR_KEY: dict(self._recording.extra),
        }

    def _described(self, feature: Feature) -> dict[str, Json]:
        entry = feature.to_json()
        if feature.dtype != "video":
            return entry
        height, width, channels = feature.shape
        video: dict[str, Json] = {
            "video.height": height,
            "video.width": width,
            "video.channels": channels,
            "video.codec": "h264",
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": _plain(self._recording.fps),
            "has_audio": False,
        }
        return {**entry, "info": {**feature.info, **video}}

    def _write_json(self, name: str, content: object) -> None:
        path = self._folder / "meta" / name
        path.write_text(json.dumps(content, indent=4, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _plain(fps: float) -> float:
    """A whole rate as an int: other readers of the layout expect one."""
    return int(fps) if fps == int(fps) else fps

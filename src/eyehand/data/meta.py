"""The descriptions under `meta` of a recording: `info.json` and the list of episodes, read with suspicion."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from eyehand.data.tables import read_columns
from eyehand.errors import FileFormatError

COPY_AGAIN = "Copy the folder again from where it was recorded."


@dataclass(frozen=True)
class Episode:
    """One episode.

    Attributes:
        index: number of the episode.
        tasks: what the robot was asked to do.
        first: first row of the episode in the recording.
        stop: one past its last row.
    """

    index: int
    tasks: tuple[str, ...]
    first: int
    stop: int


def read_info(path: Path) -> Mapping[str, object]:
    """The parsed `info.json`.

    Raises:
        FileFormatError: it is missing, not JSON, or not of version 3.
    """
    try:
        info: object = json.loads(path.read_bytes())
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise FileFormatError(path, problem, "Give the folder that holds meta/ and data/ of a recording.") from error
    except ValueError as error:
        raise FileFormatError(path, f"not valid JSON ({error})", COPY_AGAIN) from error
    version = str(cast("dict[str, object]", info).get("codebase_version") if isinstance(info, dict) else None)
    if not version.startswith("v3."):
        remedy = "Recordings of version v3.0 are read; LeRobot's own converter turns older ones into it."
        raise FileFormatError(path, f"'codebase_version' is {version}", remedy)
    return cast("dict[str, object]", info)


def positive_number(info: Mapping[str, object], key: str, path: Path) -> float:
    """A number of `info.json`; raises FileFormatError unless it is finite and above 0."""
    value = info.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise FileFormatError(path, f"{key!r} is {value!r}", "A finite number above 0 is needed.")
    return float(value)


def episode_files(folder: Path) -> list[Path]:
    """The files that list the episodes, in order."""
    return sorted((folder / "meta/episodes").glob("chunk-*/file-*.parquet"))


def read_episode_rows(folder: Path) -> list[dict[str, object]]:
    """One mapping per episode, in order, without the statistics.

    Raises:
        FileFormatError: there is none, or one lacks its number, its length or its data file.
    """
    rows: list[dict[str, object]] = []
    for path in episode_files(folder):
        columns = read_columns(path, skip="stats/")
        rows += [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if not rows:
        raise FileFormatError(folder / "meta/episodes", "lists no episode", COPY_AGAIN)
    for key in ("episode_index", "length", "data/chunk_index", "data/file_index"):
        if not all(isinstance(row.get(key), int) for row in rows):
            raise FileFormatError(
                folder / "meta/episodes", f"has no whole number {key!r} for every episode", COPY_AGAIN
            )
    return sorted(rows, key=lambda row: cast("int", row["episode_index"]))


def to_episodes(rows: Sequence[Mapping[str, object]], folder: Path) -> tuple[Episode, ...]:
    """The episodes as ranges of rows.

    Raises:
        FileFormatError: their ranges do not follow one another.
    """
    episodes: list[Episode] = []
    first = 0
    for row in rows:
        index, length, said = (
            cast("int", row["episode_index"]),
            cast("int", row["length"]),
            row.get("dataset_from_index"),
        )
        if length < 1 or said not in (None, first):
            problem = f"episode {index} has length {length} and starts at row {said} where {first} is next"
            raise FileFormatError(folder / "meta/episodes", problem, COPY_AGAIN)
        tasks = row.get("tasks")
        names = tuple(str(task) for task in cast("list[object]", tasks)) if isinstance(tasks, list) else ()
        episodes.append(Episode(index, names, first, first + length))
        first += length
    return tuple(episodes)

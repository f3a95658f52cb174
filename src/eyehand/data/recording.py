"""Recording episodes: an append-only journal while it lasts, one rename into the final folder when it is done."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import final

import numpy as np

from eyehand.data.durable import sync_folder, sync_tree, writing
from eyehand.data.features import Feature, Json, check_writable, checked_row
from eyehand.data.journal import Journal, JournalEpisode
from eyehand.data.layout import LayoutWriter, Recording
from eyehand.data.stills import encode_png
from eyehand.errors import FileFormatError, InvalidValueError, UnknownNameError
from eyehand.types import Array

_LENGTH = struct.Struct("<I")


@final
class EpisodeWriter:
    """Records episodes into a folder that appears, complete, when the writer closes.

    Until then everything lies in `<folder>.journal` beside it. A writer that is killed loses the unfinished episode;
    a new writer with the same settings goes on after the last ended one, see `episodes` and `frames`. As a context
    manager it commits at the end of the block, and keeps the journal when the block raises.
    """

    def __init__(
        self,
        folder: Path | str,
        features: Mapping[str, Feature],
        fps: float,
        robot_type: str,
        extra: Mapping[str, Json] | None = None,
    ) -> None:
        """Start, or go on with, a recording.

        Args:
            folder: the recording's final place; it must not exist or be empty.
            features: the columns of every frame, for example `observation.images.webcam`, `observation.state`.
            fps: frames per second, above 0.
            robot_type: a name for the robot.
            extra: our own block of `info.json`, for example the domain's digest.

        Raises:
            InvalidValueError: features or fps that cannot be recorded.
            UnknownNameError: a feature type that cannot be written.
            FileFormatError: the folder is taken, or the journal beside it is in use, damaged or of other settings.
        """
        check_writable(features)
        if not 0 < fps < float("inf"):
            raise InvalidValueError("fps", fps, "a finite number above 0")
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link to the final place
        self._recording = Recording(features, fps, robot_type, extra or {})
        self._journal = Journal(self._folder.with_name(self._folder.name + ".journal"), self._recording.to_json())
        try:
            self._check_free()
        except FileFormatError:
            self.abort()
            raise

    @property
    def episodes(self) -> int:
        """How many episodes are safe, those of a writer that was killed included."""
        return self._journal.episodes

    @property
    def frames(self) -> int:
        """How many frames the safe episodes hold."""
        return self._journal.frames

    def add(self, frame: Mapping[str, Array]) -> None:
        """Append a frame to the unfinished episode.

        Args:
            frame: for every feature one row: numbers of its shape, or a picture (H, W, 3) uint8.

        Raises:
            UnknownNameError: a feature that the recording does not have.
            InvalidValueError: a missing feature, a wrong shape or type, a number that is not finite.
            FileFormatError: the disk is full; ended episodes are safe.
        """
        features = self._recording.features
        for key in frame:
            if key not in features:
                raise UnknownNameError("feature", key, features, "a frame")
        parts: list[bytes] = []
        for key, feature in features.items():
            if key not in frame:
                raise InvalidValueError("frame", sorted(frame), f"a frame with {key!r}")
            row = checked_row(key, feature, frame[key])
            data = encode_png(row) if feature.is_picture else row.tobytes()
            parts += [_LENGTH.pack(len(data)), data]
        self._journal.append(b"".join(parts))

    def end_episode(self, task: str) -> None:
        """End the episode: from here on it survives a kill and a power cut.

        Args:
            task: what the robot was asked to do.

        Raises:
            InvalidValueError: the episode has no frame.
            FileFormatError: the disk is full; earlier episodes are safe.
        """
        if self._journal.pending == 0:
            raise InvalidValueError("number of frames in the episode", 0, "at least 1 before it ends")
        self._journal.end_episode(task)

    def close(self) -> None:
        """Write the folder beside its final place, rename it there and delete the journal.

        Raises:
            InvalidValueError: an episode was begun and not ended, or there is none; the writer stays open.
            FileFormatError: the disk is full; the journal keeps everything for another try.
        """
        if self._journal.pending:
            problem = f"{self._journal.pending} frames after the last ended episode"
            raise InvalidValueError("end of the recording", problem, "end_episode(task) first")
        if not self.episodes:
            raise InvalidValueError("number of episodes in the recording", 0, "at least 1")
        kept = f"All episodes are safe in {self._journal.path.name}; free some space and run the same command again."
        with writing(self._folder, kept):
            self._commit()
            self._journal.remove()

    def abort(self) -> None:
        """Let go without committing: ended episodes stay in the journal, and a later writer goes on with them."""
        if self.episodes:
            self._journal.close()
        else:
            self._journal.remove()

    def __enter__(self) -> EpisodeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abort()
            return
        with ExitStack() as undo:  # whatever goes wrong, the journal keeps what was recorded
            undo.callback(self.abort)
            self.close()
            undo.pop_all()

    def _check_free(self) -> None:
        if self._folder.is_file() or (self._folder.is_dir() and any(self._folder.iterdir())):
            held = "a recording" if (self._folder / "meta/info.json").exists() else "other files"
            remedy = "Choose another folder, or move it away."
            if self.episodes:  # a writer that was killed between its last two steps leaves both
                remedy += (
                    f" {self._journal.path.name} beside it holds {self.episodes} episodes: delete it if they are in."
                )
            raise FileFormatError(self._folder, f"already holds {held}", remedy)

    def _commit(self) -> None:
        prefix = f".{self._folder.name}.tmp-"
        for sibling in list(self._folder.parent.iterdir()):
            if sibling.name.startswith(prefix):  # left by a writer that was killed here; the journal's lock is ours
                shutil.rmtree(sibling)
        beside = self._folder.with_name(f"{prefix}{os.getpid()}")
        try:
            writer = LayoutWriter(beside, self._recording)
            for episode in self._journal.read():
                writer.add(episode.task, len(episode.frames), _columns(self._recording.features, episode))
            writer.close()
            sync_tree(beside)
            beside.replace(self._folder)
            sync_folder(self._folder.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _columns(features: Mapping[str, Feature], episode: JournalEpisode) -> dict[str, Array | Sequence[bytes]]:
    """The columns of an episode: (N, *shape) numbers, or N pictures as PNG."""
    cells: dict[str, list[bytes]] = {key: [] for key in features}
    for payload in episode.frames:
        start = 0
        for key in features:
            (length,) = _LENGTH.unpack_from(payload, start)
            start += _LENGTH.size + length
            cells[key].append(payload[start - length : start])
    columns: dict[str, Array | Sequence[bytes]] = {}
    for key, feature in features.items():
        if feature.is_picture:
            columns[key] = cells[key]
        else:
            numbers = np.frombuffer(b"".join(cells[key]), dtype=feature.dtype)
            columns[key] = numbers.reshape(len(episode.frames), *feature.shape)
    return columns

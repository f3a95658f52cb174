"""An append-only journal: what was recorded is on disk at the end of every episode, whatever kills the writer.

The file is a magic line and then records of length, CRC-32, kind and payload. A header record says what is recorded;
frame records follow, and an end record closes each episode, after which the file is synced. Reopening keeps every
closed episode and cuts off what came after the last end record: the unfinished episode, or a record torn by a kill.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from eyehand.data.durable import sync_folder, writing
from eyehand.data.features import Json
from eyehand.errors import FileFormatError

if sys.platform != "win32":
    import fcntl

MAGIC = b"eyehand journal 1\n"
_RECORD = struct.Struct("<IIc")  # length of the payload, CRC-32 of kind and payload, kind
_HEADER, _FRAME, _END = b"H", b"F", b"E"
_KEPT = "Episodes that were ended are safe in it; free some space and run the same command again to go on."


@dataclass(frozen=True)
class JournalEpisode:
    """One closed episode.

    Attributes:
        task: what the robot was asked to do.
        frames: payload of every frame in order.
    """

    task: str
    frames: tuple[bytes, ...]


class Journal:
    """The journal of one recording, locked against other writers while it is open.

    Attributes:
        path: the journal's file.
        episodes: how many episodes are closed, those of earlier writers included.
        frames: how many frames the closed episodes hold.
        pending: how many frames the unfinished episode holds.
    """

    def __init__(self, path: Path, header: Mapping[str, Json]) -> None:
        """Open or create the journal, recovering what an earlier writer had closed.

        Args:
            path: the journal's file.
            header: what is recorded; an existing journal must hold the same.

        Raises:
            FileFormatError: another process writes it, it is damaged before its last record, it is no journal, it
                was started with another header, or the place is not writable.
        """
        self.path = path
        self.episodes = self.frames = self.pending = 0
        text = json.dumps(header, sort_keys=True).encode()
        with writing(path, "Choose a writable place with free space."):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = path.open("a+b", buffering=0)
        with ExitStack() as undo:  # whatever goes wrong, the file is closed
            undo.callback(self._file.close)
            self._lock()
            self._committed = self._recover(text)
            undo.pop_all()

    def append(self, payload: bytes) -> None:
        """Add one frame to the unfinished episode.

        Raises:
            FileFormatError: the disk is full; the journal ends after its last whole record.
        """
        self._write(_FRAME, payload)
        self.pending += 1

    def end_episode(self, task: str) -> None:
        """Close the unfinished episode and sync the file: from here on it survives a kill and a power cut.

        Raises:
            FileFormatError: the disk is full; the episode stays unfinished.
        """
        self._write(_END, json.dumps({"task": task}).encode(), sync=True)
        self._committed = self._file.seek(0, os.SEEK_END)
        self.episodes, self.frames, self.pending = self.episodes + 1, self.frames + self.pending, 0

    def read(self) -> Generator[JournalEpisode]:
        """Every closed episode in order."""
        frames: list[bytes] = []
        for _, kind, payload in _records(self.path, self._committed):
            if kind == _FRAME:
                frames.append(payload)
            elif kind == _END:
                yield JournalEpisode(str(json.loads(payload)["task"]), tuple(frames))
                frames = []

    def close(self) -> None:
        """Let go of the file; it stays on disk."""
        self._file.close()

    def remove(self) -> None:
        """Delete the journal, once what it holds is in its final place."""
        self.path.unlink()
        self._file.close()
        sync_folder(self.path.parent)

    def _write(self, kind: bytes, payload: bytes, sync: bool = False) -> None:
        start = self._file.seek(0, os.SEEK_END)
        record = memoryview(_RECORD.pack(len(payload), zlib.crc32(payload, zlib.crc32(kind)), kind) + payload)
        with writing(self.path, _KEPT):
            try:
                while record:  # an unbuffered write may take only a part
                    record = record[self._file.write(record) :]
                if sync:
                    os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(start)
                raise

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            problem = "another process is recording into it"
            raise FileFormatError(self.path, problem, "Wait for it, or record into another folder.") from error
        if os.fstat(self._file.fileno()).st_nlink == 0:
            raise FileFormatError(self.path, "another process has just finished the recording", "Try again.")

    def _recover(self, header: bytes) -> int:
        """Check the file, cut off its unfinished end and return how many bytes are committed."""
        size = os.fstat(self._file.fileno()).st_size
        self._file.seek(0)
        if not self._file.read(len(MAGIC)).startswith(MAGIC[:size]):
            raise FileFormatError(
                self.path, "is not a journal of a recording", "Move it away, or choose another folder."
            )
        committed, found = self._scan(size)
        if found is None or self.episodes == 0:  # new, killed while the header was written, or nothing to lose
            with writing(self.path, "Choose a writable place with free space."):
                self._file.truncate(0)
                self._file.write(MAGIC)
                sync_folder(self.path.parent)
            self._write(_HEADER, header, sync=True)
            return self._file.seek(0, os.SEEK_END)
        if found != header:
            raise FileFormatError(
                self.path,
                f"holds {self.episodes} episodes of a recording with other settings ({_difference(found, header)})",
                "Go on with the settings it was started with, or move it away to start afresh.",
            )
        self._file.truncate(committed)
        return committed

    def _scan(self, size: int) -> tuple[int, bytes | None]:
        header: bytes | None = None
        committed = pending = 0
        for stop, kind, payload in _records(self.path, size):
            pending += kind == _FRAME
            if kind == _HEADER:
                header, committed = payload, stop
            elif kind == _END:
                self.episodes, self.frames, committed, pending = self.episodes + 1, self.frames + pending, stop, 0
        return committed, header


def _records(path: Path, size: int) -> Generator[tuple[int, bytes, bytes]]:
    """(end of the record, kind, payload) of every whole record among the first `size` bytes.

    A kill can only tear the last record. Damage before that is no kill: reading past it would lose episodes silently.
    """
    with path.open("rb") as file:
        file.seek(len(MAGIC))
        start = len(MAGIC)
        while (head := file.read(_RECORD.size)) and len(head) == _RECORD.size:
            length, crc, kind = _RECORD.unpack(head)
            stop = start + _RECORD.size + length
            if stop > size:
                return
            payload = file.read(length)
            if zlib.crc32(payload, zlib.crc32(kind)) != crc:
                if stop == size or not any(head + payload + file.read()):
                    return  # torn, or blocks that a power cut left empty
                remedy = f"What is before is whole: cut the file there (truncate -s {start} {path.name}) to keep it."
                raise FileFormatError(path, f"damaged at byte {start} of {size}", remedy)
            yield stop, kind, payload
            start = stop


def _difference(found: bytes, wanted: bytes) -> str:
    """The names of the header's entries that differ."""
    ours, theirs = json.loads(wanted), json.loads(found)
    return ", ".join(sorted(key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)))

"""Writing that survives a kill and a full disk: beside the final place, synced, then renamed over it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from eyehand.errors import FileFormatError


@contextmanager
def writing(path: Path, kept: str) -> Generator[None]:
    """Turn a full disk, a missing permission or any other failure to write into one clear error.

    Args:
        path: what is being written, named in the error.
        kept: a sentence for the user: what is safe and what to do.

    Raises:
        FileFormatError: the block could not write.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileFormatError(path, f"cannot be written ({reason})", kept) from error


def sync_folder(folder: Path) -> None:
    """Make the names inside a folder durable; what a rename needs to survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make every file and every name below a folder durable."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with (Path(parent) / name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))


def replace_text(path: Path, text: str) -> None:
    """Write a small text file in one step: a reader sees the old content or the new, never a part.

    Raises:
        FileFormatError: the disk is full or the place is not writable; the old content is still there.
    """
    beside = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    with writing(path, "What was there before is unchanged. Free some space, or choose another place, and try again."):
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_folder(path.parent)
        finally:
            beside.unlink(missing_ok=True)

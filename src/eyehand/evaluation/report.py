"""The report: one self-contained web page, a pure function of numbers, pictures and videos.

It opens from the file without a network and without scripts, follows the reader's light or dark setting, and leaves
out sections that have nothing to show.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from eyehand.data.durable import replace_text
from eyehand.evaluation import verdict
from eyehand.evaluation.content import Failure, Picture, ReportContent, Video
from eyehand.evaluation.page import page
from eyehand.evaluation.sections import sections

MEDIA_BYTES = 10_000_000  # base64 makes 13.3 MB of it; with plots and tables the page stays below 15 MB
M = TypeVar("M", Picture, Video, Failure)


def write_report(content: ReportContent, path: Path) -> None:
    """Write the page in one step.

    Args:
        content: what it shows; see `ReportContent` for what may be missing.
        path: the file, `report.html` by custom.

    Raises:
        FileFormatError: the file cannot be written; what was there before is unchanged.
    """
    replace_text(path, render(content))


def render(content: ReportContent) -> str:
    """The page as text; equal content gives equal text."""
    fitted, left_out = _within(content)
    results = content.results
    held_out = ", ".join(domain.name for domain in results.domains if domain.held_out)
    worlds = f"({held_out}) " if held_out else ""
    notice = (
        f"No robot was involved. The held-out domain {worlds}stands in for one: a world drawn and moved by other code "
        "than training used, fixed in advance, whose data is counted."
    )
    about = f"{results.method} on {results.task}, preset {results.preset or 'none'}; {verdict.trials_text(results)}"
    dropped = f" {left_out} pictures and videos were left out to keep the page small." if left_out else ""
    footer = f"Generated from results.json; every number carries its interval, trials and seeds.{dropped}"
    return page(results.name, about, notice, footer, sections(fitted))


def _within(content: ReportContent) -> tuple[ReportContent, int]:
    """The content with as many videos, pictures and failures as fit, in this order, and how many did not."""
    room = MEDIA_BYTES
    videos, room = _fit(content.videos, room)
    gallery, room = _fit(content.gallery, room)
    failures, _ = _fit(content.failures, room)
    kept = len(videos) + len(gallery) + len(failures)
    left_out = len(content.videos) + len(content.gallery) + len(content.failures) - kept
    return dataclasses.replace(content, videos=videos, gallery=gallery, failures=failures), left_out


def _fit(items: Sequence[M], room: int) -> tuple[tuple[M, ...], int]:
    kept: list[M] = []
    for item in items:
        if _size(item) <= room:
            kept.append(item)
            room -= _size(item)
    return tuple(kept), room


def _size(item: Picture | Video | Failure) -> int:
    match item:
        case Picture():
            return len(item.png)
        case Video():
            return len(item.mp4)
        case Failure():
            return 0 if item.media is None else _size(item.media)

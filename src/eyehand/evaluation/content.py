"""What a report shows: numbers, and the pictures and videos that somebody made beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from eyehand.evaluation.claim import ClaimResult
from eyehand.evaluation.curves import Curve
from eyehand.evaluation.paper import ClaimSet
from eyehand.evaluation.results import Results


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture for the report.

    Attributes:
        png: the PNG file's bytes.
        caption: what it shows, one or two sentences.
    """

    png: bytes
    caption: str


@dataclass(frozen=True, eq=False)
class Video:
    """A video for the report.

    Attributes:
        mp4: the MP4 file's bytes, h264 in yuv420p.
        caption: what it shows, one or two sentences.
    """

    mp4: bytes
    caption: str


@dataclass(frozen=True, eq=False)
class Failure:
    """One episode that failed.

    Attributes:
        arm: the arm that failed.
        domain: the domain it failed in.
        run: folder of the run with the policy, for the command that replays the episode.
        seed: the episode seed.
        media: what it looked like, None for the command alone.
    """

    arm: str
    domain: str
    run: str
    seed: int
    media: Picture | Video | None = None


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything on the page; sections without content are left out.

    Attributes:
        results: the numbers.
        papers: claims and tables of the method's paper, None for a method without.
        decided: the claims with their verdicts.
        curves: learning curves.
        videos: nominal domain beside target domain, the same episodes.
        gallery: the interface drawn over frames.
        failures: failed episodes to show; all others are listed by their commands.
    """

    results: Results
    papers: ClaimSet | None = None
    decided: tuple[ClaimResult, ...] = ()
    curves: tuple[Curve, ...] = ()
    videos: tuple[Video, ...] = ()
    gallery: tuple[Picture, ...] = ()
    failures: tuple[Failure, ...] = ()

"""The comparison behind a report: every stage of a crossing and the oracle, on the same episodes in both domains."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyehand.evaluation import claim, claims
from eyehand.evaluation.content import Failure, Picture, ReportContent, Video
from eyehand.evaluation.curves import Curve, curve
from eyehand.evaluation.gap import GapReport
from eyehand.evaluation.gathering import gather, interface_errors_of
from eyehand.evaluation.protocol import BATCH, oracles, perception_errors
from eyehand.evaluation.results import (
    Cell,
    InterfaceErrors,
    Results,
    cell,
)
from eyehand.evaluation.trained import Trained, load_trained
from eyehand.evaluation.videos import Panel, encode_mp4, png, side_by_side
from eyehand.evaluation.watching import Film, film
from eyehand.learning.rollout import Episodes, run_episodes
from eyehand.types import Floats, Integers
from eyehand.world.counter import episode_text
from eyehand.world.domain import Domain
from eyehand.world.rows import default_threads, limit_threads

ORACLE = "oracle"
STAGES = ("sim_only", "adapted", "fine_tuned")  # what the runs of a chain are called, from the first on
FRAMES = 100  # first frames on which interface errors are measured
FILMED = 1  # episodes that are shown side by side
FAILURES = 1  # failed episodes that are shown


def chain(folder: Path) -> tuple[Trained, ...]:
    """A run and the runs that its networks came from, the first training first."""
    trained = load_trained(folder)
    parent = trained.subject.parent
    return (*chain(Path(parent)), trained) if parent else (trained,)


def arm_names(runs: Sequence[Trained]) -> tuple[str, ...]:
    """A name for every run of a chain."""
    return tuple(STAGES[i] if i < len(STAGES) else f"stage_{i}" for i in range(len(runs)))


def compare(runs: Sequence[Trained], domains: Sequence[Domain], trials: int, gaps: Sequence[GapReport] = ()) -> Results:
    """Run every stage and the oracle over the same episodes of every domain.

    The oracle is the hand as it was trained in simulation, on true scenes (CR of Zhang et al. 2017).

    Args:
        runs: the chain of runs.
        domains: the domains, the nominal one first; the episodes are those of the last.
        trials: episodes in each.
        gaps: gap reports to keep with the numbers.
    """
    began = time.monotonic()
    seeds = domains[-1].seeds(np.arange(trials))  # the same starts and goals in every domain
    arms = [*zip(arm_names(runs), runs, strict=True)]
    arms += [(ORACLE, runs[0])] if oracles(runs[0], domains[0]) else []
    jobs = [_Job(name, trained.run.folder, domain, seeds) for domain in reversed(domains) for name, trained in arms]
    measured = {(job.arm, job.domain.name): found for job, found in zip(jobs, _in_processes(jobs), strict=True)}
    cells: list[Cell] = []
    errors: list[InterfaceErrors] = []
    for domain in domains:
        for name, trained in arms:
            episodes, off = measured[name, domain.name]
            cells.append(cell(name, domain.name, trained.subject.seed, episodes, str(trained.run.folder)))
            errors += interface_errors_of(name, trained, domain, domain.seeds(np.arange(FRAMES)), off)
    return gather(runs, domains, cells, errors, time.monotonic() - began, gaps)


def content(runs: Sequence[Trained], nominal: Domain, target: Domain, results: Results) -> ReportContent:
    """What a report on the chain shows: numbers, learning curves, videos, the interface over frames, failures."""
    has_claims = runs[-1].subject.method in claims.CLAIMS
    papers = claims.load(runs[-1].subject.method) if has_claims else None
    return ReportContent(
        results=results,
        papers=papers,
        decided=tuple(one for one in claim.decide_all(papers.claims, results) if one.n) if papers else (),
        curves=_curves(runs),
        videos=_videos(runs, nominal, target),
        gallery=_gallery(runs, target),
        failures=_failures(runs, target, results),
    )


@dataclass(frozen=True, eq=False)
class _Job:
    """One arm in one domain, to be measured in a process of its own."""

    arm: str
    folder: Path
    domain: Domain
    seeds: Integers


def _in_processes(jobs: Sequence[_Job]) -> list[tuple[Episodes, dict[str, Floats]]]:
    """Measure all jobs, as many at a time as there are cores: rows that are traced scale badly over threads."""
    workers = default_threads()
    if workers == 1:
        return [_measure(job) for job in jobs]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=limit_threads, initargs=(1,)) as pool:
        return list(pool.map(_measure, jobs))


def _measure(job: _Job) -> tuple[Episodes, dict[str, Floats]]:
    """Episodes of an arm and, unless it is the oracle, the errors of its perception by unit."""
    trained = load_trained(job.folder)
    policy = oracles(trained, job.domain)["perception"] if job.arm == ORACLE else trained.policy
    episodes = run_episodes(policy, trained.task, job.domain, job.seeds, min(BATCH, len(job.seeds)))
    return episodes, {} if job.arm == ORACLE else perception_errors(trained, job.domain, FRAMES)


def _curves(runs: Sequence[Trained]) -> tuple[Curve, ...]:
    found: list[Curve | None] = []
    for name, trained in zip(arm_names(runs), runs, strict=True):
        lines = trained.run.metrics()
        metrics = dict.fromkeys(key for line in lines for key in line if key.startswith("eval/"))
        found += [curve(name, metric, [lines]) for metric in metrics]
    return tuple(one for one in found if one is not None)


def _videos(runs: Sequence[Trained], nominal: Domain, target: Domain) -> tuple[Video, ...]:
    """The last stage in both domains, and the first and the last stage in the target, the same episodes."""
    videos: list[Video] = []
    for seed in target.seeds(np.arange(FILMED)):
        last, names = runs[-1], arm_names(runs)
        films = {
            (names[-1], nominal.name): film(last.task, last.policy, nominal, int(seed)),
            (names[-1], target.name): film(last.task, last.policy, target, int(seed)),
        }
        if len(runs) > 1:
            films[names[0], target.name] = film(runs[0].task, runs[0].policy, target, int(seed))
        panels = [_panel(f"{arm} on {domain}", one) for (arm, domain), one in films.items()]
        what = "the same start and goal; what each policy perceives is drawn over its frames."
        caption = f"{episode_text(int(seed)).capitalize()}: {what}"
        videos.append(Video(encode_mp4(side_by_side(panels)), caption))
    return tuple(videos)


def _panel(title: str, seen: Film) -> Panel:
    numbers = ", ".join(f"{100 * value:.1f} cm" for name, value in seen.measures.items() if name == "distance_m")
    outcome = "success" if seen.success else "failure"
    return Panel(seen.frames, title, f"{outcome}, {seen.steps} steps, {numbers}".rstrip(", "), seen.success)


def _gallery(runs: Sequence[Trained], target: Domain) -> tuple[Picture, ...]:
    """First frames of the target with what every stage perceives in them."""
    pictures: list[Picture] = []
    for number in range(3, 6):
        seed = int(target.seeds(np.array([number]))[0])
        panels = [
            Panel(film(t.task, t.policy, target, seed, longest=1).frames, name)
            for name, t in zip(arm_names(runs), runs, strict=True)
        ]
        pictures.append(Picture(png(side_by_side(panels)[0]), f"First frame of {episode_text(seed)} on {target.name}."))
    return tuple(pictures)


def _failures(runs: Sequence[Trained], target: Domain, results: Results) -> tuple[Failure, ...]:
    """Episodes that the last stage failed, the first ones with a video."""
    last, name = runs[-1], arm_names(runs)[-1]
    failures: list[Failure] = []
    for one in results.find(name, target.name):
        for seed in one.seeds[~one.success]:
            media = None
            if len(failures) < FAILURES:
                frames = film(last.task, last.policy, target, int(seed)).frames
                media = Video(encode_mp4(side_by_side([Panel(frames, f"{name} on {target.name}", "failure")])), "")
            failures.append(Failure(name, target.name, str(last.run.folder), int(seed), media))
    return tuple(failures)

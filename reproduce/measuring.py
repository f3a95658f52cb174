"""What the cells of every method share: runs made as far as they are not yet, and outcomes gathered as they come."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from eyehand.data.recorded import RecordedEpisodes
from eyehand.errors import EyehandError
from eyehand.evaluation.crossing import Where, adapt, record, train
from eyehand.evaluation.gathering import gather, interface_errors_of
from eyehand.evaluation.protocol import oracles, run_arm
from eyehand.evaluation.results import Cell, InterfaceErrors, Results, cell
from eyehand.evaluation.trained import Subject, Trained, load_trained, read_subject
from eyehand.learning.rollout import Episodes, interface_errors
from eyehand.learning.run import Run
from eyehand.learning.tensors import use_threads
from eyehand.tasks import load_task
from eyehand.types import Floats, Integers, Perception, Policy
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld


@dataclass(frozen=True)
class Trainings:
    """The runs of one method for one task at one preset.

    Attributes:
        method: name of the method.
        task: name of the task.
        preset: name of the preset that every configuration started from.
    """

    method: str
    task: str
    preset: str = "laptop"

    def domain(self, name: str) -> Domain:
        """A shipped domain of the task."""
        return load_domain(name, self.task)

    def trained(self, folder: Path, seed: int, config: Any, options: tuple[str, ...] = (), keep: int = 2) -> Trained:
        """The run of a folder, trained in simulation as far as it is not yet; `options` are the task's."""
        subject = Subject(self.method, self.task, options, self.preset, seed)
        train(subject, config, _where(folder, keep))
        return loaded(folder)

    def adapted(self, folder: Path, parent: Path, config: Any, recording: Path, keep: int = 2) -> Trained:
        """The run of a folder, adapted from its parent with a recording as far as it is not yet."""
        before = read_subject(Run.open(parent))
        subject = Subject(self.method, self.task, before.options, self.preset, before.seed, str(parent), str(recording))
        adapt(subject, config, _where(folder, keep))
        return loaded(folder)

    def recorded(self, folder: Path, domain: Domain, frames: int) -> Path:
        """The folder of a recording of a domain, which is made as far as it is not yet; other cells wait for it."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _complete(folder, domain, frames):
                record(load_task(self.task), domain, frames, folder)
        return folder


@final
class Measured:
    """Collects what one cell measures on the policies of a chain of runs, the last of which gives the names.

    Attributes:
        runs: the runs.
    """

    def __init__(self, *runs: Trained) -> None:
        """Start the clock."""
        self.runs, self._began = runs, time.monotonic()
        self._domains: dict[str, Domain] = {}
        self._cells: list[Cell] = []
        self._errors: list[InterfaceErrors] = []

    def errors(self, arm: str, perception: Perception[Any], domains: Sequence[Domain], episodes: Integers) -> None:
        """Errors of a perception on the first images of numbered episodes of each domain."""
        last = self.runs[-1]
        for domain in domains:
            world = SimulatedWorld(last.task, domain, frozenset({"camera", "privileged", "proprio"}))
            self.saw(arm, domain, domain.seeds(episodes), interface_errors(perception, world, episodes))

    def saw(self, arm: str, domain: Domain, seeds: Integers, measured: Mapping[str, Floats]) -> None:
        """Interface errors (N,) by unit that were measured elsewhere, on frames that `seeds` (N,) tell apart."""
        self._errors += interface_errors_of(arm, self.runs[-1], domain, seeds, measured)
        self._domains[domain.name] = domain

    def episodes(self, arm: str, policy: Policy, domains: Sequence[Domain], episodes: Integers) -> None:
        """Numbered episodes of a policy in each domain."""
        for domain in domains:
            self.ran(arm, domain, run_arm(self.runs[-1], policy, domain, episodes))

    def oracle(self, arm: str, part: str, domains: Sequence[Domain], episodes: Integers) -> None:
        """Numbered episodes of the last run's policy with the truth for eyes ("perception") or the expert's hand."""
        for domain in domains:
            self.episodes(arm, oracles(self.runs[-1], domain)[part], [domain], episodes)

    def ran(self, arm: str, domain: Domain, episodes: Episodes) -> None:
        """Episodes that were run elsewhere."""
        last = self.runs[-1]
        self._cells.append(cell(arm, domain.name, last.subject.seed, episodes, last.run.folder.name))
        self._domains[domain.name] = domain

    def results(self) -> Results:
        """Everything."""
        domains = tuple(self._domains.values())
        return gather(self.runs, domains, self._cells, self._errors, time.monotonic() - self._began)


def loaded(folder: Path, step: int | None = None) -> Trained:
    """The policy in a run folder, on one thread: outcomes are exact on as many threads as before."""
    one = load_trained(folder, step)
    use_threads(1)
    return one


def _complete(folder: Path, domain: Domain, frames: int) -> bool:
    """Whether a recording is there and whole; one that was cut short goes on.

    Raises:
        EyehandError: it shows another domain, or other numbers of this one.
    """
    try:
        found = RecordedEpisodes.open(folder)
    except EyehandError:
        return False
    if found.extra.get("domain_digest") != domain.digest():
        raise EyehandError(f"{folder} was recorded in another domain than {domain.name} as it is now. Remove it.")
    return len(found) >= frames


def _where(folder: Path, keep: int) -> Where:
    # On a GPU and on other threads the numbers would be others.
    return Where(folder, resume=(folder / "config.json").exists(), device="cpu", threads=1, keep=keep)

"""`eyehand domains`: the worlds that a task can be put into, and their numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import tyro

from eyehand.cli import output
from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.tasks import task_names
from eyehand.world.domain import FACTORS, Domain, mix
from eyehand.world.domain_files import dump_domain, load_domain, shipped_domains


@dataclass(frozen=True)
class Options:
    """Options of `eyehand domains`."""

    action: tyro.conf.Positional[Literal["list", "show"]] = "list"
    """List the shipped domains, or show one as a complete TOML file."""
    name: tyro.conf.Positional[str] = ""
    """What to show: a shipped domain or the path of a TOML file."""
    task: str = "planar_reach"
    """The task whose domains are meant."""
    visual: str = ""
    """Take appearance and sensor from this domain."""
    setup: str = ""
    """Take calibration and timing from this domain."""
    motion: str = ""
    """Take dynamics from this domain."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """List the domains of a task or show one."""
    options = output.parse(Options, arguments, "domains")
    if options.task not in task_names():
        raise UnknownNameError("task", options.task, task_names(), "--task")
    if options.action == "list":
        _list(options)
    else:
        _show(options)
    return 0


def _list(options: Options) -> None:
    if options.name or options.visual or options.setup or options.motion:
        raise InvalidValueError("options of 'list'", options.name or "a mix", "--task and --json alone; see 'show'")
    domains = [load_domain(name, options.task) for name in shipped_domains(options.task)]
    data = [
        {**identity(domain), "image": domain.appearance.image, "motion": domain.dynamics.motion} for domain in domains
    ]
    rows = [
        (str(d["name"]), str(d["version"]), "held out" if d["held_out"] else "", str(d["image"]), str(d["motion"]))
        for d in data
    ]
    header = ("domain", "version", "standing", "image", "motion")
    output.emit(options.json, data, lambda: output.table(header, rows))


def _show(options: Options) -> None:
    if not options.name:
        raise InvalidValueError("NAME", "", f"{', '.join(shipped_domains(options.task))} or the path of a TOML file")
    domain = mixed(load_domain(options.name, options.task), options)
    factors = {name: dataclasses.asdict(getattr(domain, name)) for name in FACTORS}
    toml = dump_domain(domain)
    output.emit(options.json, {**identity(domain), **factors, "toml": toml}, lambda: toml)


def mixed(domain: Domain, options: Options) -> Domain:
    """The domain with the groups of factors that the options take from other domains."""
    for group, other in (("visual", options.visual), ("setup", options.setup), ("motion", options.motion)):
        if other:
            domain = mix(domain, load_domain(other, options.task), (group,))
    return domain


def identity(domain: Domain) -> dict[str, object]:
    """Name, version, standing and the hash of a domain's numbers."""
    return {
        "name": domain.name,
        "version": domain.version,
        "held_out": domain.held_out,
        "population": domain.population,
        "first_draw": domain.first_draw,
        "draws": domain.draws,
        "digest": domain.digest(),
    }

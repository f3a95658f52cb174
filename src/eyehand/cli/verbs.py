"""The verbs of the command line; a new verb is one module with `Options` and `run`, and one line here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """One verb of the command line.

    The module has a frozen dataclass `Options` and a function `run(arguments: Sequence[str]) -> int` that parses them
    with `eyehand.cli.output.parse`, does the work and returns the exit code. It is imported when the verb is used.

    Attributes:
        name: what is typed after `eyehand`.
        module: the module that does it.
        summary: one line for `eyehand --help`.
        example: a command that can be pasted.
    """

    name: str
    module: str
    summary: str
    example: str


VERBS: tuple[Verb, ...] = (
    Verb("doctor", "eyehand.cli.doctor", "say what is installed, how fast it is and what to mend", "eyehand doctor"),
    Verb("demo", "eyehand.cli.demo", "train, cross into an unseen world, adapt, measure what was lost", "eyehand demo"),
    Verb("tasks", "eyehand.cli.tasks", "list the tasks", "eyehand tasks"),
    Verb("methods", "eyehand.cli.methods", "list the methods and their presets", "eyehand methods"),
    Verb("domains", "eyehand.cli.domains", "list domains, or show one as TOML", "eyehand domains show twin"),
    Verb(
        "show",
        "eyehand.cli.show",
        "draw a contact sheet and a video of a task in a domain",
        "eyehand show planar_reach --domain twin",
    ),
    Verb(
        "train",
        "eyehand.cli.train",
        "train a policy in simulation",
        "eyehand train modular_dqn --task planar_reach --preset quick --out runs/reach",
    ),
    Verb(
        "adapt",
        "eyehand.cli.adapt",
        "carry a trained policy to recorded frames of the target",
        "eyehand adapt runs/reach --data recordings/twin",
    ),
    Verb(
        "evaluate",
        "eyehand.cli.evaluate",
        "measure a policy over paired episodes of a domain",
        "eyehand evaluate runs/reach --domain twin --trials 100",
    ),
    Verb("gap", "eyehand.cli.gap", "say what was lost between two domains, and where", "eyehand gap runs/reach"),
    Verb("claims", "eyehand.cli.claims", "decide a paper's claims from result files", "eyehand claims modular_dqn"),
    Verb(
        "record",
        "eyehand.cli.record",
        "record frames of a domain to disk",
        "eyehand record --task planar_reach --domain twin --frames 1418 --out recordings/twin",
    ),
    Verb(
        "perceive",
        "eyehand.cli.perceive",
        "draw what a policy sees over image files",
        "eyehand perceive runs/reach frame.png",
    ),
    Verb("report", "eyehand.cli.report", "write the report of a run as one web page", "eyehand report runs/reach"),
    Verb("bench", "eyehand.cli.bench", "measure our speed beside that of peers", "eyehand bench drawing"),
)


def find(name: str) -> Verb | None:
    """The verb of this name, None where there is none."""
    return next((verb for verb in VERBS if verb.name == name), None)

"""Check that the documentation agrees with the result files and the code, and that the result files are sound.

    python scripts/check_results.py

Every generated block is made anew and compared; every JSON file under `results/` is read, checked against the results
schema where it claims it, and held against the domains of today, because numbers of a domain that changed are void.
No file may hold an absolute path of the machine that it was made on.
Prints what is wrong and exits with 1, else with 0.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import write_results
from write_results import ROOT

from eyehand.errors import EyehandError
from eyehand.evaluation.results import Results
from eyehand.evaluation.results_file import VERSION, read_results
from eyehand.world.domain import Domain, mix, scale_severity
from eyehand.world.domain_files import load_domain

MACHINES = re.compile(r"/(?:work|home|root|tmp|Users)/")
MIXED = re.compile(r"([^+@]+)\+([a-z+]+)\((.+)\)")
MEND = "run `python scripts/write_results.py` and commit what it changes"


def problems(root: Path = ROOT) -> list[str]:
    """Everything that is wrong, one line each; result files first, because pages cannot be made from broken ones."""
    broken = [problem for path in result_files(root) for problem in file_problems(path, root)]
    return broken or [problem for page in write_results.pages(root) for problem in page_problems(page, root)]


def result_files(root: Path) -> list[Path]:
    """Every JSON file under `results/`."""
    return sorted((root / "results").rglob("*.json"))


def file_problems(path: Path, root: Path) -> list[str]:
    """What is wrong with one result file."""
    name, text = path.relative_to(root), path.read_text(encoding="utf-8")
    if found := MACHINES.search(text):
        around = text[max(found.start() - 20, 0) : found.end() + 20]
        return [f"{name}: holds an absolute path of one machine ({around!r}); take it out"]
    try:
        document: Any = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        return [f"{name}: is no JSON of finite numbers ({error})"]
    if not isinstance(document, dict):
        return [f"{name}: is no JSON object"]
    if document.get("schema") != VERSION:
        return _twin_problems(document, str(name))
    try:
        return _domain_problems(read_results(path), str(name))
    except EyehandError as error:
        return [str(error)]


def page_problems(page: Path, root: Path) -> list[str]:
    """The blocks of one page that differ from their sources."""
    name, text = page.relative_to(root), page.read_text(encoding="utf-8")
    try:
        made = write_results.rewritten(text, root)
    except ValueError as error:
        return [f"{name}: {error}"]
    before, after = write_results.contents(text), write_results.contents(made)
    return [
        f"{name}: block {block} differs from its sources; {MEND}" for block in after if before[block] != after[block]
    ]


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not finite")


def _domain_problems(results: Results, name: str) -> list[str]:
    """Domains whose numbers are not those of today."""
    found: list[str] = []
    for measured in results.domains:
        today = _today(measured.name, results.task)
        if (measured.version, measured.digest) != (today.version, today.digest()):
            found.append(
                f"{name}: was measured on version {measured.version} of {measured.name} ({measured.digest[:12]}), "
                f"today's is version {today.version} ({today.digest()[:12]}); measure again"
            )
    return found


def _today(name: str, task: str) -> Domain:
    """The domain of a name: a shipped one, one at a severity ("twin@0.5"), or a mixture ("sim+motion(twin)")."""
    if mixed := MIXED.fullmatch(name):
        base, groups, other = mixed.groups()
        return mix(load_domain(base, task), load_domain(other, task), tuple(groups.split("+")))
    shipped, at, severity = name.partition("@")
    today = load_domain(shipped, task)
    return scale_severity(today, load_domain("sim", task), float(severity)) if at else today


def _twin_problems(document: Mapping[str, Any], name: str) -> list[str]:
    """A file outside the schema may say by `twin_digest` which twin it is about, and by `task` whose."""
    task = document.get("task", "planar_reach")
    said, today = document.get("twin_digest"), load_domain("twin", task).digest()
    if said in (None, today):
        return []
    return [f"{name}: was measured on the twin {str(said)[:12]}, today's is {today[:12]}; measure again"]


def main() -> int:
    """Print the problems; the exit code is 1 where there are any."""
    found = problems()
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    if not found:
        sys.stdout.write(f"{len(result_files(ROOT))} result files and {len(write_results.pages(ROOT))} pages agree.\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

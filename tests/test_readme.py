"""Every command in the documentation exists, and the quick ones run.

A block whose opening line is "```bash quick" is run; of every other "```bash" block the targets of make, the verbs
and their options are checked. Python blocks are run.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from eyehand.cli import output
from eyehand.cli.train import configured, split_config
from eyehand.cli.verbs import VERBS, find
from eyehand.methods import load_method, method_names

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str, str]]:
    """Document, info string and content of every block in a language."""
    return [
        (path.name, info.strip(), content)
        for path in DOCUMENTS
        for found, info, content in BLOCK.findall(path.read_text(encoding="utf-8"))
        if found == language
    ]


def commands() -> list[tuple[str, str]]:
    """Info string and words of every command line, continued lines joined, comments dropped."""
    lines = [
        (info, line)
        for _, info, content in blocks("bash")
        for line in content.replace("\\\n", " ").splitlines()
        if shlex.split(line, comments=True)
    ]
    return list(dict.fromkeys(lines))


def test_the_two_commands_stand_in_the_readme() -> None:
    content = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\nmake demo\n" in content
    assert "\nmake test\n" in content


@pytest.mark.parametrize(("info", "line"), commands())
def test_every_command_is_known(info: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        assert set(words[1:]) <= targets | {word for word in words if "=" in word}
    elif words[0] == "eyehand":
        _check(words[1:], quick=info == "quick")
    else:
        assert words[0] in ("pip", "git", "cd", "python", ".venv/bin/eyehand", "source"), line


def _check(arguments: list[str], quick: bool) -> None:
    if quick:
        command = [sys.executable, "-m", "eyehand", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    elif arguments != ["--help"]:
        verb = find(arguments[0])
        assert verb is not None, f"{arguments[0]} is none of {[verb.name for verb in VERBS]}"
        assert importlib.util.find_spec(verb.module), f"{verb.module} is missing"
        plain, changes = split_config(arguments[1:])
        output.parse(importlib.import_module(verb.module).Options, plain, verb.name)
        named = [name for name in method_names() if name in plain]
        assert any(_fits(name, changes, verb.name) for name in named or method_names()), changes


def _fits(method: str, changes: Sequence[str], verb: str) -> bool:
    """Whether a method's configuration has what `--config.NAME` arguments set."""
    try:
        configured(load_method(method).preset("tiny"), None, changes, verb)
    except SystemExit:
        return False
    return True


@pytest.mark.parametrize(("document", "info", "code"), blocks("python"))
def test_every_python_example_runs(document: str, info: str, code: str) -> None:
    del info
    shown: dict[str, object] = {"__name__": document}
    exec(compile(code, document, "exec"), shown)
    assert shown.keys() > {"__name__", "__builtins__"}, "the example does nothing that lasts"

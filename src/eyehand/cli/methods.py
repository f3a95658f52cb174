"""`eyehand methods`: the published methods that can be trained, and their presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eyehand.cli import output
from eyehand.methods import load_method, method_names


@dataclass(frozen=True)
class Options:
    """Options of `eyehand methods`."""

    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """List the methods of the tree and of packages outside it."""
    options = output.parse(Options, arguments, "methods")
    methods = [load_method(name) for name in method_names()]
    rows = [(method.name, " ".join(method.presets), method.summary) for method in methods]
    data = [{"name": name, "summary": summary, "presets": presets.split()} for name, presets, summary in rows]
    output.emit(options.json, data, lambda: output.table(("method", "presets", "summary"), rows))
    return 0

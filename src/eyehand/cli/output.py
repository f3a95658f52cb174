"""What every verb shares: options from arguments, results as text or JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar, cast

import tyro

from eyehand.cli.verbs import Verb, find
from eyehand.errors import EyehandError, InvalidValueError

Options = TypeVar("Options")


def parse(options: type[Options], arguments: Sequence[str], verb: str, as_json: bool = False) -> Options:
    """Read the options of a verb.

    Args:
        options: a dataclass; its field docstrings are the help texts.
        arguments: what was typed after the verb.
        verb: the verb's name, whose summary and example head the help.
        as_json: JSON was asked for, even if these arguments do not say so.

    Raises:
        SystemExit: with code 0 after `--help`.
        EyehandError: in JSON mode, where the arguments do not fit; otherwise the explanation goes to stderr and
            SystemExit has code 2.
    """
    entry = cast("Verb", find(verb))
    description = f"{entry.summary[0].upper()}{entry.summary[1:]}.\n\nExample:\n    {entry.example}"
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said if as_json or "--json" in arguments else sys.stderr):
            return tyro.cli(
                options,
                prog=f"eyehand {verb}",
                description=description,
                args=list(arguments),
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as exit_:
        if exit_.code and said.getvalue():
            raise EyehandError(_unframed(said.getvalue())) from exit_
        raise


def emit(as_json: bool, data: object, render: Callable[[], str]) -> None:
    """Print a result.

    Args:
        as_json: print `data` as JSON, else the text.
        data: dataclasses, mappings, sequences, paths and finite numbers, nested.
        render: makes the text for people; only called when it is wanted.

    Raises:
        InvalidValueError: a number in `data` is not finite, which JSON cannot say.
    """
    sys.stdout.write((to_json(data) if as_json else render()).rstrip("\n") + "\n")


def to_json(data: object) -> str:
    """`data` as indented JSON; arguments and errors as in `emit`."""
    return json.dumps(_plain(data, "result"), indent=2, allow_nan=False, ensure_ascii=False)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of left-aligned columns, two spaces apart."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    )


def _unframed(message: str) -> str:
    """The text of a message to which tyro gave a title, a frame and rules, as one line."""
    lines = (line.strip("\u2500\u2502\u256d\u256e\u2570\u256f ") for line in message.splitlines())
    return " ".join([line for line in lines if line.strip("-")][1:])


def _plain(value: object, where: str) -> object:
    """`value` in the types that JSON knows; `where` is its place, for the error message."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Real):  # NumPy's scalars included
        return int(value) if isinstance(value, Integral) else _finite(float(value), where)
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in _fields(value)}
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return {str(key): _plain(item, f"{where}.{key}") for key, item in mapping.items()}
    if isinstance(value, Sequence):
        items = cast("Sequence[object]", value)
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(items)]
    raise TypeError(f"{where} has type {type(value).__name__}, which has no JSON form.")


def _fields(value: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(value)


def _finite(number: float, where: str) -> float:
    if not math.isfinite(number):
        raise InvalidValueError(where, number, "a finite number")
    return number

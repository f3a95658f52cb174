"""Domains as TOML files: the shipped ones by name, a user's own by path, and a complete print-out of any domain.

A file is `base = "NAME"` plus tables `[appearance] [sensor] [calibration] [dynamics] [timing]`, whose keys are the
fields of the factors in `eyehand.world.domain`. A value is a number, `{ uniform = [a, b] }`,
`{ normal = [mean, std] }`, `{ choice = [...] }`, or a string where the field names a back end. What a file leaves out
it takes from its base, and without a base from the nominal domain. A domain that is based on a held-out one is held
out itself.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from eyehand.errors import FileFormatError, InvalidValueError, UnknownNameError
from eyehand.world.domain import FACTORS, Choice, Domain, Factor, Normal, Uniform, Value

Split = Literal["val", "test"]
Toml: TypeAlias = Mapping[str, object]

SPLITS: Mapping[Split, tuple[int, int]] = {"val": (0, 2), "test": (2, 8)}  # number of the first draw, count of draws
_IDENTITY = ("base", "name", "version", "held_out", "population", "first_draw", "draws")
_FORMS = "a number, { uniform = [a, b] }, { normal = [mean, std] } or { choice = [...] }"
_LARGEST_DRAW = 2**31  # a draw number shares an episode seed with the episode's number


def load_domain(name_or_path: str, task: str) -> Domain:
    """The domain of a name or of a TOML file.

    Args:
        name_or_path: a shipped name ("sim", "twin"), or the path of a file that ends in ".toml"; either may end in
            "/val" (draws 0 and 1, what a population means without a suffix) or "/test" (draws 2 to 9).
        task: name of the task whose shipped domains are meant.

    Raises:
        UnknownNameError: no such shipped domain, split, table, key or distribution.
        InvalidValueError: a value of the wrong type, an inverted range, a number that is not finite, or a split of a
            domain without a population.
        FileFormatError: the file is missing, is not TOML, or is its own base.
    """
    return _load(name_or_path, task, Path(), ())


def shipped_domains(task: str) -> tuple[str, ...]:
    """Names of the domains that come with the package for a task; "sim" is always there and comes first."""
    folder = files("eyehand.world") / "domains" / task
    found = [entry.name.removesuffix(".toml") for entry in folder.iterdir()] if folder.is_dir() else []
    names = {name for name in found if (folder / f"{name}.toml").is_file()}
    return ("sim", *sorted(names - {"sim"}))


def split_of(domain: Domain) -> Split | None:
    """Which split's draws a domain reads, however it was named; None without a population.

    A domain that reads a single draw of the test split counts as "test".
    """
    if not domain.population:
        return None
    return "test" if domain.first_draw + domain.draws > SPLITS["test"][0] else "val"


def dump_domain(domain: Domain) -> str:
    """A complete TOML text, every key with its meaning and unit, that `load_domain` reads back as an equal domain."""
    lines = [
        f"name = {_quoted(domain.name)}",
        f"version = {domain.version}",
        f"held_out = {str(domain.held_out).lower()}",
        f"population = {str(domain.population).lower()}",
        f"first_draw = {domain.first_draw}",
        f"draws = {domain.draws}",
    ]
    for table, cls in FACTORS.items():
        lines += ["", f"[{table}]"]
        factor, told = getattr(domain, table), meanings(cls)
        for field in dataclasses.fields(cls):
            lines += [f"# {told[field.name]}"] if field.name in told else []
            lines.append(f"{field.name} = {_printed(getattr(factor, field.name))}")
    return "\n".join(lines) + "\n"


def _load(name_or_path: str, task: str, folder: Path, opened: tuple[str, ...]) -> Domain:
    head, split = _without_split(name_or_path, task)
    if head.endswith(".toml") and "\0" not in head:
        path = folder / head
        domain = _read(path, path.stem, str(path.resolve()), task, opened)
    else:
        allowed = shipped_domains(task)
        if head not in allowed:
            raise UnknownNameError("domain", head, (*allowed, "a path that ends in .toml"), f"task {task!r}")
        resource = files("eyehand.world") / "domains" / task / f"{head}.toml"
        domain = _read(resource, head, f"shipped {head}.toml", task, opened) if resource.is_file() else Domain()
    if split is None:
        return domain
    if not domain.population:
        raise InvalidValueError("split", name_or_path, f"{head!r} alone: this domain has no population of draws")
    first_draw, draws = SPLITS[split]
    return dataclasses.replace(domain, name=f"{domain.name}/{split}", first_draw=first_draw, draws=draws)


def _without_split(name: str, task: str) -> tuple[str, Split | None]:
    head, slash, tail = name.rpartition("/")
    if not slash or tail.endswith(".toml"):
        return name, None
    if tail in ("val", "test"):
        return head, tail
    if head.endswith(".toml") or head in shipped_domains(task):
        raise UnknownNameError("split", tail, SPLITS, repr(name))
    return name, None


def _read(source: Traversable, name: str, where: str, task: str, opened: tuple[str, ...]) -> Domain:
    if where in opened:
        raise FileFormatError(str(source), "the file is its own base", f"Break the chain {' -> '.join(opened)}.")
    content = _parse(source)
    for key in content:
        if key not in _IDENTITY and key not in FACTORS:
            raise UnknownNameError("key or table", key, (*_IDENTITY, *FACTORS), str(source))
    base = _base(content, source, task, (*opened, where))
    return _identified(content, _with_factors(content, base, str(source)), name, str(source))


def _parse(source: Traversable) -> Toml:
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(str(source), f"not valid TOML: {error}", "Mend the line named.") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(str(source), f"not UTF-8 text ({error.reason})", "Save the file as UTF-8.") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise FileFormatError(str(source), problem, "Give the path of a domain's .toml file.") from error


def _base(content: Toml, source: Traversable, task: str, opened: tuple[str, ...]) -> Domain:
    if "base" not in content:
        nominal = "shipped sim.toml"
        return Domain() if nominal in opened else _load("sim", task, Path(), opened)
    base = content["base"]
    if not isinstance(base, str):
        raise InvalidValueError("base", base, "a string: the name or the path of a domain", str(source))
    return _load(base, task, source.parent if isinstance(source, Path) else Path(), opened)


def _identified(content: Toml, domain: Domain, name: str, where: str) -> Domain:
    """The domain with its own name, version, standing and draws."""
    own_name = content.get("name", name)
    if not isinstance(own_name, str) or not own_name:
        raise InvalidValueError("name", own_name, "a string that is not empty", where)
    held_out = _flag(content, "held_out", domain.held_out, where)
    if domain.held_out and not held_out:
        raise InvalidValueError("held_out", held_out, "true: the base is held out, and so is what stands on it", where)
    population = _flag(content, "population", domain.population, where)
    first_draw, draws = SPLITS["val"] if population and not domain.population else (domain.first_draw, domain.draws)
    if domain.population and not population:
        first_draw, draws = Domain.first_draw, Domain.draws
    return dataclasses.replace(
        domain,
        name=own_name,
        version=_whole(content, "version", 1, 1, where),
        held_out=held_out,
        population=population,
        first_draw=_whole(content, "first_draw", first_draw, 0, where),
        draws=_whole(content, "draws", draws, 1, where),
    )


def _flag(content: Toml, key: str, default: bool, where: str) -> bool:
    value = content.get(key, default)
    if not isinstance(value, bool):
        raise InvalidValueError(key, value, "true or false", where)
    return value


def _whole(content: Toml, key: str, default: int, least: int, where: str) -> int:
    value = content.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < _LARGEST_DRAW:
        raise InvalidValueError(key, value, f"a whole number from {least} to {_LARGEST_DRAW - 1}", where)
    return value


def _with_factors(content: Toml, base: Domain, where: str) -> Domain:
    factors: dict[str, Any] = {}
    for table in FACTORS:
        if table not in content:
            continue
        entries = content[table]
        if not isinstance(entries, dict):
            raise InvalidValueError(table, entries, f"a table of its own, [{table}]", where)
        factor = getattr(base, table)
        values = {key: _value(table, key, raw, where) for key, raw in cast("Toml", entries).items()}
        factors[table] = dataclasses.replace(factor, **values)
    return dataclasses.replace(base, **factors)


def _value(table: str, key: str, raw: object, where: str) -> Value | str:
    """One entry of a table, checked against the field that it names."""
    fields = {field.name: field for field in dataclasses.fields(FACTORS[table])}
    if key not in fields:
        owner = next((name for name, cls in FACTORS.items() if key in cls.__dataclass_fields__), None)
        if owner is not None:
            raise InvalidValueError(f"table of the key {key!r}", f"[{table}]", f"[{owner}]", where)
        raise UnknownNameError(f"key of [{table}]", key, fields, where)
    what = f"{table}.{key}"
    if isinstance(fields[key].default, str):
        if not isinstance(raw, str):
            raise InvalidValueError(what, raw, f"a string, such as {fields[key].default!r}", where)
        return raw
    if isinstance(raw, dict):
        return _distribution(what, cast("Toml", raw), where)
    return _number(what, raw, _FORMS, where)


def _distribution(what: str, raw: Toml, where: str) -> Value:
    kinds = {"uniform": "two finite numbers, the lower one first", "normal": "a finite mean and a spread of at least 0"}
    kinds["choice"] = "a list of at least one finite number"
    if len(raw) != 1:
        raise InvalidValueError(what, dict(raw), _FORMS, where)
    kind, arguments = next(iter(raw.items()))
    if kind not in kinds:
        raise UnknownNameError("distribution", kind, kinds, f"{what} of {where}")
    if not isinstance(arguments, list):
        raise InvalidValueError(f"{what}.{kind}", arguments, kinds[kind], where)
    numbers = [_number(f"{what}.{kind}", item, kinds[kind], where) for item in cast("list[object]", arguments)]
    try:
        if kind == "choice":
            return Choice(tuple(numbers))
        first, second = numbers
        return Uniform(first, second) if kind == "uniform" else Normal(first, second)
    except (InvalidValueError, ValueError):  # the value's own check, or a count of numbers other than two
        raise InvalidValueError(f"{what}.{kind}", numbers, kinds[kind], where) from None


def _number(what: str, raw: object, allowed: str, where: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not abs(raw) <= sys.float_info.max:
        raise InvalidValueError(what, raw, allowed, where)
    return float(raw)


def _printed(value: Value | str) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Uniform):
        return f"{{ uniform = [{float(value.low)!r}, {float(value.high)!r}] }}"
    if isinstance(value, Normal):
        return f"{{ normal = [{float(value.mean)!r}, {float(value.std)!r}] }}"
    if isinstance(value, Choice):
        return f"{{ choice = [{', '.join(repr(float(option)) for option in value.options)}] }}"
    return repr(float(value))


def _quoted(text: str) -> str:
    # JSON and TOML agree on escapes except for the delete character, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def meanings(cls: type[Factor]) -> Mapping[str, str]:
    """What each field of a factor means, read from the `Attributes:` section of its docstring."""
    section = (cls.__doc__ or "").partition("Attributes:")[2]
    entries = re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}

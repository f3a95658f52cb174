"""Configurations as frozen dataclasses: to JSON and back, strictly, and overrides from a TOML or JSON file.

A configuration is a frozen dataclass whose fields are numbers, strings, booleans, `Literal`s, tuples, other such
dataclasses, or unions of these. Whatever is written loads back equal; whatever does not fit is refused with the file,
the dotted key and what would have been accepted.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import tomllib
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import (
    Any,
    ClassVar,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from eyehand.errors import EyehandError, FileFormatError, InvalidValueError, UnknownNameError

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


class DataclassInstance(Protocol):
    """Any instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


D = TypeVar("D", bound=DataclassInstance)


def to_json(config: DataclassInstance) -> dict[str, JSON]:
    """The configuration as JSON values, tuples as lists.

    Args:
        config: a dataclass as the module describes.

    Raises:
        InvalidValueError: a number is not finite, or a value has no place in a configuration.
    """
    return _encode_fields(config, "")


def from_json(cls: type[D], data: JSON, where: str) -> D:
    """Build a configuration from JSON values; the inverse of `to_json`.

    Fields that `data` leaves out take their defaults.

    Args:
        cls: the dataclass to build, defined at module level.
        data: a mapping from field names to values.
        where: the file the values came from, for messages.

    Raises:
        UnknownNameError: a key that is no field, or a string that a `Literal` does not list.
        InvalidValueError: a value of the wrong type, not finite, or missing.
    """
    return _build(cls, data, where, "")


def config_digest(config: DataclassInstance) -> str:
    """SHA-256 over the canonical JSON text; equal configurations have equal digests, `1` and `1.0` included."""
    canonical = to_json(from_json(type(config), to_json(config), "configuration"))
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def load_overrides(path: Path | str, base: D) -> D:
    """A copy of `base` with the values that a TOML or JSON file sets.

    Args:
        path: a `.toml` or `.json` file; its tables mirror the nested dataclasses, and need not be complete.
        base: the configuration to change, usually a preset.

    Raises:
        FileFormatError: the file is missing or is not valid TOML or JSON.
        UnknownNameError: a key that is no field.
        EyehandError: a value that the configuration refuses; the message names file and key.
    """
    return _override(base, _read_table(Path(path)), str(path), "")


def read_json(path: Path, remedy: str) -> JSON:
    """The content of a JSON file.

    Args:
        path: the file.
        remedy: what to do when it is missing or corrupt, a full sentence.

    Raises:
        FileFormatError: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise FileFormatError(path, "the file is missing", remedy) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise FileFormatError(path, f"the file cannot be read as JSON ({error})", remedy) from error


def _read_table(path: Path) -> JSON:
    if path.suffix == ".json":
        return read_json(path, _closest_file(path))
    if path.suffix != ".toml":
        raise InvalidValueError("overrides file", str(path), "a file that ends in .toml or .json")
    try:
        return cast(JSON, tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise FileFormatError(path, "the file is missing", _closest_file(path)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileFormatError(path, f"the file is not valid TOML ({error})", "Correct the file") from error


def _closest_file(path: Path) -> str:
    siblings = [p.name for p in path.parent.glob("*") if p.suffix in {".toml", ".json"} and p.name != path.name]
    close = difflib.get_close_matches(path.name, siblings, n=1, cutoff=0.4)
    return f"Did you mean {close[0]!r}?" if close else "Give a readable TOML or JSON file."


def _encode_fields(config: DataclassInstance, key: str) -> dict[str, JSON]:
    names = [field.name for field in dataclasses.fields(config)]
    return {name: _encode(getattr(config, name), _join(key, name)) for name in names}


def _encode(value: object, key: str) -> JSON:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValueError(key, value, "a finite number")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        items = cast(tuple[object, ...], value)
        return [_encode(item, f"{key}[{index}]") for index, item in enumerate(items)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _encode_fields(value, key)
    raise InvalidValueError(key, value, "a number, string, boolean, None, tuple or dataclass")


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _table(cls: type[DataclassInstance], data: object, where: str, key: str) -> Mapping[str, JSON]:
    """The data as a mapping whose keys are all fields of the dataclass."""
    names = [field.name for field in dataclasses.fields(cls)]
    if not isinstance(data, Mapping):
        raise InvalidValueError(key or "configuration", data, f"a table with the keys {', '.join(names)}", where)
    table = cast(Mapping[str, JSON], data)
    for name in table:
        if name not in names:
            raise UnknownNameError("key", name, names, f"{where}, table {key}" if key else where)
    return table


def _build(cls: type[D], data: object, where: str, key: str) -> D:
    hints = get_type_hints(cls)
    table = _table(cls, data, where, key)
    for field in dataclasses.fields(cls):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in table:
            raise InvalidValueError(_join(key, field.name), "nothing", _describe(hints[field.name]), where)
    values = {name: _parse(hints[name], value, where, _join(key, name)) for name, value in table.items()}
    return _construct(lambda: cls(**values), where, key)


def _override(base: D, data: object, where: str, key: str) -> D:
    hints = get_type_hints(type(base))
    changes: dict[str, Any] = {}
    for name, value in _table(type(base), data, where, key).items():
        current, hint, inner = getattr(base, name), hints[name], _join(key, name)
        solid = [member for member in _members(hint) if member is not type(None)]
        # A table over a nested configuration changes only what it names; one choice of several is replaced whole.
        if solid == [type(current)] and dataclasses.is_dataclass(current) and value is not None:
            changes[name] = _override(cast(DataclassInstance, current), value, where, inner)
        else:
            changes[name] = _parse(hint, value, where, inner)
    return _construct(lambda: dataclasses.replace(base, **changes), where, key)


def _construct(build: Callable[[], D], where: str, key: str) -> D:
    try:
        return build()
    except EyehandError as error:
        # The dataclass cannot know where its values came from; its class of error is kept for whoever catches it.
        error.args = (f"{where}{', table ' + key if key else ''}: {error}",)
        raise


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)


def _parse(hint: Any, value: object, where: str, key: str) -> Any:
    """The value as the annotation wants it, or a refusal."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _parse_union(hint, value, where, key)
    if origin is Literal:
        return _parse_literal(hint, value, where, key)
    if origin is tuple:
        return _parse_tuple(hint, value, where, key)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _build(hint, value, where, key)
    return _parse_scalar(hint, value, where, key)


def _parse_scalar(hint: Any, value: object, where: str, key: str) -> Any:
    if hint not in {float, int, str, bool, type(None)}:
        raise TypeError(f"{key}: a configuration cannot hold a field of type {hint!r}")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and number and _is_finite(cast(float, value)):
        return float(cast(float, value))
    if hint is not float and type(value) is hint:
        return value
    raise InvalidValueError(key, value, _describe(hint), where)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


def _parse_literal(hint: Any, value: object, where: str, key: str) -> Any:
    for option in get_args(hint):
        if type(option) is type(value) and option == value:
            return option
    if isinstance(value, str):
        raise UnknownNameError(key, value, [str(option) for option in get_args(hint)], where)
    raise InvalidValueError(key, value, _describe(hint), where)


def _parse_tuple(hint: Any, value: object, where: str, key: str) -> tuple[Any, ...]:
    members = get_args(hint)
    if not isinstance(value, list | tuple):
        raise InvalidValueError(key, value, _describe(hint), where)
    items = list(cast(Sequence[object], value))
    if len(members) == 2 and members[1] is Ellipsis:
        members = (members[0],) * len(items)
    if len(members) != len(items):
        raise InvalidValueError(key, items, _describe(hint), where)
    pairs = enumerate(zip(members, items, strict=True))
    return tuple(_parse(member, item, where, f"{key}[{i}]") for i, (member, item) in pairs)


def _parse_union(hint: Any, value: object, where: str, key: str) -> Any:
    solid = [member for member in _members(hint) if member is not type(None)]
    if value is None and len(solid) < len(_members(hint)):
        return None
    if len(solid) == 1:  # an optional value: its own message says more than one about alternatives
        return _parse(solid[0], value, where, key)
    for member in solid:
        try:
            return _parse(member, value, where, key)
        except EyehandError:
            continue
    raise InvalidValueError(key, value, _describe(hint), where)


_SCALARS: Mapping[Any, str] = {
    float: "a finite number",
    int: "a whole number",
    str: "a string",
    bool: "true or false",
    type(None): "null",
}


def _describe(hint: Any) -> str:
    """The annotation as a phrase for people."""
    origin, members = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return " or ".join(_describe(member) for member in members)
    if origin is Literal:
        return "one of " + ", ".join(repr(option) for option in members)
    if origin is tuple and len(members) == 2 and members[1] is Ellipsis:
        return f"a list of which every element is {_describe(members[0])}"
    if origin is tuple:
        return f"a list of {len(members)}: " + ", ".join(_describe(member) for member in members)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return f"a table with the keys {', '.join(field.name for field in dataclasses.fields(hint))}"
    return _SCALARS[hint] if hint in _SCALARS else repr(cast(object, hint))

"""A validator for the part of JSON Schema (draft 2020-12) that our files use; its messages name the place.

Known keywords: type, const, enum, properties, required, additionalProperties, propertyNames.pattern, items, minItems,
minimum, maximum, minLength, pattern, $ref to #/$defs. A schema with any other keyword is refused, so that no rule is
skipped in silence. Numbers must be finite, which JSON Schema takes for granted and Python's reader does not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from eyehand.errors import FileFormatError

JsonObject = Mapping[str, Any]

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}
_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description"}


def load_schema(name: str) -> JsonObject:
    """A schema that ships beside this module, for example "results.schema.json"."""
    return cast("JsonObject", json.loads((Path(__file__).parent / name).read_text(encoding="utf-8")))


def problems(document: object, schema: JsonObject) -> list[str]:
    """What is wrong with a document, as "place: problem"; empty where it fits.

    Args:
        document: what `json.loads` returned.
        schema: the whole schema; references point into its `$defs`.
    """
    found: list[str] = []
    _check(document, schema, "", schema, found)
    return found


def require(document: object, schema: JsonObject, path: Path | str) -> None:
    """Refuse a document that does not fit.

    Raises:
        FileFormatError: naming the file, the first place and problem, and how many more there are.
    """
    found = problems(document, schema)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        title = schema.get("title", "the schema")
        raise FileFormatError(path, f"does not fit {title}: {found[0]}{more}", "Write it again with this version.")


def _check(value: Any, schema: JsonObject, place: str, root: JsonObject, found: list[str]) -> None:
    if "$ref" in schema:
        _check(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], place, root, found)
        return
    where = place or "the document"
    types = schema.get("type")
    allowed = [types] if isinstance(types, str) else cast("Sequence[str]", types or ())
    if allowed and not any(_TYPES[name](value) for name in allowed):
        found.append(f"{where} is {_short(value)}, allowed is {' or '.join(allowed)}")
        return
    for keyword, rule in schema.items():
        if keyword not in _ANNOTATIONS and keyword != "type":
            found += [f"{where} {problem}" for problem in _RULES[keyword](value, rule)]
    if isinstance(value, float) and not math.isfinite(value):
        found.append(f"{where} is {value}, allowed is a finite number")
    _descend(value, schema, place, root, found)


def _descend(value: Any, schema: JsonObject, place: str, root: JsonObject, found: list[str]) -> None:
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(cast("list[Any]", value)):
            _check(item, schema["items"], f"{place}[{index}]", root, found)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        for name, item in cast("dict[str, Any]", value).items():
            inner = f"{place}.{name}" if place else name
            if name in known:
                _check(item, known[name], inner, root, found)
            elif isinstance(extra, dict):
                _check(item, cast("JsonObject", extra), inner, root, found)
            elif extra is False:
                found.append(f"{inner} is not known, allowed here: {', '.join(known)}")


def _nothing(value: Any, rule: Any) -> list[str]:
    del value, rule  # checked on the way down
    return []


def _required(value: Any, rule: Sequence[str]) -> list[str]:
    return [f"lacks {name!r}" for name in rule if isinstance(value, dict) and name not in value]


def _names(value: Any, rule: Mapping[str, str]) -> list[str]:
    names = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return [f"has the name {n!r}, allowed is {rule['pattern']}" for n in names if not re.search(rule["pattern"], n)]


def _unless(test: Callable[[Any, Any], bool], phrase: str) -> Callable[[Any, Any], list[str]]:
    def rule_of(value: Any, rule: Any) -> list[str]:
        return [] if test(value, rule) else [f"is {_short(value)}, allowed is {phrase.format(rule)}"]

    return rule_of


def _is_number(value: Any) -> bool:
    return _TYPES["number"](value)


_RULES: Mapping[str, Callable[[Any, Any], list[str]]] = {
    "properties": _nothing,
    "additionalProperties": _nothing,
    "items": _nothing,
    "required": _required,
    "propertyNames": _names,
    "const": _unless(lambda v, r: v == r, "{!r}"),
    "enum": _unless(lambda v, r: v in r, "one of {}"),
    "minimum": _unless(lambda v, r: not _is_number(v) or v >= r, "at least {}"),
    "maximum": _unless(lambda v, r: not _is_number(v) or v <= r, "at most {}"),
    "minItems": _unless(lambda v, r: not isinstance(v, list) or len(cast("list[Any]", v)) >= r, "at least {} items"),
    "minLength": _unless(lambda v, r: not isinstance(v, str) or len(v) >= r, "at least {} characters"),
    "pattern": _unless(lambda v, r: not isinstance(v, str) or re.search(r, v) is not None, "text like {}"),
}


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."

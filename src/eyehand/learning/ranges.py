"""Numbers of a configuration with the range they may lie in, said beside each field.

A dataclass that is `Checked` refuses numbers outside the ranges of its fields whenever it is made: by a preset, from a
file or from the command line. `Count`, `Amount`, `Share` and `Rate` are the usual ranges.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, cast, get_args, get_origin, get_type_hints

from eyehand.errors import InvalidValueError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float = math.inf

    def holds(self, value: float) -> bool:
        """Whether a number lies in the range; NaN lies in none."""
        return self.low <= value <= self.high and math.isfinite(value)

    def text(self) -> str:
        """The range as a phrase, for messages."""
        return f"at least {self.low:g}" if math.isinf(self.high) else f"from {self.low:g} to {self.high:g}"


Count: TypeAlias = Annotated[int, Range(1)]  # how many, and without any nothing works
Amount: TypeAlias = Annotated[int, Range(0)]  # how many, and none is possible
Share: TypeAlias = Annotated[float, Range(0, 1)]
Rate: TypeAlias = Annotated[float, Range(0)]


class Checked:
    """Base of configurations whose fields are annotated with ranges."""

    def __post_init__(self) -> None:
        """Refuse a number outside the range of its field; raises InvalidValueError."""
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            for limits, value in _limited(hint, getattr(self, name)):
                if not limits.holds(value):
                    raise InvalidValueError(name, value, limits.text(), type(self).__name__)


def _limited(hint: Any, value: Any) -> Iterator[tuple[Range, float]]:
    """Every number in a value that has a range, with it."""
    arguments: tuple[Any, ...] = get_args(hint)
    if get_origin(hint) is Annotated:
        yield from ((limits, value) for limits in arguments[1:] if isinstance(limits, Range))
    elif get_origin(hint) is tuple:
        items = cast("Sequence[Any]", value)
        members = arguments[:1] * len(items) if arguments[-1] is Ellipsis else arguments
        for member, item in zip(members, items, strict=True):
            yield from _limited(member, item)

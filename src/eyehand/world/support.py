"""Which axes of a held-out domain lie outside what a training domain ever shows."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

from eyehand.world.domain import FACTORS, Domain, bounds

Range: TypeAlias = tuple[float, float] | str


def outside_support(target: Domain, source: Domain) -> dict[str, tuple[Range, Range]]:
    """The fields whose numbers in `target` are not all inside the range that `source` draws from.

    Normal distributions count as three standard deviations either way; names of back ends and families count where
    they differ.

    Args:
        target: the domain that a policy is moved to, for example the twin.
        source: the domain that it comes from, for example the randomised one.

    Returns:
        For every such field, by "factor.field": what `target` does and what `source` does, a range or a name.
    """
    found: dict[str, tuple[Range, Range]] = {}
    for factor in FACTORS:
        ours, theirs = getattr(target, factor), getattr(source, factor)
        for field in dataclasses.fields(ours):
            there, here = _range(getattr(ours, field.name)), _range(getattr(theirs, field.name))
            if not _inside(there, here):
                found[f"{factor}.{field.name}"] = (there, here)
    return found


def _range(value: object) -> Range:
    return value if isinstance(value, str) else bounds(value)  # pyright: ignore[reportArgumentType] - a Value


def _inside(there: Range, here: Range) -> bool:
    if isinstance(there, str) or isinstance(here, str):
        return there == here
    return here[0] <= there[0] and there[1] <= here[1]

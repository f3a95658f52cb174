"""Ranges of configuration fields: refused outside, wherever the configuration comes from."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated

import pytest

from eyehand.errors import InvalidValueError
from eyehand.learning.configuration import from_json, to_json
from eyehand.learning.ranges import Amount, Checked, Count, Range, Rate, Share
from eyehand.methods import METHODS, load_method


@dataclass(frozen=True)
class Inner(Checked):
    share: Share = 0.5


@dataclass(frozen=True)
class Outer(Checked):
    count: Count = 1
    amount: Amount = 0
    rate: Rate = 0.0
    pair: tuple[Share, Rate] = (1.0, 5.0)
    sizes: tuple[Count, ...] = (4, 2)
    angle: Annotated[float, Range(-math.pi, math.pi)] = 0.0
    free: float = -1e9
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"count": 0}, "count in Outer: got 0, allowed is at least 1"),
        ({"amount": -1}, "amount in Outer: got -1, allowed is at least 0"),
        ({"rate": -1e-9}, "rate in Outer: got -1e-09, allowed is at least 0"),
        ({"rate": math.inf}, "rate in Outer: got inf"),
        ({"pair": (1.5, 5.0)}, "pair in Outer: got 1.5, allowed is from 0 to 1"),
        ({"pair": (1.0, -5.0)}, "pair in Outer: got -5.0, allowed is at least 0"),
        ({"sizes": (4, 2, 0)}, "sizes in Outer: got 0"),
        ({"angle": 4.0}, "angle in Outer: got 4.0, allowed is from -3.14159 to 3.14159"),
        ({"angle": math.nan}, "angle in Outer: got nan"),
    ],
)
def test_numbers_outside_their_range_are_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidValueError) as refusal:
        dataclasses.replace(Outer(), **change)
    assert complaint in str(refusal.value)


def test_ends_of_a_range_and_fields_without_one_are_taken() -> None:
    edge = Outer(count=1, amount=0, rate=0.0, pair=(0.0, 0.0), sizes=(), angle=math.pi, free=math.inf)
    assert edge.sizes == ()
    assert edge.free == math.inf


def test_ranges_hold_for_values_from_files_and_say_the_file() -> None:
    assert from_json(Outer, to_json(Outer(count=3)), "some.json") == Outer(count=3)
    with pytest.raises(InvalidValueError, match=r"some.json, table inner: Invalid share in Inner: got 2.0"):
        from_json(Outer, {"inner": {"share": 2.0}}, "some.json")


@pytest.mark.parametrize("reference", METHODS)
def test_every_preset_of_every_method_lies_in_its_ranges(reference: str) -> None:
    method = load_method(reference.partition(":")[0].rpartition(".")[2])
    for preset in method.presets:
        config = method.preset(preset)
        assert from_json(type(config), to_json(config), "preset") == config

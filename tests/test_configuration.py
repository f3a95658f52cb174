from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyehand.errors import EyehandError, FileFormatError, InvalidValueError, UnknownNameError
from eyehand.learning.configuration import config_digest, from_json, load_overrides, to_json


@dataclass(frozen=True)
class Range:
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise InvalidValueError("range", [self.low, self.high], "the lower number first")


@dataclass(frozen=True)
class Control:
    learning_rate: float = 1e-3
    hidden: tuple[int, ...] = (400, 300)
    explore: Literal["k_gps", "epsilon"] = "k_gps"
    clip: float | None = None
    noise: float | Range = 0.0
    decay: Range = Range()


@dataclass(frozen=True)
class Config:
    updates: int
    control: Control = Control()
    size: tuple[int, float] = (84, 1.0)
    double_q: bool = True
    note: str = ""
    window: Range | None = None


finite = st.floats(allow_nan=False, allow_infinity=False)
ranges = st.tuples(finite, finite).map(lambda pair: Range(min(pair), max(pair)))
controls = st.builds(
    Control,
    learning_rate=finite,
    hidden=st.lists(st.integers(), max_size=4).map(tuple),
    explore=st.sampled_from(["k_gps", "epsilon"]),
    clip=st.none() | finite,
    noise=finite | ranges,
    decay=ranges,
)
configs = st.builds(
    Config,
    updates=st.integers(),
    control=controls,
    size=st.tuples(st.integers(), finite),
    double_q=st.booleans(),
    note=st.text(),
    window=st.none() | ranges,
)


@settings(max_examples=40, deadline=None)
@given(configs)
def test_what_is_written_loads_back_equal(config: Config) -> None:
    text = json.dumps(to_json(config), allow_nan=False)
    assert from_json(Config, json.loads(text), "config.json") == config


def test_digest_follows_the_values_and_not_their_spelling() -> None:
    one = Config(1, Control(learning_rate=1.0))
    assert config_digest(one) == config_digest(Config(1, Control(learning_rate=1)))
    assert config_digest(one) != config_digest(Config(2, Control(learning_rate=1.0)))
    assert len(config_digest(one)) == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"updates": 1.5}, ["updates", "1.5", "a whole number"]),
        ({"updates": True}, ["updates", "True"]),
        ({"double_q": 1}, ["double_q", "true or false"]),
        ({"size": [84]}, ["size", "a list of 2"]),
        ({"size": "84"}, ["size", "'84'"]),
        ({"control": 3}, ["control", "a table with the keys learning_rate"]),
        ({"control": {"learning_rate": float("nan")}}, ["control.learning_rate", "nan", "a finite number"]),
        ({"control": {"learning_rate": 10**400}}, ["control.learning_rate", "a finite number"]),
        ({"control": {"hidden": [400, "300"]}}, ["control.hidden[1]", "'300'"]),
        ({"control": {"explore": 1}}, ["control.explore", "'k_gps', 'epsilon'"]),
        ({"control": {"clip": "no"}}, ["control.clip", "a finite number"]),
        ({"control": {"noise": "no"}}, ["control.noise", "a finite number or a table with the keys low, high"]),
    ],
)
def test_wrong_types_are_refused_with_the_dotted_key(change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        from_json(Config, {"updates": 1, **change}, "config.json")
    assert all(word in str(caught.value) for word in [*words, "config.json"]), str(caught.value)


def test_unknown_keys_and_choices_name_the_closest_one() -> None:
    with pytest.raises(UnknownNameError, match=r"'learning_rat' in config.json, table control\..*'learning_rate'"):
        from_json(Config, {"updates": 1, "control": {"learning_rat": 1.0}}, "config.json")
    with pytest.raises(UnknownNameError, match=r"control\.explore 'epsilom' in config.json.*'epsilon'"):
        from_json(Config, {"updates": 1, "control": {"explore": "epsilom"}}, "config.json")


def test_a_missing_required_key_is_named() -> None:
    with pytest.raises(InvalidValueError, match=r"updates in config\.json"):
        from_json(Config, {}, "config.json")


def test_numbers_that_are_not_finite_cannot_be_written() -> None:
    with pytest.raises(InvalidValueError, match=r"control\.decay\.high"):
        to_json(Config(1, Control(decay=Range(0.0, float("inf")))))


def test_overrides_change_only_what_they_name(tmp_path: Path) -> None:
    base = Config(7, Control(hidden=(8,), clip=1.0), note="kept", window=Range(0.2, 0.4))
    toml = tmp_path / "fast.toml"
    toml.write_text("[control]\nlearning_rate = 1\nnoise = {low = 0.1, high = 0.2}\n[window]\nhigh = 0.3\n")
    changed = load_overrides(toml, base)
    control = dataclasses.replace(base.control, learning_rate=1.0, noise=Range(0.1, 0.2))
    assert changed == dataclasses.replace(base, control=control, window=Range(0.2, 0.3))
    as_json = tmp_path / "fast.json"
    as_json.write_text('{"control": {"clip": null}, "updates": 9, "window": null}')
    control = dataclasses.replace(base.control, clip=None)
    assert load_overrides(as_json, base) == dataclasses.replace(base, control=control, updates=9, window=None)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", "[control.decay]\nlow = 2.0", ["a.toml", "control.decay", "[2.0, 1.0]"]),
        ("a.toml", "[control]\nclip = inf", ["a.toml", "control.clip", "inf"]),
        ("a.toml", "[contrl]\nclip = 1", ["a.toml", "'contrl'", "Did you mean 'control'?"]),
        ("a.toml", "control = 1", ["a.toml", "control", "a table with the keys"]),
        ("a.toml", "updates = [", ["a.toml", "not valid TOML"]),
        ("a.json", "{", ["a.json", "cannot be read as JSON", "line 1"]),
        ("a.json", "[1]", ["a.json", "a table with the keys updates"]),
        ("a.yaml", "", ["a.yaml", ".toml or .json"]),
    ],
)
def test_bad_overrides_name_file_and_key(tmp_path: Path, name: str, text: str, words: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(EyehandError) as caught:
        load_overrides(path, Config(1))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_range_upside_down_keeps_its_class_of_error(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[control.decay]\nlow = 2.0")
    with pytest.raises(InvalidValueError):
        load_overrides(path, Config(1))


def test_a_missing_overrides_file_names_a_close_one(tmp_path: Path) -> None:
    (tmp_path / "faster.toml").touch()
    with pytest.raises(FileFormatError, match=r"fastr\.toml: the file is missing\. Did you mean 'faster\.toml'"):
        load_overrides(tmp_path / "fastr.toml", Config(1))

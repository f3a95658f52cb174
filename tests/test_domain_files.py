"""Domain files: what is shipped loads, what is printed loads back equal, and every mistake is named."""

from __future__ import annotations

import dataclasses
import math
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyehand.errors import EyehandError, FileFormatError, InvalidValueError, UnknownNameError
from eyehand.world.domain import FACTORS, Choice, Domain, Normal, Uniform, bounds, set_fields
from eyehand.world.domain_files import dump_domain, load_domain, shipped_domains, split_of

TASK = "planar_reach"
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(
    numbers,
    st.tuples(numbers, numbers).map(lambda pair: Uniform(min(pair), max(pair))),
    st.builds(Normal, numbers, st.floats(0, 1e300)),
    st.lists(numbers, min_size=1, max_size=4).map(lambda options: Choice(tuple(options))),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def factor(cls):
    strategies = {f.name: texts if isinstance(f.default, str) else values for f in dataclasses.fields(cls)}
    return st.builds(cls, **strategies)


domains = st.builds(
    Domain,
    name=texts,
    version=st.integers(1, 99),
    held_out=st.booleans(),
    population=st.booleans(),
    first_draw=st.integers(0, 99),
    draws=st.integers(1, 99),
    **{name: factor(cls) for name, cls in FACTORS.items()},
)


def write(folder: Path, text: str, name: str = "mine.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def refusal(kind: type[EyehandError], folder: Path, text: str) -> str:
    with pytest.raises(kind) as caught:
        load_domain(write(folder, text), TASK)
    return str(caught.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(domain=domains)
def test_every_domain_prints_and_loads_back_equal(tmp_path, domain):
    again = load_domain(write(tmp_path, dump_domain(domain)), TASK)
    assert again == domain
    assert again.digest() == domain.digest()


@pytest.mark.parametrize("name", shipped_domains(TASK))
def test_shipped_domains_carry_their_name_and_print_completely(tmp_path, name):
    domain = load_domain(name, TASK)
    assert domain.name == name
    text = dump_domain(domain)
    assert all(f"\n{f.name} = " in text for cls in FACTORS.values() for f in dataclasses.fields(cls))
    again = load_domain(write(tmp_path, text), TASK)
    assert again == domain
    assert again.digest() == domain.digest()


def test_sim_is_there_for_every_task_and_nominal_where_no_file_says_otherwise():
    assert shipped_domains("a_task_from_outside") == ("sim",)
    assert load_domain("sim", "a_task_from_outside") == Domain()


def test_printed_keys_carry_their_meaning_and_unit():
    text = dump_domain(Domain())
    assert "# commanded motion below which a joint stays where it is.\ndead_band_rad = 0.0\n" in text
    assert "# mean level that the exposure loop steers to, 0 to 1; 0 leaves the radiance as it is.\nexposure" in text


def test_values_of_every_form_are_read(tmp_path):
    text = """
    version = 3
    [appearance]
    image = "traced"
    arm_albedo = { uniform = [0.1, 0.2] }
    [sensor]
    jpeg_quality = { choice = [70, 80] }
    [dynamics]
    step_gain = { normal = [0.9, 0.05] }
    dead_band_rad = 1
    """
    domain = load_domain(write(tmp_path, text), TASK)
    assert (domain.name, domain.version, domain.population, domain.draws) == ("mine", 3, False, 1)
    assert domain.appearance.image == "traced"
    assert domain.appearance.arm_albedo == Uniform(0.1, 0.2)
    assert domain.sensor.jpeg_quality == Choice((70.0, 80.0))
    assert domain.dynamics.step_gain == Normal(0.9, 0.05)
    assert isinstance(domain.dynamics.dead_band_rad, float)
    assert domain.timing == Domain().timing


def test_splits_of_a_population_are_disjoint_and_plain_means_val(tmp_path):
    path = write(tmp_path, "population = true")
    plain, val, test = load_domain(path, TASK), load_domain(f"{path}/val", TASK), load_domain(f"{path}/test", TASK)
    assert (plain.first_draw, plain.draws) == (val.first_draw, val.draws) == (0, 2)
    assert (test.name, test.first_draw, test.draws) == ("mine/test", 2, 8)
    assert (split_of(plain), split_of(val), split_of(test)) == ("val", "val", "test")
    assert split_of(dataclasses.replace(plain, draws=3)) == "test"
    assert split_of(Domain()) is None
    assert plain.digest() == test.digest()


def test_a_split_needs_a_population_and_a_known_name(tmp_path):
    with pytest.raises(InvalidValueError, match="no population"):
        load_domain("sim/test", "a_task_from_outside")
    with pytest.raises(UnknownNameError, match=r"split 'tset' in 'sim/tset'. Did you mean 'test'"):
        load_domain("sim/tset", "a_task_from_outside")
    with pytest.raises(UnknownNameError, match="Allowed: test, val"):
        load_domain(write(tmp_path, "population = true") + "/train", TASK)


def test_a_base_is_inherited_and_stays_held_out(tmp_path):
    write(tmp_path, "held_out = true\npopulation = true\nversion = 4\n[timing]\nlag = 0.3", "target.toml")
    child = load_domain(write(tmp_path, 'base = "target.toml"\n[sensor]\nblur_px = 2'), TASK)
    assert (child.held_out, child.population, child.draws, child.version) == (True, True, 2, 1)
    assert (child.timing.lag, child.sensor.blur_px) == (0.3, 2.0)
    grandchild = load_domain(write(tmp_path, 'base = "mine.toml"\npopulation = false', "third.toml"), TASK)
    assert (grandchild.held_out, grandchild.population, grandchild.draws) == (True, False, 1)
    message = refusal(InvalidValueError, tmp_path, 'base = "target.toml"\nheld_out = false')
    assert "held_out" in message
    assert "mine.toml" in message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[sensor]\njpeg_qality = 3", ("key of [sensor] 'jpeg_qality'", "mine.toml", "Did you mean 'jpeg_quality'")),
        ("[sensors]\njpeg_quality = 3", ("'sensors'", "mine.toml", "Did you mean 'sensor'")),
        ("heldout = true", ("'heldout'", "Did you mean 'held_out'")),
        ("[timing]\nlag = { unifrom = [0, 1] }", ("distribution 'unifrom'", "timing.lag", "'uniform'")),
        ('base = "twim"', ("domain 'twim'", TASK)),
    ],
)
def test_unknown_names_name_the_closest_one(tmp_path, text, parts):
    message = refusal(UnknownNameError, tmp_path, text)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[timing]\nlag = { uniform = [1, 0] }", ("timing.lag.uniform", "[1.0, 0.0]", "the lower one first")),
        ("[timing]\nlag = { uniform = [1, 2, 3] }", ("timing.lag.uniform", "two finite numbers")),
        ("[timing]\nlag = { normal = [1, -1] }", ("timing.lag.normal", "at least 0")),
        ("[timing]\nlag = { choice = [] }", ("timing.lag.choice", "at least one")),
        ("[timing]\nlag = { choice = 3 }", ("timing.lag.choice", "a list")),
        ("[timing]\nlag = { uniform = [0, 1], choice = [1] }", ("timing.lag", "{ uniform = [a, b] }")),
        ("[timing]\nlag = nan", ("timing.lag", "a number")),
        ("[timing]\nlag = { uniform = [0, inf] }", ("timing.lag.uniform", "finite")),
        (f"[timing]\nlag = 1{'0' * 400}", ("timing.lag", "a number")),
        ("[timing]\nlag = true", ("timing.lag", "a number")),
        ('[timing]\nlag = "much"', ("timing.lag", "'much'", "a number")),
        ("[dynamics]\nmotion = 3", ("dynamics.motion", "a string", "kinematic")),
        ("[appearance]\njpeg_quality = 3", ("'jpeg_quality'", "[appearance]", "[sensor]")),
        ("sensor = 3", ("sensor", "[sensor]")),
        ("version = 0", ("version", "from 1")),
        ("draws = 1.5", ("draws", "whole number")),
        ('held_out = "no"', ("held_out", "true or false")),
        ('name = ""', ("name", "not empty")),
        ("base = 3", ("base", "a string")),
    ],
)
def test_wrong_values_say_which_key_and_what_is_allowed(tmp_path, text, parts):
    message = refusal(InvalidValueError, tmp_path, text)
    assert "mine.toml" in message
    assert all(part in message for part in parts), message


def test_files_that_cannot_be_read_say_why(tmp_path):
    assert "line 2" in refusal(FileFormatError, tmp_path, "version = 1\n[timing\nlag = 1")
    assert "own base" in refusal(FileFormatError, tmp_path, 'base = "./mine.toml"')
    missing = tmp_path / "absent.toml"
    with pytest.raises(FileFormatError, match=r"absent\.toml: cannot be read \(No such file"):
        load_domain(str(missing), TASK)
    missing.write_bytes(b"name = '\xff'")
    with pytest.raises(FileFormatError, match="UTF-8"):
        load_domain(str(missing), TASK)


def test_unknown_domain_lists_what_is_shipped():
    with pytest.raises(UnknownNameError, match=r"domain 'simm' in task 'planar_reach'. Did you mean 'sim'"):
        load_domain("simm", TASK)


@pytest.mark.parametrize("task", [TASK, "view_reach"])
def test_twin_is_frozen(task):
    """Whoever changes a number of the twin raises its version, voids older results, and only then stores a new hash."""
    frozen = files("eyehand.world") / "domains" / task / "twin.sha256"
    assert load_domain("twin", task).digest() == frozen.read_text(encoding="utf-8").strip()
    assert split_of(load_domain("twin", task)) == "val"


def test_everything_that_stands_on_the_twin_is_held_out():
    held_out = {name for name in shipped_domains(TASK) if load_domain(name, TASK).held_out}
    assert held_out == set(shipped_domains(TASK)) - {"sim", "randomized"}
    assert split_of(load_domain("twin", TASK)) == "val"
    assert split_of(load_domain("live/test", TASK)) == "test"


def test_numbers_of_a_loaded_range_stay_inside_it(tmp_path):
    domain = load_domain(write(tmp_path, "population = true\n[timing]\nlag = { uniform = [0.1, 0.2] }"), TASK)
    lags = domain.numbers("timing.lag", domain.seeds(range(10)))
    assert len(set(lags)) == 2  # two draws, however many episodes
    assert all(0.1 <= lag <= 0.2 and math.isfinite(lag) for lag in lags)


def test_fields_that_came_later_change_a_digest_only_where_they_are_set():
    nominal = Domain()
    assert "lamps" not in set_fields(nominal.appearance)
    assert "arm_albedo" in set_fields(nominal.appearance)
    same = dataclasses.replace(nominal, appearance=dataclasses.replace(nominal.appearance, lamps=1.0))
    other = dataclasses.replace(nominal, appearance=dataclasses.replace(nominal.appearance, lamps=2.0))
    assert same.digest() == nominal.digest() == "c70c231783223a3f536785093db832cf42aa41535518359f73911dd259aa4731"
    assert other.digest() != nominal.digest()


def test_a_task_may_have_a_nominal_domain_of_its_own_on_which_files_stand(tmp_path):
    assert load_domain("sim", "view_reach").appearance.image == "raster"
    mine = load_domain(write(tmp_path, "[timing]\nlag = 0.5", "sim.toml"), "view_reach")
    assert (mine.name, mine.appearance.image, mine.timing.lag) == ("sim", "raster", 0.5)


@given(values)
def test_bounds_enclose_what_is_drawn(value):
    if isinstance(value, Normal):
        value = Normal(math.fmod(value.mean, 1e6), math.fmod(value.std, 1e6))
        low, high = bounds(value)
        assert low <= value.mean <= high
        return
    low, high = bounds(value)
    assert low <= high
    if isinstance(value, Choice):
        assert {low, high} <= set(value.options)

"""Names to tasks and methods: lazily, from this tree and from outside, with errors that teach."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from eyehand.errors import EyehandError, UnknownNameError
from eyehand.registry import Registry
from eyehand.tasks import TASKS, load_task, task_names


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Three things in a package of their own: a sound one, a broken one, and one under a wrong name."""
    package = tmp_path / "things_of_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sound.py").write_text(
        "class Sound:\n    name = 'sound'\n    def __init__(self, size=1): self.size = size\n"
    )
    (package / "broken.py").write_text("import a_module_that_nobody_has\n")
    (package / "misnamed.py").write_text("class Misnamed:\n    name = 'other'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("sound:Sound", "broken:Broken", "misnamed:Misnamed")
    return Registry("thing", "eyehand.things_of_test", tuple(f"things_of_test.{name}" for name in names))


def entry_point(folder: Path, package: str, line: str) -> None:
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[eyehand.things_of_test]\n{line}\n")


def test_listing_names_imports_nothing(registry: Registry) -> None:
    assert registry.names() == ("sound", "broken", "misnamed")
    assert not any(name.startswith("things_of_test") for name in sys.modules)


def test_options_reach_the_factory(registry: Registry) -> None:
    assert vars(registry.load("sound")) == {"size": 1}
    assert vars(registry.load("sound", {"size": 3})) == {"size": 3}


def test_an_unknown_option_names_those_there_are(registry: Registry) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown option 'sise' in thing 'sound'. Did you mean 'size'"):
        registry.load("sound", {"sise": 3})


def test_an_unknown_name_names_the_closest(registry: Registry) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown thing 'sond'. Did you mean 'sound'\?"):
        registry.load("sond")


def test_a_package_that_cannot_be_imported_is_named(registry: Registry) -> None:
    with pytest.raises(EyehandError, match=r"'broken' cannot be loaded from things_of_test.*a_module_that_nobody_has"):
        registry.load("broken")


def test_a_thing_must_bear_the_name_it_is_asked_for(registry: Registry) -> None:
    with pytest.raises(EyehandError, match=r"'misnamed' .* calls itself 'other'"):
        registry.load("misnamed")


def test_things_from_outside_are_found_and_a_name_claimed_twice_is_told(registry: Registry, tmp_path: Path) -> None:
    entry_point(tmp_path, "guest", "sound = things_of_test.sound:Sound")
    assert registry.names() == ("sound", "broken", "misnamed")
    with pytest.raises(EyehandError, match=r"'sound' is claimed 2 times: .*sound:Sound of package guest"):
        registry.load("sound")


def test_a_missing_factory_in_a_guest_is_told(registry: Registry, tmp_path: Path) -> None:
    entry_point(tmp_path, "guest", "quiet = things_of_test.sound:Silence")
    assert registry.names()[-1] == "quiet"
    with pytest.raises(EyehandError, match=r"things_of_test.sound:Silence of package guest: .*Silence"):
        registry.load("quiet")


def test_every_task_of_the_tree_loads_under_its_name() -> None:
    assert len(task_names()) >= len(TASKS)
    for name in task_names()[: len(TASKS)]:
        assert load_task(name).name == name


def test_a_task_takes_its_options() -> None:
    assert len(load_task("planar_reach", joints=1).commands[0].table or ()) == 3
    with pytest.raises(UnknownNameError, match="Did you mean 'joints'"):
        load_task("planar_reach", joint=1)

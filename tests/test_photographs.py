"""Photographs of any size as backgrounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyehand.data.photographs import load_photograph, load_photographs
from eyehand.errors import FileFormatError
from eyehand.evaluation.crossing import record_photographs
from eyehand.tasks.sphere_grasp import SphereGrasp


def test_the_middle_of_photographs_of_any_size_is_scaled(tmp_path: Path) -> None:
    wide = np.zeros((60, 180, 3), np.uint8)
    wide[:, 60:120] = (10, 200, 30)
    Image.fromarray(wide).save(tmp_path / "b.png")
    Image.fromarray(np.full((400, 40), 77, np.uint8)).save(tmp_path / "a.JPG")
    (tmp_path / "notes.txt").write_text("not a picture")
    found = load_photographs(tmp_path, (50, 50))
    assert found.shape == (2, 50, 50, 3)
    assert (found[0] == 77).all()  # a grey one becomes coloured
    assert (found[1] == (10, 200, 30)).all()
    assert load_photographs(tmp_path, (20, 30), most=1).shape == (1, 20, 30, 3)


@pytest.mark.parametrize(("make", "message"), [("no folder", "no such folder"), ("empty", "no photograph is in it")])
def test_a_folder_without_photographs_is_refused(tmp_path: Path, make: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        load_photographs(tmp_path / "missing" if make == "no folder" else tmp_path, (50, 50))


def test_a_broken_photograph_is_named(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save(tmp_path / "fine.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "fine.png").read_bytes()[:50])
    with pytest.raises(FileFormatError, match=r"torn\.png: cannot be read"):
        load_photographs(tmp_path, (50, 50))


def test_a_photograph_is_upright_as_its_camera_was(tmp_path: Path) -> None:
    turned = np.zeros((40, 60, 3), np.uint8)
    turned[:, :30] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: what the file has on its left was on top
    Image.fromarray(turned).save(tmp_path / "phone.png", exif=exif)
    upright = np.asarray(load_photograph(tmp_path / "phone.png", ""))
    assert upright.shape == (60, 40, 3)
    assert upright[:30].min() == 255
    assert upright[30:].max() == 0


def test_a_photograph_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(FileFormatError, match=r"huge\.png: cannot be read.*Take another\."):
        load_photograph(tmp_path / "huge.png", "Take another.")


def test_photographs_become_a_recording_that_shows_no_target(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.fromarray(np.full((300, 200 + number, 3), 40 * number, np.uint8)).save(tmp_path / f"photos/{number}.png")
    task = SphereGrasp()
    recording = record_photographs(task, tmp_path / "photos", tmp_path / "made", most=2)
    assert len(recording) == 2
    assert recording.extra["target_drawn"] is False
    found = recording.frames(["observation.images.hand", "observation.state"], [1])
    assert found["observation.images.hand"].shape == (1, 200, 200, 3)
    assert (found["observation.images.hand"] == 40).all()
    assert found["observation.state"].tolist() == [[0.0] * 8]

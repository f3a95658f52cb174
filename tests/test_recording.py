"""Recording: bad frames stop at the door, the folder appears whole or not at all, nothing that was ended is lost."""

from __future__ import annotations

import numpy as np
import pytest

from eyehand.data.features import Feature
from eyehand.data.journal import Journal
from eyehand.data.layout import LayoutWriter
from eyehand.data.recorded import RecordedEpisodes
from eyehand.data.recording import EpisodeWriter
from eyehand.errors import EyehandError, FileFormatError, InvalidValueError, UnknownNameError

WEBCAM, STATE = "observation.images.webcam", "observation.state"
SIZE = (16, 12, 3)
FEATURES = {
    WEBCAM: Feature("image", SIZE),
    STATE: Feature("float32", (3,)),
    "episode_seed": Feature("int64", (1,)),
    "next.done": Feature("bool", (1,)),
}
EXTRA = {"domain": "twin"}
LENGTHS = (3, 1, 4)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (8, *SIZE), dtype=np.uint8)


def frame(number, last=False):
    return {
        WEBCAM: IMAGES[number],
        STATE: np.array([number, -number, 0.1]),
        "episode_seed": np.int64(number),
        "next.done": np.array([last]),
    }


def fill(writer, lengths=LENGTHS):
    number = 0
    for length in lengths:
        for step in range(length):
            writer.add(frame(number, step == length - 1))
            number += 1
        writer.end_episode("reach")


def record(folder):
    with EpisodeWriter(folder, FEATURES, 10, "baxter", EXTRA) as writer:
        fill(writer)
    return folder


@pytest.fixture
def folder(tmp_path):
    return record(tmp_path / "rec")


def data_file(folder):
    return folder / "data/chunk-000/file-000.parquet"


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({STATE: np.array([0, np.nan, 0])}, InvalidValueError, r"observation\.state'.*finite numbers"),
        ({STATE: np.zeros(4)}, InvalidValueError, r"shape of 'observation\.state': got \(4,\), allowed is \(3,\)"),
        ({STATE: np.array([1e300, 0, 0])}, InvalidValueError, "finite numbers of type float32"),
        ({WEBCAM: np.zeros((12, 16, 3), np.uint8)}, InvalidValueError, "shape of 'observation.images.webcam'"),
        ({WEBCAM: np.zeros(SIZE)}, InvalidValueError, "got 'float64', allowed is uint8"),
        ({"episode_seed": 0.5}, InvalidValueError, "allowed is int64"),
        ({"observation.stat": np.zeros(3)}, UnknownNameError, "Did you mean 'observation.state'"),
    ],
)
def test_bad_frames_are_refused_at_the_door_and_nothing_is_lost(tmp_path, change, kind, message):
    with EpisodeWriter(tmp_path / "rec", FEATURES, 10, "arm") as writer:
        writer.add(frame(0))
        with pytest.raises(kind, match=message):
            writer.add({**frame(1), **change})
        with pytest.raises(InvalidValueError, match=r"a frame with 'next\.done'"):
            writer.add({key: value for key, value in frame(1).items() if key != "next.done"})
        writer.end_episode("reach")
    assert len(RecordedEpisodes.open(tmp_path / "rec")) == 1


@pytest.mark.parametrize(
    ("features", "kind", "message"),
    [
        ({}, InvalidValueError, "at least one feature"),
        ({"index": Feature("int64", (1,))}, InvalidValueError, "feature name"),
        ({"q": Feature("float23", (1,))}, UnknownNameError, "Did you mean 'float32'"),
        ({"q": Feature("float32", ())}, InvalidValueError, "shape of 'q'"),
        ({"q": Feature("float32", (2,), ("a",))}, InvalidValueError, "2 names"),
        ({"eye": Feature("image", (4, 4))}, InvalidValueError, r"\(height, width, 3\)"),
        ({"eye": Feature("video", (5, 4, 3))}, InvalidValueError, "even height"),
    ],
)
def test_features_that_cannot_be_recorded_are_refused_before_anything_is_written(tmp_path, features, kind, message):
    with pytest.raises(kind, match=message):
        EpisodeWriter(tmp_path / "rec", features, 10, "arm")
    assert not list(tmp_path.iterdir())


def test_an_unfinished_or_empty_recording_does_not_commit(tmp_path):
    writer = EpisodeWriter(tmp_path / "rec", FEATURES, 10, "arm")
    with pytest.raises(InvalidValueError, match="number of episodes"):
        writer.close()
    with pytest.raises(InvalidValueError, match="number of frames in the episode"):
        writer.end_episode("reach")
    writer.add(frame(0))
    with pytest.raises(InvalidValueError, match=r"1 frames after the last ended episode.*end_episode"):
        writer.close()
    writer.abort()
    assert not list(tmp_path.iterdir())


def test_a_block_that_raises_keeps_its_episodes_for_the_next_writer(tmp_path):
    def interrupted():
        with EpisodeWriter(tmp_path / "rec", FEATURES, 10, "baxter", EXTRA) as writer:
            fill(writer, LENGTHS[:2])
            writer.add(frame(4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [entry.name for entry in tmp_path.iterdir()] == ["rec.journal"]
    with EpisodeWriter(tmp_path / "rec", FEATURES, 10, "baxter", EXTRA) as writer:
        assert (writer.episodes, writer.frames) == (2, 4)
        for number in range(4, 8):
            writer.add(frame(number, number == 7))
        writer.end_episode("reach")
    whole = record(tmp_path / "whole")
    assert RecordedEpisodes.open(tmp_path / "rec").digest == RecordedEpisodes.open(whole).digest
    assert data_file(tmp_path / "rec").read_bytes() == data_file(whole).read_bytes()


def test_a_full_disk_while_committing_leaves_no_half_and_loses_nothing(tmp_path, monkeypatch):
    writer = EpisodeWriter(tmp_path / "rec", FEATURES, 10, "baxter", EXTRA)
    fill(writer)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LayoutWriter, "close", full)
    with pytest.raises(
        FileFormatError, match=r"rec: cannot be written \(No space left.*safe in rec\.journal"
    ) as caught:
        writer.close()
    assert isinstance(caught.value, EyehandError)
    assert [entry.name for entry in tmp_path.iterdir()] == ["rec.journal"]
    monkeypatch.undo()
    (tmp_path / ".rec.tmp-1").mkdir()  # left by a writer that was killed while it committed
    writer.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["rec"]
    assert len(RecordedEpisodes.open(tmp_path / "rec")) == 8


def test_a_disk_that_fills_inside_the_data_file_is_the_same_clear_error(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of file size exist on Unix only")
    big = {"q": Feature("float64", (4000,))}
    writer = EpisodeWriter(tmp_path / "rec", big, 10, "arm")
    for _ in range(4):
        writer.add({"q": RNG.normal(size=4000)})
        writer.end_episode("reach")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(FileFormatError, match=r"rec: cannot be written .*safe in rec\.journal"):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [entry.name for entry in tmp_path.iterdir()] == ["rec.journal"]
    writer.close()
    assert len(RecordedEpisodes.open(tmp_path / "rec")) == 4


def test_a_kill_between_the_rename_and_the_end_is_explained(tmp_path, monkeypatch):
    def killed(_):
        raise OSError(5, "as if killed here")

    monkeypatch.setattr(Journal, "remove", killed)
    with pytest.raises(FileFormatError, match="as if killed here"):
        record(tmp_path / "rec")
    monkeypatch.undo()
    assert len(RecordedEpisodes.open(tmp_path / "rec")) == 8
    with pytest.raises(FileFormatError, match=r"rec\.journal beside it holds 3 episodes: delete it if they are in"):
        record(tmp_path / "rec")
    assert (tmp_path / "rec.journal").exists()


def test_a_folder_that_is_taken_is_left_alone(folder):
    before = data_file(folder).read_bytes()
    with pytest.raises(FileFormatError, match="already holds a recording"):
        record(folder)
    assert data_file(folder).read_bytes() == before
    assert [entry.name for entry in folder.parent.iterdir()] == ["rec"]
    (folder.parent / "notes").mkdir()
    (folder.parent / "notes/a.txt").write_text("mine")
    with pytest.raises(FileFormatError, match="already holds other files"):
        record(folder.parent / "notes")
    (folder.parent / "empty").mkdir()
    assert len(RecordedEpisodes.open(record(folder.parent / "empty"))) == 8

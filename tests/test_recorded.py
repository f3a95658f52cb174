"""Recorded episodes: the layout to the letter, lossless stills, videos, recordings from elsewhere, and every damage."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eyehand.data import layout
from eyehand.data.features import Feature
from eyehand.data.recorded import RecordedEpisodes, require
from eyehand.data.recording import EpisodeWriter
from eyehand.errors import FileFormatError, InvalidValueError, UnknownNameError

WEBCAM, STATE = "observation.images.webcam", "observation.state"
SIZE = (16, 12, 3)
FEATURES = {
    WEBCAM: Feature("image", SIZE),
    STATE: Feature("float32", (3,), ("s1", "e1", "w1"), "rad"),
    "sim.state": Feature("float64", (2, 4)),
    "episode_seed": Feature("int64", (1,)),
    "next.done": Feature("bool", (1,)),
}
EXTRA = {"domain": "twin", "domain_digest": "ab", "plane_to_image": [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]}
LENGTHS = (3, 1, 4)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (8, *SIZE), dtype=np.uint8)


def frame(number, last=False):
    return {
        WEBCAM: IMAGES[number],
        STATE: np.array([number, -number, 0.1]),
        "sim.state": np.full((2, 4), number / 3),
        "episode_seed": np.int64(number << 32),
        "next.done": np.array([last]),
    }


def fill(writer, lengths=LENGTHS):
    number = 0
    for episode, length in enumerate(lengths):
        for step in range(length):
            writer.add(frame(number, step == length - 1))
            number += 1
        writer.end_episode("reach – größe" if episode % 2 else "reach")


def record(folder, **changes):
    settings = {"features": FEATURES, "fps": 10.0, "robot_type": "baxter", "extra": EXTRA} | changes
    with EpisodeWriter(folder, **settings) as writer:
        fill(writer)
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return record(tmp_path_factory.mktemp("shared") / "rec")


@pytest.fixture
def folder(tmp_path):
    return record(tmp_path / "rec")


def data_file(folder):
    return folder / "data/chunk-000/file-000.parquet"


def edit_column(folder, key, change):
    """Rewrite one column of the data file; `change` maps the list of its rows."""
    table = pq.read_table(data_file(folder))
    rows = change(table[key].to_pylist())
    place = table.schema.get_field_index(key)
    pq.write_table(table.set_column(place, key, pa.array(rows)), data_file(folder))


def edit_info(folder, change):
    path = folder / "meta/info.json"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def test_what_was_recorded_is_read_back_bit_for_bit(shared):
    recorded = RecordedEpisodes.open(shared)
    assert len(recorded) == 8
    assert [(e.index, e.first, e.stop) for e in recorded.episodes] == [(0, 0, 3), (1, 3, 4), (2, 4, 8)]
    assert recorded.episodes[1].tasks == ("reach – größe",)
    assert recorded.extra == EXTRA
    assert recorded.provenance["domain_digest"] == "ab"
    rows = [7, 0, 3, 3]
    found = recorded.frames([WEBCAM, STATE, "sim.state", "episode_seed", "next.done"], rows)
    assert np.array_equal(found[WEBCAM], IMAGES[rows])
    assert found[WEBCAM].dtype == np.uint8
    assert np.array_equal(found[STATE], np.array([[r, -r, 0.1] for r in rows], np.float32))
    assert np.array_equal(found["sim.state"][:, 1, 2], np.array(rows) / 3)
    assert found["episode_seed"].ravel().tolist() == [r << 32 for r in rows]
    assert found["next.done"].ravel().tolist() == [True, False, True, True]
    assert recorded.column("timestamp").ravel().tolist() == pytest.approx([0, 0.1, 0.2, 0, 0, 0.1, 0.2, 0.3])
    assert recorded.features[STATE] == FEATURES[STATE]
    assert np.array_equal(recorded.frames([WEBCAM], range(8))[WEBCAM], IMAGES)  # some of them from memory


def test_the_layout_is_lerobot_3(shared):
    text = (shared / "meta/info.json").read_text()
    assert '"fps": 10,' in text  # LeRobot wants a whole number where it is one
    info = json.loads(text)
    assert {key: info[key] for key in info if key not in ("features", "eyehand")} == {
        "codebase_version": "v3.0",
        "robot_type": "baxter",
        "total_episodes": 3,
        "total_frames": 8,
        "total_tasks": 2,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": 10,
        "splits": {"train": "0:3"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": None,
    }
    assert info["features"][WEBCAM] == {
        "dtype": "image",
        "shape": [16, 12, 3],
        "names": ["height", "width", "channels"],
    }
    assert info["features"][STATE]["info"] == {"unit": "rad"}
    assert info["features"]["index"] == {"dtype": "int64", "shape": [1], "names": None}

    data = pq.ParquetFile(data_file(shared))
    assert [data.metadata.row_group(i).num_rows for i in range(3)] == list(LENGTHS)
    schema = data.schema_arrow
    assert schema.field(WEBCAM).type == pa.struct({"bytes": pa.binary(), "path": pa.string()})
    assert schema.field(STATE).type == pa.list_(pa.float32(), 3)
    assert schema.field("timestamp").type == pa.float32()
    rows = data.read(["frame_index", "episode_index", "index", "task_index"]).to_pydict()
    assert rows["frame_index"] == [0, 1, 2, 0, 0, 1, 2, 3]
    assert rows["episode_index"] == [0, 0, 0, 1, 2, 2, 2, 2]
    assert rows["index"] == list(range(8))
    assert rows["task_index"] == [0, 0, 0, 1, 0, 0, 0, 0]

    tasks = pq.read_table(shared / "meta/tasks.parquet")
    assert tasks.to_pydict() == {"task_index": [0, 1], "task": ["reach", "reach – größe"]}
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["task"]

    episodes = pq.read_table(shared / "meta/episodes/chunk-000/file-000.parquet").to_pydict()
    assert episodes["length"] == list(LENGTHS)
    assert episodes["tasks"][1] == ["reach – größe"]
    assert episodes["dataset_to_index"] == [3, 4, 8]
    assert episodes["data/file_index"] == episodes["meta/episodes/chunk_index"] == [0, 0, 0]
    assert episodes[f"stats/{STATE}/max"][0] == pytest.approx([2, 0, 0.1])
    assert {name.rsplit("/", 1)[1] for name in episodes if name.startswith(f"stats/{WEBCAM}/")} == {
        *("min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99")
    }


def test_statistics_are_those_of_numpy(shared):
    stats = json.loads((shared / "meta/stats.json").read_text())
    state = np.array([[r, -r, np.float32(0.1)] for r in range(8)])
    assert stats[STATE]["mean"] == pytest.approx(state.mean(0))
    assert stats[STATE]["q90"] == pytest.approx(np.quantile(state, 0.9, axis=0))
    assert stats[STATE]["count"] == [8]
    assert np.shape(stats["sim.state"]["std"]) == (2, 4)
    assert np.shape(stats["timestamp"]["std"]) == (1,)
    levels = IMAGES.reshape(-1, 3) / 255
    for name, value in {
        "mean": levels.mean(0),
        "std": levels.std(0),
        "min": levels.min(0),
        "max": levels.max(0),
    }.items():
        assert np.shape(stats[WEBCAM][name]) == (3, 1, 1)
        assert np.ravel(stats[WEBCAM][name]) == pytest.approx(value)
    median = np.quantile(levels, 0.5, axis=0, method="inverted_cdf")
    assert np.ravel(stats[WEBCAM]["q50"]) == pytest.approx(median)


def test_many_files_are_one_recording(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "DATA_FILE_MB", 0)
    monkeypatch.setattr(layout, "CHUNK_FILES", 2)
    recorded = RecordedEpisodes.open(record(tmp_path / "rec"))
    found = sorted(str(p.relative_to(tmp_path / "rec/data")) for p in (tmp_path / "rec/data").rglob("*.parquet"))
    assert found == ["chunk-000/file-000.parquet", "chunk-000/file-001.parquet", "chunk-001/file-000.parquet"]
    assert np.array_equal(recorded.frames([WEBCAM], [5, 3, 0])[WEBCAM], IMAGES[[5, 3, 0]])
    assert recorded.column(STATE)[:, 0].tolist() == list(range(8))


def smooth(number):
    rows, columns = np.mgrid[0:32, 0:48]
    return np.stack([rows * 3, columns * 2, np.full_like(rows, 20 * number)], -1).astype(np.uint8)


@pytest.mark.parametrize("file_mb", [200, 0])
def test_videos_hold_many_episodes_and_random_frames_are_found(tmp_path, monkeypatch, file_mb):
    monkeypatch.setattr(layout, "VIDEO_FILE_MB", file_mb)
    features = {"observation.images.front": Feature("video", (32, 48, 3)), STATE: Feature("float32", (1,))}
    with EpisodeWriter(tmp_path / "rec", features, 5, "arm") as writer:
        for number in range(12):
            writer.add({"observation.images.front": smooth(number), STATE: np.array([number])})
            if number % 5 == 4 or number == 11:
                writer.end_episode("reach")
    recorded = require(tmp_path / "rec", {"observation.images.front": (None, None, 3), STATE: (1,)})
    rows = [11, 0, 5, 4, 9]
    images = recorded.frames(["observation.images.front"], rows)["observation.images.front"]
    wanted = np.stack([smooth(number) for number in rows]).astype(int)
    assert np.abs(images - wanted).max() < 10  # neighbours differ by 20 in blue
    files = list((tmp_path / "rec/videos/observation.images.front").rglob("*.mp4"))
    assert len(files) == (1 if file_mb else 3)
    info = json.loads((tmp_path / "rec/meta/info.json").read_text())
    assert info["features"]["observation.images.front"]["info"]["video.codec"] == "h264"
    assert info["video_path"].startswith("videos/{video_key}/")


def test_a_damaged_or_missing_video_is_named(tmp_path):
    features = {"observation.images.front": Feature("video", (32, 48, 3))}
    with EpisodeWriter(tmp_path / "rec", features, 5, "arm") as writer:
        writer.add({"observation.images.front": smooth(1)})
        writer.end_episode("reach")
    (video,) = (tmp_path / "rec").rglob("*.mp4")
    video.write_bytes(b"no film")
    with pytest.raises(FileFormatError, match=r"file-000\.mp4: missing or damaged"):
        require(tmp_path / "rec", {"observation.images.front": None})
    video.unlink()
    with pytest.raises(FileFormatError, match=r"the video of feature 'observation\.images\.front' is missing"):
        require(tmp_path / "rec", {"observation.images.front": None})


def test_requirements_name_the_feature_the_need_and_the_closest_name(shared):
    recorded = require(shared, {WEBCAM: SIZE, STATE: (3,), "sim.state": (None, 4)})
    assert len(recorded) == 8
    with pytest.raises(FileFormatError) as caught:
        require(shared, {"observation.image.webcam": SIZE, STATE: (3,)})
    message = str(caught.value)
    assert (
        "info.json: feature 'observation.image.webcam' is missing; the closest is 'observation.images.webcam'"
        in message
    )
    assert "Needed are: observation.image.webcam (16, 12, 3), observation.state (3)" in message
    with pytest.raises(FileFormatError, match=r"'observation\.state' has shape \(3,\)\. Needed is \(7\)"):
        require(shared, {STATE: (7,)})
    with pytest.raises(FileFormatError, match=r"webcam' has shape \(16, 12, 3\)\. Needed is \(210, 160, 3\)"):
        require(shared, {WEBCAM: (210, 160, 3)})


def test_joint_angles_that_are_not_finite_are_refused_with_file_and_row(folder):
    edit_column(folder, STATE, lambda rows: [*rows[:4], [0.0, float("nan"), 0.0], *rows[5:]])
    with pytest.raises(FileFormatError) as caught:
        RecordedEpisodes.open(folder)
    assert "file-000.parquet: feature 'observation.state' is not finite in 1 of 8 frames, first in row 4" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        (STATE, lambda rows: [row[:2] for row in rows], r"rows of shape \(2,\)\. .*float32 of shape \(3,\)"),
        (STATE, lambda rows: [[0.0], *rows[1:]], "rows of different lengths"),
        (STATE, lambda rows: [None, *rows[1:]], "1 rows without a value"),
        (STATE, lambda rows: [["a", "b", "c"] for _ in rows], "holds string"),
        (STATE, lambda rows: [0.5 for _ in rows], r"rows of shape \(1,\)"),
    ],
)
def test_columns_of_another_shape_are_refused(folder, key, change, message):
    edit_column(folder, key, change)
    with pytest.raises(FileFormatError, match=f"file-000.parquet: feature '{key}' .*{message}"):
        RecordedEpisodes.open(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [{"bytes": b"junk", "path": None}, *rows[1:]], "row 0 cannot be read.*a whole PNG or JPEG"),
        (lambda rows: [{"bytes": rows[0]["bytes"][:-30], "path": None}, *rows[1:]], "row 0 cannot be read"),
        (
            lambda rows: [{"bytes": png(IMAGES[0][:4]), "path": None}, *rows[1:]],
            r"got \(4, 12\), allowed is \(16, 12\)",
        ),
        (lambda rows: [{"bytes": None, "path": "../secret.png"}, *rows[1:]], "a path inside the recording"),
        (lambda rows: [{"bytes": None, "path": "gone.png"}, *rows[1:]], "No such file"),
        (lambda rows: [1 for _ in rows], "holds int64"),
    ],
)
def test_pictures_that_cannot_be_read_are_named(folder, change, message):
    (folder.parent / "secret.png").write_bytes(png(IMAGES[0]))
    edit_column(folder, WEBCAM, change)
    with pytest.raises(FileFormatError, match=rf"file-000\.parquet: feature 'observation.images.webcam'.*{message}"):
        require(folder, {WEBCAM: None})


def test_recordings_from_elsewhere_are_read(folder):
    """Grey pictures, pictures as files, lists of any length, channels first, types and columns we do not know."""
    (folder / "images").mkdir()
    (folder / "images/0.png").write_bytes(png(IMAGES[0]))

    def pictures(rows):
        grey = {"bytes": png(IMAGES[1][..., 0]), "path": "somewhere/else.png"}
        return [{"bytes": None, "path": "images/0.png"}, grey, *rows[2:]]

    def describe(info):
        del info["eyehand"]
        info["features"][WEBCAM] |= {"shape": [3, 16, 12], "names": ["channels", "height", "width"]}
        info["features"][STATE]["names"] = {"motors": ["a", "b", "c"]}
        info["features"]["language"] = {"dtype": "string", "shape": [1], "names": None}

    edit_column(folder, WEBCAM, pictures)
    edit_column(folder, STATE, lambda rows: rows)  # a list of any length where ours has a fixed one
    table = pq.read_table(data_file(folder))
    pq.write_table(table.append_column("language", pa.array(["go"] * 8)), data_file(folder))
    edit_info(folder, describe)
    (folder / "meta/stats.json").unlink()
    (folder / "meta/tasks.parquet").unlink()
    recorded = require(folder, {WEBCAM: SIZE, STATE: (3,)})
    images = recorded.frames([WEBCAM], [0, 1, 2])[WEBCAM]
    assert np.array_equal(images[0], IMAGES[0])
    assert np.array_equal(images[1], np.repeat(IMAGES[1][..., :1], 3, axis=-1))
    assert np.array_equal(images[2], IMAGES[2])
    assert recorded.features[STATE].names == ("a", "b", "c")
    assert recorded.extra == {}
    with pytest.raises(UnknownNameError, match="numeric feature 'language'"):
        recorded.column("language")


def remove_data(folder):
    data_file(folder).unlink()


def cut_data(folder):
    data_file(folder).write_bytes(data_file(folder).read_bytes()[:-100])


def drop_column(folder):
    pq.write_table(pq.read_table(data_file(folder)).drop_columns(["next.done"]), data_file(folder))


def drop_rows(folder):
    pq.write_table(pq.read_table(data_file(folder)).slice(0, 5), data_file(folder))


def drop_episodes(folder):
    (folder / "meta/episodes/chunk-000/file-000.parquet").unlink()


def shift_episodes(folder):
    path = folder / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path).drop_columns(["dataset_from_index"])
    pq.write_table(table.append_column("dataset_from_index", pa.array([0, 5, 6])), path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_data, r"file-000\.parquet: missing or damaged"),
        (cut_data, r"file-000\.parquet: missing or damaged"),
        (drop_column, r"file-000\.parquet: feature 'next\.done' is missing"),
        (drop_rows, "hold 5 frames, the list of episodes says 8"),
        (drop_episodes, "lists no episode"),
        (shift_episodes, "episode 1 has length 1 and starts at row 5 where 3 is next"),
        (lambda folder: (folder / "meta/info.json").unlink(), r"info\.json: cannot be read"),
        (lambda folder: (folder / "meta/info.json").write_text("{"), r"info\.json: not valid JSON"),
        (lambda folder: (folder / "meta/info.json").write_text("[]"), "'codebase_version' is None"),
        (lambda folder: edit_info(folder, lambda i: i.update(codebase_version="v2.1")), "is v2.1. .*converter"),
        (lambda folder: edit_info(folder, lambda i: i.pop("features")), "no block 'features'"),
        (
            lambda folder: edit_info(folder, lambda i: i["features"][STATE].pop("shape")),
            "state' lacks 'dtype' or 'shape'",
        ),
        (lambda folder: edit_info(folder, lambda i: i.update(fps=0)), "'fps' is 0"),
        (lambda folder: edit_info(folder, lambda i: i.update(data_path="data/{episode_chunk}")), "'data_path' is"),
    ],
)
def test_damaged_folders_say_which_file_and_what_is_wrong(folder, damage, message):
    damage(folder)
    with pytest.raises(FileFormatError, match=message):
        RecordedEpisodes.open(folder)


def test_rows_and_features_that_are_not_there_are_refused(shared):
    recorded = RecordedEpisodes.open(shared)
    with pytest.raises(InvalidValueError, match=r"got \[-1, 8\], allowed is numbers from 0 to 7"):
        recorded.frames([STATE], [-1, 8])
    with pytest.raises(UnknownNameError, match=r"Did you mean 'observation\.state'"):
        recorded.frames(["observation.states"], [0])
    assert recorded.frames([WEBCAM], [])[WEBCAM].shape == (0, *SIZE)
    with pytest.raises(ValueError, match="read-only"):
        recorded.column(STATE)[0] = 1

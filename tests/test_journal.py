"""The journal: what was ended survives kills, torn writes, power cuts and a full disk; damage is never passed over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyehand.data.features import Feature
from eyehand.data.journal import Journal
from eyehand.data.recorded import RecordedEpisodes
from eyehand.data.recording import EpisodeWriter
from eyehand.errors import EyehandError, FileFormatError

resource = pytest.importorskip("resource", reason="limits of file size exist on Unix only")

HEADER = {"fps": 10, "robot_type": "baxter"}
EPISODES = [("reach", (b"one", b"two" * 50)), ("push", (b"",)), ("reach", (b"x" * 300, b"y", b"z"))]


def write(path, episodes=EPISODES, unfinished=()):
    """The path of a journal, and how long it was after its header and after each episode."""
    journal = Journal(path, HEADER)
    sizes = [path.stat().st_size]
    for task, frames in episodes:
        for frame in frames:
            journal.append(frame)
        journal.end_episode(task)
        sizes.append(path.stat().st_size)
    for frame in unfinished:
        journal.append(frame)
    journal.close()
    return sizes


def read(path):
    journal = Journal(path, HEADER)
    found = [(episode.task, episode.frames) for episode in journal.read()]
    assert journal.episodes == len(found)
    assert journal.frames == sum(len(frames) for _, frames in found)
    journal.close()
    return found


def test_ended_episodes_are_read_back_and_the_unfinished_one_is_cut_off(tmp_path):
    path = tmp_path / "a.journal"
    sizes = write(path, unfinished=(b"lost",))
    assert path.stat().st_size > sizes[-1]
    assert read(path) == EPISODES
    assert path.stat().st_size == sizes[-1]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_journal_cut_anywhere_keeps_every_episode_that_was_ended(tmp_path, data):
    path = tmp_path / "a.journal"
    path.unlink(missing_ok=True)
    sizes = write(path)
    cut = data.draw(st.integers(0, sizes[-1]))
    os.truncate(path, cut)
    kept = sum(cut >= size for size in sizes[1:])
    assert read(path) == EPISODES[:kept]
    write(path, [("more", (b"after the kill",))])
    assert read(path) == [*EPISODES[:kept], ("more", (b"after the kill",))]


def test_empty_blocks_after_a_power_cut_are_cut_off(tmp_path):
    path = tmp_path / "a.journal"
    write(path)
    with path.open("ab") as file:
        file.write(bytes(4096))
    assert read(path) == EPISODES


def test_damage_before_the_end_is_refused_and_the_remedy_named_keeps_what_is_whole(tmp_path):
    path = tmp_path / "a.journal"
    sizes = write(path)
    content = bytearray(path.read_bytes())
    content[sizes[2] + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=rf"damaged at byte {sizes[2]} of {sizes[-1]}\. .*truncate -s {sizes[2]}"):
        Journal(path, HEADER)
    assert path.read_bytes() == content
    os.truncate(path, sizes[2])
    assert read(path) == EPISODES[:2]


def test_a_second_writer_waits_outside(tmp_path):
    journal = Journal(tmp_path / "a.journal", HEADER)
    with pytest.raises(FileFormatError, match="another process is recording into it"):
        Journal(tmp_path / "a.journal", HEADER)
    journal.close()
    Journal(tmp_path / "a.journal", HEADER).close()


def test_other_settings_are_refused_once_there_is_something_to_lose(tmp_path):
    path = tmp_path / "a.journal"
    write(path, [])
    Journal(path, {**HEADER, "fps": 30}).close()
    Journal(path, HEADER).close()
    write(path)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match=r"3 episodes of a recording with other settings \(fps\)"):
        Journal(path, {**HEADER, "fps": 30})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"my notes\n", b"eyehand journal 7\n and more"])
def test_a_file_of_someone_else_is_left_alone(tmp_path, content):
    path = tmp_path / "a.journal"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="is not a journal"):
        Journal(path, HEADER)
    assert path.read_bytes() == content


def test_a_full_disk_keeps_ended_episodes_and_recording_goes_on_when_there_is_space(tmp_path):
    path = tmp_path / "a.journal"
    sizes = write(path)
    journal = Journal(path, HEADER)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[-1] + 100, hard))
    try:
        with pytest.raises(
            FileFormatError, match=r"cannot be written \(File too large\)\. Episodes that were ended are"
        ):
            journal.append(b"z" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.stat().st_size == sizes[-1]
    journal.append(b"w")
    journal.end_episode("reach")
    journal.close()
    assert read(path) == [*EPISODES, ("reach", (b"w",))]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EyehandError, match=r"a\.journal: cannot be written"):
        Journal(tmp_path / "file" / "a.journal", HEADER)


def test_a_killed_recorder_loses_at_most_its_unfinished_episode(tmp_path):
    folder = tmp_path / "rec"
    script = textwrap.dedent(
        f"""
        import os, signal
        import numpy as np
        from eyehand.data.features import Feature
        from eyehand.data.recording import EpisodeWriter

        writer = EpisodeWriter({str(folder)!r}, {{"q": Feature("float32", (2,))}}, 10, "arm")
        for episode in range(3):
            for frame in range(4):
                writer.add({{"q": np.full(2, 10 * episode + frame)}})
                if (episode, frame) == (2, 2):
                    os.kill(os.getpid(), signal.SIGKILL)
            writer.end_episode("reach")
        """
    )
    child = subprocess.run([sys.executable, "-c", script], check=False)
    assert child.returncode == -signal.SIGKILL
    assert not folder.exists()
    with EpisodeWriter(folder, {"q": Feature("float32", (2,))}, 10, "arm") as writer:
        assert (writer.episodes, writer.frames) == (2, 8)
        writer.add({"q": np.zeros(2)})
        writer.end_episode("after")
    recorded = RecordedEpisodes.open(folder)
    assert [episode.tasks for episode in recorded.episodes] == [("reach",), ("reach",), ("after",)]
    assert recorded.column("q")[:, 0].tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 0]
    assert [entry.name for entry in tmp_path.iterdir()] == ["rec"]

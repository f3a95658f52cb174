"""The ledger counts every piece once, refuses what is over budget, and never forgets; the Target has no side door."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eyehand.data import durable
from eyehand.data.features import Feature
from eyehand.data.ledger import Budget, Ledger
from eyehand.data.recorded import RecordedEpisodes
from eyehand.data.recording import EpisodeWriter
from eyehand.data.target import RecordedTarget
from eyehand.errors import (
    BudgetExceededError,
    FileFormatError,
    InvalidValueError,
    NotDefinedError,
    UnknownNameError,
)

SIZE = (8, 6, 3)
BUDGET = Budget(frames=5, labels=5)


def record(folder, frames=8, key="observation.images.webcam"):
    features = {key: Feature("image", SIZE), "observation.state": Feature("float32", (3,))}
    with EpisodeWriter(folder, features, 10, "baxter", {"target_drawn": False}) as writer:
        for number in range(frames):
            writer.add({key: np.full(SIZE, number, np.uint8), "observation.state": np.full(3, number / 8)})
            writer.end_episode("reach")
    return RecordedEpisodes.open(folder)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return record(tmp_path_factory.mktemp("target") / "twin_frames")


def test_spending_stops_at_the_limit_and_says_so():
    ledger = Ledger(Budget(boxes=76))
    ledger.spend("boxes", 70, "first frames")
    with pytest.raises(BudgetExceededError, match=r"more frames asked for 7 more boxes, 70 are spent .* limit is 76"):
        ledger.spend("boxes", 7, "more frames")
    assert ledger.spent("boxes") == 70
    assert ledger.left("boxes") == 6


def test_kinds_that_a_budget_does_not_name_are_closed_and_trials_are_only_counted():
    ledger = Ledger(Budget())
    with pytest.raises(BudgetExceededError, match="limit is 0"):
        ledger.spend("frames", 1, "a look")
    ledger.spend("trials", 400, "scoring of twin/test")
    assert (ledger.spent("trials"), ledger.left("trials")) == (400, None)
    with pytest.raises(UnknownNameError, match="Did you mean 'frames'"):
        ledger.spend("frame", 1, "a look")
    with pytest.raises(InvalidValueError, match="0 or more"):
        ledger.spend("trials", -1, "a refund")


def test_claims_price_each_item_once_per_source_and_kind():
    ledger = Ledger(Budget(frames=10, labels=10))
    assert ledger.claim(("frames", "labels"), "a", range(4), "first") == 4
    assert ledger.claim(("frames", "labels"), "a", [0, 2, 5, 6, 9], "second") == 3
    assert ledger.claim(("frames",), "b", range(3), "third") == 3
    assert (ledger.spent("frames"), ledger.spent("labels")) == (10, 7)
    assert ledger.entries[2].ranges == ((5, 7), (9, 10))
    with pytest.raises(BudgetExceededError):
        ledger.claim(("labels", "frames"), "b", [7], "fourth")  # labels alone would fit
    assert ledger.spent("labels") == 7


def test_reads_are_on_disk_before_they_are_handed_out_and_survive(tmp_path):
    path = tmp_path / "ledger.json"
    Ledger.open(path, BUDGET).claim(("frames", "labels"), "a", range(3), "frames")
    again = Ledger.open(path, BUDGET)
    assert again.claim(("frames",), "a", range(4), "frames") == 1
    assert Ledger.open(path, BUDGET).spent("frames") == 4
    assert json.loads(path.read_text())["spent"]["frames"] == 4
    assert Ledger.from_json(path.read_text()).to_json() == path.read_text()
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"budget": {}}', '{"budget": {"apples": 1}, "entries": []}', "\xff"])
def test_a_damaged_ledger_is_refused_and_never_started_afresh(tmp_path, text):
    path = tmp_path / "ledger.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileFormatError, match=r"ledger\.json: not a ledger .* never started afresh"):
        Ledger.open(path, BUDGET)
    assert path.read_bytes() == text.encode("latin-1")


def test_a_full_disk_counts_nothing_and_keeps_the_old_ledger(tmp_path, monkeypatch):
    path = tmp_path / "ledger.json"
    ledger = Ledger.open(path, BUDGET)
    ledger.spend("frames", 1, "a look")
    before = path.read_text()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(FileFormatError, match=r"ledger\.json: cannot be written \(No space left on device\)"):
        ledger.claim(("frames",), "a", range(2), "frames")
    monkeypatch.undo()
    assert path.read_text() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.json"]
    assert ledger.spent("frames") == 1
    assert ledger.claim(("frames",), "a", range(2), "frames") == 2


def test_the_target_hands_out_frames_with_labels_and_prices_both(recorded):
    ledger = Ledger(BUDGET)
    frames = RecordedTarget(recorded, ledger).take("frames", 5)
    assert frames.images.shape == (5, *SIZE)
    assert np.array_equal(frames.images[:, 0, 0, 0], range(5))
    assert np.allclose(frames.q_rad[:, 0], np.arange(5) / 8)
    assert frames.environment_state is None
    assert frames.extra == {"target_drawn": False}
    assert (ledger.spent("frames"), ledger.spent("labels")) == (5, 5)


def test_one_frame_more_than_the_budget_raises_and_hands_out_nothing(recorded):
    ledger = Ledger(BUDGET)
    with pytest.raises(BudgetExceededError, match="asked for 6 more frames, 0 are spent and the limit is 5"):
        RecordedTarget(recorded, ledger).take("frames", 6)
    assert ledger.spent("frames") == 0


def test_labels_are_priced_too(recorded):
    with pytest.raises(BudgetExceededError, match="more labels"):
        RecordedTarget(recorded, Ledger(Budget(frames=5, labels=4))).take("frames", 5)


def test_taking_again_after_a_resume_is_free_and_another_recording_is_not(tmp_path, recorded):
    path = tmp_path / "ledger.json"
    RecordedTarget(recorded, Ledger.open(path, BUDGET)).take("frames", 4)
    resumed = Ledger.open(path, BUDGET)
    moved = RecordedEpisodes.open(recorded.folder)
    assert len(RecordedTarget(moved, resumed).take("frames", 5).images) == 5
    assert resumed.spent("frames") == 5
    other = record(tmp_path / "other", frames=7)
    with pytest.raises(BudgetExceededError):
        RecordedTarget(other, resumed).take("frames", 1)


def test_what_a_recording_cannot_give_is_refused_without_a_price(recorded):
    ledger = Ledger(Budget(frames=None, labels=None, boxes=None))
    target = RecordedTarget(recorded, ledger)
    assert len(target) == 8
    with pytest.raises(InvalidValueError, match="got 9, allowed is 1 to 8"):
        target.take("frames", 9)
    with pytest.raises(InvalidValueError, match="number of frames"):
        target.take("frames", 0)
    with pytest.raises(NotDefinedError, match="no boxes"):
        target.take("boxes", 1)
    assert ledger.entries == ()

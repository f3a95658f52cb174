from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from eyehand.errors import EyehandError, FileFormatError, InvalidValueError
from eyehand.learning.checkpoint import Checkpoint, CheckpointFolder
from eyehand.learning.tensor_file import decode, encode

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool)


def model(step: int) -> dict[str, Tensor]:
    return {"a.weight": torch.full((3, 2), float(step)), "a.bias": torch.arange(2.0)}


def save_step(folder: CheckpointFolder, step: int) -> None:
    folder.save(step, model(step), {"optimizer/step": torch.tensor(step)}, {"phase": "control", "rate": 0.1})


def names(path: Path) -> set[str]:
    return {p.name for p in path.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "checkpoints")


def test_the_stream_is_a_safetensors_file_like_the_librarys_own() -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = {str(d): (torch.rand(3, 5, generator=generator) * 2).to(d) for d in DTYPES}
    tensors |= {"scalar": torch.tensor(3), "empty": torch.zeros(0, 4), "turned": torch.rand(4, 3).T}
    data = b"".join(encode(tensors))
    back = decode(data, Path("x"))
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[n], t) and back[n].dtype == t.dtype for n, t in tensors.items())
    theirs = decode(save({n: t.contiguous() for n, t in tensors.items()}), Path("x"))
    assert all(torch.equal(back[n], theirs[n]) for n in tensors)
    assert data == b"".join(encode(dict(reversed(tensors.items()))))


def test_a_checkpoint_comes_back_as_it_was(folder: CheckpointFolder) -> None:
    assert folder.load() is None
    save_step(folder, 5)
    checkpoint = folder.load()
    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.warnings) == (5, ())
    assert checkpoint.state == {"phase": "control", "rate": 0.1}
    assert torch.equal(checkpoint.model["a.weight"], model(5)["a.weight"])
    assert checkpoint.extra["optimizer/step"].item() == 5
    assert names(folder.path / "5") == {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}
    assert (folder.path / "last").read_text() == "5\n"
    assert torch.equal(load_file(folder.path / "5" / "model.safetensors")["a.bias"], torch.arange(2.0))


def test_only_the_newest_stay(folder: CheckpointFolder) -> None:
    for step in (1, 5, 10, 20):
        save_step(folder, step)
    assert names(folder.path) == {"10", "20", "last"}
    assert folder.steps() == [10, 20]
    older = folder.load(step=10)
    assert older is not None
    assert older.step == 10
    with pytest.raises(FileFormatError, match=r"no such checkpoint.*10, 20"):
        folder.load(step=5)


def damage_nothing_left(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def damage_bit(path: Path) -> None:
    data = bytearray((path / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (path / "model.safetensors").write_bytes(data)


def damage_short(path: Path) -> None:
    data = (path / "optimizer.safetensors").read_bytes()
    (path / "optimizer.safetensors").write_bytes(data[:-4])


def damage_state(path: Path) -> None:
    (path / "state.json").write_text("{}")


def damage_manifest(path: Path) -> None:
    (path / "manifest.json").write_text("not json")


def damage_name(path: Path) -> None:
    content = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**content, "step": 99}))


DAMAGES = (damage_nothing_left, damage_bit, damage_short, damage_state, damage_manifest, damage_name)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_corrupt_checkpoint_is_told_and_the_one_before_is_used(
    folder: CheckpointFolder, damage: Callable[[Path], None]
) -> None:
    save_step(folder, 1)
    save_step(folder, 2)
    damage(folder.path / "2")
    checkpoint = folder.load()
    assert checkpoint is not None
    assert checkpoint.step == 1
    assert len(checkpoint.warnings) == 1
    assert str(folder.path / "2") in checkpoint.warnings[0]
    assert "Falling back to checkpoint 1." in checkpoint.warnings[0]
    with pytest.raises(FileFormatError, match="Restore it from a copy"):
        folder.load(step=2)
    damage(folder.path / "1")
    with pytest.raises(FileFormatError, match=r"no checkpoint is whole.*Restore it from a copy"):
        folder.load()


def test_corrupt_checkpoints_never_push_out_whole_ones(folder: CheckpointFolder) -> None:
    folder.keep = 3
    for step in (1, 2, 3):
        save_step(folder, step)
    damage_bit(folder.path / "2")
    damage_bit(folder.path / "3")
    resumed = CheckpointFolder(folder.path)
    assert resumed.load() is not None
    resumed.save(2, model(7), {}, {})
    assert resumed.steps() == [1, 2]
    replaced = resumed.load()
    assert replaced is not None
    assert replaced.model["a.weight"][0, 0] == 7
    assert names(resumed.path) == {"1", "2", "last"}


def test_weights_can_be_read_without_the_optimizer(folder: CheckpointFolder) -> None:
    save_step(folder, 1)
    damage_short(folder.path / "1")
    checkpoint = folder.load(weights_only=True)
    assert checkpoint is not None
    assert checkpoint.extra == {}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(folder: CheckpointFolder, bad: float) -> None:
    save_step(folder, 1)
    weights = model(2)
    weights["a.bias"][0] = bad
    with pytest.raises(InvalidValueError, match=r"a\.bias in step 2.*checkpoint 1 is intact.*1 of 2 numbers"):
        folder.save(2, weights, {}, {})
    assert names(folder.path) == {"1", "last"}


def test_weights_on_disk_that_are_not_finite_are_refused(
    folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("eyehand.learning.checkpoint.require_finite", lambda *_: None)
        folder.save(1, {"w": torch.tensor([float("nan")])}, {}, {})
    with pytest.raises(FileFormatError, match="weights w"):
        folder.load()


def test_a_state_that_is_not_finite_is_refused(folder: CheckpointFolder) -> None:
    with pytest.raises(InvalidValueError, match="state of checkpoint 1"):
        folder.save(1, model(1), {}, {"best": float("-inf")})
    assert not folder.path.exists()


def test_strays_of_dead_writers_go_and_those_of_live_ones_stay(folder: CheckpointFolder) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    live = os.getppid()
    save_step(folder, 1)
    for pid in (dead.pid, live):
        (folder.path / f"step-2.tmp-{pid}").mkdir()
        (folder.path / f"step-2.tmp-{pid}" / "model.safetensors").touch()
    (folder.path / f".last.tmp-{dead.pid}").touch()
    assert folder.steps() == [1]
    save_step(folder, 2)
    assert names(folder.path) == {"1", "2", "last", f"step-2.tmp-{live}"}


class Fault:
    """Fails the n-th call of the system calls that make a checkpoint durable."""

    def __init__(self, patch: pytest.MonkeyPatch, n: int, error: BaseException) -> None:
        self.calls, self.n, self.error = 0, n, error
        for name in ("fsync", "rename", "replace", "mkdir"):
            patch.setattr(os, name, self.wrap(getattr(os, name)))

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == self.n:
                raise self.error
            return function(*args, **kwargs)

        return call


def test_a_full_disk_leaves_the_earlier_checkpoint_and_no_debris(
    folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_step(folder, 1)
    for n in range(1, 100):
        with monkeypatch.context() as patch:
            fault = Fault(patch, n, OSError(errno.ENOSPC, "No space left on device"))
            try:
                save_step(folder, 2)
            except EyehandError as error:
                message = str(error)
            else:
                break
        assert str(folder.path) in message
        assert "disk is full" in message or "No space left on device" in message
        checkpoint = folder.load()
        assert checkpoint is not None
        assert checkpoint.warnings == ()
        assert torch.equal(checkpoint.model["a.weight"], model(checkpoint.step)["a.weight"])
        assert not [name for name in names(folder.path) if "tmp" in name]
        shutil.rmtree(folder.path / "2", ignore_errors=True)
    assert fault.calls >= 9, "the loop must have met every call of a save"


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(EyehandError, match=r"checkpoint 1 could not be written.*There is no earlier checkpoint"):
        save_step(CheckpointFolder(tmp_path / "checkpoints"), 1)


def test_keeping_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="at least 1"):
        CheckpointFolder(tmp_path, keep=0)


def test_a_checkpoint_is_a_value() -> None:
    assert Checkpoint(1, {}, {}, {}) == Checkpoint(1, {}, {}, {})

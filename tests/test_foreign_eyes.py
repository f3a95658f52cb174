"""Eyes from elsewhere: functions and ONNX files that give masks, and what is refused of them."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch

from eyehand.data.ledger import Ledger
from eyehand.errors import EyehandError, FileFormatError, InvalidValueError, PairingError, UnknownNameError
from eyehand.evaluation.protocol import count_test_reads, summarise
from eyehand.evaluation.trained import Subject, Trained, with_eyes
from eyehand.learning.foreign_eyes import ForeignEyes, load_eyes, to_masks
from eyehand.learning.rollout import Episodes
from eyehand.learning.run import Run
from eyehand.methods import load_method
from eyehand.tasks import load_task
from eyehand.types import Camera, Observation
from eyehand.world.domain_files import load_domain


def seen(frames: np.ndarray) -> Observation:
    zeros = np.zeros(len(frames))
    return Observation({"hand": Camera(frames, zeros)}, None, None, None, zeros == 0, zeros)


def frames(count: int = 2) -> np.ndarray:
    out = np.zeros((count, 200, 200, 3), np.uint8)
    out[0, 40:60, 80:120] = (250, 220, 20)
    return out


def yellow(pictures: np.ndarray) -> np.ndarray:
    return (pictures[..., 0] > 200) & (pictures[..., 2] < 100)


def test_a_functions_masks_are_scaled_to_ours() -> None:
    found = ForeignEyes(yellow, "yellow").perceive(seen(frames()))
    assert found.shape == (2, 100, 100)
    assert found.dtype == torch.float32
    assert found[0, 20:30, 40:60].min() == 1.0
    assert float(found.sum()) == 200.0


@pytest.mark.parametrize("shape", [(2, 50, 50), (2, 1, 50, 50), (2, 50, 50, 1), (2, 320, 240), (2, 100, 100)])
def test_maps_of_any_size_are_taken(shape: tuple[int, ...]) -> None:
    found = to_masks(np.full(shape, 0.25), 2, "it")
    assert found.shape == (2, 100, 100)
    assert torch.allclose(found, torch.full_like(found, 0.25))


@pytest.mark.parametrize("last", [False, True])
def test_a_large_map_keeps_its_mass_wherever_its_channel_stands(last: bool) -> None:
    drawn = np.zeros((1, 400, 400))
    drawn[:, ::5] = 1.0  # lines that are lost, or taken for all there is, where pixels are skipped
    found = to_masks(drawn[..., None] if last else drawn[:, None], 1, "it")
    assert float(found.mean()) == pytest.approx(0.2)


def test_a_rounding_error_above_one_is_no_logit() -> None:
    found = to_masks(np.full((1, 9, 9), np.nextafter(np.float32(1.0), np.float32(2.0))), 1, "it")
    assert found.max() == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 200, 200, 3)), r"float64 \(2, 200, 200, 3\) for 2 frames"),
        (np.zeros((3, 9, 9)), "one map for each frame"),
        (np.full((2, 9, 9), 3.5), "put a sigmoid behind logits"),
        (np.full((2, 9, 9), np.nan), "probabilities"),
        (np.array(["a", "b"]), "probabilities"),
    ],
)
def test_anything_else_is_refused_by_name(given: np.ndarray, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as told:
        ForeignEyes(lambda _: given, "my.module:eyes").perceive(seen(frames()))
    assert "my.module:eyes" in str(told.value)


def test_a_tensor_that_is_no_array_is_refused_by_name() -> None:
    given = torch.zeros((2, 9, 9), requires_grad=True)
    with pytest.raises(InvalidValueError, match=r"my\.module:eyes: got .Tensor \(Can't call.*allowed is an array"):
        ForeignEyes(lambda _: given, "my.module:eyes").perceive(seen(frames()))


def test_a_function_that_fails_keeps_its_trace() -> None:
    with pytest.raises(KeyError, match="weights"):
        ForeignEyes(lambda _: {}["weights"], "my.module:eyes").perceive(seen(frames()))


def test_functions_are_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "borrowed_eyes.py").write_text("def look(frames):\n    return frames[..., 0] / 255\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert load_eyes("borrowed_eyes:look").perceive(seen(frames())).shape == (2, 100, 100)
    with pytest.raises(UnknownNameError, match="Did you mean 'look'"):
        load_eyes("borrowed_eyes:loock")
    with pytest.raises(EyehandError, match="cannot be imported"):
        load_eyes("no_such_module:look")
    for reference in ("borrowed_eyes", ".borrowed_eyes:look"):
        with pytest.raises(InvalidValueError, match=r"package\.module:function"):
            load_eyes(reference)
    sys.modules.pop("borrowed_eyes")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("def look(frames)\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("import sys\n\nsys.exit(3)\n", "SystemExit: 3"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_module_that_breaks_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, message: str
) -> None:
    (tmp_path / "broken_eyes.py").write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(EyehandError, match=rf"--eyes broken_eyes:look: the module cannot be imported \({message}"):
        load_eyes("broken_eyes:look")


class OnnxError(Exception):
    """Stands in for onnxruntime's errors, each of which derives from Exception alone."""


class Session:
    """Stands in for onnxruntime: red above a half, at the size of the input."""

    kind, shape = "tensor(float)", ["B", 3, 64, 64]
    given: ClassVar[list[int]] = []  # frames at a time

    def __init__(self, path: str, *_: object, **__: object) -> None:
        if b"broken" in Path(path).read_bytes():
            raise OnnxError("no model in it")

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="x", type=self.kind, shape=self.shape)]

    def run(self, _: object, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        pictures = given["x"]
        self.given.append(len(pictures))
        if isinstance(self.shape[0], int) and len(pictures) != self.shape[0]:
            raise OnnxError(f"Got invalid dimensions for input: x\n index: 0 Got: {len(pictures)}\n")
        if self.kind == "tensor(float)":
            assert pictures.shape[1:] == (3, 64, 64)
            assert pictures.dtype == np.float32
            return [pictures[:, :1]]
        assert pictures.dtype == np.uint8
        return [pictures[..., 0] / 255.0]


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    class Other(Session):
        given: ClassVar[list[int]] = []

    module = ModuleType("onnxruntime")
    module.InferenceSession = Other
    module.SessionOptions = SimpleNamespace
    module.capi = SimpleNamespace(onnxruntime_pybind11_state=SimpleNamespace(Fail=OnnxError, Session=Other))
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    return Other


@pytest.mark.parametrize(
    ("kind", "shape"), [("tensor(float)", ["B", 3, 64, 64]), ("tensor(uint8)", ["B", "H", "W", 3])]
)
def test_onnx_files_get_frames_as_they_ask(tmp_path: Path, runtime: type, kind: str, shape: list) -> None:
    runtime.kind, runtime.shape = kind, shape
    path = tmp_path / "eyes.onnx"
    path.write_bytes(b"fine")
    found = load_eyes(str(path)).perceive(seen(frames()))
    assert found[0, 25, 50] == pytest.approx(250 / 255, abs=0.02)
    assert found[1].max() == 0.0


@pytest.mark.parametrize(("batch", "given"), [(1, [1] * 4), (2, [2, 2]), (4, [4]), ("B", [4]), (None, [4])])
def test_files_of_a_fixed_batch_get_as_many_frames_at_a_time(
    tmp_path: Path, runtime: type, batch: object, given: list[int]
) -> None:
    runtime.shape, path = [batch, 3, 64, 64], tmp_path / "eyes.onnx"
    path.write_bytes(b"fine")
    found = load_eyes(str(path)).perceive(seen(frames(4)))
    assert runtime.given == given
    assert found.shape == (4, 100, 100)
    assert found[0, 25, 50] == pytest.approx(250 / 255, abs=0.02)
    assert found[1:].max() == 0.0


def test_frames_that_a_fixed_batch_does_not_divide_are_refused(tmp_path: Path, runtime: type) -> None:
    runtime.shape, path = [3, 3, 64, 64], tmp_path / "eyes.onnx"
    path.write_bytes(b"fine")
    with pytest.raises(InvalidValueError, match=r"number of frames in .*eyes\.onnx: got 4, allowed is a multiple of 3"):
        load_eyes(str(path)).perceive(seen(frames(4)))


def test_what_goes_wrong_while_a_file_runs_is_told_in_one_line_with_its_name(tmp_path: Path, runtime: type) -> None:
    path = tmp_path / "eyes.onnx"
    path.write_bytes(b"fine")
    runtime.shape = ["B", 3, 64, 64]
    eyes = load_eyes(str(path))
    runtime.shape = [7, 3, 64, 64]
    message = r"eyes\.onnx: onnxruntime cannot run it on an input of float32 \(2, 3, 64, 64\) \(Got .* Got: 2\)"
    with pytest.raises(FileFormatError, match=message):
        eyes.perceive(seen(frames()))
    runtime.run = lambda *_: [np.zeros((64, 64))]
    with pytest.raises(InvalidValueError, match=r"masks in .*eyes\.onnx: got 'float64 \(64, 64\) for 2 frames'"):
        eyes.perceive(seen(frames()))


def test_strange_onnx_files_are_refused(tmp_path: Path, runtime: type) -> None:
    path = tmp_path / "eyes.onnx"
    with pytest.raises(FileFormatError, match="no such file"):
        load_eyes(str(path))
    path.write_bytes(b"broken")
    with pytest.raises(FileFormatError, match="no model in it"):
        load_eyes(str(path))
    path.write_bytes(b"fine")
    runtime.shape = ["B", 1, 64, 64]
    with pytest.raises(FileFormatError, match=r"Allowed is one input, uint8 \(B, H, W, 3\)"):
        load_eyes(str(path))


def test_without_onnxruntime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    path = tmp_path / "eyes.onnx"
    path.write_bytes(b"fine")
    with pytest.raises(EyehandError, match=r"pip install 'eyehand\[onnx\]'"):
        load_eyes(str(path))


def untrained(method_name: str, task_name: str) -> Trained:
    method, task = load_method(method_name), load_task(task_name)
    config = method.preset("tiny")
    return Trained(None, Subject(method_name, task_name), config, method, task, method.networks(config, task, 0))


def test_they_take_the_place_of_a_policys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "borrowed", SimpleNamespace(look=yellow))
    trained = with_eyes(untrained("mask_grasp", "sphere_grasp"), "borrowed:look")
    obs = dataclasses.replace(seen(frames()), proprio=np.zeros((2, 8)))
    assert "privileged" not in trained.policy.reads
    decision = trained.policy.act(obs, None)
    assert decision.value.shape == (2, 8)
    assert decision.aux["interface"].sum() == 200.0
    assert with_eyes(trained, "") is trained


def test_scores_and_the_ledger_name_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = dataclasses.replace(untrained("mask_grasp", "sphere_grasp"), run=Run.create(tmp_path / "run", {"seed": 0}))
    theirs = dataclasses.replace(own, eyes=ForeignEyes(yellow, "borrowed:look"))
    test = load_domain("twin/test", "sphere_grasp")
    for trained in (own, theirs):
        count_test_reads(trained, test, 3)
    entries = Ledger.open(tmp_path / "run/ledger.json", own.method.budget).entries
    assert [entry.what for entry in entries] == [
        "episodes of twin/test",
        "episodes of twin/test with the eyes borrowed:look",
    ]
    monkeypatch.setattr("eyehand.evaluation.protocol.perception_errors", lambda *_: {})
    none = np.zeros(2)
    episodes = Episodes(np.arange(2), none > 0, none > 0, none, none, {})
    assert [summarise(one, test, episodes).eyes for one in (own, theirs)] == ["", "borrowed:look"]


def test_a_controller_that_takes_no_masks_refuses_them() -> None:
    with pytest.raises(PairingError, match=r"policy \(modular_dqn\) is scene_configuration"):
        with_eyes(untrained("modular_dqn", "planar_reach"), "borrowed:look")

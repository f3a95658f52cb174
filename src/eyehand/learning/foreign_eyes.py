"""Eyes from elsewhere: any segmenter, as an ONNX file or a Python function, in front of a trained controller.

A function takes frames (B, H, W, 3) uint8 and gives probabilities (B, h, w), which are scaled to the mask's size.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast, final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from eyehand.errors import EyehandError, FileFormatError, InvalidValueError, UnknownNameError
from eyehand.interfaces import mask
from eyehand.types import Array, Group, Images, Observation

Segmenter: TypeAlias = Callable[[Images], Array]
EXTRA = "pip install 'eyehand[onnx]'"
_ROUNDING = 1e-3  # how far outside of 0 to 1 a probability may be by the arithmetic of its segmenter
_PROBABILITIES = "probabilities (B, h, w) from 0 to 1, one map for each frame"


@final
class ForeignEyes:
    """A perception of masks that somebody else made; nothing of it is learnt here."""

    reads: frozenset[Group] = frozenset({"camera"})

    def __init__(self, segmenter: Segmenter, name: str) -> None:
        """Take the function from frames to probabilities, and its name for messages."""
        self._segmenter, self.name = segmenter, name

    def perceive(self, obs: Observation) -> torch.Tensor:
        """Probabilities (B, 100, 100) for the frames of the observation's only camera.

        Raises:
            InvalidValueError: the segmenter gave something else than probabilities for every frame.
            FileFormatError: it is an ONNX file that onnxruntime cannot run on them.
            Exception: whatever a function raises itself; its trace names the line.
        """
        (camera,) = obs.cameras.values()
        frames = cast(Images, camera.rgb)
        found = self._segmenter(frames)
        try:
            maps = np.asarray(found)
        except (RuntimeError, TypeError, ValueError) as error:  # such as a tensor on a GPU, or one that wants gradients
            got = f"{type(found).__name__} ({_line(error)})"
            raise InvalidValueError("masks", got, f"an array of {_PROBABILITIES}", self.name) from error
        return to_masks(maps, len(frames), self.name)

    def groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Nothing is learnt."""
        return {}


def to_masks(found: Array, batch: int, name: str) -> torch.Tensor:
    """What a segmenter gave as masks (B, 100, 100) float32.

    Args:
        found: (B, h, w) or (B, 1, h, w) or (B, h, w, 1), true or false or from 0 to 1.
        batch: number of frames it was given.
        name: the segmenter, for messages.

    Raises:
        InvalidValueError: another shape, or a number that is not finite or outside 0 to 1.
    """
    shape = found.shape
    if found.ndim == 4 and 1 in (shape[1], shape[3]):
        found = found.squeeze(1 if shape[1] == 1 else 3)
    if found.ndim != 3 or len(found) != batch or 0 in found.shape or found.dtype.kind not in "bfiu":
        raise InvalidValueError("masks", f"{found.dtype} {shape} for {batch} frames", _PROBABILITIES, name)
    if not (np.isfinite(found).all() and found.min() >= -_ROUNDING and found.max() <= 1 + _ROUNDING):
        got = f"numbers from {found.min():.4g} to {found.max():.4g}"
        raise InvalidValueError("masks", got, f"{_PROBABILITIES}; put a sigmoid behind logits", name)
    maps = torch.as_tensor(found.astype(np.float32))[:, None].clamp(0.0, 1.0)
    if found.shape[1] >= mask.SIZE[0] and found.shape[2] >= mask.SIZE[1]:
        return functional.interpolate(maps, mask.SIZE, mode="area")[:, 0]
    return functional.interpolate(maps, mask.SIZE, mode="bilinear", align_corners=False)[:, 0].clamp(0.0, 1.0)


def load_eyes(reference: str) -> ForeignEyes:
    """Eyes by reference.

    Args:
        reference: an ONNX file, or "package.module:function" of an installed package or a file in the folder where
            the program was started.

    Raises:
        EyehandError: the file, the module or the function is not there or broken, or onnxruntime is not installed.
    """
    if reference.endswith(".onnx"):
        return ForeignEyes(onnx_segmenter(Path(reference)), reference)
    module, colon, name = reference.partition(":")
    if not colon or not module or not name or module.startswith("."):
        allowed = "an ONNX file such as eyes.onnx, or package.module:function"
        raise InvalidValueError("eyes", reference, allowed, "--eyes")
    return ForeignEyes(_function(module, name), reference)


def _function(module: str, name: str) -> Segmenter:
    """A function of a module, which may lie in the current folder."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        loaded = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # whatever a user's file does when it is read, a script's exit included
        what = f"{type(error).__name__}: {_line(error)}"
        raise EyehandError(f"--eyes {module}:{name}: the module cannot be imported ({what}).") from error
    found = getattr(loaded, name, None)
    if not callable(found):
        functions = [key for key, value in vars(loaded).items() if callable(value) and not key.startswith("_")]
        raise UnknownNameError("function", name, functions, f"module {module}")
    return cast(Segmenter, found)


def onnx_segmenter(path: Path) -> Segmenter:
    """The segmenter in an ONNX file.

    Its only input is either uint8 (B, H, W, 3), or floating point (B, 3, H, W) with colours from 0 to 1; frames are
    scaled where H and W are fixed, and given B at a time where B is. Its first output is taken.

    Raises:
        EyehandError: onnxruntime is not installed.
        FileFormatError: the file is missing or broken, or its input is of another kind.
    """
    if not path.is_file():
        raise FileFormatError(path, "there is no such file", "Name an ONNX file or package.module:function.")
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise EyehandError(f"{path}: eyes in ONNX files need onnxruntime: {EXTRA}") from error
    try:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _raised(runtime) as error:
        raise FileFormatError(path, f"onnxruntime cannot load it ({_line(error)})", "Export it again.") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        told = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise _strange(path, f"its inputs are {told}")
    return _OnnxSegmenter(session, str(path), _raised(runtime))


def _raised(runtime: Any) -> tuple[type[Exception], ...]:
    """What onnxruntime raises: classes of its own, which have nothing in common but Exception, and Python's."""
    own = cast(dict[str, object], vars(runtime.capi.onnxruntime_pybind11_state)).values()
    errors = [one for one in own if isinstance(one, type) and issubclass(one, Exception)]
    return (RuntimeError, TypeError, ValueError, *errors)


def _line(error: BaseException) -> str:
    """What an error says, which may be spread over lines."""
    return " ".join(str(error).split())


def _strange(path: Path | str, problem: str) -> FileFormatError:
    remedy = "Allowed is one input, uint8 (B, H, W, 3) or float (B, 3, H, W) with colours from 0 to 1."
    return FileFormatError(path, problem, remedy)


@final
class _OnnxSegmenter:
    """A loaded ONNX file, which is run on frames."""

    def __init__(self, session: Any, path: str, raised: tuple[type[Exception], ...]) -> None:
        self._session, (self._input,), self._path, self._raised = session, session.get_inputs(), path, raised
        kind, shape = str(self._input.type), list(self._input.shape)
        self._float = {"tensor(float)": np.float32, "tensor(float16)": np.float16}.get(kind)
        if not (kind == "tensor(uint8)" and shape[3] == 3) and not (self._float and shape[1] == 3):
            raise _strange(path, f"its input is {kind} {shape}")
        size = shape[2:] if self._float else shape[1:3]
        fixed = all(isinstance(one, int) for one in size)
        self._size = (int(size[0]), int(size[1])) if fixed else None
        self._batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None

    def __call__(self, frames: Images) -> Array:
        """The first output for frames (B, H, W, 3) uint8.

        Raises:
            InvalidValueError: the file takes several frames at a time, and these are no multiple of them; or it gives
                something else than a map for each.
            FileFormatError: onnxruntime cannot run it on them.
        """
        pictures = torch.tensor(frames).permute(0, 3, 1, 2).float()  # (B, 3, H, W)
        if self._size is not None and self._size != tuple(pictures.shape[2:]):
            pictures = functional.interpolate(pictures, self._size, mode="bilinear", antialias=True)
        if self._float:
            given = (pictures / 255.0).numpy().astype(self._float)
        else:
            given = pictures.round().clamp(0, 255).permute(0, 2, 3, 1).numpy().astype(np.uint8)
        batch = self._batch or len(given)
        if len(given) % batch:
            allowed = f"a multiple of {batch}, the file's fixed batch; one that is free or 1 takes any number"
            raise InvalidValueError("number of frames", len(given), allowed, self._path)
        return np.concatenate([self._run(given[start : start + batch]) for start in range(0, len(given), batch)])

    def _run(self, given: Array) -> Array:
        """The first output (B, ...) for one batch, whose frames are as the file takes them."""
        try:
            found = np.asarray(self._session.run(None, {self._input.name: np.ascontiguousarray(given)})[0])
        except self._raised as error:
            problem = f"onnxruntime cannot run it on an input of {given.dtype} {given.shape} ({_line(error)})"
            raise FileFormatError(self._path, problem, "Export it again.") from error
        if found.ndim < 3 or len(found) != len(given):
            got = f"{found.dtype} {found.shape} for {len(given)} frames"
            raise InvalidValueError("masks", got, _PROBABILITIES, self._path)
        return found

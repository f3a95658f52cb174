"""The safetensors format as a stream, and the refusal of weights that are not finite.

The writer yields the file in pieces, so that a large replay is neither copied nor serialised in memory and its checksum
is computed on the way. The format is that of the `safetensors` library, which reads it back: eight bytes with the
header's length, a JSON header, then the tensors' bytes (https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from eyehand.errors import FileFormatError, InvalidValueError

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def encode(tensors: Mapping[str, Tensor]) -> Iterator[bytes | memoryview]:
    """The pieces of a safetensors file that holds the tensors; the same tensors give the same bytes.

    Args:
        tensors: names to tensors, any device and layout.
    """
    # Wide types first keeps every tensor aligned to its element size; the reader demands that no byte lies between.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    header: dict[str, object] = {}
    offset = 0
    for name, tensor in ordered:
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for _, tensor in ordered:
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        yield flat.numpy().data


def decode(data: bytes, path: Path) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file, on the CPU.

    Args:
        data: the bytes.
        path: where they came from, for messages.

    Raises:
        FileFormatError: the bytes are not in the format.
    """
    try:
        return load(data)
    except (SafetensorError, ValueError) as error:
        raise FileFormatError(path, f"not a safetensors file ({error})", "Restore it from a copy.") from error


def require_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuse NaN and infinite weights.

    Args:
        tensors: weights by name.
        where: what they belong to, for messages.

    Raises:
        InvalidValueError: names the tensor and how many of its elements are bad.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            got = f"{bad} of {tensor.numel()} numbers NaN or infinite"
            raise InvalidValueError(f"weights {name}", got, "finite numbers", where)

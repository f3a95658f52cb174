"""Random generators that are handed to learners: made from a seed and a name, saved and restored as tensors.

Nothing in training draws from global randomness; its state is kept in checkpoints all the same, so that a third-party
module that does draw from it cannot break a resume.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def spawn(seed: int, name: str, device: str = "cpu") -> torch.Generator:
    """A generator that depends on the seed and the name alone.

    Args:
        seed: the run's seed.
        name: the use, for example "control/explore"; different names give independent streams.
        device: where the generator draws.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def generator_tensors(**generators: torch.Generator) -> dict[str, Tensor]:
    """The state of every generator as a uint8 tensor under its name."""
    return {name: generator.get_state() for name, generator in generators.items()}


def restore_generators(tensors: Mapping[str, Tensor], **generators: torch.Generator) -> None:
    """Put back what `generator_tensors` gave."""
    for name, generator in generators.items():
        generator.set_state(tensors[name].clone())


def global_tensors() -> dict[str, Tensor]:
    """The state of torch's global generators: the CPU's, and every GPU's once CUDA is in use."""
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        tensors |= {str(index): state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    return tensors


def restore_global(tensors: Mapping[str, Tensor]) -> None:
    """Put back what `global_tensors` gave; GPUs that are not there are left out."""
    torch.set_rng_state(tensors["cpu"].clone())
    for name in tensors.keys() - {"cpu"}:
        if int(name) < torch.cuda.device_count():
            torch.cuda.set_rng_state(tensors[name].clone(), int(name))

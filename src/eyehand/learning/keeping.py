"""What a learner keeps in checkpoints besides the weights of the policy: optimisers, generators, replays, worlds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from eyehand.learning import tensors
from eyehand.learning.configuration import JSON


class Keepable(Protocol):
    """Anything that gives its changing content as tensors and takes it back."""

    def tensors(self) -> dict[str, Tensor]:
        """Everything that changes."""
        ...

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        ...


P = TypeVar("P", bound=torch.optim.Optimizer | torch.Generator | nn.Module | Keepable)


class Keeping:
    """Base of learners: whatever went through `keep` is saved and restored, and so is `done`, the updates made."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.done: int = 0
        self._parts: dict[str, torch.optim.Optimizer | torch.Generator | nn.Module | Keepable] = {}

    def keep(self, name: str, part: P) -> P:
        """Save this part under a name from now on; gives it back."""
        self._parts[name] = part
        return part

    def extra(self) -> dict[str, Tensor]:
        """Every tensor of every part, named PART/TENSOR."""
        return {f"{name}/{k}": v for name, part in self._parts.items() for k, v in _content(part).items()}

    def state(self) -> dict[str, JSON]:
        """The number of updates made."""
        return {"done": self.done}

    def restore(self, extra: Mapping[str, Tensor], state: Mapping[str, JSON]) -> None:
        """Put back what `extra` and `state` gave."""
        done = state.get("done")
        self.done = done if isinstance(done, int) else 0
        for name, part in self._parts.items():
            prefix = f"{name}/"
            _put_back(part, {k.removeprefix(prefix): v for k, v in extra.items() if k.startswith(prefix)})


def _content(part: torch.optim.Optimizer | torch.Generator | nn.Module | Keepable) -> dict[str, Tensor]:
    if isinstance(part, torch.optim.Optimizer):
        return tensors.optimiser_tensors(part)
    if isinstance(part, torch.Generator):
        return {"state": part.get_state()}
    if isinstance(part, nn.Module):
        return dict(part.state_dict())
    return part.tensors()


def _put_back(
    part: torch.optim.Optimizer | torch.Generator | nn.Module | Keepable, content: Mapping[str, Tensor]
) -> None:
    if isinstance(part, torch.optim.Optimizer):
        tensors.restore_optimiser(part, content)
    elif isinstance(part, torch.Generator):
        part.set_state(content["state"].clone())
    elif isinstance(part, nn.Module):
        part.load_state_dict(content)
    else:
        part.restore(content)

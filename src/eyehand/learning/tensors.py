"""Optimisers and worlds as flat dictionaries of tensors, for checkpoints, and the device to learn on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import nn

from eyehand.errors import FileFormatError, InvalidValueError
from eyehand.world.rows import default_threads
from eyehand.world.simulation import SimulatedWorld

T = TypeVar("T")


def choose_device(name: str) -> torch.device:
    """The device for "auto", "cpu" or "cuda"; auto takes a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in {"cpu", "cuda"} or (name == "cuda" and not torch.cuda.is_available()):
        allowed = "auto, cpu or cuda" if torch.cuda.is_available() else "auto or cpu (this machine has no CUDA device)"
        raise InvalidValueError("device", name, allowed)
    return torch.device(name)


def use_threads(count: int = 0) -> int:
    """Let PyTorch compute on this many threads; 0 stands for half of the cores, the others draw pictures.

    On two cores that is one: a second thread that waits for a shared core makes every operation many times slower.

    Returns:
        The number of threads.

    Raises:
        InvalidValueError: a negative count.
    """
    if count < 0:
        raise InvalidValueError("threads", count, "at least 1, or 0 for half of the cores")
    threads = count or max(1, default_threads() // 2)
    torch.set_num_threads(threads)
    return threads


def device_of(module: nn.Module) -> torch.device:
    """The device of a module's parameters."""
    return next(module.parameters()).device


def onto(module: nn.Module, array: object) -> torch.Tensor:
    """An array or tensor as a tensor on the device of a module's parameters."""
    return torch.as_tensor(array).to(device_of(module))


Fall: TypeAlias = tuple[float, float, float]  # step size at the start and at the end, share of training that is over


def descend(optimiser: torch.optim.Optimizer, loss: torch.Tensor, fall: Fall, *, gentle: bool = False) -> None:
    """One step down the gradient.

    Args:
        optimiser: of the parameters that are moved.
        loss: what is made smaller.
        fall: the step size falls in a straight line from the first to the second number.
        gentle: shorten gradients to 0.1 and let the step size rise over the first thirtieth of training. For networks
            that move to images they have never seen, where the first errors are a hundred times the later ones.
    """
    lr, lr_end, done = fall
    rise = min(1.0, 0.01 + 30.0 * done) if gentle else 1.0
    for group in optimiser.param_groups:
        group["lr"] = rise * (lr + (lr_end - lr) * done)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # pyright: ignore[reportUnknownMemberType] - untyped in torch
    if gentle:
        nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], 0.1)
    optimiser.step()


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, rate: float) -> None:
    """Move the parameters of a target network a share `rate` of the way towards those of the learning network."""
    for target, source in zip(slow.parameters(), fast.parameters(), strict=True):
        target.lerp_(source, rate)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Every tensor of the optimiser's state, named parameter number/name."""
    state: Mapping[int, Mapping[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{number}/{name}": torch.as_tensor(value).detach().cpu().clone()
        for number, values in state.items()
        for name, value in values.items()
        if value is not None
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what `optimiser_tensors` took."""
    content = optimiser.state_dict()
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split("/")
        parameter = parameters[int(number)]
        # Fused optimisers walk through memory, so the layout has to be the parameter's; files know none.
        like = torch.empty_like(parameter, dtype=value.dtype, device="cpu") if value.shape == parameter.shape else value
        state.setdefault(int(number), {})[name] = like.copy_(value) if like is not value else value.clone()
    optimiser.load_state_dict({"state": state, "param_groups": content["param_groups"]})


def tree_tensors(tree: Any, prefix: str) -> dict[str, torch.Tensor]:
    """Arrays of nested dataclasses and tuples as tensors, named by their path."""
    if tree is None:
        return {}
    if isinstance(tree, np.ndarray):
        return {prefix: torch.as_tensor(tree.copy())}
    parts: dict[str, Any]
    if isinstance(tree, tuple):
        parts = {str(i): part for i, part in enumerate(tree)}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - a tuple of trees
    else:
        parts = {field.name: getattr(tree, field.name) for field in dataclasses.fields(tree)}
    return {k: v for name, part in parts.items() for k, v in tree_tensors(part, f"{prefix}/{name}").items()}


def restore_tree(like: T, tensors: Mapping[str, torch.Tensor], prefix: str) -> T:
    """A tree like `like` with the arrays that `tree_tensors` took; raises FileFormatError where one is missing."""
    if like is None:
        return like
    if isinstance(like, np.ndarray):
        if prefix not in tensors:
            raise FileFormatError("checkpoint", f"it lacks the array {prefix!r}", "It was written by another version.")
        return tensors[prefix].numpy().copy()  # pyright: ignore[reportReturnType] - the array stands for T
    if isinstance(like, tuple):
        return tuple(restore_tree(part, tensors, f"{prefix}/{i}") for i, part in enumerate(like))  # pyright: ignore[reportReturnType, reportUnknownArgumentType, reportUnknownVariableType] - a tuple of trees
    names = [field.name for field in dataclasses.fields(like)]  # pyright: ignore[reportArgumentType] - a dataclass
    changes = {name: restore_tree(getattr(like, name), tensors, f"{prefix}/{name}") for name in names}
    return dataclasses.replace(like, **changes)  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType] - a dataclass


def world_tensors(world: SimulatedWorld[Any]) -> dict[str, torch.Tensor]:
    """The world's snapshot as tensors."""
    return tree_tensors(world.now, "world")


def restore_world(world: SimulatedWorld[Any], tensors: Mapping[str, torch.Tensor]) -> None:
    """Put the world, which was reset with as many rows, back to a snapshot."""
    world.restore(restore_tree(world.now, tensors, "world"))

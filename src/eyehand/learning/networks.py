"""Networks that several methods build from: convolutional stacks and multi-layer perceptrons, initialised by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from eyehand.errors import InvalidValueError
from eyehand.learning.generators import spawn
from eyehand.learning.ranges import Checked, Count


@dataclass(frozen=True)
class ConvLayer(Checked):
    """One convolution followed by a ReLU: number of filters, side of the kernel, stride."""

    filters: Count
    kernel: Count
    stride: Count


def conv_stack(layers: Sequence[ConvLayer], size: tuple[int, int], channels: int = 1) -> tuple[nn.Sequential, int]:
    """Convolutions with ReLUs, then a flattening.

    Args:
        layers: the convolutions from the image on.
        size: image (height, width).
        channels: image channels.

    Returns:
        The stack, (B, channels, H, W) to (B, features), and the number of features.
    """
    modules: list[nn.Module] = []
    height, width = size
    for layer in layers:
        modules += [nn.Conv2d(channels, layer.filters, layer.kernel, layer.stride), nn.ReLU()]
        height, width = ((side - layer.kernel) // layer.stride + 1 for side in (height, width))
        if min(height, width) < 1:
            raise InvalidValueError("convolutions", list(layers), f"kernels that fit an image of {size[0]} x {size[1]}")
        channels = layer.filters
    stack = nn.Sequential(*modules, nn.Flatten())
    stack.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportUnknownMemberType] - twice as fast on a CPU; torch's overloads miss it
    return stack, channels * height * width


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Fully connected layers of the given sizes with ReLUs between them, (B, sizes[0]) to (B, sizes[-1])."""
    modules: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        modules += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights from the generator: uniform in +-1/sqrt(fan-in), PyTorch's own default rule."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            bound = 1.0 / math.sqrt(layer.weight[0].numel())
            layer.weight.copy_(bound * (2.0 * torch.rand(layer.weight.shape, generator=generator) - 1.0))
            if layer.bias is not None:  # pyright: ignore[reportUnnecessaryComparison] - None with bias=False
                layer.bias.copy_(bound * (2.0 * torch.rand(layer.bias.shape, generator=generator) - 1.0))


def initialised(model: nn.ModuleDict, seed: int) -> nn.ModuleDict:
    """The same networks, each with its weights drawn by the seed and its own name."""
    for name, module in model.items():
        initialise(module, spawn(seed, f"initialise/{name}"))
    return model

"""The methods of the house, one paper and one file each; packages outside add theirs under `eyehand.methods`."""

from __future__ import annotations

from typing import Any, cast

from eyehand.learning.method import Method
from eyehand.registry import Registry

METHODS: tuple[str, ...] = ("eyehand.methods.modular_dqn:ModularDQN", "eyehand.methods.mask_grasp:MaskGrasp")

_REGISTRY = Registry("method", "eyehand.methods", METHODS)


def method_names() -> tuple[str, ...]:
    """Every method that can be loaded, those from outside last; imports none of them."""
    return _REGISTRY.names()


def load_method(name: str) -> Method[Any]:
    """Build a method.

    Args:
        name: one of `method_names()`.

    Returns:
        The method; its configuration type is its own, hence `Any`.

    Raises:
        UnknownNameError: no such method.
        EyehandError: the package that registered the method is broken.
    """
    return cast("Method[Any]", _REGISTRY.load(name))

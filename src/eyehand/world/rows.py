"""Rows of batched state: taking, putting and tiling the leading dimension of dataclasses and tuples of arrays."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from eyehand.types import Array, Integers

T = TypeVar("T")


def map_arrays(function: Callable[..., Any], first: T, *others: T) -> T:
    """Apply a function to matching arrays of nested dataclasses and tuples; None stays None."""
    if first is None:
        return first
    if isinstance(first, tuple):
        return tuple(map_arrays(function, *parts) for parts in zip(first, *others, strict=True))  # pyright: ignore[reportReturnType, reportUnknownArgumentType, reportUnknownVariableType] - a tuple of the same shape
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in dataclasses.fields(first)]
        trees: tuple[Any, ...] = (first, *others)
        return dataclasses.replace(first, **{n: map_arrays(function, *(getattr(t, n) for t in trees)) for n in names})
    return function(first, *others)


def take(tree: T, rows: Integers) -> T:
    """The given rows of every array."""

    def select(array: Array) -> Array:
        return array[rows]

    return map_arrays(select, tree)


def put(tree: T, rows: Integers, new: T) -> T:
    """A copy of `tree` whose given rows are those of `new`."""

    def replace(array: Array, values: Array) -> Array:
        copy = array.copy()
        copy[rows] = values
        return copy

    return map_arrays(replace, tree, new)


def in_parallel(function: Callable[[slice], None], batch: int, threads: int, least: int) -> None:
    """Run `function` on slices of the rows, on up to `threads` threads and with at least `least` rows on each.

    The function must release the interpreter lock to gain from it, and must write only its own rows.
    """
    parts = max(1, min(threads, batch // least))
    edges = np.linspace(0, batch, parts + 1).astype(int)
    slices = [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]
    if parts == 1:
        function(slices[0])
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(function, slices))


_limit: list[int] = []


def limit_threads(threads: int) -> None:
    """Draw on at most this many threads in this process; for workers that share the cores with others."""
    _limit[:] = [threads]


def default_threads() -> int:
    """Threads for batched drawing: the cores this process may run on, or fewer by `limit_threads`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return min([cores, *_limit])

"""Working one step ahead: the next mini-batch is drawn on another core while the network learns from this one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
class Ahead(Generic[T]):
    """A pure function of a running number, whose next value is computed in the background.

    Because the function is pure, nothing has to be kept in checkpoints: a resumed training asks for the same numbers
    and gets the same values.
    """

    def __init__(self, function: Callable[[int], T]) -> None:
        """Take the function; it must release the interpreter lock to gain from the second core."""
        self._function = function
        self._pool = ThreadPoolExecutor(1)
        self._number = -1
        self._coming: Future[T] | None = None

    def __call__(self, number: int) -> T:
        """The function's value; the value for `number + 1` is begun."""
        begun = self._coming.result() if self._coming is not None else None  # never two at once
        value = begun if begun is not None and self._number == number else self._function(number)
        self._number = number + 1
        self._coming = self._pool.submit(self._function, number + 1)
        return value

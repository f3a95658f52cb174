"""Names to things: tasks and methods are found by name, in this tree or in packages outside it, and loaded on demand.

A house registry is a tuple of references "package.module:Factory"; the name of an entry is the last part of its
module, so that names can be listed without importing anything. Packages outside the tree register the same kind of
reference under an entry point group, whose entry point name is the name.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from eyehand.errors import EyehandError, UnknownNameError


@dataclass(frozen=True)
class Registry:
    """The things of one kind that can be asked for by name.

    Attributes:
        kind: what is registered, for messages, such as "task".
        group: the entry point group of packages outside the tree, such as "eyehand.tasks".
        references: what the tree itself has, each "package.module:Factory".
    """

    kind: str
    group: str
    references: tuple[str, ...]

    def names(self) -> tuple[str, ...]:
        """Every registered name: those of the tree in their order, then those from outside, sorted."""
        return tuple(self._found())

    def load(self, name: str, options: Mapping[str, object] | None = None) -> object:
        """Build the thing of this name.

        Args:
            name: a registered name.
            options: keyword arguments of the factory; its defaults hold where an option is missing.

        Returns:
            What the factory made; its `name` is the name asked for.

        Raises:
            UnknownNameError: nobody registered the name, or the factory has no such option.
            EyehandError: the registered package is broken, or several packages claim the name.
        """
        found = self._found()
        if name not in found:
            raise UnknownNameError(self.kind, name, found)
        if len(found[name]) > 1:
            claims = ", ".join(_describe(entry) for entry in found[name])
            raise EyehandError(f"The {self.kind} name {name!r} is claimed {len(found[name])} times: {claims}.")
        entry = found[name][0]
        thing = self._build(entry, options or {})
        if getattr(thing, "name", None) != name:
            said = getattr(thing, "name", None)
            raise EyehandError(
                f"{self.kind.capitalize()} {name!r} ({_describe(entry)}) calls itself {said!r}; "
                "both names must be the same."
            )
        return thing

    def _found(self) -> dict[str, list[EntryPoint]]:
        """All entries by name; more than one entry under a name is an error only for who asks for that name."""
        found: dict[str, list[EntryPoint]] = {}
        for reference in self.references:
            name = reference.partition(":")[0].rpartition(".")[2]
            found.setdefault(name, []).append(EntryPoint(name, reference, self.group))
        for entry in sorted(entry_points(group=self.group), key=lambda entry: entry.name):
            found.setdefault(entry.name, []).append(entry)
        return found

    def _build(self, entry: EntryPoint, options: Mapping[str, object]) -> object:
        try:
            factory = getattr(importlib.import_module(entry.module), entry.attr)
        except (ImportError, AttributeError) as error:
            raise EyehandError(
                f"{self.kind.capitalize()} {entry.name!r} cannot be loaded from {_describe(entry)}: {error}."
            ) from error
        allowed = inspect.signature(factory).parameters
        for option in options:
            if option not in allowed:
                raise UnknownNameError("option", option, allowed, f"{self.kind} {entry.name!r}")
        return factory(**options)


def _describe(entry: EntryPoint) -> str:
    return f"{entry.value} of package {entry.dist.name}" if entry.dist else entry.value

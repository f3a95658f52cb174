"""The ledger: every piece of target-domain data that a method reads, against the budget that its paper had.

What was read is on disk before it is handed out, so a killed run cannot forget a read; reading the same items again
after a resume costs nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from eyehand.data.durable import replace_text
from eyehand.data.features import Json
from eyehand.errors import BudgetExceededError, FileFormatError, InvalidValueError, UnknownNameError

Kind = Literal["frames", "boxes", "labels", "episodes", "calibration", "trials"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Budget:
    """How much target-domain data of each kind may be read; None counts without a limit.

    Attributes:
        frames: camera frames.
        boxes: bounding boxes drawn by hand.
        labels: frames whose true interface is told, by encoders or by hand.
        episodes: recorded sequences or demonstrations.
        calibration: measurements with a calibration pattern.
        trials: episodes run in the target domain; scorings of a test split are counted here.
    """

    frames: int | None = 0
    boxes: int | None = 0
    labels: int | None = 0
    episodes: int | None = 0
    calibration: int | None = 0
    trials: int | None = None


@dataclass(frozen=True)
class Entry:
    """One read.

    Attributes:
        kind: what was read.
        count: how many pieces were new, and so priced.
        what: a phrase for people.
        source: identity of the recording the pieces come from; "" where they have no identity.
        ranges: the new pieces as [first, stop) numbers inside the source.
    """

    kind: Kind
    count: int
    what: str
    source: str = ""
    ranges: tuple[tuple[int, int], ...] = ()


class Ledger:
    """Counts what was read and refuses what the budget does not allow."""

    def __init__(self, budget: Budget, path: Path | None = None, entries: Iterable[Entry] = ()) -> None:
        """Start a ledger.

        Args:
            budget: what may be read.
            path: the `ledger.json` that every read is written to first; None keeps the ledger in memory.
            entries: what was read before.
        """
        self.budget = budget
        self.path = path
        self._entries = list(entries)
        self._seen: dict[tuple[Kind, str], set[int]] = {}
        for entry in self._entries:
            self._seen.setdefault((entry.kind, entry.source), set()).update(_items(entry.ranges))

    @classmethod
    def open(cls, path: Path, budget: Budget) -> Ledger:
        """The ledger in a file, or a new one that will be written there; `budget` is the one that rules from now on.

        Raises:
            FileFormatError: the file is there and is no ledger; it is never started afresh over what was read.
        """
        if not path.exists():
            return cls(budget, path)
        return cls(budget, path, _parse(path.read_bytes(), path)[1])

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every read in order."""
        return tuple(self._entries)

    def spent(self, kind: Kind) -> int:
        """How many pieces of a kind were read."""
        return sum(entry.count for entry in self._entries if entry.kind == kind)

    def left(self, kind: Kind) -> int | None:
        """How many pieces of a kind may still be read; None without a limit."""
        limit: int | None = getattr(self.budget, kind)
        return None if limit is None else limit - self.spent(kind)

    def spend(self, kind: Kind, n: int, what: str) -> None:
        """Price `n` pieces that have no identity, such as trials.

        Raises:
            BudgetExceededError: the budget does not allow it; nothing is counted.
            UnknownNameError: no such kind.
            FileFormatError: the ledger could not be written; nothing is counted.
        """
        if n < 0:
            raise InvalidValueError(f"number of {kind}", n, "0 or more")
        self._record([Entry(kind, n, what)])

    def claim(self, kinds: Sequence[Kind], source: str, items: Iterable[int], what: str) -> int:
        """Price numbered pieces of a recording; those that were priced before are free.

        Args:
            kinds: what each piece is priced as; a labelled frame is ("frames", "labels").
            source: identity of the recording.
            items: numbers of the pieces.
            what: a phrase for people.

        Returns:
            How many pieces were new to the first kind.

        Raises:
            BudgetExceededError: the budget does not allow it; nothing is counted.
            UnknownNameError: no such kind.
            FileFormatError: the ledger could not be written; nothing is counted.
        """
        entries = self._new(kinds, source, items, what)
        self._record([entry for entry in entries if entry.count])
        return entries[0].count if entries else 0

    def check(self, kinds: Sequence[Kind], source: str, items: Iterable[int], what: str) -> None:
        """Raise what `claim` would raise for the same arguments, and count nothing."""
        for entry in self._new(kinds, source, items, what):
            self._refuse(entry)

    def to_json(self) -> str:
        """The ledger as JSON text: budget, sums for people, and every entry."""
        document = {
            "budget": dataclasses.asdict(self.budget),
            "spent": {kind: self.spent(kind) for kind in KINDS},
            "entries": [dataclasses.asdict(entry) for entry in self._entries],
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, path: Path | None = None) -> Ledger:
        """The ledger with the budget and the entries of a JSON text.

        Raises:
            FileFormatError: the text is no ledger.
        """
        budget, entries = _parse(text, path or "ledger")
        return cls(budget, path, entries)

    def _new(self, kinds: Sequence[Kind], source: str, items: Iterable[int], what: str) -> list[Entry]:
        wanted = set(items)
        return [_entry(kind, wanted - self._seen.get((kind, source), set()), source, what) for kind in kinds]

    def _record(self, entries: list[Entry]) -> None:
        """Check all, write all, then count all."""
        for entry in entries:
            self._refuse(entry)
        before = list(self._entries)
        self._entries += entries
        if self.path is not None and entries:
            try:
                replace_text(self.path, self.to_json())
            except FileFormatError:
                self._entries = before
                raise
        for entry in entries:
            self._seen.setdefault((entry.kind, entry.source), set()).update(_items(entry.ranges))

    def _refuse(self, entry: Entry) -> None:
        if entry.kind not in KINDS:
            raise UnknownNameError("kind of target data", entry.kind, KINDS)
        left = self.left(entry.kind)
        if left is not None and entry.count > left:
            raise BudgetExceededError(
                f"Target data over budget: {entry.what} asked for {entry.count} more {entry.kind}, "
                f"{self.spent(entry.kind)} are spent and the limit is {getattr(self.budget, entry.kind)}. "
                f"Ask for at most {max(left, 0)} more, or use what was taken already."
            )


def _entry(kind: Kind, items: set[int], source: str, what: str) -> Entry:
    ranges: list[tuple[int, int]] = []
    for item in sorted(items):
        if ranges and ranges[-1][1] == item:
            ranges[-1] = (ranges[-1][0], item + 1)
        else:
            ranges.append((item, item + 1))
    return Entry(kind, len(items), what, source, tuple(ranges))


def _items(ranges: Iterable[tuple[int, int]]) -> set[int]:
    return {item for first, stop in ranges for item in range(first, stop)}


def _parse(text: str | bytes, path: Path | str) -> tuple[Budget, list[Entry]]:
    remedy = "Restore it from a copy of the run; a ledger is never started afresh over what was read."
    try:
        document = cast("Mapping[str, Json]", json.loads(text))
        budget = Budget(**cast("dict[str, int | None]", document["budget"]))
        entries = [_entry_from_json(raw) for raw in cast("list[dict[str, Json]]", document["entries"])]
    except (ValueError, TypeError, KeyError) as error:
        raise FileFormatError(path, f"not a ledger ({error!r})", remedy) from error
    return budget, entries


def _entry_from_json(raw: Mapping[str, Json]) -> Entry:
    kind, count = raw["kind"], raw["count"]
    if kind not in KINDS or not isinstance(count, int) or count < 0:
        raise ValueError(f"kind {kind!r}, count {count!r}")
    ranges = tuple((int(first), int(stop)) for first, stop in cast("list[list[int]]", raw["ranges"]))
    return Entry(kind, count, str(raw["what"]), str(raw["source"]), ranges)

"""What a paper gives to compare with: its claims and its tables, as data.

The papers' numbers come from a real robot, ours from one simulation moved to another; pages that show both say so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from eyehand.evaluation import statistics
from eyehand.evaluation.claim import Claim, Quantity
from eyehand.evaluation.results import Results
from eyehand.evaluation.statistics import Interval

STAND_INS: Mapping[str, tuple[str, ...]] = {"twin/test": ("twin/val", "twin"), "live/test": ("live/val", "live")}


@dataclass(frozen=True)
class PaperRow:
    """A row of one of the paper's tables, with where our counterpart is found.

    Attributes:
        label: name of the row.
        paper: the paper's entries as printed, one per column; "" where it has none.
        ours: our counterparts, one per column; None where there is none.
    """

    label: str
    paper: tuple[str, ...]
    ours: tuple[Quantity | None, ...]


@dataclass(frozen=True)
class PaperTable:
    """One of the paper's tables, to be shown beside ours.

    Attributes:
        title: what it shows, with its number in the paper.
        columns: names of the columns with units.
        scales: what our numbers are multiplied by to be in each column's unit.
        digits: decimals of our numbers in each column.
        rows: the rows.
        note: what a reader must know to compare, "" for nothing.
        paper_setting: where the paper's numbers come from.
        our_setting: where ours come from.
    """

    title: str
    columns: tuple[str, ...]
    scales: tuple[float, ...]
    digits: tuple[int, ...]
    rows: tuple[PaperRow, ...]
    note: str = ""
    paper_setting: str = "paper (real robot)"
    our_setting: str = "ours (simulation-to-simulation)"


@dataclass(frozen=True)
class ClaimSet:
    """Everything one paper gives to compare with.

    Attributes:
        method: name of the method.
        citation: the paper.
        claims: its claims.
        tables: its tables.
    """

    method: str
    citation: str
    claims: tuple[Claim, ...]
    tables: tuple[PaperTable, ...] = ()


def counterpart(quantity: Quantity, results: Results) -> tuple[Interval, str] | None:
    """Our number for an entry of a table and the domain it was measured in; None where it was not measured.

    A domain's `val` split stands in where `test` was not scored; the caller shows which one it is. Claims never do so.
    """
    for domain in (quantity.domain, *STAND_INS.get(quantity.domain, ())):
        found = dataclasses.replace(quantity, domain=domain).sample(results)
        if found is not None and quantity.column == "success":
            return statistics.success_interval(found), domain
        if found is not None:
            return statistics.bootstrap(found, quantity.statistic), domain
    return None

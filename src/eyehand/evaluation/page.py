"""Pieces of a web page as text: escaped by construction where they take words, no script, nothing to fetch."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from eyehand.evaluation.claim import ClaimResult
from eyehand.evaluation.statistics import Interval, Rate
from eyehand.evaluation.videos import data_uri

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Markup:
    """Text that is HTML already; everything else is escaped when it meets a page."""

    html: str


Piece = Markup | str


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        anchor: its name in addresses.
        title: its heading.
        body: its content; empty sections are left out.
    """

    anchor: str
    title: str
    body: Markup


def markup(piece: Piece) -> str:
    """The HTML of a piece."""
    return piece.html if isinstance(piece, Markup) else html.escape(piece)


def join(*pieces: Piece) -> Markup:
    """Pieces one after the other."""
    return Markup("\n".join(markup(piece) for piece in pieces if markup(piece)))


def element(tag: str, content: Piece, classes: str = "") -> Markup:
    """An element around a piece, for example `element("p", "text", "why")`."""
    attribute = f' class="{html.escape(classes)}"' if classes else ""
    return Markup(f"<{tag}{attribute}>{markup(content)}</{tag}>")


def card(*pieces: Piece) -> Markup:
    """Pieces on a card."""
    return element("div", join(*pieces), "card")


def grid(pieces: Sequence[Piece], wide: bool = False) -> Markup:
    """Pieces side by side as far as the window allows; "" for none."""
    return element("div", join(*pieces), "grid wide" if wide else "grid") if pieces else Markup("")


def table(header: Sequence[Piece], rows: Sequence[Sequence[Piece]], classes: Sequence[str] = ()) -> Markup:
    """A table that scrolls sideways where the window is narrow.

    Args:
        header: one piece per column.
        rows: one piece per column each; the first names the row.
        classes: a class per column, "" for none.
    """
    names = list(classes) or [""] * len(header)
    head = "".join(_cell("th", piece, name) for piece, name in zip(header, names, strict=True))
    body = "\n".join(
        f"<tr>{''.join(_cell('td', piece, name) for piece, name in zip(row, names, strict=True))}</tr>" for row in rows
    )
    return Markup(f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>')


def _cell(tag: str, piece: Piece, classes: str) -> str:
    return element(tag, piece, classes).html


def grouped_table(
    groups: Sequence[tuple[str, int]], header: Sequence[Piece], rows: Sequence[Sequence[Piece]], classes: Sequence[str]
) -> Markup:
    """A table with a line of headings above those of the columns.

    Args:
        groups: a heading and how many columns it spans.
        header: as in `table`.
        rows: as in `table`.
        classes: as in `table`; a group takes that of its first column.
    """
    starts = [sum(span for _, span in groups[:i]) for i in range(len(groups))]
    cells = "".join(
        f'<th colspan="{span}" class="{classes[start]} group">{html.escape(text)}</th>'
        for (text, span), start in zip(groups, starts, strict=True)
    )
    return Markup(table(header, rows, classes).html.replace("<thead>", f"<thead><tr>{cells}</tr>", 1))


def details(summary: str, *pieces: Piece) -> Markup:
    """Pieces that unfold on a click."""
    return element("details", join(element("summary", summary), *pieces))


def commands(lines: Sequence[str], long: bool = False) -> Markup:
    """Commands to paste, one per line."""
    return element("pre", element("code", "\n".join(lines)), "long" if long else "")


def plot(light: bytes, dark: bytes, caption: str) -> Markup:
    """A plot on a card, in the colours of the reader's page.

    Args:
        light: PNG for a light page.
        dark: PNG for a dark page.
        caption: what it shows; also its text for those who do not see it.
    """
    words = html.escape(caption)
    return Markup(
        '<figure class="card plot"><picture>'
        f'<source srcset="{data_uri(dark, "image/png")}" media="(prefers-color-scheme: dark)">'
        f'<img src="{data_uri(light, "image/png")}" alt="{words}"></picture><figcaption>{words}</figcaption></figure>'
    )


def picture(png: bytes, caption: Piece) -> Markup:
    """A picture on a card; the caption may hold markup."""
    alt = html.escape(caption) if isinstance(caption, str) else ""
    image = f'<img src="{data_uri(png, "image/png")}" alt="{alt}">'
    return Markup(f'<figure class="card">{image}<figcaption>{markup(caption)}</figcaption></figure>')


def video(mp4: bytes, caption: Piece, autoplay: bool = True) -> Markup:
    """A silent looping video on a card; the caption may hold markup."""
    start = " autoplay" if autoplay else ""
    source = f'<video src="{data_uri(mp4, "video/mp4")}" controls loop muted playsinline{start} preload="auto"></video>'
    return Markup(f'<figure class="card">{source}<figcaption>{markup(caption)}</figcaption></figure>')


def rate_cell(rate: Rate, note: str, held_out: bool) -> Markup:
    """A success rate with a bar, its interval as a whisker, and the numbers behind it."""
    value, _, rest = rate.text().partition(" ")
    bar = (
        f'<div class="bar{" held" if held_out else ""}"><i style="width:{100 * rate.value:.1f}%"></i>'
        f'<b style="left:{100 * rate.low:.1f}%;width:{100 * (rate.high - rate.low):.1f}%"></b></div>'
    )
    return Markup(
        f'<div class="rate"><strong>{value}</strong> <span class="small nowrap">{rest}</span>{bar}'
        f'<span class="small">{html.escape(note)}</span></div>'
    )


def interval_cell(interval: Interval, digits: int = 2, scale: float = 1.0, unit: str = "") -> Markup:
    """A number with its interval in small print."""
    value, _, rest = interval.text(digits, scale, unit).rpartition(" (n=")[0].partition(" ")
    return Markup(f'<span class="nowrap">{value} <span class="small">{html.escape(rest)}</span></span>')


_WIDTH, _HEIGHT = 190, 26


def forest(decided: ClaimResult) -> Markup:
    """A claim's interval against its threshold as a small drawing; the side that passes is tinted.

    Positive numbers that span more than a factor of four are drawn on a logarithmic scale.
    """
    if decided.value is None or decided.low is None or decided.high is None:
        return Markup("")
    numbers = [decided.threshold, decided.low, decided.high, decided.value]
    logarithmic = min(numbers) > 0 and max(numbers) / min(numbers) > 4
    scaled = [math.log(number) if logarithmic else number for number in numbers]
    span = max(scaled) - min(scaled) or 1.0
    left = min(scaled) - 0.12 * span
    threshold, low, high, value = (_WIDTH * (number - left) / (1.24 * span) for number in scaled)
    upwards = decided.direction in (">=", ">")
    x, width = (threshold, _WIDTH - threshold) if upwards else (0.0, threshold)
    middle = _HEIGHT / 2
    return Markup(
        f'<svg class="forest" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">'
        f'<rect class="right" x="{x:.1f}" y="0" width="{width:.1f}" height="{_HEIGHT}"/>'
        f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{middle}" y2="{middle}"/>'
        f'<line class="threshold" x1="{threshold:.1f}" x2="{threshold:.1f}" y1="2" y2="{_HEIGHT - 2}"/>'
        f'<line class="{decided.status}" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke-width="3"/>'
        f'<circle class="{decided.status}" cx="{value:.1f}" cy="{middle}" r="4"/></svg>'
    )


def page(title: str, about: str, notice: str, footer: str, sections: Sequence[Section]) -> str:
    """The whole page; sections without content are left out, from the navigation as well."""
    shown = [section for section in sections if section.body.html.strip()]
    body = "\n".join(
        f'<section id="{section.anchor}"><h2>{html.escape(section.title)}</h2>\n{section.body.html}\n</section>'
        for section in shown
    )
    navigation = "".join(f'<a href="#{section.anchor}">{html.escape(section.title)}</a>' for section in shown)
    template = Template((_HERE / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(title),
        about=html.escape(about),
        notice=html.escape(notice),
        footer=html.escape(footer),
        navigation=navigation,
        style=(_HERE / "report.css").read_text(encoding="utf-8"),
        body=body,
    )

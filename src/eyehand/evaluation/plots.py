# pyright: reportUnknownMemberType=false
# The reason: matplotlib leaves the keyword arguments of its drawing calls untyped.
"""Plots as PNG bytes: learning curves, error boxes, success bars, the waterfall of a gap, success against error.

Every figure is drawn on a canvas of its own, without pyplot and without touching matplotlib's settings. Colours are
those of Okabe and Ito (2008), which readers with any colour vision tell apart; series also differ in marker or dash.
A theme fits the figure to a light or a dark page; backgrounds are transparent.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from eyehand.evaluation.curves import Curve
from eyehand.evaluation.gap import EVERYTHING, NOTHING, GapReport
from eyehand.evaluation.statistics import Interval
from eyehand.types import Floats

_DPI = 170
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)))


@dataclass(frozen=True)
class Theme:
    """Colours of a figure.

    Attributes:
        ink: text and axes.
        faint: grid and minor text.
        series: colours of the series in order.
        good: where the policy comes from and what it keeps.
        bad: what it loses.
    """

    ink: str
    faint: str
    series: tuple[str, ...]
    good: str
    bad: str


LIGHT = Theme(
    "#1f2933",
    "#d5dae0",
    ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b7280"),
    "#0072B2",
    "#D55E00",
)
DARK = Theme(
    "#e4e7eb",
    "#3b4552",
    ("#56B4E9", "#F0883E", "#2CC295", "#E09FC4", "#F2B84B", "#8CC8F2", "#9aa5b1"),
    "#56B4E9",
    "#F0883E",
)


def learning_curves(
    curves: Sequence[Curve], y_label: str, theme: Theme = LIGHT, x_label: str = "training steps"
) -> bytes:
    """Quantity against training steps, or another count: means as lines, the span over seeds as bands."""
    figure, axes = _figure(7.4, 3.5, theme)
    for i, one in enumerate(curves):
        colour = _pick(theme.series, i)
        seeds = f"{one.seeds} seed{'s' if one.seeds > 1 else ''}"
        axes.fill_between(one.steps, one.low, one.high, color=colour, alpha=0.18, linewidth=0)
        label = f"{one.label} ({seeds})"
        axes.plot(one.steps, one.mean, color=colour, linestyle=_DASHES[i % len(_DASHES)], linewidth=1.8, label=label)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    if all(one.name.endswith("success") for one in curves):
        _percent(axes)
    _legend(axes, theme)
    return _png(figure)


def traces(panels: Mapping[str, Mapping[str, Floats]], x_label: str, y_label: str, theme: Theme = LIGHT) -> bytes:
    """Quantities against one and the same, a panel for each, with the same named lines (T, 2) of x and y in all."""
    figure, first = _figure(max(2.6 * len(panels) + 1.0, 7.4), 3.0, theme)
    figure.delaxes(first)
    for number, (title, lines) in enumerate(panels.items(), 1):
        axes = _dressed(figure.add_subplot(1, len(panels), number), theme)
        for i, (label, line) in enumerate(lines.items()):
            colour, dash = _pick(theme.series, i), _DASHES[i % len(_DASHES)]
            axes.plot(line[:, 0], line[:, 1], color=colour, linestyle=dash, linewidth=1.6, label=label)
        axes.set_title(title, color=theme.ink, fontsize=10)
        axes.set_xlabel(x_label)
        if number == 1:
            axes.set_ylabel(y_label)
            # One for all panels: above one of them it would be wider than that.
            figure.legend(
                *axes.get_legend_handles_labels(), loc="outside upper left", ncols=_columns(axes, 1),
                frameon=False, fontsize=9, labelcolor=theme.ink, handlelength=1.8,
            )  # fmt: skip
    return _png(figure)


def responses(
    panels: Mapping[str, Mapping[str, Mapping[float, Interval]]], x_label: str, theme: Theme = LIGHT
) -> bytes:
    """Quantities against what was varied, one panel for each: values as marked lines, their intervals as bands.

    Args:
        panels: intervals by quantity with its unit, series, and value of what was varied.
        x_label: what was varied.
        theme: colours.
    """
    figure, first = _figure(3.6 * len(panels) + 0.6, 3.3, theme)
    figure.delaxes(first)
    for number, (y_label, series) in enumerate(panels.items(), 1):
        axes = _dressed(figure.add_subplot(1, len(panels), number), theme)
        for i, (label, points) in enumerate(series.items()):
            at, found = sorted(points), [points[x] for x in sorted(points)]
            colour, dash = _pick(theme.series, i), _DASHES[i % len(_DASHES)]
            axes.fill_between(
                at, [y.low for y in found], [y.high for y in found], color=colour, alpha=0.18, linewidth=0
            )
            values, marker = [y.value for y in found], _MARKERS[i % len(_MARKERS)]
            axes.plot(at, values, color=colour, linestyle=dash, marker=marker, markersize=4.5, label=label)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.set_ylim(bottom=0)
        _legend(axes, theme)
    return _png(figure)


def error_boxes(errors: Mapping[str, Mapping[str, Floats]], y_label: str, theme: Theme = LIGHT) -> bytes:
    """Interface errors per network and domain on a logarithmic scale (the counterpart of the paper's Fig. 4).

    Boxes span the quartiles with the median, whiskers the 5 % and 95 % points.

    Args:
        errors: errors (N,) by network and domain; a network may lack a domain.
        y_label: the error with its unit.
        theme: colours.
    """
    domains = list(dict.fromkeys(domain for by_domain in errors.values() for domain in by_domain))
    figure, axes = _figure(max(5.2, 1.1 * len(errors) + 1.6), 3.5, theme)
    width = 0.8 / len(domains)
    for j, domain in enumerate(domains):
        at = [i + (j - (len(domains) - 1) / 2) * width for i, e in enumerate(errors.values()) if domain in e]
        boxes = [_box(e[domain]) for e in errors.values() if domain in e]
        colour = _pick(theme.series, j)
        drawn = axes.bxp(boxes, positions=at, widths=0.8 * width, showfliers=False, patch_artist=True)
        for box in drawn["boxes"]:
            box.set(facecolor=colour, alpha=0.85, edgecolor=colour)
        for line in (*drawn["whiskers"], *drawn["caps"]):
            line.set(color=colour, linewidth=1.1)
        for line in drawn["medians"]:
            line.set(color=theme.ink, linewidth=1.6)
        axes.bar([0], [0], color=colour, label=domain)  # only for the legend
    axes.set_yscale("log")
    axes.set_xticks(range(len(errors)), list(errors))
    axes.set_xlim(-0.6, len(errors) - 0.4)
    axes.set_ylabel(y_label)
    _legend(axes, theme)
    return _png(figure)


def _box(values: Floats) -> dict[str, float]:
    low, q1, median, q3, high = np.quantile(np.maximum(values, 1e-9), [0.05, 0.25, 0.5, 0.75, 0.95])
    return {"whislo": float(low), "q1": float(q1), "med": float(median), "q3": float(q3), "whishi": float(high)}


def success_bars(rates: Mapping[str, Mapping[str, Interval]], theme: Theme = LIGHT) -> bytes:
    """Success rates with their intervals.

    Args:
        rates: by arm and domain; an arm may lack a domain.
        theme: colours.
    """
    domains = list(dict.fromkeys(domain for by_domain in rates.values() for domain in by_domain))
    figure, axes = _figure(max(5.2, 1.3 * len(rates) + 1.6), 3.3, theme)
    width = 0.8 / len(domains)
    for j, domain in enumerate(domains):
        rows = [(i, r[domain]) for i, r in enumerate(rates.values()) if domain in r]
        at = [i + (j - (len(domains) - 1) / 2) * width for i, _ in rows]
        values = [rate.value for _, rate in rows]
        spread = [[r.value - r.low for _, r in rows], [r.high - r.value for _, r in rows]]
        axes.bar(at, values, 0.88 * width, color=_pick(theme.series, j), alpha=0.9, label=domain)
        axes.errorbar(at, values, yerr=spread, fmt="none", ecolor=theme.ink, elinewidth=1.2, capsize=3)
    axes.set_xticks(range(len(rates)), [arm.replace("_", " ") for arm in rates])
    axes.set_ylabel("success rate, 95 % interval")
    _percent(axes)
    _legend(axes, theme)
    return _png(figure)


def gap_waterfall(report: GapReport, theme: Theme = LIGHT) -> bytes:
    """From the success in the nominal domain down to the target's, one step per group (its Shapley share)."""
    decomposition = report.success
    figure, axes = _figure(7.4, 3.5, theme)
    start, end = decomposition.cells[NOTHING], decomposition.cells[EVERYTHING]
    labels = [report.nominal, *decomposition.shares, report.target]
    level = start.value
    axes.bar(0, level, 0.62, color=theme.good)
    for i, share in enumerate(decomposition.shares.values(), start=1):
        below = level - share.value
        axes.bar(i, share.value, 0.62, bottom=below, color=theme.bad if share.value >= 0 else theme.series[2])
        axes.plot([i - 1.31, i + 0.31], [level, level], color=theme.ink, linewidth=0.8)
        axes.errorbar(
            i, below, yerr=[[max(0.0, share.high - share.value)], [max(0.0, share.value - share.low)]],
            fmt="none", ecolor=theme.ink, elinewidth=1.2, capsize=3,
        )  # fmt: skip
        sign = "-" if share.value >= 0 else "+"
        top = max(level, below)
        axes.annotate(
            f"{sign}{100 * abs(share.value):.0f} points", (i, top), (0, 4), textcoords="offset points", ha="center",
            color=theme.ink, fontsize=9,
        )  # fmt: skip
        level = below
    last = len(labels) - 1
    axes.plot([last - 1.31, last + 0.31], [level, level], color=theme.ink, linewidth=0.8)
    axes.bar(last, end.value, 0.62, color=theme.good)
    for i, value in ((0, start.value), (last, end.value)):
        axes.annotate(
            f"{100 * value:.0f} %", (i, value), (0, 4), textcoords="offset points", ha="center", color=theme.ink,
            fontsize=9, fontweight="bold",
        )  # fmt: skip
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel("success rate")
    _percent(axes)
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.14)
    return _png(figure)


def success_against_error(report: GapReport, theme: Theme = LIGHT) -> bytes:
    """Success when the interface is damaged on purpose, and where the policy on the target lies."""
    figure, axes = _figure(7.4, 3.3, theme)
    errors = [point.error for point in report.curve]
    rates = [point.success for point in report.curve]
    axes.fill_between(
        errors, [r.low for r in rates], [r.high for r in rates], color=theme.good, alpha=0.18, linewidth=0
    )
    axes.plot(
        errors,
        [r.value for r in rates],
        color=theme.good,
        marker="o",
        markersize=4,
        linewidth=1.8,
        label=f"error injected in {report.nominal}",
    )
    if report.target_error is not None:
        at = report.success.cells[EVERYTHING]
        axes.errorbar(
            [report.target_error], [at.value], yerr=[[at.value - at.low], [at.high - at.value]], fmt="D",
            color=theme.bad, capsize=3, markersize=7, label=f"{report.policy.replace('_', ' ')} on {report.target}",
        )  # fmt: skip
    unit = f" [{report.curve_unit}]" if report.curve_unit else ""
    axes.set_xlabel(f"mean interface error{unit}")
    axes.set_ylabel("success rate")
    axes.set_xlim(left=0)
    _percent(axes)
    _legend(axes, theme)
    return _png(figure)


def _figure(width_in: float, height_in: float, theme: Theme) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width_in, height_in), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.patch.set_alpha(0.0)
    return figure, _dressed(figure.add_subplot(), theme)


def _dressed(axes: Axes, theme: Theme) -> Axes:
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(theme.ink)
        spine.set_linewidth(0.8)
    axes.tick_params(colors=theme.ink, labelsize=9, which="both", width=0.8)
    axes.xaxis.label.set(color=theme.ink, fontsize=10)
    axes.yaxis.label.set(color=theme.ink, fontsize=10)
    axes.grid(axis="y", color=theme.faint, linewidth=0.7)
    axes.set_axisbelow(True)
    return axes


def _legend(axes: Axes, theme: Theme) -> None:
    # Above the axes, where it cannot cover data, in as many columns as their part of the figure is wide.
    spec = axes.get_subplotspec()
    panels = spec.get_gridspec().ncols if spec else 1
    axes.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=_columns(axes, panels), frameon=False, fontsize=9,
        labelcolor=theme.ink, borderaxespad=0.2, handlelength=1.8,
    )  # fmt: skip


def _columns(axes: Axes, panels: int) -> int:
    """How many labels stand beside each other in a legend that has the figure's width over a number of panels."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes that are drawn belong to a figure"
    longest = max(len(label) for label in axes.get_legend_handles_labels()[1])
    return min(4, max(1, int(figure.get_figwidth() / panels / (0.07 * longest + 0.6))))


def _percent(axes: Axes) -> None:
    axes.set_ylim(0.0, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _pick(colours: Sequence[str], index: int) -> str:
    return colours[index % len(colours)]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without a software stamp the same numbers give the same bytes in every version's neighbourhood.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

"""The verdict of a report in words, generated from the numbers, whatever they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.evaluation import statistics
from eyehand.evaluation.rates import compare_rates
from eyehand.evaluation.results import DISTANCE, Results, seeds_text
from eyehand.evaluation.statistics import Interval, Rate, Sample

NAIVE, ORACLE = "sim_only", "oracle"
IMPROVED = ("fine_tuned", "adapted")  # the last stage that was measured is the one the verdict is about


@dataclass(frozen=True)
class Tile:
    """One key number.

    Attributes:
        title: what it is.
        number: the number, large.
        detail: its interval and trials, small.
        tone: "good" or "bad" where the interval says that it is better or worse than what it stands beside, else "".
    """

    title: str
    number: str
    detail: str
    tone: str = ""


@dataclass(frozen=True)
class Ends:
    """The two ends of a crossing from simulation to a world that training never saw.

    Attributes:
        source: domain that the policy was trained in.
        target: held-out domain that it was moved to.
    """

    source: str
    target: str


def ends_of(results: Results) -> Ends | None:
    """The domains that the verdict compares: the first nominal one with episodes, and the held-out one.

    A `test` split comes before all other held-out domains. None where either kind is missing.
    """
    held_out = {domain.name for domain in results.domains if domain.held_out}
    tested = results.tested_domains()
    sources = [name for name in tested if name not in held_out]
    targets = sorted((name for name in tested if name in held_out), key=lambda name: not name.startswith("twin/test"))
    return Ends(sources[0], targets[0]) if sources and targets else None


def label(arm: str) -> str:
    """An arm's name for people."""
    return "fine-tuned" if arm == "fine_tuned" else arm.replace("_", " ")


def percent(value: float) -> str:
    """A share for people, "98 %"; only exact 0 and 1 print as 0 % and 100 %."""
    if 0.995 <= value < 1.0 or 0.0 < value < 0.005:
        return f"{100 * value:.1f} %"
    return f"{100 * value:.0f} %"


def tiles(results: Results) -> tuple[Tile, ...]:
    """Key numbers: the naive policy at home and abroad, each improvement, the oracle.

    The naive policy abroad stands beside itself at home, an improvement beside the naive policy; see `Tile.tone`.
    """
    ends = ends_of(results)
    if ends is None:
        return ()
    home, naive = _sample(results, NAIVE, ends.source), _sample(results, NAIVE, ends.target)
    beside = {NAIVE: home, **dict.fromkeys(IMPROVED, naive)}
    abroad = {arm: _sample(results, arm, ends.target) for arm in (NAIVE, *reversed(IMPROVED), ORACLE)}
    return (
        *([_tile(NAIVE, ends.source, results)] if home else []),
        *(_tile(arm, ends.target, results, _tone(one, beside.get(arm))) for arm, one in abroad.items() if one),
    )


def _tone(sample: Sample, other: Sample | None) -> str:
    """Whether a rate is above another, below it, or neither for all that is known."""
    if other is None:
        return ""
    won = compare_rates(sample, other)
    return "good" if won.low > 0 else "bad" if won.high < 0 else ""


def _tile(arm: str, domain: str, results: Results, tone: str = "") -> Tile:
    rate = _rate(results, arm, domain)
    assert rate is not None  # `tiles` asks for measured arms only
    distance = results.sample(arm, domain, DISTANCE)
    median = f", median {100 * float(np.median(distance.values)):.1f} cm" if distance else ""
    detail = f"{rate.low:.2f}-{rate.high:.2f}, {rate.successes}/{rate.n}{median}"
    return Tile(f"{label(arm)} on {domain}", percent(rate.value), detail, tone)


def headline(results: Results) -> str:
    """The verdict in one line, "" where nothing was carried from one domain to another."""
    ends = ends_of(results)
    if ends is None:
        return ""
    reached = [(arm, _rate(results, arm, ends.target)) for arm in (NAIVE, *reversed(IMPROVED))]
    chain = [(arm, rate) for arm, rate in reached if rate is not None]
    home = _rate(results, NAIVE, ends.source)
    if not chain:
        return ""
    start = f"{percent(home.value)} success in {ends.source}, " if home else ""
    said = [f"{percent(rate.value)} {_STAGES[arm].format(ends.target)}" for arm, rate in chain]
    return start + ", ".join(said)


def sentences(results: Results) -> tuple[str, ...]:
    """The verdict, sentence by sentence; empty where nothing was carried from one domain to another."""
    ends = ends_of(results)
    if ends is None:
        return ()
    return tuple(
        sentence
        for sentence in (
            _home(results, ends),
            _naive(results, ends),
            *_improvements(results, ends),
            _ceiling(results, ends),
            _where(results),
        )
        if sentence
    )


def _home(results: Results, ends: Ends) -> str:
    rate = _rate(results, NAIVE, ends.source)
    if rate is None:
        return ""
    return f"Trained only in {ends.source}, the policy succeeds there in {_said(rate)} of the episodes."


def _naive(results: Results, ends: Ends) -> str:
    home, abroad = _sample(results, NAIVE, ends.source), _sample(results, NAIVE, ends.target)
    if abroad is None:
        return ""
    rate = statistics.rate(abroad.values > 0.5)
    said = f"In {ends.target}, a world it has never seen, it succeeds in {_said(rate)}"
    if home is None:
        return f"{said}."
    lost = compare_rates(home, abroad)
    if lost.low > 0:
        return f"{said}: it loses {_points(lost)} on the way."
    if lost.high < 0:
        return f"{said}: it does not lose, it gains {_points(lost, -1)}."
    return f"{said}: as far as these trials can tell, it loses nothing ({_points(lost)} lost)."


def _improvements(results: Results, ends: Ends) -> list[str]:
    naive = _sample(results, NAIVE, ends.target)
    said: list[str] = []
    for arm in reversed(IMPROVED):
        sample = _sample(results, arm, ends.target)
        if sample is None:
            continue
        rate = statistics.rate(sample.values > 0.5)
        text = f"{label(arm).capitalize()}{_price(results, arm)}, it succeeds in {_said(rate)}"
        said.append(text + (_change(compare_rates(sample, naive)) if naive else "") + ".")
    return said


def _change(won: Interval) -> str:
    if won.low > 0:
        return f", {_points(won)} more than without"
    if won.high < 0:
        return f", {_points(won, -1)} fewer than without: adaptation did harm"
    return f"; the difference to no adaptation, {_points(won)}, is within chance"


def _price(results: Results, arm: str) -> str:
    frames = sum(entry.taken for entry in results.ledger if entry.what == "frames")
    return f" with {frames} recorded frames of it" if frames and arm == "adapted" else ""


def _ceiling(results: Results, ends: Ends) -> str:
    rate = _rate(results, ORACLE, ends.target)
    if rate is None:
        return ""
    return (
        f"With the true scene in place of its eyes, the same controller succeeds in {_said(rate)}: that is the ceiling."
    )


def _where(results: Results) -> str:
    if not results.gaps:
        return ""
    decomposition = results.gaps[0].success
    loss = decomposition.loss
    if loss.low <= 0:
        return ""
    ordered = sorted(decomposition.shares.items(), key=lambda item: -item[1].value)
    parts = ", ".join(f"{100 * share.value:.0f} points to {_GROUP_WORDS[group]}" for group, share in ordered)
    policy = label(results.gaps[0].policy)
    return f"Of the {100 * loss.value:.0f} points that {policy} loses, Shapley values assign {parts}."


_STAGES = {
    NAIVE: "moved to {} as it is",
    "adapted": "after adapting to it",
    "fine_tuned": "after fine-tuning",
}
_GROUP_WORDS = {
    "visual": "how the world looks and is sensed",
    "setup": "calibration and timing",
    "motion": "how the arm moves",
}


def _sample(results: Results, arm: str, domain: str) -> Sample | None:
    return results.sample(arm, domain, "success")


def _rate(results: Results, arm: str, domain: str) -> Rate | None:
    found = _sample(results, arm, domain)
    return statistics.rate(found.values > 0.5) if found else None


def _said(rate: Rate) -> str:
    low, high = percent(rate.low).removesuffix(" %"), percent(rate.high).removesuffix(" %")
    return f"{percent(rate.value)} [{low}-{high}] ({rate.successes}/{rate.n})"


def _points(interval: Interval, sign: int = 1) -> str:
    low, high = sorted((sign * interval.low, sign * interval.high))
    dash = " to " if low < 0 else "-"
    return f"{100 * sign * interval.value:.0f} points [{100 * low:.0f}{dash}{100 * high:.0f}]"


def trials_text(results: Results) -> str:
    """How much was measured, for people: "1,600 episodes in 2 domains, 3 seeds"."""
    episodes = sum(len(cell.seeds) for cell in results.cells)
    seeds = len({cell.training_seed for cell in results.cells})
    domains = len(results.tested_domains())
    return f"{episodes:,} episodes in {domains} domain{'' if domains == 1 else 's'}, {seeds_text(seeds)}"

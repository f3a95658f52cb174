"""The sections of a report, each a function of its content; one without anything to show is empty."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

import numpy as np

from eyehand.evaluation import page, plots, statistics, verdict
from eyehand.evaluation.claim import ClaimResult, Quantity, count, registration
from eyehand.evaluation.content import Failure, Picture, ReportContent, Video
from eyehand.evaluation.gap import EVERYTHING, GapReport, cell_name
from eyehand.evaluation.page import Markup, Piece, Section, element, join
from eyehand.evaluation.paper import PaperTable, counterpart
from eyehand.evaluation.plots import DARK, LIGHT, Theme
from eyehand.evaluation.rates import compare_rates
from eyehand.evaluation.results import DISTANCE, Results, seeds_text
from eyehand.evaluation.statistics import Interval, Sample
from eyehand.evaluation.verdict import label
from eyehand.types import Floats
from eyehand.world.counter import episode_text

_SIGNS: Mapping[str, str] = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}


def sections(content: ReportContent) -> tuple[Section, ...]:
    """Every section of the page in its order."""
    results = content.results
    return (
        Section("verdict", "Verdict", _verdict(results)),
        Section("watch", "Watch it", _watch(content)),
        Section("arms", "Arms and domains", _arms(results)),
        Section("gap", "What was lost", join(*(_gap(report) for report in results.gaps))),
        Section("eyes", "What the policy sees", _eyes(content)),
        Section("claims", "Claims", _claims(content)),
        Section("paper", "Beside the paper", _paper(content)),
        Section("learning", "Learning", _learning(content)),
        Section("failures", "Failures", _failures(content)),
        Section("data", "Target data used", _ledger(results)),
        Section("provenance", "Provenance", _provenance(results)),
    )


def _themed(draw: Callable[[Theme], bytes], caption: str) -> Markup:
    return page.plot(draw(LIGHT), draw(DARK), caption)


def _verdict(results: Results) -> Markup:
    headline, said = verdict.headline(results), verdict.sentences(results)
    shown = [
        element(
            "div",
            join(
                element("p", tile.title, "what"),
                element("p", tile.number, "number"),
                element("p", tile.detail, "detail"),
            ),
            f"tile {tile.tone}".strip(),
        )
        for tile in verdict.tiles(results)
    ]
    return join(
        element("p", f"{headline}.", "headline") if headline else "",
        element("div", join(*shown), "tiles") if shown else "",
        element("p", " ".join(said), "lead") if said else "",
    )


def _arms(results: Results) -> Markup:
    if not results.cells:
        return Markup("")
    held_out = {domain.name for domain in results.domains if domain.held_out}
    domains = results.tested_domains()
    header: list[Piece] = ["arm", *(f"{d}{' (held out)' if d in held_out else ''}" for d in domains)]
    rows: list[list[Piece]] = [
        [label(arm), *(_arm_cell(results, arm, domain, domain in held_out) for domain in domains)]
        for arm in results.arms()
    ]
    why = (
        "Success rate with its Wilson 95 % interval and the trials behind it; median and third quartile of the "
        "distance to the target when the episode ended."
    )
    return join(
        element("p", why, "why"),
        page.card(page.table(header, rows, ["name", *([""] * len(domains))])),
        _themed(lambda theme: plots.success_bars(_rates(results), theme), "Success rates with 95 % intervals."),
        _pairs(results),
    )


def _arm_cell(results: Results, arm: str, domain: str, held_out: bool) -> Piece:
    success = results.sample(arm, domain, "success")
    if success is None:
        return element("span", "not measured", "small")
    distance, reward = results.sample(arm, domain, DISTANCE), results.sample(arm, domain, "total_reward")
    note = seeds_text(success.seeds)
    if distance is not None:
        median, q3 = np.quantile(distance.values, [0.5, 0.75])
        note = f"median {100 * median:.1f} cm, Q3 {100 * q3:.1f} cm, {note}"
    if reward is not None:
        note += f", mean reward {reward.values.mean():.2f}"
    return page.rate_cell(statistics.rate(success.values > 0.5), note, held_out)


def _rates(results: Results) -> dict[str, dict[str, Interval]]:
    """Rates for the plot: of the arms that were carried across, or of all where none was."""
    rates = _all_rates(results)
    across = {arm: by_domain for arm, by_domain in rates.items() if len(by_domain) > 1}
    return across or rates


def _all_rates(results: Results) -> dict[str, dict[str, Interval]]:
    rates: dict[str, dict[str, Interval]] = {}
    for arm in results.arms():
        for domain in results.tested_domains():
            found = results.sample(arm, domain, "success")
            if found is not None:
                rates.setdefault(label(arm), {})[domain] = statistics.rate(found.values > 0.5).interval(found.seeds)
    return rates


def _pairs(results: Results) -> Markup:
    ends = verdict.ends_of(results)
    naive = results.sample(verdict.NAIVE, ends.target, "success") if ends else None
    if ends is None or naive is None:
        return Markup("")
    rows: list[list[Piece]] = []
    for arm in results.arms():
        other = results.sample(arm, ends.target, "success")
        if arm == verdict.NAIVE or other is None:
            continue
        won = compare_rates(other, naive)
        points = page.interval_cell(won, 0, 100, "points")
        rows.append([label(arm), points, _mcnemar(other, naive), str(won.n), seeds_text(won.seeds)])
    if not rows:
        return Markup("")
    header: list[Piece] = ["arm", f"success won over {label(verdict.NAIVE)}", "McNemar", "n", "trainings"]
    table = page.table(header, rows, ["name", "", "", "", ""])
    note = (
        "Differences over the same episodes; intervals by bootstrap over draws, episodes and trainings, or Newcombe's "
        "where they are wider. The exact McNemar test is given where there is one training."
    )
    return page.card(element("h3", f"Paired differences on {ends.target}"), table, element("p", note, "small"))


def _mcnemar(a: Sample, b: Sample) -> str:
    # The test takes trials as independent, which those of several trainings on the same episodes are not.
    if a.seeds > 1 or b.seeds > 1 or not np.array_equal(a.episode_seeds, b.episode_seeds):
        return "-"
    p = statistics.mcnemar(a.values > 0.5, b.values > 0.5)
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.4f}"


def _watch(content: ReportContent) -> Markup:
    shown = [page.video(video.mp4, video.caption) for video in content.videos]
    return page.grid(shown, wide=True)


def _gap(report: GapReport) -> Markup:
    why = (
        f"The same policy runs the same episodes in all eight mixtures of {report.nominal} and {report.target}. Each "
        "group's Shapley share is what its switch costs, averaged over all orders of switching; the shares add up to "
        "the loss exactly."
    )
    caption = (
        f"From {report.nominal} to {report.target}: what {label(report.policy)} loses to each group of factors, with "
        "the 95 % interval of each share."
    )
    return join(
        element("p", why, "why"),
        _themed(lambda theme: plots.gap_waterfall(report, theme), caption),
        page.grid(
            [
                page.card(_cells(report)),
                element("div", join(page.card(_shares(report)), _modules(report))),
            ],
            wide=True,
        ),
        _error_curve(report) if report.curve else "",
    )


def _measure_cell(measure: str, interval: Interval) -> Markup:
    if measure == "success":
        return page.interval_cell(interval, 2)
    return page.interval_cell(interval, 1, 100, "cm")


_MEASURES: Mapping[str, str] = {"success": "success lost", "distance_m": "distance gained"}
_GROUPS: Mapping[str, str] = {
    "visual": "appearance and sensor",
    "setup": "calibration and timing",
    "motion": "dynamics",
}


def _shares(report: GapReport) -> Markup:
    header: list[Piece] = ["group", *(_MEASURES[one.measure] for one in report.decompositions)]
    rows: list[list[Piece]] = [
        [
            join(group, element("div", _GROUPS[group], "small")),
            *(_measure_cell(one.measure, one.shares[group]) for one in report.decompositions),
        ]
        for group in report.success.shares
    ]
    rows.append(["all together", *(_measure_cell(one.measure, one.loss) for one in report.decompositions)])
    n = f"{report.success.loss.n} paired episodes, {seeds_text(report.success.loss.seeds)}"
    table = page.table(header, rows, ["name", *([""] * len(report.decompositions))])
    return join(element("h3", "Shapley shares"), table, element("p", n, "small"))


def _cells(report: GapReport) -> Markup:
    titles = {"success": "success", "distance_m": "mean distance"}
    header: list[Piece] = [f"taken from {report.target}", *(titles[one.measure] for one in report.decompositions)]
    rows: list[list[Piece]] = [
        [
            cell_name(subset).replace("+", " + "),
            *(_measure_cell(d.measure, d.cells[subset]) for d in report.decompositions),
        ]
        for subset in report.success.cells
    ]
    return join(element("h3", "All eight cells"), page.table(header, rows, ["name", *([""] * (len(header) - 1))]))


def _modules(report: GapReport) -> Markup:
    if not report.attributions:
        return Markup("")
    rows: list[list[Piece]] = [
        ["as it is", _measure_cell("success", report.success.cells[EVERYTHING]), ""],
    ]
    for arm in report.attributions:
        if arm.success is None or arm.recovered is None:
            rows.append([f"oracle {arm.module}", "not defined for this interface", ""])
        else:
            won = page.interval_cell(arm.recovered, 0, 100, "points")
            rows.append([f"oracle {arm.module}", _measure_cell("success", arm.success), won])
    header: list[Piece] = [f"policy on {report.target}", "success", "wins back"]
    return page.card(element("h3", "Which module is to blame"), page.table(header, rows, ["name", "", ""]))


def _error_curve(report: GapReport) -> Markup:
    caption = "Success when the true interface is damaged by noise of growing size."
    explained = report.explained()
    if explained is not None:
        caption += (
            f" At the error that the policy makes on {report.target} the curve says {explained:.2f}; measured is "
            f"{report.success.cells[EVERYTHING].value:.2f}."
        )
    return _themed(lambda theme: plots.success_against_error(report, theme), caption)


def _eyes(content: ReportContent) -> Markup:
    gallery = page.grid([page.picture(picture.png, picture.caption) for picture in content.gallery])
    boxes = [_error_boxes(content.results, name) for name in dict.fromkeys(e.name for e in content.results.errors)]
    why = "The interface between perception and control, drawn over the frame it was read from."
    return join(element("p", why, "why") if content.gallery else "", gallery, *boxes)


def _error_boxes(results: Results, name: str) -> Markup:
    found: dict[str, dict[str, Floats]] = {}
    units = {e.unit for e in results.errors if e.name == name and e.unit}
    for e in results.errors:
        if e.name == name:
            by_domain = found.setdefault(label(e.arm), {})
            before = by_domain.get(e.domain)
            by_domain[e.domain] = e.values if before is None else np.concatenate([before, e.values])
    axis = f"interface error [{', '.join(sorted(units))}]" if units else f"interface error {name}"
    caption = f"Perception error ({name}) per network and domain: quartiles, median, and 5 % to 95 % as whiskers."
    return _themed(lambda theme: plots.error_boxes(found, axis, theme), caption)


def _claims(content: ReportContent) -> Markup:
    if not content.decided:
        return Markup("")
    counts = count(content.decided)
    said = f"{counts['pass']} pass, {counts['fail']} fail, {counts['undecided']} undecided."
    why = (
        "A claim passes when its whole 95 % interval lies on the right side of the threshold (tinted), fails when it "
        f"lies on the wrong side, and is undecided otherwise. {said} {_registered(content)}"
    )
    header: list[Piece] = ["", "claim", "verdict", "measured [95 % interval]", "needs", "", "paper", "n, seeds"]
    rows = [_claim_row(one) for one in content.decided]
    table = page.table(header, rows, ["small", "", "", "", "nowrap", "", "small", "small nowrap"])
    return join(element("p", why, "why"), page.card(table))


def _registered(content: ReportContent) -> str:
    claims = content.papers.claims if content.papers else ()
    return {
        "registered": "Their hash is the one that was stored with these numbers.",
        "changed": "WARNING: the claims have changed since these numbers were made.",
        "unregistered": "These numbers were made without registered claims.",
        "not the same in all files": "WARNING: some of these numbers were made with other claims, or without any.",
    }[registration(claims, content.results)]


def _claim_row(one: ClaimResult) -> list[Piece]:
    number: Piece = element("span", one.reason, "small")
    if one.value is not None and one.low is not None and one.high is not None:
        digits = 1 if abs(one.value) >= 100 else 2
        number = page.interval_cell(Interval(one.value, one.low, one.high, one.n, one.seeds), digits)
        if one.reason:
            number = join(number, element("div", one.reason, "small"))
    chip = element("span", one.status, f"chip {one.status}")
    words = one.statement.replace(">=", "≥").replace("<=", "≤")
    statement = join(words, element("span", f" ({one.source})", "small"))
    needs = f"{_SIGNS[one.direction]} {one.threshold:g}"
    paper = "" if one.paper is None else f"{one.paper:g}"
    trials = f"{one.n}, {seeds_text(one.seeds)}" if one.n else ""
    return [one.claim, statement, chip, number, needs, page.forest(one), paper, trials]


def _paper(content: ReportContent) -> Markup:
    papers = content.papers
    if papers is None:
        return Markup("")
    tables = [_paper_table(table, content.results) for table in papers.tables]
    if not any(table.html for table in tables):
        return Markup("")
    why = (
        f"{papers.citation} The paper's numbers come from its own simulator and a real robot; ours from our simulator "
        "and the twin, which is simulation too. They are set side by side to compare orderings and ratios, not digits."
    )
    return join(element("p", why, "why"), *tables)


def _paper_table(table: PaperTable, results: Results) -> Markup:
    found = [[counterpart(q, results) if q else None for q in row.ours] for row in table.rows]
    if not any(entry for row in found for entry in row):
        return Markup("")
    header: list[Piece] = ["", *table.columns, *table.columns]
    groups = [("", 1), (table.paper_setting, len(table.columns)), (table.our_setting, len(table.columns))]
    rows: list[list[Piece]] = []
    for row, entries in zip(table.rows, found, strict=True):
        ours = [_entry(table, i, q, entries[i]) for i, q in enumerate(row.ours)]
        rows.append([label(row.label), *(text or "-" for text in row.paper), *ours])
    classes = ["name", *(["paper"] * len(table.columns)), "first-ours", *([""] * (len(table.columns) - 1))]
    note = f"{table.note} Ours: value with its 95 % interval by bootstrap.".strip()
    grouped = page.grouped_table(groups, header, rows, classes)
    return page.card(element("h3", table.title), grouped, element("p", note, "small"))


def _entry(table: PaperTable, column: int, quantity: Quantity | None, found: tuple[Interval, str] | None) -> Piece:
    if quantity is None or found is None:
        return element("span", "not measured", "small")
    interval, domain = found
    cell = page.interval_cell(interval, table.digits[column], table.scales[column])
    where = "" if domain == quantity.domain else f"{domain}, "
    return join(cell, element("div", f"{where}n={interval.n}, {seeds_text(interval.seeds)}", "small"))


def _learning(content: ReportContent) -> Markup:
    shown: list[Markup] = []
    for name in dict.fromkeys(curve.name for curve in content.curves):
        curves = [curve for curve in content.curves if curve.name == name]
        several = max(curve.seeds for curve in curves) > 1
        caption = f"{name} over training" + ("; bands span the worst to the best seed." if several else ", 1 seed.")
        shown.append(_themed(lambda theme, c=curves, n=name: plots.learning_curves(c, n, theme), caption))
    return join(*shown)


def _failures(content: ReportContent) -> Markup:
    shown: list[Piece] = []
    for failure in content.failures:
        words = f"{label(failure.arm)} on {failure.domain}, {episode_text(failure.seed)}."
        command = page.commands([replay_command(failure, content.results)])
        caption = join(f"{words} {failure.media.caption if failure.media else ''}", command)
        match failure.media:
            case Picture(png=png):
                shown.append(page.picture(png, caption))
            case Video(mp4=mp4):
                shown.append(page.video(mp4, caption, autoplay=False))
            case None:
                shown.append(element("div", caption, "card"))
    listed = _all_failures(content.results)
    total = sum(int((~cell.success).sum()) for cell in content.results.cells)
    everything = page.details(f"All {total:,} failed episodes with their commands", *listed) if listed else ""
    why = element("p", "Episodes that ended without success, each with the command that replays it.", "why")
    return join(why if total else "", element("div", join(*shown), "failures") if shown else "", everything)


def _all_failures(results: Results) -> list[Markup]:
    listed: list[Markup] = []
    for cell in results.cells:
        failed = cell.seeds[~cell.success].tolist()
        if failed:
            replays = [Failure(cell.arm, cell.domain, cell.run, seed) for seed in failed]
            summary = f"{label(cell.arm)} on {cell.domain}, training seed {cell.training_seed}: {len(failed)} failed"
            lines = [replay_command(failure, results) for failure in replays]
            listed.append(page.details(summary, page.commands(lines, long=True)))
    return listed


def replay_command(failure: Failure, results: Results) -> str:
    """The command that runs a failed episode again and saves what happened."""
    run = failure.run or f"runs/{results.name}"
    place = f"replays/{failure.domain.replace('/', '-')}-{failure.seed}"
    words = ["eyehand", "evaluate", run, "--domain", failure.domain, "--episode", str(failure.seed), "--save", place]
    return shlex.join(words)


def _ledger(results: Results) -> Markup:
    if not results.ledger and not results.test_reads:
        return Markup("")
    why = (
        "Target data reach a method only through one door, which counts every piece and refuses what the paper's "
        "budget does not allow."
    )
    rows: list[list[Piece]] = [
        [entry.what, entry.domain, f"{entry.taken:,}", "no limit" if entry.allowed is None else f"{entry.allowed:,}"]
        for entry in results.ledger
    ]
    header: list[Piece] = ["what", "domain", "read", "allowed"]
    scored = [
        f"{domain} scored {times} time{'' if times == 1 else 's'}" for domain, times in results.test_reads.items()
    ]
    return join(
        element("p", why, "why"),
        page.card(
            page.table(header, rows, ["name", "", "", ""]) if rows else "",
            element("p", f"Test draws: {', '.join(scored)}.", "small") if scored else "",
        ),
    )


def _provenance(results: Results) -> Markup:
    origin = results.provenance
    facts: dict[str, str] = {
        "method, task, preset": f"{results.method}, {results.task}, {results.preset}",
        "commit": origin.commit,
        "trained at commit": ", ".join(one for one in origin.trained_at if one != origin.commit),
        "configuration": results.config_hash,
        "claims": results.claims_hash,
        "machine": origin.machine,
        "wall time": f"{origin.wall_time_s / 60:.1f} min" if origin.wall_time_s else "",
        "versions": ", ".join(f"{name} {version}" for name, version in origin.versions.items()),
        **{f"domain {d.name}": f"version {d.version}, {d.digest}" for d in results.domains},
    }
    listed = join(*(join(element("dt", k), element("dd", element("code", v))) for k, v in facts.items() if v))
    ran = join(element("h3", "The commands that made it"), page.commands(origin.commands)) if origin.commands else ""
    return page.card(element("dl", listed), ran)

"""Write every generated block of README.md and docs/ anew: measured numbers from result files, tables from the code.

    python scripts/write_results.py

A block stands between `<!-- results:NAME:begin -->` and `<!-- results:NAME:end -->`. Numbers come from the files under
`results/` and nowhere else; a block whose file is missing says "Not measured yet." `scripts/check_results.py` fails
when a page and its sources differ.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import code_tables
import numpy as np
import reproduced
import severities
from code_tables import markdown

from eyehand.evaluation import statistics
from eyehand.evaluation.results import DISTANCE, Results, seeds_text
from eyehand.evaluation.results_file import read_results
from eyehand.evaluation.statistics import Sample
from eyehand.evaluation.verdict import label

ROOT = Path(__file__).parents[1]
DEMO = Path("results/demo/results.json")
TWIN = Path("results/twin/planar_reach.json")
REALISM = Path("results/realism/view_reach.json")
CONTACT = Path("results/contact/sphere_grasp.json")
BENCH = Path("results/bench/bench.json")
SCALING = Path("results/bench/scaling.json")
LATENCY = Path("results/bench/latency.json")
PPO = Path("results/gym/ppo_view_reach.json")
FAILED = Path("results/negative/modular_dqn.json")
NOT_MEASURED = "Not measured yet."
MARKER = re.compile(r"<!-- results:([A-Za-z0-9_-]+):(begin|end) -->")
BLOCK = re.compile(
    r"(<!-- results:(?P<name>[A-Za-z0-9_-]+):begin -->\n)(?P<content>.*?)(<!-- results:(?P=name):end -->)", re.DOTALL
)
PAPER_NAMES = {"sim_only": "EE1", "adapted": "EE2", "fine_tuned": "EE2-FT", "oracle": "CR"}


def pages(root: Path) -> list[Path]:
    """README.md and every page under docs/."""
    return [path for path in (root / "README.md", *sorted((root / "docs").rglob("*.md"))) if path.exists()]


def rewritten(text: str, root: Path) -> str:
    """A page's text with every block made anew; raises ValueError for markers that do not pair or name no block."""
    markers = MARKER.findall(text)
    for opening, closing in zip(markers[::2], [*markers[1::2], ("", "")], strict=False):
        if (opening[0], "end") != closing or opening[1] != "begin":
            raise ValueError(f"block {opening[0]}: its begin and its end do not pair")
        if opening[0] not in BLOCKS:
            raise ValueError(f"block {opening[0]}: unknown; known are {', '.join(sorted(BLOCKS))}")
    return BLOCK.sub(lambda found: found[1] + BLOCKS[found["name"]](root).rstrip("\n") + "\n" + found[4], text)


def contents(text: str) -> dict[str, str]:
    """The content of every block of a page by name."""
    return {found["name"]: found["content"] for found in BLOCK.finditer(text)}


def demo(root: Path) -> str:
    """The demo's table for the README: success and median distance of every policy in both domains."""
    results = _demo_results(root)
    if results is None:
        return NOT_MEASURED
    rows = [
        [label(arm), *(_outcome(results, arm, domain) for domain in results.tested_domains())] for arm in results.arms()
    ]
    return markdown(["policy", *_domain_titles(results)], rows) + "\n\n" + _demo_caption(results)


def demo_paper(root: Path) -> str:
    """The demo in the terms of the paper's Tables 1 and 3, one row for a policy in a domain."""
    results = _demo_results(root)
    if results is None:
        return NOT_MEASURED
    header = ["policy", "domain", "success", "median d [cm]", "Q3 d [cm]", "mean R", "e (mean ± std)", "target [cm]"]
    rows = [
        _demo_row(results, arm, domain)
        for domain in results.tested_domains()
        for arm in results.arms()
        if results.find(arm, domain)
    ]
    return markdown(header, rows) + "\n\n" + _demo_caption(results)


def twin_solvable(root: Path) -> str:
    """The numbers behind rule 2 of the twin: every key of the file."""
    path = root / TWIN
    if not path.exists():
        return NOT_MEASURED
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    rows = [[key.replace("_", " "), value] for key, value in flat(document)]
    return markdown(["quantity", "value"], rows) + f"\n\nSource: `{TWIN}`."


def contact(root: Path) -> str:
    """What a shoved sphere and closing fingers do in two physics engines."""
    if not (root / CONTACT).exists():
        return NOT_MEASURED
    document: dict[str, Any] = json.loads((root / CONTACT).read_text(encoding="utf-8"))
    rows = [
        [
            f"{one['rolling_scale']:g}",
            f"{one['friction_scale']:g}",
            one["engine"],
            f"{one['rolled_mm']:.1f}",
            _as_far(document["offsets_mm"], one["lifted"]),
        ]
        for one in document["found"]
    ]
    header = ["rolling friction x", "friction x", "engine", "rolled [mm]", "lifted when off by up to [mm]"]
    return markdown(header, rows) + f"\n\nSource: `{CONTACT}`."


def _as_far(offsets_mm: Sequence[float], lifted: Sequence[bool]) -> str:
    """The largest offset up to which every grasp lifts; "-" where none does."""
    upto = [offset for offset, up in zip(offsets_mm, itertools.accumulate(lifted, min), strict=True) if up]
    return f"{upto[-1]:g}" if upto else "-"


def realism(root: Path) -> str:
    """Noise, edge spread, clipping, saturation and holes of simulated pictures beside real ones."""
    if not (root / REALISM).exists():
        return NOT_MEASURED
    document: dict[str, Any] = json.loads((root / REALISM).read_text(encoding="utf-8"))
    columns: dict[str, dict[str, Any]] = document["columns"]
    quantities = {
        "noise": ("noise [grey levels]", "{:.2f}"),
        "edge_spread_px": ("edge spread [px]", "{:.2f}"),
        "clipped": ("clipped pixels", "{:.1%}"),
        "saturation": ("colour saturation", "{:.2f}"),
        "holes": ("holes in depth", "{:.1%}"),
        "pictures": ("pictures", "{}"),
    }
    rows = [
        [title, *("-" if column[key] is None else form.format(column[key]) for column in columns.values())]
        for key, (title, form) in quantities.items()
    ]
    said = f"Medians over the pictures, {document['size']} x {document['size']} pixels. Source: `{REALISM}`."
    return markdown(["quantity", *columns], rows) + "\n\n" + said


def bench(root: Path) -> str:
    """Our speed beside that of peers."""
    if not (root / BENCH).exists():
        return NOT_MEASURED
    pairs: list[dict[str, Any]] = json.loads((root / BENCH).read_text(encoding="utf-8"))["pairs"]
    rows = [
        [
            f"`{pair['name']}`" + (f", {pair['variant']}" if pair["variant"] else ""),
            f"{pair['ours']:,.0f} {pair['unit']}",
            f"{pair['theirs']:,.0f}, {pair['peer']}",
            "**{}** [{}-{}]".format(*(_number(pair[key]) for key in ("ratio", "low", "high"))),
            f"{_number(pair['target'])} {'x' if pair['of'] == 'ratio' else pair['unit']}",
            "yes" if pair["met"] else "no",
        ]
        for pair in pairs
    ]
    said = (
        "Median ratio and its 95 % interval, both sides in turns on two cores (`drawing`: on one); outputs compared "
        "first where both make "
        "the same thing. Threads and physics of both sides stand in the file, the pairs in "
        f"`bench/README.md`. Source: `{BENCH}`, by `eyehand bench --json`."
    )
    return markdown(["pair", "ours", "theirs", "ratio", "target", "met"], rows) + "\n\n" + said


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def scaling(root: Path) -> str:
    """What a control step costs with 1 to 256 simulations."""
    if not (root / SCALING).exists():
        return NOT_MEASURED
    document: dict[str, Any] = json.loads((root / SCALING).read_text(encoding="utf-8"))
    return (
        f"One more simulation of `view_reach` with a camera adds {document['line_ms']:.2f} ms to a control step and "
        f"{document['line_mb']:.2f} MB; from 16 simulations on, the time departs from a straight line by at most "
        f"{document['departure']:.0%}. Source: `{SCALING}`."
    )


def latency(root: Path) -> str:
    """How long a policy takes from a camera's frame to the command."""
    if not (root / LATENCY).exists():
        return NOT_MEASURED
    found: list[dict[str, Any]] = json.loads((root / LATENCY).read_text(encoding="utf-8"))["policies"]
    rows = [
        [
            f"`{one['method']}`, `{one['preset']}`",
            *(f"{one[key]:.1f}" for key in ("p50_ms", "p99_ms", "worst_ms", "target_ms")),
            "yes" if one["met"] else "no",
        ]
        for one in found
    ]
    header = ["policy", "median [ms]", "99th percentile [ms]", "longest [ms]", "target of the percentile [ms]", "met"]
    return markdown(header, rows) + f"\n\n{found[0]['frames']:,} frames each, on one core. Source: `{LATENCY}`."


def ppo(root: Path) -> str:
    """PPO of Stable-Baselines3 on the state of view_reach."""
    if not (root / PPO).exists():
        return NOT_MEASURED
    found: dict[str, Any] = json.loads((root / PPO).read_text(encoding="utf-8"))
    return (
        f"PPO with every number at its default on `{found['environment']}`, domain `{found['domain']}`, states: "
        f"success {found['before']['text']} before, {found['after']['text']} after {found['steps']:,} steps, "
        f"{found['training_s'] / 60:.0f} minutes, 1 seed. Source: `{PPO}`."
    )


def failed(root: Path) -> str:
    """Variants that were tried and were worse."""
    path = root / FAILED
    if not path.exists():
        return NOT_MEASURED
    rows = [
        [row["tried"], f"{row['error']:.3f}", row["instead"], f"{row['error_instead']:.3f}", row["after"]]
        for row in json.loads(path.read_text(encoding="utf-8"))["perception"]
    ]
    header = ["tried", "error e", "used instead", "error e", "compared after"]
    return markdown(header, rows) + f"\n\nSource: `{FAILED}`."


def flat(document: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Keys and printed values of a nested JSON object; an object with value, low and high is one number."""
    found: list[tuple[str, str]] = []
    for key, value in document.items():
        if isinstance(value, Mapping) and {"value", "low", "high"} <= value.keys():
            count = f" (n={value['n']})" if "n" in value else ""
            found.append((prefix + key, f"{value['value']:.3f} [{value['low']:.3f}-{value['high']:.3f}]{count}"))
        elif isinstance(value, Mapping):
            found += flat(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, _plain(value)))
    return found


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return f"`{value}`" if re.fullmatch(r"[0-9a-f]{40,}", value) else value
    return ", ".join(map(_plain, value)) if isinstance(value, list) else json.dumps(value)


def _demo_results(root: Path) -> Results | None:
    return read_results(root / DEMO) if (root / DEMO).exists() else None


def _domain_titles(results: Results) -> list[str]:
    held_out = {domain.name for domain in results.domains if domain.held_out}
    return [f"{name} (held out)" if name in held_out else name for name in results.tested_domains()]


def _outcome(results: Results, arm: str, domain: str) -> str:
    success, distance = results.sample(arm, domain, "success"), results.sample(arm, domain, DISTANCE)
    if success is None:
        return "-"
    median = "" if distance is None else f"; {100 * float(np.median(distance.values)):.1f} cm"
    return _rate(success) + median


def _rate(success: Sample) -> str:
    """A rate with Wilson's interval; with several trainings the wider ends of Wilson's and the bootstrap's."""
    wilson = statistics.rate(success.values > 0.5)
    if success.seeds == 1:
        return wilson.text()
    wide = statistics.success_interval(success)
    return f"{wide.value:.3f} [{wide.low:.3f}-{wide.high:.3f}] ({wilson.successes}/{wilson.n})"


def _demo_row(results: Results, arm: str, domain: str) -> list[str]:
    success = results.sample(arm, domain, "success")
    distance, reward = results.sample(arm, domain, DISTANCE), results.sample(arm, domain, "total_reward")
    theta, cm = (results.error_sample(arm, domain, unit) for unit in ("theta", "cm"))
    name = f"{label(arm)} ({PAPER_NAMES[arm]})" if arm in PAPER_NAMES else label(arm)
    quartiles = ["-", "-"]
    if distance is not None:
        quartiles = [f"{100 * q:.1f}" for q in np.quantile(distance.values, [0.5, 0.75])]
    return [
        name,
        domain,
        "-" if success is None else _rate(success),
        *quartiles,
        "-" if reward is None else f"{reward.values.mean():.3f}",
        "-" if theta is None else f"{theta.values.mean():.3f} ± {theta.values.std():.3f} (n={len(theta.values)})",
        "-" if cm is None else f"{cm.values.mean():.1f}",
    ]


def _demo_caption(results: Results) -> str:
    trials = sorted({len(one.seeds) for one in results.cells})
    trainings = len({one.training_seed for one in results.cells})
    read = "; ".join(
        f"{entry.taken} of {'any number of' if entry.allowed is None else entry.allowed} {entry.what}"
        for entry in results.ledger
    )
    versions = ", ".join(f"{d.name} version {d.version} (`{d.digest[:12]}`)" for d in results.domains if d.held_out)
    return (
        "Success rate with its Wilson 95 % interval and (successes/episodes), then the median distance to the target "
        f"at the end. {' or '.join(map(str, trials))} episodes a cell, the same starts and goals in every cell; "
        f"{seeds_text(trainings)}, so the intervals do not cover a second training. Preset `{results.preset}`. "
        f"**The twin is a simulation too, no robot**: {versions}. Target data read: {read or 'none'}. Training and "
        f"measuring took {results.provenance.wall_time_s / 60:.1f} minutes on {_machine(results)}. "
        f"Source: `{DEMO}`."
    )


def _machine(results: Results) -> str:
    """The size of the machine; its operating system stands in the file."""
    return results.provenance.machine.split(",")[0] or "a machine that was not recorded"


BLOCKS: Mapping[str, Callable[[Path], str]] = {
    "demo": demo,
    "demo-paper": demo_paper,
    "twin-solvable": twin_solvable,
    "contact": contact,
    "failed": failed,
    "realism": realism,
    "bench": bench,
    "scaling": scaling,
    "latency": latency,
    "ppo": ppo,
    **code_tables.BLOCKS,
    **reproduced.BLOCKS,
    **severities.BLOCKS,
}


def main(root: Path = ROOT) -> Sequence[Path]:
    """Rewrite every page that differs from its sources, and say which."""
    changed: list[Path] = []
    for page in pages(root):
        before = page.read_text(encoding="utf-8")
        after = rewritten(before, root)
        if after != before:
            page.write_text(after, encoding="utf-8")
            changed.append(page)
    print("\n".join(str(path.relative_to(root)) for path in changed) or "Every page agrees with its sources.")
    return changed


if __name__ == "__main__":
    main()

"""The report: self-contained, honest in words, complete where there is content, silent where there is none."""

from __future__ import annotations

import dataclasses
import io
import re
import shlex
from html.parser import HTMLParser

import av
import numpy as np
import pytest
from PIL import Image

from eyehand.errors import FileFormatError, InvalidValueError
from eyehand.evaluation import claim, claims, curves, gap, page, plots, report, results, sections, verdict, videos
from eyehand.evaluation.content import Failure, Picture, ReportContent, Video
from eyehand.evaluation.statistics import Interval

SIM = results.DomainIdentity("sim", 1, "0" * 64)
TWIN = results.DomainIdentity("twin/val", 2, "a" * 64, held_out=True)
N = 60


def cell(arm: str, domain: str, share: float, seed: int = 0) -> results.Cell:
    success = np.arange(N) < round(share * N)
    seeds = ((np.arange(N) % 2) << 32) + np.arange(N) if domain != "sim" else np.arange(N)
    distance = np.where(success, 0.04, 0.5)
    steps, reward = np.full(N, 9), success * 1.0
    measures = {"distance_m": distance}
    return results.Cell(arm, domain, seed, f"runs/{arm}", seeds, success, ~success, steps, reward, measures)


def run(naive: float = 0.1, adapted: float | None = 0.9, home: float = 0.95) -> results.Results:
    cells = [cell("sim_only", "sim", home), cell("sim_only", "twin/val", naive), cell("oracle", "twin/val", 1.0)]
    cells += [cell("adapted", "twin/val", adapted)] if adapted is not None else []
    ledger = (results.LedgerEntry("frames", "twin/val", 200, 1418),)
    return results.Results(
        "demo", "modular_dqn", "planar_reach", "quick", domains=(SIM, TWIN), cells=tuple(cells), ledger=ledger
    )


def gap_of(n: int = N) -> gap.GapReport:
    cells = {s: gap.Outcomes(np.arange(n) >= n // 4 * len(s), np.full(n, 0.1 * (1 + len(s)))) for s in gap.subsets()}
    ones = np.ones(n, bool)
    given = gap.GapInput(
        "sim_only", "sim", "twin/val", np.arange(n), np.zeros(n, np.int64),
        {"perception": gap.Outcomes(ones), "control": None}, [(0.0, ones), (0.4, ~ones)], "theta", 0.3,
    )  # fmt: skip
    return gap.measure_gap(cells, given)


def frames(length: int, height: int = 21, width: int = 17) -> np.ndarray:
    ramp = np.linspace(0, 255, length * height * width * 3).reshape(length, height, width, 3)
    return ramp.astype(np.uint8)


@pytest.fixture(scope="module")
def full() -> ReportContent:
    errors = tuple(
        results.InterfaceErrors(arm, domain, 0, "theta", "", np.arange(30), np.linspace(0.01, 0.4, 30))
        for arm in ("SIM", "P75")
        for domain in ("sim", "twin/val")
    )
    origin = results.Provenance("abc123", {"numpy": "2.0"}, "two cores", 61.0, ("eyehand demo",))
    numbers = dataclasses.replace(
        run(), errors=errors, gaps=(gap_of(),), provenance=origin, test_reads={"twin/test": 0}
    )
    papers = claims.load("modular_dqn")
    lines = [{"step": float(i), "eval/sim/success": i / 10} for i in range(10)]
    curve = curves.curve("K-GPS", "eval/sim/success", [lines, lines])
    assert curve is not None
    picture = Picture(videos.png(frames(1)[0]), "adapted: 0.02 off.")
    clip = Video(videos.encode_mp4(frames(3)), "Episode 0 in both worlds.")
    failure = Failure("sim_only", "twin/val", "runs/sim_only", (1 << 32) + 59, picture)
    decided = claim.decide_all(papers.claims, numbers)
    return ReportContent(numbers, papers, decided, (curve,), (clip,), (picture,), (failure,))


@pytest.fixture(scope="module")
def html(full) -> str:
    return report.render(full)


class Checker(HTMLParser):
    """Counts open elements and collects every address and heading."""

    VOID = ("meta", "img", "source", "br", "link", "input", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "poster", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):  # drawings have no addresses
        assert not {name for name, _ in attrs} & {"src", "href", "srcset"}, tag

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_fetches_nothing(html):
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert checker.addresses
    assert all(address.startswith(("data:", "#")) for address in checker.addresses)
    assert "script" not in checker.tags
    assert "@import" not in html
    assert "url(" not in html
    assert len(html) < 15_000_000


def test_every_section_is_there_and_linked(html):
    for anchor in ("verdict", "watch", "arms", "gap", "eyes", "claims", "learning", "failures", "data", "provenance"):
        assert f'<section id="{anchor}">' in html
        assert f'href="#{anchor}"' in html


def test_the_reader_is_told_that_it_is_simulation(html):
    assert "Simulation to simulation." in html
    assert "No robot was involved" in html


def test_numbers_carry_interval_trials_and_seeds(html):
    assert "[0.05-0.20] (6/60)" in html
    assert "1 seed" in html
    assert "median 50.0 cm" in html


def test_scorings_of_test_draws_are_printed(html):
    assert "Test draws: twin/test scored 0 times." in html


def test_undecided_claims_say_what_is_missing(html):
    assert "chip undecided" in html
    assert "not measured: " in html


def test_empty_content_still_makes_a_page():
    bare = results.Results("nothing yet", "toy", "toy_task")
    html = report.render(ReportContent(bare))
    assert "nothing yet" in html
    assert '<section id="verdict">' not in html
    assert '<section id="claims">' not in html
    assert '<section id="provenance">' in html


def test_paper_table_shows_validation_draws_only_under_their_name():
    html = report.render(ReportContent(run(), claims.load("modular_dqn")))
    assert "paper (its simulator; real robot)" in html
    assert "ours (simulation-to-simulation)" in html
    assert "twin/val, n=60" in html


def test_names_cannot_break_the_page():
    html = report.render(ReportContent(results.Results("<script>alert(1)</script> & co", "toy", "toy_task")))
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in html


def test_same_content_gives_the_same_page():
    assert report.render(ReportContent(run())) == report.render(ReportContent(run()))


def test_every_failure_comes_with_its_command(full, html):
    numbers = full.results
    failed = [(c, seed) for c in numbers.cells for seed in c.seeds[~c.success].tolist()]
    assert len(failed) > 50
    for c, seed in failed:
        words = ["eyehand", "evaluate", c.run, "--domain", c.domain, "--episode", str(seed), "--save"]
        assert shlex.join(words) in html


def test_replay_command_quotes_odd_folders():
    failure = Failure("sim_only", "twin/val", "my runs/a", 5)
    words = shlex.split(sections.replay_command(failure, run()))
    assert words[:3] == ["eyehand", "evaluate", "my runs/a"]
    assert words[-1] == "replays/twin-val-5"


def test_media_beyond_the_budget_are_left_out_and_counted(full, monkeypatch):
    monkeypatch.setattr(report, "MEDIA_BYTES", len(full.videos[0].mp4) + 10)
    bare = results.Results("media only", "toy", "toy_task")
    html = report.render(ReportContent(bare, videos=full.videos, gallery=full.gallery, failures=full.failures))
    assert "2 pictures and videos were left out" in html
    assert html.count("<video") == 1


def test_writing_is_one_step(tmp_path):
    bare = ReportContent(results.Results("nothing yet", "toy", "toy_task"))
    report.write_report(bare, tmp_path / "report.html")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileFormatError, match="cannot be written"):
        report.write_report(bare, tmp_path / "missing" / "report.html")


def said(numbers: results.Results) -> str:
    return " ".join(verdict.sentences(numbers))


def test_verdict_of_a_successful_crossing():
    text = said(run())
    assert "In twin/val, a world it has never seen, it succeeds in 10 % [5-20] (6/60): it loses 85 points" in text
    assert "Adapted with 200 recorded frames of it, it succeeds in 90 %" in text
    assert "80 points" in text
    assert "that is the ceiling" in text
    assert verdict.headline(run()).endswith("10 % moved to twin/val as it is, 90 % after adapting to it")


def test_verdict_says_when_adaptation_did_nothing_or_harm():
    assert "is within chance" in said(run(naive=0.5, adapted=0.5))
    assert "adaptation did harm" in said(run(naive=0.8, adapted=0.2))


def test_verdict_does_not_claim_a_loss_that_is_not_there():
    assert "as far as these trials can tell, it loses nothing (0 points [" in said(
        run(naive=0.95, home=0.95, adapted=None)
    )
    assert "it does not lose, it gains 65 points [" in said(run(naive=0.95, home=0.3, adapted=None))
    assert said(results.Results("x", "m", "t")) == ""


@pytest.mark.parametrize(
    ("numbers", "naive", "adapted"),
    [
        ({"naive": 0.1, "adapted": 0.9}, "bad", "good"),
        ({"naive": 0.8, "adapted": 0.2}, "bad", "bad"),  # adaptation did harm
        ({"naive": 0.5, "adapted": 0.5}, "bad", ""),
        ({"naive": 0.95, "adapted": 0.95, "home": 0.3}, "good", ""),
    ],
)
def test_a_tile_is_good_or_bad_by_its_numbers(numbers, naive, adapted):
    tones = {tile.title: tile.tone for tile in verdict.tiles(run(**numbers))}
    assert tones == {
        "sim only on sim": "", "sim only on twin/val": naive, "adapted on twin/val": adapted, "oracle on twin/val": ""
    }  # fmt: skip


def test_percent_never_rounds_to_certainty():
    assert [verdict.percent(v) for v in (0.0, 0.003, 0.5, 0.997, 1.0)] == ["0 %", "0.3 %", "50 %", "99.7 %", "100 %"]


def test_forest_marks_the_side_that_passes():
    quantity = claim.Measurement(claim.Quantity("x", "sim", "success"))
    low_is_good = claim.Claim("1", "small", "ours", quantity, "<=", 1.0)
    decided = claim.decide(low_is_good, claim.Measured(Interval(0.5, 0.4, 0.6, 9)))
    found = re.search(r'class="right" x="([\d.]+)" y="0" width="([\d.]+)"', page.forest(decided).html)
    assert found is not None
    assert float(found[1]) == 0.0
    assert float(found[2]) > 95
    assert page.forest(claim.decide(low_is_good, claim.Measured(None))).html == ""


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        picture.load()
        assert picture.format == "PNG"
        return picture.size


def test_plots_are_pictures_and_repeat_exactly():
    some = gap_of(12)
    rates = {"sim_only": {"sim": Interval(0.9, 0.8, 0.95, 50), "twin/val": Interval(0.1, 0.05, 0.2, 50)}}
    low = rates["sim_only"]["twin/val"]
    boxes = {"SIM": {"sim": np.linspace(0.01, 0.02, 9), "twin/val": np.linspace(0.5, 1, 9)}}
    lines = {name: np.column_stack([np.arange(9), values]) for name, values in boxes["SIM"].items()}
    drawings = [
        lambda theme: plots.gap_waterfall(some, theme),
        lambda theme: plots.success_against_error(some, theme),
        lambda theme: plots.success_bars(rates, theme),
        lambda theme: plots.error_boxes(boxes, "error", theme),
        lambda theme: plots.traces({"joint 1": lines, "joint 2": lines}, "step", "rad", theme),
        lambda theme: plots.responses({"error": {"SIM": {0.5: rates["sim_only"]["sim"], 0.0: low}}}, "severity", theme),
    ]
    for draw in drawings:
        assert min(size_of(draw(plots.LIGHT))) > 300
    waterfall = drawings[0](plots.LIGHT)
    assert waterfall == drawings[0](plots.LIGHT)
    assert waterfall != drawings[0](plots.DARK)


def test_a_gain_in_the_waterfall_is_drawn_too():
    cells = {s: gap.Outcomes(np.arange(12) < 6 + 2 * len(s)) for s in gap.subsets()}
    gains = gap.measure_gap(cells, gap.GapInput("p", "sim", "twin/val", np.arange(12), np.zeros(12, np.int64)))
    assert gains.success.loss.value < 0
    assert size_of(plots.gap_waterfall(gains))[0] > 300


def test_curves_span_the_seeds_and_end_with_the_shortest():
    def lines(offset: float, last: int) -> list[dict[str, float | None]]:
        return [{"step": 10 * i, "eval/success": 0.1 * i + offset, "train/loss": None} for i in range(last)]

    found = curves.curve("a", "eval/success", [lines(0.0, 8), lines(0.2, 5), lines(0.1, 9)])
    assert found is not None
    assert (found.steps.tolist(), found.seeds) == ([0, 10, 20, 30, 40], 3)
    np.testing.assert_allclose(found.mean, 0.1 * np.arange(5) + 0.1)
    np.testing.assert_allclose(found.high - found.low, 0.2)
    assert curves.curve("a", "train/loss", [lines(0, 5)]) is None


def decode(mp4: bytes) -> tuple[list[np.ndarray], str, str]:
    with av.open(io.BytesIO(mp4)) as container:
        stream = container.streams.video[0]
        found = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return found, stream.codec_context.name, stream.codec_context.pix_fmt


def test_videos_play_everywhere_and_keep_their_frames():
    bright = np.stack([np.full((21, 17, 3), level, np.uint8) for level in (40, 120, 200)])
    shown, codec, pixels = decode(videos.encode_mp4(bright, fps=5, quality=12))
    assert (len(shown), codec, pixels) == (3, "h264", "yuv420p")
    assert shown[0].shape == (22, 18, 3)  # odd sizes are padded
    for level, frame in zip((40, 120, 200), shown, strict=True):
        assert abs(frame.mean() - level) < 6


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_frames_of_another_kind_are_refused(bad):
    with pytest.raises(InvalidValueError, match=r"uint8 \(T, H, W, 3\)"):
        videos.encode_mp4(bad)


def test_side_by_side_holds_the_last_frame_of_the_shorter_side():
    white, grey = np.full((2, 40, 60, 3), 255, np.uint8), np.full((5, 40, 60, 3), 90, np.uint8)
    joined = videos.side_by_side([videos.Panel(white, "sim", "success", True), videos.Panel(grey, "twin")], scale=1)
    assert len(joined) == 5
    assert joined.shape[1] % 2 == joined.shape[2] % 2 == 0
    row = joined[:, -10, :]
    assert (row[:2, 30] == 255).all()
    assert (row[2:, 30] < 200).all()  # dimmed: this side is over
    assert (row[:, -20] == 90).all()
    assert joined[0, :30].std() > 0  # captions are written
    assert not np.array_equal(joined[0, :36, :60], joined[0, :36, -60:])


def test_contact_sheet_has_a_place_for_every_picture():
    pictures = [np.full((20, 30, 3), i, np.uint8) for i in range(5)]
    sheet = videos.contact_sheet(pictures, [f"step {i}" for i in range(5)], columns=3)
    assert sheet.shape[1] == 3 * 34
    assert all((sheet == i).all(axis=2).sum() >= 20 * 30 for i in range(5))
    with pytest.raises(InvalidValueError, match="pictures of one size"):
        videos.contact_sheet([pictures[0], pictures[1][:-1]])


def test_data_uris_decode_back():
    png = videos.png(frames(1)[0])
    address = videos.data_uri(png, "image/png")
    assert address.startswith("data:image/png;base64,")
    assert size_of(png) == (17, 21)

"""The benchmark pairs: both sides do the same work, and the statistics say what they should."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyehand.cli import main
from eyehand.cli.pairs import PAIRS
from eyehand.cli.pairs.comparing import Course, compare, median_interval
from eyehand.cli.pairs.pair import Agreement, Pair, Work
from eyehand.tasks import load_task
from eyehand.world.compositing import grey84
from eyehand.world.domain import Domain
from eyehand.world.drawing import DrawingImaging

ROOT = Path(__file__).parents[1]


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """A peer's environment that is this one."""
    python = tmp_path / "drawing" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


@pytest.fixture
def drawing_peer(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    spec = importlib.util.spec_from_file_location("drawing_peer", ROOT / "bench" / "drawing" / "peer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_pair_has_a_peer_with_an_environment() -> None:
    assert {pair.folder for pair in PAIRS} == {path.parent.name for path in (ROOT / "bench").glob("*/peer.py")}
    for pair in PAIRS:
        assert (ROOT / "bench" / pair.folder / "requirements.txt").read_text().count("==") >= 1


def test_peers_that_read_a_compiled_model_have_the_tested_mujoco() -> None:
    tested = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("mujoco=="))
    for folder in ("raster", "physics"):
        assert tested in (ROOT / "bench" / folder / "requirements.txt").read_text().splitlines()


def test_the_peer_draws_the_same_picture(drawing_peer: Any, tmp_path: Path) -> None:
    pair = next(pair for pair in PAIRS if pair.name == "drawing")
    setup = json.loads(json.dumps(pair.prepare(tmp_path).setup))
    batch = 24
    seeds = np.arange(batch)
    state = load_task("planar_reach").sample(seeds)
    ours = grey84(DrawingImaging(Domain()).capture(state, seeds, np.zeros(batch, np.int64))).astype(int)
    draw = drawing_peer.draw
    theirs = np.stack([np.asarray(draw(scene, setup)) for scene in setup["scenes"][:batch]])
    # Pillow does not smooth edges and rounds corners to whole pixels; nothing else may differ.
    error = np.abs(ours - theirs).mean(axis=(1, 2))
    ink = (255 - ours).mean(axis=(1, 2))
    assert error.max() < 2.0
    assert (error < 0.35 * ink).all()
    shuffled = np.abs(ours - np.roll(theirs, 1, axis=0)).mean(axis=(1, 2))
    assert np.median(shuffled) > 4 * np.median(error)


def test_both_sides_are_measured_in_turns(environments: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = os.sched_getaffinity(0) if sys.platform == "linux" else None
    command = ["bench", "drawing", "--repetitions", "3", "--environments", str(environments), "--json"]
    assert main([*command, "--peers", str(ROOT / "bench")]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    fields = ["name", "variant", "peer", "unit", "ours", "theirs", "ratio", "low", "high", "target", "of", "met"]
    assert list(found)[:12] == fields
    assert found["about"] == "one thread"
    assert found["about_peer"].startswith("Pillow")
    assert found["low"] <= found["ratio"] <= found["high"]
    assert found["theirs"] > 0
    assert found["met"] == (found["ours"] >= found["target"] == 5000)
    assert before is None or os.sched_getaffinity(0) == before


def test_without_the_peer_our_side_is_measured_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "drawing", "--repetitions", "1", "--environments", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)[0]
    assert found["ours"] > 0
    assert [found[key] for key in ("theirs", "ratio", "low", "high")] == [None] * 4
    assert "`make bench`" in said.err


def test_a_peer_that_dies_is_told(environments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "drawing" / "peer.py").write_text("raise SystemExit(3)\n")
    command = ["bench", "drawing", "--repetitions", "1", "--environments", str(environments), "--peers", str(tmp_path)]
    assert main(command) == 2
    assert "peer.py: the peer stopped" in capsys.readouterr().err


PEER = """
import time
from serving import Peer, serve

def work():
    time.sleep(0.02)
    return 20

serve(lambda setup: Peer(work, lambda path: path.write_text(setup["says"]), "two threads"))
"""


def fake_pair(equal: bool, target: float) -> Pair:
    """Our side takes 2 ms for 20 things; the peer of `PEER` takes 20 ms."""

    def ours() -> int:
        time.sleep(0.002)
        return 20

    def check(path: Path) -> dict[str, Agreement]:
        assert path.read_text() == "hello"
        return {"": Agreement(equal, "compared")}

    work = Work({"says": "hello"}, {"": ours, "thinking": ours}, "one thread", check)
    return Pair("drawing", "somebody", "things/s", target, "ratio", "all", "drawing", lambda _: work)


@pytest.mark.parametrize(("equal", "target", "met"), [(True, 2, True), (True, 50, False), (False, 2, False)])
def test_a_ratio_is_reached_only_with_equal_output(
    environments: Path, tmp_path: Path, equal: bool, target: float, met: bool
) -> None:
    shutil.copy(ROOT / "bench" / "serving.py", tmp_path / "serving.py")
    (tmp_path / "drawing" / "peer.py").write_text(PEER)
    found, thinking = compare(fake_pair(equal, target), Course(3, tmp_path, environments))
    assert (found.met, found.equal, found.found, found.about_peer) == (met, equal, "compared", "two threads")
    assert (thinking.variant, thinking.equal, thinking.theirs) == ("thinking", None, found.theirs)
    assert found.ratio is not None
    assert found.ratio > 2


def test_a_ratio_without_a_peer_is_unknown(tmp_path: Path) -> None:
    found, _ = compare(fake_pair(True, 2), Course(1, tmp_path, tmp_path))
    assert (found.met, found.ratio, found.theirs, found.equal) == (None, None, None, None)


def test_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "drawin"]) == 2
    assert "Did you mean 'drawing'?" in capsys.readouterr().err
    assert main(["bench", "--repetitions", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(("n", "rank"), [(6, 1), (10, 2), (15, 4), (25, 8), (100, 40)])
def test_the_medians_interval_takes_the_published_ranks(n: int, rank: int) -> None:
    values = list(range(1, n + 1))
    assert median_interval(values) == (rank, n + 1 - rank)


def test_the_medians_interval_covers_the_median() -> None:
    draw = random.Random(1)
    covered = 0
    for _ in range(1000):
        low, high = median_interval([draw.expovariate(1.0) for _ in range(15)])
        covered += low <= statistics.NormalDist().inv_cdf(0.5) + 0.6931 <= high
    assert 0.945 <= covered / 1000 <= 0.985

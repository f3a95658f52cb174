"""What many simulations cost: the straight line through the measurements, the files, and the commands' refusals."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from eyehand.cli import scaling
from eyehand.cli.scaling import COUNTS, Cost, plot, summarised


def costs(bend: float = 0.0) -> list[Cost]:
    """3 ms and 0.5 ms for each simulation, 200 MB and 2 MB for each; a bend makes many simulations dearer."""
    return [
        Cost(n, camera, (3.0 + 0.5 * n * (1.0 + bend * n / 256)) * (1.0 if camera else 0.5), 200.0 + 2.0 * n)
        for camera in (True, False)
        for n in COUNTS
    ]


def test_a_straight_line_is_found() -> None:
    found = summarised(costs())
    assert (found.start_ms, found.line_ms) == pytest.approx((3.0, 0.5))
    assert found.departure == pytest.approx(0.0, abs=1e-9)
    assert found.line_mb == pytest.approx(2.0)
    assert "Panda" in found.about


def test_a_bent_line_is_told() -> None:
    assert summarised(costs(bend=1.0)).departure > 0.1


def test_the_plot_is_a_picture() -> None:
    image = Image.open(io.BytesIO(plot(summarised(costs()))))
    assert image.size == (1350, 540)
    assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50


def test_files_and_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class InThisProcess:
        def __init__(self, workers: int, _context: object, max_tasks_per_child: int) -> None:
            assert (workers, max_tasks_per_child) == (1, 1)

        def __enter__(self) -> InThisProcess:
            return self

        def __exit__(self, *_: object) -> None: ...

        def map(self, _: object, counts: tuple[int, ...], cameras: tuple[bool, ...]) -> list[Cost]:
            return [cost for cost in costs() if (cost.simulations, cost.camera) in zip(counts, cameras, strict=True)]

    monkeypatch.setattr(scaling, "ProcessPoolExecutor", InThisProcess)
    assert scaling.run(tmp_path / "new", as_json=False) == 0
    said = capsys.readouterr().out
    assert "One more simulation adds 0.50 ms and 2.00 MB" in said
    assert "256          yes     131.00               0.512              712" in said
    numbers = json.loads((tmp_path / "new" / "scaling.json").read_text())
    assert [cost["simulations"] for cost in numbers["costs"]] == [*COUNTS, *COUNTS]
    assert (tmp_path / "new" / "scaling.png").read_bytes().startswith(b"\x89PNG")

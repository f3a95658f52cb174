"""Compiled kernels are thrown away when a source changes."""

from __future__ import annotations

from pathlib import Path

from eyehand.world.kernel_cache import refresh


def test_kernels_go_when_a_source_changes_and_stay_when_none_does(tmp_path: Path) -> None:
    look = refresh.__wrapped__
    source, kernel, stamp = tmp_path / "a.py", tmp_path / "__pycache__/a.nbc", tmp_path / "__pycache__/stamp"
    source.write_text("import numba\n")
    kernel.parent.mkdir()
    kernel.write_bytes(b"compiled by an unknown version")
    assert look(tmp_path, stamp)
    assert not kernel.exists()
    kernel.write_bytes(b"compiled from a.py")
    assert not look(tmp_path, stamp)
    assert kernel.exists()
    (tmp_path / "no_kernels.py").write_text("x = 1\n")
    assert not look(tmp_path, stamp)
    source.write_text("import numba  # changed\n")
    assert look(tmp_path, stamp)
    assert not kernel.exists()

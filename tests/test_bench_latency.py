"""`eyehand bench latency`: one decision at a time, from a frame to the command."""

from __future__ import annotations

import json
import os

import pytest
import torch

from eyehand.cli import bench, latency
from eyehand.errors import InvalidValueError


def test_times_are_ordered_and_the_process_gets_its_cores_back() -> None:
    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    found = latency.measure("mask_grasp", "sphere_grasp", 1e9, 30, "tiny")
    assert 0 < found.p50_ms <= found.p99_ms <= found.worst_ms
    assert found.met
    assert not latency.measure("modular_dqn", "planar_reach", 1e-9, 5, "tiny").met
    assert (os.sched_getaffinity(0), torch.get_num_threads()) == (cores, threads)


def test_the_verb_prints_every_method(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(latency, "SUBJECTS", (("modular_dqn", "planar_reach", 20.0),))
    assert bench.run(["latency", "--frames", "3", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["method"], told["frames"], told["target_ms"]) == ("modular_dqn", 3, 20.0)
    with pytest.raises(InvalidValueError, match="--frames"):
        bench.run(["latency", "--frames", "0"])

"""`eyehand bench latency`: from a camera's frame to the command, eyes and hand together, on one core.

Networks are freshly initialised: what they have learnt changes no time. A frame is a uint8 array as a camera gives it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from eyehand.cli import output
from eyehand.cli.pairs.comparing import one_core
from eyehand.learning.policy import check_deployable
from eyehand.methods import load_method
from eyehand.tasks import load_task
from eyehand.types import Floats, Observation, Policy
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

SUBJECTS = (("mask_grasp", "sphere_grasp", 20.0), ("modular_dqn", "planar_reach", 20.0))  # target of p99 in ms
FRAMES = 16  # different ones, in turns
WARM_UP = 50


@dataclass(frozen=True)
class Latency:
    """How long a method's policy takes for one frame.

    Attributes:
        method: whose policy.
        task: what it is for.
        preset: whose networks.
        frames: how many were timed.
        p50_ms: median.
        p99_ms: 99th percentile.
        worst_ms: the longest.
        target_ms: what the 99th percentile should not exceed.
        met: whether it does not.
    """

    method: str
    task: str
    preset: str
    frames: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    target_ms: float
    met: bool


def run(frames: int, as_json: bool) -> int:
    """Measure every method and print."""
    found = [measure(method, task, target, frames) for method, task, target in SUBJECTS]
    output.emit(as_json, [asdict(one) for one in found], lambda: _text(found))
    return 0


def measure(method_name: str, task_name: str, target_ms: float, frames: int, preset: str = "laptop") -> Latency:
    """Time a method's policy on one core.

    Args:
        method_name: the method.
        task_name: the task.
        target_ms: what the 99th percentile should not exceed.
        frames: how many to time.
        preset: whose networks.
    """
    method, task = load_method(method_name), load_task(task_name)
    policy = method.policy(method.networks(method.preset(preset), task, 0).eval(), task)
    check_deployable(policy)
    world = SimulatedWorld(task, load_domain("sim", task_name), policy.reads)
    seen = [world.reset(np.array([seed])) for seed in range(FRAMES)]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_core():
            took_ms = _times_ms(policy, seen, frames)
    finally:
        torch.set_num_threads(before)
    p50, p99 = (float(np.quantile(took_ms, share)) for share in (0.5, 0.99))
    worst = float(took_ms.max())
    return Latency(method_name, task_name, preset, frames, p50, p99, worst, target_ms, p99 <= target_ms)


def _times_ms(policy: Policy, seen: Sequence[Observation], frames: int) -> Floats:
    """(frames,) milliseconds of one decision each."""
    memory, took = policy.initial_memory(1), np.empty(frames)
    for number in range(-WARM_UP, frames):
        begin = time.perf_counter()
        memory = policy.act(seen[number % len(seen)], memory).memory
        took[max(number, 0)] = 1e3 * (time.perf_counter() - begin)
    return took


def _text(found: Sequence[Latency]) -> str:
    header = ("method", "task", "preset", "p50 [ms]", "p99 [ms]", "longest [ms]", "target of p99 [ms]", "met")
    rows = [
        (
            *(one.method, one.task, one.preset),
            *(f"{value:.1f}" for value in (one.p50_ms, one.p99_ms, one.worst_ms, one.target_ms)),
            "yes" if one.met else "no",
        )
        for one in found
    ]
    return output.table(header, rows)

"""How many images per second the shipped domains give on this machine."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from eyehand.tasks import TASKS, load_task
from eyehand.world.domain_files import load_domain, shipped_domains
from eyehand.world.task import Imaging

BATCH = 32
AT_LEAST_S = 0.3  # of measuring, after one batch that warms caches and compiles kernels


def image_rates() -> dict[str, float]:
    """Images per second of every shipped domain of every task of the house, by "task/domain (back end)"."""
    rates: dict[str, float] = {}
    for reference in TASKS:
        name = reference.partition(":")[0].rpartition(".")[2]
        task = load_task(name)
        state = task.sample(np.arange(BATCH))
        for domain_name in shipped_domains(name):
            domain = load_domain(domain_name, name)
            imaging = next(iter(task.imaging(domain).values()))
            rates[f"{name}/{domain_name} ({domain.appearance.image})"] = _rate(imaging, state)
    return rates


def _rate(imaging: Imaging[Any], state: object) -> float:
    seeds, step = np.arange(BATCH), np.zeros(BATCH, np.int64)
    imaging.capture(state, seeds, step)
    batches, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < AT_LEAST_S:
        imaging.capture(state, seeds, step)
        batches += 1
    return round(batches * BATCH / elapsed, 1)

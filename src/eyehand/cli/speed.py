"""How many images per second every image back end gives on this machine."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from eyehand.tasks import TASKS, load_task
from eyehand.world.domain_files import load_domain, shipped_domains
from eyehand.world.task import Imaging

BATCH = 4
AT_LEAST_S = 0.3  # of measuring, after one batch that warms caches and compiles kernels


def image_rates() -> dict[str, float]:
    """Images per second by "task/back end", for every task of the house and each back end that its domains name."""
    rates: dict[str, float] = {}
    for reference in TASKS:
        name = reference.partition(":")[0].rpartition(".")[2]
        task = load_task(name)
        for domain_name in shipped_domains(name):
            domain = load_domain(domain_name, name)
            key = f"{name}/{domain.appearance.image}"
            if key not in rates:
                rates[key] = _rate(next(iter(task.imaging(domain).values())), task)
    return rates


def _rate(imaging: Imaging[Any], task: Any) -> float:
    """Frames per second, in batches that grow until they take long enough to be timed."""
    batch = BATCH
    imaging.capture(task.sample(np.arange(batch)), np.arange(batch), np.zeros(batch, np.int64))
    while True:
        seeds, step = np.arange(batch), np.zeros(batch, np.int64)
        state = task.sample(seeds)
        begin = time.perf_counter()
        imaging.capture(state, seeds, step)
        elapsed = time.perf_counter() - begin
        if elapsed >= AT_LEAST_S:
            return round(batch / elapsed, 1)
        batch *= 4

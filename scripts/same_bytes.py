"""Show that rows share nothing: the same bytes in batches of 1 and 16, on 1 and 2 threads, across a snapshot.

Every step of `view_reach` (MuJoCo, disturbed and randomised) is compared: state, colours, depth and geom ids.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
import tyro

from eyehand.tasks import load_task
from eyehand.testing.evidence import scripted
from eyehand.world import rows
from eyehand.world.domain_files import load_domain
from eyehand.world.looks import draw_cameras
from eyehand.world.simulation import SimulatedWorld
from eyehand.world.tabletop_view import Painter


@dataclass(frozen=True)
class Options:
    """How much to compare."""

    steps: int = 200
    batch: int = 16
    domain: str = "randomized"


def main(options: Options) -> int:
    """Run the same episodes in four ways and compare the digest of every row."""
    seeds = np.arange(options.batch)
    together = digests(options, seeds, threads=2)
    ways = {
        "1 thread": digests(options, seeds, threads=1),
        "through a snapshot at every tenth step": digests(options, seeds, threads=2, snapshots=True),
        "batches of 1": [digests(options, seeds[row : row + 1], threads=2)[0] for row in range(options.batch)],
    }
    for way, found in ways.items():
        same = sum(a == b for a, b in zip(together, found, strict=True))
        print(f"{way}: {same} of {options.batch} rows have the same bytes over {options.steps} steps")
    return int(any(found != together for found in ways.values()))


def digests(options: Options, seeds: np.ndarray, threads: int, snapshots: bool = False) -> list[str]:
    """SHA-256 of everything that each row is and shows at every step."""
    with mock.patch.object(rows, "default_threads", return_value=threads):
        task = load_task("view_reach")
        domain = load_domain(options.domain, "view_reach")
        dynamics = replace(domain.dynamics, motion="mujoco", push_n=20.0, push_share=0.1)
        domain = replace(domain, dynamics=dynamics)
        world = SimulatedWorld(task, domain, frozenset({"privileged"}), auto_reset=True)
        painter = Painter(world.task.scene, domain)
        world.reset(seeds)
        found = [hashlib.sha256() for _ in seeds]
        for step in range(options.steps):
            if snapshots and step % 10 == 0:
                snapshot = world.now
                world.step(scripted(world.commands[0], seeds, step))
                world.restore(snapshot)
            world.step(scripted(world.commands[0], seeds, step))
            state, episodes, at = world.now.state, world.now.seeds, world.now.step
            K = np.broadcast_to(np.array(task.calibration["K"]), (len(seeds), 3, 3))
            cameras = draw_cameras(domain, K, state.T_world_camera, episodes, at, task.camera_size["camera"])
            drawn = painter.draw(state.seen, state.held, cameras, episodes, at)
            for row, digest in enumerate(found):
                for array in (state.physics, drawn.rgb, drawn.depth_m, drawn.ids):
                    digest.update(np.ascontiguousarray(array[row]).tobytes())
        return [digest.hexdigest() for digest in found]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))

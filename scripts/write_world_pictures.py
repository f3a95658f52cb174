"""Draw the pictures of docs/world.md and one of modular_dqn's page.

    python scripts/write_world_pictures.py

The former are the same episodes in three domains, and the expert side by side in two; the latter is one scene in the
relatives of planar_reach's twin and at other severities. Twin pictures come from draws that no split reads.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from eyehand.evaluation.contact_sheet import draw_scenes
from eyehand.evaluation.expert_video import expert_panels
from eyehand.evaluation.videos import contact_sheet, side_by_side
from eyehand.tasks import load_task
from eyehand.types import Images, Integers
from eyehand.world.domain import scale_severity
from eyehand.world.domain_files import load_domain

DOMAINS = ("sim", "randomized", "twin")
COLUMNS = 7
GAP_PX = 4
FRAME_MS = 250
RELATIVES = ("physical", "no-target", "two-targets", *(f"occlusion-{case}" for case in "abcde"))
SEVERITIES = (0.0, 0.5, 1.5)


@dataclass(frozen=True)
class Options:
    """What to draw."""

    episodes: tuple[int, ...] = (1, 3)
    """Episodes of the film."""
    folder: Path = Path(__file__).parents[1] / "docs/images"
    """Where the pictures go."""


def main(options: Options) -> None:
    """Draw all."""
    view_reach(options.folder, np.array(options.episodes))
    _save(options.folder / "planar_reach_twins.jpg", Image.fromarray(twins()), format="JPEG", quality=88)


def view_reach(folder: Path, episodes: Integers) -> None:
    """Write a sheet of scenes, and a film of the expert in some episodes."""
    task = load_task("view_reach")
    rows = [draw_scenes(task, load_domain(name, "view_reach"), 2 * COLUMNS, "camera") for name in DOMAINS]
    strips = [_strip(row[half * COLUMNS : (half + 1) * COLUMNS]) for row in rows for half in range(2)]
    sheet = np.concatenate([np.pad(strip, ((0, GAP_PX), (0, 0), (0, 0)), constant_values=255) for strip in strips])
    _save(folder / "world.jpg", Image.fromarray(sheet), format="JPEG", quality=88)
    panels = [expert_panels(task, load_domain(name, "view_reach"), episodes, "camera")[0] for name in ("sim", "twin")]
    frames = np.concatenate([side_by_side(pair) for pair in zip(*panels, strict=True)])
    stills = [Image.fromarray(frame) for frame in frames]
    more = {"save_all": True, "append_images": stills[1:], "duration": FRAME_MS, "loop": 0, "quality": 70}
    _save(folder / "two_domains.webp", stills[0], format="WEBP", **more)


def twins() -> Images:
    """One scene of planar_reach in every relative of its twin, and at every severity."""
    task, twin, sim = load_task("planar_reach"), *(load_domain(name, "planar_reach") for name in ("twin", "sim"))
    shown = {"twin": twin} | {name: load_domain(f"twin-{name}", "planar_reach") for name in RELATIVES}
    shown |= {f"severity {level:g}": scale_severity(twin, sim, level) for level in SEVERITIES}
    scenes = [draw_scenes(task, domain, 1, next(iter(task.camera_size)))[0] for domain in shown.values()]
    return contact_sheet(scenes, list(shown), columns=6)


def _strip(pictures: Images) -> Images:
    return np.concatenate([np.pad(p, ((0, 0), (0, GAP_PX), (0, 0)), constant_values=255) for p in pictures], axis=1)


def _save(path: Path, picture: Image.Image, **how: object) -> None:
    file = io.BytesIO()
    picture.save(file, **how)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.getvalue())
    print(f"{path}: {len(file.getvalue()) // 1000} kB")


if __name__ == "__main__":
    main(tyro.cli(Options))

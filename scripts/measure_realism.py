"""Measure results/realism/view_reach.json and draw docs/images/realism.png: simulated pictures as signals.

    python scripts/measure_realism.py FOLDER_OF_REAL_FRAMES

The folder holds real frames as `NAME-color.png` (8 bits) and `NAME-depth.png` (16 bits, 0 where there is no depth).
Their middle square is averaged down to the size of the task's pictures. They are measured and never copied: the
picture shows the simulator and the twin alone. Without the folder the real column of the last measurement is kept.
"""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from PIL import Image

from eyehand.errors import EyehandError
from eyehand.evaluation.realism import Realism, realism
from eyehand.evaluation.videos import contact_sheet
from eyehand.tasks.view_reach import ViewReach
from eyehand.types import Array, Floats32, Images
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld

ROOT = Path(__file__).parents[1]
TASK, DOMAINS = "view_reach", ("sim", "randomized", "twin")
REAL = "real frames"
SHOWN = 4  # pictures of each domain in the picture
STEPS = 4  # of the expert before the picture is taken, so that something moves
DEPTH_M = (0.3, 2.5)  # from black to white
HOLE_RGB = (200, 40, 40)
LARGEST_BYTES = 400_000
COLOURS = 256  # of the picture's palette


@dataclass(frozen=True)
class Options:
    """What to measure."""

    real: tyro.conf.Positional[Path | None] = None
    """Folder of real frames."""
    episodes: int = 16
    """Episodes of every domain."""
    out: Path = ROOT / "results/realism/view_reach.json"
    """The file to write."""
    picture: Path = ROOT / "docs/images/realism.png"
    """The picture to write."""


def main(options: Options) -> None:
    """Measure, draw, and say what was found."""
    seen = {name: taken(name, options.episodes) for name in DOMAINS}
    columns = {name: _entries(realism(rgb, depth)) for name, (rgb, depth) in seen.items()}
    size = next(iter(seen.values()))[0].shape[1]
    if options.real is not None:
        columns[REAL] = _entries(measured(options.real, size))
    elif options.out.exists():
        columns |= {REAL: json.loads(options.out.read_text(encoding="utf-8"))["columns"][REAL]}
    digest = load_domain("twin", TASK).digest()
    document = {"task": TASK, "twin_digest": digest, "size": size, "columns": columns}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    options.picture.write_bytes(drawn(seen))
    print(json.dumps(columns, indent=2))


def taken(name: str, episodes: int) -> tuple[Images, Floats32]:
    """Pictures (B, H, W, 3) and depth (B, H, W) of a domain, some steps into its episodes."""
    domain = load_domain(name, TASK)
    task = ViewReach(depth=True).within(domain)
    world, numbers = SimulatedWorld(task, domain, frozenset({"camera"})), np.arange(episodes)
    hidden = dict.fromkeys(task.camera_size, np.zeros(episodes, bool))
    world.reset(domain.seeds(numbers) if domain.population else numbers)
    for step in range(STEPS):
        decision = world.expert().label(world.privileged(), None, None)
        obs = world.step(decision, None if step == STEPS - 1 else hidden).obs
    camera = next(iter(obs.cameras.values()))
    if camera.rgb is None or camera.depth_m is None:
        raise EyehandError(f"{name}: the camera gives no depth")
    return camera.rgb, camera.depth_m


def measured(folder: Path, size: int) -> Realism:
    """The numbers of real frames: pictures at the size of ours, holes at the size of the sensor."""
    files = sorted(folder.glob("*-color.png"))
    if not files:
        raise EyehandError(f"{folder}: no file NAME-color.png")
    pictures = np.stack([_shrunk(Image.open(file).convert("RGB"), size) for file in files])
    depths = [np.asarray(Image.open(file.with_name(file.name.replace("color", "depth")))) for file in files]
    return realism(pictures, np.stack(depths))


def drawn(seen: dict[str, tuple[Images, Floats32]]) -> bytes:
    """Pictures and depth of the simulator and of the twin, as a PNG with a palette of its own."""
    tiles: list[Array] = []
    captions: list[str] = []
    for name in ("sim", "twin"):
        rgb, depth = seen[name]
        tiles += [*rgb[:SHOWN], *(_depth_picture(d) for d in depth[:SHOWN])]
        captions += [name] * SHOWN + [f"{name}: depth"] * SHOWN
    sheet = contact_sheet(tiles, captions, columns=SHOWN, scale=1)
    buffer = io.BytesIO()
    Image.fromarray(sheet).quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    if len(buffer.getvalue()) > LARGEST_BYTES:
        raise EyehandError(f"The picture has {len(buffer.getvalue())} bytes, at most {LARGEST_BYTES} are allowed.")
    return buffer.getvalue()


def _depth_picture(depth_m: Floats32) -> Images:
    near, far = DEPTH_M
    grey = np.clip(255 * (depth_m - near) / (far - near), 0, 255).astype(np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=2)
    picture[depth_m == 0] = HOLE_RGB
    return picture


def _shrunk(image: Image.Image, size: int) -> Images:
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    middle = image.crop((left, top, left + side, top + side))
    return np.asarray(middle.resize((size, size), Image.Resampling.BOX))


def _entries(numbers: Realism) -> dict[str, Any]:
    """The numbers with four digits."""
    return {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in dataclasses.asdict(numbers).items()
    }


if __name__ == "__main__":
    main(tyro.cli(Options))

"""Draw docs/images/crossing.png: one episode in the simulator and in the target, with what the policies perceive.

    python scripts/write_pictures.py runs/demo/fine_tuned

Columns: the first policy of the chain of runs in the nominal domain, the same policy in the target, the last policy in
the target. Rows: the first and the last frame of each. The episode is the first one in which the first policy succeeds
in the nominal domain and fails in the target while the last one succeeds there, so the picture is an example and no
evidence; with `--episode` it is the one given.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from eyehand.errors import EyehandError
from eyehand.evaluation.comparison import chain
from eyehand.evaluation.trained import Trained
from eyehand.evaluation.videos import contact_sheet
from eyehand.evaluation.watching import Film, film
from eyehand.types import Images
from eyehand.world.counter import episode_text
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain

LARGEST_BYTES = 300_000
TRIES = 24  # episodes that are looked at for an example
COLOURS = 256  # of the palette, which keeps the noise of the camera from filling the file


@dataclass(frozen=True)
class Options:
    """What to draw."""

    run: tyro.conf.Positional[Path]
    """Run folder of the last policy; the runs its networks came from are found from it."""
    nominal: str = "sim"
    """The domain that the policies come from."""
    target: str = "twin"
    """The domain that they were moved to."""
    episode: int | None = None
    """Number of the episode; by default the first one that shows the crossing."""
    out: Path = Path(__file__).parents[1] / "docs/images/crossing.png"
    """The picture to write."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column of the picture."""

    caption: str
    film: Film


def main(options: Options) -> None:
    """Draw the picture and say which episode it shows."""
    runs = chain(options.run)
    task = runs[-1].subject.task
    nominal, target = load_domain(options.nominal, task), load_domain(options.target, task)
    numbers = range(TRIES) if options.episode is None else (options.episode,)
    best: list[Column] = []
    for number in numbers:
        seed = int(target.seeds(np.array([number]))[0])
        columns = filmed(runs, nominal, target, seed)
        best = best or columns
        if [column.film.success for column in columns] == [True, False, True][: len(columns)]:
            best = columns
            print(f"{episode_text(seed).capitalize()} shows the crossing.")
            break
    data = encoded(sheet(best))
    if len(data) > LARGEST_BYTES:
        raise EyehandError(f"The picture has {len(data)} bytes, at most {LARGEST_BYTES} are allowed.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(data)
    print(f"{options.out}: {len(data)} bytes")


def filmed(runs: tuple[Trained, ...], nominal: Domain, target: Domain, seed: int) -> list[Column]:
    """The episode as each column shows it."""
    first, last = runs[0], runs[-1]
    shown = [(first, nominal, "trained in simulation"), (first, target, "trained in simulation")]
    after = "adapted" if len(runs) == 2 else "adapted and fine-tuned"
    shown += [(last, target, after)] if len(runs) > 1 else []
    return [
        Column(f"{domain.name.split('/')[0]}: {how}", film(trained.task, trained.policy, domain, seed))
        for trained, domain, how in shown
    ]


def sheet(columns: list[Column]) -> Images:
    """First and last frames under their captions, (H, W, 3) uint8."""
    starts = [column.film.frames[0] for column in columns]
    ends = [column.film.frames[-1] for column in columns]
    captions = [column.caption for column in columns] + [_outcome(column.film) for column in columns]
    return contact_sheet([*starts, *ends], captions, columns=len(columns), scale=2)


def encoded(picture: Images) -> bytes:
    """The picture as a PNG with a palette of its own."""
    palette = Image.fromarray(picture).quantize(COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _outcome(seen: Film) -> str:
    distance = seen.measures.get("distance_m")
    end = "" if distance is None else f", {100 * distance:.1f} cm"
    return f"{'success' if seen.success else 'failure'} after {seen.steps} steps{end}"


if __name__ == "__main__":
    main(tyro.cli(Options))

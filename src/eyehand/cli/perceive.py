"""`eyehand perceive`: what a policy sees, drawn over image files from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import tyro
from PIL import Image

from eyehand.cli import output
from eyehand.data.photographs import load_photograph
from eyehand.errors import EyehandError, PairingError
from eyehand.evaluation.trained import Trained, load_trained, warn_of_untrained, with_eyes
from eyehand.interfaces.mask import THRESHOLD, Mask, false_blobs
from eyehand.learning.policy import as_modular
from eyehand.types import Camera, Images, Observation, Perception

LARGEST_SIDE_PX = 840  # of the pictures written: frames are enlarged so that the drawing can be seen


@dataclass(frozen=True)
class Options:
    """Options of `eyehand perceive`."""

    run: tyro.conf.Positional[Path]
    """Run folder of the policy."""
    images: tyro.conf.Positional[tuple[Path, ...]]
    """Image files; the middle of each is cut to the shape that the policy's camera has."""
    eyes: str = ""
    """Eyes from elsewhere for a controller that takes masks: an ONNX file, or package.module:function."""
    out: Path | None = None
    """Folder for the pictures; by default RUN/perceived."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """Draw what the policy perceives over every image."""
    options = output.parse(Options, arguments, "perceive")
    if not options.images:
        raise EyehandError("Name image files, for example `eyehand perceive runs/reach frame.png`.")
    trained = with_eyes(load_trained(options.run), options.eyes)
    policy = as_modular(trained.policy)
    if policy is None:
        raise PairingError(f"The policy of {trained.subject.method} has no perception that could be drawn.")
    remedy = "Name image files such as frame.png; PNG and JPEG can be read."
    pictures = [load_photograph(path, remedy) for path in options.images]  # all of them before anything is written
    warn_of_untrained(trained, replaced=("control",))
    folder = options.out or options.run / "perceived"
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, object]] = []
    names = _names(options.images)
    for path, picture in zip(options.images, pictures, strict=True):
        drawn, values = _perceive(trained, policy.perception, picture)
        target = folder / f"{names[len(found)]}-perceived.png"
        Image.fromarray(drawn).save(target)
        found.append({"image": path, "picture": target, trained.task.interface.name: values})
    name = trained.task.interface.name
    rows = [(str(f["image"]), str(f["picture"]), _text(f[name])) for f in found]
    output.emit(options.json, found, lambda: output.table(("image", "picture", name), rows))
    return 0


def _text(values: object) -> str:
    """An interface's numbers on a line."""
    if isinstance(values, dict):
        return ", ".join(f"{value} {name}" for name, value in cast("dict[str, object]", values).items())
    return str(values)


def _told(interface: str, z: torch.Tensor) -> object:
    """The numbers of one row of an interface; of a mask, how many pixels and connected blobs it claims.

    All blobs are false ones in images that do not show the target.
    """
    if interface != Mask.name:
        return [round(float(value), 5) for value in z.flatten()]
    claimed = (z > THRESHOLD).cpu().numpy()
    return {"pixels": int(claimed.sum()), "blobs": int(false_blobs(claimed, np.zeros_like(claimed))[0])}


def _names(paths: Sequence[Path]) -> list[str]:
    """A name for the picture of every image: its own, with a number where another image has the same."""
    names: list[str] = []
    for path in paths:
        name, number = path.stem, 1
        while name in names:
            number += 1
            name = f"{path.stem}-{number}"
        names.append(name)
    return names


def _perceive(trained: Trained, perception: Perception[Any], picture: Image.Image) -> tuple[Images, object]:
    """The picture (H, W, 3) with the interface drawn over it, and the interface's numbers."""
    (camera, (height, width)), *_ = trained.task.camera_size.items()
    picture = _cut(picture, width / height)
    frame = np.asarray(picture.resize((width, height), Image.Resampling.BOX))[None]
    zero = np.zeros(1)
    obs = Observation({camera: Camera(frame, zero)}, None, None, None, np.ones(1, bool), zero)
    with torch.inference_mode():
        z = perception.perceive(obs)
    scale = LARGEST_SIDE_PX / max(picture.size)
    large = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    drawn = trained.task.interface.draw(np.asarray(large)[None], z)[0]
    return drawn, _told(trained.task.interface.name, z)


def _cut(picture: Image.Image, aspect: float) -> Image.Image:
    """The largest middle part with this width over height."""
    width = min(picture.width, round(picture.height * aspect))
    height = min(picture.height, round(width / aspect))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + max(width, 1), top + max(height, 1)))

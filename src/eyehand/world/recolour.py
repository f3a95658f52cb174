"""Pictures of a place in other colours and mirrored: cheap stand-ins for places that nobody has recorded."""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats, Images
from eyehand.world import counter

SATURATION = (0.5, 1.5)  # of the colours as they were
_GREY = np.full((3, 3), 1.0 / 3.0)  # projects colours onto grey
_TURN = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / np.sqrt(3.0)  # cross product with grey


def recoloured(pictures: Images, share: float, seed: int, number: int) -> Images:
    """Pictures (B, H, W, 3) uint8 of which a share has its hues turned by any angle; half of those are mirrored.

    What is grey stays grey, so that a robot looks as it did.

    Args:
        pictures: left as they are.
        share: how many are changed, 0 to 1.
        seed: of the training.
        number: of the mini-batch; the result is a function of the arguments alone.
    """

    def drawn(use: str) -> Floats:
        return counter.uniform(seed, f"recolour/{use}", number, np.arange(len(pictures)))

    changed, mirrored = drawn("share") < share, drawn("mirror") < 0.5
    low, high = SATURATION
    matrices = colour_matrices(2.0 * np.pi * drawn("hue"), low + (high - low) * drawn("saturation"))
    out = pictures.copy()
    for b in np.flatnonzero(changed):
        turned = out[b].astype(np.float32) @ matrices[b].T.astype(np.float32)
        out[b] = np.rint(turned).clip(0.0, 255.0).astype(np.uint8)
        if mirrored[b]:
            out[b] = out[b, :, ::-1].copy()
    return out


def colour_matrices(hue_rad: Floats, saturation: Floats) -> Floats:
    """(B, 3, 3) matrices that turn RGB colours about grey by angles (B,) and stretch them from it by factors (B,)."""
    angle = hue_rad[:, None, None]
    turn = np.eye(3) + np.sin(angle) * _TURN + (1.0 - np.cos(angle)) * (_TURN @ _TURN)  # Rodrigues
    stretch = _GREY + saturation[:, None, None] * (np.eye(3) - _GREY)
    return stretch @ turn

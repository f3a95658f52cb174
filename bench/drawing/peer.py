"""The picture of a planar arm and a disc, drawn with Pillow, one image after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from PIL import Image, ImageDraw
from serving import Peer, serve


def draw(scene: Sequence[float], setup: Mapping[str, Any]) -> Image.Image:
    """Draw one grey image of 84 x 84 pixels.

    Args:
        scene: three joint angles in radians, then the target's x and z in metres.
        setup: `links` (length, drop and radius in metres of each link), `size` (width, height) px of the frame,
            `px_per_m`, `origin_px` of the shoulder, `arm` and `ground` grey levels, `disc_m` radius of the disc.
    """
    scale, (left, top) = setup["px_per_m"], setup["origin_px"]
    frame = Image.new("RGB", tuple(setup["size"]), (setup["ground"],) * 3)
    pen = ImageDraw.Draw(frame)
    arm = (setup["arm"],) * 3
    pitch, x, y = 0.0, left, top
    for angle, (length, drop, radius) in zip(scene[:3], setup["links"], strict=True):
        pitch += angle
        end_x = x - scale * (length * math.cos(pitch) - drop * math.sin(pitch))
        end_y = y + scale * (length * math.sin(pitch) + drop * math.cos(pitch))
        r = scale * radius
        pen.line((x, y, end_x, end_y), fill=arm, width=round(2 * r))
        pen.ellipse((x - r, y - r, x + r, y + r), fill=arm)
        pen.ellipse((end_x - r, end_y - r, end_x + r, end_y + r), fill=arm)
        x, y = end_x, end_y
    u, v, r = left - scale * scene[3], top - scale * scene[4], scale * setup["disc_m"]
    pen.ellipse((u - r, v - r, u + r, v + r), fill=(0, 0, 255))
    return frame.convert("L").resize((84, 84), Image.Resampling.BOX)


def prepare(setup: Mapping[str, Any]) -> Peer:
    """Pillow needs no preparation; the set-up has `scenes` besides what `draw` reads."""

    def work() -> int:
        for scene in setup["scenes"]:
            draw(scene, setup).tobytes()
        return len(setup["scenes"])

    return Peer(work, about=f"Pillow {version('pillow')}, one thread")


if __name__ == "__main__":
    serve(prepare)

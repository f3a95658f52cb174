# pyright: basic
# The reason: the types that PyAV ships leave packets and streams unknown.
"""Pictures and videos for reports: h264 in memory, sim beside twin under a caption, contact sheets, data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFont

from eyehand.errors import InvalidValueError
from eyehand.types import Images

_INK, _PAPER, _MUTED = (236, 239, 243), (24, 29, 36), (150, 160, 172)
_GOOD, _BAD = (86, 180, 233), (240, 136, 62)
_GAP_PX = 6


@dataclass(frozen=True, eq=False)
class Panel:
    """One side of a comparison.

    Attributes:
        frames: (T, H, W, 3) uint8.
        title: what is shown, for example "sim".
        note: how it ended, for example "success, 3.9 cm".
        good: whether it ended well, None where that is not the question; colours the line under the caption.
    """

    frames: Images
    title: str
    note: str = ""
    good: bool | None = None


def encode_mp4(frames: Images, fps: float = 10.0, quality: int = 26) -> bytes:
    """An h264 video (yuv420p, plays everywhere) in memory.

    Args:
        frames: (T, H, W, 3) uint8; an odd height or width is padded by repeating the last row or column.
        fps: frames per second.
        quality: x264's constant rate factor: 18 nearly lossless, 32 small.

    Raises:
        InvalidValueError: the frames are not (T, H, W, 3) uint8 with T >= 1.
    """
    _require_frames(frames)
    even = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        options = {"crf": str(quality), "preset": "veryfast", "threads": "1"}
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.height, stream.width = even.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for i, image in enumerate(even):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def side_by_side(panels: Sequence[Panel], scale: int = 2) -> Images:
    """Panels next to each other under their captions; those that end early hold their last frame, dimmed.

    Args:
        panels: what to compare; all of one height.
        scale: how many times larger the frames are drawn.

    Returns:
        (T, H', W', 3) uint8 with T of the longest panel and even sizes.
    """
    for panel in panels:
        _require_frames(panel.frames)
    length = max(len(panel.frames) for panel in panels)
    columns: list[Images] = []
    for i, panel in enumerate(panels):
        large = _enlarged(panel.frames, scale)
        caption = _caption(panel, large.shape[2])
        column = np.empty((length, len(caption) + large.shape[1], large.shape[2], 3), np.uint8)
        column[:, : len(caption)] = caption
        column[: len(large), len(caption) :] = large
        column[len(large) :, len(caption) :] = (large[-1] * 0.55).astype(np.uint8)
        spacer = np.full((length, column.shape[1], _GAP_PX, 3), _PAPER, np.uint8)
        columns += [spacer, column] if i else [column]
    joined = np.concatenate(columns, axis=2)
    return np.pad(joined, ((0, 0), (0, joined.shape[1] % 2), (0, joined.shape[2] % 2), (0, 0)), mode="edge")


def _enlarged(frames: Images, scale: int) -> Images:
    """Frames (T, H, W, 3) with every pixel drawn as a square."""
    count, height, width, channels = frames.shape
    squares = np.broadcast_to(frames[:, :, None, :, None], (count, height, scale, width, scale, channels))
    return squares.reshape(count, height * scale, width * scale, channels)


def _caption(panel: Panel, width: int) -> Images:
    size = max(11, min(18, width // 16))
    height = 2 * size + 16
    picture = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(picture)
    font, small = ImageFont.load_default(size), ImageFont.load_default(size - 2)
    pen.text((6, 3), _fitting(panel.title, font, width - 12), fill=_INK, font=font)
    pen.text((6, size + 7), _fitting(panel.note, small, width - 12), fill=_MUTED, font=small)
    if panel.good is not None:
        pen.rectangle((0, height - 3, width, height), fill=_GOOD if panel.good else _BAD)
    return np.asarray(picture, dtype=np.uint8)


def _fitting(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    while text and font.getlength(text) > width:
        text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
    return text


def contact_sheet(images: Sequence[Images], captions: Sequence[str] = (), columns: int = 4, scale: int = 1) -> Images:
    """Pictures in rows under their captions.

    Args:
        images: pictures (H, W, 3) uint8 of one size.
        captions: one per picture, or none at all.
        columns: pictures in a row.
        scale: how many times larger they are drawn.

    Returns:
        One picture (H', W', 3) uint8.
    """
    labels = list(captions) or [""] * len(images)
    if len({image.shape for image in images}) != 1 or len(labels) != len(images):
        got = f"{len(images)} pictures of {len({i.shape for i in images})} sizes, {len(labels)} captions"
        raise InvalidValueError("contact sheet", got, "pictures of one size, each with a caption or none")
    tiles = [_tile(image, label, scale) for image, label in zip(images, labels, strict=True)]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
    return np.concatenate(rows, axis=0)


def _tile(image: Images, label: str, scale: int) -> Images:
    large = image.repeat(scale, axis=0).repeat(scale, axis=1)
    framed = np.pad(large, ((2, 2), (2, 2), (0, 0)), constant_values=255)
    if not label:
        return framed
    size = max(11, min(16, framed.shape[1] // 10))
    strip = Image.new("RGB", (framed.shape[1], size + 7), (255, 255, 255))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(strip).text((3, 2), _fitting(label, font, framed.shape[1] - 6), fill=(40, 48, 58), font=font)
    return np.concatenate([framed, np.asarray(strip, dtype=np.uint8)], axis=0)


def png(image: Images) -> bytes:
    """A picture (H, W, 3) uint8 as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def data_uri(data: bytes, kind: Literal["image/png", "image/jpeg", "image/svg+xml", "video/mp4"]) -> str:
    """Bytes as an address that needs no file and no network."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _require_frames(frames: Images) -> None:
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise InvalidValueError("frames", f"{frames.dtype} {frames.shape}", "uint8 (T, H, W, 3), at least one frame")

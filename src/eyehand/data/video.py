# pyright: basic
# The reason: the types that PyAV ships leave packets and streams unknown.
"""Video of recordings: h264 in MP4 files that hold many episodes, written and read frame by frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from eyehand.errors import FileFormatError
from eyehand.types import Floats, Images

_KEY_FRAME_EVERY = 2  # frames; small, so that a random frame decodes at most one other
_SEEK_BEYOND_S = 1.0  # a wanted frame further ahead than this is sought, a nearer one is decoded up to


class VideoFile:
    """A video file under construction."""

    def __init__(self, path: Path, shape: tuple[int, ...], fps: float) -> None:
        """Create the file; `shape` is (height, width, 3), both even."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.frames = 0
        self._container = av.open(str(path), "w")
        rate = Fraction(fps).limit_denominator(1001)
        options = {"g": str(_KEY_FRAME_EVERY), "bf": "0", "crf": "18"}
        self._stream = self._container.add_stream("libx264", rate=rate, options=options)
        self._stream.height, self._stream.width = shape[:2]
        self._stream.pix_fmt = "yuv420p"

    def write(self, image: Images) -> None:
        """Append one picture (H, W, 3) uint8."""
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts = self.frames
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Write what is still inside the encoder, and the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def read_frames(path: Path, times_s: Floats, tolerance_s: float) -> list[Images]:
    """The pictures shown at given times.

    Args:
        path: the video file.
        times_s: (N,) times from the start of the file, in any order.
        tolerance_s: how far a frame's time may lie from the wanted one, half a frame.

    Returns:
        N pictures (H, W, 3) uint8, in the order of `times_s`.

    Raises:
        FileFormatError: the file is missing or damaged, or shows nothing at a wanted time.
    """
    found: dict[int, Images] = {}
    try:
        with av.open(str(path)) as container:
            reader = _Reader(container, container.streams.video[0], tolerance_s)
            for row in np.argsort(times_s, kind="stable"):
                image = reader.at(float(times_s[row]))
                if image is None:
                    problem = f"shows no frame at {times_s[row]:.3f} s"
                    raise FileFormatError(path, problem, "Check the timestamps of the recording, or record again.")
                found[int(row)] = image
    except (FFmpegError, OSError, IndexError) as error:
        raise FileFormatError(path, f"missing or damaged ({error})", "Copy the video again.") from error
    return [found[row] for row in range(len(times_s))]


class _Reader:
    """Reads forward through a stream, seeking only where the next wanted frame is far."""

    def __init__(self, container: InputContainer, stream: VideoStream, tolerance_s: float) -> None:
        self._container = container
        self._stream = stream
        self._tolerance_s = tolerance_s
        self._frames = container.decode(stream)
        self._time_s = 0.0
        self._image: VideoFrame | None = None

    def at(self, time_s: float) -> Images | None:
        if time_s > self._time_s + _SEEK_BEYOND_S and self._stream.time_base:
            self._container.seek(int(time_s / self._stream.time_base), stream=self._stream, backward=True)
            self._frames = self._container.decode(self._stream)
        while self._image is None or self._time_s < time_s - self._tolerance_s:
            self._image = next(self._frames, None)
            if self._image is None:
                return None
            self._time_s = float(self._image.time)
        near = abs(self._time_s - time_s) <= self._tolerance_s
        return np.asarray(self._image.to_ndarray(format="rgb24"), dtype=np.uint8) if near else None

"""How pictures look as signals: noise, edge spread, saturation, and holes in depth, of simulated or real ones.

Four numbers that need no scene in common and no labels. They say whether a camera model is in the range of a real
camera; they do not say that pictures look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Array, Floats, Images

_NORMAL_MAD = 0.6745  # median of the absolute value of a standard normal number
_NOISE_GAIN = 6.0  # by which the noise mask scales the standard deviation of white noise
_TILE_PX = 8
_FLATTEST = 0.2  # share of the tiles that noise is read from: those with the least structure
_LEAST_CONTRAST = 24.0  # grey levels between the two sides of an edge
_LONGEST_RAMP_PX = 12
_CLIPPED = 254  # this level and above


@dataclass(frozen=True)
class Realism:
    """The numbers of one set of pictures, each the median over its pictures.

    Attributes:
        noise: standard deviation of pixel noise in grey levels, read where there is the least structure.
        edge_spread_px: contrast of an edge over its steepest slope, median over edges; 1 for a perfect step, 2.5 times
            the standard deviation of a Gaussian blur.
        clipped: share of pixels with a channel at or above level 254.
        saturation: mean colour saturation, (largest - smallest channel) / largest.
        holes: share of pixels without depth; None for pictures without depth.
        pictures: how many there are.
    """

    noise: float
    edge_spread_px: float
    clipped: float
    saturation: float
    holes: float | None
    pictures: int


def realism(pictures: Images, depth_m: Array | None = None) -> Realism:
    """The numbers of pictures (B, H, W, 3) uint8 and their depth (B, H, W), where 0 or no finite number is a hole.

    Raises:
        InvalidValueError: pictures of another type or shape, or none.
    """
    if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8 or not len(pictures):
        raise InvalidValueError("pictures", f"{pictures.dtype} {pictures.shape}", "uint8 (B, H, W, 3) with B above 0")
    grey = pictures.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    largest, smallest = pictures.max(-1).astype(np.float64), pictures.min(-1)
    saturation = ((largest - smallest) / np.maximum(largest, 1.0)).mean((1, 2))
    return Realism(
        noise=_median([noise(picture) for picture in grey]),
        edge_spread_px=_median([edge_spread_px(picture) for picture in grey]),
        clipped=_median((pictures.max(-1) >= _CLIPPED).mean((1, 2))),
        saturation=_median(saturation),
        holes=None if depth_m is None else _median((~(np.isfinite(depth_m) & (depth_m > 0))).mean((1, 2))),
        pictures=len(pictures),
    )


def noise(grey: Floats) -> float:
    """Standard deviation of the noise of a grey picture (H, W), in its levels.

    The mask is that of Immerkaer (Fast noise variance estimation, 1996), which is blind to planes and slow changes; it
    is read by the median absolute value in the tiles whose quarters differ least in brightness.
    """
    across = grey[:, :-2] - 2 * grey[:, 1:-1] + grey[:, 2:]
    response = np.abs(across[:-2] - 2 * across[1:-1] + across[2:])
    half = _TILE_PX // 2
    quarters = _tiles(grey[1:-1, 1:-1]).reshape(-1, 2, half, 2, half).mean((2, 4)).reshape(-1, 4)
    flattest = np.argsort(np.ptp(quarters, axis=1), kind="stable")[: max(int(_FLATTEST * len(quarters)), 1)]
    return float(np.median(_tiles(response)[flattest]) / _NORMAL_MAD / _NOISE_GAIN)


def _tiles(picture: Floats) -> Floats:
    """The whole tiles (N, T, T) of a picture (H, W)."""
    rows, columns = (n // _TILE_PX * _TILE_PX for n in picture.shape)
    tiles = picture[:rows, :columns].reshape(rows // _TILE_PX, _TILE_PX, -1, _TILE_PX).swapaxes(1, 2)
    return tiles.reshape(-1, _TILE_PX, _TILE_PX)


def edge_spread_px(grey: Floats) -> float:
    """Median width in pixels of the strong edges of a grey picture (H, W), along rows and columns; NaN without any."""
    widths = np.concatenate([_ramp_widths(grey), _ramp_widths(grey.T)])
    return float(np.median(widths)) if len(widths) else float("nan")


def _ramp_widths(grey: Floats) -> Floats:
    """Contrast over steepest slope of every monotonic ramp along the rows that is high enough."""
    step = np.diff(grey, axis=1)
    sign = np.sign(np.where(np.abs(step) < 0.5, 0.0, step))
    widths: list[float] = []
    for line, signs in zip(step, sign, strict=True):
        edges = np.flatnonzero(np.diff(signs)) + 1
        starts, ends = np.append(0, edges), np.append(edges, len(signs))
        rise = np.add.reduceat(line, starts)
        steepest = np.maximum.reduceat(np.abs(line), starts)
        strong = (np.abs(rise) >= _LEAST_CONTRAST) & (ends - starts <= _LONGEST_RAMP_PX) & (signs[starts] != 0)
        widths += (np.abs(rise[strong]) / steepest[strong]).tolist()
    return np.array(widths)


def _median(values: Array | list[float]) -> float:
    return float(np.nanmedian(values)) if not np.isnan(values).all() else float("nan")

# pyright: basic
# (numba kernels are untyped)
"""From what is seen at a pixel to its colour: place, normal, texture, light.

Only visible pixels are shaded. The point is found from the pixel's depth and its weights among the face's corners in
the geom's own frame, so nothing but the face number needs to be kept from the filling.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from eyehand.types import Floats32, Images
from eyehand.world.raster import blocks, lighting, points, shadows, textures
from eyehand.world.raster.blocks import LANES
from eyehand.world.raster.filling import Picture
from eyehand.world.raster.pool import Pool
from eyehand.world.raster.shadows import Shadows
from eyehand.world.raster.textures import Textures


class Appearance(NamedTuple):
    """How the geoms of one simulation look.

    Attributes:
        colour: (G, 4) red, green, blue and emission.
        gloss: (G, 2) specular strength and exponent.
        texture: (G,) row of the textures, -1 for none.
        lights: (L, LIGHT_COLUMNS) relative to the eye.
        ambient: (3,) RGB.
        background: (3,) RGB where no geom is.
        photograph: row of the textures that stands behind everything, -1 for none.
        shadows: what the lights see.
    """

    colour: Floats32
    gloss: Floats32
    texture: NDArray[np.int32]
    lights: Floats32
    ambient: Floats32
    background: Floats32
    photograph: int
    shadows: Shadows


@numba.njit(cache=True, nogil=True, error_model="numpy")
def shade(pool: Pool, papers: Textures, scene, picture: Picture, left_out, rgb: Images) -> None:  # noqa: ANN001
    """Colour the pixels of a picture.

    Args:
        pool: the shapes.
        papers: textures and photographs.
        scene: where the geoms are, and how they look.
        picture: what is seen.
        left_out: (G,) True for geoms that have their colour already, and whether to colour the background.
        rgb: (H, W, 3) changed.
    """
    placed, appearance = scene
    done, background = left_out
    block = np.zeros(blocks.CHANNELS * LANES, np.float32)
    pixels, rows = np.zeros(LANES, np.int32), np.zeros(LANES, np.int32)
    geoms, plain = picture.geom.reshape(-1), appearance.photograph < 0
    if background and plain:
        _fill(geoms, appearance.background, rgb.reshape(-1))
    skipped = np.ones((2, len(done) + 1), np.bool_)  # the first column is for pixels that show nothing
    for geom in range(len(done)):
        skipped[0, geom + 1] = done[geom]
    skipped[1, 0] = plain or not background
    for behind in range(1 if skipped[1, 0] else 2):
        # A last turn beyond the pixels works off the lanes that are left.
        count = 0
        for pixel in range(len(geoms) + 1):
            if pixel < len(geoms):
                pixels[count] = pixel
                count += not skipped[behind, geoms[pixel] + 1]
            if count == LANES or (pixel == len(geoms) and count > 0):
                if behind:
                    _background(papers, appearance, (pixels, count, rows, block), rgb)
                else:
                    _shade_block(pool, papers, placed, appearance, picture, (pixels, count, rows, block))
                _write(block, pixels, count, rgb)
                count = 0


@numba.njit(cache=True, nogil=True)
def _fill(geoms, colour, flat):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """One colour where nothing is seen."""
    red, green, blue = _byte(colour[0]), _byte(colour[1]), _byte(colour[2])
    for pixel in range(len(geoms)):
        if geoms[pixel] < 0:
            flat[3 * pixel], flat[3 * pixel + 1], flat[3 * pixel + 2] = red, green, blue


@numba.njit(cache=True, nogil=True)
def _byte(value):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    return np.uint8(min(max(value, 0.0), 1.0) * 255.0 + 0.5)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _background(papers, appearance, chosen, rgb):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """The photograph's middle, as large as fits the picture's shape."""
    pixels, count, rows, block = chosen
    height, width = rgb.shape[:2]
    photograph = appearance.photograph
    first = papers.version_start[photograph]
    high, wide = papers.height[first], papers.width[first]
    scale = min(high / height, wide / width)  # texels to a pixel
    for i in range(count):
        rows[i] = photograph
        row, column = pixels[i] // width, pixels[i] % width
        across, down = (column + 0.5 - 0.5 * width) * scale, (row + 0.5 - 0.5 * height) * scale
        # Photographs end at their last texel's centre; they do not go on with the first one as textures do.
        block[blocks.S + i] = 0.5 + min(max(across, 0.5 - 0.5 * wide), 0.5 * wide - 0.5) / wide
        block[blocks.T + i] = 0.5 + min(max(down, 0.5 - 0.5 * high), 0.5 * high - 0.5) / high
        block[blocks.SPACING + i] = scale / max(high, wide)
    textures.read(papers, rows, count, block)
    for channel in range(3):
        for i in range(LANES):
            block[blocks.RED + channel * LANES + i] = block[blocks.TINT + channel * LANES + i] * 255.0 + 0.5


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _shade_block(pool, papers, placed, appearance, picture, chosen):  # noqa: ANN001, ANN202 - typed by numba
    pixels, count, rows, block = chosen
    textured = _surface(appearance, picture, (pixels, count), rows, block)
    points.find(placed.ray, picture, pixels, count, block)
    points.interpolate(pool, placed, picture, (pixels, count, rows), block)
    if textured:
        points.project(pool, placed, picture, (pixels, count, rows), block)
        textures.read(papers, rows, count, block)
    _light(block, count, appearance)


@numba.njit(cache=True, nogil=True)
def _surface(appearance, picture, chosen, rows, s):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    """Colours, gloss and texture rows; returns whether there is a texture."""
    pixels, count = chosen
    geoms, colour, gloss, texture = picture.geom.reshape(-1), appearance.colour, appearance.gloss, appearance.texture
    textured = False
    for i in range(count):
        geom = geoms[pixels[i]]
        s[blocks.RED + i] = colour[geom, 0]
        s[blocks.GREEN + i] = colour[geom, 1]
        s[blocks.BLUE + i] = colour[geom, 2]
        s[blocks.EMISSION + i] = colour[geom, 3]
        s[blocks.SPECULAR + i] = gloss[geom, 0]
        s[blocks.EXPONENT + i] = gloss[geom, 1]
        rows[i] = texture[geom]
        textured = textured or rows[i] >= 0
    for i in range(3 * LANES):
        s[blocks.TINT + i] = np.float32(1.0)
    return textured


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _light(block, count, appearance):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    shiny = False
    for i in range(LANES):
        shiny = shiny or block[blocks.SPECULAR + i] > 0.0
    lighting.prepare(block, appearance.ambient)
    for light in range(len(appearance.lights)):
        if appearance.shadows.focal_px[light] > 0.0:
            shadows.arrive(appearance.shadows, light, count, block)
        lighting.add_light(block, appearance.lights[light], shiny)
    lighting.finish(block)


@numba.njit(cache=True, nogil=True)
def _write(block, pixels, count, rgb):  # noqa: ANN001, ANN202 - a kernel, typed by numba
    flat = rgb.reshape(-1)
    for i in range(count):
        k = 3 * pixels[i]
        flat[k] = np.uint8(block[blocks.RED + i])
        flat[k + 1] = np.uint8(block[blocks.GREEN + i])
        flat[k + 2] = np.uint8(block[blocks.BLUE + i])

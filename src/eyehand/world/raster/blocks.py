"""Blocks of visible points: where the channels of a block start.

A block is one array of `LANES` float32 values per channel, a channel after another, so that loops over a block have a
fixed length and become vector instructions; the bytes of a pixel never depend on which pixels share its block.
"""

from __future__ import annotations

LANES = 64
X, Y, Z = 0, LANES, 2 * LANES  # place relative to the eye, world axes, metres
NX, NY, NZ = 3 * LANES, 4 * LANES, 5 * LANES  # normal
RED, GREEN, BLUE = 6 * LANES, 7 * LANES, 8 * LANES  # colour of the surface, in the end that of the pixel
SPECULAR, EXPONENT, EMISSION = 9 * LANES, 10 * LANES, 11 * LANES
DIFFUSE_R, DIFFUSE_G, DIFFUSE_B = 12 * LANES, 13 * LANES, 14 * LANES  # light that the surface scatters
GLINT_R, GLINT_G, GLINT_B = 15 * LANES, 16 * LANES, 17 * LANES  # light in highlights
VX, VY, VZ = 18 * LANES, 19 * LANES, 20 * LANES  # unit vector to the eye
LIT = 21 * LANES  # share of the current light that arrives
TINT = 22 * LANES  # three channels: colour of the texture, a factor of all light
S, T, SPACING = 25 * LANES, 26 * LANES, 27 * LANES  # where in the texture, and how far apart pixels are there
CHANNELS = 28

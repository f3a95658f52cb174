"""The covers of a KUKA LBR iiwa 14: silver half-links that meet side by side at every pitch joint, orange caps.

Shapes follow photographs and the dimension drawing of the specification (links about 140 mm thick), simplified. Every
mesh is in its link's frame with the arm stretched upwards: z up, y along the axis of the pitch joints.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eyehand.world.meshes import Mesh, cable, join
from eyehand.world.robots.assembly import Paint
from eyehand.world.robots.robot import Shell
from eyehand.world.robots.shapes import disc, loft, rounded_box, spun

SILVER, ORANGE, DARK, METAL, LIGHT = range(5)
PALETTE = (
    Paint("silver", (0.70, 0.71, 0.72, 1.0), 0.5, 0.45),
    Paint("orange", (0.93, 0.36, 0.05, 1.0), 0.5, 0.5),
    Paint("dark", (0.13, 0.13, 0.14, 1.0), 0.2, 0.2),
    Paint("metal", (0.55, 0.56, 0.58, 1.0), 0.8, 0.7),
    Paint("light", (0.25, 0.55, 0.85, 1.0), 0.2, 0.2),
)


def shells(shell: Shell) -> Mapping[str, Mesh]:
    """The visual mesh of each link."""
    twin = shell == "twin"
    return {
        "robot": _base(twin),
        "link1": _riser(0.2025, 0.0745, -1.0, twin),
        "link2": _lifter(0.2045, 0.0745, 1.0, twin),
        "link3": _riser(0.2155, 0.0690, 1.0, twin),
        "link4": _lifter(0.1845, 0.0690, -1.0, twin),
        "link5": _stalk(twin),
        "link6": _head(twin),
        "link7": _flange(),
    }


def _base(twin: bool) -> Mesh:
    power = 3.4 if twin else 2.6
    foot = [[0.0, -0.018, 0, 0.128, 0.105, power], [0.012, -0.018, 0, 0.132, 0.109, power]]
    foot += [[0.030, -0.018, 0, 0.130, 0.107, power], [0.075, -0.010, 0, 0.098, 0.092, 2.3]]
    foot += [[0.115, 0.0, 0, 0.079, 0.079, 2.0], [0.1525, 0, 0, 0.0745, 0.0745, 2.0]]
    socket = rounded_box([-0.172, -0.052, 0.008], [-0.09, 0.052, 0.070], 0.012, SILVER)
    plugs = [disc([-0.172, y, 0.040], 0.013, 0.012, DARK, "x", 0.003, 12) for y in (-0.026, 0.026)]
    parts = [loft(foot, SILVER), socket, *plugs, _seam(0.155, 0.0705)]
    if twin:
        parts.append(
            cable([[-0.18, 0.026, 0.04], [-0.28, 0.03, 0.05], [-0.26, 0.06, 0.0], [-0.36, 0.10, 0.012]], 0.008, DARK)
        )
        parts += [disc([x, y, 0.030], 0.011, 0.010, METAL, "z", 0.002, 6) for x in (-0.10, 0.07) for y in (-0.07, 0.07)]
    return join(parts)


def _seam(height: float, radius: float) -> Mesh:
    """The dark gap under a roll joint."""
    return spun([[height - 0.004, radius], [height + 0.004, radius]], DARK, sides=24)


def _hub(side: float, radius: float, twin: bool, height: float, paint: int) -> Mesh:
    """The round housing of a pitch joint on one side of the arm's middle plane, and the cap that closes it."""
    out = 0.106 * radius / 0.0745
    edge = 0.014 if twin else 0.026
    turn = np.linspace(0.0, np.pi / 2, 4)
    rim = np.stack([out - edge * (1 - np.cos(turn)), radius + 0.003 - edge * (1 - np.sin(turn))], 1)[::-1]
    profile = np.concatenate([[[0.0035, radius - 0.004], [0.0065, radius + 0.003]], rim[::1]])
    y, r = profile[:, 0] * side, profile[:, 1]
    order = np.argsort(y, kind="stable")
    body = spun(np.stack([y[order], r[order]], 1), paint, "y", (0.0, 0.0, height))
    face = disc(
        (0.0, side * (out + 0.001), height), 0.62 * radius, 0.004, SILVER if paint == ORANGE else DARK, "y", 0.003
    )
    parts = [body, face]
    if twin:
        bolts = [
            disc(
                (0.45 * radius * np.cos(a), side * (out + 0.005), height + 0.45 * radius * np.sin(a)),
                0.005,
                0.002,
                METAL,
                "y",
                0.001,
                6,
            )
            for a in np.arange(6) * np.pi / 3
        ]
        parts += bolts
    return join(parts)


def _riser(height: float, radius: float, side: float, twin: bool) -> Mesh:
    """An odd link: from a roll joint below, over to one side, up to the pitch joint's housing on that side."""
    r, offset, power = radius, 0.052 * radius / 0.0745, 2.7 if twin else 2.2
    rows = [[0.004, 0, 0, r, r, 2.0], [0.035, 0, 0, r + 0.001, r + 0.001, 2.0]]
    rows += [[0.45 * height, 0, 0.42 * side * offset, 0.97 * r, 0.93 * r, power]]
    rows += [[0.72 * height, 0, 0.88 * side * offset, 0.96 * r, 0.72 * r, power]]
    rows += [[height, 0, side * offset, 0.97 * r, 0.62 * r, power]]
    body = loft(rows, SILVER)
    axle = spun([[-0.0045, 0.9 * r], [0.0045, 0.9 * r]], DARK, "y", (0.0, 0.0, height))
    parts = [body, _hub(side, r, twin, height, SILVER), axle]
    if twin:
        lead = [
            [0.0, side * 0.06, 0.02],
            [0.02, side * 0.11, 0.06],
            [0.05, side * 0.12, 0.12],
            [0.0, side * 0.10, 0.15],
        ]
        parts.append(cable(lead, 0.006, DARK, 14))
    return join(parts)


def _lifter(height: float, radius: float, side: float, twin: bool) -> Mesh:
    """An even link: from the pitch joint's housing on one side up to the roll joint in the middle."""
    r, offset, power = radius, 0.052 * radius / 0.0745, 2.7 if twin else 2.2
    low = [
        [0.0, 0, side * offset, 0.97 * r, 0.62 * r, power],
        [0.28 * height, 0, 0.88 * side * offset, 0.96 * r, 0.72 * r, power],
    ]
    low += [[0.55 * height, 0, 0.42 * side * offset, 0.97 * r, 0.93 * r, power]]
    high = [[0.55 * height, 0, 0.42 * side * offset, 0.97 * r, 0.93 * r, power]]
    high += [[height - 0.04, 0, 0, r, r, 2.0], [height - 0.004, 0, 0, r, r, 2.0]]
    split = join([loft(low, ORANGE), loft(high, SILVER)])
    parts = [split, _hub(side, r, twin, 0.0, ORANGE), _seam(height, r - 0.004)]
    if twin:
        band = [[0.57 * height, 0, 0.40 * side * offset, 1.01 * r, 0.97 * r, power]]
        band += [[0.66 * height, 0, 0.26 * side * offset, 1.02 * r, 0.99 * r, power]]
        parts.append(loft(band, DARK))
    return join(parts)


def _stalk(twin: bool) -> Mesh:
    """The slim fifth link, which holds the head from one side."""
    power = 3.0 if twin else 2.4
    rows = [[0.004, 0, 0, 0.066, 0.066, 2.0], [0.03, 0, 0, 0.066, 0.066, 2.0]]
    rows += [[0.075, 0, -0.028, 0.058, 0.050, power], [0.115, 0, -0.060, 0.047, 0.034, power]]
    rows += [[0.160, 0, -0.068, 0.046, 0.027, power], [0.2155, 0, -0.068, 0.050, 0.026, power]]
    rows += [[0.250, 0, -0.068, 0.038, 0.024, power], [0.268, 0, -0.068, 0.014, 0.012, power]]
    cap = disc((0.0, -0.094, 0.2155), 0.034, 0.004, DARK, "y", 0.003)
    axle = spun([[-0.046, 0.046], [-0.030, 0.046]], DARK, "y", (0.0, 0.0, 0.2155))
    parts = [loft(rows, SILVER), cap, axle]
    if twin:
        parts.append(
            cable([[0.0, -0.07, 0.03], [0.0, -0.125, 0.09], [0.0, -0.115, 0.15], [0.0, -0.093, 0.18]], 0.006, DARK, 14)
        )
    return join(parts)


def _head(twin: bool) -> Mesh:
    """The sixth link: a ball with orange cheeks, and the neck of the flange."""
    turn = np.linspace(-0.42, np.pi / 2 - 0.25, 9)
    ball = np.stack([0.076 * np.sin(turn), 0.074 * np.cos(turn)], 1)
    cheek = spun(ball, ORANGE, "y", sides=24)
    cap = disc((0.0, 0.074, 0.0), 0.026 if twin else 0.030, 0.004, SILVER, "y", 0.003, 20)
    neck = spun([[0.0, 0.064], [0.045, 0.064], [0.066, 0.060], [0.074, 0.058]], SILVER, sides=24)
    return join([cheek, cap, neck, _seam(0.077, 0.054)])


def _flange() -> Mesh:
    """The last link: a silver disc with a ring of light and the bare metal face of the flange."""
    body = spun([[-0.001, 0.059], [0.006, 0.0615], [0.022, 0.0615], [0.028, 0.059]], SILVER, sides=24)
    ring = spun([[0.008, 0.0622], [0.013, 0.0622]], LIGHT, sides=24)
    face = spun([[0.026, 0.047], [0.043, 0.047], [0.045, 0.0455]], METAL, sides=24)
    holes = [
        disc((0.025 * np.cos(a), 0.025 * np.sin(a), 0.0455), 0.0035, 0.001, DARK, "z", 0.0005, 8)
        for a in np.arange(7) * np.pi / 4
    ]
    return join([body, ring, face, *holes])

"""A Baxter-like robot as meshes: three moving links, and the body that they hang on.

Each link's frame has its origin on the joint's axis, x along the level link, y to the robot's left, z up, so that a
link of pitch p (downward) is placed by `link_rotations`. Lengths are those of `eyehand.world.baxter`; covers, motors
and gripper follow the photographs in Rethink Robotics' hardware specification, simplified: red covers over charcoal
tubes, a motor drum across every pitch joint, a cuff, and an electric gripper with two fingers that ends at K(q).
"""

from __future__ import annotations

import numpy as np

from eyehand.types import Floats
from eyehand.world import baxter
from eyehand.world.materials import Material
from eyehand.world.meshes import Mesh, between, box, cable, drum, join, rod, turned

RED, DARK, GREY = Material.COVER_RED, Material.COVER_DARK, Material.COVER_GREY
RUBBER, METAL, SCREEN, LABEL = Material.RUBBER, Material.METAL, Material.SCREEN, Material.PAPER


def link_ends() -> Floats:
    """End of each link (3, 3) in its own frame, metres."""
    length, drop = np.array(baxter.LINK_LENGTH_M), np.array(baxter.LINK_DROP_M)
    return np.stack([length, np.zeros(3), -drop], axis=1)


def link_rotations(q_rad: Floats) -> Floats:
    """(B, 3, 3, 3) rotations from each link's frame to the world, for joint angles (B, 3)."""
    pitch = np.cumsum(q_rad, axis=1)
    R = np.zeros((*pitch.shape, 3, 3))
    R[..., 0, 0], R[..., 0, 2] = np.cos(pitch), np.sin(pitch)
    R[..., 2, 0], R[..., 2, 2] = -np.sin(pitch), np.cos(pitch)
    R[..., 1, 1] = 1.0
    return R


def _shell(end_m: Floats, stations: list[tuple[float, float]], bands: list[int], width: float) -> Mesh:
    """A turned cover from the link's joint towards its end; stations are (share of the length, radius in metres)."""
    length = float(np.linalg.norm(end_m))
    profile = np.array([[share * length, radius * width] for share, radius in stations])
    return between(turned(profile, bands), np.zeros(3), end_m)


def upper_arm(width: float) -> Mesh:
    """The first link: motor of s1, neck, roll joint, red cover, and a fork that holds the elbow's motor."""
    end = link_ends()[0]
    stations = [(0.10, 0.050), (0.20, 0.066), (0.42, 0.064), (0.425, 0.058), (0.46, 0.058), (0.465, 0.069)]
    stations += [(0.55, 0.074), (0.72, 0.070), (0.86, 0.060), (0.92, 0.040)]
    shell = _shell(end, stations, [DARK, DARK, DARK, RUBBER, DARK, RED, RED, RED, DARK], width)
    badge = box([0.085, 0.058, -0.030], [0.135, 0.069, -0.004], LABEL).scaled([1.0, width, width])
    return join([drum([0, 0, 0], 0.076 * width, 0.078 * width, (DARK, GREY)), shell, badge])


def forearm(width: float) -> Mesh:
    """The second link: the elbow's motor, red cover, roll joint, grey tube."""
    end = link_ends()[1]
    stations = [(0.08, 0.045), (0.16, 0.062), (0.22, 0.066), (0.40, 0.062), (0.50, 0.055), (0.505, 0.050)]
    stations += [(0.54, 0.050), (0.545, 0.056), (0.70, 0.054), (0.85, 0.048), (0.92, 0.034)]
    shell = _shell(end, stations, [DARK, RED, RED, RED, DARK, RUBBER, DARK, GREY, GREY, DARK], width)
    return join([drum([0, 0, 0], 0.069 * width, 0.072 * width, (DARK, RED)), shell])


def hand(width: float) -> Mesh:
    """The third link: the wrist's motor, cuff with its buttons, gripper with two fingers that end at the tip."""
    tip = baxter.LINK_LENGTH_M[2]
    stations = [(0.07, 0.036), (0.14, 0.050), (0.26, 0.051), (0.265, 0.046), (0.30, 0.046), (0.305, 0.052)]
    stations += [(0.46, 0.052), (0.48, 0.047), (0.56, 0.047), (0.565, 0.040), (0.60, 0.040)]
    shell = _shell(link_ends()[2], stations, [DARK, RED, DARK, RUBBER, DARK, GREY, GREY, DARK, DARK, RUBBER], width)
    s = np.array([1.0, width, width])
    button = drum([0.385 * tip, 0.0, 0.0], 0.013 * width, 0.055 * width, (RUBBER, METAL), 0.004)
    palm = box([0.59 * tip, -0.028, -0.052], [0.70 * tip, 0.028, 0.052], METAL).scaled(s)
    fingers = [
        box([0.69 * tip, -0.011, side * 0.030 - 0.007], [0.86 * tip, 0.011, side * 0.030 + 0.007], DARK).scaled(s)
        for side in (-1, 1)
    ]
    pads = [
        box([0.84 * tip, -0.013, side * 0.026 - 0.009], [tip, 0.013, side * 0.026 + 0.009], RUBBER).scaled(s)
        for side in (-1, 1)
    ]
    motor = drum([0, 0, 0], 0.057 * width, 0.062 * width, (DARK, GREY))
    return join([motor, shell, button, palm, *fingers, *pads])


def links(width: float) -> tuple[Mesh, Mesh, Mesh]:
    """The three moving links in their own frames.

    Args:
        width: thickness relative to the nominal one; lengths stay.
    """
    return upper_arm(width), forearm(width), hand(width)


def posed_arm(q_rad: Floats, shoulder_m: Floats, width: float) -> Mesh:
    """A whole arm that stands still, its s1 axis at `shoulder_m` (3,), with joint angles (3,)."""
    R = link_rotations(q_rad[None])[0]
    joints = baxter.joint_points(q_rad[None])[0]
    meshes = [
        link.moved(R[i], shoulder_m + np.array([joints[i, 0], 0.0, joints[i, 1]]))
        for i, link in enumerate(links(width))
    ]
    return join(meshes)


def _shoulder(side: float) -> Mesh:
    """The turret of s0 under the s1 axis, and the beam that carries it; `side` is the y of the arm's plane."""
    turret = [[0.0, 0.070], [0.02, 0.092], [0.14, 0.092], [0.145, 0.085], [0.16, 0.085], [0.165, 0.090], [0.25, 0.086]]
    turret += [[0.285, 0.062]]
    mount = between(
        turned(turret, [DARK, DARK, DARK, RUBBER, DARK, GREY, DARK]), [-0.069, side, -0.33], [-0.069, side, 0]
    )
    neck = between(turned([[0.0, 0.066], [0.05, 0.070], [0.075, 0.060]], DARK), [-0.09, side, -0.055], [0.0, side, 0.0])
    inner = -0.30 + (0.06 if side > -0.3 else -0.06)
    beam = rod([-0.15, inner, -0.29], [-0.075, side, -0.29], 0.062, DARK, 16)
    return join([mount, neck, beam])


def body(width: float) -> Mesh:
    """Everything of the robot that stands still: pedestal, torso, head, both shoulders, and the right arm, parked."""
    torso_profile = [
        [-0.98, 0.10],
        [-0.95, 0.13],
        [-0.75, 0.135],
        [-0.40, 0.16],
        [-0.10, 0.17],
        [0.06, 0.15],
        [0.13, 0.09],
    ]
    upright = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]).T  # x to z, z to -x
    bands: list[int] = [DARK, DARK, GREY, RED, RED, DARK]
    torso = (
        turned(torso_profile, bands, 32)
        .moved(upright, [0, 0, 0])
        .scaled([0.85, 1.15, 1.0])
        .moved(np.eye(3), [-0.2, -0.30, 0])
    )
    column = turned([[-1.27, 0.11], [-0.96, 0.11]], GREY).moved(upright, [-0.2, -0.30, 0])
    feet = [
        rod([-0.2, -0.30, -1.28], [-0.2 + dx, -0.30 + dy, -1.30], 0.03, DARK)
        for dx in (-0.35, 0.35)
        for dy in (-0.3, 0.3)
    ]
    neck = turned([[0.10, 0.045], [0.26, 0.04]], DARK).moved(upright, [-0.2, -0.30, 0])
    yaw = 0.75  # the head looks towards the camera's side
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    head = join(
        [
            box([-0.03, -0.15, -0.10], [0.030, 0.15, 0.11], DARK),
            box([0.030, -0.135, -0.085], [0.034, 0.135, 0.095], SCREEN),
            box([-0.07, -0.06, -0.06], [-0.03, 0.06, 0.06], GREY),
        ]
    ).moved(turn, [-0.17, -0.30, 0.34])
    right = posed_arm(np.array([1.02, 0.35, 0.35]), np.array([0.0, -0.60, 0.0]), width)
    lead = cable([[-0.2, -0.15, -0.6], [-0.45, 0.05, -0.5], [-0.35, 0.0, -0.2], [-0.1, -0.04, -0.16]], 0.010, RUBBER)
    return join([torso, column, *feet, neck, head, _shoulder(0.0), _shoulder(-0.60), right, lead])

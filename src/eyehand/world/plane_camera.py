"""A webcam on a tripod that faces the plane in which an arm moves, and the window of the plane that a policy sees.

World frame: origin on the shoulder axis, x forward, y to the robot's left, z up; the arm moves in the plane y = 0.
The camera stands on the robot's left and looks along -y, so x points to the left in its image. Frames are cropped and
scaled to `FRAME_SIZE`, such that the BELIEVED camera maps `WINDOW` exactly onto the frame: 1 px of the 84 x 84 image
is 2.40 cm (geometric mean of both axes; 2.39 cm in Zhang et al. 2017, Section 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyehand.types import Floats, Integers
from eyehand.world import counter
from eyehand.world.domain import Domain

FRAME_SIZE = (210, 160)  # (height, width) px, the simulator's image in the paper
WINDOW_X_M = (-0.645, 1.115)  # (right edge, left edge) of the frame in the plane
WINDOW_HEIGHT_M = (WINDOW_X_M[1] - WINDOW_X_M[0]) * FRAME_SIZE[0] / FRAME_SIZE[1]
WINDOW_Z_M = (-WINDOW_HEIGHT_M / 2, WINDOW_HEIGHT_M / 2)
PIXELS_PER_M = FRAME_SIZE[1] / (WINDOW_X_M[1] - WINDOW_X_M[0])

STREAM_SIZE = (240, 320)  # (height, width) px of the webcam's stream
CAMERA_DISTANCE_M = 2.9  # a webcam of 43.3 degrees vertical field of view sees the window's height from here
FOCAL_PX = STREAM_SIZE[0] * CAMERA_DISTANCE_M / WINDOW_HEIGHT_M
WINDOW_CENTRE_M = np.array([sum(WINDOW_X_M) / 2, 0.0, 0.0])
R_WORLD_CAMERA = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])  # columns: right, down, forward


@dataclass(frozen=True)
class CameraPoses:
    """True poses of the camera, one per row.

    Attributes:
        R_world_camera: (B, 3, 3) rotation, camera to world.
        t_world_camera: (B, 3) position of the camera in the world, metres.
    """

    R_world_camera: Floats
    t_world_camera: Floats


def nominal_K() -> Floats:
    """Intrinsics (3, 3) of the stream, pixels; the window's centre lies on the optical axis."""
    height, width = STREAM_SIZE
    return np.array([[FOCAL_PX, 0.0, (width - 1) / 2], [0.0, FOCAL_PX, (height - 1) / 2], [0.0, 0.0, 1.0]])


def nominal_position_m() -> Floats:
    """Believed position of the camera (3,) in the world frame."""
    return WINDOW_CENTRE_M + np.array([0.0, CAMERA_DISTANCE_M, 0.0])


def true_poses(domain: Domain, seeds: Integers) -> CameraPoses:
    """Where the camera really is in each row: believed pose, calibration error, and what it has moved since."""
    batch = len(seeds)
    offset = directions(domain, "calibration.camera_offset_m", seeds)
    turn = directions(domain, "calibration.camera_rotation_rad", seeds)
    moved = directions(domain, "calibration.moved_m", seeds)
    turned = directions(domain, "calibration.moved_rad", seeds)
    R = R_WORLD_CAMERA @ rotations(turn + turned)
    position = np.broadcast_to(nominal_position_m(), (batch, 3)) + offset + moved
    return CameraPoses(R, position)


def directions(domain: Domain, key: str, seeds: Integers) -> Floats:
    """(B, 3) vectors whose length is the field's number `key` and whose direction is drawn evenly on the sphere."""
    draws = counter.draw_of(seeds) if domain.population else seeds
    raw = counter.normal(draws[:, None], f"direction/{key}", index=np.arange(3))
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return unit * domain.numbers(key, seeds)[:, None]


def rotations(vectors_rad: Floats) -> Floats:
    """Rotation matrices (B, 3, 3) of rotation vectors (B, 3), by Rodrigues' formula."""
    angle = np.linalg.norm(vectors_rad, axis=1)
    axis = vectors_rad / np.maximum(angle, 1e-12)[:, None]
    K = np.zeros((len(vectors_rad), 3, 3))
    K[:, 0, 1], K[:, 0, 2], K[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    K[:, 1, 0], K[:, 2, 0], K[:, 2, 1] = axis[:, 2], -axis[:, 1], axis[:, 0]
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * K + (1 - cos) * (K @ K)


def believed_homography() -> Floats:
    """(3, 3) plane point (x, z, 1) to frame pixel (column, row, 1), as the recording-time calibration says."""
    s = PIXELS_PER_M
    return np.array([[-s, 0.0, s * WINDOW_X_M[1] - 0.5], [0.0, -s, s * WINDOW_Z_M[1] - 0.5], [0.0, 0.0, 1.0]])


def frame_from_stream() -> Floats:
    """(3, 3) stream pixel to frame pixel: the crop and the scaling, pixel centres at integers."""
    scale = FRAME_SIZE[0] / STREAM_SIZE[0]
    left = (STREAM_SIZE[1] - FRAME_SIZE[1] / scale) / 2
    return np.array([[scale, 0.0, scale * (0.5 - left) - 0.5], [0.0, scale, scale * 0.5 - 0.5], [0.0, 0.0, 1.0]])


def true_homographies(poses: CameraPoses) -> Floats:
    """(B, 3, 3) plane point (x, z, 1) to frame pixel (column, row, 1), as the true poses have it."""
    R_camera_world = np.swapaxes(poses.R_world_camera, 1, 2)
    plane = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # (x, z, 1) to (x, y, z) without offset
    to_camera = R_camera_world @ plane
    to_camera[:, :, 2] -= np.einsum("bij,bj->bi", R_camera_world, poses.t_world_camera)
    return frame_from_stream() @ nominal_K() @ to_camera


def project(H: Floats, points_m: Floats) -> Floats:
    """Pixels (B, P, 2) (column, row) of plane points (B, P, 2) (x, z) under homographies (B, 3, 3) or (3, 3)."""
    homogeneous = np.concatenate([points_m, np.ones((*points_m.shape[:-1], 1))], axis=-1)
    mapped = np.einsum("...ij,...pj->...pi", np.broadcast_to(H, (len(points_m), 3, 3)), homogeneous)
    return mapped[..., :2] / mapped[..., 2:]

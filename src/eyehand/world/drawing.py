# pyright: basic
# (numba kernels are untyped)
"""The simulator's picture of a planar arm: three capsules and a blue disc, in closed form and in batches.

After Zhang et al. 2017, Section 4 and Fig. 1A: a simplistic arm and a blue disc of radius 9 cm on a plain ground,
160 x 210 pixels. Every edge is anti-aliased by its signed distance, so pictures change smoothly with the arm.
"""

from __future__ import annotations

from typing import final

import numba
import numpy as np

from eyehand.types import Floats, Images, Integers, PlanarScene
from eyehand.world import baxter, counter, plane_camera, rows
from eyehand.world.domain import Domain

LINK_RADIUS_M = (0.065, 0.055, 0.045)
DISC_RADIUS_M = 0.09
DISC_RGB = (0, 0, 255)


@numba.njit(cache=True, nogil=True)
def _blend(frame, row, column, coverage, red, green, blue):  # noqa: ANN001, ANN202 - a pixel and its colour
    pixel = frame[row, column]
    pixel[0] = np.uint8(pixel[0] + coverage * (red - pixel[0]) + 0.5)
    pixel[1] = np.uint8(pixel[1] + coverage * (green - pixel[1]) + 0.5)
    pixel[2] = np.uint8(pixel[2] + coverage * (blue - pixel[2]) + 0.5)


@numba.njit(cache=True, nogil=True)
def _draw_rows(frames, joints_px, radii_px, arm, ground, disc_px, disc_radius_px):  # noqa: ANN001, ANN202
    """Draw every frame (B, H, W, 3): ground, links between joints (B, 4, 2), discs (B, D, 2)."""
    batch, height, width = frames.shape[:3]
    for b in range(batch):
        frame = frames[b]
        frame[:] = ground[b]
        for link in range(3):
            ax, ay = joints_px[b, link]
            bx, by = joints_px[b, link + 1]
            radius = radii_px[b, link]
            dx, dy = bx - ax, by - ay
            inverse = 1.0 / max(dx * dx + dy * dy, 1e-12)
            for row in range(
                max(0, int(np.floor(min(ay, by) - radius - 1))), min(height, int(np.ceil(max(ay, by) + radius + 2)))
            ):
                for column in range(
                    max(0, int(np.floor(min(ax, bx) - radius - 1))), min(width, int(np.ceil(max(ax, bx) + radius + 2)))
                ):
                    px, py = column - ax, row - ay
                    along = min(max((px * dx + py * dy) * inverse, 0.0), 1.0)
                    ex, ey = px - along * dx, py - along * dy
                    squared = ex * ex + ey * ey
                    if squared < (radius + 0.5) * (radius + 0.5):
                        coverage = min(radius + 0.5 - np.sqrt(squared), 1.0)
                        _blend(frame, row, column, coverage, arm[b], arm[b], arm[b])
        for disc in range(disc_px.shape[1]):
            cx, cy = disc_px[b, disc]
            radius = disc_radius_px
            for row in range(max(0, int(np.floor(cy - radius - 1))), min(height, int(np.ceil(cy + radius + 2)))):
                for column in range(max(0, int(np.floor(cx - radius - 1))), min(width, int(np.ceil(cx + radius + 2)))):
                    squared = (column - cx) ** 2 + (row - cy) ** 2
                    if squared < (radius + 0.5) * (radius + 0.5):
                        coverage = min(radius + 0.5 - np.sqrt(squared), 1.0)
                        _blend(frame, row, column, coverage, 0.0, 0.0, 255.0)


@final
class DrawingImaging:
    """The `drawing` image back end: the paper's simulator.

    Answers the appearance fields `arm_albedo`, `background_albedo`, `arm_width_scale` and `target`, and the whole
    calibration factor: the arm is drawn where the true camera sees it, the virtual disc where the recording-time
    calibration puts it.
    """

    def __init__(self, domain: Domain, threads: int | None = None) -> None:
        """Prepare the back end.

        Args:
            domain: the domain whose numbers are used.
            threads: threads to draw with; None for all cores.
        """
        self._domain = domain
        self._threads = threads or rows.default_threads()

    def capture(self, state: PlanarScene, seeds: Integers, step: Integers) -> Images:
        """Frames (B, 210, 160, 3) uint8 RGB; the picture does not depend on the step."""
        del step
        domain = self._domain
        homographies = plane_camera.true_homographies(plane_camera.true_poses(domain, seeds))
        joints_px = plane_camera.project(homographies, baxter.joint_points(state.q_rad))  # (B, 4, 2)
        width = domain.numbers("appearance.arm_width_scale", seeds)
        radii_px = width[:, None] * np.array(LINK_RADIUS_M) * plane_camera.PIXELS_PER_M  # (B, 3)
        arm = 255.0 * domain.numbers("appearance.arm_albedo", seeds)
        ground = np.clip(255.0 * domain.numbers("appearance.background_albedo", seeds), 0, 255).astype(np.uint8)
        discs = self._discs(state, seeds)
        frames = np.empty((len(seeds), *plane_camera.FRAME_SIZE, 3), np.uint8)
        radius = DISC_RADIUS_M * plane_camera.PIXELS_PER_M

        def draw(part: slice) -> None:
            _draw_rows(frames[part], joints_px[part], radii_px[part], arm[part], ground[part], discs[part], radius)

        rows.in_parallel(draw, len(seeds), self._threads, least=64)
        return frames

    def _discs(self, state: PlanarScene, seeds: Integers) -> Floats:
        """Centres of the discs (B, D, 2) in pixels, by the believed calibration."""
        targets = state.x_target_m[:, None]  # (B, 1, 2)
        if self._domain.appearance.target == "none":
            targets = targets[:, :0]
        elif self._domain.appearance.target == "two":
            targets = np.concatenate([targets, second_targets(seeds)[:, None]], axis=1)
        return plane_camera.project(plane_camera.believed_homography(), targets)


def second_targets(seeds: Integers) -> Floats:
    """A reachable place (B, 2) for a second, misleading target in each episode, metres in the plane."""
    share = counter.uniform(seeds[:, None], "second_target", index=np.arange(3))
    low, high = baxter.JOINT_LOW_RAD, baxter.JOINT_HIGH_RAD
    return baxter.forward_kinematics(low + share * (high - low))

"""The `traced` image back end: a robot in a laboratory, path traced, seen by a webcam on a tripod.

What stands still is traced once for each draw of the domain (`stage`, `room_light`); each frame traces the moving
parts in front of it (`traced_frame`); then come the camera's electronics (`webcam`) and the virtual disc
(`compositing`). Each frame is a function of its row's state, episode seed and step alone.
"""

from __future__ import annotations

from typing import final

import numpy as np

from eyehand.errors import UnknownNameError
from eyehand.types import Floats, Images, Integers, PlanarScene
from eyehand.world import counter, plane_camera, rows, webcam
from eyehand.world.compositing import draw_disc
from eyehand.world.domain import Domain
from eyehand.world.drawing import second_targets
from eyehand.world.sensing.electronics import settings
from eyehand.world.stage import Stage, seen_parts, set_stage
from eyehand.world.traced_frame import render

TARGETS = ("virtual", "physical", "none", "two")


@final
class LaboratoryImaging:
    """The `traced` image back end of tasks whose arm moves in a plane.

    Answers the whole appearance, sensor and calibration factors: the arm is drawn where the true camera sees it, the
    virtual disc where the recording-time calibration puts it.
    """

    def __init__(self, domain: Domain, draw_target: bool = True, threads: int | None = None) -> None:
        """Prepare the back end; the room of a draw is traced when its first frame is taken.

        Args:
            domain: the domain whose numbers are used.
            draw_target: False leaves every target out, virtual or physical, as when recording.
            threads: threads to trace with; None for all cores.

        Raises:
            UnknownNameError: the domain's target does not exist.
        """
        target = domain.appearance.target
        if target not in TARGETS:
            raise UnknownNameError("target", target, TARGETS, f"appearance.target of domain {domain.name}")
        self._domain = domain
        self._target = target if draw_target else "none"
        self._threads = threads or rows.default_threads()
        self._seen = seen_parts(domain, physical=self._target == "physical")

    def capture(self, state: PlanarScene, seeds: Integers, step: Integers) -> Images:
        """Frames (B, 210, 160, 3) uint8 RGB.

        Args:
            state: joint angles and targets of every row.
            seeds: (B,) episode seeds.
            step: (B,) control steps, which choose the noise.
        """
        seeds, step = np.asarray(seeds, dtype=np.int64), np.asarray(step, dtype=np.int64)
        stages = self._stages_of(seeds)
        cameras = settings(self._domain, seeds, step)
        frames = np.empty((len(seeds), *plane_camera.FRAME_SIZE, 3), np.uint8)

        def take(part: slice) -> None:
            for row in range(part.start, part.stop):
                light = render(stages[row], state.q_rad[row], state.x_target_m[row])
                frames[row] = webcam.develop(light, cameras[row])

        rows.in_parallel(take, len(seeds), self._threads, least=1)
        return self._with_discs(frames, state.x_target_m, seeds)

    def _with_discs(self, frames: Images, x_target_m: Floats, seeds: Integers) -> Images:
        """Draw the virtual targets by the recording-time calibration."""
        believed = plane_camera.believed_homography()
        if self._target in ("virtual", "two"):
            frames = draw_disc(frames, x_target_m, believed)
        if self._target == "two":
            frames = draw_disc(frames, second_targets(seeds), believed)
        return frames

    def _stages_of(self, seeds: Integers) -> list[Stage]:
        """The stage of every row; rows of one draw share theirs."""
        own = counter.draw_of(seeds) << counter.DRAW_BITS if self._domain.population else seeds
        wanted: list[int] = np.unique(own).tolist()
        found: dict[int, Stage] = {}

        def make(part: slice) -> None:
            for seed in wanted[part]:
                found[seed] = set_stage(self._seen, seed)

        rows.in_parallel(make, len(wanted), self._threads, least=1)
        return [found[seed] for seed in own.tolist()]

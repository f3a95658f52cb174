"""The Target: the one door through which recorded data of the target domain reach a method, priced by the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from eyehand.data.features import Json
from eyehand.data.ledger import Kind, Ledger
from eyehand.data.recorded import RecordedEpisodes
from eyehand.errors import InvalidValueError, NotDefinedError
from eyehand.types import Floats, Images, Integers

_LABELS = "observation.environment_state"


@dataclass(frozen=True)
class TargetFrames:
    """Frames of the target domain with the labels that its encoders give.

    Attributes:
        images: (n, H, W, 3) uint8 RGB.
        q_rad: (n, J) joint angles in radians as the encoders read them; J is 0 where labels were not asked for.
        environment_state: (n, E) what the recording knows of the scene, such as a target's position in metres; None
            where it was not recorded.
        rows: (n,) numbers of the frames in the recording.
        extra: the recording's own block, for example the calibration "plane_to_image".
    """

    images: Images
    q_rad: Floats
    environment_state: Floats | None
    rows: Integers
    extra: Mapping[str, Json]


@final
class RecordedTarget:
    """Target-domain data in a recorded folder."""

    def __init__(
        self,
        recorded: RecordedEpisodes,
        ledger: Ledger,
        camera: str = "observation.images.webcam",
        joints: str = "observation.state",
    ) -> None:
        """Put a door before a recording.

        Args:
            recorded: the recording.
            ledger: counts what goes through.
            camera: the feature that holds the pictures.
            joints: the feature that holds the joint angles.
        """
        self._recorded = recorded
        self._ledger = ledger
        self._camera = camera
        self._joints = joints
        self._source = recorded.digest

    def __len__(self) -> int:
        """How many frames the recording holds, whatever the budget says; asking is free."""
        return len(self._recorded)

    def take(self, what: Kind, n: int, *, labels: bool = True) -> TargetFrames:
        """The first `n` frames of the recording; each is priced once as a frame and, with labels, once as a label.

        Frames that were taken before under the same ledger, in this run or in one that it resumes, are free.

        Args:
            what: "frames"; a recording has nothing else to give.
            n: how many frames.
            labels: whether joint angles and what is known of the scene are handed out too; without them `q_rad` is
                (n, 0) and `environment_state` None.

        Raises:
            BudgetExceededError: the budget does not allow `n` frames; nothing is counted or read.
            InvalidValueError: the recording holds fewer frames.
            NotDefinedError: another kind was asked for.
            FileFormatError: a frame is damaged, or the ledger cannot be written; nothing is handed out.
        """
        if what != "frames":
            raise NotDefinedError(f"A recorded folder has no {what} to give; ask it for frames.")
        folder = self._recorded.folder
        kinds: tuple[Kind, ...] = ("frames", "labels") if labels else ("frames",)
        self._ledger.check(kinds, self._source, range(n), f"frames of {folder.name}")
        if not 1 <= n <= len(self):
            raise InvalidValueError("number of frames", n, f"1 to {len(self)}, what it holds", str(folder))
        self._ledger.claim(kinds, self._source, range(n), f"frames of {folder.name}")
        rows = np.arange(n)
        if not labels:
            images = self._recorded.frames([self._camera], rows)[self._camera]
            return TargetFrames(images, np.zeros((n, 0)), None, rows, self._recorded.extra)
        keys = [self._camera, self._joints, *([_LABELS] if _LABELS in self._recorded.features else [])]
        found = self._recorded.frames(keys, rows)
        scene = found[_LABELS].astype(np.float64) if _LABELS in found else None
        q_rad = found[self._joints].astype(np.float64)
        return TargetFrames(found[self._camera], q_rad, scene, rows, self._recorded.extra)

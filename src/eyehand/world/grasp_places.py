"""Where a small target lies on a table, what lies about it, and where the hand starts above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from eyehand.types import Floats, Integers
from eyehand.world import counter
from eyehand.world.objects.look_alikes import LOOK_ALIKES
from eyehand.world.reaching import reach
from eyehand.world.tabletop import Tabletop

REGION_LOW_M, REGION_HIGH_M = np.array([0.50, -0.12]), np.array([0.70, 0.15])  # of the target on the table
GRID = (5, 10)  # places along x and y
START_LOW_M, START_HIGH_M = np.array([0.65, -0.04, 0.20]), np.array([0.71, 0.07, 0.26])  # of the tool
ANYWHERE_LOW_M, ANYWHERE_HIGH_M = np.array([0.48, -0.14, 0.03]), np.array([0.75, 0.17, 0.26])
DOWNWARD = np.diag([-1.0, 1.0, -1.0])  # the tool's z axis points at the table, the camera is on the robot's side
NEIGHBOUR_M = (0.085, 0.14)  # from the target to a look-alike
Positions = Literal["random", "grid"]
Starts = Literal["high", "anywhere"]


def in_region(share: Floats) -> Floats:
    """Places (B, 2) on the table in metres, at shares (B, 2) of the region where the target lies."""
    return REGION_LOW_M + share * (REGION_HIGH_M - REGION_LOW_M)


@final
@dataclass(frozen=True)
class GraspPlaces:
    """How an episode begins, as a function of its seed.

    Attributes:
        positions: of the target: "random", or "grid", where every 50 episodes go over the grid.
        clutter: how many look-alikes lie about it.
        starts: of the hand: "high" and open, or "anywhere" above the region and opened by any width.
    """

    positions: Positions
    clutter: int
    starts: Starts

    def on_table(self, seeds: Integers) -> tuple[Integers, Floats, Floats]:
        """What every slot (B, 1 + clutter) holds, the target first; places (.., 2) in metres; turns in radians."""
        slots = np.arange(self.clutter)
        kinds = (counter.uniform(seeds[:, None], "reset/kind", index=slots) * LOOK_ALIKES).astype(np.int64)
        held = np.concatenate([np.zeros((len(seeds), 1), np.int64), 1 + kinds], axis=1)
        target = self._target(seeds)
        place = np.concatenate([target[:, None], self._about(seeds, target)], axis=1)
        yaw = 2 * np.pi * counter.uniform(seeds[:, None], "reset/yaw", index=np.arange(1 + self.clutter))
        return held, place, yaw

    def _target(self, seeds: Integers) -> Floats:
        """Places (B, 2) of the target on the table."""
        if self.positions == "random":
            return in_region(counter.uniform(seeds[:, None], "reset/sphere", index=np.arange(2)))
        episode = seeds % (1 << counter.DRAW_BITS)
        turn = episode + episode // 200  # 8 draws take turns, and would meet every other place else
        row, column = np.divmod(turn % (GRID[0] * GRID[1]), GRID[1])
        return in_region(np.stack([(row + 0.5) / GRID[0], (column + 0.5) / GRID[1]], axis=1))

    def _about(self, seeds: Integers, target_m: Floats) -> Floats:
        """Places (B, clutter, 2) of the look-alikes, in directions from the target that are far apart."""
        k = np.arange(self.clutter)
        turn = counter.uniform(seeds, "reset/clutter_turn")[:, None] + (k + 0.5) / max(self.clutter, 1)
        turn = turn + (counter.uniform(seeds[:, None], "reset/clutter_jitter", index=k) - 0.5) / 8
        near, far = NEIGHBOUR_M
        away = near + (far - near) * counter.uniform(seeds[:, None], "reset/clutter_away", index=k)
        angle = 2 * np.pi * turn
        return target_m[:, None] + away[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)

    def q_rad(self, scene: Tabletop, seeds: Integers) -> Floats:
        """Joint angles (B, J) with the tool pointing down above the table."""
        target = np.tile(np.eye(4), (len(seeds), 1, 1))
        target[:, :3, :3] = DOWNWARD
        share = counter.uniform(seeds[:, None], "reset/tool", index=np.arange(3))
        high = self.starts == "high"
        low_m, high_m = (START_LOW_M, START_HIGH_M) if high else (ANYWHERE_LOW_M, ANYWHERE_HIGH_M)
        target[:, :3, 3] = low_m + share * (high_m - low_m)
        home = np.tile(scene.robot.home_rad, (len(seeds), 1))
        return reach(scene.chain, target, home, scene.robot.limits).q

    def width_m(self, scene: Tabletop, seeds: Integers) -> Floats:
        """Widths (B,) between the fingers."""
        share = counter.uniform(seeds, "reset/width")
        return scene.hand.gripper.open_m * (np.ones_like(share) if self.starts == "high" else share)

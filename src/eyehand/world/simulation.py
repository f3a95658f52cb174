"""Worlds simulated here: a task in a domain, many episodes stepped together, rows independent of one another."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, final

import numpy as np

from eyehand.errors import InvalidValueError, PairingError
from eyehand.types import (
    Array,
    Camera,
    Capability,
    Decision,
    Expert,
    Flags,
    Floats,
    Floats32,
    Group,
    Images,
    Integers,
    Memory,
    Observation,
    S,
    Transition,
)
from eyehand.world import counter, kernel_cache
from eyehand.world.domain import Domain
from eyehand.world.rows import put, take
from eyehand.world.task import Imaging, Task, Verdict, split_shot

DEPLOYABLE: frozenset[Group] = frozenset({"camera", "proprio", "goal", "previous_action"})


@dataclass(frozen=True)
class Snapshot(Generic[S]):
    """Everything a simulated world needs to go on from here, every array with leading dimension B.

    Attributes:
        seeds: (B,) seed of the running episode.
        step: (B,) steps taken in it.
        state: the task's state.
        hidden: hidden state of the motion.
        sent: (B, D) last command after limits.
    """

    seeds: Integers
    step: Integers
    state: S
    hidden: Memory
    sent: Floats


@final
class SimulatedWorld(Generic[S]):
    """A `World` that lives in this process.

    Rows share nothing: given the same seeds and commands, a row gives the same bytes in any batch, on any number of
    threads and across a snapshot.
    """

    capabilities: frozenset[Capability] = frozenset({"privileged", "fork", "auto_reset", "success"})

    def __init__(
        self, task: Task[S], domain: Domain, reads: frozenset[Group] = DEPLOYABLE, *, auto_reset: bool = False
    ) -> None:
        """Put a task into a domain.

        Args:
            task: the task.
            domain: the domain.
            reads: observation groups to hand over, and no others; images are drawn only when "camera" is among them.
            auto_reset: start the next episode in rows that ended, inside `step`.
        """
        kernel_cache.refresh()
        self.task = task = task.within(domain)
        self.domain = domain
        self.commands = task.commands
        self.reads = reads
        self.auto_reset = auto_reset
        self._motion = task.motion(domain)
        self._imaging: Mapping[str, Imaging[S]] = task.imaging(domain) if "camera" in reads else {}
        self._goal = task.goal(domain) if "goal" in reads else None
        self._goals: tuple[Integers, Array] | None = None  # seeds, and the goals shown for them
        self._now: Snapshot[S] | None = None

    def reset(self, seeds: Integers, rows: Integers | None = None) -> Observation:
        """Start the episodes of the seeds in all rows, or in the given rows; returns all rows' observation."""
        fresh = self._fresh(np.asarray(seeds, dtype=np.int64))
        self._now = fresh if rows is None else put(self.now, rows, fresh)
        first = np.ones(len(self.now.seeds), bool)
        if rows is not None:
            first = np.isin(np.arange(len(first)), rows)
        return self._observe(first, None)

    def step(self, decision: Decision, looks: Mapping[str, Flags] | None = None) -> Transition:
        """Carry out one decision in every row.

        Args:
            decision: what every row does; a value that is not finite or not in the command's table is refused.
            looks: for every camera (B,) which rows need an image; the others get zeros.

        Raises:
            InvalidValueError: a command outside what the task accepts.
        """
        now = self.now
        command = self._command(decision)
        state, hidden = self._motion.advance(now.state, now.hidden, command, now.seeds, now.step)
        state = self.task.settle(state)
        verdict = self.task.judge(state)
        step = now.step + 1
        truncated = (step >= self.task.horizon) & ~verdict.terminated
        self._now = Snapshot(now.seeds, step, state, hidden, command)
        ended = verdict.terminated | truncated
        final_obs = None
        if self.auto_reset and ended.any():
            final_obs = self._observe(np.zeros_like(ended), dict.fromkeys(self._imaging, ended))
            which = np.flatnonzero(ended)
            self._now = put(self.now, which, self._fresh(counter.next_seeds(now.seeds[which])))
            obs = self._observe(ended, looks)
        else:
            obs = self._observe(np.zeros_like(ended), looks)
        return Transition(obs, verdict.reward, verdict.terminated, truncated, final_obs)

    def privileged(self) -> S:
        """The task's state."""
        return self.now.state

    def verdict(self) -> Verdict:
        """The task's verdict on the present state."""
        return self.task.judge(self.now.state)

    def expert(self) -> Expert[S]:
        """The task's expert."""
        return self.task.expert()

    def encoders(self) -> Floats:
        """Joint angles (B, J) as the encoders read them now."""
        return self.task.encoders(self.now.state, self.domain, self.now.seeds)

    def fork(self, rows: Integers, copies: int) -> SimulatedWorld[S]:
        """A new world that holds `copies` of each given row, in the same state."""
        other = copy.copy(self)  # shares the back ends, which hold nothing of the rows and can be dear to prepare
        other.restore(take(self.now, np.repeat(rows, copies)))
        return other

    @property
    def now(self) -> Snapshot[S]:
        """The present snapshot; arrays are never written to in place, so it stays valid."""
        if self._now is None:
            raise PairingError("The world was not reset: call reset(seeds) before anything else.")
        return self._now

    def restore(self, snapshot: Snapshot[S]) -> Observation:
        """Go back to a snapshot and observe it."""
        self._now = snapshot
        return self._observe(snapshot.step == 0, None)

    def observe(self, looks: Mapping[str, Flags] | None = None) -> Observation:
        """The present observation."""
        return self._observe(self.now.step == 0, looks)

    def _fresh(self, seeds: Integers) -> Snapshot[S]:
        state = self.task.sample(seeds)
        width = len(self.commands[0].low)
        zeros = np.zeros(len(seeds), np.int64)
        return Snapshot(seeds, zeros, state, self._motion.start(state, seeds), np.zeros((len(seeds), width)))

    def _command(self, decision: Decision) -> Floats:
        """What a decision moves, (B, D) within limits; raises InvalidValueError for what is no command."""
        spec, batch = self.commands[0], len(self.now.seeds)
        value, kind = np.asarray(decision.value), np.asarray(decision.kind)
        if kind.shape != (batch,) or kind.any():
            raise InvalidValueError("kind of command", kind.tolist()[:8], f"0 ({spec.name}) in each of {batch} rows")
        shape = (batch,) if spec.table is not None else (batch, len(spec.low))
        if value.shape != shape:
            raise InvalidValueError("decision", value.shape, f"one row for each of {batch} simulations: {shape}")
        if spec.table is not None:
            table = np.array(spec.table)
            if value.dtype.kind not in "iu" or ((value < 0) | (value >= len(table))).any():
                raise InvalidValueError("action", value.tolist()[:8], f"whole numbers from 0 to {len(table) - 1}")
            return table[value]
        if not np.isfinite(value).all():
            raise InvalidValueError("action", "a number that is not finite", f"{len(spec.low)} finite numbers")
        return np.clip(value, spec.low, spec.high)

    def _observe(self, first: Flags, looks: Mapping[str, Flags] | None) -> Observation:
        now = self.now
        time_s = now.step.astype(np.float64) * self.task.dt_s
        cameras: dict[str, Camera] = {}
        for name in self._imaging:
            rgb, depth_m = self._capture(name, None if looks is None else looks.get(name))
            cameras[name] = Camera(rgb, time_s, depth_m)
        return Observation(
            cameras=cameras,
            proprio=self.encoders() if "proprio" in self.reads else None,
            goal=self._shown_goals(now.seeds),
            sent=now.sent if "previous_action" in self.reads else None,
            is_first=first,
            time_s=time_s,
            privileged=now.state if "privileged" in self.reads else None,
        )

    def _shown_goals(self, seeds: Integers) -> Array | None:
        """What the policy is shown of every row's goal; drawn once an episode, because it depends on the seed alone."""
        if self._goal is None:
            return None
        if self._goals is None or len(self._goals[0]) != len(seeds):
            self._goals = (seeds, self._goal.show(seeds))
        new = np.flatnonzero(self._goals[0] != seeds)
        if len(new):
            self._goals = (seeds, put(self._goals[1], new, self._goal.show(seeds[new])))
        return self._goals[1]

    def _capture(self, camera: str, wanted: Flags | None) -> tuple[Images, Floats32 | None]:
        """A camera's frames, and its depth where it has any; zeros in rows that are not wanted."""
        now, imaging = self.now, self._imaging[camera]
        which = np.arange(len(now.seeds)) if wanted is None else np.flatnonzero(wanted)
        if len(which) == len(now.seeds):
            return split_shot(imaging.capture(now.state, now.seeds, now.step))
        height, width = self.task.camera_size[camera]
        images = np.zeros((len(now.seeds), height, width, 3), np.uint8)
        if not len(which):
            return images, None
        rgb, depth_m = split_shot(imaging.capture(take(now.state, which), now.seeds[which], now.step[which]))
        images[which] = rgb
        if depth_m is None:
            return images, None
        depths = np.zeros((len(now.seeds), height, width), np.float32)
        depths[which] = depth_m
        return images, depths

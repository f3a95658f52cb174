"""`eyehand evaluate`: a policy over paired episodes of a domain, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from eyehand.cli import output
from eyehand.errors import InvalidValueError, NotDefinedError, UnknownNameError
from eyehand.evaluation.protocol import Summary, count_test_reads, oracles, run_arm, summarise
from eyehand.evaluation.statistics import Rate
from eyehand.evaluation.trained import Trained, load_trained, warn_of_untrained, with_eyes
from eyehand.evaluation.watching import save_episode
from eyehand.types import Policy
from eyehand.world.domain import Domain
from eyehand.world.domain_files import load_domain


@dataclass(frozen=True)
class Options:
    """Options of `eyehand evaluate`."""

    run: tyro.conf.Positional[Path]
    """Run folder of the policy."""
    domain: str = "sim"
    """Domain to run in: a shipped name, NAME/val or NAME/test, or a TOML file."""
    trials: int = 100
    """Number of episodes."""
    arm: str = "policy"
    """policy, or oracle_perception or oracle_control for the policy with that part replaced by the truth."""
    eyes: str = ""
    """Eyes from elsewhere for a controller that takes masks: an ONNX file, or package.module:function."""
    step: int | None = None
    """Use the checkpoint of this step instead of the newest."""
    episode: int | None = None
    """Run this one episode (its number or its seed) instead of --trials episodes."""
    save: Path | None = None
    """With --episode: write its video and its frames into this folder."""
    json: bool = False
    """Print JSON."""


def run(arguments: Sequence[str]) -> int:
    """Run the episodes and print what came of them."""
    options = output.parse(Options, arguments, "evaluate")
    if options.trials < 1:
        raise InvalidValueError("--trials", options.trials, "at least 1")
    if options.episode is not None and not 0 <= options.episode < 2**63:
        raise InvalidValueError("--episode", options.episode, "the number or the seed of an episode, 0 or more")
    if options.save is not None and options.episode is None:
        raise InvalidValueError("--save", str(options.save), "only with --episode, which says what to save")
    if options.eyes and options.arm == "oracle_perception":
        raise InvalidValueError("--eyes", options.eyes, "no eyes beside --arm oracle_perception, which sees the truth")
    trained = with_eyes(load_trained(options.run, options.step), options.eyes)
    if (Path(options.domain) / "meta/info.json").exists():
        raise NotDefinedError(f"{options.domain} is a recorded folder: it has no success rate, use `eyehand perceive`.")
    domain = load_domain(options.domain, trained.subject.task)
    policy = _arm(trained, options.arm, domain)
    warn_of_untrained(trained, replaced=(options.arm.removeprefix("oracle_"),))
    count_test_reads(trained, domain, 1 if options.episode is not None else options.trials)
    if options.episode is not None:
        return _one(options, trained, policy, domain, options.episode)
    summary = summarise(trained, domain, run_arm(trained, policy, domain, np.arange(options.trials)))
    output.emit(options.json, summary, lambda: _text(summary, options))
    return 0


def _arm(trained: Trained, name: str, domain: Domain) -> Policy:
    arms = {"policy": trained.policy, **{f"oracle_{part}": arm for part, arm in oracles(trained, domain).items()}}
    if name not in arms:
        raise UnknownNameError("arm", name, arms, "--arm")
    return arms[name]


def _one(options: Options, trained: Trained, policy: Policy, domain: Domain, episode: int) -> int:
    seed = episode if episode >> 32 else int(domain.seeds(np.array([episode]))[0])
    outcome, files = save_episode(trained.task, policy, domain, seed, options.save)
    data = {**outcome, "episode_seed": seed, "domain": domain.name, "files": files}
    output.emit(options.json, data, lambda: "\n".join(f"{name}: {value}" for name, value in data.items()))
    return 0


def _text(summary: Summary, options: Options) -> str:
    rate = Rate(round(summary.success * summary.n), summary.n)
    arm = f"{options.arm}, eyes {summary.eyes}" if summary.eyes else options.arm
    lines = [f"{options.run} ({arm}) on {summary.domain}: success {rate.text()}"]
    if summary.median_distance_m is not None and summary.q3_distance_m is not None:
        median, q3 = 100 * summary.median_distance_m, 100 * summary.q3_distance_m
        lines.append(f"distance at the end: median {median:.1f} cm, third quartile {q3:.1f} cm")
    lines.append(f"reward {summary.mean_reward:.3f}, {summary.mean_steps:.0f} steps on average")
    if summary.interface_error:
        errors = ", ".join(f"{value:.3g} {unit}" for unit, value in summary.interface_error.items())
        lines.append(f"error of the perception on first frames: {errors}")
    return "\n".join(lines)

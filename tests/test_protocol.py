"""The protocol: which parts stand in for a policy's own in which domain."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch

from eyehand.evaluation.protocol import oracles
from eyehand.evaluation.trained import Subject, Trained
from eyehand.methods import load_method
from eyehand.tasks import load_task
from eyehand.world.domain_files import load_domain
from eyehand.world.simulation import SimulatedWorld


@pytest.fixture(scope="module")
def untrained() -> Trained:
    method, task = load_method("mask_grasp"), load_task("sphere_grasp", clutter=2)
    config = method.preset("tiny")
    model = method.networks(config, task, 0)
    subject = Subject("mask_grasp", "sphere_grasp", ("clutter=2",), "tiny")
    return Trained(cast("Any", None), subject, config, method, task, model)


@pytest.mark.parametrize("name", ["sim", "twin"])
def test_the_oracle_sees_the_truth_of_the_domain_that_it_is_in(untrained: Trained, name: str) -> None:
    """Other robots' shells, other things on the table and a bent lens: the truth differs from domain to domain."""
    domain = load_domain(name, "sphere_grasp")
    world = SimulatedWorld(untrained.task, domain, frozenset({"privileged", "proprio"}))
    obs = world.reset(domain.seeds(np.arange(3)))
    seen = oracles(untrained, domain)["perception"].perception.perceive(obs)
    truth = world.task.interface.truth(world.privileged())
    assert truth is not None
    assert truth.sum() > 0
    assert torch.equal(seen, truth)
    decision = oracles(untrained, domain)["control"].controller.decide(truth, obs, None)
    assert np.array_equal(decision.value, world.expert().label(world.privileged(), obs.sent, None).value)

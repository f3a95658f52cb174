"""The claims of every paper, by method name; a method's module is imported when its claims are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from eyehand.errors import UnknownNameError
from eyehand.evaluation.paper import ClaimSet

CLAIMS: Mapping[str, str] = {
    "modular_dqn": "eyehand.evaluation.claims.modular_dqn",
    "mask_grasp": "eyehand.evaluation.claims.mask_grasp",
}


def load(method: str) -> ClaimSet:
    """The claims and tables of a method's paper.

    Raises:
        UnknownNameError: no claims are registered for the method.
    """
    if method not in CLAIMS:
        raise UnknownNameError("method with claims", method, CLAIMS)
    found: ClaimSet = importlib.import_module(CLAIMS[method]).CLAIM_SET
    return found

"""Mini-batches: shares add up, draws are uniform, and the generator's state is all there is to resume."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eyehand.data.mixing import mixed_counts, uniform_indices
from eyehand.errors import InvalidValueError


@pytest.mark.parametrize(("share", "target"), [(0.0, 0), (0.25, 32), (0.5, 64), (0.75, 96), (1.0, 128)])
def test_shares_of_the_paper(share, target):
    assert mixed_counts(128, share) == (target, 128 - target)


@given(batch=st.integers(2, 512), share=st.floats(0, 1))
def test_counts_add_up_and_no_share_is_silently_nothing(batch, share):
    target, source = mixed_counts(batch, share)
    assert target + source == batch
    assert (target == 0) == (share == 0)
    assert (source == 0) == (share == 1)
    assert abs(target - batch * share) <= 1


def test_impossible_mixes_are_refused():
    with pytest.raises(InvalidValueError, match=r"share: got 1\.2, allowed is a number from 0 to 1"):
        mixed_counts(8, 1.2)
    with pytest.raises(InvalidValueError, match="at least 1 row"):
        mixed_counts(0, 0.5)
    with pytest.raises(InvalidValueError, match="at least 1"):
        uniform_indices(0, 4, torch.Generator())


def test_draws_resume_exactly_from_the_generator_state():
    generator = torch.Generator().manual_seed(3)
    uniform_indices(1418, 96, generator)
    state = generator.get_state()
    first = [uniform_indices(1418, 96, generator) for _ in range(3)]
    generator.set_state(state)
    second = [uniform_indices(1418, 96, generator) for _ in range(3)]
    assert np.array_equal(first, second)
    assert first[0].dtype == np.int64


def test_draws_cover_every_row_evenly():
    counts = np.bincount(uniform_indices(10, 20_000, torch.Generator().manual_seed(0)), minlength=10)
    assert len(counts) == 10
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000)

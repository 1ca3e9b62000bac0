"""A schedule begins at its setting, ends at its end, and goes one way in between."""

import numpy as np
import pytest

from kdcore.training.schedule import value_at


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize(("start", "end"), [(1.0, 0.0), (0.5, 4.0)])
def test_a_schedule_goes_from_start_to_end_without_turning(kind, start, end):
    values = np.array([value_at(kind, start, end, share) for share in np.linspace(0, 1, 21)])
    assert values[[0, -1]] == pytest.approx([start, end])
    assert values[10] == pytest.approx((start + end) / 2)
    assert (np.sign(np.diff(values)) == np.sign(end - start)).all()


def test_half_a_cosine_is_slow_at_both_ends():
    assert value_at("cosine", 1.0, 0.0, 0.25) == pytest.approx(0.5 + 0.5**1.5)

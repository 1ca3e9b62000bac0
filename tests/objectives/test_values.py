"""What a loss says of given numbers is what it says in training."""

import numpy as np
import pytest

from kdcore.catalog import METHODS
from kdcore.errors import ConfigError
from kdcore.objectives.params import RankingParams, ResponseParams
from kdcore.objectives.values import Batch, hard_value, value_of

STUDENT, TEACHER = np.array([[2.0, 1.5, -1.0]]), np.array([[4.0, 1.0, -2.0]])


def test_the_loss_of_soft_labels_is_the_golden_value():
    assert value_of("response", ResponseParams(), Batch(STUDENT, TEACHER)).loss == pytest.approx(
        0.7001, abs=5e-5
    )


def test_the_gradient_of_every_loss_is_the_slope_of_its_value():
    draw = np.random.default_rng(0)
    student, teacher = draw.normal(size=(2, 4, 3))
    for name in ("response", "ranking", "feature", "relation"):
        batch = {
            "vectors": name in ("feature", "relation"),
            "queries": np.zeros(4, dtype=np.int64),
            "grades": np.array([0, 1, 2, -1]),
            "relevant_from": 1,
        }
        params, step = METHODS[name].params(), np.zeros_like(student)
        step[1, 2] = 1e-5
        up, down = (
            value_of(name, params, Batch(student + way * step, teacher, **batch)).loss
            for way in (1, -1)
        )
        gradient = value_of(name, params, Batch(student, teacher, **batch)).gradient
        assert gradient[1, 2] == pytest.approx((up - down) / 2e-5, abs=1e-6), name


def test_a_hard_label_costs_minus_the_log_of_its_probability():
    value = hard_value(Batch(STUDENT, TEACHER, grades=np.array([1])))
    q = np.exp(STUDENT[0]) / np.exp(STUDENT[0]).sum()
    assert value.loss == pytest.approx(-np.log(q[1]))
    assert value.gradient[0] == pytest.approx(q - np.array([0, 1, 0]))


def test_drawn_orders_are_the_same_each_time():
    params = RankingParams(loss="plackett_luce", samples=3)
    numbers = np.stack([np.zeros(5), np.arange(5.0)], axis=1)
    batch = Batch(numbers[::-1].copy(), numbers, queries=np.zeros(5, np.int64), relevant_from=1)
    assert value_of("ranking", params, batch).loss == value_of("ranking", params, batch).loss


def test_a_loss_that_teaches_nothing_on_two_grades_says_so():
    batch = Batch(STUDENT[:, :2], TEACHER[:, :2])
    with pytest.raises(ConfigError, match="cannot learn") as error:
        value_of("response", ResponseParams(loss="standardized"), batch)
    assert "0.7071" in error.value.problems[0]

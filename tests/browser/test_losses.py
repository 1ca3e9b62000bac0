"""losses.js in a real browser says what torch says of kdcore's objectives: values and gradients."""

from typing import Any

import numpy as np
import pytest
import torch

from kdcore.catalog import METHODS
from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.hard import hard_cross_entropy, hard_mse
from kdcore.outputs import Outputs

CASES = 40  # of each loss
CLOSE = 1e-6
SCRIPT = """(cases) => cases.map(({term, view, teacher, student, grade, T, squared}) => {
  const x = Float64Array.from(student);
  const out = new Float64Array(x.length);
  const scene = { view, teacher: Float64Array.from(teacher), grade };
  const loss = m.lossOf(term, scene, T, squared);
  const reason = m.reasonAgainst(term, scene);
  return { reason, alone: loss(x), value: loss(x, out), slope: [...out] };
})"""
LOSSES = [
    *(("response", name) for name in ("kl", "ce", "mse_logits", "mse_probabilities")),
    *(("response", name) for name in ("standardized", "decoupled", "dist")),
    *(("hard", name) for name in ("ce", "mse")),
    *(("feature", name) for name in ("l2", "l1", "hint", "cross_entropy", "cosine")),
    ("label_aware", ""),
    ("relation", ""),
    *(("ranking", name) for name in ("margin_mse", "list_kl", "ranknet", "adr_mse")),
    *(("ranking", name) for name in ("plackett_luce", "pearson")),
]
VIEWS = {"response": "logits", "label_aware": "logits", "hard": "logits", "ranking": "ads"}


def term_of(method: str, loss: str, draw: np.random.Generator, at: int) -> dict[str, Any]:
    """A term of this loss whose other knobs are drawn; every third has the defaults."""
    knobs: dict[str, Any] = {"loss": loss} if loss else {}
    if at % 3:
        temperature, other = np.exp(draw.uniform(np.log(0.25), np.log(20), 2))
        knobs |= {
            "response": {
                "temperature": temperature,
                "teacher_temperature": other if at % 4 == 0 else 0.0,
                "target_weight": draw.uniform(0, 2),
                "between_weight": draw.uniform(0, 2),
            },
            "ranking": {
                "temperature": temperature,
                "teacher_temperature": other if at % 4 == 0 else 0.0,
                "soft_targets": at % 2 == 0,
                "alpha": draw.uniform(0.1, 5),
                "top": int(draw.integers(0, 4)),
            },
            "relation": {
                "distance_weight": draw.uniform(0, 2),
                "unit_teacher": at % 2 == 0,
                "angle_cap": 3,
            },
            "label_aware": {
                "temperature": temperature,
                "agreement": draw.uniform(0, 4),
                "label_share": draw.uniform(0, 1),
            },
            "hard": {"smoothing": draw.uniform(0, 0.5) if loss == "ce" else 0.0},
        }.get(method, {})
    if method != "hard":
        params = METHODS[method].params(**knobs)
        knobs = {name: getattr(params, name) for name in params.__dataclass_fields__}
    return {"method": method, "params": knobs}


def cases_of(method: str, loss: str) -> list[dict[str, Any]]:
    """Ordinary numbers, large ones, equal ones, students that agree with their teacher."""
    draw = np.random.default_rng(17)
    cases = []
    for at in range(CASES):
        view = VIEWS.get(method, "vectors")
        least = {"logits": 3 if loss in ("standardized", "decoupled", "dist") else 2, "ads": 2}
        n = 2 * int(draw.integers(3, 6)) if view == "vectors" else draw.integers(least[view], 8)
        scale = (1.0, 5.0, 30.0)[at % 3]
        teacher, student = draw.normal(0, scale, (2, n))
        if at % 7 == 0:
            student = teacher.copy()
        if at % 11 == 0:
            student[:2] = student[2:4] = student[0]
        if at % 13 == 0:
            teacher[:2] = teacher[2:4] = teacher[0]
        if at % 17 == 0:
            student[:] = 0
        cases.append(
            {
                "term": term_of(method, loss, draw, at),
                "view": view,
                "teacher": teacher.tolist(),
                "student": student.tolist(),
                "grade": int(draw.integers(0 if method == "hard" else -1, min(n, 3))),
                "T": 1.0,
                "squared": True,
            }
        )
    return cases


def torch_says(case: dict[str, Any]) -> tuple[float, list[float]]:
    """The value of kdcore's objective and its gradient by autograd."""
    x = torch.tensor(case["student"], dtype=torch.float64, requires_grad=True)
    t = torch.tensor(case["teacher"], dtype=torch.float64)
    method, params = case["term"]["method"], case["term"]["params"]
    grades = torch.tensor([case["grade"]])
    if method == "hard":
        smoothing = params.get("smoothing", 0.0)
        is_mse = params["loss"] == "mse"
        value = (
            hard_mse(x[None], grades) if is_mse else hard_cross_entropy(x[None], grades, smoothing)
        )
    else:
        value = objective_of(case)(*outputs_of(method, x, t, grades))
    value.backward()
    return value.item(), ([0.0] * len(x) if x.grad is None else x.grad.tolist())


def objective_of(case: dict[str, Any]) -> Any:
    """kdcore's objective of a case's term."""
    method = case["term"]["method"]
    knobs = METHODS[method].params(**case["term"]["params"])
    classes = len(case["teacher"]) if VIEWS.get(method) == "logits" else 2
    shape = Shape(classes=classes, features=2, relevant_from=1)
    return make_objective(method, knobs, shape, shape)


def outputs_of(
    method: str, x: torch.Tensor, t: torch.Tensor, grades: torch.Tensor
) -> tuple[Outputs, Outputs]:
    """One pair's logits, the ads of one query, or vectors of two numbers as a batch."""
    none = torch.zeros(1, 2, dtype=torch.float64)
    if VIEWS.get(method) == "logits":
        return Outputs(x[None], none), Outputs(t[None], none, grades=grades)
    if method == "ranking":
        odds = [torch.stack([torch.zeros_like(z), z], dim=1) for z in (x, t)]
        query = torch.zeros(len(x), dtype=torch.int64)
        return Outputs(odds[0], none), Outputs(odds[1], none, queries=query)
    return Outputs(none, x.reshape(-1, 2)), Outputs(none, t.reshape(-1, 2))


@pytest.fixture(scope="module")
def losses(open_module: Any) -> Any:
    return open_module("app/parts/losses.js")


@pytest.mark.parametrize(("method", "loss"), LOSSES)
def test_a_loss_and_its_gradient_agree_with_torch(losses, method, loss):
    cases = cases_of(method, loss)
    answers = losses.evaluate(SCRIPT, cases)
    for at, (case, answer) in enumerate(zip(cases, answers, strict=True)):
        value, slope = torch_says(case)
        close = {"rtol": CLOSE, "atol": CLOSE, "err_msg": f"case {at}: {case}"}
        assert answer["reason"] == ""
        np.testing.assert_allclose([answer["value"], answer["alone"]], [value, value], **close)
        np.testing.assert_allclose(answer["slope"], slope, **close)


DESCENT = """async ({ term, view, teacher, start, rate }) => {
  const path = "/app/views/losses/parts/plane/descent.js";
  const { descend, newDescent } = await import(path);
  const loss = m.lossOf(term, { view, teacher: Float64Array.from(teacher), grade: -1 }, 2);
  const run = descend(newDescent(loss, start, rate), 1000);
  return { state: run.state, end: [...run.path.at(-1)] };
}"""


@pytest.mark.parametrize(
    ("method", "loss", "view"),
    [("response", "kl", "logits"), ("ranking", "margin_mse", "ads"), ("feature", "l2", "vectors")],
)
def test_descent_ends_at_rest_where_the_student_agrees_with_its_teacher(losses, method, loss, view):
    term = term_of(method, loss, np.random.default_rng(0), 0)
    case = {"term": term, "view": view, "teacher": [2.0, -1.0, 0.5, -1.5], "rate": 0.5}
    answer = losses.evaluate(DESCENT, case | {"start": [0.3, 1.2, -0.4, 0.1]})
    gaps = np.array(answer["end"]) - case["teacher"]
    assert answer["state"] == "rest"
    assert np.ptp(gaps) == pytest.approx(0, abs=1e-2)  # equal up to a constant, which says nothing


def test_descent_with_steps_that_are_too_large_runs_away_and_says_so(losses):
    term = term_of("ranking", "margin_mse", np.random.default_rng(0), 0)
    case = {"term": term, "view": "ads", "teacher": [2.0, -1.0, 0.5], "rate": 10.0}
    assert losses.evaluate(DESCENT, case | {"start": [0.3, 1.2, -0.4]})["state"] == "lost"

"""An assistant adds what its student misses, to the vector or the answer, and in every folder."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kdcore.config import DistillConfig, MethodConfig, ModelConfig
from kdcore.models.beside.assistant import WithAssistant
from kdcore.models.build import load_model, new_model, new_student
from kdcore.models.predict import answer_texts, predict_table
from kdcore.objectives.base import make_objective, shape_of
from kdcore.objectives.params import ResidualParams
from kdcore.outputs import Outputs

from .conftest import CPU, STUDENTS

ROWS = np.arange(16)


def distillation(model, on, **knobs):
    method = MethodConfig(name="residual", params={"on": on, "hidden": 8} | knobs)
    return DistillConfig(teacher="t", student=model, method=method, seed=1)


def helped(kind, pairs, on, stir=True):
    """A student of STUDENTS with an assistant whose correction is not 0 any more."""
    name, params = STUDENTS[kind]
    model = new_student(distillation(ModelConfig(name=name, params=params), on), pairs)
    assert isinstance(model, WithAssistant)
    generator = torch.Generator().manual_seed(5)
    for weight in model.assistant.parameters() if stir else ():
        weight.data += 0.3 * torch.randn(weight.shape, generator=generator)
    return model.eval()


def answer(model, pairs):
    with torch.no_grad():
        return model(model.batch(model.read(pairs), ROWS))


@pytest.mark.parametrize("on", ["features", "logits"])
def test_an_untrained_assistant_lets_the_student_answer_alone(kind, pairs4, on):
    name, params = STUDENTS[kind]
    alone = answer(new_model(ModelConfig(name=name, params=params), pairs4, seed=1).eval(), pairs4)
    both = answer(helped(kind, pairs4, on, stir=False), pairs4)
    assert torch.equal(both.logits, alone.logits)
    assert torch.equal(both.features, alone.features)


def test_the_correction_is_added_to_the_vector_or_to_the_answer(kind, pairs4):
    """g(f_S + f_A), with the student's own head g; or z_S + z_A."""
    model = helped(kind, pairs4, "features")
    own, correction = (answer(part, pairs4) for part in (model.student, model.assistant))
    both, features = answer(model, pairs4), own.features + correction.logits
    torch.testing.assert_close(both.features, features)
    with torch.no_grad():
        torch.testing.assert_close(both.logits, model.student.classify(features))
    assert (both.logits - own.logits).abs().max() > 1e-3
    model = helped(kind, pairs4, "logits")
    own, correction = (answer(part, pairs4) for part in (model.student, model.assistant))
    both = answer(model, pairs4)
    torch.testing.assert_close(both.logits, own.logits + correction.logits)
    assert torch.equal(both.features, own.features)


@pytest.mark.parametrize("on", ["features", "logits"])
def test_a_folder_gives_student_and_assistant_back(kind, pairs4, on, tmp_path):
    model = helped(kind, pairs4, on)
    model.save(tmp_path)
    again = load_model(tmp_path)
    assert isinstance(again, WithAssistant)
    assert again.size == model.size == model.student.size + model.assistant.size
    one, other = (predict_table(m, pairs4, CPU, name="x") for m in (model, again))
    np.testing.assert_array_equal(one.logits, other.logits)
    np.testing.assert_array_equal(one.features, other.features)
    assert np.isfinite(answer_texts(again, [("red lamp", "a red lamp", "")]).logits).all()


@pytest.mark.parametrize("on", ["features", "logits"])
def test_the_loss_is_the_error_of_the_residual(on):
    """‖f_A - (f_T - f_S)‖², mean over width and pairs; of logits half of that, without means."""
    generator = torch.Generator().manual_seed(3)
    s, a, t = torch.randn(3, 6, 4, generator=generator).double()
    student, teacher = (Outputs(logits=x, features=x) for x in (s + a, t))
    objective = make_objective(
        "residual", ResidualParams(on=on), shape_of(student), shape_of(teacher)
    )
    missing = t - s
    if on == "logits":
        a, missing = (x - x.mean(dim=1, keepdim=True) for x in (a, missing))
    error = (a - missing).square().mean()
    expected = error if on == "features" else error / 2
    torch.testing.assert_close(objective(student, teacher), expected)
    agreeing = replace(student, logits=t, features=t)
    assert objective(agreeing, teacher) == pytest.approx(0)


@pytest.mark.parametrize("kind", ["bert", "twin weighted", "cdssm"])
@pytest.mark.parametrize("on", ["features", "logits"])
def test_one_part_learns_while_the_other_rests(kind, pairs4, on):
    """Silent failure: the assistant's error reaches the student and moves what it corrects."""
    model = helped(kind, pairs4, on).train()
    for phase, silent in (("student", model.assistant), ("assistant", model.student)):
        model.enter(phase)
        model.zero_grad(set_to_none=True)
        batch = model.batch(model.read(pairs4), ROWS)
        model(batch).logits.square().sum().backward()
        assert all(weight.grad is None for weight in silent.parameters())
        moved = [w.grad for w in model.parameters() if w.grad is not None]
        assert sum(float(grad.abs().sum()) for grad in moved) > 0
        assert silent.training == (phase == "student")
    first, again = (model.student(batch).logits for _ in range(2))
    assert torch.equal(first, again)  # no dropout: what is corrected does not change


def test_the_assistants_gradient_is_that_of_finite_differences(pairs4):
    model = helped("twin weighted", pairs4, "features").double()
    model.enter("assistant")
    model.products = torch.float64
    bias, batch = model.assistant.crossing.bias, model.batch(model.read(pairs4), ROWS)
    teacher = Outputs(torch.zeros(16, 4).double(), torch.ones(16, model.student.width).double())
    objective = make_objective("residual", ResidualParams(), *[shape_of(teacher)] * 2)
    objective(model(batch), teacher).backward()
    for place in (0, 3):
        losses = []
        for step in (1e-3, -2e-3):
            bias.data[place] += step
            losses.append(objective(model(batch), teacher).item())
        bias.data[place] += 1e-3
        assert float(bias.grad[place]) == pytest.approx((losses[0] - losses[1]) / 2e-3, rel=1e-4)


def test_a_student_may_start_from_the_student_beside_an_assistant(pairs4):
    source = helped("bert", pairs4, "features")
    student = new_model(source.config, pairs4, start_from=source)
    mine, theirs = (m.encoder.encoder.layer[1] for m in (student, source.student))
    assert torch.equal(mine.output.dense.weight, theirs.output.dense.weight)
    assert student.notes == ("the assistant of the run that it starts from was left out",)

"""A student learns, then its assistant learns what it misses; both are the run's model."""

import random
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kdcore import lab
from kdcore.config import DistillConfig, MethodConfig, TermConfig
from kdcore.errors import ConfigError
from kdcore.models.beside.assistant import WithAssistant
from kdcore.models.build import load_model
from kdcore.models.predict import predict_table
from kdcore.objectives.params import ResidualParams
from kdcore.recipes.phases import Phases
from kdcore.runs.sizes import size_of
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import Undisturbed, assert_same_result, created, distillation

Killer = Callable[[Run, str, str, int], int]
WIDER = "bert:layers=1,hidden=24,heads=2,vocabulary=200,ad_tokens=16"  # than its teacher


def residual(teacher: Run, kind: str = "twin", on: str = "features", **more: Any) -> DistillConfig:
    method = MethodConfig(name="residual", params={"on": on, "hidden": 8})
    return distillation(teacher, kind, method=method, **more)


def test_the_student_rests_while_its_assistant_learns(
    home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 steps, the last 12 of the assistant; the projection to the teacher's width rests, too."""
    seen: list[dict[str, dict[str, Tensor]]] = []
    genuine = Phases.enter

    def watch(phases: Phases, step: int) -> None:
        genuine(phases, step)
        assert phases.model is not None
        parts: dict[str, nn.Module] = {"objective": phases.objectives[0]}
        parts |= {"student": phases.model.student, "assistant": phases.model.assistant}
        seen.append(
            {
                n: {k: w.detach().clone() for k, w in m.state_dict().items()}
                for n, m in parts.items()
            }
        )

    monkeypatch.setattr(Phases, "enter", watch)
    run = lab.start(residual(teacher, WIDER, epochs=4, log_every=1, replay_points=2), home)

    def same(part: str, one: int, other: int) -> bool:
        a, b = seen[one][part], seen[other][part]
        assert a.keys() == b.keys()
        return all(torch.equal(a[name], b[name]) for name in a)

    assert len(seen) == 24
    for part in ("student", "objective"):
        assert seen[0][part]
        assert not same(part, 0, 12)
        assert same(part, 12, 23)
    assert same("assistant", 0, 12)
    assert not same("assistant", 12, 23)
    assert not seen[12]["assistant"]["net.classifier.weight"].any()
    soft = [line["soft"] for line in run.metrics() if "soft" in line]
    assert np.mean(soft[-3:]) < np.mean(soft[9:12])  # what was missed is less


@pytest.mark.parametrize("on", ["features", "logits"])
def test_the_runs_model_is_both_and_answers_as_its_predictions(
    home: Workspace, teacher: Run, on: str
) -> None:
    run = lab.start(residual(teacher, on=on, select_by="roc_auc"), home)
    model = load_model(run.model_folder)
    assert isinstance(model, WithAssistant)
    size = size_of(run.model_folder / "model.safetensors")
    assert size is not None
    assert size.parameters == model.size > model.student.size
    pairs = lab.split_of(run, "test")
    again = predict_table(model, pairs, torch.device("cpu"), name=run.id, precision="fp32")
    saved = lab.predictions(run, "test")
    np.testing.assert_allclose(again.logits, saved.logits, atol=1e-5)
    assert saved.features is not None
    np.testing.assert_allclose(again.features, saved.features, atol=1e-5)


@pytest.mark.parametrize("on", ["features", "logits"])
def test_a_run_killed_in_either_phase_resumes_to_the_same_result(
    on: str, home: Workspace, teacher: Run, killer: Killer, undisturbed: Undisturbed
) -> None:
    config = residual(teacher, on=on, checkpoint_seconds=0)
    whole, killed = undisturbed(config), created(config, home)
    at = random.randint(2, 8) if on == "logits" else random.randint(10, 17)
    assert killer(killed, "kdcore.training.session:Session.step", "after", at) == signal.SIGKILL
    sys.stderr.write(f"killed after step {at}\n")  # shown when this test fails
    assert_same_result(whole, lab.resume(killed, home))


def test_a_model_from_before_the_assistant_learned_is_noted(teacher: Run) -> None:
    phases = Phases(residual(teacher), untouched := WithAssistant.__new__(WithAssistant), (), 10)
    assert phases.model is untouched
    assert phases.first == 5
    assert "before the assistant began to learn" in phases.notes(5)[0]
    assert phases.notes(6) == phases.notes(0) == ()


def test_a_student_has_one_assistant(teacher: Run) -> None:
    with pytest.raises(ConfigError, match="residual stands once"):
        residual(teacher, terms=(TermConfig(name="residual"),))
    with pytest.raises(ConfigError, match="nothing that the student misses; choose a run"):
        replace(residual(teacher), teacher="ema")
    config = distillation(teacher, terms=(TermConfig(name="residual"),))
    assert config.residual == ResidualParams()
    assert config.assistant is not None
    assert distillation(teacher).assistant is None

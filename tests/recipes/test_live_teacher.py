"""A method that reads more than can be kept asks its teacher at every step."""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor, nn

from kdcore import lab
from kdcore.__main__ import main
from kdcore.catalog import METHODS, Method, misfit
from kdcore.config import MethodConfig, TermConfig, from_dict, to_dict
from kdcore.errors import ConfigError
from kdcore.experiments.command_line import command_of
from kdcore.knobs import knob
from kdcore.objectives.base import Shape
from kdcore.outputs import Outputs
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import created, distillation, finetuning


@dataclass(frozen=True, kw_only=True)
class ToyParams:
    scale: float = knob(1.0, "what the loss is multiplied by", low=0, high=10)


class Hidden(nn.Module):
    """Squared gap of the last hidden states, through a projection between the widths."""

    def __init__(self, params: Any, student: Shape, teacher: Shape) -> None:
        super().__init__()
        self.scale, self.widths = params.scale, (student.hidden, teacher.hidden)
        self.project = nn.Linear(student.hidden, teacher.hidden)

    def forward(self, student: Outputs, teacher: Outputs) -> Tensor:
        assert not teacher.hidden_states[-1].requires_grad
        gap = self.project(student.hidden_states[-1]) - teacher.hidden_states[-1]
        assert student.mask is not None
        return self.scale * gap[student.mask].square().mean()


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """One file in objectives/ and one entry of the catalog."""
    needs = frozenset({"hidden_states"})
    method = Method("Toy", "Hidden states meet.", "none", ToyParams, needs)
    monkeypatch.setitem(METHODS, "toy", method)
    module = ModuleType("kdcore.objectives.toy")
    module.objective = Hidden  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kdcore.objectives.toy", module)


def test_a_live_teacher_brings_the_students_hidden_states_to_its_own(
    home: Workspace, teacher: Run
) -> None:
    config = distillation(
        teacher, "bert", method=MethodConfig(name="toy"), hard_weight=0, epochs=12
    )
    soft = [m["soft"] for m in lab.start(config, home).metrics() if "soft" in m]
    assert soft[-1] < 0.9 * soft[0]


def test_the_projection_is_dropped_after_training(home: Workspace, teacher: Run) -> None:
    config = distillation(teacher, "bert", method=MethodConfig(name="toy"), epochs=1)
    run = lab.start(config, home)
    kept = load_file(run.model_folder / "model.safetensors")
    assert kept
    assert not any("project" in name for name in kept)


def test_a_method_is_known_wherever_methods_are_named(
    home: Workspace, teacher: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing beside those files names it."""
    term = TermConfig.parse("toy:scale=2,weight=0.5")
    config = distillation(teacher, "bert", terms=(term,))
    assert from_dict(to_dict(config)) == config
    assert "--term toy:scale=2.0,weight=0.5" in command_of(config)
    assert created(config, home).method == "response + toy"
    reason = "Toy needs token states of each layer, which C-DSSM does not give"
    assert misfit("toy", "cdssm").startswith(reason)
    assert main(["methods", "toy"]) == 0
    said = capsys.readouterr().out
    assert "Reads hidden_states; the teacher is live" in said
    assert "what the loss is multiplied by" in said


def test_a_teacher_without_hidden_states_is_refused_in_words(home: Workspace) -> None:
    teacher = lab.start(finetuning("cdssm"), home)
    config = distillation(teacher, "bert", method=MethodConfig(name="toy"), epochs=1)
    with pytest.raises(ConfigError, match="Toy reads hidden_states, which C-DSSM lacks"):
        lab.start(config, home)

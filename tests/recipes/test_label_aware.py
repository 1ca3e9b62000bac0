"""Label-aware fine-tuning from a distilled student, as the last stage of the recipe."""

from dataclasses import replace

import pytest
import torch

from kdcore import lab
from kdcore.config import MethodConfig, ModelConfig, to_dict
from kdcore.errors import ConfigError
from kdcore.judging.caveats import caveats
from kdcore.runs.store import Run
from kdcore.runs.twins import are_twins, twin_of
from kdcore.training.checks import refuse_torn
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import KINDS, created, distillation, tensors

AWARE = MethodConfig(name="label_aware", params={"agreement": 2, "label_share": 0.5})


def started(kind: str, run: Run) -> ModelConfig:
    return replace(ModelConfig.parse(KINDS[kind]), start_from=run.id)


@pytest.mark.parametrize(
    "kind", ["cdssm", *(pytest.param(k, marks=pytest.mark.slow) for k in KINDS if k != "cdssm")]
)
def test_the_fine_tuning_and_its_twin_start_from_all_of_the_distilled_student(
    kind: str, home: Workspace, teacher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = lab.start(distillation(teacher, kind, epochs=1, transfer="log"), home)
    config = distillation(teacher, kind, epochs=1, hard_weight=0, method=AWARE)
    config = replace(config, student=started(kind, student))
    twin = twin_of(config)
    assert are_twins(to_dict(config), to_dict(twin))
    starts: list[dict[str, torch.Tensor]] = []

    def capture(self: Session, *args: object) -> None:
        self.pairs.rows_in_use.widen()
        starts.append({n: t.clone() for n, t in self.model.network().state_dict().items()})
        raise SystemExit

    for each in (config, twin):
        with monkeypatch.context() as patch:
            patch.setattr(Session, "step", capture)
            with pytest.raises(SystemExit):
                lab.execute(created(each, home), home)
    kept = tensors(student)
    for start in starts:
        assert start.keys() == kept.keys()
        assert all(torch.equal(start[name], kept[name]) for name in kept)
    if kind == "cdssm":
        run = lab.start(config, home)
        soft = [line["soft"] for line in run.metrics() if "soft" in line]
        assert any(
            f"start from the same model, {student.id}:" in text for text in caveats(run, None)
        )
        assert 0 < soft[-1] < 10


def test_label_aware_needs_labels_and_the_whole_batch(teacher: Run) -> None:
    with pytest.raises(ConfigError, match="transfer: Label-aware weighs soft labels by hard ones"):
        distillation(teacher, method=AWARE, transfer="log")
    config = distillation(teacher, method=AWARE)
    with pytest.raises(ConfigError, match="compares the pairs of a batch, which 2 devices would"):
        refuse_torn(config, 2)
    refuse_torn(
        distillation(teacher, method=MethodConfig(name="label_aware", params={"agreement": 0})), 2
    )

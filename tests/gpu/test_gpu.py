"""What only a CUDA device can show: `pytest -m gpu -s`; the numbers are printed, not asserted."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.config import FinetuneConfig, ModelConfig, TrainingConfig, to_dict
from kdcore.models.packed import attend, product_type
from kdcore.runs.store import Run
from kdcore.softlabels import soften
from kdcore.training.session import Session
from kdcore.tutorial import TutorialPlan, tutorial
from kdcore.workspace import Workspace

pytestmark = pytest.mark.gpu

DEVICE = torch.device("cuda")
WORLD = "world:seed=1,log=0,train=2000,validation=400,test=400"
KINDS = {
    "bert": "bert:layers=2,hidden=64,heads=2,vocabulary=1000",
    "twin": "twinbert_cos:layers=2,hidden=64,heads=2,vocabulary=1000,dropout=0.1",
    "cdssm": "cdssm:buckets=1000,filters=32,semantic=16",
}


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is here")


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def config(kind: str, device: str = DEVICE.type, **knobs: Any) -> FinetuneConfig:
    usual = {"epochs": 2, "batch_size": 128, "learning_rate": 1e-3}
    return FinetuneConfig(
        data=WORLD,
        model=ModelConfig.parse(KINDS[kind]),
        training=TrainingConfig(**(usual | knobs)),
        device=device,
    )


def weights(run: Run) -> bytes:
    return (run.model_folder / "model.safetensors").read_bytes()


def test_auto_takes_the_gpu_and_bf16_where_it_has_them() -> None:
    from kdcore.training.devices import pick_device

    assert pick_device("auto").type == "cuda"
    if torch.cuda.is_bf16_supported(including_emulation=False):
        assert product_type("auto", DEVICE) == torch.bfloat16
    assert product_type("fp32", DEVICE) == torch.float32


def test_padded_attention_on_the_gpu_equals_grouped_attention_on_the_cpu() -> None:
    groups = ((3, 4), (7, 5), (19, 2), (1, 11))
    tokens = sum(length * count for length, count in groups)
    here = torch.randn(tokens, 3 * 64, generator=torch.manual_seed(0), requires_grad=True)
    there = here.detach().to(DEVICE).requires_grad_()
    out = [attend(qkv, groups, 4) for qkv in (here, there)]
    torch.testing.assert_close(out[1].cpu(), out[0], atol=1e-4, rtol=1e-4)
    for result in out:
        result.square().sum().backward()
    assert there.grad is not None
    torch.testing.assert_close(there.grad.cpu(), here.grad, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_says_the_same_on_the_gpu_as_on_the_cpu(kind: str, home: Workspace) -> None:
    run = lab.start(config(kind), home)
    kept = soften(lab.predictions(run).logits)
    for precision, within in (("fp32", 0.02), ("bf16", 0.05)):
        for device in ("cpu", DEVICE.type):
            again = lab.infer(
                run, workspace=home, device=device, precision=precision, splits=("test",)
            )
            apart = np.abs(soften(lab.predictions(again).logits) - kept).max()
            assert apart < within, (precision, device, apart)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_student_twice(kind: str, home: Workspace) -> None:
    first, again = (lab.start(config(kind), home) for _ in range(2))
    assert weights(first) == weights(again)


def test_a_run_that_was_cut_off_resumes_to_the_same_student(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout on the GPU draws from the GPU's own random state."""
    undisturbed = lab.start(config("twin", checkpoint_seconds=0), home)
    cut = lab.store(home).create(to_dict(config("twin", checkpoint_seconds=0)))
    genuine = Session.step

    def step(self: Session, *args: Any) -> None:
        if self.progress.step == 20:
            raise SystemExit
        genuine(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "step", step)
        with pytest.raises(SystemExit):
            lab.execute(cut, home)
    assert weights(lab.resume(cut, home)) == weights(undisturbed)


def test_the_tutorial_learns_on_the_gpu(
    home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.cuda.reset_peak_memory_stats()
    began = time.monotonic()
    result = tutorial(TutorialPlan(device=DEVICE.type), out=home.root)
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}: {took:.1f} s in all")  # noqa: T201
        for row in result.rows():
            speeds = [x.get("pairs_per_second", 0.0) for x in result.runs[row["task"]].metrics()]
            print(  # noqa: T201
                f"{row['task']}: {row['seconds']:.1f} s, {max(speeds):,.0f} pairs/s at best, "
                f"ROC-AUC {row['roc_auc']:.4f}, PR-AUC {row['pr_auc']:.4f}"
            )
        print(f"peak memory {torch.cuda.max_memory_allocated() / 2**20:,.0f} MiB")  # noqa: T201
        print(result.sentence())  # noqa: T201
    assert result.evaluations["teacher_ft"].metrics["roc_auc"].value > 0.6

"""The whole AdsBERT pipeline on a CUDA device: `pytest -m gpu -s`; its figures are printed."""

import time
from pathlib import Path

import pytest
import torch

from kdcore.experiments import pipeline
from kdcore.workspace import Workspace

pytestmark = pytest.mark.gpu


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_adsbert_in_its_small_size_ends_on_the_gpu_with_every_student_better_than_its_twin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Workspace(tmp_path)
    one = pipeline.create(pipeline.plan("adsbert", small=True, device="cuda", workspace=home), home)
    began = time.monotonic()
    pipeline.drive(one, here=True)
    took = time.monotonic() - began
    table = pipeline.results(one)
    with capsys.disabled():
        print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}: {took:.0f} s in all")  # noqa: T201
        for row in table.rows:
            print(f"{row.title}: ROC-AUC {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]")  # noqa: T201
        for gain in table.gains:
            print(f"{gain.student}: {gain.text}")  # noqa: T201
    value = {row.stage: row.value for row in table.rows}
    assert {gain.student for gain in table.gains} == {"cdssm", "twinbert"}
    assert value["cdssm"] > value["cdssm_labels"]
    assert value["twinbert"] > value["twinbert_labels"]
    assert all(run.config.device == "cuda" for run in one.runs().values())

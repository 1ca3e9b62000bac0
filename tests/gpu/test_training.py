"""Training on a GPU: products in bf16, memory told, a full memory answered, every GPU at once.

`pytest -m gpu`; where a test needs two GPUs it says so and is skipped with one.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from kdcore import lab
from kdcore.config import FinetuneConfig, ModelConfig, TrainingConfig
from kdcore.errors import RunError
from kdcore.models.build import load_model
from kdcore.models.packed import product_type
from kdcore.training.devices import pick_device, ranks
from kdcore.training.session import Session
from kdcore.workspace import Workspace

pytestmark = pytest.mark.gpu

WORLD = "world:seed=1,log=0,train=2000,validation=400,test=400"
SMALL = "twinbert_cos:layers=2,hidden=64,heads=2,vocabulary=1000,dropout=0"
GIB = 2**30


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is here")


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def narrow() -> Iterator[float]:
    """A process that may take 2 GiB of the GPU and no more."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 2 * GIB / total))
    yield 2 * GIB
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def config(model: str = SMALL, device: str = "cuda", **knobs: Any) -> FinetuneConfig:
    usual = {"epochs": 2, "batch_size": 128, "learning_rate": 1e-3}
    return FinetuneConfig(
        data=WORLD,
        model=ModelConfig.parse(model),
        training=TrainingConfig(**(usual | knobs)),
        device=device,
    )


@pytest.mark.parametrize("precision", ["auto", "bf16"])
def test_a_run_multiplies_in_bf16_and_keeps_its_weights_whole(
    precision: str, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        pytest.skip("this GPU has no bf16")
    seen: set[torch.dtype] = set()
    genuine = Session.step

    def step(self: Session, *args: Any) -> None:
        seen.add(self.model.products)
        seen.update(p.dtype for p in self.model.parameters())
        genuine(self, *args)

    monkeypatch.setattr(Session, "step", step)
    run = lab.start(config(precision=precision), home)
    assert product_type(precision, torch.device("cuda")) == torch.bfloat16
    assert seen == {torch.bfloat16, torch.float32}
    told = [line["loss"] for line in run.metrics() if "loss" in line]
    assert told[-1] < told[0]
    assert lab.evaluate(run, workspace=home, resamples=50).metrics["roc_auc"].value > 0.55


def test_every_line_tells_what_the_gpu_held_at_most(home: Workspace) -> None:
    """Each run its own: the large one comes first, and the small one does not remember it."""
    large, small = (lab.start(config(batch_size=size), home) for size in (1024, 16))
    most = [max(x["memory_mb"] for x in r.metrics() if "loss" in x) for r in (small, large)]
    assert 0 < most[0] < most[1]
    assert most[1] <= torch.cuda.get_device_properties(0).total_memory / 2**20
    resident = psutil.Process().memory_info().rss / 2**20
    assert most[0] < resident  # it is the GPU's memory, not that of the process


def test_a_really_full_memory_names_a_batch_size_that_really_fits(
    home: Workspace, narrow: float
) -> None:
    wide = "bert:layers=6,hidden=512,heads=8,vocabulary=2000"
    with pytest.raises(RunError, match="the GPU ran out of memory at batch size 2000") as caught:
        lab.start(config(wide, batch_size=2000, epochs=1, precision="fp32"), home)
    assert "fits: change it and start again" in str(caught.value)
    fits = int(str(caught.value).split("batch size ")[-1].split(" fits")[0])
    assert 1 <= fits < 2000
    run = lab.start(config(wide, batch_size=fits, epochs=1, precision="fp32"), home)
    assert run.status().state == "finished"


def test_all_gpus_of_a_machine_with_one_is_that_one(home: Workspace) -> None:
    if torch.cuda.device_count() != 1:
        pytest.skip("here are more GPUs than one")
    assert ranks("cuda:all") == 1
    assert pick_device("cuda:all") == torch.device("cuda:0")
    one, every = (lab.start(config(device=device), home) for device in ("cuda", "cuda:all"))
    weights = [(r.model_folder / "model.safetensors").read_bytes() for r in (one, every)]
    assert weights[0] == weights[1]


def test_all_gpus_learn_what_one_would(home: Workspace) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("here is one GPU only")
    runs = [lab.start(config(device=d, precision="fp32"), home) for d in ("cuda", "cuda:all")]
    told = [[x["loss"] for x in run.metrics() if "loss" in x] for run in runs]
    assert told[0] == pytest.approx(told[1], abs=1e-3)
    assert psutil.Process().children(recursive=True) == []


def test_one_of_several_gpus_can_be_picked(home: Workspace) -> None:
    last = f"cuda:{torch.cuda.device_count() - 1}"
    run = lab.start(config(device=last, epochs=1), home)
    assert run.status().state == "finished"
    assert load_model(run.model_folder).size > 0


def test_a_warmed_process_still_hears_which_gpu_it_may_see() -> None:
    """What it does before its order must not wake CUDA, which reads the variable once."""
    program = (
        "import os\nfrom kdcore import lab\nlab.get_ready()\n"
        "os.environ['CUDA_VISIBLE_DEVICES'] = ''\n"
        "import torch\nassert not torch.cuda.is_available(), 'it was awake'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)

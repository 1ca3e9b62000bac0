"""A process that waits for its run: what it may do before it knows its device."""

import torch

from kdcore import lab
from kdcore.recipes import warm_up
from kdcore.runs.machine import Gpu


def test_a_process_that_waits_where_a_gpu_is_asks_cuda_nothing(monkeypatch):
    """A backward or an optimizer's step would, and CUDA_VISIBLE_DEVICES came too late then."""
    monkeypatch.setattr(warm_up, "gpus", lambda: [Gpu("cuda:0", "A", "GPU-1", 1, 1)])

    def touched(*args, **how):
        raise AssertionError("CUDA was asked")

    for owner, name in (
        (torch.optim.Optimizer, "__init__"),
        (torch.Tensor, "backward"),
        (torch.cuda, "is_available"),
        (torch.cuda, "device_count"),
    ):
        monkeypatch.setattr(owner, name, touched)
    lab.get_ready()


def test_a_process_that_waits_where_no_gpu_is_has_taken_its_first_steps(monkeypatch):
    steps = []
    monkeypatch.setattr(warm_up, "gpus", list)
    monkeypatch.setattr(warm_up, "_one_step", lambda config, few: steps.append(config.name))
    lab.get_ready()
    assert steps == ["twinbert_cos", "bert"]

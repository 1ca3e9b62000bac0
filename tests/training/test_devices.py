"""Devices: auto takes what is there; what is not there is said in words."""

import os
import sys

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.config import FinetuneConfig
from kdcore.errors import ConfigError
from kdcore.training.devices import keep_freed_memory, pick_device
from kdcore.workspace import Workspace


def test_auto_takes_a_device_that_works():
    assert torch.ones(2, device=pick_device("auto")).sum().item() == 2


def test_the_cpu_is_always_there():
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "toaster", "", "cpu:x"])
def test_a_device_that_is_not_there_is_refused_with_a_way_out(name):
    with pytest.raises(ConfigError, match="auto takes what is"):
        pick_device(name)


@pytest.mark.parametrize("name", ["cpu:5000", "cpu:" + "9" * 30, "toaster", "", "cuda:x", "cpu:-2"])
def test_a_device_that_no_machine_has_is_refused_in_the_settings(name):
    with pytest.raises(ConfigError, match="device: "):
        FinetuneConfig(device=name)


@pytest.mark.parametrize("name", ["auto", "cpu", "cpu:2", "cuda", "cuda:1", "cuda:all", "mps"])
def test_every_device_that_is_documented_can_be_set(name):
    assert FinetuneConfig(device=name).device == name


def test_more_processes_than_cores_are_refused_before_a_run_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    config = FinetuneConfig(device="cpu:50")  # made on another machine it can still be read
    for refuse in (
        lambda: pick_device("cpu:50"),
        lambda: lab.create(config, Workspace(tmp_path)),
    ):
        with pytest.raises(ConfigError, match="this machine has 4 cores"):
            refuse()
    assert lab.store(Workspace(tmp_path)).list() == []
    assert pick_device("cpu:4").type == "cpu"


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told to keep memory")
def test_memory_that_a_step_frees_is_there_for_the_next():
    import resource

    def fetched_pages():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    keep_freed_memory()
    np.ones(1 << 20)
    before = fetched_pages()
    for _ in range(20):
        np.ones(1 << 20)  # 2,048 pages
    assert fetched_pages() - before < 2048

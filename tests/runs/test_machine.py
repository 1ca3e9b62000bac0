import os
import sys
from pathlib import Path

import pytest

from kdcore.runs import machine
from kdcore.runs.queue.dispatch import environment

TOLD = """\
0, GPU-aaaa, NVIDIA First, 1000, 2000
1, GPU-bbbb, NVIDIA Second, 3000, [N/A]
"""


@pytest.fixture(autouse=True)
def _tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose nvidia-smi tells of two GPUs."""
    (tmp_path / "told").write_text(TOLD)
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncat {tmp_path / 'told'}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "_seen", machine._Look())


def test_gpus_are_told_with_their_memory_and_without_torch() -> None:
    first, second = machine.gpus()
    assert (first.name, first.title, first.free_mb, first.total_mb) == (
        "cuda:0",
        "NVIDIA First",
        1000,
        2000,
    )
    assert (second.name, second.free_mb, second.total_mb) == ("cuda:1", 3000, 0)


def test_only_visible_gpus_count_and_as_torch_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-bb,0")
    assert [(g.name, g.title) for g in machine.gpus()] == [
        ("cuda:0", "NVIDIA Second"),
        ("cuda:1", "NVIDIA First"),
    ]
    monkeypatch.setattr(machine, "_seen", machine._Look())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert machine.gpus() == []


def test_a_tool_that_fails_once_does_not_make_a_gpu_disappear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(machine.gpus()) == 2
    (tmp_path / "told").unlink()
    machine._seen.at = -1e9
    assert len(machine.gpus()) == 2


def test_a_run_on_any_gpu_sees_only_the_one_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = environment("auto", ("cuda:1",))
    assert seen == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "1"}
    assert "CUDA_VISIBLE_DEVICES" not in environment("cuda:1", ("cuda:1",))


def test_runs_that_share_the_cpu_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    assert machine.cpu_slots() == 4
    assert environment("auto", ("cpu",)) == {"OMP_NUM_THREADS": "4"}
    monkeypatch.setenv("KDLAB_CPU_SLOTS", "1")
    assert machine.cpu_slots() == 1
    assert environment("auto", ("cpu",)) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_the_machine_is_its_cpu_and_its_gpus() -> None:
    assert [d.name for d in machine.machine_devices() if d.name != "mps"] == [
        "cpu",
        "cuda:0",
        "cuda:1",
    ]

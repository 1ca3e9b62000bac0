"""A run of masked words from its first moment to its last: seed, device, stop, end."""

from collections.abc import Callable
from typing import Any

import torch

from kdcore.errors import RunError
from kdcore.language.plan import Plan
from kdcore.language.runs import MaskedRun, MaskedStore
from kdcore.runs.writer import RunWriter
from kdcore.training.devices import pick_device, use_threads
from kdcore.workspace import Workspace

Watch = Callable[[str, Any], None]  # called with a title and the run that begins
Work = Callable[[RunWriter, torch.device], str]  # returns why it stopped, "" at its end


def carry_out(run: MaskedRun, work: Work) -> None:
    """Do a run's work with its seed, on its device and threads.

    KeyboardInterrupt after Ctrl-C, RunError after another request to stop: what was done is saved.
    """
    plan, interrupted = run.plan, False
    device = pick_device(plan.device)
    devices = [device] if device.type == "cuda" else []
    with (
        RunWriter(run.folder) as writer,
        use_threads(plan.threads),
        torch.random.fork_rng(devices),
    ):
        torch.manual_seed(plan.seed)
        try:
            stop = work(writer, device)
        except KeyboardInterrupt:
            stop, interrupted = "stopped by Ctrl-C", True
        if stop:
            stop = f"{stop}; continue with `kdlab masked resume {run.id}`"
            writer.finish("stopped", stop)
        else:
            writer.finish("finished")
    if interrupted:
        raise KeyboardInterrupt(stop)
    if stop:
        raise RunError(f"{run.id} is stopped: {stop}")


def finished(
    name: str,
    plan: Plan,
    workspace: Workspace,
    watch: Watch,
    do: Callable[[MaskedRun, Workspace], object],
) -> MaskedRun:
    """The finished run of this name; `do` carries it out now where it is not finished."""
    store = MaskedStore(workspace)
    run = store.find(name) or store.create(plan, name)
    if run.status().state != "finished":
        watch(name, run)
        do(run, workspace)
    return run

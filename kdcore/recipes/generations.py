"""Born again: the generations of a student before the one that a run trains, each a run.

Furlanello et al. 2018 (arXiv:1805.04770): a student of the same kind learns from the one before.
Generation 1 is the student's twin, trained on labels alone, and is reused where it exists. Ours:
all generations have the run's seed, data and schedule, so that they differ in their teacher only.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from kdcore.config import DistillConfig, StageConfig, to_dict
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import ConfigError, LabError
from kdcore.runs.loss_terms import read_made, write_made
from kdcore.runs.purpose import Purpose
from kdcore.runs.queue import queue
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import Twins, twin_of
from kdcore.runs.writer import RunWriter
from kdcore.training.interrupt import StoppedError
from kdcore.training.ranks.group import is_started
from kdcore.workspace import Workspace

LOOK_EVERY = 0.2  # seconds between two looks at a generation that another process trains


def last_generation(
    config: DistillConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    workspace: Workspace,
    carry_out: Callable[[Run], None],
) -> Run:
    """Train what is left of the earlier generations; return the last, which teaches the run.

    carry_out: trains one of them, from its last checkpoint where it has one. StoppedError when one
    was stopped.
    """
    generations = _generations(config, pairs, run, workspace)
    for number, generation in enumerate(generations, start=1):
        if generation.status().state != "finished" and is_started():
            raise ConfigError(
                "These generations cannot be trained here:",
                [
                    "teacher: torchrun's processes cannot follow from one generation to the next; "
                    "start this run with kdlab, whose device cuda:all starts its own"
                ],
            )
        try:
            _finish(generation, writer, workspace, carry_out)
        except LabError as error:
            if generation.status().state != "stopped":
                raise
            message = f"generation {number}, {generation.id}, was stopped"
            raise StoppedError(message, run.folder) from error
    return generations[-1].require_model()


def _generations(
    config: DistillConfig, pairs: PairTable, run: Run, workspace: Workspace
) -> list[Run]:
    """The runs of the earlier generations; those that are not there yet are created."""
    runs = RunStore(workspace.runs)
    generations = [runs.get(name) for name in read_made(run.folder)]
    while len(generations) < config.teaching.params.generations - 1:
        if generations:
            settings = replace(config, teacher=generations[-1].id)
            generations.append(_create(settings, len(generations) + 1, run, runs))
        else:
            generations.append(_first(config, pairs, run, workspace))
        write_made(run.folder, [each.id for each in generations])
    return generations


def _first(config: DistillConfig, pairs: PairTable, run: Run, workspace: Workspace) -> Run:
    """The student's twin: one that is there or on its way, else a new one."""
    labelled = len(pairs.split("train").labelled()) if "train" in pairs.splits else 0
    twin = twin_of(config, len(transfer_set(pairs, config.transfer)), labelled)
    return Twins(workspace).find(twin) or _create(twin, 1, run, RunStore(workspace.runs))


def _create(config: StageConfig, number: int, run: Run, runs: RunStore) -> Run:
    role = "teacher" if isinstance(config, DistillConfig) else "twin"
    purpose = Purpose(group=run.purpose.group, role=role)
    title = f"{run.shown_title}: generation {number}"
    return runs.create(to_dict(config), title=title, purpose=purpose)


def _finish(
    generation: Run, writer: RunWriter, workspace: Workspace, carry_out: Callable[[Run], None]
) -> None:
    """Bring a generation to its end, here or where it is already being trained."""
    while (state := generation.status().state) != "finished":
        if state == "running":  # by another process: a twin that was queued beside the run
            status = generation.status()
            writer.progress(status.step, status.total_steps, "generation")
            if writer.stop_kind == "pause":
                raise StoppedError("stopped while it waited for a generation", writer.folder)
            time.sleep(LOOK_EVERY)
        else:
            queue.leave(generation, workspace)  # a twin that waits for a device: it is here
            carry_out(generation)

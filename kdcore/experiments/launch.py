"""Launch a student and its twin: create them as runs of one group and put them in the queue.

launched = launch(config_of("sixty_seconds", {"teacher": run_id}), workspace)
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace

from kdcore.config import DistillConfig, to_dict
from kdcore.data.answers.teaching import refuse_unread
from kdcore.data.names import pairs_of
from kdcore.errors import LabError
from kdcore.experiments.estimate.data_stats import stats_of
from kdcore.experiments.estimate.estimate import estimate
from kdcore.experiments.presets import PRESETS, changed_from
from kdcore.experiments.titles import labels_only_title, title_of
from kdcore.runs.purpose import Purpose
from kdcore.runs.resolve import resolved
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import Twins, twin_of
from kdcore.workspace import Workspace


@dataclass(frozen=True)
class Launched:
    """A student's run and that of its twin; reused: the twin was trained or queued before.

    why: the reason for no twin where one was requested.
    """

    student: Run
    twin: Run | None
    reused: bool = False
    why: str = ""


def launch(
    config: DistillConfig,
    workspace: Workspace,
    *,
    twin: bool = True,
    purpose: Purpose | None = None,
    title: str = "",
    start: bool = True,
    twins: Twins | None = None,
) -> Launched:
    """Create the runs of a student and its twin and put them in the queue, the student first.

    purpose: what is known of it (preset, parent, changed, sweep, group); the rest is filled in.
    An equal twin that is finished or on its way is reused. start: False leaves the queue alone.
    twins: shared by several calls. LabError, and no run, when something is wrong.
    """
    title, twins = title or title_of(config), twins or Twins(workspace)
    twin_title = labels_only_title(config.student, config.seed)
    purpose = purpose or Purpose()
    purpose = replace(purpose, group=purpose.group or new_group())
    config = resolved(config, workspace)
    stats = stats_of(config, workspace)
    _read_files(config, workspace)
    twin_config = (
        twin_of(config, stats.transfer, stats.labelled) if twin and not stats.no_twin else None
    )
    twin_run = twins.find(twin_config) if twin_config else None
    reused = twin_run is not None
    estimates = [asdict(estimate(config, stats, workspace))]
    if twin_config and not reused:
        estimates.append(asdict(estimate(twin_config, stats, workspace)))
    if not purpose.changed and purpose.preset in PRESETS:
        changes = changed_from(purpose.preset, config)
        changes.pop("teacher", None)
        purpose = replace(purpose, changed=changes)
    new: list[Run] = []
    runs = RunStore(workspace.runs)
    with whole_or_nothing(new, twins):
        if twin_config and not twin_run:
            of_twin = replace(purpose, role="twin", parent="", changed={}, estimate=estimates[1])
            twin_run = runs.create(to_dict(twin_config), title=twin_title, purpose=of_twin)
            twins.add(twin_config, twin_run)
            new.append(twin_run)
        role, twin_id = purpose.role or "student", twin_run.id if twin_run else ""
        of_student = replace(purpose, role=role, twin=twin_id, estimate=estimates[0])
        student = runs.create(to_dict(config), title=title, purpose=of_student)
        new.insert(0, student)
        if start:
            enqueue(new, workspace)
    return Launched(student, twin_run, reused, stats.no_twin if twin else "")


def _read_files(config: DistillConfig, workspace: Workspace) -> None:
    """Raise what is wrong with the files that teach, before a run waits for them."""
    if config.teaching.files:
        refuse_unread(config, pairs_of(config, workspace), workspace)


@contextmanager
def whole_or_nothing(new: Sequence[Run], twins: Twins) -> Iterator[None]:
    """Move the created runs to the trash when a later step fails, as nothing would start them.

    new: grows while runs are created.
    """
    try:
        yield
    except BaseException:
        for run in new:
            twins.forget(run)
            with suppress(LabError, OSError):
                RunStore(twins.workspace.runs).trash(run.id)
        raise


def enqueue(runs: Sequence[Run], workspace: Workspace) -> None:
    """Put runs in the queue, in this order, and start the dispatcher where none is running."""
    from kdcore.runs.queue import queue

    queue.enqueue(runs, workspace)


def new_group() -> str:
    """An id for runs that belong together."""
    return f"{time.strftime('%Y%m%d-%H%M')}-{secrets.token_hex(4)}"

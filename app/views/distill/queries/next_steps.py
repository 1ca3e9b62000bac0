"""What comes after a verdict: a twin that is still at work or missing, and three experiments."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

from app.kit.by_hash import by_hash
from app.services import access
from app.services.access import refuse_public
from app.views.distill.queries.runs import room
from app.views.distill.queries.verdict import Case
from kdcore import lab
from kdcore.config import DistillConfig
from kdcore.errors import DataError, LabError, RunError
from kdcore.experiments.estimate.data_stats import stats_of
from kdcore.experiments.launch import enqueue, title_of
from kdcore.experiments.next_steps import Experiment, next_experiments
from kdcore.judging.seeds import TOO_FEW, SeedRow
from kdcore.judging.verdict import Judgement
from kdcore.runs import listing
from kdcore.runs.about import About
from kdcore.runs.store import Run
from kdcore.runs.twins import twin_of

MEASURING = threading.Lock()  # two at once would time each other
PATIENCE = 300.0  # seconds for a measurement that takes ten on an idle machine
_WAITING = {
    "queued": "waits in the queue",
    "running": "is still training",
    "stopped": "was stopped before its end",
    "failed": "failed",
    "lost": "was lost before its end",
    "broken": "cannot be read",
}


def experiments(case: Case, found: Judgement, seeds: SeedRow | None = None) -> list[Experiment]:
    """Three runs with one thing changed each; none that the lab has run, or runs, already.

    Where seeds were varied, their verdict is what the experiments follow from.
    """
    if seeds is not None and seeds.verdict != TOO_FEW:
        found = replace(
            found,
            verdict=seeds.verdict,
            delta=seeds.delta.mean,
            low=seeds.low,
            high=seeds.high,
        )
    rows = listing.rows(case.run.folder.parent)
    if case.run.folder.parent != access.home().runs:
        rows += listing.rows(access.home().runs)
    teacher = case.config.teacher
    known = [
        config
        for row in rows
        if str(row.settings.get("teacher", "")).endswith(teacher.rpartition("/")[2])
        and (config := _distillation(row.run)) is not None
    ]
    return next_experiments(case.config, found, known, _trained_on(case.run))


@by_hash(most=4096, on=lambda run: (run.folder, run.title, run.created, run.problem))
def _distillation(run: Run) -> DistillConfig | None:
    try:
        config = run.config
    except LabError:
        return None
    return config if isinstance(config, DistillConfig) else None


def _trained_on(run: Run) -> int:
    """Pairs of train that a run saw, 0 when it did not say."""
    train = run.splits.get("train")
    return train.pairs if train else 0


def preliminary(case: Case) -> str:
    """What can be said while the twin has no answers yet; "" when there is no twin, or it has."""
    if case.twin is None or case.board.twin is not None:
        return ""
    mine, theirs = (listing.row_of(run.folder) for run in (case.run, case.twin))
    status = case.twin.status()
    at = f" (step {status.step:,} of {status.total_steps:,})" if status.total_steps else ""
    if status.state == "finished":
        return "NO VERDICT: the twin was tested on other pairs than the student."
    said = f"PRELIMINARY: the twin {_WAITING[status.state]}{at}"
    if mine.best is not None and theirs.best is not None:
        said += (
            f"; on validation, which has no interval and chose the step kept, the student reached "
            f"ROC-AUC {mine.best.roc_auc:.3f} and the twin {theirs.best.roc_auc:.3f} so far"
        )
    ends = status.state in ("queued", "running")
    return f"{said}. " + (
        "The verdict follows once the twin has scored the test pairs."
        if ends
        else "Resume it, or train another, for a verdict."
    )


def measure_speed(case: Case) -> None:
    """Time a run's model and its teacher on this machine, in a process of its own; some seconds."""
    refuse_public()
    if not MEASURING.acquire(blocking=False):
        raise RunError("A speed is being measured; two at once would spoil both. Try again soon.")
    try:
        _measure(case)
    finally:
        MEASURING.release()


def _measure(case: Case) -> None:
    command = [sys.executable, "-m", "kdcore", "latency", str(case.run.folder.resolve()), "--json"]
    try:
        ended = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=os.environ | {"KDLAB_HOME": str(access.home().root)},
        )
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise RunError(f"The speed could not be measured: {cause}") from cause
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["no word"]
        raise RunError(f"The speed could not be measured: {said[-1]}")


def train_twin(case: Case) -> Run:
    """Put the same student without a teacher into the queue."""
    refuse_public()
    home = access.home()
    with room(home):
        stats = stats_of(case.config, home)
        if stats.no_twin:
            raise DataError(f"No twin: {stats.no_twin}.")
        twin = twin_of(case.config, stats.transfer, stats.labelled)
        about = About(group=case.run.about.group, role="twin")
        run = lab.create(twin, home, title_of(twin), about)
        enqueue([run], home)
    return run

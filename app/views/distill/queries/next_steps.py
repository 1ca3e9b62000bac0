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
from kdcore.config.teacher import without_folders
from kdcore.errors import DataError, LabError, RunError
from kdcore.experiments.estimate.data_stats import stats_of
from kdcore.experiments.launch import enqueue
from kdcore.experiments.next_steps import Experiment, next_experiments
from kdcore.experiments.titles import title_of
from kdcore.judging.seeds import TOO_FEW, SeedRow
from kdcore.judging.verdict import Judgement
from kdcore.runs import listing
from kdcore.runs.purpose import Purpose
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


def experiments(case: Case, judgement: Judgement, seeds: SeedRow | None = None) -> list[Experiment]:
    """Three runs with one thing changed each; none that the lab has run, or runs, already.

    Where seeds were varied, their verdict is what the experiments follow from.
    """
    if seeds is not None and seeds.verdict != TOO_FEW:
        judgement = replace(
            judgement,
            verdict=seeds.verdict,
            delta=seeds.delta.mean,
            low=seeds.low,
            high=seeds.high,
        )
    folders = dict.fromkeys((case.run.folder.parent, access.home().runs))
    name = without_folders(case.config.teacher)
    earlier = [
        config
        for folder in folders
        for row in listing.rows(folder)
        if row.settings.get("teacher") == name and (config := _distillation(row.run)) is not None
    ]
    train, scored = case.run.splits.get("train"), case.run.scored_pairs()
    share = scored[0] / scored[1] if scored and scored[1] else 1.0
    return next_experiments(case.config, judgement, earlier, train.pairs if train else 0, share)


@by_hash(most=4096, on=lambda run: (run.folder, run.title, run.created, run.problem))
def _distillation(run: Run) -> DistillConfig | None:
    try:
        config = run.config
    except LabError:
        return None
    return config if isinstance(config, DistillConfig) else None


def preliminary(case: Case) -> str:
    """What can be said while the twin has no answers yet; "" when there is no twin, or it has."""
    if case.twin is None or case.board.twin is not None:
        return ""
    student, twin = (listing.row_of(run.folder).best for run in (case.run, case.twin))
    status = case.twin.status()
    step = f" (step {status.step:,} of {status.total_steps:,})" if status.total_steps else ""
    if status.state == "running" and status.stage == "evaluate":
        step = " its last part: its test pairs are being scored"
    if status.state == "finished":
        return "NO VERDICT: the twin was tested on other pairs than the student."
    sentence = f"PRELIMINARY: the twin {_WAITING[status.state]}{step}"
    if student is not None and twin is not None:
        sentence += (
            f"; on validation, which has no interval and chose the step kept, the student reached "
            f"ROC-AUC {student.roc_auc:.3f} at step {student.step:,} and the twin "
            f"{twin.roc_auc:.3f} at step {twin.step:,}"
        )
    if status.state in ("queued", "running"):
        return f"{sentence}. The verdict follows once the twin has scored the test pairs."
    return f"{sentence}. Resume it, or train another, for a verdict."


def measure_speed(case: Case) -> None:
    """Time a run's model and its teacher on this machine, in a process of its own; some seconds."""
    refuse_public()
    if not MEASURING.acquire(blocking=False):
        raise RunError("A speed is being measured; two at once would spoil both. Try again soon.")
    folder = str(case.run.folder.resolve())
    try:
        process = subprocess.run(
            [sys.executable, "-m", "kdcore", "latency", folder, "--json"],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=os.environ | {"KDLAB_HOME": str(access.home().root)},
        )
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise RunError(f"The speed could not be measured: {cause}") from cause
    finally:
        MEASURING.release()
    if process.returncode:
        lines = process.stderr.strip().splitlines() or ["no word"]
        raise RunError(f"The speed could not be measured: {lines[-1]}")


def train_twin(case: Case) -> Run:
    """Put the same student without a teacher into the queue."""
    with room() as home:
        stats = stats_of(case.config, home)
        if stats.no_twin:
            raise DataError(f"No twin: {stats.no_twin}.")
        twin = twin_of(case.config, stats.transfer, stats.labelled)
        group = case.run.purpose.group
        run = lab.create(twin, home, title_of(twin), Purpose(group=group, role="twin"))
        enqueue([run], home)
        return run

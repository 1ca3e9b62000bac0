"""What a finished run needs so that it can be judged: latency, teacher's answers, its metrics.

Nothing here may harm a run: what goes wrong is written into its log, and the run is finished.
"""

import logging
from contextlib import suppress

from kdcore.config import DistillConfig, FinetuneConfig, InferConfig
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.judging.latency import latency_of
from kdcore.judging.measured import measure_finished
from kdcore.predictions import Predictions
from kdcore.recipes.infer import infer, measured
from kdcore.runs.beside import teacher_path
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace

_logger = logging.getLogger("kdcore")


def keep_beside(
    config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run, workspace: Workspace
) -> None:
    """Measure the run's model beside its teacher, and its answers to the test pairs."""
    for keep in (keep_latency, keep_teacher, keep_measured):
        try:
            keep(config, pairs, run, workspace)
        except Exception:  # whatever it is: the model and its answers are there
            _logger.warning("%s came to nothing", keep.__name__, exc_info=True)


def keep_latency(
    config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run, workspace: Workspace
) -> None:
    """Write latency.json: the run's model and the teacher it had, on pairs of the test split."""
    latency_of(run, config, pairs).keep(run, workspace)


def keep_teacher(
    config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run, workspace: Workspace
) -> None:
    """Keep the teacher's answers to the run's test split, unless the teacher's run holds them."""
    if not isinstance(config, DistillConfig) or "test" not in pairs.splits:
        return
    source = RunStore(workspace.runs).get(config.teacher).require_model()
    test = pairs.split("test")
    with suppress(DataError):
        if Predictions.load(source.predictions_path("test")).data_hash == test.content_hash:
            return
    how = InferConfig(run=config.teacher, device=config.device)
    answers, _ = infer(measured(how), test, source, workspace)
    regraded(answers, model_scheme(source.model_folder), pairs).save(teacher_path(run))


def keep_measured(
    config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run, workspace: Workspace
) -> None:
    """Keep the test metrics, the difference to the twin and the one to the starred baseline."""
    if "test" in pairs.splits:
        measure_finished(run, pairs.split("test"), workspace)

"""What is measured at the end of a training, so that its run can be judged.

Nothing here may harm the run: what goes wrong is written into its log, and the run is finished.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

from kdcore.config import DistillConfig, FinetuneConfig, TeachConfig
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.judging.latency import latency_of
from kdcore.judging.results import measure_finished
from kdcore.models.predict import stored_precision
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.teachers.cached import cached_predictions, teachers_of
from kdcore.teachers.ensemble import averaged
from kdcore.workspace import Workspace

_logger = logging.getLogger("kdcore")


def measure_run(
    config: FinetuneConfig | DistillConfig | TeachConfig,
    pairs: PairTable,
    run: Run,
    workspace: Workspace,
) -> None:
    """Measure the latency of the model and its teacher, and the metrics of the test pairs.

    The metrics come with the differences to the twin and to the starred baseline.
    """
    steps: dict[str, Callable[[], object]] = {}
    steps["latency"] = lambda: latency_of(run, config, pairs).write(run, workspace)
    if "test" in pairs.splits:
        if isinstance(config, DistillConfig):
            steps["teacher"] = lambda: _store_teacher(config, pairs, run, workspace)
        steps["metrics"] = lambda: measure_finished(run, pairs.split("test"), workspace)
    for name, measure in steps.items():
        try:
            measure()
        except Exception:  # whatever it is: the model and its predictions are there
            _logger.warning("could not measure %s", name, exc_info=True)


def _store_teacher(config: DistillConfig, pairs: PairTable, run: Run, workspace: Workspace) -> None:
    """Store the teacher's predictions on the test pairs, unless the teacher's run holds them.

    Of several teachers it is their average.
    """
    teachers, test = teachers_of(run), pairs.split("test")
    if not teachers:
        return
    if len(teachers) == 1:
        with suppress(DataError):
            own = Predictions.load(teachers[0].predictions_path("test"))
            if own.data_hash == test.content_hash:
                return
    members = []
    for teacher in teachers:
        predictions, _ = cached_predictions(
            teacher, test, workspace, device=config.device, precision=stored_precision("auto")
        )
        members.append(regraded(predictions, model_scheme(teacher.model_folder), pairs))
    averaged(members, config.teaching.average, pairs.scheme).save(run.teacher_path())

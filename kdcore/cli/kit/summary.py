"""What a run is and came to, in a few plain values; for tables and JSON."""

import math
from typing import Any

from kdcore import lab
from kdcore.errors import LabError
from kdcore.experiments.command_line import model_of
from kdcore.runs.metric_lines import is_validation
from kdcore.runs.store import Run

# shown for a pretraining instead of the metrics of grades
PRETRAINED = (
    "validation_masked",
    "validation_masked_accuracy",
    "validation_words",
    "validation_next_ad",
    "validation_next_ad_accuracy",
)


def summary(run: Run) -> dict[str, Any]:
    """id, stage, model, data, method, teacher, state, validation at the saved step, and more."""
    status = run.status()
    validated = [line for line in run.metric_lines if is_validation(line)]
    best = run.saved_line or (validated[-1] if validated else {})
    return {
        "run": run.id,
        "title": run.title,
        "stage": run.stage,
        "model": model_of(run.model),
        "data": run.data,
        "limit": run.limit,
        "teacher": run.teacher or None,
        "source": run.scored_run or None,
        "method": run.method or None,
        "state": status.state,
        "message": status.message,
        "created": run.created,
        "seconds": run.seconds,
        "validation_roc_auc": best.get("validation_roc_auc"),
        "validation_nll": best.get("validation_nll"),
        "test_roc_auc": _test_roc_auc(run),
        **({} if run.gives_grades else {name: best.get(name) for name in PRETRAINED}),
    }


def _test_roc_auc(run: Run) -> float | None:
    """ROC-AUC of the stored evaluation, or None."""
    try:
        evaluation = lab.stored_evaluation(run)
        value = evaluation.metrics["roc_auc"].value if evaluation else math.nan
    except (LabError, OSError, KeyError):
        return None
    return value if math.isfinite(value) else None

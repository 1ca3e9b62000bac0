"""What a run is and came to, in a few plain values; for tables and JSON."""

import math
from collections.abc import Mapping
from typing import Any

from kdcore.errors import LabError
from kdcore.experiments.command_line import model_of
from kdcore.runs.store import Run


def summary(run: Run) -> dict[str, Any]:
    """id, stage, model, data, method, teacher, state, validation at the kept step, and more."""
    config, status = run.config, run.status()
    lines = run.metrics()
    kept = next((int(x["kept_step"]) for x in reversed(lines) if "kept_step" in x), None)
    validated = [x for x in lines if "validation_nll" in x]
    best = [x for x in validated if x["step"] == kept] or validated[-1:]
    return {
        "run": run.id,
        "title": run.title,
        "stage": config.get("stage", ""),
        "model": model_of(config),
        "data": config.get("data", ""),
        "limit": config.get("limit", 0),
        "teacher": config.get("teacher"),
        "source": config.get("run"),
        "method": _name_of(config.get("method")),
        "state": status.state,
        "message": status.message,
        "created": run.created,
        "seconds": next((x["seconds"] for x in reversed(lines) if "seconds" in x), None),
        "validation_roc_auc": best[0]["validation_roc_auc"] if best else None,
        "validation_nll": best[0]["validation_nll"] if best else None,
        "test_roc_auc": test_roc_auc(run),
    }


def test_roc_auc(run: Run) -> float | None:
    """ROC-AUC of the evaluation that was kept, or None."""
    from kdcore import lab

    try:
        kept = lab.kept_evaluation(run)
        value = kept.metrics["roc_auc"].value if kept else math.nan
    except (LabError, OSError, KeyError):
        return None
    return value if math.isfinite(value) else None


def _name_of(method: Any) -> str | None:
    return str(method.get("name")) if isinstance(method, Mapping) else None

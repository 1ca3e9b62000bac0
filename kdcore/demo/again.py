"""Measure a finished demo again from its shipped predictions, after a metric was redefined."""

import hashlib
from pathlib import Path
from typing import Any

from kdcore.data.pairs import PairTable
from kdcore.demo import CARD
from kdcore.demo.beside import keep_beside
from kdcore.demo.check import files, read_card
from kdcore.demo.figures import figures
from kdcore.demo.plan import TEACHER, DemoPlan
from kdcore.errors import DataError
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.exports import to_json
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.workspace import write_json_atomic, write_text_atomic

_RESULTS = "evaluation"


def measure_again(folder: Path, plan: DemoPlan) -> dict[str, Any]:
    """Rewrite every evaluation, gap and comparison of a demo and return its new card.

    Models, predictions and pairs stay as they are. DataError when the folder is not a demo of this
    plan, or when a file other than a result was changed.
    """
    card = read_card(folder)
    names = [stage.id for stage in plan.stages()]
    if sorted(card["runs"]) != sorted(names):
        raise DataError(f"{folder} has the runs {', '.join(card['runs'])}, not {', '.join(names)}")
    shipped = {name: digest for name, digest in card["files"].items() if not _is_result(name)}
    if broken := files(folder, {**card, "files": shipped}):
        raise DataError(f"{folder} is not as it was built:", broken)
    test = PairTable.load(folder / "data" / card["data"]["name"])
    runs = {name: Run.load(folder / "runs" / name) for name in names}
    answers = {name: Predictions.load(run.predictions_path("test")) for name, run in runs.items()}
    evaluations = {}
    for name, run in runs.items():
        evaluations[name] = evaluate(
            test, answers[name], teacher=answers[TEACHER], temperature=card["temperature"]
        )
        for old in (run.folder / _RESULTS).glob("*.json"):
            old.unlink()
        write_text_atomic(run.evaluation_path("test"), to_json(evaluations[name], indent=None))
    for pupil in plan.pupils:
        three = (answers[pupil.hard], answers[pupil.distilled], answers[TEACHER])
        keep_beside(runs[pupil.distilled].folder / _RESULTS, test, *three)
    card["figures"] = figures(plan, test, runs, answers, evaluations)
    results = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "runs").glob(f"*/{_RESULTS}/*")
    }
    card["files"] = dict(sorted((shipped | results).items()))
    write_json_atomic(folder / CARD, card)
    return card


def _is_result(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "runs" and len(parts) > 2 and parts[2] == _RESULTS

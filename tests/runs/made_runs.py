"""Finished runs as folders, made in a moment: what a table of runs reads, and nothing trained."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from kdcore.data.pairs import PairTable
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.exports import to_json
from kdcore.metrics.definitions import VERSION
from kdcore.predictions import Predictions
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import Record
from kdcore.runs.speed import Speed, Timing
from kdcore.workspace import write_json_atomic

CODE = "0.1.0"


def config_of(temperature: float = 2.0, seed: int = 0, **changed: Any) -> dict[str, Any]:
    """A distillation's config, small but whole enough to be listed."""
    return {
        "data": "world",
        "limit": 0,
        "seed": seed,
        "stage": "distill",
        "teacher": "teacher",
        "student": {"name": "twinbert_cos", "params": {"layers": 2}},
        "method": {"name": "response", "params": {"temperature": temperature}},
        "training": {"epochs": 2},
        **changed,
    }


def metrics_of(value: float, n: int = 100) -> dict[str, Any]:
    """An evaluation's metrics with one of them."""
    one = {"key": "roc_auc", "name": "ROC-AUC", "value": value, "low": value - 0.1}
    one |= {"high": value + 0.1, "n": n, "n_unit": "pairs", "higher_is_better": True}
    return {"roc_auc": one | {"definition": "P(relevant above irrelevant), ties half."}}


def make_run(
    folder: Path,
    config: dict[str, Any] | None = None,
    *,
    auc: float | None = 0.8,
    data_hash: str = "a" * 16,
    code: str = CODE,
    title: str = "",
    state: str = "finished",
    created: float = 1.0,
    purpose: Purpose | None = None,
    parameters: int = 10,
) -> Path:
    """One run. auc: of its kept evaluation, None for none."""
    (folder / "evaluation").mkdir(parents=True)
    write_json_atomic(folder / "config.json", config or config_of())
    Record(state=state, title=title, created=created, ended=created + 9).write(folder)
    if purpose is not None:
        purpose.write(folder)
    write_json_atomic(folder / "provenance.json", {"kdlab": code, "pairs": {}})
    lines = [
        {"step": s, "validation_nll": 1.0, "validation_roc_auc": v, "kept_step": 10}
        for s, v in ((10, 0.75), (20, 0.7))
    ]
    text = "".join(json.dumps(line) + "\n" for line in [*lines, {"step": 20, "seconds": 8.0}])
    (folder / "metrics.jsonl").write_text(text)
    if auc is not None:
        said = {
            "version": VERSION,
            "model": folder.name,
            "teacher": None,
            "data": "world",
            "data_hash": data_hash,
        }
        said |= {"grades": ["bad", "good"], "temperature": 2.0, "resamples": 1000, "seed": 0}
        said |= {"metrics": metrics_of(auc), "columns": {"query_id": list(range(50))}}
        (folder / "evaluation" / "test.json").write_text(json.dumps(said))
    _model(folder, parameters)
    return folder


def _model(folder: Path, parameters: int) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [parameters], "data_offsets": [0, 0]}})
    (folder / "model").mkdir()
    body = len(header).to_bytes(8, "little") + header.encode()
    (folder / "model" / "model.safetensors").write_bytes(body)


def answer(folder: Path, pairs: PairTable, skill: float, evaluated: bool = True) -> None:
    """Predictions of a run on pairs, the better the more skill, and their evaluation."""
    draw = np.random.default_rng(len(folder.name))
    logits = draw.normal(size=(len(pairs), len(pairs.scheme.grades))).astype(np.float32)
    logits[np.arange(len(pairs)), pairs.grades] += skill
    said = Predictions(logits, pairs.content_hash, folder.name)
    said.save(folder / "predictions" / "test.parquet")
    if evaluated:
        (folder / "evaluation" / "test.json").write_text(to_json(evaluate(pairs, said)))


def speed_of(p50: float, parameters: int = 1) -> Speed:
    """A measured speed. p50: milliseconds of one pair."""
    timing = Timing(p50_ms=p50, p95_ms=p50 + 1, n=200)
    return Speed(
        parameters=parameters,
        megabytes=4e-6 * parameters,
        one_thread=timing,
        configured=timing,
        pairs_per_second=500,
        tokens_p50=20,
        tokens_p95=30,
    )

"""A finished story of invented ads in a folder: pairs, a teacher, a student, its twin, a replay."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY, FIVE_GRADES, FOUR_GRADES
from kdcore.predictions import Predictions
from kdcore.runs.record import Record
from kdcore.workspace import write_json_atomic

SCHEMES = {2: BINARY, 4: FOUR_GRADES, 5: FIVE_GRADES}
STEPS = (5, 10, 20, 40)
TRAINING = {"epochs": 1}
Draw = np.random.Generator


@dataclass(frozen=True)
class Made:
    """What to make: `brought` leaves predictions without a run, `bare` leaves out the replay.

    features: their width, 0 for none; the student's are its twin's turned, the teacher's unrelated.
    """

    grades: int = 4
    queries: int = 12
    ads: int = 5
    truth: bool = True
    unjudged: bool = False
    twin: bool = True
    brought: bool = False
    bare: bool = False
    features: int = 0


def make_lab(root: Path, made: Made = Made(), name: str = "world") -> PairTable:
    """Write data/<name> and runs/ below root; the pairs of its test split come back."""
    draw = np.random.default_rng(5)
    pairs = _pairs(draw, made)
    pairs.save(root / "data" / name)
    ideal = np.log(draw.dirichlet(np.ones(made.grades), len(pairs)) + 1e-3).astype(np.float32)
    said = {"teacher": ideal, "student-kd": _near(draw, ideal, 0.3)}
    if made.twin:
        said["student-hard"] = _near(draw, ideal, 1.5)
    vectors = _features(made, len(pairs))
    for key, logits in said.items():
        kept = Predictions(logits, pairs.content_hash, key, vectors.get(key))
        if made.brought:
            kept.save(root / "data" / name / "brought" / f"{key}.parquet")
        else:
            _run(root / "runs" / key, key, kept, pairs, made, draw)
    return pairs


def _features(made: Made, pairs: int) -> dict[str, NDArray[np.float32]]:
    if not made.features:
        return {}
    draw = np.random.default_rng(7)
    twin, teacher = draw.normal(size=(2, pairs, made.features))
    turn = np.linalg.qr(draw.normal(size=(made.features, made.features)))[0]
    sides = {"student-hard": twin, "student-kd": twin @ turn, "teacher": teacher}
    return {key: side.astype(np.float32) for key, side in sides.items()}


def _pairs(draw: Draw, made: Made) -> PairTable:
    size = made.queries * made.ads
    query = [f"thing {q}" for q in range(made.queries) for _ in range(made.ads)]
    title = [
        f"<b>offer</b> *{a}* of thing {q}" for q in range(made.queries) for a in range(made.ads)
    ]
    grade = draw.integers(0, made.grades, size)
    if made.unjudged:
        grade[:] = -1
    frame = make_frame(query, title, ["It is good."] * size, grade, "test")
    if made.truth:
        for k, column in enumerate(draw.dirichlet(np.ones(made.grades), size).T):
            frame[f"truth_{k}"] = column
    return PairTable(frame, SCHEMES[made.grades], "invented")


def _near(draw: Draw, logits: NDArray[np.float32], far: float) -> NDArray[np.float32]:
    return (logits + draw.normal(0, far, logits.shape)).astype(np.float32)


def _run(
    folder: Path,
    key: str,
    kept: Predictions,
    pairs: PairTable,
    made: Made,
    draw: Draw,
) -> None:
    folder.mkdir(parents=True)
    write_json_atomic(folder / "config.json", _config(key))
    Record(state="finished", title="", created=1.0).write(folder)
    kept.save(folder / "predictions" / "test.parquet")
    if made.bare:
        return
    probe = pairs.take(np.arange(10))
    probe.save(folder / "replay" / "probe")
    seen = {"seed": 0, "pairs": {"validation": [len(pairs), pairs.content_hash]}}
    (folder / "provenance.json").write_text(json.dumps(seen))
    for step in STEPS:
        logits = _near(draw, kept.logits[:10], 3 / step)
        moment = Predictions(logits, probe.content_hash, key)
        moment.save(folder / "replay" / f"step-{step:08d}.parquet")


def _config(key: str) -> dict[str, object]:
    common = {"data": "world", "limit": 0, "seed": 0, "training": TRAINING}
    if key == "teacher":
        return common | {"stage": "finetune", "model": {"name": "bert"}}
    if key == "student-hard":
        return common | {"stage": "finetune", "model": {"name": "twinbert_cos"}}
    method = {"name": "response", "params": {"temperature": 3.0}}
    student = {"name": "twinbert_cos"}
    return common | {"stage": "distill", "teacher": "teacher", "student": student, "method": method}

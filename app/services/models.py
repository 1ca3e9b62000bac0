"""Models that answer here and now: typed texts, and a student's answers while it learned."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services import access
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError, RunError
from kdcore.predictions import Predictions
from kdcore.runs.store import Run, RunStore

_ONE_AT_A_TIME = Lock()  # a model is not asked by two visitors in the same moment


@dataclass(frozen=True)
class Scored:
    """Logits (rows, classes) of typed texts, and the measured time after the model was loaded.

    notes: how they were converted to the data's grades, a sentence each.
    """

    logits: NDArray[np.float64]
    milliseconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replay:
    """A student's answers to a probe set while it learned.

    steps: (moments,) optimizer steps; logits: (moments, pairs, classes) float32.
    """

    pairs: PairTable
    steps: NDArray[np.int64]
    logits: NDArray[np.float32]


@dataclass(frozen=True)
class Attention:
    """Attention maps of a student and its teacher on one pair.

    student, teacher: (layers, heads, tokens, tokens), rows sum to 1. divergence: (student layers,
    heads, teacher layers, heads) mean KL(teacher || student) of rows in nats; None where the two
    read other tokens. words: whether pieces were joined to words, as the two cut words differently.
    shapes: (layers, heads, width) of student and teacher. projections: of both, (layers, 3, tokens,
    width) queries, keys and values; None where they are not known or the two read other pieces.
    """

    student_tokens: tuple[str, ...]
    teacher_tokens: tuple[str, ...]
    student: NDArray[np.float64]
    teacher: NDArray[np.float64]
    divergence: NDArray[np.float64] | None
    words: bool
    shapes: tuple[tuple[int, ...], ...]
    projections: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None] = (None, None)


def model_run(key: str) -> Run:
    """The run of a model, in the demo or in the workspace; UnknownNameError when neither has it."""
    for workspace in (access.demo(), access.home()):
        if key and (workspace.runs / key).is_dir():
            return RunStore(workspace.runs).get(key)
    return RunStore(access.home().runs).get(key)


def score(run: Run | None, rows: list[tuple[str, str, str]], pairs: PairTable) -> Scored:
    """A model's logits on typed (query, title, description), in the grades of the data.

    run: the very run whose answers are on the board, as two runs may share an id. pairs: the whole
    data set; stored answers were converted to its grades in the same way. LabError when the model
    cannot be asked here.
    """
    access.refuse_public()
    if run is None:
        raise RunError("these predictions were imported as a file: there is no model here to run")
    folder = run.require_model().model_folder
    with _ONE_AT_A_TIME:
        model = _model(folder, _changed(folder))
        from kdcore.models.predict import answer_texts

        began = time.perf_counter()
        own = answer_texts(model, rows)
        spent = (time.perf_counter() - began) * 1000
    answers = regraded(own, model_scheme(folder), pairs)
    return Scored(answers.logits.astype(np.float64), spent, answers.notes)


@by_hash(most=6, spinner="Loading the model…")
def _model(folder: Path, changed: int) -> Any:
    """The model, asked once already, so that what is timed later is the answer alone."""
    from kdcore.models.predict import load_model, predict_texts

    model = load_model(folder)
    predict_texts(model, [("warm up", "warm up", "")])
    return model


def attention(student: Run, teacher: Run, text: tuple[str, str, str]) -> Attention:
    """What a student and its teacher attend to in a (query, title, description).

    LabError when one of them cannot be asked here, or reads query and ad apart.
    """
    access.refuse_public()
    own, other = (run.require_model().model_folder for run in (student, teacher))
    with _ONE_AT_A_TIME:
        return _attention(own, other, _changed(own), _changed(other), text)


@by_hash(most=100)
def _attention(
    student: Path, teacher: Path, changed: int, teacher_changed: int, text: tuple[str, str, str]
) -> Attention:
    from kdcore.models.attention import attention_maps, head_divergence

    models = _model(student, changed), _model(teacher, teacher_changed)
    mine, theirs = (attention_maps(model, text) for model in models)
    words = mine.tokens != theirs.tokens
    if words:
        mine, theirs = mine.by_words(), theirs.by_words()
    divergence = head_divergence(mine, theirs) if mine.tokens == theirs.tokens else None
    shapes = tuple((*each.maps.shape[:2], each.width) for each in (mine, theirs))
    return Attention(
        mine.tokens,
        theirs.tokens,
        mine.maps,
        theirs.maps,
        divergence,
        words,
        shapes,
        (mine.projections, theirs.projections),
    )


def internal_loss(maps: Attention, params: Any) -> float:
    """Internal distillation's loss on the pair of these maps, without its part for [CLS].

    ConfigError where the two models cannot be compared.
    """
    from kdcore.models.attention import AttentionMaps, internal_loss

    tokens, sides = maps.student_tokens, (maps.student, maps.teacher)
    student, teacher = (
        AttentionMaps(tokens, side, shape[2], vectors)
        for side, shape, vectors in zip(sides, maps.shapes, maps.projections, strict=True)
    )
    return internal_loss(replace(params, cosine_weight=0.0), student, teacher)


def replay(key: str) -> Replay | None:
    """A run's recorded moments, or None when it recorded none (or is no run here)."""
    if key.startswith("brought:"):
        return None
    try:
        folder = model_run(key).replay_folder
    except LabError:
        return None
    return _replay(folder, _changed(folder)) if (folder / "probe").is_dir() else None


@by_hash(most=8)
def _replay(folder: Path, changed: int) -> Replay | None:
    files = sorted(folder.glob("step-*.parquet"))
    if not files:
        return None
    pairs = PairTable.load(folder / "probe")
    logits = np.stack([Predictions.load(f).logits for f in files])
    steps = np.array([int(f.stem.removeprefix("step-")) for f in files], dtype=np.int64)
    return Replay(pairs, steps, logits)


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0

"""A teacher's answers to the pairs on which a student was watched while it learned."""

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services.answers import Answers, answers, sources
from app.services.models import Replay, score
from kdcore.data.pairs import TEXT_COLUMNS
from kdcore.errors import LabError
from kdcore.runs.store import Run


def teacher_on_probe(
    film: Replay, student: Run, teacher: Answers, ask: bool = True
) -> NDArray[np.float32] | None:
    """(probe, classes) logits of the teacher; None when it has no model here to ask.

    The teacher's stored answers to the validation pairs are read when the student was validated on
    just those; else its model is asked once, if `ask`.
    """
    run = Run.load(student.folder)
    validation = run.splits.get("validation")
    place = (teacher.key, validation.content_hash if validation else "")
    source = next((s for s in sources() if (s.key, s.data_hash) == place), None)
    if source is None:
        return _ask(film, teacher) if ask else None
    logits = answers(source).predictions.logits
    return logits[probe_rows(len(logits), len(film.pairs), run.seed)]


def probe_rows(pairs: int, size: int, seed: int) -> NDArray[np.int64]:
    """Rows of the validation pairs that a run watches; drawn as kdcore.training.replay draws."""
    return np.sort(np.random.default_rng(seed).permutation(pairs)[:size])


@by_hash(
    most=20,
    spinner="Asking the teacher about the probe…",
    on=lambda film, teacher: (film.pairs, teacher),
)
def _ask(film: Replay, teacher: Answers) -> NDArray[np.float32] | None:
    rows = film.pairs.frame[list(TEXT_COLUMNS)].itertuples(index=False, name=None)
    try:
        logits = score(teacher.run, list(rows), film.pairs).logits
    except LabError:
        return None
    fits = logits.shape == (len(film.pairs), len(film.pairs.scheme))
    return logits.astype(np.float32) if fits else None

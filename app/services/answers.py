"""Models and the pairs that they have scored: where their predictions lie, and under which name."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services import access
from app.services.runs.names import named, names
from kdcore.data.answers.stored import kept_about
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.predictions import Origin, Predictions, answered_hash
from kdcore.runs import twins
from kdcore.runs.store import Run, RunStore


@dataclass(frozen=True)
class Source:
    """Stored predictions of a model: where they lie and on which pairs they were made.

    key: the model's run id, or "brought:<name>". data_hash: of all pairs that should be answered.
    run: the model's run, None when imported; origin: then how it came here.
    """

    key: str
    title: str
    path: Path
    data_hash: str
    run: Run | None
    origin: Origin | None = None

    @property
    def count(self) -> int:
        """How many pairs have an answer."""
        return int(pq.read_metadata(self.path).num_rows)


@dataclass(frozen=True)
class Answers:
    """A model's logits on the pairs of a board."""

    key: str
    title: str
    predictions: Predictions
    run: Run | None

    @cached_property
    def hash(self) -> str:
        """8 hex digits of the answers."""
        return self.predictions.digest[:8]

    @property
    def cache_key(self) -> str:
        """What results that are computed of these answers depend on, their names included."""
        return f"{self.key}|{self.title}|{self.hash}"


@by_hash(most=1, seconds=3, on=lambda: (access.demo().root, access.home().root))
def sources() -> list[Source]:
    """Every predictions file of demo, workspace and imports, under names that tell models apart."""
    own, of_teachers = [], []
    for workspace in (access.demo(), access.home()):
        for run in sorted(RunStore(workspace.runs).list(), key=lambda r: r.id):
            model = _model_run(run)
            scored = [_source(model, p) for p in sorted(run.folder.glob("predictions/*.parquet"))]
            own += scored
            path = model.teacher_path()  # its teacher's answers, where the run had to ask for them
            if any(scored) and model.is_distilled and path.is_file() and (by := teacher_of(model)):
                of_teachers.append(_source(by, path))
    imported = []
    files = access.home().data.glob("*/brought/*.parquet")
    for path in sorted(files, key=lambda path: -path.stat().st_mtime_ns):
        file = kept_about(path)
        if file.split_hash:
            key = f"brought:{path.stem}"
            imported.append(Source(key, file.model, path, file.split_hash, None, file.origin))
    # of two sources with one key the last counts: a model's own answers, not those it gave a run
    return _with_names([*filter(None, (*of_teachers, *own)), *imported])


def _source(model: Run, path: Path) -> Source | None:
    data_hash = answered_hash(path)
    return Source(model.id, model.shown_title, path, data_hash, model) if data_hash else None


def _model_run(run: Run) -> Run:
    """The run whose model answered: itself, or the one that a scoring run names."""
    for workspace in (access.home(), access.demo()) if run.scored_run else ():
        with suppress(LabError):
            return RunStore(workspace.runs).get(run.scored_run)
    return run


def teacher_of(run: Run) -> Run | None:
    """The run that taught a student, in its own workspace, the visitor's or the demo."""
    return twins.teacher_of(run, access.home().runs, access.demo().runs)


def _with_names(entries: list[Source]) -> list[Source]:
    """The same under names that tell their models apart."""
    runs = {str(s.run.folder): (s.run, s.title) for s in entries if s.run}
    titles = names([named(folder, run, title) for folder, (run, title) in runs.items()])
    return [replace(s, title=titles[str(s.run.folder)]) if s.run else s for s in entries]


def sources_on(pairs: PairTable) -> list[Source]:
    """Models that have scored just these pairs, one entry per model."""
    fitting = {s.key: s for s in sources() if s.data_hash == pairs.content_hash}
    return list(fitting.values())


@by_hash(most=40, on=lambda s: (s.key, s.title, s.path, s.path.stat().st_mtime_ns))
def answers(source: Source) -> Answers:
    """The predictions of a source, read once."""
    return Answers(source.key, source.title, Predictions.load(source.path), source.run)


def on_rows(model: Answers, rows: NDArray[np.int64], pairs: PairTable) -> Answers:
    """A model's answers to some pairs of a split, all of which it answered."""
    return replace(model, predictions=model.predictions.on(rows, pairs.content_hash))

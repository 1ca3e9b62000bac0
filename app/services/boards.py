"""What is on the table: a data set and the answers of a teacher, a student and its twin to it."""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.services import access
from app.services.roles import default_student, default_teacher, twin_of
from app.services.runs.names import told_apart
from kdcore.catalog import STUDENTS
from kdcore.data.answers.stored import kept_about
from kdcore.data.pairs import PairTable
from kdcore.data.splits import with_test_split
from kdcore.errors import DataError, LabError
from kdcore.predictions import Origin, Predictions, common_rows
from kdcore.runs.beside import teacher_path
from kdcore.runs.store import Run, RunStore

DEMO_DATA = "world"
TEST = "test"


@dataclass(frozen=True)
class DataChoice:
    """A data set on offer. badge: "bundled" or "imported"."""

    key: str
    title: str
    badge: str
    folder: Path


@dataclass(frozen=True)
class Source:
    """Kept predictions of a model: where they lie and on which pairs they were made.

    key: the model's run id, or "brought:<name>". data_hash: of all pairs that should be answered.
    run: the model's run, None when imported; origin: then how it came here.
    """

    key: str
    title: str
    path: Path
    data_hash: str
    run: Run | None
    origin: Origin | None = None


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


@dataclass(frozen=True)
class Board:
    """The pairs on the table and the models' answers; twin: the student without a teacher.

    pairs: those that all shown models answered. rows: their places in `part`, the whole split that
    is looked at; None where that is all of it.
    """

    data: DataChoice
    pairs: PairTable
    teacher: Answers | None
    student: Answers | None
    twin: Answers | None
    rows: NDArray[np.int64] | None = None
    whole: PairTable | None = None

    @property
    def part(self) -> PairTable:
        """Every pair of the split that is looked at, answered or not."""
        return self.pairs if self.whole is None else self.whole

    @property
    def ready(self) -> bool:
        """Whether a teacher and a student have scored the pairs."""
        return self.teacher is not None and self.student is not None


def data_choices() -> list[DataChoice]:
    """The bundled world first, then what was imported, by name."""
    bundled = access.demo().data / DEMO_DATA
    found = [DataChoice(DEMO_DATA, "Bundled world", "bundled", bundled)]
    root = access.home().data
    if root.is_dir():
        names = sorted(p.name for p in root.iterdir() if (p / "dataset.json").is_file())
        found += [DataChoice(n, n, "imported", root / n) for n in names if n != DEMO_DATA]
    return found


def chosen_data() -> DataChoice:
    """The data set of the present state; an unknown one gives way to the bundled world."""
    choices = data_choices()
    asked = state.now().data_set
    found = next((c for c in choices if c.key == asked), None)
    if found is None:
        state.ignore(f"data: no data set here is called {asked[:60]!r}; the bundled world is shown")
        state.correct(data_set=DEMO_DATA)
    return found or choices[0]


def pairs_of(choice: DataChoice, split: str = "") -> PairTable:
    """The pairs of a data set that are looked at: its test split, else validation, else all.

    Without a test split of its own: the part that runs set apart, where that alone is answered.
    """
    held = _pairs(str(choice.folder), split, _changed(choice))
    if split or not is_cut(choice) or held.content_hash in (hashes := answered_hashes()):
        return held
    cut = _pairs(str(choice.folder), TEST, _changed(choice))
    return cut if cut.content_hash in hashes else held


def whole_data(choice: DataChoice, split: str = "") -> PairTable:
    """Every pair of a data set, all splits as it has them or, for a test split, as runs cut it."""
    return (_cut if split == TEST else _whole)(str(choice.folder), _changed(choice))


def is_cut(choice: DataChoice) -> bool:
    """Whether runs set test pairs apart, since the data set has none of its own."""
    return TEST not in whole_data(choice).splits and TEST in whole_data(choice, TEST).splits


def _changed(choice: DataChoice) -> int:
    return (choice.folder / "dataset.json").stat().st_mtime_ns


@st.cache_resource(max_entries=6, show_spinner=False)
def _whole(folder: str, changed: int) -> PairTable:
    return PairTable.load(Path(folder))


@st.cache_resource(max_entries=6, show_spinner=False)
def _cut(folder: str, changed: int) -> PairTable:
    whole = _whole(folder, changed)
    try:
        return whole if TEST in whole.splits else with_test_split(whole)
    except DataError:  # too few queries: no run is trained on these
        return whole


@st.cache_resource(max_entries=6, show_spinner=False)
def _pairs(folder: str, split: str, changed: int) -> PairTable:
    table = _cut(folder, changed) if split == TEST else _whole(folder, changed)
    held_out = next((s for s in ("test", "validation") if s in table.splits), "all")
    wanted = split or held_out
    return table if wanted == "all" or wanted not in table.splits else table.split(wanted)


@st.cache_data(ttl=3, show_spinner=False)
def sources() -> list[Source]:
    """Every kept predictions file of demo, workspace and brought files, models by title."""
    found: list[Source] = []
    for workspace in (access.demo(), access.home()):
        for run in sorted(RunStore(workspace.runs).list(), key=lambda r: r.id):
            model = _model_run(run)
            paths = sorted((run.folder / "predictions").glob("*.parquet"))
            found += [
                Source(model.id, title_of(model), p, h, model)
                for p in paths
                if (h := answered_hash(p))
            ]
    found = [*_asked(found), *found]  # a model's own answers come last and so count
    imported = access.home().data.glob("*/brought/*.parquet")
    for path in sorted(imported, key=lambda path: -path.stat().st_mtime_ns):
        kept = kept_about(path)
        if kept.part:
            about = (kept.model, path, kept.part, None, kept.origin)
            found.append(Source(f"brought:{path.stem}", *about))
    return told_apart(found)


def answered_hashes() -> set[str]:
    """Content hashes of the pairs that any model has scored."""
    return {s.data_hash for s in sources()}


def _asked(found: list[Source]) -> list[Source]:
    """What teachers told the runs that had to ask them, on those runs' own test pairs."""
    taught = {s.run.folder: s.run for s in found if s.run and "student" in s.run.config}
    told = []
    for run in taught.values():
        path = teacher_path(run)
        teacher = _run_named(str(run.config.get("teacher", ""))) if path.is_file() else None
        if teacher is not None and (held := answered_hash(path)):
            told.append(Source(teacher.id, title_of(teacher), path, held, teacher))
    return told


def sources_on(pairs: PairTable) -> list[Source]:
    """Models that have scored just these pairs, one entry per model."""
    fitting = {s.key: s for s in sources() if s.data_hash == pairs.content_hash}
    return list(fitting.values())


def title_of(run: Run) -> str:
    """What a model is called on the screen: its run's title, else student and training."""
    if run.title:
        return run.title
    config = run.config
    model: Any = config.get("student") or config.get("model") or {}
    name = str(model.get("name", "model"))
    base = STUDENTS[name].title if name in STUDENTS else name
    params = config.get("method", {}).get("params", {})
    how = f"distilled, T {params.get('temperature', 2):g}" if "student" in config else "labels only"
    return f"{base} · {how}"


def answers(source: Source) -> Answers:
    """The predictions of a source, read once."""
    kept = _predictions(str(source.path), source.path.stat().st_mtime_ns)
    return Answers(source.key, source.title, kept, source.run)


@st.cache_resource(max_entries=40, show_spinner=False)
def _predictions(path: str, changed: int) -> Predictions:
    return Predictions.load(Path(path))


def board() -> Board:
    """The table as the present state sets it."""
    now, choice = state.now(), chosen_data()
    part = pairs_of(choice, now.data.split)
    offered = sources_on(part)
    teacher = chosen(offered, now.teacher, "teacher") or default_teacher(offered)
    student = chosen(offered, now.student, "student") or default_student(offered, teacher)
    rival = chosen(offered, now.rival, "rival")
    shown = [answers(s) if s else None for s in (teacher, student, twin_of(offered, student))]
    every = [*shown, answers(rival) if rival else None]
    rows = common_rows([a.predictions for a in every if a is not None])
    if rows is None:
        return Board(choice, part, shown[0], shown[1], shown[2])
    pairs = _taken(part.content_hash, rows.tobytes(), part)
    held = [on_rows(a, rows, pairs) if a else None for a in shown]
    return Board(choice, pairs, held[0], held[1], held[2], rows, part)


@st.cache_resource(max_entries=6, show_spinner=False)
def _taken(content_hash: str, rows: bytes, _part: PairTable) -> PairTable:
    return _part.take(np.frombuffer(rows, dtype=np.int64))


def on_rows(who: Answers, rows: NDArray[np.int64], pairs: PairTable) -> Answers:
    """A model's answers to some pairs of a split, all of which it answered."""
    return replace(who, predictions=who.predictions.on(rows, pairs.content_hash))


def chosen(offered: list[Source], key: str, role: str) -> Source | None:
    """The model that the state names; one that is missing is reported and ignored."""
    found = next((s for s in offered if s.key == key), None)
    if key and found is None:
        state.ignore(f"{role}: {key[:60]!r} has not scored these pairs; another model is shown")
        state.correct(**{role: ""})
    return found


def _model_run(run: Run) -> Run:
    """The run whose model answered: itself, or the one that an infer run names."""
    asked = run.config.get("run")
    if run.config.get("stage") != "infer" or not asked:
        return run
    return _run_named(str(asked)) or run


def _run_named(asked: str) -> Run | None:
    for workspace in (access.home(), access.demo()):
        with suppress(LabError):
            return RunStore(workspace.runs).get(asked)
    return None


def answered_hash(path: Path) -> str:
    """Content hash of the pairs that a predictions file answers; "" when it cannot be read."""
    try:
        about = (pq.read_schema(path).metadata or {}).get(b"kdlab", b"{}")
        return str(json.loads(about).get("data_hash", ""))
    except (OSError, ValueError, pa.ArrowException):
        return ""

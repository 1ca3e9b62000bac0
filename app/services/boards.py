"""What is on the table: a data set and the answers of a teacher, a student and its twin to it."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from app import state
from app.services import places
from kdcore.brought_files import kept_about
from kdcore.catalog import STUDENTS
from kdcore.datasets.splits import with_test_split
from kdcore.errors import DataError, LabError
from kdcore.pairs import PairTable
from kdcore.predictions import Predictions
from kdcore.runs.beside import teacher_path
from kdcore.runs.store import Run, RunStore
from kdcore.whatif.twins import is_twin

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

    key: the model's run id, or "brought:<name>". run: the model's run, None when brought.
    """

    key: str
    title: str
    path: Path
    data_hash: str
    run: Run | None


@dataclass(frozen=True)
class Answers:
    """A model's logits on the pairs of a board."""

    key: str
    title: str
    predictions: Predictions
    run: Run | None

    @cached_property
    def hash(self) -> str:
        """8 hex digits of the logits."""
        return hashlib.sha256(self.predictions.logits.tobytes()).hexdigest()[:8]


@dataclass(frozen=True)
class Board:
    """The pairs on the table and who answered them; twin: the student without a teacher."""

    data: DataChoice
    pairs: PairTable
    teacher: Answers | None
    student: Answers | None
    twin: Answers | None

    @property
    def ready(self) -> bool:
        """Whether a teacher and a student have answered."""
        return self.teacher is not None and self.student is not None


def data_choices() -> list[DataChoice]:
    """The bundled world first, then what was imported, by name."""
    bundled = places.demo().data / DEMO_DATA
    found = [DataChoice(DEMO_DATA, "Bundled world", "bundled", bundled)]
    root = places.home().data
    if root.is_dir():
        names = sorted(p.name for p in root.iterdir() if (p / "dataset.json").is_file())
        found += [DataChoice(n, n, "imported", root / n) for n in names if n != DEMO_DATA]
    return found


def chosen_data() -> DataChoice:
    """The data set of the present state; an unknown one gives way to the bundled world."""
    choices = data_choices()
    asked = state.now().data
    found = next((c for c in choices if c.key == asked), None)
    if found is None:
        state.ignore(f"data: no data set here is called {asked[:60]!r}; the bundled world is shown")
        state.change(data=DEMO_DATA)
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
    for workspace in (places.demo(), places.home()):
        store = RunStore(workspace.runs)
        for run in sorted(store.list(), key=lambda r: r.id):
            model = _model_run(run)
            paths = sorted((run.folder / "predictions").glob("*.parquet"))
            found += [
                Source(model.id, title_of(model), p, h, model)
                for p in paths
                if (h := answered_hash(p))
            ]
    found = [*_asked(found), *found]  # a model's own answers come last and so count
    for path in sorted(places.home().data.glob("*/brought/*.parquet")):
        kept = kept_about(path)
        if kept.part:
            found.append(Source(f"brought:{path.stem}", kept.model, path, kept.part, None))
    return found


def answered_hashes() -> set[str]:
    """Content hashes of the pairs that any model has answered."""
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
    """Models that have answered just these pairs, one entry a model."""
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
    pairs = pairs_of(choice, now.split)
    offered = sources_on(pairs)
    teacher = _chosen(offered, now.teacher, "teacher") or _default_teacher(offered)
    student = _chosen(offered, now.student, "student") or _default_student(offered, teacher)
    twin = twin_of(offered, student)
    held = [answers(s) if s else None for s in (teacher, student, twin)]
    return Board(choice, pairs, held[0], held[1], held[2])


def rival_of(board: Board) -> Answers | None:
    """The second student that the state pins beside the first, when it answered these pairs."""
    found = _chosen(sources_on(board.pairs), state.now().rival, "rival")
    return answers(found) if found else None


def _chosen(offered: list[Source], key: str, role: str) -> Source | None:
    found = next((s for s in offered if s.key == key), None)
    if key and found is None:
        state.ignore(f"{role}: {key[:60]!r} has not answered these pairs; another is shown")
        state.change(**{role: ""})
    return found


def _default_teacher(offered: list[Source]) -> Source | None:
    named = [s for s in offered if s.key == "teacher" or "teacher" in s.key]
    taught = {str(s.run.config.get("teacher", "")) for s in offered if s.run}
    used = [s for s in offered if s.run and (s.run.id in taught or str(s.run.folder) in taught)]
    return next(iter(named + used + offered), None)


def _default_student(offered: list[Source], teacher: Source | None) -> Source | None:
    rest = [s for s in offered if teacher is None or s.key != teacher.key]
    taught = [s for s in rest if s.run and "student" in s.run.config]
    liked = [s for s in taught if s.run and s.run.config["student"].get("name") == "twinbert_cos"]
    return next(iter(liked + taught + rest), None)


def twin_of(offered: list[Source], student: Source | None) -> Source | None:
    """The same student, seed, data and budget, trained on hard labels only."""
    taught = student.run if student else None
    if taught is None:
        return None
    alike = [s for s in offered if s.run and same_budget(taught, s.run)]
    return next((s for s in alike if s.key == taught.about.twin), next(iter(alike), None))


def same_budget(taught: Run, alone: Run) -> bool:
    """Whether `alone` is the twin of a distilled student: all the same, but without a teacher."""
    return is_twin(taught, alone)


def _model_run(run: Run) -> Run:
    """The run whose model answered: itself, or the one that an infer run names."""
    asked = run.config.get("run")
    if run.config.get("stage") != "infer" or not asked:
        return run
    return _run_named(str(asked)) or run


def _run_named(asked: str) -> Run | None:
    for workspace in (places.home(), places.demo()):
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

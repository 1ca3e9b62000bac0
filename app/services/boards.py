"""Board: a data set and the answers of a teacher, a student and its twin to its pairs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import Answers, Source, answered_hashes, answers, on_rows, sources_on
from app.services.roles import default_student, default_teacher, twin_of
from kdcore.data.pairs import PairTable
from kdcore.data.splits import with_test_split
from kdcore.errors import DataError
from kdcore.predictions import common_rows

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
class Board:
    """The pairs that are compared and the models' answers; twin: the student without a teacher.

    pairs: those that all shown models answered. rows: their places in `part`, the whole split;
    None where that is all of it.
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
        """Every pair of the split, answered or not."""
        return self.pairs if self.whole is None else self.whole

    @property
    def ready(self) -> bool:
        """Whether a teacher and a student have scored the pairs."""
        return self.teacher is not None and self.student is not None


def data_choices() -> list[DataChoice]:
    """The bundled world first, then what was imported, by name."""
    bundled = access.demo().data / DEMO_DATA
    choices = [DataChoice(DEMO_DATA, "Bundled world", "bundled", bundled)]
    root = access.home().data
    if root.is_dir():
        names = sorted(p.name for p in root.iterdir() if (p / "dataset.json").is_file())
        choices += [DataChoice(n, n, "imported", root / n) for n in names if n != DEMO_DATA]
    return choices


def chosen_data() -> DataChoice:
    """The data set of the present state; the bundled world in place of an unknown one."""
    choices = data_choices()
    name = state.now().data_set
    choice = next((c for c in choices if c.key == name), None)
    if choice is None:
        state.ignore(f"data: no data set here is called {name[:60]!r}; the bundled world is shown")
        state.correct(data_set=DEMO_DATA)
    return choice or choices[0]


def pairs_of(choice: DataChoice, split: str = "") -> PairTable:
    """The pairs of a data set that pages show: its test split, else validation, else all.

    Without a test split of its own: the part that runs held out, where only that was scored.
    """
    pairs = _pairs(str(choice.folder), split, changed(choice))
    if split or not is_cut(choice) or pairs.content_hash in (hashes := answered_hashes()):
        return pairs
    cut = _pairs(str(choice.folder), TEST, changed(choice))
    return cut if cut.content_hash in hashes else pairs


def whole_data(choice: DataChoice, split: str = "") -> PairTable:
    """Every pair of a data set, all splits as it has them or, for a test split, as runs cut it."""
    return (_cut if split == TEST else _whole)(str(choice.folder), changed(choice))


def is_cut(choice: DataChoice) -> bool:
    """Whether runs hold out test pairs because the data set has none of its own."""
    return TEST not in whole_data(choice).splits and TEST in whole_data(choice, TEST).splits


def changed(choice: DataChoice) -> int:
    """When a data set was last written, in nanoseconds: it tells two imports of a name apart."""
    return (choice.folder / "dataset.json").stat().st_mtime_ns


@by_hash(most=6)
def _whole(folder: str, changed: int) -> PairTable:
    return PairTable.load(Path(folder))


@by_hash(most=6)
def _cut(folder: str, changed: int) -> PairTable:
    whole = _whole(folder, changed)
    try:
        return whole if TEST in whole.splits else with_test_split(whole)
    except DataError:  # too few queries: no run is trained on these
        return whole


@by_hash(most=6)
def _pairs(folder: str, split: str, changed: int) -> PairTable:
    table = _cut(folder, changed) if split == TEST else _whole(folder, changed)
    default = next((s for s in ("test", "validation") if s in table.splits), "all")
    name = split or default
    return table if name == "all" or name not in table.splits else table.split(name)


_taken = by_hash(most=6)(PairTable.take)


def board() -> Board:
    """The board as the present state sets it."""
    now, choice = state.now(), chosen_data()
    part = pairs_of(choice, now.data.split)
    offered = sources_on(part)
    teacher = chosen(offered, now.teacher, "teacher") or default_teacher(offered)
    student = chosen(offered, now.student, "student") or default_student(offered, teacher)
    rival = chosen(offered, now.rival, "rival")
    answered = [answers(s) if s else None for s in (teacher, student, twin_of(offered, student))]
    every = [*answered, answers(rival) if rival else None]
    rows = common_rows([a.predictions for a in every if a is not None])
    if rows is None:
        return Board(choice, part, answered[0], answered[1], answered[2])
    pairs = _taken(part, rows)
    taken = [on_rows(a, rows, pairs) if a else None for a in answered]
    return Board(choice, pairs, taken[0], taken[1], taken[2], rows, part)


def chosen(offered: list[Source], key: str, role: str) -> Source | None:
    """The model that the state names; one that is missing is reported and ignored."""
    source = next((s for s in offered if s.key == key), None)
    if key and source is None:
        state.ignore(f"{role}: {key[:60]!r} has not scored these pairs; another model is shown")
        state.correct(**{role: ""})
    return source


def beside(board: Board) -> list[Answers]:
    """Every model that answered all pairs of the board, those not shown on it as well."""
    models = [answers(source) for source in sources_on(board.part)]
    rows = np.arange(len(board.part)) if board.rows is None else board.rows
    whole = board.rows is None
    return [
        model if whole else on_rows(model, rows, board.pairs)
        for model in models
        if model.predictions.rows is None or np.isin(rows, model.predictions.rows).all()
    ]


def rival_of(board: Board) -> Answers | None:
    """The second student that the state pins beside the first, when it answered these pairs."""
    source = chosen(sources_on(board.part), state.now().rival, "rival")
    return next((model for model in beside(board) if source and model.key == source.key), None)

"""Board: a data set and the answers of a teacher, a student and its twin to its pairs."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.services import access
from app.services.answers import Answers, Source, answers, on_rows, sources, sources_on
from app.services.roles import default_student, default_teacher, twin_of
from kdcore.data.pairs import ALL, PairTable
from kdcore.data.splits import with_test_split
from kdcore.errors import ConfigError, DataError
from kdcore.predictions import common_rows

DEMO_DATA = "world"
TEST = "test"
MOST_PAIRS = 1_000_000  # of a split of the bundled world, where a link names its sizes


@dataclass(frozen=True)
class DataChoice:
    """A data set on offer. badge: "bundled" or "imported"."""

    key: str
    title: str
    badge: str
    folder: Path

    @property
    def cache_key(self) -> str:
        """Its folder and when it was last written, so that a new import of a name counts as new."""
        file = self.folder / "dataset.json"  # the pairs of a run alone have none
        return f"{self.folder}|{file.stat().st_mtime_ns if file.is_file() else 0}"


@dataclass(frozen=True)
class Board:
    """The pairs that are compared and the models' answers; twin: the student without a teacher.

    all_pairs: the whole split. rows: of them, those that teacher, student, twin and the rival that
    the visitor pinned, if any, have all scored; None where that is every pair.
    """

    data: DataChoice
    all_pairs: PairTable
    teacher: Answers | None
    student: Answers | None
    twin: Answers | None
    rows: NDArray[np.int64] | None = None

    @cached_property
    def pairs(self) -> PairTable:
        """The pairs at `rows`, which all models shown have scored."""
        return self.all_pairs if self.rows is None else _taken(self.all_pairs, self.rows)

    @property
    def models(self) -> dict[str, Answers]:
        """Teacher, student and twin by role, as far as there are any; without a pinned rival."""
        roles = {"teacher": self.teacher, "student": self.student, "twin": self.twin}
        return {role: model for role, model in roles.items() if model is not None}

    @property
    def ready(self) -> bool:
        """Whether a teacher and a student have scored the pairs."""
        return self.teacher is not None and self.student is not None


def data_choices() -> list[DataChoice]:
    """The bundled world first, then what was imported, by name."""
    bundled = access.demo().data / DEMO_DATA
    choices = [DataChoice(DEMO_DATA, "Bundled world", "bundled", bundled)]
    root = access.home().data
    names = sorted(path.parent.name for path in root.glob("*/dataset.json"))
    return choices + [DataChoice(n, n, "imported", root / n) for n in names if n != DEMO_DATA]


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

    Where it has no test split: the one that runs cut, if models have scored that one and not the
    validation split (or all pairs).
    """
    pairs = _pairs(choice, split)
    if split or not is_cut_by_runs(choice):
        return pairs
    scored = {source.data_hash for source in sources()}
    test = _pairs(choice, TEST)
    return test if test.content_hash in scored and pairs.content_hash not in scored else pairs


def whole_data(choice: DataChoice, split: str = "") -> PairTable:
    """Every pair of a data set, all splits as it has them or, for a test split, as runs cut it."""
    return _with_test(choice) if split == TEST else _imported(choice)


def is_cut_by_runs(choice: DataChoice) -> bool:
    """Whether runs cut a test split from the data set because it has none of its own."""
    return TEST not in whole_data(choice).splits and TEST in whole_data(choice, TEST).splits


@by_hash(most=6)
def _imported(choice: DataChoice) -> PairTable:
    return PairTable.load(choice.folder)


@by_hash(most=6)
def _with_test(choice: DataChoice) -> PairTable:
    pairs = _imported(choice)
    try:
        return pairs if TEST in pairs.splits else with_test_split(pairs)
    except DataError:  # too few queries: no run is trained on these
        return pairs


@by_hash(most=6)
def _pairs(choice: DataChoice, split: str) -> PairTable:
    table = whole_data(choice, split)
    name = split or next((s for s in (TEST, "validation") if s in table.splits), "")
    return table.split(name) if name in table.splits and name != ALL else table


_taken = by_hash(most=6)(PairTable.take)


def board() -> Board:
    """The board as the present state sets it."""
    now, choice = state.now(), chosen_data()
    offered = sources_on(pairs_of(choice, now.data.split))
    teacher = _named(offered, now.teacher, "teacher")
    student = _named(offered, now.student, "student")
    return board_of(choice, now.data.split, teacher, student, _named(offered, now.rival, "rival"))


def board_of(
    choice: DataChoice,
    split: str = "",
    teacher: Source | None = None,
    student: Source | None = None,
    rival: Source | None = None,
) -> Board:
    """The board of a split: its default teacher and student where none is given."""
    pairs = pairs_of(choice, split)
    offered = sources_on(pairs)
    teacher = teacher or default_teacher(offered)
    student = student or default_student(offered, teacher)
    models = [answers(s) if s else None for s in (teacher, student, twin_of(offered, student))]
    shown = [*models, answers(rival) if rival else None]
    rows = common_rows([model.predictions for model in shown if model])
    if rows is not None:
        common = _taken(pairs, rows)
        models = [model and on_rows(model, rows, common) for model in models]
    return Board(choice, pairs, models[0], models[1], models[2], rows)


def _named(offered: list[Source], key: str, role: str) -> Source | None:
    """The model that the state names; one that is missing is reported and ignored."""
    source = next((s for s in offered if s.key == key), None)
    if key and source is None:
        state.ignore(f"{role}: {key[:60]!r} has not scored these pairs; another model is shown")
        state.correct(**{role: ""})
    return source


def all_models(board: Board) -> list[Answers]:
    """Every model that has scored all pairs of the board, those not on it as well."""
    models = [answers(source) for source in sources_on(board.all_pairs)]
    rows = np.arange(len(board.all_pairs)) if board.rows is None else board.rows
    return [
        model if board.rows is None else on_rows(model, rows, board.pairs)
        for model in models
        if model.predictions.rows is None or np.isin(rows, model.predictions.rows).all()
    ]


def rival_of(board: Board) -> Answers | None:
    """The second student that the state pins beside the first, when it has scored these pairs."""
    source = _named(sources_on(board.all_pairs), state.now().rival, "rival")
    if source is None:
        return None
    return next((model for model in all_models(board) if model.key == source.key), None)


def refuse_other_data(data: str) -> None:
    """ConfigError for what a link may not make the lab read: any path, or a world without end."""
    world, _, sizes = data.partition(":")
    problem = ""
    if world == DEMO_DATA:
        if any(int(n) > MOST_PAIRS for n in re.findall(r"\d+", sizes)):
            problem = f"{MOST_PAIRS:,} pairs at most"
    elif data not in [choice.key for choice in data_choices()]:
        problem = f"no data set here is called {data[:60]!r}; import it under Data"
    if problem:
        raise ConfigError("These data cannot be used:", [f"data: {problem}"])

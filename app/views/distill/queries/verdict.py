"""What a finished run is worth: its own board, the verdict on it, what it keeps at what cost."""

from dataclasses import dataclass
from math import nan
from pathlib import Path

from app.kit.by_hash import by_hash
from app.services import access, evaluations
from app.services.answers import Answers, Source, answers, sources_on, teacher_of
from app.services.boards import Board, DataChoice, data_choices, is_cut_by_runs, pairs_of
from app.services.live import run as live
from kdcore.config import DistillConfig
from kdcore.config.teacher import without_folders
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.evaluation.measures import measure
from kdcore.judging.caveats import caveats, early
from kdcore.judging.results import answered_pairs
from kdcore.judging.retention import Retention, costing, retention
from kdcore.judging.seeds import Seeded, SeedRow, fold
from kdcore.judging.verdict import Judgement, judge
from kdcore.runs import listing
from kdcore.runs.sizes import ModelSize
from kdcore.runs.speed import Latency
from kdcore.runs.store import Run

METRIC = "roc_auc"
SPLIT = "test"


@dataclass(frozen=True)
class Case:
    """A finished distillation with all that its verdict is drawn from.

    board: the models' answers to the pairs that the run was tested on. twin: its twin's run,
    finished or not. teacher: from which it learned, where that run is here. offered: whether the
    other pages can show its pairs.
    """

    run: Run
    config: DistillConfig
    board: Board
    twin: Run | None
    teacher: Run | None
    offered: bool


def case_of(run_id: str) -> Case | None:
    """The case of a finished distillation; None for any other run. LabError when data are gone."""
    run = live.find(run_id)
    if run is None or run.stage != "distill" or not is_done(run):
        return None
    config = run.config
    assert isinstance(config, DistillConfig)
    student = _stored(run, run.predictions_path(SPLIT))
    if student is None:
        raise LabError(f"{run.id} has no predictions on test pairs: its data have no test split.")
    pairs, choice = _pairs(run, config.data, student.predictions.data_hash)
    twin, teacher = live.twin_of(run), teacher_of(run)
    board = Board(
        data=choice or DataChoice(config.data, pairs.name, "of this run", run.folder),
        all_pairs=pairs,
        teacher=_teacher(run, teacher, pairs),
        student=student,
        twin=_scored(twin, pairs),
    )
    return Case(run, config, board, twin, teacher, choice is not None)


@dataclass(frozen=True)
class Trained:
    """A finished teacher that learned from labels; board: its answers to its test pairs."""

    run: Run
    board: Board
    teacher: Answers


def trained_teacher(run_id: str) -> Trained | None:
    """A finished run that was trained to teach; None for any other, or without test pairs."""
    run = live.find(run_id)
    if run is None or run.stage == "distill" or run.role != "teacher" or not is_done(run):
        return None
    teacher = _stored(run, run.predictions_path(SPLIT))
    if teacher is None:
        return None
    pairs, choice = _pairs(run, run.data, teacher.predictions.data_hash)
    data = choice or DataChoice(run.data, pairs.name, "of this run", run.folder)
    return Trained(
        run, Board(data=data, all_pairs=pairs, teacher=teacher, student=None, twin=None), teacher
    )


def is_done(run: Run) -> bool:
    """Whether a run has come to its end."""
    return run.status().state == "finished"


def judgement(case: Case, seeds: int = 1) -> Judgement:
    """The verdict; what the other pages measured of the same answers is not measured again."""
    board = case.board
    assert board.student is not None
    return judge(
        board.pairs,
        board.student.predictions,
        board.twin.predictions if board.twin else None,
        board.teacher.predictions if board.teacher else None,
        METRIC,
        seeds=seeds,
        caveats=caveats(case.run, case.twin),
        comparison=evaluations.comparison(board, board.student, board.twin) if board.twin else None,
        gap=evaluations.gap(board, METRIC) if board.twin else None,
    )


def retention_of(case: Case) -> Retention | None:
    """What the student keeps of its teacher; None when the teacher has not answered the pairs."""
    board = case.board
    if board.teacher is None or board.student is None:
        return None
    sizes = (size_of(case.run), size_of(case.teacher) if case.teacher else None)
    share = _retention(board, board.student, board.teacher)
    return costing(share, Latency.read(case.run, access.home()), sizes)


@by_hash(most=40, on=lambda board, student, teacher: board)
def _retention(board: Board, student: Answers, teacher: Answers) -> Retention:
    twin = board.twin.predictions if board.twin else None
    return retention(
        board.pairs, student.predictions, teacher.predictions, twin=twin, metric=METRIC
    )


def size_of(run: Run) -> ModelSize | None:
    """How large a run's saved model is; None where there is none."""
    return listing.row_of(run.folder).size


def seeds_of(case: Case) -> SeedRow | None:
    """The runs that are this one but for the seed as one row; None when there is no other."""
    pairs = case.board.pairs
    whole = [run for run, fault in _alike(case) if not fault]
    rows = fold([seed for run in whole if (seed := _seeded(run, pairs))], METRIC)
    return rows[0] if rows and rows[0].value.n > 1 else None


def left_out(case: Case) -> str:
    """Which runs of this setting are left out of its seeds, and why; "" when none are."""
    reasons = [f"{run.id} ({fault})" for run, fault in _alike(case) if fault]
    return f"Left out of the seeds: {', '.join(reasons)}." if reasons else ""


def _alike(case: Case) -> list[tuple[Run, str]]:
    """The finished runs of a setting, each with why it is left out of the seeds, "" if it counts.

    Empty where the setting was run once.
    """
    settings = case.run.settings_but_seed
    rows = (row for row in listing.rows(case.run.folder.parent) if row.scored)
    finished = (row.run for row in rows if row.state == "finished")
    runs = [run for run in finished if run.settings_but_seed == settings]
    return [(run, _fault(run, case.board.pairs)) for run in runs] if len(runs) > 1 else []


def _fault(run: Run, pairs: PairTable) -> str:
    """Why a run is left out: it, or its twin, ended early or its predictions cannot be read."""
    for role, each in (("it", run), ("its twin", live.twin_of(run))):
        if each is not None and is_done(each) and (end := early(each)):
            return f"{role} was stopped {end}"
    try:
        _seeded(run, pairs)
    except (LabError, OSError):
        return "its saved predictions, or its twin's, cannot be read"
    return ""


def _seeded(run: Run, pairs: PairTable) -> Seeded | None:
    student, twin = _scored(run, pairs), _scored(live.twin_of(run), pairs)
    if student is None:
        return None
    value = _point(pairs, student)
    delta = value - _point(pairs, twin) if twin else nan
    return Seeded(run.id, run.settings_but_seed, run.seed, value, delta)


@by_hash(most=400)
def _point(pairs: PairTable, model: Answers) -> float:
    """The metric alone, without an interval."""
    return float(measure(pairs, model.predictions).value_of(METRIC)[0])


def _pairs(run: Run, data: str, data_hash: str) -> tuple[PairTable, DataChoice | None]:
    """The pairs that a run was tested on, and the data set of the pages that shows just these."""
    for choice in data_choices():
        if choice.key in (data, data.partition(":")[0]):
            table = pairs_of(choice, SPLIT if is_cut_by_runs(choice) else "")
            if table.content_hash == data_hash:
                return table, choice
    return _own_pairs(str(run.folder), data_hash), None


@by_hash(most=4)
def _own_pairs(folder: str, data_hash: str) -> PairTable:
    return answered_pairs(Run.load(Path(folder)))


def _stored(model: Run | str, path: Path, pairs: PairTable | None = None) -> Answers | None:
    """A model's stored predictions; None when there are none, or not of just these pairs.

    model: its run, or its id where the run was deleted.
    """
    if not path.is_file():
        return None
    if isinstance(model, Run):
        stored = answers(Source(model.id, model.shown_title, path, "", model))
    else:
        stored = answers(Source(model, model, path, "", None))
    fits = pairs is None or stored.predictions.data_hash == pairs.content_hash
    return stored if fits else None


def _scored(run: Run | None, pairs: PairTable) -> Answers | None:
    """What a finished run predicted of just these pairs."""
    if run is None or not is_done(run):
        return None
    return _stored(run, run.predictions_path(SPLIT), pairs)


def _teacher(run: Run, teacher: Run | None, pairs: PairTable) -> Answers | None:
    """The teacher's answers: its own run's, those that this run asked for, or scored ones."""
    if teacher is None:  # several teach, or the run was deleted: its answers are still here
        return _stored(without_folders(run.teacher), run.teacher_path(), pairs)
    for path in (teacher.predictions_path(SPLIT), run.teacher_path()):
        if (stored := _stored(teacher, path, pairs)) is not None:
            return stored
    scored = next((s for s in sources_on(pairs) if s.key == teacher.id), None)
    return answers(scored) if scored else None

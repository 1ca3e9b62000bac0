"""The stored results of a finished run: its test metrics, and its difference to other runs.

A run measures itself at its end (recipes/after_run.py): its test metrics, the difference to its
twin once both have answered the test pairs, and the difference to the starred baseline. What a
list of runs misses later is measured by a process in the background (kdcore/judging/background.py).
"""

from contextlib import suppress
from pathlib import Path

from kdcore.data.pairs import PairTable
from kdcore.errors import DataError, LabError, RunError
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.evaluate import Evaluation, evaluate
from kdcore.evaluation.exports import comparison_from_json, to_json
from kdcore.evaluation.gap import gap_file, gap_recovered
from kdcore.evaluation.result_files import (
    read_result,
    result_file,
    store_differences,
    stored_differences,
    write_result,
)
from kdcore.predictions import Predictions
from kdcore.runs import listing
from kdcore.runs.marks import Marks, starred
from kdcore.runs.resolve import split_of
from kdcore.runs.store import Run
from kdcore.runs.twins import find_twin, is_twin, teacher_of
from kdcore.workspace import Workspace, write_text_atomic

SPLIT = "test"
DEPTH = 5  # of the label density in a comparison
TEMPERATURE = 2.0  # at which a student is set beside its teacher
_MANY = 20_000  # pairs above which areas are permuted less often


def area_permutations(pairs: PairTable) -> int:
    """How often areas are computed anew for a p-value; pages show this number beside it."""
    return 1000 if len(pairs) <= _MANY else 200


def measure_finished(run: Run, pairs: PairTable, workspace: Workspace) -> None:
    """Measure a run that has just answered its test pairs, and store the results.

    Whichever of a student and its twin answers last measures the difference. pairs: the test split.
    """
    teacher = teacher_answers(run, pairs)
    evaluate_run(run, pairs, teacher)
    for student, twin in _twins_of(run):
        with suppress(DataError):  # the other has answered other pairs, or nothing yet
            compare_twins(student, twin, pairs, workspace)
    base = starred_run(workspace)
    if base is not None and base.folder != run.folder:
        with suppress(DataError):
            compare_runs(run, base, pairs, workspace)


def measure_missing(run: Run, base: Run | None, workspace: Workspace) -> None:
    """Measure what is missing of a run: its test, and its difference to `base` on the same pairs.

    LabError where its answers or their pairs have been removed.
    """
    pairs = answered_pairs(run)
    is_writable = run.folder.parent != Workspace.bundled().runs
    if is_writable and not listing.row_of(run.folder).test.metrics:
        evaluate_run(run, pairs, teacher_answers(run, pairs))
    if base is None or base.folder == run.folder:
        return
    if stored_differences(workspace, run, base) is None:
        if is_twin(run, base):
            compare_twins(run, base, pairs, workspace)
        else:
            compare_runs(run, base, pairs, workspace)


def evaluate_run(run: Run, pairs: PairTable, teacher: Predictions | None) -> Evaluation:
    """Evaluate a run on its test pairs and store that in its folder, as `kdlab evaluate` does."""
    own = _answers(run, pairs)
    evaluation = evaluate(pairs, own, teacher=teacher, temperature=TEMPERATURE)
    write_text_atomic(run.evaluation_path(SPLIT), to_json(evaluation))
    how = ("evaluation", TEMPERATURE)
    write_result(result_file(run.folder / "evaluation", pairs, (own, teacher), *how), evaluation)
    return evaluation


def compare_runs(run: Run, base: Run, pairs: PairTable, workspace: Workspace) -> Comparison:
    """The comparison of two runs on the same pairs, stored where lists and pages find it.

    DataError where one of them has answered other pairs.
    """
    path, (ours, theirs, teacher) = _comparison_file(run, base, pairs)
    comparison = read_result(path, comparison_from_json)
    if comparison is None:
        comparison = compare(
            pairs,
            ours,
            theirs,
            teacher=teacher,
            depth=DEPTH,
            area_permutations=area_permutations(pairs),
        )
        if run.folder.parent != Workspace.bundled().runs:
            with suppress(OSError):  # a full disk is no reason to stop
                write_result(path, comparison)
    store_differences(workspace, run, base, comparison)
    return comparison


def compare_twins(student: Run, twin: Run, pairs: PairTable, workspace: Workspace) -> Comparison:
    """The comparison of a student with its twin; it is stored with the gap recovered."""
    comparison = compare_runs(student, twin, pairs, workspace)
    teacher = teacher_answers(student, pairs)
    if teacher is not None:
        ours, theirs = _answers(student, pairs), _answers(twin, pairs)
        path = gap_file(student.folder / "evaluation", pairs, theirs, ours, teacher, "roc_auc")
        if not path.is_file() and student.folder.parent != Workspace.bundled().runs:
            write_result(path, gap_recovered(pairs, theirs, ours, teacher, "roc_auc"))
    return comparison


def stored_comparison(run: Run, base: Run, pairs: PairTable) -> Comparison | None:
    """The comparison in the folder of a run, where it was measured before."""
    return read_result(_comparison_file(run, base, pairs)[0], comparison_from_json)


def _comparison_file(
    run: Run, base: Run, pairs: PairTable
) -> tuple[Path, tuple[Predictions, Predictions, Predictions | None]]:
    """Where the comparison of two runs lies, and the answers that it compares."""
    teacher = teacher_answers(run, pairs) or teacher_answers(base, pairs)
    answers = (_answers(run, pairs), _answers(base, pairs), teacher)
    how = ("comparison", DEPTH, area_permutations(pairs))
    return result_file(run.folder / "evaluation", pairs, answers, *how), answers


def teacher_answers(run: Run, pairs: PairTable) -> Predictions | None:
    """The answers of a run's teacher to these pairs: its own test predictions, or stored ones."""
    teacher = teacher_of(run)
    paths = [teacher.predictions_path(SPLIT)] if teacher else []
    for path in (*paths, run.teacher_path(SPLIT)):
        with suppress(LabError, OSError):
            answers = Predictions.load(path)
            if answers.data_hash == pairs.content_hash:
                return answers
    return None


def answered_pairs(run: Run) -> PairTable:
    """The pairs that a run's test predictions answer; RunError when they are not here."""
    content_hash = Predictions.load(run.predictions_path(SPLIT)).data_hash
    bundled = Workspace.bundled().data / run.data.partition(":")[0]
    with suppress(LabError, OSError):
        table = PairTable.load(bundled)
        if table.content_hash == content_hash:
            return table
    with suppress(LabError):
        table = split_of(run, SPLIT)
        if table.content_hash == content_hash:
            return table
    raise RunError("the pairs that it was scored on are not here any more")


def starred_run(workspace: Workspace) -> Run | None:
    """The baseline that a person starred, a run of the workspace or of the bundled demo."""
    key = starred(Marks(workspace).read())
    own = workspace.runs / key.removeprefix("own:")
    shipped = Workspace.bundled().runs / key
    for folder in (own,) if key.startswith("own:") else (shipped, own):
        if key and (folder / "config.json").is_file():
            return Run.load(folder)
    return None


def _twins_of(run: Run) -> list[tuple[Run, Run]]:
    """Each student and twin of which this run is one and the other lies beside it."""
    rows = (row.run for row in listing.rows(run.folder.parent) if row.scored)
    others = [other for other in rows if other.folder != run.folder]
    if run.is_distilled:
        twin = find_twin(run, others)
        return [(run, twin)] if twin else []
    return [(other, run) for other in others if is_twin(other, run)]


def _answers(run: Run, pairs: PairTable) -> Predictions:
    """A run's answers to just these pairs, else DataError."""
    answers = Predictions.load(run.predictions_path(SPLIT))
    answers.require(pairs.content_hash, len(pairs))
    return answers

"""What took seconds to measure is kept in the visitor's lab, and never by a public one."""

from dataclasses import replace

import pytest

from app.kit import by_hash
from app.services import evaluations
from app.services.answers import Answers, sources
from app.services.boards import Board, DataChoice
from kdcore.data.pairs import PairTable
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.exports import to_json
from kdcore.predictions import Predictions
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.made_lab import Made, make_lab


@pytest.fixture
def board(tmp_path, monkeypatch):
    make_lab(tmp_path / "demo", Made(bare=True))
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    by_hash.clear()
    folder = tmp_path / "demo" / "data" / "world"
    pairs = PairTable.load(folder)
    pairs = pairs.split("test") if len(pairs.splits) > 1 else pairs
    store = RunStore(Workspace(tmp_path / "demo").runs)
    said = []
    for key in ("teacher", "student-kd", "student-hard"):
        run = store.get(key)
        kept = Predictions.load(run.predictions_path("test"))
        said.append(Answers(key, run.shown_title, kept, run))
    yield Board(DataChoice("world", "World", "bundled", folder), pairs, *said)
    by_hash.clear()


def kept(tmp_path):
    return sorted((tmp_path / "home").rglob("cache/measured/*.json"))


def test_a_comparison_is_kept_and_found_again_without_measuring(board, tmp_path, monkeypatch):
    found = evaluations.comparison(board, board.student, board.twin)
    assert len(kept(tmp_path)) == 1
    by_hash.clear()
    monkeypatch.delattr(evaluations, "compare")
    assert evaluations.comparison(board, board.student, board.twin) == found


def test_an_evaluation_is_kept_and_found_again_without_measuring(board, tmp_path, monkeypatch):
    found = evaluations.evaluation(board, board.student)
    by_hash.clear()
    monkeypatch.delattr(evaluations, "evaluate")
    assert evaluations.evaluation(board, board.student) == found


def test_a_public_lab_keeps_nothing(board, tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    evaluations.comparison(board, board.student, board.twin)
    evaluations.evaluation(board, board.student)
    assert not (tmp_path / "home").exists()


def test_a_teacher_s_kept_evaluation_against_itself_serves_as_its_own(board, monkeypatch):
    said = board.teacher.predictions
    alone = evaluate(board.pairs, said)
    beside = evaluate(board.pairs, said, teacher=said)
    path = board.teacher.run.evaluation_path("test")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(beside))
    monkeypatch.delattr(evaluations, "evaluate")
    found = evaluations.evaluation(board, board.teacher)
    assert found == alone
    assert list(found.columns) == list(alone.columns)


def test_many_pairs_are_permuted_less_often_and_the_comparison_says_so(board, monkeypatch):
    monkeypatch.setattr("kdcore.judging.results._MANY", len(board.pairs) - 1)
    found = evaluations.comparison(board, board.student, replace(board.twin, key="again"))
    assert found.differences["roc_auc"].permutations == 200
    assert found.differences["nll"].permutations == 10_000


def test_the_models_of_another_workspace_are_listed_anew(board, tmp_path, monkeypatch):
    assert sources()
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "empty"))
    assert not sources()

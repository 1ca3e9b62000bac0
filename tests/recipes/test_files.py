"""A file of scores as teacher: the student that its run would teach; parts, means, refusals."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kdcore import lab
from kdcore.config import MethodConfig
from kdcore.data.answers.choice import ColumnChoice
from kdcore.data.answers.imported import bring_file
from kdcore.data.answers.stored import keep
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, DataError, RunError
from kdcore.export.card import model_card
from kdcore.export.exported import Exported
from kdcore.judging.caveats import caveats
from kdcore.predictions import Predictions
from kdcore.report.facts import facts_of
from kdcore.runs.store import Run
from kdcore.softlabels import soften
from kdcore.teachers.cached import TeacherPredictions
from kdcore.teachers.files import file_predictions
from kdcore.workspace import Workspace
from tests.recipes.conftest import (
    assert_same_result,
    created,
    distillation,
    kill_before_step,
    weights,
)

Asked = Callable[..., TeacherPredictions]
TEXTS = ["query", "title", "description"]


@pytest.fixture
def scores(teacher: Run, pairs: PairTable, home: Workspace) -> pd.DataFrame:
    """The teacher's logits of every split, as a file would hold them."""
    frames = []
    for split in pairs.splits:
        part = pairs.split(split)
        logits = lab.answers(teacher, part, home, "cpu")[0].logits.astype(float)
        columns = {f"logit_{grade}": logits[:, grade] for grade in range(2)}
        frames.append(part.frame[[*TEXTS, "grade", "split"]].assign(**columns))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, pd.DataFrame], str]:
    """Write a frame as a file; its name decides how."""

    def written(name: str, frame: pd.DataFrame) -> str:
        path = tmp_path / name
        if name.endswith("jsonl"):
            frame.to_json(path, orient="records", lines=True, double_precision=15)
        elif name.endswith("parquet"):
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False, sep="\t" if name.endswith("tsv") else ",")
        return str(path)

    return written


@pytest.fixture
def ask(teacher: Run, pairs: PairTable, home: Workspace) -> Asked:
    """What a config's files answer at the start of a run."""

    def asked(text: str, **changes: Any) -> TeacherPredictions:
        config = replace(distillation(teacher, **changes), teacher=text)
        return file_predictions(config, pairs, created(config, home), home)

    return asked


def test_a_file_teaches_the_student_that_its_run_would(
    teacher: Run, scores: pd.DataFrame, write: Any, home: Workspace
) -> None:
    """Shuffled rows in another kind of file: the same bytes, curves and predictions."""
    mixed = scores.sample(frac=1, random_state=0).drop(columns=["grade", "split"])
    path = write("scores.parquet", mixed)
    by_run = lab.start(distillation(teacher), home)
    by_file = lab.start(replace(distillation(teacher), teacher=f"file:{path}"), home)
    assert_same_result(by_run, by_file)
    files = json.loads((by_file.folder / "provenance.json").read_text())["teacher_files"]
    assert [each["name"] for each in files] == ["scores.parquet"]
    assert len(files[0]["sha256"]) == 64
    card = (by_file.folder / "README.md").read_text()
    assert "taught by file:scores.parquet" in card
    assert "48 of the 48 pairs to learn from have a score (100%)" in card
    assert np.array_equal(
        Predictions.load(by_file.teacher_path()).logits,
        scores.loc[scores["split"] == "test", ["logit_0", "logit_1"]].to_numpy(),
    )


def test_the_share_of_scored_pairs_is_recorded_and_limits_the_verdict(
    teacher: Run, scores: pd.DataFrame, write: Any, home: Workspace, pairs: PairTable
) -> None:
    few = scores[scores["split"] == "train"].iloc[:12].drop(columns=["grade", "split"])
    config = replace(distillation(teacher), teacher=f"file:{write('few.csv', few)}")
    run = created(config, home)
    file_predictions(config, pairs, run, home)
    assert run.scored_pairs() == (12, 48)
    text = "The teacher scored 12 of the 48 pairs to learn from (25%)"
    assert any(text in caveat for caveat in caveats(run, None))


def test_pairs_without_a_score_learn_from_their_labels_only(
    teacher: Run, scores: pd.DataFrame, write: Any, home: Workspace, tmp_path: Path
) -> None:
    """How many they are is told, and what cannot be known of the teacher; no folder is shown."""
    train = scores[scores["split"] == "train"]
    half = train.iloc[::2].drop(columns=["grade", "split"])
    path, runs = write("half.csv", half), []
    for soft in (1.0, 0.0):
        config = replace(distillation(teacher, soft_weight=soft), teacher=f"file:{path}")
        runs.append(lab.start(config, home))
    assert weights(runs[0]) != weights(runs[1])
    notes = " ".join(runs[0].notes)
    assert "24 of the 48 pairs to learn from have a score (50%)" in notes
    assert "the others learn from their labels only" in notes
    assert "less than half" not in notes
    assert "half.csv has scores for none of the test pairs" in notes
    assert not runs[0].teacher_path().exists()
    assert any("does not score every test pair" in text for text in caveats(runs[0], None))
    exported = Exported(runs[0].id, runs[0].folder, (), "script", 8, 0.0)
    card = model_card(facts_of(runs[0], home), exported, runs[0].model)
    assert "Teacher: `file:half.csv`" in card
    assert str(tmp_path) not in card
    assert all("soft" in line for line in runs[0].metrics() if "hard" in line)


@pytest.mark.parametrize("name", ["scores.tsv", "scores.jsonl"])
def test_every_kind_of_number_becomes_the_soft_labels_that_it_means(
    name: str, scores: pd.DataFrame, write: Any, ask: Asked
) -> None:
    chances = soften(scores[["logit_0", "logit_1"]].to_numpy())
    frame, train = scores[TEXTS], (scores["split"] == "train").to_numpy()
    odds = np.log(chances[:, 1] / chances[:, 0])
    for column, values in (("relevance", chances[:, 1]), ("logit", odds)):
        path = write(name, frame.assign(**{column: values}))
        soft = soften(ask(f"file:{path}").transfer.logits)
        np.testing.assert_allclose(soft, chances[train], atol=1e-6)
    grades = np.where(chances[:, 1] > 0.5, "Good", "Bad")
    path = write(name, frame.assign(judge=grades))
    soft = soften(ask(f"file:{path},kind=grade,column=judge,smoothing=0.2").transfer.logits)
    np.testing.assert_allclose(soft[:, 1], np.where(chances[train, 1] > 0.5, 0.9, 0.1))


def test_a_free_score_teaches_an_order_and_is_refused_as_soft_labels(
    scores: pd.DataFrame, write: Any, ask: Asked, teacher: Run, home: Workspace
) -> None:
    gap = 7 * (scores["logit_1"] - scores["logit_0"])
    path = write("free.csv", scores[TEXTS].assign(score=gap))
    with pytest.raises(ConfigError, match=r"free\.csv was read as one number: a free score"):
        ask(f"file:{path}")
    with pytest.raises(ConfigError, match="an order and gaps"):
        replace(distillation(teacher), teacher=f"file:{path},kind=score")
    ranking = MethodConfig(name="ranking", params={"loss": "margin_mse"})
    soft = ask(f"file:{path}", method=ranking).transfer
    odds = soft.logits[:, 1] - soft.logits[:, 0]
    train = (scores["split"] == "train").to_numpy()
    assert np.array_equal(np.argsort(odds), np.argsort(gap[train].to_numpy()))
    run = lab.start(replace(distillation(teacher, method=ranking), teacher=f"file:{path}"), home)
    assert any("scale of the scores" in note for note in run.notes)


def test_files_are_averaged_by_their_weights_where_each_has_a_score(
    scores: pd.DataFrame, write: Any, ask: Asked
) -> None:
    """P = 0.9 of weight 2 and 0.3 of weight 1: 0.7; where one has none, the other's."""
    frame = scores.loc[scores["split"] == "train", TEXTS]
    one = write("one.csv", frame.assign(relevance=0.9))
    two = write("two.csv", frame.iloc[:10].assign(relevance=0.3))
    given = ask(f"file:{one}+{two},weights=2+1")
    soft = soften(given.transfer.logits)[:, 1]
    np.testing.assert_allclose(soft, [*[0.7] * 10, *[0.9] * 38])
    assert given.answered is None
    assert any(
        "10 pairs to learn from have a score in each of the 2 files" in n for n in given.notes
    )
    odds = ask(f"file:{one}+{two},weights=2+1,average=logits").transfer.logits
    expected = (2 * np.log(9) + np.log(3 / 7)) / 3
    np.testing.assert_allclose(odds[:10, 1] - odds[:10, 0], expected)


def test_predictions_imported_under_a_name_teach_as_their_file_would(
    scores: pd.DataFrame, write: Any, ask: Asked, pairs: PairTable, home: Workspace
) -> None:
    """Imported for train in part and for test as a whole; both files belong to the one name."""
    for split, rows in (("train", slice(0, None, 3)), ("test", slice(None))):
        part = scores[scores["split"] == split].iloc[rows]
        path = Path(write(f"{split}.csv", part[[*TEXTS, "logit_0", "logit_1"]]))
        brought = bring_file(
            path, pairs, split, model="A judge, v1", choice=ColumnChoice(), partial=True
        )
        keep(brought.predictions, home, "invented")
    text = "file:A judge%2C v1"
    given = ask(text)
    assert given.answered is not None
    assert given.answered.sum() == 16
    assert any("less than half of the pairs to learn from: take the" in n for n in given.notes)
    assert given.test is not None
    train = scores.loc[scores["split"] == "train", ["logit_0", "logit_1"]].to_numpy()
    np.testing.assert_array_equal(given.transfer.logits[given.answered], train[::3])
    with pytest.raises(ConfigError, match="imported are 'A judge, v1'"):
        ask("file:Another judge")
    brought = bring_file(path, pairs, "test", model="Tested", choice=ColumnChoice())
    keep(brought.predictions, home, "invented")
    with pytest.raises(DataError, match="has scores for test only, and the student learns from tr"):
        ask("file:Tested")


@pytest.mark.slow
def test_a_changed_file_is_refused_when_a_run_goes_on(
    teacher: Run,
    scores: pd.DataFrame,
    write: Any,
    home: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = scores.drop(columns=["grade", "split"])
    path = write("scores.csv", frame)
    config = replace(distillation(teacher), teacher=f"file:{path}")
    undisturbed = lab.start(config, home)
    run = lab.create(config, home)
    kill_before_step(12, run, home, monkeypatch)
    write("scores.csv", frame.assign(logit_1=0.5))
    with pytest.raises(RunError, match=r"scores\.csv changed after .* began"):
        lab.execute(run, home)
    write("scores.csv", frame)
    lab.execute(run, home)
    assert_same_result(undisturbed, run)


def test_a_file_that_teaches_nothing_leaves_no_run(
    teacher: Run, scores: pd.DataFrame, write: Any, home: Workspace
) -> None:
    others = scores[TEXTS].assign(query="never searched", relevance=0.5, shade="red")
    path, before = write("others.csv", others), len(list(home.runs.iterdir()))
    with pytest.raises(DataError, match=r"48 of 48 pairs have no prediction.*used are .shade"):
        lab.start(replace(distillation(teacher), teacher=f"file:{path}"), home)
    with pytest.raises(ConfigError, match=r"there is no file 'gone\.csv'"):
        lab.start(replace(distillation(teacher), teacher="file:/nowhere/gone.csv"), home)
    assert len(list(home.runs.iterdir())) == before

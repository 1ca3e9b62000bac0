"""Scores from elsewhere teach on the Distill page: added there, chosen, named without a path."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.kit.by_hash import clear
from app.services import roles
from app.services.answers import Source
from app.services.draft import decode, draft_of
from app.views.distill.queries import cost
from app.views.distill.queries.cost import Cost
from kdcore.data.pairs import PairTable, make_frame
from kdcore.experiments.launch import launch
from kdcore.labels import BINARY
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.views.distill.acting import page
from tests.app.visitor import choices, press, texts, visit


@pytest.fixture(autouse=True)
def unforeseen(monkeypatch) -> None:
    """Nothing is estimated, which takes time."""
    monkeypatch.setattr(cost, "cost", lambda config, train_twin: Cost(why="not measured"))


@pytest.fixture
def mine(home: Workspace) -> PairTable:
    """A data set of the visitor's own, with pairs to train, validate and test on."""
    queries = [f"thing {q}" for q in range(24) for _ in range(4)]
    titles = [f"offer {a} for {q}" for q in range(24) for a in range(4)]
    splits = [("train", "train", "validation", "test")[q % 4] for q in range(24) for _ in range(4)]
    grades = [(q + a) % 2 for q in range(24) for a in range(4)]
    frame = make_frame(queries, titles, [""] * 96, grades, splits)
    pairs = PairTable(frame, BINARY, "mine", "Invented.")
    pairs.save(home.data_folder("mine"))
    clear()
    return pairs


@pytest.fixture
def scores(mine: PairTable, tmp_path: Path) -> Path:
    """A relevance for half of the training pairs and for every test pair."""
    frame = mine.frame[["query", "title"]].assign(relevance=np.linspace(0.05, 0.95, 96))
    known = (mine.frame["split"] == "test") | (mine.frame.index % 2 == 0)
    path = tmp_path / "private" / "judge scores.csv"
    path.parent.mkdir()
    frame[known & (mine.frame["split"] != "validation")].to_csv(path, index=False)
    return path


def test_a_file_of_this_machine_teaches_by_its_name_and_never_by_its_path(
    home: Workspace, scores: Path
) -> None:
    at = page(settings="data=mine")
    at.button_group(key="distill_teacher_kind").set_value("file").run()
    assert "choose imported scores, or add a file below" in texts(at)
    at.text_input(key="distill_path").set_value(str(scores.with_name("gone.csv")))
    press(at, "Read the file")
    assert "there is no such file on this machine" in texts(at)
    at.text_input(key="distill_path").set_value(str(scores))
    press(at, "Read the file")
    settings = choices(at).distill.settings
    assert settings == "data=mine;teacher=file:judge scores.csv"
    assert at.multiselect(key="distill_teacher_files").value == ["judge scores.csv"]
    assert "judge scores.csv: read as " in texts(at)
    assert "24 of the 48 pairs to learn from have a score (50%)" in texts(at)
    assert not at.exception
    config = draft_of("sixty_seconds", decode(settings)).config
    assert config is not None
    launched = launch(config, home, start=False)
    assert launched.twin is not None
    assert launched.student.teacher == "file:judge scores.csv"
    runs = RunStore(home.runs).list()
    offered = [Source(run.id, run.title, run.folder, "", run) for run in runs]
    assert len(offered) == 2
    assert roles.default_teacher(offered) is None  # the file taught, and no other model
    student = roles.default_student(offered, None)
    assert student is not None
    assert student.key == launched.student.id
    at = visit("data", data="mine", part="train", dtab="score")
    press(at, "Distill from the scores of judge scores")
    assert "teacher=file:judge scores.csv" in choices(at).distill.settings
    assert not at.exception


def test_scores_of_train_and_test_join_data_together_and_teach_as_such(
    mine: PairTable, scores: Path
) -> None:
    at = visit("data", data="mine", dtab="score", part="test")
    for name, role in (("Tested", "other"), ("Judge", "teacher")):
        at.radio(key="data_role").set_value(role)
        at.text_input(key="data_model_name").set_value(name)
        uploader = next(u for u in at.get("file_uploader") if "upload_answers" in str(u.key))
        uploader.upload("scores.csv", scores.read_bytes(), "text/plain")
        at.run()
        box = at.checkbox(key=f"data_answers_others_{role}")
        assert box.label == "Import the scores of 24 pairs of train too"
        assert box.value == (role == "teacher")
        press(at, f"Import predictions of {name}")
        assert not at.exception
    assert "Distill from the scores of Tested" not in [b.label for b in at.button]
    press(at, "Distill from the scores of Judge")
    assert "teacher=file:Judge" in choices(at).distill.settings
    at = page(settings="data=mine")
    at.button_group(key="distill_teacher_kind").set_value("file").run()
    chooser = at.multiselect(key="distill_teacher_files")
    assert chooser.value == ["Judge"]
    assert set(chooser.options) == {"Judge · train, test", "Tested · test only"}


def test_a_link_cannot_make_the_lab_read_a_path(scores: Path) -> None:
    now = draft_of("sixty_seconds", {"data": "mine", "teacher": f"file:{scores}"})
    assert now.config is None
    assert any("are imported for these data; choose others" in text for text in now.problems)


@pytest.mark.slow
def test_a_public_showing_reads_no_file(mine: PairTable, monkeypatch) -> None:
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = page(settings="data=mine;teacher=file:")
    assert not [e for e in at.text_input if e.key == "distill_path"]
    assert not [e for e in at.get("file_uploader") if e.key == "distill_file"]
    assert not at.exception


def test_a_free_score_is_refused_in_the_words_of_the_page_and_a_button_takes_ranking(
    scores: Path,
) -> None:
    table = pd.read_csv(scores).rename(columns={"relevance": "score"})
    table.assign(score=10 * table["score"] - 4).to_csv(scores, index=False)
    at = page(settings="data=mine;teacher=file:")
    at.text_input(key="distill_path").set_value(str(scores))
    press(at, "Read the file")
    assert "read as one number: a free score" in texts(at)
    assert "judge scores.csv gives a free score. Response reads a probability" in texts(at)
    assert "kind=relevance" not in texts(at)
    press(at, "Use Ranking")
    now = draft_of("sixty_seconds", decode(choices(at).distill.settings))
    assert now.config is not None
    assert now.config.method.name == "ranking"
    assert "Use Ranking" not in [button.label for button in at.button]


def test_one_run_goes_back_to_the_run_that_taught_before_the_file(mine: PairTable) -> None:
    at = page(settings="data=mine;teacher=twinbert_cos-hard")
    at.button_group(key="distill_teacher_kind").set_value("file").run()
    assert "teacher=file:" in choices(at).distill.settings
    at.button_group(key="distill_teacher_kind").set_value("run").run()
    assert "teacher=twinbert_cos-hard" in choices(at).distill.settings

"""Start tells a newcomer what this place is and what the teacher was worth."""

import json
import re
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.services import access, roles
from app.services.answers import Source
from app.services.runs.names import model_name
from app.state import keys
from kdcore.runs.store import Run, RunStore
from tests.app.opening import sent

MAIN = str(Path(__file__).parents[4] / "app" / "main.py")


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    services.sources.clear()  # another test's demo may have been listed a moment ago
    return AppTest.from_file(MAIN, default_timeout=60).run()


def test_the_finding_names_share_interval_number_of_pairs_and_metric(start):
    said = start.text[0].value
    assert re.search(r"gap recovered \d+ % \[\d+, \d+\]", said)
    assert "over 10,000 pairs its ROC-AUC is" in said


def test_a_newcomer_is_told_what_teacher_and_student_are(start):
    told = " ".join(c.value for c in start.caption)
    assert "**teacher**" in told
    assert "**student**" in told


def test_no_name_on_offer_says_bundled_twice(start):
    assert start.selectbox(key="pick_data").options == ["Data: Bundled world"]


def test_the_door_to_own_data_opens_the_form_for_them_and_each_page_names_its_split(start):
    assert "Bundled world: all 10,000 pairs" in [c.value.replace("\\", "") for c in start.caption]
    assert start.button(key="door_lesson").label == "Start the lesson: What a soft label tells"
    start.button(key="door_data").click().run()
    assert start.title[0].value == "Data"
    assert start.session_state["kd_state"].data.tab == "bring"
    assert any(u.key.startswith("upload_data") for u in start.get("file_uploader"))


def own_run(home: Path, name: str, created: float, limit: int) -> None:
    """A student and its twin of the visitor, with the answers of the bundled ones."""
    for kind, about in (("hard", {}), ("kd", {"role": "student", "twin": f"{name}-hard"})):
        folder = home / "runs" / f"{name}-{kind}"
        shutil.copytree(access.demo().runs / f"twinbert_cos-{kind}", folder)
        config = json.loads((folder / "config.json").read_text()) | {"limit": limit}
        if "teacher" in config:
            config["teacher"] = str(access.demo().runs / "teacher")
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "about.json").write_text(json.dumps(about))
        status = json.loads((folder / "status.json").read_text())
        (folder / "status.json").write_text(json.dumps(status | {"title": "", "created": created}))


def test_the_story_is_the_bundled_four_in_their_order_and_the_newest_own_run_beside_it(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    services.sources.clear()
    before = services.story(services.board())
    assert len(before.rungs) == 4
    for n in range(3):
        own_run(tmp_path, f"mine{n}", 2e9 + n, 1000 * (n + 1))
    services.sources.clear()
    told = services.story(services.board())
    assert told.rungs[:4] == before.rungs
    assert [r.key for r in told.rungs[4:]] == ["mine2-kd"]
    assert told.rungs[4].newest
    assert told.rungs[4].title.startswith("TwinBERT cosine, T 2, ")
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    at.button(key="story_own").click().run()
    assert at.session_state["kd_state"].distill.run == "mine2-kd"
    services.sources.clear()


def test_the_app_opens_on_a_student_that_has_a_twin(tmp_path):
    bundled = access.demo().runs
    alone = shutil.copytree(bundled / "twinbert_cos-kd", tmp_path / "alone")
    settings = json.loads((alone / "config.json").read_text())
    (alone / "config.json").write_text(json.dumps(settings | {"seed": 7}))
    folders = (alone, bundled / "twinbert_cos-kd", bundled / "twinbert_cos-hard")
    offered = [Source(run.id, run.title, run.folder, "", run) for run in map(Run.load, folders)]
    assert roles.default_student(offered, None) is offered[1]
    assert roles.default_student(offered[:1], None) is offered[0]


def test_a_bundled_student_is_named_by_its_model_alone():
    run = RunStore(access.demo().runs).get("bert-kd")
    assert model_name(run, run.shown_title) == "BERT-2"
    assert model_name(None, "brought · mine") == "brought · mine"


def test_teacher_and_truth_have_their_intervals_in_picture_and_table(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    services.sources.clear()
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    data = sent(at, "ladder")
    table = next(w().table for w in at.session_state[keys.SECTIONS].values() if w().folded)
    for name, kind in (("teacher", "teacher"), ("truth", "the generator's true probabilities")):
        (row,) = table[table["training"] == kind].to_dict("records")
        assert data[name] == [row["ROC-AUC"], row["low (95 %)"], row["high (95 %)"]]
        assert row["low (95 %)"] < row["ROC-AUC"] < row["high (95 %)"]
    shares = table["gap recovered (%)"].dropna()
    assert f"gap recovered {shares.iloc[0]:.0f} %" in at.text[0].value

"""The Data page as a visitor uses it: cards, bringing a file, its problems, its import."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.panels import data_score
from app.services import data_head, data_intake, roles
from kdcore.errors import DataError, RunError
from kdcore.labels import FOUR_GRADES
from kdcore.pairs import PairTable, make_frame
from kdcore.predictions import Predictions
from kdcore.runs.about import About
from kdcore.runs.record import Status
from kdcore.workspace import Workspace

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def world(queries: int = 20, ads: int = 6) -> PairTable:
    rng = np.random.default_rng(0)
    query = [f"thing {q}" for q in range(queries) for _ in range(ads)]
    title = [f"offer {a} for {q}" for q in range(queries) for a in range(ads)]
    frame = make_frame(query, title, [""] * len(query), rng.integers(0, 4, len(query)), "test")
    return PairTable(frame, FOUR_GRADES, "world", "Invented.")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Workspace:
    """An empty workspace beside a demo with two models that have answered."""
    demo, pairs = tmp_path / "demo", world()
    pairs.save(demo / "data" / "world")
    for key, skill in (("teacher", 3.0), ("twinbert_cos-kd", 1.5)):
        folder = demo / "runs" / key
        logits = np.random.default_rng(len(key)).normal(size=(len(pairs), 4)).astype(np.float32)
        logits[np.arange(len(pairs)), pairs.grades] += skill
        Predictions(logits, pairs.content_hash, key).save(folder / "predictions" / "test.parquet")
        (folder / "config.json").write_text(json.dumps({"stage": "finetune", "data": "world"}))
        (folder / "status.json").write_text(json.dumps({"state": "finished", "title": key}))
    monkeypatch.setenv("KDLAB_DEMO", str(demo))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    services.sources.clear()  # it is kept for seconds, a test is shorter
    return Workspace(tmp_path / "home")


def page(**link: str) -> AppTest:
    """The Data page, opened by a link."""
    at = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in link.items():
        at.query_params[name] = value
    at.run()
    return at.switch_page("views/data.py").run()


def texts(at: AppTest) -> str:
    """All that the page says in words."""
    kinds = ("text", "markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(str(e.value) for kind in kinds for e in at.get(kind))


def upload(at: AppTest, name: str, content: bytes) -> AppTest:
    at.get("file_uploader")[0].upload(name, content, "text/plain")
    return at.run()


def button(at: AppTest, label: str):
    return next(b for b in at.button if b.label.startswith(label))


GOOD = "".join(
    f"shoes {q}\t{'red' if a else 'blue'} shoes no {q}\t{'yes' if a else 'no'}\n"
    for q in range(30)
    for a in range(2)
)
ODD = ("suchwort\tanzeige\tziel\n" + GOOD).encode()


def test_the_page_says_what_one_stands_on_before_anything_is_touched():
    at = page()
    assert not at.exception
    assert "The pages stand on 120 pairs of 20 queries" in texts(at)
    assert "a random order already has nDCG@5" in texts(at)
    assert "bundled with the lab" in texts(at)
    assert at.get("plotly_chart") == []


def test_an_open_card_shows_its_rows_and_says_so_in_the_link():
    at = page(dcard="duplicates")
    assert "No row: nothing" in texts(at).replace("\\", "")
    at = page(dcard="ads")
    assert at.query_params["dcard"] == "ads"
    assert list(at.dataframe[0].value["ads"]) == [6] * 20
    for odd in ({"dcard": "no such card"}, {"dcard": "rows", "dpage": "77"}, {"split": "nowhere"}):
        assert not page(**odd).exception


def test_the_teacher_stands_against_the_labels_and_its_suspects_are_listed():
    at = page(dtab="teacher")
    assert not at.exception
    assert len(at.get("plotly_chart")) == 1
    assert "say the opposite of a teacher" in texts(at)
    assert "hardly knows these data" not in texts(at)


def test_a_teacher_that_is_no_better_than_chance_is_called_a_stranger(tmp_path):
    pairs = world()
    noise = np.random.default_rng(0).normal(size=(len(pairs), 4)).astype(np.float32)
    path = tmp_path / "demo" / "runs" / "teacher" / "predictions" / "test.parquet"
    Predictions(noise, pairs.content_hash, "teacher").save(path)
    assert "hardly knows these data" in texts(page(dtab="teacher"))


def test_columns_of_any_name_are_mapped_and_imported_and_the_pages_stand_on_them(home):
    at = upload(page(dtab="bring"), "../../etc/odd ads.tsv", ODD)
    assert not at.exception
    chosen = {box.label: box.value for box in at.selectbox if box.key and "data_col" in box.key}
    assert chosen["Query"] == "suchwort"
    assert chosen["Ad title"] == "anzeige"
    at.selectbox(key=next(b.key for b in at.selectbox if "data_col_grade" in str(b.key))).set_value(
        "ziel"
    )
    at.run()
    assert "of no scheme that the lab knows; choose “my own grades” under" in texts(at)
    at.selectbox(key=next(b.key for b in at.selectbox if "data_scheme" in str(b.key))).set_value(
        "own"
    )
    at.run()
    found = next(t for t in at.text_input if "data_grades" in str(t.key)).value
    assert found == "no, yes"  # the labels of the file stand there to be put into order
    at.text_input(key=next(t.key for t in at.text_input if "data_grades" in str(t.key))).set_value(
        "no, yes"
    )
    at.run()
    assert "**60** of 60 rows can be used" in texts(at)
    name = next(t for t in at.text_input if t.label == "Name of the data set")
    assert name.value == "odd-ads"
    button(at, "Import 60 pairs").click()
    at.run()
    assert not at.exception
    assert at.query_params["data"] == "odd-ads"
    assert "Nobody has answered these 60 pairs yet" in texts(at)
    kept = PairTable.load(home.data_folder("odd-ads"))
    assert kept.scheme.grades == ("no", "yes")
    assert list(kept.grades[:2]) == [0, 1]
    assert not list((home.cache / "uploads").glob("*"))  # the copy is thrown away


def test_every_bad_row_is_told_at_once_and_may_be_left_out(home):
    lines = ["query\ttitle\tgrade"] + [f"q {i}\tad {i}\tGood" for i in range(20)]
    lines[5], lines[9] = "q 4\tonly two fields", "q 8\tad 8\tsplendid"
    at = upload(page(dtab="bring"), "x.tsv", "\n".join(lines).encode())
    assert "**18** of 20 rows can be used, **2** cannot" in texts(at)
    assert list(at.dataframe[1].value["line"]) == [6, 10]
    assert button(at, "Import 18 pairs").disabled
    next(c for c in at.checkbox if c.label.startswith("Leave the 2 bad rows out")).check()
    at.run()
    button(at, "Import 18 pairs").click()
    at.run()
    assert not at.exception
    at = page(data="x", dcard="rejected")
    assert list(at.dataframe[0].value["line"]) == ["6", "10"]


def test_a_name_that_is_taken_or_impossible_is_refused_and_nothing_typed_is_lost(home):
    at = upload(page(dtab="bring"), "x.tsv", ODD)
    grade = next(b.key for b in at.selectbox if "data_col_grade" in str(b.key))
    at.selectbox(key=grade).set_value("— none —")
    at.run()
    next(t for t in at.text_input if t.label == "Name of the data set").set_value("../up")
    at.run()
    button(at, "Import").click()
    at.run()
    assert "cannot be a data set" in texts(at)
    assert next(t for t in at.text_input if t.label == "Name of the data set").value == "../up"
    assert at.selectbox(key=grade).value == "— none —"
    assert not (home.root / "up").exists()


BAD = {
    "empty": ("x.tsv", b"", "the file is empty"),
    "binary": ("x.tsv", b"\x7fELF\0\0\1" * 50, "looks like a binary file"),
    "header only": ("x.csv", b"query,title,grade\n", "a header and no row"),
    "utf-16": ("x.tsv", "query\ttitle\n a\tb\n".encode("utf-16"), "save it as UTF-8"),
    "latin-1": ("x.tsv", "query\ttitle\nschön\tb\n".encode("latin-1"), "bytes that are no UTF-8"),
    "strange ending": ("x.exe", b"MZ", "has an ending that is not known"),
    "no parquet": ("x.parquet", b"PAR1 but not really", "no Parquet file"),
    "open quote": ("x.csv", b'query,title\na,"' + b"b\n" * 90_000, "quoting is broken"),
    "huge cell": ("x.tsv", b"query\ttitle\na\t" + b"b" * 1_100_000, "1,000,000 at most"),
}


@pytest.mark.parametrize(("name", "content", "said"), BAD.values(), ids=BAD)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(name, content, said):
    at = upload(page(dtab="bring"), name, content)
    assert not at.exception
    shown = texts(at) + "".join(str(d.value.to_dict()) for d in at.dataframe)
    assert said.replace("-", "\\-") in shown or said in shown


def test_texts_that_look_like_markup_or_formulas_stay_as_they_are(home):
    evil = "<script>alert(1)</script>"
    rows = (
        "query\ttitle\tgrade\n" + f"{evil}\t=HYPERLINK(1)\tGood\n[x](javascript:1)\t{evil}\tBad\n"
    )
    at = upload(page(dtab="bring"), f"{evil}.tsv", rows.encode())
    assert not at.exception
    assert evil not in texts(at)  # only ever escaped
    assert "1 text begins like a formula" in texts(at).replace("\\", "")
    assert at.dataframe[0].value.iloc[0, 0] == evil


def test_a_public_showing_lets_nothing_in_and_says_why(monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    for tab in ("bring", "score"):
        at = page(dtab=tab)
        assert "nothing started or kept" in texts(at)
        assert all(u.proto.disabled for u in at.get("file_uploader"))
    with pytest.raises(RunError, match="nothing started"):
        data_intake.stage([("x.tsv", b"a\tb\n")])
    with pytest.raises(RunError, match="nothing started"):
        data_intake.point_to("/etc/hostname")


def test_answers_brought_as_a_file_make_the_pages_work_on_them(home):
    at = upload(
        page(dtab="bring"),
        "x.tsv",
        b"query\ttitle\tgrade\n"
        + b"".join(
            b"q %d\tad %d\t%s\n" % (i // 4, i, b"Good" if i % 2 else b"Bad") for i in range(40)
        ),
    )
    button(at, "Import 40 pairs").click()
    at.run()
    for role, column in (("teacher", "p"), ("student", "free")):
        frame = pd.DataFrame({"p": np.linspace(0, 1, 40), "free": np.linspace(-9, 9, 40)})
        buffer = io.BytesIO()
        frame[[column]].rename(columns={column: "score"}).to_csv(buffer, index=False)
        at.radio(key="data_role").set_value(role)
        at.text_input(key="data_model_name").set_value(f"LLM {role}")
        upload(at, "answers.csv", buffer.getvalue())
        button(at, "Bring them").click()
        at.run()
        assert not at.exception
        assert at.query_params[role].startswith(f"brought:LLM-{role}-")
    assert "**2** have answered these 40 pairs" in texts(at)
    assert "only its order means something" in texts(at)


def test_answers_of_a_name_that_is_there_need_leave_to_take_its_place(home):
    at = page(dtab="score")
    for leave, first in ((False, 0.0), (True, 1.0)):
        scores = np.linspace(first, 0.5, 120)
        upload(at, "answers.csv", "\n".join(["score", *map(str, scores)]).encode())
        if leave:
            assert button(at, "Bring them").disabled
            assert "That name is taken" in texts(at)
            next(c for c in at.checkbox if c.label.startswith("Take the place of the ans")).check()
            at.run()
        button(at, "Bring them").click()
        at.run()
        assert not at.exception
        (path,) = home.root.glob("data/world/brought/my-teacher-*.parquet")
        said = Predictions.load(path).logits
        assert (said[0, 2:].max() > said[0, :2].max()) == bool(first)


def test_answers_to_other_pairs_are_refused_with_every_cause():
    at = page(dtab="score")
    upload(at, "a.csv", b"score\n0.1\n0.2\n")
    button(at, "Bring them").click()
    at.run()
    assert "2 rows where the data has 120 pairs" in texts(at)


def test_a_headless_file_is_seen_as_one_and_gets_names():
    rows = b"".join(b"q %d\tad %d\tsome words\tGood\n" % (i, i) for i in range(12))
    at = upload(page(dtab="bring"), "x.tsv", rows)
    assert next(c for c in at.checkbox if c.label.startswith("The first line is a pair")).value
    assert "**12** of 12 rows can be used" in texts(at)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["q", "headline", "relevance_label"], ("q", "headline", None, "relevance_label")),
        (
            ["search_term", "ad_title", "ad_desc", "rating"],
            ("search_term", "ad_title", "ad_desc", "rating"),
        ),
        (["a", "b"], (None, None, None, None)),
    ],
)
def test_column_names_are_guessed_when_they_say_what_they_hold(columns, found):
    guessed = dict(data_head.guess(columns, []))
    assert tuple(guessed[k] for k in ("query", "title", "description", "grade")) == found


@pytest.mark.parametrize("text", ["", "  ", "\0", "/no/such/file", "/dev/zero", "a" * 5000])
def test_a_path_that_leads_nowhere_is_a_sentence(text):
    with pytest.raises(DataError):
        data_intake.point_to(text)


def test_a_selected_row_opens_its_pair_in_compare_under_its_tag(tmp_path):
    pairs = world()
    denying = np.zeros((len(pairs), 4), np.float32)
    denying[np.arange(len(pairs)), 3 - pairs.grades] = 9.0
    path = tmp_path / "demo" / "runs" / "teacher" / "predictions" / "test.parquet"
    Predictions(denying, pairs.content_hash, "teacher").save(path)
    at = page(dtab="teacher")
    row = int(at.dataframe[0].value["row"].iloc[1])
    at.session_state["data_rows__teacher"] = {"selection": {"cells": [(1, "query")]}}
    at.run()
    at.button(key="data_open_pair").click()
    at.run()
    assert not at.exception
    assert at.query_params["pair"] == str(row)
    assert at.query_params["tags"] == "label_suspect"
    assert at.title[0].value == "Compare"


def test_a_second_scoring_keeps_the_teacher_that_has_answered():
    offered = {
        key: SimpleNamespace(run=SimpleNamespace(config={}))
        for key in ("bert-kd", "bert-hard", "teacher")
    }
    answered = SimpleNamespace(teacher=object())
    assert data_score._guess(SimpleNamespace(teacher=None), offered, set())[0] == "teacher"
    assert data_score._guess(answered, offered, {"teacher"})[0] == data_score.NOBODY


def test_a_student_is_scored_together_with_its_twin_and_none_other():
    budget = {"data": "world", "seed": 0, "limit": 5}
    blank = {"id": "r", "about": About(), "status": lambda: Status(state="finished")}
    taught = SimpleNamespace(
        config=budget | {"student": {"name": "cdssm"}, "teacher": "t"}, **blank
    )
    twin = SimpleNamespace(config=budget | {"model": {"name": "cdssm"}}, **blank)
    other = SimpleNamespace(config=budget | {"model": {"name": "bert"}}, **blank)
    longer = SimpleNamespace(config=budget | {"model": {"name": "cdssm"}, "limit": 6}, **blank)
    assert roles.same_budget(taught, twin)
    assert not any(roles.same_budget(taught, run) for run in (other, longer, taught))
    assert not roles.same_budget(twin, twin)


def test_an_imported_data_set_is_deleted_on_the_page_and_taken_back(home):
    world().save(home.data / "mine")
    at = page(data="mine")
    at.button(key="data_delete").click().run()
    assert not at.exception
    assert "data" not in at.query_params
    assert not (home.data / "mine").exists()
    back = next(b for b in at.button if str(b.key).startswith("data_restore_"))
    back.click().run()
    assert not at.exception
    assert at.query_params["data"] == "mine"
    assert PairTable.load(home.data / "mine").content_hash == world().content_hash


def test_the_bundled_world_offers_no_deletion():
    assert "data_delete" not in {b.key for b in page().button}


def test_a_public_showing_deletes_nothing(home, monkeypatch):
    world().save(home.data / "mine")
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    assert page(data="mine").button(key="data_delete").disabled

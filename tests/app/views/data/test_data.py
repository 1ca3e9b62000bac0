"""The Data page as a visitor uses it: cards, bringing a file, its problems, its import."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import services, state
from app.services import answers, boards, cautions, roles
from app.shell import caveats, report, save
from app.views.compare import cards as compare_cards
from app.views.compare.queries import pair_cards
from app.views.data import score as data_score
from app.views.data.queries import head, intake
from kdcore.data.answers.stored import brought_to, keep, twin_among
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import DataError, RunError
from kdcore.labels import FOUR_GRADES, LabelScheme
from kdcore.metrics.definitions import CATALOG
from kdcore.predictions import Origin, Predictions
from kdcore.runs.store import Run
from kdcore.runs.twins import is_twin
from kdcore.softlabels import soften
from kdcore.workspace import Workspace
from tests.app.opening import open_page
from tests.app.visitor import button, choices, press, texts, visit


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
    return visit("data", **link)


def teach(folder, logits) -> None:
    """Give the demo's teacher other predictions."""
    path = folder / "demo" / "runs" / "teacher" / "predictions" / "test.parquet"
    Predictions(logits.astype(np.float32), world().content_hash, "teacher").save(path)


def upload(at: AppTest, name: str, content: bytes) -> AppTest:
    box(at, "file_uploader", "upload_").upload(name, content, "text/plain")
    return at.run()


def box(at: AppTest, kind: str, name: str):
    """The widget of this kind whose key holds a name, or whose label begins with it."""
    for each in at.get(kind):
        if name in str(each.key) or each.label.startswith(name):
            return each
    raise AssertionError(f"no {kind} {name}")


GOOD = "".join(
    f"shoes {q}\t{'red' if a else 'blue'} shoes no {q}\t{'yes' if a else 'no'}\n"
    for q in range(30)
    for a in range(2)
)
ODD = ("suchwort\tanzeige\tziel\n" + GOOD).encode()


def test_the_page_says_what_one_stands_on_before_anything_is_touched():
    at = page()
    assert not at.exception
    assert "These data: 120 pairs of 20 queries" in texts(at)
    assert "a random order scores nDCG@5" in texts(at)
    assert "bundled with the lab" in texts(at)
    assert at.get("plotly_chart") == []


def test_an_open_card_shows_its_rows_and_says_so_in_the_link():
    at = page(dcard="duplicates")
    assert "No rows to show" in texts(at)
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
    assert "little better than chance on these data" not in texts(at)


def test_a_teacher_that_is_no_better_than_chance_is_called_a_stranger(tmp_path):
    teach(tmp_path, np.random.default_rng(0).normal(size=(len(world()), 4)))
    assert "little better than chance on these data" in texts(page(dtab="teacher"))


def test_columns_of_any_name_are_mapped_and_imported_and_the_pages_stand_on_them(home):
    at = upload(page(dtab="bring"), "../../etc/odd ads.tsv", ODD)
    assert not at.exception
    chosen = {box.label: box.value for box in at.selectbox if box.key and "data_col" in box.key}
    assert chosen["Query"] == "suchwort"
    assert chosen["Ad title"] == "anzeige"
    box(at, "selectbox", "data_col_grade").set_value("ziel").run()
    assert "of no label scheme that the lab has; choose “my own grades” under" in texts(at)
    box(at, "selectbox", "data_scheme").set_value("own").run()
    assert (
        box(at, "text_input", "data_grades").value == "no, yes"
    )  # the labels of the file stand there to be put into order
    assert "rows can be used" not in texts(at)
    box(at, "checkbox", "This order is right").check().run()
    assert "**60** of 60 rows can be used" in texts(at)
    assert box(at, "text_input", "Name of the data set").value == "odd-ads"
    press(at, "Import 60 pairs")
    assert at.query_params["data"] == "odd-ads"
    assert "No model has scored these 60 pairs yet" in texts(at)
    kept = PairTable.load(home.data_folder("odd-ads"))
    assert kept.scheme.grades == ("no", "yes")
    assert list(kept.grades[:2]) == [0, 1]
    assert not list((home.cache / "uploads").glob("*"))  # the copy is thrown away


def test_every_bad_row_is_told_at_once_and_may_be_left_out(home):
    lines = ["query\ttitle\tgrade"] + [f"q {i}\tad {i}\tGood" for i in range(20)]
    lines[5], lines[9] = "q 4\tonly two fields", "q 8\tad 8\tsplendid"
    at = upload(page(dtab="bring"), "x.tsv", "\n".join(lines).encode())
    assert "**18** of 20 rows can be used, **2** cannot" in texts(at)
    assert "relevant from Good. Pairs per split: train 18." in texts(at)
    assert list(at.dataframe[1].value["line"]) == [6, 10]
    assert button(at, "Import 18 pairs").disabled
    box(at, "checkbox", "Leave out 2 bad rows").check().run()
    press(at, "Import 18 pairs")
    at = page(data="x", dcard="rejected")
    assert list(at.dataframe[0].value["line"]) == ["6", "10"]


def test_a_name_that_is_taken_or_impossible_is_refused_and_nothing_typed_is_lost(home):
    at = upload(page(dtab="bring"), "x.tsv", ODD)
    box(at, "selectbox", "data_col_grade").set_value("— none —").run()
    box(at, "text_input", "Name of the data set").set_value("../up").run()
    press(at, "Import")
    assert "cannot be a data set" in texts(at)
    assert box(at, "text_input", "Name of the data set").value == "../up"
    assert box(at, "selectbox", "data_col_grade").value == "— none —"
    assert not (home.root / "up").exists()


BAD = {
    "empty": ("x.tsv", b"", "the file is empty"),
    "binary": ("x.tsv", b"\x7fELF\0\0\1" * 50, "looks like a binary file"),
    "header only": ("x.csv", b"query,title,grade\n", "a header but no rows"),
    "utf-16": ("x.tsv", "query\ttitle\n a\tb\n".encode("utf-16"), "save it as UTF-8"),
    "latin-1": ("x.tsv", "query\ttitle\nschön\tb\n".encode("latin-1"), "bytes that are not UTF-8"),
    "strange ending": ("x.exe", b"MZ", "has an unknown ending"),
    "no parquet": ("x.parquet", b"PAR1 but not really", "not a Parquet file"),
    "open quote": ("x.csv", b'query,title\na,"' + b"b\n" * 90_000, "quoting is broken"),
    "huge cell": ("x.tsv", b"query\ttitle\na\t" + b"b" * 1_100_000, "1,000,000 at most"),
}


@pytest.mark.parametrize(("name", "content", "said"), BAD.values(), ids=BAD)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(name, content, said):
    at = upload(page(dtab="bring"), name, content)
    assert not at.exception
    shown = texts(at) + "".join(str(d.value.to_dict()) for d in at.dataframe)
    assert said in shown


def test_texts_that_look_like_markup_or_formulas_stay_as_they_are(home):
    evil = "<script>alert(1)</script>"
    rows = (
        "query\ttitle\tgrade\n" + f"{evil}\t=HYPERLINK(1)\tGood\n[x](javascript:1)\t{evil}\tBad\n"
    )
    at = upload(page(dtab="bring"), f"{evil}.tsv", rows.encode())
    assert not at.exception
    assert evil not in "".join(str(m.value) for m in at.markdown)  # only ever escaped
    assert "1 text begins like a formula" in texts(at)
    assert at.dataframe[0].value.iloc[0, 0] == evil
    blanks = b"query\ttitle\tdescription\tgrade\nq\t\tsome\tGood\nq\tother\t\tBad\n"
    at = upload(page(dtab="bring"), "blank.tsv", blanks)
    assert "1 row has an empty title" in texts(at)
    assert "1 row has an empty description" in texts(at)


def test_qrels_queries_and_documents_are_imported_together_with_gains(home):
    """The qrels lost their folder in the upload; the run that follows is matched by ids."""
    ads = [(q, g) for q in range(12) for g in range(4)]
    qrels = "".join(f"q{q}\td{q}{g}\t{g}\n" for q, g in ads)
    files = {
        "corpus.jsonl": "".join(f'{{"_id": "d{q}{g}", "text": "ad {q} {g}"}}\n' for q, g in ads),
        "queries.tsv": "".join(f"q{q}\tquery {q}\n" for q in range(12)),
        "test.tsv": f"query-id\tcorpus-id\tscore\n{qrels}",
    }
    at = page(dtab="bring")
    for name, text in files.items():
        box(at, "file_uploader", "upload_").upload(name, text.encode(), "text/plain")
    at.run()
    assert not at.exception
    assert "Judgements, queries and documents of TREC" in texts(at)
    box(at, "text_input", "data_gains").set_value("0, nothing").run()
    assert "Write a number for each grade" in texts(at)
    box(at, "text_input", "data_gains").set_value("0, 0.01, 0.1, 1").run()
    assert "each with its own gain in nDCG" in texts(at)
    box(at, "text_input", "data_name").set_value("graded").run()
    at.button(key="data_import").click().run()
    assert not at.exception
    pairs = PairTable.load(home.data / "graded")
    assert (len(pairs), pairs.scheme.own_gains) == (48, (0, 0.01, 0.1, 1))
    lines = "".join(f"q{q} Q0 d{q}{g} 1 {g - 0.5} bm25\n" for q, g in ads)
    at = upload(page(data="graded", dtab="score"), "bm25.run", lines.encode())
    assert not at.exception
    assert "48 of 48 pairs" in texts(at)
    assert "Query id: query_id" in texts(at)


def test_a_public_showing_lets_nothing_in_and_says_why(monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    for tab in ("bring", "score"):
        at = page(dtab=tab)
        assert "not start or save anything" in texts(at)
        assert all(u.proto.disabled for u in at.get("file_uploader") if u.key.startswith("upload_"))
    with pytest.raises(RunError, match="not start or save"):
        intake.stage([("x.tsv", b"a\tb\n")])
    with pytest.raises(RunError, match="not start or save"):
        intake.point_to("/etc/hostname")


def esci() -> PairTable:
    """20 queries of 6 products in four grades, without any model."""
    frame = world().frame.assign(split="train")
    scheme = LabelScheme(("Irrelevant", "Complement", "Substitute", "Exact"), 2)
    return PairTable(frame, scheme, "esci", "Invented.")


@pytest.fixture
def mine(home) -> PairTable:
    """The data set `esci` in the workspace."""
    pairs = esci()
    pairs.save(home.data / "esci")
    return pairs


def predictions(pairs: PairTable, skill: float, rows: slice = slice(None)) -> bytes:
    """A shuffled CSV of one probability per grade, named as the grades are."""
    logits = np.random.default_rng(int(skill * 10)).normal(size=(len(pairs), 4))
    logits[np.arange(len(pairs)), pairs.grades] += skill
    frame = pairs.frame[["query", "title"]].copy()
    for grade, column in zip(pairs.scheme.grades, soften(logits).T, strict=True):
        frame[f"p_{grade.lower()}"] = column
    return frame.sample(frac=1, random_state=1).iloc[rows].to_csv(index=False).encode()


def bring(at: AppTest, role: str, name: str, content: bytes) -> AppTest:
    at.radio(key="data_role").set_value(role)
    at.text_input(key="data_model_name").set_value(name)
    upload(at, f"{role}.csv", content)
    assert not at.exception
    return at


def imported(at: AppTest, role: str, name: str, content: bytes) -> AppTest:
    return press(bring(at, role, name, content), f"Import predictions of {name[:4]}")


def test_teacher_student_and_twin_from_files_open_every_comparison(home, mine):
    at = page(dtab="score", data="esci")
    assert "No model has scored these 120 pairs yet" in texts(at)
    for role, name, skill in (
        ("twin", "Labels only", 0.5), ("student", "My student", 1.5),
        ("teacher", "My cross-encoder", 3.0),
    ):  # fmt: skip
        bring(at, role, name, predictions(mine, skill))
        assert "120 of 120 pairs" in texts(at)
        assert "p_irrelevant, p_complement, p_substitute, p_exact" in texts(at)
        press(at, f"Import predictions of {name.replace('-', '')[:2]}")
        assert "Imported" in texts(at)
    shown = {name: at.query_params[name] for name in ("teacher", "student")}
    assert [key.partition("-")[0] for key in shown.values()] == ["brought:My", "brought:My"]
    board = boards_of(at)
    assert (board.teacher.title, board.student.title) == ("My cross-encoder", "My student")
    assert board.twin.title == "Labels only"
    pickers = {s.key: s.options for s in at.selectbox if s.key in ("pick_teacher", "pick_student")}
    assert pickers["pick_teacher"][0] == "Teacher: My cross-encoder"
    assert pickers["pick_student"][0] == "Student: My student"
    open_page(at, "start").run()
    assert "My student does better than with labels alone" in texts(at)


def test_a_twin_belongs_to_students_only_and_other_models_are_told_by_their_own_value(home, mine):
    rng = np.random.default_rng(5)
    for name, role, skill in (
        ("Labels only", "twin", 0.5), ("Mine", "student", 1.5),
        ("Tower", "teacher", 3.0), ("Lexical", "other", 1.0),
    ):  # fmt: skip
        logits = rng.normal(size=(len(mine), 4))
        logits[np.arange(len(mine)), mine.grades] += skill
        origin = Origin("logits", role, part=mine.content_hash)
        keep(Predictions(logits, mine.content_hash, name, origin=origin), home, "esci")
    at = page(data="esci")
    offered = answers.sources_on(mine)
    twins = {s.title: getattr(roles.twin_of(offered, s), "title", None) for s in offered}
    others = dict.fromkeys(("Tower", "Lexical", "Labels only"))
    assert twins == others | {"Mine": "Labels only"}
    kept = {k.model: k for k in brought_to(home, "esci", mine.content_hash)}
    assert {name: twin_among(k, kept.values()) for name, k in kept.items()} == others | {
        "Mine": kept["Labels only"]
    }
    keys = {source.title: source.key for source in offered}
    for name, against in (("Lexical", "Tower"), ("Tower", "Mine")):
        at = page(data="esci", student=keys[name], teacher=keys[against])
        open_page(at, "start").run()
        assert not at.exception
        assert boards_of(at).twin is None
        finding = at.text[0].value
        assert re.search(rf"^{name} has a ROC-AUC of 0\.\d+ \[0\.\d+, [01]\.\d+\] over", finding)
        assert f"minus {against} that is" in finding
        assert not re.search("labels alone|distilled|gap|help|twin", finding)
    at.query_params["student"], at.query_params["teacher"] = keys["Lexical"], keys["Tower"]
    board = boards_of(at)
    assert caveats.of_thresholds(board) == ""
    score = replace(board.student.predictions, origin=Origin("score"))
    scored = replace(board, student=replace(board.student, predictions=score))
    assert caveats.of_thresholds(scored).startswith("Tower gave one score per pair, and no prob")
    flat = replace(score, logits=np.zeros_like(score.logits))
    constant = replace(board, student=replace(board.student, predictions=flat))
    assert cautions.caution(constant).startswith("Tower gives every pair the same score")
    told = services.story(replace(board, teacher=None))
    assert {r.title: (r.twin is not None, r.imported) for r in told.rungs} == {
        "Mine": (True, True), "Lexical": (False, True),
    }  # fmt: skip


def boards_of(at: AppTest) -> boards.Board:
    """The board as the state of a page sets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boards.state, "now", lambda: choices(at))
        patch.setattr(boards.state, "change", lambda **_: None)
        services.sources.clear()
        return services.board()


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("teacher", "Mine has scored the 120 pairs of esci as the teacher; no student has"),
        ("student", "Mine has scored the 120 pairs of esci as the student; no teacher has"),
        ("twin", "No model has scored the 120 pairs of esci yet as teacher or student"),
    ],
)
def test_with_one_model_no_page_shows_it_in_another_role_and_all_say_the_same(
    home, mine, role, said
):
    at = imported(page(dtab="score", data="esci"), role, "Mine", predictions(mine, 2.0))
    other = {"teacher": "student", "student": "teacher"}.get(role, "student")
    picker = next(s for s in at.selectbox if s.key == f"pick_{other}")
    assert picker.options[0].endswith(": none yet")
    assert picker.value == ""
    for view in ("start", "temperature", "compare", "ranking"):
        open_page(at, view).run()
        assert not at.exception
        assert said in texts(at), view
        assert "import predictions made elsewhere" in texts(at), view


def test_pairs_without_a_prediction_are_left_out_on_every_page_once_told(home, mine):
    at = bring(
        page(dtab="score", data="esci"), "student", "Half", predictions(mine, 1.5, slice(8, None))
    )
    assert "8 of 120 pairs have no prediction" in texts(at)
    assert button(at, "Import predictions of Half").disabled
    box(at, "checkbox", "Use only the pairs with a prediction").check().run()
    assert "112 of 120 pairs" in texts(at)
    press(at, "Import predictions of Half")
    imported(at, "teacher", "Whole", predictions(mine, 3.0))
    assert "**2** models have scored some or all of these 120 pairs" in texts(at)
    assert "- Half: 112" in texts(at)
    assert "- Whole: 120" in texts(at)
    board = boards_of(at)
    assert (len(board.pairs), len(board.all_pairs)) == (112, 120)
    measured = services.evaluation(board, board.student)
    assert measured.counts["pairs"] == 112
    kept = soften(board.teacher.predictions.logits).argmax(axis=1) == board.pairs.grades
    assert kept.mean() > 0.7  # the teacher's answers stand on their own pairs
    for view in ("start", "temperature", "compare", "ranking"):
        open_page(at, view).run()
        assert not at.exception
        assert "112 of 120 pairs: 8 were not scored by all of" in texts(at), view


def test_columns_of_predictions_can_be_mapped_by_hand(home, mine):
    plain = predictions(mine, 2.0).decode()
    for name in ("irrelevant", "complement", "substitute", "exact"):
        plain = plain.replace(f"p_{name}", f"w{len(name)}{name[0]}", 1)
    at = bring(page(dtab="score", data="esci"), "teacher", "Mine", plain.encode())
    said = texts(at)
    assert "several columns could be the predictions" in said
    assert "choose it under “Column of the score”" in said
    for name in mine.scheme.grades:
        box(at, "selectbox", name).set_value(f"w{len(name)}{name[0].lower()}")
    at.run()
    assert "120 of 120 pairs" in texts(at)
    assert not button(at, "Import predictions of Mine").disabled


def test_predictions_of_a_name_that_is_there_need_leave_to_take_its_place(home):
    at = page(dtab="score")
    for leave, first in ((False, 0.0), (True, 1.0)):
        scores = np.linspace(first, 0.5, 120)
        upload(at, "answers.csv", "\n".join(["score", *map(str, scores)]).encode())
        if leave:
            assert button(at, "Import predictions").disabled
            assert "There are predictions of that name" in texts(at)
            box(at, "checkbox", "Replace the predictions").check().run()
        press(at, "Import predictions")
        (path,) = home.root.glob("data/world/brought/My-teacher-*.parquet")
        said = Predictions.load(path).logits
        assert (said[0, 2:].max() > said[0, :2].max()) == bool(first)


def test_predictions_for_other_pairs_are_refused_with_every_cause():
    at = page(dtab="score")
    upload(at, "a.csv", b"score\n0.1\n0.2\n")
    assert "2 rows where the data has 120 pairs" in texts(at)
    assert button(at, "Import predictions").disabled


def test_a_headless_file_is_seen_as_one_and_gets_names():
    rows = b"".join(b"q %d\tad %d\tsome words\tGood\n" % (i, i) for i in range(12))
    at = upload(page(dtab="bring"), "x.tsv", rows)
    assert box(at, "checkbox", "The first line is a pair").value
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
    guessed = dict(head.guess(columns, []))
    assert tuple(guessed[k] for k in ("query", "title", "description", "grade")) == found


def test_a_column_of_running_numbers_is_not_taken_for_the_query():
    rows = [(str(row), f"shoes {row}", "red shoes") for row in range(12)]
    assert head.guess(["keyword_id", "keyword", "ad_title"], rows)["query"] == "keyword"


def test_two_tables_at_once_are_refused_by_their_names(home):
    with pytest.raises(DataError, match=r"remove wrong\.csv or pairs\.csv"):
        intake.stage([("wrong.csv", b"a,b\n1,2\n"), ("pairs.csv", b"a,b\n1,2\n")])


@pytest.mark.parametrize("text", ["", "  ", "\0", "/no/such/file", "/dev/zero", "a" * 5000])
def test_a_path_that_leads_nowhere_is_a_sentence(text):
    with pytest.raises(DataError):
        intake.point_to(text)


def test_a_selected_row_opens_its_pair_in_compare_under_its_tag(tmp_path):
    pairs = world()
    denying = np.zeros((len(pairs), 4), np.float32)
    denying[np.arange(len(pairs)), 3 - pairs.grades] = 9.0
    teach(tmp_path, denying)
    at = page(dtab="teacher")
    row = int(at.dataframe[0].value["pair"].iloc[1]) - 1
    at.session_state["data_rows__teacher"] = {"selection": {"cells": [(1, "query")]}}
    at.run()
    press(at, "data_open_pair")
    now = choices(at)  # the address follows when the browser draws the page
    assert (now.pair, now.compare.tags) == (row, "label_suspect")
    assert at.title[0].value == "Compare"


def test_a_second_scoring_keeps_the_teacher_that_has_answered():
    offered = {
        key: SimpleNamespace(run=SimpleNamespace(is_distilled=False))
        for key in ("bert-kd", "bert-hard", "teacher")
    }
    answered = SimpleNamespace(teacher=object())
    assert data_score._first(SimpleNamespace(teacher=None), offered, set())[0] == "teacher"
    assert data_score._first(answered, offered, {"teacher"})[0] == data_score.NONE


def test_a_student_is_scored_together_with_its_twin_and_none_other(tmp_path):
    budget = {"data": "world", "seed": 0, "limit": 5}
    taught, twin, other, longer = (
        Run(tmp_path / str(place), budget | more)
        for place, more in enumerate(
            (
                {"student": {"name": "cdssm"}, "teacher": "t"},
                {"model": {"name": "cdssm"}},
                {"model": {"name": "bert"}},
                {"model": {"name": "cdssm"}, "limit": 6},
            )
        )
    )
    assert is_twin(taught, twin)
    assert not any(is_twin(taught, run) for run in (other, longer, taught))
    assert not is_twin(twin, twin)


def test_an_imported_data_set_is_deleted_on_the_page_and_taken_back(home):
    world().save(home.data / "mine")
    at = page(data="mine")
    press(at, "data_delete")
    assert "data" not in at.query_params
    assert not (home.data / "mine").exists()
    press(at, "Take back")
    assert at.query_params["data"] == "mine"
    assert PairTable.load(home.data / "mine").content_hash == world().content_hash


def test_the_bundled_world_and_a_public_showing_delete_nothing(home, monkeypatch):
    assert "data_delete" not in {b.key for b in page().button}
    world().save(home.data / "mine")
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    assert button(page(data="mine"), "data_delete").disabled


def test_a_model_of_one_number_is_flagged_where_its_probabilities_are_made_here(home, mine):
    at = page(dtab="score", data="esci")
    score = mine.frame[["query", "title"]].assign(bm25=mine.grades * 3 + np.arange(120) % 7)
    imported(at, "student", "Only scores", score.to_csv(index=False).encode())
    imported(at, "teacher", "Whole", predictions(mine, 3.0))
    board = boards_of(at)
    assert {key for key in CATALOG if not board.student.predictions.is_own(key)} == {
        *("grade_accuracy", "nll", "truth_kl", "teacher_kl", "teacher_agreement"),
        *("accuracy", "brier", "ece_width", "ece_mass", "truth_mae"),
    }
    said = "Only scores gave one number per pair"
    assert any(said in note for note in services.evaluation(board, board.student).notes)
    open_page(at, "temperature").run()
    assert not at.exception
    assert f"{said}: there are no soft labels over the 4 grades to show" in texts(at)
    for tab in ("slices", "calibration"):
        at.query_params["ctab"] = tab
        open_page(at, "compare").run()
        at.session_state["kd_state"] = state.changed(choices(at), compare={"tab": tab})
        at.run()
        assert not at.exception
        assert said in texts(at), tab
    models = {"student": services.evaluation(board, board.student)}
    card = compare_cards._card(board, "nll", models, {})
    assert card["gains"] == []
    assert card["gap"]["text"] == "† computed from one number per pair (student)"
    assert card["rows"][0]["title"] == "Student †"
    assert compare_cards._card(board, "roc_auc", models, {})["gap"] is None


@pytest.fixture
def scored(home, mine) -> AppTest:
    """The data page with a student of free scores and a teacher that gave every grade."""
    at = page(dtab="score", data="esci")
    score = mine.frame[["query", "title"]].assign(bm25=mine.grades * 3 + np.arange(120) % 7)
    imported(at, "student", "Only scores", score.to_csv(index=False).encode())
    return imported(at, "teacher", "Whole", predictions(mine, 3.0))


def test_a_pair_and_the_table_of_pairs_show_no_grade_or_loss_of_a_free_score(scored):
    at = open_page(scored, "compare").run()
    assert not at.exception
    assert "† Only scores gave one number per pair" in texts(at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_cards.state, "now", lambda: choices(at))
        columns = pair_cards.card_of(boards_of(at), 0, "Pair 1").says
    assert [(a.name, len(a.p), a.loss is None) for a in columns] == [
        ("teacher", 4, False),
        ("student †", 0, True),
    ]


def test_a_teacher_of_free_scores_has_no_histogram_and_denies_no_label(scored):
    board = boards_of(scored)
    link = {"teacher": board.student.key, "student": board.teacher.key}
    at = page(dtab="teacher", data="esci", **link)
    assert not at.exception
    assert "Only scores gave one number per pair" in texts(at)
    assert "A free score has no P(relevant)" in texts(at)
    assert "Suspect labels" not in [each.value for each in at.subheader]


def test_a_report_marks_the_metrics_that_a_free_score_does_not_have(scored):
    board = boards_of(scored)
    student = next(s for s in save._subjects(board) if s.role == "student")
    assert "nll" in student.made_here
    assert "roc_auc" not in student.made_here
    material = report.Material("A finding.", "http://127.0.0.1", subjects=[student])
    assert "† Only scores gave one number per pair" in report.html(material)
    assert r"$^\ddagger$: Only scores gave one number per pair" in report.latex([student], None)

"""Compare below its picture: orders, pages, cards, notes, slices, calibration, edits."""

import csv
import io
import re

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.services import Scored
from app.state import State, changed, of_keys
from app.views.compare import edit
from app.views.compare.queries import calibration, notes, slices
from kdcore.analysis.notes import Notebook
from tests.app.made_lab import Made, make_lab


def details():
    from app import services
    from app.views.compare import details as compare_details
    from app.views.compare import selection as compare_selection

    board = services.board()
    compare_details.draw(board, compare_selection.selected(board))


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """lab(Made(...), pair=3) -> the details of a made story in a state, drawn once."""
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    services.sources.clear()

    def open_lab(made: Made | None = None, **fields) -> AppTest:
        made = made or Made(bare=True)
        root = tmp_path / ("home" if made.brought else "demo")  # brought files are a visitor's own
        if not (root / "data").exists():
            make_lab(root, made, "mine" if made.brought else "world")
        return shown(details, **fields, **({"data": "mine"} if made.brought else {}))

    return open_lab


def shown(script, **fields) -> AppTest:
    at = AppTest.from_function(script, default_timeout=60)
    at.session_state["kd_state"] = changed(State(), **of_keys(fields))
    at.run()
    assert not at.exception
    return at


def now(at: AppTest) -> State:
    return at.session_state["kd_state"]


def table(at: AppTest) -> pd.DataFrame:
    return at.dataframe[0].value


def cards(at: AppTest, key: str = "pair_cards") -> list[dict]:
    parts = [e.proto for e in at.get("bidi_component")]
    found = [p for p in parts if key in p.id]
    assert found
    import json

    return json.loads(found[0].json)["cards"]


SORTED_BY = {
    "": ("loss_gap", -1),
    "won": ("loss_gap", 1),
    "kl": ("kl", -1),
    "teacher": ("teacher_p", -1),
    "student_low": ("student_p", 1),
    "row": ("pair", 1),
}


@pytest.mark.parametrize(("order", "column"), SORTED_BY.items())
def test_an_order_puts_first_what_it_says(lab, order, column):
    values = table(lab(sort=order))[column[0]].to_numpy() * column[1]
    assert (np.diff(values) >= 0).all()


def test_choosing_an_order_goes_back_to_the_first_page(lab):
    at = lab(Made(queries=50, bare=True), page=2)
    at.selectbox(key="w_sort").set_value("kl").run()
    assert (now(at).compare.sort, now(at).compare.page) == ("kl", 1)
    assert table(at)["kl"].is_monotonic_decreasing


def test_pages_hold_two_hundred_rows_and_the_last_one_the_rest(lab):
    made = Made(queries=50, bare=True)
    pages = [table(lab(made, page=page, sort="row")) for page in (1, 2, 99)]
    assert [len(p) for p in pages] == [200, 50, 50]
    assert pages[1]["pair"].tolist() == list(range(201, 251))


def test_a_link_to_a_pair_shows_it_even_when_the_filters_leave_it_out(lab):
    at = lab(pair=7, find="thing 9")
    assert set(table(at)["query"]) == {"thing 9"}
    (card,) = cards(at)
    assert card["heading"] == "Pair 8 (outside the present filters)"
    assert card["query"] == "thing 1"


def test_next_and_previous_walk_in_the_order_of_the_table(lab):
    at = lab(sort="kl")
    order = (table(at)["pair"] - 1).tolist()
    at.button(key="ctable_step1").click().run()
    first = order.index(now(at).pair)
    at.button(key="ctable_step1").click().run()
    assert now(at).pair == order[first + 1]
    at.button(key="ctable_step-1").click().run()
    assert now(at).pair == order[first]


def test_texts_of_the_data_reach_table_and_card_as_they_are(lab):
    at = lab(pair=0)
    assert cards(at)[0]["title"] == "<b>offer</b> *0* of thing 0"
    assert "<b>offer</b> *0* of thing 0" in set(table(at)["title"])
    marked = [e.value for e in (*at.markdown, *at.caption)]
    assert not any("<b>offer" in text for text in marked)


def test_a_card_says_what_every_model_and_the_truth_say(lab):
    (card,) = cards(lab(pair=3))
    assert [s["role"] for s in card["says"]] == ["teacher", "student", "twin", "truth"]
    for said in card["says"]:
        assert sum(said["p"]) == pytest.approx(1)
        assert said["relevant"] == pytest.approx(sum(said["p"][2:]))


def test_a_pinned_pair_stands_beside_the_present_one(lab):
    at = lab(pair=3, pin=8)
    assert [c["heading"] for c in cards(at)] == ["Pair 4", "Pair 9, pinned"]


def test_a_second_student_gets_a_column_in_the_card(lab):
    at = lab(pair=3)
    at.selectbox(key="w_rival_card").set_value("student-hard").run()
    assert now(at).rival == "student-hard"
    assert "rival" in [s["role"] for s in cards(at)[0]["says"]]


def test_the_counterfactual_is_of_the_same_query_and_decided_otherwise(lab):
    at = lab(pair=3)

    def look():
        import streamlit as st

        from app import services
        from app.views.compare import selection as compare_selection

        board = services.board()
        st.session_state["judged"] = compare_selection.judged(board)

    judged = shown(look).session_state["judged"]
    mates = judged[judged["query"] == judged["query"][3]]
    others = mates[mates["student_says"] != mates["student_says"][3]]
    said = cards(at)[0]["compared"][0]["sentence"]
    named = [row for row in others["row"] if said.startswith(f"Pair {row + 1} ")]
    assert bool(named) == bool(len(others))


def test_a_note_is_kept_shown_in_the_table_and_there_in_the_next_session(lab, tmp_path):
    at = lab(pair=3, sort="row")
    key = at.text_area[0].key.removeprefix("note_text_")
    at.text_area[0].set_value("=1+1 <script>").run()
    at.button_group(key=f"note_status_{key}").set_value("label_wrong").run()
    again = lab(pair=3, sort="row", ctab="notes")
    assert again.text_area[0].value == "=1+1 <script>"
    assert (table(again)["status"][3], table(again)["note"][3]) == ("label wrong", "=1+1 <script>")
    files = list((tmp_path / "home" / "notes").glob("*.jsonl"))
    assert len(files) == 1
    (note,) = Notebook(files[0].parent, files[0].stem).read().values()
    assert (note.query, note.status) == ("thing 0", "label_wrong")


def test_with_a_note_first_is_an_order(lab):
    at = lab(pair=13)
    at.text_area[0].set_value("look").run()
    assert table(lab(sort="noted"))["pair"].tolist()[0] == 14


def test_a_public_showing_keeps_notes_in_the_tab_and_says_so(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = lab(pair=3)
    at.text_area[0].set_value("mine").run()
    assert at.text_area[0].value == "mine"
    assert notes.PUBLIC in " ".join(c.value for c in at.caption)
    assert not (tmp_path / "home").exists()
    assert lab(pair=3).text_area[0].value == ""


def test_a_workspace_that_cannot_be_written_keeps_notes_in_the_tab(lab, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    at = lab(pair=3)
    at.text_area[0].set_value("mine").run()
    assert at.text_area[0].value == "mine"
    assert notes.REFUSED in " ".join(c.value for c in at.caption)


def test_only_the_open_tab_is_worked_out(lab, monkeypatch):
    asked = []
    monkeypatch.setattr(slices, "search", lambda *a: asked.append("slices"))
    monkeypatch.setattr(calibration, "before_after", lambda *a: asked.append("calibration"))
    for tab in ("notes", "slices", "calibration"):
        lab(ctab=tab)
    assert asked == ["slices", *["calibration"] * 3]


def test_a_slice_in_the_link_filters_the_table_and_can_be_taken_away(lab):
    at = lab(Made(queries=40, ads=10, bare=True), slice="grade=1", ctab="slices", sfewest=20)
    assert set(table(at)["grade_name"]) == {"fair"}
    button = next(b for b in at.button if b.label == "Show all pairs")
    button.click().run()
    assert now(at).compare.slice == ""
    assert set(table(at)["grade_name"]) == {"bad", "fair", "good", "excellent"}


@pytest.mark.parametrize("name", ["nothing=1", "grade=", "%%%", "title=zzz&&"])
def test_a_link_with_no_slice_in_it_shows_every_pair(lab, name):
    assert len(table(lab(slice=name))) == 60


ODD = [
    Made(grades=2, twin=False, bare=True),
    Made(grades=5, truth=False, unjudged=True, bare=True),
    Made(brought=True),
]


@pytest.mark.parametrize("tab", ["slices", "calibration", "edit", "notes"])
@pytest.mark.parametrize("made", ODD, ids=str)
def test_every_tab_stands_on_every_kind_of_data(lab, made, tab):
    lab(made, ctab=tab, pair=2)


def test_brought_predictions_say_why_nothing_can_be_edited(lab):
    at = lab(Made(brought=True), ctab="edit", pair=2)
    assert any("imported as a file" in i.value for i in at.info)
    assert not at.text_input


@pytest.fixture
def scored(monkeypatch):
    """Models that find every longer title better; what they were asked."""
    asked = []

    def score(run, rows, pairs):
        asked.append((run.id, rows))
        logits = np.array([[0.0, 0.0, len(title) / 10, 0.0] for _, title, _ in rows])
        return Scored(logits, 12.3)

    monkeypatch.setattr(edit.services, "score", score)
    return asked


def test_an_edit_is_answered_by_the_student_and_by_the_teacher_when_asked(lab, scored):
    at = lab(ctab="edit", pair=2)
    at.text_input(key="w_etitle").set_value("a much longer title than before").run()
    assert (now(at).compare.edited, now(at).compare.edited_title) == (
        True,
        "a much longer title than before",
    )
    assert scored[-1] == ("student-kd", [("thing 0", now(at).compare.edited_title, "It is good.")])
    at.toggle(key="w_eteacher").set_value(True).run()
    (card,) = cards(at, "edit_cards")
    assert [s["role"] for s in card["says"]] == ["teacher", "student"]
    assert all(
        s["delta"] == pytest.approx(s["relevant"] - own(at, s["role"])) for s in card["says"]
    )
    assert not re.search(r"\d ms", " ".join(c.value for c in at.caption))  # one call is no timing
    assert {s["kind"] for _, spans in card["compared"][0]["texts"] for s in spans} == {
        "gone",
        "new",
    }


def own(at: AppTest, role: str) -> float:
    found = table(at)
    return float(found.loc[found["pair"] == 3, f"{role}_p"].iloc[0])


def test_a_link_to_an_edit_opens_on_its_answer(lab, scored):
    texts = {"equery": "q", "etitle": "t", "edescription": ""}
    at = lab(ctab="edit", pair=2, edited=True, **texts)
    assert [t.value for t in at.text_input] == ["q", "t", ""]
    assert scored == [("student-kd", [("q", "t", "")])]


def test_children_stay_in_a_list_and_nothing_is_scored_twice(lab, scored):
    at = lab(ctab="edit", pair=2)
    for title in ("one", "two", "one"):
        at.text_input(key="w_etitle").set_value(title).run()
    children = at.dataframe[-1].value
    assert children["title"].tolist() == ["one", "two"]
    assert [rows[0][1] for _, rows in scored[1:]] == ["one", "two"]


def test_an_edit_without_words_is_not_scored(lab, scored):
    at = lab(ctab="edit", pair=2, edited=True, equery="q", etitle=" ", edescription="")
    assert at.warning
    assert scored == []


def test_another_pair_puts_the_edit_away(lab, scored):
    at = lab(ctab="edit", pair=2, edited=True, equery="q", etitle="t", edescription="")
    at.button(key="ctable_step1").click().run()
    assert not now(at).compare.edited
    assert at.text_input(key="w_etitle").value != "t"


def test_the_csv_of_the_table_holds_every_row_and_no_formula(lab):
    def export():
        import streamlit as st

        from app import services
        from app.views.compare import selection as compare_selection
        from app.views.compare import table as compare_table

        board = services.board()
        rows = compare_selection.selected(board)
        order = compare_table.ordered(board, rows)
        st.session_state["csv"] = compare_table._csv(board, rows.assign(title="=1+1"), order)

    lab()
    text = shown(export).session_state["csv"].decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 60
    assert {r["title"] for r in rows} == {"'=1+1"}

"""Compare below its picture: orders, pages, cards, notes, slices, calibration."""

import csv
import io

import numpy as np
import pytest

from app.views.compare import calibration, slices
from app.views.compare.queries import notes, pair_cards
from kdcore.analysis.notes import Notebook
from tests.app.made_lab import Made
from tests.app.views.compare.closer import cards, now, shown, table

SORTED_BY = {
    "": ("loss_gap", -1),
    "won": ("loss_gap", 1),
    "kl": ("kl", -1),
    "teacher": ("teacher_p", -1),
    "student_low": ("student_p", 1),
    "row": ("pair", 1),
}


@pytest.mark.parametrize(("order", "column"), SORTED_BY.items())
def test_an_order_puts_first_what_it_says(details, order, column):
    values = table(details(sort=order))[column[0]].to_numpy() * column[1]
    assert (np.diff(values) >= 0).all()


def test_choosing_an_order_goes_back_to_the_first_page(details):
    at = details(Made(queries=50, bare=True), page=2)
    at.selectbox(key="w_sort").set_value("kl").run()
    assert (now(at).compare.sort, now(at).compare.page) == ("kl", 1)
    assert table(at)["kl"].is_monotonic_decreasing


def test_pages_hold_two_hundred_rows_and_the_last_one_the_rest(details):
    made = Made(queries=50, bare=True)
    pages = [table(details(made, page=page, sort="row")) for page in (1, 2, 99)]
    assert [len(p) for p in pages] == [200, 50, 50]
    assert pages[1]["pair"].tolist() == list(range(201, 251))


def test_a_link_to_a_pair_shows_it_even_when_the_filters_leave_it_out(details):
    at = details(pair=7, find="thing 9")
    assert set(table(at)["query"]) == {"thing 9"}
    (card,) = cards(at)
    assert card["heading"] == "Pair 8 (outside the present filters)"
    assert card["query"] == "thing 1"


def test_next_and_previous_walk_in_the_order_of_the_table(details):
    at = details(sort="kl")
    order = (table(at)["pair"] - 1).tolist()
    at.button(key="ctable_step1").click().run()
    first = order.index(now(at).pair)
    at.button(key="ctable_step1").click().run()
    assert now(at).pair == order[first + 1]
    at.button(key="ctable_step-1").click().run()
    assert now(at).pair == order[first]


def test_texts_of_the_data_reach_table_and_card_as_they_are(details):
    at = details(pair=0)
    assert cards(at)[0]["title"] == "<b>offer</b> *0* of thing 0"
    assert "<b>offer</b> *0* of thing 0" in set(table(at)["title"])
    marked = [e.value for e in (*at.markdown, *at.caption)]
    assert not any("<b>offer" in text for text in marked)


def test_a_card_says_what_every_model_and_the_truth_say(details):
    (card,) = cards(details(pair=3))
    assert [s["role"] for s in card["says"]] == ["teacher", "student", "twin", "truth"]
    for column in card["says"]:
        assert sum(column["p"]) == pytest.approx(1)
        assert column["relevant"] == pytest.approx(sum(column["p"][2:]))


def test_a_pinned_pair_stands_beside_the_present_one(details):
    at = details(pair=3, pin=8)
    assert [c["heading"] for c in cards(at)] == ["Pair 4", "Pair 9, pinned"]


def test_a_second_student_gets_a_column_in_the_card(details):
    at = details(pair=3)
    at.selectbox(key="w_rival_card").set_value("student-hard").run()
    assert now(at).rival == "student-hard"
    assert "rival" in [s["role"] for s in cards(at)[0]["says"]]


def test_the_counterfactual_is_of_the_same_query_and_decided_otherwise(details, monkeypatch):
    at = details(pair=3)

    def look():
        import streamlit as st

        from app import services
        from app.services.selection.outcomes import outcomes

        st.session_state["outcomes"] = outcomes(services.board())

    frame = shown(look).session_state["outcomes"]
    mates = frame[frame["query"] == frame["query"][3]]
    others = mates[mates["student_says"] != mates["student_says"][3]]
    sentence = cards(at)[0]["compared"][0]["sentence"]
    named = [row for row in others["row"] if sentence.startswith(f"Pair {row + 1} ")]
    assert bool(named) == bool(len(others)) is True
    monkeypatch.setattr(pair_cards, "FARTHEST", 0.01)  # then no ad is near, and it is said
    (compared,) = cards(at.run())[0]["compared"]
    assert compared["heading"].startswith("No near counterfactual")
    assert "too few to be near" in compared["sentence"]


def test_a_note_is_kept_shown_in_the_table_and_there_in_the_next_session(details, tmp_path):
    at = details(pair=3, sort="row")
    key = at.text_area[0].key.removeprefix("note_text_")
    at.text_area[0].set_value("=1+1 <script>").run()
    at.button_group(key=f"note_status_{key}").set_value("label_wrong").run()
    again = details(pair=3, sort="row", ctab="notes")
    assert again.text_area[0].value == "=1+1 <script>"
    assert (table(again)["status"][3], table(again)["note"][3]) == ("label wrong", "=1+1 <script>")
    files = list((tmp_path / "home" / "notes").glob("*.jsonl"))
    assert len(files) == 1
    (note,) = Notebook(files[0].parent, files[0].stem).read().values()
    assert (note.query, note.status) == ("thing 0", "label_wrong")


def test_with_a_note_first_is_an_order(details):
    at = details(pair=13)
    at.text_area[0].set_value("look").run()
    assert table(details(sort="noted"))["pair"].tolist()[0] == 14


def test_a_public_showing_keeps_notes_in_the_tab_and_says_so(details, tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = details(pair=3)
    at.text_area[0].set_value("mine").run()
    assert at.text_area[0].value == "mine"
    assert notes.PUBLIC in " ".join(c.value for c in at.caption)
    assert not (tmp_path / "home").exists()
    assert details(pair=3).text_area[0].value == ""


def test_a_workspace_that_cannot_be_written_keeps_notes_in_the_tab(details, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    at = details(pair=3)
    at.text_area[0].set_value("mine").run()
    assert at.text_area[0].value == "mine"
    assert notes.REFUSED in " ".join(c.value for c in at.caption)


def test_only_the_open_tab_is_worked_out(details, monkeypatch):
    computed = []
    monkeypatch.setattr(slices, "search", lambda *a: computed.append("slices"))
    monkeypatch.setattr(calibration, "before_after", lambda *a: computed.append("calibration"))
    for tab in ("notes", "slices", "calibration"):
        details(ctab=tab)
    assert computed == ["slices", *["calibration"] * 3]


def test_a_slice_in_the_link_filters_the_table_and_can_be_taken_away(details):
    at = details(Made(queries=40, ads=10, bare=True), slice="grade=1", ctab="slices", sfewest=20)
    assert set(table(at)["grade_name"]) == {"fair"}
    button = next(b for b in at.button if b.label == "Show all pairs")
    button.click().run()
    assert now(at).compare.slice == ""
    assert set(table(at)["grade_name"]) == {"bad", "fair", "good", "excellent"}


@pytest.mark.parametrize("name", ["nothing=1", "grade=", "%%%", "title=zzz&&"])
def test_a_link_with_no_slice_in_it_shows_every_pair(details, name):
    assert len(table(details(slice=name))) == 60


ODD = [
    Made(grades=2, twin=False, bare=True),
    Made(grades=5, truth=False, unjudged=True, bare=True),
    Made(brought=True),
]


@pytest.mark.parametrize("tab", ["slices", "calibration", "edit", "notes"])
@pytest.mark.parametrize("made", ODD, ids=str)
def test_every_tab_stands_on_every_kind_of_data(details, made, tab):
    details(made, ctab=tab, pair=2)


def test_brought_predictions_say_why_nothing_can_be_edited(details):
    at = details(Made(brought=True), ctab="edit", pair=2)
    assert any("imported as a file" in i.value for i in at.info)
    assert not at.text_input


def test_the_csv_of_the_table_holds_every_row_and_no_formula(details):
    def export():
        import streamlit as st

        from app import services
        from app.views.compare import selection, table

        board = services.board()
        rows = selection.selected(board)
        st.session_state["csv"] = table.csv_of(board, rows.assign(title="=1+1"))

    details()
    text = shown(export).session_state["csv"].decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 60
    assert {r["title"] for r in rows} == {"'=1+1"}

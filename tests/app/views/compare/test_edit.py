"""Compare's live edit: what is asked of which model, and to which pair an edit belongs."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import services
from app.state import State, changed
from app.views.compare import edit
from app.views.compare.queries.pair_cards import texts_of
from kdcore.data.answers.regrade import regraded
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.labels import FOUR_GRADES
from kdcore.predictions import Predictions
from kdcore.runs.store import RunStore
from tests.app.made_lab import Made, _run, make_lab
from tests.app.views.compare.closer import cards, draw, now, shown, table

SMALL = {"layers": 1, "hidden": 16, "heads": 2}
MODELS = {"teacher": 1, "student-kd": 2}


def scored_by_four_grade_models(lab: Path, grades: int) -> PairTable:
    """Data of some grades, kept answers of four-grade models, and other models of the same ids."""
    from kdcore.config import ModelConfig
    from kdcore.models.build import new_model
    from kdcore.models.predict import answer_texts

    made = Made(grades=grades, bare=True, truth=False, twin=False)
    pairs = make_lab(lab / "demo", made)
    four = PairTable(pairs.frame.assign(grade=pairs.grades % 4), FOUR_GRADES, "taught on")
    rows = list(pairs.frame[["query", "title", "description"]].itertuples(index=False, name=None))
    draw = np.random.default_rng(0)
    for key, seed in MODELS.items():
        config = ModelConfig(name="twinbert_cos", params=SMALL)
        model = new_model(config, four, seed=seed).eval()
        own = answer_texts(model, rows)
        own = replace(own, data_hash=pairs.content_hash, model=key)
        folder = lab / "home" / "runs" / key
        _run(folder, key, regraded(own, FOUR_GRADES, pairs), pairs, made, draw)
        model.save(folder / "model")
        new_model(config, four, seed=seed + 10).save(lab / "demo" / "runs" / key / "model")
    return pairs


@pytest.mark.parametrize("grades", [2, 4, 5])
def test_an_unchanged_pair_scored_again_gives_the_kept_answer_in_the_datas_grades(lab, grades):
    pytest.importorskip("torch")
    pairs = scored_by_four_grade_models(lab, grades)
    at = shown(draw, ctab="edit", pair=3, eteacher=True, sort="row")
    (again,) = cards(at, "edit_cards")
    (kept,) = cards(at)
    for role, key in (("teacher", "teacher"), ("student", "student-kd")):
        live, before = ([s for s in c["says"] if s["role"] == role] for c in (again, kept))
        assert len(live[0]["p"]) == grades
        assert live[0]["p"] == pytest.approx(before[0]["p"], abs=1e-5)
        assert live[0]["relevant"] == pytest.approx(before[0]["relevant"], abs=1e-5)
        assert live[0]["delta"] == pytest.approx(0, abs=1e-5)
        run = lab / "home" / "runs" / key
        logits = Predictions.load(run / "predictions" / "test.parquet").logits[3]
        made = services.score(
            RunStore(lab / "home" / "runs").get(key),
            [texts_of(services.Board(None, pairs, None, None, None), 3)],
            pairs,
        )
        np.testing.assert_allclose(made.logits[0], logits, atol=1e-4)
    said = " ".join(c.value for c in at.caption)
    assert ("answers in 4 grades" in said) == (grades != 4)


def test_edits_of_another_student_or_data_set_are_not_listed(details, requests):
    at = details(ctab="edit", pair=2)
    tables = len(at.dataframe)
    at.text_input(key="w_etitle").set_value("one").run()
    assert at.dataframe[-1].value["title"].tolist() == ["one"]
    at.session_state["kd_state"] = changed(
        State(), compare={"tab": "edit"}, pair=2, student="student-hard"
    )
    at.run()
    assert len(at.dataframe) == tables
    at.session_state["kd_state"] = changed(State(), compare={"tab": "edit"}, pair=2)
    at.run()
    assert at.dataframe[-1].value["title"].tolist() == ["one"]


def test_what_nobody_typed_over_is_asked_as_the_data_have_it(details, requests, monkeypatch):
    own = ("thing\u00a00", "a title", "word " * 300)
    monkeypatch.setattr(edit, "texts_of", lambda board, row: own)
    at = details(ctab="edit", pair=2)
    at.text_input(key="w_etitle").set_value("another").run()
    assert requests[-1][1] == [(own[0], "another", own[2])]
    (card,) = cards(at, "edit_cards")
    changed = [name for name, _ in card["compared"][0]["texts"]]
    assert changed == ["title"]


def test_a_text_too_long_for_its_field_is_closed_and_says_why(details, requests, monkeypatch):
    monkeypatch.setattr(edit, "texts_of", lambda board, row: ("q", "t", "word " * 300))
    at = details(ctab="edit", pair=2)
    closed = {box.key: box.disabled for box in at.text_input if box.key.startswith("w_e")}
    assert closed == {"w_equery": False, "w_etitle": False, "w_edescription": True}
    assert any("1,500 characters" in c.value for c in at.caption)


def test_typing_fixes_the_pair_that_it_is_typed_over(details, requests):
    at = details(ctab="edit")
    (card,) = cards(at)
    at.text_input(key="w_etitle").set_value("one").run()
    assert card["heading"] == f"Pair {now(at).pair + 1}"


def test_a_public_showing_asks_no_model_whatever_the_link_says(details, requests, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    texts = {"equery": "q", "etitle": "t", "edescription": ""}
    at = details(ctab="edit", pair=2, edited=True, eteacher=True, **texts)
    assert requests == []
    assert not at.text_input
    assert any(i.value.startswith(services.PUBLIC_REASON) for i in at.info)


def test_the_one_door_to_the_models_is_shut_in_a_public_showing(lab, monkeypatch):
    pairs = make_lab(lab / "demo", Made(bare=True))
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    with pytest.raises(LabError, match="public showing"):
        services.score(services.model_run("student-kd"), [("q", "t", "")], pairs)


def test_an_edit_is_answered_by_the_student_and_by_the_teacher_when_requested(details, requests):
    at = details(ctab="edit", pair=2)
    title = "a much longer title than before"
    at.text_input(key="w_etitle").set_value(title).run()
    assert (now(at).compare.edited, now(at).compare.edited_title) == (True, title)
    assert requests[-1] == ("student-kd", [("thing 0", title, "It is good.")])
    at.toggle(key="w_eteacher").set_value(True).run()
    (card,) = cards(at, "edit_cards")
    assert [s["role"] for s in card["says"]] == ["teacher", "student"]
    (original,) = table(at)[table(at)["pair"] == 3].to_dict("records")
    for column in card["says"]:
        change = column["relevant"] - original[f"{column['role']}_p"]
        assert column["delta"] == pytest.approx(change)
    assert not re.search(r"\d ms", " ".join(c.value for c in at.caption))  # one call is no timing
    kinds = {span["kind"] for _, spans in card["compared"][0]["texts"] for span in spans}
    assert kinds == {"gone", "new"}


def test_a_link_to_an_edit_opens_on_its_answer(details, requests):
    texts = {"equery": "q", "etitle": "t", "edescription": ""}
    at = details(ctab="edit", pair=2, edited=True, **texts)
    assert [t.value for t in at.text_input] == ["q", "t", ""]
    assert requests == [("student-kd", [("q", "t", "")])]


def test_children_stay_in_a_list_and_nothing_is_scored_twice(details, requests):
    at = details(ctab="edit", pair=2)
    for title in ("one", "two", "one"):
        at.text_input(key="w_etitle").set_value(title).run()
    children = at.dataframe[-1].value
    assert children["title"].tolist() == ["one", "two"]
    assert [rows[0][1] for _, rows in requests[1:]] == ["one", "two"]


def test_an_edit_without_words_is_not_scored(details, requests):
    at = details(ctab="edit", pair=2, edited=True, equery="q", etitle=" ", edescription="")
    assert at.warning
    assert requests == []


def test_another_pair_puts_the_edit_away(details, requests):
    at = details(ctab="edit", pair=2, edited=True, equery="q", etitle="t", edescription="")
    at.button(key="ctable_step1").click().run()
    assert not now(at).compare.edited
    assert at.text_input(key="w_etitle").value != "t"

"""Compare's picture, filters, cards and finding: on every kind of data, against bad messages."""

import json
from dataclasses import replace

import numpy as np
import pytest

from app import services, state
from app.services import cautions
from app.shell import caveats
from app.views.compare import density, filters, selection
from kdcore.analysis.filters import Filters
from kdcore.analysis.outcomes import CELLS, outcome_of
from tests.app.made_lab import Made, make_lab
from tests.app.opening import finding, open_page, opened, sent

KINDS = {
    "two grades": Made(grades=2),
    "four grades": Made(grades=4),
    "no truth": Made(truth=False),
    "nobody judged": Made(truth=False, unjudged=True),
    "no twin": Made(twin=False),
    "brought as files": Made(brought=True, queries=9),
    "one query": Made(queries=1, ads=12),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_is_drawn_with_a_finding_cards_and_filters(lab, kind):
    page = opened(lab, "compare", KINDS[kind])
    assert not page.exception
    assert "teacher" in finding(page)
    assert sent(page, "score_cards")["cards"]
    assert sent(page, "filter_rail")["left"] == sent(page, "filter_rail")["total"]
    assert sent(page, "joint_density")["pair"]["query"].startswith("thing ")


def test_without_labels_the_cards_compare_with_the_teacher_and_claim_no_right(lab):
    page = opened(lab, "compare", KINDS["nobody judged"])
    names = [card["name"] for card in sent(page, "score_cards")["cards"]]
    assert names[0] == "KL to the teacher"
    assert "without labels" in finding(page)


@pytest.mark.parametrize(
    ("kind", "roles", "opponent"),
    [
        ("four grades", ["Teacher", "Student", "Twin"], "its twin"),
        ("no twin", ["Teacher", "Student"], "the teacher"),
    ],
)
def test_a_card_sets_the_student_against_its_twin_or_without_one_against_the_teacher(
    lab, kind, roles, opponent
):
    card = sent(opened(lab, "compare", KINDS[kind]), "score_cards")["cards"][0]
    assert [r["title"] for r in card["rows"]] == roles
    (gain,) = card["gains"]
    assert gain["verdict"].endswith(f" {opponent}")
    assert (card["gap"] is not None) == ("Twin" in roles)


def test_numbers_come_after_the_picture_once_and_in_place_from_then_on(lab):
    """A skeleton that flashes at every drag would make the page unreadable."""
    page = opened(lab, "compare", KINDS["two grades"])
    page.run()
    names = [e.proto.component_name for e in page.get("bidi_component")]
    assert names.index("kd_score_cards") < names.index("kd_joint_density")


def test_points_carry_the_same_key_when_only_filters_change(lab):
    page = opened(lab, "compare", KINDS["four grades"])
    key = sent(page, "joint_density")["points"]
    page.query_params["tags"] = "teacher_unsure"
    page.session_state["kd_state"] = state.changed(
        state.State(), compare={"tags": "teacher_unsure", "teacher_threshold": 0.3}
    )
    page.run()
    assert sent(page, "joint_density")["points"] == key
    assert sent(page, "joint_density")["ct"] == 0.3
    assert sent(page, "joint_density")["mask"] != ""


def test_a_link_selects_what_it_says_and_the_bar_tells_how_many(lab):
    page = opened(lab, "compare", KINDS["four grades"], outcomes="neither,111", grades="3")
    rail = sent(page, "filter_rail")
    assert 0 < rail["left"] < rail["total"]
    assert set(sent(page, "joint_density")["cells"]) == {"011", "100", "111"}
    assert f"{rail['left']} selected pairs" in finding(page)
    assert sent(page, "frame_bar")["selection"] == f"{rail['left']} of 60 pairs selected"


def test_a_finding_names_the_outcomes_that_are_looked_at(lab):
    page = opened(lab, "compare", KINDS["four grades"], outcomes="110")
    assert "selected pairs: only the teacher right, label relevant." in finding(page)


def test_filters_that_nothing_passes_say_so_instead_of_breaking(lab):
    page = opened(lab, "compare", KINDS["four grades"], find="no such words anywhere")
    assert not page.exception
    assert "No pair passes" in finding(page)


def test_models_near_chance_are_told_before_anything_else(lab):
    page = opened(lab, "compare", KINDS["four grades"])
    few, chance, rest = finding(page).split(". ", 2)
    assert few == "Few queries: 12, so the 95 % intervals are widened and still rough"
    assert chance.startswith("The teacher is close to chance on these pairs (ROC-AUC 0.")
    assert "The student loses to the teacher on" in rest


def test_without_answers_the_page_leads_to_where_they_come_from(lab):
    make_lab(lab / "demo", Made())
    for folder in (lab / "demo" / "runs").iterdir():
        (folder / "predictions" / "test.parquet").unlink()
    page = opened(lab, "compare")
    assert not page.exception
    assert finding(page) == "No model has scored the 60 pairs of Bundled world yet."


def test_words_of_a_link_that_name_no_filter_and_a_box_with_swapped_ends_are_left_out(choose):
    choose(tags="gained,nonsense", outcomes="neither,101,999", grades="1,x,7,-1,-5,9999")
    choose(box=(0.9, 0.1, 0.0, 1.0))
    assert selection.filters() == Filters(
        tags=("gained",), outcomes=("neither",), cells=("101",), grades=(-1, 1, 7)
    )


def test_cells_survive_as_words_of_the_link(choose):
    for cells in (["111"], ["000", "111"], ["001", "110", "100"], []):
        choose(outcomes=selection.compressed(cells))
        assert set(selection.filters().all_cells) == set(cells)
    assert selection.compressed([c for c in CELLS if outcome_of(c) == "neither"]) == "neither"


HOSTILE = (
    {"ct": "<script>", "cs": 7, "box": "abcd", "cells": "101", "pair": None},
    {"ct": float("nan"), "cs": -3, "box": [1, 2], "cells": [[], {}, "zz"], "pair": "x"},
    {"ct": None, "box": [0.9, 0.1, "a", 0], "cells": 5, "pair": 10**12},
    {},
)


@pytest.mark.parametrize("message", HOSTILE)
def test_a_message_from_a_browser_that_lies_leaves_a_valid_state(lab, monkeypatch, message):
    """What arrives is not trusted: whatever it says, the next page opens."""
    make_lab(lab / "demo", Made())
    for part in (density, filters):
        monkeypatch.setattr(part, "message", lambda key: {**message, "n": 1})
        part._take()
        now = state.now()
        assert 0 <= now.compare.teacher_threshold <= 1
        assert 0 <= now.compare.student_threshold <= 1
        selection.finding(services.board())


@pytest.fixture
def chosen_in_the_rail(choose, monkeypatch):
    """chosen_in_the_rail({"clear": True}, ct=0.3): a message of the rail meets a state."""

    def take(message, **by_key):
        choose(**by_key)
        monkeypatch.setattr(selection, "announce", lambda board: False)
        monkeypatch.setattr(services, "board", lambda: None)
        monkeypatch.setattr(filters, "message", lambda key: message)
        filters._take()

    return take


def test_clear_all_takes_every_filter_away_and_leaves_thresholds(chosen_in_the_rail):
    words = {"find": "a", "tags": "gained", "grades": "1", "outcomes": "both"}
    chosen_in_the_rail({"clear": True}, **words, box=(0, 0.5, 0, 1), ct=0.3)
    assert not selection.active()
    assert state.now().compare.teacher_threshold == 0.3


def test_a_cell_that_was_pressed_stays_when_the_rail_adds_an_outcome(chosen_in_the_rail):
    chosen_in_the_rail({"outcomes": ["neither"]}, outcomes="101")
    assert set(selection.filters().all_cells) == {"101", "011", "100"}


def test_the_pair_in_focus_is_where_the_student_loses_most_until_one_is_chosen(lab):
    page = opened(lab, "compare", KINDS["four grades"])
    first = sent(page, "joint_density")
    board_pair = first["pair"]["row"]
    assert first["chosen"] == -1
    page.session_state["kd_state"] = state.State(pair=(board_pair + 1) % 60)
    page.run()
    assert sent(page, "joint_density")["pair"]["row"] == (board_pair + 1) % 60


def test_a_second_student_has_a_mark_and_a_difference_in_each_card(lab):
    page = opened(lab, "compare", Made(twin=True), rival="student-hard")
    card = sent(page, "score_cards")["cards"][0]
    assert [row["role"] for row in card["rows"]] == ["teacher", "student", "twin", "rival"]
    twin, second = card["gains"]
    assert second["verdict"].endswith(" the second student")
    assert second["value"] == twin["value"]  # here both are the same model


def test_the_cards_hold_metrics_of_the_selection_beside_those_of_all(lab):
    page = opened(lab, "compare", Made(), grades="1,2")
    cards = sent(page, "score_cards")["cards"]
    every, part = cards[0]["gains"]
    assert every["verdict"].startswith("All pairs: ")
    assert part["verdict"].startswith("Selected: ")
    assert part["verdict"].endswith(" its twin")
    assert part["value"] != every["value"]
    assert all("n 60, sel. " in card["n"] for card in cards if card["n"].endswith("pairs"))
    for card in cards:
        titles = [row["title"].removesuffix(" †") for row in card["rows"]]
        assert "Student, selected" in titles
        assert len(set(titles)) == len(titles) <= card["places"]  # the height is reserved


def test_the_ndcg_of_pairs_of_one_grade_is_not_shown_as_if_a_model_had_earned_it(lab):
    page = opened(lab, "compare", Made(), grades="3")
    card = next(c for c in sent(page, "score_cards")["cards"] if c["name"] == "nDCG@5")
    selected = [row["text"] for row in card["rows"] if "selected" in row["title"]]
    assert set(selected) == {"–"}
    assert [gain["verdict"][:9] for gain in card["gains"]] == ["All pairs"]


def test_pairs_that_answers_chose_get_a_difference_and_no_verdict(lab):
    """Where only the teacher is right the student loses by the choice alone."""
    page = opened(lab, "compare", Made(), outcomes="only_teacher", grades="2,3")
    _, part = sent(page, "score_cards")["cards"][-1]["gains"]
    assert part["verdict"] == "Selected: no verdict, as answers chose the pairs"
    assert "(labelled good or excellent): only the teacher right." in finding(page)
    tools = next(e.proto for e in page.get("bidi_component") if "tools_chart_joint" in e.proto.id)
    lines = json.loads(tools.json)["caption"]["lines"]
    assert lines == ["Selected: labelled good or excellent; only the teacher right"]


def test_a_selection_is_told_where_it_acts_and_not_where_it_does_not(lab):
    page = opened(lab, "compare", Made(), outcomes="both", ctab="calibration")
    assert "of 60 pairs selected" in sent(page, "frame_bar")["selection"]
    assert any("selection is not used here" in c.value for c in page.caption)
    open_page(page, "ranking").run()
    assert sent(page, "frame_bar")["selection"] == "Compare's selection is not used here"
    open_page(page, "data").run()
    assert sent(page, "frame_bar")["selection"] == ""


def test_unequal_budgets_follow_the_pair_of_runs_to_every_page_that_compares_it(lab):
    make_lab(lab / "demo", Made())
    for name, epochs in (("student-kd", 1.0), ("student-hard", 0.5)):
        line = {"step": 4, "epoch": epochs}  # the twin was stopped and kept half way
        (lab / "demo" / "runs" / name / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    for name in ("compare", "temperature", "ranking", "start"):
        page = opened(lab, name)
        assert any("The twin was ended early" in m.value.replace("\\", "") for m in page.markdown)


def test_a_teacher_that_did_not_teach_the_student_is_named(lab):
    opened(lab, "compare", KINDS["two grades"])
    board = services.boards.board_of(services.data_choices()[0])
    assert caveats.of_teacher(board) == ""
    other = replace(board, teacher=board.twin)
    text = caveats.of_teacher(other)
    assert text.startswith(f"The teacher shown, {board.twin.title}, did not teach this student: ")


def test_differences_are_called_little_only_where_no_model_is_good(lab):
    opened(lab, "compare", KINDS["four grades"])
    board = services.boards.board_of(services.data_choices()[0])
    logits = np.zeros_like(board.student.predictions.logits, dtype=np.float64)
    random = np.random.default_rng(0).normal(size=logits.shape)
    logits[np.arange(len(logits)), board.pairs.grades] = 9.0

    def answering(model, numbers):
        return replace(model, predictions=replace(model.predictions, logits=numbers))

    teacher = answering(board.teacher, random)
    good = replace(board, teacher=teacher, student=answering(board.student, logits), twin=None)
    assert "The teacher is close to chance" in cautions.caution(good)
    assert "mean little" not in cautions.caution(good)
    poor = replace(good, student=answering(board.student, -random))
    assert "Differences between models mean little" in cautions.caution(poor)

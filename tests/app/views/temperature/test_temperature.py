"""The Temperature page: it opens on a pair and a finding, on every kind of data."""

import json
import shutil
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app import services, state
from app.services import Answers, probe
from app.state import State, changed
from app.views.temperature.rail import _on_release, choice_of
from app.views.temperature.scene import moved_most
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import SCHEMES
from kdcore.predictions import Predictions
from kdcore.softlabels import kl
from tests.app.made_lab import Made, make_lab
from tests.app.opening import finding, opened, sent

KINDS = {
    "two grades": Made(grades=2),
    "four grades": Made(grades=4),
    "five grades": Made(grades=5),
    "no truth": Made(truth=False),
    "nobody judged": Made(truth=False, unjudged=True),
    "no twin": Made(twin=False),
    "brought as files": Made(brought=True, queries=9),
    "no replay kept": Made(bare=True),
}
TABS = ("numbers", "gradient", "sure", "smoothing", "replay")


@pytest.mark.parametrize("kind", KINDS)
def test_every_tab_opens_on_every_kind_of_data(lab, kind):
    page = opened(lab, "temperature", KINDS[kind])
    for tab in TABS:
        page.session_state["kd_state"] = changed(
            page.session_state["kd_state"], temperature={"tab": tab}
        )
        page.run()
        assert not page.exception, f"{kind}, {tab}: {page.exception}"
        assert "At T = 2 " in finding(page), finding(page)


def test_the_finding_says_the_mean_kl_that_the_engine_computes(lab):
    page = opened(lab, "temperature", Made(), T="4")
    runs = lab / "demo" / "runs"
    z, v, w = (
        Predictions.load(runs / run / "predictions" / "test.parquet").logits
        for run in ("teacher", "student-kd", "student-hard")
    )
    assert "At T = 4 " in finding(page)
    assert f"{kl(z, v, 4).mean():.3f} nats from the teacher" in finding(page)
    assert f"trained without the teacher {kl(z, w, 4).mean():.3f} (mean KL at this T" in finding(
        page
    )


def test_the_rail_is_told_of_the_training_temperature_and_the_calibrated_ones(lab):
    marks = sent(opened(lab, "temperature", Made()), "rail")["marks"]
    assert [(m["kind"], m["role"]) for m in marks if m["kind"] == "run"] == [("run", "student")]
    assert next(m["T"] for m in marks if m["kind"] == "run") == 3.0
    best = [m for m in marks if m["kind"] == "best"]
    assert {m["role"] for m in best} == {"teacher", "student"}, (
        "also one that the rail cannot reach"
    )


def test_a_schedule_has_marks_where_it_began_and_ended_and_a_sentence(lab):
    make_lab(lab / "demo", Made())
    path = lab / "demo" / "runs" / "student-kd" / "config.json"
    schedules = {
        "soft": {"kind": "cosine", "end": 0.25},
        "temperature": {"kind": "linear", "end": 1.0},
        "hard": {"kind": "constant", "end": 9.0},
    }
    changing = {"soft_weight": 1.0, "schedules": schedules}
    path.write_text(json.dumps(json.loads(path.read_text()) | changing))
    page = opened(lab, "temperature")
    marks = [m for m in sent(page, "rail")["marks"] if m["kind"] == "run"]
    assert [(m["T"], m["name"]) for m in marks] == [
        (3.0, "at the first step"),
        (1.0, "at the last step"),
    ]
    captions = " ".join(caption.value for caption in page.caption)
    assert "T from 3 to 1 (linear), the weight of soft labels from 1 to 0.25 (cosine)." in captions
    assert "hard labels from" not in captions


def test_a_release_of_the_rail_pins_no_pair_that_the_page_chose_itself(monkeypatch):
    choices = []
    monkeypatch.setattr(state, "change", lambda **choice: choices.append(choice))
    monkeypatch.setattr(state, "now", lambda: State())
    _on_release({"T": 3, "pair": 0}, shown=0)
    _on_release({"T": 3, "pair": 4}, shown=0)
    assert [choice.get("pair") for choice in choices] == [None, 4]


def test_a_release_of_a_linked_rail_sets_both_temperatures_whatever_the_browser_says():
    said = {"T": 5.5, "Ts": 1, "linked": True, "log": 0, "pair": 7, "n": 1, "data": "x"}
    flags = {"linked": True, "log": False, "same": False, "guess": False}
    wanted = {"T": 5.5, "Ts": 5.5, "pair": 7} | flags
    assert choice_of(said) == wanted
    assert choice_of({}) == dict.fromkeys(("T", "Ts", "pair")) | flags | {"linked": False}


def test_buttons_walk_to_other_pairs_and_the_pair_follows(lab):
    page = opened(lab, "temperature", Made(), pair="3")
    page.button(key="temperature Next").click().run()
    assert page.session_state["kd_state"].pair == 4
    assert sent(page, "rail")["pair"] == 4
    page.button(key="temperature Previous").click().run()
    assert page.session_state["kd_state"].pair == 3
    page.button(key="temperature Most changed by T").click().run()
    first = page.session_state["kd_state"].pair
    page.button(key="temperature Most changed by T").click().run()
    assert page.session_state["kd_state"].pair != first


def test_most_changed_is_the_pair_whose_label_moves_furthest():
    logits = np.array([[0, 0, 0, 0], [9, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
    teacher = Answers("t", "t", Predictions(logits, "data", "t"), None)
    # of equal ones the lower tiebreak goes first
    pairs = SimpleNamespace(content_hash="data", tiebreaks=np.array([3, 1, 2, 0]))
    assert moved_most(pairs, teacher, 8.0, 4) == [1, 2, 3, 0]


def test_two_grades_are_told_to_hold_no_dark_knowledge_and_four_are_one_click_away(lab):
    make_lab(lab / "home", Made(grades=2), "mine")
    page = opened(lab, "temperature", Made(), data="mine")
    assert "no dark knowledge" in page.info[0].value
    page.button(key="temperature_graded").click().run()
    assert page.session_state["kd_state"].data_set == "world"
    assert not page.info


def test_texts_of_the_data_are_shown_letter_by_letter(lab):
    page = opened(lab, "temperature", Made(), pair="0")
    shown = " ".join(block.value for block in page.markdown)
    assert "<b>" not in shown
    assert "\\<b\\>offer\\<\\/b\\> \\*0\\*" in shown


def test_brought_predictions_have_no_replay_and_the_page_says_why(lab):
    page = opened(lab, "temperature", Made(brought=True, queries=9), ttab="replay")
    assert "imported as a file" in page.info[0].value


def test_without_a_student_the_page_says_what_is_missing(lab):
    make_lab(lab / "demo", Made())
    shutil.rmtree(lab / "demo" / "runs")
    page = opened(lab, "temperature")
    assert not page.exception
    assert finding(page) == "No model has scored the 60 pairs of Bundled world yet."


def test_the_replay_measures_the_distance_to_the_kept_answers_of_the_chosen_teacher(lab):
    make_lab(lab / "demo", Made())
    film = services.replay("student-kd")
    run = services.model_run("student-kd")
    kept = Predictions.load(lab / "demo" / "runs" / "teacher" / "predictions" / "test.parquet")
    rows = probe.probe_rows(len(kept), len(film.pairs), 0)
    for key, model in (("teacher", kept), ("student-hard", None)):
        path = lab / "demo" / "runs" / key / "predictions" / "test.parquet"
        other = model or Predictions.load(path)
        who = Answers(key, key, other, None)
        found = probe.teacher_on_probe(film, run, who, ask=False)
        np.testing.assert_array_equal(found, other.logits[rows])


def test_the_probe_rows_are_those_that_the_recipe_draws():
    """Were the draw another one, a teacher's answers would stand beside the wrong pairs."""
    pytest.importorskip("torch")
    from kdcore.training.replay import Replay

    @dataclass(frozen=True)
    class Rows:
        query_of: Any
        ad_of: Any

    n = 400
    frame = make_frame([f"q{i}" for i in range(n)], ["t"] * n, ["d"] * n, [0] * n, "validation")
    table = PairTable(frame, SCHEMES["four"], "made")
    replay = Replay(None, table, Rows(np.arange(n), np.arange(n)), 3, 9, seed=4)  # type: ignore[arg-type]
    rows = probe.probe_rows(n, len(replay.probe), 4)
    assert replay.probe.frame["query"].tolist() == [f"q{i}" for i in rows]

"""The page Masked word, acted on as a visitor does, with two tiny models that are really run."""

import json
import shutil
from pathlib import Path
from threading import Event, Thread

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.state import State, changed, of_keys
from app.views.masked_word import queries
from kdcore.errors import LabError
from kdcore.language import truth

VIEW = str(Path(__file__).parents[4] / "app" / "views" / "masked_word" / "page.py")
SNACKS = "Let's go to the [MASK] and buy some snacks!"


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """A demo that holds nothing but a teacher and a student of masked words."""
    from kdcore.language.plan import StudentPlan, TeacherPlan
    from kdcore.language.train import train_pair
    from kdcore.workspace import Workspace

    folder = tmp_path_factory.mktemp("demo")
    common = {"texts": 200, "learning_rate": 1e-2, "device": "cpu", "threads": 1}
    teacher = TeacherPlan(steps=6, layers=2, hidden=16, heads=2, **common)
    student = StudentPlan(teacher="teacher", steps=3, **common)
    home = Workspace(tmp_path_factory.mktemp("trained"))
    for role, model in train_pair(teacher, student, home, lambda title, run: None).items():
        shutil.copytree(model, folder / "masked" / role)
    return folder


@pytest.fixture
def page(demo, tmp_path, monkeypatch):
    """page(mask_t=5) -> the page in that state, run."""
    monkeypatch.setenv("KDLAB_DEMO", str(demo))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)

    def open_page(**fields) -> AppTest:
        app = AppTest.from_file(VIEW, default_timeout=120)
        app.session_state["kd_state"] = changed(State(), **of_keys(fields))
        app.run()
        assert not app.exception
        return app

    return open_page


def finding(app: AppTest) -> str:
    return app.session_state["kd_finding"]


def sent(app: AppTest) -> dict:
    """What the picture was given, without its logits."""
    [part] = [b.proto for b in app.get("bidi_component") if b.proto.component_name == "kd_bars"]
    return json.loads(part.mixed.json)


def test_the_page_opens_on_the_tutorials_sentence_answered_by_both_models(page):
    app = page()
    assert app.text_input(key="w_sentence").value == SNACKS
    assert finding(app).startswith("At T = 2 the teacher gives ")
    assert "% of its probability (entropy " in finding(app)
    assert any("the lab's own teacher" in c.value.replace("\\", "") for c in app.caption)


def test_the_finding_follows_the_temperature(page):
    assert "At T = 5 " in finding(page(mask_t=5))
    assert "at T = 1" not in finding(page(mask_t=1))


def test_a_preset_changes_sentence_picture_and_link(page):
    app = page()
    before = sent(app)
    app.button(key="masked_Bakery").click().run()
    assert (
        app.session_state["kd_state"].masked_word.sentence
        == "We need [MASK], so let's go to the bakery."
    )
    assert (
        app.text_input(key="w_sentence").value == app.session_state["kd_state"].masked_word.sentence
    )
    assert sent(app)["hash"] != before["hash"]
    app.button(key="masked_Snacks").click().run()
    assert app.session_state["kd_state"].masked_word.sentence == ""  # the default stands in no link


def test_a_sentence_of_ones_own_is_answered_and_a_bad_one_explained(page):
    app = page()
    app.text_input(key="w_sentence").set_value("Mom went to the [MASK].").run()
    assert finding(app).startswith("At T = 2")
    app.text_input(key="w_sentence").set_value("No gap at all").run()
    assert finding(app) == ("The sentence has no [MASK]: put [MASK] in place of exactly one word.")
    assert not app.warning  # the sentence is at fault, no model is
    assert not app.exception


def test_words_that_the_models_do_not_know_are_marked_and_told_first(page):
    app = page(sentence="The best xylophone under [MASK] zlotys")
    assert finding(app).startswith("The teacher does not know “xylophone”")
    [marked] = [m.value for m in app.markdown if ":orange-background[" in m.value]
    assert ":orange-background[xylophone]" in marked
    assert ":orange-background[The]" not in marked
    known = page()
    assert not [m for m in known.markdown if ":orange-background[" in m.value]
    assert finding(known).startswith("At T = 2 ")


def test_markup_in_a_sentence_stays_text(page):
    app = page(sentence="<script>alert(1)</script> **go** to the [MASK]")
    assert not app.exception
    assert "<script>" not in finding(app)


def test_the_truth_stands_beside_sentences_that_the_grammar_knows(page):
    known = {row["word"]: row["truth"] for row in sent(page())["rows"]}
    exact = truth(SNACKS)
    for word, p in known.items():
        assert p == pytest.approx(exact.get(word, 0.0))
    assert {row["truth"] for row in sent(page(sentence="A [MASK] fell."))["rows"]} == {-1}


def test_what_a_browser_says_at_release_is_bounded():
    def script():
        import streamlit as st

        from app.views.masked_word.picture import _on_release

        st.session_state["said"] = [
            vars(_on_release({"T": 1e9, "log": True, "few": "yes", "same": True})),
            vars(_on_release({"T": "hot", "log": None})),
        ]

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert app.session_state["said"] == [
        {"T": 20.0, "log": True, "few": False, "same": True},
        {"T": 20.0, "log": False, "few": False, "same": False},
    ]


def test_a_release_sends_no_logits_again_but_another_choice_of_the_server_does(page):
    from dataclasses import replace

    app = page()
    before = sent(app)
    memo = app.session_state["kd_masked_told"]
    app.session_state["masked_bars"] = {"set": {"T": 7.5, "log": True, "few": False, "n": 1}}
    shown = replace(memo.view, T=7.5, log=True)  # as the part's callback leaves it
    app.session_state["kd_masked_told"] = replace(memo, shown=shown, heard=True)
    app.session_state["kd_state"] = changed(State(), masked_word={"T": 7.5, "log_scale": True})
    assert sent(app.run()) == before
    app.session_state["kd_state"] = changed(
        State(), masked_word={"T": 3}
    )  # Back, or a lesson's step
    after = sent(app.run())
    assert (after["view"]["T"], after["turn"]) == (3, before["turn"] + 1)


def test_a_link_alone_opens_no_model_until_its_button_is_pressed(page, demo):
    other = str(demo / "masked" / "student")
    app = page(mteacher=other)
    assert "could not be opened" in finding(app)
    assert "open it below" in app.warning[0].value.replace("\\", "")
    app.button(key="open_mteacher").click().run()
    assert finding(app).startswith("At T = 2")
    app.button(key="own_mteacher").click().run()
    assert app.session_state["kd_state"].masked_word.teacher == ""


def test_another_model_named_by_hand_takes_the_place_and_nonsense_is_explained(page, demo):
    app = page()
    app.text_input(key="w_mstudent").set_value(str(demo / "masked" / "teacher")).run()
    weights = [c.value.split("weights")[0].split()[-1] for c in app.caption if "weights" in c.value]
    assert weights[0] == weights[1]
    app.text_input(key="w_mstudent").set_value(str(demo)).run()
    assert "cannot be opened as a masked language model" in app.warning[0].value.replace("\\", "")


def test_a_public_showing_asks_its_own_models_only(page, demo, monkeypatch):
    monkeypatch.setattr(queries.access, "public", lambda: True)
    monkeypatch.setattr(services, "public", lambda: True)
    app = page(mteacher=str(demo / "masked" / "student"))
    assert finding(app).startswith("At T = 2")
    assert [box.key for box in app.text_input] == ["w_sentence"]
    assert any(c.value == services.PUBLIC_REASON for c in app.caption)
    with pytest.raises(LabError, match="public showing"):
        queries.fill_mask(str(demo), SNACKS)


def test_a_slow_hub_keeps_nobody_waiting_who_asks_another_model(monkeypatch):
    started, go_on, answered = Event(), Event(), []

    def answer(source, changed, sentence, title):
        started.set()
        return go_on.wait(30) if source == "slow" else answered.append(source)

    monkeypatch.setattr(queries, "_answer", answer)
    monkeypatch.setattr(queries.access, "public", lambda: False)
    slow = Thread(target=queries.fill_mask, args=("slow", SNACKS))
    fast = Thread(target=queries.fill_mask, args=("fast", SNACKS), daemon=True)
    slow.start()
    assert started.wait(30)
    fast.start()
    fast.join(10)
    waiting = slow.is_alive()
    go_on.set()
    slow.join()
    assert (answered, waiting) == (["fast"], True)


def test_a_demo_without_language_models_says_how_to_get_them(page, tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path))
    app = page()
    assert "kdlab demo build" in app.warning[0].value.replace("\\", "")


def test_models_of_two_vocabularies_are_compared_by_word(demo, tmp_path):
    import numpy as np

    from app.views.masked_word.picture import _aligned, _rows
    from kdcore.language import Filled

    one = Filled.of("a", SNACKS, ("shop", "park", "zoo"), np.array([1, 3, 2], dtype=np.float32))
    two = Filled.of("b", SNACKS, ("mall", "zoo"), np.array([5, 4], dtype=np.float32))
    rows = {row.word: (row.t, row.s) for row in _rows(one, two, False, {})}
    assert rows == {"park": (0, -1), "zoo": (1, 1), "shop": (2, -1), "mall": (-1, 0)}
    other = Filled.of("c", SNACKS, ("zoo", "shop", "park"), np.array([7, 8, 9], dtype=np.float32))
    assert _aligned(other, one).tolist() == [9, 7, 8]  # park, zoo, shop: the first one's order

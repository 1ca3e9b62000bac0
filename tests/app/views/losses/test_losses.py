"""The page Losses, acted on as a visitor does, over an invented story of four grades."""

from types import SimpleNamespace

import numpy as np
import pytest

from app.kit import by_hash
from app.kit.texts import pair_number
from app.services import boards, draft
from app.shell.lessons import lessons
from app.state import State, changed, query_of, state_of
from app.views.losses.objective import Part, in_words, objective, text_of, usual, with_knob
from app.views.losses.queries.fit import refusal_of, working
from app.views.losses.queries.values import pull_of, terms_of
from app.views.losses.queries.vectors import picture_of
from app.views.losses.scene import scene_of
from app.views.losses.send import settings_of
from kdcore.catalog import METHODS, misfit
from kdcore.config import DistillConfig
from kdcore.experiments.presets import config_of
from kdcore.softlabels import soften
from tests.app.made_lab import Made
from tests.app.opening import finding, opened


def state_of_page(page) -> State:
    return page.session_state["kd_state"]


def captions(page) -> str:
    return " ".join(caption.value.replace("\\", "") for caption in page.caption)


def test_the_page_opens_on_two_objectives_and_says_how_far_apart_they_pull(lab):
    page = opened(lab, "losses", Made())
    assert not page.exception
    assert "at the student's own logits, the loss of A (KL at T = 2) is" in finding(page)
    assert "The angle between both gradients is" in finding(page)
    assert page.subheader[-1].value == "Measured on the bundled world"


def test_every_method_of_the_catalog_has_a_card(lab):
    page = opened(lab, "losses", Made())
    ticks = {box.key for box in page.checkbox}
    fitting = {"hard", *(name for name in METHODS if not misfit(name, "twinbert_cos"))}
    assert {f"losses_tick_a_{name}" for name in fitting} <= ticks
    assert "losses_tick_a_internal" not in ticks  # its card says why instead
    assert "which TwinBERT cosine does not give" in captions(page)


def test_a_tick_adds_a_term_to_the_link_and_the_link_opens_with_it(lab):
    page = opened(lab, "losses", Made())
    page.checkbox(key="losses_tick_b_hard").check().run()
    page.number_input(key="losses_weight_b_hard").set_value(0.5).run()
    page.selectbox(key="losses_loss_a_response").select("ce").run()
    state = state_of_page(page)
    assert state.losses.a == "response:loss=ce"
    assert state.losses.b == "response:loss=mse_logits;hard:weight=0.5"
    assert state.losses.shown == "a"
    assert state_of(query_of(state)) == (state, [])
    again = opened(lab, "losses", **query_of(state))
    assert finding(again) == finding(page)
    assert again.number_input(key="losses_weight_b_hard").value == 0.5
    page.checkbox(key="losses_tick_b_hard").uncheck().run()
    assert state_of_page(page).losses.b == "response:loss=mse_logits"


def test_another_view_changes_no_objective_and_offers_those_that_it_can_draw(lab):
    page = opened(lab, "losses", Made(), la="response;ranking")
    assert "A also has ranking (margin MSE), which this sentence leaves out" in finding(page)
    page.segmented_control(key="w_lview").set_value("ads").run()
    assert (
        "Over 5 of this query's 5 ads, at the student's own scores, the loss of A (margin MSE)"
        in (finding(page))
    )
    page.segmented_control(key="w_lview").set_value("vectors").run()
    assert "“Vectors” draws feature and relation losses; A and B have neither." in finding(page)
    assert state_of_page(page).losses.a == "response;ranking"
    page.button(key="losses_usual").click().run()
    assert (state_of_page(page).losses.a, state_of_page(page).losses.b) == ("feature", "relation")
    assert "On invented vectors, at the student's own vectors, the loss of A (L2) is" in (
        finding(page)
    )
    assert "W: the learned projection" in captions(page)


def test_along_a_descent_the_headline_says_no_value_of_the_place_that_was_left(lab):
    page = opened(lab, "losses", Made(), lsteps="12")
    assert "gradient descent on A and on B has gone up to 12 steps of size 0.5" in finding(page)
    assert "The loss of" not in finding(page)


def test_the_lesson_leads_back_to_the_pair_of_which_it_speaks(lab):
    page = opened(lab, "losses", Made(), lesson="losses")
    assert "The lesson speaks of pair" not in captions(page)
    page.button(key="losses Next pair").click().run()
    assert "The lesson speaks of pair" in captions(page)
    next(box for box in page.button if box.label.startswith("Go back to pair")).click().run()
    assert "The lesson speaks of pair" not in captions(page)


def test_headline_and_formulas_agree_on_a_weight_and_t_squared_is_shown_only_where_it_is(lab):
    page = opened(lab, "losses", Made(), la="response:loss=mse_logits,weight=0", lb="response")
    assert "The loss of A (0 × MSE of logits) is 0, and its gradient is 0".lower() in (
        finding(page).lower()
    )
    assert any("Weight × loss: 0 ·" in each.value for each in page.markdown)
    assert not any("Why T²" in each.value for each in page.subheader)
    page.segmented_control(key="w_lob").set_value("b").run()
    assert any("Why T²" in each.value for each in page.subheader)


def test_a_question_sets_view_and_objectives_at_once(lab):
    page = opened(lab, "losses", Made())
    page.selectbox(key="losses_question").select("Soft label or hard label?").run()
    assert (state_of_page(page).losses.a, state_of_page(page).losses.b) == ("response", "hard")
    assert "B (hard labels)" in finding(page)


def test_a_loss_that_teaches_nothing_on_two_grades_is_not_offered_and_says_why(lab):
    page = opened(lab, "losses", Made(grades=2))
    assert "standardized" not in page.selectbox(key="losses_loss_a_response").options
    assert "every standardized logit is ±0.7071" in captions(page)


def test_what_a_link_says_wrongly_is_named_and_left_out(lab):
    page = opened(lab, "losses", Made(), la="response;nonsense;hard", lat="1,2,3")
    said = " ".join(warning.value.replace("\\", "") for warning in page.warning)
    assert "nonsense" in said
    assert "lat: 3 numbers, and the student has 4 here" in said
    assert "A (KL at T = 2 + hard labels)" in finding(page)


def test_the_teachers_score_card_stands_beside_ranking(lab):
    page = opened(lab, "losses", Made())
    assert "The teacher's scores within a query: spread" in captions(page)
    assert "over 12 queries" in captions(page)


def test_a_temperature_of_its_own_stays_when_the_pages_changes(choose):
    choose(la="response:temperature=2;ranking:loss=list_kl,temperature=3", lb="response", lt=5)
    a, b = objective("a"), objective("b")
    assert (a[0].params.temperature, a[0].follows) == (2, False)
    assert (b[0].params.temperature, b[0].follows) == (5, True)
    assert text_of(a) == "response:temperature=2;ranking:loss=list_kl,temperature=3.0"
    assert text_of(b) == "response"


def test_an_objective_is_sent_to_the_form_of_distill(lab):
    page = opened(lab, "losses", Made(), lb="response;ranking:loss=list_kl,weight=0.5", lt="4")
    page.button(key="losses_send_b").click().run()
    assert not page.exception
    assert page.title[0].value == "Distill"
    settings = draft.decode(state_of_page(page).distill.settings)
    assert settings["terms.ranking.weight"] == "0.5"
    assert settings["terms.ranking.params.loss"] == "list_kl"
    assert settings["method.params.temperature"] == "4"


def test_internal_is_added_with_mixed_heads_where_the_models_have_unequal_numbers_of_them():
    added = usual("internal", 1)
    maps = SimpleNamespace(shapes=((2, 2, 12), (3, 3, 12)))  # (layers, heads, width) of both
    assert "“MiniLM relations”" in in_words(refusal_of(added, *maps.shapes))
    assert refusal_of(working(added, maps), *maps.shapes) == ""
    assert working(added, SimpleNamespace(shapes=((2, 3, 12), (3, 3, 12)))) == added


def test_the_settings_of_an_objective_are_the_distillation_that_it_describes():
    parts = (usual("response", 4.0), Part("ranking", 0.5, METHODS["ranking"].params()))
    parts = (*parts, Part("hard", 0.2, None))
    config = config_of(draft.FIRST, settings_of(parts, "bert") | {"teacher": "any"})
    assert isinstance(config, DistillConfig)
    assert config.method.params.temperature == 4
    assert [(term.name, term.weight) for term in config.terms] == [("ranking", 0.5)]
    assert (config.soft_weight, config.hard_weight) == (1.0, 0.2)
    assert config.student.name == "twinbert_cos"
    inside = config_of(draft.FIRST, settings_of((usual("internal", 1),)) | {"teacher": "any"})
    assert inside.student.name == "bert"


def test_a_student_turned_in_space_lies_on_its_teacher_in_the_picture():
    teacher = np.random.default_rng(1).normal(size=(4, 6))
    teacher[:, 2:] = 0
    turn = np.array([[0.0, -2.0], [2.0, 0.0]])
    student = np.hstack([teacher[:, :2] @ turn, np.zeros((4, 1))])
    picture = picture_of([teacher, student, None], np.arange(4))
    assert picture.points[1] == pytest.approx(picture.points[0])
    assert picture.shares == pytest.approx((1, 1))
    assert not picture.invented


def test_a_choice_out_of_range_becomes_the_bound():
    state = changed(State(), losses={"rate": 99, "start": [1e9, 0], "axes": [0, 99]})
    assert (state.losses.rate, state.losses.start) == (10, (100, 0))


def test_what_the_lesson_says_of_the_pair_that_it_opens_on_is_true(monkeypatch, choose):
    """KL's gradient is over 100 times as long; all of the student's scores are too low."""
    monkeypatch.delenv("KDLAB_DEMO", raising=False)
    by_hash.clear()
    step = lessons()["losses"].steps[0]
    choose(student=step.link["student"], pair=int(step.link["pair"]))
    bundled = boards.board()
    pair = scene_of(bundled)
    assert f"Pair {pair_number(pair.row)}: a student that learned from labels alone" in step.text
    assert soften(pair.student[None])[0, 0] > 0.99
    assert soften(pair.teacher[None])[0, 2:].sum() > 0.7
    kl = usual("response", 2.0)
    terms = (kl, with_knob(kl, "loss", "mse_probabilities"))
    pulls = [np.linalg.norm(pull_of(terms_of(pair, (part,)))) for part in terms]
    assert pulls[0] > 100 * pulls[1]
    choose(lview="ads")
    ads = scene_of(bundled)
    assert (ads.student < ads.teacher).all()

"""Settings typed as YAML or come by a link: odd ones are told, none is lost, none burns the lab."""

import pytest

from app import state
from app.services import draft
from app.services.draft import decode, draft_of
from app.views.distill.form import yaml_text
from app.views.distill.queries import cost, runs
from app.views.distill.queries.cost import Cost
from kdcore.config import ModelConfig
from kdcore.errors import RunError
from kdcore.experiments.estimate import data_stats
from kdcore.runs.queue import control, queue
from tests.app.views.distill.acting import HEAT, knob, made, page
from tests.app.visitor import button, choices, texts

ODD = [
    "a: 2024-13-45",
    "a: !!int abc",
    "a: !!bool abc",
    "a: !!timestamp abc",
    f"seed: {'9' * 5000}",
    f"seed: 0x{'f' * 5000}",
    "[" * 3000,
    "a: &x {b: *x}",
    "? [1, 2]\n: 3",
    "- 1",
    "~: 3\n5: 6",
    "teacher: [1]\ndata: {a: 1}\nstudent: 5",
]


@pytest.fixture
def unforeseen(monkeypatch) -> None:
    """Nothing is estimated, which takes time."""
    monkeypatch.setattr(cost, "cost", lambda config, train_twin: Cost(why="not measured"))


@pytest.mark.parametrize("text", ODD)
def test_odd_yaml_is_told_as_a_problem_and_raises_nothing(text):
    assert yaml_text.problems_of(text)
    assert isinstance(yaml_text.lines_of(text), dict)


def test_a_problem_of_the_yaml_quotes_the_line_that_it_is_about():
    assert yaml_text.problems_of("seed: 1\nlimit: [1, 2\n")[0].startswith("line 3")
    told = yaml_text.problems_of("seed: 1\n  limit: 5\n")
    assert told[0].startswith("line 2, “limit: 5”: "), told


def test_odd_yaml_stays_in_the_box_and_the_page_stands(unforeseen):
    at = page(dmode="yaml")
    at.text_area[0].set_value("a: !!timestamp abc\n").run()
    assert not at.exception
    assert at.text_area[0].value == "a: !!timestamp abc\n"
    assert "this is no YAML that can be read" in texts(at)
    assert button(at, "distill_start").disabled


def test_typed_yaml_keeps_its_teacher_and_data_when_the_table_changes(unforeseen):
    at = page(dmode="yaml")
    at.text_area[0].set_value("# mine\n" + at.text_area[0].value).run()
    assert decode(choices(at).distill.settings) == {"teacher": "teacher", "data": "world"}
    assert "Changed from the preset" not in texts(at)
    at.segmented_control(key="w_dmode").set_value("form").run()
    knob(at, HEAT).set_value(4.0).run()
    assert {"teacher", "data", HEAT} == set(decode(choices(at).distill.settings))


def test_typed_yaml_is_kept_with_a_warning_when_the_form_changes_after_it(unforeseen):
    at = page(dmode="yaml")
    typed = "# mine\n" + at.text_area[0].value
    at.text_area[0].set_value(typed).run()
    at.segmented_control(key="w_dmode").set_value("form").run()
    knob(at, HEAT).set_value(4.0).run()
    at.segmented_control(key="w_dmode").set_value("yaml").run()
    assert at.text_area[0].value == typed
    assert "Start runs them, not this text" in texts(at)
    button(at, "distill_yaml_take").click().run()
    assert HEAT not in decode(choices(at).distill.settings)
    assert "not this text" not in texts(at)


def test_the_layers_to_start_from_are_typed_and_a_wrong_number_of_them_is_told(unforeseen):
    at = page(settings="student.name=bert")
    knob(at, "student.start_from").set_value("demo:teacher").run()
    knob(at, "student.layers_from").set_value("0").run()
    assert "names 1 layers and params.layers is 2; name 2" in texts(at)
    knob(at, "student.layers_from").set_value("0 2").run()
    assert knob(at, "student.layers_from").value == "0 2"
    assert draft_of("sixty_seconds", decode(choices(at).distill.settings)).config.student == (
        ModelConfig(name="bert", start_from="demo:teacher", layers_from=(0, 2))
    )


def test_the_order_of_pairs_stands_in_the_form_where_there_are_two_kinds_of_them(unforeseen):
    at = page(settings="transfer=train%2Blog;student.name=cdssm")
    assert knob(at, "student.start_from").value == ""  # a student without layers may start, too
    knob(at, "order.kind").set_value("interleaved").run()
    knob(at, "order.ratio").set_value(3.0).run()
    order = draft_of("sixty_seconds", decode(choices(at).distill.settings)).config.order
    assert (order.kind, order.ratio) == ("interleaved", 3)
    knob(at, "transfer").set_value("train").run()
    assert "interleaved is an order of labelled and unlabelled pairs" in texts(at)


def test_settings_longer_than_a_link_are_refused_in_words_and_not_cut(unforeseen):
    long = "student.params.vocabulary=3001;" + f"student.start_from={'x' * 2900}"
    at = page(settings=long)
    before = choices(at).distill.settings
    assert len(before) > 2900
    knob(at, "seed").set_value(12345).run()
    knob(at, "limit").set_value(12345).run()
    knob(at, HEAT).set_value(4.0).run()
    assert len(choices(at).distill.settings) <= 3000
    assert "characters do not fit into a link" in texts(at)
    assert all(part.partition("=")[2] for part in choices(at).distill.settings.split(";"))


def test_the_longest_settings_are_those_that_the_state_takes():
    assert len(state.clean("distill.settings", "x" * 9000)) == draft.LONGEST


def test_a_public_showing_foresees_nothing_of_a_world_that_a_link_names(monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    monkeypatch.setattr(cost, "estimate", lambda *a: pytest.fail("it was counted"))
    config = draft_of("sixty_seconds", {"data": "world:train=999999"}).config
    assert "only on the data sets that it offers" in cost.cost(config, True).why


def test_a_big_world_is_counted_by_its_sizes_and_never_made(home, monkeypatch):
    asked = []
    genuine = data_stats.pairs_of
    monkeypatch.setattr(
        data_stats, "pairs_of", lambda c, w: (asked.append(c.data), genuine(c, w))[1]
    )
    config = draft_of("sixty_seconds", {"data": "world:train=999999,log=500000", "limit": 0}).config
    found = data_stats.stats_of(config, home)
    assert (found.transfer, found.labelled, found.test) == (999_999, 999_999, 10_000)
    assert all("999" not in data for data in asked)


def test_no_teacher_is_asked_in_advance_of_more_pairs_than_a_preset_has(home, monkeypatch):
    monkeypatch.setattr(runs, "stats_of", lambda *a: pytest.fail("it was counted"))
    config = draft_of("sixty_seconds", {"data": "world:train=999999"}).config
    assert not runs._is_small(config, home)


def test_a_run_that_could_not_be_discarded_is_free_again_and_says_so(home, monkeypatch):
    run = made(home, "running")
    monkeypatch.setattr(control, "discard", lambda run, home: None)
    runs.act("discard", run.id)
    assert runs._request(run) == "discard"
    monkeypatch.setattr(runs, "_PATIENCE", 0.0)
    assert runs._request(run) == "stays"


def test_a_discard_that_is_refused_leaves_its_line_as_it_was(home, monkeypatch):
    run = made(home, "running")

    def refused(run, home):
        raise RunError("it cannot be stopped")

    monkeypatch.setattr(control, "discard", refused)
    with pytest.raises(RunError):
        runs.act("discard", run.id)
    assert runs._request(run) == ""


def test_resume_waits_in_the_same_line_as_start(home, monkeypatch):
    run = made(home, "stopped")
    monkeypatch.setattr(runs, "MOST_WAITING", 0)
    with pytest.raises(RunError, match="0 runs are queued already"):
        runs.act("resume", run.id)
    assert queue.waiting(home) == []


def test_a_run_that_another_tab_discarded_is_said_to_be_gone(home, unforeseen, monkeypatch):
    from app.views.distill import watch

    run = made(home, "failed", "it failed in /home/somebody/runs/x/log.txt: no space")
    monkeypatch.setattr(watch.live, "answer", lambda *a: None)
    at = page(run=run.id)
    assert not at.exception
    assert "it may have been discarded" in texts(at)


def test_a_public_showing_names_no_folder_and_shows_no_log(home, unforeseen, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    run = made(home, "failed", "it failed in /home/somebody/runs/x/log.txt: no space")
    (run.folder / "run.log").write_text("Traceback in /home/somebody")
    at = page(run=run.id)
    assert "…/log.txt: no space" in texts(at)
    assert "somebody" not in texts(at) + "".join(code.value for code in at.code)

"""Recipe as a visitor reads it: measured before, planned, finished, changed, and in public."""

import json
import re
from dataclasses import replace

import pytest

from app.kit.figures.recipe import Step, waterfall
from app.kit.forms import help_of
from app.services import access
from app.services.live import recipe as live
from app.shell.lessons import lesson
from app.state import keys
from app.views.recipe import outcome, queries
from app.views.recipe.stage import in_effect
from kdcore.errors import RunError
from kdcore.experiments import pipeline as recipes
from kdcore.experiments.pipeline import RECIPES, control
from kdcore.objectives.params import ResponseParams
from kdcore.runs.record import Record
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.made_lab import make_lab
from tests.app.opening import finding, sent
from tests.app.visitor import button, choices, press, texts, visit
from tests.experiments.finished import finished
from tests.experiments.planned import some_pairs


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Workspace:
    """The visitor's workspace, with invented pairs; no process is started for it."""
    home = Workspace(tmp_path / "home")
    monkeypatch.setenv("KDLAB_HOME", str(home.root))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    monkeypatch.setattr(control, "spawn", lambda *_: pytest.fail("a driver was started"))
    some_pairs(log=24).save(home.data_folder("invented"))
    return home


def test_a_newcomer_sees_the_pipeline_of_the_bundled_models(home):
    card = json.loads((access.demo().root / "demo.json").read_text())
    at = visit("recipe")
    assert not at.exception
    assert "is finished: 8 of 8 stages are done" in finding(at)
    student = card["figures"]["students"][0]
    gain = student["distilled"]["roc_auc"]["value"] - student["hard"]["roc_auc"]["value"]
    assert (
        f"C-DSSM on the log has the largest gain over the model before it: +{gain:.3f}"
        in finding(at)
    )
    boxes = {box["name"]: box for box in sent(at, "boxes")["now"]["stages"]}
    assert boxes["cdssm_log"]["run"] == student["distilled"]["run"]


def test_a_pipeline_that_was_measured_before_is_read_and_one_like_it_planned(home):
    first = recipes.read_measured(access.ASSETS / "measured" / "recipe.json")[0]
    at = visit("recipe", v="1", pipe="measured:adsbert-small-0")
    assert not at.exception
    assert f"measured before, on {first.day}" in finding(at)
    most = max(first.results.rows, key=lambda row: row.delta if row.before else -1)
    assert (
        f"{most.title} has the largest gain over the model before it: +{most.delta:.3f}"
        in finding(at)
    )
    assert "BETTER than that model. The interval of C-DSSM" in finding(at)
    assert f"`{first.command}`" in texts(at)
    boxes = sent(at, "boxes")
    assert boxes["pipeline"] == ""  # nothing is polled
    assert [box["title"] for box in boxes["now"]["stages"]] == [s.title for s in first.plan.stages]
    press(at, "recipe_plan")
    now = choices(at).recipe
    assert (now.planning, now.recipe, now.seed) == ("1", first.plan.recipe, first.plan.seed)
    assert not button(at, "recipe_start").disabled
    assert not list(RunStore(home.runs).list())


def test_the_newest_own_pipeline_is_shown_and_a_link_still_opens_what_was_measured(home):
    one = finished(home.root)
    at = visit("recipe")
    assert "is finished: 6 of 6 stages are done" in finding(at)
    assert "the largest difference is Student on the log: +0.250" in finding(at)
    assert "Student on labels alone: ≈ +0.250 [−0.121, +0.621] INCONCLUSIVE" in texts(at)
    assert "Student, label-aware 100 % [100, 100]" in finding(at)
    assert "Without each part" in "".join(each.value for each in at.subheader)
    assert sent(at, "boxes")["pipeline"] == one.id
    again = visit("recipe", v="1", pipe="measured:adsbert-small-0")
    assert "measured before" in finding(again)
    lost = visit("recipe", v="1", pipe="20200101-nothing")
    assert "no pipeline here is called" in texts(lost)


def test_a_bundled_pipeline_comes_before_what_was_measured_and_cannot_be_changed(
    tmp_path, monkeypatch
):
    make_lab(tmp_path / "demo")
    bundled = finished(tmp_path / "demo", ablation=False)
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    at = visit("recipe")
    assert "is finished: 5 of 5 stages are done" in finding(at)
    boxes = sent(at, "boxes")
    assert boxes["pipeline"] == ""
    assert {stage["run"] for stage in boxes["now"]["stages"]} == set(bundled.run_ids().values())
    measured = {stage["title"] for stage in boxes["now"]["stages"] if stage["value"]}
    assert measured == {row.title for row in recipes.results(bundled).rows}
    assert "recipe_again" not in [each.key for each in at.button]
    assert all(field.disabled for field in at.number_input)


def test_a_plan_takes_settings_and_refuses_wrong_ones_under_their_field():
    plan = {"v": "1", "rplan": "1", "rdata": "invented", "rstage": "student"}
    at = visit("recipe", **plan, rset="student.training.epochs=3")
    assert "Nothing follows" not in texts(at)
    assert "student learns from the scored log" in texts(at)
    assert "No other stage reads its result." in texts(at)
    field = next(e for e in at.number_input if e.key == "knob_student.training.epochs")
    assert field.value == 3
    assert "4 in the recipe; more than 0" in field.help
    assert "0 takes" not in field.help
    field.set_value(5000).run()
    assert "5000" in texts(at)
    assert button(at, "recipe_start").disabled
    field.set_value(0).run()
    assert "0 is too small for a stage of a recipe; give more than 0, such as 4" in texts(at)
    assert button(at, "recipe_start").disabled
    press(at, "recipe_reset")
    assert not button(at, "recipe_start").disabled
    without = visit("recipe", **plan, rwithout="log,nonsense", rablation="1")
    stages = sent(without, "boxes")["now"]["stages"]
    assert "student_log" not in [stage["name"] for stage in stages]
    assert "no label-aware step" in [stage["without"] for stage in stages]


def test_a_wrong_seed_says_what_is_wrong_and_starts_nothing_until_it_is_mended():
    at = visit("recipe", v="1", rplan="1", rdata="invented", rseed="7")
    for wrong, words in ((-5, "-5 is outside 0..2,147,483,647"), (2.5, "not a whole number")):
        at.number_input(key="w_rseed").set_value(wrong).run()
        assert words in texts(at)
        assert at.number_input(key="w_rseed").value == wrong
        assert choices(at).recipe.seed == 7
        assert button(at, "recipe_start").disabled
    at.number_input(key="w_rseed").set_value(8).run()
    assert choices(at).recipe.seed == 8
    assert not button(at, "recipe_start").disabled
    assert "whole number; try" not in texts(at)


def test_a_pipeline_is_called_small_or_full_only_where_it_has_those_sizes():
    bundled = next(iter(recipes.pipelines(access.demo())))
    before = recipes.read_measured(access.ASSETS / "measured" / "recipe.json")[0]
    assert "sizes of its own" in queries.title(bundled.plan)  # at most 5,000 labels
    assert "(small, " in queries.title(before.plan)
    whole = replace(before.plan, small=False, data=RECIPES[before.plan.recipe].full.data)
    assert "(full, " in queries.title(whole)
    assert "sizes of its own" in queries.title(replace(whole, limit=500))


def test_start_makes_a_pipeline_and_shows_it(home, monkeypatch):
    begun = []
    monkeypatch.setattr(recipes, "start", begun.append)
    at = visit("recipe", v="1", rplan="1", rdata="invented")
    press(at, "recipe_start")
    assert [each.id for each in begun] == [choices(at).recipe.pipeline]
    assert recipes.find(begun[0].id, home).plan.data == "invented"
    assert "has not begun: 0 of 5 stages are done" in finding(at)
    words = {s["name"]: s["words"] for s in sent(at, "boxes")["now"]["stages"]}
    assert words["teacher"] == "not begun yet"  # it has no earlier stage
    assert words["scores"] == words["student"] == "waits for earlier stages"


def test_a_changed_stage_and_what_follows_let_go_of_their_runs(home, monkeypatch):
    one, begun = finished(home.root, ablation=False), []
    before = one.run_ids()
    monkeypatch.setattr(recipes, "start", begun.append)
    changed = {"rstage": "student_log", "rset": "student_log.training.epochs=3"}
    at = visit("recipe", v="1", pipe=one.id, **changed)
    assert "Run again: Student on the log, Student, label-aware." in texts(at)
    press(at, "recipe_again")
    assert len(begun) == 1
    rest = recipes.find(one.id, home).run_ids()
    assert set(before) - set(rest) == {"student_log", "student"}
    again = visit("recipe", v="1", pipe=one.id)
    assert "Student on the log: epochs **3** (recipe: 6)" in texts(again)
    assert "Before the change, Student, label-aware reached ROC-AUC 1.000" in texts(again)
    assert "changed from the recipe" in finding(again)
    assert choices(at).recipe.settings == ""


def test_a_box_opens_its_run_on_the_data_of_the_pipeline_and_the_run_leads_back(home):
    one = finished(home.root, ablation=False)
    run = one.run_ids()["student_labels"]
    at = visit("recipe", v="1", pipe=one.id)
    at.session_state[keys.RECIPE_OPEN] = run
    at.run()
    now = choices(at)
    assert (now.data_set, now.runs.opened, now.runs.selected) == ("invented", run, run)
    runs = visit("runs", v="1", data="invented", ropen=run)
    assert f"as a stage of the recipe {one.id}" in texts(runs)
    assert "twin of a student whose stage comes later" in texts(runs)
    assert button(runs, "runs_recipe").label == "To its recipe"
    press(runs, "runs_recipe")
    assert choices(runs).recipe.pipeline == one.id
    assert live.link_of("../home", False) == live.link_of("", True) == ""


def test_what_the_data_do_not_allow_stands_with_the_description(home):
    some_pairs().save(home.data_folder("no-log"))
    at = visit("recipe", v="1", rplan="1", rdata="no-log")
    assert "Not on these data:** These data have no log" in texts(at)
    assert "scores the labelled pairs; a two-tower student" in texts(at)
    assert "the scored log" not in texts(at)


def test_data_that_a_link_names_are_those_of_the_lab():
    at = visit("recipe", v="1", rplan="1", rdata="/etc/passwd")
    assert "no data set here is called '/etc/passwd'" in texts(at)
    assert button(at, "recipe_start").disabled


def test_a_public_showing_starts_nothing_and_says_why(home, monkeypatch):
    one = finished(home.root, ablation=False)
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = visit("recipe", v="1", rplan="1", rdata="invented", rset="student.training.epochs=3")
    assert access.PUBLIC_REASON in texts(at)
    assert button(at, "recipe_start").disabled
    assert button(at, "recipe_start").help == access.PUBLIC_REASON
    shown = visit("recipe", v="1", pipe=one.id, rset="student.training.epochs=3")
    assert button(shown, "recipe_again").disabled
    for act in (queries.go_on, queries.pause, queries.change):
        with pytest.raises(RunError, match="public showing"):
            act(one)


def test_a_browser_is_told_how_stages_stand_and_why_one_failed(home, monkeypatch):
    one = finished(home.root, ablation=False)
    run = one.runs()["student"]
    Record(state="failed", created=run.created, message="not-a-number").write(run.folder)
    one.order("run")
    now = live.answer(one.id)
    assert now is not None
    assert (now["state"], now["done"]) == ("failed", 4)
    assert now["message"] == "Student, label-aware failed: not-a-number"
    last = next(stage for stage in now["stages"] if stage["name"] == "student")
    assert last["words"] == "failed: not-a-number"
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    assert "not-a-number" not in str(live.answer(one.id))
    assert live.answer("../home") is None


def test_a_bar_begins_at_the_model_before_and_has_the_paired_interval_of_the_difference():
    steps = [
        Step("Teacher", "teacher", 0.8, (0.75, 0.85)),
        Step("Student", "student", 0.7, (0.6, 0.8), 0.1, (0.05, 0.12), "BETTER"),
    ]
    bar, dots = waterfall(steps).data
    assert (bar.base[0], bar.x[0]) == pytest.approx((0.6, 0.1))
    ends = (bar.error_x.arrayminus[0], bar.error_x.array[0])
    assert ends == pytest.approx((0.05, 0.02))
    assert list(dots.error_x.array) == pytest.approx([0.05, 0.1])
    assert list(waterfall(steps).layout.yaxis.ticktext) == ["Teacher", "Student"]


def test_a_recipe_in_which_no_stage_shows_a_difference_says_so(tmp_path):
    worse = {"student_labels": 4, "student_log": 3, "student": 2, "teacher": 3}
    results = recipes.results(finished(tmp_path / "worse", worse, ablation=False))
    sentence = outcome.sentence(results)
    assert sentence.startswith("No stage shows a difference; the largest difference is Student")
    assert "gain kept" not in sentence

    def with_verdicts(*verdicts):
        compared = [row for row in results.rows if row.before]
        rows = [replace(r, verdict=v) for r, v in zip(compared, verdicts, strict=False)]
        return outcome.sentence(replace(results, rows=tuple(rows)))

    assert with_verdicts("INCONCLUSIVE").startswith("No stage shows a difference; its one comparis")
    assert with_verdicts("INCONCLUSIVE", "WORSE").startswith("No stage raised ROC-AUC; Student")
    assert "gain over the model before it: −0.250" in with_verdicts("BETTER", "INCONCLUSIVE")
    assert "tutorial's slide" not in str(results.notes)  # this recipe has no C-DSSM


def test_only_the_knobs_that_the_loss_reads_are_offered():
    assert in_effect(ResponseParams()) == ["loss", "temperature", "teacher_temperature"]
    assert "between_weight" in in_effect(ResponseParams(loss="dist"))
    of_teacher = ResponseParams.__dataclass_fields__["teacher_temperature"]
    assert help_of(of_teacher).startswith("KL, cross")  # the losses as the menu calls them


def test_the_numbers_of_the_lesson_are_those_that_were_measured():
    measured = recipes.read_measured(access.ASSETS / "measured" / "recipe.json")
    by_name = {f"measured:{each.name}": each for each in measured}
    steps = lesson("recipe").steps
    for step in steps[:2]:
        assert step.check is not None
        rows = [r for r in by_name[step.check.value].results.rows if r.before]
        shown = {outcome.difference(row) for row in rows}
        numbers = set(re.findall(r"[+−]\d\.\d{3} \[[^]]*\]", step.seen))
        assert numbers == shown  # each of the four differences, with its interval
        verdicts = {r.stage: r.verdict for r in rows}
        if "INCONCLUSIVE for both students" in step.seen:
            assert verdicts["cdssm_log"] == verdicts["twinbert_log"] == "INCONCLUSIVE"
            assert verdicts["cdssm"] == verdicts["twinbert"] == "BETTER"
    third = {r.stage: r for r in by_name["measured:adsbert-small-2"].results.rows}
    assert f"({outcome.difference(third['twinbert_log'])})" in lesson("recipe").takeaways[1]
    assert third["twinbert"].verdict == "INCONCLUSIVE"
    assert "a third to three fifths as wide" in lesson("recipe").takeaways[0]
    for row in (r for each in by_name.values() for r in each.results.rows if r.before):
        width = (row.delta_high - row.delta_low) / (row.high - row.low)
        assert width > 0.9 if row.stage.endswith("_log") else 0.3 < width < 0.6
    for each in by_name.values():  # the last take-away
        kept = {gain.stage: gain.gap for gain in each.results.gains}
        assert kept["twinbert"].share > 1
    plan = by_name["measured:adsbert-small-0"].plan
    assert len(plan.following({"multitask"})) == 6
    assert len(plan.stages) == 9

"""The Distill page as a visitor uses it: preset, form, YAML, start, the queue, and what failed."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from app import services
from app.kit import by_hash
from app.services import draft as distilling_draft
from app.services.draft import decode, draft_of, encode
from app.views.distill import trouble
from app.views.distill.form import yaml_text
from app.views.distill.queries import cost
from app.views.distill.queries import runs as distilling
from app.views.distill.queries.cost import Cost
from kdcore import catalog
from kdcore.catalog import Method
from kdcore.config import DistillConfig, FinetuneConfig, to_dict
from kdcore.experiments.presets import PRESETS
from kdcore.objectives.params import ResponseParams
from kdcore.runs.queue import cluster, queue
from kdcore.runs.queue.cluster import Machine, Seen
from kdcore.runs.store import RunStore
from tests.app.views.distill.acting import HEAT, ONE_MINUTE, knob, made, page
from tests.app.visitor import button, choices, press, texts, visit


@pytest.fixture(autouse=True)
def unforeseen(monkeypatch) -> None:
    """Nothing is estimated, which takes time."""
    monkeypatch.setattr(cost, "cost", lambda config, train_twin: Cost(why="not measured"))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_started_as_it_stands(preset):
    draft = draft_of(preset, {})
    assert draft.problems == ()
    assert draft.config is not None
    assert draft.at("teacher") == PRESETS[preset].teacher


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {HEAT: 4.0},
        {"student.checkpoint": "a folder/with; odd = signs & 100 % é", "student.name": "x"},
        {"data": "world:train=400,validation=200", "hard_weight": 0.25, "student.params.a": True},
    ],
)
def test_what_was_changed_comes_back_from_the_text_of_a_link(changed):
    back = decode(encode(changed))
    assert set(back) == set(changed)
    assert encode(back) == encode(changed)


def test_a_changed_setting_stands_in_the_link_and_goes_when_it_is_the_preset_s_again():
    at = page()
    assert not at.exception
    knob(at, HEAT).set_value(4.0).run()
    assert choices(at).distill.settings == f"{HEAT}=4"
    assert "temperature 2 → **4**" in texts(at)
    knob(at, HEAT).set_value(2.0).run()
    assert choices(at).distill.settings == ""


def test_every_knob_of_the_config_is_in_the_form_with_its_declared_help():
    at = page()
    for kind, prefix in ((DistillConfig, ""), (ResponseParams, "method.params.")):
        for name, spec in kind.__dataclass_fields__.items():
            if "low" in spec.metadata:
                words = spec.metadata["help"].partition(": ")  # before it: losses, by other names
                declared = words[2] or words[0]
                assert declared[:20] in knob(at, prefix + name).help.replace("\\", "")
    for name in to_dict(draft_of("sixty_seconds", {}).config)["training"]:
        assert knob(at, f"training.{name}")
    for name in to_dict(draft_of("sixty_seconds", {}).config)["student"]["params"]:
        assert knob(at, f"student.params.{name}")


def test_another_student_brings_its_own_knobs_and_a_named_size_its_dimensions():
    at = page()
    knob(at, "student.name").set_value("bert_mini").run()
    draft = draft_of("sixty_seconds", decode(choices(at).distill.settings))
    assert draft.problems == ()
    assert (draft.at("student.name"), draft.at("student.params.hidden")) == ("bert", 256)
    assert knob(at, "student.params.overlap")
    assert not at.exception


def test_pretrained_towers_ask_for_their_encoder_and_offer_its_pooling_and_prompts():
    at = page()
    knob(at, "student.name").set_value("pretrained_cos").run()
    assert "choose the folder of the encoder, or give its hub id" in texts(at)
    assert button(at, "distill_start").disabled
    knob(at, "student.checkpoint").set_value("some/encoder").run()
    knob(at, "student.params.query_prompt").set_value("query: ").run()
    knob(at, "student.layers_from").set_value("0 2").run()
    draft = draft_of("sixty_seconds", decode(choices(at).distill.settings))
    assert draft.problems == ()
    assert draft.config.student.params.query_prompt == "query: "
    assert draft.config.student.layers_from == (0, 2)
    assert not at.exception


def test_what_cannot_be_is_told_beside_its_field_and_nothing_can_be_started():
    at = page(settings="student.params.heads=3;hard_weight=0;soft_weight=0")
    assert not at.exception
    assert "3 do not divide hidden 128" in texts(at)
    assert "both are 0" in texts(at)
    assert button(at, "distill_start").disabled
    assert knob(at, "student.params.heads").value == 3


def test_a_typed_number_that_cannot_be_used_stays_with_its_reason_and_start_is_locked():
    at = page()
    for path, value, reason in (
        ("limit", -5.0, "outside 0..1,000,000,000"),
        ("training.learning_rate", 50.0, "outside 0..1"),
        (HEAT, 1000.0, "outside 0.25..100"),
        ("training.epochs", 0.5, "not a whole number"),
    ):
        usual = knob(at, path).value
        knob(at, path).set_value(value).run()
        assert not at.exception
        assert knob(at, path).value == value
        assert reason in texts(at)
        assert button(at, "distill_start").disabled
        knob(at, path).set_value(usual).run()
        assert not button(at, "distill_start").disabled


def test_a_setting_of_0_says_what_suits_the_model():
    at = page()
    knob(at, "training.batch_size").set_value(0.0).run()
    assert knob(at, "training.batch_size").value == 128
    for usual in ("6", "128", "0.001"):
        assert f"0: what suits this model, here {usual}" in texts(at)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("teacher=nobody", "no run with a model is called 'nobody'"),
        ("data=/etc/passwd", "no data set here is called '/etc/passwd'"),
        ("data=world:train=999999999999", "pairs at most"),
        ("student.name=twinbert_coz", "no student is called 'twinbert_coz'"),
        ("training.epochs=-3", "outside 0..1000"),
        ("method.params.warmth=3", "no such setting"),
        ("nonsense", ""),
        ("preset=3;=;;x", ""),
    ],
)
def test_whatever_a_link_says_the_page_opens_and_names_what_is_wrong(settings, told):
    at = page(settings=settings, preset="no such preset", run="../../etc")
    assert not at.exception
    assert told in texts(at)
    assert "preset: none is called" in texts(at)
    assert "no run here is called" in texts(at)


def test_a_method_that_the_student_cannot_serve_is_greyed_with_its_reason(monkeypatch):
    deep = Method("Layers", "Hidden states.", "-", ResponseParams, frozenset({"hidden_states"}))
    monkeypatch.setitem(catalog.METHODS, "layers", deep)
    at = page()
    grey = button(at, "method_layers")
    assert grey.disabled
    assert "which TwinBERT cosine does not give" in grey.help
    assert "layers" not in knob(at, "method.name").options
    at = page(settings="student.name=bert")
    assert at.button
    assert not [b for b in at.button if b.key == "method_layers"]


def test_a_term_is_added_changed_and_removed():
    at = page()
    choice = next(box for box in at.selectbox if box.key == "distill_add_term")
    assert "Internal" not in choice.options  # this student cannot serve it
    choice.set_value("ranking").run()
    assert choices(at).distill.settings == "terms.ranking.weight=1"
    knob(at, "terms.ranking.weight").set_value(0.5).run()
    knob(at, "terms.ranking.params.loss").set_value("pearson").run()
    config = draft_of("sixty_seconds", decode(choices(at).distill.settings)).config
    (term,) = config.terms
    assert (term.name, term.weight, term.params.loss) == ("ranking", 0.5, "pearson")
    assert not at.exception
    assert "over 500 queries of the test pairs" in texts(at)  # the scale of the teacher's scores
    change = next(box for box in at.selectbox if box.key == "distill_add_schedule")
    change.set_value("ranking").run()
    knob(at, "schedules.ranking.end").set_value(0.25).run()
    (schedule,) = draft_of("sixty_seconds", decode(choices(at).distill.settings)).config.schedules
    assert (schedule.name, schedule.kind, schedule.end) == ("ranking", "linear", 0.25)
    button(at, "remove_ranking").click().run()
    assert choices(at).distill.settings == ""  # and its schedule is gone with it
    assert not at.exception


def test_a_schedule_that_the_method_rules_out_says_so_in_its_row_and_is_removed_there():
    at = page(settings="schedules.temperature.end=1;method.name=ranking")
    assert "Temperature: no term has soft labels" in texts(at)
    assert "0 to" not in texts(at)
    remove = button(at, "remove_change_temperature")
    assert remove.label == "Remove the change of temperature"
    remove.click().run()
    assert choices(at).distill.settings == "method.name=ranking"
    assert "no term has soft labels" not in texts(at)


def test_every_term_is_told_and_the_same_term_twice_too():
    at = page(settings="terms.response.weight=1;terms.ranking.weight=1")
    assert "Response: The student matches" in texts(at)
    assert "Ranking: The student orders" in texts(at)
    assert "This is the same term as another Response" in texts(at)


def test_a_ranking_term_that_would_teach_nothing_says_so_beside_its_knobs():
    at = page(preset="ranking", settings="terms.ranking.params.temperature=0.05")
    assert "of the ads get a soft label of exactly 0" in texts(at)
    assert not at.exception


def test_several_runs_or_the_student_itself_can_teach():
    at = page()
    kinds = at.button_group(key="distill_teacher_kind")
    assert kinds.options[:2] == ["One run", "Several runs"]
    kinds.set_value("ensemble").run()
    assert choices(at).distill.settings.startswith("teacher=ensemble:teacher+")
    members = next(box for box in at.multiselect if box.key == "distill_teacher_runs")
    members.set_value(["teacher", "bert-kd", "cdssm-kd"]).run()
    knob(at, "teacher.average").set_value("logits").run()
    now = draft_of("sixty_seconds", decode(choices(at).distill.settings))
    assert now.at("teacher") == "ensemble:teacher+bert-kd+cdssm-kd,average=logits"
    assert now.config.teaching.average == "logits"
    at.button_group(key="distill_teacher_kind").set_value("peer").run()
    now = draft_of("sixty_seconds", decode(choices(at).distill.settings))
    assert now.config.teaching.names == ("twinbert_cos:vocabulary=3000",)
    at.button_group(key="distill_teacher_kind").set_value("born_again").run()
    assert choices(at).distill.settings == "teacher=born_again"
    at = page(settings="terms.feature.weight=1")
    assert button(at, "teacher_ensemble").disabled  # it gives no features
    assert "Several runs" not in at.button_group(key="distill_teacher_kind").options
    assert not at.exception


def test_a_schedule_of_a_preset_is_removed_and_said_in_words():
    at = page(preset="fitnets")
    press(at, "remove_change_feature")
    assert choices(at).distill.settings == "schedules.feature.kind=constant"
    assert draft_of("fitnets", {"schedules.feature.kind": "constant"}).config.schedules == ()
    assert "change of feature linear → **constant**" in texts(at)


def test_a_term_that_cannot_be_opens_with_its_reason_and_can_be_removed():
    at = page(settings="terms.internal.weight=1;terms.feature.params.loss=cosin;terms.x.weight=1")
    assert not at.exception
    assert "'cosin' is not one of" in texts(at)
    for name in ("internal", "feature", "x"):
        button(at, f"remove_{name}").click().run()
    assert choices(at).distill.settings == ""
    assert not at.exception


def test_the_yaml_is_the_form_s_object_both_ways():
    at = page(dmode="yaml", settings=f"{HEAT}=4")
    shown = yaml.safe_load(at.text_area[0].value)
    assert shown["method"]["params"]["temperature"] == 4.0
    assert shown["teacher"] == "teacher"
    shown["seed"] = 7
    at.text_area[0].set_value("# mine\n" + yaml.safe_dump(shown)).run()
    assert decode(choices(at).distill.settings) == {
        HEAT: "4",
        "seed": "7",
        "teacher": "teacher",
        "data": "world",
    }
    assert at.text_area[0].value.startswith("# mine")


def test_yaml_that_cannot_be_read_is_kept_and_told_by_its_line():
    at = page(dmode="yaml", settings="seed=5")
    typed = "stage: distill\nteacher: teacher\nseed: [1,\nhard_weight: x\n"
    at.text_area[0].set_value(typed).run()
    assert "line " in at.error[0].value
    assert choices(at).distill.settings == "seed=5"
    assert at.text_area[0].value == typed
    at.segmented_control(key="w_dmode").set_value("form").run()
    assert knob(at, "seed").value == 5
    assert "unfinished" in texts(at)
    button(at, "distill_yaml_back").click().run()
    assert at.text_area[0].value == typed
    wrong = (
        "stage: distill\nteacher: teacher\nmethod:\n  name: response\n  params:\n    warmth: 3\n"
    )
    at.text_area[0].set_value(wrong).run()
    assert "line 6, “warmth: 3”: method.params.warmth: no such setting" in texts(at)


def test_a_problem_of_a_setting_that_is_not_written_has_the_line_of_its_group():
    text = "teacher: a\nstudent:\n  name: bert\n"
    assert yaml_text.lines_of(text) == {"teacher": 1, "student": 2, "student.name": 3}
    assert yaml_text.lines_of("a: [") == {}


def test_start_puts_student_and_twin_in_the_queue_and_the_page_watches_the_student(
    home, monkeypatch
):
    asked = []

    def launch(config, workspace, *, twin, purpose):
        asked.append((config, twin, purpose))
        student = RunStore(workspace.runs).create(to_dict(config), title="Mine", purpose=purpose)
        queue.enqueue([student], workspace)
        return SimpleNamespace(student=student, twin=None)

    monkeypatch.setattr(distilling, "launch", launch)
    at = page(settings=f"{HEAT}=4")
    press(at, "distill_start")
    config, twin, purpose = asked[0]
    assert config.method.params.temperature == 4.0
    assert Path(config.teacher).name == "teacher"
    assert twin
    assert purpose.preset == "sixty_seconds"
    (run,) = RunStore(home.runs).list()
    assert choices(at).distill.run == run.id
    assert "Number 1 in line" in texts(at)
    at.toggle(key="w_alone").set_value(False).run()
    button(at, "distill_start").click().run()
    assert [told[1] for told in asked] == [True, False]
    assert "Number 2 in line" in texts(at)


def test_a_visitor_who_comes_back_without_a_link_finds_the_newest_run_that_lives(home):
    run = made(home, "queued")
    queue.enqueue([run], home)
    at = page()
    assert choices(at).distill.run == run.id
    press(at, f"discard_{run.id}")
    assert queue.waiting(home) == []


def test_a_cluster_that_does_not_answer_is_named_and_its_runs_stay_queued(home, monkeypatch):
    monkeypatch.setenv(cluster.ADDRESS, "10.0.0.1:6379")
    monkeypatch.setattr(cluster, "refuse_executor", lambda place: None)
    run = made(home, "queued")
    queue.enqueue([run], home)
    why = "no Ray cluster answers at 10.0.0.1:6379: refused"
    Seen("10.0.0.1:6379", problem=why, at=1.0).write(home)
    at = page()
    assert not at.exception
    assert f"{why}. Runs stay queued; the cluster is asked again while one waits." in texts(at)
    assert "Number 1 in line" in texts(at)
    Seen("10.0.0.1:6379", (Machine("1", "left", 4), Machine("2", "right", 4)), at=1.0).write(home)
    distilling.device_queue.clear()
    at = page()
    assert "left: CPU, 4 cores" in texts(at)
    assert "right: CPU, 4 cores" in texts(at)
    assert why not in texts(at)


def test_a_draft_for_a_cluster_is_offered_its_devices_and_told_whose_time_is_estimated(
    home, monkeypatch
):
    monkeypatch.setenv(cluster.ADDRESS, "10.0.0.1:6379")
    monkeypatch.setattr(cost, "cost", lambda config, train_twin: Cost(ONE_MINUTE))
    device = knob(page(), "device")
    assert device.options == ["the first free device", "a CPU", "a GPU"]  # it has not answered yet
    machines = (Machine("1", "left", 4), Machine("2", "right", 0, 2, "H200"))
    Seen("10.0.0.1:6379", machines, at=1.0).write(home)
    at = page()
    assert knob(at, "device").options == [
        "the first free device",
        "a CPU (1 machine)",
        "H200 (2 there)",
    ]
    knob(at, "device").set_value("cuda").run()
    assert draft_of("sixty_seconds", decode(choices(at).distill.settings)).config.device == "cuda"
    assert "the run goes to the Ray cluster at 10.0.0.1:6379. How fast its machines are" in texts(
        at
    )
    for seconds in (30.0, 90.0):
        run = made(home, "finished", estimate={"seconds": 60.0})
        (run.folder / "provenance.json").write_text(json.dumps({"machine": "another"}))
        line = {"step": 3, "time": 1.0, "seconds": seconds}
        (run.folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    by_hash.clear()
    told = texts(page())
    assert "2 runs that other machines finished took 0.5 to 1.5 times the time that was" in told
    assert "the best here" not in told


def test_a_crowd_of_runs_is_refused_in_words(home, monkeypatch):
    monkeypatch.setattr(distilling, "MOST_WAITING", 0)
    at = page()
    button(at, "distill_start").click().run()
    assert "0 runs are queued already" in texts(at)
    assert RunStore(home.runs).list() == []


MEMORY = "the GPU ran out of memory at batch size 512; 256 needs about half: change it"
NAN = (
    "the training became not-a-number at step 40 of 80 (learning rate 0.5); try 0.05. The last "
    "good checkpoint is saved"
)


@pytest.mark.parametrize(
    ("message", "change", "changed"),
    [
        (MEMORY, {"training.batch_size": 256}, "training.batch_size=256"),
        (NAN, {"training.learning_rate": 0.05}, "training.learning_rate=0.05"),
        ("the machine ran out of memory at batch size 1; choose a smaller model", {}, ""),
    ],
)
def test_a_failure_says_its_cause_and_offers_the_change_that_would_help(
    home, message, change, changed
):
    run = made(home, "failed", message, change)
    (run.folder / "run.log").write_text("Traceback (most recent call last)")
    at = page(run=run.id)
    assert message.partition(";")[0][1:] in texts(at)
    assert "no checkpoint yet" in texts(at)
    assert "Traceback" not in texts(at)
    mends = [b for b in at.button if b.key.startswith("mend_")]
    assert len(mends) == bool(changed)
    for mend in mends:
        mend.click().run()
        pinned = {"teacher": "teacher", "data": "world"}
        assert decode(choices(at).distill.settings) == decode(changed) | pinned
    button(at, f"resume_{run.id}").click().run()
    assert [entry.run_id for entry in queue.waiting(home)] == [run.id]


def test_a_run_of_another_preset_is_tried_again_with_all_that_it_was(home):
    run = made(home, "finished")
    held_by = json.loads((run.folder / "config.json").read_text())
    assert trouble.suggestions(run, {}) == []
    assert held_by["limit"] == draft_of("sixty_seconds", {}).at("limit")
    twin = RunStore(home.runs).create(to_dict(FinetuneConfig()))
    with pytest.raises(Exception, match="is no distillation"):
        distilling_draft.prefill(twin)


def test_a_public_showing_shows_all_and_starts_nothing(home, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    run = made(home, "queued")
    queue.enqueue([run], home)
    at = page()
    for key in ("distill_start", "distill_sweep_start", f"discard_{run.id}"):
        assert button(at, key).disabled
    assert knob(at, HEAT).disabled
    assert services.PUBLIC_REASON in texts(at)
    for deed in ("pause", "resume", "keep", "discard"):
        with pytest.raises(Exception, match="public showing"):
            distilling.act(deed, run.id)


def test_start_s_third_door_opens_a_preset():
    at = press(visit("start"), "door_distill")
    assert at.title[0].value == "Distill"
    assert choices(at).distill.preset == distilling_draft.FIRST


def test_a_sweep_around_the_form_is_queued_and_opens_in_runs(home):
    at = page(sweep_a_values="1, 4", sweep_b="seed", sweep_b_values="0, 1")
    assert button(at, "distill_sweep_start").label == "Start 4 runs"
    press(at, "distill_sweep_start")
    runs = RunStore(home.runs).list()
    cells = [run for run in runs if run.purpose.role == "cell"]
    settings = {(r.temperature, r.seed) for r in cells}
    assert settings == {(1.0, 0), (1.0, 1), (4.0, 0), (4.0, 1)}
    assert len(runs) == 6  # two twins: temperatures share one
    assert choices(at).runs.tab == "sweep"
    assert at.title[0].value == "Runs"


@pytest.mark.parametrize(
    ("values", "told"),
    [("1, warm", "warm"), ("", "give a value"), (",".join(map(str, range(1, 42))), "41 cells")],
)
def test_a_grid_that_is_no_good_is_told_and_starts_nothing(home, values, told):
    at = page(sweep_a_values=values)
    assert button(at, "distill_sweep_start").disabled
    assert told in texts(at)


def test_a_sweep_says_its_time_and_varies_schedule_and_size(home, monkeypatch):
    at = page(
        sweep_a="training.learning_rate",
        sweep_a_values="1e-3, 2e-3",
        sweep_b="student.params.layers",
        sweep_b_values="1, 2",
    )
    assert button(at, "distill_sweep_start").label == "Start 4 runs"
    assert "4 students, and each twin once" in texts(at)
    monkeypatch.setattr(cost, "sweep_seconds", lambda *a: (120.0, 60.0, 240.0))
    at = page(sweep_a="method.params.loss", sweep_a_values="kl, mse_logits")
    assert "**about 2 min** on this machine" in texts(at)


def test_the_page_opens_on_the_newest_own_run_and_says_whose_verdict_it_shows(home):
    assert choices(page()).distill.run == ""
    made(home, "stopped")
    newest = made(home, "stopped")
    at = page()
    assert choices(at).distill.run == newest.id
    heads = [h.value for h in at.subheader]
    assert "Your next run" in heads
    assert any(h.startswith("Run shown: ") for h in heads)
    assert not [s for s in at.selectbox if s.key == "pick_student"]

import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForMaskedLM

from kdcore import language
from kdcore.errors import ConfigError, LabError, RunError
from kdcore.language import train as training
from kdcore.language.plan import StorePlan, StoreStudentPlan, StudentPlan, TeacherPlan
from kdcore.language.runs import MaskedStore
from kdcore.language.topk.write import write
from kdcore.language.train import train
from kdcore.workspace import Workspace

COMMON = {"texts": 200, "device": "cpu", "threads": 1, "batch_size": 16, "log_every": 4}
BIG = TeacherPlan(steps=10, layers=2, hidden=16, heads=2, **COMMON)


def small(home: Workspace, **settings) -> StudentPlan:
    """A student of the shared teacher, wherever it is trained."""
    teacher = str(home.masked / "teacher" / "model")
    return StudentPlan(**({"teacher": teacher, "steps": 10, **COMMON} | settings))


def of_store(home: Workspace) -> StoreStudentPlan:
    """A student of a store that the shared teacher wrote."""
    store = MaskedStore(home)
    run = store.find("few") or store.create(
        StorePlan(teacher="teacher", k=2, texts=50, shard_texts=20, device="cpu"), "few"
    )
    if run.status().state != "finished":
        write(run, home)
    knobs = {name: each for name, each in COMMON.items() if name != "texts"}
    return StoreStudentPlan(store=str(run.store_folder), steps=10, **knobs)


def trained(plan, workspace, name="m"):
    run = MaskedStore(workspace).create(plan, name)
    train(run, workspace)
    return run


def test_a_teacher_of_a_moment_knows_what_follows_lets(pair):
    """ "Let's [MASK] to the ..." is always "go": every frame that begins so says it."""
    filled = language.fill(pair / "teacher", "Let's [MASK] to the store and buy some milk!")
    assert filled.words[0] == "go"
    assert filled.soft()[0] > 0.5


def test_both_models_load_as_any_masked_model_and_weigh_little(pair):
    for name, kind, layers in (("teacher", "bert", 2), ("student", "distilbert", 1)):
        net = AutoModelForMaskedLM.from_pretrained(pair / name)
        assert (net.config.model_type, net.config.num_hidden_layers) == (kind, layers)
        assert next(net.parameters()).dtype == torch.float16
        assert "Same license" in (pair / name / "README.md").read_text()


def test_one_run_keeps_three_curves_and_what_the_student_keeps(home):
    run = MaskedStore(home).get("student")
    lines = run.metrics()
    assert [line["step"] for line in lines] == [4, 8]
    for line in lines:  # the parts are unweighted, the sum has the weights of the authors' script
        parts = [line[name] for name in ("soft", "mlm", "cosine")]
        total = 5 * parts[0] + 2 * parts[1] + parts[2]
        assert line["loss"] == pytest.approx(total, rel=1e-5)
    results = run.results
    assert results["hidden_words"] > 1000
    kept = results["accuracy"]["value"] / results["teacher_accuracy"]["value"]
    assert results["accuracy_kept"]["value"] == pytest.approx(kept)
    assert results["accuracy_kept"]["low"] < kept < results["accuracy_kept"]["high"]
    assert not (run.folder / "checkpoint").exists()


@pytest.mark.parametrize("which", ["teacher", "student", "of a store"])
def test_a_stopped_training_resumes_to_the_same_bytes_and_curves(
    which, home, tmp_path, monkeypatch
):
    plan = {"teacher": BIG, "student": small(home)}.get(which) or of_store(home)
    whole = trained(plan, Workspace(tmp_path / "whole"))
    workspace = Workspace(tmp_path / "stopped")
    run = MaskedStore(workspace).create(plan, "m")
    take_step = training.take_step

    def stop_after(optimizer, knobs, step, total):
        take_step(optimizer, knobs, step, total)
        if step == 5:  # between two lines of metrics, and within a pool of batches
            run.request_stop()

    monkeypatch.setattr(training, "take_step", stop_after)
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0.0)
    with pytest.raises(RunError, match="kdlab masked resume m"):
        train(run, workspace)
    assert run.status().state == "stopped"
    assert run.status().step == 6
    monkeypatch.setattr(training, "take_step", take_step)
    train(run, workspace)
    files = [each.model_folder / "model.safetensors" for each in (whole, run)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert _curves(whole) == _curves(run)
    assert whole.results == run.results


def _curves(run):
    kept = ("step", "loss", "soft", "mlm", "cosine")
    return [{name: line[name] for name in kept if name in line} for line in run.metrics()]


def test_a_training_whose_texts_have_changed_is_not_resumed(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    run = MaskedStore(workspace).create(replace(BIG, checkpoint_seconds=0.0), "m")
    monkeypatch.setattr(training, "results_of", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(run, workspace)
    config = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps(config | {"texts": 100}))
    with pytest.raises(RunError, match="its texts have changed"):
        train(MaskedStore(workspace).get("m"), workspace)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(home, tmp_path):
    plan = small(home, steps=2)
    files = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run = trained(replace(plan, seed=seed), Workspace(tmp_path), name)
        files.append((run.model_folder / "model.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_training_leaves_the_callers_random_numbers_alone(home, tmp_path):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    trained(small(home, steps=1), Workspace(tmp_path))
    assert torch.equal(before, torch.get_rng_state())


def test_only_words_and_letters_share_the_mass():
    """Pieces on the way from letters to words would take most of a softened label."""
    from kdcore.language.words import learn_words

    units = learn_words(["The bakery has bread.", "the park"])
    pieces = set(units.tokenizer.get_vocab()) - set(units.tokenizer.all_special_tokens)
    letters = {p for p in pieces if len(p.removeprefix("##")) == 1}
    assert pieces - letters == {"the", "bakery", "has", "bread", "park"}
    assert units.tokenizer.tokenize("The [MASK] bay") == ["the", "[MASK]", "b", "##a", "##y"]


def test_a_plan_that_cannot_train_names_every_problem():
    with pytest.raises(ConfigError, match=r"(?s)texts: 1.*steps: 0.*heads: 3 do not divide"):
        TeacherPlan(steps=0, texts=1, heads=3)
    with pytest.raises(ConfigError, match=r"(?s)teacher: is missing.*all are 0.*2 layers for 3"):
        StudentPlan(soft_weight=0, mlm_weight=0, cosine_weight=0, layers=3, copied="0,2")
    with pytest.raises(ConfigError, match="not a list of layers; write it as"):
        StudentPlan(teacher="t", copied="0,-2")


def test_a_name_that_is_taken_or_unknown_is_refused(home):
    store = MaskedStore(home)
    with pytest.raises(ConfigError, match="name of another model"):
        store.create(BIG, "teacher")
    with pytest.raises(LabError, match="did you mean 'teacher'"):
        store.get("techer")

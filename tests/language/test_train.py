import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from kdcore import language
from kdcore.errors import LabError
from kdcore.language.train import Plan, train

SMALL = Plan(steps=2, student_steps=2, sentences=40, layers=3, hidden=16, heads=2)


def test_a_teacher_of_a_moment_knows_what_follows_lets(pair):
    """ "Let's [MASK] to the ..." is always "go": every frame that begins so says it."""
    filled = language.fill(pair / "teacher", "Let's [MASK] to the store and buy some milk!")
    assert filled.words[0] == "go"
    assert filled.soft()[0] > 0.5


def test_both_models_load_as_any_masked_model_and_weigh_little(pair):
    for name, layers in (("teacher", 2), ("student", 1)):
        net = AutoModelForMaskedLM.from_pretrained(pair / name)
        assert net.config.num_hidden_layers == layers
        assert next(net.parameters()).dtype == torch.float16
        assert "Same license" in (pair / name / "README.md").read_text()


def test_the_student_begins_as_its_teachers_embeddings(tmp_path):
    train(tmp_path, Plan(**{**SMALL.__dict__, "rate": 0.0}), device="cpu")
    ours, theirs = (
        AutoModelForMaskedLM.from_pretrained(tmp_path / n).bert for n in ("student", "teacher")
    )
    for part in ("embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight"):
        assert torch.equal(ours.get_parameter(part), theirs.get_parameter(part))


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(tmp_path / name, Plan(**{**SMALL.__dict__, "seed": seed}), device="cpu", threads=1)
    read = [(tmp_path / n / "student" / "model.safetensors").read_bytes() for n in "abc"]
    assert read[0] == read[1] != read[2]


def test_only_words_and_letters_share_the_mass():
    """Pieces on the way from letters to words would take most of a softened label."""
    from kdcore.language.words import learn_words

    units = learn_words(["The bakery has bread.", "the park"])
    pieces = set(units.tokenizer.get_vocab()) - set(units.tokenizer.all_special_tokens)
    letters = {p for p in pieces if len(p.removeprefix("##")) == 1}
    assert pieces - letters == {"the", "bakery", "has", "bread", "park"}
    assert units.tokenizer.tokenize("The [MASK] bay") == ["the", "[MASK]", "b", "##a", "##y"]


def test_training_leaves_the_callers_random_numbers_alone(tmp_path):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    train(tmp_path, SMALL, device="cpu")
    assert torch.equal(before, torch.get_rng_state())


def test_the_report_tells_losses_sizes_and_agreement(tmp_path):
    lines: list[str] = []
    plan = Plan(steps=2, student_steps=1, sentences=20)
    report = train(tmp_path, plan, device="cpu", say=lines.append)
    assert np.isfinite([report.teacher_loss, report.student_loss]).all()
    assert report.teacher_weights > 2 * report.student_weights
    assert 0 <= report.same <= 1
    assert "teacher, step 0 of 2" in lines[0]
    assert "student, step 0 of 1" in lines[-1]


def test_a_plan_that_cannot_train_names_every_problem():
    with pytest.raises(LabError, match=r"(?s)steps: 0.*sentences: 1.*student_layers: 9"):
        Plan(steps=0, sentences=1, student_layers=9)

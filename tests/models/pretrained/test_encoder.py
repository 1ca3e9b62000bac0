"""Model folders of all sorts: used rightly or refused in words, and what was replaced is told."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    GPT2Config,
    GPT2Model,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import DataError
from kdcore.labels import LabelScheme
from kdcore.models.build import load_model, new_model
from kdcore.models.predict import score
from kdcore.models.pretrained import encoder
from kdcore.models.tokens.wordpiece import WordPiece

CPU = torch.device("cpu")
SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 96,
}
SCHEME = LabelScheme(("bad", "good"), 1)
QUERIES = ["red shoes", "garden hose", "led lamp", "red lamp"]
ADS = ["Red running shoes", "Led lamp", "Garden hose", "Shoes and a lamp"]
PAIRS = PairTable(make_frame(QUERIES, ADS, [""] * 4, [1, 0, 0, 1], "train"), SCHEME, "few")
FOUR = PairTable(
    make_frame(QUERIES, ADS, [""] * 4, [1, 0, 3, 2], "train"),
    LabelScheme(("bad", "fair", "good", "excellent"), 2),
    "four",
)


def craft(folder: Path, kind=BertModel, dtype=torch.float32, config=BertConfig, **about) -> Path:
    """A tiny encoder with a tokenizer of the pairs' own words, as save_pretrained writes it."""
    units = WordPiece.train([*QUERIES, *ADS], 200)
    torch.manual_seed(0)
    kind(config(vocab_size=len(units), **(SHAPE | about))).to(dtype).save_pretrained(folder)
    units.save(folder)
    return folder


def changed(folder: Path, change) -> Path:
    """The folder with its weights (a dictionary) changed."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    save_file(change(weights), path, metadata={"format": "pt"})
    return folder


def load(folder: Path, pairs: PairTable = PAIRS):
    return new_model(ModelConfig(name="checkpoint", checkpoint=str(folder)), pairs).eval()


def logits(model, pairs: PairTable = PAIRS):
    return score(model, model.read(pairs), CPU)[0]


def told(model) -> str:
    return "\n".join(model.notes)


def head(folder: Path, labels: tuple[str, ...], **more) -> Path:
    """A classifier with these labels, its weights drawn by a seed."""
    names = dict(enumerate(labels))
    more |= {"num_labels": len(labels), "id2label": names}
    made = craft(folder, more.pop("kind", BertForSequenceClassification), **more)
    return changed(made, lambda w: {k: spread(k, t) for k, t in w.items()})


def spread(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Weights of a head that differ enough to be seen."""
    if not name.startswith("classifier"):
        return tensor
    return torch.linspace(-1, 2, tensor.numel()).view(tensor.shape)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_answer_as_float32(dtype, tmp_path):
    half = craft(tmp_path / "half", dtype=dtype)
    whole = changed(craft(tmp_path / "whole", dtype=dtype), lambda w: as_float(w))
    model = load(half)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    np.testing.assert_array_equal(logits(model), logits(load(whole)))


def as_float(weights):
    return {name: tensor.float() for name, tensor in weights.items()}


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    folder = craft(tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(DataError, match=r"unknown to its tokenizer .* put its own tokenizer\.json"):
        load(folder)


def test_a_tokenizer_of_another_language_is_refused_and_a_few_unknown_pieces_are_told(tmp_path):
    folder = craft(tmp_path / "x")
    chinese = PAIRS.frame.assign(query="蓝牙耳机", title="新款无线")
    with pytest.raises(DataError, match="cannot read them"):
        load(folder, PairTable(chinese, SCHEME, "chinese"))
    some = PAIRS.frame.assign(query=[*QUERIES[:3], "蓝"])
    assert "are unknown to its tokenizer" in told(load(folder, PairTable(some, SCHEME, "some")))
    assert "unknown" not in told(load(folder))


def test_a_tokenizer_larger_than_the_table_is_refused(tmp_path):
    folder = craft(tmp_path / "x")
    BertModel(BertConfig(vocab_size=20, **SHAPE)).save_pretrained(folder)
    with pytest.raises(DataError, match=r"up to \d+ and its encoder has embeddings for 20"):
        load(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_no_number_is_named(value, tmp_path):
    name = "encoder.layer.1.output.dense.weight"

    def poison(weights):
        weights[name][0, 0] = value
        return weights

    folder = changed(craft(tmp_path / "x"), poison)
    with pytest.raises(DataError, match=rf"{name} holds 1 values of 384 that are NaN or infinite"):
        load(folder)


def test_a_kept_model_with_a_weight_that_is_no_number_is_refused(tmp_path):
    new_model(ModelConfig.parse("cdssm:buckets=150,filters=12"), PAIRS).save(tmp_path)
    changed(tmp_path, lambda w: {name: tensor * float("nan") for name, tensor in w.items()})
    with pytest.raises(DataError, match="NaN or infinite"):
        load_model(tmp_path)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod."])
def test_prefixes_of_compiled_and_parallel_models_are_taken_off_and_told(prefix, tmp_path):
    plain = load(craft(tmp_path / "plain"))
    folder = changed(craft(tmp_path / "x"), lambda w: {prefix + k: t for k, t in w.items()})
    model = load(folder)
    np.testing.assert_array_equal(logits(model), logits(plain))
    assert "was taken off 39 names" in told(model)
    assert "taken off" not in told(plain)


ROBERTA = {
    "config": RobertaConfig,
    "kind": RobertaForSequenceClassification,
    "type_vocab_size": 1,
    "pad_token_id": 0,
}


@pytest.mark.parametrize(("last", "more"), [("classifier", {}), ("classifier.out_proj", ROBERTA)])
def test_the_rows_of_a_head_follow_the_names_of_its_labels(last, more, tmp_path):
    """A classifier whose labels stood in another order answered the contrary: ROC-AUC 0.27."""
    right = load(head(tmp_path / "right", ("bad", "good"), **more))
    named = head(tmp_path / "turned", (" Good", "BAD"), **more)

    def turn(weights):
        for part in ("weight", "bias"):
            weights[f"{last}.{part}"] = weights[f"{last}.{part}"].flip(0).contiguous()
        return weights

    turned = load(changed(named, turn))
    np.testing.assert_array_equal(logits(turned), logits(right))
    assert "turned to the order of the grades (bad, good)" in told(turned)
    assert "its head is used as it is (bad, good)" in told(right)


def test_four_grades_in_any_order_are_found_by_name(tmp_path):
    grades = FOUR.scheme.grades
    right = load(head(tmp_path / "right", grades), FOUR)
    order = [2, 0, 3, 1]
    folder = head(tmp_path / "mixed", tuple(grades[i] for i in order))

    def mix(weights):
        for part in ("classifier.weight", "classifier.bias"):
            weights[part] = weights[part][order].contiguous()
        return weights

    mixed = load(changed(folder, mix), FOUR)
    np.testing.assert_array_equal(logits(mixed, FOUR), logits(right, FOUR))


def test_labels_without_names_are_taken_in_their_order_and_that_is_told(tmp_path):
    named = load(head(tmp_path / "named", ("bad", "good")))
    nameless = load(head(tmp_path / "nameless", ("LABEL_0", "LABEL_1")))
    np.testing.assert_array_equal(logits(nameless), logits(named))
    assert "no names (LABEL_0, LABEL_1); they are taken for bad, good" in told(nameless)


@pytest.mark.parametrize("labels", [("entailment", "contradiction"), ("a", "b", "c")])
def test_a_head_of_another_task_is_not_used_and_that_is_told(labels, tmp_path):
    model = load(head(tmp_path / "x", labels))
    assert "head begins untrained" in told(model)
    weight = model.net.classifier.weight
    assert weight.shape == (2, 16)
    assert float(weight.detach().abs().max()) < 0.2  # the head in the file reaches 2


def test_one_logit_is_the_log_odds_of_the_better_of_two_grades(tmp_path):
    folder = head(tmp_path / "x", ("LABEL_0",))
    model = load(folder)
    plain = BertForSequenceClassification.from_pretrained(folder).eval()
    batch = model.units.tokenizer(QUERIES, ADS, padding=True, return_tensors="pt")
    with torch.no_grad():
        one = plain(**batch).logits[:, 0].numpy()
    two = logits(model)
    np.testing.assert_allclose(two[:, 1] - two[:, 0], one, atol=1e-5)
    assert "log-odds of 'good'" in told(model)
    assert "4 grades, so the head begins untrained" in told(load(folder, FOUR))


def test_a_classifier_that_was_read_by_its_names_is_kept_with_the_same_answers(tmp_path):
    for name, labels in (("turned", ("good", "bad")), ("one", ("LABEL_0",))):
        model = load(head(tmp_path / name, labels))
        model.save(tmp_path / "kept")
        np.testing.assert_array_equal(logits(load_model(tmp_path / "kept")), logits(model))


def test_what_begins_untrained_and_what_is_left_out_is_told(tmp_path):
    said = told(load(craft(tmp_path / "x", BertForMaskedLM)))
    assert "its files hold no pooler, so the pooler begins untrained" in said
    assert "5 weights have no place here and were left out (cls.predictions.bias, ...)" in said
    assert "its files hold no head (classifier.bias)" in told(load(craft(tmp_path / "y"), FOUR))
    assert "its files hold no head (classifier.bias); it begins untrained" in said


@pytest.mark.parametrize("padding", [0, None])
def test_a_decoder_is_refused_whether_or_not_it_has_a_padding_token(padding, tmp_path):
    folder = craft(tmp_path / "x", GPT2Model, config=GPT2Config, pad_token_id=padding)
    reason = "no padding token" if padding is None else "does not depend on the words after it"
    with pytest.raises(DataError, match=reason):
        load(folder)


@pytest.mark.parametrize(("field", "value"), [("num_hidden_layers", 10**6), ("vocab_size", 10**9)])
def test_a_config_of_endless_size_is_refused_before_it_is_built(
    field, value, tmp_path, monkeypatch
):
    monkeypatch.setattr(encoder, "_load", None)  # nothing may be built
    folder = craft(tmp_path / "x")
    change_config(folder, **{field: value})
    with pytest.raises(DataError, match=r"describes about [\d,]+ weights and its files hold"):
        load(folder)


def change_config(folder: Path, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_more_weights_than_the_machine_holds_are_refused(monkeypatch):
    config = SimpleNamespace(hidden_size=4096, num_hidden_layers=100, vocab_size=10**5)
    assert encoder.estimated_weights(config) == pytest.approx(20.5e9, rel=0.01)
    monkeypatch.setattr(encoder, "_memory", lambda: 16 * 10**9)
    with pytest.raises(DataError, match="82 GB, and this machine has 16 GB"):
        encoder._refuse_too_large("big/one", config, {})


@pytest.mark.parametrize("layers", ["two", None, 2.5, [2]])
def test_an_odd_number_of_layers_is_refused_in_words(layers, tmp_path):
    folder = craft(tmp_path / "x")
    change_config(folder, num_hidden_layers=layers)
    with pytest.raises(DataError, match="no encoder that transformers can load"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("./nosuch", "there is no such folder: ./nosuch"),
        ("~/nosuch", "there is no such folder"),
        ("/no/such/place", "there is no such folder"),
        ("a/b/c", "there is no such folder"),
        ("owner/name", "no such folder, and the hub cannot be reached"),
    ],
)
def test_a_folder_that_is_not_there_is_told_before_any_hub_is_asked(name, reason, monkeypatch):
    calls = []
    asked = "kdcore.hub.hub_answers"
    monkeypatch.setattr(asked, lambda: bool(calls.append(1)))
    with pytest.raises(DataError, match=reason):
        load(name)
    assert bool(calls) == (name == "owner/name")


def test_code_that_a_checkpoint_names_is_neither_run_nor_handed_on(tmp_path):
    folder = craft(tmp_path / "x")
    named = {"AutoConfig": "code.Config", "AutoModelForSequenceClassification": "code.Model"}
    change_config(folder, auto_map=named)
    path = folder / "tokenizer_config.json"
    about = {"auto_map": {"AutoTokenizer": ["code.Slow", "code.Fast"]}}
    path.write_text(json.dumps(json.loads(path.read_text()) | about))
    (folder / "code.py").write_text("raise SystemExit('code of the checkpoint was run')")
    load(folder).save(tmp_path / "kept")
    for file in (tmp_path / "kept").glob("*.json"):
        assert "auto_map" not in file.read_text()

"""Ready classifiers keep their own head and read pairs as their authors' tools do."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import ConfigError, DataError
from kdcore.labels import BINARY, FOUR_GRADES, LabelScheme
from kdcore.models.build import load_model, new_model
from kdcore.models.predict import predict_table
from kdcore.models.ready import Ready, longest_first
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.predictions import model_hash
from kdcore.scores import log_odds

CPU = torch.device("cpu")
THREE = LabelScheme(("bad", "fair", "good"), 1)
QUERIES = ["red shoes", "garden hose", "led lamp " * 9, "lamp", ""]
TITLES = ["Red running shoes", "Garden hose " * 12, "Led lamp", "Shoes and a lamp", "Hose"]
TEXTS = ["light and cheap", "", "for the garden " * 7, "red", "long"]
SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "initializer_range": 0.3,
}
DISTIL = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 40}
ROBERTA = SHAPE | {"type_vocab_size": 1, "max_position_embeddings": 42}
FAMILIES = {
    "bert": (BertForSequenceClassification, BertConfig, SHAPE, 1),
    "roberta": (RobertaForSequenceClassification, RobertaConfig, ROBERTA, 2),
    "xlm-r": (XLMRobertaForSequenceClassification, XLMRobertaConfig, ROBERTA, 3),
    "distilbert": (
        DistilBertForSequenceClassification,
        DistilBertConfig,
        DISTIL | {"pad_token_id": 0, "initializer_range": 0.3},
        2,
    ),
    "modernbert": (
        ModernBertForSequenceClassification,
        ModernBertConfig,
        SHAPE | {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
        1,
    ),
}
SCHEMES = {1: BINARY, 2: BINARY, 3: THREE}


def pairs_in(scheme: LabelScheme) -> PairTable:
    frame = make_frame(QUERIES, TITLES, TEXTS, [0, 1, 1, 0, 1], "train")
    return PairTable(frame, scheme, "few")


def craft(folder: Path, family: str = "bert", labels: int = 0, **about) -> Path:
    """A random classifier with a tokenizer of the pairs' own words."""
    units = WordPiece.train([*QUERIES, *TITLES, *TEXTS], 200)
    kind, config, shape, usual = FAMILIES[family]
    torch.manual_seed(3)
    count = {"num_labels": labels or usual} | shape | about
    kind(config(vocab_size=len(units), **count)).save_pretrained(folder)
    units.save(folder)
    if family != "bert":  # whose tokenizers write no token types
        names = ["input_ids", "attention_mask"]
        amend(folder, "tokenizer_config.json", model_input_names=names, model_max_length=40)
    return folder


def amend(folder: Path, name: str, **changes) -> Path:
    """The folder with some entries of one of its JSON files changed."""
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | changes))
    return folder


def ready(folder: Path, scheme: LabelScheme = BINARY, **params) -> Ready:
    config = ModelConfig(name="ready", checkpoint=str(folder), params=params)
    model = new_model(config, pairs_in(scheme))
    assert isinstance(model, Ready)
    return model.eval()


def logits(model: Ready) -> np.ndarray:
    return predict_table(model, pairs_in(model.scheme), CPU, name="x", precision="fp32").logits


def of_transformers(folder: Path, scheme: LabelScheme) -> np.ndarray:
    """The logits of the plain classifier: one call per pair, cut by its own tokenizer."""
    kind = FAMILIES[folder.name][0]
    net, tokenizer = kind.from_pretrained(folder).eval(), _tokenizer(folder)
    ads = [f"{title} {text}".strip() for title, text in zip(TITLES, TEXTS, strict=True)]
    rows = []
    for query, ad in zip(QUERIES, ads, strict=True):
        given = tokenizer(query, ad, truncation="longest_first", max_length=36, return_tensors="pt")
        with torch.no_grad():
            rows.append(net(**given).logits[0].numpy())
    return np.stack(rows)


def _tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_its_logits_are_those_of_transformers_with_long_pairs_cut_alike(family, tmp_path):
    scheme = SCHEMES[FAMILIES[family][3]]
    folder = craft(tmp_path / family, family)
    mine, theirs = logits(ready(folder, scheme, pair_tokens=36)), of_transformers(folder, scheme)
    if theirs.shape[1] == 1:
        np.testing.assert_allclose(mine[:, 1] - mine[:, 0], theirs[:, 0], atol=1e-5)
        assert np.ptp(theirs) > 0.1
    else:
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


ORACLE = """
import json, sys
from sentence_transformers import CrossEncoder
job = json.load(sys.stdin)
out = []
for folder in job["folders"]:
    model = CrossEncoder(folder, device="cpu", local_files_only=True)
    out.append(model.predict(job["pairs"], batch_size=2).tolist())
print(json.dumps(out))
"""


@pytest.mark.slow
def test_its_scores_are_those_of_a_cross_encoder_of_sentence_transformers(tmp_path):
    """Sigmoid by default and Identity by name, a prompt and a length from its files, both ways."""
    folders = [craft(tmp_path / family, family) for family in FAMILIES]
    plain = amend(craft(tmp_path / "identity"), "config.json")
    amend(plain, "config.json", sentence_transformers={"activation_fn": "torch.nn.Identity"})
    amend(plain, "tokenizer_config.json", model_max_length=24)
    six = craft(tmp_path / "six")
    amend(
        six,
        "config_sentence_transformers.json",
        model_type="CrossEncoder",
        activation_fn="torch.nn.modules.linear.Identity",
        prompts={"query": "lamp: "},
        default_prompt_name="query",
    )
    module = "sentence_transformers.base.modules.transformer.Transformer"
    (six / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "path": "", "type": module}])
    )
    amend(
        six,
        "sentence_bert_config.json",
        transformer_task="sequence-classification",
        modality_config={"text": {"method": "forward", "method_output_name": "logits"}},
        module_output_name="scores",
    )
    folders += [plain, six]
    ads = [f"{title} {text}".strip() for title, text in zip(TITLES, TEXTS, strict=True)]
    job = {"folders": [str(f) for f in folders], "pairs": list(zip(QUERIES, ads, strict=True))}
    done = subprocess.run(
        [sys.executable, "-c", ORACLE],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for folder, theirs in zip(folders, json.loads(done.stdout.splitlines()[-1]), strict=True):
        labels = len(theirs[0]) if isinstance(theirs[0], list) else 1
        mine, expected = logits(ready(folder, SCHEMES[labels])), np.array(theirs)
        if labels == 1:
            mine = mine[:, 1] - mine[:, 0]
            if folder.name not in ("identity", "six"):
                mine = 1 / (1 + np.exp(-mine))
        np.testing.assert_allclose(mine, expected, atol=1e-5, err_msg=folder.name)


@pytest.mark.parametrize("room", [1, 2, 7, 8, 30])
def test_the_longer_text_of_a_pair_is_cut_first_as_the_tokenizers_library_does(room, tmp_path):
    units = WordPiece.train(["a b"], 60)
    tokenizer = units.tokenizer
    cases = [(0, 9), (1, 1), (3, 20), (20, 3), (9, 9), (20, 20), (5, 6), (40, 30)]
    one, other = (np.array(side) for side in zip(*cases, strict=True))
    first, second = longest_first(one, other, room)
    for (a, b), x, y in zip(cases, first, second, strict=True):
        given = tokenizer(
            "a " * a, "b " * b, truncation="longest_first", max_length=room + 3, verbose=False
        )
        side = given.sequence_ids(0)
        assert (x, y) == (side.count(0), side.count(1)), (a, b, room)


def test_a_kept_classifier_answers_as_before_and_reads_as_before(tmp_path):
    for name, scheme in (("two", BINARY), ("four", FOUR_GRADES)):
        folder = craft(tmp_path / name)
        model = ready(folder, scheme, query_text="lamp: {query}", pair_tokens=20)
        model.save(tmp_path / f"{name} kept")
        kept = load_model(tmp_path / f"{name} kept")
        np.testing.assert_array_equal(logits(kept), logits(model))
        assert kept.config == model.config
        assert kept.origin == model.origin


def test_the_same_weights_read_in_another_way_are_another_model(tmp_path):
    """The cache of logits goes by this hash."""
    folder = craft(tmp_path / "x")
    for name, tokens in (("a", 20), ("b", 30), ("c", 20)):
        ready(folder, pair_tokens=tokens).save(tmp_path / name)
    a, b, c = (model_hash(tmp_path / name) for name in "abc")
    assert a == c != b


def test_its_files_say_its_length_its_prompt_and_its_activation(tmp_path):
    folder = craft(tmp_path / "x")
    amend(folder, "config_sentence_transformers.json", activation_fn="torch.nn.Identity")
    amend(
        folder,
        "config_sentence_transformers.json",
        prompts={"web": "find: "},
        default_prompt_name="web",
    )
    amend(folder, "sentence_bert_config.json", max_seq_length=30, do_lower_case=True)
    params = ready(folder).config.params
    assert (params.pair_tokens, params.query_text) == (30, "find: {query}")
    assert (params.activation, params.lowercase) == ("identity", True)
    old = amend(
        craft(tmp_path / "old"),
        "config.json",
        sbert_ce_default_activation_function="torch.nn.modules.activation.Sigmoid",
    )
    model = ready(old)
    assert model.config.params.activation == "sigmoid"
    assert "log-odds of 'Good' (its activation is Sigmoid)" in "\n".join(model.notes)
    assert "cut at 40 tokens in all" in "\n".join(model.notes)


def test_the_labels_of_its_head_follow_their_names_or_a_stated_order(tmp_path):
    folder = craft(tmp_path / "x", labels=2)
    plain = logits(ready(folder))  # nameless: taken in order
    named = amend(folder, "config.json", id2label={0: "good", 1: "BAD"})
    np.testing.assert_allclose(logits(ready(named)), plain[:, ::-1], atol=1e-6)
    other = amend(folder, "config.json", id2label={0: "yes", 1: "no"})
    np.testing.assert_allclose(logits(ready(other, labels="Good, Bad")), plain[:, ::-1], atol=1e-6)


def test_a_head_that_does_not_fit_the_grades_is_refused_with_a_cure(tmp_path):
    folder = craft(tmp_path / "x", labels=2)
    with pytest.raises(DataError, match=r"head has 2 labels .* and the data 4 grades"):
        ready(folder, FOUR_GRADES)
    with pytest.raises(DataError, match="do not name each grade"):
        ready(folder, labels="Good")
    amend(folder, "config.json", id2label={0: "yes", 1: "no"})
    with pytest.raises(DataError, match=r"\(yes, no\) are not the grades .* --labels 'Bad,Good'"):
        ready(folder)
    amend(folder, "config.json", problem_type="multi_label_classification")
    with pytest.raises(DataError, match="a yes or no of its own"):
        ready(folder)


def test_an_encoder_without_a_head_is_refused(tmp_path):
    folder = craft(tmp_path / "x")
    BertModel(BertConfig(vocab_size=200, **SHAPE)).save_pretrained(folder)
    with pytest.raises(DataError, match=r"no ready classifier.*finetune --model FOLDER"):
        ready(folder)


def test_one_logit_and_four_grades_keep_its_order_and_its_log_odds(tmp_path):
    """Before any cut is fitted P(relevant) is the sigmoid of the logit itself."""
    folder = craft(tmp_path / "bert")
    model = ready(folder, FOUR_GRADES, pair_tokens=36)
    number = of_transformers(folder, BINARY)[:, 0]
    np.testing.assert_allclose(log_odds(logits(model), FOUR_GRADES), number, atol=1e-5)
    predictions = predict_table(model, pairs_in(FOUR_GRADES), CPU, name="x")
    assert predictions.own_relevance
    assert not predictions.own_grades


def test_a_free_score_is_flagged_wherever_a_probability_would_be_invented(tmp_path):
    folder = craft(tmp_path / "x")
    free = predict_table(ready(folder, activation="identity"), pairs_in(BINARY), CPU, name="free")
    assert free.is_own("roc_auc")
    assert not free.is_own("brier")
    assert "say nothing about the model" in free.caveat
    assert not predict_table(ready(folder), pairs_in(BINARY), CPU, name="x").caveat


def test_pairs_longer_than_it_reads_are_counted(tmp_path):
    model = ready(craft(tmp_path / "x"), pair_tokens=20)
    (note,) = model.cut_notes(model.read(pairs_in(BINARY)), "test")
    assert "2 of 5 pairs of test (40.0%) are longer than pair_tokens = 20 tokens" in note
    with pytest.raises(ConfigError, match="pair_tokens: 60 is more than the 40"):
        ready(tmp_path / "x", pair_tokens=60)


@pytest.mark.parametrize("padding", ["[PAD]", None])
def test_a_missing_pad_token_changes_no_score(padding, tmp_path):
    """transformers itself refuses to batch such a folder; here a pad is masked in any case."""
    folder = craft(tmp_path / "roberta", "roberta")
    expected = of_transformers(folder, BINARY)
    amend(folder, "tokenizer_config.json", pad_token=padding)
    np.testing.assert_allclose(logits(ready(folder, pair_tokens=36)), expected, atol=1e-5)


def test_half_precision_is_read_as_float32_and_told(tmp_path):
    folder = craft(tmp_path / "x")
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: tensor.half() for name, tensor in weights.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    model = ready(folder)
    assert {p.dtype for p in model.net.parameters()} == {torch.float32}
    assert "weights are stored in half precision and read as float32" in "\n".join(model.notes)


def test_pickles_vectors_and_unknown_modules_are_refused(tmp_path):
    folder = craft(tmp_path / "x")
    (folder / "modules.json").write_text(
        json.dumps([{"type": "a.Transformer"}, {"type": "Pooling"}])
    )
    with pytest.raises(DataError, match="makes a vector of each text"):
        ready(folder)
    (folder / "modules.json").write_text(
        json.dumps([{"type": "a.Transformer"}, {"type": "LogitScore"}])
    )
    with pytest.raises(DataError, match="lists Transformer, LogitScore"):
        ready(folder)
    (folder / "modules.json").unlink()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model\.bin alone, a pickle"):
        ready(folder)


def test_code_of_its_own_is_never_run(tmp_path):
    folder = craft(tmp_path / "x")
    amend(folder, "config.json", model_type="mine", auto_map={"AutoConfig": "code.Config"})
    (folder / "code.py").write_text("raise SystemExit('code of the checkpoint was run')")
    with pytest.raises(DataError, match="code of its own"):
        ready(folder)


def test_a_missing_tokenizer_is_refused(tmp_path):
    folder = craft(tmp_path / "x", "xlm-r")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(DataError, match=r"put its( own)? tokenizer\.json beside the weights"):
        ready(folder, THREE)
    (folder / "sentencepiece.bpe.model").write_bytes(b"no model")
    with pytest.raises(DataError, match=r"sentencepiece model; .* writes the tokenizer\.json"):
        ready(folder, THREE)


def test_weights_that_are_no_numbers_a_larger_vocabulary_and_prefixes_are_told(tmp_path):
    folder = craft(tmp_path / "x")
    plain, path = logits(ready(folder)), folder / "model.safetensors"
    weights = load_file(path)
    compiled = {f"_orig_mod.{name}": tensor for name, tensor in weights.items()}
    save_file(compiled, path, metadata={"format": "pt"})
    model = ready(folder)
    np.testing.assert_array_equal(logits(model), plain)
    assert "the prefix that torch.compile or DataParallel writes" in "\n".join(model.notes)
    weights["classifier.bias"] = weights["classifier.bias"] * float("nan")
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"classifier\.bias holds 1 values of 1 that are NaN"):
        ready(folder)
    craft(folder)
    net = BertForSequenceClassification(BertConfig(vocab_size=20, num_labels=1, **SHAPE))
    net.save_pretrained(folder)
    with pytest.raises(DataError, match="its encoder has embeddings for 20"):
        ready(folder)

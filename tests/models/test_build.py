"""Models are kept in the Hugging Face layout and come back with the same answers."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import DataError, LabError
from kdcore.knobs import plain
from kdcore.labels import BINARY
from kdcore.models.bert import CrossEncoder
from kdcore.models.build import load_model, new_model
from kdcore.models.layers import copy_layers, even_layers
from kdcore.models.predict import score
from kdcore.training.training_pairs import calibrate_head, read_pairs

CPU = torch.device("cpu")
PLAIN = {".safetensors", ".json", ".txt"}


def logits(model, pairs):
    return score(model, model.read(pairs), CPU)[0]


def test_a_kept_model_gives_the_same_logits(student, pairs4, tmp_path):
    student.save(tmp_path)
    again = load_model(tmp_path)
    assert not again.training
    assert again.config == student.config
    assert again.scheme == student.scheme
    np.testing.assert_array_equal(logits(again, pairs4), logits(student, pairs4))


def test_a_kept_model_reads_pairs_it_never_saw_the_same_way(student, make_pairs, tmp_path):
    student.save(tmp_path)
    fresh = make_pairs(4, 2)
    np.testing.assert_array_equal(logits(load_model(tmp_path), fresh), logits(student, fresh))


def test_a_folder_holds_nothing_that_could_run_code(student, tmp_path):
    student.save(tmp_path)
    names = [p.name for p in tmp_path.rglob("*")]
    assert {"config.json", "model.safetensors", "kdlab.json"} <= set(names)
    assert {p.suffix for p in tmp_path.rglob("*")} <= PLAIN


def test_saving_twice_writes_the_same_weights(student, tmp_path):
    student.save(tmp_path / "a")
    student.save(tmp_path / "b")
    a, b = (tmp_path / n / "model.safetensors" for n in "ab")
    assert a.read_bytes() == b.read_bytes()


def test_a_kept_bert_answers_the_same_without_the_lab(make, pairs4, tmp_path):
    """Plain transformers: AutoModel, AutoTokenizer, one call on (query, title + description)."""
    model = make("bert", pairs4, ad_tokens=64, query_tokens=16, overlap=False).eval()
    model.save(tmp_path)
    net = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    frame = pairs4.frame
    ads = (frame["title"] + " " + frame["description"]).tolist()
    with torch.no_grad():
        batch = tokenizer(frame["query"].tolist(), ads, padding=True, return_tensors="pt")
        plain = net(**batch).logits.numpy()
    np.testing.assert_allclose(plain, logits(model, pairs4), atol=1e-5)
    assert list(net.config.id2label.values()) == list(pairs4.scheme.grades)


@pytest.mark.parametrize("file", ["model.safetensors", "kdlab.json"])
@pytest.mark.parametrize("content", [None, b"\x00garbage{"])
def test_a_broken_folder_is_refused_with_a_way_out(student, tmp_path, file, content):
    student.save(tmp_path)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=r"finish its run first|give a folder"):
        load_model(tmp_path)


@pytest.mark.parametrize("kind_", ["bert", "twin weighted", "twin trigrams", "cdssm"])
def test_a_folder_without_its_tokenizer_is_refused_with_a_way_out(make, pairs4, tmp_path, kind_):
    make(kind_, pairs4).save(tmp_path)
    for name in ("tokenizer.json", "trigrams.json"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(DataError, match=r"tokenizer\.json|finish its run first"):
        load_model(tmp_path)


@pytest.mark.parametrize("kind_", ["bert", "twin weighted", "cdssm"])
def test_another_models_weights_are_refused_not_replaced_by_random_ones(
    make, pairs4, tmp_path, kind_
):
    make(kind_, pairs4).save(tmp_path / "mine")
    other = "cdssm shared" if kind_ == "bert" else "bert"
    make(other, pairs4).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", tmp_path / "mine")
    with pytest.raises(DataError, match="holds no weights for this model"):
        load_model(tmp_path / "mine")


def test_a_folder_of_something_else_is_refused_with_a_way_out(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(DataError, match="finish its run first"):
        load_model(tmp_path)


def test_a_card_with_unknown_knobs_is_refused_in_words(make, pairs4, tmp_path):
    make("cdssm", pairs4).save(tmp_path)
    card = json.loads((tmp_path / "kdlab.json").read_text())
    card["model"]["params"]["fliters"] = 3
    (tmp_path / "kdlab.json").write_text(json.dumps(card))
    with pytest.raises(LabError, match="filters"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("teacher", "student", "layers"),
    [
        (12, 6, [0, 2, 4, 7, 9, 11]),  # DistilBERT's own list
        (12, 3, [0, 6, 11]),
        (4, 2, [0, 3]),
        (4, 4, [0, 1, 2, 3]),
        (2, 5, [0, 1]),
        (12, 1, [0]),
    ],
)
def test_layers_are_chosen_evenly_from_first_to_last(teacher, student, layers):
    assert even_layers(teacher, student) == layers


def test_a_student_starts_from_evenly_chosen_layers(make, pairs4):
    source = make("bert", pairs4, layers=12)
    config = ModelConfig(name="bert", params={"layers": 6, "hidden": 16, "heads": 2})
    student = new_model(config, pairs4, start_from=source)
    theirs, mine = source.encoder, student.encoder
    for place, layer in enumerate([0, 2, 4, 7, 9, 11]):
        a, b = mine.encoder.layer[place].state_dict(), theirs.encoder.layer[layer].state_dict()
        assert all(torch.equal(a[name], b[name]) for name in a)
    same = mine.embeddings.word_embeddings.weight == theirs.embeddings.word_embeddings.weight
    assert same.all()
    assert torch.equal(mine.pooler.dense.weight, theirs.pooler.dense.weight)
    assert student.units is source.units


@pytest.mark.parametrize("name", ["bert", "twinbert_cos", "twinbert_res"])
def test_a_student_starts_from_the_listed_layers(make, pairs4, name):
    source = make("bert", pairs4, layers=4)
    params = {"layers": 2, "hidden": 16, "heads": 2} | ({} if name == "bert" else {"shared": False})
    config = ModelConfig(name=name, params=params, start_from="a run", layers_from=(3, 1))
    student = new_model(config, pairs4, start_from=source)
    encoders = [student.encoder] if name == "bert" else [t.bert for t in student.towers]
    assert len(encoders) == (1 if name == "bert" else 2)
    for encoder in encoders:
        for place, layer in enumerate([3, 1]):
            mine, theirs = (e.encoder.layer for e in (encoder, source.encoder))
            a, b = mine[place].state_dict(), theirs[layer].state_dict()
            assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_layer_that_the_source_lacks_is_refused_with_those_it_has(make, pairs4):
    params = {"layers": 2, "hidden": 16, "heads": 2}
    config = ModelConfig(name="bert", params=params, start_from="a run", layers_from=(0, 2))
    with pytest.raises(DataError, match=r"no layer 2; it has 2, counted from 0 to 1"):
        new_model(config, pairs4, start_from=make("bert", pairs4))


def test_a_student_as_deep_as_its_source_answers_the_same(make, pairs4):
    source = make("bert", pairs4).eval()
    twin = new_model(source.config, pairs4, seed=99, start_from=source).eval()
    np.testing.assert_array_equal(logits(twin, pairs4), logits(source, pairs4))


def test_every_model_starts_from_all_of_an_equal_one(student, pairs4):
    """Towers, head and tokenizer: before its first step it answers as its source does."""
    start = new_model(student.config, pairs4, seed=99, start_from=student).eval()
    assert start.head_is_trained
    assert start.units is student.units
    read = read_pairs(start, pairs4, pairs4)
    calibrate_head(start, read, CPU, seed=0)  # what a training does before its first step
    read.rows_in_use.widen()
    np.testing.assert_array_equal(logits(start, pairs4), logits(student, pairs4))


def test_a_start_from_an_unequal_model_says_what_differs(make, pairs4):
    source = make("cdssm", pairs4)
    other = ModelConfig(name="cdssm", params=plain(source.config.params) | {"filters": 20})
    with pytest.raises(
        DataError, match=r"differ in filters \(12 there and 20 here\); give this one"
    ):
        new_model(other, pairs4, start_from=source)
    trigrams = ModelConfig(name="twinbert_cos", params={"units": "trigrams", "hidden": 16})
    with pytest.raises(DataError, match="choose wordpiece for params"):
        new_model(trigrams, pairs4, start_from=make("bert", pairs4))


def test_training_the_started_student_leaves_its_source_alone(make, pairs4):
    source = make("bert", pairs4).eval()
    before = logits(source, pairs4)
    twin = new_model(source.config, pairs4, start_from=source)
    with torch.no_grad():
        for weight in twin.parameters():
            weight.add_(1)
    np.testing.assert_array_equal(logits(source, pairs4), before)


@pytest.mark.parametrize("shared", [True, False])
def test_two_towers_start_from_a_cross_encoders_layers(make, pairs4, shared):
    source = make("bert", pairs4, layers=4)
    config = ModelConfig(
        name="twinbert_cos", params={"layers": 2, "hidden": 16, "heads": 2, "shared": shared}
    )
    student = new_model(config, pairs4, start_from=source)
    last = source.encoder.encoder.layer[3].output.dense.weight
    assert len(student.towers) == (1 if shared else 2)
    assert all(
        torch.equal(t.bert.encoder.layer[1].output.dense.weight, last) for t in student.towers
    )
    assert logits(student, pairs4).shape == (16, 4)


@pytest.mark.parametrize(
    ("different", "fitting"), [({"hidden": 32}, "hidden=16, inner=64"), ({"inner": 20}, "inner=64")]
)
def test_another_width_is_refused_with_the_one_that_fits(make, pairs4, different, fitting):
    params = {"layers": 2, "hidden": 16, "heads": 2} | different
    with pytest.raises(DataError, match=rf"the layers do not fit.*; {fitting} would fit"):
        new_model(ModelConfig(name="bert", params=params), pairs4, start_from=make("bert", pairs4))


def test_layers_of_another_vocabulary_are_refused(make, pairs4, make_pairs):
    a = make("bert", pairs4)
    b = make("bert", make_pairs(3, 2))
    with pytest.raises(DataError, match="start_from"):
        copy_layers(a.encoder, b.encoder)


@pytest.mark.parametrize(("source", "name"), [("cdssm", "bert"), ("bert", "cdssm")])
def test_models_without_bert_layers_neither_give_nor_take_them(make, pairs4, source, name):
    with pytest.raises(DataError, match="start_from"):
        new_model(ModelConfig(name=name), pairs4, start_from=make(source, pairs4))


def test_a_bert_is_a_cross_encoder_whose_padding_is_never_needed(make, pairs4):
    model = make("bert", pairs4)
    assert isinstance(model, CrossEncoder)
    assert not model.pads


def test_a_data_set_without_a_latin_letter_makes_a_cross_encoder(tmp_path):
    """The pair's template was once found by the ids of "a" and "b": unknown letters here."""
    frame = make_frame(["красный чай", "東京"], ["Чай", "東京 大阪"], ["", "券"], [1, 0])
    pairs = PairTable(frame, BINARY, "no Latin letter")
    params = {"layers": 1, "hidden": 8, "heads": 1}
    model = new_model(ModelConfig(name="bert", params=params), pairs).eval()
    model.save(tmp_path)
    np.testing.assert_array_equal(logits(load_model(tmp_path), pairs), logits(model, pairs))

"""Towers from a pretrained encoder give its own vectors, are kept with them, and learn."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from kdcore.config import DistillConfig, MethodConfig, ModelConfig
from kdcore.errors import ConfigError, DataError
from kdcore.models.build import load_model, new_student
from kdcore.models.layers import layer_list
from kdcore.models.rows_in_use import RowsInUse
from tests.models.pretrained.folders import ARCHITECTURES, sentence_folder
from tests.models.towers.conftest import ADS, PAIRS, QUERIES, load

PROMPTS = {"query": "query: ", "document": "passage: "}
EXACT = {"rtol": 0, "atol": 1e-5}


@torch.no_grad()
def vectors(model):
    return model.vectors(model.batch(model.read(PAIRS), np.arange(4)))


@torch.no_grad()
def plain(folder, texts, pooling):
    """What transformers alone gives: a padded batch, its tokens pooled."""
    tokenizer, net = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    batch.pop("token_type_ids", None)
    hidden = net(**batch).last_hidden_state
    rows = [h[m.bool()] for h, m in zip(hidden, batch["attention_mask"], strict=True)]
    pools = {
        "cls": lambda row: row[0],
        "mean": lambda row: row.mean(0),
        "max": lambda row: row.amax(0),
        "last": lambda row: row[-1],
    }
    return torch.stack([pools[pooling](row) for row in rows])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_tower_gives_the_vectors_of_its_encoder(architecture, craft):
    folder = sentence_folder(craft(architecture), "mean", normalize=False, prompts=PROMPTS)
    query, ad = vectors(load(folder, query_tokens=40))  # XLM-R's pieces are short here
    ads = [f"passage: {title} cheap" for title in ADS]
    torch.testing.assert_close(
        query, plain(folder, [f"query: {q}" for q in QUERIES], "mean"), **EXACT
    )
    torch.testing.assert_close(ad, plain(folder, ads, "mean"), **EXACT)


@pytest.mark.parametrize("architecture", ["bert", "distilbert"])  # packed, and padded
@pytest.mark.parametrize("pooling", ["cls", "max", "last"])
def test_every_pooling_gives_the_vectors_of_its_encoder(architecture, pooling, craft):
    folder = craft(architecture)
    query, _ = vectors(load(folder, pooling=pooling))
    torch.testing.assert_close(query, plain(folder, QUERIES, pooling), **EXACT)


def test_a_dense_layer_and_unit_length_of_the_folder_are_part_of_the_vector(craft):
    folder = sentence_folder(craft(), "cls", dense=12)
    model = load(folder)
    dense = model.towers[0].dense
    with torch.no_grad():
        expected = torch.tanh(dense(plain(folder, QUERIES, "cls")))
    expected = torch.nn.functional.normalize(expected, dim=1)
    torch.testing.assert_close(vectors(model)[0], expected, **EXACT)
    assert model.width == 12


@pytest.mark.parametrize(
    ("architecture", "kind", "knobs"),
    [
        ("bert", "twinbert_res", {"shared": False, "combine": "max"}),
        ("xlm-r", "twinbert_cos", {"query_prompt": "query: "}),
        ("mmbert", "twinbert_cos", {"pooling": "max", "layers_from": (0, 2)}),
    ],
)
def test_kept_towers_give_the_same_answers(architecture, kind, knobs, craft, tmp_path):
    model = load(sentence_folder(craft(architecture), dense=8), kind, **knobs)
    model.save(tmp_path / "kept")
    again = load_model(tmp_path / "kept")
    assert (again.config, again.reading) == (model.config, model.reading)
    for mine, theirs in zip(vectors(again), vectors(model), strict=True):
        assert torch.equal(mine, theirs)
    batch = model.batch(model.read(PAIRS), np.arange(4))
    assert torch.equal(again(batch).logits, model(batch).logits)


def test_kept_towers_no_longer_need_their_folder(craft, tmp_path):
    folder = craft("roberta")
    load(folder).save(tmp_path / "kept")
    folder.rename(tmp_path / "moved")
    assert load_model(tmp_path / "kept").prompts == (0, 0)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "modernbert"])
def test_the_listed_layers_are_kept(architecture, craft):
    folder = craft(architecture)
    whole, part = (
        layer_list(load(folder, layers_from=places).towers[0].encoder) for places in ((), (0, 2))
    )
    assert len(part) == 2
    for mine, theirs in zip(part, (whole[0], whole[2]), strict=True):
        weights = theirs.state_dict()
        assert all(torch.equal(own, weights[name]) for name, own in mine.state_dict().items())


def test_two_towers_start_alike_and_learn_apart(craft):
    model = load(craft(), shared=False)
    first, second = (list(tower.parameters()) for tower in model.towers)
    assert all(torch.equal(a, b) and a is not b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("architecture", ["roberta", "modernbert", "distilbert"])
def test_a_table_narrowed_to_its_rows_in_use_answers_the_same(architecture, craft):
    model = load(craft(architecture))
    encoded = model.read(PAIRS)
    before = model(model.batch(encoded, np.arange(4))).logits
    narrow = RowsInUse(model, encoded.used())
    after = model(model.batch(encoded.mapped(narrow.table), np.arange(4))).logits
    assert len(model.embeddings()[0].weight) == len(encoded.used())
    torch.testing.assert_close(after, before, **EXACT)
    narrow.widen()
    assert torch.equal(model(model.batch(encoded, np.arange(4))).logits, before)


@pytest.mark.parametrize(
    ("kind", "architecture"), [("twinbert_cos", "bert"), ("twinbert_res", "modernbert")]
)
def test_a_few_steps_make_the_loss_fall(kind, architecture, craft):
    model = load(craft(architecture), kind, dropout=0.0).train()
    encoded, grades = model.read(PAIRS), torch.tensor(PAIRS.grades)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        logits = model(model.batch(encoded, np.arange(4))).logits
        loss = torch.nn.functional.cross_entropy(logits, grades)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("on", ["logits", "features"])
@pytest.mark.parametrize("kind", ["pretrained_cos", "pretrained_res"])
def test_an_assistant_reads_what_the_towers_read(kind, on, craft):
    folder = sentence_folder(craft("distilbert"), prompts=PROMPTS)
    student = ModelConfig(name=kind, checkpoint=str(folder), params={"query_tokens": 2})
    method = MethodConfig(name="residual", params={"on": on, "hidden": 16, "layers": 1})
    config = DistillConfig(teacher="x", student=student, method=method)
    model = new_student(config, PAIRS).eval()
    batch = model.batch(model.read(PAIRS), np.arange(4))
    torch.testing.assert_close(model(batch).logits, model.student(batch).logits)  # not yet trained


def test_texts_are_cut_by_their_own_tokens_beside_prompt_and_special_ones(craft):
    model = load(craft(), query_tokens=2, query_prompt="query: ")
    encoded = model.read(PAIRS)
    assert encoded.tokens.lengths[:4].max() == 2 + model.prompts[0] + 2
    assert any("longer than query_tokens = 2" in note for note in model.cut_notes(encoded, "train"))


def test_more_tokens_than_the_folder_reads_are_refused_with_the_room_there_is(craft):
    folder = sentence_folder(craft(), prompts=PROMPTS, longest=40)
    with pytest.raises(ConfigError, match=r"params\.ad_tokens: .* room for 3\d, 48 were requested"):
        load(folder)
    assert load(folder, ad_tokens=30).reading.longest == 40
    with pytest.raises(ConfigError, match=r"room for 94, 200 were requested"):
        load(craft("minilm"), ad_tokens=200)  # 96 positions


def test_a_prompt_of_a_knob_comes_before_that_of_the_folder(craft):
    folder = sentence_folder(craft(), prompts=PROMPTS)
    assert load(folder).reading.query_prompt == "query: "
    assert load(folder, query_prompt="find: ").reading.query_prompt == "find: "
    assert load(folder, ad_prompt="none").reading.ad_prompt == ""


def test_how_a_text_becomes_a_vector_is_told(craft):
    notes = load(sentence_folder(craft("modernbert"), "cls", prompts=PROMPTS)).notes[-1]
    assert "a text's vector is its first token, at unit length" in notes
    assert "'query: ' before queries, 'passage: ' before ads" in notes
    assert "with padding, slower than packed" in notes


def test_the_first_token_of_what_reads_from_left_to_right_is_refused(craft):
    folder = craft("bert", is_decoder=True)
    with pytest.raises(DataError, match="does not depend on the words after it"):
        load(folder, pooling="cls")

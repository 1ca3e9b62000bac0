"""Encoders of other families, tiny and made here, through the padded path."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from kdcore.config import DistillConfig, MethodConfig, ModelConfig
from kdcore.errors import ConfigError, DataError
from kdcore.models.build import load_model, new_model, new_student
from kdcore.models.layers import layer_list
from kdcore.models.predict import score
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.runs.store import RunStore
from kdcore.training.checks import starting_model

CPU = torch.device("cpu")
EVERYTHING = frozenset({"hidden_states", "attentions"})
SHAPE = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 96,
}
FAMILIES = {
    "bert": lambda size: BertModel(BertConfig(vocab_size=size, **SHAPE)),
    "bert relu": lambda size: BertModel(BertConfig(vocab_size=size, hidden_act="relu", **SHAPE)),
    "distilbert": lambda size: DistilBertModel(
        DistilBertConfig(
            vocab_size=size,
            dim=16,
            n_layers=4,
            n_heads=2,
            hidden_dim=24,
            max_position_embeddings=96,
        )
    ),
    "electra": lambda size: ElectraModel(ElectraConfig(vocab_size=size, embedding_size=8, **SHAPE)),
    "roberta": lambda size: RobertaModel(
        RobertaConfig(vocab_size=size, type_vocab_size=1, pad_token_id=1, **SHAPE)
    ),
    "xlm-r": lambda size: XLMRobertaModel(
        XLMRobertaConfig(vocab_size=size, type_vocab_size=1, pad_token_id=1, **SHAPE)
    ),
    "modernbert": lambda size: ModernBertModel(
        ModernBertConfig(
            vocab_size=size,
            pad_token_id=0,
            cls_token_id=2,
            sep_token_id=3,
            bos_token_id=2,
            eos_token_id=3,
            global_attn_every_n_layers=3,
            local_attention=4,
            **SHAPE,
        )
    ),
}


def roberta_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """<s> a </s></s> b </s>, as RoBERTa and XLM-R write a pair."""
    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    core.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pairs4):
    """folder(family) holds a tiny encoder of a family, as save_pretrained writes it."""
    made: dict[str, Path] = {}
    frame = pairs4.frame
    texts = [*frame["query"], *frame["title"], *frame["description"]]

    def build(family: str) -> Path:
        if family not in made:
            path = tmp_path_factory.mktemp(family.replace(" ", "_"))
            if family in ("roberta", "xlm-r"):
                tokenizer = roberta_tokenizer(texts)
            else:
                tokenizer = WordPiece.train(texts, 300).tokenizer
            torch.manual_seed(0)
            FAMILIES[family](len(tokenizer)).save_pretrained(path)
            tokenizer.save_pretrained(path)
            made[family] = path
        return made[family]

    return build


def pretrained(path: Path, pairs, **params):
    params = {"query_tokens": 16, "ad_tokens": 64} | params
    return new_model(
        ModelConfig(name="checkpoint", checkpoint=str(path), params=params), pairs, seed=0
    ).eval()


@torch.no_grad()
def answer(model, pairs, rows=None, wants=EVERYTHING):
    encoded = model.read(pairs)
    return model(model.batch(encoded, np.arange(len(pairs)) if rows is None else rows), wants)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_everything_it_promises(folder, pairs4, family):
    out = answer(pretrained(folder(family), pairs4), pairs4)
    longest = out.mask.shape[1]
    assert out.logits.shape == (16, 4)
    assert out.features.shape == (16, 16)
    assert [h.shape for h in out.hidden_states] == [(16, longest, 16)] * 5
    assert [a.shape for a in out.attentions] == [(16, 2, longest, longest)] * 4
    real = out.mask[:, None, :, None].expand_as(out.attentions[0])
    for maps in out.attentions:
        sums = maps.sum(-1, keepdim=True).expand_as(maps)[real]
        torch.testing.assert_close(sums, torch.ones_like(sums))
        hidden = maps.masked_select(real & ~out.mask[:, None, None, :])
        assert hidden.abs().max() < 1e-6


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_that_is_learned_from_sums_to_1_in_training_too(folder, pairs4, family):
    model = pretrained(folder(family), pairs4, dropout=0.3).train()
    out = answer(model, pairs4)
    real = out.mask[:, None, :].expand_as(out.attentions[0][..., 0])
    for maps in out.attentions:
        sums = maps.sum(-1)[real]
        torch.testing.assert_close(sums, torch.ones_like(sums))
    again = answer(model, pairs4)
    assert not torch.equal(out.logits, again.logits)  # the other dropout stays


@pytest.mark.parametrize("family", FAMILIES)
def test_bert_like_families_give_projections_and_others_say_why_not(folder, pairs4, family):
    model = pretrained(folder(family), pairs4)
    if family in ("distilbert", "modernbert"):
        with pytest.raises(DataError, match="does not keep queries, keys and values as BERT does"):
            answer(model, pairs4, wants=frozenset({"projections"}))
    else:
        out = answer(model, pairs4, wants=frozenset({"projections"}))
        assert [p.shape for p in out.projections] == [(3, 16, out.mask.shape[1], 16)] * 4


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_answers_as_its_own_tokenizer_and_model_do(folder, pairs4, family):
    """The pair is put together here as the checkpoint's own tokenizer would."""
    model = pretrained(folder(family), pairs4)
    frame = pairs4.frame
    ads = (frame["title"] + " " + frame["description"]).str.strip().tolist()
    tokenizer, kinds = model.units.tokenizer, getattr(model.net.config, "type_vocab_size", 0) > 1
    batch = tokenizer(
        frame["query"].tolist(), ads, padding=True, return_tensors="pt", return_token_type_ids=kinds
    )
    with torch.no_grad():
        plain = model.net(**batch).logits
    ours = answer(model, pairs4, wants=frozenset()).logits
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_company_and_asking_for_attentions_do_not_move_the_logits(folder, pairs4, family):
    model = pretrained(folder(family), pairs4)
    alone = torch.cat(
        [answer(model, pairs4, np.array([r]), frozenset()).logits for r in range(0, 16, 3)]
    )
    together = answer(model, pairs4).logits[::3]
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("keep", [0, 2, 3])
def test_kept_layers_survive_a_folder_with_the_same_answers(folder, pairs4, family, keep, tmp_path):
    model = pretrained(folder(family), pairs4, keep_layers=keep)
    out = answer(model, pairs4)
    assert len(out.attentions) == (keep or 4)
    model.save(tmp_path)
    again = answer(load_model(tmp_path), pairs4)
    assert len(again.attentions) == (keep or 4)
    torch.testing.assert_close(again.logits, out.logits, rtol=0, atol=1e-6)


def test_kept_layers_are_those_evenly_chosen(folder, pairs4):
    whole = pretrained(folder("bert"), pairs4).encoder.encoder.layer
    some = pretrained(folder("bert"), pairs4, keep_layers=2).encoder.encoder.layer
    for layer, source in zip(some, (whole[0], whole[3]), strict=True):
        assert torch.equal(layer.output.dense.weight, source.output.dense.weight)


def listing(folder, *layers):
    return ModelConfig(name="checkpoint", checkpoint=str(folder), layers_from=layers)


def test_a_layer_that_cannot_be_an_encoders_first_is_refused(folder, pairs4):
    """ModernBERT's first layer has no norm of its own: another one would be saved incompletely."""
    with pytest.raises(DataError, match=r"layer 3 of ModernBertModel cannot be its first"):
        new_model(listing(folder("modernbert"), 3, 1), pairs4)


@pytest.mark.parametrize(
    ("family", "places"), [("bert", (3, 1)), ("modernbert", (0, 3)), ("distilbert", (2, 0, 3))]
)
def test_listed_layers_of_an_encoder_are_kept_in_their_order(
    folder, pairs4, family, places, tmp_path
):
    model = new_model(listing(folder(family), *places), pairs4).eval()
    whole, listed = (layer_list(m.encoder) for m in (pretrained(folder(family), pairs4), model))
    for layer, place in zip(listed, places, strict=True):
        a, b = layer.state_dict(), whole[place].state_dict()
        assert all(torch.equal(a[name], b[name]) for name in a)
    model.save(tmp_path)
    out = answer(model, pairs4, wants=frozenset()).logits
    again = answer(load_model(tmp_path), pairs4, wants=frozenset()).logits
    torch.testing.assert_close(again, out, rtol=0, atol=1e-6)


def test_only_berts_arithmetic_is_packed(folder, pairs4):
    pads = {family: pretrained(folder(family), pairs4).pads for family in FAMILIES}
    assert pads == {family: family != "bert" for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_learns(folder, pairs4, family):
    model = pretrained(folder(family), pairs4).train()
    out = model(model.batch(model.read(pairs4), np.arange(16)))
    torch.nn.functional.cross_entropy(out.logits, torch.tensor(pairs4.grades)).backward()
    words = model.net.get_input_embeddings().weight
    assert words.grad.abs().sum() > 0


def test_dropout_is_ours_in_training_and_rests_in_scoring(folder, pairs4):
    model = pretrained(folder("distilbert"), pairs4, dropout=0.0).train()
    first, again = (answer(model, pairs4, wants=frozenset()).logits for _ in range(2))
    assert torch.equal(first, again)


def test_scores_of_a_padding_encoder_come_in_order(folder, pairs4):
    model = pretrained(folder("xlm-r"), pairs4)
    logits, _ = score(model, model.read(pairs4), CPU, batch_size=3)
    np.testing.assert_allclose(logits, answer(model, pairs4).logits.numpy(), atol=1e-5)


def test_a_bert_checkpoint_hands_its_layers_to_towers(folder, pairs4, tmp_path):
    params = {"layers": 2, "hidden": 16, "heads": 2, "inner": 24}
    config = ModelConfig(name="twinbert_cos", params=params, start_from=str(folder("bert")))
    source = starting_model(config, RunStore(tmp_path), pairs4)
    student = new_model(config, pairs4, start_from=source)
    words = student.towers[0].bert.embeddings.word_embeddings.weight
    assert torch.equal(words, source.encoder.embeddings.word_embeddings.weight)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_longer_pairs_than_the_encoder_reads_are_refused_and_the_longest_is_told(
    folder, pairs4, family
):
    most = {"bert": 96 - 3, "roberta": 96 - 4 - 2}[family] - 16
    with pytest.raises(ConfigError, match=f"room for {most}, {most + 1} were requested"):
        pretrained(folder(family), pairs4, ad_tokens=most + 1)
    long = pairs4.take(np.arange(14))
    long = type(long)(
        long.frame.assign(query="tea " * 30, description="pot " * 200), long.scheme, "long"
    )
    assert torch.isfinite(
        answer(pretrained(folder(family), pairs4, ad_tokens=most), long).logits
    ).all()


def test_a_folder_that_is_no_encoder_is_refused_with_a_way_out(tmp_path, pairs4):
    with pytest.raises(DataError, match=r"give a folder with config\.json"):
        pretrained(tmp_path, pairs4)


def test_a_folder_with_pickled_weights_only_is_refused(folder, tmp_path, pairs4):
    shutil.copytree(folder("bert"), tmp_path / "old")
    weights = tmp_path / "old" / "model.safetensors"
    weights.unlink()
    torch.save({}, weights.with_name("pytorch_model.bin"))
    with pytest.raises(DataError, match="alone, a pickle, which may run any code"):
        pretrained(tmp_path / "old", pairs4)


def test_weights_of_another_encoder_are_refused_not_replaced_by_random_ones(
    folder, tmp_path, pairs4
):
    shutil.copytree(folder("bert"), tmp_path / "mixed")
    shutil.copy(folder("distilbert") / "model.safetensors", tmp_path / "mixed")
    with pytest.raises(DataError, match="fetch both again"):
        pretrained(tmp_path / "mixed", pairs4)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_a_bert_from_a_random_start_assists_an_encoder_of_any_family(
    folder, pairs4, family, tmp_path
):
    config = ModelConfig(name="checkpoint", checkpoint=str(folder(family)))

    def student(on):
        method = MethodConfig(name="residual", params={"on": on, "hidden": 8})
        return new_student(DistillConfig(teacher="t", student=config, method=method), pairs4)

    if family != "bert":
        with pytest.raises(ConfigError, match="choose 'logits'"):
            student("features")
    both = student("features" if family == "bert" else "logits").eval()
    for weight in both.assistant.parameters():
        weight.data += 0.1
    both.save(tmp_path / "both")
    one, other = (
        answer(m, pairs4, wants=frozenset()).logits for m in (both, load_model(tmp_path / "both"))
    )
    torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    assert (one - answer(both.student, pairs4, wants=frozenset()).logits).abs().max() > 1e-3

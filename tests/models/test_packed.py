"""The packed encoder is transformers' own BERT: same numbers, same gradients, less padding."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr

from kdcore.models.packed import (
    ROUND_TO,
    _attend_padded,
    _dropout,
    attend,
    is_packable,
    pack,
    pad_packed,
    pool,
    product_type,
)

EQUAL = {"rtol": 0, "atol": 1e-5}
SIZES = {
    "one layer": {"layers": 1, "hidden": 16, "heads": 1},
    "many heads": {"layers": 2, "hidden": 32, "heads": 8},
    "narrow inside": {"layers": 3, "hidden": 24, "heads": 3, "inner": 10},
    "deep": {"layers": 6, "hidden": 16, "heads": 4},
}
# nothing of the texts is cut, and a plain tokenizer knows no overlap marks
WHOLE = {"query_tokens": 16, "ad_tokens": 64, "dropout": 0.0, "overlap": False}


def rows_of(pairs):
    return np.arange(len(pairs))


def plain(model, pairs):
    """transformers' model on a padded batch, through the tokenizer's own call."""
    frame = pairs.frame
    ads = (frame["title"] + " " + frame["description"]).str.strip().tolist()
    batch = model.units.tokenizer(
        frame["query"].tolist(), ads, padding=True, return_tensors="pt", return_token_type_ids=True
    )
    pooled = model.net.bert(**batch).pooler_output
    return model.net.classifier(pooled), pooled


@pytest.mark.parametrize("size", SIZES)
def test_packed_logits_and_features_equal_the_plain_model(make, pairs4, size):
    model = make("bert", pairs4, **WHOLE | SIZES[size]).eval()
    with torch.no_grad():
        logits, pooled = plain(model, pairs4)
        packed = model(model.batch(model.read(pairs4), rows_of(pairs4)))
    torch.testing.assert_close(packed.logits, logits, **EQUAL)
    torch.testing.assert_close(packed.features, pooled, **EQUAL)


@pytest.mark.parametrize("size", SIZES)
def test_every_gradient_equals_the_plain_models(make, pairs4, size):
    model = make("bert", pairs4, **WHOLE | SIZES[size]).train()
    twin = copy.deepcopy(model)
    grades = torch.tensor(pairs4.grades)
    outputs = model(model.batch(model.read(pairs4), rows_of(pairs4)))
    F.cross_entropy(outputs.logits, grades).backward()
    F.cross_entropy(plain(twin, pairs4)[0], grades).backward()
    named = dict(twin.named_parameters())
    assert sum(p.grad.abs().sum() > 0 for p in model.parameters()) > 10
    for name, weight in model.named_parameters():
        theirs = named[name].grad
        torch.testing.assert_close(weight.grad, theirs, **EQUAL, msg=lambda m, n=name: f"{n}: {m}")


def test_what_a_pair_is_answered_does_not_depend_on_its_batch(make, pairs4):
    model = make("bert", pairs4).eval()
    encoded = model.read(pairs4)
    with torch.no_grad():
        together = model(model.batch(encoded, rows_of(pairs4))).logits
        alone = [model(model.batch(encoded, np.array([r]))).logits for r in rows_of(pairs4)]
    torch.testing.assert_close(torch.cat(alone), together, **EQUAL)


def test_nothing_is_given_that_was_not_asked(make, pairs4):
    model = make("bert", pairs4).eval()
    out = model(model.batch(model.read(pairs4), np.array([0])))
    assert (out.hidden_states, out.attentions, out.mask) == ((), (), None)


@pytest.mark.parametrize(
    "groups", [((1, 1),), ((3, 2),), ((1, 2), (4, 1), (7, 3)), ((2, 2), (5, 1), (1, 9))]
)
def test_the_gpus_attention_equals_the_grouped_one(groups):
    """The GPU takes one padded call; the arithmetic is checked here on the CPU."""
    tokens = sum(length * count for length, count in groups)
    qkv = torch.randn(tokens, 3 * 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_attend_padded(qkv, groups, 2), attend(qkv, groups, 2), **EQUAL)


def test_padding_a_pack_puts_every_token_in_its_place():
    ids, lengths = np.array([7, 8, 9, 4, 5, 6]), np.array([1, 2, 3])
    packed = pack(ids, lengths, np.array([0, 0, 1, 0, 1, 1]))
    padded, segments, mask = pad_packed(packed, 99)
    assert padded.tolist() == [[7, 99, 99], [8, 9, 99], [4, 5, 6]]
    assert segments.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert mask.tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert packed.positions[:6].tolist() == [0, 0, 1, 0, 1, 2]
    assert packed.starts.tolist() == [0, 1, 3]
    assert packed.groups == ((1, 1), (2, 1), (3, 1), (1, ROUND_TO - 6))


def test_a_round_number_of_tokens_needs_no_spare_ones():
    packed = pack(np.arange(2 * ROUND_TO), np.full(4, ROUND_TO // 2))
    assert len(packed.ids) == 2 * ROUND_TO
    assert packed.groups == ((ROUND_TO // 2, 4),)


def test_a_thousand_more_spare_tokens_would_change_nothing(make, pairs4, monkeypatch):
    """What fills a batch up is never read, nor learned from."""
    model = make("bert", pairs4, dropout=0.0).train()
    found = []
    for size in (ROUND_TO, 1024):
        monkeypatch.setattr("kdcore.models.packed.ROUND_TO", size)
        model.zero_grad()
        out = model(model.batch(model.read(pairs4), rows_of(pairs4)))
        out.logits.square().sum().backward()
        found.append((out.logits.detach(), model.embeddings()[0].weight.grad))
    torch.testing.assert_close(found[0], found[1], **EQUAL)
    assert found[0][1][0].abs().sum() == 0  # row 0 is what spare tokens look up


def test_pooling_is_the_mean_or_the_softmax_weighted_sum_of_real_tokens():
    packed = pack(np.arange(5), np.array([2, 3]))
    spare = len(packed.ids) - 5
    x = F.pad(torch.arange(10.0).view(5, 2), (0, 0, 0, spare))
    weights = F.pad(torch.tensor([0.0, 1.0, -1.0, 0.5, 2.0]), (0, spare))
    mean, weighted = pool(x, None, packed)[:2], pool(x, weights, packed)[:2]
    torch.testing.assert_close(mean, torch.stack([x[:2].mean(0), x[2:5].mean(0)]))
    shares = weights[:2].softmax(0), weights[2:5].softmax(0)
    torch.testing.assert_close(weighted, torch.stack([shares[0] @ x[:2], shares[1] @ x[2:5]]))


def test_bf16_products_keep_the_order_of_the_logits(make, pairs4):
    """On random weights, the hardest case: logits differ little."""
    model = make("bert", pairs4, layers=4, hidden=64, heads=4).eval()
    batch = model.batch(model.read(pairs4), rows_of(pairs4))
    with torch.no_grad():
        exact = model(batch).logits
        model.products = torch.bfloat16
        near = model(batch)
    assert near.logits.dtype == near.features.dtype == torch.float32
    assert spearmanr(exact.flatten(), near.logits.flatten()).statistic > 0.99
    assert (exact - near.logits).abs().max() < 0.05


def test_bf16_padded_outputs_are_fp32_and_near(make, pairs4):
    model = make("bert", pairs4).eval()
    batch = model.batch(model.read(pairs4), rows_of(pairs4))
    with torch.no_grad():
        exact = model(batch).logits
        model.products = torch.bfloat16
        near = model(batch, frozenset({"hidden_states", "attentions"}))
    tensors = (near.logits, near.features, *near.hidden_states, *near.attentions)
    assert {t.dtype for t in tensors} == {torch.float32}
    assert (exact - near.logits).abs().max() < 0.05


def test_bf16_gradients_reach_fp32_weights(make, pairs4):
    model = make("bert", pairs4).train()
    model.products = torch.bfloat16
    model(model.batch(model.read(pairs4), rows_of(pairs4))).logits.square().sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in model.parameters())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_silences_its_share_and_keeps_the_mean(share, dtype):
    torch.manual_seed(0)
    out = _dropout(torch.ones(400, 501, dtype=dtype), torch.nn.Dropout(share).train())
    assert out.dtype == dtype
    assert (out == 0).float().mean().item() == pytest.approx(share, abs=5e-3)
    assert out.float().mean().item() == pytest.approx(1, abs=2e-2)


def test_dropout_gradients_flow_where_values_did():
    torch.manual_seed(0)
    x = torch.ones(64, 9, requires_grad=True)
    out = _dropout(x, torch.nn.Dropout(0.5).train())
    out.sum().backward()
    torch.testing.assert_close(x.grad, out.detach())


def test_dropout_rests_outside_training():
    x = torch.randn(5, 7)
    assert _dropout(x, torch.nn.Dropout(0.5).eval()) is x
    assert _dropout(x, torch.nn.Dropout(0.0).train()) is x


def test_training_dropout_makes_two_answers_differ(make, pairs4):
    model = make("bert", pairs4, dropout=0.3).train()
    batch = model.batch(model.read(pairs4), rows_of(pairs4))
    assert not torch.equal(model(batch).logits, model(batch).logits)


def test_other_activations_are_left_to_the_plain_model(make, pairs4):
    model = make("bert", pairs4)
    assert is_packable(model.encoder)
    model.encoder.config.hidden_act = "relu"
    assert not is_packable(model.encoder)


def test_precision_by_name_and_auto_is_one_of_them():
    cpu = torch.device("cpu")
    assert product_type("fp32", cpu) == torch.float32
    assert product_type("bf16", cpu) == torch.bfloat16
    assert product_type("auto", cpu) in (torch.float32, torch.bfloat16)
    assert product_type("auto", torch.device("meta")) == torch.float32

"""What a packed BERT gives of its layers equals transformers' own model, value and gradient."""

import copy

import numpy as np
import pytest
import torch

from kdcore.models.inside import Padding
from kdcore.models.packed import pack, pad_packed

EQUAL = {"rtol": 0, "atol": 1e-5}
ROWS = np.array([13, 0, 14, 5])
EVERYTHING = frozenset({"cls_states", "hidden_states", "attentions", "projections"})
WITHOUT_TOKENS = EVERYTHING - {"hidden_states"}  # the last layer then works on [CLS] alone


def plain(model, batch):
    """transformers' own forward on the padded tokens; rows as the pairs."""
    ids, segments, mask = pad_packed(batch.packs[0], model.units.tokenizer.pad_token_id)
    model.net.set_attn_implementation("eager")
    out = model.net.bert(
        input_ids=ids,
        token_type_ids=segments,
        attention_mask=mask.long(),
        output_hidden_states=True,
        output_attentions=True,
    )
    rows = batch.query_rows
    states = [state[rows] for state in out.hidden_states]
    return states, [maps[rows] for maps in out.attentions], mask[rows]


def looked(model, pairs, wants):
    """Our outputs, and states, maps and mask of transformers from a copy of the model."""
    twin, batch = copy.deepcopy(model), model.batch(model.read(pairs), ROWS)
    return model(batch, wants), twin, plain(twin, batch)


@pytest.mark.parametrize("wants", [EVERYTHING, WITHOUT_TOKENS], ids=["tokens", "cls"])
def test_states_and_maps_of_every_layer_equal_the_plain_models(make, pairs4, wants):
    model = make("bert", pairs4, layers=3, dropout=0.0).train()
    out, _, (states, maps, mask) = looked(model, pairs4, wants)
    assert torch.equal(out.mask, mask)
    assert mask.sum(1).tolist() == model.read(pairs4).lengths[ROWS].tolist()
    assert (len(out.cls_states), len(out.attentions), len(out.projections)) == (4, 3, 3)
    for ours, theirs in zip(out.cls_states, states, strict=True):
        torch.testing.assert_close(ours, theirs[:, 0], **EQUAL)
    for ours, theirs in zip(
        out.hidden_states, states if "hidden_states" in wants else (), strict=True
    ):
        torch.testing.assert_close(ours[mask], theirs[mask], **EQUAL)
        assert ours[~mask].abs().max() == 0
    real = mask[:, None, :, None].expand_as(maps[0])
    for ours, theirs in zip(out.attentions, maps, strict=True):
        torch.testing.assert_close(ours[real], theirs[real], **EQUAL)
        assert ours[real & ~mask[:, None, None, :]].abs().max() == 0


@pytest.mark.parametrize("wants", [EVERYTHING, WITHOUT_TOKENS], ids=["tokens", "cls"])
def test_gradients_of_what_is_inside_equal_the_plain_models(make, pairs4, wants):
    """A loss of one layer's maps and of [CLS] after another, as internal distillation's."""
    model = make("bert", pairs4, layers=3, dropout=0.0).train()
    out, twin, (states, maps, mask) = looked(model, pairs4, wants)
    real = mask[:, None, :, None]
    for ours, cls in ((out.attentions[1], out.cls_states[3]), (maps[1], states[3][:, 0])):
        ((ours * real).square().sum() + cls[:, :3].sum()).backward()
    theirs = dict(twin.named_parameters())
    assert model.net.bert.encoder.layer[2].output.dense.weight.grad.abs().sum() > 0
    for name, weight in model.named_parameters():
        other = theirs[name].grad
        if weight.grad is None or other is None:
            assert weight.grad is other, name
        else:
            torch.testing.assert_close(
                weight.grad, other, rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
            )


def test_projections_are_what_the_attention_maps_are_made_of(make, pairs4):
    """softmax(QKᵀ / √d) of each head is its map."""
    model = make("bert", pairs4, layers=3).eval()
    batch = model.batch(model.read(pairs4), ROWS)
    with torch.no_grad():
        out = model(batch, frozenset({"projections", "attentions"}))
        assert model(batch, frozenset({"attentions"})).projections == ()
    padding, real = ~out.mask[:, None, None, :], out.mask[:, None, :].expand(-1, 2, -1)
    for vectors, maps in zip(out.projections, out.attentions, strict=True):
        q, k, _ = vectors.unflatten(-1, (2, 8)).transpose(2, 3)
        scores = (q @ k.transpose(2, 3) / 8**0.5).masked_fill(padding, -torch.inf)
        torch.testing.assert_close(scores.softmax(-1)[real], maps[real], **EQUAL)


def test_the_last_state_is_what_features_are_pooled_from(make, pairs4):
    model = make("bert", pairs4).eval()
    batch = model.batch(model.read(pairs4), ROWS)
    with torch.no_grad():
        out, usual = model(batch, frozenset({"cls_states"})), model(batch)
        pooled = torch.tanh(model.net.bert.pooler.dense(out.cls_states[-1]))
    assert (out.hidden_states, out.attentions) == ((), ())
    torch.testing.assert_close(out.features, pooled, **EQUAL)
    torch.testing.assert_close(out.logits, usual.logits, **EQUAL)


def test_tokens_are_padded_in_the_order_of_the_pairs():
    packed = pack(np.arange(1, 7), np.array([1, 2, 3]))
    padding = Padding(packed, torch.tensor([2, 0, 1]))
    padded = padding.pad(packed.ids[:, None])[..., 0]
    assert padded.tolist() == [[4, 5, 6], [1, 0, 0], [2, 3, 0]]
    assert torch.equal(padding.mask, padded > 0)

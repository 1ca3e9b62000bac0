"""Internal distillation equals its formulas; heads, widths and padding are handled."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import gradcheck

from kdcore.errors import ConfigError
from kdcore.objectives.base import Shape, Term, enter_stages, in_stages, make_objective
from kdcore.objectives.feature import cosine
from kdcore.objectives.internal import HeadMix, attention_kl, relation_kl
from kdcore.objectives.params import InternalParams
from kdcore.outputs import Outputs

MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def maps(seed: int, heads: int) -> torch.Tensor:
    """Attention as a padded model gives it: nothing goes to padding."""
    return normal(seed, 2, heads, 4, 4).masked_fill(~MASK[:, None, None], -torch.inf).softmax(-1)


def outputs(seed: int, width: int, heads: int, blocks: int) -> Outputs:
    pooled = normal(seed, 2, 3)
    return Outputs(
        pooled,
        pooled,
        cls_states=tuple(normal(100 * seed + i, 2, width) for i in range(blocks + 1)),
        attentions=tuple(maps(200 * seed + i, heads) for i in range(blocks)),
        projections=tuple(normal(300 * seed + i, 3, 2, 4, width) for i in range(blocks)),
        mask=MASK,
    )


def shape(width: int, heads: int, blocks: int) -> Shape:
    return Shape(3, 3, blocks + 1, width, heads)


def test_attention_kl_by_hand():
    """One head, two tokens: rows (1/2, 1/2) against (1/4, 3/4), and two that agree."""
    teacher = torch.tensor([[[[0.5, 0.5], [0.9, 0.1]]]])
    student = torch.tensor([[[[0.25, 0.75], [0.9, 0.1]]]])
    row = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    value = attention_kl(student, teacher, torch.ones(1, 2).bool()).item()
    assert value == pytest.approx(row / 2, rel=1e-6)


def test_attention_kl_is_a_mean_over_heads_and_real_rows_of_each_pair():
    """One pair of four tokens and one of two weigh the same; rows of padding are not read."""
    s, t = maps(0, 3), maps(1, 3)
    noisy = s.clone()
    noisy[1, :, 2:] = 0.25
    ratio = (t * (t / s).where(t > 0, 1).log()).sum(-1)
    expected = (ratio[0].mean() + ratio[1, :, :2].mean()) / 2
    torch.testing.assert_close(attention_kl(noisy, t, MASK), expected, rtol=1e-6, atol=0)


def test_attention_that_the_student_gives_up_costs_a_finite_price():
    s = torch.tensor([[[[1.0, 0.0]]]], dtype=torch.float64, requires_grad=True)
    value = attention_kl(s, torch.full((1, 1, 1, 2), 0.5).double(), torch.ones(1, 1).bool())
    assert value.item() == pytest.approx(0.5 * math.log(0.5) + 0.5 * math.log(0.5 / 1e-8))
    assert torch.autograd.grad(value, s)[0].isfinite().all()


def test_relation_kl_is_minilms_written_out():
    """Each relation head by itself: softmax(X Xᵀ / √d) over the real tokens, KL row by row."""
    s, t, heads = normal(0, 2, 4, 6), normal(1, 2, 4, 8), 2
    rows = []
    for pair, size in ((0, 4), (1, 2)):
        of_pair = []
        for h in range(heads):
            a, b = s[pair, :size, 3 * h : 3 * h + 3], t[pair, :size, 4 * h : 4 * h + 4]
            q, p = (a @ a.T / math.sqrt(3)).softmax(-1), (b @ b.T / math.sqrt(4)).softmax(-1)
            of_pair.append((p * (p / q).log()).sum(-1))
        rows.append(torch.stack(of_pair).mean())
    torch.testing.assert_close(relation_kl(s, t, MASK, heads), sum(rows) / 2)


@pytest.mark.parametrize("kind", ["attention", "relation"])
def test_losses_are_zero_when_both_agree_and_their_gradients_are_right(kind):
    if kind == "attention":
        s, t = normal(0, 2, 2, 4, 4), maps(1, 2)
        padding = ~MASK[:, None, None]

        def loss(x):
            return attention_kl(x.masked_fill(padding, -1e9).softmax(-1), t, MASK)

        assert attention_kl(t, t, MASK).item() == 0
    else:
        s, t = normal(0, 2, 4, 6), normal(1, 2, 4, 8)

        def loss(x):
            return relation_kl(x, t, MASK, 2)

        assert relation_kl(t, t, MASK, 2).item() == 0
    assert gradcheck(loss, (s.requires_grad_(),))
    assert loss(s) > 0.01


def test_padding_reaches_neither_value_nor_gradient_of_the_relations():
    s, t = normal(0, 2, 4, 6), normal(1, 2, 4, 8)
    noise = ~MASK[..., None] * 50.0
    s_noisy = (s + noise).requires_grad_()
    value = relation_kl(s_noisy, t - noise, MASK, 2)
    torch.testing.assert_close(value, relation_kl(s, t, MASK, 2))
    assert torch.autograd.grad(value, s_noisy)[0][~MASK].abs().max() == 0


def test_the_objective_sums_both_losses_over_layers_2k():
    params = InternalParams(attention_weight=0.5, cosine_weight=2)
    made = make_objective("internal", params, shape(6, 2, 2), shape(6, 2, 4))
    mine, theirs = outputs(1, 6, 2, 2), outputs(2, 6, 2, 4)
    expected = 0.0
    for k in (1, 2):
        kl = attention_kl(mine.attentions[k - 1], theirs.attentions[2 * k - 1], MASK)
        first = mine.cls_states[k], theirs.cls_states[2 * k]
        expected = expected + 0.5 * kl + 2 * cosine(*first)
    torch.testing.assert_close(made(mine, theirs), expected)
    assert list(made.parameters()) == []


def test_stages_learn_pair_by_pair():
    sizes = shape(6, 2, 2), shape(6, 2, 4)
    made, progressive, stacked = (
        make_objective("internal", InternalParams(schedule=each), *sizes)
        for each in ("all", "progressive", "stacked")
    )
    mine, theirs = outputs(1, 6, 2, 2), outputs(2, 6, 2, 4)
    together = made(mine, theirs)
    parts = []
    for stage in (0, 1):
        progressive.enter_stage(stage)
        parts.append(progressive(mine, theirs))
    torch.testing.assert_close(sum(parts), together)
    stacked.enter_stage(0)
    torch.testing.assert_close(stacked(mine, theirs), parts[0])
    stacked.enter_stage(1)
    torch.testing.assert_close(stacked(mine, theirs), together)
    progressive.enter_stage(2)  # the internals are done
    assert progressive(mine, theirs).item() == 0


def test_other_terms_wait_until_the_stages_are_over():
    params = InternalParams(schedule="stacked", stage_epochs=0.5)
    inside = Term("internal", make_objective("internal", params, shape(6, 2, 2), shape(6, 2, 4)), 1)
    terms = [Term("soft", inside.objective, 0.0), inside]  # a term of weight 0 has no stages
    assert [enter_stages(terms, epoch) for epoch in (0, 0.49, 0.5, 0.99, 1.0)] == [
        *(True, True, True, True, False)
    ]
    assert len(inside.objective.active) == 2
    assert [term.weight for term in in_stages([Term("hard", None, 3.0), inside])] == [0.0, 1]
    at_once = InternalParams(schedule="stacked", labels_last=False)
    both = make_objective("internal", at_once, shape(6, 2, 2), shape(6, 2, 4))
    assert not enter_stages([Term("internal", both, 1.0)], 0)
    assert len(both.active) == 1


def test_unequal_heads_are_refused_or_mixed():
    with pytest.raises(
        ConfigError, match=r"2 attention heads .* teacher's 3 .* choose heads 'mix'"
    ):
        make_objective("internal", InternalParams(), shape(6, 2, 2), shape(6, 3, 4))
    params = InternalParams(heads="mix", cosine_weight=0)
    made = make_objective("internal", params, shape(6, 2, 2), shape(6, 3, 4)).double()
    mine, theirs = outputs(1, 6, 2, 2), outputs(2, 6, 3, 4)
    value = made(mine, theirs)
    value.backward()
    assert value > 0
    assert made.mix.weights.grad.abs().sum() > 0


def test_mixed_heads_stay_distributions_and_start_as_the_mean():
    mix, student = HeadMix(2, 3).double(), maps(0, 2)
    torch.testing.assert_close(mix(student), student.mean(1, keepdim=True).expand(-1, 3, -1, -1))
    nn.init.normal_(mix.weights, std=3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mix(student).sum(-1), torch.ones(2, 3, 4, dtype=torch.float64))


def test_unequal_widths_get_one_shared_projection():
    params = InternalParams(attention_weight=0)
    made = make_objective("internal", params, shape(4, 2, 2), shape(6, 3, 4)).double()
    assert [p.shape for p in made.parameters()] == [(6, 4)]
    mine, theirs = outputs(1, 4, 2, 2), outputs(2, 6, 3, 4)
    gaps = []
    for k in (1, 2):
        first = mine.cls_states[k] @ made.project.weight.T
        gaps.append(1 - F.cosine_similarity(first, theirs.cls_states[2 * k]).mean())
    torch.testing.assert_close(made(mine, theirs), sum(gaps))


def test_minilm_reads_queries_keys_and_values_of_the_last_layers():
    """Any width and number of heads: 12 relation heads fit 12 and 24 numbers."""
    params = InternalParams(loss="minilm")
    made = make_objective("internal", params, shape(12, 2, 2), shape(24, 3, 4))
    assert made.heads == 12
    mine, theirs = outputs(1, 12, 2, 2), outputs(2, 24, 3, 4)
    expected = sum(
        relation_kl(mine.projections[1][i], theirs.projections[3][i], MASK, 12) for i in range(3)
    )
    torch.testing.assert_close(made(mine, theirs), expected)
    params = InternalParams(loss="minilm", teacher_layer=2, relation_heads=4)
    made = make_objective("internal", params, shape(12, 2, 2), shape(24, 3, 4))
    assert (made.pair, made.heads) == ((2, 2), 4)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"loss": "minilm", "relation_heads": 5}, "5 do not divide the widths 12 and 24"),
        ({"loss": "minilm", "teacher_layer": 9}, "9 does not exist; the teacher has 4"),
        ({"attention_weight": 0, "cosine_weight": 0}, "both are 0"),
        ({"layers": "0:0 2:4"}, "the embeddings .* attend to nothing"),
    ],
)
def test_settings_that_cannot_be_are_refused(more, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make_objective("internal", InternalParams(**more), shape(12, 2, 2), shape(24, 2, 4))

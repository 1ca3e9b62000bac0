"""Ranking distillation equals next.md's golden values and formulas; lists are formed safely."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from kdcore.errors import ConfigError
from kdcore.labels import LabelScheme
from kdcore.objectives import lists, ranking
from kdcore.objectives.base import Shape, make_objective
from kdcore.objectives.params import RankingParams
from kdcore.outputs import Outputs
from kdcore.scores import log_odds

S = torch.tensor([[2.0, 0.5, -1.0]], dtype=torch.float64)
T = torch.tensor([[3.0, -2.0, 1.0]], dtype=torch.float64)
ALL = torch.ones(1, 3, dtype=torch.bool)
LOSSES = {
    "margin_mse": ranking.margin_mse,
    "list_kl": ranking.list_kl,
    "list_kl at 2": lambda s, t, mask: ranking.list_kl(s, t, mask, 2.0),
    "ranknet": ranking.ranknet,
    "ranknet soft": lambda s, t, mask: ranking.ranknet(s, t, mask, soft=True),
    "adr_mse": ranking.adr_mse,
    "plackett_luce": lambda s, t, mask: ranking.plackett_luce(s, t, mask, top=2),
    "pearson": ranking.pearson,
}
GOLDEN = [11.166667, 0.206317, 0.736897, 0.650471, 0.749308, 0.309018, 1.942725, 0.602640]
each = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
pairs_of_lists = st.integers(2, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.floats(-9, 9, width=32), min_size=n, max_size=n), min_size=2, max_size=2
    )
)


def random_lists(seed: int = 0, sizes: tuple[int, ...] = (5, 2, 3)):
    generator = torch.Generator().manual_seed(seed)
    shape = len(sizes), max(sizes)
    s, t = (torch.randn(shape, generator=generator, dtype=torch.float64) * 2 for _ in range(2))
    mask = torch.arange(shape[1]) < torch.tensor(sizes)[:, None]
    return s * mask, t * mask, mask


@pytest.mark.parametrize(("name", "value"), list(zip(LOSSES, GOLDEN, strict=True)))
def test_a_loss_has_its_golden_value(name, value):
    assert LOSSES[name](S, T, ALL).item() == pytest.approx(value, abs=5e-7)


def test_the_teachers_best_ad_as_the_positive_is_hofstaetters_margin_mse():
    """Two margins, (2 - .5) - (3 + 2) and (2 + 1) - (3 - 1), as lists of two: 6.625."""
    s, t = S[:, [[0, 1], [0, 2]]][0], T[:, [[0, 1], [0, 2]]][0]
    assert ranking.margin_mse(s, t, ALL.expand(2, 3)[:, :2]).item() == pytest.approx(6.625)


@given(pairs_of_lists)
def test_margin_mse_is_the_mean_over_pairs_written_out(rows):
    s, t = rows
    pairs = itertools.combinations(range(len(s)), 2)
    gaps = [((s[i] - s[j]) - (t[i] - t[j])) ** 2 for i, j in pairs]
    tensors = [torch.tensor([row], dtype=torch.float64) for row in rows]
    value = ranking.margin_mse(*tensors, torch.ones(1, len(s), dtype=torch.bool)).item()
    assert value == pytest.approx(sum(gaps) / len(gaps), abs=1e-9)


def test_the_sign_of_a_margin_counts():
    """An absolute margin would call the reversed order perfect."""
    assert ranking.margin_mse(-T, T, ALL) > 10


@settings(max_examples=30)
@given(st.permutations(range(4)))
def test_plackett_luce_is_minus_the_log_probability_of_the_teachers_order(order):
    """Drawing without replacement, probability by probability."""
    s = torch.tensor([[0.3, -1.0, 2.0, 0.9]], dtype=torch.float64)
    t = torch.empty_like(s)
    t[0, list(order)] = torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64)
    worth, probability = s.exp()[0], 1.0
    for place in range(4):
        left = order[place:]
        probability *= float(worth[left[0]] / worth[list(left)].sum())
    mask = torch.ones(1, 4, dtype=torch.bool)
    assert ranking.plackett_luce(s, t, mask).item() == pytest.approx(-math.log(probability))


def test_plackett_luce_probabilities_of_all_orders_sum_to_one():
    total = 0.0
    for order in itertools.permutations([3.0, 2.0, 1.0]):
        t = torch.tensor([order], dtype=torch.float64)
        total += math.exp(-ranking.plackett_luce(S, t, ALL).item())
    assert total == pytest.approx(1)


def test_sampled_orders_come_from_the_teachers_own_distribution():
    """Many orders give the expectation over all of them; near T = 0 only one is left."""
    torch.manual_seed(0)
    drawn = ranking.plackett_luce(S, T, ALL, samples=4000).item()
    expected = 0.0
    for order in itertools.permutations([3.0, 2.0, 1.0]):
        t = torch.tensor([order], dtype=torch.float64)
        probability = math.exp(-ranking.plackett_luce(T, t, ALL).item())
        expected += probability * ranking.plackett_luce(S, t, ALL).item()
    assert drawn == pytest.approx(expected, rel=0.03)
    sharp = ranking.plackett_luce(S, T, ALL, samples=4, temperature=0.01)
    torch.testing.assert_close(sharp, ranking.plackett_luce(S, T, ALL))


def test_teachers_ties_share_a_rank_and_give_ranknet_no_pair():
    """Ranks 1.5, 1.5, 3, and a student with the same ties is nearly right where an order is not."""
    t = torch.tensor([[1.0, 1.0, -5.0]], dtype=torch.float64)
    assert ranking.adr_mse(40 * t, t, ALL).item() == pytest.approx(0, abs=1e-12)
    strict = torch.tensor([[9.0, 8.0, -90.0]], dtype=torch.float64)
    assert ranking.adr_mse(40 * strict, t, ALL).item() == pytest.approx(
        2 * 0.25 / math.log2(2.5) / 3
    )
    flat = torch.zeros_like(t)
    assert ranking.ranknet(S, flat, ALL).item() == 0  # and no 0 / 0


@each
def test_a_constant_added_to_a_list_changes_nothing(loss):
    s, t, mask = random_lists()
    shift = torch.tensor([[5.0], [-3.0], [100.0]], dtype=torch.float64) * mask
    torch.testing.assert_close(loss(s + shift, t, mask), loss(s, t, mask))
    torch.testing.assert_close(loss(s, t + shift, mask), loss(s, t, mask))


@given(st.floats(0.1, 50), st.floats(0.1, 50))
def test_pearson_is_blind_to_scale(a, b):
    s, t, mask = random_lists()
    torch.testing.assert_close(ranking.pearson(a * s, b * t, mask), ranking.pearson(s, t, mask))


def test_margin_mse_is_not():
    _, t, mask = random_lists()
    assert ranking.margin_mse(3 * t, t, mask) > 1
    assert ranking.pearson(3 * t, t, mask).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["margin_mse", "list_kl", "list_kl at 2", "pearson"])
def test_a_loss_that_can_be_zero_is_zero_when_the_student_agrees(name):
    _, t, mask = random_lists()
    s = (t + 4 * mask).requires_grad_()
    loss = LOSSES[name](s, t, mask)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert s.grad.abs().max() < 1e-9


def test_soft_ranknet_has_its_floor_where_student_and_teacher_agree():
    _, t, mask = random_lists()
    s = t.clone().requires_grad_()
    ranking.ranknet(s, t, mask, soft=True).backward()
    assert s.grad.abs().max() < 1e-12


@each
def test_what_stands_in_the_padding_is_not_read(loss):
    s, t, mask = random_lists()
    torch.testing.assert_close(
        loss(s.where(mask, 1e3), t.where(mask, -1e3), mask), loss(s, t, mask)
    )


@each
def test_lists_weigh_the_same_whatever_their_length(loss):
    s, t, mask = random_lists()
    values = []
    for row, size in enumerate(mask.sum(dim=1).tolist()):
        one = slice(row, row + 1), slice(size)
        values.append(loss(s[one], t[one], mask[one]))
    torch.testing.assert_close(loss(s, t, mask), torch.stack(values).mean())


@each
def test_gradients_are_right(loss):
    s, t, mask = random_lists()
    s = s.requires_grad_()
    assert gradcheck(lambda x: loss(x, t, mask), (s,))
    (gradient,) = torch.autograd.grad(loss(s, t, mask), s)
    assert gradient[~mask].abs().max() == 0


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_huge_numbers_give_finite_losses_and_gradients(loss, dtype):
    s = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], dtype=dtype).requires_grad_()
    t = torch.tensor([[-1e4, 1e4, 3.0], [1e4, 1.0, 0.0]], dtype=dtype)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    value = loss(s, t, mask)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(s.grad).all()


@each
def test_equal_numbers_and_empty_batches_give_no_nan(loss):
    flat = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    for t in (torch.zeros_like(flat), torch.tensor([[2.0, 1.0, 0.0]] * 2, dtype=torch.float64)):
        (gradient,) = torch.autograd.grad(loss(flat, t, mask), flat)
        assert torch.isfinite(gradient).all()
    for lonely in (mask & False, torch.tensor([[True, False, False]] * 2)):
        value = loss(flat, flat.detach(), lonely)
        assert value.item() == 0
        assert torch.autograd.grad(value, flat)[0].abs().max() == 0
    nothing = torch.zeros(0, 0, dtype=torch.float64, requires_grad=True)
    assert loss(nothing, nothing.detach(), nothing.bool()).item() == 0


def test_lists_hold_the_ads_of_a_query_wherever_they_stand_in_the_batch():
    queries = torch.tensor([7, 3, -1, 7, 9, 3, 7, -1])
    formed = lists.Lists.of(queries)
    rows = [row[real].tolist() for row, real in zip(formed.rows, formed.mask, strict=True)]
    assert rows == [[1, 5], [0, 3, 6]]  # 9 has one ad; -1 is no query
    values = torch.arange(8.0) + 10
    assert formed.fill(values).tolist() == [[11, 15, 0], [10, 13, 16]]


def test_a_batch_without_a_list_gives_an_empty_one():
    for queries in (torch.tensor([1, 2, 3]), torch.tensor([-1, -1]), torch.tensor([]).long()):
        formed = lists.Lists.of(queries)
        assert formed.rows.shape == formed.mask.shape == (0, 0)


@pytest.mark.parametrize("relevant_from", [1, 2, 3])
def test_log_odds_are_those_of_the_scores(relevant_from):
    logits = 5 * torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scheme = LabelScheme(("bad", "fair", "good", "excellent"), relevant_from)
    expected = torch.from_numpy(log_odds(logits.numpy(), scheme))
    torch.testing.assert_close(lists.log_odds(logits, relevant_from), expected)


def outputs(logits, queries=None):
    return Outputs(logits, logits[:, :1], queries=queries)


@pytest.mark.parametrize(
    ("loss", "more"),
    [
        ("margin_mse", {}),
        ("list_kl", {"temperature": 2.0}),
        ("ranknet", {}),
        ("ranknet", {"soft_targets": True}),
        ("adr_mse", {}),
        ("plackett_luce", {"top": 2}),
        ("plackett_luce", {"samples": 3}),
        ("pearson", {}),
    ],
)
def test_the_objective_orders_the_ads_of_a_query(loss, more):
    """Two lists and a lonely ad, interleaved: a few steps bring the student's order to its own."""
    made = make_objective("ranking", RankingParams(loss=loss, **more), Shape(2, 1), Shape(2, 1))
    queries = torch.tensor([4, 8, 4, 8, 4, 5])
    logits = torch.tensor([[0, 3], [0, -2], [0, 1], [0, 2], [0, -3], [0, 9]], dtype=torch.float64)
    teacher = outputs(logits, queries)
    student = torch.zeros(6, 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([student], lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        made(outputs(student), teacher).backward()
        assert student.grad[5].abs().max() == 0  # one ad has no order
        optimizer.step()
    gap = (student[:, 1] - student[:, 0]).tolist()
    assert gap[0] > gap[2] > gap[4]
    assert gap[3] > gap[1]


def test_four_grades_are_ordered_by_the_odds_of_the_relevant_ones():
    shape = replace(Shape(4, 1), relevant_from=2)
    made = make_objective("ranking", RankingParams(), shape, shape)
    z = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    moved = z + torch.tensor([0.0, 0.0, 0.7, 0.7])  # the same gaps between ads
    queries = torch.zeros(4, dtype=torch.long)
    assert made(outputs(moved), outputs(z, queries)).item() == pytest.approx(0, abs=1e-10)


def test_unequal_or_unnamed_grades_are_refused():
    with pytest.raises(ConfigError, match="2 grades cannot match the teacher's 4"):
        make_objective("ranking", RankingParams(), Shape(2, 1), Shape(4, 1))
    with pytest.raises(ConfigError, match="first of the 4 grades that counts as relevant"):
        make_objective("ranking", RankingParams(), Shape(4, 1), Shape(4, 1))


def test_a_batch_without_query_ids_is_refused_in_words():
    made = make_objective("ranking", RankingParams(), Shape(2, 1), Shape(2, 1))
    with pytest.raises(ValueError, match="no query ids"):
        made(outputs(torch.zeros(2, 2)), outputs(torch.zeros(2, 2)))

"""What every student promises, whatever it is made of."""

import numpy as np
import pytest
import torch

from kdcore.catalog import STUDENTS as CATALOG
from kdcore.models.batches import make_batch
from kdcore.models.predict import score

CPU = torch.device("cpu")


@torch.no_grad()
def answer(model, pairs, rows=None):
    encoded = model.read(pairs)
    return model(model.batch(encoded, np.arange(len(pairs)) if rows is None else rows))


def test_logits_are_one_for_each_pair_and_grade(student, pairs4):
    out = answer(student, pairs4)
    assert out.logits.shape == (16, 4)
    assert out.features.shape[0] == 16
    assert torch.isfinite(out.logits).all()
    assert torch.isfinite(out.features).all()


def test_two_grades_give_two_logits(kind, make, pairs2):
    assert answer(make(kind, pairs2).eval(), pairs2).logits.shape == (16, 2)


def test_what_the_catalog_says_a_student_gives_is_given(student, pairs4):
    wants = frozenset({"cls_states", "hidden_states", "attentions", "projections"})
    out = student(student.batch(student.read(pairs4), np.arange(4)), wants)
    given = {"logits", "features"} | {n for n in wants if getattr(out, n)}
    assert given == CATALOG[student.config.name].gives


def test_rows_in_any_order_get_the_same_answers(student, pairs4):
    rows = np.random.default_rng(0).permutation(16)
    torch.testing.assert_close(
        answer(student, pairs4, rows).logits, answer(student, pairs4).logits[rows]
    )


def test_a_pair_alone_is_answered_as_in_company(student, pairs4):
    alone = [answer(student, pairs4, np.array([r])) for r in range(16)]
    together = answer(student, pairs4)
    torch.testing.assert_close(
        torch.cat([o.logits for o in alone]), together.logits, rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(
        torch.cat([o.features for o in alone]), together.features, rtol=1e-4, atol=1e-5
    )


def test_a_pair_twice_in_a_batch_is_answered_twice(student, pairs4):
    out = answer(student, pairs4, np.array([3, 3, 1, 3]))
    torch.testing.assert_close(out.logits[0], out.logits[1])
    torch.testing.assert_close(out.logits[0], out.logits[3])


def test_the_same_seed_makes_the_same_model(kind, make, pairs4):
    first, again = make(kind, pairs4).state_dict(), make(kind, pairs4).state_dict()
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_every_weight_that_answers_learns(kind, make, pairs4):
    """A tower left out of the graph would train half a model in silence."""
    model = make(kind, pairs4).train()
    out = model(model.batch(model.read(pairs4), np.arange(16)))
    torch.nn.functional.cross_entropy(out.logits, torch.tensor(pairs4.grades)).backward()
    still = [n for n, p in model.named_parameters() if p.grad is None]
    idle = ("embeddings.word", "embeddings.token_type", "embeddings.LayerNorm", "weigh.")
    assert not [n for n in still if not any(part in n for part in idle)]
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert all(len(t.weight.grad.abs().sum(1).nonzero()) for t in model.embeddings())


def test_a_few_steps_make_the_loss_fall(kind, make, pairs4):
    model = make(kind, pairs4, dropout=0.0).train()
    encoded, grades = model.read(pairs4), torch.tensor(pairs4.grades)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        logits = model(make_batch(encoded, np.arange(16))).logits
        loss = torch.nn.functional.cross_entropy(logits, grades)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_scores_come_in_the_order_of_the_pairs(student, pairs4):
    logits, features = score(student, student.read(pairs4), CPU, batch_size=5)
    out = answer(student, pairs4)
    np.testing.assert_allclose(logits, out.logits.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(features, out.features.numpy(), rtol=1e-4, atol=1e-5)


def test_scoring_leaves_training_mode_as_it_was(kind, make, pairs4):
    model = make(kind, pairs4).train()
    score(model, model.read(pairs4), CPU)
    assert model.training


def test_size_counts_every_weight(student):
    assert student.size == sum(p.numel() for p in student.parameters())


def test_separable_students_score_from_two_vectors_alone(student, pairs4):
    """What retrieval relies on: the vectors of query and ad are enough."""
    if not CATALOG[student.config.name].separable:
        with pytest.raises(TypeError, match="no vectors of texts"):
            student.vectors(student.batch(student.read(pairs4), np.arange(2)))
        return
    encoded = student.read(pairs4)
    with torch.no_grad():
        query, ad = student.vectors(student.batch(encoded, np.arange(16)))
    assert query.shape == ad.shape
    same_query = torch.from_numpy(encoded.query_of[:, None] == encoded.query_of)
    first = same_query.int().argmax(dim=1)
    torch.testing.assert_close(query, query[first])


def test_a_cosine_students_features_sum_to_the_cosine(make, pairs2):
    model = make("twin weighted", pairs2, head="half_cosine").eval()
    with torch.no_grad():
        batch = model.batch(model.read(pairs2), np.arange(16))
        out, (query, ad) = model(batch), model.vectors(batch)
    cosine = torch.nn.functional.cosine_similarity(query, ad)
    torch.testing.assert_close(out.features.sum(1), cosine)
    torch.testing.assert_close(out.logits.softmax(1)[:, 1], (cosine + 1) / 2, rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind_", ["twin weighted", "twin trigrams", "cdssm"])
def test_calibration_brings_mean_probabilities_near_the_shares(kind_, make, pairs4):
    model = make(kind_, pairs4).eval()
    batch = model.batch(model.read(pairs4), np.arange(16))
    shares = torch.bincount(torch.tensor(pairs4.grades), minlength=4) / 16
    with torch.no_grad():
        model.calibrate(batch, shares)
        mean = model(batch).logits.softmax(1).mean(0)
    torch.testing.assert_close(mean, shares, rtol=0, atol=0.1)


def test_a_convolution_sees_the_word_before_and_the_word_after(make, pairs4):
    """Shen et al. 2014: a window of three words, written out as a sum over trigram counts."""
    model = make("cdssm", pairs4).eval()
    tower, units = model.towers[0], model.units
    words = ("red", "running", "shoes")
    with torch.no_grad():
        parts = []
        for word in words:
            ids = [units.ids.get(f"#{word}#"[i : i + 3], 0) for i in range(len(word))]
            parts.append(tower.window.weight[ids].sum(0).view(3, -1))
        zero = torch.zeros_like(parts[0][0])
        conv = torch.stack(
            [
                torch.tanh(
                    (parts[i - 1][0] if i else zero)
                    + parts[i][1]
                    + (parts[i + 1][2] if i < 2 else zero)
                    + tower.bias
                )
                for i in range(3)
            ]
        )
        expected = torch.tanh(tower.semantic(conv.amax(0)))
        query, _ = model.vectors(model.batch(model.read(pairs4), np.array([0])))
    torch.testing.assert_close(query[0], expected)


def test_a_trigram_word_vector_is_the_sum_of_its_trigrams_plus_its_place(make, pairs4):
    """facts of the author's module: no normalization and no segment in the embedding."""
    model = make("twin trigrams", pairs4).eval()
    tower, units = model.towers[0], model.units
    batch = model.batch(model.read(pairs4), np.array([12]))  # the query is `lamp`
    with torch.no_grad():
        made = tower._embed(batch.packs[0], batch.bags[0])[batch.packs[0].starts]
        ids = [units.ids[t] for t in ("#la", "lam", "amp", "mp#")]
        places = tower.bert.embeddings.position_embeddings.weight
        expected = tower.trigrams.weight[ids].sum(0) + places[0]
    torch.testing.assert_close(made[batch.query_rows[0]], expected)


def test_a_read_depends_on_no_pairs_that_were_read_before(student, pairs4):
    """Sums over the words of a batch would else be rounded in another order after a resumption."""
    later = pairs4.take(np.arange(len(pairs4) // 2, len(pairs4)))
    alone = student.read(later)
    student.read(pairs4)
    after_others = student.read(later)
    for one, other in zip(ragged(alone), ragged(after_others), strict=True):
        np.testing.assert_array_equal(one, other)


def ragged(encoded):
    parts = [encoded.tokens] if encoded.bags is None else [encoded.tokens, encoded.bags]
    return [array for part in parts for array in (part.flat, part.offsets)]

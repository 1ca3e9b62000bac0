"""DistilBERT's losses by hand, and against the formulas of its authors' script, written out here.

The script (distillation/distiller.py of huggingface/transformers-research-projects) selects tokens
with masked_select and uses KLDivLoss(batchmean), CrossEntropyLoss(ignore_index=-100) and
CosineEmbeddingLoss; `by_the_script` says the same in torch's own modules.
"""

from math import log
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from kdcore.language.losses import DistilLosses, hidden_words
from kdcore.language.plan import StudentPlan

PARTS = ("soft", "mlm", "cosine")


def outputs(seed: int, dtype=torch.float64) -> SimpleNamespace:
    """Logits over 7 words and two layers of states, for 3 texts of 5 tokens."""
    rng = torch.Generator().manual_seed(seed)
    logits, first, last = (
        torch.randn(3, 5, width, generator=rng, dtype=dtype).requires_grad_() for width in (7, 4, 4)
    )
    return SimpleNamespace(logits=logits, hidden_states=(first, last))


ATTENDED = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]).bool()
LABELS = torch.full((3, 5), -100)
LABELS[0, 2], LABELS[1, 1], LABELS[2, 3] = 4, 0, 6


def by_the_script(student, teacher, labels, attended, temperature, restrict_ce_to_mask):
    """Soft, mlm and cosine losses as the authors' script computes them."""
    s_logits, t_logits = student.logits, teacher.logits
    mask = (labels > -1 if restrict_ce_to_mask else attended).unsqueeze(-1).expand_as(s_logits)
    s, t = (torch.masked_select(z, mask).view(-1, z.size(-1)) for z in (s_logits, t_logits))
    divergence = nn.KLDivLoss(reduction="batchmean")
    soft = (
        divergence(
            nn.functional.log_softmax(s / temperature, dim=-1),
            nn.functional.softmax(t / temperature, dim=-1),
        )
        * temperature**2
    )
    words = nn.CrossEntropyLoss(ignore_index=-100)
    mlm = words(s_logits.view(-1, s_logits.size(-1)), labels.view(-1))
    s_states, t_states = student.hidden_states[-1], teacher.hidden_states[-1]
    mask = attended.unsqueeze(-1).expand_as(s_states)
    s, t = (torch.masked_select(h, mask).view(-1, h.size(-1)) for h in (s_states, t_states))
    cosine = nn.CosineEmbeddingLoss(reduction="mean")(s, t, s.new_ones(len(s)))
    return {"soft": soft, "mlm": mlm, "cosine": cosine}


@pytest.mark.parametrize("only_hidden", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_each_loss_and_its_gradient_are_those_of_the_authors_script(temperature, only_hidden):
    student, teacher = outputs(0), outputs(1)
    total, parts = DistilLosses(5.0, 2.0, 1.0, temperature, only_hidden)(
        student, teacher, LABELS, ATTENDED
    )
    theirs = by_the_script(student, teacher, LABELS, ATTENDED, temperature, only_hidden)
    for name in PARTS:
        assert parts[name].item() == pytest.approx(theirs[name].item(), rel=1e-9)
    whole = 5.0 * theirs["soft"] + 2.0 * theirs["mlm"] + 1.0 * theirs["cosine"]
    assert total.item() == pytest.approx(whole.item(), rel=1e-9)
    places = student.logits, student.hidden_states[-1]
    ours = torch.autograd.grad(total, places)
    for mine, reference in zip(ours, torch.autograd.grad(whole, places), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-7, atol=1e-12)


def test_the_losses_by_hand():
    """Two tokens, one of them hidden, and one of padding, which counts for nothing."""
    z = torch.tensor([[[0.0, log(3)], [0.0, 0.0], [9.0, -9.0]]])
    states = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [5.0, 5.0]]])
    student = SimpleNamespace(logits=torch.zeros(1, 3, 2), hidden_states=(states,))
    other = torch.tensor([[[0.0, 2.0], [3.0, 0.0], [-5.0, 1.0]]])
    teacher = SimpleNamespace(logits=z, hidden_states=(other,))
    attended = torch.tensor([[True, True, False]])
    labels = torch.tensor([[1, -100, -100]])
    _, parts = DistilLosses(1.0, 1.0, 1.0, 1.0)(student, teacher, labels, attended)
    # the teacher says 1/4 and 3/4 of the first token; the student is even, and right of the second
    divergence = 0.25 * log(0.25 / 0.5) + 0.75 * log(0.75 / 0.5)
    assert parts["soft"].item() == pytest.approx(divergence / 2)
    assert parts["mlm"].item() == pytest.approx(log(2))
    assert parts["cosine"].item() == pytest.approx((1 + 0) / 2)  # a right angle, then the same way
    hidden = DistilLosses(1.0, 0.0, 0.0, 1.0, only_hidden=True)
    assert hidden(student, teacher, labels, attended)[0].item() == pytest.approx(divergence)


def test_all_three_are_at_their_floor_when_the_student_is_the_teacher():
    same = outputs(0)
    _, parts = DistilLosses(5.0, 2.0, 1.0, 2.0)(same, same, LABELS, ATTENDED)
    assert parts["soft"].item() == pytest.approx(0, abs=1e-12)
    assert parts["cosine"].item() == pytest.approx(0, abs=1e-12)
    assert parts["mlm"].item() > 0


@pytest.mark.parametrize("name", PARTS)
def test_a_loss_that_is_left_out_has_no_curve_and_no_gradient(name):
    weights = {"soft": 5.0, "mlm": 2.0, "cosine": 1.0}
    student, teacher = outputs(0), outputs(1)
    places = student.logits, student.hidden_states[-1]

    def gradients(**changed):
        losses = DistilLosses(**(weights | changed), temperature=2.0)
        total, parts = losses(student, teacher, LABELS, ATTENDED)
        return parts, torch.autograd.grad(total, places, allow_unused=True, retain_graph=True)

    parts, less = gradients(**{name: 0.0})
    assert set(parts) == set(PARTS) - {name}
    alone = dict.fromkeys(weights, 0.0) | {name: weights[name]}
    own_parts, own = gradients(**alone)
    assert set(own_parts) == {name}
    _, whole = gradients()
    for w, rest, part in zip(whole, less, own, strict=True):  # what is left out is missing exactly
        both = sum(each for each in (rest, part) if each is not None)
        torch.testing.assert_close(w, both)
    assert any(part is not None and part.abs().max() > 0 for part in own)


def test_the_teacher_is_not_asked_where_no_loss_reads_it():
    losses = DistilLosses(0.0, 1.0, 0.0, 2.0)
    assert not losses.needs_teacher
    total, parts = losses(outputs(0), None, LABELS, ATTENDED)
    assert list(parts) == ["mlm"]
    assert total.item() == pytest.approx(hidden_words(outputs(0).logits, LABELS).item())


def test_the_default_weights_are_those_of_the_authors_command():
    plan = StudentPlan(teacher="t")
    assert DistilLosses.of(plan) == DistilLosses(5.0, 2.0, 1.0, 2.0, only_hidden=False)

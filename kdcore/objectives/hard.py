"""Hard-label losses: they need no teacher, so they are no objective; recipes add them."""

import torch.nn.functional as F
from torch import Tensor

UNSEEN = -100  # the label of a token that was not hidden


def hard_cross_entropy(logits: Tensor, grades: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of (batch, classes) logits at T = 1 with (batch,) grades.

    Label smoothing spreads `smoothing` of each label evenly: y = (1 - eps) onehot + eps / K.
    Unlabelled pairs (grade -1) are left out; a batch without a label gives 0.
    """
    total = F.cross_entropy(
        logits, grades, ignore_index=-1, label_smoothing=smoothing, reduction="sum"
    )
    return total / (grades >= 0).sum().clamp_min(1)


def hard_mse(logits: Tensor, grades: Tensor) -> Tensor:
    """Mean squared error of probabilities to 0/1 targets, summed over the grades above the worst.

    With two grades this is the tutorial's loss for teacher_ft and student_ft: MSE of P(relevant)
    to the label. Unlabelled pairs (grade -1) are left out.
    """
    labelled = grades >= 0
    targets = F.one_hot(grades.clamp_min(0), logits.shape[1])[:, 1:]
    gap = (logits.softmax(dim=-1)[:, 1:] - targets).square().sum(dim=-1)
    return (gap * labelled).sum() / labelled.sum().clamp_min(1)


def hidden_words(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the hidden words at T = 1, their mean; BERT's own loss.

    Args:
        logits: (texts, tokens, words). labels: (texts, tokens), UNSEEN where nothing was hidden.
    """
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=UNSEEN)

"""How well a masked-word model fills gaps in texts that it has not seen, and what a student keeps.

Accuracy is the share of hidden word pieces that a model puts first; every model reads the same
gaps. Texts of one query depend on each other, so intervals resample whole queries.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from kdcore.language.corpus import Corpus
from kdcore.metrics.significance import Support, interval, resampled

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
RESAMPLES = 1000
BATCH = 100  # texts


@dataclass(frozen=True)
class Fills:
    """A model's answers to the hidden words of some texts.

    hits, hidden: (groups,) words that it puts first, and hidden words, per query. words: (hidden
    words,) its first word of each. losses: (groups,) cross-entropy of the hidden words in nats, its
    sum per query.
    """

    hits: Floats
    hidden: Floats
    words: NDArray[np.int64]
    losses: Floats

    @property
    def loss(self) -> float:
        """The mean cross-entropy of a hidden word in nats."""
        return float(self.losses.sum() / self.hidden.sum())

    @property
    def accuracy(self) -> float:
        """The share of hidden words that it puts first."""
        return float(self.hits.sum() / self.hidden.sum())


@dataclass(frozen=True)
class Share:
    """A number with its 95 % interval; n: what it is counted over."""

    value: float
    low: float
    high: float
    n: int


@torch.inference_mode()
def gaps(net: Any, corpus: Corpus, seed: int = 0) -> Iterator[tuple[Tensor, Tensor, Ids]]:
    """A model's logits where 15 % of the words of every text are hidden, some texts at a time.

    Yields (hidden words, vocabulary) logits, the right words, and the query of each. The seed fixes
    which words are hidden, for any model.
    """
    typed = net.config.model_type == "bert"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, len(corpus.ids), BATCH):
            rows = torch.arange(start, min(start + BATCH, len(corpus.ids)))
            ids, types = corpus.rows(rows)
            read, labels = corpus.masking.mask_words(ids)
            hidden = read != ids
            inputs = {"input_ids": read, "attention_mask": (ids != corpus.pad).long()}
            states = net(**inputs, **({"token_type_ids": types} if typed else {}))
            group = corpus.group[rows[hidden.nonzero()[:, 0].cpu()].numpy()]
            yield states.logits[hidden].float(), labels[hidden], group


def fills(net: Any, corpus: Corpus, seed: int = 0) -> Fills:
    """Let a model fill the hidden words of every text."""
    groups = int(corpus.group.max()) + 1
    hits, hidden, losses = np.zeros(groups), np.zeros(groups), np.zeros(groups)
    words = []
    for logits, right, group in gaps(net, corpus, seed):
        first = logits.argmax(dim=-1)
        loss = F.cross_entropy(logits, right, reduction="none")
        words.append(first.cpu().numpy())
        np.add.at(hits, group, (first == right).double().cpu().numpy())
        np.add.at(hidden, group, 1.0)
        np.add.at(losses, group, loss.double().cpu().numpy())
    return Fills(hits, hidden, np.concatenate(words), losses)


def accuracy(answers: Fills) -> Share:
    """The share of hidden words that a model puts first."""
    return share(lambda weights: (weights @ answers.hits) / (weights @ answers.hidden), answers)


def mean_loss(answers: Fills) -> Share:
    """The mean cross-entropy of a hidden word in nats."""
    return share(lambda weights: (weights @ answers.losses) / (weights @ answers.hidden), answers)


def share_kept(students: Sequence[Fills], teachers: Sequence[Fills]) -> Share:
    """The students' accuracy divided by the teachers': sums of hits over the same gaps."""
    mine = np.sum([each.hits for each in students], axis=0) / len(students)
    theirs = np.sum([each.hits for each in teachers], axis=0) / len(teachers)
    return share(lambda weights: (weights @ mine) / (weights @ theirs), students[0])


def difference(answers: Fills, others: Fills) -> Share:
    """How much more of the same hidden words a model puts first than another does."""
    more = answers.hits - others.hits
    return share(lambda weights: (weights @ more) / (weights @ answers.hidden), answers)


def share(ratio: Callable[[Floats], Floats], answers: Fills) -> Share:
    """A ratio and its bootstrap interval; ratio: (resamples, queries) weights -> (resamples,)."""
    groups = len(answers.hidden)
    value = ratio(np.ones((1, groups)))
    draws = resampled(lambda w: ratio(w)[:, None], groups, RESAMPLES, 1, 0)
    support = Support.whole(int((answers.hidden > 0).sum()))
    low, high = interval(draws, value, support)
    return Share(float(value[0]), float(low[0]), float(high[0]), int(answers.hidden.sum()))


def results_of(
    net: Any, unseen: Corpus, theirs: Fills | None = None, teacher_weights: int = 0
) -> dict[str, Any]:
    """What is kept in a run's results.json: of a student also what it keeps of its teacher.

    theirs: the teacher's answers to the same texts.
    """
    net.eval()
    own = fills(net, unseen)
    results = {
        "texts": len(unseen.ids),
        "hidden_words": int(own.hidden.sum()),
        "accuracy": accuracy(own),
        "loss": own.loss,
        "weights": net.base_model.num_parameters(),
    }
    if theirs is not None:
        results |= {
            "teacher_accuracy": accuracy(theirs),
            "teacher_loss": theirs.loss,
            "teacher_weights": teacher_weights,
            "accuracy_kept": share_kept([own], [theirs]),
            "same_first_word": float(np.mean(own.words == theirs.words)),
        }
    return results

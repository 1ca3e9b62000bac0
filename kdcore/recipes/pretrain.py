"""Pretrain a BERT on pairs without grades: hidden words, and which ad was shown for a query.

Words: Devlin et al. 2019 (arXiv:1810.04805), §3.1, on the whole pair. Next-ad prediction stands in
the place of BERT's next sentence and is ours: half of the ads of a batch are those that were shown
for their query, half are ads of another query of the batch.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kdcore.config import PretrainConfig
from kdcore.data.pairs import PairTable
from kdcore.models.batches import Batch, Encoded, Rows, make_batch, shared_tokens
from kdcore.models.build import new_model
from kdcore.models.packed import Packed
from kdcore.models.pretrained.reader import PretrainedReader, PretrainingBatch
from kdcore.models.tokens.masking import Masking
from kdcore.objectives.hard import UNSEEN, hidden_words
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.training.checks import pretraining_pairs, starting_model
from kdcore.training.loop import Batches, training_batches
from kdcore.training.ranks.group import ALONE, Group
from kdcore.training.session import Session

CPU = torch.device("cpu")  # where words are hidden: on a GPU each step would wait for it


def pretrain(
    config: PretrainConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    group: Group = ALONE,
    batches: Batches = training_batches,
) -> str:
    """Train on the pairs of `config.split`, select on `validation`, store the best model.

    Returns why the training ended before its last step; empty when it did not.
    """
    train, validation = pretraining_pairs(config, pairs)
    source = starting_model(config.model, RunStore(run.folder.parent), train)
    model = PretrainedReader.of(new_model(config.model, train, config.seed, source))
    task = HiddenWordsAndNextAd(
        Masking.of(model.units, CPU, share=config.mask_share), config.next_ad_weight, config.seed
    )
    session = Session(model, config, train, validation, run, writer, group=group, task=task)

    for _, batch in batches(session):
        loss, parts = task.losses(model, batch)
        session.step(loss, parts)
    return session.message


@dataclass
class HiddenWordsAndNextAd:
    """Hides words and exchanges ads of pairs, and measures how well a model finds them out."""

    masking: Masking
    next_ad_weight: float
    seed: int
    _validation: list[PretrainingBatch] = field(default_factory=list)  # the same at each validation

    def batch(self, encoded: Encoded, rows: Rows) -> PretrainingBatch:
        """Pairs with hidden words, of which half have an ad of another query."""
        pairs = replace(encoded, query_of=encoded.query_of[rows], ad_of=encoded.ad_of[rows])
        foreign = np.zeros(len(rows), dtype=np.int64)
        if self.next_ad_weight:
            seed = int(torch.randint(2**31, ()))  # torch's state is in the checkpoints
            ads, foreign = with_foreign_ads(pairs, np.random.default_rng(seed))
            pairs = replace(pairs, ad_of=ads)
        return pretraining_batch(pairs, foreign, self.masking)

    def losses(self, model: PretrainedReader, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch and its parts, unweighted: means over hidden words and over pairs."""
        assert isinstance(batch, PretrainingBatch)
        words, next_ad = model.pretraining_logits(batch)
        parts = {"masked": hidden_words(words[None], batch.words[None])}
        if self.next_ad_weight:
            parts["next_ad"] = F.cross_entropy(next_ad, batch.foreign)
        return parts["masked"] + self.next_ad_weight * parts.get("next_ad", 0.0), parts

    @torch.no_grad()
    def measure(self, session: Session, size: int) -> dict[str, float]:
        """Losses, and shares of right answers, on the validation pairs; `words` of them hidden."""
        model, batches = session.model, self._validation or self._drawn(session, size)
        assert isinstance(model, PretrainedReader)
        self._validation = batches
        model.eval()
        totals = np.zeros(4)  # loss and right answers of hidden words, then of next ads
        for each in batches:
            batch = each.to(session.device)
            words, next_ad = model.pretraining_logits(batch)
            totals += [*_loss_and_hits(words, batch.words), *_loss_and_hits(next_ad, batch.foreign)]
        model.train()
        hidden = sum(len(each.words) for each in batches)
        pairs = sum(len(each.foreign) for each in batches)
        values = {
            "loss": totals[0] / hidden,
            "masked": totals[0] / hidden,
            "masked_accuracy": totals[1] / hidden,
            "words": hidden,
        }
        if self.next_ad_weight:
            values["loss"] += self.next_ad_weight * totals[2] / pairs
            values |= {"next_ad": totals[2] / pairs, "next_ad_accuracy": totals[3] / pairs}
        return {name: float(value) for name, value in values.items()}

    def _drawn(self, session: Session, size: int) -> list[PretrainingBatch]:
        """The batches of the validation pairs, which depend on the seed alone."""
        encoded = session.pairs.encoded_validation
        with torch.random.fork_rng([]):  # so that validation does not change the training
            torch.manual_seed(self.seed)
            order = torch.randperm(len(encoded)).numpy()
            return [
                self.batch(encoded, order[start : start + size])
                for start in range(0, len(order), size)
            ]


def with_foreign_ads(pairs: Encoded, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """(pairs,) ads, and 1 where it was replaced: half get the ad of another query among the pairs.

    Pairs of one query only keep their ads.
    """
    count = len(pairs)
    order = np.argsort(pairs.query_of, kind="stable")
    queries = pairs.query_of[order]
    first = np.searchsorted(queries, queries)
    same = np.searchsorted(queries, queries, side="right") - first  # pairs of the same query
    # in a circle, the pairs that follow those of the own query are all of other queries
    others = order[(first + same + rng.integers(0, np.maximum(count - same, 1))) % count]
    other = np.empty(count, dtype=np.int64)
    other[order] = others
    foreign = np.zeros(count, dtype=np.int64)
    foreign[rng.permutation(count)[: count // 2]] = 1
    foreign[order[same == count]] = 0
    return np.where(foreign == 1, pairs.ad_of[other], pairs.ad_of), foreign


def pretraining_batch(pairs: Encoded, foreign: Rows, masking: Masking) -> PretrainingBatch:
    """All of these pairs as one batch with hidden words; foreign: (pairs,) in their order."""
    batch = make_batch(replace(pairs, overlap=False), np.arange(len(pairs)))
    packed = batch.packs[0]
    tokens = int(pairs.lengths.sum())  # padding follows, which nothing reads
    read, labels = masking.hide(packed.ids[:tokens])
    ids, segments = packed.ids.clone(), packed.segments.clone()
    ids[:tokens] = read
    if pairs.overlap:  # whether both texts hold a token is computed after words are hidden
        segments[:tokens] += 2 * _overlap(packed, read, masking.mask, pairs.ad_segment)
    places = (labels != UNSEEN).nonzero().flatten()
    in_pack = torch.empty(len(pairs), dtype=torch.int64)
    in_pack[batch.query_rows] = torch.from_numpy(foreign)
    return PretrainingBatch(
        (replace(packed, ids=ids, segments=segments),),
        batch.query_rows,
        batch.ad_rows,
        places=places,
        words=labels[places],
        foreign=in_pack,
    )


def _overlap(packed: Packed, read: Tensor, mask: int, ad_segment: int) -> Tensor:
    """(tokens,) 1 where the other text of the pair holds the token too; [MASK] is no token."""
    lengths = np.diff([*packed.starts.tolist(), len(read)])
    pair = np.arange(len(lengths)).repeat(lengths)
    ids = read.numpy().copy()
    hidden = ids == mask
    ids[hidden] = ids.max() + 1 + np.arange(hidden.sum())  # each unlike all others
    is_ad = packed.segments[: len(read)].numpy() == ad_segment
    return torch.from_numpy(shared_tokens(ids, is_ad, pair).astype(np.int64))


def _loss_and_hits(logits: Tensor, truth: Tensor) -> tuple[float, float]:
    """The summed cross-entropy of some answers, and how many are right."""
    loss = F.cross_entropy(logits, truth, reduction="sum")
    return float(loss), float((logits.argmax(dim=1) == truth).sum())

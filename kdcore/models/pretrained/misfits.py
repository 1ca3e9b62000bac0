"""Check that a pretrained encoder, its tokenizer and the texts fit each other."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from kdcore.data.pairs import UNLABELLED, PairTable, make_frame
from kdcore.errors import DataError
from kdcore.models.tokens.wordpiece import WordPiece

SAMPLE = 2000  # texts whose pieces are checked
MOST_UNKNOWN = 0.5  # of the pieces; with more a model reads nothing
_TOLD_FROM = 0.01
_SHORT, _LONG = (
    ("red shoes", "a"),
    ("red shoes", "running shoes for road and track, light and cheap"),
)


def refuse_misfit(source: str, units: WordPiece, rows: int) -> None:
    """Raise DataError when the tokenizer has ids without a row in the encoder's table."""
    largest = max(units.tokenizer.get_vocab().values(), default=-1)
    if largest >= rows:
        raise DataError(
            f"{source}: its tokenizer numbers its pieces up to {largest:,} and its encoder has "
            f"embeddings for {rows:,}; put the tokenizer that it was trained with beside it"
        )


def unknown_notes(source: str, units: WordPiece, texts: Iterable[str]) -> list[str]:
    """Return a note when some pieces of the texts are unknown; DataError when most of them are.

    A folder without a tokenizer is caught here too: transformers then invents an empty one.
    """
    unknown = units.tokenizer.unk_token_id
    every = list(texts)
    sample = every[:: max(len(every) // SAMPLE, 1)]
    ids = units.encode(sample).flat
    if unknown is None or not len(ids):
        return []
    share = float(np.mean(ids == unknown))
    finding = f"{share:.1%} of the pieces of these texts are unknown to its tokenizer"
    if share > MOST_UNKNOWN:
        raise DataError(
            f"{source}: {finding} ({len(units):,} pieces), so it cannot read them; put its own "
            "tokenizer.json beside the weights, or choose an encoder for this language"
        )
    return [f"{source}: {finding}"] if share >= _TOLD_FROM else []


def refuse_unanswering(
    source: str, model: Any, vectors: Callable[[Any], torch.Tensor] | None = None
) -> None:
    """Raise DataError when an encoder cannot answer two pairs, or its vector ignores their words.

    A decoder reads from left to right: its first token, which represents the pair here, would be
    the same for every ad. vectors: gives (2, width) vectors of the ads in a batch; those of the
    first tokens where it is left out.
    """
    was_training = model.training
    model.eval()
    try:
        first = _answers(model, vectors or (lambda batch: _first_vectors(model, batch)))
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as cause:  # a foreign network may raise anything
        reason = " ".join(str(cause).split())[:200] or type(cause).__name__
        raise DataError(
            f"{source} cannot read pairs of texts ({reason}); choose an encoder of the BERT "
            "family that has a padding token"
        ) from cause
    model.train(was_training)
    if torch.equal(first[0], first[1]):
        raise DataError(
            f"{source} is not an encoder: its first token does not depend on the words after it, "
            "as in a model that reads from left to right; choose one of the BERT family"
        )


@torch.no_grad()
def _answers(model: Any, vectors: Callable[[Any], torch.Tensor]) -> torch.Tensor:
    """Return (2, width) vectors of two pairs with different ads."""
    queries, ads = zip(_SHORT, _LONG, strict=True)
    frame = make_frame(queries, ads, ["", ""], [UNLABELLED] * 2)
    two = vectors(model.batch(model.read(PairTable(frame, model.scheme, "probe")), np.arange(2)))
    if not bool(two.isfinite().all()):
        raise ValueError("its answers are not numbers")
    return two


def _first_vectors(model: Any, batch: Any) -> torch.Tensor:
    """Return (2, width) the last vector of the first token."""
    out = model(batch, frozenset({"hidden_states"}))
    if not bool(out.logits.isfinite().all()):
        raise ValueError("its logits are not numbers")
    first: torch.Tensor = out.hidden_states[-1][:, 0]
    return first

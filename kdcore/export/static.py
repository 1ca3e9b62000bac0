"""A two-tower student as static embeddings: a vector per token, a weighted mean, no attention.

After model2vec (Tulkens & van Dongen 2024): each token is passed alone through the tower, PCA keeps
at most 256 directions, and a token of probability p counts a / (a + p) (Arora et al. 2017). p is
Zipf's, by rank. Ours: the ranks are counted in the run's training texts, and a is the one of
WEIGHTS whose order of the validation pairs is best.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.export.check import Row
from kdcore.export.measure import loss_of, timed_in_turns, timing_rows
from kdcore.export.price import Price
from kdcore.export.sentence import write_library_settings
from kdcore.models.batches import Encoded, Texts
from kdcore.models.predict import typed_pairs
from kdcore.models.tokens.wordpiece import Ragged
from kdcore.models.towers.model import PretrainedTowers
from kdcore.models.twinbert import TwoTowers
from kdcore.predictions import WEIGHTS as FILE
from kdcore.runs.store import Run

DIRECTIONS = 256
USUAL = 1e-4  # a of model2vec, where no validation pairs choose it
WEIGHTS = (1e-1, 1e-2, 1e-3, USUAL)
_PART = 4096  # tokens encoded at a time
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Static:
    """table: (tokens, width), weighted; a: of the weights, chosen: whether validation chose it."""

    table: NDArray[np.float32]
    a: float
    chosen: bool

    @property
    def sentence(self) -> str:
        """How it was made."""
        how = "chosen on the validation pairs" if self.chosen else "the usual one"
        return (
            f"A vector of {self.table.shape[1]} numbers for each of {len(self.table):,} tokens; "
            f"a token of probability p counts a / (a + p), a = {self.a:g}, {how}."
        )


def static_of(run: Run, model: TwoTowers) -> Static:
    """The static embeddings of a run's tower."""
    reduced = _reduced(token_vectors(model))
    p = _zipf(_counts(run, model, len(reduced)))
    with suppress(LabError, OSError):
        pairs = lab.split_of(run, "validation")
        areas = [_area(_weighted(reduced, p, a), model, pairs) for a in WEIGHTS]
        if np.isfinite(areas).all():
            a = WEIGHTS[int(np.argmax(areas))]
            return Static(_weighted(reduced, p, a), a, chosen=True)
    return Static(_weighted(reduced, p, USUAL), USUAL, chosen=False)


@torch.no_grad()
def token_vectors(model: TwoTowers) -> Floats:
    """(tokens, width) what the tower makes of each token alone, as a text of its own."""
    before, after = _frame(model)
    ids = np.arange(max(model.units.tokenizer.get_vocab().values()) + 1)
    parts = []
    for start in range(0, len(ids), _PART):
        rows = [[each] for each in ids[start : start + _PART].tolist()]
        tokens, places = Ragged.from_rows(rows).framed(before, after), np.arange(len(rows))
        encoded = Encoded(tokens, places, places, together=False)
        parts.append(model.vectors(model.batch(encoded, places))[0].double())
    return np.asarray(torch.cat(parts))


def _frame(model: TwoTowers) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The special ids that the tower reads before and after a text; no prompt is one of them."""
    if isinstance(model, PretrainedTowers):
        return model.prefix, model.suffix
    encoded = model.read(typed_pairs(model, [("a", "a", "")]))
    whole, own = (
        encoded.tokens.take(encoded.ad_of).tolist(),
        model.units.encode(["a"]).flat.tolist(),
    )
    start = whole.index(own[0])
    return tuple(whole[:start]), tuple(whole[start + len(own) :])


def _reduced(vectors: Floats) -> Floats:
    """(tokens, at most 256) the centred vectors in their directions of largest variance."""
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    reduced: Floats = centred @ directions[:, ::-1][:, :DIRECTIONS]
    return reduced


def _counts(run: Run, model: TwoTowers, tokens: int) -> NDArray[np.int64]:
    """(tokens,) how often each occurs in the run's training texts; 0 where these are missing."""
    counts = np.zeros(tokens, dtype=np.int64)
    with suppress(LabError, OSError):
        texts = Texts.of(lab.split_of(run, "train"))
        for side in (texts.queries, texts.ads):
            np.add.at(counts, model.units.encode(side).flat, 1)
    return counts


def _zipf(counts: NDArray[np.int64]) -> Floats:
    """(tokens,) probabilities by rank, 1/rank normalized; of equal counts the lower id is first."""
    shares = 1 / np.arange(1, len(counts) + 1)
    p = np.empty(len(counts))
    p[np.argsort(-counts, kind="stable")] = shares / shares.sum()
    return p


def _weighted(vectors: Floats, p: Floats, a: float) -> NDArray[np.float32]:
    table: NDArray[np.float32] = (vectors * (a / (a + p))[:, None]).astype(np.float32)
    return table


def embed(table: NDArray[np.float32], model: TwoTowers, texts: Sequence[str]) -> torch.Tensor:
    """(texts, width) the mean of each text's rows, of length 1; 0 for a text without a token."""
    ids = model.units.encode(texts)
    bags = F.embedding_bag(
        torch.from_numpy(ids.flat), torch.from_numpy(table), torch.from_numpy(ids.offsets[:-1])
    )
    return F.normalize(bags, dim=1)


def _area(table: NDArray[np.float32], model: TwoTowers, pairs: PairTable) -> float:
    """ROC-AUC of the cosine on labelled pairs; nan where there is one class only."""
    texts, grades = Texts.of(pairs), pairs.frame["grade"].to_numpy()
    queries, ads = embed(table, model, texts.queries), embed(table, model, texts.ads)
    cosine = (queries[texts.query_of] * ads[texts.ad_of]).sum(dim=1).numpy()
    relevant, labelled = pairs.scheme.relevant(grades), grades >= 0
    if len(set(relevant[labelled])) < 2:
        return float("nan")
    return float(roc_auc_score(relevant[labelled], cosine[labelled]))


def write_static(static: Static, model: TwoTowers, folder: Path) -> None:
    """Write a folder that SentenceTransformer loads: StaticEmbedding, then unit length."""
    save_file({"embedding.weight": torch.from_numpy(static.table)}, folder / FILE, {"format": "pt"})
    (folder / FILE).chmod(0o644)  # safetensors lets nobody but the owner read
    tokenizer = model.units.tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(folder / "tokenizer.json"))
    write_library_settings(folder, [("", "StaticEmbedding")])


def price_of(
    run: Run, model: TwoTowers, static: Static, folder: Path, rows: Sequence[Row]
) -> Price:
    """Measure loss and gain against the run's towers; rows: pairs to be timed on.

    The cosine goes through the run's head, which keeps its order, so that its area is defined.
    """

    def score(given: list[Row]) -> NDArray[np.floating]:
        pairs = typed_pairs(model, given)
        texts = Texts.of(pairs)
        queries, ads = (embed(static.table, model, t) for t in (texts.queries, texts.ads))
        logits: Any = model.classify(queries[texts.query_of] * ads[texts.ad_of])
        return np.asarray(logits)

    with torch.inference_mode():
        (milliseconds, of_full), timed = timed_in_turns(_answers(model, static, rows))
        loss = loss_of(run, model, score, f"{run.id} static")
    return Price(
        name="static",
        full="the run's towers",
        loss=loss,
        milliseconds=milliseconds,
        of_full=of_full,
        timed=timed,
        megabytes=(folder / FILE).stat().st_size / 1e6,
        megabytes_of_full=(run.model_folder / FILE).stat().st_size / 1e6,
    )


def _answers(model: TwoTowers, static: Static, rows: Sequence[Row]) -> list[Any]:
    """Functions that answer a pair by its number, from token ids to the cosine or the logits."""
    encoded = model.read(typed_pairs(model, timing_rows(rows)))
    table = torch.from_numpy(static.table)
    start = torch.zeros(1, dtype=torch.int64)
    ids = [
        [torch.from_numpy(encoded.tokens.take(np.array([side[row]]))) for side in sides]
        for sides in [(encoded.query_of, encoded.ad_of)]
        for row in range(len(encoded))
    ]

    def light(row: int) -> Any:
        query, ad = (F.embedding_bag(each, table, start) for each in ids[row])
        return F.cosine_similarity(query, ad)

    return [light, lambda row: model(model.batch(encoded, np.array([row]))).logits]

"""Check that sentence-transformers gives the run's own answers, where the lab cannot be imported.

The library is never imported here: a process of its own loads the folder. Where it is not
installed, nothing is compared, and the export says so.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.export.check import Row, difference, run_alone
from kdcore.export.exported import Exported
from kdcore.export.formats import STATIC
from kdcore.export.layout import ABOUT
from kdcore.export.reranker import is_marked, write_reranker
from kdcore.export.sentence import write_json, write_sentence
from kdcore.export.static import embed, price_of, static_of, write_static
from kdcore.models.base import PairModel
from kdcore.models.bert import CrossEncoder
from kdcore.models.predict import answer_texts, typed_pairs
from kdcore.models.ready import Ready
from kdcore.models.towers.model import PretrainedTowers
from kdcore.models.twinbert import TwinBert, TwoTowers
from kdcore.runs.store import Run

LIBRARY = "sentence_transformers"
CLOSE = 1e-5  # of a number of a unit vector, and of a cosine
UNCHECKED = "Not checked: sentence-transformers is not installed; install it and export again."

_VECTORS = """
import sentence_transformers
model = sentence_transformers.SentenceTransformer(sys.argv[1], device="cpu")
queries, ads = json.load(sys.stdin)
vectors = model.encode_query(queries), model.encode_document(ads)
cosine = model.similarity_pairwise(*vectors)
answer = {"queries": vectors[0], "ads": vectors[1], "cosine": cosine}
answer = {name: numbers.tolist() for name, numbers in answer.items()}
print(json.dumps(answer | {"version": sentence_transformers.__version__}))
"""
_LOGITS = """
import sentence_transformers
given = json.load(sys.stdin)
model = sentence_transformers.CrossEncoder(
    sys.argv[1], device="cpu", trust_remote_code=given["code"]
)
logits = model.predict([tuple(pair) for pair in given["pairs"]]).tolist()
labels = model.config.id2label
print(json.dumps({
    "logits": logits,
    "grades": [labels[i] for i in range(len(labels))],
    "version": sentence_transformers.__version__,
}))
"""


@dataclass(frozen=True)
class Agreement:
    """How near a foreign library came: largest differences on so many pairs, and its version.

    cosine: of a cosine; None where the answers are logits.
    """

    pairs: int
    largest: float
    version: str
    cosine: float | None = None


def write_foreign(
    run: Run, model: PairModel, folder: Path, rows: Sequence[Row], form: str
) -> Exported:
    """Write a form that sentence-transformers loads, and compare it where that is installed."""
    content = {"form": form, "grades": model.scheme.grades}
    write_json(folder / ABOUT, content)
    notes: tuple[str, ...] = ()
    agreement: Agreement | None = None
    if isinstance(model, CrossEncoder):
        write_reranker(model, folder)
        code = is_marked(model)
        notes = () if code or isinstance(model, Ready) else _cut_notes(run, model)
        if is_installed():
            agreement = compare_logits(model, folder, rows, code)
    elif isinstance(model, TwinBert | PretrainedTowers) and form == STATIC:
        return _write_static(run, model, folder, rows)
    elif isinstance(model, TwinBert | PretrainedTowers):
        write_sentence(model, folder)
        if is_installed():
            whole = with_tokens(model, rows)
            agreement = compare_vectors(unit_vectors(model, whole), folder, whole)
    else:  # refused before by formats.misfit
        raise TypeError(f"{type(model).__name__} is not written for sentence-transformers")
    exported = Exported(run.id, folder, (), form, len(rows), None, form=form, notes=notes)
    return _judged(exported, agreement)


def _write_static(run: Run, model: TwoTowers, folder: Path, rows: Sequence[Row]) -> Exported:
    """Write static embeddings, compare the library's vectors with ours, measure what is lost."""
    static = static_of(run, model)
    write_static(static, model, folder)
    rows = with_tokens(model, rows)
    agreement: Agreement | None = None
    if is_installed():
        sides = texts_of(rows)
        queries, ads = (embed(static.table, model, side).numpy() for side in sides)
        agreement = compare_vectors((queries, ads), folder, rows)
    exported = Exported(
        run=run.id,
        folder=folder,
        files=(),
        layout=STATIC,
        pairs=len(rows),
        difference=None,
        form=STATIC,
        notes=(static.sentence,),
        price=price_of(run, model, static, folder, rows),
    )
    return _judged(exported, agreement)


def _judged(exported: Exported, agreement: Agreement | None) -> Exported:
    """The export with what the library answered, or with a note that it was not asked."""
    if agreement is None:
        return replace(exported, unchecked=UNCHECKED)
    return replace(
        exported,
        pairs=agreement.pairs,
        difference=agreement.largest,
        cosine_difference=agreement.cosine,
        reader=f"sentence-transformers {agreement.version}",
    )


def _cut_notes(run: Run, model: PairModel) -> tuple[str, ...]:
    """Say how many test pairs a plain call cuts otherwise: it knows one length for both texts."""
    with suppress(LabError, OSError):
        pairs = lab.split_of(run, "test")
        cut = int(_is_cut(model, pairs).sum())
        return (
            f"{cut:,} of {len(pairs):,} test pairs have a text longer than the model reads; "
            "CrossEncoder cuts such a pair as a whole, so its logits may differ there.",
        )
    return ()


def is_installed() -> bool:
    """Whether sentence-transformers could be imported by a process of this Python."""
    return find_spec(LIBRARY) is not None


def ad_of(title: str, description: str) -> str:
    """Title and description as the one text that a model reads."""
    return f"{title} {description}".strip()


def texts_of(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The texts of queries and of ads."""
    return [query for query, _, _ in rows], [ad_of(*ad) for _, *ad in rows]


def compare_vectors(
    ours: tuple[NDArray[np.floating], NDArray[np.floating]], folder: Path, rows: Sequence[Row]
) -> Agreement:
    """Compare unit vectors and cosines on pairs; RunError when they differ by more than 1e-5.

    ours: (rows, width) of queries and of ads. rows: such as `with_tokens` gives.
    """
    answer = json.loads(run_alone(_VECTORS, folder, texts_of(rows)))
    sides = [np.asarray(answer[side]) for side in ("queries", "ads")]
    name, (queries, ads) = "SentenceTransformer", ours
    apart = [
        difference(own, side, name, "number of a vector", CLOSE)
        for own, side in zip(ours, sides, strict=True)
    ]
    cosine = difference(
        (queries * ads).sum(axis=1), np.asarray(answer["cosine"]), name, "cosine", CLOSE
    )
    return Agreement(len(rows), max(apart), answer["version"], cosine)


@torch.no_grad()
def unit_vectors(
    model: TwoTowers, rows: Sequence[Row]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """(rows, width) vectors of queries and of ads, each of length 1."""
    batch = model.batch(model.read(typed_pairs(model, rows)), np.arange(len(rows)))
    queries, ads = (F.normalize(side, dim=1).numpy() for side in model.vectors(batch))
    return queries, ads


def with_tokens(model: TwoTowers, rows: Sequence[Row]) -> list[Row]:
    """The pairs in which both texts hold a token.

    A special token stands for a text without one in the lab; the library has no such rule.
    """
    encoded = model.units.encode([text for query, *ad in rows for text in (query, ad_of(*ad))])
    lengths = encoded.lengths.reshape(-1, 2)
    return [row for row, both in zip(rows, lengths, strict=True) if both.all()]


def compare_logits(model: CrossEncoder, folder: Path, rows: Sequence[Row], code: bool) -> Agreement:
    """Compare logits and the names of the grades on pairs; RunError when they differ.

    code: whether the folder brings a module, which cuts texts as the lab does. Without one, pairs
    with a text that the lab cuts are left out: the library cuts the pair as a whole, as a ready
    classifier does. One number per pair is compared as the grades that its card makes of it.
    """
    if isinstance(model, Ready):
        pairs = [model.joined(*row) for row in rows]
    elif code:
        pairs = [(query, ad_of(*ad)) for query, *ad in rows]
    else:
        whole = ~_is_cut(model, typed_pairs(model, rows))
        rows = [row for row, uncut in zip(rows, whole, strict=True) if uncut]
        pairs = [(query, ad_of(*ad)) for query, *ad in rows]
    answer = json.loads(run_alone(_LOGITS, folder, {"pairs": pairs, "code": code}))
    ours, theirs = answer_texts(model, rows).logits, np.asarray(answer["logits"])
    if isinstance(model, Ready) and model.link is not None:
        with torch.no_grad():
            theirs = model.link(torch.tensor(theirs)).numpy()
    else:
        assert answer["grades"] == list(model.scheme.grades)  # written from them
    largest = difference(ours, theirs, "CrossEncoder")
    return Agreement(len(rows), largest, answer["version"])


def _is_cut(model: PairModel, pairs: PairTable) -> NDArray[np.bool_]:
    """(pairs,) whether a text of the pair is longer than the model reads."""
    encoded, params = model.read(pairs), model.config.params
    assert encoded.uncut is not None
    queries = encoded.uncut[encoded.query_of] > params.query_tokens
    ads = encoded.uncut[encoded.ad_of] > params.ad_tokens
    return np.asarray(queries | ads, dtype=bool)

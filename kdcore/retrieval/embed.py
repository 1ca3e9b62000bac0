"""Embed ads and queries with a run of two towers, and let a teacher score what was found."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from kdcore.catalog import STUDENTS, student_entry
from kdcore.data.pairs import UNLABELLED, PairTable, make_frame
from kdcore.errors import ConfigError, DataError
from kdcore.models.base import PairModel
from kdcore.models.batches import by_length
from kdcore.models.build import load_model
from kdcore.models.packed import product_type
from kdcore.models.predict import predict_table
from kdcore.predictions import model_hash
from kdcore.retrieval.ads import Ads
from kdcore.retrieval.vectors import AdVectors, Vectors, vectors_path
from kdcore.runs.store import Run
from kdcore.scores import ranking_score
from kdcore.training.devices import pick_device
from kdcore.workspace import Workspace

PIECE = 20_000  # ads that are tokenized at a time
Watch = Callable[[int, int], None]  # called with the ads that are done and all; may raise to stop


def two_towers(run: Run) -> PairModel:
    """Load a run's model; ConfigError where it reads query and ad together and has no vectors."""
    model = load_model(run.require_model().model_folder)
    entry = student_entry(model.config.name)
    if not entry.separable:
        able = " or ".join(s.title for s in STUDENTS.values() if s.separable)
        raise ConfigError(
            f"{run.id} is a {entry.title}, which reads query and ad together: it has no vector of "
            f"an ad that could be stored. Choose a run of {able}"
        )
    return model


def metric_note(model: PairModel) -> str:
    """A sentence where the cosine of its vectors does not order ads as the model does, else ""."""
    if not hasattr(model.config.params, "crossing"):
        return ""
    return (
        "This model scores a pair by a network over both vectors, so no distance between vectors "
        "gives its order. Its candidates are found by the cosine of its vectors, and the model "
        "then orders them; recall against its own order is measured, not assumed."
    )


def embed_ads(
    run: Run,
    ads: Ads,
    workspace: Workspace,
    *,
    device: str = "auto",
    watch: Watch = lambda done, total: None,
) -> AdVectors:
    """The vectors of all ads by a run's ad tower, from the cache where they are in it."""
    folder = run.require_model().model_folder
    key = model_hash(folder)
    path = vectors_path(workspace, key, ads.content_hash)
    with suppress(DataError):  # missing or damaged: made again
        stored = AdVectors.load(path)
        if (stored.model, stored.ads, len(stored)) == (key, ads.content_hash, len(ads)):
            return stored
    model, parts = two_towers(run), []
    for start in range(0, len(ads), PIECE):
        watch(start, len(ads))
        piece = slice(start, start + PIECE)
        parts.append(ad_vectors(model, ads.titles[piece], ads.descriptions[piece], device))
    embedded = AdVectors(np.concatenate(parts), key, ads.content_hash)
    embedded.save(path)
    watch(len(ads), len(ads))
    return embedded


def ad_vectors(
    model: PairModel, titles: Sequence[str], descriptions: Sequence[str], device: str = "cpu"
) -> Vectors:
    """(ads, width) unit vectors by the ad tower, in the order of the ads."""
    empty = [""] * len(titles)
    frame = make_frame(empty, list(titles), list(descriptions), [UNLABELLED] * len(titles))
    return _towers(model, frame, device)[1]


def embed_queries(model: PairModel, queries: Sequence[str], device: str = "cpu") -> Vectors:
    """(queries, width) unit vectors by the query tower, in the order of the queries."""
    empty = [""] * len(queries)
    frame = make_frame(list(queries), empty, empty, [UNLABELLED] * len(queries))
    return _towers(model, frame, device)[0]


def embed_texts(folder: Path, queries: Sequence[str], ads: Sequence[tuple[str, str]]) -> Vectors:
    """(queries + ads, width) unit vectors by the towers of the run in a folder, on the CPU."""
    model = two_towers(Run.load(folder))
    titles, descriptions = zip(*ads, strict=True)
    empty = [""] * len(ads)
    frame = make_frame(empty, list(titles), list(descriptions), [UNLABELLED] * len(ads))
    return np.concatenate([embed_queries(model, queries), _towers(model, frame, "cpu")[1]])


def rescored(
    run: Run, queries: Sequence[str], lists: Sequence[NDArray[np.int64]], ads: Ads
) -> list[NDArray[np.float64]]:
    """The ranking score that a run's model gives each found ad of each query; any model can."""
    return scores_by(load_model(run.require_model().model_folder), queries, lists, ads)


def scores_by(
    model: PairModel, queries: Sequence[str], lists: Sequence[NDArray[np.int64]], ads: Ads
) -> list[NDArray[np.float64]]:
    """The ranking score that a loaded model gives each found ad of each query."""
    rows = [(query, int(ad)) for query, ids in zip(queries, lists, strict=True) for ad in ids]
    if not rows:
        return [np.empty(0) for _ in lists]
    frame = make_frame(
        [query for query, _ in rows],
        [ads.titles[ad] for _, ad in rows],
        [ads.descriptions[ad] for _, ad in rows],
        [UNLABELLED] * len(rows),
    )
    pairs = PairTable(frame, model.scheme, "found")
    cpu = torch.device("cpu")
    logits = predict_table(model, pairs, cpu, name="found", precision="fp32").logits
    ends = np.cumsum([len(ids) for ids in lists])[:-1]
    return np.split(ranking_score(logits), ends)


@torch.inference_mode()
def _towers(model: PairModel, frame: pd.DataFrame, device: str) -> tuple[Vectors, Vectors]:
    """(pairs, width) unit vectors of the queries and of the ads of a frame of pairs."""
    place = pick_device(device)
    model.products = product_type("fp32", place)
    model.to(place).eval()
    encoded = model.read(PairTable(frame, model.scheme, "texts"))
    sides: tuple[list[Vectors], list[Vectors]] = ([], [])
    order = []
    for rows in by_length(encoded, 512):
        order.append(rows)
        both = model.vectors(model.batch(encoded, rows).to(place))
        for side, vectors in zip(sides, both, strict=True):
            side.append(F.normalize(vectors.float(), dim=1).cpu().numpy())
    back = np.argsort(np.concatenate(order), kind="stable")
    queries, ads = (np.concatenate(side)[back] for side in sides)
    return queries, ads

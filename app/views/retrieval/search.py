"""One query in four columns: exact search, the index, the teacher's order, and the truth."""

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.services import Board
from app.views.retrieval import queries, rails
from app.views.retrieval.parts.found_columns import found_columns
from kdcore.retrieval.ads import Ads
from kdcore.retrieval.funnel import Cuts, ndcg_of
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import FIRST_SEARCH, Study

NAMES = ("Exact", "Index", "Teacher's re-rank", "Truth")
ROLES = ("student", "twin", "teacher", "truth")


def draw(board: Board, request: Request, study: Study) -> str:
    """The columns; returns the finding."""
    query = rails.query(study)
    search = rails.index(study)
    now = state.now().retrieval
    columns, worth = columns_of(study, query, search, now.k, Cuts(now.candidates, now.reordered))
    ads = queries.ads_of(request.data, request.data_hash)
    sentence = _sentence(study, query, search, columns, worth)
    with st.container(key="retrieval_columns"):
        found_columns(_data(ads, columns, worth, sentence), "found_columns")
    table = pd.DataFrame(
        [
            {
                "place": place + 1,
                "column": name,
                "ad": ad,
                "title": ads.titles[ad],
                "worth": worth.get(ad),
            }
            for name, ids in zip(NAMES, columns, strict=True)
            for place, ad in enumerate(ids)
        ]
    )
    made_from = f"KD Lab, retrieval {request.key}, query {study.queries[query]}"
    controls.exports("retrieval_columns", table, sentence, made_from, None)
    st.caption(
        f"Lines join the same ad. Exact: the {now.k} largest cosines of all {study.ads:,} ads. "
        f"Index: {rails.words(study.searches[search])}. Teacher: the index's first "
        f"{now.candidates} ads, of which the teacher orders the first {now.reordered} (cuts of the "
        "funnel). Truth: the ads of largest worth; worth is the expected gain 2^grade − 1."
    )
    return sentence


def columns_of(
    study: Study, query: int, search: int, k: int, cuts: Cuts
) -> tuple[list[list[int]], dict[int, float]]:
    """The ids of each column's first k ads, and what each known ad is worth."""
    exact = study.ad[study.rows(query)][:k].tolist()
    each = study.candidates(query, FIRST_SEARCH + search)
    reranked = each.ids[cuts.shown(each)][:k].tolist()
    best = [ad for ad in study.best_ads[query][:k].tolist() if ad >= 0]
    start, end = (int((study.query < q).sum()) for q in (query, query + 1))
    pooled = zip(study.ad[start:end].tolist(), study.gain[start:end].tolist(), strict=True)
    named = zip(study.best_ads[query].tolist(), study.best[query].tolist(), strict=True)
    return [exact, each.ids[:k].tolist(), reranked, best], dict(pooled) | dict(named)


def _data(
    ads: Ads, columns: list[list[int]], worth: dict[int, float], sentence: str
) -> dict[str, object]:
    shown = sorted({ad for column in columns for ad in column})
    most = max([worth.get(ad, 0.0) for ad in shown], default=0.0) or 1.0
    return {
        "columns": [
            {"name": name, "role": role, "ads": ids}
            for name, role, ids in zip(NAMES, ROLES, columns, strict=True)
        ],
        "titles": {str(ad): ads.titles[ad] for ad in shown},
        "worth": {str(ad): worth.get(ad, 0.0) for ad in shown},
        "most": most,
        "sentence": sentence,
    }


def _sentence(
    study: Study, query: int, search: int, columns: list[list[int]], worth: dict[int, float]
) -> str:
    exact, index, reranked, best = columns
    k, missed = max(1, len(exact)), len(set(exact) - set(index))
    values = []
    ideal = study.best[query].astype(float)
    for ids in (exact, index, reranked):
        gains = pd.Series([worth.get(ad, 0.0) for ad in ids], dtype=float).to_numpy()
        values.append(ndcg_of(gains, ideal, k))
    changed = len(set(reranked) - set(index))
    return (
        f"“{study.queries[query]}”: the index missed {missed} of the {k} exact ads, the teacher "
        f"brought {changed} others up, and {len(set(reranked) & set(best))} of the true best "
        f"{len(best)} are shown. nDCG@{k} by the truth: exact {values[0]:.3f}, "
        f"index {values[1]:.3f}, re-ranked {values[2]:.3f}."
    )

"""One query in four columns: exact search, the index, the teacher's order, and the truth."""

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import counted, md
from app.services import Board, access
from app.views.retrieval import live, queries, rails
from app.views.retrieval.columns import NAMES, Columns, measured
from app.views.retrieval.parts.found_columns import found_columns
from kdcore.retrieval.ads import Ads, Mask
from kdcore.retrieval.funnel import Cuts
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import Search, Study

ROLES = ("student", "twin", "teacher", "truth")
UNKNOWN = "The truth is known for the queries in the list, not for typed ones."
WORTHLESS = "By the truth no ad is worth anything to this query."
NO_AD = "No ad passes this filter."


def draw(board: Board, request: Request, study: Study) -> str:
    """The columns; returns the finding."""
    query, ads = (
        rails.query(study, queries.origin(board)),
        queries.ads_of(request.data, request.data_hash),
    )
    passing, search = rails.filters(ads), rails.index(study)
    now, notes, exactly = state.now().retrieval, "", False
    if passing is not None and not passing.any():
        st.text("Change the filter, or remove a blocked word.")
        return NO_AD
    if not now.typed.strip() and passing is None:
        cuts = Cuts(now.candidates, now.reordered)
        columns = measured(study, query, search, now.k, cuts)
    elif live.is_ready(request, ads) and not access.public():
        chosen = study.searches[search]
        columns, answer = live.columns_of(request, study, ads, chosen, passing)
        exactly = bool(answer.note)
        notes = _notes(answer.note, answer.milliseconds, passing)
    else:
        live.offer(request, len(ads))
        return (
            "A typed query or a filter is searched on this machine, which has no vectors of these "
            f"{len(ads):,} ads yet: embed them once, then any text is answered."
        )
    text = now.typed.strip() or study.queries[query]
    sentence = _sentence(text, now.k, columns, exactly)
    with st.container(key="retrieval_columns"):
        found_columns(_data(ads, columns, sentence), "found_columns")
    made_from = f"KD Lab, retrieval {request.key}, query {text}"
    controls.exports("retrieval_columns", _table(ads, columns), sentence, made_from, None)
    if notes:
        st.caption(md(notes))
    _explain(study, study.searches[search], passing, exactly)
    return sentence


def _explain(study: Study, search: Search, passing: Mask | None, exactly: bool) -> None:
    now = state.now().retrieval
    every = f"all {study.ads:,} ads" if passing is None else "the ads that pass"
    index = "not used here, the ads that pass were searched exactly" if exactly else ""
    st.caption(
        f"Lines join the same ad. Exact: the {now.k} largest cosines of {every}. "
        f"Index: {index or rails.words(search)}. Teacher: the first "
        f"{counted(now.candidates, 'ad')} of it, of which the teacher orders the first "
        f"{min(now.reordered, now.candidates)} (cuts of the funnel). Truth: the ads of largest "
        f"worth, among equals first those that are shown; worth is the gain 2^grade − 1 by "
        f"{md(study.card['truth'])}, and the bar shows it. Missed: the index has not found this "
        "exact ad. New: the column before does not have it. ▲ and ▼: places up and down from the "
        "column before; =: the same place. Not shown: the re-rank's column does not have it."
    )


def _table(ads: Ads, columns: Columns) -> pd.DataFrame:
    rows = [
        {
            "place": place + 1,
            "column": name,
            "ad": ad,
            "title": ads.titles[ad],
            "worth": columns.worth.get(ad, 0.0) if columns.ideal else None,
        }
        for name, ids in zip(NAMES, columns.lists, strict=True)
        for place, ad in enumerate(ids)
    ]
    return pd.DataFrame(rows, columns=["place", "column", "ad", "title", "worth"])


def _data(ads: Ads, columns: Columns, sentence: str) -> dict[str, object]:
    shown = sorted({ad for ids in columns.lists for ad in ids})
    worth = {ad: columns.worth.get(ad, 0.0) for ad in shown} if columns.ideal else {}
    return {
        "columns": [
            {"name": name, "role": role, "ads": list(ids)}
            for name, role, ids in zip(NAMES, ROLES, columns.lists, strict=True)
        ],
        "titles": {str(ad): ads.titles[ad] for ad in shown},
        "worth": {str(ad): value for ad, value in worth.items()},
        "most": max([*worth.values(), 0.0]) or 1.0,
        "sentence": sentence,
        "empty": "" if columns.ideal else UNKNOWN if state.now().retrieval.typed else WORTHLESS,
    }


def _notes(note: str, milliseconds: dict[str, float], passing: Mask | None) -> str:
    """How a search was done now: its filter and its time."""
    spent = ", ".join(f"{step} {ms:,.1f} ms" for step, ms in milliseconds.items())
    filtered = "" if passing is None else f"{passing.sum():,} of {len(passing):,} ads pass. "
    how = f"{note[0].upper()}{note[1:]}. " if note else ""
    return f"Searched now: {spent}. {filtered}{how}"


def _sentence(text: str, k: int, columns: Columns, exactly: bool) -> str:
    exact, index, reranked, best = columns.lists
    missed, changed = len(set(exact) - set(index)), len(set(reranked) - set(index))
    searched = (
        f"of the {counted(len(exact), 'ad')} that exact search finds, the index missed {missed}"
    )
    if exactly:
        searched = "the ads that pass were searched exactly, without the index"
    moved = counted(changed, "ad") if changed else "no ad"
    words = (
        f"“{text}”: {searched}; the teacher's re-rank brought {moved} from lower places into the "
        f"first {k}"
    )
    if not columns.ideal or not best:
        return f"{words}. What these ads are worth is not known for this query."
    values = [columns.ndcg(column, k) for column in range(3)]
    return (
        f"{words}; {len(set(reranked) & set(best))} of the true best {len(best)} are shown "
        "(others of the same worth count as much in nDCG). "
        f"nDCG@{k} by the truth: exact {values[0]:.3f}, index {values[1]:.3f}, "
        f"re-ranked {values[2]:.3f}."
    )

"""Where the data come from, on what terms, and under which hashes."""

from math import isfinite, isnan

import streamlit as st

from app import services
from app.kit.texts import counted, md, percent
from app.services import Board, ranking, standing
from kdcore.data.check.cards import DEPTH, Standing

BADGES = {
    "bundled": ":green-badge[:material/deployed_code: bundled with the lab]",
    "imported": ":blue-badge[:material/upload: imported, stays on this machine]",
}


def finding(board: Board) -> str:
    """What these data are, in one sentence that follows them."""
    seen = standing.standing_of(board.data, standing.on_pages(board)).seen
    text = f"These data: {seen.pairs:,} pairs of {seen.queries:,} queries"
    if seen.unlabelled == seen.pairs:
        return f"{text}; none is labelled, so models can only be compared with each other."
    text += f"; {percent(seen.prior)} of the pairs are relevant"
    chance = next(c for c in seen.chance if c.gain == "exp2" and c.depth == DEPTH).random
    if not isnan(chance):
        text += f"; a random order scores nDCG@{DEPTH} {chance:.2f}"
    return f"{text}{_detectable(board, seen.auc_step)}."


def _detectable(board: Board, unrelated: float) -> str:
    """The smallest difference that is likely to be detected: of the models shown, or of any two."""
    against = board.twin or board.teacher
    if board.student is not None and against is not None:
        least = ranking.detectable(board, board.student, against)
        other = "twin" if board.twin else "teacher"
        if isfinite(least):
            return (
                f"; a ROC-AUC difference of {least:.3f} or more between student and {other} is "
                "likely to be detected"
            )
    if not isfinite(unrelated):
        return ""
    return (
        f"; between two models with little in common, a ROC-AUC difference of {unrelated:.3f} or "
        "more is likely to be detected, and between models that agree closely a smaller one"
    )


def draw(board: Board, on: Standing) -> None:
    """Badge, terms, hashes, notes, and what the check found odd."""
    truth = " · truth known" if on.whole.truth is not None else ""
    st.markdown(f"{BADGES[board.data.badge]} **{md(board.data.title)}**{truth}")
    names, cut = on.whole.scheme.grades, on.whole.scheme.relevant_from
    part = "" if on.part is on.whole else f" · {on.seen.split} {on.part.content_hash}"
    st.caption(
        f"{md(on.whole.source) or 'Its origin is not recorded.'}  \n"
        f"Hash {on.whole.content_hash}{part} · grades {md(' < '.join(names))}, "
        f"relevant from {md(names[cut])}"
    )
    if remarks := [*on.findings, *on.whole.notes]:
        with st.expander(f"{counted(len(remarks), 'remark')} of the check"):
            st.markdown("\n".join(f"- {md(sentence)}" for sentence in remarks))


def missing(board: Board) -> None:
    """Which answers are missing, and where to get them."""
    if not board.ready and not services.public():
        st.info(md(f"{services.missing(board)} {services.MISSING_HINT}"), icon=":material/bolt:")

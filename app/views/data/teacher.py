"""The teacher's scores against the labels, and the labels that a sure teacher denies."""

import streamlit as st

from app import services
from app.kit import controls
from app.kit.texts import md, percent
from app.services import Answers, Board, standing
from app.shell import captions
from app.views.data import table
from kdcore.analysis.tags import SURE

STRANGER = 0.7  # ROC-AUC below which a teacher's denial says more of the teacher than of the label


def draw(board: Board) -> None:
    """Histogram and list; without a teacher, what to do."""
    if board.teacher is None:
        st.info(md(f"{services.missing(board)} {services.MISSING_HINT}"), icon=":material/bolt:")
        return
    answers = board.teacher.predictions
    if not answers.own_relevance:
        st.info(md(answers.caveat), icon=":material/filter_1:")
    if answers.origin is not None and answers.origin.is_free_score:
        st.caption(
            "A free score has no P(relevant). Its histogram and the labels that contradict it "
            "would rest on probabilities that the lab computed, so they are hidden."
        )
        return
    _histogram(board, board.teacher)
    suspects = standing.suspects(board)
    labelled = int((board.pairs.grades >= 0).sum())
    share = len(suspects) / labelled if labelled else 0.0
    st.subheader("Suspect labels", anchor=False)
    if (area := standing.teacher_auc(board)) < STRANGER:
        st.warning(
            "This teacher is little better than chance on these data: its ROC-AUC against the "
            f"labels is {area:.3f}, and 0.5 is chance. Where it disagrees with a label, suspect "
            "the teacher first.",
            icon=":material/school:",
        )
    caption = (
        f"{len(suspects):,} of {labelled:,} labels ({percent(share, 1)}) say the opposite of a "
        f"teacher that is at least {percent(SURE)} sure. Some are mistakes of the label, some "
        "of the teacher: only reading tells."
    )
    table.draw(board, suspects, caption, linked=True, tag="label_suspect")


def _histogram(board: Board, teacher: Answers) -> None:
    from app.kit.figures.data import teacher_against_gold

    bins = standing.teacher_against_gold(board)
    counts = bins.drop(columns=["from", "to"]).sum(axis=1)
    edge = counts.iloc[0] + counts.iloc[-1]
    sentence = (
        f"{percent(edge / max(counts.sum(), 1))} of {counts.sum():,} pairs have a P(relevant) "
        f"below 0.05 or from 0.95 on, says {teacher.title}."
    )
    st.caption(md(sentence))
    hashes = f"data {board.pairs.content_hash}, teacher {teacher.hash}"
    if teacher.predictions.notes:
        st.caption("Its answers: " + md("; ".join(teacher.predictions.notes)))
    caption = captions.of_models(
        board,
        "The teacher's P(relevant) by label",
        models=[f"teacher {captions.plain(teacher.title)}"],
        n=f"n = {counts.sum():,} labelled pairs",
    )
    figure = teacher_against_gold(bins, controls.dark())
    controls.chart(figure, bins, sentence, "data_teacher", hashes, caption)

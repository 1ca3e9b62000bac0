"""Score the data with models of the lab, and import predictions of models made elsewhere."""

from collections.abc import Sequence

import streamlit as st

from app import services
from app.kit import error_box
from app.kit.texts import md
from app.services import Board, Source, scoring, standing
from app.services.cautions import TRAINED_ELSEWHERE, is_foreign
from app.state.keys import SCORED_FOR
from app.views.data import jobs, judge, ready, teach
from app.views.data.bring import predictions
from kdcore.labels import LabelScheme

NONE = ""


def draw(board: Board) -> None:
    """Which models have answered, the two ways to get more answers, and what is at work."""
    closed = services.public()
    if closed:
        st.info(services.PUBLIC_REASON, icon=":material/lock:")
    answered = services.sources_on(board.all_pairs)
    _answered(board, answered)
    ready.understood(board.teacher)
    teach.draw(board)
    jobs.draw(board)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Score these pairs", anchor=False)
        _score(board, {source.key for source in answered}, closed)
        ready.draw(board, closed)
    with right:
        st.subheader("Import predictions", anchor=False)
        predictions.draw(board, closed)
    predictions.draw_file(board, closed)
    judge.draw(board, closed)


def _answered(board: Board, answered: Sequence[Source]) -> None:
    """Which models have answered the pairs that the pages show."""
    count = f"{len(board.all_pairs):,} pairs"
    if not answered:
        st.markdown(f"No model has scored these {count} yet.")
        return
    counts = {source.key: source.count for source in answered}
    some = "" if min(counts.values()) == len(board.all_pairs) else "some or all of "
    models = "model has" if len(answered) == 1 else "models have"
    names = "\n".join(f"- {md(each.title)}: {counts[each.key]:,}" for each in answered)
    st.markdown(f"**{len(answered)}** {models} scored {some}these {count}:\n\n{names}")
    shown = [model for model in (board.teacher, board.student) if model]
    noted = [f"{m.title}: {'; '.join(m.predictions.notes)}" for m in shown if m.predictions.notes]
    if noted:
        st.caption("Notes on the predictions  \n" + "  \n".join(map(md, noted)))
    if board.ready:
        with st.container(horizontal=True, key="data_go"):
            for page in ("compare", "ranking"):
                label, icon = f"Open {page.capitalize()}", ":material/arrow_forward:"
                if st.button(label, key=f"data_go_{page}", icon=icon):
                    st.switch_page(f"views/{page}/page.py")


def _score(board: Board, done: set[str], closed: bool) -> None:
    models = {model.key: model for model in scoring.models()}
    if not models:
        st.caption("There is no model here yet.")
        return
    chosen = _chosen(board, models, done, closed)
    every = len(standing.parts(board.data)) > 1 and st.checkbox(
        "Score the other splits too, to train on these predictions later",
        disabled=closed,
        key="data_score_every",
    )
    working = {job.key for job in scoring.jobs(board.data) if job.live}
    able = [key for key in dict.fromkeys(chosen) if key and (key not in done or every)]
    selected = [key for key in able if key not in working]
    count = len(services.whole_data(board.data)) if every else len(board.all_pairs)
    more = f" with {len(selected)} models" if len(selected) > 1 else ""
    pressed = st.button(
        f"Score {count:,} pairs{more}",
        type="primary",
        disabled=closed or not selected,
        key="data_score",
        width="stretch",
    )
    if working & set(able):
        st.caption("Scoring has begun: see above. You can close this tab.")
    elif any(chosen) and not able:
        st.caption("These models have scored these pairs already: choose another one.")
    else:
        st.caption(_grades_note(board, [models[key].scheme for key in selected]))
    foreign = [models[key].title for key in selected if is_foreign(models[key].run, board)]
    if foreign:
        st.warning(f"{md(' and '.join(foreign))}: {TRAINED_ELSEWHERE}.", icon=":material/info:")
    if pressed:
        with error_box.guard():
            scoring.start(selected, board.data, standing.on_pages(board), every)
            st.session_state[SCORED_FOR] = (board.data.key, *chosen[:2])
            st.rerun()


def _chosen(
    board: Board, models: dict[str, scoring.Model], done: set[str], closed: bool
) -> list[str]:
    """The models in the two choosers, with a twin; NONE where none is selected."""

    def name(key: str) -> str:
        if key == NONE:
            return "none"
        model, note = models[key], " · scored" if key in done else ""
        return f"{model.title} · {len(model.scheme)} grades · {model.size.in_words}{note}"

    keys = [NONE, *models]
    picked = [
        st.selectbox(
            role,
            keys,
            index=keys.index(first),
            format_func=name,
            disabled=closed,
            key=f"data_score_{role}_{board.pairs.content_hash[:8]}",
            persist_state="session",
        )
        for role, first in zip(("Teacher", "Student"), _first(board, models, done), strict=True)
    ]
    twin = scoring.twin_of(picked[1] or NONE)
    if twin and twin not in done:
        with_twin = st.checkbox(
            "Its twin as well: the same student trained without a teacher",
            value=True,
            disabled=closed,
            help="Without the twin's predictions it is not known what distillation itself changed.",
            key=f"data_score_twin_{twin}",
        )
        picked += [twin] if with_twin else []
    return [key or NONE for key in picked]


def _first(board: Board, models: dict[str, scoring.Model], done: set[str]) -> tuple[str, str]:
    """The models offered first: a teacher, and the student that the lab likes best.

    A teacher that has answered stays: none is asked in its place, and no student stands in.
    """
    free = [key for key in models if key not in done]
    teacher = next((k for k in free if "teacher" in k.lower()), next(iter(free), NONE))
    if board.teacher:
        teacher = NONE
    rest = [k for k in free if k != teacher]
    best = [k for k in rest if "kd" in k and "twinbert_cos" in k]
    distilled = [k for k in rest if models[k].run.is_distilled]
    return teacher, next(iter(best + distilled + rest), NONE)


def _grades_note(board: Board, schemes: list[LabelScheme]) -> str:
    classes = len(board.pairs.scheme)
    if any(len(scheme) != classes for scheme in schemes):
        return (
            f"The data have {classes} grades and the model has others: P(relevant) is kept "
            "exactly, and a note on the predictions says how they were converted."
        )
    return "Runs in the background; you can close this tab."

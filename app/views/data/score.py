"""Score the data with models of the lab, and import predictions of models made elsewhere."""

import streamlit as st

from app import services
from app.kit import error_box
from app.kit.texts import md
from app.services import Board, scoring, standing
from app.services.cautions import TRAINED_ELSEWHERE, is_foreign
from app.state.keys import SCORED_FOR
from app.views.data import jobs
from app.views.data.bring import predictions
from kdcore.errors import LabError
from kdcore.labels import LabelScheme

NOBODY = ""


def draw(board: Board) -> None:
    """Who has answered, the two ways to get more answers, and what is at work."""
    closed = services.public()
    if closed:
        st.info(services.PUBLIC_REASON, icon=":material/lock:")
    _answered(board)
    jobs.draw(board)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Score these pairs", anchor=False)
        _score(board, closed)
    with right:
        st.subheader("Import predictions", anchor=False)
        predictions.draw(board, closed)
    predictions.draw_file(board, closed)


def _answered(board: Board) -> None:
    """Which models have answered the pairs that the pages show."""
    held = services.sources_on(board.all_pairs)
    count = f"{len(board.all_pairs):,} pairs"
    if not held:
        st.markdown(f"No model has scored these {count} yet.")
        return
    names = ", ".join(md(source.title) for source in held)
    models = "model has" if len(held) == 1 else "models have"
    st.markdown(f"**{len(held)}** {models} scored these {count}: {names}.")
    notes = {
        note
        for who in (board.teacher, board.student)
        for note in (who.predictions.notes if who else ())
    }
    if notes:
        st.caption("Notes on the predictions: " + md("; ".join(sorted(notes))))
    if board.ready:
        with st.container(horizontal=True, key="data_go"):
            for page, label in (("compare", "Compare"), ("ranking", "Ranking")):
                if st.button(
                    f"Open {label}", key=f"data_go_{page}", icon=":material/arrow_forward:"
                ):
                    st.switch_page(f"views/{page}/page.py")


def _score(board: Board, closed: bool) -> None:
    offered = {model.key: model for model in scoring.models()}
    if not offered:
        st.caption("There is no model here yet.")
        return
    done = {source.key for source in services.sources_on(board.all_pairs)}
    chosen = _chosen(board, offered, done, closed)
    every = len(standing.parts(board.data)) > 1 and st.checkbox(
        "Score the other splits too, to train on these predictions later",
        disabled=closed,
        key="data_score_every",
    )
    working = {job.key for job in scoring.jobs(board.data) if job.live}
    able = [key for key in dict.fromkeys(chosen) if key and (key not in done or every)]
    wanted = [key for key in able if key not in working]
    count = len(services.whole_data(board.data)) if every else len(board.all_pairs)
    label = f"Score {count:,} pairs" + (f" with {len(wanted)} models" if len(wanted) > 1 else "")
    pressed = st.button(
        label, type="primary", disabled=closed or not wanted, key="data_score", width="stretch"
    )
    if working & set(able):
        st.caption("Scoring has begun: see above. You can close this tab.")
    elif any(chosen) and not able:
        st.caption("These models have scored these pairs already: choose another one.")
    else:
        st.caption(_grades_note(board, [offered[key].scheme for key in wanted]))
    foreign = [offered[key].title for key in wanted if is_foreign(offered[key].run, board)]
    if foreign:
        st.warning(f"{md(' and '.join(foreign))}: {TRAINED_ELSEWHERE}.", icon=":material/info:")
    if pressed:
        _start(board, wanted, standing.on_pages(board), every, chosen)


def _chosen(
    board: Board, offered: dict[str, scoring.Model], done: set[str], closed: bool
) -> list[str]:
    """The models in the two choosers; NOBODY where none is wanted."""
    keys = [NOBODY, *offered]

    def name(key: str) -> str:
        if key == NOBODY:
            return "none"
        model = offered[key]
        has = " · scored" if key in done else ""
        return f"{model.title} · {len(model.scheme)} grades · {model.size.in_words}{has}"

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
        for role, first in zip(("Teacher", "Student"), _guess(board, offered, done), strict=True)
    ]
    twin = scoring.twin_of(picked[1] or NOBODY)
    if twin and twin not in done:
        beside = st.checkbox(
            "Its twin as well: the same student trained without a teacher",
            value=True,
            disabled=closed,
            help="Without the twin's predictions it is not known what distillation itself changed.",
            key=f"data_score_twin_{twin}",
        )
        picked += [twin] if beside else []
    return [key or NOBODY for key in picked]


def _guess(board: Board, offered: dict[str, scoring.Model], done: set[str]) -> tuple[str, str]:
    """The models offered first: a teacher, and the student that the lab likes best.

    A teacher that has answered is kept: nobody is asked in its place, and no student stands in.
    """
    free = [key for key in offered if key not in done]
    teacher = next((k for k in free if "teacher" in k.lower()), next(iter(free), NOBODY))
    if board.teacher:
        teacher = NOBODY
    rest = [k for k in free if k != teacher]
    liked = [k for k in rest if "kd" in k and "twinbert_cos" in k]
    taught = [k for k in rest if offered[k].run.is_distilled]
    return teacher, next(iter(liked + taught + rest), NOBODY)


def _grades_note(board: Board, schemes: list[LabelScheme]) -> str:
    classes = len(board.pairs.scheme)
    if any(len(scheme) != classes for scheme in schemes):
        return (
            f"The data have {classes} grades and the model has others: P(relevant) is kept "
            "exactly, and a note on the predictions says how they were converted."
        )
    return "Runs in the background; you can close this tab."


def _start(board: Board, keys: list[str], part: str, every: bool, chosen: list[str]) -> None:
    try:
        scoring.start(keys, board.data, part, every)
    except LabError as error:
        error_box.draw(*error_box.words(error))
        return
    st.session_state[SCORED_FOR] = (board.data.key, *chosen[:2])
    st.rerun()

"""Which two models are drawn: the student beside its twin, unless the visitor chooses others."""

from collections.abc import Mapping

import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.kit.texts import md
from app.services import Answers, Board, access, scoring
from app.services.boards import all_models
from app.shell import frame
from app.state.map import NO_POINTS, NO_VIEW

SIDES = ("left", "right")
WHAT = {"pairs": "Pairs", "texts": "Queries and ads", "moments": "Moments of a training"}
LABELS = {"left": "Left map", "right": "Right map"}
MOST_NAMED = 3  # models that are not offered
OFFERED = (
    "Models that have scored all pairs of the chosen split, with features: train one under "
    "Distill, or score these pairs under Data."
)
WHY_TWIN = (
    "Why the twin? It is the same student, trained on labels alone: both are built alike, so "
    "their maps can be compared, and what they do not share comes from what each learned (the "
    "teacher's answers, or the labels) or from chance in training. “Student beside its teacher” "
    "asks what was kept of the teacher's own neighbors."
)


def draw(board: Board) -> None:
    """What a point is, the two pickers, and a button that exchanges the twin and the teacher."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="map_models"):
        controls.choose("map.what", "Points", WHAT, label_visibility="visible", on_change=_other)
        if state.now().map.what != "moments":
            _pickers(board)
    if state.now().map.what != "moments":
        absent(board)


def draw_without_maps(board: Board, problem: str) -> None:
    """The page where nothing can be drawn: why, the pickers, and the ways to what is missing."""
    frame.finding(problem)
    draw(board)
    with st.container(horizontal=True, key="map_lacking"):
        if st.button("Train a student under Distill", key="map_distill"):
            st.switch_page("views/distill/page.py")
        if st.button("Score pairs under Data", key="map_score"):
            _score()


def _score() -> None:
    """Leave for the place where models score pairs."""
    state.change(data={"tab": "score"})
    st.switch_page("views/data/page.py")


def absent(board: Board) -> None:
    """Name the visitor's own models that are not offered, and lead to what is missing."""
    titles = unscored_here(board)
    if not titles:
        return
    named = ", ".join(titles[:MOST_NAMED])
    rest = f" and {len(titles) - MOST_NAMED} more" if len(titles) > MOST_NAMED else ""
    with st.container(horizontal=True, vertical_alignment="center", key="map_absent"):
        st.caption(
            f"Not offered, as they have not scored these pairs: {md(named)}{rest}. Scoring stores "
            "the features that a map needs."
        )
        if st.button("Score these pairs under Data", key="map_score_own"):
            _score()


def unscored_here(board: Board) -> list[str]:
    """Titles of the visitor's own models that have no answers to the board's pairs."""
    own, offered = access.home().runs, titles_of(board)
    return [
        model.title
        for model in _models()
        if model.run.folder.parent == own and model.key not in offered
    ]


@by_hash(most=1, seconds=3, on=lambda: (access.demo().root, access.home().root))
def _models() -> list[scoring.Model]:
    return scoring.models()


def _other() -> None:
    """Other points: what was picked, found or looked at among the old ones is put away."""
    state.change(map=NO_POINTS | {"what": st.session_state["w_mwhat"]})


def _pickers(board: Board) -> None:
    titles = titles_of(board)
    present = {side: key_of(board, side) for side in SIDES}
    for side in SIDES:
        key = f"w_m{side}"
        st.session_state[key] = present[side]
        st.selectbox(
            LABELS[side],
            list(titles),
            format_func=lambda each: titles.get(each, each),
            key=key,
            on_change=_picked,
            args=(side, key),
            help=OFFERED,
            width=340,
        )
    for role, model in (("twin", board.twin), ("teacher", board.teacher)):
        if model is not None and board.student is not None and model.key != present["left"]:
            st.button(
                f"Student beside its {role}",
                key=f"map_{role}",
                on_click=_stand_beside,
                args=(model.key, board.student.key),
            )


def titles_of(board: Board) -> Mapping[str, str]:
    """Every model that has scored these pairs, the roles on the board first."""
    roles = {model.key: role for role, model in board.models.items()}
    sources = services.sources_on(board.all_pairs)
    ordered = sorted(sources, key=lambda source: source.key not in roles)
    return {s.key: f"{s.title} ({roles[s.key]})" if s.key in roles else s.title for s in ordered}


def key_of(board: Board, side: str) -> str:
    """The model of a side: the state's, else the student at the right and its twin at the left."""
    key = getattr(state.now().map, side)
    offered = [source.key for source in services.sources_on(board.all_pairs)]
    if key in offered:
        return str(key)
    if key:
        state.ignore(f"m{side}: {key[:60]!r} has not scored these pairs; another model is shown")
        state.correct(map={side: ""})
    first = board.twin or board.teacher
    model = first if side == "left" else board.student
    return model.key if model else ""


def answers_of(board: Board, side: str) -> Answers | None:
    """The answers of that model on the board's pairs; None where it has not scored all of them."""
    key = key_of(board, side)
    on_board = next((model for model in board.models.values() if model.key == key), None)
    return on_board or next((m for m in all_models(board) if m.key == key), None)


def role_of(board: Board, model: Answers) -> str:
    """Its role on the board, else other."""
    return next((role for role, each in board.models.items() if each.key == model.key), "other")


def short(board: Board, model: Answers) -> str:
    """What a sentence calls a model: its role on the board, else its title."""
    role = role_of(board, model)
    return {"teacher": "the teacher", "student": "the student", "twin": "the twin"}.get(
        role, model.title
    )


def color_roles(board: Board, left: Answers, right: Answers) -> tuple[str, str]:
    """The palette's role of each map's model; of a model without a role on the board, muted."""
    one, other = (role_of(board, model) for model in (left, right))
    return one.replace("other", "muted"), other.replace("other", "muted")


def title_of(board: Board, model: Answers) -> str:
    """What stands above a map: the role and the title."""
    role = role_of(board, model)
    return model.title if role == "other" else f"{role.capitalize()}: {model.title}"


def _picked(side: str, key: str) -> None:
    state.change(map=NO_VIEW | {side: st.session_state[key]})


def _stand_beside(left: str, right: str) -> None:
    state.change(map=NO_VIEW | {"left": left, "right": right})


def unscored(board: Board, side: str) -> str:
    """A sentence on a model that has not scored all of the board's pairs."""
    title = titles_of(board).get(key_of(board, side), "The chosen model")
    return f"{md(title)} has not scored all of the pairs shown: choose another model."

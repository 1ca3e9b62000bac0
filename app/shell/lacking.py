"""What a page shows while answers are missing: which, and the ways to get them."""

import streamlit as st

from app import services, state
from app.kit.texts import md
from app.services import Board
from app.shell import frame


def draw(board: Board) -> None:
    """One finding, one hint and two buttons, alike on every page."""
    frame.finding(services.missing(board))
    hint = services.MISSING_HINT
    if board.student and not board.teacher and len(services.sources_on(board.all_pairs)) > 1:
        hint += " To see it beside another model, such as its twin, choose that as Teacher above."
    st.info(md(hint), icon=":material/bolt:")
    with st.container(horizontal=True, key="lacking"):
        if st.button("Open Score and answers", type="primary", key="lacking_data"):
            state.change(data={"tab": "score"})
            st.switch_page("views/data/page.py")
        if board.data.key != services.DEMO_DATA:
            st.button(
                "Show the bundled world",
                on_click=state.stand_on,
                args=(services.DEMO_DATA,),
                key="lacking_world",
            )


def one_number(board: Board) -> bool:
    """Whether a page of soft labels has none to show, since a model gave one number per pair."""
    shown = [model for model in (board.teacher, board.student) if model]
    of_one_number = [model for model in shown if not model.predictions.own_grades]
    if not of_one_number:
        return False
    names = " and ".join(model.title for model in of_one_number)
    frame.finding(
        f"{names} gave one number per pair: there are no soft labels over the "
        f"{len(board.pairs.scheme)} grades to show."
    )
    for model in of_one_number:
        st.info(md(model.predictions.caveat), icon=":material/filter_1:")
    st.caption(
        "Bars, entropies, KL and gradients would show the shares of the labels and not the model, "
        "so they are hidden. Choose another model above, or import one column per grade."
    )
    with st.container(horizontal=True, key="one_number"):
        for page, label in (("ranking", "Open Ranking"), ("compare", "Open Compare")):
            if st.button(label, key=f"one_number_{page}", icon=":material/arrow_forward:"):
                st.switch_page(f"views/{page}/page.py")
    return True

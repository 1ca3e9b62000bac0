"""The first picture: what distillation won, student by student."""

from math import isfinite

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import verdict
from app.services import Answers, Board, Rung, Story
from app.services.roles import is_distilled
from app.services.runs.names import model_name
from app.shell import captions
from app.views.start.parts.ladder import ladder
from kdcore.evaluation.evaluate import Metric


def finding(board: Board) -> str:
    """The present finding in one sentence, for any data and models."""
    if board.student is None or board.teacher is None:
        return f"{services.missing(board)} {services.MISSING_HINT}"
    gap = services.gap(board)
    name = model_name(board.student.run, board.student.title)
    if gap is None and not is_distilled(board.student.run, board.student.predictions.origin):
        return _by_itself(board, board.student, board.teacher)
    if gap is None:
        return (
            f"No twin of {name} (the same student trained on labels only) has scored these "
            f"pairs, so the effect of distillation is not known. {services.TWIN_HINT}"
        )
    if not gap.trustworthy:
        return f"For {name} on {board.data.title}, {gap.sentence}."
    if gap.low > 0:
        effect = f"With the teacher's help {name} does better than with labels alone"
    elif gap.high < 0:
        effect = f"With the teacher's help {name} does worse than with labels alone"
    else:
        effect = f"Whether the teacher helped {name} is open"
    return (
        f"{effect}: over {len(board.pairs):,} pairs its ROC-AUC is "
        f"{gap.student_ft:.3f} with labels alone and {gap.student_kd:.3f} distilled; the "
        f"teacher's is {gap.teacher:.3f}; {gap.text}."
    )


def _by_itself(board: Board, model: Answers, teacher: Answers) -> str:
    """The value of a model that is not known to be distilled, and how it compares."""
    key = "roc_auc"
    own = services.evaluation(board, model).metrics.get(key)
    if own is None or not isfinite(own.value):
        return f"{model.title} has no ROC-AUC on {board.data.title}: the labels do not define it."
    against = services.comparison(board, model, teacher).differences[key]
    return (
        f"{model.title} has a ROC-AUC of {own.value:.3f} [{own.low:.3f}, {own.high:.3f}] over "
        f"{len(board.pairs):,} pairs; minus {teacher.title} that is {against.delta:+.3f} "
        f"[{against.low:+.3f}, {against.high:+.3f}]: {verdict(against.verdict, teacher.title)}."
    )


def introduce() -> None:
    """Say in a few sentences what the lab is for."""
    st.caption(
        "A **teacher** is a larger model that judges whether an ad answers a search query; a "
        "**student** is a smaller, faster one. Distillation trains the student on the teacher's "
        "soft labels as well as the hard labels. See here what that gains, what it loses, and "
        "why."
    )


def draw(board: Board) -> None:
    """The ladder of students and imported models, or what to do where there is none."""
    story = services.story(board)
    if not story.rungs:
        st.info(
            "No student here has a twin without a teacher, and no other model was imported; "
            "the bundled world has four such students."
        )
        return
    with st.container(key="story"):
        ladder(story, "ladder")
    _newest(story)
    teacher = [f"teacher {captions.plain(board.teacher.title)}"] if board.teacher else []
    caption = captions.of_models(board, _title(story), models=teacher)
    about = f"data={board.pairs.content_hash}"
    controls.exports("story", _table(story), finding(board), about, caption)


def _newest(story: Story) -> None:
    """Buttons from the visitor's newest run to its curves and to all runs."""
    newest = next((rung for rung in story.rungs if rung.newest), None)
    if newest is None:
        return
    with st.container(horizontal=True, key="story_newest"):
        if st.button(
            "Your newest run on Distill",
            type="tertiary",
            icon=":material/science:",
            key="story_own",
        ):
            state.change(distill={"run": newest.key})
            st.switch_page("views/distill/page.py")
        if st.button("All your runs", type="tertiary", icon=":material/list:", key="story_runs"):
            st.switch_page("views/runs/page.py")


def _title(story: Story) -> str:
    if any(rung.twin for rung in story.rungs):
        return f"What distillation gained: {story.metric} of each student"
    return f"{story.metric} of each model"


def _table(story: Story) -> pd.DataFrame:
    rows = [
        {
            "model": rung.title,
            "training": how,
            story.metric: m.value,
            "low (95 %)": m.low,
            "high (95 %)": m.high,
            f"n ({m.n_unit})": m.n,
        }
        for rung in story.rungs
        for how, m in _trainings(rung)
    ]
    return pd.DataFrame(rows)


def _trainings(rung: Rung) -> list[tuple[str, Metric]]:
    """How each value of a row was trained, as far as it is known here, and the value."""
    names = ("twin, as brought", "as brought") if rung.imported else ("labels only", "distilled")
    twin = [(names[0], rung.twin)] if rung.twin else []
    return [*twin, (names[1], rung.metric)]

"""The first picture: what distillation won, student by student."""

from math import isfinite

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import verdict
from app.services import Answers, Board, Story
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
        "soft labels, alone or beside the hard labels. See here what that gains, what it loses, "
        "and why."
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
    _open_newest(story)
    title = f"{story.metric} of each model"
    if any(rung.twin for rung in story.rungs):
        title = f"What distillation gained: {story.metric} of each student"
    teacher = [f"teacher {captions.plain(board.teacher.title)}"] if board.teacher else []
    caption = captions.of_models(board, title, models=teacher)
    marks = f"data={board.pairs.content_hash}"
    controls.exports("story", _table(board, story), finding(board), marks, caption)


def _open_newest(story: Story) -> None:
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


def _table(board: Board, story: Story) -> pd.DataFrame:
    """A row a value, with how its model was trained as far as that is known here.

    Teacher and truth stand below the models; the student of the page has its gap recovered.
    """
    values: list[tuple[str, str, Metric | None]] = []
    for rung in story.rungs:
        twin, own = ("labels only", "distilled")
        if rung.imported:
            twin, own = ("twin, as brought", "as brought")
        values += [(rung.title, twin, rung.twin), (rung.title, own, rung.metric)]
    if board.teacher:
        values.append((board.teacher.title, "teacher", story.teacher))
    values.append(("truth", "the generator's true probabilities", story.truth))
    rows = [
        {
            "model": title,
            "training": training,
            story.metric: metric.value,
            "low (95 %)": metric.low,
            "high (95 %)": metric.high,
            f"n ({metric.n_unit})": metric.n,
        }
        for title, training, metric in values
        if metric is not None
    ]
    return pd.DataFrame([*rows, *_gap_rows(board)])


def _gap_rows(board: Board) -> list[dict[str, object]]:
    """The gap recovered by the student of the page, where it is known."""
    gap = services.gap(board)
    if gap is None or not gap.trustworthy or board.student is None:
        return []
    name = model_name(board.student.run, board.student.title)
    ends = (gap.value, gap.low, gap.high)
    names = ("gap recovered (%)", "gap low (95 %)", "gap high (95 %)")
    shares = {key: 100 * value for key, value in zip(names, ends, strict=True)}
    return [{"model": name, "training": "distilled", **shares}]

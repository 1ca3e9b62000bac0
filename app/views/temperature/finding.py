"""The page's one sentence, and what it says when something is missing."""

import numpy as np
import streamlit as st

from app import state
from app.kit.by_hash import by_hash
from app.kit.texts import degrees, percent
from app.services import Answers, Board
from app.shell import frame
from app.views.temperature.world import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.softlabels import entropy, kl, soften

KL = "mean KL at this T; values at different T do not compare"


def draw(scene: Scene) -> None:
    """The finding at the present temperature, and the notice that two grades deserve."""
    frame.finding(sentence(scene), scene.board)
    if len(scene.pairs.scheme) == 2:
        _two_grades(scene.board)


def sentence(scene: Scene) -> str:
    """What the teacher says of this pair, and how far the student is from it over all pairs."""
    return f"{_of_pair(scene)} {_of_all(scene)}"


def _of_pair(scene: Scene) -> str:
    temperature = state.now().temperature.T
    logits = scene.teacher.predictions.logits[scene.row]
    grade, names = int(scene.pairs.grades[scene.row]), scene.pairs.scheme.grades
    at, bits = f"At T = {degrees(temperature)}", float(entropy(logits, temperature))
    if grade == UNLABELLED:
        return (
            f"{at} the teacher's answer to this unlabelled pair has an entropy of {bits:.2f} bits."
        )
    soft = soften(logits, temperature)
    if len(names) == 2:
        return f"{at} the teacher gives {percent(soft[grade])} to the label {names[grade]}."
    others = np.delete(np.arange(len(names)), grade)
    second = int(others[soft[others].argmax()])
    return (
        f"{at} the teacher gives {percent(soft[grade])} to the label, {names[grade]}, and "
        f"{percent(1 - soft[grade])} to the other grades, most of it to {names[second]}."
    )


def _of_all(scene: Scene) -> str:
    now = state.now().temperature
    n = f"{len(scene.pairs):,} pairs"
    if not now.linked and now.student_T != now.T:
        return (
            f"The student is shown at T = {degrees(now.student_T)}: at two temperatures, KL "
            "compares unlike things."
        )
    student = mean_kl(scene, scene.student, now.T)
    base = f"Over {n} the student is {student:.3f} nats from the teacher"
    if scene.twin is None:
        return f"{base} ({KL})."
    twin = mean_kl(scene, scene.twin, now.T)
    return f"{base}, the same student trained without the teacher {twin:.3f} ({KL})."


@by_hash(
    most=200, on=lambda scene, model, temperature: (scene.pairs, scene.teacher, model, temperature)
)
def mean_kl(scene: Scene, model: Answers, temperature: float) -> float:
    """Mean KL(teacher || who) in nats over all pairs at one T."""
    return float(kl(scene.teacher.predictions.logits, model.predictions.logits, temperature).mean())


def _two_grades(board: Board) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="two_grades"):
        st.info(
            "Two grades hold no dark knowledge: at any T one number says it all, "
            "p = sigmoid(margin / T). Four grades show how the wrong ones rank.",
            icon=":material/looks_two:",
        )
        st.button("Show four grades", on_click=_graded, key="temperature_graded")


def _graded() -> None:
    state.stand_on("world")

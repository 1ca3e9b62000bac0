"""The page's one sentence, and what it says when something is missing."""

import numpy as np
import streamlit as st

from app import state
from app.kit.by_hash import by_hash
from app.kit.texts import degrees, percent
from app.services import DEMO_DATA, Answers
from app.shell import frame
from app.views.temperature.scene import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.softlabels import entropy, kl, soften

KL = "mean KL at this T; values at different T do not compare"


def draw(scene: Scene) -> None:
    """The finding at the present temperature, and the notice that two grades deserve."""
    frame.finding(sentence(scene), scene.board)
    if len(scene.pairs.scheme) > 2:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="two_grades"):
        st.info(
            "Two grades hold no dark knowledge: at any T one number says it all, "
            "p = sigmoid(margin / T). Four grades show how the wrong ones rank.",
            icon=":material/looks_two:",
        )
        st.button(
            "Show four grades",
            key="temperature_graded",
            on_click=state.stand_on,
            args=(DEMO_DATA,),
        )


def sentence(scene: Scene) -> str:
    """What the teacher says of this pair, and how far the student is from it over all pairs."""
    return f"{_of_pair(scene)} {_of_all(scene)}"


def _of_pair(scene: Scene) -> str:
    logits = scene.teacher.predictions.logits[scene.row]
    grade, names = int(scene.pairs.grades[scene.row]), scene.pairs.scheme.grades
    at = f"At T = {degrees(scene.temperature)} the teacher"
    if grade == UNLABELLED:
        bits = float(entropy(logits, scene.temperature))
        return f"{at}'s answer to this unlabelled pair has an entropy of {bits:.2f} bits."
    soft = soften(logits, scene.temperature)
    if len(names) == 2:
        return f"{at} gives {percent(soft[grade])} to the label {names[grade]}."
    others = np.delete(np.arange(len(names)), grade)
    second = int(others[soft[others].argmax()])
    return (
        f"{at} gives {percent(soft[grade])} to the label, {names[grade]}, and "
        f"{percent(1 - soft[grade])} to the other grades, most of it to {names[second]}."
    )


def _of_all(scene: Scene) -> str:
    if scene.student_temperature != scene.temperature:
        own = degrees(scene.student_temperature)
        return f"The student is shown at T = {own}: at two temperatures, KL compares unlike things."
    student = _mean_kl(scene, scene.student)
    base = f"Over {len(scene.pairs):,} pairs the student is {student:.3f} nats from the teacher"
    if scene.twin is None:
        return f"{base} ({KL})."
    twin = _mean_kl(scene, scene.twin)
    return f"{base}, the same student trained without the teacher {twin:.3f} ({KL})."


@by_hash(most=200, on=lambda scene, model: (scene.pairs, scene.teacher, model, scene.temperature))
def _mean_kl(scene: Scene, model: Answers) -> float:
    """Mean KL(teacher || model) in nats over all pairs at the teacher's T."""
    z, v = scene.teacher.predictions.logits, model.predictions.logits
    return float(kl(z, v, scene.temperature).mean())

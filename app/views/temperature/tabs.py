"""The tabs under the picture; what they draw is worked out in the browser and follows the rail."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import pair_number
from app.shell import captions
from app.views.temperature import replay
from app.views.temperature.parts.gradient import temperature_gradient
from app.views.temperature.parts.numbers import temperature_numbers
from app.views.temperature.parts.smoothing import temperature_smoothing
from app.views.temperature.parts.sure import temperature_sure
from app.views.temperature.world import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.softlabels import entropy, kl, log_soften, soften

TABS = {
    "numbers": "Numbers",
    "gradient": "Gradient: why T²",
    "sure": "Sure or unsure",
    "smoothing": "Label smoothing",
    "replay": "Replay of training",
}
_TITLES = {
    "gradient": "How hard the soft loss pulls, by temperature",
    "sure": "Sure or unsure: entropy of all soft labels",
    "smoothing": "Label smoothing beside the teacher's soft label",
    "replay": "Replay of training: from a random start to the teacher's soft labels",
}
_OF_THE_PAIR = ("gradient", "smoothing")
Floats = np.ndarray[Any, np.dtype[np.float64]]


def draw(scene: Scene) -> None:
    """Draw the tabs' control and the tab that is open."""
    controls.choose("temperature.tab", "Part of the page", TABS)
    _TABS[state.now().temperature.tab](scene)


def _numbers(scene: Scene) -> None:
    with st.container(key="temperature_tab_numbers"):
        temperature_numbers()
    temperature, student_temperature, z, v = _pair(scene)
    log_p, log_q = log_soften(z, temperature), log_soften(v, student_temperature)
    table = pd.DataFrame(
        {
            "grade": scene.pairs.scheme.grades,
            "teacher z": z,
            "teacher z / T": z / temperature,
            "teacher p": np.exp(log_p),
            "student z": v,
            "student z / T": v / student_temperature,
            "student q": np.exp(log_q),
            "p ln(p / q), nats": np.exp(log_p) * (log_p - log_q),
        }
    )
    _exports("numbers", table, f"Logits and soft labels of pair {pair_number(scene.row)}.", scene)


def _gradient(scene: Scene) -> None:
    with st.container(key="temperature_tab_gradient"):
        temperature_gradient()
    _, _, z, v = _pair(scene)
    temperatures = np.geomspace(*state.TEMPERATURES, 81)
    bare = np.array([np.linalg.norm((soften(v, t) - soften(z, t)) / t) for t in temperatures])
    table = pd.DataFrame({"T": temperatures, "without T²": bare, "with T²": bare * temperatures**2})
    named = f"pair {pair_number(scene.row)}"
    _exports("gradient", table, f"Length of the soft gradient of {named}.", scene)


def _sure(scene: Scene) -> None:
    with st.container(key="temperature_tab_sure"):
        temperature_sure()
    temperature, student_temperature, _, _ = _pair(scene)
    most = float(np.log2(len(scene.pairs.scheme)))
    edges = np.linspace(0, most, 51)
    columns = {"from bits": edges[:-1], "to bits": edges[1:]}
    for role, model, t in (
        ("teacher", scene.teacher, temperature),
        ("student", scene.student, student_temperature),
    ):
        bits = np.minimum(entropy(model.predictions.logits, t), most)
        columns[f"{role} pairs"] = np.histogram(bits, edges)[0]
    _exports("sure", pd.DataFrame(columns), "Entropy of all soft labels.", scene)


def _smoothing(scene: Scene) -> None:
    share = state.now().temperature.smoothing
    with st.container(key="temperature_tab_smoothing"):
        temperature_smoothing(share, lambda value: state.change(temperature={"smoothing": value}))
    temperature, _, z, _ = _pair(scene)
    classes, grade = len(scene.pairs.scheme), int(scene.pairs.grades[scene.row])
    table = pd.DataFrame(
        {
            "grade": scene.pairs.scheme.grades,
            f"teacher at T = {temperature:g}": soften(z, temperature),
        }
    )
    if grade != UNLABELLED:
        smooth = np.full(classes, share / classes)
        smooth[grade] += 1 - share
        table[f"hard label, smoothed by {share:g}"] = smooth
    if scene.pairs.truth is not None:
        table["truth"] = scene.pairs.truth[scene.row]
    _exports("smoothing", table, f"Label smoothing of pair {pair_number(scene.row)}.", scene)


def _replay(scene: Scene) -> None:
    film = replay.draw(scene)
    if film is None or film.teacher is None:
        return
    temperature, student_temperature, _, _ = _pair(scene)
    table = pd.DataFrame(
        {
            "step": film.steps,
            "mean KL, nats": [
                _kl(film.teacher, v, temperature, student_temperature) for v in film.student
            ],
        }
    )
    _exports("replay", table, "Mean KL from the teacher over the probe, by step.", scene)


def _kl(z: Any, v: Any, temperature: float, student_temperature: float) -> float:
    # each side has its own temperature, so its logits are divided before they are compared
    return float(kl(np.asarray(z) / temperature, np.asarray(v) / student_temperature).mean())


def _pair(scene: Scene) -> tuple[float, float, Floats, Floats]:
    now = state.now().temperature
    z, v = (model.predictions.logits[scene.row] for model in (scene.teacher, scene.student))
    student_temperature = now.T if now.linked else now.student_T
    return now.T, student_temperature, z.astype(np.float64), v.astype(np.float64)


def _exports(tab: str, table: pd.DataFrame, sentence: str, scene: Scene) -> None:
    temperature, student_temperature, _, _ = _pair(scene)
    pair = f"pair {pair_number(scene.row)}"
    about = f"{scene.about}; {pair}; teacher T {temperature:g}, student T {student_temperature:g}"
    own = (
        ""
        if temperature == student_temperature
        else f" (teacher), {student_temperature:g} (student)"
    )
    lines = captions.pair_lines(scene.board, scene.row) if tab in _OF_THE_PAIR else ()
    caption = None
    if tab in _TITLES:
        caption = captions.of_board(
            scene.board, f"{_TITLES[tab]}, T = {temperature:g}{own}", *lines
        )
    controls.exports(f"temperature_tab_{tab}", table, sentence, about, caption)


_TABS: dict[str, Callable[[Scene], None]] = {
    "numbers": _numbers,
    "gradient": _gradient,
    "sure": _sure,
    "smoothing": _smoothing,
    "replay": _replay,
}

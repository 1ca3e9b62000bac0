"""The tabs under the picture; what they draw is worked out in the browser and follows the rail."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import pair_number
from app.shell import captions
from app.views.temperature import replay
from app.views.temperature.parts import gradient, numbers, sure
from app.views.temperature.parts.smoothing import temperature_smoothing
from app.views.temperature.scene import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.softlabels import entropy, log_soften, soften

Draw = Callable[[Scene], pd.DataFrame | None]


@dataclass(frozen=True)
class Tab:
    """A tab: draw mounts it and returns its numbers, or None when there are none to export.

    sentence: says what the numbers are; of a pair, with {pair} for its number. picture: the title
    of a saved picture, "" for a table, which has none.
    """

    title: str
    draw: Draw
    sentence: str
    picture: str = ""
    of_pair: bool = False  # a saved picture tells the pair's texts


def draw(scene: Scene) -> None:
    """Draw the tabs' control, the tab that is open, and the exports of its numbers."""
    controls.choose("temperature.tab", "Part of the page", {n: t.title for n, t in TABS.items()})
    name = state.now().temperature.tab
    tab = TABS[name]
    with st.container(key=f"temperature_tab_{name}"):
        table = tab.draw(scene)
    if table is None:
        return
    pair = f"pair {pair_number(scene.row)}"
    caption = None
    if tab.picture:
        title = f"{tab.picture}, T = {scene.temperature:g}"
        if scene.student_temperature != scene.temperature:
            title += f" (teacher), {scene.student_temperature:g} (student)"
        lines = captions.pair_lines(scene.board, scene.row) if tab.of_pair else ()
        caption = captions.of_board(scene.board, title, *lines)
    sentence = tab.sentence.format(pair=pair)
    controls.exports(f"temperature_tab_{name}", table, sentence, scene.provenance(pair), caption)


def _numbers(scene: Scene) -> pd.DataFrame:
    numbers.mount(key="temperature_numbers", data={})
    z, v = scene.logits
    log_p, log_q = log_soften(z, scene.temperature), log_soften(v, scene.student_temperature)
    return pd.DataFrame(
        {
            "grade": scene.pairs.scheme.grades,
            "teacher z": z,
            "teacher z / T": z / scene.temperature,
            "teacher p": np.exp(log_p),
            "student z": v,
            "student z / T": v / scene.student_temperature,
            "student q": np.exp(log_q),
            "p ln(p / q), nats": np.exp(log_p) * (log_p - log_q),
        }
    )


def _gradient(scene: Scene) -> pd.DataFrame:
    gradient.mount(key="temperature_gradient", data={})
    z, v = scene.logits
    temperatures = np.geomspace(*state.TEMPERATURES, 81)
    bare = np.array([np.linalg.norm((soften(v, t) - soften(z, t)) / t) for t in temperatures])
    return pd.DataFrame({"T": temperatures, "without T²": bare, "with T²": bare * temperatures**2})


def _sure(scene: Scene) -> pd.DataFrame:
    sure.mount(key="temperature_sure", data={})
    most = float(np.log2(len(scene.pairs.scheme)))
    edges = np.linspace(0, most, 51)
    columns = {"from bits": edges[:-1], "to bits": edges[1:]}
    for role, model, t in (
        ("teacher", scene.teacher, scene.temperature),
        ("student", scene.student, scene.student_temperature),
    ):
        bits = np.minimum(entropy(model.predictions.logits, t), most)
        columns[f"{role} pairs"] = np.histogram(bits, edges)[0]
    return pd.DataFrame(columns)


def _smoothing(scene: Scene) -> pd.DataFrame:
    share = state.now().temperature.smoothing
    temperature_smoothing(share, lambda value: state.change(temperature={"smoothing": value}))
    scheme, grade = scene.pairs.scheme, int(scene.pairs.grades[scene.row])
    soft = soften(scene.logits[0], scene.temperature)
    table = pd.DataFrame({"grade": scheme.grades, f"teacher at T = {scene.temperature:g}": soft})
    if grade != UNLABELLED:
        smooth = np.full(len(scheme), share / len(scheme))
        smooth[grade] += 1 - share
        table[f"hard label, smoothed by {share:g}"] = smooth
    if scene.pairs.truth is not None:
        table["truth"] = scene.pairs.truth[scene.row]
    return table


TABS = {
    "numbers": Tab("Numbers", _numbers, "Logits and soft labels of {pair}."),
    "gradient": Tab(
        "Gradient: why T²",
        _gradient,
        "Length of the soft gradient of {pair}.",
        "How hard the soft loss pulls, by temperature",
        of_pair=True,
    ),
    "sure": Tab(
        "Sure or unsure",
        _sure,
        "Entropy of all soft labels.",
        "Sure or unsure: entropy of all soft labels",
    ),
    "smoothing": Tab(
        "Label smoothing",
        _smoothing,
        "Label smoothing of {pair}.",
        "Label smoothing beside the teacher's soft label",
        of_pair=True,
    ),
    "replay": Tab(
        "Replay of training",
        replay.draw,
        "Mean KL from the teacher over the probe, by step.",
        "Replay of training: from a random start to the teacher's soft labels",
    ),
}

"""The guard against comparing numbers of other data, splits, metrics or code."""

import streamlit as st

from app import controls
from app.services.runs_list import Scene
from app.texts import md
from kdcore.judging.drift import KINDS, inputs_of


def draw(scene: Scene) -> None:
    """What is left out of charts and differences and why; the banner while it is let in."""
    if scene.base is None or not scene.apart:
        return
    told = _reasons(scene)
    count = len(scene.apart)
    runs = "1 run does" if count == 1 else f"{count:,} runs do"
    with st.container(key="runs_drift"):
        if scene.override:
            st.warning(
                f"**Different inputs share these charts.** {runs} not match the baseline "
                f"{md(scene.base.title)}: {md(told)}. No difference to the baseline is given for "
                "them, and every link and export from here says so.",
                icon=":material/warning:",
            )
        else:
            st.info(
                f"{runs} not match the baseline {md(scene.base.title)} and stand in no chart and "
                f"in no difference: {md(told)}.",
                icon=":material/shield:",
            )
        controls.bound(
            st.toggle,
            "rover",
            "Chart them together all the same",
            help="Compared are " + ", ".join(KINDS.values()) + " behind each number.",
        )


def _reasons(scene: Scene) -> str:
    counts: dict[str, int] = {}
    for told in scene.apart.values():
        for reason in told:
            counts[reason] = counts.get(reason, 0) + 1
    often = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{reason} ({n:,})" for reason, n in often)


def about(scene: Scene) -> str:
    """What every export of the page says of the inputs behind its numbers."""
    if scene.base is None:
        return "KD Lab, runs"
    marks = (
        f"KD Lab, runs, baseline={scene.base.key} "
        + inputs_of(scene.base.row, scene.metric).short()
    )
    if scene.mixed:
        marks += f" DIFFERENT INPUTS TOGETHER: {_reasons(scene)}"
    return marks

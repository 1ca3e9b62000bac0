"""The guard against comparing numbers of other data, splits, metrics or code."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.texts import md
from app.services.runs.entry import Entry
from app.services.runs.listing import Scene
from kdcore.judging.drift import KINDS, inputs_of


def draw(scene: Scene) -> None:
    """What is left out of charts and differences and why; the banner while it is let in."""
    if scene.base is None or not (scene.apart or scene.unfit):
        return
    with st.container(key="runs_drift"):
        if scene.override:
            st.warning(
                f"**Different inputs share these charts.** {_banner(scene)} No difference to the "
                "baseline is given for runs of other tests, and every link and export from here "
                "says so.",
                icon=":material/warning:",
            )
        else:
            st.info(_banner(scene), icon=":material/shield:")
        controls.bound(
            st.toggle,
            "runs.mix_inputs",
            "Chart them together all the same",
            help="Compared are " + ", ".join(KINDS.values()) + " behind each number; where they "
            "are drawn, validation pairs and the machine that took a time.",
        )


def _banner(scene: Scene) -> str:
    """Which runs match the baseline not, in its test and in what the open view draws beside it."""
    title, parts = md(scene.base.title if scene.base else ""), []
    if scene.apart:
        why, stand = md(_reasons(scene.apart)), "stands" if len(scene.apart) == 1 else "stand"
        left = "" if scene.override else f" and {stand} in no chart and in no difference"
        parts.append(f"{_runs(len(scene.apart))} not match the baseline {title}{left}: {why}.")
    if scene.unfit:
        why, are = md(_reasons(scene.unfit)), "is" if len(scene.unfit) == 1 else "are"
        gone = "" if scene.override else f" and {are} left out of it"
        parts.append(f"In the open view {_runs(len(scene.unfit))} not fit the others{gone}: {why}.")
    return " ".join(parts)


def _runs(count: int) -> str:
    return "1 run does" if count == 1 else f"{count:,} runs do"


def _reasons(apart: Mapping[str, Sequence[str]]) -> str:
    counts: dict[str, int] = {}
    for reasons in apart.values():
        for reason in reasons:
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
        why = [_reasons(each) for each in (scene.apart, scene.unfit) if each]
        marks += f" DIFFERENT INPUTS TOGETHER: {', '.join(why)}"
    return marks


def caption(scene: Scene, title: str, runs: Sequence[Entry]) -> Caption:
    """What a saved picture of runs says around itself: how many, and on which test pairs."""
    data = sorted({name for e in runs if (name := str(e.row.settings.get("data.name") or ""))})
    facts = [f"data {', '.join(data)}"] if data else []
    if scene.base is not None:
        facts.append(f"baseline {scene.base.title}")
    facts.append(f"{len(runs):,} runs")
    if scene.mixed:
        facts.append("DIFFERENT INPUTS TOGETHER: not a fair comparison")
    return Caption(title, " · ".join(facts))

"""The guard against comparing numbers of other data, splits, metrics or code."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.texts import md
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from kdcore.judging.drift import KINDS, inputs_of


def draw(view: RunsView) -> None:
    """Say which runs charts and differences leave out and why, with the switch to keep them."""
    if view.base is None or not (view.apart or view.unfit):
        return
    with st.container(key="runs_drift"):
        if view.override:
            st.warning(
                f"**Different inputs share these charts.** {_banner(view)} No difference to the "
                "baseline is given for runs of other tests, and every link and export from here "
                "says so.",
                icon=":material/warning:",
            )
        else:
            st.info(_banner(view), icon=":material/shield:")
        controls.bound(
            st.toggle,
            "runs.mix_inputs",
            "Chart them together all the same",
            help="Compared are " + ", ".join(KINDS.values()) + " behind each number; where they "
            "are drawn, validation pairs and the machine that took a time.",
        )


def _banner(view: RunsView) -> str:
    """Which runs do not match the baseline, in its test and in what the open view draws of it."""
    title, parts = md(view.base.title if view.base else ""), []
    if view.apart:
        stand = "stands" if len(view.apart) == 1 else "stand"
        left = "" if view.override else f" and {stand} in no chart and in no difference"
        reasons = md(_reasons(view.apart))
        parts.append(f"{_runs(len(view.apart))} not match the baseline {title}{left}: {reasons}.")
    if view.unfit:
        are = "is" if len(view.unfit) == 1 else "are"
        left = "" if view.override else f" and {are} left out of it"
        reasons = md(_reasons(view.unfit))
        parts.append(
            f"In the open view {_runs(len(view.unfit))} not fit the others{left}: {reasons}."
        )
    return " ".join(parts)


def _runs(count: int) -> str:
    return "1 run does" if count == 1 else f"{count:,} runs do"


def _reasons(apart: Mapping[str, Sequence[str]]) -> str:
    """Each reason with how many runs it keeps apart, the most common first."""
    counts = Counter(reason for reasons in apart.values() for reason in reasons)
    return ", ".join(f"{reason} ({n:,})" for reason, n in counts.most_common())


def inputs(view: RunsView) -> str:
    """What every export of the page says of the inputs behind its numbers."""
    if view.base is None:
        return "KD Lab, runs"
    hashes = inputs_of(view.base.row, view.metric).short()
    text = f"KD Lab, runs, baseline={view.base.key} {hashes}"
    if view.mixed:
        reasons = [_reasons(each) for each in (view.apart, view.unfit) if each]
        text += f" DIFFERENT INPUTS TOGETHER: {', '.join(reasons)}"
    return text


def caption(view: RunsView, title: str, runs: Sequence[Entry]) -> Caption:
    """What stands around a saved picture of runs: data, baseline, how many, whether inputs mix."""
    data = sorted({name for e in runs if (name := str(e.row.settings.get("data.name") or ""))})
    facts = [f"data {', '.join(data)}"] if data else []
    if view.base is not None:
        facts.append(f"baseline {view.base.title}")
    facts.append(f"{len(runs):,} runs")
    if view.mixed:
        facts.append("DIFFERENT INPUTS TOGETHER: not a fair comparison")
    return Caption(title, " · ".join(facts))

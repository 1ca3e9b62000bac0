"""The picture and its rail: soft labels of the pair, relevance of all pairs, marks worth taking."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls, sections
from app.kit.by_hash import by_hash
from app.kit.texts import pair_number
from app.services import Answers
from app.shell import captions
from app.state.temperature import RAIL, RAIL_FLAGS
from app.views.temperature import finding
from app.views.temperature.parts.logits import temperature_data
from app.views.temperature.parts.rail import PairLogits, TemperatureMark, temperature_rail
from app.views.temperature.world import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.metrics.calibration import best_temperature
from kdcore.softlabels import soften

BINS = 50


def draw(scene: Scene) -> None:
    """Mount the rail for the shown pair; a release becomes the visitor's choices."""
    now = state.now()
    with st.container(key="temperature_picture"):
        temperature_rail(
            {key: getattr(now.temperature, name) for key, name in RAIL.items()},
            _here(scene),
            pair=scene.row,
            replay={"moment": now.temperature.moment, "probe": now.temperature.probe},
            world=scene.hash,
            rows=len(scene.pairs),
            grades=scene.pairs.scheme.grades,
            relevant_from=scene.pairs.scheme.relevant_from,
            event=scene.event,
            titles={"teacher": scene.teacher.title, "student": scene.student.title},
            marks=_marks(scene),
            keys=now.single_keys,
            on_change=lambda sent: _on_release(sent, scene.row),
        )


def draw_exports(scene: Scene) -> None:
    """Offer the numbers behind both pictures as exports."""
    now = state.now().temperature
    student_temperature = now.T if now.linked else now.student_T
    temperatures = {"teacher": now.T, "student": student_temperature, "twin": student_temperature}
    heading = f"Pair {pair_number(scene.row)} of {len(scene.pairs):,}"
    sections.put(
        "pair", lambda: captions.pair_section(scene.board, scene.row, temperatures, heading)
    )
    controls.exports(
        "temperature_picture",
        _table(scene, now.T, student_temperature),
        finding.sentence(scene),
        f"{scene.about}; teacher T {now.T:g}, student T {student_temperature:g}",
        captions.of_board(
            scene.board,
            f"Soft labels of pair {pair_number(scene.row)}, and {scene.event} of all pairs, "
            f"at T = {now.T:g}"
            + (
                ""
                if student_temperature == now.T
                else f" (teacher) and T = {student_temperature:g} (student)"
            ),
            *captions.pair_lines(scene.board, scene.row),
        ),
    )


def draw_data(scene: Scene) -> None:
    """Send all logits to the browser, before any tab that may take long; it draws nothing."""
    temperature_data(scene.world())


def _on_release(sent: Mapping[str, Any], shown: int) -> None:
    """Set what the visitor released; a pair that the page itself chose is not pinned by it."""
    choice = choice_of(sent)
    if choice["pair"] == shown and state.now().pair < 0:
        del choice["pair"]
    state.change(**state.of_keys(choice))


def choice_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Choices of a release, by key. What a browser sends is not trusted: the state clamps it."""
    choice = {key: sent.get(key) for key in ("pair", *RAIL)}
    choice |= {key: sent.get(key) is True for key in RAIL_FLAGS}
    return choice | {"Ts": choice["T"]} if choice["linked"] else choice


def _here(scene: Scene) -> PairLogits:
    def row(values: Any) -> list[float]:
        return [float(v) for v in values[scene.row]]

    truth = scene.pairs.truth
    return PairLogits(
        teacher=row(scene.teacher.predictions.logits),
        student=row(scene.student.predictions.logits),
        twin=row(scene.twin.predictions.logits) if scene.twin else None,
        truth=row(truth) if truth is not None else None,
        grade=int(scene.pairs.grades[scene.row]),
    )


def _marks(scene: Scene) -> list[TemperatureMark]:
    """Marks at the T of the student's training and at the best-calibrated T of each model."""
    marks = []
    trained = scene.student.run.temperature if scene.student.run else None
    if trained is not None:
        help = f"The run {scene.student.title} was distilled at this temperature."
        marks.append(TemperatureMark(float(trained), "in training", help, "run", "student"))
    for role, model in (("teacher", scene.teacher), ("student", scene.student)):
        best = _best(model, scene)
        if not np.isnan(best):  # there are labels to fit it on
            marks.append(_best_mark(role, best, scene))  # type: ignore[arg-type]
    return marks


def _best_mark(role: Literal["teacher", "student"], best: float, scene: Scene) -> TemperatureMark:
    labelled = int((scene.pairs.grades != UNLABELLED).sum())
    help = (
        f"Best-calibrated T of the {role}: the least negative log-likelihood of the hard labels of "
        f"these {labelled:,} labelled pairs. It is fitted on the pairs shown, so it is slightly "
        "optimistic."
    )
    return TemperatureMark(round(best, 3), f"{role} calibrated", help, "best", role)


@by_hash(most=100, on=lambda model, scene: (scene.pairs, model))
def _best(model: Answers, scene: Scene) -> float:
    labelled = scene.pairs.grades != UNLABELLED
    return best_temperature(scene.pairs.grades[labelled], model.predictions.logits[labelled])


def _table(scene: Scene, temperature: float, student_temperature: float) -> pd.DataFrame:
    """One row per grade of this pair, then one row per bin of all pairs."""
    scheme = scene.pairs.scheme
    soft = {
        "teacher": soften(scene.teacher.predictions.logits, temperature),
        "student": soften(scene.student.predictions.logits, student_temperature),
    }
    edges = np.linspace(0, 1, BINS + 1)
    rows = pd.DataFrame({"part": "this pair", "from": scheme.grades, "to": scheme.grades})
    bins = pd.DataFrame(
        {"part": f"all pairs, {scene.event}", "from": edges[:-1].round(2), "to": edges[1:].round(2)}
    )
    for role, labels in soft.items():
        rows[f"{role} p"] = labels[scene.row]
        counts = np.histogram(scheme.relevance(labels), BINS, (0, 1))[0]
        bins[f"{role} pairs"] = counts
    rows["hard label"] = np.arange(len(scheme)) == scene.pairs.grades[scene.row]
    return pd.concat([rows, bins], ignore_index=True)

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
from app.views.temperature.parts.rail import HeatMark, PairLogits, temperature_rail
from app.views.temperature.world import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.metrics.calibration import best_temperature
from kdcore.softlabels import soften

BINS = 50


def draw(scene: Scene) -> None:
    """Mount the rail for the present pair; hear its release."""
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
            on_change=lambda said: _heard(said, scene.row),
        )


def draw_exports(scene: Scene) -> None:
    """The numbers behind both pictures, to take along."""
    now = state.now().temperature
    hot = now.T if now.linked else now.student_T
    heats = {"teacher": now.T, "student": hot, "twin": hot}
    heading = f"Pair {pair_number(scene.row)} of {len(scene.pairs):,}"
    sections.put("pair", lambda: captions.pair_section(scene.board, scene.row, heats, heading))
    controls.exports(
        "temperature_picture",
        _table(scene, now.T, hot),
        finding.sentence(scene),
        f"{scene.about}; teacher T {now.T:g}, student T {hot:g}",
        captions.of_board(
            scene.board,
            f"Soft labels of pair {pair_number(scene.row)}, and {scene.event} of all pairs, "
            f"at T = {now.T:g}" + ("" if hot == now.T else f" (teacher) and T = {hot:g} (student)"),
            *captions.pair_lines(scene.board, scene.row),
        ),
    )


def draw_data(scene: Scene) -> None:
    """All logits for the browser; invisible, and before any tab that may take its time."""
    temperature_data(scene.world())


def _heard(said: Mapping[str, Any], shown: int) -> None:
    """A release. The pair that the page itself chose becomes no choice of the visitor's."""
    choice = choice_of(said)
    if choice["pair"] == shown and state.now().pair < 0:
        del choice["pair"]
    state.change(**state.of_keys(choice))


def choice_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Choices of a release, by key. What a browser sends is not trusted: the state clamps it."""
    choice = {key: said.get(key) for key in ("pair", *RAIL)}
    choice |= {key: said.get(key) is True for key in RAIL_FLAGS}
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


def _marks(scene: Scene) -> list[HeatMark]:
    """T of the student's training, and the T at which each model's labels fit the grades best."""
    found = []
    trained = scene.student.run.temperature if scene.student.run else None
    if trained is not None:
        help = f"The run {scene.student.title} was distilled at this temperature."
        found.append(HeatMark(float(trained), "in training", help, "run", "student"))
    for who, held in (("teacher", scene.teacher), ("student", scene.student)):
        best = _best(held, scene)
        if best == best:  # there are labels to fit it on
            found.append(_best_mark(who, best, scene))  # type: ignore[arg-type]
    return found


def _best_mark(who: Literal["teacher", "student"], best: float, scene: Scene) -> HeatMark:
    judged = int((scene.pairs.grades != UNLABELLED).sum())
    help = (
        f"Best-calibrated T of the {who}: the least negative log-likelihood of the hard labels of "
        f"these {judged:,} labelled pairs. It is fitted on the pairs shown, so it is slightly "
        "optimistic."
    )
    return HeatMark(round(best, 3), f"{who} calibrated", help, "best", who)


@by_hash(most=100, on=lambda model, scene: (scene.pairs, model))
def _best(model: Answers, scene: Scene) -> float:
    labelled = scene.pairs.grades != UNLABELLED
    return best_temperature(scene.pairs.grades[labelled], model.predictions.logits[labelled])


def _table(scene: Scene, heat: float, own_heat: float) -> pd.DataFrame:
    """One row a grade of this pair, then one row a bin of all pairs."""
    scheme = scene.pairs.scheme
    soft = {
        "teacher": soften(scene.teacher.predictions.logits, heat),
        "student": soften(scene.student.predictions.logits, own_heat),
    }
    edges = np.linspace(0, 1, BINS + 1)
    rows = pd.DataFrame({"part": "this pair", "from": scheme.grades, "to": scheme.grades})
    bins = pd.DataFrame(
        {"part": f"all pairs, {scene.event}", "from": edges[:-1].round(2), "to": edges[1:].round(2)}
    )
    for who, labels in soft.items():
        rows[f"{who} p"] = labels[scene.row]
        counts = np.histogram(scheme.relevance(labels), BINS, (0, 1))[0]
        bins[f"{who} pairs"] = counts
    rows["hard label"] = np.arange(len(scheme)) == scene.pairs.grades[scene.row]
    return pd.concat([rows, bins], ignore_index=True)

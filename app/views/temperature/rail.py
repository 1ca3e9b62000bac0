"""The picture and its rail: soft labels of the pair, relevance of all pairs, marks worth taking."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls, sections
from app.kit.by_hash import by_hash
from app.kit.texts import md, pair_number
from app.services import Answers
from app.shell import captions
from app.state.learn.temperature import RAIL, RAIL_FLAGS
from app.views.temperature import finding
from app.views.temperature.parts.logits import temperature_data
from app.views.temperature.parts.rail import temperature_rail
from app.views.temperature.scene import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.metrics.calibration import best_temperature
from kdcore.runs.loss_terms import TEMPERATURE, Change, changes_of
from kdcore.softlabels import soften

BINS = 50


def draw(scene: Scene) -> None:
    """Mount the rail for the shown pair; a release becomes the visitor's choices."""
    now = state.now()
    data = {
        **{key: getattr(now.temperature, name) for key, name in RAIL.items()},
        "pair": scene.row,
        "sent": [*RAIL, "pair"],
        "replay": {"moment": now.temperature.moment, "probe": now.temperature.probe},
        "here": _shown_pair(scene),
        "hash": scene.hash,
        "rows": len(scene.pairs),
        "names": list(scene.pairs.scheme.grades),
        "relevantFrom": scene.pairs.scheme.relevant_from,
        "event": scene.event,
        "titles": {"teacher": scene.teacher.title, "student": scene.student.title},
        "keys": now.single_keys,
        "marks": _marks(scene),
    }
    with st.container(key="temperature_picture"):
        temperature_rail(data, lambda sent: _on_release(sent, scene.row))
    if changes := _changes(scene):
        words = ", ".join(change.words for change in changes)
        st.caption(
            f"From the first to the last step of the training of {md(scene.student.title)}, a "
            f"schedule changed {words}."
        )


def draw_exports(scene: Scene) -> None:
    """Offer the numbers behind both pictures as exports."""
    number, teachers, own = pair_number(scene.row), scene.temperature, scene.student_temperature
    temperatures = {"teacher": teachers, "student": own, "twin": own}
    heading = f"Pair {number} of {len(scene.pairs):,}"
    sections.put(
        "pair", lambda: captions.pair_section(scene.board, scene.row, temperatures, heading)
    )
    title = f"Soft labels of pair {number}, and {scene.event} of all pairs, at T = {teachers:g}"
    if own != teachers:
        title += f" (teacher) and T = {own:g} (student)"
    controls.exports(
        "temperature_picture",
        _table(scene),
        finding.sentence(scene),
        scene.provenance(),
        captions.of_board(scene.board, title, *captions.pair_lines(scene.board, scene.row)),
    )


def draw_data(scene: Scene) -> None:
    """Send all logits to the browser, before any tab that may take long; it draws nothing."""
    models = {
        "teacher": scene.teacher.predictions,
        "student": scene.student.predictions,
        "twin": scene.twin.predictions if scene.twin else None,
    }
    temperature_data(scene.hash, scene.pairs, models)


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


def _shown_pair(scene: Scene) -> dict[str, Any]:
    """The logits of the pair by model, its grade, and its truth where that is known."""
    models = {"teacher": scene.teacher, "student": scene.student, "twin": scene.twin}
    truth = scene.pairs.truth
    return {
        "z": {
            role: model.predictions.logits[scene.row].astype(float).tolist() if model else None
            for role, model in models.items()
        },
        "grade": int(scene.pairs.grades[scene.row]),
        "truth": truth[scene.row].tolist() if truth is not None else None,
    }


def _marks(scene: Scene) -> list[dict[str, Any]]:
    """Marks at the T of the student's training and at the best-calibrated T of each model."""
    marks = _trained_at(scene)
    labelled = int((scene.pairs.grades != UNLABELLED).sum())
    for role, model in (("teacher", scene.teacher), ("student", scene.student)):
        best = _best(model, scene)
        if np.isnan(best):  # there are no labels to fit it on
            continue
        marks.append(
            {
                "T": round(best, 3),
                "name": f"{role} calibrated",
                "help": f"Best-calibrated T of the {role}: the least negative log-likelihood of "
                f"the hard labels of these {labelled:,} labelled pairs. It is fitted on the pairs "
                "shown, so it is slightly optimistic.",
                "kind": "best",
                "role": role,
            }
        )
    return marks


def _trained_at(scene: Scene) -> list[dict[str, Any]]:
    """Marks at the T of the student's training: one, or the first and the last of a schedule."""
    run = scene.student.run
    if run is None or run.temperature is None:
        return []
    title = scene.student.title
    marks = {
        "in training": (run.temperature, f"The run {title} was distilled at this temperature.")
    }
    change = next((each for each in _changes(scene) if each.name == TEMPERATURE), None)
    if change is not None:
        words = f"The run {title} was distilled at a temperature that changed: {change.words}."
        marks = {
            "at the first step": (change.start, words),
            "at the last step": (change.end, words),
        }
    return [
        {"T": float(T), "name": name, "help": words, "kind": "run", "role": "student"}
        for name, (T, words) in marks.items()
    ]


def _changes(scene: Scene) -> list[Change]:
    """What a schedule changed in the student's training."""
    return changes_of(scene.student.run.settings) if scene.student.run else []


@by_hash(most=100, on=lambda model, scene: (scene.pairs, model))
def _best(model: Answers, scene: Scene) -> float:
    labelled = scene.pairs.grades != UNLABELLED
    return best_temperature(scene.pairs.grades[labelled], model.predictions.logits[labelled])


def _table(scene: Scene) -> pd.DataFrame:
    """One row per grade of this pair, then one row per bin of all pairs."""
    scheme = scene.pairs.scheme
    soft = {
        "teacher": soften(scene.teacher.predictions.logits, scene.temperature),
        "student": soften(scene.student.predictions.logits, scene.student_temperature),
    }
    edges = np.linspace(0, 1, BINS + 1)
    rows = pd.DataFrame({"part": "this pair", "from": scheme.grades, "to": scheme.grades})
    bins = pd.DataFrame(
        {"part": f"all pairs, {scene.event}", "from": edges[:-1].round(2), "to": edges[1:].round(2)}
    )
    for role, labels in soft.items():
        rows[f"{role} p"] = labels[scene.row]
        bins[f"{role} pairs"] = np.histogram(scheme.relevance(labels), BINS, (0, 1))[0]
    rows["hard label"] = np.arange(len(scheme)) == scene.pairs.grades[scene.row]
    return pd.concat([rows, bins], ignore_index=True)

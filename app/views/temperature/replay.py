"""Replay of training: the moments that the run saved, or a sentence on why there are none."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import services, state
from app.kit.texts import md
from app.services import Replay
from app.views.temperature.parts.replay import temperature_replay
from app.views.temperature.scene import Scene
from kdcore.softlabels import kl

LONGEST = 220  # characters of a probe pair's texts on the screen


def draw(scene: Scene) -> pd.DataFrame | None:
    """Mount the replay of the student's run, or say why it has none.

    The mean KL from the teacher over the probe, by step; None where it is not known.
    """
    recorded = services.replay(scene.student.key)
    run = scene.student.run
    if recorded is None or run is None:
        st.info(_reason(scene))
        return None
    # a visitor of a public showing starts nothing
    teacher = services.teacher_on_probe(recorded, run, scene.teacher, not services.public())
    _mount(scene, recorded, teacher)
    if teacher is None:
        return None
    # each side has its own temperature, so its logits are divided before they are compared
    target = teacher / scene.temperature
    distances = [float(kl(target, v / scene.student_temperature).mean()) for v in recorded.logits]
    return pd.DataFrame({"step": recorded.steps.tolist(), "mean KL, nats": distances})


def _mount(scene: Scene, recorded: Replay, teacher: Any) -> None:
    """Send the recorded moments of the student, and of its twin where both saw the same probe."""
    twin = services.replay(scene.twin.key) if scene.twin else None
    if twin is not None and twin.pairs.content_hash != recorded.pairs.content_hash:
        twin = None  # watched on other pairs: the two lines would not compare
    hashes = [recorded.pairs.content_hash, scene.teacher.hash, scene.student.hash]
    temperature_replay(
        {
            "hash": "-".join([*hashes, scene.twin.hash if scene.twin and twin else "none"]),
            "names": list(recorded.pairs.scheme.grades),
            "relevantFrom": recorded.pairs.scheme.relevant_from,
            "event": scene.event,
            "titles": {"teacher": scene.teacher.title, "student": scene.student.title},
            "texts": _texts(recorded),
            "labels": recorded.pairs.grades.tolist(),
            "steps": recorded.steps.tolist(),
            "twinSteps": twin.steps.tolist() if twin else [],
        },
        {
            "student": recorded.logits,
            "teacher": teacher,
            "twin": twin.logits if twin else None,
            "truth": recorded.pairs.truth,
        },
        _on_release,
    )


def _on_release(sent: Any) -> None:
    if isinstance(sent, Mapping):
        state.change(temperature={"moment": sent.get("moment"), "probe": sent.get("probe")})


def _reason(scene: Scene) -> str:
    name = md(scene.student.title)
    if scene.student.run is None:
        return f"{name} was imported as a file: there is no training run to replay."
    return f"{name} saved no moments of its training; a run with replay_points above 0 saves them."


def _texts(recorded: Replay) -> list[str]:
    frame = recorded.pairs.frame
    rows = zip(frame["query"], frame["title"], frame["description"], strict=True)
    return [f"{query}  →  {title}. {description}"[:LONGEST] for query, title, description in rows]

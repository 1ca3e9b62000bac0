"""Replay of training: the moments that the run saved, or a sentence on why there are none."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import services, state
from app.kit.texts import md
from app.services import Replay
from app.views.temperature.parts.replay import Film, temperature_replay
from app.views.temperature.world import Scene

LONGEST = 220  # characters of a probe pair's texts on the screen


def draw(scene: Scene) -> Film | None:
    """Mount the replay of the student's run; None, and a sentence, when it has none."""
    recorded = services.replay(scene.student.key)
    if recorded is None:
        st.info(_why(scene))
        return None
    film = _film(scene, recorded)
    with st.container(key="temperature_tab_replay"):
        temperature_replay(film, _on_release)
    return film


def _on_release(sent: Any) -> None:
    if isinstance(sent, Mapping):
        state.change(temperature={"moment": sent.get("moment"), "probe": sent.get("probe")})


def _why(scene: Scene) -> str:
    name = md(scene.student.title)
    if scene.student.run is None:
        return f"{name} was imported as a file: there is no training run to replay."
    return (
        f"{name} saved no moments of its training; a run with replay_points above 0 saves them, "
        "as every student of the bundled world did."
    )


def _film(scene: Scene, recorded: Replay) -> Film:
    run = scene.student.run
    ask = not services.public()  # a visitor of a public showing starts nothing
    teacher = services.teacher_on_probe(recorded, run, scene.teacher, ask) if run else None
    twin = services.replay(scene.twin.key) if scene.twin else None
    if twin is not None and twin.pairs.content_hash != recorded.pairs.content_hash:
        twin = None  # watched on other pairs: the two lines would not compare
    hashes = [recorded.pairs.content_hash, scene.teacher.hash, scene.student.hash]
    return Film(
        hash="-".join([*hashes, scene.twin.hash if scene.twin and twin else "none"]),
        grades=recorded.pairs.scheme.grades,
        relevant_from=recorded.pairs.scheme.relevant_from,
        event=scene.event,
        titles={"teacher": scene.teacher.title, "student": scene.student.title},
        texts=_texts(recorded),
        labels=[int(grade) for grade in recorded.pairs.grades],
        steps=[int(step) for step in recorded.steps],
        student=recorded.logits,
        teacher=teacher,
        twin=twin.logits if twin else None,
        twin_steps=[int(step) for step in twin.steps] if twin else [],
        truth=recorded.pairs.truth,
    )


def _texts(recorded: Replay) -> list[str]:
    frame = recorded.pairs.frame
    rows = zip(frame["query"], frame["title"], frame["description"], strict=True)
    return [f"{query}  →  {title}. {description}"[:LONGEST] for query, title, description in rows]

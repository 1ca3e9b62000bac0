"""The view of attention: maps of teacher and student side by side, and the KL of their heads."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.figures import attention as pictures
from app.kit.figures import runs as grids
from app.kit.texts import md, pair_number
from app.services import Attention, Source
from app.shell import captions, frame
from app.views.losses.scene import Scene
from kdcore.errors import LabError

TOGETHER = ("bert", "checkpoint")  # students that read query and ad as one text


@dataclass(frozen=True)
class Heads:
    """Two heads that are compared; all count from 0. student: the model that has the first."""

    student: Source
    maps: Attention
    layer: int
    head: int
    teacher_layer: int
    teacher_head: int

    @property
    def divergence(self) -> float:
        """KL(teacher || student) of the two, in nats; nan where they read other tokens."""
        if self.maps.divergence is None:
            return float("nan")
        place = (self.layer, self.head, self.teacher_layer, self.teacher_head)
        return float(self.maps.divergence[place])

    @property
    def of_layers(self) -> Any:
        """(student heads, teacher heads) KL of the two layers; None where there is none."""
        if self.maps.divergence is None:
            return None
        return self.maps.divergence[self.layer, :, self.teacher_layer, :]


def heads_of(scene: Scene) -> Heads | str:
    """The heads that are chosen on the pair in focus, or why there are none to compare."""
    source = _student(scene)
    teacher, student = scene.models
    if source is None or source.run is None:
        return (
            f"{student.title} has no attention between query and ad, and no other student here "
            "reads both together: train BERT-n, or show the bundled world"
        )
    if teacher.run is None:
        return f"{teacher.title} was imported as predictions, so there is no model here to run"
    texts = scene.pairs.frame.iloc[scene.row]
    text = (str(texts["query"]), str(texts["title"]), str(texts["description"]))
    try:
        maps = services.attention(source.run, teacher.run, text)
    except LabError as cause:
        return str(cause)
    now = state.now().losses
    layers, teacher_layers = len(maps.student), len(maps.teacher)
    layer = min(now.layer, layers) or layers
    theirs = -(-layer * teacher_layers // layers)  # evenly, the last with the last
    head = min(now.head, maps.student.shape[1])
    teacher_head = min(now.teacher_head, maps.teacher.shape[1])
    return Heads(source, maps, layer - 1, head - 1, theirs - 1, teacher_head - 1)


def _student(scene: Scene) -> Source | None:
    """The student on the board where it reads query and ad together, else another that does."""
    offered = services.in_order(services.sources_on(scene.board.all_pairs), "student")
    able = [s for s in offered if s.run and s.run.model_name in TOGETHER]
    own = scene.models[1].key
    able = [s for s in able if s.key != scene.models[0].key]
    return next((s for s in able if s.key == own), able[0] if able else None)


def finding(scene: Scene, heads: Heads | str) -> None:
    """The KL between the two heads, and which two are the most similar."""
    if isinstance(heads, str):
        frame.finding(f"{heads[:1].upper()}{heads[1:]}.", scene.board)
        return
    grid = heads.of_layers
    if grid is None:
        frame.finding(
            "Teacher and student read this pair as different words, so their maps cannot be "
            "compared; choose another pair.",
            scene.board,
        )
        return
    near, far = np.unravel_index(grid.argmin(), grid.shape)
    frame.finding(
        f"On pair {pair_number(scene.row)}, the KL from head {heads.teacher_head + 1} of the "
        f"teacher's layer {heads.teacher_layer + 1} to head {heads.head + 1} of the student's "
        f"layer {heads.layer + 1} is {heads.divergence:.2f} nats (mean over tokens; 0 when equal). "
        f"In these layers it is {grid.min():.2f} for the most similar heads (teacher {far + 1}, "
        f"student {near + 1}) and {grid.max():.2f} for the least similar ones.",
        scene.board,
    )


def draw(scene: Scene, heads: Heads | str) -> None:
    """Choose two heads; their maps side by side; the KL of every pair of heads."""
    if isinstance(heads, str):
        st.info(md(f"{heads[:1].upper()}{heads[1:]}."))
        return
    if heads.student.key != scene.models[1].key:
        st.caption(
            f"{md(scene.models[1].title)} has two towers, which cannot attend to each other's "
            f"tokens, so {md(heads.student.title)} is shown in its place."
        )
    _choose(heads)
    _maps(scene, heads)
    if heads.maps.words:
        st.caption(
            "The two models split words into different pieces, so these maps are over whole words: "
            "attention to the pieces of a word is summed, attention from them is averaged. "
            "Training compares pieces, so it needs the same tokenizer in both."
        )
    _grid(scene, heads)


def _choose(heads: Heads) -> None:
    maps = heads.maps
    layers, teachers = len(maps.student), len(maps.teacher)
    pairs = {k: f"{k} learns {-(-k * teachers // layers)}" for k in range(1, layers + 1)}
    with st.container(horizontal=True, vertical_alignment="bottom", key="losses_heads"):
        # 0 in a link is the last layer, which this control shows as such
        key = "losses_layer"
        st.session_state[key] = heads.layer + 1
        st.segmented_control(
            "Layer",
            list(pairs),
            format_func=lambda k: pairs[k],
            key=key,
            required=True,
            help="Which layer of the student, and the teacher's layer that it would learn from: "
            "evenly, the last from the last (`skip`).",
            on_change=_layer,
        )
        numbers = {"teacher_head": ("Teacher's head", maps.teacher)}
        numbers |= {"head": ("Student's head", maps.student)}
        for name, (label, values) in numbers.items():
            titles = {k: str(k) for k in range(1, values.shape[1] + 1)}
            controls.choose(f"losses.{name}", label, titles, label_visibility="visible")


def _layer() -> None:
    if layer := st.session_state.get("losses_layer"):
        state.change(losses={"layer": layer})


def _maps(scene: Scene, heads: Heads) -> None:
    """Both maps on one scale, the teacher's on the left."""
    maps, number = heads.maps, pair_number(scene.row)
    sides = {
        "teacher": (maps.teacher_tokens, maps.teacher[heads.teacher_layer, heads.teacher_head]),
        "student": (maps.student_tokens, maps.student[heads.layer, heads.head]),
    }
    layers = {"teacher": heads.teacher_layer + 1, "student": heads.layer + 1}
    numbers = {"teacher": heads.teacher_head + 1, "student": heads.head + 1}
    names = {"teacher": scene.models[0].title, "student": heads.student.title}
    for column, (role, (tokens, shares)) in zip(st.columns(2), sides.items(), strict=True):
        with column:
            title = f"{role.title()}, layer {layers[role]}, head {numbers[role]}"
            st.markdown(f"**{title}**")
            table = pd.DataFrame(shares, columns=[f"{i} {t}" for i, t in enumerate(tokens, 1)])
            table.insert(0, "attention from", list(tokens))
            row, place = np.unravel_index(shares.argmax(), shares.shape)
            sentence = (
                f"{title}: attention of each of {len(tokens)} tokens; the largest share is "
                f"{shares.max():.0%}, from {tokens[row]} to {tokens[place]}."
            )
            controls.chart(
                pictures.attention_map(tokens, shares, role, controls.dark()),
                table,
                sentence,
                f"losses_map_{role}",
                scene.provenance,
                captions.of_models(
                    scene.board,
                    f"Attention on pair {number}: {title}",
                    *captions.pair_lines(scene.board, scene.row),
                    models=[captions.plain(names[role])],
                    n="n = 1 pair",
                ),
            )


def _grid(scene: Scene, heads: Heads) -> None:
    """KL of every head of the student's layer with every head of the teacher's."""
    grid = heads.of_layers
    if grid is None:
        return
    rows = [f"student {h + 1}" for h in range(grid.shape[0])]
    columns = [f"teacher {h + 1}" for h in range(grid.shape[1])]
    texts = [[f"{value:.2f}" for value in row] for row in grid]
    title = (
        f"KL of heads, student's layer {heads.layer + 1} and teacher's layer "
        f"{heads.teacher_layer + 1}"
    )
    st.markdown(f"**{title}**")
    controls.chart(
        grids.heat_map(
            rows, columns, grid.tolist(), texts, ("", "", "nats"), controls.dark()
        ).update_layout(height=110 + 44 * len(rows), yaxis_autorange="reversed"),
        pd.DataFrame(grid, index=rows, columns=columns).rename_axis("head").reset_index(),
        f"{title}: {grid.min():.2f} to {grid.max():.2f} nats on this pair.",
        "losses_kl",
        scene.provenance,
        captions.of_models(
            scene.board,
            title,
            models=[captions.plain(scene.models[0].title), captions.plain(heads.student.title)],
            n="n = 1 pair",
        ),
    )

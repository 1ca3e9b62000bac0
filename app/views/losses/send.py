"""From an objective to the Distill form: its terms, weights and temperature."""

from typing import Any

import streamlit as st

from app.kit.texts import md
from app.parts import lead_to
from app.services import access, draft
from app.views.losses.objective import HARD, Part, objective
from app.views.losses.queries.values import Term
from app.views.losses.scene import Scene
from kdcore.catalog import STUDENTS, misfit
from kdcore.errors import LabError
from kdcore.experiments.presets import config_of
from kdcore.knobs import plain


def draw(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """A button for each objective; Distill opens with it in the form, and nothing is started."""
    with st.container(horizontal=True, key="losses_send"):
        for side in ("a", "b"):
            parts = objective(side)
            titles = " + ".join(part.title for part in parts)
            if st.button(
                f"Send {side.upper()} to Distill",
                key=f"losses_send_{side}",
                icon=":material/science:",
                **(
                    {"disabled": True, "help": md(reason)}
                    if (reason := _reason(terms[side]))
                    else access.unless_public(
                        f"Fills the form with {md(titles)}; nothing starts yet."
                    )
                ),
            ):
                _send(scene, parts)


def _reason(terms: tuple[Term, ...]) -> str:
    """Why an objective cannot be trained; "" when it can."""
    refused = [term.why for term in terms if term.refused]
    return " ".join(refused) if terms else "It has no term."


def _send(scene: Scene, parts: tuple[Part, ...]) -> None:
    try:
        draft.fill(settings_of(parts, _student(scene)))
    except LabError as cause:
        st.toast(md(str(cause)), icon=":material/error:")
        return
    lead_to.on_next_page(".st-key-distill_preset", ".st-key-distill_preset button")
    st.switch_page("views/distill/page.py")


def settings_of(parts: tuple[Part, ...], student: str = "") -> dict[str, Any]:
    """The settings of a distillation by path. student: the one on the page, by its catalog name.

    It takes the place of the preset's only where that cannot learn the objective.
    """
    soft = [part for part in parts if part.name != HARD]
    hard = sum(part.weight for part in parts if part.name == HARD)
    settings: dict[str, Any] = {"soft_weight": 0.0, "hard_weight": hard}
    for part in soft[:1]:
        settings |= {"method.name": part.name, "soft_weight": part.weight}
        settings |= _knobs("method", part)
    for part in soft[1:]:
        settings |= {f"terms.{part.name}.weight": part.weight}
        settings |= _knobs(f"terms.{part.name}", part)
    usual = config_of(draft.FIRST, {"teacher": "any"}).student.name
    fits = {name: _fits(name, parts) for name in (usual, student, "bert") if name in STUDENTS}
    if not fits[usual] and (able := [name for name, fit in fits.items() if fit]):
        settings["student.name"] = able[0]
    return settings


def _knobs(path: str, part: Part) -> dict[str, Any]:
    return {f"{path}.params.{knob}": value for knob, value in plain(part.params).items()}


def _fits(student: str, parts: tuple[Part, ...]) -> bool:
    return not any(misfit(p.name, student, p.params) for p in parts if p.name != HARD)


def _student(scene: Scene) -> str:
    run = scene.models[1].run
    return run.model_name if run else ""

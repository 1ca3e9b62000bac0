"""A card per family of losses: what it rewards, what it needs, and its place in A and in B."""

from collections.abc import Callable
from dataclasses import fields

import streamlit as st

from app import state
from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import Attention
from app.views.losses import objective as objectives
from app.views.losses import score_card
from app.views.losses.formulas import formula, inline
from app.views.losses.objective import HARD, SIDES, Part
from app.views.losses.queries.fit import misfit_of, unfit_losses, working
from app.views.losses.scene import SHOWS, Scene
from kdcore.catalog import METHODS, STUDENTS
from kdcore.catalog.options import FIELD_WORDS, option_name
from kdcore.knobs import plain

_INTUITION = {  # in a line, what a loss rewards; a new method shows its own summary
    "response": "Rewards the teacher's probabilities of all grades, not only of the likeliest one.",
    HARD: "Rewards the labelled grade alone; the teacher's view of other grades does not count.",
    "feature": "Rewards vectors that are close to the teacher's, after a learned projection.",
    "relation": "Rewards the same distances and angles between pairs, wherever their vectors lie.",
    "ranking": "Rewards the teacher's order of a query's ads, or the gaps between their scores.",
    "label_aware": "Rewards label and soft label together, most where the teacher gives the label "
    "a high probability.",
    "internal": "Rewards attention to the same tokens as the teacher, layer by layer.",
}


def draw(scene: Scene, maps: Attention | None) -> None:
    """A card for each method of the catalog, those that the view can draw first, and the labels."""
    present = {side: objectives.objective(side) for side in SIDES}
    shown = SHOWS[scene.view]
    names = sorted((*METHODS, HARD), key=lambda name: name not in shown)
    with st.container(key="losses_cards", gap="small"):
        st.markdown("**Put two objectives together**")
        for name in names:
            _card(scene, name, present, maps)


def _card(
    scene: Scene, name: str, present: dict[str, tuple[Part, ...]], maps: Attention | None
) -> None:
    method = METHODS.get(name)
    attends = maps is not None and name in SHOWS["attention"]  # the student whose maps are shown
    reason = "" if attends else misfit_of(scene, name)
    own = {side: _own(parts, name) for side, parts in present.items()}
    with st.container(border=True, key=f"losses_card_{name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{method.title if method else 'Hard labels'}**", width="content")
            if name not in SHOWS[scene.view]:
                st.markdown(":gray-badge[another view]", width="content")
            st.space("stretch")
            for side, part in own.items():
                if part is not None or not reason:
                    _ticket(name, side, part, maps)
        st.caption(_INTUITION.get(name) or md(method.summary if method else ""))
        for side, part in own.items():
            if part is not None:
                _settings(scene, part, side)
        if method and method.lists:
            score_card.draw(scene)
        if reason:
            st.caption(f":material/lock: {md(reason)}")
        with st.expander("Formula, paper, options"):
            _details(scene, name, own)


def _own(parts: tuple[Part, ...], name: str) -> Part | None:
    return next((part for part in parts if part.name == name), None)


def _ticket(name: str, side: str, part: Part | None, maps: Attention | None) -> None:
    """Whether the term is in an objective."""
    key = f"losses_tick_{side}_{name}"
    st.session_state[key] = part is not None
    st.checkbox(
        side.upper(),
        key=key,
        on_change=_tick,
        args=(side, name, key, maps),
        width="content",
    )


def _settings(scene: Scene, part: Part, side: str) -> None:
    """The loss and the weight of a term that is in an objective."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if hasattr(part.params, "loss"):
            _pick_loss(scene, part, side)
        key = f"losses_weight_{side}_{part.name}"
        st.session_state[key] = part.weight
        st.number_input(
            f"Weight in {side.upper()}",
            0.0,
            1000.0,
            step=0.1,
            format="%g",
            key=key,
            on_change=_take(side, part.name),
            args=("weight", key),
            width=115,
        )


def _pick_loss(scene: Scene, part: Part, side: str) -> None:
    """The losses of a method that these grades, and these models, allow."""
    spec = next(f for f in fields(part.params) if f.name == "loss")
    unfit = unfit_losses(scene, part.name)
    options = [each for each in spec.metadata["options"] if each not in unfit]
    loss = part.params.loss
    key = f"losses_loss_{side}_{part.name}"
    st.session_state[key] = loss
    st.selectbox(
        f"Loss in {side.upper()}",
        options if loss in options else [loss, *options],
        format_func=option_name,
        key=key,
        help=forms.help_of(spec),
        on_change=_take(side, part.name),
        args=("loss", key),
        width=185,
    )


def _details(scene: Scene, name: str, own: dict[str, Part | None]) -> None:
    """The formula, the paper, what it needs and gives, and every knob of the ticked ones."""
    method = METHODS.get(name)
    if method is None:
        st.markdown(inline(f"L = {formula(Part(HARD, 1, None))}"))
        st.caption(objectives.HELP[:1].upper() + objectives.HELP[1:] + ".")
        return
    usual = objectives.usual(name, state.now().losses.T)
    chosen = next(filter(None, own.values()), usual)
    if text := formula(chosen):
        st.markdown(inline(f"L = {text}"))
    st.markdown(f"{md(method.summary)} {md(method.paper)}.")
    st.caption(_needs(name, chosen))
    for loss, reason in unfit_losses(scene, name).items():
        st.caption(f":material/lock: {md(loss)}: {md(reason)}")
    for side, part in own.items():
        if part is not None:
            st.markdown(f"Options in {side.upper()}")
            _knobs(part, side)


def _needs(name: str, part: Part) -> str:
    """What it reads of both models, which students give that, and what it costs."""
    method = METHODS[name]
    reads = method.reads(part.params)
    words = ", ".join(FIELD_WORDS.get(field, field) for field in sorted(reads))
    able = [md(student.title) for student in STUDENTS.values() if reads <= student.gives]
    cost = (
        "the teacher scores each pair once, before the training"
        if method.teacher(part.params) == "cached"
        else "the teacher runs at every step"
    )
    lists = "; the ads of a query stay together in a batch" if method.lists else ""
    students = f"Students that have it: {', '.join(able)}."
    return f"Reads {words} of both models{lists}. {students} Cost: {cost}."


def _knobs(part: Part, side: str) -> None:
    """Every knob but the loss; a temperature of its own takes a soft label off the page's T."""
    take = objectives.with_knob

    def _set(path: str, value: object) -> None:
        name = path.rpartition(".")[2]
        parts = objectives.objective(side)
        objectives.put(side, (take(p, name, value) if p.name == part.name else p for p in parts))

    names = [spec.name for spec in fields(part.params) if spec.name != "loss"]
    if part.follows:
        names.remove("temperature")
        st.button(
            "Give it a temperature of its own",
            key=f"losses_own_T_{side}_{part.name}",
            type="tertiary",
            help="Otherwise it takes the page's T.",
            on_click=_set,
            args=("temperature", part.params.temperature),
        )
    form = Form(f"{side}.{part.name}", plain(part.params), _set, {})
    with st.container(horizontal=True, gap="small", key=f"losses_knobs_{side}_{part.name}"):
        if names:
            forms.draw(type(part.params), form, names)


def _tick(side: str, name: str, key: str, maps: Attention | None) -> None:
    parts = objectives.objective(side)
    if st.session_state.get(key):
        if all(part.name != name for part in parts):
            part = objectives.usual(name, state.now().losses.T)
            parts = (*parts, working(part, maps))
    else:
        parts = tuple(part for part in parts if part.name != name)
    objectives.put(side, parts)


def _take(side: str, name: str) -> Callable[[str, str], None]:
    def take(knob: str, key: str) -> None:
        value = st.session_state.get(key)
        if value is not None:
            parts = objectives.objective(side)
            changed = (objectives.with_knob(p, knob, value) if p.name == name else p for p in parts)
            objectives.put(side, changed)

    return take

"""The sentence with a gap: a box to write in, and sentences worth trying."""

import streamlit as st

from app import state
from kdcore.masked import LONGEST

SNACKS = "Let's go to the [MASK] and buy some snacks!"  # the tutorial's own
PRESETS = (
    ("Snacks", SNACKS, "The tutorial's sentence: a head of a few places, then a long tail."),
    ("Books", "Let's go to the [MASK] and borrow some books!", "The words around leave one place."),
    ("Fish", "The [MASK] has fresh fish today.", "Two places share the truth; who knows them?"),
    ("Bakery", "We need [MASK], so let's go to the bakery.", "What a bakery sells, ranked."),
    ("Market", "My sister always buys [MASK] at the market.", "A flat answer: nobody can know."),
    ("Verb", "Let's [MASK] to the store and buy some milk!", "Sure of one word; heat finds more."),
)


def shown() -> str:
    """The sentence of the state; the tutorial's when none is given."""
    return state.now().sentence or SNACKS


def draw() -> None:
    """The box, and the presets under it."""
    key = "w_sentence"
    st.session_state[key] = shown()
    st.text_input(
        "Sentence with [MASK] in place of one word",
        key=key,
        max_chars=min(LONGEST, 300),
        on_change=_written,
        args=(key,),
        help="Write your own. The lab's two models know errands only; other models know more.",
    )
    with st.container(horizontal=True, key="masked_presets", gap="small"):
        for name, text, why in PRESETS:
            st.button(
                name,
                key=f"masked_{name}",
                help=f"{why} {text.replace('[', chr(92) + '[')}",
                on_click=_take,
                args=(text,),
                type="primary" if text == shown() else "secondary",
            )


def _written(key: str) -> None:
    _take(str(st.session_state[key]).strip())


def _take(text: str) -> None:
    state.change(sentence="" if text == SNACKS else text)

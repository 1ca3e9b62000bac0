"""The sentence with a gap: a box to write in, and sentences worth trying."""

import re
from collections.abc import Mapping

import streamlit as st

from app import state
from app.kit.texts import md
from kdcore.language import LONGEST, Filled

SNACKS = "Let's go to the [MASK] and buy some snacks!"  # the tutorial's own
PRESETS = (  # name, sentence, why it is worth trying
    ("Snacks", SNACKS, "The tutorial's sentence: a head of a few places, then a long tail."),
    ("Books", "Let's go to the [MASK] and borrow some books!", "The words around leave one place."),
    (
        "Fish",
        "The [MASK] has fresh fish today.",
        "Two words are equally right; which model knows both?",
    ),
    ("Bakery", "We need [MASK], so let's go to the bakery.", "What a bakery sells, ranked."),
    (
        "Market",
        "My sister always buys [MASK] at the market.",
        "Flat: the sentence does not decide.",
    ),
    (
        "Verb",
        "Let's [MASK] to the store and buy some milk!",
        "Sure of one word; a higher T shows others.",
    ),
)


def shown() -> str:
    """The sentence of the state; the tutorial's when none is given."""
    return state.now().masked_word.sentence or SNACKS


def draw() -> None:
    """The box, and the presets under it."""
    key = "w_sentence"
    st.session_state[key] = shown()
    st.text_input(
        "Sentence with [MASK] in place of one word",
        key=key,
        max_chars=min(LONGEST, 300),
        on_change=lambda: _take(str(st.session_state[key]).strip()),
        help="Write your own sentence. The lab's two models learned sentences about errands only.",
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


def mark_unknown(sentence: str, models: Mapping[str, Filled]) -> None:
    """The sentence with unknown words of a model's vocabulary marked; none if all are known."""
    unknown = {word for filled in models.values() for word in filled.unknown}
    if not unknown:
        return
    parts = re.findall(r"\w+|[^\w\s]+|\s+", sentence)
    shown = [f":orange-background[{md(p)}]" if p in unknown else md(p) or " " for p in parts]
    roles: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for role, filled in models.items():
        if filled.unknown:
            roles.setdefault((len(filled), filled.unknown), []).append(f"the {role}")
    lacking = "; ".join(
        f"{md(', '.join(words))} (not among the {size:,} words of {' and of '.join(names)})"
        for (size, words), names in roles.items()
    )
    st.markdown("".join(shown))
    st.caption(f"Unknown words: {lacking}. They are read letter by letter or as one unknown word.")


def _take(text: str) -> None:
    state.change(masked_word={"sentence": "" if text == SNACKS else text})

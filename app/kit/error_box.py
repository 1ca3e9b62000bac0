"""Errors of the engine on the screen: the headline in words, the causes as a list."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from app.kit.texts import md, shown
from kdcore.errors import LabError


def words(error: LabError) -> tuple[str, tuple[str, ...]]:
    """The headline and the causes of an error, fit for the screen."""
    headline = str(getattr(error, "headline", error.for_app))
    causes: Sequence[str] = getattr(error, "problems_for_app", ())
    return shown(headline, 400), tuple(shown(cause, 400) for cause in causes)


def draw(headline: str, causes: Sequence[str] = ()) -> None:
    """Draw an error, its causes as a list; texts of the data stay text."""
    lines = [md(headline), *(f"- {md(cause)}" for cause in causes)]
    st.error("\n".join(lines), icon=":material/error:")


@contextmanager
def guard() -> Iterator[None]:
    """Draw a LabError that is raised inside; the rest of the block is skipped."""
    try:
        yield
    except LabError as error:
        draw(*words(error))

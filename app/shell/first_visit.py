"""What a first visit needs, made ready while its browser still loads Streamlit's own files."""

import inspect
from contextlib import suppress

from app import services
from app.services import cautions
from app.services.boards import board_of
from app.shell import lesson, presenting, save  # noqa: F401  (main.py imports them)
from kdcore.errors import LabError


def prepare() -> None:
    """Load the board that a new visitor sees, and see how good its teacher is; both are cached."""
    inspect.stack()  # Streamlit does so at its first element: it reads where every module lies
    with suppress(LabError, OSError):  # the page says what is wrong
        cautions.caution(board_of(services.data_choices()[0]))

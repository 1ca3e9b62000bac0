"""The button that saves the report: the server writes its words, the browser its pictures."""

from collections.abc import Callable

from app.kit.browser_part import part

KEY = "report_saver"
_mount = part(__name__)


def report_saver(
    ready: bool, page: str, marker: str, number: int, on_wanted: Callable[[], None]
) -> None:
    """Draw the button.

    page: the report once it was asked for, else ""; marker: the place of its pictures in it;
    number: of the request, so that one report is saved once.
    """
    data = {"ready": ready, "page": page, "number": number, "marker": marker}
    _mount(key=KEY, data=data, on_wanted_change=on_wanted)

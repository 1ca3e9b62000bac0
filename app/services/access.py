"""Where things are: the read-only demo, the visitor's workspace, and what a visitor may do."""

import os
from pathlib import Path
from typing import Any

from kdcore.errors import RunError
from kdcore.workspace import Workspace

ASSETS = Path(__file__).parents[2] / "assets"


def demo() -> Workspace:
    """The finished story that the app opens on; KDLAB_DEMO names another one."""
    return Workspace.bundled()


def home() -> Workspace:
    """The visitor's own workspace: KDLAB_HOME, else ~/.kdlab."""
    return Workspace.default()


def public() -> bool:
    """Whether visitors may look at everything and start nothing (`--public`)."""
    return os.environ.get("KDLAB_PUBLIC", "") == "1"


PUBLIC_REASON = (
    "This is a public showing: you can look at everything, but not start or save anything."
)


def refuse_public() -> None:
    """Raise RunError in a public showing: nothing may be started or kept there."""
    if public():
        raise RunError(PUBLIC_REASON)


def unless_public(help: str, ready: bool = True) -> dict[str, Any]:
    """What a button that starts or saves something takes: off in a public showing, which says why.

    help: what it does elsewhere. ready: whether nothing else stands in its way.
    """
    return {"disabled": public() or not ready, "help": PUBLIC_REASON if public() else help}

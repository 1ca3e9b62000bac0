"""Compare's filters: a search, who is right, grades and tags, each with what it would leave."""

from typing import Any

from app import services, state
from app.views.compare import selection
from app.views.compare.parts.filter_rail import Group, filter_rail, said
from app.views.compare.queries import outcomes as service
from kdcore.analysis.outcomes import CELLS, outcome_of
from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED

KEY = "filter_rail"


def draw(board: services.Board) -> None:
    """Draw the rail; a choice comes back as one message, which `_taken` puts into the state."""
    now, chosen = state.now(), selection.filters()
    options = service.options(board, now.ct, now.cs, chosen, now.slice)
    judged_all = bool((board.pairs.grades != UNLABELLED).all())  # no option for what is not there
    missing = {"unlabelled", "-1"} if judged_all else set()
    outcomes, grades = (
        [o for o in options[group] if o.key not in missing] for group in ("outcomes", "grades")
    )
    groups = [
        Group("outcomes", "Who is right", outcomes, {}, False),
        Group("grades", "Label", grades, {}, True),
        Group("tags", "Tags", options["tags"], {k: t.sentence for k, t in TAGS.items()}, True),
    ]
    filter_rail(
        groups,
        find=now.find,
        left=int(selection.kept(board).sum()),
        total=len(board.pairs),
        active=selection.active(),
        key=KEY,
        on_change=_taken,
    )


def _taken() -> None:
    """What the visitor chose becomes the state; nothing in it is trusted."""
    found = said(KEY)
    if found.get("clear") is True:
        selection.change(find="", tags="", grades="", outcomes="", box=(), slice="")
        return
    outcomes = _texts(found, "outcomes")
    present = selection.filters().cells
    single = [c for c in present if outcome_of(c) not in outcomes]
    whole = [c for c in CELLS if outcome_of(c) in outcomes]
    selection.change(
        find=str(found.get("find", "")),
        tags=",".join(t for t in TAGS if t in _texts(found, "tags")),
        grades=",".join(_texts(found, "grades")[:300]),
        outcomes=selection.compressed([*whole, *single]),
    )


def _texts(found: dict[str, Any], name: str) -> list[str]:
    given = found.get(name, [])
    return [str(v)[:60] for v in given] if isinstance(given, list | tuple) else []

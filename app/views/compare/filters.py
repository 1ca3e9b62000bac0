"""Compare's filters: a search, who is right, grades and tags, each with what it would leave."""

from typing import Any

from app import services, state
from app.state.compare import NO_FILTERS
from app.views.compare import selection
from app.views.compare.parts.filter_rail import Group, filter_rail, said
from app.views.compare.queries import outcomes as service
from kdcore.analysis.outcomes import CELLS, outcome_of
from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED

KEY = "filter_rail"


def draw(board: services.Board) -> None:
    """Draw the rail; a choice comes back as one message, which `_taken` puts into the state."""
    now, chosen = state.now().compare, selection.filters()
    options = service.options(
        board, now.teacher_threshold, now.student_threshold, chosen, now.slice
    )
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
        find=now.search,
        left=int(selection.kept(board).sum()),
        total=len(board.pairs),
        active=selection.active(),
        key=KEY,
        on_change=_taken,
    )


def _taken() -> None:
    """What the visitor chose becomes the state; nothing in it is trusted."""
    sent = said(KEY)
    if sent.get("clear") is True:
        selection.change(compare=NO_FILTERS)
        return
    outcomes = _texts(sent, "outcomes")
    present = selection.filters().cells
    single = [c for c in present if outcome_of(c) not in outcomes]
    whole = [c for c in CELLS if outcome_of(c) in outcomes]
    selection.change(
        compare={
            "search": str(sent.get("find", "")),
            "tags": ",".join(t for t in TAGS if t in _texts(sent, "tags")),
            "grades": ",".join(_texts(sent, "grades")[:300]),
            "outcomes": selection.compressed([*whole, *single]),
        },
    )


def _texts(sent: dict[str, Any], name: str) -> list[str]:
    given = sent.get(name, [])
    return [str(v)[:60] for v in given] if isinstance(given, list | tuple) else []

"""Compare's filters: a search, who is right, grades and tags, each with what it would leave."""

from dataclasses import asdict
from typing import Any

from app import services, state
from app.services.selection import outcomes
from app.state.compare import NO_FILTERS
from app.views.compare import selection
from app.views.compare.parts import message
from app.views.compare.parts.filter_rail import filter_rail
from kdcore.analysis.outcomes import CELLS, outcome_of
from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED

KEY = "filter_rail"
GROUPS = (("outcomes", "Who is right", False), ("grades", "Label", True), ("tags", "Tags", True))


def draw(board: services.Board) -> None:
    """Draw the rail; a choice comes back as one message, which `_take` puts into the state."""
    options = outcomes.options(board, selection.filters())
    all_labelled = bool((board.pairs.grades != UNLABELLED).all())
    missing = {"unlabelled", "-1"} if all_labelled else set()  # no option for what is not there
    groups = []
    for key, title, bars in GROUPS:
        sentences = {name: tag.sentence for name, tag in TAGS.items()} if key == "tags" else {}
        shown = [o for o in options[key] if key == "tags" or o.key not in missing]
        rows = [asdict(o) | {"sentence": sentences.get(o.key, "")} for o in shown]
        groups.append({"key": key, "title": title, "bars": bars, "options": rows})
    data = {
        "groups": groups,
        "find": state.now().compare.search,
        "left": int(outcomes.passing(board, selection.filters()).sum()),
        "total": len(board.pairs),
        "active": selection.active(),
    }
    filter_rail(data, key=KEY, on_change=_take)


def _take() -> None:
    """What the visitor chose becomes the state; nothing in it is trusted."""
    sent = message(KEY)
    if sent.get("clear") is True:
        selection.change(compare=NO_FILTERS)
        return
    chosen = _texts(sent, "outcomes")
    single = [c for c in selection.filters().cells if outcome_of(c) not in chosen]
    whole = [c for c in CELLS if outcome_of(c) in chosen]
    selection.change(
        compare={
            "search": str(sent.get("find", "")),
            "tags": ",".join(t for t in TAGS if t in _texts(sent, "tags")),
            "grades": ",".join(_texts(sent, "grades")[:300]),
            "outcomes": selection.compressed([*whole, *single]),
        },
    )


def _texts(sent: dict[str, Any], name: str) -> list[str]:
    values = sent.get(name, [])
    return [str(v)[:60] for v in values] if isinstance(values, list | tuple) else []

"""Choices of the Map page."""

from dataclasses import dataclass

from app.state.kinds import choice, number, numbers, text, whole

COLORS = (
    *("overlap", "label", "outcome", "relevance_left", "relevance_right", "slice"),
    *("density", "kind"),  # kind: query or ad
)


@dataclass(frozen=True)
class Map:
    """What is drawn, how it is laid out and colored, and what is selected, found or looked at."""

    what: str = choice("mwhat", "pairs", ("pairs", "texts", "moments"))
    # models by their key; "" is the page's choice: the student's twin and the student
    left: str = text("mleft", "", 200, belongs_to="data")
    right: str = text("mright", "", 200, belongs_to="data")
    layout: str = choice("mlayout", "umap", ("umap", "pca"))
    color: str = choice("mcolor", "overlap", COLORS)
    only: str = text("monly", "", 60, belongs_to="data")  # the filter: "grade=2", "compare", ...
    find: str = text("mfind", "", 200, belongs_to="data")
    selected: str = text("msel", "", 16, belongs_to="data")  # hash of the points that were picked
    # number of the query or ad in focus, or of the pair of a training; -1 for none
    point: int = whole("mpoint", -1, -1, 10_000_000, belongs_to="data")
    view: tuple[float, ...] = numbers("mview", 3, -1e6, 1e6, belongs_to="data")  # x, y, zoom
    moment: float = number("mmoment", -1, -1, 10_000)
    hidden: str = text("mhide", "", 300)  # classes that are switched off, with bars between
    limits: tuple[float, ...] = numbers("mlimits", 2, -1e6, 1e6)  # of a numeric color


# values when other models are drawn, and when other points are
NO_VIEW = {"view": (), "limits": ()}
NO_POINTS = NO_VIEW | {"selected": "", "point": -1, "hidden": "", "only": "", "find": ""}

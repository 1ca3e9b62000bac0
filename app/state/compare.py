"""Choices of the Compare page."""

from dataclasses import dataclass

from app.state.kinds import choice, flag, number, numbers, text, whole


@dataclass(frozen=True)
class Compare:
    """Thresholds, filters, the table's order, the closer look, and an edited pair."""

    teacher_threshold: float = number("ct", 0.5, 0.0, 1.0)
    student_threshold: float = number("cs", 0.5, 0.0, 1.0)
    # the selection: a rectangle of the joint density, words, and comma separated names
    box: tuple[float, ...] = numbers("box", 4, 0.0, 1.0, belongs_to="data")
    search: str = text("find", "", 200, belongs_to="data")
    tags: str = text("tags", "", 400, belongs_to="data")
    grades: str = text("grades", "", 200, belongs_to="data")
    outcomes: str = text("outcomes", "", 200, belongs_to="data")
    # two words of any alphabet, quoted as in an address
    slice: str = text("slice", "", 1200, belongs_to="data")
    sort: str = text("sort", "", 60)
    page: int = whole("page", 1, 1, 1_000_000, belongs_to="data")
    tab: str = choice("ctab", "slices", ("slices", "calibration", "edit", "notes"))
    slice_opponent: str = choice("sagainst", "teacher", ("teacher", "twin"))
    slice_pairs: int = whole("sfewest", 50, 20, 1000)  # pairs that a slice has at least
    # the three texts below stand for the pair's own
    edited: bool = flag("edited", False, belongs_to="pair")
    edited_query: str = text("equery", "", 1000, belongs_to="pair")
    edited_title: str = text("etitle", "", 1000, belongs_to="pair")
    edited_description: str = text("edescription", "", 1000, belongs_to="pair")
    ask_teacher: bool = flag("eteacher", False)  # the teacher scores the edited pair too


# values of the fields that select pairs, and of those that hold an edit, when there is none
NO_FILTERS = {"box": (), "search": "", "tags": "", "grades": "", "outcomes": "", "slice": ""}
NO_EDIT = {"edited": False, "edited_query": "", "edited_title": "", "edited_description": ""}

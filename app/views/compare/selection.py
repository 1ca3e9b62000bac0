"""Compare's selection: what the filters of the state leave, in words, and the pair in focus."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import services, state
from app.kit.texts import number, percent
from app.services.selection import slices
from app.services.selection.chosen import active as active
from app.services.selection.chosen import filters as filters
from app.services.selection.outcomes import outcomes, passing
from app.shell import frame
from kdcore.analysis.attributes import CIRCULAR
from kdcore.analysis.outcomes import CELLS, OUTCOME_TITLES, OUTCOMES, outcome_of
from kdcore.analysis.tags import TAGS, stands_out


def selected(board: services.Board) -> pd.DataFrame:
    """The rows of `outcomes` that filters and slice leave; all of them when there is none."""
    return outcomes(board)[passing(board, filters())] if active() else outcomes(board)


def primary(board: services.Board) -> int:
    """Row of the pair in focus: the state's, else where the student loses most; -1 without any."""
    requested = state.now().pair
    if 0 <= requested < len(board.pairs):
        return requested
    rows = selected(board)
    rows = rows if len(rows) else outcomes(board)
    worst = rows["loss_gap"].fillna(-np.inf) if rows["loss_gap"].notna().any() else rows["kl"]
    places = np.lexsort((board.pairs.tiebreaks[rows["row"]], -worst.to_numpy()))
    return int(rows["row"].iloc[int(places[0])]) if len(rows) else -1


def change(**values: Any) -> None:
    """Set fields of the state in a callback, and let the top bar tell the new selection."""
    state.change(**values)
    announce(services.board())


def announce(board: services.Board) -> bool:
    """Tell the top bar how many pairs are selected; True when it shows an outdated text."""
    words = ""
    if board.ready and active():
        words = f"{passing(board, filters()).sum():,} of {len(board.pairs):,} pairs selected"
    return frame.selected(words)


def say_unused(board: services.Board) -> None:
    """Say that this part shows all pairs, when the visitor has selected some."""
    if active():
        st.caption(f"Of all {len(board.pairs):,} pairs: the selection is not used here.")


def compressed(cells: list[str]) -> str:
    """Cells as the state's words: an outcome for all of its cells, single cells for the rest."""
    whole = [o for o in OUTCOMES if {c for c in CELLS if outcome_of(c) == o} <= set(cells)]
    rest = [c for c in CELLS if c in cells and outcome_of(c) not in whole]
    return ",".join([*whole, *rest])


def described(board: services.Board, outcomes: bool = True) -> list[str]:
    """The filters, the box and the slice that are in force, each in a few words.

    outcomes: with who is right, where that is selected.
    """
    chosen = filters()
    parts = []
    if chosen.search:
        parts.append(f"with the words “{chosen.search}”")
    parts += [f"tagged “{TAGS[tag].title}”" for tag in chosen.tags]
    if chosen.grades:
        names = [board.pairs.scheme.grades[g] if g >= 0 else "not labelled" for g in chosen.grades]
        parts.append(f"labelled {' or '.join(names)}")
    if outcomes:
        parts += [OUTCOME_TITLES[outcome] for outcome in chosen.outcomes]
    if outcomes and chosen.cells:
        kinds = {OUTCOME_TITLES[outcome_of(c)] for c in CELLS if c in chosen.cells}
        parts.append(f"in cells of the cube ({', '.join(sorted(kinds))})")
    if chosen.box:
        x0, x1, y0, y1 = (number(v, 2) for v in chosen.box)
        parts.append(f"teacher's P(relevant) {x0} to {x1} and student's {y0} to {y1}")
    if name := slices.describe(board, state.now().compare.slice):
        parts.append(f"where {name}")
    return parts


def by_answers() -> bool:
    """Whether pairs were selected by what the compared models say of them, so that they differ."""
    chosen = filters()
    return bool(chosen.all_cells or chosen.box or CIRCULAR & set(chosen.tags))


def finding(board: services.Board) -> str:
    """The page's present finding in one sentence, of the selection when there is one."""
    rows = selected(board)
    where = f"{len(rows):,} {'selected ' if active() else ''}pairs"
    if words := "; ".join(described(board, outcomes=False)):
        where += f" ({words})"
    if not len(rows):
        return "No pair passes these filters: remove one, or clear them all."
    counts = rows["outcome"].value_counts()
    if counts["unlabelled"] == len(rows):
        flips = int(rows["student_flips_teacher"].sum())
        return f"On {where} without labels, teacher and student decide differently on {flips:,}."
    if counts["unlabelled"]:
        where = f"{len(rows) - counts['unlabelled']:,} labelled of {where}"
    if cells := filters().all_cells:
        return f"{_cells_in_words(cells, where)}{_typical_tag(board, rows, 'these')}"
    lost, won = int(counts["only_teacher"]), int(counts["only_student"])
    losses = rows[(rows["outcome"] == "only_teacher").to_numpy()]
    return (
        f"The student loses to the teacher on {lost:,} of {where} and wins on {won:,}"
        f"{_against_twin(rows)}.{_typical_tag(board, losses, 'the losses')}"
    )


def _cells_in_words(cells: tuple[str, ...], where: str) -> str:
    """Which cells of the cube are looked at, in words."""
    titles = {outcome_of(c): OUTCOME_TITLES[outcome_of(c)] for c in cells}
    sides = {c[0] for c in cells}
    label = {"1": ", label relevant", "0": ", label not relevant"}.get("".join(sides), "")
    return f"{where[0].upper()}{where[1:]}: {' or '.join(titles.values())}{label}."


def _against_twin(rows: pd.DataFrame) -> str:
    if "twin_p" not in rows:
        return ""
    gained, lost = int(rows["gained"].sum()), int(rows["lost_by_distillation"].sum())
    chosen = {"gained", "lost_by_distillation"} & set(filters().tags)
    why = " (the pairs were chosen by this outcome)" if chosen else ""
    return f"; distillation turned {gained:,} right and {lost:,} wrong{why}"


def _typical_tag(board: services.Board, rows: pd.DataFrame, subject: str) -> str:
    """What these rows are tagged with more often than all pairs."""
    everything = outcomes(board)
    chosen = np.zeros(len(everything), dtype=bool)
    chosen[rows["row"].to_numpy()] = True
    name, share, base = stands_out(everything, chosen, np.ones(len(everything), dtype=bool))
    if not name or name in filters().tags:
        return ""
    shares = f"{percent(share)} of {subject}, {percent(base)} of all pairs"
    return f" The tag “{TAGS[name].title}” is more common among {subject} ({shares})."

"""What a saved report tells of Compare: the selection with its metrics, the pair, the notes."""

import pandas as pd

from app import services
from app.kit import sections
from app.kit.sections import Section
from app.kit.texts import number
from app.services import Board
from app.shell import captions
from app.views.compare import selection
from app.views.compare.queries import notes as notebook
from kdcore.analysis.notes import STATUSES
from kdcore.metrics.definitions import shown_in


def put(board: Board) -> None:
    """Add this part to the report; nothing is computed before a report is requested."""
    sections.put("selection", lambda: _selected(board) if selection.active() else None)
    sections.put("pair", lambda: _pair(board))
    sections.put("notes", lambda: _notes(board))


def _selected(board: Board) -> Section:
    """What is selected, in words, and each model's metrics on just these pairs."""
    rows = selection.selected(board)["row"].to_numpy()
    words = (
        f"{len(rows):,} of {len(board.pairs):,} pairs: {'; '.join(selection.described(board))}.",
    )
    title = "The selection: metrics with 95 % intervals"
    if not len(rows):
        return Section(title, words)
    metrics = {
        role: services.evaluation_of_rows(board, model, rows).metrics
        for role, model in board.models.items()
    }
    student = metrics["student"]
    keys = [key for key in shown_in("selection") if key in student]
    table = {"metric": [student[key].name for key in keys]}
    for role, own in metrics.items():
        table[role] = [
            f"{number(m.value)} [{number(m.low)}, {number(m.high)}]" if (m := own.get(key)) else "–"
            for key in keys
        ]
    table["n"] = [f"{student[key].n:,} {student[key].n_unit}" for key in keys]
    return Section(title, words, pd.DataFrame(table))


def _pair(board: Board) -> Section | None:
    """The pair in focus, with every model's soft label at T = 1, where the thresholds stand."""
    row = selection.primary(board)
    if row < 0:
        return None
    return captions.pair_section(board, row, dict.fromkeys(board.models, 1.0), "The open pair")


def _notes(board: Board) -> Section | None:
    """Every note on these data."""
    rows = [
        {"query": n.query, "title": n.title, "status": STATUSES[n.status], "note": n.text}
        for n in notebook.notes(board).values()
        if not n.empty
    ]
    return Section("Notes on these data", (), pd.DataFrame(rows)) if rows else None

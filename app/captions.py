"""Captions of saved pictures: title, texts, and the models whose numbers are shown."""

from app import state
from app.components.chart_tools import Caption
from app.services import Board


def of_board(board: Board, title: str, *lines: str, n: str = "", twin: bool = True) -> Caption:
    """The caption of a picture of a board's models; n: what was counted, all pairs unless given."""
    roles = [("teacher", board.teacher), ("student", board.student)]
    if twin:
        roles.append(("twin", board.twin))
    models = [f"{role} {plain(who.title)}" for role, who in roles if who is not None]
    return of_models(board, title, *lines, models=models, n=n)


def of_models(
    board: Board, title: str, *lines: str, models: list[str], n: str = "", split: bool = True
) -> Caption:
    """The caption of a picture of named models on a board's pairs."""
    part = f", {state.now().split} split" if split and state.now().split else ""
    facts = [f"{board.data.title}{part}", *models, n or f"n = {len(board.pairs):,} pairs"]
    return Caption(title, " · ".join(facts), lines)


def plain(title: str) -> str:
    """A model's title as one part of a line whose parts are set apart by dots."""
    return title.replace(" · ", ", ")


def pair_lines(board: Board, row: int) -> tuple[str, ...]:
    """The query and the ad of a pair, as lines of a caption."""
    pair = board.pairs.frame.iloc[row]
    ad = " – ".join(t for t in (str(pair["title"]), str(pair["description"])) if t.strip())
    return f"Query: {pair['query']}", f"Ad: {ad}"

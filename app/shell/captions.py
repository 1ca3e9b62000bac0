"""Titles, texts and numbers of models and pairs in saved pictures and reports."""

from collections.abc import Mapping

import pandas as pd

from app import state
from app.kit.chart_tools import Caption
from app.kit.sections import Section
from app.kit.texts import number
from app.services import Board
from kdcore.data.pairs import UNLABELLED
from kdcore.softlabels import soften


def of_board(board: Board, title: str, *lines: str, n: str = "", twin: bool = True) -> Caption:
    """The caption of a picture of a board's models; n: what was counted, all pairs unless given."""
    shown = {r: model for r, model in board.models.items() if twin or r != "twin"}
    models = [f"{role} {plain(model.title)}" for role, model in shown.items()]
    return of_models(board, title, *lines, models=models, n=n)


def of_models(
    board: Board, title: str, *lines: str, models: list[str], n: str = "", split: bool = True
) -> Caption:
    """The caption of a picture of named models on a board's pairs."""
    part = f", {state.now().data.split} split" if split and state.now().data.split else ""
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


def pair_section(
    board: Board, row: int, temperatures: Mapping[str, float], heading: str
) -> Section:
    """The texts of a pair, its label, and each model's soft label at its own temperature."""
    pair = board.pairs.frame.iloc[row]
    grades, grade = board.pairs.scheme.grades, int(board.pairs.grades[row])
    columns: dict[str, list[str]] = {"grade": list(grades)}
    for role, model in board.models.items():
        p = soften(model.predictions.logits[row], temperatures[role])
        columns[f"{role}, T = {temperatures[role]:g}"] = [number(float(v)) for v in p]
    if board.pairs.truth is not None:
        columns["truth"] = [number(float(v)) for v in board.pairs.truth[row]]
    label = "not labelled" if grade == UNLABELLED else grades[grade]
    texts = (
        f"Query: {pair['query']}",
        f"Ad: {pair['title']}",
        f"Description: {pair['description']}" if str(pair["description"]).strip() else "",
        f"Hard label: {label}",
    )
    return Section(heading, tuple(t for t in texts if t), pd.DataFrame(columns).iloc[::-1])

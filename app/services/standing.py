"""The check of a data set: its cards, the rows behind them, its teacher against its labels."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services.boards import TEST, Board, DataChoice, is_cut_by_runs, whole_data
from kdcore.analysis.tags import SURE
from kdcore.data.check.cards import Standing, standing
from kdcore.data.check.rows import ROWS
from kdcore.data.library import REJECTS
from kdcore.data.pairs import ALL, UNLABELLED
from kdcore.metrics.classification import roc_auc
from kdcore.scores import Scores, log_odds

BINS = 20  # of the teacher's P(relevant)


def parts(choice: DataChoice) -> list[str]:
    """The splits of a data set that can be looked at, and "all" where there are several."""
    splits = whole_data(choice).splits
    offered = [*splits, ALL] if len(splits) > 1 else [ALL]
    return [TEST, *offered] if is_cut_by_runs(choice) else offered


def on_pages(board: Board) -> str:
    """The part of the data that the pages show."""
    whole, shown = whole_data(board.data).splits, board.all_pairs.splits
    return shown[0] if len(shown) == 1 and (len(whole) > 1 or shown != whole) else ALL


def part_in_words(board: Board) -> str:
    """Which pairs of the data set the pages show: "ads: test split, 518 of 5,583 pairs"."""
    whole, part = whole_data(board.data), on_pages(board)
    name, shown = board.data.title, len(board.all_pairs)
    if shown == len(whole):
        return f"{name}: all {shown:,} pairs"
    cut = " as held out by runs" if part == TEST and is_cut_by_runs(board.data) else ""
    return f"{name}: {part} split{cut}, {shown:,} of {len(whole):,} pairs"


def cut_in_words(choice: DataChoice) -> str:
    """How runs cut a data set without a test split; "" where it has one, or cannot be cut."""
    if not is_cut_by_runs(choice):
        return ""
    cut = whole_data(choice, TEST)
    sizes = {split: len(cut.split(split)) for split in cut.splits}
    return (
        "These data have no test split. A run splits them by whole queries: "
        f"{sizes.get('train', 0):,} pairs for training, {sizes.get('validation', 0):,} for "
        f"validation, {sizes[TEST]:,} for the test."
    )


@by_hash(most=6, spinner="Checking the data…")
def standing_of(choice: DataChoice, part: str) -> Standing:
    """The check of a part of a data set."""
    return standing(whole_data(choice, part), part, len(rejects(choice.folder)))


@by_hash(most=8)
def rows(choice: DataChoice, part: str, card: str) -> pd.DataFrame:
    """The rows behind a card."""
    if card == "rejected":
        return rejects(choice.folder)
    return ROWS[card](standing_of(choice, part))


def rejects(folder: Path) -> pd.DataFrame:
    """The rows that the import left out; empty when it left out none."""
    path = folder / REJECTS
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    cells = [(line.split("\t", 3) + [""] * 4)[:4] for line in text.split("\n")[1:-1]]
    return pd.DataFrame(cells, columns=["file", "line", "problem", "raw"])


def teacher_against_gold(board: Board) -> pd.DataFrame:
    """P(relevant) of the teacher in bins: a row per bin, with bounds and counts per grade."""
    relevance = _relevance(board)
    names = [*board.pairs.scheme.grades, "unlabelled"]
    grade = np.where(board.pairs.grades == UNLABELLED, len(names) - 1, board.pairs.grades)
    place = np.minimum((relevance * BINS).astype(int), BINS - 1)
    counts = np.zeros((BINS, len(names)), dtype=np.int64)
    np.add.at(counts, (place, grade), 1)
    edges = np.arange(BINS) / BINS
    table = pd.DataFrame({"from": edges, "to": edges + 1 / BINS})
    for k, name in enumerate(names):
        if counts[:, k].any() or k < len(names) - 1:
            table[name] = counts[:, k]
    return table


def suspects(board: Board) -> pd.DataFrame:
    """Pairs whose label a confident teacher contradicts, the most confident first.

    row: its place on the board. Ties are ordered by a hash of the texts.
    """
    relevance, gold = _relevance(board), board.pairs.relevant
    sure = np.where(gold, 1 - relevance, relevance)
    wrong = (board.pairs.grades != UNLABELLED) & (sure >= SURE)
    if board.teacher is None:
        order = np.zeros(0, dtype=np.int64)
    else:  # by log-odds, which differ where P is 0 or 1
        odds = log_odds(board.teacher.predictions.logits, board.pairs.scheme)
        order = np.lexsort((board.pairs.tiebreaks, np.where(gold, odds, -odds)))
        order = order[wrong[order]]
    frame = board.pairs.frame.iloc[order]
    names = np.array([*board.pairs.scheme.grades, "unlabelled"], dtype=object)
    return pd.DataFrame(
        {
            "row": order,
            "query": frame["query"].to_numpy(),
            "title": frame["title"].to_numpy(),
            "description": frame["description"].to_numpy(),
            "label": names[frame["grade"].to_numpy()],
            "teacher P(relevant)": relevance[order],
        }
    )


def teacher_auc(board: Board) -> float:
    """ROC-AUC of the teacher against the labels; nan with one kind of label or none."""
    labelled = board.pairs.grades != UNLABELLED
    if board.teacher is None or not labelled.any():
        return float("nan")
    scores = Scores.of(board.teacher.predictions, board.pairs.scheme)
    return roc_auc(board.pairs.relevant[labelled], scores.log_odds[labelled])


def _relevance(board: Board) -> NDArray[np.float64]:
    if board.teacher is None:
        return np.full(len(board.pairs), np.nan)
    scores = Scores.of(board.teacher.predictions, board.pairs.scheme)
    return np.clip(scores.relevance, 0.0, 1.0)

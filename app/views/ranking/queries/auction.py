"""The ad auction of a board: its market, what counts defects, frontiers over w, and their price."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services.answers import Answers
from app.services.boards import Board
from kdcore.auction.frontier import Frontier, Price, frontier, price_of_distillation
from kdcore.auction.rules import Auction, Rules, simulated_market
from kdcore.data.pairs import UNLABELLED
from kdcore.labels import LabelScheme
from kdcore.softlabels import soften

Floats = NDArray[np.float64]
WEIGHTS = 60  # points of a frontier
MONEY = ("bid", "p_click")  # columns of data that bring their own market
JUDGES = {"truth": "the world's truth", "teacher": "the teacher", "labels": "the labels"}


@dataclass(frozen=True)
class Market:
    """Bids and clicks of a board's pairs; note says in a sentence where they come from."""

    bids: Floats
    p_click: Floats
    simulated: bool
    note: str

    @property
    def top_weight(self) -> float:
        """Where the rail of w ends: a round number at which most defective ads are long gone."""
        return round_up(2 * self._high) or 1.0

    @property
    def top_reserve(self) -> float:
        """Where the rail of the reserve ends."""
        return round_up(self._high) or 1.0

    @property
    def _high(self) -> float:
        worth = self.bids * self.p_click
        return float(np.quantile(worth, 0.99)) if len(worth) else 0.0


@dataclass(frozen=True)
class Judge:
    """What counts defects: (pairs,) pDefect, nan where it has no opinion."""

    key: str
    p_defect: Floats

    @property
    def name(self) -> str:
        """As a sentence names it."""
        return JUDGES[self.key]


@dataclass(frozen=True)
class Auctions:
    """One market, one judge, and the frontier of each model by its role.

    The frontiers count queries in canonical order: PairTable.query_tiebreaks has their places.
    """

    market: Market
    judge: Judge
    rules: Rules
    frontiers: dict[str, Frontier]


def _key(board: Board) -> tuple[str, ...]:
    """What an auction depends on: pairs, truth and money, which no content hash covers, answers."""
    pairs = board.pairs
    money = [str(float(pairs.frame[c].sum())) for c in MONEY if c in pairs.frame.columns]
    models = (f"{role}:{model.hash}" for role, model in board.models.items())
    return (pairs.content_hash, str(pairs.truth is not None), *money, *models)


@by_hash(most=6, on=_key)
def market(board: Board) -> Market:
    """The board's bids and clicks: its own columns, else simulated ones."""
    pairs = board.pairs
    if set(MONEY) <= set(pairs.frame.columns):
        bids, clicks = (pairs.frame[c].to_numpy(dtype=float) for c in MONEY)
        usable = np.isfinite(bids) & (bids >= 0) & (clicks >= 0) & (clicks <= 1)
        if usable.all():
            if pairs.truth is not None:
                note = "Bids and clicks are simulated by the bundled world: no money was paid."
                return Market(bids, clicks, True, note)
            note = "Bids and click probabilities are the data's own; the slots' attention is ours."
            return Market(bids, clicks, False, note)
    note = (
        "These data carry no bids or clicks: both are simulated (log-normal bids, clicks that "
        "rise with the label), the same for every visitor."
    )
    ordered = simulated_market(pairs.canonical.grades, len(pairs.scheme))
    bids, clicks = (values[pairs.tiebreaks] for values in ordered)  # whatever the order of rows
    return Market(bids, clicks, True, note)


def defects(scheme: LabelScheme, model: Answers) -> Floats:
    """(pairs,) pDefect = 1 - relevance, by a model at T = 1."""
    below = soften(model.predictions.logits)[:, : scheme.relevant_from]
    return np.asarray(np.clip(below.sum(axis=1), 0.0, 1.0))


def judges(board: Board) -> list[str]:
    """What can count defects on these pairs, the most trusted first."""
    offered = {
        "truth": board.pairs.truth is not None,
        "teacher": board.teacher is not None,
        "labels": (board.pairs.grades != UNLABELLED).any(),
    }
    return [key for key, available in offered.items() if available]


def judge_of(board: Board, requested: str) -> Judge:
    """The requested judge, or the most trusted one there is."""
    offered, pairs = judges(board), board.pairs
    key = requested if requested in offered else next(iter(offered), "labels")
    if key == "truth" and pairs.truth is not None:
        return Judge(key, np.clip(1 - pairs.scheme.relevance(pairs.truth), 0.0, 1.0))
    if key == "teacher" and board.teacher is not None:
        return Judge(key, defects(pairs.scheme, board.teacher))
    return Judge("labels", np.where(pairs.grades == UNLABELLED, np.nan, 1.0 - pairs.relevant))


@by_hash(
    most=4,
    spinner="Holding the auction at 60 weights…",
    on=lambda board, rules, judge, top_weight: (
        *(_key(board), replace(rules, weight=0.0), judge_of(board, judge).key, top_weight),
    ),
)
def hold(board: Board, rules: Rules, judge: str, top_weight: float) -> Auctions:
    """The auction of every model over the whole table, at every weight up to the rail's end."""
    bazaar, counted_by, pairs = market(board), judge_of(board, judge), board.pairs
    rules = replace(rules, weight=Rules().weight)
    competing = pairs.query_tiebreaks[pairs.query_ids]
    weights = top_weight * (np.arange(WEIGHTS) / (WEIGHTS - 1)) ** 3  # the rail's own scale
    frontiers = {}
    for role, model in board.models.items():
        own = defects(pairs.scheme, model)
        auction = Auction(bazaar.bids, bazaar.p_click, own, competing, pairs.tiebreaks)
        frontiers[role] = frontier(auction, weights, rules, counted_by.p_defect)
    return Auctions(bazaar, counted_by, rules, frontiers)


@by_hash(
    most=400,
    on=lambda board, auctions, role, weight: (
        *(_key(board), auctions.rules, auctions.judge.key, role, weight),
    ),
)
def price(board: Board, auctions: Auctions, role: str, weight: float) -> Price | None:
    """What a student or twin costs at one weight, with its interval, against the teacher.

    At equal defect; None where one of the two is missing.
    """
    teacher, own = auctions.frontiers.get("teacher"), auctions.frontiers.get(role)
    return price_of_distillation(teacher, own, weight) if teacher and own else None


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten; 0 stays 0."""
    if not value > 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999))

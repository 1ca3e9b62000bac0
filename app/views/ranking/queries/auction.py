"""The ad auction of a board: its market, who judges defects, frontiers over w, and their price."""

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
BY_NAME = {
    "truth": "the world's truth",
    "teacher": "the teacher",
    "labels": "the labels",
}


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
        return round_up(2 * _high(self.bids * self.p_click)) or 1.0

    @property
    def top_reserve(self) -> float:
        """Where the rail of the reserve ends."""
        return round_up(_high(self.bids * self.p_click)) or 1.0


@dataclass(frozen=True)
class Judge:
    """Who counts defects: (pairs,) pDefect, nan where it has no opinion."""

    key: str
    p_defect: Floats

    @property
    def name(self) -> str:
        """As a sentence names it."""
        return BY_NAME[self.key]


@dataclass(frozen=True)
class Held:
    """One market, one judge, and the frontier of each model by its role.

    The frontiers count queries in canonical order: PairTable.query_tiebreaks has their places.
    """

    market: Market
    judge: Judge
    rules: Rules
    frontiers: dict[str, Frontier]

    def price(self, role: str, weight: float) -> Price | None:
        """What a model costs against the teacher at equal defect; None without either."""
        if role not in self.frontiers or "teacher" not in self.frontiers or role == "teacher":
            return None
        return price_of_distillation(self.frontiers["teacher"], self.frontiers[role], weight)


def roles(board: Board) -> dict[str, Answers]:
    """The models of a board by role: teacher, student, twin, as far as they are there."""
    found = {"teacher": board.teacher, "student": board.student, "twin": board.twin}
    return {role: who for role, who in found.items() if who is not None}


def _key(board: Board) -> tuple[str, ...]:
    """What an auction depends on: pairs, truth and money, which no content hash covers, answers."""
    pairs = board.pairs
    money = [str(float(pairs.frame[c].sum())) for c in MONEY if c in pairs.frame.columns]
    models = (f"{role}:{who.hash}" for role, who in roles(board).items())
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


def defects(scheme: LabelScheme, who: Answers) -> Floats:
    """(pairs,) pDefect = 1 - relevance, by a model at T = 1."""
    below = soften(who.predictions.logits)[:, : scheme.relevant_from]
    return np.asarray(np.clip(below.sum(axis=1), 0.0, 1.0))


def judges(board: Board) -> list[str]:
    """Who can count defects on these pairs, the most trusted first."""
    found = ["truth"] if board.pairs.truth is not None else []
    found += ["teacher"] if board.teacher is not None else []
    return found + (["labels"] if (board.pairs.grades != UNLABELLED).any() else [])


def judge_of(board: Board, asked: str) -> Judge:
    """The judge asked for, or the most trusted one there is."""
    offered = judges(board)
    key = asked if asked in offered else next(iter(offered), "labels")
    pairs = board.pairs
    if key == "truth" and pairs.truth is not None:
        return Judge(key, np.clip(1 - pairs.scheme.relevance(pairs.truth), 0.0, 1.0))
    if key == "teacher" and board.teacher is not None:
        return Judge(key, defects(pairs.scheme, board.teacher))
    unknown = np.where(pairs.grades == UNLABELLED, np.nan, 1.0 - pairs.relevant)
    return Judge("labels", unknown)


@by_hash(
    most=4,
    spinner="Holding the auction at 60 weights…",
    on=lambda board, rules, judge, top_weight: (
        *(_key(board), replace(rules, weight=0.0), judge_of(board, judge).key, top_weight),
    ),
)
def held(board: Board, rules: Rules, judge: str, top_weight: float) -> Held:
    """The auction of every model over the whole table, at every weight up to the rail's end."""
    bazaar, by, pairs = market(board), judge_of(board, judge), board.pairs
    rules = replace(rules, weight=Rules().weight)
    competing = pairs.query_tiebreaks[pairs.query_ids]
    weights = top_weight * (np.arange(WEIGHTS) / (WEIGHTS - 1)) ** 3  # the rail's own scale
    frontiers = {}
    for role, who in roles(board).items():
        own = defects(pairs.scheme, who)
        auction = Auction(bazaar.bids, bazaar.p_click, own, competing, pairs.tiebreaks)
        frontiers[role] = frontier(auction, weights, rules, by.p_defect)
    return Held(bazaar, by, rules, frontiers)


@by_hash(
    most=400,
    on=lambda board, found, role, weight: (
        *(_key(board), found.rules, found.judge.key, role, weight),
    ),
)
def price(board: Board, found: Held, role: str, weight: float) -> Price | None:
    """The price of distillation with its interval, at one weight."""
    return found.price(role, weight)


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten; 0 stays 0."""
    if not value > 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999))


def _high(values: Floats) -> float:
    return float(np.quantile(values, 0.99)) if len(values) else 0.0

"""The ad auction: one query with its rails, and what the weight of defects costs over the set."""

import re
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.texts import md, percent
from app.services import Board
from app.shell import captions, frame, lacking
from app.state import keys
from app.views.ranking import query as ranking_query
from app.views.ranking.lists import ads_of
from app.views.ranking.models import NOUNS
from app.views.ranking.parts.paired_lists import auction_rail, message
from app.views.ranking.queries import auction
from app.views.ranking.queries.auction import Auctions
from app.views.ranking.query import Query
from kdcore.auction.frontier import Price
from kdcore.auction.rules import ATTENTION, Pricing, Rules

Floats = NDArray[np.float64]
KEY = "auction_rail"


@st.fragment
def draw(board: Board) -> None:
    """The price of distillation, the query's auction with the frontier, and their export."""
    if not board.models:
        lacking.draw(board)
        return
    market, rules = auction.market(board), rules_of()
    state.simulated_bids(market.simulated)
    top = max(market.top_weight, auction.round_up(rules.weight))
    auctions = auction.hold(board, rules, state.now().ranking.judge, top)
    sentence = finding(board, auctions, rules.weight)
    frame.finding(sentence, board)
    telling = _telling(auctions, rules.weight)[board.pairs.query_tiebreaks]
    query = ranking_query.choose(board, lambda: _judges(board, auctions), telling)
    if query is None:
        return
    with st.container(key="auction_picture"):
        auction_rail(
            payload(board, query, auctions, rules, top),
            KEY,
            rules=_take_rules,
            edits=lambda: _take_edits(query),
        )
    badge = "simulated bids and clicks" if market.simulated else "the data's own bids and clicks"
    data = f"data {board.pairs.content_hash}; judged by {auctions.judge.name}"
    title = f"Auction with {badge}: revenue against defects at w = {rules.weight:g}"
    controls.exports(
        "auction_picture",
        table_of(auctions),
        sentence,
        f"KD Lab auction; {badge}; {data}",
        captions.of_board(board, title),
    )
    edits, dropped = st.session_state.get(keys.BIDS_DROPPED, ("", 0))
    if dropped and edits == state.now().ranking.edits:
        st.warning(
            f"Only so many bids and clicks fit into a link: the last {dropped:,} that you wrote "
            "over do not count. Set others back to what was given, and they will."
        )
    _notes(board, auctions, rules)


def rules_of() -> Rules:
    """The auction's rules as the state sets them; the state's bounds are the rules' own."""
    now = state.now().ranking
    pricing: Pricing = "first" if now.pricing == "first" else "second"
    return Rules(weight=now.weight, slots=now.slots, reserve=now.reserve, pricing=pricing)


def _telling(auctions: Auctions, weight: float) -> NDArray[np.bool_]:
    """(queries,) where every model shows at least two ads at this weight; canonical order."""
    frontiers = list(auctions.frontiers.values())
    at = int(np.argmin(np.abs(frontiers[0].weights - weight)))
    return np.asarray(np.all([each.counts[at] >= 2 for each in frontiers], axis=0))


def finding(board: Board, auctions: Auctions, weight: float) -> str:
    """The price of distillation in a sentence, or why it has none."""
    money = "Simulated revenue: " if auctions.market.simulated else ""
    price = auction.price(board, auctions, "student", weight)
    if price is None:
        return f"{money}the price of distillation needs a teacher and a student."
    return money + _price_in_words("student", price)


def _price_in_words(role: str, price: Price) -> str:
    """What one model earns beside the teacher at the teacher's own defect."""
    if not np.isfinite(price.defect):
        return "at this weight the teacher's auction shows no labelled ad, so there is no price."
    level = f"the same {100 * price.defect:.1f} % of defects as the teacher"
    if not np.isfinite(price.student):
        few = f"{100 * price.defect:.1f} % of defects"
        return f"no weight w brings the defects of {NOUNS[role]} down to the teacher's {few}."
    if not np.isfinite(price.change):
        return f"at {level} there is no revenue, so none is lost."
    more = "more" if price.change > 0 else "less"
    amount = f"{abs(100 * price.change):.1f} % {more}" if round(1000 * price.change) else "as much"
    if not np.isfinite(price.low):
        return f"at {level}, {NOUNS[role]} earns {amount} (one query has no interval)."
    ends = f"95 % {_percent(price.low)} to {_percent(price.high)}"
    deepest = "; −100 % where it never comes down to that level" if price.low <= -1 else ""
    if not price.conclusive:
        change = f"{_percent(price.change)} ({ends}{deepest}), INCONCLUSIVE"
        return (
            f"at {level}, the revenue of {NOUNS[role]} does not differ clearly from the "
            f"teacher's: {change}."
        )
    return f"at {level}, {NOUNS[role]} earns {amount} ({ends}{deepest})."


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %".replace("-", "−")


def payload(
    board: Board, query: Query, auctions: Auctions, rules: Rules, top: float
) -> dict[str, Any]:
    """What the browser part draws: the query's ads, the rules, and every point of the frontier."""
    now, models = state.now().ranking, board.models
    marks = [board.pairs.content_hash, str(query.id), *(model.hash for model in models.values())]
    return {
        "stamp": ":".join([*marks, auctions.judge.key]),
        "queryId": query.id,
        "grades": list(board.pairs.scheme.grades),
        "ads": bidders(board, query, auctions),
        "models": [{"role": role, "short": role.capitalize()} for role in models],
        "by": now.ranker if now.ranker in models else next(iter(reversed(models))),
        "rules": {
            "w": rules.weight,
            "slots": rules.slots,
            "reserve": rules.reserve,
            "pricing": rules.pricing,
            "attention": rules.attention,
        },
        "top": {
            "w": top,
            "reserve": max(auctions.market.top_reserve, auction.round_up(rules.reserve)),
        },
        "simulated": auctions.market.simulated,
        "frontier": {
            "weights": _numbers(next(iter(auctions.frontiers.values())).weights),
            "judge": auctions.judge.name,
            "models": [
                {
                    "role": role,
                    "short": role.capitalize(),
                    "revenue": _numbers(curve.mean_revenue),
                    "defect": _numbers(curve.mean_defect),
                }
                for role, curve in auctions.frontiers.items()
            ],
        },
    }


def _numbers(values: Floats) -> list[float | None]:
    """Numbers for the browser; None for what is not defined."""
    return [float(f"{v:.8g}") if np.isfinite(v) else None for v in values]


def bidders(board: Board, query: Query, auctions: Auctions) -> list[dict[str, Any]]:
    """The query's ads with bid, pClick, every model's pDefect, the judge's, and what was given."""
    rows, market, edits = query.rows, auctions.market, edits_of(query)
    defects = {
        role: _numbers(auction.defects(board.pairs.scheme, model)[rows])
        for role, model in board.models.items()
    }
    judge = _numbers(auctions.judge.p_defect[rows])
    ads = []
    for at, ad in enumerate(ads_of(board, query)):
        given = {"bid": float(market.bids[rows[at]]), "click": float(market.p_click[rows[at]])}
        own = {role: values[at] for role, values in defects.items()}
        more = {"given": given, "defects": own, "judge": judge[at]}
        ads.append(ad | given | edits.get(at, {}) | more)
    return ads


_EDIT = re.compile(r"(\d{1,4})([bc])(\d+(?:\.\d+)?(?:e-?\d+)?)")


def edits_of(query: Query, text: str | None = None) -> dict[int, dict[str, float]]:
    """Bids and clicks that the visitor wrote over in this query, by ad; others are dropped."""
    number, _, written = (state.now().ranking.edits if text is None else text).partition(":")
    edits: dict[int, dict[str, float]] = {}
    if number != str(query.id):
        return edits
    for part in filter(None, written.split("_")):
        match = _EDIT.fullmatch(part)
        name, high = ("bid", 1000.0) if match and match[2] == "b" else ("click", 1.0)
        if match and int(match[1]) < len(query.rows) and float(match[3]) <= high:
            edits.setdefault(int(match[1]), {})[name] = float(match[3])
        else:
            state.ignore(f"edits: {part[:20]!r} is no bid and no click probability of this query")
    return edits


def table_of(auctions: Auctions) -> pd.DataFrame:
    """A row a weight and model: revenue, mean pDefect, empty slots; money named for what it is."""
    money = "simulated $" if auctions.market.simulated else "$"
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "model": role.capitalize(),
                    "w, $": curve.weights,
                    f"revenue per 1,000 searches, {money}": 1000 * curve.mean_revenue,
                    f"mean pDefect shown, by {auctions.judge.name}": curve.mean_defect,
                    "empty slots a search": curve.empty,
                }
            )
            for role, curve in auctions.frontiers.items()
        ],
        ignore_index=True,
    )


def _judges(board: Board, auctions: Auctions) -> None:
    st.session_state["pick_judge"] = auctions.judge.key
    st.selectbox(
        "Defects are counted by",
        auction.judges(board),
        format_func=lambda key: auction.JUDGES[key].capitalize(),
        key="pick_judge",
        on_change=lambda: state.change(ranking={"judge": st.session_state["pick_judge"]}),
        width=190,
    )


def _notes(board: Board, auctions: Auctions, rules: Rules) -> None:
    """Where the money comes from, what counts defects, and what the rules leave out."""
    twin = auction.price(board, auctions, "twin", rules.weight)
    if twin is not None:
        st.caption(md(f"Beside it: {_price_in_words('twin', twin)}"))
    favor = {
        "truth": "Defects are counted by the world's exact chances, which no model has seen.",
        "teacher": "Defects are counted by the teacher itself, which favors the teacher.",
        "labels": "Defects are counted by the labels; ads without a label are left out.",
    }[auctions.judge.key]
    st.caption(
        md(
            f"{auctions.market.note} A slot is seen by {percent(ATTENTION)} of those who see "
            f"at the one above it (our assumption). {favor} RankScore and pDefect = 1 − "
            "relevance are the KDD 2022 tutorial's; the second price is standard theory, not "
            "the tutorial's: the least bid that keeps the slot, (next RankScore or the reserve "
            "+ w × pDefect) / pClick, never above the bid. So a model that predicts more "
            "defects charges more per click; the first price compares the choice of ads alone. "
            "Ads of equal RankScore are ordered by a hash of their texts. Ads with a negative "
            "score, or one below the reserve, are not shown, and their slots stay empty. Bids "
            "that you change count in this query only."
        )
    )


def _take_rules() -> None:
    """What the rails were left at; the state brings each value into its bounds."""
    rules = message(KEY, "rules")
    names = {"w": "w", "slots": "slots", "reserve": "reserve", "pricing": "pricing", "by": "ranker"}
    state.change(**state.of_keys({key: rules[n] for n, key in names.items() if n in rules}))


def _take_edits(query: Query) -> None:
    """The bids and clicks that were written over in this query, as many as fit into a link."""
    sent = message(KEY, "edits")
    if sent.get("query") != query.id:
        return
    edits = edits_of(query, f"{query.id}:{sent.get('edits', '')}")
    parts = [f"{at}{name[0]}{v:.6g}" for at, own in edits.items() for name, v in own.items()]
    written = f"{query.id}:{'_'.join(parts)}" if parts else ""
    fitting = written
    while state.clean("ranking.edits", fitting) != fitting:
        fitting = fitting.rpartition("_")[0]  # a number cut short would be another bid
    state.change(ranking={"edits": fitting})
    st.session_state[keys.BIDS_DROPPED] = (fitting, written.count("_") - fitting.count("_"))

"""The ad auction: one query with its rails, and what the weight of defects costs over the set."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.texts import md, percent
from app.services import Answers, Board
from app.shell import captions, frame, lacking
from app.state import keys
from app.views.ranking import query as ranking_query
from app.views.ranking.lists import ads_of
from app.views.ranking.parts.paired_lists import auction_rail, said
from app.views.ranking.queries import auction
from app.views.ranking.queries.auction import Held
from app.views.ranking.query import Query
from kdcore.auction.frontier import Frontier, Price
from kdcore.auction.rules import ATTENTION, Rules
from kdcore.errors import ConfigError

Floats = NDArray[np.float64]
KEY = "auction_rail"
SHORT = {"teacher": "Teacher", "student": "Student", "twin": "Twin"}
NOUNS = {"student": "the student", "twin": "its twin without a teacher"}


@st.fragment
def draw(board: Board) -> None:
    """The price of distillation, the query's auction with the frontier, and their export."""
    models = auction.roles(board)
    if not models:
        lacking.draw(board)
        return
    market, rules = auction.market(board), rules_of()
    state.simulated_bids(market.simulated)
    top = max(market.top_weight, auction.round_up(rules.weight))
    held = auction.held(board, rules, state.now().ranking.judge, top)
    frame.finding(finding(board, held, rules.weight), board)
    telling = _telling(held, rules.weight)[board.pairs.query_tiebreaks]
    query = ranking_query.choose(board, lambda: _judges(board, held), telling)
    if query is None:
        return
    with st.container(key="auction_picture"):
        auction_rail(
            payload(board, query, held, rules, top),
            KEY,
            rules=_ruled,
            edits=lambda: _edited(query),
        )
    badge = "simulated bids and clicks" if market.simulated else "the data's own bids and clicks"
    about = f"KD Lab auction; {badge}; data {board.pairs.content_hash}; judged by {held.judge.name}"
    title = f"Auction with {badge}: revenue against defects at w = {rules.weight:g}"
    caption = captions.of_board(board, title)
    told = finding(board, held, rules.weight)
    controls.exports("auction_picture", table_of(held), told, about, caption)
    made_for, dropped = st.session_state.get(keys.BIDS_DROPPED, ("", 0))
    if dropped and made_for == state.now().ranking.edits:
        st.warning(
            f"Only so many bids and clicks fit into a link: the last {dropped:,} that you wrote "
            "over do not count. Set others back to what was given, and they will."
        )
    _notes(board, held, rules)


def rules_of() -> Rules:
    """The auction's rules as the state sets them."""
    now = state.now().ranking
    try:
        pricing = "first" if now.pricing == "first" else "second"
        return Rules(
            weight=now.weight,
            slots=now.slots,
            reserve=now.reserve,
            pricing=pricing,  # type: ignore[arg-type]
        )
    except ConfigError:  # pragma: no cover - the state's bounds are the rules' own
        return Rules()


def _telling(held: Held, weight: float) -> NDArray[np.bool_]:
    """(queries,) where every model shows at least two ads at this weight; canonical order."""
    found = list(held.frontiers.values())
    at = int(np.argmin(np.abs(found[0].weights - weight)))
    return np.asarray(np.all([each.counts[at] >= 2 for each in found], axis=0))


def finding(board: Board, held: Held, weight: float) -> str:
    """The price of distillation in a sentence, or why it has none."""
    money = "Simulated revenue: " if held.market.simulated else ""
    price = auction.price(board, held, "student", weight)
    if price is None:
        return f"{money}the price of distillation needs a teacher and a student."
    return money + _priced("student", price, held)


def _priced(role: str, price: Price, held: Held) -> str:
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


def payload(board: Board, query: Query, held: Held, rules: Rules, top: float) -> dict[str, Any]:
    """What the browser part draws: the query's ads, the rules, and every point of the frontier."""
    now, models = state.now().ranking, auction.roles(board)
    marks = [board.pairs.content_hash, str(query.id), *(who.hash for who in models.values())]
    return {
        "stamp": ":".join([*marks, held.judge.key]),
        "queryId": query.id,
        "grades": list(board.pairs.scheme.grades),
        "ads": bidders(board, query, held),
        "models": [{"role": role, "short": SHORT[role]} for role in models],
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
            "reserve": max(held.market.top_reserve, auction.round_up(rules.reserve)),
        },
        "simulated": held.market.simulated,
        "frontier": {
            "weights": _sent(next(iter(held.frontiers.values())).weights),
            "judge": held.judge.name,
            "models": [_curve(role, found) for role, found in held.frontiers.items()],
        },
    }


def _curve(role: str, found: Frontier) -> dict[str, Any]:
    return {
        "role": role,
        "short": SHORT[role],
        "revenue": _sent(found.mean_revenue),
        "defect": _sent(found.mean_defect),
    }


def _sent(values: Floats) -> list[float | None]:
    """Numbers for the browser; None for what is not defined."""
    return [float(f"{v:.8g}") if np.isfinite(v) else None for v in values]


def bidders(board: Board, query: Query, held: Held) -> list[dict[str, Any]]:
    """The query's ads with bid, pClick, every model's pDefect, the judge's, and what was given."""
    rows, market, edits = query.rows, held.market, edits_of(query)
    own = {
        role: _sent(auction.defects(board.pairs.scheme, _rows(who, rows)))
        for role, who in auction.roles(board).items()
    }
    judge = _sent(held.judge.p_defect[rows])
    found = []
    for at, ad in enumerate(ads_of(board, query)):
        given = {"bid": float(market.bids[rows[at]]), "click": float(market.p_click[rows[at]])}
        defects = {role: values[at] for role, values in own.items()}
        written = {"given": given, "defects": defects, "judge": judge[at]}
        found.append(ad | given | edits.get(at, {}) | written)
    return found


def _rows(who: Answers, rows: NDArray[np.int64]) -> Answers:
    """Answers to these rows alone."""
    return replace(who, predictions=who.predictions.take(rows))


_EDIT = re.compile(r"(\d{1,4})([bc])(\d+(?:\.\d+)?(?:e-?\d+)?)")


def edits_of(query: Query, text: str | None = None) -> dict[int, dict[str, float]]:
    """Bids and clicks that the visitor wrote over in this query, by ad; others are dropped."""
    whose, _, written = (state.now().ranking.edits if text is None else text).partition(":")
    found: dict[int, dict[str, float]] = {}
    if whose != str(query.id):
        return found
    for part in filter(None, written.split("_")):
        read = _EDIT.fullmatch(part)
        name, high = ("bid", 1000.0) if read and read[2] == "b" else ("click", 1.0)
        if read and int(read[1]) < len(query.rows) and float(read[3]) <= high:
            found.setdefault(int(read[1]), {})[name] = float(read[3])
        else:
            state.ignore(f"edits: {part[:20]!r} is no bid and no click probability of this query")
    return found


def table_of(held: Held) -> pd.DataFrame:
    """A row a weight and model: revenue, mean pDefect, empty slots; money named for what it is."""
    money = "simulated $" if held.market.simulated else "$"
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "model": SHORT[role],
                    "w, $": found.weights,
                    f"revenue per 1,000 searches, {money}": 1000 * found.mean_revenue,
                    f"mean pDefect shown, by {held.judge.name}": found.mean_defect,
                    "empty slots a search": found.empty,
                }
            )
            for role, found in held.frontiers.items()
        ],
        ignore_index=True,
    )


def _judges(board: Board, held: Held) -> None:
    offered = auction.judges(board)
    st.session_state["pick_judge"] = held.judge.key
    st.selectbox(
        "Defects are counted by",
        offered,
        format_func=lambda key: auction.BY_NAME[key].capitalize(),
        key="pick_judge",
        on_change=lambda: state.change(ranking={"judge": st.session_state["pick_judge"]}),
        width=190,
    )


def _notes(board: Board, held: Held, rules: Rules) -> None:
    """Where the money comes from, who judges, and what the rules leave out."""
    twin = auction.price(board, held, "twin", rules.weight)
    if twin is not None:
        st.caption(md(f"Beside it: {_priced('twin', twin, held)}"))
    favor = {
        "truth": "Defects are counted by the world's exact chances, which no model has seen.",
        "teacher": "Defects are counted by the teacher itself, which favors the teacher.",
        "labels": "Defects are counted by the labels; ads without a label are left out.",
    }[held.judge.key]
    st.caption(
        md(
            f"{held.market.note} A slot is seen by {percent(ATTENTION)} of those who see "
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


def _ruled() -> None:
    """What the rails were left at; the state brings each value into its bounds."""
    told = said(KEY).get("rules")
    if isinstance(told, dict):
        keys = {"w": "w", "slots": "slots", "reserve": "reserve", "pricing": "pricing"}
        keys["by"] = "ranker"
        state.change(**state.of_keys({key: told[n] for n, key in keys.items() if n in told}))


def _edited(query: Query) -> None:
    told = said(KEY).get("edits")
    if isinstance(told, dict) and told.get("query") == query.id:
        text = f"{query.id}:{told.get('edits', '')}"
        kept = edits_of(query, text)
        parts = [f"{at}{name[0]}{value:.6g}" for at, e in kept.items() for name, value in e.items()]
        written = f"{query.id}:{'_'.join(parts)}" if parts else ""
        fitting = written
        while state.clean("ranking.edits", fitting) != fitting:
            fitting = fitting.rpartition("_")[0]  # a number cut short would be another bid
        state.change(ranking={"edits": fitting})
        st.session_state[keys.BIDS_DROPPED] = (fitting, written.count("_") - fitting.count("_"))

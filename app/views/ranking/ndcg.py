"""nDCG over depth for every role, the test of A against B, and how the variant moves the order."""

from functools import partial

import numpy as np
import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import md, number, signed, verdict
from app.parts.metric_cards import Card, interval, metric_cards
from app.services import Board, ranking
from app.shell import frame, lacking
from app.views.ranking import deltas, exports, models
from app.views.ranking.models import Side
from kdcore.evaluation.comparison import Difference
from kdcore.evaluation.curves import NdcgCurve, ndcg_definition, ndcg_name
from kdcore.labels import OWN
from kdcore.metrics.ranking import DEPTH, skill

GAIN_LABELS = {"exp2": "Gain 2^grade − 1", "linear": "Gain = grade", "own": "Data set's own gains"}


def draw(board: Board) -> None:
    """The finding, the curves, the strip of queries, the variants."""
    if not models.sides_of(board):
        lacking.draw(board)
        return
    _body(board)


@st.fragment
def _body(board: Board) -> None:
    if state.now().ranking.tab != "ndcg":
        st.rerun()  # a query was opened: its list is another part of the page
    top = st.container()
    pair = models.choose(board, partial(_variant_controls, board))
    k, gain = min(state.now().ranking.k, models.deepest(board)), models.chosen_gain(board)
    sides = models.sides_of(board).items()
    curves = {role: ranking.curve(board, side.answers, gain) for role, side in sides}
    test = ranking.difference(board, pair[0].answers, pair[1].answers, gain, k) if pair else None
    with top:
        frame.finding(finding(curves, pair, test, k, gain), board)
    _cards(board, curves, pair, test, k)
    _chart(board, curves, k)
    if pair and test:
        deltas.draw(board, pair[0], pair[1], gain, k, test)
    _variants(board, k)
    exports.draw(board, gain)


def finding(
    curves: dict[str, NdcgCurve],
    pair: tuple[Side, Side] | None,
    test: Difference | None,
    k: int,
    gain: str,
) -> str:
    """A against B, or the one model against a random order."""
    random = next(iter(curves.values())).random[k - 1]
    name = f"nDCG@{k} ({GAIN_LABELS[gain].lower()})"
    if not np.isfinite(random):
        return "No query has an ad of any gain, so nDCG is not defined on these pairs."
    if pair is None or test is None:
        value = next(iter(curves.values())).model[k - 1]
        return f"{name} is {value:.3f}; a random order of the same ads has {random:.3f}."
    ends = ""
    if np.isfinite(test.low):
        ends = f" (95 % {signed(test.low)} to {signed(test.high)}; {test.verdict})"
    moved = f"{abs(test.delta):.3f} {'higher' if test.delta > 0 else 'lower'} than that of"
    if test.verdict == "INCONCLUSIVE":
        moved, ends = (
            "not clearly different from that of",
            f", difference {signed(test.delta)}{ends}",
        )
    return (
        f"{name} of {pair[0].noun} is {test.value_a:.3f}, {moved} {pair[1].noun}{ends}; "
        f"a random order has {random:.3f}."
    )


def _variant_controls(board: Board) -> None:
    kinds = board.pairs.scheme.gain_kinds
    if state.now().ranking.gain not in kinds:  # a link may name a gain that these data do not state
        state.correct(ranking={"gain": models.chosen_gain(board)})
    controls.choose("ranking.gain", "Gain", {kind: GAIN_LABELS[kind] for kind in kinds})
    controls.bound(st.toggle, "ranking.skill_score", "Skill score")


def _cards(
    board: Board,
    curves: dict[str, NdcgCurve],
    pair: tuple[Side, Side] | None,
    test: Difference | None,
    k: int,
) -> None:
    gain = models.chosen_gain(board)
    first = next(iter(models.sides_of(board).values()))
    ranked, left = ranking.ranked_queries(board, first.answers, gain)
    n = f"{ranked:,} queries"
    cards = []
    for role, curve in curves.items():
        at = k - 1
        gained = float(skill(np.array([curve.model[at]]), np.array([curve.random[at]]))[0])
        cards.append(
            Card(
                models.ROLES[role],
                number(curve.model[at]),
                ndcg_definition(gain, k)
                + _own_gains(board, gain)
                + " Skill: (nDCG − random) / (1 − random), 0 is a random order, 1 the ideal.",
                n,
                interval(curve.low[at], curve.high[at]),
                f"skill {number(gained, 2)}",
                role=role,
            )
        )
    if pair and test:
        cards.append(
            Card(
                "A − B",
                signed(test.delta),
                f"Paired over queries: {ranking.RESAMPLES:,} bootstrap draws, "
                f"{test.permutations:,} swaps. Four such tests in five detect a true difference of "
                f"{number(test.smallest_detectable)}. {test.definition}",
                f"{n}, smallest detectable {number(test.smallest_detectable)}",
                interval(test.low, test.high),
                f"p = {test.p:.4f}",
                verdict(test.verdict, "B"),
            )
        )
    st.markdown(f"**{md(ndcg_name(gain, k))}**, with 95 % intervals over queries")
    metric_cards(cards, "ranking_cards", "nDCG of each model, and of A minus B")
    if left:
        st.caption(f"{left:,} queries have no ad of any gain and are left out.")
    models.say_ties(board, *models.sides_of(board).values())


def _own_gains(board: Board, gain: str) -> str:
    """What each grade is worth where the data set states it, as a sentence."""
    scheme = board.pairs.scheme
    if gain != OWN:
        return ""
    worths = zip(scheme.grades, scheme.own_gains, strict=True)
    return f" Here {', '.join(f'{name} is worth {worth:g}' for name, worth in worths)}."


def _chart(board: Board, curves: dict[str, NdcgCurve], k: int) -> None:
    from app.kit.figures import ranking as figures  # Plotly, only on this tab

    now, last, gain = state.now().ranking, models.deepest(board), models.chosen_gain(board)
    sides = models.sides_of(board)
    lines = [figures.Line(role, sides[role].name, curve) for role, curve in curves.items()]
    figure = figures.ndcg_over_depth(lines, gain, k, last, now.skill_score, dark=controls.dark())
    of = "; ".join(f"{models.ROLES[r]} {number(c.model[k - 1])}" for r, c in curves.items())
    first = next(iter(curves.values()))
    sentence = (
        f"{ndcg_name(gain, k)}: {of}; random order {number(first.random[k - 1])}, "
        f"worst {number(first.worst[k - 1])}, ideal 1."
    )
    marks = models.provenance(board, *sides.values()) + f"; gain {gain}"
    what = "Skill score of nDCG" if now.skill_score else "nDCG"
    title = f"{what} by depth, {GAIN_LABELS[gain].lower()}"
    caption = models.caption(board, title, *sides.values())
    controls.chart(figure, figures.ndcg_table(lines, last), sentence, "ndcg_curve", marks, caption)
    controls.bound(st.slider, "ranking.k", "Depth k", min_value=1, max_value=DEPTH)
    if now.k > last:
        st.caption(f"No list is longer than {last} ads, so k = {last} is shown.")


def _variants(board: Board, k: int) -> None:
    """Which model is best under which variant: a choice that papers seldom name."""
    from app.kit.figures import ranking as figures

    st.subheader("Does the variant decide which model is best?", anchor=False)
    standings = ranking.standings(board)
    names = unique_names(standings)
    shown = {names[s.key]: s.values for s in standings}
    roles = {names[s.answers.key]: role for role, s in models.sides_of(board).items()}
    left = ranking.left_out(board)
    sentence = f"{variant_finding(shown)}{_left_words(left, len(board.pairs))}"
    st.text(sentence)
    figure = figures.rank_moves(shown, roles, (models.chosen_gain(board), k), controls.dark())
    marks = f"KD Lab ranking of models; data {board.pairs.content_hash}"
    caption = models.caption(board, "Rank of each model under each variant of nDCG")
    controls.chart(figure, figures.rank_table(shown), sentence, "ndcg_variants", marks, caption)


def unique_names(standings: list[ranking.Standing]) -> dict[str, str]:
    """A name for each model's key; models that share a title carry their key as well."""
    titles = [s.title for s in standings]
    return {
        s.key: s.title if titles.count(s.title) == 1 else f"{s.title} ({s.key})" for s in standings
    }


def variant_finding(shown: dict[str, dict[tuple[str, int], float]]) -> str:
    """How many models change place between the variants, and whether the best one stays so."""
    from app.kit.figures.ranking import ranks

    places = ranks(shown)
    variants = list(next(iter(shown.values())))
    movers = [name for name, own in places.items() if len(set(own.values())) > 1]
    firsts = {name for v in variants for name, own in places.items() if own[v] == 1}
    if not movers:
        order = f"All {len(variants)} variants put the {len(places)} models in one order"
        return f"{order}.{_equal_words(places)}"
    best = "the best one stays the best" if len(firsts) == 1 else f"{len(firsts)} are best in one"
    return (
        f"{len(movers)} of {len(places)} models change place between these {len(variants)} "
        f"variants; {best}. The skill score orders models as nDCG does: random is the data's."
        f"{_equal_words(places)}"
    )


def _equal_words(places: dict[str, dict[tuple[str, int], int]]) -> str:
    """Which models share their place under every variant."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, own in places.items():
        alike.setdefault(tuple(own.values()), []).append(name)
    shared = [f" {' and '.join(names)} share a place." for names in alike.values() if names[1:]]
    return "".join(shared)


def _left_words(left: list[tuple[str, int]], pairs: int) -> str:
    """Which models are not ranked, since they have not scored all of these pairs."""
    names = ", ".join(f"{title} (scored {count:,} of {pairs:,})" for title, count in left)
    return f" Left out: {names}." if names else ""

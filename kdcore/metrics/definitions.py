"""Declare every metric that the lab shows; pages, cards, tests and comparisons read it from here.

To add a metric: write its function in metrics/, its entry here, and its values per pair or per
query in evaluation/measures.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from kdcore.labels import GAINS, OWN

Kind = Literal["mean", "area", "gap", "ceiling"]
Over = Literal["ranked", "labelled", "pairs", "correlated", "ranked_own"]
Reads = Literal["order", "relevance", "grades"]
Needs = Literal["labels", "truth", "teacher"]
Unit = Literal["pairs", "queries"]
Place = Literal["headline", "cards", "selection", "model_card", "report", "tutorial"]
DEPTHS = (1, 3, 5, 10)
VERSION = 3  # raised when a value, an interval or a verdict is computed differently


@dataclass(frozen=True)
class Definition:
    """A metric: its name, its exact variant in a sentence, how it is computed, and where it stands.

    kind: "mean", a quotient of sums over queries; "gap", a sum of absolute gaps (ECE); "area",
        under a curve over all labelled pairs; "ceiling", the area that the truth itself reaches.
    over: what a mean is over: all pairs, labelled ones, queries with an ideal order ("ranked", with
        the data set's own gains "ranked_own"), or queries that the teacher orders ("correlated").
    reads: what a model must give: an order of the pairs, P(relevant), or P(grade).
    needs: what the pairs must have beside the model's answer.
    short: its name in a list of metrics, where it reads more than the order.
    least, most: the ends of its range.
    shown_in: the places that show it; every table of all metrics has it anyway.
    """

    name: str
    sentence: str
    kind: Kind = "mean"
    over: Over = "labelled"
    reads: Reads = "order"
    needs: Needs = "labels"
    short: str = ""
    higher_is_better: bool = True
    least: float = 0.0
    most: float = 1.0
    shown_in: frozenset[Place] = frozenset()

    @property
    def unit(self) -> Unit:
        """What it is a number of: pairs or queries."""
        return "queries" if self.over in ("ranked", "ranked_own", "correlated") else "pairs"

    @property
    def bounds(self) -> tuple[float, float]:
        """The ends of its range."""
        return self.least, self.most


def ndcg_key(gain: str, k: int) -> str:
    """Return the key of nDCG at k.

    "ndcg@5" for gain 2^grade - 1, "ndcg_linear@5" for the grade, "ndcg_own@5" for the gains that
    the data set gives its grades.
    """
    return f"ndcg@{k}" if gain == "exp2" else f"ndcg_{gain}@{k}"


def _ndcg(gain: str, k: int) -> Definition:
    title, worth = {
        "exp2": ("", "gain 2^grade - 1"),
        "linear": (", linear gain", "gain the grade"),
        OWN: (", own gains", "gain as the data set states it for each grade"),
    }[gain]
    order = "expected grade"
    if gain == OWN:
        order += " (the gains weigh an order and do not make it)"
    places: dict[str, frozenset[Place]] = {
        "ndcg@1": frozenset({"report"}),
        "ndcg@5": _EVERYWHERE,
        "ndcg@10": frozenset({"model_card", "report"}),
        "ndcg_linear@5": frozenset({"tutorial"}),
    }
    return Definition(
        f"nDCG@{k}{title}",
        f"Mean over queries of DCG@{k} / ideal DCG@{k}, {worth}, ranked by {order}, judged ads "
        "only, ties averaged, queries of ideal 0 left out.",
        over="ranked_own" if gain == OWN else "ranked",
        shown_in=places.get(ndcg_key(gain, k), frozenset()),
    )


_EVERYWHERE: frozenset[Place] = frozenset(
    {"headline", "cards", "selection", "model_card", "report", "tutorial"}
)
_CORRECTED = (
    ", corrected for what chance adds: a gap smaller than its standard error s counts as gap² / "
    "s - s. Its interval is for the true error and allows for what the correction may miss."
)
CATALOG: Mapping[str, Definition] = {
    "roc_auc": Definition(
        "ROC-AUC",
        "P(a relevant pair has higher log-odds of relevance than an irrelevant one), ties half.",
        kind="area",
        shown_in=_EVERYWHERE,
    ),
    "pr_auc": Definition(
        "PR-AUC",
        "Average precision, step-wise, by log-odds of relevance, ties as one step.",
        kind="area",
        shown_in=frozenset({"model_card", "report", "tutorial"}),
    ),
    "accuracy": Definition(
        "Accuracy",
        "Share of pairs where relevance >= 0.5 says what the label says.",
        reads="relevance",
        short="accuracy",
        shown_in=frozenset({"selection", "model_card", "report"}),
    ),
    "grade_accuracy": Definition(
        "Grade accuracy",
        "Share of pairs whose likeliest grade is the label.",
        reads="grades",
        short="grade accuracy",
    ),
    "nll": Definition(
        "NLL",
        "Mean -log P(grade) at T = 1, nats.",
        reads="grades",
        short="NLL",
        higher_is_better=False,
        most=inf,
        shown_in=_EVERYWHERE,
    ),
    "brier": Definition(
        "Brier score",
        "Mean (relevance - label)², two classes, 0 to 1.",
        reads="relevance",
        short="Brier",
        higher_is_better=False,
    ),
    "ece_width": Definition(
        "ECE, equal width",
        "Expected calibration error of relevance over 15 bins of equal width" + _CORRECTED,
        kind="gap",
        reads="relevance",
        short="ECE",
        higher_is_better=False,
    ),
    "ece_mass": Definition(
        "ECE, equal mass",
        "Expected calibration error of relevance over 15 bins of equally many pairs" + _CORRECTED,
        kind="gap",
        reads="relevance",
        short="ECE",
        higher_is_better=False,
        shown_in=frozenset({"cards", "selection", "model_card", "report"}),
    ),
    **{ndcg_key(gain, k): _ndcg(gain, k) for gain in (*GAINS, OWN) for k in DEPTHS},
    "truth_kl": Definition(
        "KL to the truth",
        "Mean KL(true P(grade) || model at T = 1), nats.",
        over="pairs",
        reads="grades",
        needs="truth",
        short="KL",
        higher_is_better=False,
        most=inf,
        shown_in=frozenset({"tutorial"}),
    ),
    "truth_mae": Definition(
        "Distance to the truth",
        "Mean |relevance - true relevance|.",
        over="pairs",
        reads="relevance",
        needs="truth",
        short="error against the truth",
        higher_is_better=False,
    ),
    "truth_auc": Definition(
        "Ceiling of ROC-AUC",
        "ROC-AUC that the true relevance reaches on these labels.",
        kind="ceiling",
        needs="truth",
    ),
    "teacher_kl": Definition(
        "KL to the teacher",
        "Mean KL(teacher || model), both at the temperature given, nats, without T².",
        over="pairs",
        reads="grades",
        needs="teacher",
        short="KL",
        higher_is_better=False,
        most=inf,
        shown_in=frozenset({"selection"}),
    ),
    "teacher_agreement": Definition(
        "Same top grade as the teacher",
        "Share of pairs whose likeliest grade is the teacher's.",
        over="pairs",
        reads="grades",
        needs="teacher",
        short="agreement with the teacher",
    ),
    "teacher_rank_correlation": Definition(
        "Rank correlation with the teacher",
        "Mean over queries of Spearman's rho of the ranking scores inside the query, equal "
        "scores at their mean rank; queries in which all ads have the same teacher score are "
        "left out.",
        over="correlated",
        needs="teacher",
        least=-1.0,
    ),
}


def of_kind(*kinds: Kind) -> tuple[str, ...]:
    """Return the keys of the metrics of these kinds, in the order of the catalog."""
    return tuple(key for key, metric in CATALOG.items() if metric.kind in kinds)


def needing(need: Needs) -> tuple[str, ...]:
    """Return the keys of the metrics that need this, in the order of the catalog."""
    return tuple(key for key, metric in CATALOG.items() if metric.needs == need)


def shown_in(place: Place) -> tuple[str, ...]:
    """Return the keys that a place shows: areas first, then ranking metrics, then the others."""
    keys = [key for key, metric in CATALOG.items() if place in metric.shown_in]
    return tuple(
        sorted(keys, key=lambda k: (CATALOG[k].kind != "area", CATALOG[k].unit != "queries"))
    )


def names_reading(*reads: Reads) -> tuple[str, ...]:
    """Return the short names of the metrics that read these of a model, without repeats."""
    return tuple(
        dict.fromkeys(m.short for what in reads for m in CATALOG.values() if m.reads == what)
    )

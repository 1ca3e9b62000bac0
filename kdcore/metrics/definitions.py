"""Every metric the lab shows: its key, its name, the exact variant, and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from kdcore.labels import GAINS

Unit = Literal["pairs", "queries"]
DEPTHS = (1, 3, 5, 10)
# what a metric reads of a model beside the order of the pairs, and the metric's short name
OF_GRADES = {
    "grade_accuracy": "grade accuracy",
    "nll": "NLL",
    "truth_kl": "KL",
    "teacher_kl": "KL",
    "teacher_agreement": "agreement with the teacher",
}
OF_RELEVANCE = {
    "accuracy": "accuracy",
    "brier": "Brier",
    "ece_width": "ECE",
    "ece_mass": "ECE",
    "truth_mae": "error against the truth",
}
VERSION = 3  # raised when a value, an interval or a verdict is worked out otherwise


@dataclass(frozen=True)
class Definition:
    """What a metric is called, which variant it is, what it counts, and which way is better.

    least, most: the ends of its range.
    """

    name: str
    sentence: str
    unit: Unit = "pairs"
    higher_is_better: bool = True
    least: float = 0.0
    most: float = 1.0


def _ndcg_definitions() -> dict[str, Definition]:
    worth = {"exp2": "2^grade - 1", "linear": "the grade"}
    return {
        ndcg_key(gain, k): Definition(
            f"nDCG@{k}" if gain == "exp2" else f"nDCG@{k}, linear gain",
            f"Mean over queries of DCG@{k} / ideal DCG@{k}, gain {worth[gain]}, ranked by expected "
            "grade, judged ads only, ties averaged, queries of ideal 0 left out.",
            "queries",
        )
        for gain in GAINS
        for k in DEPTHS
    }


def ndcg_key(gain: str, k: int) -> str:
    """The key of nDCG at k: "ndcg@5" for gain 2^grade - 1, "ndcg_linear@5" for the grade."""
    return f"ndcg@{k}" if gain == "exp2" else f"ndcg_{gain}@{k}"


_CORRECTED = (
    ", corrected for what chance adds: a gap smaller than its standard error s counts as gap² / "
    "s - s. Its interval is for the true error and allows for what the correction may miss."
)
CATALOG: Mapping[str, Definition] = {
    "roc_auc": Definition(
        "ROC-AUC",
        "P(a relevant pair has higher log-odds of relevance than an irrelevant one), ties half.",
    ),
    "pr_auc": Definition(
        "PR-AUC", "Average precision, step-wise, by log-odds of relevance, ties as one step."
    ),
    "accuracy": Definition(
        "Accuracy", "Share of pairs where relevance >= 0.5 says what the label says."
    ),
    "grade_accuracy": Definition(
        "Grade accuracy", "Share of pairs whose likeliest grade is the label."
    ),
    "nll": Definition(
        "NLL", "Mean -log P(grade) at T = 1, nats.", higher_is_better=False, most=inf
    ),
    "brier": Definition(
        "Brier score", "Mean (relevance - label)², two classes, 0 to 1.", higher_is_better=False
    ),
    "ece_width": Definition(
        "ECE, equal width",
        "Expected calibration error of relevance over 15 bins of equal width" + _CORRECTED,
        higher_is_better=False,
    ),
    "ece_mass": Definition(
        "ECE, equal mass",
        "Expected calibration error of relevance over 15 bins of equally many pairs" + _CORRECTED,
        higher_is_better=False,
    ),
    **_ndcg_definitions(),
    "truth_kl": Definition(
        "KL to the truth",
        "Mean KL(true P(grade) || model at T = 1), nats.",
        higher_is_better=False,
        most=inf,
    ),
    "truth_mae": Definition(
        "Distance to the truth", "Mean |relevance - true relevance|.", higher_is_better=False
    ),
    "truth_auc": Definition(
        "Ceiling of ROC-AUC", "ROC-AUC that the true relevance reaches on these labels."
    ),
    "teacher_kl": Definition(
        "KL to the teacher",
        "Mean KL(teacher || model), both at the temperature given, nats, without T².",
        higher_is_better=False,
        most=inf,
    ),
    "teacher_agreement": Definition(
        "Same top grade as the teacher", "Share of pairs whose likeliest grade is the teacher's."
    ),
    "teacher_rank_correlation": Definition(
        "Rank correlation with the teacher",
        "Mean over queries of Spearman's rho of the ranking scores inside the query, equal "
        "scores at their mean rank; queries in which all ads have the same teacher score are "
        "left out.",
        "queries",
        least=-1.0,
    ),
}


def bounds_of(key: str) -> tuple[float, float]:
    """The range of a metric."""
    return CATALOG[key].least, CATALOG[key].most

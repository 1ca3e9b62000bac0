"""The terms of the lab, each defined once; the list stands under `?` on every page.

A term that is computed somewhere takes its sentence from there, so that tooltip, report and
glossary never disagree.
"""

from kdcore.evaluation.gap import DEFINITION as GAP_RECOVERED
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import RULE

TERMS = (
    ("teacher, student", "a large model, and a small one that learns from its predictions"),
    (
        "twin",
        "the same student, trained the same way on labels alone: what it would be without the "
        "teacher",
    ),
    (
        "grade, hard label",
        "the class that a person or a rule gave a pair, such as bad, fair, good or excellent",
    ),
    ("logits", "the raw numbers of a model, one per grade, before they become probabilities"),
    ("soft label", "a model's probability of each grade of a pair, in place of one hard label"),
    (
        "temperature T",
        "divides a model's logits before they become probabilities: T above 1 flattens the soft "
        "label, T = 1 leaves it as it is",
    ),
    (
        "soft weight, hard weight",
        "how much the soft labels and the hard labels count in the loss of a student",
    ),
    ("transfer set", "the pairs that a student learns from, with or without hard labels"),
    (
        "relevance, pDefect",
        "a model's probability that the ad is relevant to the query, and 1 minus it",
    ),
    ("truth", "the exact probability of each grade, known for the bundled, generated world only"),
    ("gap recovered", GAP_RECOVERED),
    ("verdict", RULE),
    (
        "interval",
        "95 % confidence interval from bootstrap samples of whole queries: about 95 of 100 such "
        "intervals contain the true value",
    ),
    (
        "p",
        "how often a difference at least as large appears when the two models swap queries at "
        "random, as if they were equally good",
    ),
    ("n", "the number of pairs or queries behind a value"),
    (
        "nats",
        "the unit of KL divergence and log-likelihood with natural logarithms: 1 nat = 1.44 bits",
    ),
    (
        "KL divergence",
        "how far one set of probabilities is from another; 0 when they are equal",
    ),
    ("ROC-AUC", CATALOG["roc_auc"].sentence),
    ("nDCG@5", CATALOG["ndcg@5"].sentence),
    ("NLL", CATALOG["nll"].sentence),
    ("ECE", CATALOG["ece_mass"].sentence),
    ("label density", "the share of each grade among the first k ads of every query"),
)

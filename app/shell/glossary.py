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
        "the same student with the same seed, trained on labels alone: what it would be without "
        "the teacher. It may see other pairs than the student, which also learns from unlabelled "
        "ones",
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
    (
        "gap recovered, AUC gain kept",
        f"{GAP_RECOVERED} For ROC-AUC, the KDD 2022 tutorial and the page Recipe call it AUC gain "
        "kept",
    ),
    (
        "the teacher of Recipe",
        "each pipeline trains a teacher of its own, on its own pairs; only the pipeline of the "
        "bundled example has the teacher of the other pages, so compare values within a pipeline",
    ),
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
    (
        "nDCG by the truth",
        "on Retrieval: nDCG@5 or nDCG@10 of the ads that a search shows first, by what each of "
        "all ads is worth, against the best order of all of them; an ad that was not found counts "
        "as missing. It is another number than nDCG@5 above, and the two cannot be compared",
    ),
    (
        "recall@k",
        "the share of the k right ads that are among the first k found; each page says what is "
        "right: the first k of exact search, of the truth, or of the teacher",
    ),
    ("ceiling", "the nDCG that a perfect later step would reach with the ads that are handed on"),
    (
        "overlap@k",
        "the share of a pair's k nearest pairs that are the same in the spaces of two models",
    ),
    (
        "CKA, RSA",
        "how alike two models' spaces are as a whole; 1 is alike. CKA compares the inner products "
        "of their features, RSA the ranks of the distances between pairs",
    ),
    ("NLL", CATALOG["nll"].sentence),
    ("ECE", CATALOG["ece_mass"].sentence),
    ("label density", "the share of each grade among the first k ads of every query"),
)

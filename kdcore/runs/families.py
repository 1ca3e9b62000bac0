"""The family of a training: the kind of distillation by which a list tells runs apart."""

from collections.abc import Mapping
from typing import Any

from kdcore.runs.loss_terms import soft_terms

FIRST = "response"  # what the other terms stand beside
SEVERAL = "several"

# by its key: what the screen says, in the order of lists and legends
FAMILIES: Mapping[str, str] = {
    "labels": "Labels only",
    "response": "Response",
    "feature": "+ feature",
    "relation": "+ relation",
    "ranking": "+ ranking",
    "internal": "+ internal",
    SEVERAL: "Several terms",
    "residual": "Residual",
    "ensemble": "Ensemble",
    "online": "Online",
    "self": "Self",
}
KINDS = {"teacher": "Teacher", **FAMILIES}  # what lists of runs tell apart
NAMES = {**KINDS, "": "Other"}  # in the order of legends
# the word before the colon of a teacher that is no single run
_BY_TEACHER = {"ensemble": "ensemble", "peer": "online", "born_again": "self", "ema": "self"}


def family_of(settings: Mapping[str, Any]) -> str:
    """The family of a run's settings; "" where nothing was trained, or by no known method.

    A teacher that is no single run decides; else a loss of response and one method more is of that
    method's family, and of two more it is several. Terms of weight 0 do not count.
    """
    if settings.get("stage") == "finetune":
        return "labels"
    if family := _BY_TEACHER.get(str(settings.get("teacher") or "").partition(":")[0]):
        return family
    terms = [term for term in soft_terms(settings).values() if term.weight]
    methods = dict.fromkeys(term.method for term in terms if term.method != FIRST)
    if len(methods) > 1:
        return SEVERAL
    family = next(iter(methods), FIRST if soft_terms(settings) else "")
    return family if family in FAMILIES else ""

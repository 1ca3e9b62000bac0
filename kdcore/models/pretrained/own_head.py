"""A ready classifier's own head, matched to the grades of the data; one that misfits is refused."""

from dataclasses import dataclass
from typing import Any

from kdcore.errors import DataError
from kdcore.labels import LabelScheme
from kdcore.models.pretrained.head import HeadPlan, plan_head

_FINETUNE = "fine-tune it, which gives it a new head: kdlab finetune --model FOLDER"


@dataclass(frozen=True)
class _Labels:
    """What plan_head reads of a config."""

    id2label: dict[int, str]

    @property
    def num_labels(self) -> int:
        return len(self.id2label)


def plan_own_head(source: str, config: Any, scheme: LabelScheme, labels: str = "") -> HeadPlan:
    """How the labels of a classifier become the grades; DataError with a cure where they cannot.

    labels: which grade each label is, separated by commas, in the head's order; empty goes by the
    names of the config. One logit with more than two grades fits too: `one_logit` with `labels` 1.
    """
    names = {i: str(config.id2label[i]) for i in range(config.num_labels)}
    if len(names) > 1 and config.problem_type == "multi_label_classification":
        raise DataError(
            f"{source}: each label of its head is a yes or no of its own (problem_type "
            "multi_label_classification), and a pair has one grade; choose a single-label "
            f"classifier, or {_FINETUNE}"
        )
    if labels.strip():
        names = _stated(source, names, scheme, labels)
    if len(names) == 1:
        note = f"reads its one logit as the log-odds of {scheme.grades[scheme.relevant_from]!r}"
        note += " or better" if scheme.relevant_from < len(scheme) - 1 else ""
        return HeadPlan(1, True, note, one_logit=True)
    plan = plan_head(_Labels(names), scheme)
    if plan.fits:
        return plan
    listed, grades = ", ".join(names.values()), ", ".join(scheme.grades)
    if len(names) != len(scheme):
        raise DataError(
            f"{source}: its head has {len(names)} labels ({listed}) and the data {len(scheme)} "
            f"grades ({grades}); choose a classifier with one logit or one label per grade, or "
            f"{_FINETUNE}"
        )
    raise DataError(
        f"{source}: the labels of its head ({listed}) are not the grades ({grades}); say which "
        f"grade each label is, in this order, such as --labels '{','.join(scheme.grades)}', or "
        f"{_FINETUNE}"
    )


def _stated(source: str, names: dict[int, str], scheme: LabelScheme, labels: str) -> dict[int, str]:
    """The names that a person gave to the labels of the head, one grade each."""
    stated = [name.strip() for name in labels.split(",")]
    folded = sorted(name.casefold() for name in stated)
    if len(stated) != len(names) or folded != sorted(g.casefold() for g in scheme.grades):
        raise DataError(
            f"{source}: labels {labels!r} do not name each grade ({', '.join(scheme.grades)}) once "
            f"for the {len(names)} labels of its head ({', '.join(names.values())}); write a grade "
            "for each label, in the order of the labels"
        )
    return dict(enumerate(stated))

"""gap_recovered(): the share of the teacher's lead over the twin that distillation recovered.

Gap recovered = (distilled student - twin) / (teacher - twin), all three in one metric on the same
pairs. The twin is the same student trained on the labels alone. The KDD 2022 tutorial calls it
"AUC gain kept".
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdcore.data.pairs import PairTable
from kdcore.errors import lookup
from kdcore.evaluation.intervals import draws_of
from kdcore.evaluation.measures import Floats, Measured, measure
from kdcore.metrics.definitions import CATALOG, VERSION
from kdcore.metrics.significance import Support, interval
from kdcore.predictions import Predictions

DEFINITION = (
    "Gap recovered = (distilled student − twin) / (teacher − twin): the share of the teacher's "
    "lead over the twin, the same student trained on the labels alone, that distillation recovered."
)
# shown wherever a share of the teacher's lead would be
NOT_CLEAR = "n/a: the teacher is not clearly better than the twin"


@dataclass(frozen=True)
class GapRecovered:
    """Gap recovered in one metric, with its 95 % interval over queries.

    student_ft, student_kd, teacher: what twin, distilled student and teacher reach; stored results
    have these names. value: (student_kd - student_ft) / (teacher - student_ft), nan when the
    teacher has no lead. trustworthy is False when the interval of the lead contains 0:
    the number may be noise then, `reason` says so, and `share` and `text` do not give it.
    definition: the formula in words.
    """

    name: str
    metric: str
    value: float
    low: float
    high: float
    student_ft: float
    student_kd: float
    teacher: float
    lead_low: float
    lead_high: float
    trustworthy: bool
    reason: str
    definition: str

    @property
    def share(self) -> float:
        """The value where it is meaningful; nan where the teacher is not clearly better."""
        return self.value if self.trustworthy else math.nan

    @property
    def text(self) -> str:
        """The number with its interval and what that supports, or n/a.

        "gap recovered 34 % [29, 38]"; "gap recovered 10 % [−39, 99]: perhaps nothing".
        """
        if not self.trustworthy:
            return f"gap recovered {NOT_CLEAR}"
        value, low, high = (
            f"{100 * each:.0f}".replace("-", "−") for each in (self.value, self.low, self.high)
        )
        number = f"gap recovered {value} % [{low}, {high}]"
        if self.low > 0:
            return number
        return f"{number}: {'the gap grew' if self.high < 0 else 'perhaps nothing'}"

    @property
    def sentence(self) -> str:
        """The text, and the reason where there is not a number."""
        return f"{self.text}; {self.reason}" if self.reason else self.text


def gap_recovered(
    pairs: PairTable,
    twin: Predictions,
    distilled: Predictions,
    teacher: Predictions,
    metric: str = "roc_auc",
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> GapRecovered:
    """Compute the gap recovered in a metric, with a bootstrap interval over queries.

    See the head of this module for the formula.

    twin: the same student as `distilled`, trained on the labels alone.
    """
    models = [measure(pairs, x) for x in (twin, distilled, teacher)]
    definition = lookup({k: CATALOG[k] for k in CATALOG if k in models[0].keys}, metric, "metric")
    twin_value, distilled_value, teacher_value = (float(m.value_of(metric)[0]) for m in models)
    lead = teacher_value - twin_value
    leads = lead > 0 if definition.higher_is_better else lead < 0
    ratio = (distilled_value - twin_value) / lead if leads else math.nan
    draws, support = _draws(models, metric, resamples, seed), Support.whole(models[0].queries, 2)
    (low, lead_low), (high, lead_high) = interval(draws, np.array([ratio, lead]), support, 0.0)
    clear = lead_low > 0 if definition.higher_is_better else lead_high < 0
    return GapRecovered(
        name=f"Gap recovered, {definition.name}",
        metric=metric,
        value=ratio,
        low=float(low),
        high=float(high),
        student_ft=twin_value,
        student_kd=distilled_value,
        teacher=teacher_value,
        lead_low=float(lead_low),
        lead_high=float(lead_high),
        trustworthy=bool(leads and clear),
        reason=""
        if leads and clear
        else _reason(leads, teacher_value, twin_value, float(lead_low), float(lead_high)),
        definition=DEFINITION,
    )


def _reason(leads: bool, teacher: float, twin: float, low: float, high: float) -> str:
    """Explain why the number is not given."""
    both = f"the teacher has {teacher:.4f} and the twin {twin:.4f}"
    if not leads:
        return both
    if not math.isfinite(low):
        return f"{both}, and fewer than two queries give no interval"
    ends = f"[{low:+.4f}, {high:+.4f}]".replace("-", "−")
    return f"{both}, and the 95 % interval of their difference, {ends}, contains 0"


def _draws(models: list[Measured], metric: str, resamples: int, seed: int) -> Floats:
    """Return (resamples, 2) the ratio and the teacher's lead on common draws of queries."""
    draws = draws_of(models, metric, resamples, seed)
    won, lead = draws[:, 1] - draws[:, 0], draws[:, 2] - draws[:, 0]
    ratio = np.divide(won, lead, out=np.full(len(draws), np.nan), where=np.abs(lead) > 0)
    return np.column_stack([ratio, lead])


def gap_file(
    folder: Path,
    pairs: PairTable,
    twin: Predictions,
    distilled: Predictions,
    teacher: Predictions,
    metric: str,
) -> Path:
    """Return where the gap of these pairs and answers is stored, in a run's evaluation folder."""
    digest = hashlib.sha256(f"{VERSION} {pairs.content_hash}".encode())
    for answers in (twin, distilled, teacher):
        digest.update(answers.digest.encode())
    return folder / f"gap-{metric.replace('@', '-')}-{digest.hexdigest()[:12]}.json"

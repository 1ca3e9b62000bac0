"""What a draft would cost on this machine, estimated from what was measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

from app.kit.by_hash import by_hash
from app.services import access, score_files
from app.services.boards import data_choices
from app.services.draft import Draft
from kdcore.config import DistillConfig, FinetuneConfig
from kdcore.config.teacher import files_of
from kdcore.data.answers.teaching import Coverage
from kdcore.errors import LabError
from kdcore.experiments.estimate.data_stats import stats_of
from kdcore.experiments.estimate.estimate import Estimate, estimate
from kdcore.experiments.sweep import Sweep
from kdcore.runs.resolve import resolved, settled
from kdcore.runs.twins import Twins, same_training, twin_of

_OFFERED_ONLY = (
    "A public showing estimates training only on the data sets that it offers, unchanged."
)
Seconds = tuple[float, float, float]  # expected, least and most


@dataclass(frozen=True)
class Cost:
    """The estimates of a student and of its twin.

    twin_exists: it was trained before, or is on its way. no_twin: why the student can have none
    on these data. why: the reason for no estimate at all.
    """

    student: Estimate | None = None
    twin: Estimate | None = None
    twin_exists: bool = False
    no_twin: str = ""
    why: str = ""

    @property
    def seconds(self) -> Seconds:
        """The time of all that would be run, one after the other."""
        parts = [part for part in (self.student, self.twin) if part is not None]
        return (
            sum(part.seconds for part in parts),
            sum(part.low for part in parts),
            sum(part.high for part in parts),
        )

    @property
    def is_timed(self) -> bool:
        """Whether the time can be estimated."""
        return self.student is not None and not isnan(self.seconds[0])


@by_hash(
    most=200,
    seconds=10,
    spinner="Counting pairs…",
    on=lambda config, train_twin: (access.home().root, access.public(), config, train_twin),
)
def cost(config: DistillConfig, train_twin: bool) -> Cost:
    """The cost of a draft and of its twin, cached for some seconds."""
    if access.public() and config.data not in {choice.key for choice in data_choices()}:
        return Cost(why=_OFFERED_ONLY)
    try:
        return _cost(config, train_twin, Twins(access.home()), [])
    except LabError as error:
        return Cost(why=str(error))


@by_hash(
    most=50,
    seconds=10,
    spinner="Counting pairs…",
    on=lambda config: (access.home().root, access.public(), config),
)
def teacher_cost(config: FinetuneConfig) -> Cost:
    """The cost of training a teacher, in the place of the student's; there is no twin."""
    if access.public() and config.data not in {choice.key for choice in data_choices()}:
        return Cost(why=_OFFERED_ONLY)
    try:
        config = settled(config, access.home())
        stats = stats_of(config, access.home())
        if stats.no_twin:
            return Cost(why="A teacher learns from labels; these data have no labelled pair.")
        return Cost(estimate(config, stats, access.home()))
    except LabError as error:
        return Cost(why=str(error))


def coverage_of(now: Draft) -> Coverage | None:
    """What the files of a draft's teacher score; None without files, or where it is not known."""
    teacher = str(now.at("teacher") or "")
    if not files_of(teacher) or access.public():
        return None
    limit, transfer = now.at("limit"), str(now.at("transfer") or "train")
    data = str(now.at("data") or "")
    return score_files.coverage_of(data, teacher, limit if isinstance(limit, int) else 0, transfer)


@by_hash(most=200, seconds=60, on=lambda config: (access.home().root, access.public(), config))
def usual_seconds(config: DistillConfig) -> float:
    """The time of a student and its twin, looked up once a minute; nan when it is not known."""
    return cost(config, True).seconds[0] if cost(config, True).is_timed else nan


@by_hash(
    most=100,
    seconds=10,
    on=lambda config, grid, train_twin: (
        *(access.home().root, access.public(), config, grid, train_twin),
    ),
)
def sweep_seconds(
    config: DistillConfig, grid: Mapping[str, Sequence[str]], train_twin: bool
) -> Seconds:
    """The time of a sweep around a draft, one run after the other; nan when it is not known.

    train_twin: with the twins; one that exists costs nothing, and a shared one counts once.
    """
    if access.public():
        return nan, nan, nan
    existing, planned = Twins(access.home()), list[FinetuneConfig]()
    try:
        cells = [
            _cost(cell, train_twin, existing, planned).seconds
            for cell in Sweep(config, grid).configs()
        ]
    except LabError:
        return nan, nan, nan
    expected, low, high = (sum(part) for part in zip(*cells, strict=True))
    return expected, low, high


def _cost(
    config: DistillConfig, train_twin: bool, existing: Twins, planned: list[FinetuneConfig]
) -> Cost:
    """planned: twins that were counted before; that of this student joins them."""
    home = access.home()
    config = resolved(config, home)
    stats = stats_of(config, home)
    student = estimate(config, stats, home)
    if student.generations == 1 and (not train_twin or stats.no_twin):
        return Cost(student, no_twin=stats.no_twin if train_twin else "")
    twin = twin_of(config, stats.transfer, stats.labelled)
    if existing.find(twin) or any(same_training(twin, other) for other in planned):
        return Cost(student, twin_exists=True)
    planned.append(twin)
    return Cost(student, estimate(twin, stats, home))

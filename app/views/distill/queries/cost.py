"""What a draft would cost on this machine, estimated from what was measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

from app.kit.by_hash import by_hash
from app.services import access
from app.services.boards import data_choices
from kdcore.config import DistillConfig, FinetuneConfig
from kdcore.errors import LabError
from kdcore.experiments.estimate.data_stats import stats_of
from kdcore.experiments.estimate.estimate import Estimate, estimate
from kdcore.experiments.sweep import Sweep
from kdcore.runs.resolve import resolved
from kdcore.runs.twins import Twins, same_training, twin_of

_AS_THEY_STAND = (
    "A public showing estimates training only on the data sets that it offers, unchanged."
)


@dataclass(frozen=True)
class Cost:
    """Student's and twin's estimates; reused: a twin that was trained before, or is on its way.

    why: there is no estimate. no_twin: why the student can have no twin on these data.
    """

    student: Estimate | None = None
    twin: Estimate | None = None
    reused: str = ""
    why: str = ""
    no_twin: str = ""

    @property
    def seconds(self) -> tuple[float, float, float]:
        """Expected, least and most seconds of all that would be run, one after the other."""
        parts = [part for part in (self.student, self.twin) if part is not None]
        return (
            sum(part.seconds for part in parts),
            sum(part.low for part in parts),
            sum(part.high for part in parts),
        )


@by_hash(
    most=200,
    seconds=10,
    spinner="Counting pairs…",
    on=lambda config, train_twin: (access.home().root, access.public(), config, train_twin),
)
def cost(config: DistillConfig, train_twin: bool) -> Cost:
    """The estimate of a draft and of its twin, cached for some seconds."""
    if access.public() and config.data not in {choice.key for choice in data_choices()}:
        return Cost(why=_AS_THEY_STAND)
    home = access.home()
    try:
        config = resolved(config, home)
        stats = stats_of(config, home)
        student = estimate(config, stats, home)
        if not train_twin:
            return Cost(student)
        if stats.no_twin:
            return Cost(student, no_twin=stats.no_twin)
        twin = twin_of(config, stats.transfer, stats.labelled)
        if existing := Twins(home).find(twin):
            return Cost(student, None, existing.id)
        return Cost(student, estimate(twin, stats, home))
    except LabError as error:
        return Cost(why=str(error))


@by_hash(
    most=100,
    seconds=10,
    on=lambda config, grid, train_twin: (
        *(access.home().root, access.public(), config, grid, train_twin),
    ),
)
def sweep_seconds(
    config: DistillConfig, grid: Mapping[str, Sequence[str]], train_twin: bool
) -> tuple[float, float, float]:
    """Expected, least and most seconds of a sweep around a draft; nan where nobody knows.

    train_twin: with the twins; one that exists costs nothing, and a shared one counts once.
    """
    if access.public():
        return nan, nan, nan
    home = access.home()
    existing, twins = Twins(home), list[FinetuneConfig]()
    total = [0.0, 0.0, 0.0]
    try:
        for cell in Sweep(config, grid).configs():
            student = resolved(cell, home)
            stats = stats_of(student, home)
            parts = [estimate(student, stats, home)]
            if train_twin and not stats.no_twin:
                twin = twin_of(student, stats.transfer, stats.labelled)
                counted = existing.find(twin) or any(same_training(twin, t) for t in twins)
                if not counted:
                    twins.append(twin)
                    parts.append(estimate(twin, stats, home))
            for part in parts:
                for place, seconds in enumerate((part.seconds, part.low, part.high)):
                    total[place] += seconds
    except LabError:
        return nan, nan, nan
    return total[0], total[1], total[2]

"""The points of the curves of runs, from their metric lines, and how a few runs are called."""

from collections.abc import Sequence
from math import isfinite

from app.kit.by_hash import by_hash
from app.kit.figures.training import Curve
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST
from app.services.runs.names import named, names
from kdcore.runs.metric_lines import METRICS, read_lines
from kdcore.runs.store import Run

_MOST_NAMED = 3  # runs of a list that are named; the rest are counted


def drawn(runs: Sequence[Entry], field: str) -> list[Curve]:
    """A curve for each run of which two metric lines or more have this field."""
    labels = names([named(e.key, e.row.run) for e in runs], short=True)
    curves = []
    for entry in runs:
        points = points_of(entry.row.run, field)
        if len(points) > 1:
            label = labels.get(entry.key, entry.title)
            curves.append(Curve(entry.key, entry.title, label, entry.family, points))
    return curves


def points_of(run: Run, field: str) -> tuple[tuple[int, float], ...]:
    """(step, value) of each metric line of a run that has a value of this field."""
    return _points(run, _changed(run), field)


def _changed(run: Run) -> int:
    path = run.folder / METRICS
    return path.stat().st_mtime_ns if path.is_file() else 0


@by_hash(most=2 * MOST, on=lambda run, changed, field: (run.folder, changed, field))
def _points(run: Run, changed: int, field: str) -> tuple[tuple[int, float], ...]:
    """(step, value) of each line that has a value; changed: when the lines last were."""
    lines = (line for _, line in read_lines(run.folder))
    return tuple((int(x["step"]), x[field]) for x in lines if isfinite(x.get(field, float("nan"))))


def titles_of(runs: Sequence[Entry]) -> str:
    """The titles of some runs; the twin of one before it is called that, and many are counted."""
    ids = {e.row.id for e in runs}
    twins = {e.row.id: e.row.run.purpose.twin for e in runs if e.row.run.purpose.twin in ids}
    titles = [
        f"{e.title} and its twin" if e.row.id in twins else e.title
        for e in runs
        if e.row.id not in twins.values()
    ]
    more = f" and {len(titles) - _MOST_NAMED:,} more" if len(titles) > _MOST_NAMED else ""
    return ", ".join(titles[:_MOST_NAMED]) + more

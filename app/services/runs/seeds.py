"""Runs that differ in their seed alone: which share a row of the table, and each one's own twin."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from app import state
from app.services.runs.differences import kept_delta
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from kdcore.evaluation.comparison import Difference
from kdcore.judging.drift import reasons
from kdcore.runs.listing import Row
from kdcore.runs.twins import find_twin


def rows_of(view: RunsView) -> list[tuple[Entry, ...]]:
    """The shown runs as rows of the table: runs that differ in their seed alone are one row.

    The baseline stays in a row of its own: all differences are to that one run.
    """
    if not state.now().runs.fold_seeds:
        return [(entry,) for entry in view.shown]
    rows: dict[tuple[str, str, str, int], list[Entry]] = {}
    for entry in view.shown:
        is_base = view.base is not None and entry.key == view.base.key
        # numbers of other inputs have no common mean
        place = "baseline" if is_base else "apart" if entry.key in view.apart else ""
        same = (entry.row.run.settings_but_seed, entry.row.test.data_hash, place)
        again = 0  # the same seed once more is no other draw: it stands in a row of its own
        while any(e.row.run.seed == entry.row.run.seed for e in rows.get((*same, again), ())):
            again += 1
        rows.setdefault((*same, again), []).append(entry)
    return [tuple(each) for each in rows.values()]


def own_twins(view: RunsView, of: Sequence[Entry] | None = None) -> dict[Path, Row]:
    """The own twin of each distilled run by its folder; of: some of them, else all.

    As it was launched, else one of the same budget; only where the two may be compared.
    """
    of = [e for e in view.entries if e.row.run.is_distilled] if of is None else of
    rows = {e.row.run.folder: e.row for e in view.entries}
    by_budget: dict[str, list[Row]] = {}
    for entry in view.entries:
        if entry.role == "twin":
            by_budget.setdefault(entry.row.run.twin_group, []).append(entry.row)
    twins: dict[Path, Row] = {}
    for entry in of:
        row = entry.row
        launched = row.run.purpose.twin
        named = rows.get(row.run.folder.parent / launched) if launched else None
        alike = find_twin(row.run, [each.run for each in by_budget.get(row.run.twin_group, ())])
        twin = named or (rows[alike.folder] if alike else None)
        both_tested = twin is not None and view.metric in twin.test.metrics and row.test.metrics
        if twin is not None and not (both_tested and reasons(row, twin, view.metric)):
            twins[row.run.folder] = twin
    return twins


def to_own_twins(
    each: Sequence[Entry], twins: Mapping[Path, Row], metric: str
) -> list[Difference | None]:
    """The stored difference of each run to its own twin; a twin that two share counts once."""
    differences: list[Difference | None] = []
    used: set[Path] = set()
    for entry in each:
        twin = twins.get(entry.row.run.folder)
        stored = kept_delta(entry.row, twin) if twin and twin.run.folder not in used else None
        if twin and stored is not None:
            used.add(twin.run.folder)
        differences.append(stored.get(metric) if stored else None)
    return differences

"""Verdicts of the table of runs, each with its opponent: the run's own twin, or the baseline ★."""

from collections.abc import Mapping, Sequence
from math import isnan, nan
from pathlib import Path

from app.kit.texts import signed, verdict
from app.services.cautions import unequal_budgets
from app.services.runs.differences import kept_delta, lacking
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.services.runs.seeds import to_own_twins
from kdcore.judging.seeds import Seeded, fold
from kdcore.runs.listing import Row

NOT_YET = "not computed yet"  # a cell whose difference comes from the background


def to_base(view: RunsView, entry: Entry) -> str:
    """The interval of the difference to the baseline, or that it is not computed yet."""
    if (delta := view.delta(entry)) is not None:
        return f"[{signed(delta.low)}, {signed(delta.high)}]"
    if view.base is None or entry.key == view.base.key or entry.key in view.apart:
        return ""
    return NOT_YET if lacking([entry.row], view.base.row, {}) else ""


def against_twin(view: RunsView, entry: Entry, twin: Row | None) -> str:
    """The verdict against the own twin, its difference, and a mark where budgets differ."""
    if twin is None:
        return ""
    if (delta := (kept_delta(entry.row, twin) or {}).get(view.metric)) is None:
        return NOT_YET if lacking([entry.row], None, {entry.row.run.folder: twin}) else ""
    mark = " ⚖" if unequal_budgets(entry.row.run, twin.run) else ""
    return f"{verdict(delta.verdict, 'its twin')}, {signed(delta.delta)}{mark}"


def against_base(view: RunsView, entry: Entry, word: str, is_base: bool) -> str:
    """The verdict against ★, or why there is none."""
    if is_base:
        return "baseline"
    if why := view.apart.get(entry.key):
        return ", ".join(why)
    return verdict(word, "★") if word else ""


def over_twins(view: RunsView, each: Sequence[Entry], twins: Mapping[Path, Row]) -> tuple[str, str]:
    """The mean difference to the own twins with its interval over seeds, and the verdict on it."""
    deltas = to_own_twins(each, twins, view.metric)
    runs = []
    for e, d in zip(each, deltas, strict=True):
        run, value, delta = e.row.run, e.value(view.metric), d.delta if d else nan
        runs.append(Seeded(e.key, run.settings_but_seed, run.seed, value, delta))
    row = fold(runs, view.metric)[0]
    if not row.delta.n:
        return "", ""
    ends = "" if isnan(row.low) else f" [{signed(row.low)}, {signed(row.high)}]"
    difference = f"; to {row.delta.n} own twins {signed(row.delta.mean)}{ends}"
    return difference, verdict(row.verdict, "own twins")

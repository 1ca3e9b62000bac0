"""Verdicts of the table of runs, each with the name of its opponent: the own twin, or ★."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.kit.texts import signed, verdict
from app.services.cautions import unequal_budgets
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.services.runs.measured import kept_delta
from app.services.runs.seeds import to_own_twins
from kdcore.judging.seeds import Seeded, fold
from kdcore.runs.listing import Row


def beside_twin(view: RunsView, entry: Entry, twin: Row | None) -> str:
    """The verdict against the own twin, its difference, and a mark where budgets differ."""
    differences = kept_delta(entry.row, twin) if twin is not None else None
    delta = differences.get(view.metric) if differences else None
    if twin is None or delta is None:
        return ""
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
    runs = [
        Seeded(e.key, run.setting, run.seed, e.value(view.metric), d.delta if d else math.nan)
        for e, run, d in zip(each, (e.row.run for e in each), deltas, strict=True)
    ]
    folded = fold(runs, view.metric)[0]
    if not folded.delta.n:
        return "", ""
    ends = f" [{signed(folded.low)}, {signed(folded.high)}]" if folded.low == folded.low else ""
    return (
        f"; to {folded.delta.n} own twins {signed(folded.delta.mean)}{ends}",
        verdict(folded.verdict, "own twins"),
    )

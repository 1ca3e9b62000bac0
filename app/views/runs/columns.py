"""The columns of the table of runs: what stands in them, how they are headed and drawn."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.kit.texts import md, number, signed
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.services.runs.names import without_seed
from app.views.runs import verdicts
from app.views.runs.finding import interval, spread_words
from kdcore.judging.seeds import FEWEST, spread
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import RULE
from kdcore.runs.listing import Row

_SAID = ("stage", "student.name", "method.name", "data", "teacher")  # have columns of their own
_WORDS = ("student", "method", "data", "teacher")


def table(
    view: RunsView, folded: Sequence[Sequence[Entry]], twins: Mapping[Path, Row]
) -> pd.DataFrame:
    """A row a shown run, or its seeds; settings come last but for tags and notes, if they differ.

    twins: the own twin of each shown run, by its folder.
    """
    name = CATALOG[view.metric].name
    rows = [
        _row(view, each[0], name, twins) | _over_seeds(view, each, name, twins) for each in folded
    ]
    columns: dict[str, list[Any]] = {c: [row[c] for row in rows] for c in rows[0]}
    columns |= {p: [_values(each, p) for each in folded] for p in _settings(view.shown)}
    columns["tags"] = [
        ", ".join(dict.fromkeys(t for e in each for t in e.mark.tags)) for each in folded
    ]
    columns["note"] = [" / ".join(e.mark.note for e in each if e.mark.note) for each in folded]
    columns["run"] = [", ".join(e.key for e in each) for each in folded]
    table = pd.DataFrame(columns)
    if _differing() and len(table) > 1:
        table = table.drop(columns=[c for c in _WORDS if table[c].nunique(dropna=False) < 2])
    empty = [
        c for c in ("p50 ms", "tags", "note", "group", "seeds", "twin") if not _filled(table[c])
    ]
    return table.drop(columns=empty)


def setting_columns(shown: Sequence[Entry], *, everything: bool) -> list[str]:
    """Paths of settings, in the order of the configs; only differing ones unless everything."""
    settings = [entry.row.settings for entry in shown]
    paths = dict.fromkeys(path for each in settings for path in each)
    shown_paths = [path for path in paths if path not in _SAID]
    if everything:
        return shown_paths
    return [path for path in shown_paths if len({each.get(path) for each in settings}) > 1]


def _settings(shown: Sequence[Entry]) -> list[str]:
    """Those of the table: sizes of a student stand in its short name where they only differ."""
    if not _differing():
        return setting_columns(shown, everything=True)
    paths_shown = setting_columns(shown, everything=False)
    return [p for p in paths_shown if not p.startswith("student.params.")]


def _differing() -> bool:
    return state.now().runs.differing_only


def _row(view: RunsView, entry: Entry, name: str, twins: Mapping[Path, Row]) -> dict[str, Any]:
    row, measured = entry.row, entry.row.test.metrics.get(view.metric)
    delta = view.delta(entry)
    is_base = view.base is not None and view.base.key == entry.key
    return {
        "title": f"★ {entry.title}" if is_base else entry.title,
        name: measured.value if measured else None,
        "95 %": interval(measured) if measured else "",
        "n": measured.n if measured else None,
        "Δ baseline": delta.delta if delta else None,
        "Δ 95 %": f"[{signed(delta.low)}, {signed(delta.high)}]" if delta else "",
        "twin": verdicts.beside_twin(view, entry, twins.get(row.run.folder)),
        "verdict": verdicts.against_base(view, entry, delta.verdict if delta else "", is_base),
        "seeds": "",
        "state": state_of(entry),
        "validation best": row.best.roc_auc if row.best else None,
        "validation last": row.last.roc_auc if row.last else None,
        "group": entry.group,
        "student": entry.student,
        "method": entry.method,
        "data": row.run.data,
        "teacher": str(row.settings.get("teacher") or ""),
        "p50 ms": p50(entry),
        "parameters": row.parameters,
        "MB": row.megabytes,
    }


def _over_seeds(
    view: RunsView, each: Sequence[Entry], name: str, twins: Mapping[Path, Row]
) -> dict[str, Any]:
    """What replaces one run's numbers where seeds are folded: means and spread.

    The baseline is one seed, so the mean difference to it takes no side; a verdict is over the
    differences of each run to its own twin, where these are kept.
    """
    if len(each) < 2:
        return {"seeds": ""}
    value = spread(e.value(view.metric) for e in each)
    to_base = spread(d.delta for e in each if (d := view.delta(e)) is not None)
    beside, verdict = verdicts.over_twins(view, each, twins)
    apart = view.apart.get(each[0].key, ())
    return {
        "title": f"{without_seed(each[0].title)} · {len(each)} seeds",
        name: value.mean if value.n else None,
        "95 %": "",
        "seeds": f"{spread_words(value, len(each))}{beside}",
        "Δ baseline": to_base.mean if to_base.n else None,
        "Δ 95 %": "",
        "twin": verdict,
        "verdict": ", ".join(apart),
        "state": ", ".join(sorted({state_of(e) for e in each})),
        "validation best": spread(e.row.best.roc_auc for e in each if e.row.best).mean,
        "validation last": spread(e.row.last.roc_auc for e in each if e.row.last).mean,
    }


def _values(each: Sequence[Entry], path: str) -> str:
    if len(each) == 1:
        return _plain(each[0].row.settings.get(path))
    return ", ".join(dict.fromkeys(_plain(e.row.settings.get(path)) for e in each))


def state_of(entry: Entry) -> str:
    """The state of a run; its progress while it is running."""
    status = entry.row.status
    if entry.row.state == "running" and status.total_steps:
        return f"running {100 * status.step / status.total_steps:.0f} %"
    return entry.row.state


def p50(entry: Entry, which: str = "p50_ms") -> float | None:
    """Milliseconds a pair, batch 1, one CPU thread, as the run's own process measured them."""
    value: Any = entry.row.latency.get("student")
    for name in ("one_thread", which):
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _plain(value: Any) -> str:
    return "" if value is None else str(value)[:200]


def _filled(column: "pd.Series[Any]") -> bool:
    return bool(column.notna().any() and (column.astype(str) != "").any())


def written(table: pd.DataFrame) -> pd.DataFrame:
    """The table for the eye: a format of numbers knows no true minus, as the texts beside have."""
    delta = table["Δ baseline"]
    return table.assign(**{"Δ baseline": [signed(v) if pd.notna(v) else "" for v in delta]})


def config(view: RunsView, table: pd.DataFrame) -> dict[str, Any]:
    """How each column is headed; every number's definition is on hover."""
    known = _tested(view) | _compared(view) | _rest()
    other = st.column_config.TextColumn
    return {c: known.get(c, other(short(c), help=md(c))) for c in table.columns}


def _tested(view: RunsView) -> dict[str, Any]:
    kind, metric = st.column_config, CATALOG[view.metric]
    better = "Higher" if metric.higher_is_better else "Lower"
    return {
        "title": kind.TextColumn("run", width=300, help="★ is the baseline."),
        metric.name: kind.NumberColumn(
            f"test {metric.name}",
            format="%.3f",
            help=f"{metric.sentence} "
            f"{better} is better. On the test split, which no run was chosen on.",
        ),
        "95 %": kind.TextColumn(
            "95 %", width=112, help="95 % interval of the test metric, 1,000 draws of queries."
        ),
        "n": kind.NumberColumn(
            "n", format="localized", width="small", help=f"{metric.unit.title()} it is over."
        ),
    }


def _compared(view: RunsView) -> dict[str, Any]:
    kind, metric = st.column_config, CATALOG[view.metric]
    base = md(view.base.title) if view.base else "none"
    return {
        "seeds": kind.TextColumn(
            "seeds",
            width=190,
            help="Runs that differ in their seed alone: how many, standard deviation, range; then "
            "the mean difference of each to its own twin, over how many, with Student's t "
            f"interval over these seeds; {FEWEST} are the fewest.",
        ),
        "Δ baseline": kind.TextColumn(
            "Δ to ★",
            width="small",
            alignment="right",
            help=f"Test {metric.name} less that of the baseline, {base}; of folded seeds the mean, "
            "which takes no side, as the baseline is one seed.",
        ),
        "Δ 95 %": kind.TextColumn(
            "Δ 95 %",
            width=125,
            help="Paired: both runs are measured on the same draws of queries.",
        ),
        "twin": kind.TextColumn(
            "against its twin",
            width=280,
            help=f"{RULE} The twin is the same student on labels alone. For a "
            "single run this is one seed: an effect of this run, not of the method. For "
            "folded seeds it is over the seeds that have their own twin; the column seeds "
            "counts them. ⚖: the two had unequal budgets; One run shows how.",
        ),
        "verdict": kind.TextColumn(
            "against ★", width=180, help=f"{RULE} Against the baseline, {base}."
        ),
    }


def _rest() -> dict[str, Any]:
    kind = st.column_config
    looked = (
        "ROC-AUC on the validation pairs, by which the saved step was chosen: not a test result."
    )
    return {
        "state": kind.TextColumn("state", width=110),
        "validation best": kind.NumberColumn(
            "val. best", format="%.3f", width="small", help=f"At the kept step. {looked}"
        ),
        "validation last": kind.NumberColumn(
            "val. last", format="%.3f", width="small", help=f"At the last look. {looked}"
        ),
        "group": kind.TextColumn(
            "group",
            width="small",
            help="A student and its twin share it, or a sweep.",
        ),
        "p50 ms": kind.NumberColumn(
            "p50 ms",
            format="%.2f",
            width="small",
            help="Median milliseconds per pair after warm-up, batch 1, one CPU thread.",
        ),
        "parameters": kind.NumberColumn(
            "parameters", format="compact", width="small", help="Numbers in the saved model."
        ),
        "MB": kind.NumberColumn(
            "MB",
            format="%.1f",
            width="small",
            help="Size of the weights at float32, in 10^6 bytes; the bundled runs store theirs "
            "in half precision, half that size.",
        ),
        "run": kind.TextColumn("id", help="The name of the run's folder."),
    }


def short(path: str) -> str:
    """A setting's column: its last two parts, without what every path has."""
    parts = [p for p in path.split(".") if p != "params"]
    return ".".join(parts[-2:])


def shown_number(value: float | None) -> str:
    """A number of a table as text."""
    return number(value) if value is not None else "–"

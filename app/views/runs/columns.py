"""The columns of the table of runs: what stands in them, how they are headed and drawn."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.figures.style import hue, mark_of
from app.kit.texts import md, number, signed
from app.services.runs import listing
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.services.runs.names import without_seed
from app.views.runs import verdicts
from app.views.runs.finding import interval, spread_words
from kdcore.judging.seeds import FEWEST, spread
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import RULE
from kdcore.runs.listing import Row
from kdcore.runs.loss_terms import KINDS

# settings that have columns of their own
_NAMED = ("stage", "student.name", "method.name", "data", "teacher")
_WORDS = ("family", "student", "method", "data", "teacher")
_OPTIONAL = ("p50 ms", "tags", "note", "group", "seeds", "twin")  # left out where empty
_VALIDATION = (
    "ROC-AUC on the validation pairs, by which the saved step was chosen: not a test result."
)


class _Column(NamedTuple):
    """How a column is headed; a format makes it one of numbers.

    header and help may name {metric}, {sentence}, {better}, {unit} and {base}.
    """

    header: str
    help: str | None = None
    width: int | Literal["small"] | None = None
    format: str = ""
    alignment: Literal["right"] | None = None


_METRIC = _Column(
    "test {metric}",
    "{sentence} {better} is better. On the test split, which no run was chosen on.",
    format="%.3f",
)
_COLUMNS = {
    "title": _Column("run", "★ is the baseline.", 220),
    "95 %": _Column("95 %", "95 % interval of the test metric, 1,000 draws of queries.", 105),
    "n": _Column("n", "{unit} it is over.", 60, "localized"),
    "seeds": _Column(
        "seeds",
        "Runs that differ in their seed alone: how many, standard deviation, range; then the mean "
        "difference of each to its own twin, over how many, with Student's t interval over these "
        f"seeds; {FEWEST} are the fewest.",
        190,
    ),
    "Δ baseline": _Column(
        "Δ to ★",
        "Test {metric} less that of the baseline, {base}; of folded seeds the mean, which takes no "
        "side, as the baseline is one seed.",
        65,
        alignment="right",
    ),
    "Δ 95 %": _Column(
        "Δ 95 %",
        "Paired: both runs are measured on the same draws of queries. A difference that is "
        "missing is computed in the background, or by the button below the table.",
        115,
    ),
    "twin": _Column(
        "against its twin",
        f"{RULE} The twin is the same student on labels alone. For a single run this is one seed: "
        "an effect of this run, not of the method. For folded seeds it is over the seeds that have "
        "their own twin; the column seeds counts them. ⚖: to be read with care; One run says "
        "why.",
        205,
    ),
    "verdict": _Column("against ★", RULE + " Against the baseline, {base}.", 160),
    "state": _Column("state", width=110),
    "validation best": _Column("val. best", f"At the kept step. {_VALIDATION}", "small", "%.3f"),
    "validation last": _Column("val. last", f"At the last look. {_VALIDATION}", "small", "%.3f"),
    "group": _Column("group", "A student and its twin share it, or a sweep.", "small"),
    "p50 ms": _Column(
        "p50 ms",
        "Median milliseconds per pair after warm-up, batch 1, one CPU thread.",
        "small",
        "%.2f",
    ),
    "parameters": _Column("parameters", "Numbers in the saved model.", "small", "compact"),
    "MB": _Column(
        "MB",
        "Size of the weights at float32, in 10^6 bytes; the bundled runs store theirs in half "
        "precision, half that size.",
        "small",
        "%.1f",
    ),
    "run": _Column("id", "The name of the run's folder."),
}


def config(view: RunsView, table: pd.DataFrame) -> dict[str, Any]:
    """How each column is headed; every number's definition is on hover."""
    metric, kind = CATALOG[view.metric], st.column_config
    words = {
        "metric": metric.name,
        "sentence": metric.sentence,
        "better": "Higher" if metric.higher_is_better else "Lower",
        "unit": metric.unit.title(),
        "base": md(view.base.title) if view.base else "none",
    }
    columns: dict[str, Any] = {}
    for name in table.columns:
        if name == "family":
            columns[name] = _family_column()
            continue
        column = _METRIC if name == metric.name else _COLUMNS.get(name)
        if column is None:
            columns[name] = kind.TextColumn(short(name), help=md(name))
            continue
        header, help = column.header.format(**words), (column.help or "").format(**words) or None
        columns[name] = (
            kind.NumberColumn(header, help=help, width=column.width, format=column.format)
            if column.format
            else kind.TextColumn(header, help=help, width=column.width, alignment=column.alignment)
        )
    return columns


def _family_column() -> Any:
    """Chips in the colors that pictures of runs give the families."""
    dark = controls.dark()
    colors = [hue(mark_of(family), dark) for family in KINDS]
    help = "The kind of distillation; + means in addition to soft labels."
    return st.column_config.MultiselectColumn(
        "family", help=help, width=110, options=list(KINDS.values()), color=colors
    )


def table(
    view: RunsView, folded: Sequence[Sequence[Entry]], twins: Mapping[Path, Row]
) -> pd.DataFrame:
    """A row per shown run, or for its seeds; settings come last but for tags and notes.

    twins: the own twin of each shown run, by its folder.
    """
    rows = [_row(view, each[0], twins) | _over_seeds(view, each, twins) for each in folded]
    columns: dict[str, list[Any]] = {c: [row[c] for row in rows] for c in rows[0]}
    columns |= {p: [_values(each, p) for each in folded] for p in _settings(view.shown)}
    columns["tags"] = [
        ", ".join(dict.fromkeys(t for e in each for t in e.mark.tags)) for each in folded
    ]
    columns["note"] = [" / ".join(e.mark.note for e in each if e.mark.note) for each in folded]
    columns["run"] = [", ".join(e.key for e in each) for each in folded]
    table = pd.DataFrame(columns)
    if state.now().runs.differing_only and len(table) > 1:
        chosen = ("family",) if listing.families() else ()  # what is filtered by stays visible
        same = [c for c in _WORDS if c not in chosen and table[c].nunique(dropna=False) < 2]
        table = table.drop(columns=same)
    empty = [c for c in _OPTIONAL if table[c].isna().all() or (table[c].astype(str) == "").all()]
    return table.drop(columns=empty)


def setting_columns(shown: Sequence[Entry], *, everything: bool) -> list[str]:
    """Paths of settings, in the order of the configs; only differing ones unless everything."""
    settings = [entry.row.settings for entry in shown]
    paths = [p for p in dict.fromkeys(p for each in settings for p in each) if p not in _NAMED]
    return [p for p in paths if everything or len({each.get(p) for each in settings}) > 1]


def _settings(shown: Sequence[Entry]) -> list[str]:
    """Those of the table: sizes of a student stand in its short name where they only differ."""
    everything = not state.now().runs.differing_only
    paths = setting_columns(shown, everything=everything)
    return [p for p in paths if everything or not p.startswith("student.params.")]


def _row(view: RunsView, entry: Entry, twins: Mapping[Path, Row]) -> dict[str, Any]:
    row, measured = entry.row, entry.row.test.metrics.get(view.metric)
    delta = view.delta(entry)
    is_base = view.base is not None and view.base.key == entry.key
    return {
        "title": f"★ {entry.title}" if is_base else entry.title,
        CATALOG[view.metric].name: measured.value if measured else None,
        "95 %": interval(measured) if measured else "",
        "n": measured.n if measured else None,
        "Δ baseline": delta.delta if delta else None,
        "Δ 95 %": verdicts.to_base(view, entry),
        "twin": verdicts.against_twin(view, entry, twins.get(row.run.folder)),
        "verdict": verdicts.against_base(view, entry, delta.verdict if delta else "", is_base),
        "family": entry.family_title,
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


def _over_seeds(view: RunsView, each: Sequence[Entry], twins: Mapping[Path, Row]) -> dict[str, Any]:
    """What replaces one run's numbers where seeds are folded: means and spread.

    The baseline is one seed, so the mean difference to it takes no side; a verdict is over the
    differences of each run to its own twin, where these are stored.
    """
    if len(each) < 2:
        return {}
    value = spread(e.value(view.metric) for e in each)
    to_base = spread(d.delta for e in each if (d := view.delta(e)) is not None)
    difference, verdict = verdicts.over_twins(view, each, twins)
    return {
        "title": f"{without_seed(each[0].title, each[0].row.run.seed)} · {len(each)} seeds",
        CATALOG[view.metric].name: value.mean if value.n else None,
        "95 %": "",
        "seeds": f"{spread_words(value, len(each))}{difference}",
        "Δ baseline": to_base.mean if to_base.n else None,
        "Δ 95 %": "",
        "twin": verdict,
        "verdict": ", ".join(view.apart.get(each[0].key, ())),
        "state": ", ".join(sorted({state_of(e) for e in each})),
        "validation best": spread(e.row.best.roc_auc for e in each if e.row.best).mean,
        "validation last": spread(e.row.last.roc_auc for e in each if e.row.last).mean,
    }


def _values(each: Sequence[Entry], path: str) -> str:
    """A setting of the runs of a row, each value once."""
    values = (e.row.settings.get(path) for e in each)
    return ", ".join(dict.fromkeys("" if v is None else str(v)[:200] for v in values))


def state_of(entry: Entry) -> str:
    """The state of a run; its progress while it is running."""
    status = entry.row.status
    if entry.row.state == "running" and status.total_steps:
        return f"running {100 * status.step / status.total_steps:.0f} %"
    return entry.row.state


def p50(entry: Entry, which: str = "p50_ms") -> float | None:
    """Milliseconds per pair, batch 1, one CPU thread, as the run's own process measured them."""
    value: Any = entry.row.latency.get("student")
    for name in ("one_thread", which):
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def written(table: pd.DataFrame) -> pd.DataFrame:
    """The table for the eye: a format of numbers knows no true minus; families are chips."""
    delta = table["Δ baseline"]
    table = table.assign(**{"Δ baseline": [signed(v) if pd.notna(v) else "" for v in delta]})
    if "family" in table:  # a chip each
        chips: list[Any] = [[name] if name else [] for name in table["family"]]
        table = table.assign(family=chips)
    return table


def exported(
    view: RunsView, folded: Sequence[Sequence[Entry]], table: pd.DataFrame
) -> pd.DataFrame:
    """The table for a program: the ends of its intervals are columns of numbers, blank where none.

    folded: the runs of each row; a row of several has means and so no interval of its own.
    """
    single = [each[0] if len(each) == 1 else None for each in folded]
    measured = [e and e.row.test.metrics.get(view.metric) for e in single]
    deltas = [e and view.delta(e) for e in single]
    for name, head, values in (("95 %", "", measured), ("Δ 95 %", "Δ ", deltas)):
        place = list(table.columns).index(name)
        table = table.drop(columns=name)
        for offset, end in enumerate(("low", "high")):
            column = [getattr(value, end) if value else math.nan for value in values]
            table.insert(place + offset, f"{head}{end}", column)
    return table


def short(path: str) -> str:
    """A setting's column: its last two parts, without what every path has."""
    parts = [p for p in path.split(".") if p != "params"]
    return ".".join(parts[-2:])


def shown_number(value: float | None) -> str:
    """A number of a table as text."""
    return number(value) if value is not None else "–"

"""Every test metric of a run with interval, n and definition, and why the run was made."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.kit.texts import md, number
from app.parts.metric_cards import Card, interval
from app.services.runs.entry import Entry
from kdcore.experiments.presets import PRESETS
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.store import Run

_MEANING = {
    "masked": "Share of the hidden words of the validation pairs whose likeliest filling is right.",
    "next_ad": "Share of the validation pairs for which it knows whether the ad was shown for the "
    "query or is one of another query (ours); half are of another query, so guessing gives 0.5.",
}


def draw(entry: Entry) -> None:
    """A table that opens on demand; nothing is measured for it."""
    test = entry.row.test
    if not test.metrics:
        return
    with st.expander(f"All {len(test.metrics)} test metrics"):
        st.dataframe(
            metrics_table(entry),
            hide_index=True,
            key="runs_metrics",
            column_config={
                c: st.column_config.NumberColumn(c, format="%.4f")
                for c in ("value", "95 % low", "95 % high")
            },
            alt=f"All test metrics of {entry.title}.",
        )
        st.caption(
            f"Kept with the run, on {md(test.data_hash)}. Metrics against the teacher are at "
            f"temperature {test.temperature:g}. Intervals: 1,000 draws of queries."
        )


def metrics_table(entry: Entry) -> pd.DataFrame:
    """A row a metric, in the order of the evaluation."""
    test = entry.row.test
    return pd.DataFrame(
        [
            {
                "metric": CATALOG[key].name if key in CATALOG else key,
                "value": number.value,
                "95 % low": number.low,
                "95 % high": number.high,
                "n": f"{number.n:,} {number.unit}",
                "definition": test.definitions.get(key, ""),
            }
            for key, number in test.metrics.items()
        ]
    )


def pretrained_cards(entry: Entry) -> list[Card]:
    """What a pretraining gets right at its saved step; none for a run that gives grades."""
    run = entry.row.run
    if run.gives_grades or not (line := run.saved_line):
        return []
    pairs = run.splits["validation"].pairs if "validation" in run.splits else 0
    parts = {
        "masked": ("hidden words right", line.get("validation_words", 0), "hidden words"),
        "next_ad": ("next ads right", pairs, "validation pairs"),
    }
    cards = []
    for name, (label, n, unit) in parts.items():
        right = line.get(f"validation_{name}_accuracy")
        if right is not None and n:
            half = 1.96 * (right * (1 - right) / n) ** 0.5
            help = f"{_MEANING[name]} Cross-entropy {line[f'validation_{name}']:.3f} nats. "
            help += "The 95 % interval treats the answers as independent."
            counted = f"{int(n):,} {unit}"
            cards.append(
                Card(label, number(right), help, counted, interval(right - half, right + half))
            )
    return cards


def purpose(entry: Entry, entries: Sequence[Entry]) -> str:
    """Why it was made, as its folder says: sweep, preset, parent, what was changed, its twin.

    entries: all runs, among which a twin has its student.
    """
    run, origin = entry.row.run, entry.row.run.purpose
    changes = ", ".join(f"{path}={value}" for path, value in origin.changed.items())
    parts = [
        f"as the twin of {_student_of(run, entries)}" if origin.role == "twin" else "",
        origin.recipe and f"as a stage of the recipe {md(origin.recipe)}",
        origin.sweep and f"as a cell of the sweep {md(origin.sweep)}",
        origin.preset and f"from the preset {md(_title(origin.preset))}",
        origin.parent and f"after {md(origin.parent)}",
        changes and f"with {md(changes[:400])}",
        origin.twin and f"with the twin {md(origin.twin)}",
    ]
    text = "; ".join(filter(None, parts))
    return f"Made {text}." if text else ""


def _student_of(run: Run, entries: Sequence[Entry]) -> str:
    others = (e for e in entries if e.row.run.folder.parent == run.folder.parent)
    title = next((e.title for e in others if e.row.run.purpose.twin == run.id), "")
    missing = "whose stage comes later" if run.purpose.recipe else "that is not here"
    return md(title) or f"a student {missing}"


def _title(preset: str) -> str:
    return PRESETS[preset].title if preset in PRESETS else preset

"""The card of stored logits: how many of the teacher's are enough to learn from, and their size."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.texts import md, percent
from app.views.masked_word import queries

RESTS = {"zero": "dropped words zero", "uniform": "dropped words spread evenly"}
Share = Mapping[str, float]  # value, low, high, n
_ENDS = {"": "value", " low": "low", " high": "high"}


def draw() -> None:
    """Quality and bytes against k, as measured."""
    result = queries.measured_stores()
    st.subheader("Top k: how much of a soft label must be stored?", anchor=False)
    if not result:
        st.caption("Not measured here yet: `kdlab masked measure --stores` does it.")
        return
    from app.kit.figures.language import stored_logits

    table, sentence = _table(result), _sentence(result)
    st.text(sentence)
    lines = {
        "the teacher": result["teacher_quality"]["accuracy"]["value"],
        "learned from labels only": result["labels_quality"]["accuracy"]["value"],
    }
    controls.chart(
        stored_logits(table, lines, controls.dark()),
        table,
        sentence,
        "stored_logits",
        f"KD Lab {result['command']} {result['made']}",
        Caption("Stored logits: quality and bytes against k", _source(result)),
    )
    st.caption(_conditions(result))


def _table(result: Mapping[str, Any]) -> pd.DataFrame:
    """A row per k: each measured number with its 95 % interval."""
    rows = []
    for row in result["rows"]:
        cells = {"k": row["k"], "bytes per hidden word": row["bytes_per_position"]}
        for name, key in (("kept probability", "kept_mass"), ("KL, nats", "kl")):
            cells |= {f"{name}{end}": row[key][at] for end, at in _ENDS.items()}
        for rest, title in RESTS.items():
            for quality in ("accuracy", "loss"):
                share = row.get(rest, {}).get(quality, {})
                cells |= {
                    f"{quality}, {title}{end}": share.get(at, float("nan"))
                    for end, at in _ENDS.items()
                }
        rows.append(cells)
    return pd.DataFrame(rows)


def _sentence(result: Mapping[str, Any]) -> str:
    """The smallest k whose student reaches, within its intervals, the student of all logits."""
    *fewer, whole = result["rows"]
    most = whole["uniform"]
    enough = next((row for row in fewer if _reaches(row["zero"], most)), None)
    if enough is None:
        return "No student of fewer logits reaches, within its intervals, the one of all logits."
    accuracy, loss = enough["zero"]["accuracy"], enough["zero"]["loss"]
    return (
        f"A student that learns from the {enough['k']:,} largest of {result['classes']:,} logits "
        f"({enough['bytes_per_position']:,} bytes per hidden word instead of "
        f"{whole['bytes_per_position']:,}) has a masked-word accuracy of {_text(accuracy)} and a "
        f"loss of {_text(loss)} nats; one that learns from all has {_text(most['accuracy'])} and "
        f"{_text(most['loss'])}. The {enough['k']:,} hold "
        f"{percent(enough['kept_mass']['value'], 1)} of the teacher's probability."
    )


def _reaches(quality: Mapping[str, Share], most: Mapping[str, Share]) -> bool:
    accuracy, loss = quality["accuracy"], quality["loss"]
    return accuracy["high"] >= most["accuracy"]["value"] and loss["low"] <= most["loss"]["value"]


def _source(result: Mapping[str, Any]) -> str:
    n = result["teacher_quality"]["accuracy"]["n"]
    return f"world · n = {n:,} hidden words of {result['texts']:,} unseen texts · one seed"


def _conditions(result: Mapping[str, Any]) -> str:
    """What was measured, over what, and what each number means."""
    quality, student = result["teacher_quality"]["accuracy"], result["student"]
    labels = result["labels_quality"]["accuracy"]
    return (
        f"Ours: measured on {md(result['made'])} with `{result['command']}`. The teacher is that "
        f"of the card above. Its logits at {result['positions']:,} hidden words of "
        f"{student['texts']:,} texts were stored for each k; a student of half its layers, started "
        f"from copied ones, learned {student['steps']:,} steps from each store alone, from soft "
        f"labels only (T = {student['temperature']:g}, one seed). Accuracy: the share of hidden "
        f"words that a model puts first, n = {quality['n']:,} in {result['texts']:,} unseen texts, "
        f"the same for all; the teacher reaches {_text(quality)}, the same student without soft "
        f"labels (hidden words only) {_text(labels)}. Kept probability: what the k words hold of "
        "the teacher's softmax at T = 1. KL: from all logits to the stored ones, dropped words "
        "spread evenly; with dropped words at zero it is infinite. Bytes: 6 per logit (a number "
        "and its place) and 2 for the rest; 2 per logit where all are stored. Intervals: 95 %, "
        "bootstrap over queries. Storing only the largest logits follows Parthasarathi and Strom, "
        "arXiv:1904.01624."
    )


def _text(share: Share) -> str:
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"

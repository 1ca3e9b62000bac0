"""`kdlab masked measure`: the figures that the page Masked word shows."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import cell, show, table
from kdcore.cli.kit.options import Json, Quiet
from kdcore.cli.kit.progress import Progress
from kdcore.cli.masked.models import interval
from kdcore.workspace import Workspace

OUT = Path("assets") / "measured"
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="where the result goes (default: a file in assets/measured)",
    ),
]
Stores = Annotated[bool, typer.Option("--stores", help="measure stores of top k logits instead")]


def measure(
    out: Out = None, stores: Stores = False, quiet: Quiet = False, as_json: Json = False
) -> None:
    """Measure on the bundled world what the page Masked word shows: DistilBERT beside the paper.

    Trains a teacher, its students (three seeds, and the ablation) and fine-tunes both on labelled
    pairs; takes about 20 minutes on one core. With --stores it stores the same teacher's logits for
    several k and trains a student from each store. What is trained stays in the workspace's cache,
    so that a stopped measurement goes on and a second one only measures.
    """
    place = out or OUT / ("topk.json" if stores else "distilbert.json")
    with Progress(quiet, as_json) as progress:
        if stores:
            from kdcore.language.topk.study import measure as measure_stores

            card = measure_stores(place.absolute(), Workspace.default(), progress.tell)
            shown = _by_k(card)
        else:
            from kdcore.language.published import measure as measure_distilbert

            card = measure_distilbert(place.absolute(), Workspace.default(), progress.tell)
            shown = _shares(card)
    show(as_json, card, *shown, f"written to {place}")


def _shares(card: Mapping[str, Any]) -> list[Any]:
    """What DistilBERT keeps, at which cost."""
    weights, ms = card["weights"], {role: card["latency"][role] for role in ("teacher", "student")}
    shares = {
        "masked-word accuracy kept": card["masked_words"]["kept"],
        "ROC-AUC kept": card["roc_auc"]["kept"],
        "speedup of the median": card["latency"]["speedup"],
    }
    rows = [{"": name, "value [95 %]": interval(asdict(s)), "n": s.n} for name, s in shares.items()]
    return [
        table(rows, right=("n",)),
        f"weights: {weights['student']:,} of {weights['teacher']:,}",
        *(f"{role}: p50 {t['p50_ms']:.2f} ms, p95 {t['p95_ms']:.2f} ms" for role, t in ms.items()),
    ]


def _by_k(card: Mapping[str, Any]) -> list[Any]:
    """Bytes per hidden word of each store, and the accuracy of its students."""
    rows = [
        {
            "k": row["k"],
            "bytes per word": row["bytes_per_position"],
            "kept probability [95 %]": interval(asdict(row["kept_mass"])),
            **{
                f"accuracy, dropped words {title} [95 %]": interval(asdict(row[rest]["accuracy"]))
                if rest in row
                else cell(None)
                for rest, title in (("zero", "zero"), ("uniform", "even"))
            },
        }
        for row in card["rows"]
    ]
    return [table(rows, right=("k", "bytes per word"))]

"""`kdlab demo`: build the finished story that the app opens on, and check it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import show, span, table
from kdcore.cli.kit.options import Json, Quiet, knob_option
from kdcore.cli.kit.progress import Progress
from kdcore.demo.check import problems, read_card
from kdcore.demo.plan import DemoPlan
from kdcore.demo.results import measure_again
from kdcore.errors import DataError
from kdcore.experiments.options import COMMON

app = typer.Typer(help="Build and check the finished story that the app opens on.")
HOME = Path("assets") / "demo"

Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="where the demo is written")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="trainings at once, a core each")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="a demo's folder")]
Seed = Annotated[int | None, knob_option("seed", COMMON["seed"])]
Device = Annotated[str | None, knob_option("device", COMMON["device"])]
Rows = Annotated[int, typer.Option("--rows", min=1, help="test pairs that each model scores")]


@app.command()
def build(
    out: Out = HOME,
    seed: Seed = None,
    device: Device = None,
    jobs: Jobs = 2,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a teacher and its students, and write all that the app opens on into one folder.

    Then measure retrieval with them and draw their maps, into the folder measured/ beside it. A
    build that was stopped goes on where it was.
    """
    from kdcore.demo.build import build as build_demo
    from kdcore.demo.pages import measure_pages

    plan, folder = DemoPlan(seed=seed or 0, device=device or "auto"), out.absolute()
    with Progress(quiet, as_json) as progress:
        card = build_demo(plan, folder, jobs=jobs, tell=progress.tell)
        measure_pages(plan, folder, folder.parent / "measured", tell=progress.tell)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    took = {name: f"{seconds / 60:.0f} min" for name, seconds in card["seconds"].items()}
    sizes = f"{out}: {size:.1f} MB; trainings {took['trainings']}, this command "
    figures = table(_rows(card["figures"]), right=("pairs", "seconds"))
    show(as_json, {**card, "out": out}, figures, *card["notes"], f"{sizes}{took['this_build']}.")


@app.command()
def check(folder: Folder = HOME, rows: Rows = 200, as_json: Json = False) -> None:
    """Check that every file is there and that each model gives the logits shipped with it."""
    if wrong := problems(folder, rows):
        raise DataError(f"{folder} is not as it was built:", wrong)
    card = read_card(folder)
    whole = f"{folder} is whole: {len(card['files'])} files, {len(card['runs'])} models answer."
    show(as_json, {"folder": folder, "problems": []}, whole)


@app.command()
def measure(folder: Folder = HOME, as_json: Json = False) -> None:
    """Measure a built demo anew from its shipped answers; no model is trained or changed."""
    figures = measure_again(folder.absolute(), DemoPlan())["figures"]
    show(as_json, {"folder": folder, "figures": figures}, table(_rows(figures)))


def _rows(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = [_row("teacher", figures["teacher"])]
    for student in figures["students"]:
        gap = student["gap_recovered"]
        rows.append(_row(f"{student['title']} · labels only", student["hard"]))
        rows.append(_row(f"{student['title']} · distilled", student["distilled"]))
        rows[-1]["gap recovered [95 %]"] = span(gap["value"], gap["low"], gap["high"])
        if "label_aware" in student:
            rows.append(_row(f"{student['title']} · label-aware", student["label_aware"]))
    return rows


def _row(title: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    area, top = figures["roc_auc"], figures["ndcg@5"]
    return {
        "model": title,
        "pairs": figures["pairs"],
        "ROC-AUC [95 %]": span(area["value"], area["low"], area["high"]),
        "nDCG@5": span(top["value"], top["low"], top["high"]),
        "seconds": f"{figures['seconds']:.0f}",
        "gap recovered [95 %]": "",
    }

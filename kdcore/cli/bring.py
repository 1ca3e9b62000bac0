"""`kdlab bring`: keep answers that a model made elsewhere, say what was read, and measure them."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.evaluate import as_data, difference_table, metric_table
from kdcore.cli.kit.answer import NOTHING, show, table
from kdcore.cli.kit.options import Json, Quiet
from kdcore.cli.kit.progress import Progress
from kdcore.cli.kit.reading import mapping_of
from kdcore.data.answers.choice import KINDS, TEXTS, ColumnChoice
from kdcore.data.answers.imported import Brought, Read, bring_file
from kdcore.data.answers.stored import keep
from kdcore.data.library import WORLD
from kdcore.data.names import named_pairs
from kdcore.data.pairs import ALL, PairTable, part_of
from kdcore.data.splits import with_test_split
from kdcore.errors import ConfigError, DataError
from kdcore.evaluation.evaluate import Evaluation, evaluate
from kdcore.judging.trio import Trio, trio_with
from kdcore.metrics.definitions import CATALOG
from kdcore.predictions import ROLES, Predictions
from kdcore.workspace import Workspace

SPLIT_HELP = "which pairs it answers: train, validation, test or all (default test, else "
SPLIT_HELP += "validation, else all)"
KIND_HELP = "auto, logits, probabilities, relevance, logit, score, label_score (the label that a "
KIND_HELP += "pipeline chose and its score), or grade (one grade per pair, as a judge gives it)"
MADE_HERE = "† from probabilities that the lab computed; says nothing about the model"
MAP_HELP = "the column of query, title, description, label or of a grade: --map exact=p_e"


def bring(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON, Parquet, Excel or TREC run")
    ],
    data: Annotated[
        str, typer.Option("--data", "-d", help="world, a name from `kdlab data list`, or a path")
    ],
    name: Annotated[str, typer.Option("--name", "-n", help="what the model is called")],
    role: Annotated[
        str, typer.Option("--role", help=f"what the model is: {', '.join(ROLES)}")
    ] = "other",
    student: Annotated[
        str, typer.Option("--student", help="for a twin: the imported student that it belongs to")
    ] = "",
    split: Annotated[str, typer.Option("--split", help=SPLIT_HELP)] = "",
    kind: Annotated[str, typer.Option("--kind", help=KIND_HELP)] = "auto",
    column: Annotated[str, typer.Option("--column", help="the column with the score")] = "",
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=COLUMN", help=MAP_HELP)
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="leave out pairs that have no prediction")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help=("replace earlier predictions of that name"))
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Keep answers made elsewhere: what was read of the file, and every metric of the model.

    With the answers of a teacher, a student and its twin (the student trained on labels only) it
    also tells what distillation brought.
    """
    for option, value, options in (("--role", role, ROLES), ("--kind", kind, tuple(KINDS))):
        if value not in options:
            raise ConfigError(f"{option} {value}: choose from {', '.join(options)}")
    if student and role != "twin":
        raise ConfigError("--student names the student of a twin: add --role twin, or leave it out")
    if not name.strip():
        raise ConfigError("--name: the model needs a name")
    columns = {k.strip(): v for k, v in mapping_of(mapping or (), "OURS=COLUMN").items()}
    workspace, trio = Workspace.default(), None
    with Progress(quiet, as_json) as progress:
        progress.tell("bring")
        pairs, split = pairs_and_split(data, split, workspace)
        brought = bring_file(
            file, pairs, split, model=name.strip(), choice=ColumnChoice(kind, column, columns),
            partial=partial, role=role, student=student,
        )  # fmt: skip
        path = store(brought.predictions, data, workspace, replace)
        evaluation = evaluate(brought.pairs, brought.predictions)
        if path:
            trio = trio_with(brought.predictions, part_of(pairs, split), workspace, data)
    _print(brought, pairs, split, evaluation, trio, path, as_json)


def pairs_and_split(data: str, split: str, workspace: Workspace) -> tuple[PairTable, str]:
    """The pairs of the data, and the split that is answered: test where none is named."""
    pairs = named_pairs(data, workspace)
    if split == "test" and split not in pairs.splits:
        pairs = with_test_split(pairs)  # the same pairs that runs are tested on
    split = split or next((s for s in ("test", "validation") if s in pairs.splits), ALL)
    if split != ALL and split not in pairs.splits:
        has = ", ".join((*pairs.splits, ALL))
        raise ConfigError(f"--split {split}: {pairs.name} has {has}")
    return pairs, split


def store(predictions: Predictions, data: str, workspace: Workspace, replace: bool) -> Path | None:
    """Store imported predictions beside their data set; None where the data are at a path.

    Data at a path have no place in the workspace where the predictions could be saved.
    """
    if data != WORLD and not (workspace.data / data / "dataset.json").is_file():
        return None
    try:
        return keep(predictions, workspace, data, replace=replace)
    except DataError as taken:
        raise DataError(f"{taken} with --replace") from None


def where_stored(path: Path | None, pairs: PairTable) -> str:
    """Say where predictions were stored, or why they were not."""
    if path is not None:
        return f"Saved: {path}"
    return (
        f"Not saved: {pairs.name} is not a data set of this lab. "
        "Import it first with `kdlab data import`."
    )


def _print(
    brought: Brought,
    pairs: PairTable,
    split: str,
    evaluation: Evaluation,
    trio: Trio | None,
    path: Path | None,
    as_json: bool,
) -> None:
    read, answers = brought.read, brought.predictions
    made_here = [key for key in evaluation.metrics if not answers.is_own(key)]
    data: dict[str, Any] = {
        "name": answers.model,
        "role": answers.origin.role if answers.origin else "",
        "split": split,
        "read": asdict(read),
        **as_data(evaluation),
        "made_here": made_here,
        "comparison": trio.comparison if trio else None,
        "gap_recovered": trio.gaps if trio else None,
        "kept": path,
    }
    parts = [
        f"{answers.model} on {split} of {pairs.name}: {read.answered:,} of {read.pairs:,} "
        f"pairs with predictions, read from {read.file}",
        table(_columns(read)),
        *(f"Note: {note}" for note in read.notes),
        metric_table(evaluation, made_here),
        *([MADE_HERE] if made_here else ()),
        *(f"Note: {note}" for note in evaluation.notes),
        *(_of_trio(trio) if trio else ()),
        where_stored(path, pairs),
    ]
    show(as_json, data, *parts)


def _columns(read: Read) -> list[Mapping[str, str]]:
    columns = read.columns
    rows = [(ours, getattr(columns, ours) or NOTHING) for ours in TEXTS]
    if columns.ad_id:
        rows[:2] = [("query id", columns.query_id), ("ad id", columns.ad_id)]
    rows += [
        ("answer", ", ".join(columns.answer)),
        ("kind", KINDS[columns.kind]),
        ("not used", ", ".join(columns.ignored) or NOTHING),
        ("aligned", read.aligned),
    ]
    return [{"read": ours, "as": what} for ours, what in rows]


def _of_trio(trio: Trio) -> list[Any]:
    student, twin = trio.comparison.model_a, trio.comparison.model_b
    return [
        f"{student} minus its twin {twin}, teacher {trio.teacher}, "
        f"on the {trio.pairs:,} pairs that all three have scored:",
        difference_table(trio.comparison),
        *(f"{CATALOG[gap.metric].name}: {gap.sentence}" for gap in trio.gaps.values()),
    ]

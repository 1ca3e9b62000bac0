"""`kdlab bring`: keep answers that a model made elsewhere, say what was read, and measure them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kdcore.cli.kit.answer import NOTHING, show, table
from kdcore.cli.kit.options import Json, Quiet
from kdcore.errors import ConfigError
from kdcore.predictions import ROLES

if TYPE_CHECKING:
    from kdcore.data.answers.imported import Brought, Read
    from kdcore.data.pairs import PairTable
    from kdcore.evaluation.evaluate import Evaluation
    from kdcore.judging.trio import Trio
    from kdcore.workspace import Workspace

SPLIT_HELP = "which pairs it answers: train, validation, test or all (default test, else "
SPLIT_HELP += "validation, else all)"
KIND_HELP = "auto, logits, probabilities, relevance, logit, score, or label_score: the label that "
KIND_HELP += "a pipeline chose and its score"
MADE_HERE = "† worked out from probabilities that were made here; says nothing about the model"
MAP_HELP = "the column of query, title, description, label or of a grade: --map exact=p_e"


def bring(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON, Parquet or Excel, packed or not")
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
    from kdcore.cli.kit.progress import Progress
    from kdcore.data.answers.choice import KINDS, ColumnChoice
    from kdcore.data.answers.imported import bring_file
    from kdcore.evaluation.evaluate import evaluate

    _check("--role", role, ROLES)
    _check("--kind", kind, tuple(KINDS))
    if student and role != "twin":
        raise ConfigError("--student names the student of a twin: add --role twin, or leave it out")
    if not name.strip():
        raise ConfigError("--name: the model needs a name")
    choice = ColumnChoice(kind, column, _mapping(mapping or ()))
    with Progress(quiet, as_json) as progress:
        progress.tell("bring")
        target = _target(data, split)
        brought = bring_file(
            file, target.pairs, target.split, model=name.strip(), choice=choice,
            partial=partial, role=role, student=student,
        )  # fmt: skip
        path = _keep(brought, target, replace)
        evaluation = evaluate(brought.pairs, brought.predictions)
        trio = _trio(brought, target) if path else None
    _tell(brought, target, evaluation, trio, path, as_json)


@dataclass(frozen=True)
class _Target:
    """What is answered: pairs and split; name: under which the data lie here, "" for a path."""

    pairs: "PairTable"
    split: str
    name: str
    workspace: "Workspace"


def _check(option: str, value: str, options: Sequence[str]) -> None:
    if value not in options:
        raise ConfigError(f"{option} {value}: choose from {', '.join(options)}")


def _mapping(texts: Sequence[str]) -> dict[str, str]:
    split = [text.partition("=") for text in texts]
    wrong = [t for t, (ours, sign, _) in zip(texts, split, strict=True) if not (ours and sign)]
    if wrong:
        problems = [f"--map {text}: write OURS=COLUMN" for text in wrong]
        raise ConfigError("The columns cannot be mapped:", problems)
    return {ours.strip(): theirs for ours, _, theirs in split}


def _target(data: str, split: str) -> _Target:
    from kdcore.data.library import WORLD
    from kdcore.data.names import named_pairs
    from kdcore.data.pairs import ALL
    from kdcore.data.splits import with_test_split
    from kdcore.workspace import Workspace

    workspace = Workspace.default()
    pairs = named_pairs(data, workspace)
    if split == "test" and split not in pairs.splits:
        pairs = with_test_split(pairs)  # the same pairs that runs are tested on
    usual = next((s for s in ("test", "validation") if s in pairs.splits), ALL)
    wanted = split or usual
    if wanted != ALL and wanted not in pairs.splits:
        has = ", ".join((*pairs.splits, ALL))
        raise ConfigError(f"--split {wanted}: {pairs.name} has {has}")
    known = data == WORLD or (workspace.data / data / "dataset.json").is_file()
    return _Target(pairs, wanted, data if known else "", workspace)


def _keep(brought: "Brought", target: _Target, replace: bool) -> Path | None:
    from kdcore.data.answers.stored import keep
    from kdcore.errors import DataError

    if not target.name:
        return None
    try:
        return keep(brought.predictions, target.workspace, target.name, replace=replace)
    except DataError as taken:
        raise DataError(f"{taken} with --replace") from None


def _trio(brought: "Brought", target: _Target) -> "Trio | None":
    from kdcore.data.pairs import part_of
    from kdcore.judging.trio import trio_with

    part = part_of(target.pairs, target.split)
    return trio_with(brought.predictions, part, target.workspace, target.name)


def _tell(
    brought: "Brought",
    target: _Target,
    evaluation: "Evaluation",
    trio: "Trio | None",
    path: Path | None,
    as_json: bool,
) -> None:
    from kdcore.cli.evaluate import as_data, metric_table

    read, name = brought.read, brought.predictions.model
    made_here = [key for key in evaluation.metrics if not brought.predictions.is_own(key)]
    data: dict[str, Any] = {
        "name": name,
        "role": brought.predictions.origin.role if brought.predictions.origin else "",
        "split": target.split,
        "read": asdict(read),
        **as_data(evaluation),
        "made_here": made_here,
        "comparison": trio.comparison if trio else None,
        "gap_recovered": trio.gaps if trio else None,
        "kept": path,
    }
    kept = f"Saved: {path}"
    if path is None:
        kept = f"Not saved: {target.pairs.name} is not a data set of this lab. "
        kept += "Import it first with `kdlab data import`."
    parts = [
        f"{name} on {target.split} of {target.pairs.name}: {read.answered:,} of {read.pairs:,} "
        f"pairs with predictions, read from {read.file}",
        table(_columns(read)),
        *(f"Note: {note}" for note in read.notes),
        metric_table(evaluation, made_here),
        *([MADE_HERE] if made_here else ()),
        *(f"Note: {note}" for note in evaluation.notes),
        *(_of_trio(trio) if trio else ()),
        kept,
    ]
    show(as_json, data, *parts)


def _columns(read: "Read") -> list[Mapping[str, str]]:
    from kdcore.data.answers.choice import KINDS, TEXTS

    columns = read.columns
    rows = [(ours, getattr(columns, ours) or NOTHING) for ours in TEXTS]
    rows += [
        ("answer", ", ".join(columns.answer)),
        ("kind", KINDS[columns.kind]),
        ("not used", ", ".join(columns.ignored) or NOTHING),
        ("aligned", read.aligned),
    ]
    return [{"read": ours, "as": what} for ours, what in rows]


def _of_trio(trio: "Trio") -> list[Any]:
    from kdcore.cli.evaluate import difference_table
    from kdcore.metrics.definitions import CATALOG

    comparison = trio.comparison
    pairs = f"on the {trio.pairs:,} pairs that all three have scored"
    lines: list[Any] = [
        f"{comparison.model_a} minus its twin {comparison.model_b}, teacher {trio.teacher}, "
        f"{pairs}:",
        difference_table(comparison),
    ]
    for gap in trio.gaps.values():
        lines.append(f"{CATALOG[gap.metric].name}: {gap.sentence}")
    return lines

"""`kdlab judge`: write pairs for a language model elsewhere, and read its grades back."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.bring import pairs_and_split, store, where_stored
from kdcore.cli.kit.answer import cell, show, span, table
from kdcore.cli.kit.options import Json
from kdcore.data.files.problems import shown_name
from kdcore.data.judge.judgments import Counts, judgments, predictions_of
from kdcore.data.judge.replies import read_replies
from kdcore.data.judge.requests import (
    FORMATS,
    TERMS,
    TOKEN_RULE,
    Request,
    estimated_tokens,
    json_lines,
    requests,
)
from kdcore.data.judge.rubric import RUBRIC, read_rubric
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, DataError
from kdcore.evaluation.judges import Agreement, agreements
from kdcore.predictions import ROLES
from kdcore.workspace import Workspace, replacing


def judge(
    data: Annotated[
        str, typer.Option("--data", "-d", help="world, a name from `kdlab data list`, or a path")
    ] = "",
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE.jsonl", help="write the pairs here")
    ] = None,
    answers: Annotated[
        Path | None, typer.Option("--import", metavar="FILE.jsonl", help="read answers from here")
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="train, validation, test, log or all")
    ] = "train",
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            min=0,
            help="at most so many pairs: the queries that a run with this --limit learns from; "
            "0: all",
        ),
    ] = 0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="seed of the sample; runs draw with 0")
    ] = 0,
    rubric: Annotated[
        Path | None, typer.Option("--rubric", metavar="FILE", help="your own prompt")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="form of the file: plain, or batch (OpenAI's)")
    ] = "plain",
    model: Annotated[
        str, typer.Option("--model", help="for --format batch: the model that answers")
    ] = "",
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", metavar="FOLDER", help="count tokens with this tokenizer"),
    ] = None,
    name: Annotated[str, typer.Option("--name", "-n", help="what the judge is called")] = "",
    role: Annotated[
        str, typer.Option("--role", help=f"what the judge is: {', '.join(ROLES)}")
    ] = "teacher",
    sent: Annotated[
        Path | None,
        typer.Option("--requests", metavar="FILE", help="the exported file: shows what is missing"),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="replace what has this name already")
    ] = False,
    print_rubric: Annotated[
        bool, typer.Option("--print-rubric", help="print the built-in rubric and stop")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let a language model elsewhere judge pairs: --export writes them, --import reads its grades.

    The lab itself calls no model and uses no network.

    A rubric holds {grades}, {query}, {title} and {description}, which are filled in for each pair.
    """
    if print_rubric:
        show(as_json, {"rubric": RUBRIC}, RUBRIC.rstrip("\n"))
        return
    if not data or (export is None) == (answers is None):
        raise ConfigError("give --data NAME and either --export FILE or --import FILE")
    for option, value, options in (("--format", form, FORMATS), ("--role", role, ROLES)):
        if value not in options:
            raise ConfigError(f"{option} {value}: choose from {', '.join(options)}")
    pairs, split = pairs_and_split(data, split, Workspace.default())
    if export is not None:
        text = read_rubric(rubric) if rubric else RUBRIC
        prompts = requests(pairs, split, limit, seed, text)
        _write(export, prompts, form, model, replace)
        _print_export(export, prompts, pairs, split, tokenizer, as_json)
    elif answers is not None:
        if not name.strip():
            raise ConfigError("--import needs a name for the judge: add --name NAME")
        _import(answers, sent, pairs, split, data, name.strip(), role, replace, as_json)


def _write(path: Path, prompts: list[Request], form: str, model: str, replace: bool) -> None:
    if path.exists() and not replace:
        raise DataError(f"{path} exists already; choose another name, or add --replace")
    lines = list(json_lines(prompts, form, model))
    with replacing(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def _print_export(
    path: Path,
    prompts: list[Request],
    pairs: PairTable,
    split: str,
    tokenizer: Path | None,
    as_json: bool,
) -> None:
    tokens, rule = estimated_tokens(prompts), TOKEN_RULE
    if tokenizer is not None:
        tokens, rule = _counted_tokens(prompts, tokenizer), f"counted by {tokenizer}"
    queries = len({each.texts["query"] for each in prompts})
    numbers = {"pairs": len(prompts), "queries": queries, "tokens": tokens, "token_rule": rule}
    show(
        as_json,
        {"written": path, "data": pairs.name, "split": split, **numbers},
        f"{path}: {len(prompts):,} pairs of {queries:,} queries, {split} of {pairs.name}",
        f"{tokens:,} tokens in the prompts ({rule}); the answers need more",
        *([TERMS] if pairs.non_commercial else ()),
        f"Read the answers with `kdlab judge --import ANSWERS.jsonl --data {pairs.name} "
        f"--split {split} --requests {path} --name JUDGE`",
    )


def _counted_tokens(prompts: list[Request], path: Path) -> int:
    """Count the tokens of all prompts with a tokenizer.json, given itself or by its folder."""
    from tokenizers import Tokenizer

    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as cause:
        raise ConfigError(
            f"--tokenizer {path}: {file.name} cannot be read ({cause}); give a folder that holds "
            "a tokenizer.json"
        ) from cause
    tokenizer.no_truncation()
    return sum(len(tokenizer.encode(each.prompt)) for each in prompts)


def _import(
    path: Path,
    sent: Path | None,
    pairs: PairTable,
    split: str,
    data: str,
    name: str,
    role: str,
    replace: bool,
    as_json: bool,
) -> None:
    judge = judgments(read_replies(path, pairs.scheme), pairs, split, _ids(sent) if sent else ())
    predictions, answered = predictions_of(judge, name, shown_name(path), role)
    stored = store(predictions, data, Workspace.default(), replace)
    compared = agreements(answered, judge.grades[judge.rows])
    values: dict[str, Any] = {
        "name": name,
        "split": split,
        "answered": len(answered),
        **asdict(judge.counts),
        "examples": judge.examples,
        "notes": judge.notes,
        "agreement": compared,
        "kept": stored,
    }
    show(
        as_json,
        values,
        f"{name} on {split} of {pairs.name}: {len(answered):,} of {len(judge.part):,} pairs judged",
        table(_count_rows(judge.counts), right=("number",)),
        *(f"For example {example}" for example in judge.examples),
        *(f"Note: {note}" for note in judge.notes),
        *(part for each in compared for part in _of_agreement(each, pairs)),
        where_stored(stored, pairs),
    )


def _ids(path: Path) -> list[str]:
    """Return the ids of an exported file, in either form."""
    try:
        records = map(json.loads, filter(str.strip, path.read_text(encoding="utf-8").splitlines()))
        return [str(record.get("id") or record["custom_id"]) for record in records]
    except (OSError, ValueError, KeyError, AttributeError) as cause:
        raise ConfigError(
            f"--requests {path}: `kdlab judge --export` did not write this file ({cause!r}); give "
            "the file that it wrote"
        ) from cause


def _count_rows(counts: Counts) -> list[dict[str, Any]]:
    rows = {
        "lines of the file": counts.lines,
        **{f"refusals: {reason}": count for reason, count in counts.refusals.items()},
        "repeated answers that agree": counts.repeated,
        "pairs with contradictory answers, left out": counts.contradicted,
        "answers with an unknown id": counts.unknown,
        "answers to pairs of other splits": counts.elsewhere,
        f"pairs without an answer, of {counts.pairs:,} distinct pairs": counts.missing,
    }
    return [{"what": what, "number": number} for what, number in rows.items()]


def _of_agreement(compared: Agreement, pairs: PairTable) -> list[Any]:
    """Return a table of measures, and one that counts the grades of both sides."""
    names = pairs.scheme.grades
    measures = [
        {"measure": m.name, "value [95 %]": span(m.value, m.low, m.high), "meaning": m.definition}
        for m in compared.metrics.values()
    ]
    grades = [
        {compared.reference: name, **{f"named {n}": c for n, c in zip(names, row, strict=True)}}
        for name, row in zip(names, compared.table, strict=True)
    ]
    return [
        f"Agreement of {compared.rater} with {compared.reference}: {cell(compared.pairs)} pairs of "
        f"{cell(compared.queries)} queries",
        table(measures),
        table(grades, right=[f"named {name}" for name in names]),
        *([f"Note: {compared.note}"] if compared.note else ()),
    ]

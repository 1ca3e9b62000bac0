"""`kdlab data`: import, list, show, check and export data sets."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import cell, show, table
from kdcore.cli.kit.options import Json
from kdcore.cli.kit.reading import mapping_of, options_of, scheme_of, token_counts, trec_of
from kdcore.data import library
from kdcore.data.check.report import check as check_pairs
from kdcore.data.export import export_data
from kdcore.data.library import REJECTS, Imported
from kdcore.data.names import named_pairs
from kdcore.data.pairs import PairTable
from kdcore.data.sources.registry import TASKS
from kdcore.data.sources.table import TableReading
from kdcore.data.trec.folder import write_folder
from kdcore.errors import ConfigError, DataError
from kdcore.labels import gains_of

app = typer.Typer(help="Bring data sets in, look at them, check them, take them out.")

Named = Annotated[
    str, typer.Argument(metavar="NAME", help="world, a name from `kdlab data list`, or a path")
]
Own = Annotated[str, typer.Argument(metavar="NAME", help="a name from `kdlab data list`")]
BUNDLED = "bundled: made on this machine when it is first used, truth known; log=50000 pairs of "
BUNDLED += "an unlabelled log come with the name world:log=50000"

_SHOWN = 300  # letters of a text


@app.command("import")
def import_data(
    source: Annotated[
        str | None, typer.Argument(help="a file, folder or archive, or hub:qadsm, hub:wpr")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="what it is called from now on")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="qadsm or wpr, where an archive holds both")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=THEIRS",
            help="the file's name of a column, or its number from 1; empty: it has none",
        ),
    ] = None,
    grades: Annotated[
        str | None,
        typer.Option(
            "--grades",
            help="names of the grades, worst first: bad,fair,good; or binary, four, five, esci",
        ),
    ] = None,
    relevant_from: Annotated[
        str | None, typer.Option("--relevant-from", help="the worst grade that is still relevant")
    ] = None,
    round_grades: Annotated[
        bool, typer.Option("--round-grades", help="take a label such as 2.33 to the nearest grade")
    ] = False,
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="whether the first line names the columns"),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", help="tab, comma, semicolon, bar or any one character"),
    ] = None,
    quotes: Annotated[
        bool | None,
        typer.Option("--quotes/--no-quotes", help="whether double quotes enclose texts"),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="of an Excel workbook, else the first")
    ] = None,
    gains: Annotated[
        str | None,
        typer.Option("--gains", help="what each grade is worth in nDCG, worst first: 0,0.01,0.1,1"),
    ] = None,
    qrels: Annotated[
        list[Path] | None,
        typer.Option("--qrels", help="TREC: judgements; the file's name says train, dev or test"),
    ] = None,
    queries: Annotated[
        list[Path] | None, typer.Option("--queries", help="TREC: their queries, TSV or JSON lines")
    ] = None,
    documents: Annotated[
        list[Path] | None,
        typer.Option("--documents", help="TREC: their documents, TSV or JSON lines"),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="leave out bad rows and save them as rejects.tsv")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help=("replace earlier predictions of that name"))
    ] = False,
    as_json: Json = False,
) -> None:
    """Read a data set and keep it under a name; bad rows are told with line and cure."""
    if task is not None and task not in TASKS:
        raise ConfigError(f"--task {task}: the tasks are {' and '.join(TASKS)}")
    files = trec_of(source, qrels or (), queries or (), documents or ())
    columns = mapping_of(mapping or ())
    how = TableReading(
        {ours: theirs or None for ours, theirs in columns.items()} or None,
        scheme_of(grades, relevant_from),
        options_of(delimiter, header, quotes, sheet),
        round_grades,
        gains_of(gains),
    )
    imported = library.import_data(
        files or source or "", name, task=task, how=how, skip_bad=skip_bad, replace=replace
    )
    _print_import(imported, as_json)


def _print_import(imported: Imported, as_json: bool) -> None:
    pairs, counts = imported.table, imported.reading.counts
    sizes = {split: len(pairs.split(split)) for split in pairs.splits}
    rejects = imported.folder / REJECTS if imported.reading.problems else None
    data = {
        "name": pairs.name,
        "source": pairs.source,
        "content_hash": pairs.content_hash,
        "splits": sizes,
        "grades": pairs.scheme.grades,
        "gains": pairs.scheme.own_gains,
        **counts,
        "read": imported.reading.columns,
        "notes": pairs.notes,
        "hints": imported.reading.hints,
        "rejects": rejects,
        "folder": imported.folder,
    }
    splits = ", ".join(f"{split} {n:,}" for split, n in sizes.items())
    names, first = pairs.scheme.grades, pairs.scheme.relevant_from
    columns = imported.reading.columns
    lines = [
        f"{pairs.name}: {counts['kept']:,} of {counts['rows']:,} rows imported ({splits}).",
        *(columns.sentences() if columns else (f"Read as {pairs.source}.",)),
        f"Grades, worst first: {', '.join(names)}; relevant from {names[first]}{_worth(pairs)}.",
        *(f"Note: {note}" for note in (*pairs.notes, *imported.reading.hints)),
        *([f"The rows left out are in {rejects}."] if rejects else []),
    ]
    show(as_json, data, *lines)


def _worth(pairs: PairTable) -> str:
    """The data set's own gains as the end of a sentence; "" without any."""
    own = pairs.scheme.own_gains
    return f"; worth in nDCG with own gains {', '.join(f'{gain:g}' for gain in own)}" if own else ""


@app.command("list")
def list_data(as_json: Json = False) -> None:
    """List the bundled world and every data set that was imported."""
    imported = library.list_data()
    rows: list[dict[str, Any]] = [{"name": library.WORLD, "pairs": None, "source": BUNDLED}]
    rows += [{"name": d.name, "pairs": d.pairs, "source": d.problem or d.source} for d in imported]
    data = [rows[0] | {"problem": ""}, *imported]
    show(as_json, {"data": data}, table(rows, right=("pairs",)))


@app.command("delete")
def delete_data(name: Own, as_json: Json = False) -> None:
    """Put an imported data set into the trash, where it stays for a week."""
    library.delete_data(name)
    way_back = f"{name} is in the trash for a week; `kdlab data restore {name}` takes it back"
    show(as_json, {"deleted": name}, way_back)


@app.command("restore")
def restore_data(name: Own, as_json: Json = False) -> None:
    """Take a deleted data set back out of the trash."""
    library.restore_data(name)
    show(as_json, {"restored": name}, f"{name} is back")


@app.command("show")
def show_data(
    name: Named,
    rows: Annotated[int, typer.Option("--rows", min=0, help="how many pairs are shown")] = 5,
    as_json: Json = False,
) -> None:
    """Show where a data set comes from, how large it is, and its first pairs."""
    pairs = named_pairs(name)
    names = [*pairs.scheme.grades, None]  # an unlabelled pair has grade -1
    columns = ["query", "title", "description", "grade", "language", "split"]
    first = [
        {str(key): value for key, value in row.items()} | {"grade": names[int(row["grade"])]}
        for row in pairs.frame[columns].head(rows).to_dict("records")
    ]
    splits = [_size(pairs, split) for split in pairs.splits]
    data = {
        "name": pairs.name,
        "source": pairs.source,
        "notes": pairs.notes,
        "content_hash": pairs.content_hash,
        "grades": pairs.scheme.grades,
        "gains": pairs.scheme.own_gains,
        "relevant_from": pairs.scheme.relevant_from,
        "truth": pairs.truth is not None,
        "splits": splits,
        "first": first,
    }
    relevant = ", ".join(pairs.scheme.grades[pairs.scheme.relevant_from :])
    grades = (
        f"grades: {', '.join(pairs.scheme.grades)} ({relevant} count as relevant{_worth(pairs)})"
    )
    notes = [f"Note: {note}" for note in pairs.notes]
    sizes = table(splits, right=("pairs", "queries", "labelled"))
    shown = [table([_short(row) for row in first])] if first else []
    show(as_json, data, f"{pairs.name}: {pairs.source}\n{grades}", *notes, sizes, *shown)


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """A pair as a table shows it: the beginning of a long text."""
    return {
        name: f"{value[:_SHOWN]}…" if isinstance(value, str) and len(value) > _SHOWN else value
        for name, value in row.items()
    }


def _size(pairs: PairTable, split: str) -> dict[str, Any]:
    part = pairs.split(split)
    queries, labelled = int(part.query_ids.max()) + 1, len(part.labelled())
    return {"split": split, "pairs": len(part), "queries": queries, "labelled": labelled}


@app.command()
def check(
    name: Named,
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer",
            metavar="FOLDER",
            help="count the tokens of long texts as this pretrained model does",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Check a data set: sizes, label shares, duplicates, leaks, what chance alone scores."""
    report = check_pairs(named_pairs(name), token_counts(tokenizer) if tokenizer else None)
    findings = [f"- {finding}" for finding in report.findings] or ["Nothing odd was found."]
    rows = [
        {
            "split": s.split,
            "pairs": s.pairs,
            "queries": s.queries,
            "ads a query": f"{s.ads_per_query.mean:.1f}",
            "grades": ", ".join(
                f"{grade} {share:.0%}" for grade, share in s.label_shares.items() if share == share
            ),
            "relevant": f"{s.prior:.1%}" if s.prior == s.prior else cell(None),
            "random nDCG@5": next(c.random for c in s.chance if (c.gain, c.depth) == ("exp2", 5)),
            "detectable AUC difference": s.auc_step,
        }
        for s in report.splits
    ]
    show(
        as_json,
        asdict(report),
        f"{report.name}: {report.source}",
        table(rows, right=rows[0].keys() - {"split", "grades"} if rows else ()),
        *(f"Note: {note}" for note in report.notes),
        "\n".join(findings),
    )


@app.command()
def export(
    name: Named,
    path: Annotated[
        Path, typer.Argument(help=".csv, .tsv, .jsonl or .parquet; a folder for XGLUE's files")
    ],
    split: Annotated[str | None, typer.Option("--split", help="only this split")] = None,
    trec: Annotated[
        bool, typer.Option("--trec", help="write corpus, queries and qrels in BEIR's layout")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="write over what is there")] = False,
    as_json: Json = False,
) -> None:
    """Write a data set for other tools; what is written reads back."""
    if path.is_file() and not replace:
        raise DataError(f"{path} exists already; choose another name, or add --replace")
    pairs = named_pairs(name)
    if split:
        pairs = pairs.split(split)
    written = write_folder(pairs, path) if trec else export_data(pairs, path)
    data = {"name": pairs.name, "pairs": len(pairs), "written": written}
    files = ", ".join(map(str, written))
    show(as_json, data, f"{len(pairs):,} pairs of {pairs.name} are in {files}")

"""Open table files of every kind with one function, for pairs and for predictions alike.

    table = open_table(path)                      # see kdcore.data.files.cells for what it returns
    cells = open_table(path, lists=True).read()   # every column; lists as name_0, name_1, ...

Kinds by ending: .csv .tsv .txt (tabs, commas, semicolons or bars, detected; Excel's line `sep=;`;
with or without a header), .run .trec .res (TREC runs, which may also be called .txt), .jsonl
.ndjson .json (a list, or one record per line), .parquet, .xlsx;
each of them also packed as .gz, .bz2, .xz or alone in a .zip. DataError explains what cannot be
read; only a regular file is opened.
"""

from pathlib import Path, PurePosixPath

from kdcore.data.files import excel, json_records, parquet, text, trec
from kdcore.data.files.cells import TableFile, TableOptions
from kdcore.data.files.content import PACKED, check_regular, content_of
from kdcore.data.files.problems import shown_name, unreadable

ENDINGS = (*text.ENDINGS, *json_records.ENDINGS, *parquet.ENDINGS, ".xlsx")
_SUPPORTED = (*ENDINGS, ".xlsm", *trec.ENDINGS)


def is_table_name(name: str) -> bool:
    """Return whether a file of this name can be opened: its ending is known, packed or not."""
    path = PurePosixPath(name.lower())
    inner = PurePosixPath(path.stem).suffix if path.suffix in PACKED else path.suffix
    return inner in _SUPPORTED or path.suffix == ".zip"


def open_table(
    path: Path, options: TableOptions | None = None, *, file: str = "", lists: bool = False
) -> TableFile:
    """Open a table file of any kind; its rows are read later.

    file: what it is called in errors, by default its own name.

    lists: columns of lists (JSON, Parquet) become numbered columns.
    """
    file, options = file or shown_name(path), options or TableOptions()
    check_regular(path, file)
    if path.suffix.lower() in parquet.ENDINGS:
        return parquet.open_parquet(path, file, lists)
    _check_ending(path, file)
    content = content_of(path, file, _SUPPORTED)
    ending = PurePosixPath(content.name).suffix.lower()
    if ending in parquet.ENDINGS:
        return parquet.open_parquet(content.data, file, lists)
    if ending in excel.ENDINGS:
        return excel.open_excel(content.data, file, options)
    if ending in json_records.ENDINGS:
        return json_records.open_json(content.data, file, ending, lists)
    if trec.is_run(content.data):
        return trec.open_run(content.data, file)
    return text.open_text(content.data, file, ending, options)


def _check_ending(path: Path, file: str) -> None:
    if is_table_name(path.name):
        return
    suffix = path.suffix
    if suffix.lower() in PACKED:
        what = "its name does not show what is packed in it"
        cure = f"call it like pairs.csv{suffix}, or unpack it"
    else:
        ending = f"ending in {shown_name(suffix)}" if suffix else "without an ending"
        what = f"files {ending} are unknown"
        cure = f"use one of {', '.join(ENDINGS)}, or one of them packed as {', '.join(PACKED)}"
    raise unreadable(file, what, cure)

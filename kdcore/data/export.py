"""Export a PairTable as a file for other tools or as XGLUE's files; the lab reads all of them."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kdcore.data.files.rejects import guarded
from kdcore.data.pairs import COLUMNS, PAIR_ID, TEXT_COLUMNS, TRUTH_PREFIX, PairTable
from kdcore.data.sources.table import SCHEME_KEY
from kdcore.data.sources.xglue import SPLIT_NAMES
from kdcore.errors import DataError
from kdcore.labels import BINARY, FIVE_GRADES
from kdcore.workspace import replacing, write_bytes_atomic

SUFFIXES = (".tsv", ".csv", ".jsonl", ".parquet")
_UNFIT = re.compile("[\t\n\0]")


def export_data(pairs: PairTable, path: Path) -> tuple[Path, ...]:
    """Write pairs in the format of the path's ending, and return the files written.

    Each file is written completely or not at all.

    .csv, .jsonl, .parquet: all columns, grades by name, blank when unlabelled. CSV cells that a
        spreadsheet would run get an apostrophe. Parquet also keeps the scheme and the truth.
    .tsv: QADSM's four columns, for one language and split. No ending: a folder of such files
        under XGLUE's names, for Bad/Good (QADSM) and five grades (WPR).
    DataError when the format cannot hold the pairs.
    """
    suffix = path.suffix.lower()
    try:
        if not suffix or path.is_dir():
            return _write_folder(pairs, path)
        if suffix not in SUFFIXES:
            raise DataError(
                f"pairs cannot be exported to {suffix!r}; end the name in {', '.join(SUFFIXES)}"
            )
        if suffix == ".tsv":
            write_bytes_atomic(path, _tsv(_one_part(pairs)))
            return (path,)
        with replacing(path) as temporary:
            {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}[suffix](
                pairs, temporary
            )
    except OSError as cause:
        raise DataError(f"{path.name} could not be written ({cause}); choose another place") from (
            cause
        )
    return (path,)


def _labels(pairs: PairTable) -> list[str]:
    """Return (pairs,) grade names; unlabelled, -1, picks the blank at the end."""
    names = np.array([*pairs.scheme.grades, ""], dtype=object)
    return list(names[pairs.grades])


def _named(pairs: PairTable) -> pd.DataFrame:
    named = pairs.frame[list(COLUMNS)].assign(grade=_labels(pairs))
    return named.assign(id=pairs.frame[PAIR_ID]) if PAIR_ID in pairs.frame else named


def _rows(pairs: PairTable) -> Iterator[tuple[str, ...]]:
    frame = _named(pairs)
    return zip(*(frame[column].tolist() for column in frame.columns), strict=True)


def _write_csv(pairs: PairTable, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_named(pairs).columns)
        writer.writerows([guarded(cell) for cell in row] for row in _rows(pairs))


def _write_jsonl(pairs: PairTable, path: Path) -> None:
    names = _named(pairs).columns
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in _rows(pairs):
            record = dict(zip(names, row, strict=True))
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _write_parquet(pairs: PairTable, path: Path) -> None:
    truth = [c for c in pairs.frame.columns if c.startswith(TRUTH_PREFIX)]
    frame = pd.concat([_named(pairs), pairs.frame[truth]], axis=1)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    scheme = json.dumps(pairs.scheme.to_dict()).encode()
    pq.write_table(table.replace_schema_metadata({SCHEME_KEY: scheme}), path)


def _one_part(pairs: PairTable) -> PairTable:
    parts = pairs.frame[["language", "split"]].drop_duplicates()
    if len(parts) > 1:
        raise DataError(
            f"a .tsv file in QADSM's format holds one language and split; {pairs.name} has "
            f"{len(parts)} of them: name a folder, write .csv or .parquet, or take one split"
        )
    return pairs


def _tsv(pairs: PairTable) -> bytes:
    """Write QADSM's lines; DataError for texts with a tab or a line end, which do not fit."""
    texts = [pairs.frame[column].tolist() for column in TEXT_COLUMNS]
    unfit = [
        f"pair {row + 1}: its {column} holds a tab, a line end or a NUL; write .csv or .parquet"
        for column, values in zip(TEXT_COLUMNS, texts, strict=True)
        for row, text in enumerate(values)
        if _UNFIT.search(text)
    ]
    if unfit:
        raise DataError(f"{len(unfit):,} texts do not fit QADSM's format:", unfit[:20])
    lines = map("\t".join, zip(*texts, _labels(pairs), strict=True))
    content = "".join(f"{line}\n" for line in lines)
    # a reader removes one byte order mark; a text that starts with one must keep its own
    mark = "\ufeff" if content.startswith("\ufeff") else ""
    return (mark + content).encode()


def _write_folder(pairs: PairTable, folder: Path) -> tuple[Path, ...]:
    tasks = {BINARY.grades: "qadsm", FIVE_GRADES.grades: "wpr"}
    task = tasks.get(pairs.scheme.grades)
    names = {split: part for part, split in SPLIT_NAMES.items()}
    languages, splits = (pairs.frame[c].to_numpy(dtype=object) for c in ("language", "split"))
    parts = sorted(set(zip(languages, splits, strict=True)))
    odd = [f"{x}/{s}" for x, s in parts if s not in names or not re.fullmatch("[a-z]{2}", x)]
    if task is None or odd:
        why = f"a part called {odd[0]}" if odd else f"the grades {', '.join(pairs.scheme.grades)}"
        raise DataError(f"XGLUE's files have no place for {why}; name a .parquet or .csv file")
    contents = {}
    for language, split in parts:
        rows = np.flatnonzero((languages == language) & (splits == split))
        path = folder / f"xglue.{task}.{language}.{names[split]}"
        contents[path] = _tsv(pairs.take(rows))
    for path, content in contents.items():
        write_bytes_atomic(path, content)
    return tuple(contents)

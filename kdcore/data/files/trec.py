"""Open a TREC run, lines of `query Q0 document rank score tag`, as a table with named columns."""

import re

from kdcore.data.files.cells import Cells, TableFile
from kdcore.data.files.content import decode, lines_of, suspicious

ENDINGS = (".run", ".trec", ".res")
COLUMNS = ("query_id", "Q0", "ad_id", "rank", "score", "tag")
KIND = "a TREC run"
_SAMPLE = 20  # lines that must look like a run
_LINE = re.compile(rb"\S+\s+[Qq]0\s+\S+\s+-?\d+\s+[-+.\deE]+\s+\S+\s*")


def is_run(data: bytes) -> bool:
    """Return whether the first lines of a file are those of a run."""
    lines = [line for line in data[: 1 << 16].splitlines()[: _SAMPLE + 1] if line.strip()]
    if len(lines) > 1:
        del lines[-1]  # it may be cut
    return bool(lines) and all(map(_LINE.fullmatch, lines))


def open_run(data: bytes, file: str) -> TableFile:
    """Open a run; a line without six fields is a problem of its row."""
    text, notes = decode(data, file)

    def read(cells: Cells, places: tuple[int, ...], limit: int | None) -> None:
        cells.notes, cells.suspicious = notes, suspicious([text])
        filled = ((n, line) for n, line in enumerate(lines_of(text), 1) if line.strip())
        for number, line in filled:
            if limit is not None and len(cells.rows) >= limit:
                return
            fields = line.split()
            if len(fields) == len(COLUMNS):
                cells.rows.append((number, [fields[place] for place in places]))
            else:
                what = f"{len(fields)} fields instead of {len(COLUMNS)}"
                cells.reject(number, line, what, f"write {' '.join(COLUMNS)}")

    return TableFile(file, KIND, COLUMNS, read)

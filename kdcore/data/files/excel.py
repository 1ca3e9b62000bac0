"""Read one sheet of an Excel workbook (.xlsx) as a table; a formula reads as its stored value."""

import io
import zipfile
from itertools import islice
from typing import Any

from kdcore.data.files.cells import Cells, TableFile, TableOptions, is_header, numbered, text_of
from kdcore.data.files.content import MOST_BYTES, suspicious
from kdcore.data.files.problems import quoted, unreadable
from kdcore.errors import Cure, DataError

ENDINGS = (".xlsx", ".xlsm")
_SAMPLE = 20  # rows that decide whether the first one is a header


def open_excel(data: bytes, file: str, options: TableOptions) -> TableFile:
    """Open the first sheet, or the one that the options name."""
    rows, sheets = _sheet(data, file, options.sheet)
    filled = [row for _, row in rows if row][:_SAMPLE]
    sample = [[(text_of(value) or "").strip() for value in row] for row in filled]
    header = is_header(sample) if options.header is None else options.header
    line = next((n for n, row in rows if row), 1)
    texts = sample[0] if sample else []
    columns = tuple(texts) if header else numbered(len(texts))
    others = [name for name in sheets[0] if name != sheets[1]]
    hints: tuple[str, ...] = ()
    if others and not options.sheet:
        note = (
            f"the sheet {quoted(sheets[1])} is read; there is also {', '.join(map(quoted, others))}"
        )
        hints = (
            Cure(f"{note}: --sheet NAME reads another", f"{note}: choose another under “Sheet”"),
        )

    def read(cells: Cells, places: tuple[int, ...], limit: int | None) -> None:
        cells.hints = hints
        body = ((n, row) for n, row in rows if row and (n != line or not header))
        for number, row in islice(body, limit):
            cells.take(number, [row[p] if p < len(row) else None for p in places])
        cells.suspicious = suspicious(text for _, texts in cells.rows for text in texts)

    kind = f"sheet {quoted(sheets[1])} of a workbook"
    return TableFile(file, kind, columns, read, "row", not header, tuple(sheets[0]))


def _sheet(
    data: bytes, file: str, name: str
) -> tuple[list[tuple[int, list[Any]]], tuple[list[str], str]]:
    """Return [(row number, its cells up to the last filled one)] and (all sheets, this sheet)."""
    from openpyxl import load_workbook  # takes a third of a second, and few files need it

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise unreadable(file, "it unpacks to more than 2 GiB", "save the sheet as CSV")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        if name and name not in book.sheetnames:
            has = ", ".join(map(quoted, book.sheetnames))
            raise unreadable(file, f"no sheet is called {quoted(name)}; it has {has}", "name one")
        sheet = book[name] if name else book.worksheets[0]
        sheet.reset_dimensions()  # what other programs write there is often wrong
        rows = [(number, _trimmed(values)) for number, values in enumerate(sheet.values, 1)]
        return rows, ([s.title for s in book.worksheets], sheet.title)
    except DataError:
        raise
    except Exception as cause:  # openpyxl raises whatever its XML reader and the file bring about
        what = f"it is not an Excel workbook, or a damaged or locked one ({str(cause)[:80]})"
        raise unreadable(
            file, what, "save it again as .xlsx without a password, or as CSV"
        ) from cause


def _trimmed(values: Any) -> list[Any]:
    row = list(values)
    while row and (row[-1] is None or row[-1] == ""):
        row.pop()
    return row

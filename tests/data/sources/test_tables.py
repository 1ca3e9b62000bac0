"""One table, however it is written: delimiters, packing, kinds of file, columns and their order."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import zipfile
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from kdcore.data.files import content
from kdcore.data.files.cells import TableOptions
from kdcore.data.library import import_data, load_data
from kdcore.data.pairs import COLUMNS, nfc
from kdcore.data.sources.grades import GradesUnclearError
from kdcore.data.sources.table import TableReading, read_table
from kdcore.errors import DataError
from kdcore.labels import BINARY, ESCI, FOUR_GRADES

HEADER = ("query", "title", "description", "grade")
# what delimiters, quoting and Unicode disagree about, next to any other text of a spreadsheet
HARD = ["a,b", "a;b", "a|b", "a\tb", 'say "x"', '27"', "é", "e\u0301", "한", "007", "null", "1e5"]
TEXT = st.one_of(
    st.sampled_from(HARD),
    st.text(st.characters(categories=["L", "N", "Zs", "P", "Mn"]), min_size=1, max_size=12),
).filter(lambda text: text.strip() == text != "" and text[0] not in "'=+-@＝＋－＠")
ROWS = st.lists(st.tuples(TEXT, TEXT, TEXT, st.sampled_from(["bad", "good", "excellent"])),
                min_size=1, max_size=5)  # fmt: skip


def as_csv(rows, delimiter=",", header=HEADER):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return file.getvalue().encode()


def as_workbook(rows, header=HEADER):
    book, file = Workbook(), io.BytesIO()
    for row in (header, *rows):
        book.active.append(list(row))
    book.create_sheet("notes").append(["nothing"])
    book.save(file)
    return file.getvalue()


def as_parquet(rows):
    file = io.BytesIO()
    pq.write_table(pa.table({n: [r[k] for r in rows] for k, n in enumerate(HEADER)}), file)
    return file.getvalue()


def as_zip(data, name="pairs.csv"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("__MACOSX/._pairs.csv", b"\0\0")
        archive.writestr(f"folder/{name}", data)
    return file.getvalue()


def records(rows):
    return [dict(zip(HEADER, row, strict=True)) for row in rows]


WAYS = {
    "x.csv": as_csv,
    "y.csv": lambda rows: as_csv(rows, ";"),
    "z.csv": lambda rows: as_csv(rows, "|"),
    "tabs.csv": lambda rows: as_csv(rows, "\t"),
    "excel.csv": lambda rows: b"sep=;\r\n" + as_csv(rows, ";"),
    "x.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
    "x.csv.bz2": lambda rows: bz2.compress(as_csv(rows)),
    "x.csv.xz": lambda rows: lzma.compress(as_csv(rows)),
    "x.zip": lambda rows: as_zip(as_csv(rows)),
    "x.xlsx": as_workbook,
    "x.json": lambda rows: json.dumps(records(rows)).encode(),
    "under.json": lambda rows: json.dumps({"about": 1, "rows": records(rows)}).encode(),
    "columns.json": lambda rows: json.dumps(
        {name: [row[k] for row in rows] for k, name in enumerate(HEADER)}
    ).encode(),
    "lines.json": lambda rows: "\n".join(map(json.dumps, records(rows))).encode(),
    "x.jsonl.gz": lambda rows: gzip.compress("\n".join(map(json.dumps, records(rows))).encode()),
    "x.parquet": as_parquet,
    "x.parquet.gz": lambda rows: gzip.compress(as_parquet(rows)),
}


def read(name, data, **how):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_table(path, TableReading(scheme=FOUR_GRADES, **how))


@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=8, deadline=None)
@given(rows=ROWS)
def test_every_way_of_writing_a_table_gives_the_same_pairs(name, rows):
    reading = read(name, WAYS[name](rows))
    assert not reading.problems
    for k, column in enumerate(HEADER[:3]):
        assert reading.frame[column].tolist() == [nfc(row[k]) for row in rows]
    assert reading.frame["grade"].tolist() == [FOUR_GRADES.grades.index(row[3]) for row in rows]


@settings(max_examples=20, deadline=None)
@given(rows=ROWS, order=st.permutations(range(6)), form=st.sampled_from(["NFC", "NFD"]))
def test_column_order_unused_columns_and_unicode_form_change_nothing(rows, order, form):
    header = (*HEADER, "clicked_at", "score")
    full = [(*(normalize(form, cell) for cell in row), "2026-01-01", "0.5") for row in rows]
    shuffled = [[row[k] for k in order] for row in full]
    data = as_csv(shuffled, ",", [header[k] for k in order])
    first, second = read("x.csv", as_csv(rows)), read("x.csv", data)
    assert first.frame[list(COLUMNS)].equals(second.frame[list(COLUMNS)])
    assert set(second.columns.ignored) == {"clicked_at", "score"}


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_a_table_without_a_header_is_read_by_the_numbers_of_its_columns(rows):
    swapped = [(row[1], row[0], row[3], row[2]) for row in rows]
    data = as_csv(swapped[1:], ",", swapped[0])
    mapping = {"title": "1", "query": "2", "grade": "3", "description": "4"}
    reading = read("x.csv", data, mapping=mapping, options=TableOptions(header=False))
    assert reading.frame[list(COLUMNS)].equals(read("x.csv", as_csv(rows)).frame[list(COLUMNS)])


def test_quotes_in_tab_separated_text_are_text_until_they_are_said_to_enclose(tmp_path):
    line = 'tv\t"27"" screen"\t"big, ""4K"""\tgood\n'
    (tmp_path / "x.tsv").write_text("\t".join(HEADER) + "\n" + line)
    kept = read_table(tmp_path / "x.tsv")
    assert kept.frame["title"].tolist() == ['"27"" screen"']
    assert "2 texts that begin with a quote also end with one" in kept.hints[0]
    taken = read_table(tmp_path / "x.tsv", TableReading(options=TableOptions(quotes=True)))
    assert taken.frame["title"].tolist() == ['27" screen']
    assert taken.frame["description"].tolist() == ['big, "4K"']
    assert not taken.hints
    (tmp_path / "x.tsv").write_text("\t".join(HEADER) + "\n" + '27" tv\t"a\tb\tgood\n')
    assert not read_table(tmp_path / "x.tsv").hints


def test_a_sheet_of_a_workbook_is_named_and_the_first_one_is_taken_and_told(tmp_path):
    book = Workbook()
    book.active.title = "cover"
    sheet = book.create_sheet("judged")
    for row in (
        [],
        ["query", "title", "grade"],
        ["a", 7, 1.0],
        [None],
        ["b", datetime(2026, 1, 2), 0],
    ):
        sheet.append(row)
    book.active.append(["query", "title", "grade"])
    book.active.append(["c", "d", 1])
    book.save(tmp_path / "x.xlsx")
    first = read_table(tmp_path / "x.xlsx")
    assert first.frame["query"].tolist() == ["c"]
    assert "the sheet 'cover' is read; there is also 'judged'" in first.hints[0]
    named = read_table(tmp_path / "x.xlsx", TableReading(options=TableOptions(sheet="judged")))
    assert named.frame["title"].tolist() == ["7", "2026-01-02T00:00:00"]
    assert named.frame["grade"].tolist() == [1, 0]
    with pytest.raises(DataError, match="no sheet is called 'nope'; it has 'cover', 'judged'"):
        read_table(tmp_path / "x.xlsx", TableReading(options=TableOptions(sheet="nope")))


def test_a_column_that_is_not_mapped_is_never_looked_at(tmp_path, workspace):
    columns = {
        "query": ["a", "b"], "title": ["c", "d"], "label": [1, 0],
        "clicked_at": [datetime(2026, 1, 1)] * 2, "embedding": [[0.1, 0.2], None],
        "broken": pa.array([b"\xff", b"x"]).view(pa.string()),
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    done = import_data(tmp_path / "x.parquet", "x")
    assert done.reading.counts["kept"] == 2
    assert done.reading.columns.ignored == ("clicked_at", "embedding", "broken")
    with pytest.raises(DataError, match="'embedding' is neither text nor number"):
        load_data(tmp_path / "x.parquet", how=TableReading({"description": "embedding"}))


def test_a_long_text_is_read_and_one_of_a_million_letters_is_refused_by_name(tmp_path, workspace):
    long, longer = "x" * 140_000, "y" * 1_000_001
    (tmp_path / "x.csv").write_bytes(as_csv([("a", "t", long, "good"), ("b", "t", longer, "bad")]))
    reading = read_table(tmp_path / "x.csv")
    assert reading.frame["description"].tolist() == [long]
    assert "the description has 1,000,001 letters, 1,000,000 at most" in str(reading.problems[0])


def test_what_was_taken_for_what_is_told_in_words(tmp_path, workspace):
    header = ("example_id", "query", "product_title", "product_description", "esci_label")
    rows = [(k, "hose", f"hose {k}", "x", label) for k, label in enumerate("ESCI")]
    (tmp_path / "x.csv").write_bytes(as_csv(rows, ",", header))
    done = import_data(tmp_path / "x.csv", "x")
    assert done.table.scheme == ESCI
    assert done.table.grades.tolist() == [3, 2, 1, 0]
    assert done.reading.columns.sentences() == (
        "Read as text separated by commas: query from 'query', title from 'product_title', "
        "description from 'product_description', grade from 'esci_label'.",
        "Pairs are named by 'example_id'.",
        "Labels: 'I' = Irrelevant (1 row), 'C' = Complement (1 row), 'S' = Substitute (1 row), "
        "'E' = Exact (1 row).",
    )


SCALES = {
    "True False": (("Bad", "Good"), [1, 0]),
    "exact COMPLEMENT Substitute irrelevant": (ESCI.grades, [3, 1, 2, 0]),
    "0 3 1": (FOUR_GRADES.grades, [0, 3, 1]),
    "0 4 2 -1": (("bad", "fair", "good", "excellent", "perfect"), [0, 4, 2, -1]),
    "1 2 3 4 5": (("1", "2", "3", "4", "5"), [0, 1, 2, 3, 4]),
    "1.0 0.0": (("Bad", "Good"), [1, 0]),
}


@pytest.mark.parametrize(("labels", "read_as"), SCALES.items(), ids=list(SCALES))
def test_labels_of_known_scales_are_read_in_their_order(tmp_path, labels, read_as):
    rows = [("q", f"t{k}", "", label) for k, label in enumerate(labels.split())]
    (tmp_path / "x.csv").write_bytes(as_csv(rows))
    reading = read_table(tmp_path / "x.csv")
    assert (reading.scheme.grades, reading.frame["grade"].tolist()) == read_as


STRAYS = {  # labels of 400 rows / of a few others -> the one that asks
    "0 1 / 2": "'2' (1)",
    "0 1 / 3 n/a": "'3' (1)",
    "1 0 / 17": "'17' (1)",
    "Good Bad / excellent ???": "'excellent' (1)",
    "true false / 3": "'3' (1)",
}


@pytest.mark.parametrize(("labels", "asks"), STRAYS.items(), ids=list(STRAYS))
def test_a_stray_label_never_changes_what_the_other_labels_mean(tmp_path, labels, asks):
    usual, few = (part.split() for part in labels.split("/", 1))
    rows = [("q", f"t{k}", "", label) for k, label in enumerate([*(usual * 200), *few])]
    (tmp_path / "x.csv").write_bytes(as_csv(rows))
    with pytest.raises(GradesUnclearError) as asked:
        read_table(tmp_path / "x.csv")
    assert f"except for 1 row with the label {asks}" in str(asked.value)
    assert asked.value.choices[0].scheme == BINARY
    reading = read_table(tmp_path / "x.csv", TableReading(scheme=BINARY))
    assert (len(reading.frame), len(reading.problems)) == (400, len(few))
    assert f"'{usual[0]}'" in reading.columns.sentences()[-1]
    assert "(200 rows)" in reading.columns.sentences()[-1]


def test_a_few_words_among_numbers_leave_the_numbers_what_they_are(tmp_path):
    rows = [("q", f"t{k}", "", label) for k, label in enumerate(["0", "1", "2"] * 40 + ["n/a"])]
    (tmp_path / "x.csv").write_bytes(as_csv(rows))
    with pytest.raises(GradesUnclearError, match="0, 1, 2 do not show how many grades"):
        read_table(tmp_path / "x.csv")


def test_labels_between_two_grades_are_rounded_when_asked(tmp_path):
    rows = [("q", f"t{k}", "", label) for k, label in enumerate(["0", "2.33", "1.67", "0.5", "3"])]
    (tmp_path / "x.csv").write_bytes(as_csv(rows))
    with pytest.raises(DataError, match=r"'2.33', '1.67', '0.5' are not whole grades.*--round-gra"):
        read_table(tmp_path / "x.csv")
    reading = read_table(tmp_path / "x.csv", TableReading(round_grades=True))
    assert reading.frame["grade"].tolist() == [0, 2, 2, 1, 3]
    assert "3 labels were rounded" in reading.notes[0]


BROKEN_TRUTH = {
    "not a finite number": [[float("nan"), 0.5], [0.5, 0.5]],
    "outside 0 to 1": [[2.0, -1.0], [0.5, 0.5]],
    "sums to 0.8": [[0.3, 0.5], [0.5, 0.5]],
}


@pytest.mark.parametrize("what", BROKEN_TRUTH)
def test_truth_that_is_none_is_told_by_row_and_the_good_rows_keep_theirs(tmp_path, workspace, what):
    truth = BROKEN_TRUTH[what]
    columns = {"query": ["a", "b"], "title": ["c", "d"], "label": [1, 0]}
    columns |= {f"truth_{k}": [row[k] for row in truth] for k in range(2)}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=f"row 1: its truth.*{what}"):
        load_data(tmp_path / "x.parquet")
    assert load_data(tmp_path / "x.parquet", skip_bad=True).truth.tolist() == [[0.5, 0.5]]
    pq.write_table(pa.table(columns).drop_columns(["truth_1"]), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="its truth is in truth_0, where the data has 2 grades"):
        load_data(tmp_path / "x.parquet")


@pytest.mark.parametrize("name", ["x.csv", "x.gz", "x.tar.gz", "xglue.qadsm.en.dev"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, workspace, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="a pipe or a device"):
        load_data(tmp_path / name)


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.zip"])
def test_a_file_that_unpacks_to_more_than_is_taken_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(content, "MOST_BYTES", 100)
    (tmp_path / name).write_bytes(WAYS[name]([("q", "t", "d" * 200, "good")]))
    with pytest.raises(DataError, match=f"more than {content.MOST_BYTES >> 30} GiB"):
        read_table(tmp_path / name)


def test_damaged_packing_and_archives_of_several_tables_are_refused_in_words(tmp_path):
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(as_csv([("q", "t", "d", "good")]))[:-9])
    with pytest.raises(DataError, match="cut short, damaged or locked"):
        read_table(tmp_path / "x.csv.gz")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.csv", "query")
        archive.writestr("b.csv", "query")
    with pytest.raises(DataError, match=r"it holds 2 tables \(a.csv, b.csv\)"):
        read_table(tmp_path / "x.zip")


def test_a_rejected_row_is_kept_as_its_file_has_it(tmp_path, workspace):
    text = 'id,query,title,grade\n1,a,"two\nlines",Good\n2,b,"t, u",Goood\n3,c,v,Bad\n4,d,w,Bad\n'
    text += "5,e,x,Good\n"
    (tmp_path / "x.csv").write_text(text)
    (problem,) = read_table(tmp_path / "x.csv").problems
    assert (problem.line, problem.raw) == (4, '2,b,"t, u",Goood')


def test_columns_of_other_tasks_travel_with_the_good_rows_into_the_data_set(tmp_path, workspace):
    path = tmp_path / "pairs.csv"
    path.write_text(
        "query,task_intent,title,grade,note\n"
        "lamp,buy,A lamp,good,x\n"
        ",rent,No query,good,x\n"
        "sofa,,A sofa,bad,x\n"
    )
    columns = read_table(path).columns
    assert columns is not None
    assert (columns.tasks, columns.ignored) == (("task_intent",), ("note",))
    import_data(path, "mine", workspace=workspace, skip_bad=True)
    assert load_data("mine", workspace=workspace).frame["task_intent"].tolist() == ["buy", ""]

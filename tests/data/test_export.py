"""What is exported reads back as it was."""

import csv
import dataclasses
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.data.export import export_data
from kdcore.data.library import load_data
from kdcore.data.pairs import COLUMNS, PairTable, make_frame, nfc
from kdcore.data.sources.table import TableReading
from kdcore.errors import DataError
from kdcore.labels import BINARY, FIVE_GRADES, FOUR_GRADES

# texts that the formats disagree about, next to any other
HARD = ["=1+1", "'-x", "@a", '"', "a,b", "a;b", "\ufeffa", "\x85", "\u2028", "  a ", "a\rb", "é"]
TEXT = (
    st.one_of(st.sampled_from(HARD), st.text(st.characters(exclude_categories=["Cs"])))
    .map(
        nfc  # which reading makes of every text
    )
    .filter(lambda text: "ERROR_AdRejected" not in text)
)  # reading drops such rows by design, see the last test
FLAT = TEXT.filter(lambda text: not set("\t\n\0") & set(text))
ANY = TEXT.filter(lambda text: "\0" not in text)


def tables(text, scheme=FOUR_GRADES):
    row = st.tuples(
        text.filter(lambda t: t.strip()), text.filter(lambda t: t.strip()), text,
        st.integers(-1, len(scheme) - 1),
        st.sampled_from(["train", "validation", "test", "log"]), st.sampled_from(["en", "fr"]),
    )  # fmt: skip
    return st.lists(row, min_size=1, max_size=6).map(
        lambda rows: PairTable(make_frame(*zip(*rows, strict=True)), scheme, "made")
    )


def exported(table, name):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        export_data(table, path)
        scheme = None if name.endswith("parquet") else table.scheme
        return load_data(path, how=TableReading(scheme=scheme))


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
@settings(max_examples=80, deadline=None)
@given(table=tables(ANY))
def test_a_table_reads_back_whole(name, table):
    assert exported(table, name).content_hash == table.content_hash


@settings(max_examples=80, deadline=None)
@given(table=tables(FLAT))
def test_qadsm_lines_read_back_whole(table):
    one_part = table.frame.assign(split="train", language="en")
    table = dataclasses.replace(table, frame=one_part)
    assert exported(table, "x.tsv").content_hash == table.content_hash


@settings(max_examples=40, deadline=None)
@given(table=tables(FLAT, FIVE_GRADES))
def test_a_folder_keeps_splits_and_languages(table):
    kept = (table.grades >= 0) & (table.frame["split"] != "log").to_numpy()
    table = table.take(np.flatnonzero(kept))
    if not len(table):
        return
    with TemporaryDirectory() as folder:
        export_data(table, Path(folder))
        again = load_data(folder).frame
    order = ["split", "language", *COLUMNS[:4]]
    a, b = (frame.sort_values(order, ignore_index=True) for frame in (table.frame, again))
    assert a[list(COLUMNS)].equals(b[list(COLUMNS)])


def made(query="kettle", title="Kettles", **columns):
    return PairTable(make_frame([query], [title], [""], [1], **columns), BINARY, "made")


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx", "＝1"])
def test_a_csv_cell_cannot_run_in_a_spreadsheet(tmp_path, text):
    export_data(made(title=text), tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1][1] == f"'{text}"


def test_a_tsv_keeps_a_formula_as_it_is(tmp_path):
    export_data(made(title="=1"), tmp_path / "x.tsv")
    assert (tmp_path / "x.tsv").read_text() == "kettle\t=1\t\tGood\n"


def test_parquet_keeps_the_truth(tmp_path):
    table = made()
    table = dataclasses.replace(table, frame=table.frame.assign(truth_0=0.25, truth_1=0.75))
    export_data(table, tmp_path / "x.parquet")
    np.testing.assert_array_equal(load_data(tmp_path / "x.parquet").truth, [[0.25, 0.75]])


def test_an_export_that_would_lose_something_is_refused(tmp_path):
    """A tab would shift the columns; two splits would become one."""
    two = PairTable(
        make_frame(["a", "b"], ["x", "y"], ["", ""], [1, 0], split=["train", "test"]), BINARY, "m"
    )
    log = made(split="log")
    four = PairTable(make_frame(["a"], ["x"], [""], [3]), FOUR_GRADES, "m")
    refusals = [
        (made(title="a\tb"), "x.tsv", "holds a tab"),
        (two, "x.tsv", "one language and split"),
        (log, "folder", "no place for a part called en/log"),
        (four, "folder", "no place for the grades bad, fair"),
        (two, "x.xlsx", "cannot be exported to '.xlsx'"),
    ]
    for table, name, why in refusals:
        with pytest.raises(DataError, match=why):
            export_data(table, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_export_to_where_nothing_can_be_written_is_a_data_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="could not be written"):
        export_data(made(), tmp_path / "file" / "x.csv")


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_a_withdrawn_ad_does_not_come_back(name):
    """Hypothesis once took the mark itself for a text: reading drops what it marks."""
    rows = make_frame(["a", "b"], ["ERROR_AdRejected", "kept"], ["x", "y"], [0, 1])
    assert exported(PairTable(rows, BINARY, "made"), name).frame["title"].tolist() == ["kept"]

"""Every bad input that people really have, in a file that really holds it."""

import gzip
import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kdcore.data.library import import_data, list_data, load_data
from kdcore.data.sources.table import TableReading
from kdcore.errors import DataError, UnknownNameError
from kdcore.labels import FOUR_GRADES, LabelScheme

TRAIN = "xglue.qadsm.en.train"


def refused(path, how=None):
    """The problems of an import that must fail and leave nothing behind."""
    with pytest.raises(DataError) as caught:
        import_data(path, "refused", how=how)
    assert list_data() == []
    return caught.value.problems


LINES = {
    "three fields": (b"red kettle\tKettles\tGood\n", "3 fields instead of 4"),
    "a tab in a text": (b"red kettle\tKett\tles\tboils\tGood\n", "a tab inside a text"),
    "a quoted tab": (b'red kettle\t"Kett\tles"\tboils\tGood\n', "5 fields instead of 4"),
    "unknown label": (b"red kettle\tKettles\tboils\tGoood\n", "the label 'Goood' is unknown"),
    "no label": (b"red kettle\tKettles\tboils\t\n", "the label '' is unknown"),
    "empty query": (b"\tKettles\tboils\tGood\n", "the query is empty"),
    "blank query": (b" \xe3\x80\x80\tKettles\tboils\tGood\n", "the query is empty"),
    "empty ad": (b"red kettle\t\t \tGood\n", "title and description are both empty"),
    "broken UTF-8": (b"red kettle\tKettl\xe9s\tboils\tGood\n", "the title holds bytes"),
    "NUL": (b"red kettle\tKettles\tbo\0ils\tGood\n", "the description holds a NUL"),
    "blank line": (b"\n", "the line is blank"),
    "old Mac line ends": (b"a\tb\tc\tGood\ra\tb\tc\tBad\n", "lone carriage return"),
}


@pytest.mark.parametrize(("line", "what"), LINES.values(), ids=LINES)
def test_a_bad_line_is_named_by_file_line_and_cure(tmp_path, workspace, rows, line, what):
    (tmp_path / TRAIN).write_bytes(rows.encode() + line + rows.encode())
    (problem,) = refused(tmp_path)
    assert problem.startswith(f"{TRAIN}, line 3: ")
    assert what in problem
    assert ";" in problem


@pytest.mark.parametrize("line", [line for line, _ in LINES.values()], ids=LINES)
def test_skip_bad_imports_the_rest_and_writes_the_reject_beside_it(tmp_path, workspace, rows, line):
    (tmp_path / TRAIN).write_bytes(rows.encode() + line + rows.encode())
    done = import_data(tmp_path, "kept", skip_bad=True)
    assert done.reading.counts == {"rows": 5, "kept": 4, "rejected": 1, "withdrawn": 0}
    header, reject = (done.folder / "rejects.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "file\tline\tproblem\traw"
    assert reject.startswith(f"{TRAIN}\t3\t")
    assert "1 bad rows were left out" in load_data("kept").notes


def test_all_problems_of_all_files_are_told_together_up_to_a_limit(tmp_path, workspace):
    """Mending one line an attempt would take 330 attempts."""
    (tmp_path / TRAIN).write_text("only one field\n" * 325)
    (tmp_path / "xglue.qadsm.de.dev").write_text("kessel\tTopf\tgut\tJa\n" * 5)
    problems = refused(tmp_path)
    assert len(problems) == 21
    assert problems[-1] == "... and 310 more"


def test_a_header_in_a_headerless_file_is_recognized(tmp_path, workspace, rows):
    (tmp_path / TRAIN).write_text("query\tad_title\tad_description\trelevance_label\n" + rows)
    (problem,) = refused(tmp_path)
    assert "looks like a header" in problem


def test_a_byte_order_mark_is_taken_off_and_told(tmp_path, workspace, rows):
    (tmp_path / TRAIN).write_bytes(b"\xef\xbb\xbf" + rows.encode())
    table = load_data(tmp_path)
    assert table.frame["query"].tolist() == ["red kettle", "red kettle"]
    assert "byte order mark" in table.notes[0]


def test_windows_line_ends_read_like_any_other(tmp_path, workspace, rows):
    (tmp_path / TRAIN).write_bytes(rows.encode().replace(b"\n", b"\r\n"))
    assert load_data(tmp_path).grades.tolist() == [1, 0]


def test_a_quote_is_text(tmp_path, workspace):
    """A csv reader would swallow lines up to the next quote."""
    (tmp_path / TRAIN).write_text('24" tv\t"Screens\tbig\tGood\n7" tablet\tPads"\tsmall\tBad\n')
    assert load_data(tmp_path).frame["title"].tolist() == ['"Screens', 'Pads"']


def test_utf16_is_one_problem_and_not_one_a_line(tmp_path, workspace, rows):
    (tmp_path / TRAIN).write_bytes(rows.encode("utf-16"))
    (problem,) = refused(tmp_path)
    assert "UTF-16" in problem


def test_rows_that_the_ad_server_withdrew_are_dropped_and_counted(tmp_path, workspace, rows):
    gone = "kettle\tERROR_AdRejected_7\tx\tBad\nkettle\tx\tERROR_AdRejected\tGood\n"
    (tmp_path / TRAIN).write_text(rows + gone)
    done = import_data(tmp_path, "kept")
    assert done.reading.counts == {"rows": 4, "kept": 2, "rejected": 0, "withdrawn": 2}
    assert done.table.notes == ("2 rows marked ERROR_AdRejected were left out",)


@pytest.mark.parametrize("content", ["", "kettle\tERROR_AdRejected\t\tBad\n"])
def test_a_file_without_a_usable_row_is_refused(tmp_path, workspace, content):
    (tmp_path / TRAIN).write_text(content)
    with pytest.raises(DataError, match="nothing to learn from"):
        load_data(tmp_path)


def test_a_folder_that_is_no_qadsm_folder_says_what_it_holds(tmp_path, workspace):
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8")
    (problem,) = refused(tmp_path)
    assert "it holds holiday.jpg" in problem


@pytest.mark.parametrize("name", [TRAIN, "pairs.csv", "pairs.parquet", "xglue.tar.gz"])
def test_a_folder_where_a_file_should_be_is_refused(tmp_path, workspace, name):
    (tmp_path / name).mkdir()
    assert refused(tmp_path / name)
    if name == TRAIN:
        assert refused(tmp_path)


@pytest.mark.parametrize(
    "name", ["pairs.csv", "pairs.tsv", "pairs.jsonl", "pairs.parquet", "x.tar.gz"]
)
def test_a_picture_under_the_name_of_a_data_file_is_refused(tmp_path, workspace, name):
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9)
    with pytest.raises(DataError):
        import_data(tmp_path / name, "picture")
    assert list_data() == []


def tarball(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_truncated_archive_is_refused(tmp_path, workspace, rows, mode):
    """Half of the training file would look like a smaller data set."""
    many = "".join(f"query {i}\tad {i * 7919 % 1000}\ttext\tGood\n" for i in range(5000))
    path = tarball(
        tmp_path / "x.tar.gz", {f"xglue_full_dataset/QADSM/{TRAIN}": many.encode()}, mode
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (problem,) = refused(path)
    assert "cut short or damaged" in problem


@pytest.mark.parametrize("blocks", [2, 2.5, 3])
def test_a_tar_cut_between_its_members_is_refused(tmp_path, workspace, rows, blocks):
    """tarfile takes the first member for the whole archive."""
    members = {TRAIN: rows.encode(), "xglue.qadsm.en.dev": rows.encode()}
    path = tarball(tmp_path / "x.tar", members, "w")
    path.write_bytes(path.read_bytes()[: int(512 * blocks)])
    (problem,) = refused(path)
    assert "cut short or damaged" in problem


def test_an_archive_with_a_damaged_checksum_is_refused(tmp_path, workspace, rows):
    path = tarball(tmp_path / "x.tar.gz", {f"QADSM/{TRAIN}": rows.encode() * 500})
    content = bytearray(gzip.decompress(path.read_bytes()))
    packed = bytearray(gzip.compress(bytes(content)))
    packed[-6] ^= 0xFF
    path.write_bytes(packed)
    (problem,) = refused(path)
    assert "damaged" in problem


def test_an_archive_of_something_else_is_refused(tmp_path, workspace):
    path = tarball(tmp_path / "x.tar.gz", {"POS/en.train": b"the\tDET\n"})
    (problem,) = refused(path)
    assert "no member is called like" in problem


HEADER = "query,title,description,grade\n"


def test_a_missing_column_says_which_ones_there_are(tmp_path, workspace):
    (tmp_path / "x.csv").write_text("query,product,esci_label\nkettle,Kettles,Good\n")
    (problem,) = refused(tmp_path / "x.csv")
    assert "no column 'title or description'; its columns are query, product, esci_label" in problem
    assert "`kdlab data import FILE --map title=COLUMN`" in problem


def test_a_mapping_to_a_column_that_is_not_there_is_refused(tmp_path, workspace):
    (tmp_path / "x.csv").write_text(HEADER + "a,b,c,Good\n")
    (problem,) = refused(tmp_path / "x.csv", TableReading({"grade": "esci"}))
    assert "no column is called 'esci'" in problem


def test_a_csv_problem_is_named_by_the_line_on_which_its_row_starts(tmp_path, workspace):
    """Counting rows instead of lines sends the person to the wrong place."""
    (tmp_path / "x.csv").write_text(HEADER + 'a,"two\nlines",c,Good\nb,t,d,Bad\n,t,d,Bad\n')
    (problem,) = refused(tmp_path / "x.csv")
    assert problem.startswith("x.csv, line 5: the query is empty")


def test_a_quote_that_is_never_closed_is_named_by_its_line(tmp_path, workspace):
    (tmp_path / "x.csv").write_text(HEADER + 'a,b,c,Good\na,"b,c,Bad\nd,e,f,Good\n')
    (problem,) = refused(tmp_path / "x.csv")
    assert problem.startswith("x.csv, line 3: the quoting is broken")


def test_a_csv_row_of_the_wrong_length_is_refused(tmp_path, workspace):
    (tmp_path / "x.csv").write_text(HEADER + "a,b,c,Good\na,b,c,d,Bad\n")
    (problem,) = refused(tmp_path / "x.csv")
    assert "line 3: 5 fields where the header names 4" in problem


def test_quoted_tabs_are_one_problem_that_names_the_option_once(tmp_path, workspace):
    rows = [f'a{n}\t"b\t{n}"\tc\t{"Good" if n % 2 else "Bad"}\n' for n in range(30)]
    head = HEADER.replace(",", "\t")
    (tmp_path / "x.tsv").write_text(head + "a\tb\tc\tGood\n" + "".join(rows))
    (problem,) = refused(tmp_path / "x.tsv")
    assert problem == (
        "x.tsv: 30 lines do not have 4 fields where quotes are read as text (lines 3, 4, 5, 6, 7, "
        "...); its quotes enclose texts: read it with `kdlab data import FILE --quotes`"
    )
    with pytest.raises(DataError) as error:
        import_data(tmp_path / "x.tsv", "refused")
    (for_app,) = error.value.problems_for_app
    assert "tick “Double quotes enclose texts”" in for_app
    (tmp_path / "y.tsv").write_text(head + "".join(rows) + "a\tb\n")  # quotes are no cure of that
    assert len(refused(tmp_path / "y.tsv")) > 1


def test_json_lines_that_are_no_objects_or_hold_no_text_are_refused(tmp_path, workspace):
    good = {"query": "kettle", "title": "Kettles", "grade": "Good"}
    bad = [json.dumps(good | {"title": ["Kettles"]}), "[1]", "{", json.dumps("\ud800")]
    broken = json.dumps(good | {"title": "\ud800"})
    (tmp_path / "x.jsonl").write_text("\n".join([json.dumps(good), *bad, broken, "[" * 9999]))
    problems = refused(tmp_path / "x.jsonl")
    assert [p.split(":")[0] for p in problems] == [f"x.jsonl, line {n}" for n in range(2, 8)]


def test_a_parquet_row_is_called_a_row(tmp_path, workspace):
    columns = {"query": ["kettle", None], "title": ["Kettles", "Tents"], "label": [1, 0]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    (problem,) = refused(tmp_path / "x.parquet")
    assert problem.startswith("x.parquet, row 2: the query is empty")


def test_parquet_text_that_is_no_utf8_is_a_problem_of_its_row(tmp_path, workspace):
    broken = pa.array([b"kettle", b"k\xe9ttle"]).cast(pa.binary()).view(pa.string())
    pq.write_table(
        pa.table({"query": broken, "title": ["a", "b"], "grade": [1, 0]}), tmp_path / "x.parquet"
    )
    (problem,) = refused(tmp_path / "x.parquet")
    assert "row 2: the query holds bytes that are not UTF-8" in problem


ASKED = {
    "irrelevant partial exact": (
        "of no label scheme that the lab has",
        "--grades irrelevant,partial,exact",
    ),
    "0 1 2": ("do not show how many grades there are", "--grades 0,1,2"),
    "7 8 9": ("of no label scheme that the lab has", "--grades 7,8,9"),
    "1 2 3 4": ("no row has the label 0", "--grades 1,2,3,4"),
    "1 -1": ("-1 may be a grade", "--grades=-1,1"),
    "Related Off-topic": ("of no label scheme that the lab has", "--grades Related,Off-topic"),
}


@pytest.mark.parametrize(("labels", "said"), ASKED.items(), ids=list(ASKED))
def test_labels_that_leave_the_scale_open_are_asked_for_with_the_option_to_give(
    tmp_path, workspace, labels, said
):
    lines = "".join(f"q,t{k},d,{label}\n" for k, label in enumerate(labels.split()))
    (tmp_path / "x.csv").write_text(HEADER + lines)
    (problem,) = refused(tmp_path / "x.csv")
    assert said[0] in problem
    assert said[1] in problem
    option = said[1].removeprefix("--grades").strip(" =").split(",")
    how = TableReading(scheme=LabelScheme(tuple(option), 1))
    assert load_data(tmp_path / "x.csv", how=how).grades.tolist() == [
        option.index(label) for label in labels.split()
    ]


def test_a_given_scheme_settles_what_the_labels_leave_open(tmp_path, workspace):
    (tmp_path / "x.csv").write_text(HEADER + "q,t,d,0\nq,u,d,1\nq,v,d,2\n")
    how = TableReading(scheme=FOUR_GRADES)
    assert load_data(tmp_path / "x.csv", how=how).grades.tolist() == [0, 1, 2]


def test_an_unknown_split_is_refused(tmp_path, workspace):
    (tmp_path / "x.csv").write_text("query,title,grade,split\na,b,Good,tset\n")
    (problem,) = refused(tmp_path / "x.csv")
    assert "the split 'tset' is unknown" in problem


def test_rejects_cannot_run_in_a_spreadsheet(tmp_path, workspace, rows):
    (tmp_path / TRAIN).write_text(rows + "=HYPERLINK(1)\tx\n")
    done = import_data(tmp_path, "kept", skip_bad=True)
    reject = (done.folder / "rejects.tsv").read_text().splitlines()[1]
    assert reject.split("\t")[3] == "'=HYPERLINK(1)\\tx"


def test_an_unknown_name_offers_the_nearest_and_a_path_is_told_missing(tmp_path, workspace, rows):
    (tmp_path / TRAIN).write_text(rows)
    import_data(tmp_path, "kettles")
    with pytest.raises(UnknownNameError, match="did you mean 'kettles'"):
        load_data("kettle")
    with pytest.raises(DataError, match="no such file or folder"):
        load_data(tmp_path / "nowhere.csv")

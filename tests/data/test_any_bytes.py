"""Whatever a file holds, it is read or refused in words; nothing else comes out."""

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdcore.data.library import load_data
from kdcore.errors import DataError

FIELD = st.one_of(
    st.sampled_from(
        [b"kettle", b"Good", b"Bad", b"1", b"", b"\xff", b"\0", b'"', b"\r", b"=1", b"{}", b"2"]
    ),
    st.binary(max_size=6),
)
CONTENT = st.one_of(
    st.binary(max_size=200),
    st.lists(st.lists(FIELD, min_size=1, max_size=6).map(b"\t".join), max_size=6).map(b"\n".join),
    st.lists(st.lists(FIELD, min_size=3, max_size=3).map(b",".join), max_size=6).map(
        lambda lines: b"\n".join([b"query,title,grade", *lines])
    ),
    st.lists(FIELD, max_size=4).map(
        lambda f: b"\n".join(b'{"query": "q", "title": "' + x + b'", "grade": 1}' for x in f)
    ),
)
NAMES = ["xglue.qadsm.en.train", "x.csv", "x.tsv", "x.txt", "x.jsonl", "x.parquet", "x.tar.gz"]


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=35, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=CONTENT)
def test_any_bytes_are_read_or_refused(tmp_path, workspace, name, skip_bad, content):
    (tmp_path / name).write_bytes(content)
    try:
        table = load_data(tmp_path / name, skip_bad=skip_bad)
    except DataError as refusal:
        str(refusal).encode()
    else:
        assert len(table)
        assert table.content_hash


TREC = {
    "qrels.txt": b"q 0 d 1\nq 0 e 0\n",
    "queries.tsv": b"q\tkettle\n",
    "docs.jsonl": b'{"_id": "d", "text": "x"}\n{"_id": "e", "text": "y"}\n',
}
IDS = st.one_of(st.sampled_from([b"q", b"d", b"e", b"0", b"1", b"-1", b"0.5", b"1e999"]), FIELD)
LINES = st.one_of(
    CONTENT,
    st.lists(st.lists(IDS, min_size=2, max_size=4).map(b"\t".join), max_size=6).map(b"\n".join),
    st.lists(st.lists(IDS, min_size=4, max_size=4).map(b" ".join), max_size=6).map(b"\n".join),
)


@pytest.mark.parametrize("name", TREC)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=LINES)
def test_any_bytes_in_a_file_of_trec_are_read_or_refused(tmp_path, workspace, name, content):
    for part, sound in TREC.items():
        (tmp_path / part).write_bytes(content if part == name else sound)
    try:
        table = load_data(tmp_path, skip_bad=True)
    except DataError as refusal:
        str(refusal).encode()
    else:
        assert len(table)
        "".join((*table.notes, table.content_hash)).encode()


@settings(
    max_examples=35, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=1200))
def test_any_bytes_inside_gzip_are_refused(tmp_path, workspace, content):
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DataError):
        load_data(tmp_path / "x.tar.gz")

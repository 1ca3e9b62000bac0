"""TREC's and BEIR's files as pairs, and runs as predictions, matched by ids."""

import gzip
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval

from kdcore.data.answers.imported import bring_file
from kdcore.data.pairs import PairTable, pair_ids
from kdcore.data.sources.registry import read_files, read_path
from kdcore.data.sources.rows import Reading
from kdcore.data.sources.table import TableReading
from kdcore.data.trec.folder import write_folder
from kdcore.data.trec.places import TrecFiles, set_down, trec_files
from kdcore.errors import ConfigError, DataError
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.exports import write_qrels, write_trec_run
from kdcore.labels import BINARY, FOUR_GRADES
from kdcore.predictions import Predictions

QUERIES = "q1\tred kettle\nq2\tgarden hose\nq3\tnever judged\n"
DOCUMENTS = (
    '{"_id": "a", "title": "Kettles by Brimble", "text": "Boils in a minute"}\n'
    '{"_id": "b", "title": "", "text": "Tents for four", "metadata": {"url": "x"}}\n'
    '{"_id": "c", "title": "Hoses", "text": ""}\n'
    '{"_id": "d", "title": "Of no query", "text": "at all"}\n'
)
CLASSIC = "q1 0 a 3\nq1 0 b 0\nq2 0 c 2\nq2 0 a 1\n"
BEIR = "query-id\tcorpus-id\tscore\nq1\ta\t3\nq1\tb\t0\nq2\tc\t2\nq2\ta\t1\n"


def folder(path: Path, qrels: str = CLASSIC, name: str = "qrels.txt") -> Path:
    """A folder with queries as TSV, documents as packed JSON lines, and these qrels."""
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / "queries.tsv").write_text(QUERIES)
    (path / "corpus.jsonl.gz").write_bytes(gzip.compress(DOCUMENTS.encode()))
    (path / name).write_text(qrels)
    return path


def reading(path: Path, qrels: str = CLASSIC, name: str = "qrels.txt") -> Reading:
    return read_path(folder(path, qrels, name))


def rows(pairs: Reading | PairTable) -> list[tuple[object, ...]]:
    names = ["query_id", "ad_id", "query", "title", "description", "grade", "split"]
    return [tuple(row) for row in pairs.frame[names].itertuples(index=False)]


EXPECTED = [
    ("q1", "a", "red kettle", "Kettles by Brimble", "Boils in a minute", 3),
    ("q1", "b", "red kettle", "Tents for four", "", 0),
    ("q2", "c", "garden hose", "Hoses", "", 2),
    ("q2", "a", "garden hose", "Kettles by Brimble", "Boils in a minute", 1),
]


@pytest.mark.parametrize(
    ("qrels", "name", "split"),
    [
        (CLASSIC, "qrels.txt", "train"),
        (CLASSIC.replace(" ", "\t"), "2019qrels-pass.test", "test"),
        (BEIR, "qrels/test.tsv", "test"),
        (BEIR, "qrels/dev.tsv", "validation"),
    ],
)
def test_qrels_queries_and_documents_become_pairs_with_their_ids(tmp_path, qrels, name, split):
    read = reading(tmp_path, qrels, name)
    assert rows(read) == [(*row, split) for row in EXPECTED]
    assert read.scheme.grades == ("0", "1", "2", "3")
    assert read.scheme.relevant_from == 1, "trec_eval counts a document from grade 1 as relevant"
    notes = " ".join(read.notes)
    assert "1 query and 1 document without a judgement" in notes
    assert "1 document has no title" in notes


def test_an_archive_and_files_named_one_by_one_give_the_same_pairs(tmp_path):
    inside = folder(tmp_path / "in", BEIR, "qrels/test.tsv")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("queries.tsv", "corpus.jsonl.gz", "qrels/test.tsv"):
            archive.write(inside / name, f"scifact/{name}")
        archive.writestr("__MACOSX/scifact/queries.tsv", "noise")
    assert rows(read_path(tmp_path / "set.zip")) == rows(read_path(inside))
    named = trec_files(inside)
    assert isinstance(named, TrecFiles)
    gains = read_files(named, TableReading(gains=(0, 0.01, 0.1, 1)))
    assert rows(gains) == rows(read_path(inside))
    assert gains.scheme.own_gains == (0, 0.01, 0.1, 1)
    with pytest.raises(ConfigError, match="2 numbers for 4 grades"):
        read_files(named, TableReading(gains=(0, 1)))


def test_the_order_of_lines_in_any_of_the_files_does_not_matter(tmp_path):
    first = reading(tmp_path / "a").table("set")
    folder(tmp_path / "b", "".join(reversed(CLASSIC.splitlines(keepends=True))))
    (tmp_path / "b" / "queries.tsv").write_text("".join(reversed(QUERIES.splitlines(True))))
    lines = "".join(reversed(DOCUMENTS.splitlines(keepends=True)))
    (tmp_path / "b" / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    second = read_path(tmp_path / "b").table("set")
    assert rows(first.canonical) == rows(second.canonical)
    assert first.canonical.content_hash == second.canonical.content_hash


def test_unknown_ids_and_contradictions_are_refused_and_can_be_left_out(tmp_path):
    qrels = CLASSIC + "q9 0 a 1\nq8 0 a 1\nq1 0 zz 2\nq1 0 a 1\nq1 0 a 3\nonly three fields\nq1\n"
    read = reading(tmp_path, qrels)
    with pytest.raises(DataError) as caught:
        read.table("set")
    text = str(caught.value)
    assert "2 lines name a query that is not in 'queries.tsv' (lines 5, 6)" in text
    assert "no document 'zz' is in 'corpus.jsonl.gz'" in text
    assert "line 8: this pair has another grade, '3', on line 1" in text
    assert "2 lines do not have 4 fields (lines 10, 11)" in text
    pairs = read.table("set", skip_bad=True)
    assert rows(pairs) == [(*row, "train") for row in EXPECTED]
    assert read.counts["rejected"] == read.counts["rows"] - 4
    assert any("1 line repeats an earlier judgement" in note for note in read.notes)


@pytest.mark.parametrize(
    ("grades", "names", "relevant_from", "own"),
    [
        (["0", "1"], BINARY.grades, 1, ()),
        (["1"], BINARY.grades, 1, ()),
        (["0", "2"], ("0", "1", "2"), 1, ()),
        (["0", "1", "10", "100"], ("0", "1", "10", "100"), 1, (0, 1, 10, 100)),
        (["0", "0.01", "0.1", "1.0"], ("0", "0.01", "0.1", "1"), 3, (0, 0.01, 0.1, 1)),
        (["bad", "good", "excellent", "fair"], FOUR_GRADES.grades, 2, ()),
    ],
)
def test_grades_are_worth_their_numbers_as_in_trec_eval(
    tmp_path, grades, names, relevant_from, own
):
    pairs = [("q1", "a"), ("q1", "b"), ("q2", "c"), ("q2", "a")]
    lines = [f"{q} 0 {d} {g}\n" for (q, d), g in zip(pairs, grades, strict=False)]
    scheme = reading(tmp_path, "".join(lines)).scheme
    assert (scheme.grades, scheme.relevant_from, scheme.own_gains) == (names, relevant_from, own)


def test_a_negative_grade_is_not_judged_unless_the_grades_name_it(tmp_path):
    qrels = "q1 0 a 2\nq1 0 b -2\nq2 0 c -1\nq2 0 a 0\n"
    read = reading(tmp_path, qrels)
    assert read.frame["grade"].tolist() == [2, -1, -1, 0]
    assert any("(-1: 1, -2: 1) are read as not judged" in note for note in read.notes)
    scheme = replace(FOUR_GRADES, grades=("-2", "-1", "0", "2"), relevant_from=3)
    read = read_path(tmp_path, how=TableReading(scheme=scheme))
    assert read.frame["grade"].tolist() == [3, 0, 1, 2]


def test_only_relevant_documents_and_a_lone_test_split_are_pointed_out(tmp_path):
    (hint,) = reading(tmp_path, "q1 0 a 1\nq2 0 c 1\n").hints
    assert "every judged pair is relevant" in hint
    (hint,) = reading(tmp_path / "test", CLASSIC, "qrels.test").hints
    assert "add qrels of train" in hint


def test_queries_without_documents_are_named_and_uploads_find_their_place(tmp_path):
    (tmp_path / "queries.tsv").write_text(QUERIES)
    (tmp_path / "qrels.txt").write_text(CLASSIC)
    with pytest.raises(DataError, match="no file of documents"):
        read_path(tmp_path)
    assert set_down(["corpus.jsonl", "queries.jsonl", "test.tsv"]) == [
        "corpus.jsonl",
        "queries.jsonl",
        "qrels/test.tsv",
    ]
    assert set_down(["a.csv", "b.csv", "c.csv"]) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"_id": "a", "text": "x"}\nnot json\n', "line 2: the line is not a JSON object"),
        ('{"text": "x"}\n', "it has no id"),
        ("a\tx\nb\n", "line 2: 1 fields instead of 2"),
        ("a b c\n", "no header names them"),
        (
            '{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n',
            "another text on an earlier line",
        ),
        ("", "it is empty"),
    ],
)
def test_documents_that_cannot_be_read_are_told_with_their_line(tmp_path, text, what):
    folder(tmp_path, "q1 0 a 1\nq2 0 a 0\n")
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(DataError, match=what):
        read_path(tmp_path).table("set")


def test_a_cut_archive_is_refused(tmp_path):
    folder(tmp_path)
    whole = gzip.compress(DOCUMENTS.encode() * 50)
    (tmp_path / "corpus.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut short"):
        read_path(tmp_path)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("docno\turl\tbody\ta\na\tu\ttext\tx\n", ("", "text")),
        ("a\tu\tTitle\tbody\n", ("Title", "body")),
        ("a\tTitle\tbody\n", ("Title", "body")),
        ("a\tbody\n", ("body", "")),
    ],
)
def test_documents_in_columns_of_tabs_are_read_by_header_or_by_place(tmp_path, lines, expected):
    folder(tmp_path, "q1 0 a 1\n")
    (tmp_path / "corpus.jsonl.gz").unlink()
    (tmp_path / "collection.tsv").write_text(lines)
    frame = read_path(tmp_path).frame
    title, text = expected
    assert (frame["title"][0], frame["description"][0]) == (title or text, text if title else "")


def run_lines(pairs: PairTable, scores: np.ndarray, extra: str = "") -> str:
    named = zip(*pair_ids(pairs), scores, strict=True)
    return "".join(f"{q} Q0 {a} 1 {s:.6f} tag\n" for q, a, s in named) + extra


@pytest.fixture(scope="module")
def graded() -> PairTable:
    """Pairs of 20 queries with 6 documents each, grades 0 to 3, ids of their own."""
    rng = np.random.default_rng(3)
    return many(rng.integers(0, 4, 120))


def many(grades: np.ndarray) -> PairTable:
    from kdcore.data.pairs import make_frame

    number = np.arange(len(grades))
    query, title = [f"query {n // 6}" for n in number], [f"title {n}" for n in number]
    frame = make_frame(query, title, title, grades, "test").assign(
        query_id=[f"t{n // 6 + 40}" for n in number], ad_id=[f"doc-{n}" for n in number]
    )
    return PairTable(frame, FOUR_GRADES, "graded")


def test_a_run_is_matched_by_ids_and_gives_the_ndcg_of_trec_eval(graded, tmp_path):
    """Scores between 0 and 1 stay scores; a document without judgement is counted and left out."""
    scores = np.random.default_rng(5).random(len(graded))
    lines = run_lines(graded, scores, "t40 Q0 unjudged 7 0.99 tag\n").splitlines(keepends=True)
    shuffled = np.random.default_rng(1).permutation(len(lines))
    (tmp_path / "model.run").write_text("".join(lines[k] for k in shuffled))
    brought = bring_file(tmp_path / "model.run", graded, model="bm25")
    assert brought.predictions.origin.kind == "score"
    np.testing.assert_allclose(brought.predictions.ranking, scores.round(6))
    assert "1 of its 121 documents are not judged" in " ".join(brought.read.notes)
    own = replace(graded, scheme=replace(FOUR_GRADES, own_gains=(0, 0.01, 0.1, 1)))
    brought = bring_file(tmp_path / "model.run", own, model="bm25")
    ours = evaluate(own, brought.predictions, resamples=0).metrics
    for gain, key in (("linear", "ndcg_linear@5"), ("own", "ndcg_own@5"), ("exp2", "ndcg@5")):
        write_qrels(tmp_path / "qrels", own, gain)
        with (tmp_path / "qrels").open() as qrels, (tmp_path / "model.run").open() as run:
            oracle = pytrec_eval.RelevanceEvaluator(
                pytrec_eval.parse_qrel(qrels), {"ndcg_cut.5"}, judged_docs_only_flag=True
            )
            theirs = oracle.evaluate(pytrec_eval.parse_run(run))
        values = [each["ndcg_cut_5"] for each in theirs.values()]
        assert ours[key].value == pytest.approx(np.mean(values), abs=1e-9)


def test_a_pair_that_a_run_lacks_needs_partial_and_a_doubled_one_is_refused(graded, tmp_path):
    path = tmp_path / "model.run.gz"
    lines = run_lines(graded, np.arange(120.0)).splitlines(keepends=True)
    path.write_bytes(gzip.compress("".join(lines[3:]).encode()))
    with pytest.raises(DataError, match="3 of 120 pairs have no prediction"):
        bring_file(path, graded, model="m")
    brought = bring_file(path, graded, model="m", partial=True)
    assert (brought.read.answered, brought.read.pairs) == (117, 120)
    assert "trec_eval counts them as not found" in " ".join(brought.read.notes)
    path.write_bytes(gzip.compress("".join([*lines, "t40 Q0 doc-0 9 77 tag\n"]).encode()))
    with pytest.raises(DataError, match="different prediction in line 1"):
        bring_file(path, graded, model="m")
    path.write_bytes(gzip.compress(b"x Q0 y 1 0.5 tag\n" * 120))
    with pytest.raises(DataError, match="which columns hold ids"):
        bring_file(path, graded, model="m", partial=True)


def test_a_table_with_ids_is_matched_by_them_and_strange_ids_leave_the_order(graded, tmp_path):
    order = np.random.default_rng(2).permutation(120)
    table = graded.frame[["query_id", "ad_id"]].assign(score=np.arange(120.0) + 5)
    table.iloc[order].to_csv(tmp_path / "ids.csv", index=False)
    brought = bring_file(tmp_path / "ids.csv", graded, model="m")
    np.testing.assert_allclose(brought.predictions.ranking, np.arange(120) + 5)
    assert brought.read.columns.ad_id == "ad_id"
    table.assign(ad_id="x").to_csv(tmp_path / "order.csv", index=False)
    brought = bring_file(tmp_path / "order.csv", graded, model="m")
    assert brought.read.aligned.startswith("by order")
    np.testing.assert_allclose(brought.predictions.ranking, np.arange(120) + 5)


@pytest.mark.parametrize("ids", [True, False])
def test_what_the_lab_exports_comes_back_with_the_same_metrics(graded, tmp_path, ids):
    """Folder and run, from pairs with ids and from pairs that have none."""
    pairs = (
        graded if ids else replace(graded, frame=graded.frame.drop(columns=["query_id", "ad_id"]))
    )
    logits = np.random.default_rng(9).normal(size=(120, 4))
    model = Predictions(logits, pairs.content_hash, "model")
    write_trec_run(tmp_path / "model.run", pairs, model)
    write_folder(pairs, tmp_path / "set")
    back = read_path(tmp_path / "set").table("back")
    assert (back.frame["query"] == pairs.frame["query"]).all()
    assert (back.grades == pairs.grades).all()
    before = evaluate(pairs, model, resamples=0).metrics
    for table in (back, pairs):
        brought = bring_file(tmp_path / "model.run", table, "test", model="back")
        after = evaluate(table, brought.predictions, resamples=0).metrics
        for key in ("ndcg@1", "ndcg@5", "ndcg@10", "ndcg_linear@3"):
            assert after[key].value == pytest.approx(before[key].value, abs=1e-12)


def test_an_export_without_labels_or_with_one_id_for_two_texts_is_refused(graded, tmp_path):
    unlabelled = replace(graded, frame=graded.frame.assign(grade=-1))
    with pytest.raises(DataError, match="no labelled pair"):
        write_folder(unlabelled, tmp_path)
    doubled = replace(graded, frame=graded.frame.assign(ad_id="one"))
    with pytest.raises(DataError, match="'one' stands for two different texts"):
        write_folder(doubled, tmp_path)
    assert not list(tmp_path.iterdir())


def test_stored_pairs_keep_their_ids_and_gains(graded, tmp_path):
    own = replace(graded, scheme=replace(FOUR_GRADES, own_gains=(0, 0.01, 0.1, 1)))
    own.save(tmp_path)
    loaded = PairTable.load(tmp_path)
    assert (loaded.scheme, pair_ids(loaded)) == (own.scheme, pair_ids(own))
    assert (
        json.loads((tmp_path / "dataset.json").read_text())["content_hash"] != graded.content_hash
    )

"""Predictions made elsewhere: found for their pairs, read as what they say they are, or refused."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.data.answers.choice import ColumnChoice
from kdcore.data.answers.imported import bring_file, fit_logistic, odds_of_score
from kdcore.data.answers.regrade import regraded, spread
from kdcore.data.answers.stored import brought_path, kept_about
from kdcore.data.export import export_data
from kdcore.data.library import import_data, load_data
from kdcore.data.pairs import ALL, PairTable
from kdcore.data.sources.table import TableReading, read_table
from kdcore.errors import DataError
from kdcore.evaluation.exports import pairs_csv
from kdcore.labels import BINARY, FOUR_GRADES
from kdcore.predictions import Predictions
from kdcore.scores import log_odds
from kdcore.softlabels import soften
from kdcore.workspace import Workspace
from tests.data.conftest import bring

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of this name with this frame, or these very bytes, in it."""

    def make(name: str, content: pd.DataFrame | bytes) -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif name.endswith("parquet"):
            content.to_parquet(path)
        elif name.endswith("jsonl"):
            content.to_json(path, orient="records", lines=True)
        else:
            content.to_csv(path, sep="\t" if name.endswith("tsv") else ",", index=False)
        return path

    return make


def keys(pairs: PairTable) -> pd.DataFrame:
    """The texts of the pairs as columns of a file."""
    return pairs.frame[["query", "title", "description"]].copy()


def logits_for(pairs: PairTable) -> np.ndarray:
    """Logits that differ in every row."""
    return np.random.default_rng(1).normal(size=(len(pairs), len(pairs.scheme))).round(4)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_shuffled_rows_find_their_pairs_by_text_in_every_kind_of_file(
    write: Write, pairs4: PairTable, ending: str
) -> None:
    logits = logits_for(pairs4)
    frame = keys(pairs4)
    for k in range(4):
        frame[f"logit_{k}"] = logits[:, k]
    found = bring(
        write(f"x.{ending}", frame.sample(frac=1, random_state=3)), pairs4, model="theirs"
    )
    np.testing.assert_allclose(found.logits, logits, atol=1e-6)
    assert found.data_hash == pairs4.content_hash
    assert "aligned by query, title, description" in found.notes


def test_the_ids_of_an_imported_table_name_its_pairs_in_files_of_answers_and_exports(
    write: Write, tmp_path: Path, workspace: object
) -> None:
    count, rng = 40, np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"p{k}" for k in range(count)], "device": "phone"})
    frame["query"] = [f"q{k // 4}" for k in range(count)]
    frame["title"], frame["label"] = "the same", rng.integers(0, 2, count)
    frame.loc[3, "label"] = 7  # a bad row, so that the order of the file is none of the pairs
    path = write("mine.csv", frame)
    imported = import_data(path, "mine", how=TableReading(scheme=BINARY), skip_bad=True)
    assert imported.reading.columns.sentences()[1:3] == (
        "Pairs are named by 'id'.",
        "Columns not used: 'device'; join them to an exported CSV by 'id'.",
    )
    pairs = load_data("mine")
    assert pairs.frame["pair_id"].tolist() == frame.drop(index=3)["id"].tolist()
    scores = pd.DataFrame({"id": frame["id"], "score": rng.normal(size=count)})
    found = bring(write("s.csv", scores.sample(frac=1, random_state=1)), pairs, model="theirs")
    np.testing.assert_array_equal(found.ranking, scores.drop(index=3)["score"])
    assert "aligned by pair_id" in found.notes
    assert "1 of its rows is of no pair in these data; it was left out" in found.notes
    assert pairs_csv(pairs, {}).splitlines()[1].startswith("p0,q0,the same")
    export_data(pairs, tmp_path / "out.csv")
    again = read_table(tmp_path / "out.csv").frame
    assert again["pair_id"].tolist() == pairs.frame["pair_id"].tolist()


def test_a_column_that_repeats_an_id_names_no_pair(write: Write) -> None:
    frame = pd.DataFrame({"id": [1, 1], "query": "q", "title": ["a", "b"], "label": [0, 1]})
    reading = read_table(write("x.csv", frame))
    assert "pair_id" not in reading.frame
    assert "the column 'id' is empty or repeats a value" in reading.notes[0]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_list_of_logits_is_read_as_one_a_grade(
    write: Write, pairs4: PairTable, ending: str
) -> None:
    logits = logits_for(pairs4)
    path = write(f"x.{ending}", pd.DataFrame({"logits": logits.tolist()}))
    np.testing.assert_allclose(bring(path, pairs4, model="m").logits, logits, atol=1e-6)


def test_numbers_without_a_header_go_by_their_order(write: Write, pairs2: PairTable) -> None:
    path = write("scores.txt", b"\n".join(b"%.4f" % (k / 16) for k in range(16)) + b"\n")
    found = bring(path, pairs2, model="m")
    np.testing.assert_allclose(soften(found.logits)[:, 1], np.arange(16) / 16, atol=1e-6)


def test_a_file_of_the_whole_table_answers_one_split_of_it(write: Write, pairs2: PairTable) -> None:
    path = write("s.csv", pd.DataFrame({"score": np.arange(16) / 20}))
    found = bring(path, pairs2, "test", model="m")
    assert found.data_hash == pairs2.split("test").content_hash
    np.testing.assert_allclose(soften(found.logits)[:, 1], np.array([14, 15]) / 20, atol=1e-6)


@given(
    chance=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    shares=st.lists(st.floats(0.001, 1), min_size=4, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_one_probability_keeps_its_relevance_whatever_the_prior(
    chance: list[float], shares: list[float]
) -> None:
    p = np.array(chance)
    with np.errstate(divide="ignore"):
        odds = np.nan_to_num(np.log(p) - np.log1p(-p), posinf=1e3, neginf=-1e3)
    logits = spread(odds, FOUR_GRADES, np.array(shares))
    np.testing.assert_allclose(FOUR_GRADES.relevance(soften(logits)), p, atol=1e-12)
    np.testing.assert_allclose(log_odds(logits, FOUR_GRADES), odds, rtol=1e-12, atol=1e-12)


def test_the_mass_within_relevant_grades_follows_the_labels(
    write: Write, pairs4: PairTable
) -> None:
    """12 training pairs: 2 bad, 4 fair, 1 good, 5 excellent... each counted once more."""
    path = write("p.csv", pd.DataFrame({"relevance": [0.5] * 16}))
    found = bring(path, pairs4, "test", model="m")
    counts = np.bincount(pairs4.grades[:14], minlength=4) + 1.0
    p = soften(found.logits)[0]
    assert p[3] / p[2] == pytest.approx(counts[3] / counts[2], rel=1e-5)
    assert p[1] / p[0] == pytest.approx(counts[1] / counts[0], rel=1e-5)
    assert any("the labels of 14 pairs" in note for note in found.notes)


def test_probabilities_become_logits_that_give_them_back(write: Write, pairs2: PairTable) -> None:
    p = np.linspace(0, 1, 16)
    path = write("p.csv", pd.DataFrame({"prob_0": 1 - p, "prob_1": p}))
    np.testing.assert_allclose(soften(bring(path, pairs2, model="m").logits)[:, 1], p, atol=1e-6)


def test_a_free_score_is_fitted_on_labels_that_are_not_looked_at(
    write: Write, make_pairs: Callable[[int, int], PairTable]
) -> None:
    pairs = make_pairs(100, 4)
    pairs = pairs.with_splits(["train"] * 300 + ["test"] * 100)
    score = np.where(pairs.grades == 1, 5.0, 3.0) + np.random.default_rng(0).normal(size=400)
    path = write("s.csv", pd.DataFrame({"score": score}))
    found = bring(path, pairs, "test", model="m")
    assert any("fitted on 300 labelled pairs" in note for note in found.notes)
    assert any(re.search(r"sigmoid\([0-9.]+ s [+−] [0-9.]+\)", note) for note in found.notes)
    p = soften(found.logits)[:, 1]
    assert abs(p.mean() - 0.5) < 0.08  # calibrated: half of these are relevant
    assert np.array_equal(np.argsort(p), np.argsort(score[300:]))


def test_a_free_score_without_such_labels_keeps_its_order_and_says_what_it_lost(
    write: Write, pairs2: PairTable
) -> None:
    score = np.random.default_rng(5).normal(40, 9, 16)
    found = bring(write("s.csv", pd.DataFrame({"score": score})), pairs2, model="m")
    assert np.array_equal(np.argsort(soften(found.logits)[:, 1]), np.argsort(score))
    assert any("only its order has a meaning" in note for note in found.notes)


def test_the_logistic_fit_finds_the_curve_that_drew_the_labels() -> None:
    rng = np.random.default_rng(0)
    s = rng.normal(10, 4, 40_000)
    relevant = rng.random(40_000) < 1 / (1 + np.exp(-(0.7 * s - 6)))
    a, b = fit_logistic(s, relevant)
    assert a == pytest.approx(0.7, abs=0.03)
    assert b == pytest.approx(-6, abs=0.3)


def test_separable_scores_are_still_fitted() -> None:
    s = np.r_[np.zeros(60), np.ones(60)]
    odds, _ = odds_of_score(s, s, s > 0.5)
    assert np.isfinite(odds).all()
    assert odds[0] < -3
    assert odds[-1] > 3


def test_a_number_outside_0_to_1_is_a_score_and_a_logit_only_when_told(
    write: Write, pairs2: PairTable
) -> None:
    z = np.linspace(-4, 4, 16)
    path = write("z.csv", pd.DataFrame({"prediction": z}))
    as_logit = soften(bring(path, pairs2, model="m", kind="logit").logits)[:, 1]
    np.testing.assert_allclose(as_logit, 1 / (1 + np.exp(-z)), atol=1e-6)
    with pytest.raises(DataError, match=r"outside 0\.\.1"):
        bring(path, pairs2, model="m", kind="relevance")


BAD = {
    "wrong length": (b"score\n0.1\n0.2\n", "2 rows where the data has 16"),
    "no number": (
        b"score\n" + b"0.1\n" * 15 + b"high\n",
        ("line 17: 'score': 'high' is not a number"),
    ),
    "not a number": (b"score\n" + b"0.1\n" * 15 + b"nan\n", "'nan' stands for a missing number"),
    "infinite": (b"score\n" + b"0.1\n" * 15 + b"inf\n", "'inf' is infinite"),
    "comma": (b"score\n" + b"0.1\n" * 15 + b'"0,83"\n', "0,83 has a decimal comma; write 0.83"),
    "commas": (
        b"score\n" + b'"0,83"\n' * 16,
        r"16 lines have .* comma in 'score' \(lines 2, 3, 4, 5, 6, \.\.\.\); write 0\.83,",
    ),
    "wrong classes": (
        b"logit_0,logit_1,logit_2\n" + b"0,0,0\n" * 16,
        "where the data has 2 grades",
    ),
    "sum": (b"p_0,p_1\n" + b"0.5,0.5\n" * 15 + b"0.9,0.9\n", "sum to 1.8"),
    "header only": (b"score\n", "it holds no row"),
    "empty": (b"", "it holds no row"),
    "two numbers": (
        b"a,b\n" + b"0.1,0.2\n" * 16,
        ("several columns could be the predictions: 'a', 'b'"),
    ),
    "utf-16": ("score\n0.1\n".encode("utf-16"), "UTF-16"),
}


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_answer_is_refused_in_a_sentence(
    write: Write, pairs2: PairTable, content: bytes, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        bring(write("x.csv", content), pairs2, model="m")


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "jsonl", "parquet", "exe", ""])
def test_random_bytes_are_refused_in_a_sentence(
    write: Write, pairs2: PairTable, ending: str
) -> None:
    noise = np.random.default_rng(0).bytes(4000)
    with pytest.raises(DataError):
        bring(write(f"x.{ending}".rstrip("."), noise), pairs2, model="m")


def test_every_missing_and_doubled_pair_is_told_at_once(write: Write, pairs2: PairTable) -> None:
    frame = keys(pairs2).assign(score=0.5)
    again = frame.iloc[[3]].assign(score=0.9)
    with pytest.raises(DataError) as caught:
        bring(write("x.csv", pd.concat([frame.iloc[2:], again])), pairs2, model="m")
    told = "\n".join(caught.value.problems)
    assert "2 of 16 pairs have no prediction: query 'red running shoes'" in told
    assert "--partial to use the 14 answered pairs" in told
    assert "this pair has a different prediction in line" in told
    assert "2 problems" in caught.value.headline
    path = write("x.csv", pd.concat([frame.iloc[2:], again]))
    with pytest.raises(DataError) as again_partial:
        bring_file(path, pairs2, ALL, model="m", choice=ColumnChoice(), partial=True)
    assert "--partial" not in "\n".join(again_partial.value.problems)


def test_pairs_that_a_file_cannot_tell_apart_are_asked_for_by_description(
    write: Write, pairs2: PairTable
) -> None:
    frame = pairs2.frame.copy()
    frame.loc[1, "title"] = frame.loc[0, "title"]
    twins = replace(pairs2, frame=frame)
    rows = keys(twins).assign(score=0.5).iloc[::-1].drop(columns="description")
    with pytest.raises(DataError, match="add a column description"):
        bring(write("x.csv", rows), twins, model="m")


def test_brought_answers_are_kept_with_what_a_reader_must_know(
    tmp_path: Path, write: Write, pairs2: PairTable
) -> None:
    found = bring(write("x.csv", pd.DataFrame({"score": [0.5] * 16})), pairs2, ALL, model="My LLM")
    path = brought_path(Workspace(tmp_path / "home"), "mine", "../../My LLM", found.data_hash)
    assert path.parent == tmp_path / "home" / "data" / "mine" / "brought"
    assert path.name == f"My-LLM-{pairs2.content_hash[:8]}.parquet"
    found.save(path)
    kept = Predictions.load(path).require(pairs2.content_hash, 16)
    assert kept.notes == found.notes
    assert kept.model == "My LLM"
    assert json.dumps(kept.notes)
    about = kept_about(path)
    assert (about.model, about.split_hash, about.whole) == ("My LLM", pairs2.content_hash, True)


def test_one_name_answers_two_splits_in_a_file_of_its_own_each(pairs2: PairTable) -> None:
    home = Workspace(Path("home"))
    splits = [pairs2.split(name).content_hash for name in ("train", "test")]
    assert len({brought_path(home, "mine", "x" * 200, held) for held in splits}) == 2


@pytest.mark.parametrize("column", ["query", "title"])
def test_shuffled_rows_that_name_half_a_pair_are_refused_not_taken_in_order(
    write: Write, pairs2: PairTable, column: str
) -> None:
    rows = keys(pairs2)[[column]].assign(score=np.arange(16) / 20)
    whole = bring(write("in-order.csv", rows), pairs2, model="m")
    assert f"aligned by order with all pairs and with their {column}" in whole.notes
    with pytest.raises(DataError, match=f"another order than the pairs \\(its {column}"):
        bring(write("shuffled.csv", rows.iloc[::-1]), pairs2, model="m")


def test_a_column_read_as_the_number_is_no_text_of_the_pair(
    write: Write, pairs2: PairTable
) -> None:
    path = write("x.csv", pd.DataFrame({"q": np.arange(16) / 20}))
    assert len(bring(path, pairs2, model="m", column="q")) == 16


def test_binary_needs_no_word_about_grades(write: Write, pairs2: PairTable) -> None:
    found = bring(write("x.csv", pd.DataFrame({"score": [0.5] * 16})), pairs2, model="m")
    assert pairs2.scheme is BINARY
    assert not any("grades" in note for note in found.notes)


def test_answers_in_four_grades_serve_data_with_two_and_back(
    pairs2: PairTable, pairs4: PairTable
) -> None:
    four = Predictions(logits_for(pairs4).astype(np.float32), pairs2.content_hash, "m")
    two = regraded(four, FOUR_GRADES, pairs2)
    relevance = FOUR_GRADES.relevance(soften(four.logits))
    np.testing.assert_allclose(soften(two.logits)[:, 1], relevance, atol=1e-6)
    assert "good + excellent were summed to Good" in two.notes[0]
    again = regraded(two, BINARY, pairs4)
    np.testing.assert_allclose(FOUR_GRADES.relevance(soften(again.logits)), relevance, atol=1e-6)
    assert regraded(four, FOUR_GRADES, pairs4) is four


def test_grades_of_a_judge_become_smoothed_soft_labels(write: Write, pairs4: PairTable) -> None:
    """A grade of 4 with smoothing 0.2: 0.8 + 0.2 / 4 = 0.85 for it, 0.05 for each other grade."""
    names, grades = pairs4.scheme.grades, np.arange(len(pairs4)) % 4
    answers = keys(pairs4).assign(
        label=[names[g] for g in pairs4.grades], verdict=[names[g].upper() for g in grades]
    )
    path = write("judge.jsonl", answers)
    choice = ColumnChoice("grade", "verdict", smoothing=0.2)
    brought = bring_file(path, pairs4, model="judge", choice=choice).predictions
    expected = np.where(np.arange(4) == grades[:, None], 0.85, 0.05)
    np.testing.assert_allclose(soften(brought.logits), expected)
    np.testing.assert_array_equal(brought.ranking, grades)
    assert not brought.own_grades
    assert "gave one grade per pair" in brought.caveat
    path = write("judge.csv", answers.assign(grade=grades).drop(columns="verdict"))
    by_number = bring_file(path, pairs4, model="judge", choice=ColumnChoice("grade"))
    np.testing.assert_array_equal(by_number.predictions.ranking, grades)
    wrong = write("wrong.csv", answers.assign(verdict="no idea"))
    with pytest.raises(DataError, match="16 lines hold no grade of the data in 'verdict'"):
        bring_file(wrong, pairs4, model="judge", choice=choice)

"""Which column of a file of answers is what: told, asked for, and never the label for an answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.data.answers.choice import BY_NAME, ColumnChoice
from kdcore.data.answers.imported import Brought, bring_file
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import DataError
from kdcore.labels import BINARY, LabelScheme
from kdcore.metrics.classification import roc_auc
from kdcore.softlabels import soften

ESCI = LabelScheme(("irrelevant", "complement", "substitute", "exact"), 2)
SIZE = 24
GRADES = {BINARY: np.arange(SIZE) % 2, ESCI: np.arange(SIZE) % 4}
Bring = Callable[..., Brought]


def table(scheme: LabelScheme = BINARY) -> PairTable:
    """24 pairs of 6 queries whose grades go round."""
    query = [f"query {row // 4}" for row in range(SIZE)]
    title = [f"title {row}" for row in range(SIZE)]
    frame = make_frame(query, title, [f"text {row}" for row in range(SIZE)], GRADES[scheme], "test")
    return PairTable(frame, scheme, "invented")


def keys(pairs: PairTable) -> pd.DataFrame:
    return pairs.frame[["query", "title"]].copy()


@pytest.fixture
def bring(tmp_path: Path) -> Bring:
    """Write a frame as CSV and bring it."""

    def make(frame: pd.DataFrame, pairs: PairTable, partial: bool = False, **said: Any) -> Brought:
        path = tmp_path / "answers.csv"
        frame.to_csv(path, index=False)
        choice = ColumnChoice(**said) if said else BY_NAME
        return bring_file(path, pairs, model="m", choice=choice, partial=partial)

    return make


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(SIZE).round(3)


@pytest.mark.parametrize("name", ["relevance", "label", "grade", "rating", "gold"])
@pytest.mark.parametrize("scheme", [BINARY, ESCI], ids=["two grades", "four grades"])
def test_a_label_beside_a_score_is_never_the_answer(
    bring: Bring, name: str, scheme: LabelScheme
) -> None:
    pairs = table(scheme)
    rows = keys(pairs).assign(**{name: pairs.grades, "score": noise()})
    found = bring(rows, pairs)
    assert found.read.columns.answer == ("score",)
    relevance = scheme.relevance(soften(found.predictions.logits))
    np.testing.assert_allclose(relevance, noise(), atol=1e-6)


@given(codes=st.permutations(["E", "S", "C", "I", "7", "-1"]), order=st.permutations(range(4)))
@settings(max_examples=20, deadline=None)
def test_labels_in_any_writing_and_columns_in_any_order_are_seen_as_labels(
    tmp_path_factory: pytest.TempPathFactory, codes: list[str], order: list[int]
) -> None:
    pairs = table(ESCI)
    rows = keys(pairs).assign(marks=[codes[g] for g in pairs.grades], mine=noise())
    path = tmp_path_factory.mktemp("x") / "answers.csv"
    rows[[list(rows.columns)[k] for k in order]].to_csv(path, index=False)
    found = bring_file(path, pairs, model="m")
    assert found.read.columns.answer == ("mine",)
    assert found.read.columns.ignored == ("marks",)


def test_a_file_whose_only_number_is_a_label_is_refused_until_the_column_is_named(
    bring: Bring,
) -> None:
    pairs = table()
    rows = keys(pairs).assign(relevance=pairs.grades)
    with pytest.raises(DataError, match="a label is not a prediction of a model"):
        bring(rows, pairs)
    found = bring(rows, pairs, column="relevance")
    assert any("follows the labels of the data exactly" in note for note in found.read.notes)


def test_a_column_called_relevance_that_is_no_label_is_read_and_named(bring: Bring) -> None:
    pairs = table()
    found = bring(keys(pairs).assign(relevance=noise()), pairs)
    assert found.read.columns.answer == ("relevance",)
    assert "the predictions are in 'relevance'" in found.read.notes


@pytest.mark.parametrize("columns", [("a", "b"), ("score", "logit"), ("relevance", "score")])
def test_several_columns_that_could_be_the_answer_are_asked_for(
    bring: Bring, columns: tuple[str, str]
) -> None:
    pairs = table()
    rows = keys(pairs).assign(**{columns[0]: noise(1), columns[1]: noise(2)})
    with pytest.raises(DataError, match=f"could be the predictions: .*{columns[0]}.*--column NAME"):
        bring(rows, pairs, kind="auto")
    found = bring(rows, pairs, column=columns[1])
    assert found.read.columns.answer == (columns[1],)
    assert columns[0] in (*found.read.columns.ignored, found.read.columns.label)


def test_a_known_name_wins_over_numbers_of_other_names_which_are_told(bring: Bring) -> None:
    pairs = table()
    rows = keys(pairs).assign(id=range(SIZE), price=noise(1), score=noise())
    found = bring(rows, pairs)
    assert found.read.columns.answer == ("score",)
    assert found.read.columns.ignored == ("id", "price")
    assert "not used: 'id', 'price'" in found.read.notes


def test_the_score_of_a_label_is_the_score_of_that_label(bring: Bring) -> None:
    pairs = table()
    chance = 0.02 + 0.96 * noise()
    won = chance >= 0.5
    rows = keys(pairs).assign(
        label=np.where(won, "LABEL_1", "LABEL_0"), score=np.where(won, chance, 1 - chance)
    )
    found = bring(rows, pairs)
    np.testing.assert_allclose(soften(found.predictions.logits)[:, 1], chance, atol=1e-6)
    assert found.read.columns.kind == "label_score"
    named = rows.assign(label=np.where(won, "positive", "negative"))
    with pytest.raises(DataError, match=r"'negative', 'positive' are not the grades"):
        bring(named, pairs)
    mapping = {"good": "positive", "bad": "negative"}
    again = bring(named, pairs, kind="label_score", mapping=mapping)
    np.testing.assert_allclose(again.predictions.logits, found.predictions.logits)


def test_a_perfect_pipeline_is_perfect(bring: Bring) -> None:
    pairs = table()
    rows = keys(pairs).assign(label=[f"LABEL_{g}" for g in pairs.grades], score=0.9 + noise() / 100)
    relevance = BINARY.relevance(soften(bring(rows, pairs).predictions.logits))
    assert roc_auc(pairs.relevant, relevance) == 1.0


def test_a_score_that_may_be_of_its_label_or_of_relevance_is_asked_about(bring: Bring) -> None:
    pairs = table()
    own = [BINARY.grades[g] for g in pairs.grades]
    sure = keys(pairs).assign(label=own, score=0.5 + noise() / 2)
    with pytest.raises(DataError, match=r"--kind relevance.*--kind label_score"):
        bring(sure, pairs, kind="auto")
    unsure = keys(pairs).assign(label=own, score=noise())
    np.testing.assert_allclose(
        soften(bring(unsure, pairs).predictions.logits)[:, 1], noise(), atol=1e-6
    )
    guess = keys(pairs).assign(label=np.where(noise(9) > 0.5, "Good", "Bad"), score=noise())
    with pytest.raises(DataError, match="too small for a label that won"):
        bring(guess, pairs)


def test_of_four_grades_one_score_is_refused_and_all_scores_are_read(bring: Bring) -> None:
    pairs = table(ESCI)
    logits = np.random.default_rng(2).normal(size=(SIZE, 4))
    p = soften(logits)
    best = keys(pairs).assign(label=[f"LABEL_{k}" for k in p.argmax(axis=1)], score=p.max(axis=1))
    with pytest.raises(DataError, match="other grades is lost"):
        bring(best, pairs)
    each = pd.concat(
        keys(pairs).assign(label=ESCI.grades[k].upper(), score=p[:, k]) for k in range(4)
    )
    found = bring(each.sample(frac=1, random_state=0), pairs)
    np.testing.assert_allclose(soften(found.predictions.logits), p, atol=1e-6)
    assert any("one row per pair and label" in note for note in found.read.notes)


def test_scores_of_all_labels_as_a_list_are_one_column_each(tmp_path: Path) -> None:
    pairs = table(ESCI)
    p = soften(np.random.default_rng(2).normal(size=(SIZE, 4)))
    rows = keys(pairs).assign(
        output=[[{"label": f"LABEL_{k}", "score": row[k]} for k in np.argsort(-row)] for row in p]
    )
    path = tmp_path / "out.jsonl"
    rows.to_json(path, orient="records", lines=True, double_precision=15)
    found = bring_file(path, pairs, model="m")
    np.testing.assert_allclose(soften(found.predictions.logits), p, atol=1e-6)
    assert found.read.columns.kind == "probabilities"


@given(order=st.permutations(range(4)), stem=st.sampled_from(["p_{}", "{} prob", "P({})", "{}"]))
@settings(max_examples=20, deadline=None)
def test_columns_named_by_the_grades_find_their_grades_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], stem: str
) -> None:
    pairs = table(ESCI)
    p = soften(np.random.default_rng(3).normal(size=(SIZE, 4)))
    rows = keys(pairs).assign(**{stem.format(ESCI.grades[k].title()): p[:, k] for k in order})
    path = tmp_path_factory.mktemp("x") / "answers.csv"
    rows.to_csv(path, index=False)
    found = bring_file(path, pairs, model="m")
    np.testing.assert_allclose(soften(found.predictions.logits), p, atol=1e-6)
    assert found.predictions.own_grades


def test_any_names_can_be_mapped_by_hand_and_a_missing_grade_is_told(bring: Bring) -> None:
    pairs = table(ESCI)
    logits = np.random.default_rng(4).normal(size=(SIZE, 4)) * 9
    rows = keys(pairs).assign(**{f"w{k}": logits[:, k] for k in range(4)})
    rows = rows.rename(columns={"query": "q?", "title": "t?"})
    mapping = {"query": "q?", "title": "t?", "irrelevant": "w0", "1": "w1", "substitute": "w2"}
    with pytest.raises(DataError, match="3 of 4 grades; exact have none; name them: --map exact="):
        bring(rows, pairs, mapping=mapping)
    found = bring(rows.sample(frac=1, random_state=0), pairs, mapping={**mapping, "EXACT": "w3"})
    np.testing.assert_allclose(found.predictions.logits, logits, rtol=1e-6)
    assert found.read.columns.kind == "logits"
    with pytest.raises(DataError, match="no column is called 'w9'"):
        bring(rows, pairs, mapping={**mapping, "exact": "w9"})
    with pytest.raises(DataError, match="'color', which is neither a part of a pair nor a grade"):
        bring(rows, pairs, mapping={"color": "w3"})


def test_columns_of_unknown_names_are_found_by_the_texts_that_they_hold(bring: Bring) -> None:
    pairs = table()
    rows = pairs.frame[["query", "title", "description"]].assign(score=noise())
    rows.columns = pd.Index(["suche", "anzeige", "mehr", "score"])
    found = bring(rows.sample(frac=1, random_state=1), pairs)
    columns = found.read.columns
    assert (columns.query, columns.title, columns.description) == ("suche", "anzeige", "mehr")
    np.testing.assert_allclose(soften(found.predictions.logits)[:, 1], noise(), atol=1e-6)


def test_labels_written_as_ones_and_noughts_are_no_probabilities(bring: Bring) -> None:
    pairs = table(ESCI)
    ones = {name: (pairs.grades == k).astype(int) for k, name in enumerate(ESCI.grades)}
    found = bring(keys(pairs).assign(**ones, score=noise()), pairs)
    assert found.read.columns.answer == ("score",)


def test_the_pairs_without_an_answer_are_left_out_only_when_told_and_counted(bring: Bring) -> None:
    pairs = table(ESCI)
    rows = keys(pairs).assign(score=[*noise()[:20], np.nan, "NaN", "", "null"]).drop(index=[3, 7])
    with pytest.raises(DataError, match=r"stands for a missing number.*or add --partial"):
        bring(rows, pairs, kind="auto")
    with pytest.raises(DataError, match=r"2 of 24 pairs have no prediction.*query 'query 0'"):
        bring(rows.fillna(0.5).replace(["NaN", "", "null"], 0.5), pairs)
    found = bring(rows, pairs, partial=True)
    kept = np.setdiff1d(np.arange(20), [3, 7])
    assert (found.read.answered, found.read.pairs, len(found.pairs)) == (18, 24, 18)
    np.testing.assert_array_equal(found.predictions.rows, kept)
    assert found.predictions.data_hash == pairs.take(kept).content_hash
    np.testing.assert_allclose(
        ESCI.relevance(soften(found.predictions.logits)), noise()[kept], atol=1e-6
    )
    assert any("6 of 24 pairs have no prediction" in note for note in found.read.notes)
    fewer = found.predictions.on(kept[2:9], "those")
    np.testing.assert_array_equal(fewer.logits, found.predictions.logits[2:9])
    np.testing.assert_array_equal(fewer.ranking, noise()[kept[2:9]])


def test_one_number_is_no_answer_about_grades_and_a_free_score_none_about_relevance(
    bring: Bring,
) -> None:
    for scheme, own in ((BINARY, True), (ESCI, False)):
        pairs = table(scheme)
        near = bring(keys(pairs).assign(relevance=noise()), pairs).predictions
        assert (near.own_grades, near.own_relevance) == (own, True)
        free = bring(keys(pairs).assign(bm25=noise() * 30), pairs).predictions
        assert (free.own_grades, free.own_relevance) == (False, False)

"""No number depends on the order in which a file lists its rows, and no answer's order is lost."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.gap import gap_recovered
from kdcore.evaluation.measures import measure
from kdcore.evaluation.recalibration import before_after
from kdcore.evaluation.tie_notes import equal_scores, equal_sentence
from kdcore.labels import BINARY, FIVE_GRADES, FOUR_GRADES, LabelScheme
from kdcore.predictions import Predictions
from kdcore.scores import Scores, log_odds, ranking_score
from tests.data.conftest import bring

seeds = st.integers(0, 10_000)
quick = settings(max_examples=15, deadline=None)


def made(seed: int, scheme: LabelScheme = FOUR_GRADES, queries: int = 14) -> PairTable:
    """Queries of 1 to 7 ads, a tenth of them unlabelled, the truth known."""
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(queries), rng.integers(1, 8, queries))
    grades = rng.integers(0, len(scheme), len(query))
    grades[rng.random(len(query)) < 0.1] = -1
    titles = [f"title {i}" for i in rng.permutation(len(query))]
    frame = make_frame([f"query {q}" for q in query], titles, titles, grades, "test")
    truth = rng.dirichlet(np.ones(len(scheme)), len(query)).round(1)
    return PairTable(
        frame.assign(**{f"truth_{k}": truth[:, k] for k in range(len(scheme))}), scheme, "made"
    )


def answered(pairs: PairTable, seed: int, levels: int = 3) -> Predictions:
    """Answers of few levels, so that many tie."""
    rng = np.random.default_rng(seed)
    logits = rng.integers(0, levels, (len(pairs), len(pairs.scheme))).astype(np.float32)
    return Predictions(logits, pairs.content_hash, f"model {seed}")


def moved(pairs: PairTable, answers: Predictions, rows: NDArray[np.int64]) -> Predictions:
    """The same answers to the same pairs in another order of the rows."""
    return replace(answers.take(rows), data_hash=pairs.content_hash)


@quick
@given(seeds)
def test_no_number_of_an_evaluation_or_a_comparison_depends_on_the_order_of_the_rows(
    seed: int,
) -> None:
    pairs = made(seed)
    rows = np.random.default_rng(seed + 1).permutation(len(pairs))
    other = pairs.take(rows)
    three = [answered(pairs, seed + k) for k in range(3)]
    also = [moved(other, model, rows) for model in three]
    effort = {"resamples": 40, "permutations": 40, "area_permutations": 20}
    found, again = (
        (
            evaluate(table, models[0], teacher=models[2], resamples=40),
            compare(table, models[0], models[1], teacher=models[2], depth=3, **effort),
            gap_recovered(table, *models, resamples=40),
            before_after(table, models[0].logits, resamples=20),
        )
        for table, models in ((pairs, three), (other, also))
    )
    plain = {"data_hash": "", "columns": {}}
    assert repr(replace(found[0], **plain)) == repr(replace(again[0], **plain))
    assert repr(replace(found[1], data_hash="")) == repr(replace(again[1], data_hash=""))
    assert repr(found[2]) == repr(again[2])
    assert repr(found[3]) == repr(again[3])
    by_text = [
        evaluation.per_query()
        .drop(columns="query_id")
        .set_index(table.frame["query"].unique().astype(object))
        for evaluation, table in ((found[0], pairs), (again[0], other))
    ]
    assert by_text[0].equals(by_text[1].loc[by_text[0].index])


@quick
@given(seeds)
def test_a_constant_model_gets_the_random_line_and_the_shares_of_the_labels(seed: int) -> None:
    pairs = made(seed, BINARY)
    constant = Predictions(np.zeros((len(pairs), 2)), pairs.content_hash, "constant")
    found = evaluate(pairs, constant, resamples=0)
    for curve in found.ndcg.values():
        np.testing.assert_allclose(curve.model, curve.random)
    labelled = pairs.grades[pairs.grades >= 0]
    measured = measure(pairs, constant)
    share = measured.labels[:, 19, :-1].sum(axis=0) / len(labelled)
    np.testing.assert_allclose(share, np.bincount(labelled, minlength=2) / len(labelled))


def test_an_evaluation_says_when_much_of_the_top_is_tied() -> None:
    pairs = made(3, BINARY)
    constant = Predictions(np.zeros((len(pairs), 2)), pairs.content_hash, "constant")
    distinct = np.arange(2.0 * len(pairs)).reshape(-1, 2) ** 2
    assert any("the same score" in note for note in evaluate(pairs, constant).notes)
    sure = Predictions(distinct, pairs.content_hash, "distinct")
    assert not any("the same score" in note for note in evaluate(pairs, sure).notes)
    notes = compare(pairs, sure, constant, resamples=2, permutations=2, area_permutations=2).notes
    assert notes[0] == "constant gives every pair the same score, so it orders nothing."


def test_equal_scores_are_told_of_a_whole_table_or_of_every_query() -> None:
    queries = np.array([0, 0, 1, 1, 2])
    assert equal_scores(np.full(5, 0.5), queries) == "all"
    assert equal_scores(np.array([1.0, 1.0, 2.0, 2.0, 7.0]), queries) == "query"
    assert equal_scores(np.array([1.0, 1.0, 2.0, 2.5, 7.0]), queries) == ""
    assert equal_scores(np.full(3, 0.5), np.arange(3)) == ""  # no query has two ads to order
    assert equal_sentence("query", "M").startswith("M gives all ads of a query the same score")


def test_a_model_of_equal_scores_is_named_before_anything_else() -> None:
    pairs = made(3, BINARY)
    constant = Predictions(np.zeros((len(pairs), 2)), pairs.content_hash, "constant")
    first = "constant gives every pair the same score, so it orders nothing."
    notes = evaluate(pairs, constant).notes
    assert notes[0] == first
    assert not any("places in the top" in note for note in notes)
    by_query = np.column_stack([np.zeros(len(pairs)), pairs.query_ids]).astype(float)
    steps = Predictions(by_query, pairs.content_hash, "steps")
    assert evaluate(pairs, steps).notes[0].startswith("steps gives all ads of a query the same")


def exact_expected_grade(logits: list[int]) -> Fraction:
    """The expected grade of whole logits with powers of two for powers of e, without rounding."""
    weights = [Fraction(2) ** z for z in logits]
    return sum((k * w for k, w in enumerate(weights)), Fraction(0)) / sum(weights)


def exact_spread(logits: list[int]) -> Fraction:
    """The mean distance of the grade from the whole one that is nearest to its mean."""
    weights = [Fraction(2) ** z for z in logits]
    nearest = round(exact_expected_grade(logits))
    total = sum((abs(k - nearest) * w for k, w in enumerate(weights)), Fraction(0))
    return total / sum(weights)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(-400, 400), min_size=4, max_size=4), min_size=2, max_size=6),
)
def test_the_ranking_score_rises_with_the_exact_expected_grade(logits: list[list[int]]) -> None:
    """However near to certain: the error is a share of what is left of the other grades."""
    scores = ranking_score(np.array(logits) * np.log(2.0))
    known = [(exact_expected_grade(row), exact_spread(row)) for row in logits]
    for a, (one, rest) in zip(scores, known, strict=True):
        assert abs(Fraction(float(a)) - one) <= Fraction(1, 2) + Fraction(1, 10**9)
        for b, (other, rest_of_other) in zip(scores, known, strict=True):
            if one - other > (rest + rest_of_other) / 10**9:
                assert a > b, (one, other)


def test_a_number_added_to_all_logits_of_a_pair_moves_it_nowhere() -> None:
    """Such answers say the same, so they tie; rounding would put one before the other."""
    rng = np.random.default_rng(0)
    for scheme in (BINARY, FOUR_GRADES, FIVE_GRADES):
        logits = rng.integers(-20, 20, (500, len(scheme))).astype(float)
        moved = logits + rng.integers(-50, 50, (500, 1))
        np.testing.assert_array_equal(ranking_score(moved), ranking_score(logits))
        np.testing.assert_array_equal(log_odds(moved, scheme), log_odds(logits, scheme))


def test_the_ranking_score_is_the_gap_of_two_logits_and_the_expected_grade_at_halves() -> None:
    gaps = np.array([-1e4, 41.0, 41.5, 51.0])
    two = np.stack([np.zeros(4), gaps], axis=1)
    np.testing.assert_array_equal(ranking_score(two), gaps)
    np.testing.assert_array_equal(log_odds(two, BINARY), gaps)
    with np.errstate(divide="ignore"):
        halves = np.log([[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 1, 0], [0, 0.25, 0.5, 0.25]])
    np.testing.assert_allclose(ranking_score(halves), [0.5, 1.5, 2, 2])


def brought(pairs: PairTable, score: NDArray[np.float64], folder: Path) -> Predictions:
    """A free score of a file, as it is read, kept and read again."""
    (folder / "s.csv").write_text("score\n" + "\n".join(map(repr, score.tolist())))
    answers = bring(folder / "s.csv", pairs, model="m", kind="score")
    answers.save(folder / "kept.parquet")
    kept = Predictions.load(folder / "kept.parquet")
    assert kept.digest == answers.digest
    return kept


@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("scheme", [BINARY, FOUR_GRADES])
@given(
    seed=seeds,
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6)
    .map(sorted)
    .filter(lambda values: len(set(values)) == len(values)),
)
def test_any_rising_rescaling_of_a_brought_score_changes_no_order(
    tmp_path: Path, scheme: LabelScheme, seed: int, values: list[float]
) -> None:
    """Levels 0 to 5, and six rising numbers of any size in their place."""
    pairs = made(seed, scheme)
    levels = np.random.default_rng(seed).integers(0, 6, len(pairs))
    answers = [
        brought(pairs, score, tmp_path)
        for score in (levels.astype(float), np.array(values)[levels])
    ]
    one, other = (evaluate(pairs, each, resamples=0) for each in answers)
    for key in ("roc_auc", "pr_auc"):
        assert repr(one.metrics[key]) == repr(other.metrics[key])
    assert repr(one.ndcg) == repr(other.ndcg)
    assert repr(one.density) == repr(other.density)
    for each in answers:
        listed = np.unique(Scores.of(each, scheme).ranking, return_inverse=True)[1]
        np.testing.assert_array_equal(listed, np.unique(levels, return_inverse=True)[1])


@pytest.mark.parametrize("scheme", [BINARY, FOUR_GRADES])
def test_scores_of_a_scale_of_its_own_in_each_query_keep_the_order_inside_it(
    tmp_path: Path, scheme: LabelScheme
) -> None:
    """As BM25 has it, where one long query scores in the hundreds and the others below 1."""
    pairs = made(5, scheme)
    rng = np.random.default_rng(0)
    score, scale = rng.integers(0, 9, len(pairs)) / 10, 10.0 ** rng.integers(-9, 9, 14)
    one, other = (
        evaluate(pairs, brought(pairs, each, tmp_path), resamples=0)
        for each in (score, (score + 5) * scale[pairs.query_ids])
    )
    assert repr(one.ndcg) == repr(other.ndcg)
    assert repr(one.density) == repr(other.density)


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("relevance", [0.0, 1e-300, 1e-20, 2e-20, 0.3, 1 - 1e-15, 1 - 1e-16, 1.0]),
        ("logit", [-1e4, -50.0, -49.9, 0.0, 21.0, 31.0, 60.0, 61.0]),
        ("score", [-1e308, -1.0, 0.0, 1e-300, 25.0, 400.0, 440.0, 1e308]),
    ],
)
@pytest.mark.parametrize("scheme", [BINARY, FOUR_GRADES])
def test_distinct_numbers_stay_distinct_from_the_file_to_the_metric(
    tmp_path: Path, scheme: LabelScheme, kind: str, numbers: list[float]
) -> None:
    grades = [0] * 4 + [len(scheme) - 1] * 4
    titles = [f"ad {k}" for k in range(8)]
    pairs = PairTable(make_frame(["q"] * 8, titles, titles, grades, "test"), scheme, "made")
    (tmp_path / "s.csv").write_text("score\n" + "\n".join(map(repr, numbers)))
    answers = bring(tmp_path / "s.csv", pairs, model="m", kind=kind)
    scores = Scores.of(answers, scheme)
    for order in (scores.ranking, scores.log_odds):
        assert (np.diff(order) > 0).all()
    values = evaluate(pairs, answers, resamples=0).metrics
    assert (values["roc_auc"].value, values["ndcg@5"].value) == (1, 1)
    assert np.isfinite(values["nll"].value)


def test_sure_logits_of_a_file_keep_their_order_in_any_number_of_grades(tmp_path: Path) -> None:
    """Gaps of 41 to 51: a softmax is 1 for all of them."""
    for scheme in (BINARY, FOUR_GRADES):
        grades = [0] * 3 + [len(scheme) - 1] * 3
        titles = [f"ad {k}" for k in range(6)]
        pairs = PairTable(make_frame(["q"] * 6, titles, titles, grades, "test"), scheme, "made")
        logits = np.zeros((6, len(scheme)))
        logits[:, -1] = [41, 43, 45, 47, 49, 51]
        names = ",".join(f"logit_{k}" for k in range(len(scheme)))
        lines = [",".join(map(str, row)) for row in logits.tolist()]
        (tmp_path / "z.csv").write_text("\n".join([names, *lines]))
        found = evaluate(pairs, bring(tmp_path / "z.csv", pairs, model="m"), resamples=0).metrics
        assert (found["roc_auc"].value, found["ndcg@1"].value) == (1, 1)


def test_predictions_of_single_precision_are_kept_and_read_as_they_were(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    Predictions(logits, "x", "run").save(tmp_path / "p.parquet")
    kept = Predictions.load(tmp_path / "p.parquet")
    assert kept.logits.dtype == np.float32
    assert kept.ranking is None
    np.testing.assert_array_equal(kept.logits, logits)

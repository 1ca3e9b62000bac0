import csv
import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import pytrec_eval
from sklearn import metrics as sk

from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import ConfigError, DataError, UnknownNameError
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.exports import (
    evaluation_from_json,
    pairs_csv,
    per_query_csv,
    safe_cell,
    to_csv,
    to_json,
    write_qrels,
    write_trec_run,
)
from kdcore.evaluation.gap import gap_recovered
from kdcore.evaluation.intervals import detectable
from kdcore.evaluation.measures import measure
from kdcore.labels import BINARY, ESCI, FIVE_GRADES, FOUR_GRADES
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.weighted_areas import WeightedAreas
from kdcore.predictions import Predictions
from kdcore.softlabels import kl, soften

SCHEMES = {2: BINARY, 4: FOUR_GRADES, 5: FIVE_GRADES}


def world(classes=4, queries=40, ads=6, seed=0, grades=None, truth=True):
    """Made pairs and their true logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(queries * ads, classes)) * 1.5
    shares = soften(logits)
    drawn = (shares.cumsum(axis=1) < rng.random((len(logits), 1))).sum(axis=1)
    query = [f"query {i}" for i in rng.permutation(np.repeat(np.arange(queries), ads))]
    titles = [f"title {i}" for i in range(len(logits))]
    drawn = drawn.clip(0, classes - 1) if grades is None else grades
    frame = make_frame(query, titles, titles, drawn, "test")
    if truth:
        frame = frame.assign(**{f"truth_{k}": shares[:, k] for k in range(classes)})
    return PairTable(frame, SCHEMES[classes], "made"), logits


def noisy(pairs, logits, noise, name="model", seed=1):
    shift = np.random.default_rng(seed).normal(size=logits.shape) * noise
    return Predictions((logits + shift).astype(np.float32), pairs.content_hash, name)


def values_of(evaluation):
    return {key: metric.value for key, metric in evaluation.metrics.items()}


def test_what_a_table_keeps_from_one_model_changes_nothing_for_the_next():
    """Random order, worst order and ceiling are those of the pairs; the model is another."""
    pairs, logits = world()
    one, other = noisy(pairs, logits, 0.5), noisy(pairs, logits, 2.0, "other", seed=2)
    evaluate(pairs, one, resamples=10)
    again, fresh = (evaluate(p, other, resamples=10) for p in (pairs, world()[0]))
    assert to_json(again) == to_json(fresh)
    assert again.ndcg["exp2"].model != evaluate(pairs, one, resamples=0).ndcg["exp2"].model


def test_an_evaluation_a_comparison_and_a_gap_draw_the_areas_of_a_model_once(monkeypatch):
    """They cost most of an interval; drawing them again would give the same numbers."""
    pairs, logits = world()
    models = [noisy(pairs, logits, noise, str(noise)) for noise in (1.5, 1.0, 0.0)]
    fresh = PairTable(pairs.frame, pairs.scheme, pairs.name)
    gap = gap_recovered(fresh, *models, resamples=50)
    drawn, under = [], WeightedAreas.under

    def counted(areas, weights):
        drawn.append(len(weights))
        return under(areas, weights)

    monkeypatch.setattr(WeightedAreas, "under", counted)
    for model in models:
        evaluate(pairs, model, teacher=models[2], resamples=50)
    assert sum(drawn) == 4 * 50  # three models and the ceiling
    compare(pairs, *models[:2], resamples=50, permutations=2, area_permutations=0)
    assert gap_recovered(pairs, *models, resamples=50) == gap
    assert sum(drawn) == 4 * 50


@pytest.mark.parametrize("classes", [2, 4, 5])
def test_every_metric_equals_its_oracle(classes):
    pairs, logits = world(classes)
    model, teacher = noisy(pairs, logits, 1.0), noisy(pairs, logits, 0.3, seed=2)
    got = values_of(evaluate(pairs, model, teacher=teacher, temperature=3.0, resamples=0))
    soft, relevant = soften(model.logits), pairs.relevant
    relevance = pairs.scheme.relevance(soft)
    expected = {
        "roc_auc": sk.roc_auc_score(relevant, relevance),
        "pr_auc": sk.average_precision_score(relevant, relevance),
        "accuracy": sk.accuracy_score(relevant, relevance >= 0.5),
        "nll": sk.log_loss(pairs.grades, soft, labels=range(classes)),
        "brier": sk.brier_score_loss(relevant, relevance),
        "truth_kl": kl(logits, model.logits).mean(),
        "truth_mae": np.abs(relevance - pairs.scheme.relevance(pairs.truth)).mean(),
        "truth_auc": sk.roc_auc_score(relevant, pairs.scheme.relevance(pairs.truth)),
        "teacher_kl": kl(teacher.logits, model.logits, 3.0).mean(),
        "teacher_agreement": (model.logits.argmax(1) == teacher.logits.argmax(1)).mean(),
    }
    if classes > 2:
        expected["grade_accuracy"] = sk.accuracy_score(pairs.grades, model.logits.argmax(1))
    for key, value in expected.items():
        assert got[key] == pytest.approx(value, abs=1e-9), key
    assert set(got) - set(expected) == {
        *("ece_width", "ece_mass"),  # see tests/metrics/test_ece.py
        "teacher_rank_correlation",
        *(f"ndcg{gain}@{k}" for gain in ("", "_linear") for k in (1, 3, 5, 10)),
    }


def test_metrics_come_in_the_order_of_the_catalog_with_variant_and_direction():
    pairs, logits = world()
    metrics = evaluate(pairs, noisy(pairs, logits, 1), resamples=50).metrics
    assert list(metrics) == [key for key in CATALOG if key in metrics]
    assert "step-wise" in metrics["pr_auc"].definition
    assert "2^grade - 1" in metrics["ndcg@5"].definition
    assert not metrics["nll"].higher_is_better
    assert (metrics["ndcg@1"].n_unit, metrics["nll"].n_unit) == ("queries", "pairs")
    for metric in metrics.values():
        assert metric.low <= metric.high
    assert metrics["ndcg@5"].low < metrics["ndcg@5"].value < metrics["ndcg@5"].high


def test_interval_is_the_bootstrap_over_queries():
    pairs, logits = world()
    model = noisy(pairs, logits, 1)
    metric = evaluate(pairs, model, resamples=2000).metrics["roc_auc"]
    relevance = pairs.scheme.relevance(soften(model.logits))
    rng, drawn = np.random.default_rng(5), []
    rows = [np.flatnonzero(pairs.query_ids == q) for q in range(40)]
    for _ in range(600):
        sample = np.concatenate([rows[q] for q in rng.integers(0, 40, 40)])
        drawn.append(sk.roc_auc_score(pairs.relevant[sample], relevance[sample]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert metric.low == pytest.approx(low, abs=0.01)
    assert metric.high == pytest.approx(high, abs=0.01)


def test_equal_seeds_give_equal_evaluations():
    pairs, logits = world()
    model = noisy(pairs, logits, 1)
    first, again, other = (evaluate(pairs, model, resamples=50, seed=s) for s in (3, 3, 4))
    assert first == again
    assert first.metrics["nll"].low != other.metrics["nll"].low


def test_curves_carry_random_worst_and_skill():
    pairs, logits = world()
    evaluation = evaluate(pairs, noisy(pairs, logits, 1), resamples=100)
    for gain, prefix in (("exp2", "ndcg@"), ("linear", "ndcg_linear@")):
        curve = evaluation.ndcg[gain]
        assert curve.model[4] == pytest.approx(evaluation.metrics[f"{prefix}5"].value, abs=1e-12)
        assert curve.worst[4] < curve.random[4] < curve.model[4] < 1
        skill = (curve.model[4] - curve.random[4]) / (1 - curve.random[4])
        assert curve.skill[4] == pytest.approx(skill)
        assert curve.low[4] < curve.model[4] < curve.high[4]
    np.testing.assert_allclose(np.sum(evaluation.density.pooled, axis=1), 1)
    assert evaluation.density.judged[:2] == (40, 80)


def test_per_query_means_weighted_by_pairs_are_the_metric():
    pairs, logits = world()
    evaluation = evaluate(pairs, noisy(pairs, logits, 1), resamples=0)
    frame = evaluation.per_query()
    assert len(frame) == evaluation.counts["queries"] == 40
    mean = np.average(frame["nll"], weights=frame["labelled"])
    assert mean == pytest.approx(evaluation.metrics["nll"].value)
    assert frame["ndcg@5"].mean() == pytest.approx(evaluation.metrics["ndcg@5"].value)


def test_unlabelled_pairs_are_left_out_and_counted():
    pairs, logits = world()
    hidden = np.arange(len(pairs)) % 3 == 0
    grades = np.where(hidden, -1, pairs.grades)
    partly = PairTable(pairs.frame.assign(grade=grades), pairs.scheme, "partly")
    judged = partly.labelled()
    model = noisy(partly, logits, 1)
    part = Predictions(model.logits[~hidden], judged.content_hash, "model")
    got = evaluate(partly, model, resamples=0)
    alone = evaluate(judged, part, resamples=0)
    for key in ("roc_auc", "pr_auc", "nll", "ece_width", "ndcg@5", "truth_auc"):
        assert got.metrics[key].value == pytest.approx(alone.metrics[key].value, abs=1e-12)
    assert got.counts["unlabelled"] == hidden.sum() == got.counts["pairs"] - got.counts["labelled"]
    assert got.metrics["truth_kl"].n == len(pairs) > got.metrics["nll"].n
    assert got.density.coverage[19] == pytest.approx(1 - hidden.mean())
    assert any("unlabelled" in note for note in got.notes)


def test_an_ece_lies_inside_its_own_interval_even_for_a_calibrated_model():
    for seed in range(12):
        pairs, logits = world(queries=150, seed=seed)
        found = evaluate(pairs, noisy(pairs, logits, 0), resamples=200).metrics
        for key in ("ece_width", "ece_mass"):
            assert found[key].low <= found[key].value <= found[key].high
            assert "corrected for what chance adds" in found[key].definition


def test_queries_without_an_ideal_are_left_out_and_counted():
    pairs, logits = world()
    grades = np.where(pairs.query_ids < 7, 0, np.maximum(pairs.grades, 1))
    pairs = PairTable(pairs.frame.assign(grade=grades), pairs.scheme, "made")
    evaluation = evaluate(pairs, noisy(pairs, logits, 1), resamples=0)
    assert evaluation.counts["queries_without_ideal"] == 7
    assert evaluation.metrics["ndcg@5"].n == 33
    assert evaluation.per_query()["ndcg@5"].isna().sum() == 7


@pytest.mark.parametrize(
    ("queries", "grade", "reason"),
    [
        (5, -1, "No pair is labelled"),
        (5, 0, "all 30 labelled pairs are irrelevant"),
        (5, 3, "all 30 labelled pairs are relevant"),
        (1, 3, "at least two queries"),
        (0, 0, "No pair is labelled"),
    ],
)
def test_poor_tables_give_nan_with_a_reason(queries, grade, reason):
    pairs, logits = world(queries=queries, grades=np.full(queries * 6, grade))
    model, teacher = noisy(pairs, logits, 1), noisy(pairs, logits, 0.1, seed=4)
    evaluation = evaluate(pairs, model, teacher=teacher, resamples=50)
    assert any(reason in note for note in evaluation.notes)
    assert np.isnan(evaluation.metrics["roc_auc"].value)
    assert np.isnan(evaluation.metrics["pr_auc"].value)
    assert np.isnan(evaluation.metrics["ndcg@5"].value) == (grade < 1)
    comparison = compare(pairs, model, teacher, resamples=50, permutations=50)
    assert np.isnan(comparison.differences["roc_auc"].p)
    assert comparison.differences["roc_auc"].verdict == "INCONCLUSIVE"
    assert np.isnan(gap_recovered(pairs, model, model, teacher, resamples=50).value)
    json.loads(to_json(evaluation))
    assert to_csv(comparison)


def test_one_query_concludes_nothing():
    pairs, logits = world(queries=1)
    good, bad = noisy(pairs, logits, 0), noisy(pairs, -logits, 0)
    comparison = compare(pairs, good, bad, resamples=100, permutations=100)
    assert {d.verdict for d in comparison.differences.values()} == {"INCONCLUSIVE"}
    assert "fewer than two queries" in comparison.notes[0]


def test_predictions_of_other_pairs_or_grades_are_refused():
    pairs, logits = world()
    other, _ = world(seed=9)
    with pytest.raises(DataError, match="belong to other pairs"):
        evaluate(other, noisy(pairs, logits, 1))
    with pytest.raises(DataError, match="have 5 grades"):
        evaluate(pairs, Predictions(np.zeros((len(pairs), 5), np.float32), "x", "five"))
    model = noisy(pairs, logits, 1)
    with pytest.raises(ConfigError, match="resamples"):
        evaluate(pairs, model, resamples=-1)
    with pytest.raises(ConfigError, match=r"depth: 21 is not in 1\.\.20"):
        compare(pairs, model, model, depth=21)


def test_a_better_model_is_better_and_the_other_way_round_worse():
    pairs, logits = world(queries=150)
    good, bad = noisy(pairs, logits, 0.1, "good"), noisy(pairs, logits, 4, "bad")
    there = compare(pairs, good, bad, resamples=300, permutations=300, area_permutations=200)
    back = compare(pairs, bad, good, resamples=300, permutations=300, area_permutations=200)
    for key in ("roc_auc", "pr_auc", "ndcg@5", "nll", "brier", "truth_kl"):
        one, other = there.differences[key], back.differences[key]
        assert (one.verdict, other.verdict) == ("BETTER", "WORSE"), key
        assert one.delta == pytest.approx(-other.delta)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
        assert one.delta == pytest.approx(one.value_a - one.value_b)
    assert there.differences["roc_auc"].permutations == 200
    assert there.differences["nll"].permutations == 300
    assert there.density[-1].verdict == "BETTER"
    assert there.density[0].verdict == "BETTER"  # fewer bad ads is better
    assert sum(d.points for d in there.density) == pytest.approx(0, abs=1e-9)
    assert there.density[0].relative == pytest.approx(
        there.density[0].share_a / there.density[0].share_b - 1
    )


def test_what_can_be_detected_is_the_same_number_wherever_it_is_asked():
    """The Data page said 0.017 and Compare found 0.011 on the same pairs."""
    pairs, logits = world(queries=60)
    a, b = noisy(pairs, logits, 1), noisy(pairs, logits, 1.5, seed=3)
    compared = compare(pairs, a, b, permutations=20, area_permutations=20).differences
    for key in ("roc_auc", "ndcg@5", "nll"):
        alone = detectable(measure(pairs, a), measure(pairs, b), key)
        assert alone == pytest.approx(compared[key].smallest_detectable)


def test_a_grade_between_the_best_and_the_worst_is_more_or_fewer_and_no_merit():
    """Substitutes were called better where there were more of them because Exacts were missing."""
    pairs, logits = world(queries=150)
    good, bad = noisy(pairs, logits, 0.1, "good"), noisy(pairs, logits, 4, "bad")
    said = [d.verdict for d in compare(pairs, good, bad, resamples=300, permutations=300).density]
    assert said[0] == said[-1] == "BETTER"
    assert set(said[1:-1]) <= {"more", "fewer", "no clear difference"}
    two, margins = world(2, queries=150)
    both = compare(two, noisy(two, margins, 0.1), noisy(two, margins, 4), resamples=300).density
    assert [d.verdict for d in both] == ["BETTER", "BETTER"]


def test_lists_that_are_shown_whole_hold_the_same_ads_and_nothing_is_tested():
    """At k = 20 of 20 ads the difference had an interval of 0.4 points and verdicts."""
    pairs, logits = world(queries=60)
    good, bad = noisy(pairs, logits, 0.1, "good"), noisy(pairs, logits, 4, "bad")
    longest = int(np.bincount(pairs.query_ids).max())
    assert longest <= 20
    effort = {"resamples": 200, "permutations": 200}
    for depth in {longest, 20}:
        for test in compare(pairs, good, bad, depth=depth, **effort).density:
            assert (test.points, test.low, test.high, test.relative_low) == (0, 0, 0, 0)
            assert (test.p, test.smallest_detectable, test.verdict) == (1, 0, "the same ads")
    above = compare(pairs, good, bad, depth=longest - 1, **effort).density
    assert all(test.verdict != "the same ads" for test in above)


def test_a_model_does_not_differ_from_itself():
    pairs, logits = world()
    model = noisy(pairs, logits, 1)
    comparison = compare(pairs, model, model, resamples=100, permutations=100)
    for difference in comparison.differences.values():
        assert (difference.delta, difference.low, difference.high) == (0, 0, 0)
        assert (difference.p, difference.verdict) == (1, "INCONCLUSIVE")


def test_area_differences_ignore_a_monotone_change_of_scores():
    """A model that only shouts louder orders alike, so nothing may be found."""
    pairs, logits = world(2)
    model = noisy(pairs, logits, 1)
    louder = Predictions(model.logits * 3, pairs.content_hash, "louder")
    comparison = compare(pairs, model, louder, resamples=100, permutations=100)
    assert comparison.differences["roc_auc"].delta == pytest.approx(0, abs=1e-12)
    assert comparison.differences["roc_auc"].p == 1
    assert comparison.differences["nll"].delta < 0


def test_area_p_agrees_with_trades_worked_out_one_by_one():
    pairs, logits = world(queries=30)
    a, b = noisy(pairs, logits, 0.5), noisy(pairs, logits, 1.5, seed=3)
    found = compare(pairs, a, b, resamples=10, permutations=10, area_permutations=4000)
    ranks = []
    for model in (a, b):
        relevance = pairs.scheme.relevance(soften(model.logits))
        ranks.append(np.argsort(np.argsort(relevance)))
    rng, far = np.random.default_rng(7), 0
    delta = found.differences["roc_auc"].delta
    for _ in range(300):
        trade = rng.integers(0, 2, 30)[pairs.query_ids].astype(bool)
        one, other = np.where(trade, ranks[1], ranks[0]), np.where(trade, ranks[0], ranks[1])
        drawn = sk.roc_auc_score(pairs.relevant, one) - sk.roc_auc_score(pairs.relevant, other)
        far += abs(drawn) >= abs(delta)
    assert found.differences["roc_auc"].p == pytest.approx(far / 300, abs=0.05)


def side_taken(trials, queries=60):
    """Share of metrics that take a side when two models differ by noise of one kind."""
    taken = []
    for trial in range(trials):
        pairs, logits = world(queries=queries, seed=trial)
        a, b = (noisy(pairs, logits, 1, seed=1000 * trial + i) for i in (1, 2))
        comparison = compare(
            pairs, a, b, resamples=200, permutations=200, area_permutations=200, seed=trial
        )
        taken.append([d.verdict != "INCONCLUSIVE" for d in comparison.differences.values()])
    return np.array(taken)


def test_equal_models_take_a_side_about_one_time_in_twenty():
    assert 0.005 <= side_taken(120).mean() <= 0.09


@pytest.mark.slow
def test_each_metric_of_equal_models_takes_a_side_in_at_most_six_of_a_hundred_trials():
    taken = side_taken(1500)
    assert 0.02 <= taken.mean() <= 0.06
    # 1,500 trials know a rate of 5 % to about 1.1 points, and twenty metrics are looked at
    assert taken.mean(axis=0).max() <= 0.07


def test_gap_recovered_is_the_share_of_the_lead():
    pairs, logits = world(queries=150)
    teacher, kd, ft = (noisy(pairs, logits, n, seed=s) for n, s in ((0.1, 1), (1.5, 2), (3, 3)))
    gap = gap_recovered(pairs, ft, kd, teacher, resamples=300)
    auc = [evaluate(pairs, p, resamples=0).metrics["roc_auc"].value for p in (ft, kd, teacher)]
    assert gap.value == pytest.approx((auc[1] - auc[0]) / (auc[2] - auc[0]))
    assert gap.low < gap.value < gap.high
    assert gap.trustworthy
    assert gap.name == "Gap recovered, ROC-AUC"
    assert gap_recovered(pairs, ft, teacher, teacher, resamples=50).value == 1
    loss = gap_recovered(pairs, ft, kd, teacher, "nll", resamples=50)
    assert 0 < loss.value < 1
    assert loss.trustworthy


def test_gap_is_not_given_without_a_lead_and_flagged_when_the_lead_is_noise():
    pairs, logits = world()
    weak, strong = noisy(pairs, logits, 3, seed=2), noisy(pairs, logits, 0.1)
    none = gap_recovered(pairs, strong, weak, weak, resamples=100)
    assert np.isnan(none.value)
    assert none.reason.startswith("the teacher has 0.")
    twins = [noisy(pairs, logits, 0.3, seed=seed) for seed in (5, 6)]
    ft, teacher = sorted(twins, key=lambda p: -evaluate(pairs, p, resamples=0).metrics["nll"].value)
    unsure = gap_recovered(pairs, ft, weak, teacher, "nll", resamples=200)
    assert np.isfinite(unsure.value)
    assert unsure.lead_low < 0 < unsure.lead_high
    assert not unsure.trustworthy
    assert "contains 0" in unsure.reason


def test_an_unknown_metric_of_the_gap_is_answered_with_the_nearest():
    pairs, logits = world()
    model = noisy(pairs, logits, 1)
    with pytest.raises(UnknownNameError, match="roc_auc"):
        gap_recovered(pairs, model, model, model, "roc_aux")


def test_an_evaluation_survives_json():
    pairs, logits = world(grades=np.zeros(240, dtype=int))
    evaluation = evaluate(pairs, noisy(pairs, logits, 1), resamples=20)
    text = to_json(evaluation)
    assert "NaN" not in text
    again = evaluation_from_json(text)
    assert to_json(again) == text
    np.testing.assert_array_equal(again.per_query(), evaluation.per_query())
    with pytest.raises(DataError, match="not an evaluation"):
        evaluation_from_json('{"model": "x"}')
    with pytest.raises(DataError, match="not an evaluation"):
        evaluation_from_json("[]")


def test_csv_has_a_row_a_metric_and_names_both_models():
    pairs, logits = world()
    a, b = noisy(pairs, logits, 1, "=cmd()"), noisy(pairs, logits, 2, "plain")
    rows = list(csv.DictReader(io.StringIO(to_csv(evaluate(pairs, a, resamples=0)))))
    assert rows[0]["key"] == "roc_auc"
    assert rows[0]["model"] == "'=cmd()"
    rows = list(csv.DictReader(io.StringIO(to_csv(compare(pairs, a, b, resamples=9)))))
    assert (rows[0]["model_b"], rows[0]["verdict"] != "") == ("plain", True)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r\n=1", "＝1"])
def test_a_text_that_a_spreadsheet_would_run_is_defused(text):
    assert safe_cell(text) == f"'{text}"


def test_texts_and_numbers_that_run_nothing_stay_as_they_are():
    assert [safe_cell(v) for v in ("a=b", "", -1.5, None)] == ["a=b", "", -1.5, None]


def test_exported_texts_are_defused_and_joined_to_their_query():
    pairs, logits = world(queries=3)
    frame = pairs.frame.assign(
        query=pairs.frame["query"].replace("query 1", "=HYPERLINK(1)"), title="@title"
    )
    pairs = PairTable(frame, pairs.scheme, "made")
    evaluation = evaluate(pairs, noisy(pairs, logits, 1), resamples=0)
    rows = list(csv.DictReader(io.StringIO(per_query_csv(evaluation, pairs))))
    assert {r["query"] for r in rows} == {"query 0", "query 2", "'=HYPERLINK(1)"}
    assert all(float(r["pairs"]) == 6 for r in rows)
    rows = list(csv.DictReader(io.StringIO(pairs_csv(pairs, {"note": ["-x"] * len(pairs)}))))
    assert {(r["title"], r["note"]) for r in rows} == {("'@title", "'-x")}
    assert rows[0]["grade"] == pairs.scheme.grades[pairs.grades[0]]
    with pytest.raises(DataError, match="evaluate these pairs first"):
        per_query_csv(evaluation, world(queries=2)[0])


def trec(folder, pairs, model, gain, judged_only=False):
    write_trec_run(folder / "run", pairs, model)
    write_qrels(folder / "qrels", pairs, gain)
    with (folder / "run").open() as run, (folder / "qrels").open() as qrels:
        evaluator = pytrec_eval.RelevanceEvaluator(
            pytrec_eval.parse_qrel(qrels),
            {"ndcg_cut.1,3,5,10"},
            judged_docs_only_flag=judged_only,
        )
        return evaluator.evaluate(pytrec_eval.parse_run(run))


@pytest.mark.parametrize(("gain", "prefix"), [("exp2", "ndcg@"), ("linear", "ndcg_linear@")])
def test_trec_eval_reads_our_files_and_finds_our_numbers(tmp_path, gain, prefix):
    pairs, logits = world(queries=25, ads=14)
    model = noisy(pairs, logits, 1, "two words\tmore")
    found = trec(tmp_path, pairs, model, gain)
    frame = evaluate(pairs, model, resamples=0).per_query().set_index("query_id")
    assert len(found) == 25
    for query, values in found.items():
        for k in (1, 3, 5, 10):
            ours = frame.loc[int(query[1:]), f"{prefix}{k}"]
            expected = 0 if np.isnan(ours) else ours
            assert values[f"ndcg_cut_{k}"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("gains", [(0, 0.01, 0.1, 1), (0, 0, 2, 2)])
def test_trec_eval_finds_our_ndcg_under_a_data_sets_own_gains(tmp_path, gains):
    """With two worthless grades, more queries have no ideal than under the other gains."""
    pairs, logits = world(queries=40, ads=4)
    pairs = replace(pairs, scheme=replace(pairs.scheme, own_gains=gains))
    model = noisy(pairs, logits, 1)
    theirs = trec(tmp_path, pairs, model, "own")
    evaluation = evaluate(pairs, model, resamples=200)
    frame = evaluation.per_query().set_index("query_id")
    ranked = [row for query in theirs if (row := frame.loc[int(query[1:])])["ndcg_own@5"] >= 0]
    for k in (1, 3, 5, 10):
        metric = evaluation.metrics[f"ndcg_own@{k}"]
        values = [theirs[f"q{int(row.name)}"][f"ndcg_cut_{k}"] for row in ranked]
        assert metric.value == pytest.approx(np.mean(values), abs=1e-9)
        np.testing.assert_allclose([row[f"ndcg_own@{k}"] for row in ranked], values, atol=1e-9)
        assert metric.n == len(ranked)
        assert metric.low <= metric.value <= metric.high
        assert evaluation.ndcg["own"].model[k - 1] == pytest.approx(metric.value, abs=1e-12)
    difference = compare(pairs, model, noisy(pairs, logits, 3, seed=4), resamples=50)
    assert difference.differences["ndcg_own@5"].n == len(ranked)


def test_ndcg_of_esci_gains_has_the_value_of_the_definition():
    """Order C, E, I, S of one query; DCG = .01/log2(2) + 1/log2(3) + .1/log2(5)."""
    scheme = replace(ESCI, own_gains=(0, 0.01, 0.1, 1))
    frame = make_frame(["q"] * 4, list("CEIS"), [""] * 4, [1, 3, 0, 2], "test")
    pairs = PairTable(frame, scheme, "made")
    # expected grades 2.4, 1.9, 1.1: C first, E second, I third; S has 0.06
    logits = [[0.1, 0.1, 0.1, 0.7], [0.1, 0.2, 0.4, 0.3], [0.2, 0.6, 0.1, 0.1], [0.97, *[0.01] * 3]]
    model = Predictions(np.log(logits), pairs.content_hash, "model")
    dcg = 0.01 + 1 / np.log2(3) + 0.1 / np.log2(5)
    ideal = 1 + 0.1 / np.log2(3) + 0.01 / 2
    assert values_of(evaluate(pairs, model, resamples=0))["ndcg_own@5"] == pytest.approx(
        dcg / ideal
    )
    plain = replace(pairs, scheme=ESCI)
    unweighed = Predictions(np.log(logits), plain.content_hash, "model")
    assert not any("own" in key for key in evaluate(plain, unweighed, resamples=0).metrics)


def test_a_trec_run_shows_one_order_of_equal_scores_that_no_order_of_the_rows_moves(tmp_path):
    pairs, _ = world(queries=3)
    shuffled = pairs.take(np.random.default_rng(1).permutation(len(pairs)))
    titles = []
    for table in (pairs, shuffled):
        constant = Predictions(np.zeros((len(table), 4)), table.content_hash, "constant")
        write_trec_run(tmp_path / "run", table, constant)
        lines = [line.split() for line in (tmp_path / "run").read_text().splitlines()]
        rows = [int(line[2].removeprefix("ad")) for line in lines]
        titles.append(
            sorted(
                zip(
                    table.frame["query"][rows],
                    map(int, (x[3] for x in lines)),
                    table.frame["title"][rows],
                    strict=True,
                )
            )
        )
    assert titles[0] == titles[1]


def test_trec_eval_agrees_on_partly_labelled_pairs_when_told_to_skip_the_unjudged(tmp_path):
    pairs, logits = world(queries=25, ads=14)
    grades = np.where(np.arange(len(pairs)) % 4 == 0, -1, pairs.grades)
    pairs = PairTable(pairs.frame.assign(grade=grades), pairs.scheme, "partly")
    model = noisy(pairs, logits, 1)
    found = trec(tmp_path, pairs, model, "exp2", judged_only=True)
    ours = evaluate(pairs, model, resamples=0).per_query().set_index("query_id")["ndcg@5"]
    for query, values in found.items():
        assert values["ndcg_cut_5"] == pytest.approx(np.nan_to_num(ours[int(query[1:])]), abs=1e-9)


def test_a_trec_run_holds_six_fields_a_line_best_ad_first(tmp_path):
    pairs, logits = world(queries=3)
    write_trec_run(tmp_path / "run", pairs, noisy(pairs, logits, 1, "two words"))
    lines = [line.split() for line in (tmp_path / "run").read_text().splitlines()]
    assert {len(line) for line in lines} == {6}
    assert {line[5] for line in lines} == {"two_words"}
    first = [float(line[4]) for line in lines if line[0] == "q0"]
    assert first == sorted(first, reverse=True)
    assert [line[3] for line in lines if line[0] == "q0"] == [str(i) for i in range(1, 7)]


def test_evaluating_needs_no_torch():
    code = (
        "import sys, kdcore.evaluation.exports, kdcore.evaluation.gap, kdcore.softlabels\n"
        "heavy = {'torch', 'transformers', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

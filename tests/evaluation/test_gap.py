"""A gap is kept beside its run and found again for just the same pairs and answers."""

import math
from dataclasses import replace

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.exports import gap_from_json
from kdcore.evaluation.gap import gap_file, gap_recovered
from kdcore.evaluation.result_files import read_result, write_result
from kdcore.labels import BINARY
from kdcore.predictions import Predictions


@pytest.fixture
def told():
    draw = np.random.default_rng(0)
    queries = [f"q{i // 4}" for i in range(80)]
    grades = np.tile([0, 1, 0, 1], 20)
    pairs = PairTable(make_frame(queries, ["t"] * 80, [""] * 80, grades), BINARY, "made")

    def answers(noise: float) -> Predictions:
        margin = (grades * 2 - 1 + noise * draw.normal(size=80)).astype(np.float32)
        return Predictions(np.stack([-margin, margin], axis=1), pairs.content_hash, f"n{noise}")

    return pairs, (answers(4.0), answers(1.5), answers(0.3))


def test_a_kept_gap_comes_back_as_it_was(told, tmp_path):
    pairs, three = told
    found = gap_recovered(pairs, *three, resamples=20)
    path = gap_file(tmp_path, pairs, *three, "roc_auc")
    write_result(path, found)
    assert read_result(path, gap_from_json) == found
    write_result(path, replace(found, value=math.nan))
    assert math.isnan(read_result(path, gap_from_json).value)


def test_a_gap_is_one_text_everywhere_and_claims_no_more_than_its_interval(told):
    pairs, three = told
    found = gap_recovered(pairs, *three, resamples=20)
    assert found.definition.startswith("Gap recovered = (distilled student − twin)")
    sure = replace(found, value=0.344, low=0.29, high=0.38, trustworthy=True, reason="")
    assert sure.text == sure.sentence == "gap recovered 34 % [29, 38]"
    assert replace(sure, value=-0.344, low=-0.5).text.endswith("−34 % [−50, 38]: perhaps nothing")
    assert replace(sure, value=-0.3, low=-0.5, high=-0.1).text.endswith("[−50, −10]: the gap grew")
    unsure = replace(sure, trustworthy=False, reason="why")
    assert (
        unsure.sentence == "gap recovered n/a: the teacher is not clearly better than the twin; why"
    )
    assert math.isnan(unsure.share)


def test_few_queries_give_a_wide_gap_and_no_number_without_a_sure_lead(told):
    pairs, three = told
    one = pairs.take(np.arange(4))
    few = [Predictions(x.logits[:4], one.content_hash, x.model) for x in three]
    found = gap_recovered(one, *few)
    assert not found.trustworthy
    assert "n/a" in found.text


def test_other_answers_or_another_metric_have_another_file(told, tmp_path):
    pairs, (ft, kd, teacher) = told
    files = {
        gap_file(tmp_path, pairs, ft, kd, teacher, "roc_auc"),
        gap_file(tmp_path, pairs, kd, ft, teacher, "roc_auc"),
        gap_file(tmp_path, pairs, ft, kd, teacher, "ndcg@5"),
        gap_file(tmp_path, pairs.take(np.arange(40)), ft, kd, teacher, "roc_auc"),
    }
    assert len(files) == 4


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "not json"])
def test_a_damaged_file_is_measured_anew(text, tmp_path):
    path = tmp_path / "gap.json"
    assert read_result(path, gap_from_json) is None
    path.write_text(text)
    assert read_result(path, gap_from_json) is None

"""Results are kept for just the same pairs and answers, and come back as they were."""

from dataclasses import replace

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.exports import comparison_from_json, evaluation_from_json
from kdcore.evaluation.result_files import read_result, result_file, write_result
from kdcore.labels import BINARY
from kdcore.predictions import Predictions


@pytest.fixture
def told():
    draw = np.random.default_rng(0)
    grades = np.tile([0, 1, 0, 1], 20)
    queries = [f"q{i // 4}" for i in range(80)]
    pairs = PairTable(make_frame(queries, ["t"] * 80, [""] * 80, grades), BINARY, "made")

    def answers(noise: float) -> Predictions:
        margin = (grades * 2 - 1 + noise * draw.normal(size=80)).astype(np.float32)
        return Predictions(np.stack([-margin, margin], axis=1), pairs.content_hash, f"n{noise}")

    return pairs, answers(2.0), answers(1.0), answers(0.3)


def test_a_kept_comparison_comes_back_as_it_was(told, tmp_path):
    pairs, a, b, teacher = told
    found = compare(pairs, a, b, teacher=teacher, resamples=20, permutations=20)
    path = result_file(tmp_path, pairs, (a, b, teacher), "comparison")
    assert read_result(path, comparison_from_json) is None
    write_result(path, found)
    assert read_result(path, comparison_from_json) == found
    earlier = path.read_text().replace('"BETTER"', '"BEATS"').replace('"WORSE"', '"NO BEATS"')
    assert "BEATS" in earlier
    path.write_text(earlier)
    assert read_result(path, comparison_from_json) == found


def test_a_kept_evaluation_comes_back_as_it_was(told, tmp_path):
    pairs, a, _, teacher = told
    found = evaluate(pairs, a, teacher=teacher, resamples=20)
    path = result_file(tmp_path, pairs, (a, teacher), "evaluation")
    write_result(path, found)
    again = read_result(path, evaluation_from_json)
    assert again == found
    np.testing.assert_array_equal(again.per_query(), found.per_query())


def test_other_answers_order_teacher_way_name_or_pairs_have_another_file(told, tmp_path):
    pairs, a, b, teacher = told
    files = {
        result_file(tmp_path, pairs, (a, b, teacher), "comparison", 5),
        result_file(tmp_path, pairs, (b, a, teacher), "comparison", 5),
        result_file(tmp_path, pairs, (a, b, None), "comparison", 5),
        result_file(tmp_path, pairs, (a, b, teacher), "comparison", 10),
        result_file(tmp_path, pairs, (replace(a, model="x"), b, teacher), "comparison", 5),
        result_file(tmp_path, pairs.take(np.arange(40)), (a, b, teacher), "comparison", 5),
    }
    assert len(files) == 6


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "not json"])
def test_a_damaged_result_is_measured_anew(text, tmp_path):
    path = tmp_path / "kept.json"
    path.write_text(text)
    assert read_result(path, comparison_from_json) is None
    assert read_result(path, evaluation_from_json) is None

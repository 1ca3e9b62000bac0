"""Answers of a language model: what is read, and what is refused rather than guessed."""

import json
from math import isnan

import pytest

from kdcore.data.judge.replies import Reply, read_replies
from kdcore.errors import DataError
from kdcore.labels import BINARY, FOUR_GRADES, LabelScheme


def read(tmp_path, *records: object, scheme: LabelScheme = FOUR_GRADES) -> list[Reply]:
    path = tmp_path / "answers.jsonl"
    lines = [r if isinstance(r, str) else json.dumps({"id": "a", **r}) for r in records]
    path.write_text("\n".join(lines) + "\n")
    return read_replies(path, scheme)


@pytest.mark.parametrize(
    "answer",
    [
        {"grade": "good"},
        {"grade": "GOOD "},
        {"grade": 2},
        {"grade": 2.0},
        {"grade": "2"},
        {"label": "2: good"},
        {"rating": "good (2)"},
        {"answer": "good."},
        {"answer": {"grade": "good"}},
        {"answer": 'Let me think {step one}.\n```json\n{"grade": "good"}\n```'},
        {"output": '{"result": {"grade": 2}}'},
        {"answer": '{"grade": "good"} and again {"grade": 2}'},
        {"probabilities": {"bad": 0.1, "fair": 0.1, "good": 0.6, "excellent": 0.2}},
        {"probabilities": [0.1, 0.1, 0.6, 0.2]},
        {"response": {"body": {"choices": [{"message": {"content": '{"grade": "good"}'}}]}}},
    ],
)
def test_a_clear_answer_is_read_in_every_form(tmp_path, answer):
    (reply,) = read(tmp_path, answer)
    assert (reply.refusal, reply.grade) == ("", 2)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"grade": 2.5}, "the answer is not a grade of the data"),
        ({"grade": True}, "the answer is not a grade of the data"),
        ({"grade": "good or excellent"}, "the answer is not a grade of the data"),
        ({"grade": "3: good"}, "the answer is not a grade of the data"),
        ({"grade": None}, "the model declined to answer"),
        ({"grade": "good", "label": "bad"}, "the answer names several grades"),
        ({"answer": "I think it is good"}, "the answer names no grade"),
        ({"answer": '{"grade": "good"} no, {"grade": "bad"}'}, "the answer names several grades"),
        ({"answer": "{'grade': 'good'}"}, "the answer names no grade"),
        (
            {"probabilities": [0.5, 0.5]},
            "its probabilities are not one per grade, or do not sum to 1",
        ),
        (
            {"probabilities": [1, 1, 0, 0]},
            "its probabilities are not one per grade, or do not sum to 1",
        ),
        ({"score": 2}, "the line holds no answer"),
        ({"error": {"code": "rate_limit"}}, "the request failed"),
        (
            {"response": {"body": {"choices": [{"message": {"refusal": "I cannot"}}]}}},
            "the model declined to answer",
        ),
        ("{broken", "the line is not a JSON object"),
        ('{"grade": "good"}', "the line has no id"),
    ],
)
def test_what_names_no_single_grade_is_a_refusal_with_its_reason(tmp_path, answer, reason):
    reply = read(tmp_path, {"grade": 0}, answer)[1]
    assert (reply.grade, reply.refusal, reply.line) == (-1, reason, 2)


@pytest.mark.parametrize("stated", [95, "high", True, -0.1, None])
def test_a_confidence_that_is_no_number_from_0_to_1_is_left_out(tmp_path, stated):
    (reply,) = read(tmp_path, {"grade": "bad", "confidence": stated}, scheme=BINARY)
    assert reply.grade == 0
    assert isnan(reply.confidence)


def test_a_list_in_json_is_read_as_its_records(tmp_path):
    path = tmp_path / "answers.json"
    path.write_text('[{"id": 7, "grade": "bad"}, {"custom_id": "b", "grade": "good"}]')
    assert [(r.id, r.grade) for r in read_replies(path, BINARY)] == [("7", 0), ("b", 1)]


def test_a_file_without_any_id_is_refused_as_a_whole(tmp_path):
    with pytest.raises(DataError, match="no line is a JSON object with an id"):
        read(tmp_path, "a,b", "1,2")

"""Pairs that a language model elsewhere is to judge: ids, samples and prompts."""

import json

import numpy as np
import pytest

from kdcore.config import InferConfig
from kdcore.data.judge.requests import estimated_tokens, json_lines, pair_ids, requests
from kdcore.data.judge.rubric import RUBRIC, read_rubric
from kdcore.data.names import pairs_of
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import ConfigError
from kdcore.labels import ESCI
from kdcore.workspace import Workspace


def table(queries: int = 12, ads: int = 3) -> PairTable:
    query = [f"lamp {q}" for q in range(queries) for _ in range(ads)]
    title = [f"offer {a} of {q}" for q in range(queries) for a in range(ads)]
    frame = make_frame(query, title, [""] * len(query), [3] * len(query))
    return PairTable(frame, ESCI, "lamps")


def test_a_sample_holds_whole_queries():
    pairs = table()
    sample = requests(pairs, limit=10, seed=3)
    assert [r.id for r in sample] != [r.id for r in requests(pairs, limit=10, seed=4)]
    asked = [request.texts["query"] for request in sample]
    assert len(asked) == 9
    assert {asked.count(query) for query in asked} == {3}


@pytest.mark.parametrize("held_out", [(), ("validation",), ("validation", "test")])
@pytest.mark.parametrize("limit", [1, 10, 30, 0])
def test_a_run_with_the_same_limit_learns_from_the_pairs_of_the_sample(held_out, limit, tmp_path):
    """Whether the data have all splits or runs cut what is missing; of shuffled rows too."""
    pairs = table(queries=40).take(np.random.default_rng(0).permutation(120))
    number = np.array([int(query.split()[1]) for query in pairs.frame["query"]])
    splits = np.full(len(pairs), "train", dtype=object)
    for k, split in enumerate(held_out):
        splits[number % 5 == k] = split
    pairs = pairs.with_splits(splits)
    home = Workspace(tmp_path)
    pairs.save(home.data / "lamps")
    learned = pairs_of(InferConfig(run="any", data="lamps", limit=limit), home).split("train")
    sample = [request.id for request in requests(pairs, "train", limit)]
    assert set(sample[: len(learned)]) == set(pair_ids(learned))
    if limit:
        assert len(sample) == len(learned)
    assert sample[:3] == [r.id for r in requests(pairs, "train", 1)]


def test_an_id_depends_on_the_texts_alone():
    pairs = table()
    other = pairs.with_splits(["test"] * len(pairs)).take(np.arange(5, 0, -1))
    assert pair_ids(other) == pair_ids(pairs)[5:0:-1]
    assert len(set(pair_ids(pairs))) == len(pairs)


def test_a_pair_that_the_data_hold_twice_is_judged_once():
    pairs = table()
    assert len(requests(pairs.take(np.array([0, 1, 0, 2])))) == 3


def test_a_prompt_holds_the_grades_with_their_meanings_and_the_texts_but_not_the_label():
    frame = make_frame(['two\n"lines"'], ["a {query} in braces"], [""], [3])
    (request,) = requests(PairTable(frame, ESCI, "one"))
    assert "- Substitute (2): the item misses some aspects" in request.prompt
    assert 'Query: "two\\n\\"lines\\""' in request.prompt
    assert '"a {query} in braces"' in request.prompt
    record = json.loads(next(json_lines([request])))
    assert set(record) == {"id", "query", "title", "description", "prompt"}


def test_the_batch_form_sends_the_prompt_to_the_named_model():
    request = requests(table())[0]
    record = json.loads(next(json_lines([request], "batch", "some-model")))
    assert (record["custom_id"], record["body"]["model"]) == (request.id, "some-model")
    assert record["body"]["messages"] == [{"role": "user", "content": request.prompt}]
    with pytest.raises(ConfigError, match="--model NAME"):
        next(json_lines([request], "batch"))


def test_tokens_are_estimated_at_four_bytes_each():
    asked = requests(table(), rubric="{query}{title}é")
    assert estimated_tokens(asked[:1]) == -(-len(asked[0].prompt.encode()) // 4)


def test_a_rubric_without_a_place_for_the_query_is_refused(tmp_path):
    path = tmp_path / "rubric.txt"
    path.write_text(RUBRIC.replace("{query}", "the query"))
    with pytest.raises(
        ConfigError, match=r"it lacks \{query\}; write \{query\} where the text belongs"
    ):
        read_rubric(path)

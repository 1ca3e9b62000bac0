"""Batches: each distinct text once, any order of rows, every pair once an epoch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.config import ModelConfig
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.models.batches import Encoded, Texts, bucketed, by_length, epoch_order, make_batch
from kdcore.models.build import new_model
from kdcore.models.packed import ROUND_TO
from kdcore.models.tokens.wordpiece import Ragged


def encoded(
    query_of: list[int], ad_of: list[int], together: bool, shared: bool = True, bags: bool = False
) -> Encoded:
    """Queries 0.. have 1 + q % 3 tokens, ads 2 + a % 4; every token id tells text and place."""
    queries = [[100 * q + i for i in range(1 + q % 3)] for q in range(max(query_of) + 1)]
    ads = [[10_000 + 100 * a + i for i in range(2 + a % 4)] for a in range(max(ad_of) + 1)]
    tokens = Ragged.joined([Ragged.from_rows(queries), Ragged.from_rows(ads)])
    words = None
    if bags:  # word w is made of trigrams 2w and 2w + 1
        distinct, flat = np.unique(tokens.flat, return_inverse=True)
        tokens = Ragged(flat, tokens.offsets)
        words = Ragged.from_rows([[2 * w, 2 * w + 1] for w in range(len(distinct))])
    return Encoded(
        tokens,
        np.array(query_of),
        np.array(ad_of) + len(queries),
        together,
        shared=shared,
        ad_segment=1,
        bags=words,
    )


def sequences(packed) -> list[list[int]]:
    ends = [*packed.starts[1:].tolist(), real_tokens(packed)]
    return [packed.ids[a:b].tolist() for a, b in zip(packed.starts.tolist(), ends, strict=True)]


def real_tokens(packed) -> int:
    """Tokens before the spare ones, which are a last run of sequences of length 1."""
    lengths = [length for length, count in packed.groups for _ in range(count)]
    return sum(lengths[: len(packed.starts)])


def text(e: Encoded, row: int) -> list[int]:
    return e.tokens.take(np.array([row])).tolist()


QUERY_OF = [0, 0, 1, 2, 2, 2, 3, 4, 4]
AD_OF = [0, 1, 2, 3, 4, 0, 5, 6, 1]
some_rows = st.lists(st.integers(0, 8), min_size=1, max_size=12).map(np.array)


def test_texts_are_listed_once_and_an_ad_is_title_and_description():
    frame = make_frame(["a", "b", "a"], ["T", "T", "U"], ["d", "d", ""], [0, 1, 0])
    texts = Texts.of(PairTable(frame, BINARY, "made"))
    assert texts.queries == ["a", "b"]
    assert texts.ads == ["T d", "U"]
    assert texts.query_of.tolist() == [0, 1, 0]
    assert texts.ad_of.tolist() == [0, 0, 1]


@given(some_rows)
def test_a_cross_encoders_sequence_is_the_query_then_the_ad(rows):
    e = encoded(QUERY_OF, AD_OF, together=True)
    batch = make_batch(e, rows)
    made = sequences(batch.packs[0])
    for at, row in enumerate(rows):
        expected = text(e, e.query_of[row]) + text(e, e.ad_of[row])
        assert made[batch.query_rows[at]] == made[batch.ad_rows[at]] == expected


@given(some_rows)
def test_a_cross_encoders_segments_tell_query_from_ad(rows):
    packed = make_batch(encoded(QUERY_OF, AD_OF, together=True), rows).packs[0]
    assert packed.segments.tolist() == (packed.ids >= 10_000).long().tolist()


@given(some_rows, st.booleans())
def test_two_towers_read_each_distinct_text_once(rows, shared):
    e = encoded(QUERY_OF, AD_OF, together=False, shared=shared)
    batch = make_batch(e, rows)
    queries, ads = set(e.query_of[rows]), set(e.ad_of[rows])
    sizes = [len(p.starts) for p in batch.packs]
    assert sizes == ([len(queries) + len(ads)] if shared else [len(queries), len(ads)])
    left, right = sequences(batch.packs[0]), sequences(batch.packs[-1])
    assert [left[i] for i in batch.query_rows] == [text(e, r) for r in e.query_of[rows]]
    assert [right[i] for i in batch.ad_rows] == [text(e, r) for r in e.ad_of[rows]]


@given(some_rows, st.booleans())
def test_sequences_stand_shortest_first_in_groups_of_one_length(rows, together):
    for packed in make_batch(encoded(QUERY_OF, AD_OF, together), rows).packs:
        lengths = [len(s) for s in sequences(packed)]
        assert lengths == sorted(lengths)
        each = [n for n, count in packed.groups for _ in range(count)]
        assert each[: len(lengths)] == lengths


@given(some_rows, st.booleans())
def test_spare_tokens_fill_up_a_round_number_and_belong_to_no_text(rows, together):
    for packed in make_batch(encoded(QUERY_OF, AD_OF, together), rows).packs:
        real = real_tokens(packed)
        assert len(packed.ids) == len(packed.positions) == len(packed.segments)
        assert len(packed.ids) == -(-real // ROUND_TO) * ROUND_TO
        assert sum(length * count for length, count in packed.groups) == len(packed.ids)
        assert packed.starts[-1] < real
        assert packed.ids[real:].unique().tolist() in ([], [0])


@given(some_rows, st.booleans())
def test_each_distinct_word_is_looked_up_once_with_its_own_trigrams(rows, shared):
    e = encoded(QUERY_OF, AD_OF, together=False, shared=shared, bags=True)
    batch = make_batch(e, rows)
    assert len(batch.bags) == len(batch.packs)
    for packed, (flat, starts) in zip(batch.packs, batch.bags, strict=True):
        real = packed.ids[: real_tokens(packed)]
        assert sorted(set(real.tolist())) == list(range(len(starts)))
        assert len(flat) == 2 * len(starts)  # two trigrams a word
        assert (flat[starts] // 2).unique().numel() == len(starts)
    left = sequences(batch.packs[0])
    flat, starts = batch.bags[0]
    words = [[int(flat[starts[w]]) // 2 for w in left[i]] for i in batch.query_rows]
    assert words == [text(e, r) for r in e.query_of[rows]]


def test_renumbered_rows_reach_the_batch():
    e = encoded(QUERY_OF, AD_OF, together=True)
    used = e.used()
    table = np.zeros(used.max() + 1, dtype=np.int64)
    table[used] = np.arange(len(used))
    rows = np.arange(9)
    before, after = make_batch(e, rows), make_batch(e.mapped(table), rows)
    assert [used[s].tolist() for s in sequences(after.packs[0])] == sequences(before.packs[0])


many = st.lists(st.integers(0, 6), min_size=1, max_size=40)


@given(many, st.integers(1, 9), st.integers(1, 5), st.booleans(), st.integers(0, 3))
def test_an_epoch_visits_every_pair_exactly_once(query_of, size, cap, together, epoch):
    e = encoded(query_of, list(range(len(query_of))), together)
    batches = epoch_order(e, size, cap, seed=1, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(query_of)))
    assert [len(b) for b in batches[:-1]] == [size] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= size


@pytest.mark.parametrize("together", [True, False])
def test_seed_and_epoch_alone_decide_the_order(together):
    e = encoded([i // 5 for i in range(100)], list(range(100)), together)

    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(epoch_order(e, 16, 4, seed, epoch)).tolist()

    assert order(3, 7) == order(3, 7)
    assert order(3, 7) != order(3, 8)
    assert order(3, 7) != order(4, 7)
    assert order(7, 3) != order(3, 7)


@settings(max_examples=30)
@given(many, st.integers(1, 5), st.integers(0, 5))
def test_towers_see_a_query_in_as_few_runs_as_its_cap_allows(query_of, cap, seed):
    """A query of n ads comes in at most ceil(n / cap) runs, so it is encoded about that often."""
    e = encoded(query_of, list(range(len(query_of))), together=False)
    order = np.concatenate(epoch_order(e, 8, cap, seed, 0))
    queries = e.query_of[order]
    for query in set(query_of):
        runs = int(np.diff(np.concatenate([[0], queries == query])).clip(0).sum())
        assert runs <= -(-query_of.count(query) // cap)


def test_a_query_with_no_more_ads_than_the_cap_stays_in_one_run():
    e = encoded([i // 4 for i in range(80)], list(range(80)), together=False)
    queries = e.query_of[np.concatenate(epoch_order(e, 16, 4, 0, 0))]
    assert (queries.reshape(-1, 4) == queries.reshape(-1, 4)[:, :1]).all()
    assert queries.tolist() != sorted(queries.tolist())


def test_a_cross_encoder_keeps_the_ads_of_a_query_together_where_the_loss_compares_them():
    e = encoded([i // 4 for i in range(80)], list(range(80)), together=True)
    queries = e.query_of[np.concatenate(epoch_order(e, 16, 4, 0, 0, lists=True))]
    assert (queries.reshape(-1, 4) == queries.reshape(-1, 4)[:, :1]).all()
    apart = e.query_of[np.concatenate(epoch_order(e, 16, 4, 0, 0))]
    assert not (apart.reshape(-1, 4) == apart.reshape(-1, 4)[:, :1]).all()


def test_a_query_with_more_ads_than_the_cap_comes_in_runs_of_the_cap():
    """8 ads of one query among 300 others, so that two of its runs do not meet by chance."""
    query_of = [0] * 8 + list(range(1, 301))
    e = encoded(query_of, list(range(308)), together=False)
    queries = e.query_of[np.concatenate(epoch_order(e, 16, 2, seed=0, epoch=0))]
    places = np.flatnonzero(queries == 0)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    assert [len(run) for run in runs] == [2, 2, 2, 2]


def test_a_query_of_many_ads_is_spread_over_the_epoch():
    """200 ads of one query among 200 others: capped at 4, no batch is that query alone."""
    query_of = [0] * 200 + list(range(1, 201))
    e = encoded(query_of, list(range(400)), together=False)
    batches = epoch_order(e, 40, 4, seed=0, epoch=0)
    most = max(int((e.query_of[b] == 0).sum()) for b in batches)
    assert most < 40


@given(many, st.integers(1, 9), st.booleans())
def test_scoring_visits_every_pair_exactly_once(query_of, size, together):
    e = encoded(query_of, list(range(len(query_of))), together)
    batches = list(by_length(e, size))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(query_of)))
    assert max(map(len, batches)) <= size


def test_scoring_puts_similar_lengths_together():
    e = encoded(QUERY_OF, AD_OF, together=True)
    lengths = e.lengths[np.concatenate(list(by_length(e, 3)))]
    assert lengths.tolist() == sorted(lengths.tolist())


@given(many, st.integers(1, 9), st.integers(1, 4))
def test_buckets_regroup_the_same_pairs_in_batches_of_the_same_sizes(query_of, size, pool):
    e = encoded(query_of, list(range(len(query_of))), together=True)
    before = epoch_order(e, size, 4, 0, 0)
    after = bucketed(before, e, seed=0, pool=pool)
    assert len(after) == len(before)
    assert sorted(map(len, after)) == sorted(map(len, before))
    assert sorted(np.concatenate(after).tolist()) == sorted(np.concatenate(before).tolist())


def test_buckets_need_less_padding():
    rng = np.random.default_rng(0)
    e = encoded(rng.integers(0, 9, 200).tolist(), rng.integers(0, 50, 200).tolist(), True)
    before = epoch_order(e, 10, 4, 0, 0)

    def padded(batches) -> int:
        return sum(len(b) * int(e.lengths[b].max()) for b in batches)

    assert padded(bucketed(before, e, 0)) < padded(before)


def test_a_batch_knows_its_size_and_moves_to_a_device():
    batch = make_batch(encoded(QUERY_OF, AD_OF, False, bags=True), np.array([2, 2, 5]))
    moved = batch.to(torch.device("meta"))
    assert len(batch) == len(moved) == 3
    assert {t.device.type for t in (moved.query_rows, moved.packs[0].ids, *moved.bags[0])} == {
        "meta"
    }


def test_tokens_of_a_pair_are_those_of_query_and_ad():
    e = encoded(QUERY_OF, AD_OF, together=True)
    assert e.lengths[3] == len(text(e, e.query_of[3])) + len(text(e, e.ad_of[3]))
    assert len(e) == 9


def test_overlap_marks_tell_which_tokens_the_other_text_holds():
    frame = make_frame(["red shoes", "blue hat"], ["red boots", "green hat"], ["", ""], [1, 0])
    pairs = PairTable(frame, BINARY, "two")
    model = new_model(ModelConfig.parse("bert:layers=1,hidden=8,heads=1"), pairs)
    batch = model.batch(model.read(pairs), np.arange(2)).packs[0]
    rows = [batch.ids[s : s + n] for s, n in zip(batch.starts, batch_lengths(batch), strict=True)]
    kinds = [
        batch.segments[s : s + n] for s, n in zip(batch.starts, batch_lengths(batch), strict=True)
    ]
    told = {
        (word, int(kind) % 2): int(kind) >= 2
        for ids, types in zip(rows, kinds, strict=True)
        for word, kind in zip(model.units.tokenizer.convert_ids_to_tokens(ids), types, strict=True)
    }
    assert told[("red", 0)]
    assert told[("hat", 1)]
    assert not told[("[CLS]", 0)]
    assert not any(told.get((word, side)) for word, side in [("blue", 0), ("green", 1)])


def batch_lengths(packed) -> list[int]:
    return [length for length, count in packed.groups for _ in range(count)][: len(packed.starts)]

"""Tokenizers: the same texts give the same ids; ragged rows behave as lists of lists."""

import base64
import json
import threading
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdcore.errors import DataError
from kdcore.models.tokens.trigrams import Trigrams
from kdcore.models.tokens.wordpiece import Ragged, WordPiece
from kdcore.models.tokens.words import cut, readable, words_of
from kdcore.stops import heeded, run_in_thread

TEXTS = (
    "red running shoes",
    "Running shoes for the road",
    "blue winter coat",
    "warm winter boots, cheap!",
    "Zürich hôtel",
    "東京 flights",
    "",
)
rows_of_ids = st.lists(st.lists(st.integers(0, 99), max_size=6), max_size=8)
ids = st.lists(st.integers(0, 99), max_size=3).map(tuple)


def rows(ragged: Ragged) -> list[list[int]]:
    return [
        ragged.flat[a:b].tolist()
        for a, b in zip(ragged.offsets[:-1], ragged.offsets[1:], strict=True)
    ]


@given(rows_of_ids)
def test_ragged_rows_are_the_lists_they_came_from(lists):
    ragged = Ragged.from_rows(lists)
    assert rows(ragged) == lists
    assert len(ragged) == len(lists)
    assert ragged.lengths.tolist() == [len(row) for row in lists]


@given(rows_of_ids, st.data())
def test_taken_rows_come_end_to_end_in_the_asked_order(lists, data):
    which = data.draw(
        st.lists(st.integers(0, len(lists) - 1), max_size=9) if lists else st.just([])
    )
    taken = Ragged.from_rows(lists).take(np.array(which, dtype=np.int64))
    assert taken.tolist() == [i for row in which for i in lists[row]]


@given(rows_of_ids, st.integers(0, 7))
def test_capped_rows_keep_their_first_ids(lists, longest):
    assert rows(Ragged.from_rows(lists).capped(longest)) == [row[:longest] for row in lists]


@given(rows_of_ids, ids, ids)
def test_framed_rows_stand_between_the_same_ids(lists, before, after):
    framed = Ragged.from_rows(lists).framed(before, after)
    assert rows(framed) == [[*before, *row, *after] for row in lists]


@given(rows_of_ids, st.integers(0, 99))
def test_only_empty_rows_are_filled(lists, value):
    assert rows(Ragged.from_rows(lists).filled(value)) == [row or [value] for row in lists]


@given(rows_of_ids, rows_of_ids)
def test_rows_are_followed_by_the_others(first, second):
    both = Ragged.joined([Ragged.from_rows(first), Ragged.from_rows(second)])
    assert rows(both) == first + second


@given(rows_of_ids)
def test_every_id_is_mapped(lists):
    table = np.arange(100)[::-1]
    assert rows(Ragged.from_rows(lists).map(table)) == [[99 - i for i in row] for row in lists]


@given(rows_of_ids, st.integers(0, 5), ids, st.integers(0, 99))
def test_ragged_steps_can_follow_each_other(lists, longest, after, value):
    made = Ragged.from_rows(lists).capped(longest).filled(value).framed((), after)
    assert rows(made) == [[*(row[:longest] or [value]), *after] for row in lists]


def test_word_pieces_learned_from_the_same_texts_in_any_order_are_the_same():
    first, again = WordPiece.train(TEXTS, 120), WordPiece.train((*TEXTS[::-1], *TEXTS), 120)
    assert first.tokenizer.get_vocab() == again.tokenizer.get_vocab()
    assert rows(first.encode(TEXTS)) == rows(again.encode(TEXTS))


def test_a_text_said_often_weighs_no_more_in_word_pieces():
    """Queries repeat for every ad: the vocabulary follows the texts, not their number of ads."""
    often = [*TEXTS, *["zebra crossing quartz"] * 50, *["running winter boots"]]
    once = sorted(set(often))
    for size in (60, 70, 80, 90):
        first, again = WordPiece.train(often, size), WordPiece.train(once, size)
        assert first.tokenizer.get_vocab() == again.tokenizer.get_vocab()


def test_word_pieces_put_a_text_back_together():
    units = WordPiece.train(TEXTS, 400)
    (row,) = rows(units.encode(["Running shoes for the winter"]))
    assert units.tokenizer.decode(row) == "running shoes for the winter"


def test_an_empty_text_has_no_word_piece():
    assert rows(WordPiece.train(TEXTS, 120).encode(["", "   "])) == [[], []]


def test_an_unknown_letter_is_one_unknown_piece():
    units = WordPiece.train(TEXTS, 120)
    assert rows(units.encode(["ж", "red ж red"])) == [
        [units.tokenizer.unk_token_id],
        [
            *rows(units.encode(["red"]))[0],
            units.tokenizer.unk_token_id,
            *rows(units.encode(["red"]))[0],
        ],
    ]


def test_odd_characters_do_not_stop_word_pieces():
    odd = ["\x00\x07", "\u200b", "a\u0301", "😀 red", "\ufffd", "x" * 500]
    assert len(WordPiece.train(TEXTS, 120).encode(odd)) == len(odd)


def test_word_pieces_stay_within_the_asked_size_and_number_every_id_once():
    units = WordPiece.train(TEXTS, 90)
    numbers = sorted(units.tokenizer.get_vocab().values())
    assert numbers == list(range(len(units)))
    assert len(units) <= 90


def test_word_pieces_survive_a_folder(tmp_path):
    units = WordPiece.train(TEXTS, 120)
    units.save(tmp_path)
    again = WordPiece.load(tmp_path)
    assert rows(again.encode(TEXTS)) == rows(units.encode(TEXTS))
    assert (again.cls, again.sep, len(again)) == (units.cls, units.sep, len(units))


def test_a_folder_without_a_tokenizer_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        WordPiece.load(tmp_path)


def test_a_plain_call_on_a_pair_tells_query_from_ad():
    units = WordPiece.train(TEXTS, 120)
    (query,), (ad,) = rows(units.encode(["red shoes"])), rows(units.encode(["blue coat"]))
    both = units.tokenizer("red shoes", "blue coat")
    assert both["input_ids"] == [units.cls, *query, units.sep, *ad, units.sep]
    assert both["token_type_ids"] == [0] * (len(query) + 2) + [1] * (len(ad) + 1)


@given(st.text(alphabet="abcxyz0189éß", min_size=1, max_size=30))
def test_a_word_has_as_many_trigrams_as_letters(word):
    """facts of the Ads tokenizer: `#word#`, len(word) of them."""
    trigrams = cut(word)
    assert len(trigrams) == len(word)
    assert all(len(t) == 3 for t in trigrams)
    assert "".join(t[1] for t in trigrams) == word
    assert trigrams[0][0] == trigrams[-1][-1] == "#"


def test_trigrams_of_a_word_written_out():
    assert cut("shoe") == ["#sh", "sho", "hoe", "oe#"]


def test_words_are_lower_case_letters_and_digits_only():
    assert words_of("  Red-Running_SHOES, 20% off!  Zürich™ ") == [
        *("red", "running", "shoes", "20", "off", "zürich"),
    ]


def test_at_most_twenty_trigrams_of_a_word_are_read():
    long = "abcdefghijklmnopqrstuvwxyz"
    units = Trigrams.train([long], 1000)
    units.encode([long])
    assert rows(units.bags()) == [[units.ids[t] for t in cut(long)[:20]]]


def test_an_unseen_trigram_is_number_zero_and_no_seen_one_is():
    units = Trigrams.train(["red"], 100)
    units.encode(["rex"])
    assert rows(units.bags()) == [[units.ids["#re"], 0, 0]]
    assert 0 not in units.ids.values()


def test_the_most_frequent_trigrams_are_kept_and_ties_are_alphabetical():
    units = Trigrams.train(["aa aa", "bb bb", "cc"], 4)
    assert units.trigrams == ("#aa", "#bb", "aa#")
    assert len(units) == 4


def test_trigrams_learned_from_the_same_texts_in_any_order_are_the_same():
    assert Trigrams.train(TEXTS, 40).trigrams == Trigrams.train(TEXTS[::-1], 40).trigrams


def test_a_text_without_words_still_has_one():
    units = Trigrams.train(TEXTS, 100)
    encoded = units.encode(["", "!!!"])
    assert encoded.lengths.tolist() == [1, 1]
    assert (units.bags().lengths > 0).all()


def test_words_met_twice_share_a_number():
    units = Trigrams.train(TEXTS, 100)
    assert rows(units.encode(["red coat red", "coat"])) == [[0, 1, 0], [1]]


def test_trigrams_survive_a_folder(tmp_path):
    units = Trigrams.train(TEXTS, 60)
    units.save(tmp_path)
    assert Trigrams.load(tmp_path).ids == units.ids


def test_a_folder_without_trigrams_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(DataError, match="finish its run first"):
        Trigrams.load(tmp_path)


MANY_SCRIPTS = (
    "drucker drücker schon schön côte côté",
    "हिन्दी किताब",
    "ไทย โรงแรม",
    "新款无线蓝牙耳机",
    "ホテル 東京",
    "한국어 호텔",
)
letters_of_many_scripts = st.text(alphabet=sorted(set("".join(MANY_SCRIPTS))), max_size=20)


@pytest.fixture(scope="module")
def polyglots():
    return WordPiece.train(MANY_SCRIPTS, 300), Trigrams.train(MANY_SCRIPTS, 300)


@given(letters_of_many_scripts, st.sampled_from(["NFC", "NFD"]))
def test_every_spelling_of_a_text_in_unicode_has_the_same_ids(polyglots, text, form):
    pieces, trigrams = polyglots
    other = unicodedata.normalize(form, text)
    assert rows(pieces.encode([other])) == rows(pieces.encode([text]))
    assert rows(trigrams.encode([other])) == rows(trigrams.encode([text]))


@pytest.mark.parametrize("kind", [WordPiece, Trigrams])
@pytest.mark.parametrize("pair", [("drucker", "drücker"), ("schon", "schön"), ("côte", "côté")])
def test_accents_are_kept_unless_the_tokenizer_was_told_to_strip_them(kind, pair, tmp_path):
    for strip in (False, True):
        units, folder = kind.train(MANY_SCRIPTS, 300, strip_accents=strip), tmp_path / str(strip)
        folder.mkdir()
        units.save(folder)
        for one in (units, kind.load(folder)):
            first, second = rows(one.encode(pair))
            assert (first == second) == strip


def test_vowel_signs_stay_in_their_word():
    assert words_of("हिन्दी किताब") == ["हिन्दी", "किताब"]
    units = WordPiece.train(MANY_SCRIPTS, 400)
    (row,) = rows(units.encode(["हिन्दी किताब"]))
    assert units.tokenizer.decode(row) == "हिन्दी किताब"


def test_scripts_without_blanks_are_cut_into_letters_with_their_marks():
    assert words_of("蓝牙 ab耳") == ["蓝", "牙", "ab", "耳"]
    assert words_of("ホテル") == ["ホ", "テ", "ル"]
    assert words_of("ที่") == ["ที่"]
    assert words_of("한국어 호텔") == ["한국어", "호텔"]


def test_chinese_titles_that_differ_after_their_first_letters_are_different_bags():
    start = "新款无线蓝牙耳机超长待机运动跑步入耳式降噪高音质"
    titles = [start + "适用于华为手机红色", start + "专供儿童积木玩具套"]
    units = Trigrams.train(titles, 1000)
    first, second = rows(units.encode(titles))
    assert first[: len(start)] == second[: len(start)]
    assert first != second


def test_trigrams_of_the_first_versions_read_words_as_they_did(tmp_path):
    (tmp_path / "trigrams.json").write_text('["#re", "red"]')
    units = Trigrams.load(tmp_path)
    assert units.encode(["हिन्दी"]).lengths.tolist() == [3]
    assert units.encode(["蓝牙耳机"]).lengths.tolist() == [1]
    units.save(tmp_path)
    assert json.loads((tmp_path / "trigrams.json").read_text()) == ["#re", "red"]


def test_an_unknown_rule_of_words_is_refused(tmp_path):
    (tmp_path / "trigrams.json").write_text('{"rule": "x", "strip_accents": false, "trigrams": []}')
    with pytest.raises(DataError, match="rule 'x'"):
        Trigrams.load(tmp_path)


def test_tokenizers_of_old_versions_read_texts_as_they_did_when_their_models_were_trained(tmp_path):
    """They strip accents and know the older rule of words; their own files say so."""
    WordPiece.train(TEXTS, 100).save(tmp_path)
    file = tmp_path / "tokenizer.json"
    lower = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None}
    old = {
        "normalizer": {"type": "BertNormalizer", "lowercase": True, **lower},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    }
    file.write_text(json.dumps(json.loads(file.read_text()) | old))
    (tmp_path / "trigrams.json").write_text(json.dumps(["#re", "red"]))
    pieces = WordPiece.load(tmp_path)
    accented, plain = rows(pieces.encode(["Zürich hôtel", "zurich hotel"]))
    assert accented == plain
    assert rows(pieces.encode(["x" * 101])) == [[pieces.tokenizer.unk_token_id]]
    assert Trigrams.load(tmp_path).rule == "letters"


def test_a_word_longer_than_100_letters_is_cut_not_unknown():
    units = WordPiece.train(["ab" * 400], 100)
    (row,) = rows(units.encode(["ab" * 130]))
    assert units.tokenizer.unk_token_id not in row


def test_a_word_of_a_megabyte_can_be_learned_from_and_read():
    """Word pieces took more than 200 s for it, in which no stop was heard."""
    blob = base64.b64encode(np.random.default_rng(0).bytes(750_000)).decode().replace("/", "x")
    texts = ["red shoes", f"blue {blob} coat"]
    assert WordPiece.train(texts, 500).encode(texts).lengths[0] >= 2
    assert Trigrams.train(texts, 500).encode(texts).lengths[1] == len(words_of(readable(texts[1])))


@given(st.text(max_size=40))
def test_texts_of_ordinary_length_are_read_whole(text):
    assert readable(text) == text


def test_of_an_endless_text_the_words_that_a_model_can_read_are_left():
    long = " ".join(f"w{i}" for i in range(200_000))
    assert readable(long).split() == long.split()[:449]
    assert readable("a" * 10**7 + " b").split()[-1] == "b"
    assert len(readable("a " * 10**6)) < 1000


def test_a_stop_is_heeded_while_a_tokenizer_learns():
    """Its learner is not Python and looks at no signal: the wait is done beside it."""

    class StopError(Exception):
        pass

    def look():
        raise StopError

    never = threading.Event()
    with pytest.raises(StopError), heeded(look):
        run_in_thread(never.wait)
    with pytest.raises(StopError), heeded(look):
        WordPiece.train(TEXTS, 120).encode(TEXTS)
    assert run_in_thread(lambda: 7) == 7
    with pytest.raises(ValueError, match="as it was"):
        run_in_thread(lambda: (_ for _ in ()).throw(ValueError("as it was")))

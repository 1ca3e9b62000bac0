"""The bundled world's difficulty and language, measured on the world that is shipped."""

import math
import re
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from kdcore.data.pairs import PairTable
from kdcore.data.world import corpus, searches_of, sentences, world
from kdcore.data.world.catalogue import catalogue


@pytest.fixture(scope="module")
def shipped() -> PairTable:
    return world(0)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def bm25(
    queries: list[str], ads: list[str], k: float = 1.2, b: float = 0.75
) -> NDArray[np.float64]:
    """(pairs,) BM25 of each query with the ad in the same row."""
    bags = [Counter(words(ad)) for ad in ads]
    seen = Counter(word for bag in bags for word in bag)
    idf = {word: math.log(1 + (len(ads) - n + 0.5) / (n + 0.5)) for word, n in seen.items()}
    sizes = np.array([sum(bag.values()) for bag in bags])
    norms = k * (1 - b + b * sizes / sizes.mean())
    return np.array(
        [
            sum(idf[w] * bag[w] * (k + 1) / (bag[w] + norm) for w in set(words(query)) if bag[w])
            for query, bag, norm in zip(queries, bags, norms, strict=True)
        ]
    )


def test_the_truth_itself_ranks_sampled_labels_with_an_auc_of_93_to_97(shipped: PairTable) -> None:
    assert shipped.truth is not None
    auc = roc_auc_score(shipped.relevant, shipped.scheme.relevance(shipped.truth))
    assert 0.93 <= auc <= 0.97


def test_words_alone_are_not_enough(shipped: PairTable) -> None:
    test = shipped.split("test")
    ads = (test.frame["title"] + " " + test.frame["description"]).tolist()
    auc = roc_auc_score(test.relevant, bm25(test.frame["query"].tolist(), ads))
    assert 0.62 <= auc <= 0.80


def test_grades_come_near_40_25_22_13_percent(shipped: PairTable) -> None:
    for split in shipped.splits:
        grades = shipped.split(split).grades
        shares = np.bincount(grades, minlength=4) / len(grades)
        assert np.abs(shares - [0.40, 0.25, 0.22, 0.13]).max() < 0.04, split


def test_the_shipped_world_speaks_three_thousand_words(shipped: PairTable) -> None:
    texts = shipped.frame[["query", "title", "description"]]
    assert len({w for column in texts for text in texts[column] for w in words(text)}) >= 3000


def test_no_query_of_the_shipped_world_occurs_in_two_splits(shipped: PairTable) -> None:
    assert (shipped.frame.groupby("query")["split"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("column", "fewest", "most"), [("query", 1, 8), ("title", 3, 8), ("description", 6, 16)]
)
def test_texts_are_as_long_as_real_ones(
    shipped: PairTable, column: str, fewest: int, most: int
) -> None:
    lengths = shipped.frame[column].str.count(r"[^\s|]*[A-Za-z0-9][^\s|]*")
    assert lengths.between(fewest, most).all(), shipped.frame[column][
        ~lengths.between(fewest, most)
    ].tolist()


def test_an_ad_says_every_facet_that_the_truth_looks_at() -> None:
    cat, ads = catalogue(), corpus(3, 1500)
    for row, (title, description) in enumerate(zip(ads.titles, ads.descriptions, strict=True)):
        text = f"{title} {description}".lower()
        offer = ads.offers
        for facet, names in (("brand", cat.brands), ("place", cat.places)):
            index = getattr(offer, facet)[row]
            assert index < 0 or names[index].lower() in text
        for value in (offer.value_1[row], offer.value_2[row]):
            assert value < 0 or any(n.lower() in text for n in cat.value_names[value])
        assert offer.price[row] < 0 or f"${offer.price[row]}" in text
        if cat.intents[offer.kind[row]] != "login":
            assert any(n.lower() in text for n in cat.type_names[offer.type[row]])


def test_a_query_says_what_its_need_asks_for() -> None:
    found, cat = searches_of("test", 500, 0), catalogue()
    brand = found.needs.brand
    said = [
        cat.brands[brand[row]].lower() in query
        for row, query in enumerate(found.queries)
        if brand[row] >= 0
    ]
    assert np.mean(said) > 0.9  # the rest are typing errors


def test_the_queries_of_a_split_come_with_their_needs_in_order(shipped: PairTable) -> None:
    found = searches_of("test", 500, 0)
    assert found.queries == shipped.split("test").frame["query"].drop_duplicates().tolist()
    assert found.needs.describe(0)["type"]


def test_every_ad_of_the_corpus_is_judged_for_any_query() -> None:
    ads, found = corpus(0, 300), searches_of("validation", 7, 0)
    truth = ads.truth(found.needs)
    assert truth.shape == (7, 300, 4)
    assert np.allclose(truth.sum(axis=2), 1.0)
    assert ads.titles == corpus(0, 300).titles


def test_the_snack_errand_has_a_head_and_a_long_tail() -> None:
    frame = re.compile(r"Let's go to the (.+) and \w+(?: \w+)? some snacks[!.]")
    found = [m[1] for text in sentences(60_000, 0) if (m := frame.fullmatch(text))]
    counts = Counter(found)
    assert counts.most_common(1)[0][0] == "store"
    assert 0.2 < counts["store"] / len(found) < 0.7
    assert len(counts) >= 12


def test_the_same_seed_gives_the_same_sentences() -> None:
    assert sentences(50, 4) == sentences(50, 4) != sentences(50, 5)

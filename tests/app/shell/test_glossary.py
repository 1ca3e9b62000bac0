"""Each term has one name and one meaning."""

from app.shell.glossary import TERMS


def test_every_term_is_explained_once_and_takes_its_sentence_from_where_it_is_computed():
    terms = dict(TERMS)
    assert len(terms) == len(TERMS)
    words = (
        "twin, nats, label density, transfer set, ECE, nDCG@5, nDCG by the truth, recall@k, ceiling"
    )
    for term in (*words.split(", "), "CKA, RSA"):
        assert terms[term]
    assert terms["gap recovered, AUC gain kept"].startswith(
        "Gap recovered = (distilled student − twin) / ("
    )
    assert all(word in terms["verdict"] for word in ("BETTER", "WORSE", "INCONCLUSIVE", "opponent"))

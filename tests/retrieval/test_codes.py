import numpy as np
import pytest

from kdcore.errors import UnknownNameError
from kdcore.retrieval.codes import WAYS, coded_top, encode
from kdcore.retrieval.exact import exact_top
from kdcore.retrieval.recall import recall


def recall_of(vectors, queries, way, rescored=0):
    best = exact_top(vectors, queries, 10)[1]
    ids, _ = coded_top(encode(vectors, way), vectors, queries, 10, rescored)
    return recall(ids, np.einsum("qkd,qd->qk", vectors[ids], queries) + 1e-6, best).mean()


def test_the_range_from_minus_one_to_one_is_stored_as_the_tutorial_writes_it():
    values = np.array([[-1.0, 0.2, 0.5, 1.0]], dtype=np.float32)
    codes = encode(values, "int8_fixed_range")
    assert codes.codes.tolist() == [np.rint((values[0] + 1) * 255 / 2).astype(int).tolist()]
    np.testing.assert_allclose(codes.decode(), values, atol=1 / 255)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "bits"])
def test_a_decoded_value_is_within_half_a_step(vectors, way):
    codes = encode(vectors.vectors, way)
    assert (np.abs(codes.decode() - vectors.vectors) <= codes.step / 2 + 1e-6).all()
    assert codes.bytes_per_ad == vectors.vectors.shape[1]


def test_signs_take_one_bit_per_dimension(vectors):
    codes = encode(vectors.vectors, "bits")
    assert codes.bytes_per_ad == 2
    np.testing.assert_array_equal(codes.decode() > 0, vectors.vectors > 0)


def test_a_range_per_dimension_loses_least_and_rescoring_wins_it_back(vectors, queries):
    loss = {way: recall_of(vectors.vectors, queries, way) for way in WAYS}
    assert loss["int8"] >= loss["int8_fixed_range"] > loss["bits"]
    assert recall_of(vectors.vectors, queries, "int8", rescored=40) == 1
    assert recall_of(vectors.vectors, queries, "bits", rescored=400) > loss["bits"]


def test_a_constant_dimension_is_stored(vectors):
    flat = vectors.vectors.copy()
    flat[:, 3] = 0.25
    np.testing.assert_allclose(encode(flat, "int8").decode()[:, 3], 0.25, atol=1e-6)


def test_an_unknown_way_is_refused(vectors):
    with pytest.raises(UnknownNameError, match="int8"):
        encode(vectors.vectors, "int9")

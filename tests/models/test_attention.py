"""Attention maps of one pair, and how far apart heads are."""

import numpy as np
import pytest
import torch

from kdcore.config import ModelConfig
from kdcore.errors import ConfigError, DataError
from kdcore.labels import BINARY
from kdcore.models.attention import AttentionMaps, attention_maps, head_divergence, internal_loss
from kdcore.models.bert import CrossEncoder
from kdcore.models.twinbert import TwinBert
from kdcore.objectives.internal import relation_kl
from kdcore.objectives.params import InternalParams

TEXT = ("red shoes", "Red running shoes", "Cheap and light.")


def maps_of(tokens: str, *rows: list[float]) -> AttentionMaps:
    return AttentionMaps(tuple(tokens.split()), np.array([[rows]]), 4)


def test_pieces_of_a_word_are_added_up_as_a_target_and_averaged_as_a_source():
    maps = maps_of("run ##ning shoe", [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.0, 0.6, 0.4])
    words = maps.by_words()
    assert words.tokens == ("running", "shoe")
    assert words.maps[0, 0] == pytest.approx(np.array([[0.5, 0.5], [0.6, 0.4]]))


def test_the_divergence_of_heads_is_the_mean_kl_of_their_rows():
    teacher = maps_of("a b", [0.5, 0.5], [1.0, 0.0])
    student = maps_of("a b", [0.25, 0.75], [1.0, 0.0])
    kl = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert head_divergence(student, teacher)[0, 0, 0, 0] == pytest.approx(kl / 2)
    assert head_divergence(teacher, teacher)[0, 0, 0, 0] == 0
    with pytest.raises(DataError, match="other tokens"):
        head_divergence(maps_of("a c", [0.5, 0.5], [1.0, 0.0]), teacher)


def test_a_model_gives_a_map_for_every_head_and_scores_as_before():
    torch.manual_seed(0)
    params = {"layers": 2, "hidden": 16, "heads": 2, "vocabulary": 100}
    model = CrossEncoder.new(ModelConfig(name="bert", params=params), BINARY, TEXT)
    kernels = model.net.config._attn_implementation
    maps = attention_maps(model, TEXT)
    count = len(maps.tokens)
    assert maps.tokens[0] == "[CLS]"
    assert maps.maps.shape == (2, 2, count, count)
    assert maps.maps.sum(axis=3) == pytest.approx(1, abs=1e-5)
    assert model.net.config._attn_implementation == kernels


def test_the_loss_of_a_pair_is_the_engines_own_with_mixed_heads_as_their_mean_and_of_relations():
    torch.manual_seed(0)
    params = {"layers": 2, "hidden": 16, "vocabulary": 100}
    student, teacher = (
        attention_maps(
            CrossEncoder.new(ModelConfig(name="bert", params=params | {"heads": n}), BINARY, TEXT),
            TEXT,
        )
        for n in (2, 4)
    )
    mixed = InternalParams(heads="mix", cosine_weight=0.0)
    mean = AttentionMaps(student.tokens, student.maps.mean(axis=1, keepdims=True), 16)
    of_layers = head_divergence(mean, teacher)
    expected = of_layers[0, 0, 0].mean() + of_layers[1, 0, 1].mean()
    assert internal_loss(mixed, student, teacher) == pytest.approx(expected)
    with pytest.raises(ConfigError, match="one by one"):
        internal_loss(InternalParams(cosine_weight=0.0), student, teacher)
    relations = InternalParams(loss="minilm", relation_heads=2)
    mask = torch.ones(1, len(student.tokens), dtype=torch.bool)
    expected = sum(
        float(relation_kl(torch.tensor(q)[None], torch.tensor(p)[None], mask, 2))
        for q, p in zip(student.projections[1], teacher.projections[1], strict=True)
    )
    assert internal_loss(relations, student, teacher) == pytest.approx(expected)
    assert internal_loss(relations, teacher, teacher) == 0


def test_two_towers_have_no_attention_over_the_pair():
    params = {"layers": 1, "hidden": 16, "heads": 2, "vocabulary": 100}
    model = TwinBert.new(ModelConfig(name="twinbert_cos", params=params), BINARY, TEXT)
    with pytest.raises(DataError, match="query and ad apart"):
        attention_maps(model, TEXT)

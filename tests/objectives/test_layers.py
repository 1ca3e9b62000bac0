"""Which layers learn from which, in every stage, and tokens that do not line up."""

import pytest
import torch

from kdcore.errors import ConfigError, DataError
from kdcore.objectives.base import Shape
from kdcore.objectives.layers import active_pairs, blocks_of, layer_pairs, token_mask
from kdcore.outputs import Outputs


@pytest.mark.parametrize(
    ("rule", "student", "teacher", "pairs"),
    [
        ("skip", 6, 12, [(1, 2), (2, 4), (3, 6), (4, 8), (5, 10), (6, 12)]),  # layer 2k
        ("skip", 2, 3, [(1, 2), (2, 3)]),
        ("skip", 4, 4, [(1, 1), (2, 2), (3, 3), (4, 4)]),
        ("skip", 3, 2, [(1, 1), (2, 2), (3, 2)]),
        ("last", 2, 6, [(1, 5), (2, 6)]),
        ("first", 2, 6, [(1, 1), (2, 2)]),
        ("middle", 6, 12, [(3, 6)]),
        ("middle", 1, 3, [(1, 2)]),
        ("1 3 5 8 10 12", 6, 12, [(1, 1), (2, 3), (3, 5), (4, 8), (5, 10), (6, 12)]),
        ("0:0, 2:6", 2, 6, [(0, 0), (2, 6)]),
    ],
)
def test_layers_are_paired_by_a_rule_or_a_list(rule, student, teacher, pairs):
    assert layer_pairs(rule, student, teacher) == tuple(pairs)


@pytest.mark.parametrize("rule", ["skip", "last", "first", "middle"])
@pytest.mark.parametrize(("student", "teacher"), [(1, 1), (2, 5), (3, 4), (6, 12), (12, 24)])
def test_every_pair_exists_and_a_deeper_student_layer_learns_no_lower_one(rule, student, teacher):
    pairs = layer_pairs(rule, student, teacher)
    assert all(1 <= mine <= student and 1 <= theirs <= teacher for mine, theirs in pairs)
    assert sorted(pairs) == list(pairs)
    assert len({theirs for _, theirs in pairs}) == len(pairs)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("skipp", "'skipp' is not a layer; use skip, last, first, middle, or a list"),
        ("2 4 6", "3:6 is not a pair of layers: the student has 2, the teacher 4"),
        ("5", "1:5 is not a pair of layers"),
        ("", "'' is not a layer"),
        ("-1 2", "'-1' is not a layer"),
    ],
)
def test_layers_that_do_not_exist_are_refused_with_the_way_out(rule, sentence):
    with pytest.raises(ConfigError, match=sentence):
        layer_pairs(rule, 2, 4)


def test_a_student_deeper_than_its_teacher_has_no_last_or_first_layers_to_learn():
    with pytest.raises(ConfigError, match="needs a teacher of at least 4 layers; it has 2"):
        layer_pairs("last", 4, 2)


def test_a_model_without_hidden_states_is_refused():
    assert blocks_of(Shape(4, 8, layers=3), "student") == 2
    with pytest.raises(ConfigError, match="this student gives no hidden states; choose BERT-n"):
        blocks_of(Shape(4, 8), "student")


def test_stages_go_from_the_lowest_pair_upwards():
    pairs = ((1, 2), (2, 4), (3, 6))
    stages = range(4)
    assert [active_pairs("all", i, pairs) for i in stages] == [pairs] * 4
    assert [active_pairs("progressive", i, pairs) for i in stages] == [
        *(((1, 2),), ((2, 4),), ((3, 6),)),
        (),
    ]
    assert [active_pairs("stacked", i, pairs) for i in stages] == [
        *(pairs[:1], pairs[:2], pairs),
        pairs,
    ]


def test_tokens_that_do_not_line_up_are_refused():
    z = torch.zeros(2, 2)
    short, long = (Outputs(z, z, mask=torch.ones(2, n).bool()) for n in (5, 7))
    assert token_mask(short, short) is short.mask
    with pytest.raises(DataError, match=r"as 5 tokens, the teacher as 7: .* one tokenizer"):
        token_mask(short, long)
    with pytest.raises(DataError, match="without the mask"):
        token_mask(short, Outputs(z, z))

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, RobertaConfig, RobertaForMaskedLM

from kdcore.errors import ConfigError, DataError
from kdcore.language.plan import StudentPlan
from kdcore.language.start import new_student

SIZES = {"vocab_size": 30, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.fixture(scope="module")
def teacher():
    """A BERT of 12 layers whose weights are all different, norms and biases too."""
    torch.manual_seed(0)
    net = BertForMaskedLM(BertConfig(num_hidden_layers=12, max_position_embeddings=16, **SIZES))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_()
    return net.eval()


def test_six_of_twelve_layers_are_those_of_the_authors_script(teacher):
    student, chosen = new_student(StudentPlan(teacher="t"), teacher)
    assert chosen == [0, 2, 4, 7, 9, 11]
    mine, theirs = student.state_dict(), teacher.state_dict()
    # extract_distilbert.py, name by name
    inside = {
        "attention.q_lin": "attention.self.query",
        "attention.k_lin": "attention.self.key",
        "attention.v_lin": "attention.self.value",
        "attention.out_lin": "attention.output.dense",
        "sa_layer_norm": "attention.output.LayerNorm",
        "ffn.lin1": "intermediate.dense",
        "ffn.lin2": "output.dense",
        "output_layer_norm": "output.LayerNorm",
    }
    names = {
        "distilbert.embeddings.word_embeddings": "bert.embeddings.word_embeddings",
        "distilbert.embeddings.position_embeddings": "bert.embeddings.position_embeddings",
        "distilbert.embeddings.LayerNorm": "bert.embeddings.LayerNorm",
        "vocab_transform": "cls.predictions.transform.dense",
        "vocab_layer_norm": "cls.predictions.transform.LayerNorm",
        "vocab_projector": "cls.predictions.decoder",
        **{
            f"distilbert.transformer.layer.{i}.{to}": f"bert.encoder.layer.{layer}.{source}"
            for i, layer in enumerate(chosen)
            for to, source in inside.items()
        },
    }
    compared = set()
    for name, weight in mine.items():
        module, _, kind = name.rpartition(".")
        torch.testing.assert_close(weight, theirs[f"{names[module]}.{kind}"], rtol=0, atol=0)
        compared.add(module)
    assert compared == set(names)


def test_token_types_and_pooler_have_no_place_in_the_student(teacher):
    student, _ = new_student(StudentPlan(teacher="t"), teacher)
    assert any("token_type" in name for name in teacher.state_dict())
    assert not [n for n in student.state_dict() if "token_type" in n or "pooler" in n]


def test_a_student_of_every_layer_answers_as_its_teacher_without_token_types(teacher):
    """All layers copied: the only difference left is the embedding of the token type."""
    student, chosen = new_student(StudentPlan(teacher="t", layers=12), teacher)
    assert chosen == list(range(12))
    ids = torch.tensor([[1, 5, 9, 2, 7]])
    with torch.no_grad():
        before = teacher.bert.embeddings.token_type_embeddings.weight.clone()
        teacher.bert.embeddings.token_type_embeddings.weight.zero_()
        theirs = teacher(input_ids=ids).logits
        teacher.bert.embeddings.token_type_embeddings.weight.copy_(before)
        torch.testing.assert_close(student.eval()(input_ids=ids).logits, theirs)


def test_named_layers_are_copied_and_a_random_start_copies_none(teacher):
    student, chosen = new_student(StudentPlan(teacher="t", copied="11,3"), teacher)
    assert chosen == [11, 3]
    for place, layer in enumerate(chosen):
        mine = student.distilbert.transformer.layer[place].ffn.lin1.weight
        assert torch.equal(mine, teacher.bert.encoder.layer[layer].intermediate.dense.weight)
    student, chosen = new_student(StudentPlan(teacher="t", start="random"), teacher)
    assert chosen == []
    mine = student.distilbert.embeddings.word_embeddings.weight
    assert not torch.equal(mine, teacher.bert.embeddings.word_embeddings.weight)


def test_layers_that_the_teacher_has_not_got_and_other_teachers_are_refused(teacher):
    for settings in ({"layers": 13}, {"copied": "0,12"}):
        with pytest.raises(ConfigError, match="the teacher has 12"):
            new_student(StudentPlan(teacher="t", **settings), teacher)
    other = RobertaForMaskedLM(RobertaConfig(num_hidden_layers=1, **SIZES))
    with pytest.raises(
        DataError, match="t is a roberta model, and a DistilBERT starts from a BERT"
    ):
        new_student(StudentPlan(teacher="t"), other)

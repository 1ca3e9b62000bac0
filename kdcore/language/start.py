"""Untrained masked-word models, and what a student takes over from its teacher.

The copy is that of DistilBERT's authors (scripts/extract_distilbert.py): word and position
embeddings, some layers, and the head. Token types and the pooler have no place in a DistilBERT.
"""

from typing import Any

from torch import nn
from transformers import BertConfig, BertForMaskedLM, DistilBertConfig, DistilBertForMaskedLM

from kdcore.errors import ConfigError, DataError
from kdcore.language.plan import StorePlan, StoreStudentPlan, StudentPlan, TeacherPlan
from kdcore.models.layers import even_layers
from kdcore.models.tokens.wordpiece import WordPiece

POSITIONS = 128  # tokens that the lab's own models read


def new_teacher(plan: TeacherPlan, units: WordPiece) -> Any:
    """An untrained BERT with a masked-word head, for this tokenizer."""
    return _bert(plan, len(units), units.tokenizer.pad_token_id)


def _bert(plan: TeacherPlan | StoreStudentPlan, words: int, pad: int) -> Any:
    """A BERT of a plan's layers, width and heads."""
    config = BertConfig(
        vocab_size=words,
        hidden_size=plan.hidden,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        intermediate_size=4 * plan.hidden,
        max_position_embeddings=POSITIONS,
        initializer_range=plan.hidden**-0.5 / 2,  # 0.02 is meant for a width of 768
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=pad,
    )
    return BertForMaskedLM(config)


def new_student(plan: StudentPlan | StorePlan, teacher: Any) -> tuple[Any, list[int]]:
    """A DistilBERT of the teacher's width, and the teacher layers that it was started from.

    The list is empty for a random start. Raises DataError for a teacher that is no BERT, and
    ConfigError for layers that it does not have.
    """
    theirs = teacher.config
    if theirs.model_type != "bert":
        raise DataError(
            f"{plan.teacher} is a {theirs.model_type} model, and a DistilBERT starts from a BERT "
            "(BertForMaskedLM); choose one"
        )
    depth = theirs.num_hidden_layers
    copied = plan.copied_layers if isinstance(plan, StudentPlan) else []
    layers = plan.layers or len(copied) or max(depth // 2, 1)
    if layers > depth or max(copied, default=0) >= depth:
        wish = " ".join(map(str, copied)) or f"{layers} layers"
        raise ConfigError(
            "This student cannot start from its teacher:",
            [f"layers: the teacher has {depth} (0 to {depth - 1}), and {wish} were named"],
        )
    config = DistilBertConfig(
        vocab_size=theirs.vocab_size,
        max_position_embeddings=theirs.max_position_embeddings,
        dim=theirs.hidden_size,
        n_layers=layers,
        n_heads=theirs.num_attention_heads,
        hidden_dim=theirs.intermediate_size,
        dropout=theirs.hidden_dropout_prob,
        attention_dropout=theirs.attention_probs_dropout_prob,
        activation=theirs.hidden_act,
        initializer_range=theirs.initializer_range,
        pad_token_id=theirs.pad_token_id,
    )
    student = DistilBertForMaskedLM(config)
    if isinstance(plan, StudentPlan) and plan.start == "random":
        return student, []
    chosen = copied or even_layers(depth, layers)
    copy_bert(teacher, student, chosen)
    return student, chosen


def stored_student(plan: StoreStudentPlan, start: Any) -> Any:
    """The student that a store's start is, or an untrained one that reads the same words."""
    if plan.start == "copied":
        return start
    given = start.config
    if plan.architecture == "bert":
        return _bert(plan, given.vocab_size, given.pad_token_id)
    config = DistilBertConfig(
        vocab_size=given.vocab_size,
        max_position_embeddings=given.max_position_embeddings,
        dim=plan.hidden,
        n_layers=plan.layers,
        n_heads=plan.heads,
        hidden_dim=4 * plan.hidden,
        dropout=0.0,
        attention_dropout=0.0,
        initializer_range=plan.hidden**-0.5 / 2,
        pad_token_id=given.pad_token_id,
    )
    return DistilBertForMaskedLM(config)


def copy_bert(teacher: Any, student: Any, layers: list[int]) -> None:
    """Copy a BERT's embeddings, these 0-based layers in order, and its head into a DistilBERT."""
    theirs, mine = teacher.bert.embeddings, student.distilbert.embeddings
    _copy(theirs.word_embeddings, mine.word_embeddings)
    _copy(theirs.position_embeddings, mine.position_embeddings)
    _copy(theirs.LayerNorm, mine.LayerNorm)
    for block, layer in zip(student.distilbert.transformer.layer, layers, strict=True):
        source = teacher.bert.encoder.layer[layer]
        inside = source.attention.self
        _copy(inside.query, block.attention.q_lin)
        _copy(inside.key, block.attention.k_lin)
        _copy(inside.value, block.attention.v_lin)
        _copy(source.attention.output.dense, block.attention.out_lin)
        _copy(source.attention.output.LayerNorm, block.sa_layer_norm)
        _copy(source.intermediate.dense, block.ffn.lin1)
        _copy(source.output.dense, block.ffn.lin2)
        _copy(source.output.LayerNorm, block.output_layer_norm)
    head = teacher.cls.predictions
    _copy(head.transform.dense, student.vocab_transform)
    _copy(head.transform.LayerNorm, student.vocab_layer_norm)
    _copy(head.decoder, student.vocab_projector)


def _copy(source: nn.Module, target: nn.Module) -> None:
    target.load_state_dict(source.state_dict())

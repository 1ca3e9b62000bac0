"""Which student layer learns which teacher layer, when, and on which tokens."""

import re
from typing import Literal

from torch import Tensor

from kdcore.errors import ConfigError, DataError
from kdcore.objectives.base import Shape
from kdcore.outputs import Outputs

Pair = tuple[int, int]  # a student's layer and a teacher's: 0 the embeddings, k after block k
Schedule = Literal["all", "progressive", "stacked"]
RULES = ("skip", "last", "first", "middle")


def layer_pairs(rule: str, student: int, teacher: int) -> tuple[Pair, ...]:
    """Pair the blocks of a student of `student` blocks with those of a teacher of `teacher`.

    skip: the teacher's layers evenly, its last with the student's last; 2k where it is twice as
    deep (TinyBERT, arXiv:1909.10351). last, first: as many layers from that end, in order. middle:
    the one pair of FitNets (arXiv:1412.6550), hint and guided layer. Or a list: teacher layers for
    student layers 1, 2, ... (`2 4 6`), or pairs (`1:2 3:6`), 0 being the embeddings.

    ConfigError where a layer does not exist.
    """
    if rule in ("last", "first") and student > teacher:
        raise _problem(f"{rule!r} needs a teacher of at least {student} layers; it has {teacher}")
    blocks = range(1, student + 1)
    match rule:
        case "skip":
            return tuple((k, -(-k * teacher // student)) for k in blocks)
        case "last":
            return tuple((k, teacher - student + k) for k in blocks)
        case "first":
            return tuple((k, k) for k in blocks)
        case "middle":
            return (((student + 1) // 2, (teacher + 1) // 2),)
    pairs = tuple(_pair(entry, i) for i, entry in enumerate(re.split(r"[,\s]+", rule.strip()), 1))
    for mine, theirs in pairs:
        if mine > student or theirs > teacher:
            raise _problem(
                f"{mine}:{theirs} is not a pair of layers: the student has {student}, the teacher "
                f"{teacher}"
            )
    return pairs


def _pair(entry: str, position: int) -> Pair:
    numbers = re.fullmatch(r"(?:(\d+):)?(\d+)", entry)
    if numbers is None:
        raise _problem(f"{entry!r} is not a layer; use {', '.join(RULES)}, or a list such as 2 4 6")
    return int(numbers[1] or position), int(numbers[2])


def _problem(sentence: str) -> ConfigError:
    return ConfigError("These layers cannot be paired:", [f"layers: {sentence}"])


def blocks_of(shape: Shape, role: str) -> int:
    """How many blocks gave hidden states; ConfigError when none did."""
    if shape.layers < 2:
        raise _problem(
            f"this {role} gives no hidden states; choose BERT-n, which reads query and ad together"
        )
    return shape.layers - 1


def active_pairs(schedule: Schedule, stage: int, pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """The pairs that are learned in a stage, which counts from 0 (arXiv:1910.03723).

    all: every pair. progressive: one pair per stage, from the lowest. stacked: the same, but
    earlier pairs stay. Later stages: none for progressive, every pair for stacked.
    """
    if schedule == "progressive":
        return pairs[stage : stage + 1]
    return pairs if schedule == "all" else pairs[: stage + 1]


def token_mask(student: Outputs, teacher: Outputs) -> Tensor:
    """(batch, tokens) of the student, True where a token is real.

    DataError where the teacher reads the pairs as other tokens: the maps do not line up.
    """
    if student.mask is None or teacher.mask is None:
        raise DataError("token states came without the mask of their padding")
    if student.mask.shape != teacher.mask.shape:
        raise DataError(
            f"the student reads these pairs as {student.mask.shape[1]} tokens, the teacher as "
            f"{teacher.mask.shape[1]}: their token states do not line up; give both one tokenizer "
            "and the same query_tokens and ad_tokens"
        )
    return student.mask

"""Internal distillation: the student attends to what its teacher attends to, layer by layer.

Aguilar et al. 2020 (arXiv:1910.03723): KL of attention maps and cosine of [CLS] over pairs of
layers, all at once or stage by stage; or MiniLMv2 (Wang et al. 2021, arXiv:2012.15828): relations
between the tokens of one layer, for any width and number of heads. Both need models that read the
pair as the same tokens.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdcore.errors import ConfigError
from kdcore.objectives.base import Objective, Shape, Stages
from kdcore.objectives.feature import cosine
from kdcore.objectives.layers import (
    Pair,
    Schedule,
    active_pairs,
    blocks_of,
    layer_pairs,
    token_mask,
)
from kdcore.outputs import Outputs

SMALLEST = 1e-8  # a smaller probability of the student costs no more, and its gradient stays finite
RELATION_HEADS = 48  # MiniLMv2's number


def attention_kl(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL(teacher ‖ student) of attention rows: mean over heads and real rows, then over pairs.

    (1 / (H n)) Σ_h Σ_i KL(A^T_h[i] ‖ A^S_h[i]), mean over the batch. Direction and normalizer are
    our choice: the paper's were not found. Rows of padding are left out. 0 when the maps agree.

    Args:
        student, teacher: (batch, heads, tokens, tokens) probabilities; each row sums to 1.
        mask: (batch, tokens), True where a token is real.
    """
    log_ratio = teacher.clamp_min(SMALLEST).log() - student.clamp_min(SMALLEST).log()
    return _row_mean((teacher * log_ratio).sum(dim=-1), mask)


def relation_kl(student: Tensor, teacher: Tensor, mask: Tensor, heads: int) -> Tensor:
    """KL(teacher ‖ student) of softmax(X Xᵀ / √d) over the real tokens; mean as in attention_kl.

    MiniLMv2 for one kind of vector, X = queries, keys or values; d = width / heads. The number of
    heads is that of the relation and not of the models, so widths and heads may differ.

    Args:
        student, teacher: (batch, tokens, width), each its own width, a multiple of heads.
        mask: (batch, tokens), True where a token is real.
    """
    log_q, log_p = (_log_relations(x, mask, heads) for x in (student, teacher))
    padding = ~mask[:, None, None, :]
    divergence = log_p.exp() * (log_p - log_q).masked_fill(padding, 0.0)
    return _row_mean(divergence.sum(dim=-1), mask)


def _log_relations(x: Tensor, mask: Tensor, heads: int) -> Tensor:
    """(batch, heads, tokens, tokens) log softmax over real tokens."""
    batch, tokens, width = x.shape
    x = x.view(batch, tokens, heads, width // heads).transpose(1, 2)
    scores = x @ x.transpose(2, 3) / math.sqrt(width // heads)
    lowest = torch.finfo(x.dtype).min / 2  # not -inf: log p - log q must be a number at padding too
    return F.log_softmax(scores.masked_fill(~mask[:, None, None, :], lowest), dim=-1)


def _row_mean(rows: Tensor, mask: Tensor) -> Tensor:
    """Mean of (batch, heads, tokens) over heads and real tokens, then over the batch."""
    real = mask[:, None, :]
    means = (rows * real).sum(dim=(1, 2)) / (real.sum(dim=(1, 2)) * rows.shape[1]).clamp_min(1)
    return means.mean()


class HeadMix(nn.Module):
    """The student's maps as mixtures, one for each head of the teacher; each stays a distribution.

    Ours, for models whose numbers of heads differ: a learned (teacher heads, student heads) matrix
    with softmaxed rows, which starts with the mean of all heads.
    """

    def __init__(self, student: int, teacher: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(teacher, student))

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, student heads, tokens, tokens) -> (batch, teacher heads, tokens, tokens)."""
        return torch.einsum("ts,bsij->btij", self.weights.softmax(dim=1), maps)


class Internal(nn.Module):
    """Attention KL and [CLS] cosine over pairs of layers as an objective.

    active: the pairs that are learned now; enter_stage changes them. stages: how many there are and
    how long each is. The projection of [CLS], where widths differ, is shared by all pairs.
    """

    def __init__(
        self,
        pairs: tuple[Pair, ...],
        weights: tuple[float, float],
        project: nn.Module,
        mix: nn.Module,
        schedule: Schedule = "all",
        stages: Stages | None = None,
    ) -> None:
        super().__init__()
        self.pairs = self.active = pairs
        self.schedule, self.stages = schedule, stages
        self.attention_weight, self.cosine_weight = weights
        self.project, self.mix = project, mix

    def enter_stage(self, stage: int) -> None:
        """Learn the pairs of this stage, which counts from 0, from now on."""
        self.active = active_pairs(self.schedule, stage, self.pairs)

    def forward(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Sum over the active pairs of both losses, weighted; 0 when no pair is active."""
        mask = token_mask(student, teacher) if self.attention_weight else None
        total = student.logits.new_zeros(())
        for mine, theirs in self.active:
            if mask is not None:
                maps = self.mix(student.attentions[mine - 1])
                kl = attention_kl(maps, teacher.attentions[theirs - 1], mask)
                total = total + self.attention_weight * kl
            if self.cosine_weight:
                first = self.project(student.cls_states[mine])
                gap = cosine(first, teacher.cls_states[theirs])
                total = total + self.cosine_weight * gap
        return total


class TokenRelations(nn.Module):
    """MiniLMv2 as an objective: queries, keys and values of one pair of layers, weight 1 each."""

    def __init__(self, pair: Pair, heads: int) -> None:
        super().__init__()
        self.pair, self.heads = pair, heads

    def forward(self, student: Outputs, teacher: Outputs) -> Tensor:
        """Sum of the three relation losses."""
        mask = token_mask(student, teacher)
        mine = student.projections[self.pair[0] - 1]
        theirs = teacher.projections[self.pair[1] - 1]
        kinds = zip(mine, theirs, strict=True)
        return torch.stack([relation_kl(s, t, mask, self.heads) for s, t in kinds]).sum()


def objective(params: Any, student: Shape, teacher: Shape) -> Objective:
    """Internal distillation with these knobs (params.InternalParams)."""
    if params.loss == "minilm":
        return _token_relations(params, student, teacher)
    pairs = layer_pairs(params.layers, blocks_of(student, "student"), blocks_of(teacher, "teacher"))
    problems = []
    if any(0 in pair for pair in pairs):
        problems.append("layers: the embeddings (layer 0) attend to nothing; begin with layer 1")
    if student.heads != teacher.heads and params.heads == "equal" and params.attention_weight:
        problems.append(
            f"heads: the student's {student.heads} attention heads cannot be compared with the "
            f"teacher's {teacher.heads} one by one; choose heads 'mix', loss 'minilm', or a "
            f"student of {teacher.heads} heads"
        )
    if not params.attention_weight and not params.cosine_weight:
        problems.append("attention_weight, cosine_weight: both are 0; 1 and 1 are a safe start")
    if problems:
        raise ConfigError("This student cannot learn from inside this teacher:", problems)
    project: nn.Module = nn.Identity()
    mix: nn.Module = nn.Identity()
    if student.hidden != teacher.hidden and params.cosine_weight:
        project = nn.Linear(student.hidden, teacher.hidden, bias=False)
    if student.heads != teacher.heads and params.attention_weight:
        mix = HeadMix(student.heads, teacher.heads)
    weights = params.attention_weight, params.cosine_weight
    stages = None
    if params.schedule != "all":
        ends = params.schedule == "progressive"
        stages = Stages(len(pairs), params.stage_epochs, params.labels_last, ends)
    return Internal(pairs, weights, project, mix, params.schedule, stages)


def _token_relations(params: Any, student: Shape, teacher: Shape) -> Objective:
    blocks = blocks_of(student, "student"), blocks_of(teacher, "teacher")
    layer = params.teacher_layer or blocks[1]
    common = math.gcd(student.hidden, teacher.hidden)
    # the most heads up to MiniLMv2's that divide both widths
    heads = params.relation_heads or max(n for n in range(1, RELATION_HEADS + 1) if common % n == 0)
    problems = []
    if layer > blocks[1]:
        problems.append(f"teacher_layer: {layer} does not exist; the teacher has {blocks[1]}")
    if common % heads:
        problems.append(
            f"relation_heads: {heads} do not divide the widths {student.hidden} and "
            f"{teacher.hidden}; 0 chooses"
        )
    if problems:
        raise ConfigError("This student cannot learn from inside this teacher:", problems)
    return TokenRelations((blocks[0], layer), heads)

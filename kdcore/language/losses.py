"""DistilBERT's three losses: the teacher's soft labels, the hidden words, the last hidden state.

Sanh et al. 2019 (arXiv:1910.01108), with the formulas of the authors' training script, which
averages the first and third loss over the attended tokens of a batch and the second over its hidden
words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kdcore.language.plan import StudentPlan
from kdcore.objectives import feature
from kdcore.objectives.hard import UNSEEN as UNSEEN
from kdcore.objectives.hard import hidden_words as hidden_words
from kdcore.objectives.response import soft_kl


@dataclass(frozen=True)
class DistilLosses:
    """The weighted sum of the three losses; one of weight 0 is not computed and has no curve."""

    soft: float
    mlm: float
    cosine: float
    temperature: float
    only_hidden: bool = False

    @classmethod
    def of(cls, plan: StudentPlan) -> "DistilLosses":
        """With the weights of a plan."""
        weights = plan.soft_weight, plan.mlm_weight, plan.cosine_weight
        return cls(*weights, plan.temperature, plan.only_hidden)

    @property
    def needs_teacher(self) -> bool:
        """Whether the teacher's answers are read at all."""
        return bool(self.soft or self.cosine)

    def __call__(
        self, student: Any, teacher: Any, labels: Tensor, attended: Tensor
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a batch, and its parts without their weights.

        Args:
            student, teacher: outputs of transformers' masked models with hidden states; the teacher
                may be None where needs_teacher is False.
            labels: (texts, tokens), UNSEEN where nothing was hidden. attended: (texts, tokens),
                False at padding.
        """
        parts: dict[str, Tensor] = {}
        if self.soft:
            places = labels != UNSEEN if self.only_hidden else attended
            rows = student.logits[places], teacher.logits[places]
            parts["soft"] = soft_kl(*rows, self.temperature)
        if self.mlm:
            parts["mlm"] = hidden_words(student.logits, labels)
        if self.cosine:
            mine, theirs = (outputs.hidden_states[-1] for outputs in (student, teacher))
            parts["cosine"] = feature.cosine(mine, theirs, attended)
        weighted = [getattr(self, name) * part for name, part in parts.items()]
        return torch.stack(weighted).sum(), parts

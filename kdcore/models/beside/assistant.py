"""WithAssistant: a student and the assistant that adds what the student misses, as one model.

Gao et al. 2020 (arXiv:2002.09168). The student learns first; then it rests, and the assistant
learns the error that is left. The last layer of the assistant is 0 until it learns, so the student
answers alone until then, and a model that was saved before answers as its student does.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kdcore.config import ModelConfig, to_dict
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.knobs import build
from kdcore.models.base import ASSISTANT, PairModel
from kdcore.models.batches import Batch, Encoded
from kdcore.outputs import Outputs
from kdcore.predictions import WEIGHTS

Phase = Literal["student", "assistant", "both"]
Make = Callable[[ModelConfig], PairModel]


class WithAssistant(PairModel):
    """A student whose pooled vector (on: features) or answer (on: logits) an assistant corrects.

    Config, scheme and tokenizer are the student's. assistant: a model of its own size that reads
    the same tokens; a linear layer of it gives the correction.
    """

    def __init__(self, student: PairModel, assistant: PairModel, on: str) -> None:
        super().__init__(student.config, student.scheme, student.units)
        if on == "features" and not student.reads_features:
            raise ConfigError(
                "This student takes no correction of its features:",
                ["method.params.on: its head reads more than one vector; choose 'logits'"],
            )
        self.student: PairModel = student
        self.assistant: PairModel = assistant
        self.on = on
        self.pads, self.notes = student.pads, student.notes
        self.head_is_trained = student.head_is_trained
        self.phase: Phase = "both"
        numbers = student.width if on == "features" else len(student.scheme)
        correction = nn.Linear(assistant.width, numbers)
        nn.init.zeros_(correction.weight)
        nn.init.zeros_(correction.bias)
        assistant.set_linear_head(correction)

    @classmethod
    def load_beside(
        cls, student: PairModel, card: dict[str, Any], folder: Path, make: Make
    ) -> Self:
        """The student with the assistant that was saved in the same folder."""
        model = cls(student, make(build(ModelConfig, card["model"])), card["on"])
        model.assistant.load_weights(folder, ASSISTANT)
        return model

    def enter(self, phase: Phase) -> None:
        """Let the student learn alone, or the assistant while the student stays as it is."""
        if phase != self.phase:
            self.phase = phase
            self.student.requires_grad_(phase != "assistant")
            self.assistant.requires_grad_(phase != "student")
            self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Train or score; a student that stays as it is answers without dropout."""
        super().train(mode)
        if self.phase == "assistant":
            self.student.eval()
        return self

    def read(self, pairs: PairTable) -> Encoded:
        """Tokenize as the student does."""
        return self.student.read(pairs)

    def forward(self, batch: Batch, wants: frozenset[str] = frozenset()) -> Outputs:
        """The student's Outputs, corrected; what is inside the layers is the student's."""
        self.student.products = self.assistant.products = self.products
        own: Outputs = self.student(batch, wants)
        if self.phase == "student":  # the correction is still 0
            return own
        correction: Tensor = self.assistant(batch).logits
        if self.on == "logits":
            return replace(own, logits=own.logits + correction)
        features = own.features + correction
        return replace(own, logits=self.student.classify(features), features=features)

    def embeddings(self) -> list[nn.Embedding | nn.EmbeddingBag]:
        """The tables of both, or none where the student's cannot be narrowed: ids are the same."""
        own = self.student.embeddings()
        return own + self.assistant.embeddings() if own else []

    def calibrate(self, batch: Batch, shares: Tensor) -> None:
        """Set the student's head from a first batch."""
        self.student.calibrate(batch, shares)

    def card(self) -> dict[str, Any]:
        """The student's card, and what is needed to build the assistant."""
        assistant = {"model": to_dict(self.assistant.config), "on": self.on}
        return self.student.card() | {"assistant": assistant}

    def _save_network(self, folder: Path) -> None:
        """The student's files; the assistant's weights stand among the student's."""
        self.student._save_network(folder)
        weights = load_file(folder / WEIGHTS)
        own = self.assistant.network().state_dict().items()
        weights |= {f"{ASSISTANT}{name}": tensor.contiguous() for name, tensor in own}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

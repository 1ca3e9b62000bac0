"""Which words of a text are hidden, and what a model reads in their place."""

from dataclasses import dataclass

import torch
from torch import Tensor

from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.objectives.hard import UNSEEN

HIDDEN_SHARE = 0.15  # BERT's share of hidden words
SKEWED = 2 / 3  # share of a training in which rare words are hidden more often


@dataclass(frozen=True)
class Masking:
    """Hides tokens as BERT does; ids may have any shape.

    chance: (vocabulary,) how likely each piece is to be hidden, not normalized; 0 for special
    tokens. share: of the tokens that are no padding, how many are hidden.
    """

    chance: Tensor
    pad: int
    mask: int
    last_special: int
    share: float = HIDDEN_SHARE

    @classmethod
    def of(
        cls,
        units: WordPiece,
        device: torch.device,
        *,
        share: float = HIDDEN_SHARE,
        chance: Tensor | None = None,
    ) -> "Masking":
        """For the pieces of a tokenizer; chance: of each piece, else the same for all."""
        special = units.tokenizer
        chance = torch.ones(len(units)) if chance is None else chance.float()
        chance = chance.clone()
        chance[special.all_special_ids] = 0
        return cls(
            chance.to(device),
            special.pad_token_id,
            special.mask_token_id,
            max(special.all_special_ids),
            share,
        )

    def hide(self, ids: Tensor, done: float = 1.0) -> tuple[Tensor, Tensor]:
        """(ids to read, labels), as BERT: 80 % [MASK], 10 % another word, 10 % the same.

        done: share of the training that is over. Hiding rare words more often teaches faster but
        skews P(word); an even last third sets it right (ours).
        """
        hidden = self._draw(ids, even=done >= SKEWED)
        kind = torch.rand(ids.shape, device="cpu").to(ids.device)
        other = torch.randint(self.last_special + 1, len(self.chance), ids.shape).to(ids.device)
        read = ids.masked_fill(hidden & (kind < 0.8), self.mask)
        read = torch.where(hidden & (kind >= 0.9), other, read)
        return read, ids.masked_fill(~hidden, UNSEEN)

    def mask_words(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(ids to read, labels) with every hidden word replaced by [MASK], to measure a model."""
        hidden = self._draw(ids, even=True)
        return ids.masked_fill(hidden, self.mask), ids.masked_fill(~hidden, UNSEEN)

    def _draw(self, ids: Tensor, even: bool) -> Tensor:
        """Which tokens are hidden: the share of the real ones, drawn without replacement."""
        chance = self.chance[ids]
        chance = ((chance > 0).float() if even else chance).flatten().cpu()
        usual = round(self.share * int((ids != self.pad).sum()))
        most = int((chance > 0).sum())  # special tokens are never hidden
        hidden = torch.zeros(ids.numel(), dtype=torch.bool)
        hidden[torch.multinomial(chance, max(min(usual, most), 1))] = True
        return hidden.view(ids.shape).to(ids.device)
